"""A blueprint as a Terraform configuration. Pure.

::

    origins ◄── distribution ◄── around (staging, tenants, logs, IAM, Slack)
                                    ▲
                                 template ──► document (HCL)
"""

from collective.cloudfront.blueprint.terraform.template import render


__all__ = ["render"]

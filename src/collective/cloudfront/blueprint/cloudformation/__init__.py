"""A blueprint as a CloudFormation template. Pure.

::

    policies ◄── distribution ◄── around (VPC origins, staging, tenants, logs)
                                    ▲
                                  access (IAM) ◄── slack, ecs ◄── template
                                                                     └──► document (YAML)
"""

from collective.cloudfront.blueprint.cloudformation.template import render
from collective.cloudfront.blueprint.cloudformation.template import render_plone
from collective.cloudfront.blueprint.cloudformation.template import template


__all__ = ["render", "render_plone", "template"]

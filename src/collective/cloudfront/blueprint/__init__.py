"""The one description of the right CloudFront distribution for Plone.

::

    Options ──► right() ──► Blueprint ──► cloudformation, terraform, cdk   text of templates
                                │
                                └──────► whoever compares a distribution with it

It is pure: no Zope, no boto3, no files. ``options`` has what people choose, ``values`` what
comes out, ``reasons`` why, and ``patterns`` knows which behavior serves a path.
"""

from collective.cloudfront.blueprint.options import Editors
from collective.cloudfront.blueprint.options import Flaw
from collective.cloudfront.blueprint.options import Interface
from collective.cloudfront.blueprint.options import Options
from collective.cloudfront.blueprint.options import Protocol
from collective.cloudfront.blueprint.options import RunsOn
from collective.cloudfront.blueprint.options import Server
from collective.cloudfront.blueprint.options import Tenant
from collective.cloudfront.blueprint.options import WrongOptions
from collective.cloudfront.blueprint.right import right
from collective.cloudfront.blueprint.values import Blueprint


__all__ = [
    "Blueprint",
    "Editors",
    "Flaw",
    "Interface",
    "Options",
    "Protocol",
    "right",
    "RunsOn",
    "Server",
    "Tenant",
    "WrongOptions",
]

"""The distribution that our template describes, before a Zope."""

from collective.cloudfront.blueprint import Options as Choices
from collective.cloudfront.blueprint import right
from collective.cloudfront.blueprint.cloudformation import render
from collective.cloudfront.demo.instance import Instance
from collective.cloudfront.local import LocalCloudFront
from collective.cloudfront.local import Options
from collective.cloudfront.local.template import parse_template
from collective.cloudfront.tests.http.conftest import DISTRIBUTION


#: The public host name.
HOST = "www.example.com"
_PARAMETERS = {"CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/x"}


def fronted(zope: Instance, tags: bool, host: str = HOST) -> LocalCloudFront:
    """Return the distribution for Classic UI before ``zope``, not started."""
    text = render(right(Choices(domains=("site.test",), site="Plone", tags=tags)))
    text = text.replace("site.test", host)
    return LocalCloudFront(
        origin=zope.url,
        options=Options(
            distributions=(DISTRIBUTION,),
            effect_delay=0.05,
            completion_delay=1.0,
            api_rate=20.0,
        ),
        api_port=zope.api_port,
        template=parse_template(text, _PARAMETERS),
    )

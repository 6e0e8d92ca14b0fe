"""Options that a person may choose: any, and those that matter."""

from collective.cloudfront.blueprint import Editors
from collective.cloudfront.blueprint import Interface
from collective.cloudfront.blueprint import Options
from collective.cloudfront.blueprint import Protocol
from collective.cloudfront.blueprint import RunsOn
from collective.cloudfront.blueprint import Server
from collective.cloudfront.blueprint import Tenant
from collective.cloudfront.blueprint.options import ECS
from hypothesis import strategies as st


CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234"
BUCKET = "arn:aws:s3:::logs-of-example"
WEB_ACL = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/plone/1234"
LOAD_BALANCER = (
    "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/plone/1"
)

_label = st.from_regex(r"[a-z][a-z0-9-]{0,8}[a-z0-9]", fullmatch=True)
_host = st.builds("{}.{}.example".format, _label, _label)
_name = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,39}", fullmatch=True)
_site = st.sampled_from(["", "Plone", "sites/intranet", "p.l-o_n3"])
_server = st.builds(
    Server,
    st.builds("origin.{}".format, _host),
    st.sampled_from([80, 443, 8080, 3000, 65535]),
    st.sampled_from(Protocol),
    st.sampled_from(["", LOAD_BALANCER]),
)


@st.composite
def any_options(draw: st.DrawFn) -> Options:
    """Return options that do not contradict each other."""
    interface = draw(st.sampled_from(Interface))
    editors = draw(st.sampled_from(Editors))
    names = draw(st.lists(_host, max_size=6, unique=True))
    tenants, domains, of_editors = (), tuple(names[:3]), tuple(names[3:])
    if names and draw(st.booleans()):
        tenants = tuple(
            Tenant(f"{draw(_name)[:38]}-{number}", name, draw(_site))
            for number, name in enumerate(names)
        )
        domains = of_editors = ()
    volto = interface is Interface.VOLTO
    origin, api_origin = draw(_server), draw(st.none() | _server) if volto else None
    if draw(st.booleans()):
        # Plone itself is in the template
        origin, api_origin = (origin, ECS) if volto else (ECS, None)
    runs_on = draw(st.sampled_from(RunsOn))
    return Options(
        interface=interface,
        domains=domains,
        origin=origin,
        api_origin=api_origin,
        site=draw(_site) if domains or tenants else "",
        name=draw(_name),
        tags=draw(st.booleans()),
        tag_header=draw(st.sampled_from(["Cache-Tag", "X-Tags"])),
        editors=editors,
        editors_domains=of_editors if editors is Editors.HOST else (),
        logs=draw(st.sampled_from(["", BUCKET])),
        web_acl=draw(st.sampled_from(["", WEB_ACL])),
        certificate=draw(st.sampled_from(["", CERTIFICATE])),
        hsts=draw(st.booleans()),
        tenants=tenants,
        staging=draw(st.booleans()) and not tenants,
        slack=draw(st.booleans()) and not tenants,
        runs_on=RunsOn.ECS if ECS in (origin, api_origin) else runs_on,
        oidc_provider="oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLE",
    )


# Combinations that matter

TENANTS = (Tenant("a", "a.example.com"), Tenant("b", "b.example.com", "sites/b"))
PRIVATE = Server("plone.internal.example", 8080, vpc_arn=LOAD_BALANCER)
EVERYTHING = Options(
    interface=Interface.VOLTO,
    domains=("www.example.com", "example.com"),
    origin=Server("volto.example.com", 3000),
    api_origin=PRIVATE,
    editors=Editors.HOST,
    editors_domains=("edit.example.com",),
    logs=BUCKET,
    web_acl=WEB_ACL,
    certificate=CERTIFICATE,
    staging=True,
    slack=True,
    runs_on=RunsOn.ECS,
)
COMBINATIONS = {
    "classic": Options(),
    "classic, no tags": Options(tags=False, hsts=False),
    "classic, no domain": Options(domains=(), site=""),
    "classic, behind nginx": Options(site=""),
    "classic, VPC": Options(origin=PRIVATE, runs_on=RunsOn.POD_IDENTITY),
    "classic, editors": Options(
        editors=Editors.HOST, editors_domains=("edit.example.com",), logs=BUCKET
    ),
    "classic, tenants": Options(domains=(), tenants=TENANTS, logs=BUCKET),
    "volto": Options(interface=Interface.VOLTO, runs_on=RunsOn.USER),
    "volto, tenants": Options(
        interface=Interface.VOLTO,
        domains=(),
        site="",
        tenants=TENANTS,
        certificate=CERTIFICATE,
        runs_on=RunsOn.NOBODY,
    ),
    "volto, IRSA": Options(
        interface=Interface.VOLTO,
        api_origin=PRIVATE,
        runs_on=RunsOn.IRSA,
        oidc_provider="oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLE",
    ),
    "classic, ECS": Options(origin=ECS, runs_on=RunsOn.ECS),
    "volto, ECS": Options(
        interface=Interface.VOLTO, api_origin=ECS, runs_on=RunsOn.ECS, slack=True
    ),
    "everything": EVERYTHING,
}

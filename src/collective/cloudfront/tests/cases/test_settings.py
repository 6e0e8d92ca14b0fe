"""Specification: what is set in control panels and in the Management Interface is seen."""

from collective.cloudfront.tests.cases.conftest import make
from plone import api
from plone.app.theming.utils import applyTheme
from plone.registry.interfaces import IRegistry
from Products.PageTemplates.ZopePageTemplate import manage_addPageTemplate
from urllib.parse import quote
from zope.component import getUtility

import pytest
import transaction


_JSON = " application/json"
_QUERY = (
    '{"query":[{"i":"portal_type","o":"plone.app.querystring.operation.selection.any",'
    '"v":["Document"]}]}'
)
CLASSIC = (
    "",
    "/folder/page",
    "/listing",
    "/folder/two/three/four/deep",
    "/sitemap",
    "/sitemap.xml.gz",
    "/robots.txt",
    "/listing/RSS",
    "/@@search?SearchableText=Page",
    "/@@updated_search?SearchableText=Page",
    "/folder/page?set_language=de",
    "/author/bob",
)
REST = tuple(
    url + _JSON
    for url in (
        "/folder/page",
        "/folder?fullobjects=1",
        "/@search?SearchableText=Page",
        f"/@querystring-search?query={quote(_QUERY)}",
        "/folder/page/@navigation?expand.navigation.depth=3",
        "/folder/page/@breadcrumbs",
        "/folder/page/@contextnavigation",
        "/folder/page?expand=breadcrumbs,navigation,actions,navroot",
        "/folder/page/@types",
        "/folder/page/@comments",
        "/@vocabularies/plone.app.vocabularies.ReallyUserFriendlyTypes",
        "/@querystring",
        "/@site",
    )
)

_MODEL = """<model xmlns="http://namespaces.plone.org/supermodel/schema"><schema>
<field name="extra" type="zope.schema.TextLine"><title>Extra</title>
<default>Some</default></field></schema></model>"""


def setting(name, value):
    return lambda site: getUtility(IRegistry).__setitem__(name, value)


def behavior(site):
    fti = site.portal_types.Document
    names = [*fti.behaviors, "plone.leadimage"]
    fti.manage_changeProperties(behaviors="\n".join(names))


def schema(site):
    fti = site.portal_types.Document
    fti.manage_changeProperties(model_source=_MODEL, schema="", model_file="")


def chain(site):
    workflows = site.portal_workflow
    workflows.setChainForPortalTypes(["Document"], ["intranet_workflow"])
    workflows.updateRoleMappings()


def role(site):
    states = site.portal_workflow.simple_publication_workflow.states
    states.published.setPermission("View", 0, ["Manager", "Reader"])
    site.portal_workflow.updateRoleMappings()


def group(site):
    api.group.create("team", title="Team")
    api.group.grant_roles(groupname="team", roles=["Reader"], obj=site["folder"])
    api.group.add_user(groupname="team", username="bob")
    site.portal_groups.editGroup("team", title="The team")


CHANGES = {
    "title of the site": setting("plone.site_title", "Other"),
    "format of dates": setting(
        "Products.CMFPlone.i18nl10n.override_dateformat.Enabled", True
    ),
    "language": setting("plone.default_language", "de"),
    "robots.txt": setting("plone.robots_txt", "User-agent: *\nDisallow: /folder"),
    "custom css": setting(
        "plone.app.theming.interfaces.IThemeSettings.custom_css", "body{}"
    ),
    "theme": lambda site: applyTheme(None),
    "action": lambda site: site.portal_actions.site_actions._delObject("sitemap"),
    "template": lambda site: manage_addPageTemplate(
        site.portal_skins.custom, "foo", text="<p>new</p>"
    ),
    "title of a type": lambda site: site.portal_types.Document.manage_changeProperties(
        title="Leaf"
    ),
    "removed type": lambda site: site.portal_types.manage_delObjects(["Link"]),
    "behavior": behavior,
    "schema": schema,
    "chain": chain,
    "role": role,
    "full name": lambda site: api.user.get("bob").setMemberProperties(
        {"fullname": "Robert"}
    ),
    "group": group,
    "new page": lambda site: make(site["folder"], "Document", "new", title="Page"),
    "retracted page": lambda site: api.content.transition(
        site["folder"]["page"], "retract"
    ),
}
#: The ones to see in each run; ``make test-long`` sees all of them.
_FEW = {"action", "role", "full name", "new page", "retracted page"}


@pytest.fixture
def filled(edge, site):
    api.user.create(
        email="bob@example.org",
        username="bob",
        password="secret!12345678",
        properties={"fullname": "Bob"},
    )
    registry = getUtility(IRegistry)
    registry["plone.enable_sitemap"] = True
    registry["plone.allow_anon_views_about"] = True
    page = site["folder"]["page"]
    page.creators = ("bob",)
    page.reindexObject()
    transaction.commit()
    edge.visit(*CLASSIC, *REST)
    return edge


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(name, marks=[] if name in _FEW else [pytest.mark.only_long])
        for name in CHANGES
    ],
)
def test_pages_and_answers_of_rest_are_purged(filled, site, change):
    assert filled.kept
    with filled.change():
        CHANGES[change](site)
    assert not filled.wrong()

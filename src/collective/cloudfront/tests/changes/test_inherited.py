"""Specification: what pages show of the site and of sections above them is purged with
these, as fields of themes and add-ons; the texts of sections are not.
"""

from collective.cloudfront.changes.transaction import changes_of
from collective.cloudfront.tests.changes.test_changes import collected
from collective.cloudfront.tests.changes.test_changes import create
from collective.cloudfront.tests.changes.test_changes import edited
from collective.cloudfront.tests.changes.test_changes import reached
from collective.cloudfront.tests.changes.test_changes import setting
from collective.cloudfront.tests.changes.test_changes import site  # noqa: F401
from collective.cloudfront.tests.changes.test_unannounced import commit
from dataclasses import replace
from plone import api
from plone.app.contenttypes.behaviors.leadimage import ILeadImage
from plone.app.contenttypes.behaviors.richtext import IRichText
from plone.uuid.interfaces import IUUID
from zope import schema
from zope.event import notify
from zope.interface import alsoProvides
from zope.interface import Interface
from zope.interface.interface import InterfaceClass
from zope.lifecycleevent import Attributes
from zope.lifecycleevent import ObjectModifiedEvent

import pytest
import transaction


class IHeader(Interface):
    """A behavior of a theme."""

    intranet_flag = schema.TextLine()
    text = schema.TextLine()


class ISection(Interface):
    """A marker by which a theme knows the root of a section."""


#: As plone.dexterity makes schemas of what somebody clicked together.
MADE_TTW = InterfaceClass(
    "IMadeThroughTheWeb",
    (Interface,),
    {"text": schema.TextLine()},
    __module__="plone.dexterity.schema.generated",
)


@pytest.fixture
def section(site):  # noqa: F811
    """A section deeper than the navigation, with a page in it."""
    folder = site
    for name in ("a", "b", "c", "d", "section"):
        folder = create(folder, "Folder", id=name)
    create(folder, "Document", id="page")
    transaction.savepoint(optimistic=True)
    items()
    return folder


HERE, BELOW = "/a/b/c/d/section", "/a/b/c/d/section/page"


def items() -> set[str]:
    """Return the items collected so far, and forget them."""
    return collected(api.portal.get())


def told(obj, *changed) -> None:
    """Tell which fields of which schemas were edited."""
    notify(ObjectModifiedEvent(obj, *changed))


def hide_everything() -> None:
    """Give everything a workflow, in whose first state visitors do not see it."""
    workflows = api.portal.get_tool("portal_workflow")
    workflows.setDefaultChain("simple_publication_workflow")
    workflows.updateRoleMappings()
    items()


class TestByPaths:
    @pytest.mark.parametrize(
        "field",
        [
            Attributes(IHeader, "IHeader.intranet_flag"),
            Attributes(IHeader, "IHeader.text"),
            Attributes(MADE_TTW, "text"),
            Attributes(ILeadImage, "ILeadImageBehavior.image"),
            IHeader,
        ],
    )
    def test_a_field_of_a_section_reaches_the_pages_below(self, section, field):
        told(section, Attributes(IRichText, "IRichTextBehavior.text"), field)
        assert reached(items(), HERE, BELOW, f"{BELOW}?x=1")

    def test_a_field_of_an_add_on_costs_one_item(self, section):
        told(section, Attributes(IHeader, "IHeader.intranet_flag"))
        assert items() == {f"{HERE}*"}

    def test_the_text_of_a_section_spares_the_pages_below(self, section):
        told(section, Attributes(IRichText, "IRichTextBehavior.text"))
        assert not reached(items(), BELOW)

    def test_the_subjects_of_a_private_section_spare_the_pages_below(self, section):
        hide_everything()
        edited(section, "IDublinCore.subjects")
        assert not reached(items(), BELOW)

    def test_a_field_of_a_private_section_reaches_the_pages_below(self, section):
        hide_everything()
        told(section, Attributes(IHeader, "IHeader.intranet_flag"))
        assert reached(items(), BELOW)

    def test_an_event_that_names_no_field_reaches_the_pages_below(self, section):
        setting("navigation_changes", "object")
        told(api.portal.get()["a"])
        assert reached(items(), BELOW)

    def test_a_field_of_the_site_reaches_every_page(self, section):
        told(api.portal.get(), Attributes(IHeader, "IHeader.intranet_flag"))
        assert items() == {"/*"}

    def test_the_text_of_the_site_spares_the_other_pages(self, section):
        told(api.portal.get(), Attributes(IRichText, "IRichTextBehavior.text"))
        assert not reached(items(), BELOW)

    def test_a_field_of_a_section_reaches_the_answers_of_rest_below(self, section):
        setting("api_paths", "on")
        told(section, Attributes(IHeader, "IHeader.intranet_flag"))
        url = f"/++api++{BELOW}/@inherit?expand.inherit.behaviors=header"
        assert reached(items(), url, f"/++api++{BELOW}?expand=inherit")

    def test_a_field_of_a_page_with_nothing_below_costs_nothing_more(self, section):
        told(section["page"], Attributes(IHeader, "IHeader.intranet_flag"))
        assert items() == {f"{BELOW}*"}


class TestByTags:
    @pytest.fixture(autouse=True)
    def tags_only(self, section):
        changes = changes_of(api.portal.get())
        changes.settings = replace(changes.settings, by_tags=True, by_paths=False)

    def test_a_field_of_a_section_purges_what_has_its_label(self, section):
        told(section, Attributes(IHeader, "IHeader.intranet_flag"))
        found = items()
        assert f"#{IUUID(section)}.l" in found
        assert f"#{IUUID(section.aq_parent)}.c" not in found, "no listing shows it"

    def test_a_field_of_the_site_purges_what_has_its_label(self, section):
        told(api.portal.get(), Attributes(IHeader, "IHeader.intranet_flag"))
        assert f"#{IUUID(api.portal.get())}.l" in items()

    def test_the_text_of_a_section_does_not(self, section):
        told(section, Attributes(IRichText, "IRichTextBehavior.text"))
        assert f"#{IUUID(section)}.l" not in items()

    def test_a_field_of_a_page_with_nothing_below_does_not(self, section):
        told(section["page"], Attributes(IHeader, "IHeader.intranet_flag"))
        assert f"#{IUUID(section['page'])}.l" not in items()


class TestWithoutAnEvent:
    @pytest.fixture
    def folder(self, functional_portal):
        folder = api.content.create(functional_portal, "Folder", id="folder")
        api.content.create(folder, "Document", id="page")
        folder.text = "Old"
        alsoProvides(folder, ISection)
        transaction.commit()
        return folder

    def test_an_attribute_reaches_the_pages_below(self, functional_portal, folder):
        folder.intranet_flag = "New"
        commit()
        assert reached(items(), "/folder/page")

    def test_a_marker_reaches_the_pages_below(self, functional_portal, folder):
        alsoProvides(folder, IHeader)
        commit()
        assert reached(items(), "/folder/page")

    def test_a_text_spares_the_pages_below(self, functional_portal, folder):
        folder.text = "New"
        commit()
        found = items()
        assert reached(found, "/folder")
        assert not reached(found, "/folder/page")

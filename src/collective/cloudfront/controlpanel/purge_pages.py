""" "Purge pages or a section": typed, looked at, then done by POST."""

from collective.cloudfront.controlpanel.purge_form import PurgeForm
from collective.cloudfront.controlpanel.sentences import known_hosts
from collective.cloudfront.controlpanel.sentences import problem_sentence
from collective.cloudfront.i18n import _
from collective.cloudfront.manual.lines import items_of
from collective.cloudfront.manual.lines import Line
from collective.cloudfront.manual.lines import read_lines
from collective.cloudfront.manual.purge import content_at
from collective.cloudfront.manual.purge import ManualPurge
from collective.cloudfront.manual.purge import Preview
from functools import cached_property
from plone.app.uuid.utils import uuidToObject
from plone.app.z3cform.widgets.contentbrowser import get_contentbrowser_options
from Products.CMFCore.interfaces import IContentish
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from typing import Any

import json


class PurgePages(PurgeForm):
    """``@@cloudfront-purge``: shows what would be purged; purges when asked to."""

    index = ViewPageTemplateFile("purge_pages.pt")

    preview: Preview | None = None

    @property
    def below(self) -> bool:
        """Whether all below the section is meant, as it is at first."""
        return self.request.method != "POST" or bool(self.typed("below"))

    @cached_property
    def lines(self) -> list[Line]:
        """The lines that were typed."""
        return read_lines(self.typed("lines"), known_hosts(self.context))

    @property
    def bad_lines(self) -> list[tuple[Line, str]]:
        """The lines that cannot be purged, each with a sentence."""
        return [
            (line, problem_sentence(line.problem))
            for line in self.lines
            if line.problem
        ]

    @cached_property
    def section(self) -> Any:
        """The content that was chosen, by its UID or its path in the site, or None."""
        value = self.typed("section")
        found = uuidToObject(value, unrestricted=True) if value else None
        if found is None and value.strip("/"):
            found, _nearest = content_at(self.context, value)
        return found if IContentish.providedBy(found) else None

    @property
    def browser_options(self) -> str:
        """Settings of Plone's content browser, as JSON."""
        options = get_contentbrowser_options(
            self.context,
            self.typed("section") if self.section is not None else "",
            ";",
            "plone.app.vocabularies.Catalog",
            "@@getVocabulary",
        )
        return json.dumps({**options, "maximumSelectionSize": 1})

    def read(self, purge: ManualPurge) -> None:
        """See ``PurgeForm``."""
        if self.bad_lines:
            self.errors["lines"] = _(
                "lines_wrong", default="Some lines cannot be purged:"
            )
        if self.typed("section") and self.section is None:
            self.errors["section"] = _(
                "section_unknown", default="There is no such content in this site."
            )
        if not (self.lines or self.typed("section")):
            self.errors["form"] = _(
                "nothing_typed", default="Specify pages or a section."
            )
        if self.errors:
            return
        purge.add_items(items_of(self.lines))
        if self.section is not None:
            purge.add_content(self.section, self.below)

    def wants_preview(self, purge: ManualPurge) -> bool:
        """See ``PurgeForm``."""
        if self.typed("send"):
            return False
        self.preview = purge.preview()
        return True

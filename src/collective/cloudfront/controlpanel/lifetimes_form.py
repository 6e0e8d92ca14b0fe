"""Two questions about lifetimes, and what is in force now."""

from collective.cloudfront.controlpanel.lifetimes import API
from collective.cloudfront.controlpanel.lifetimes import choose
from collective.cloudfront.controlpanel.lifetimes import chosen
from collective.cloudfront.controlpanel.lifetimes import fixed_rules
from collective.cloudfront.controlpanel.lifetimes import in_force
from collective.cloudfront.controlpanel.lifetimes import is_caching_enabled
from collective.cloudfront.controlpanel.lifetimes import Kind
from collective.cloudfront.controlpanel.lifetimes import KINDS
from collective.cloudfront.controlpanel.lifetimes import PAGES
from collective.cloudfront.controlpanel.lifetimes import SECONDS
from collective.cloudfront.controlpanel.lifetimes import WORDS
from collective.cloudfront.controlpanel.page import CloudFrontPage
from collective.cloudfront.i18n import _
from collective.cloudfront.settings import read_settings
from collective.cloudfront.settings.records import has_volto
from dataclasses import dataclass
from functools import cached_property
from plone import api
from plone.app.registry.browser.controlpanel import ControlPanelFormWrapper
from plone.protect import CheckAuthenticator
from plone.protect import PostOnly
from plone.registry.interfaces import IRegistry
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from typing import Any
from z3c.caching.interfaces import IRulesetType
from z3c.form import button
from z3c.form import field
from z3c.form import form
from zope.component import getUtility
from zope.component import queryUtility
from zope.i18nmessageid import MessageFactory
from zope.schema import Choice
from zope.schema.vocabulary import SimpleTerm
from zope.schema.vocabulary import SimpleVocabulary

import logging


logger = logging.getLogger("collective.cloudfront")

#: Message ids of Plone, which has translations for them.
_plone = MessageFactory("plone")

VIEW = "@@cloudfront-lifetimes"
#: Leave what somebody has set elsewhere.
KEEP = "keep"
_TITLES = {
    PAGES.name: _(
        "label_page_lifetime", default="Pages, feeds, files, and image scales"
    ),
    API.name: _("label_api_lifetime", default="REST API, searches included"),
}
_HELP_PAGES = _(
    "help_page_lifetime",
    default="A change purges them, so that visitors see it within seconds, however long "
    "they are kept.",
)
_HELP_PURGED = _(
    "help_api_lifetime_tags",
    default="A change purges them by cache tag, so that they may be kept for a day.",
)
_HELP_NOT_PURGED = _(
    "help_api_lifetime_paths",
    default="Changes are purged by path in this site, which does not purge searches. "
    "Visitors may see outdated results for as long as you choose here.",
)


class LifetimesForm(form.Form):
    """Asks how long CloudFront keeps two kinds of responses."""

    id = "cloudfront-lifetimes"
    ignoreContext = False
    enableCSRFProtection = True
    enable_autofocus = False

    @cached_property
    def registry(self) -> IRegistry:
        """The site's registry."""
        return getUtility(IRegistry)

    def getContent(self) -> dict[str, str]:
        """Return what is chosen now."""
        return {
            name: chosen(self.registry, kind) or KEEP for name, kind in KINDS.items()
        }

    def update(self) -> None:
        """Ask for what can be chosen in this site."""
        settings = read_settings(self.registry)
        by_tags = settings is not None and settings.by_tags
        help_texts = {
            PAGES.name: _HELP_PAGES,
            API.name: _HELP_PURGED if by_tags else _HELP_NOT_PURGED,
        }
        self.fields = field.Fields(
            *(
                Choice(
                    __name__=kind.name,
                    title=_TITLES[kind.name],
                    description=help_texts[kind.name],
                    vocabulary=self._choices(kind),
                )
                for kind in KINDS.values()
            )
        )
        super().update()

    def _choices(self, kind: Kind) -> SimpleVocabulary:
        terms = [SimpleTerm(name, name, WORDS[name]) for name in kind.choices]
        if chosen(self.registry, kind) is None:
            keep = _("lifetime_keep", default="As it is now (see below)")
            terms.insert(0, SimpleTerm(KEEP, KEEP, keep))
        return SimpleVocabulary(terms)

    @button.buttonAndHandler(_plone("Save"), name="save")
    def save(self, action: Any) -> None:
        """Store what was chosen."""
        data, errors = self.extractData()
        if errors:
            self.status = self.formErrorsMessage
            return
        wanted = {name: value for name, value in data.items() if value != KEEP}
        choose(self.registry, wanted)
        user = api.user.get_current().getId()
        logger.info("User %r chose lifetimes: %s", user, wanted)
        api.portal.show_message(_plone("Changes saved."), self.request)
        url = api.portal.get().absolute_url()
        self.request.response.redirect(f"{url}/{VIEW}")


@dataclass(frozen=True, slots=True)
class Row:
    """A rule, as people read of it."""

    title: str
    operations: tuple[str, ...]
    lifetime: str


class LifetimesPage(ControlPanelFormWrapper, CloudFrontPage):
    """``@@cloudfront-lifetimes``."""

    form = LifetimesForm
    index = ViewPageTemplateFile("lifetimes.pt")

    label = _("heading_lifetimes", default="Lifetimes at the edge")
    description = _(
        "description_lifetimes",
        default="How long CloudFront may keep what Plone sends. Browsers ask again each "
        "time.",
    )

    import_advice = _(
        "advice_lifetime", default="Import the caching profile “With CloudFront”."
    )

    def update(self) -> None:
        """Ask nothing where the answer would have no effect."""
        if self.request.method == "POST":
            CheckAuthenticator(self.request)
        if any(name.startswith("form.buttons.") for name in self.request.form):
            PostOnly(self.request)
        if not self.fixed:
            super().update()

    @cached_property
    def fixed(self) -> list[str]:
        """Titles of the rules whose lifetime cannot be chosen."""
        return [
            _title(rule)
            for kind in KINDS.values()
            for rule in fixed_rules(self.registry, kind)
        ]

    @property
    def is_disabled(self) -> bool:
        """Whether Plone sends no lifetimes."""
        return not is_caching_enabled(self.registry)

    @property
    def has_volto(self) -> bool:
        """Whether pages are made by Volto."""
        return has_volto(self.registry)

    @property
    def rows(self) -> list[Row]:
        """What is in force."""
        found = [
            in_force(self.registry, rule)
            for kind in KINDS.values()
            for rule in kind.rules
        ]
        return [
            Row(_title(each.rule), each.operations, in_words(each.seconds))
            for each in found
        ]


def in_words(seconds: int | None) -> str:
    """Return a lifetime as people read it."""
    if seconds is None:
        return _("lifetime_unset", default="Not set")
    for name, value in SECONDS.items():
        if seconds == value:
            return WORDS[name]
    return _(
        "lifetime_seconds", default="${seconds} seconds", mapping={"seconds": seconds}
    )


def _title(rule: str) -> str:
    found = queryUtility(IRulesetType, name=rule)
    return found.title if found else rule

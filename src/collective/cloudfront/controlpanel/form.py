"""The settings form: the records, in groups, and a secret that is never shown."""

from collective.cloudfront.controlpanel.connection import why_not
from collective.cloudfront.controlpanel.fieldsets import FIELDSETS
from collective.cloudfront.controlpanel.fieldsets import help_of_secret
from collective.cloudfront.controlpanel.fieldsets import with_url
from collective.cloudfront.controlpanel.roots import root_refused
from collective.cloudfront.controlpanel.saved import connections
from collective.cloudfront.controlpanel.saved import try_after_commit
from collective.cloudfront.process import this_process
from collective.cloudfront.settings import ICloudFrontSettings
from collective.cloudfront.settings import PREFIX
from collective.cloudfront.settings.keypair import keeps_secret
from collective.cloudfront.settings.keypair import KEY_ID
from collective.cloudfront.settings.keypair import KeyPair
from collective.cloudfront.settings.keypair import MISSING
from collective.cloudfront.settings.keypair import missing_half
from collective.cloudfront.settings.keypair import SECRET
from collective.cloudfront.settings.webhook import masked
from collective.cloudfront.settings.webhook import unmasked
from collective.cloudfront.settings.webhook import WEBHOOK
from plone import api
from plone.app.registry.browser.controlpanel import RegistryEditForm
from plone.app.z3cform.widgets.password import PasswordWidget
from plone.app.z3cform.widgets.text import TextWidget
from plone.registry.interfaces import IRegistry
from plone.z3cform.fieldsets.group import GroupFactory
from typing import Any
from z3c.form.interfaces import IErrorViewSnippet
from z3c.form.interfaces import IFieldWidget
from z3c.form.interfaces import NO_VALUE
from z3c.form.widget import FieldWidget
from zope.component import getMultiAdapter
from zope.component import getUtility
from zope.interface import implementer
from zope.interface import Invalid


class WriteOnlyWidget(PasswordWidget):
    """A password input that has never a value, neither the stored nor the typed one.

    Plone's own writes both into the page.
    """

    #: Browsers must not fill in the password that somebody has for this site.
    autocomplete = "new-password"

    value = property(lambda self: "", lambda self, value: None)

    @property
    def _html_attributes(self) -> list[str]:
        return [*super()._html_attributes, "autocomplete"]


class MaskedWidget(TextWidget):
    """An input that shows what people may see of a stored URL, see
    ``settings.webhook``.
    """

    def update(self) -> None:
        """Show nothing of the stored value but its mask."""
        super().update()
        if self.value and self.value == self._stored:
            self.value = masked(self.value)

    def extract(self, default: Any = NO_VALUE) -> Any:
        """Return the stored value for its mask, and what was typed otherwise."""
        typed = super().extract(default)
        return unmasked(typed, self._stored) if isinstance(typed, str) else typed

    @property
    def _stored(self) -> str:
        return getattr(self.context, self.field.__name__) or ""


@implementer(IFieldWidget)
def MaskedFieldWidget(field: Any, request: Any) -> MaskedWidget:
    """Make a ``MaskedWidget`` for a field."""
    return FieldWidget(field, MaskedWidget(request))


@implementer(IFieldWidget)
def WriteOnlyFieldWidget(field: Any, request: Any) -> WriteOnlyWidget:
    """Make a ``WriteOnlyWidget`` for a field."""
    return FieldWidget(field, WriteOnlyWidget(request))


class SettingsForm(RegistryEditForm):
    """Edits the records below ``collective.cloudfront``."""

    id = "cloudfront-settings"
    schema = ICloudFrontSettings
    schema_prefix = PREFIX
    enableCSRFProtection = True
    enable_form_tabbing = False
    # The page begins with the state, and so do screen readers.
    enable_autofocus = False

    def getContent(self) -> Any:
        """Return the records; missing ones (before an upgrade) read as empty."""
        return getUtility(IRegistry).forInterface(
            self.schema, check=False, prefix=PREFIX
        )

    def updateFieldsFromSchemata(self) -> None:
        """Divide the fields into groups."""
        super().updateFieldsFromSchemata()
        self.fields[SECRET].widgetFactory = WriteOnlyFieldWidget
        self.fields[WEBHOOK].widgetFactory = MaskedFieldWidget
        records = getUtility(IRegistry).records
        self.groups = [
            GroupFactory(
                each.name,
                # Those of a newer version have no records before the upgrade
                fields=self.fields.select(
                    *(name for name in each.fields if f"{PREFIX}.{name}" in records)
                ),
                label=each.label,
                description=each.description or None,
            )
            for each in FIELDSETS
            if any(f"{PREFIX}.{name}" in records for name in each.fields)
        ]
        self.fields = self.fields.select()

    def update(self) -> None:
        """Say whether a secret is stored: nothing else of it is ever shown."""
        super().update()
        self._widget(SECRET).description = help_of_secret(
            is_stored=bool(self.getContent().aws_secret_access_key)
        )

    def extractData(self, setErrors: bool = True) -> tuple[dict[str, Any], Any]:
        """Return the typed data and errors, also of what must go together."""
        data, errors = super().extractData(setErrors=setErrors)
        if errors:
            return data, errors
        missing = missing_half(_key_pair(data), self._stored_key_pair())
        if missing:
            return data, (self._error(missing, MISSING[missing]),)
        stored = self.getContent().distribution_id
        reason = root_refused(api.portal.get(), data["distribution_id"], stored)
        if reason:
            return data, (self._error("distribution_id", reason),)
        reason = why_not(getUtility(IRegistry), data["cache_tags"], data["tag_header"])
        return data, (self._error("cache_tags", reason),) if reason else ()

    def _stored_key_pair(self) -> KeyPair:
        stored = self.getContent()
        return KeyPair(
            stored.aws_access_key_id or "", stored.aws_secret_access_key or ""
        )

    def applyChanges(self, data: dict[str, Any]) -> Any:
        """Store what was typed. An empty secret is no new one."""
        if keeps_secret(_key_pair(data)):
            data = {name: value for name, value in data.items() if name != SECRET}
        data = with_url(data, api.portal.get().absolute_url())
        registry = getUtility(IRegistry)
        before = connections(registry)
        changes = super().applyChanges(data)
        try_after_commit(registry, self.request, before)
        if not changes:
            # What is paused is tried again at once, as the status promises.
            this_process().settings_changed()
        return changes

    def _widget(self, name: str) -> Any:
        for group in self.groups:
            if name in group.widgets:
                return group.widgets[name]
        raise KeyError(name)

    def _error(self, name: str, sentence: str) -> Any:
        """Put an error at a field, as z3c.form does with those it finds itself."""
        widget = self._widget(name)
        error = getMultiAdapter(
            (
                Invalid(sentence),
                self.request,
                widget,
                widget.field,
                self,
                self.getContent(),
            ),
            IErrorViewSnippet,
        )
        error.update()
        widget.error = error
        return error


def _key_pair(data: dict[str, Any]) -> KeyPair:
    return KeyPair(data[KEY_ID] or "", data[SECRET] or "")

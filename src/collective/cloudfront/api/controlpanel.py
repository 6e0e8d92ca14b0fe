"""``@controlpanels/cloudfront``: the settings, as Volto shows and edits them, below a
sentence that says whether purging works.

Like the form in Classic UI: the secret goes in and never comes out, and an access key
id and its secret go together.
"""

from collective.cloudfront.controlpanel.connection import why_not
from collective.cloudfront.controlpanel.fieldsets import Fieldset
from collective.cloudfront.controlpanel.fieldsets import FIELDSETS
from collective.cloudfront.controlpanel.fieldsets import help_of_secret
from collective.cloudfront.controlpanel.fieldsets import URL
from collective.cloudfront.controlpanel.fieldsets import with_url
from collective.cloudfront.controlpanel.headline import report
from collective.cloudfront.controlpanel.health import site_health
from collective.cloudfront.controlpanel.overview import obstacles
from collective.cloudfront.controlpanel.roots import root_refused
from collective.cloudfront.i18n import _
from collective.cloudfront.interfaces import ICloudFrontLayer
from collective.cloudfront.interfaces import MANAGE_PURGING
from collective.cloudfront.settings import ICloudFrontSettings
from collective.cloudfront.settings import PREFIX
from collective.cloudfront.settings import SINCE
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
from plone.restapi.controlpanels import RegistryConfigletPanel
from plone.restapi.deserializer import json_body
from plone.restapi.deserializer.controlpanels import ControlpanelDeserializeFromJson
from plone.restapi.exceptions import DeserializationError
from plone.restapi.interfaces import IDeserializeFromJson
from plone.restapi.interfaces import ISerializeToJson
from plone.restapi.serializer.controlpanels import ControlpanelSerializeToJson
from typing import Any
from zExceptions import BadRequest
from zExceptions import Unauthorized
from zope.component import adapter
from zope.i18n import translate
from zope.interface import implementer
from zope.interface import Interface
from zope.schema import getFieldsInOrder
from zope.schema.interfaces import IBool
from zope.schema.interfaces import IChoice
from zope.schema.interfaces import IField
from zope.schema.interfaces import IFloat

import json


@adapter(Interface, ICloudFrontLayer)
class CloudFrontControlpanel(RegistryConfigletPanel):
    """The panel."""

    schema = ICloudFrontSettings
    schema_prefix = PREFIX
    configlet_id = "collective.cloudfront"
    configlet_category_id = "plone-advanced"
    title = "CloudFront"
    group = "Advanced"


def _require_permission(panel: CloudFrontControlpanel) -> None:
    """plone.restapi asks for the permission to see Site Setup only."""
    if not api.user.has_permission(MANAGE_PURGING, obj=panel.context):
        sentence = _(
            "settings_denied",
            default="You do not have permission to view or change the CloudFront "
            "settings.",
        )
        raise Unauthorized(translate(sentence, context=panel.request))


@implementer(ISerializeToJson)
@adapter(CloudFrontControlpanel)
class SerializeSettings(ControlpanelSerializeToJson):
    """Everything but the secret."""

    def __call__(self) -> dict[str, Any]:
        """Return what Volto makes a form of."""
        _require_permission(self.controlpanel)
        result = super().__call__()
        # An empty secret, when it is sent back, keeps the stored one
        result["data"][SECRET] = ""
        result["data"][WEBHOOK] = masked(result["data"][WEBHOOK])
        del result["data"][SINCE]
        result["schema"]["fieldsets"] = [self._fieldset(each) for each in FIELDSETS]
        # Volto's forms have a group of this name
        result["schema"]["fieldsets"][0]["id"] = "default"
        result["schema"]["fieldsets"][0]["description"] = self._status()
        properties = result["schema"]["properties"]
        del properties[SINCE]
        for each in properties.values():
            # plone.restapi names the source of a content type's field. The choices
            # are here.
            each.pop("vocabulary", None)
        for name, text in self._other_help_texts().items():
            properties[name]["description"] = self._text(text)
        return result

    def _other_help_texts(self) -> dict[str, str]:
        secret = self.registry[f"{PREFIX}.{SECRET}"]
        return {
            "enabled": _(
                "help_enabled_volto",
                default="Caching and purging must also be enabled in the site. Volto has "
                "no Caching control panel: use @cloudfront/set-up of the REST API.",
            ),
            SECRET: help_of_secret(is_stored=bool(secret)),
        }

    def _status(self) -> str:
        """Return whether purging works, why not, and what to do: Volto has no other
        place for it.
        """
        sentences = [report(site_health(self.registry))]
        for each in obstacles(self.registry):
            sentences += [each.text, each.advice]
        return " ".join(self._text(each) for each in sentences)

    def _fieldset(self, fieldset: Fieldset) -> dict[str, Any]:
        return {
            "id": fieldset.name,
            "title": self._text(fieldset.label),
            "description": self._text(fieldset.description),
            "fields": list(fieldset.fields),
            "behavior": "plone",
        }

    def _text(self, text: str) -> str:
        return translate(text, context=self.controlpanel.request)


@implementer(IDeserializeFromJson)
@adapter(CloudFrontControlpanel)
class DeserializeSettings(ControlpanelDeserializeFromJson):
    """Stores what was sent, if it is complete."""

    def __call__(self, mask_validation_errors: bool = True) -> None:
        """Raises ``BadRequest`` with what is wrong."""
        _require_permission(self.controlpanel)
        try:
            data = json_body(self.request)
        except DeserializationError as error:
            raise BadRequest(error.msg) from error
        for name, field in getFieldsInOrder(self.schema):
            if name in data:
                data[name] = self._as_python(field, data[name])
        stored = self.registry.forInterface(self.schema, prefix=self.schema_prefix)
        typed = KeyPair(
            data.get(KEY_ID, stored.aws_access_key_id) or "", data.get(SECRET) or ""
        )
        missing = missing_half(
            typed,
            KeyPair(stored.aws_access_key_id or "", stored.aws_secret_access_key or ""),
        )
        if missing:
            self._refuse(missing, MISSING[missing])
        typed_id = data.get("distribution_id", stored.distribution_id)
        reason = root_refused(api.portal.get(), typed_id, stored.distribution_id)
        if reason:
            self._refuse("distribution_id", reason)
        tags = data.get("cache_tags", stored.cache_tags)
        header = data.get("tag_header", stored.tag_header)
        reason = why_not(self.registry, tags, str(header))
        if reason:
            self._refuse("cache_tags", reason)
        if keeps_secret(typed):
            data.pop(SECRET, None)
        elif not typed.key_id:
            data[SECRET] = ""
        data.pop(SINCE, None)
        if WEBHOOK in data:
            data[WEBHOOK] = unmasked(data[WEBHOOK], stored.alert_webhook)
        after = {**self._of_alerts(stored), **data}
        with_link = with_url(after, api.portal.get().absolute_url())
        if with_link is not after:
            data[URL] = with_link[URL]
        self.request["BODY"] = json.dumps(data)
        try:
            super().__call__(mask_validation_errors)
        except BadRequest as error:
            if not mask_validation_errors:
                raise  # with the exceptions themselves, for code
            raise BadRequest(_as_json(error.args[0])) from error

    def _of_alerts(self, stored: Any) -> dict[str, Any]:
        """Return what decides whether alerts are sent, as it is."""
        return {name: getattr(stored, name) for name in ("alert_emails", WEBHOOK, URL)}

    def _as_python(self, field: IField, value: Any) -> Any:
        """Return a value as the field wants it, whatever JSON and Volto made of it."""
        if IFloat.providedBy(field) and type(value) is int:
            # JavaScript writes 1.0 as 1. By way of text, the largest are infinite
            return float(str(value))
        if IChoice.providedBy(field):
            # One that nobody has touched comes as GET shows it
            token = value.get("token") if isinstance(value, dict) else value
            if not isinstance(token, str):
                sentence = _(
                    "not_a_choice", default="The value is not one of the choices."
                )
                self._refuse(field.getName(), sentence)
            return token
        # plone.restapi takes any text for true, "false" as well
        if IBool.providedBy(field) and not isinstance(value, bool):
            sentence = _("not_boolean", default="The value must be true or false.")
            self._refuse(field.getName(), sentence)
        if value is None and not field.required:
            # Volto's word for an input that was cleared
            return field.missing_value
        return value

    def _refuse(self, name: str, sentence: str) -> None:
        message = translate(sentence, context=self.request)
        error = {"message": message, "field": name, "error": "ValidationError"}
        raise BadRequest(_as_json([error]))


def _as_json(errors: list[dict[str, str]]) -> str:
    """Return errors as a text that Volto can read whatever is in it.

    plone.restapi sends Python's ``repr``. Volto takes that for HTML, then for JSON. With
    an apostrophe in it, it shows no error at all.
    """
    text = json.dumps(errors, ensure_ascii=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text

"""``@controlpanels/cloudfront``: the settings, as Volto shows and edits them.

Like the form in Classic UI: the secret goes in and never comes out, and an access key
id and its secret go together.
"""

from collective.cloudfront.controlpanel.connection import why_not
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
            default="You may not see or change the CloudFront settings.",
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
        return result


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
        for name, field in getFieldsInOrder(self.schema):
            # plone.restapi takes any text for true, "false" as well
            if IBool.providedBy(field) and not isinstance(data.get(name, True), bool):
                self._refuse(name, _("not_boolean", default="This is true or false."))
        self.request["BODY"] = json.dumps(data)
        super().__call__(mask_validation_errors)

    def _refuse(self, name: str, sentence: str) -> None:
        message = translate(sentence, context=self.request)
        raise BadRequest(
            [{"message": message, "field": name, "error": "ValidationError"}]
        )

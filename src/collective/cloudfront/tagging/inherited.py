"""What the REST API's ``@inherit`` shows: fields of the site, or of a section above."""

from AccessControl import getSecurityManager
from Acquisition import aq_base
from Acquisition import aq_chain
from Acquisition import aq_inner
from collections.abc import Iterator
from plone.behavior.interfaces import IBehavior
from plone.behavior.registration import BehaviorRegistrationNotFound
from plone.behavior.registration import lookup_behavior_registration
from Products.CMFCore.interfaces import ISiteRoot
from Products.CMFCore.permissions import View
from typing import Any


#: The parameter that names the behaviors whose fields are shown.
BEHAVIORS = "expand.inherit.behaviors"

#: Where Plone's own schemas and markers are, ...
_PLONES = ("Products.CMF", "plone.", "z3c.", "zope.")
#: ... and schemas that somebody made through the web, or in a file of an add-on.
_GENERATED = "plone.dexterity.schema.generated"


def is_of_plone(interface: Any) -> bool:
    """Say whether a schema or marker is Plone's own."""
    module = getattr(interface, "__module__", "")
    return module.startswith(_PLONES) and not module.startswith(_GENERATED)


def texts_inherited(request: Any, context: Any) -> Iterator[Any]:
    """Yield the content above ``context`` of which the answer to a request shows fields
    of Plone's own, say a text.

    A change of other fields, of a theme or an add-on, purges what is below in any case.
    """
    for behavior in _behaviors(request):
        found = _closest(context, behavior)
        if found is not None and aq_base(found) is not aq_base(context):
            yield found


def _closest(context: Any, behavior: IBehavior) -> Any:
    """Return the content whose fields ``@inherit`` shows: ``context``, or the next above
    that has them, and that the visitor may see.
    """
    allowed = getSecurityManager().checkPermission
    for obj in aq_chain(aq_inner(context)):
        if behavior.marker.providedBy(obj) and allowed(View, obj):
            return obj
        if ISiteRoot.providedBy(obj):
            break
    return None


def _behaviors(request: Any) -> Iterator[IBehavior]:
    """Yield the behaviors of Plone's own that a request asks for."""
    names = request.form.get(BEHAVIORS)
    for name in names.split(",") if isinstance(names, str) else ():
        try:
            behavior = lookup_behavior_registration(name=name)
        except BehaviorRegistrationNotFound:
            continue
        if is_of_plone(behavior.interface) and behavior.marker is not None:
            yield behavior

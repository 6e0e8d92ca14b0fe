"""Read configurations as AWS sends them, and send them back with a change.

boto3 leaves out of an answer what its model does not know, and would send the rest: what a
newer AWS knows would be lost. Here a configuration stays the XML that AWS sent. Values
become XML, and members are found, by botocore's model.
"""

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collective.cloudfront.delivery.aws.errors import CredentialsFailed
from collective.cloudfront.delivery.aws.errors import NeedsPerson
from collective.cloudfront.delivery.aws.errors import refusal_of
from collective.cloudfront.delivery.aws.port import Credentials
from collective.cloudfront.delivery.aws.session import make_client
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree


#: Of CloudFront's API, the version that botocore speaks.
NAMESPACE = "http://cloudfront.amazonaws.com/doc/2020-05-31/"
ElementTree.register_namespace("", NAMESPACE)

_SNAKE = {
    "Distribution": "distribution",
    "CachePolicy": "cache_policy",
    "OriginRequestPolicy": "origin_request_policy",
    "ResponseHeadersPolicy": "response_headers_policy",
}
#: Placeholders that botocore's checks accept, where XML is sent instead.
_VALID: dict[str, dict[str, Any]] = {
    "CachePolicy": {"Name": "x", "MinTTL": 0},
    "OriginRequestPolicy": {
        "Name": "x",
        "HeadersConfig": {"HeaderBehavior": "none"},
        "CookiesConfig": {"CookieBehavior": "none"},
        "QueryStringsConfig": {"QueryStringBehavior": "none"},
    },
    "ResponseHeadersPolicy": {"Name": "x"},
}


@dataclass(slots=True)
class Config:
    """A configuration, to be changed in place: a ``…Config`` of the API, with namespaces.

    ``known`` is what boto3 makes of it.
    """

    kind: str
    xml: ElementTree.Element
    etag: str
    known: Mapping[str, Any]


class NoMember(ValueError):
    """The API has no such member."""


class Editor:
    """Reads and sends configurations; ``client`` is boto3's for CloudFront. It raises
    what boto3 raises. ``kind`` is the API's name, such as ``CachePolicy``.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def read(self, kind: str, id: str) -> Config:
        """Get a configuration."""
        name = f"{kind}Config"
        of_distribution = kind == "Distribution"
        # What the doctor may read anyway
        operation = "GetDistributionConfig" if of_distribution else f"Get{kind}"
        suffix = "_config" if of_distribution else ""
        with self._answers(operation) as bodies:
            answer = getattr(self._client, f"get_{_SNAKE[kind]}{suffix}")(Id=id)
        xml = ElementTree.fromstring(bodies[-1])
        if not of_distribution:
            xml, etag, answer = child(xml, name), answer["ETag"], answer[kind]
            return Config(kind, xml, etag, answer[name])
        return Config(kind, xml, answer["ETag"], answer[name])

    def update(self, id: str, config: Config) -> None:
        """Send a configuration, if nobody has changed it in the meantime."""
        send = getattr(self._client, f"update_{_SNAKE[config.kind]}")
        name = f"{config.kind}Config"
        with self._sending(f"Update{config.kind}", config.xml):
            send(**{"Id": id, "IfMatch": config.etag, name: config.known})

    def create(self, config: Config) -> str:
        """Create a policy, and return its id."""
        send = getattr(self._client, f"create_{_SNAKE[config.kind]}")
        with self._sending(f"Create{config.kind}", config.xml):
            answer = send(**{f"{config.kind}Config": _VALID[config.kind]})
        return answer[config.kind]["Id"]

    def new(self, kind: str) -> Config:
        """Return an empty configuration of a policy, for ``create``."""
        return Config(kind, ElementTree.Element(_tag(f"{kind}Config")), "", {})

    def change_domains(self, tenant: str, domains: list[dict[str, str]]) -> None:
        """Give a distribution tenant other domains, and keep the rest."""
        self._update_tenant(tenant, {"Domains": domains})

    def enable_tenant(self, tenant: str) -> None:
        """Enable a distribution tenant, and keep the rest."""
        self._update_tenant(tenant, {"Enabled": True})

    def _update_tenant(self, tenant: str, changes: dict[str, Any]) -> None:
        answer = self._client.get_distribution_tenant(Identifier=tenant)
        found = answer["DistributionTenant"]
        kept = ("DistributionId", "Customizations", "Parameters", "ConnectionGroupId")
        known = {name: found[name] for name in (*kept, "Enabled") if name in found}
        domains = [{"Domain": each["Domain"]} for each in found.get("Domains", ())]
        self._client.update_distribution_tenant(
            Id=tenant, IfMatch=answer["ETag"], **known | {"Domains": domains} | changes
        )

    def model(self, kind: str) -> Any:
        """Return botocore's model of a configuration."""
        return self._client.meta.service_model.shape_for(f"{kind}Config")

    @contextmanager
    def _answers(self, operation: str) -> Iterator[list[bytes]]:
        """Collect the bodies of answers as AWS sent them."""
        bodies: list[bytes] = []

        def collect(http_response: Any, **_: Any) -> None:
            bodies.append(http_response.content)

        with self._listening(f"after-call.cloudfront.{operation}", collect):
            yield bodies

    @contextmanager
    def _sending(self, operation: str, xml: ElementTree.Element) -> Iterator[None]:
        """Send ``xml`` instead of what botocore makes of the arguments."""

        def replace(params: dict[str, Any], **_: Any) -> None:
            params["body"] = ElementTree.tostring(xml)

        with self._listening(f"before-call.cloudfront.{operation}", replace):
            yield

    @contextmanager
    def _listening(self, event: str, listener: Callable[..., None]) -> Iterator[None]:
        events = self._client.meta.events
        events.register(event, listener)
        try:
            yield
        finally:
            events.unregister(event, listener)


def member(shape: Any, name: str) -> Any:
    """Return the model of a member; of an item for the name of a list's."""
    members = getattr(shape, "members", {})
    if name not in members:
        raise NoMember(f"{shape.name} has no {name}.")
    return members[name]


def serialize(shape: Any, name: str, value: Any) -> ElementTree.Element:
    """Return the element that botocore's model makes of a value."""
    element = ElementTree.Element(_tag(name))
    if shape.type_name == "structure":
        for each, inner in value.items():
            element.append(serialize(member(shape, each), each, inner))
    elif shape.type_name == "list":
        item = _item_name(shape)
        element.extend([serialize(shape.member, item, each) for each in value])
    elif shape.type_name == "boolean":
        element.text = "true" if value else "false"
    else:
        element.text = str(value)
    return element


def _item_name(shape: Any) -> str:
    return shape.member.serialization.get("name", "member")


def put(shape: Any, parent: ElementTree.Element, name: str, value: Any) -> None:
    """Set a child where it is; None removes it."""
    found = parent.find(_tag(name))
    if value is None:
        if found is not None:
            parent.remove(found)
        return
    new = serialize(member(shape, name), name, value)
    if found is None:
        parent.append(new)
    else:
        parent[list(parent).index(found)] = new


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def child(parent: ElementTree.Element, name: str) -> ElementTree.Element:
    """Return a child by its name; it is made if it is not there."""
    found = parent.find(_tag(name))
    return ElementTree.SubElement(parent, _tag(name)) if found is None else found


def items_of(parent: ElementTree.Element) -> list[ElementTree.Element]:
    """Return the items of a list of the API's."""
    return list(child(parent, "Items"))


def add_item(
    shape: Any, parent: ElementTree.Element, value: Any, first: bool = False
) -> None:
    """Add an item to a list of the API's, which says how many it has."""
    items = child(parent, "Items")
    listed = member(shape, "Items")
    name = _item_name(listed)
    new = serialize(listed.member, name, value)
    items.insert(0 if first else len(items), new)
    child(parent, "Quantity").text = str(len(items))


def text_of(element: ElementTree.Element, name: str) -> str:
    """Return the text of a child; of the element itself without a name."""
    found = element.find(_tag(name)) if name else element
    return "" if found is None else (found.text or "")


class NotChanged(Exception):
    """AWS refused or could not be reached; the message is a sentence."""


def make_editor(credentials: Credentials) -> Editor:
    """Return an editor that signs with these credentials. Raises ``NotChanged``."""
    with explained():
        return Editor(make_client(credentials).boto)


@contextmanager
def explained() -> Iterator[None]:
    """Make ``NotChanged`` of what boto3 raises."""
    from botocore.exceptions import BotoCoreError
    from botocore.exceptions import ClientError

    try:
        yield
    except ClientError as error:
        refusal = refusal_of(error.response, error.operation_name)
        raise NotChanged(_why(refusal)) from error
    except (BotoCoreError, CredentialsFailed, NeedsPerson) as error:
        raise NotChanged(f"AWS cannot be asked: {error}") from error


def _why(refusal: Any) -> str:
    action = f"cloudfront:{refusal.operation}"
    if refusal.code.startswith("AccessDenied"):
        return f"AWS denies {action}: allow it for these credentials ({refusal.line})."
    if refusal.code == "PreconditionFailed":
        return "Somebody else has changed it in the meantime. Run the command again."
    return f"AWS refused {action} ({refusal.line})."

"""Messages of the rooms without Zope for people: codes with values, and their English.

A :class:`Message` is stored as it is. The log reads its English; where people look, in
the control panel and in REST answers, ``controlpanel.sentences`` translates it. The
codes are stable: translations and stored messages use them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from string import Template
from typing import Any


#: English by code. ``${name}`` stands for a value, which AWS, the machine or another
#: message gives.
WORDING: dict[str, str] = {
    # A text without a code: stored by a version that kept sentences, or not ours.
    "text": "${text}",
    # delivery/aws: what happened
    "header": "CloudFront cannot be reached: the credentials cannot be sent as a "
    "header; is there a line break?",
    "unreachable": "CloudFront cannot be reached: ${error}",
    "no_credentials": "There are no usable AWS credentials: ${error}",
    "configuration": "The AWS configuration does not work: ${error}",
    "ending": "This process is ending",
    "unexpected": "An unexpected error: ${error}",
    "over_quota": "CloudFront has too many invalidations in progress (${error})",
    "throttled": "CloudFront limits the rate of calls (${error})",
    "failed": "CloudFront failed (${error})",
    "role": "The role cannot be assumed (${error})",
    "refused": "CloudFront refuses the call (${error})",
    "timed_out": "CloudFront has not answered within ${seconds} seconds",
    "credentials_timed_out": "There were no AWS credentials within ${seconds} seconds",
    "credentials_failed": "The AWS credentials cannot be read: ${error}",
    "mfa": "The AWS profile asks for the code of an MFA device",
    "proxy": "A proxy or firewall answers in the place of CloudFront (${error})",
    "no_thread": "There is no thread for a call now (${error})",
    "refuses_all": "CloudFront refuses all that it is sent (${error})",
    # delivery/aws: what to do
    "advice_unreachable": "Check this machine's network if it goes on.",
    "advice_unexpected": "Please report it, with the traceback in the log.",
    "advice_nothing": "Nothing is to be done: it goes on by itself.",
    "advice_path": "CloudFront does not take this path; see the docs for its rules.",
    "advice_denied": "Allow cloudfront:${operation} on this distribution to the "
    "credentials that Zope uses.",
    "advice_distribution": "Check the distribution id in the CloudFront settings, and "
    "that the credentials belong to its AWS account.",
    "advice_tenant": "Check the distribution tenant's id in the CloudFront settings, "
    "and that the credentials belong to its AWS account.",
    "advice_key_id": "Check the access key id: AWS does not know it.",
    "advice_signature": "Check the secret access key, and this machine's clock: the "
    "signature does not match.",
    "advice_expired": "Renew the temporary credentials: they have expired.",
    "advice_clock": "Check this machine's clock: AWS says that it is wrong.",
    "advice_role": "Check the role to assume, and allow sts:AssumeRole on it to the "
    "credentials that Zope uses.",
    "advice_credentials": "Give Zope AWS credentials: a role for the machine or "
    "container, environment variables, a profile, or as a last resort a key pair in "
    "the settings.",
    "advice_source": "Check where Zope gets its AWS credentials from: the profile and "
    "its credential_process, the token file of the container (IRSA, EKS), or the "
    "service that gives a role.",
    "advice_mfa": "MFA needs a person. Use a role or other credentials that need none.",
    "advice_certificate": "Check ca_bundle in the profile, or AWS_CA_BUNDLE: the "
    "certificate of the endpoint, or of a proxy, is not trusted.",
    "advice_proxy": "Check HTTPS_PROXY and NO_PROXY, and let this machine reach "
    "CloudFront's API.",
    "advice_refuses_all": "Check that nothing changes requests on their way to "
    "CloudFront, and the AWS Health Dashboard. No item is given up meanwhile.",
    "advice_settings": "Check the CloudFront settings and the AWS credentials.",
    # outbox
    "outbox_set_aside": "${path} was set aside: ${error}",
    "outbox_deleted": "it was deleted while in use",
    "outbox_replaced": "it was replaced while in use",
    "outbox_log_gone": "its log was deleted or replaced while in use",
    "outbox_senseless": "a row of its table ${table} cannot be read",
    "outbox_newer": "its format ${found} is newer than ${known}",
    "outbox_beside": "A newer version uses ${path}. Until this process is updated, it "
    "works with ${used}; the newer version takes over what is left there.",
    "outbox_network": "${path} is on a network file system (${kind}), and SQLite cannot "
    "rely on its locks: several machines can damage it.",
    "outbox_in_memory": "${path} is in memory (${kind}): what waits is lost when the "
    "machine or the container stops.",
    "outbox_foreign": "${path}: it is another program's database; choose another file "
    "for the outbox",
    "outbox_damaged": "${path} is damaged (${reason}) and cannot be set aside: ${error}",
}


@dataclass(frozen=True, slots=True)
class Message:
    """A code of ``WORDING`` with its values; false if it has no code.

    ``values`` are pairs of a name and a text, a number or another message, in the
    order of their names, so that equal messages compare equal. Make one with
    :func:`message`.
    """

    code: str = ""
    values: tuple[tuple[str, "str | int | float | Message"], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.code)

    def __str__(self) -> str:
        """Return the English sentence, for the log."""
        if not self.code:
            return ""
        template = WORDING.get(self.code, self.code)
        return Template(template).safe_substitute(
            {name: str(value) for name, value in self.values}
        )


#: No message.
NOTHING = Message()


def message(code: str, **values: "str | int | float | Message") -> Message:
    """Return the message with a code of ``WORDING``.

    Raises ``KeyError`` for a code that has no wording.
    """
    WORDING[code]
    return Message(code, tuple(sorted(values.items())))


def plain(text: str) -> Message:
    """Return a message that is only a text; no message for an empty one."""
    return message("text", text=text) if text else NOTHING


# --- as JSON, for storage -----------------------------------------------------------


def as_json(given: Message) -> list[Any] | None:
    """Return a message as lists and texts that JSON can hold; None for no message."""
    if not given:
        return None
    return [given.code, dict(_stored(given))]


def _stored(given: Message) -> Iterator[tuple[str, Any]]:
    for name, value in given.values:
        yield name, as_json(value) if isinstance(value, Message) else value


def from_json(stored: Any) -> Message:
    """Return what ``as_json`` was given. What cannot be read becomes its own text:
    a message is for people, and must not keep an item from being delivered.
    """
    if not stored:
        return NOTHING
    if (
        isinstance(stored, list)
        and len(stored) == 2
        and isinstance(stored[0], str)
        and isinstance(stored[1], dict)
    ):
        values = ((name, _value(value)) for name, value in stored[1].items())
        return Message(stored[0], tuple(sorted(values)))
    return plain(str(stored))


def _value(stored: Any) -> "str | int | float | Message":
    if stored is None or isinstance(stored, list):
        return from_json(stored)
    return stored if isinstance(stored, (str, int, float)) else str(stored)

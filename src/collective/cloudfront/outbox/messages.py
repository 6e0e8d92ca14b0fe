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
    "header; check them for line breaks",
    "unreachable": "CloudFront cannot be reached: ${error}",
    "no_credentials": "No usable AWS credentials were found: ${error}",
    "configuration": "The AWS configuration is not valid: ${error}",
    "ending": "This process is shutting down",
    "unexpected": "Unexpected error: ${error}",
    "over_quota": "CloudFront has too many invalidations in progress (${error})",
    "throttled": "CloudFront is throttling requests (${error})",
    "failed": "CloudFront returned an error (${error})",
    "role": "The role cannot be assumed (${error})",
    "refused": "CloudFront refused the request (${error})",
    "timed_out": "CloudFront did not answer within ${seconds} seconds",
    "credentials_timed_out": "No AWS credentials were available within ${seconds} seconds",
    "credentials_failed": "The AWS credentials cannot be read: ${error}",
    "mfa": "The AWS profile requires an MFA code",
    "proxy": "A proxy or firewall answered instead of CloudFront (${error})",
    "no_thread": "No thread is available for the request (${error})",
    "refuses_all": "CloudFront refuses every item (${error})",
    # delivery/aws: what to do
    "advice_unreachable": "If this continues, check the network of this machine.",
    "advice_unexpected": "Report this as a bug, with the traceback from the log.",
    "advice_nothing": "You do not need to do anything. Purging continues automatically.",
    "advice_path": "CloudFront does not accept this path. See its documentation for "
    "the rules.",
    "advice_denied": "Allow cloudfront:${operation} on this distribution for the "
    "credentials that Zope uses.",
    "advice_distribution": "Check the distribution ID in the CloudFront settings, and check "
    "that the credentials belong to the right AWS account.",
    "advice_tenant": "Check the ID of the distribution tenant in the CloudFront "
    "settings, and check that the credentials belong to the right AWS "
    "account.",
    "advice_key_id": "Check the access key ID. AWS does not recognize it.",
    "advice_signature": "Check the secret access key and the clock of this machine. The "
    "signature does not match.",
    "advice_expired": "Renew the temporary credentials. They have expired.",
    "advice_clock": "Check the clock of this machine. AWS reports that it is wrong.",
    "advice_role": "Check the role to assume, and allow sts:AssumeRole on it for the "
    "credentials that Zope uses.",
    "advice_credentials": "Provide AWS credentials for Zope: a role for the machine or "
    "container, environment variables, or a profile. If none of these is possible, "
    "enter a key pair in the settings.",
    "advice_source": "Check where Zope gets its AWS credentials from: the profile and "
    "its credential_process, the token file of the container (IRSA, "
    "EKS), or the service that provides a role.",
    "advice_mfa": "MFA requires a person. Use a role or other credentials that do "
    "not require MFA.",
    "advice_certificate": "Check ca_bundle in the profile, or AWS_CA_BUNDLE. The certificate "
    "of the endpoint or of a proxy is not trusted.",
    "advice_proxy": "Check HTTPS_PROXY and NO_PROXY, and allow this machine to connect "
    "to the CloudFront API.",
    "advice_refuses_all": "Check that nothing modifies requests on their way to CloudFront, "
    "and check the AWS Health Dashboard. All items are kept.",
    "advice_settings": "Check the CloudFront settings and the AWS credentials.",
    # outbox
    "outbox_set_aside": "${path} was set aside: ${error}",
    "outbox_deleted": "it was deleted while in use",
    "outbox_replaced": "it was replaced while in use",
    "outbox_log_gone": "its log was deleted or replaced while in use",
    "outbox_senseless": "a row of its table ${table} cannot be read",
    "outbox_newer": "its format ${found} is newer than ${known}",
    "outbox_needs_psycopg": "The site's database is in PostgreSQL. The outbox could be there, "
    "too, for all Zope processes, but a package is missing. Run: pip install "
    "'collective.cloudfront[postgresql]'. Until then, this process uses ${path}.",
    "outbox_not_beside": "The site's database is in PostgreSQL, but the outbox cannot be "
    "there (${error}). This process uses ${path}. See CLOUDFRONT_OUTBOX in the documentation.",
    "outbox_update": "${place} has the format ${found}, which is newer than ${known}. "
    "Update this process.",
    "outbox_beside": "A newer version uses ${path}. Until this process is updated, it "
    "works with ${used}. The newer version takes over the items in "
    "that file.",
    "outbox_late": "The outbox did not answer within ${seconds} seconds",
    "outbox_network": "${path} is on a network file system (${kind}). SQLite cannot rely "
    "on its locks there, and several machines can damage the file.",
    "outbox_in_container": "${path} is in the container itself. Waiting items are lost when "
    "the container is replaced. Put it on a volume, or let CLOUDFRONT_OUTBOX name a "
    "database server.",
    "outbox_in_memory": "${path} is in memory (${kind}). Waiting items are lost when the "
    "machine or the container stops.",
    "outbox_foreign": "${path} is the database of another program; choose another file "
    "for the outbox",
    "outbox_damaged": "${path} is damaged (${reason}) and cannot be set aside: ${error}",
    # outbox/redis: what went wrong
    "redis_failed": "${url}: ${error}",
    "redis_silent": "${url} does not answer; check the server and the network",
    "redis_login": "${url} refuses the user name or the password; correct them in "
    "CLOUDFRONT_OUTBOX or on the server",
    "redis_read_only": "${url} is a read-only replica; if this continues after a "
    "failover, use the address of the primary server",
    "redis_full": "${url} has no memory left; increase maxmemory, or remove other data "
    "from the server",
    "redis_locked": "${url}: another process is writing to the outbox",
    "redis_lost": "${url} has lost data; everything is purged once",
    "redis_newer": "${url} has format ${found}, which is newer than ${known}; update "
    "this process",
    "redis_replicas": "${url}: only ${found} of ${wanted} replicas have confirmed the "
    "write",
    # outbox/redis: what may be lost
    "redis_no_log": "${url} keeps no log on disk (appendonly is no). A restart of the "
    "server can lose waiting items. Set appendonly to yes.",
    "redis_no_fsync": "${url} lets the operating system decide when to write its log to "
    "disk (appendfsync is no). If the machine fails, the last 30 seconds or more can be "
    "lost. Set appendfsync to always.",
    "redis_everysec": "${url} writes its log to disk once a second (appendfsync is "
    "everysec). If the machine fails, the last second can be lost. To lose nothing, set "
    "appendfsync to always.",
    "redis_log_unknown": "${url} does not show how it writes its log to disk. If "
    "appendfsync is not always, the last second can be lost when the machine fails.",
    "redis_evicts": "${url} removes any key when its memory is full (maxmemory-policy is "
    "allkeys-…). Waiting items can be lost. Set maxmemory-policy to noeviction.",
    "redis_replication": "${url} confirms a write before its replicas have it. A failover "
    "can lose the last changes. Add replicas=1 to the URL, or set min-replicas-to-write.",
    "redis_cache": "Other programs keep expiring keys in database ${database} of ${url}. "
    "Whoever clears this cache also deletes the outbox. Use another database.",
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


def counted(count: int, noun: str) -> str:
    """Return a number with its English noun, for the log: "1 item", "2 items"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


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

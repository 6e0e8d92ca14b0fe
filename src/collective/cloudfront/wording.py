"""What the rooms without Zope say to people: English sentences, each with a code.

They are logged as they are. Where people see them, ``sentences`` finds the code again
and translates; so they may be stored as plain text. ``${name}`` stands for what AWS or
the machine says, which stays as it is.
"""

from string import Template

import re


#: Sentences by code. The codes are stable, for translations.
WORDING = {
    # delivery/gateway: what happened
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
    # delivery/gateway: what to do
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
    "advice_settings": "Check the CloudFront settings and the AWS credentials.",
    # outbox/sqlite
    "outbox_set_aside": "${path} was set aside: ${error}",
    "outbox_deleted": "it was deleted while in use",
    "outbox_newer": "its format ${found} is newer than ${known}",
    "outbox_foreign": "${path}: it is another program's database; choose another file "
    "for the outbox",
    "outbox_damaged": "${path} is damaged (${reason}) and cannot be set aside: ${error}",
}


def say(code: str, **values: object) -> str:
    """Return the sentence with a code, in English."""
    return Template(WORDING[code]).substitute(values)


def recognise(text: str) -> tuple[str, dict[str, str]] | None:
    """Return the code and the values of a sentence that ``say`` has made, or None."""
    for code, pattern in _PATTERNS.items():
        found = pattern.fullmatch(text)
        if found:
            return code, found.groupdict()
    return None


def _pattern(sentence: str) -> re.Pattern[str]:
    pieces = re.split(r"\$\{(\w+)\}", sentence)
    return re.compile(
        "".join(
            f"(?P<{piece}>.*)" if odd % 2 else re.escape(piece)
            for odd, piece in enumerate(pieces)
        ),
        re.DOTALL,
    )


#: What says most of itself comes first: "${path} …" would match almost anything.
_PATTERNS = {
    code: _pattern(WORDING[code])
    for code in sorted(
        WORDING, key=lambda code: -len(re.sub(r"\$\{\w+\}", "", WORDING[code]))
    )
}

"""Sentences, which formats up to 4 kept instead of codes."""

from collective.cloudfront.outbox.messages import Message
from collective.cloudfront.outbox.messages import message
from collective.cloudfront.outbox.messages import plain

import re


#: By code, what was written then; ``outbox.messages`` may say it in other words today.
FORMER = {
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


def recognised(text: str) -> Message:
    """Return the message that a sentence was made of; or a plain one."""
    for code, pattern in _PATTERNS.items():
        found = pattern.fullmatch(text)
        if found:
            values = found.groupdict().items()
            return message(code, **{name: _value(value) for name, value in values})
    return plain(text)


def _value(text: str) -> str | Message:
    found = recognised(text)
    return text if found.code in ("text", "") else found


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
    code: _pattern(FORMER[code])
    for code in sorted(
        FORMER, key=lambda code: -len(re.sub(r"\$\{\w+\}", "", FORMER[code]))
    )
}

"""Posts an answer to the URL that Slack gave for it: to Slack, and to nobody else."""

from collective.cloudfront.alerts.webhook import NotDelivered
from collective.cloudfront.alerts.webhook import post_json
from collective.cloudfront.slack.answers import Answer
from urllib.parse import urlsplit


#: Where Slack takes answers, and messages to a channel.
HOST = "hooks.slack.com"


def is_slacks(url: str) -> bool:
    """Say whether a URL is one of Slack's for messages, over https, and nothing else."""
    if not (url.isascii() and url.isprintable() and " " not in url):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and parts.netloc == HOST
    except ValueError:
        return False


def post_answer(url: str, answer: Answer, timeout: float = 10.0) -> None:
    """Post an answer; raises ``NotDelivered``, whose text does not name the URL."""
    if not is_slacks(url):
        raise NotDelivered(f"the URL is not one of https://{HOST}")
    post_json(url, answer.as_json(), timeout)

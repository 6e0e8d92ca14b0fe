"""What people read in an alert: made in the language of the site, kept until it is sent."""

from collections.abc import Iterable
from collections.abc import Mapping
from collective.cloudfront.alerts.known import News
from collective.cloudfront.alerts.troubles import over
from collective.cloudfront.i18n import _
from collective.cloudfront.outbox.values import as_line
from dataclasses import asdict
from dataclasses import dataclass
from typing import Any
from zope.i18n import translate


@dataclass(frozen=True, slots=True)
class Message:
    """A subject and a text, and where to look. ``status`` is for machines: ``begun``,
    ``over``, or ``test``; ``troubles`` are the keys of what it is about.
    """

    status: str
    subject: str
    text: str
    url: str
    site: str
    troubles: tuple[str, ...] = ()

    @property
    def body(self) -> str:
        """The text of an e-mail."""
        return f"{self.text}\n\n{self.url}\n" if self.url else f"{self.text}\n"

    @property
    def payload(self) -> dict[str, Any]:
        """What a webhook gets."""
        lines = filter(None, (self.subject, self.text, self.url))
        return {
            "text": "\n".join(lines),
            "status": self.status,
            "site": self.site,
            "url": self.url,
            "troubles": list(self.troubles),
        }


def as_json(message: Message) -> dict[str, Any]:
    """Return a message as JSON can hold it."""
    return asdict(message)


def from_json(stored: Any) -> Message | None:
    """Return what ``as_json`` was given; None for what makes no sense."""
    try:
        values = {**stored, "troubles": tuple(stored["troubles"])}
        texts = [each for name, each in values.items() if name != "troubles"]
        is_valid = all(isinstance(each, str) for each in (*texts, *values["troubles"]))
        return Message(**values) if is_valid else None
    except (KeyError, TypeError):
        return None


def about(
    news: News,
    found: Mapping[str, Any],
    is_all_over: bool,
    *,
    site: str,
    url: str,
    language: str,
) -> Message:
    """Return the message about ``news``. ``found`` has a sentence for each trouble that
    is there now, and ``site`` is its title.
    """
    sentences = [found[key] for key in news.begun] + [over(key) for key in news.over]
    return _message(
        "begun" if news.begun else "over",
        _subject(bool(news.begun), is_all_over, site),
        sentences,
        (*news.begun, *news.over),
        site=site,
        url=url,
        language=language,
    )


def test_message(*, site: str, url: str, language: str) -> Message:
    """Return the message that somebody sends to see whether it arrives."""
    sentence = _(
        "alert_test",
        default="This is a test. You will get a message like this one when somebody must "
        "act so that CloudFront is purged, and when it is over.",
    )
    subject = _("alert_subject_test", default="${site}: test alert of CloudFront")
    return _message(
        "test", subject, [sentence], (), site=site, url=url, language=language
    )


#: For pytest
test_message.__test__ = False  # type: ignore[attr-defined]


def _subject(has_begun: bool, is_all_over: bool, site: str) -> str:
    if has_begun:
        return _(
            "alert_subject_begun",
            default="${site}: purging from CloudFront needs attention",
        )
    if is_all_over:
        return _(
            "alert_subject_over", default="${site}: purging from CloudFront works again"
        )
    return _(
        "alert_subject_less",
        default="${site}: a problem with purging from CloudFront is over",
    )


def _message(
    status: str,
    subject: Any,
    sentences: Iterable[Any],
    troubles: tuple[str, ...],
    *,
    site: str,
    url: str,
    language: str,
) -> Message:
    def translated(text: Any) -> str:
        return translate(text, target_language=language)

    # A title may have line breaks, and a subject may not.
    title = as_line(site)
    return Message(
        status=status,
        subject=as_line(translated(_with_site(subject, title))),
        text="\n".join(" ".join(translated(each).split()) for each in sentences),
        url=url,
        site=title,
        troubles=troubles,
    )


def _with_site(subject: Any, title: str) -> Any:
    return type(subject)(subject, mapping={"site": title})

"""What Slack is answered: texts in Slack's own markup, and blocks with buttons. Pure.

See https://docs.slack.dev/messaging/formatting-message-text. English, as the command is.
"""

from collections.abc import Collection
from collections.abc import Sequence
from collective.cloudfront.manual.lines import Problem as PathProblem
from collective.cloudfront.slack.access import Access
from collective.cloudfront.slack.access import Action
from collective.cloudfront.slack.command import MOST
from collective.cloudfront.slack.command import NotUnderstood
from collective.cloudfront.slack.command import Problem
from collective.cloudfront.slack.gate import Reason
from dataclasses import dataclass
from datetime import datetime
from datetime import timezone
from typing import Any


#: The names of the buttons.
YES, NO = "cloudfront_all_yes", "cloudfront_all_no"

_ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
#: Of many items these are shown.
_SHOWN = 5
_LONGEST = 120


@dataclass(frozen=True, slots=True)
class Answer:
    """A message: to the sender alone, or to the channel. It ``replaces`` the message with
    the button that was clicked, if one was.
    """

    text: str
    in_channel: bool = False
    replaces: bool = False
    blocks: tuple[dict[str, Any], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return it as Slack wants it."""
        found: dict[str, Any] = {
            "response_type": "in_channel" if self.in_channel else "ephemeral",
            "text": self.text,
        }
        if self.replaces:
            found["replace_original"] = True
        if self.blocks:
            found["blocks"] = list(self.blocks)
        return found


def plain(text: str) -> str:
    """Return a text in which nothing has a meaning for Slack."""
    return text.translate(_ESCAPED)


def code(text: str) -> str:
    """Return a text, shown as code."""
    printable = "".join(each if each.isprintable() else "\ufffd" for each in text)
    shown = printable.replace("`", "'")
    if len(shown) > _LONGEST:
        shown = shown[: _LONGEST - 1] + "…"
    return f"`{plain(shown)}`"


def some(items: Collection[str]) -> str:
    """Return the first items, and how many more there are."""
    shown = " ".join(map(code, list(items)[:_SHOWN]))
    more = len(items) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def counted(items: Collection[Any]) -> str:
    """Return how many items there are."""
    return "1 item" if len(items) == 1 else f"{len(items)} items"


def when(due: float) -> str:
    """Return a time: Slack shows it in the time zone of each reader."""
    utc = datetime.fromtimestamp(due, timezone.utc)
    return f"<!date^{int(due)}^{{date_pretty}}, {{time}}|{utc:%Y-%m-%d %H:%M} UTC>"


def by(user: str) -> str:
    """Return who did it: Slack shows the name, and notifies nobody of one's own."""
    return f"<@{user}>"


def help_text(allowed: Sequence[Action], can_schedule: bool) -> str:
    """Return what a user can type."""
    lines = {
        Action.STATUS: ["`/cdn-purge status` – is purging in order?"],
        Action.PAGES: [
            "`/cdn-purge /news` or `/cdn-purge https://www.example.com/news` – a page",
            "`/cdn-purge /news below` – a page and everything below it",
        ],
        Action.TAGS: ["`/cdn-purge tag 9f3a77` – everything with a cache tag"],
        Action.ALL: ["`/cdn-purge all` – every page, after a confirmation"],
    }
    found = [line for each in allowed for line in lines[each]]
    if can_schedule and set(allowed) - {Action.STATUS}:
        found.append("`… at 03:00` or `… at 2026-12-24 18:00` – later")
    if not found:
        return "You may not purge anything. The administrators of the site decide this."
    return "\n".join(["What you can do here:", *found])


_PROBLEMS = {
    Problem.UNKNOWN_WORD: "I do not understand {word}. A page starts with `/` or "
    "`https://`.",
    Problem.NO_TAG: "Which tag? Write `/cdn-purge tag 9f3a77`.",
    Problem.BAD_TAG: "{word} is not a cache tag. A tag has at most 256 printable ASCII "
    "characters, without spaces and commas.",
    Problem.NO_PAGE: "What should be purged? Write a page, `tag`, or `all`.",
    Problem.NO_TIME: "I do not understand the time {word}. Write `at 03:00` or "
    "`at 2026-12-24 18:00` at the end.",
    Problem.NOTHING_ELSE: "{word} takes nothing else.",
    Problem.TOO_MANY: f"Write at most {MOST} pages or tags, or a page and `below`.",
}

_PATH_PROBLEMS = {
    PathProblem.NO_PATH: "it is neither a path that starts with `/` nor a URL",
    PathProblem.SCHEME: "only http and https URLs can be purged",
    PathProblem.OTHER_HOST: "it is not a domain of this site. Write only the path",
    PathProblem.WILDCARD: "the wildcard `*` is allowed only at the end",
    PathProblem.CONTROL: "it contains a character that is not allowed in a URL",
    PathProblem.TOO_MANY: "there are too many pages",
}


def not_understood(error: NotUnderstood) -> str:
    """Return what is wrong with a command."""
    sentence = _PROBLEMS[error.problem].format(word=code(error.word))
    return f"Nothing was purged. {sentence} `/cdn-purge help` shows examples."


def bad_path(text: str, problem: PathProblem) -> str:
    """Return what is wrong with a path or URL."""
    return f"Nothing was purged. {code(text)}: {_PATH_PROBLEMS[problem]}."


def completed(user: str, items: Collection[str], more: int = 0) -> Answer:
    """Return what the channel reads when CloudFront has completed a purge."""
    return Answer(
        f"{_purged(user, items, more)} CloudFront has completed it.", in_channel=True
    )


def not_completed(user: str, items: Collection[str], more: int = 0) -> Answer:
    """Return what the channel reads when nobody waits any more for the end."""
    return Answer(
        f"{_purged(user, items, more)} CloudFront has not completed it yet.",
        in_channel=True,
    )


def refused_item(user: str, items: Collection[str], item: str, reason: str) -> Answer:
    """Return what the channel reads when CloudFront refuses a part of a purge."""
    return Answer(
        f"{_purged(user, items)} CloudFront refuses {code(item)}: {plain(reason)}",
        in_channel=True,
    )


def _purged(user: str, items: Collection[str], more: int = 0) -> str:
    others = f" and {more} more" if more > 0 else ""
    return f"{by(user)} purged {some(items)}{others}."


IMPOSSIBLE_MOMENT = "Nothing was purged. This time is over, does not exist, or is more than a year away."
CANNOT_SCHEDULE = (
    "Nothing was purged. This command cannot schedule a purge, only Plone can. Leave out "
    "`at …`."
)
NOT_YOURS = "Only the person who asked can confirm this."
TOO_LATE = "Nothing was purged: this question is too old. Write the command again."
CANCELLED = "Nothing was purged."


def refusal(reason: Reason, access: Access) -> str:
    """Return what the sender of a refused request reads."""
    if reason is Reason.CHANNEL:
        names = " ".join(f"<#{each}>" for each in sorted(access.channels))
        where = f" Use it in {names}." if names else ""
        return f"Nothing was done: this command does not work in this channel.{where}"
    if reason is Reason.USER:
        return (
            "Nothing was done: you may not do this. `/cdn-purge help` shows what you may "
            "do."
        )
    if reason is Reason.REPEATED:
        return "This was received before. It is purged once."
    return "Nothing was done: this command is not for this workspace."


def question(value: str, due: float | None) -> Answer:
    """Return the question whether every page is to be purged; ``value`` comes back with
    the click.
    """
    text = "Purge *every page*" + (f" {when(due)}" if due is not None else "") + "?"
    explained = (
        f"{text}\nUntil CloudFront has them again, all pages come from Plone, which is "
        "slower."
    )
    return Answer(
        text,
        blocks=(
            {"type": "section", "text": {"type": "mrkdwn", "text": explained}},
            {
                "type": "actions",
                "elements": [
                    _button("Purge everything", YES, value, style="danger"),
                    _button("Cancel", NO, value),
                ],
            },
        ),
    )


def _button(label: str, action: str, value: str, **more: str) -> dict[str, Any]:
    text = {"type": "plain_text", "text": label}
    return {"type": "button", "text": text, "action_id": action, "value": value, **more}

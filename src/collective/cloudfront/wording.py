"""What the rooms without Zope say to people: English sentences, each with a code.

They are logged as they are. Where people see them, ``sentences`` finds the code again
and translates; so they may be stored as plain text. ``${name}`` stands for what AWS or
the machine says, which stays as it is.
"""

from collective.cloudfront.outbox.messages import WORDING as _WORDING
from string import Template

import re


WORDING = {code: text for code, text in _WORDING.items() if code != "text"}


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

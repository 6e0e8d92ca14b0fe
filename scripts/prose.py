"""Check the words of every sentence that people can read: ``make lint`` does it.

By the rules of proselint, and by a list of words and turns that only we understand.
Sentences are those that ``make sentences`` prints, so that code is left out.
"""

from collections.abc import Iterator
from proselint.checks import __register__
from proselint.config import DEFAULT
from proselint.registry import CheckRegistry
from proselint.tools import LintFile
from sentences import ROOT
from sentences import Sentence
from sentences import sentences

import os
import re
import sys


#: Characters of a text that are shown with a problem.
MOST = 300
#: Rules of proselint that do not fit: reStructuredText and source code have straight
#: quotes, and "very" is a word.
LEFT_OUT = {"typography": False}

#: Private words and inverted sentences by pattern, and what to write instead.
OURS = {
    r"\btold\b(?! (an|the) administrator)": "“notified”, or name who says what",
    r"\bmend(s|ed|ing)?\b": "“fix” or “correct”",
    r"\bsaid below\b|\bsays more\b": "“see …”",
    r"\b(is|are|was) (the one|that) to\b": "the subject, and an active verb",
    r"\bSo (many|long|much)\b": "start with the subject",
    r"\bso (many|long)(?= (lie|are kept|and sent))": "“how many”, “how long”",
    r"\b(is|are) to be (done|purged)\b": "say who does it",
    r"\bif need be\b": "“if necessary”",
    r"\bMostly empty\b": "“Usually left empty”",
    r"\bSay (one|which|what)\b": "“Specify”",
    r"\bpeople must do\b": "“what to do”",
    r"\bby hand\b": "“manually”",
    r"\bby (itself|themselves)\b": "“automatically”",
    r"\bgoes on\b|\bgo on\b": "“continues”",
    r"\b(not|no|none) \w* ?any more\b": "“no longer”",
    r"\bhonest(ly)?\b": "a plain word",
    r"\bin the midst of\b": "“in the middle of”",
    r"\bpurged whole\b": "“everything in … is purged”",
    r"\bcarr(y|ies|ied) over the settings\b": "“copy”",
    r"\bbehaviour\b|\bsynchronise|\brecognise": "the American spelling, as AWS does",
    r"\b(?<!tag )[Ii]ds?\b(?! =)": "“ID”",
}
#: "Room" is our word for a package; only the architecture explains it.
ROOMS = re.compile(r"\brooms?\b")
EXPLAINS_ROOMS = "docs/architecture.rst"

_PATTERNS = [(re.compile(pattern), advice) for pattern, advice in OURS.items()]
_MARKUP = re.compile(r"``[^`]*``|:\w+:`[^`]*`|\$\{\w+\}|%[sdr]|https?://\S+")


def problems() -> Iterator[str]:
    """Yield what should be written differently, with its place."""
    CheckRegistry().register_many(__register__)
    config = {**DEFAULT, "checks": {**DEFAULT["checks"], **LEFT_OUT}}
    for sentence in sentences():
        text = _MARKUP.sub("…", sentence.text)
        for result in LintFile(sentence.place, text).lint(config):
            yield _line(sentence, result.check_result.message)
        for pattern, advice in _PATTERNS:
            for found in pattern.finditer(text):
                yield _line(sentence, f"“{found[0]}”: write {advice}")
        if sentence.place != EXPLAINS_ROOMS and ROOMS.search(text):
            yield _line(sentence, "“room”: write “package”")


def _line(sentence: Sentence, problem: str) -> str:
    return f"{sentence.place}:{sentence.line}: {problem}\n    {sentence.text[:MOST]}"


def main() -> None:
    """Print the problems; fail if there are any."""
    os.chdir(ROOT)
    found = list(problems())
    if found:
        sys.exit("\n".join(found))


if __name__ == "__main__":
    main()

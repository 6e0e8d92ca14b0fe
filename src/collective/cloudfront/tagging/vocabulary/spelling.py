"""How cache tags are written.

The law: different names get different tags, even where CloudFront ignores case, and
every tag is one that CloudFront stores: ASCII 33 to 126 without a comma, at most
``MAX_TAG_LENGTH`` characters.
"""

from collective.cloudfront.tagging.vocabulary.dependencies import Facet
from functools import lru_cache
from hashlib import sha256

import re


#: CloudFront ignores longer tags (developer guide, "Invalidate by cache tag").
MAX_TAG_LENGTH = 256

#: Longer words (names of types) are replaced by their hash.
_MAX_WORD = 100

#: ASCII 33 to 126 without a comma
_TAG = re.compile(rf"[!-+\--~]{{1,{MAX_TAG_LENGTH}}}\Z")
_UID = re.compile(r"[0-9a-z-]{1,64}\Z")


# The same few are written again and again
@lru_cache(10_000)
def uid_tag(uid: str) -> str:
    """Return the tag of an object.

    CloudFront ignores case, so a UID with other characters than Plone's is hashed.
    """
    return uid if _UID.match(uid) else _hash(uid)


def type_tag(site: str, portal_type: str, facet: Facet = Facet.LABEL) -> str:
    """Return the tag of a content type."""
    letter = "t" if facet is Facet.LABEL else "te"
    return f"{uid_tag(site)}.{letter}.{_word(portal_type)}"


def group_tag(name: str) -> str:
    """Return the tag of a translation group."""
    return f"{uid_tag(name)}.g"


def moved_tag(site: str) -> str:
    """Return the tag "something moved, or others see it, with everything below"."""
    return f"{uid_tag(site)}.m"


def undated_tag(site: str, portal_type: str) -> str:
    """Return the tag "one of a type, without a date of publication, was edited"."""
    return f"{uid_tag(site)}.d.{_word(portal_type)}"


def chrome_tag(site: str) -> str:
    """Return the tag of what all pages of a site show around their content."""
    return f"{uid_tag(site)}.x"


def foreign_tag(name: str) -> str:
    """Return the tag for a name that an add-on chose: the name itself if it can be."""
    return name.lower() if _TAG.match(name) else _hash(name)


@lru_cache(1000)
def _word(text: str) -> str:
    """Write ``text`` in the characters of a tag, differently for each text.

    ``News Item`` becomes ``news-item``: each word is expected to begin with a capital
    letter. A letter of unexpected case gets a ``_`` before it.
    """
    words = (_spelled(word) for word in text.split(" "))
    written = "-".join(words)
    if len(written) > _MAX_WORD or not written:
        return _hash(text)
    return written


def _hash(text: str) -> str:
    digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"%%{digest[:40]}"


def _spelled(word: str) -> str:
    return "".join(
        _letter(character, expect_capital=position == 0)
        for position, character in enumerate(word)
    )


def _letter(character: str, expect_capital: bool) -> str:
    if character.isascii() and character.isalpha():
        small = character.lower()
        return small if (character != small) is expect_capital else f"_{small}"
    if character.isascii() and character.isdigit():
        return character
    return "".join(
        f"%{byte:02x}" for byte in character.encode("utf-8", "surrogatepass")
    )

"""How many tags, and how many bytes of them, the answers of a large site carry."""

from collections import Counter
from collections.abc import Iterable
from collections.abc import Sequence
from collective.cloudfront.tagging.vocabulary.fit import MOST_TAGS
from collective.cloudfront.tagging.vocabulary.of_change import tags_of_site
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path
from report import Result
from report import Row
from statistics import median
from statistics import quantiles
from visitor import Answer
from visitor import crawl
from visitor import seeds
from visitor import Visitor
from zopes import DISTRIBUTION
from zopes import new_instance
from zopes import running

import json


MEDIAN_GOAL = 12
BYTES_GOAL = 3 * 1024
_HEADER = "Cache-Tag"
#: What is sent instead of tags, where it depends on what cannot be told in tags.
_REFUSED = "private, no-store"
#: CloudFront keeps what is answered with these for seconds, if at all.
_NOT_KEPT = ("private", "no-store")


@dataclass(frozen=True, slots=True)
class Header:
    """The header of the answer at one URL."""

    url: str
    kind: str
    tags: int
    bytes: int


class Headers:
    """What the answers of a site carry."""

    def __init__(self, site: str) -> None:
        self.site = site
        self.found: list[Header] = []
        self.refused: list[str] = []
        #: Others' private answers, errors of the server, and what should carry tags
        self.without: Counter[str] = Counter()
        self.untold: list[str] = []
        #: What is missed where everything is purged by the site's own tags
        self.without_site: list[str] = []

    def add(self, url: str, kind: str, answer: Answer) -> None:
        """Look at an answer."""
        value = answer.headers.get(_HEADER, "")
        control = answer.headers.get("Cache-Control", "")
        if value:
            tags = value.split(",")
            self.found.append(Header(url, kind, len(tags), len(value)))
            if tags_of_site(self.site).isdisjoint(tags):
                self.without_site.append(url)
        elif control == _REFUSED:
            self.refused.append(url)
        elif any(word in control for word in _NOT_KEPT):
            self.without["private"] += 1
        elif answer.status >= 500:
            self.without["errors"] += 1
        else:
            self.untold.append(url)


def measure(folder: Path, quick: bool) -> Result:
    """Make a site, and ask for all of its URLs."""
    objects = 60 if quick else 2000
    instance = new_instance(
        folder / "header",
        {"CLOUDFRONT_ENABLED": "false", "CLOUDFRONT_CACHE_TAGS": "headers"},
    )
    instance.configure()
    instance.run("tags_site", "make", DISTRIBUTION, str(objects))
    with running({"headers": instance}):
        visitor = Visitor.of(instance)
        headers = Headers(_uid_of_site(visitor))
        known = seeds(visitor.contents())
        for url, kind, answer in crawl(visitor, known):
            headers.add(url, kind, answer)
    return _result(headers, objects)


def _uid_of_site(visitor: Visitor) -> str:
    answer = json.loads(visitor.get("/++api++/").body)
    return answer["UID"]


def _result(headers: Headers, objects: int) -> Result:
    found = headers.found
    most = max(found, key=lambda header: header.tags)
    largest = max(found, key=lambda header: header.bytes)
    middle = median(header.tags for header in found)
    rows = [
        Row(
            "tags, at most",
            f"{most.tags} at {most.url}",
            goal=f"≤ {MOST_TAGS}",
            met=most.tags <= MOST_TAGS,
        ),
        Row(
            "tags, median of all URLs",
            f"{middle:.0f}; 95 % have {_p95(found)} or fewer",
            goal=f"≤ {MEDIAN_GOAL}",
            met=middle <= MEDIAN_GOAL,
        ),
        *_rows_of_kinds(found),
        Row(
            "bytes, at most",
            f"{largest.bytes:,} at {largest.url}",
            goal=f"≤ {BYTES_GOAL:,}",
            met=largest.bytes <= BYTES_GOAL,
        ),
        Row("bytes, median", f"{median(header.bytes for header in found):.0f}"),
        Row("refused, sent as private", _counted(headers.refused)),
        Row(
            "cacheable, and without tags",
            _counted(headers.untold),
            goal="0",
            met=not headers.untold,
        ),
        Row(
            "without a tag that all are to have",
            _counted(headers.without_site),
            goal="0",
            met=not headers.without_site,
        ),
        Row(
            "without tags, and rightly so",
            f"{headers.without['private']} private by Plone, "
            f"{headers.without['errors']} errors of the server",
        ),
    ]
    return Result(
        "header",
        f"The header with cache tags ({len(found):,} URLs, {objects:,} objects)",
        rows,
        _facts(headers, found, objects),
        [
            "Bytes of the header's value. Pages, batches of listings, feeds, site maps, "
            "scales of pictures, forms, resources and the REST API, as a visitor finds "
            "them: content, and what pages link to."
        ],
    )


def _rows_of_kinds(found: Iterable[Header]) -> list[Row]:
    kinds: dict[str, list[Header]] = {}
    for header in found:
        kinds.setdefault(header.kind, []).append(header)
    return [
        Row(
            f"    {kind} ({len(headers):,})",
            f"{median(each.tags for each in headers):.0f}; 95 %: {_p95(headers)}; "
            f"at most {max(each.tags for each in headers)}",
        )
        for kind, headers in kinds.items()
    ]


def _p95(headers: Sequence[Header]) -> int:
    tags = [header.tags for header in headers]
    return (
        round(quantiles(tags, n=20, method="inclusive")[-1])
        if len(tags) > 1
        else tags[0]
    )


def _counted(urls: Sequence[str]) -> str:
    return f"{len(urls)}, such as {urls[0]}" if urls else "0"


def _facts(headers: Headers, found: Sequence[Header], objects: int) -> dict:
    return {
        "objects": objects,
        "urls": len(found),
        "most_tags": max(header.tags for header in found),
        "median_tags": median(header.tags for header in found),
        "most_bytes": max(header.bytes for header in found),
        "refused": headers.refused,
        "cacheable_without_tags": headers.untold,
        "without_site": headers.without_site,
        "without": dict(headers.without),
        "headers": [asdict(header) for header in found],
    }

"""From what a person asks for, to items for each distribution: without Plone. Pure.

Sites are known by what Zope has published of them. What a distribution serves of several
sites is purged once.
"""

from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Iterator
from collective.cloudfront.delivery.published import Place
from collective.cloudfront.delivery.published import Site
from collective.cloudfront.manual.around import below
from collective.cloudfront.manual.around import twin
from collective.cloudfront.manual.lines import Line
from collective.cloudfront.manual.lines import Problem
from collective.cloudfront.manual.lines import read_paths
from collective.cloudfront.planning.items import EVERYTHING
from collective.cloudfront.planning.items import subtree
from dataclasses import dataclass

import re


# CloudFront developer guide, "Invalidate by cache tag"
_TAG = re.compile(r"[!-+\--~]{1,256}\Z")
_PORTS = ("", ":80", ":443")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asks for: ``paths`` or URLs, with all ``below`` them or not, cache
    ``tags``, or every page of the sites.
    """

    paths: tuple[str, ...] = ()
    below: bool = False
    tags: tuple[str, ...] = ()
    everything: bool = False


def is_tag(text: str) -> bool:
    """Say whether a text may be a cache tag."""
    return _TAG.match(text) is not None


def problems(wanted: Wanted, sites: Collection[Site]) -> list[Line]:
    """Return the lines that are no path of any site, each with a problem."""
    read = [read_paths(wanted.paths, _hosts(site)) for site in sites]
    found = []
    for lines in zip(*read):
        if all(line.problem for line in lines):
            # The other sites have it for another host's
            own = [each for each in lines if each.problem is not Problem.OTHER_HOST]
            found.append((own or list(lines))[0])
    return found


def items_for(
    wanted: Wanted, sites: Iterable[Site], distributions: Collection[str]
) -> list[tuple[str, str]]:
    """Return pairs of a distribution and an item, each once, in their order."""
    found: dict[tuple[str, str], None] = {}
    for site in sites:
        for place in site.places:
            if place.distribution in distributions:
                for item in _of_place(wanted, site, place):
                    found[place.distribution, item] = None
    return list(found)


def _of_place(wanted: Wanted, site: Site, place: Place) -> Iterator[str]:
    if wanted.everything:
        yield subtree(place.prefix) if place.prefix else EVERYTHING
    for tag in wanted.tags:
        yield f"#{tag}"
    for line in read_paths(wanted.paths, _hosts(site)):
        if line.item:
            items = below(line.item) if wanted.below else [line.item]
            yield from items
            if site.has_api:
                yield from filter(None, (twin(item, place.prefix) for item in items))


def _hosts(site: Site) -> list[str]:
    return [f"{host}{port}" for host in site.hosts for port in _PORTS]

"""From facts, which have paths, to dependencies, which have UIDs."""

from collections.abc import Iterator
from collective.cloudfront.tagging.places import Places
from collective.cloudfront.tagging.recording.queries import Fact
from collective.cloudfront.tagging.vocabulary import dependencies as on
from collective.cloudfront.tagging.vocabulary.dependencies import Dependency
from collective.cloudfront.tagging.vocabulary.dependencies import Facet
from collective.cloudfront.tagging.vocabulary.dependencies import Kind
from collective.cloudfront.tagging.vocabulary.levels import Navigation


class Resolution:
    """Knows the places of one site, and its navigation."""

    def __init__(self, places: Places, navigation: Navigation):
        self.places = places
        self.navigation = navigation

    def of(self, fact: Fact) -> Iterator[Dependency]:
        """Yield the dependencies of a fact."""
        site = self.places.site
        facet = Facet.EDIT if fact.edit else Facet.LABEL
        match fact.kind:
            case Kind.FOREIGN:
                yield on.foreign(fact.key)
            case Kind.CHROME:
                yield on.chrome(site)
            case Kind.UNDATED:
                yield on.undated(site, fact.key)
            case Kind.GROUP:
                yield on.group(site, fact.key)
            case Kind.OF_TYPE:
                yield on.of_type(site, fact.key, facet)
            case _ if fact.is_uid:
                path = self.places.path_of(fact.key)
                if path is None:
                    yield on.label(fact.key)
                else:
                    yield from self._of_place(fact, path, facet)
            case _:
                yield from self._of_place(fact, fact.key, facet)

    def _of_place(self, fact: Fact, path: str, facet: Facet) -> Iterator[Dependency]:
        chain = self.places.chain(path)
        if not chain:
            return  # outside the site: we purge nothing there
        uid, above = chain[0], chain[1:]
        if self.places.uid(path) is None:
            # The catalog knows nothing at this path, but something may appear there
            yield on.below(uid, above, facet)
            return
        match fact.kind:
            case Kind.OWN:
                yield on.own(uid, above)
            case Kind.LABEL:
                yield on.label(uid, above)
            case Kind.NAMES:
                yield on.names(uid, above)
            case Kind.CHILDREN:
                yield on.children(uid, above, facet)
            case Kind.WITHIN if facet is Facet.LABEL:
                titles = Facet.TITLE if fact.titles else Facet.LABEL
                yield on.within(uid, above, fact.depth, self.navigation, titles)
            case _:
                yield on.below(uid, above, facet)

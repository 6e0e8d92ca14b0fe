"""What is right for a behavior: the one of the blueprint that does the same. Pure."""

from collective.cloudfront.blueprint import Interface
from collective.cloudfront.blueprint import Options
from collective.cloudfront.blueprint import right
from collective.cloudfront.blueprint.patterns import matches
from collective.cloudfront.blueprint.right import SESSION
from collective.cloudfront.blueprint.values import Behavior as Right
from collective.cloudfront.blueprint.values import Kind
from collective.cloudfront.delivery.aws.behaviors import Behavior
from collective.cloudfront.delivery.aws.behaviors import Caching
from collective.cloudfront.delivery.aws.behaviors import DEFAULT
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class Use:
    """How a site uses a distribution. ``tag_header`` is empty where no tags are sent;
    ``finds_tags``: whether the distribution reads them decides how changes are purged.
    """

    is_classic: bool = True
    tag_header: str = ""
    finds_tags: bool = False

    @property
    def session(self) -> str:
        """The name of the cookie of people who are logged in."""
        return SESSION[self.is_classic]


def wanted(use: Use, kind: Kind) -> Right:
    """Return the blueprint's first behavior of a kind."""
    return _behaviors(use.is_classic)[kind]


@cache
def _behaviors(is_classic: bool) -> dict[Kind, Right]:
    interface = Interface.CLASSIC if is_classic else Interface.VOLTO
    found: dict[Kind, Right] = {}
    for each in right(Options(interface)).distribution.all_behaviors:
        found.setdefault(each.kind, each)
    return found


#: A request for each kind that a pattern can be for.
_REQUESTS = {
    Kind.API: "/++api++/news",
    Kind.FILES: "/news/@@images/image/preview",
}


def kind_of(behavior: Behavior, caching: Caching | None = None) -> Kind:
    """Return what a behavior is for. The default one is for pages."""
    if behavior.pattern == DEFAULT:
        return Kind.PAGES
    if caching is not None and not caching.keeps:
        return Kind.EDITING
    for kind, request in _REQUESTS.items():
        if matches(behavior.pattern, request):
            return kind
    return Kind.PAGES

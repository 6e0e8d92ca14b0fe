"""Which of several sets of credentials to sign with.

Sites that name the same distribution may each have credentials for it. Those of one may
be wrong: they must not keep the items of the others from being delivered.
"""

from collections.abc import Callable
from collections.abc import Sequence
from collective.cloudfront.delivery.aws.port import Answer
from collective.cloudfront.delivery.aws.port import Credentials
from collective.cloudfront.delivery.aws.port import Outcome


class Choice:
    """Remembers which credentials worked last, for each kind of call.

    By kind, because those that may invalidate need not be allowed to look up.
    """

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], Credentials] = {}
        # Those that have hung lately are asked for last: the deadline is one for all.
        self._slow: set[Credentials] = set()

    def first_answer(
        self,
        kind: tuple[str, str],
        credentials: Sequence[Credentials],
        ask: Callable[[Credentials], Answer],
    ) -> Answer:
        """Ask with one set after the other until one is not misconfigured.

        ``kind`` is the operation and the distribution. If all are misconfigured, return
        the answer to the first of ``credentials``: people read what it advises.
        """
        answers: dict[Credentials, Answer] = {}
        turns = in_turn(credentials, self._last.get(kind))
        for each in sorted(turns, key=self._slow.__contains__):
            answer = answers[each] = ask(each)
            self._slow.discard(each)
            if answer.outcome is not Outcome.MISCONFIGURED:
                self._last[kind] = each
                return answer
        return answers[credentials[0]]

    def hangs(self, credentials: Credentials) -> None:
        """Note that a call with these credentials was given up."""
        self._slow.add(credentials)


def in_turn(
    credentials: Sequence[Credentials], last: Credentials | None
) -> tuple[Credentials, ...]:
    """Return each of ``credentials`` once: ``last`` first if it is among them, the
    others in their order.
    """
    first = [last] if last in credentials and last is not None else []
    return tuple(dict.fromkeys((*first, *credentials)))

"""From rows to values and back."""

from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Sequence
from collective.cloudfront.outbox.messages import as_json
from collective.cloudfront.outbox.messages import from_json
from collective.cloudfront.outbox.messages import Message
from collective.cloudfront.outbox.store import InvalidationRow
from collective.cloudfront.outbox.store import QuarantineRow
from collective.cloudfront.outbox.store import ReadyRow
from collective.cloudfront.outbox.store import RequestRow
from collective.cloudfront.outbox.store import ScheduledRow
from collective.cloudfront.outbox.values import as_line
from collective.cloudfront.outbox.values import Batch
from collective.cloudfront.outbox.values import Cause
from collective.cloudfront.outbox.values import CAUSES
from collective.cloudfront.outbox.values import Causes
from collective.cloudfront.outbox.values import cut
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.outbox.values import NO_CAUSES
from collective.cloudfront.outbox.values import PurgeRequest
from collective.cloudfront.outbox.values import Quarantined
from collective.cloudfront.outbox.values import Scheduled
from collective.cloudfront.outbox.values import Settled
from collective.cloudfront.outbox.values import united
from collective.cloudfront.outbox.values import UNKNOWN
from collective.cloudfront.planning.items import is_wildcard
from collective.cloudfront.planning.merge import merged
from collective.cloudfront.planning.merge import Priority
from dataclasses import replace
from functools import lru_cache
from itertools import groupby
from itertools import repeat
from typing import Any

import json


#: A reason that a person gave is cut to these many characters.
LONGEST_REASON = 1000

#: The states of an invalidation: frozen with its caller reference, accepted by
#: CloudFront, and done.
FROZEN, IN_PROGRESS, DONE = 0, 1, 2


# --- causes: a list of them, and a number if there were more --------------------------


def pack_causes(causes: Causes) -> str:
    """Return causes as a text; ASCII, so that every storage takes any name."""
    if not causes.known:
        return ""
    more = [causes.more] if causes.more else []
    return json.dumps([*map(cause_as_json, causes.known), *more])


@lru_cache(maxsize=256)
def unpack_causes(packed: str) -> Causes:
    """Return what was packed, by earlier versions too; none if it cannot be read."""
    try:
        found = json.loads(packed) if packed else []
    except ValueError:
        return NO_CAUSES
    if not isinstance(found, list):
        return NO_CAUSES
    causes = (cause_from_json(each) for each in found if not isinstance(each, int))
    return Causes(
        known=tuple(filter(None, causes)),
        more=sum(each for each in found if isinstance(each, int)),
    )


# A transaction's items have the same cause.
@lru_cache(maxsize=64)
def pack_cause(cause: Cause) -> str:
    """Return the only cause of an item, packed."""
    return pack_causes(Causes((cut(cause),))) if cause else ""


def unite_packed(all_packed: Iterable[str]) -> str:
    """Return packed causes of several together."""
    different = [packed for packed in dict.fromkeys(all_packed) if packed]
    if len(different) > 1:
        return pack_causes(united(map(unpack_causes, different)))
    return different[0] if different else ""


def pack_each(all_packed: Iterable[str]) -> str:
    """Return the packed causes of each item of a batch as one text.

    Items of one transaction are neighbours, and their causes are kept once.
    """
    runs = [(packed, len(list(same))) for packed, same in groupby(all_packed)]
    return json.dumps(runs) if any(packed for packed, _ in runs) else ""


def unpack_each(packed: str, count: int) -> tuple[Causes, ...]:
    """Return the causes of each of ``count`` items."""
    found: list[Causes] = []
    try:
        for each, length in json.loads(packed) if packed else ():
            found += [unpack_causes(str(each))] * min(length, count)
    except (TypeError, ValueError):
        pass  # They are for people: no item may wait for them.
    return tuple([*found, *repeat(NO_CAUSES, count)][:count])


def cause_as_json(cause: Cause) -> list[Any]:
    """Return a cause as lists and texts that JSON can hold."""
    return [cause.user, list(cause.names), cause.count, cause.code]


def cause_from_json(stored: Any) -> Cause:
    """Return what ``cause_as_json`` was given. A text is a line that an earlier version
    kept; what cannot be read is unknown, for no item may wait for that.
    """
    if isinstance(stored, str):
        return _recognised(stored)
    try:
        user, names, count, code = stored
        return Cause(str(user), tuple(map(str, names)), int(count), str(code))
    except (TypeError, ValueError):
        return UNKNOWN


def _recognised(line: str) -> Cause:
    """Return the cause that an earlier version wrote as a line, if it is one of
    ``CAUSES``; otherwise the line is its name.
    """
    if not line:
        return UNKNOWN
    if line in _CODES:
        return Cause(code=_CODES[line])
    user, colon, words = line.partition(": ")
    if colon and words in _CODES:
        return Cause(user, code=_CODES[words])
    return Cause(names=(line,), count=1, code="text")


#: What earlier versions wrote in other words.
_FORMER = {
    "too many changes while the outbox failed": "too_much_kept",
    "check of what CloudFront accepts": "check",
}
_CODES = {english: code for code, english in CAUSES.items() if english} | _FORMER


# --- messages -------------------------------------------------------------------------


def pack_message(message: Message) -> str:
    """Return a message as a text."""
    return json.dumps(as_json(message))


def unpack_message(packed: str) -> Message:
    """Return what was packed; a sentence of an earlier version becomes its own text."""
    try:
        return from_json(json.loads(packed))
    except ValueError:
        return from_json(packed)


# --- entries --------------------------------------------------------------------------


def pack_entries(entries: Iterable[Entry]) -> str:
    """Return entries as they are kept while prepared: a JSON list of their fields.

    An object in it is the cause of those that follow, which most have in common.
    """
    packed: list[Any] = []
    cause = Cause()
    for entry in entries:
        if entry.cause != cause:
            cause = entry.cause
            packed.append({"cause": cause_as_json(cut(cause))})
        packed.append(_fields(entry))
    return json.dumps(packed)


def _fields(entry: Entry) -> list[Any]:
    fields: list[Any] = [entry.distribution, entry.item]
    if entry.urgent or entry.every or entry.due or entry.key:
        fields += [entry.urgent, entry.every, entry.due, entry.key]
    return fields  # most have no others, and a save waits for what is written


def unpack_entries(packed: str) -> list[Entry]:
    """Return what was packed. Earlier versions kept a cause as a text."""
    found: list[Entry] = []
    cause = Cause()
    for each in json.loads(packed):
        if isinstance(each, list):
            found.append(replace(Entry(*each), cause=cause))
        else:
            stored = each.get("cause") if isinstance(each, dict) else each
            cause = cause_from_json(stored)
    return found


# --- rows -----------------------------------------------------------------------------


def ready_row(
    distribution: str, item: str, since: float, urgent: bool, causes: str
) -> ReadyRow:
    """Return the row of a ready item."""
    wildcard = int(is_wildcard(item))
    return ReadyRow(distribution, item, wildcard, int(urgent), since, causes)


def merge_ready(rows: Sequence[ReadyRow]) -> ReadyRow:
    """Return one row for several: for the item, and distribution, of the first."""
    first, *others = rows
    if not others:
        return first
    priority = merged([Priority(row.since, bool(row.urgent)) for row in rows])
    return first._replace(
        since=priority.since,
        urgent=int(priority.urgent),
        causes=unite_packed(row.causes for row in rows),
    )


def merge_scheduled(first: ScheduledRow, again: ScheduledRow) -> ScheduledRow:
    """Return one row for the same item scheduled twice."""
    return first._replace(
        due=min(first.due, again.due),
        every=min(first.every, again.every),
        urgent=max(first.urgent, again.urgent),
        causes=unite_packed([first.causes, again.causes]),
        since=min(waits_since(first), waits_since(again)) if first.coalesced else 0.0,
    )


def waits_since(row: ScheduledRow) -> float:
    """Return since when a scheduled item waits once it is ready: since its oldest change,
    or its date.
    """
    if not row.coalesced:
        return row.due
    # An earlier version kept it without
    return row.since or row.due - row.every


def batch_row(batch: Batch) -> InvalidationRow:
    """Return the row of a batch that is frozen."""
    return InvalidationRow(
        reference=batch.reference,
        distribution=batch.distribution,
        state=FROZEN,
        items=json.dumps(batch.items),
        since=batch.since,
        frozen=batch.frozen,
        refusals=batch.refusals,
        urgent=json.dumps(sorted(batch.urgent)),
        item_causes=pack_each(map(pack_causes, batch.causes)),
        invalidation="",
        accepted=None,
        completed=None,
        status="",
        causes="",
    )


def batch_of(row: InvalidationRow) -> Batch:
    """Return the batch in a row; raises ``ValueError`` if there is none in it."""
    items = tuple(json.loads(row.items))
    if not all(isinstance(item, str) for item in items):
        raise ValueError(f"{row.items!r} are no items")
    return Batch(
        reference=row.reference,
        distribution=row.distribution,
        items=items,
        since=row.since,
        frozen=row.frozen,
        refusals=row.refusals,
        urgent=frozenset(json.loads(row.urgent)),
        causes=unpack_each(row.item_causes, len(items)),
    )


def ready_rows(batch: Batch, distribution: str) -> list[ReadyRow]:
    """Return the rows that make a batch's items ready again."""
    return [
        ready_row(
            distribution, item, batch.since, item in batch.urgent, pack_causes(causes)
        )
        for item, causes in zip(batch.items, batch.causes)
    ]


def settled_of(row: InvalidationRow) -> Settled:
    """Return the accepted invalidation in a row."""
    return Settled(
        invalidation=row.invalidation,
        distribution=row.distribution,
        reference=row.reference,
        items=tuple(json.loads(row.items)),
        since=row.since,
        accepted=row.accepted or 0.0,
        completed=row.completed,
        status=row.status,
        causes=unpack_causes(row.causes),
    )


def in_order(found: Iterable[InvalidationRow]) -> list[Settled]:
    """Return the accepted invalidations in rows, the oldest first."""
    return sorted(map(settled_of, found), key=lambda settled: settled.accepted)


def scheduled_of(row: ScheduledRow) -> Scheduled:
    """Return the scheduled item in a row."""
    return Scheduled(
        distribution=row.distribution,
        item=row.item,
        due=row.due,
        key=row.key,
        urgent=bool(row.urgent),
        coalesced=bool(row.coalesced),
        causes=unpack_causes(row.causes),
    )


def quarantined_of(row: QuarantineRow) -> Quarantined:
    """Return the item in quarantine in a row."""
    return Quarantined(
        distribution=row.distribution,
        item=row.item,
        reason=unpack_message(row.reason),
        since=row.since,
        quarantined=row.refused,
        causes=unpack_causes(row.causes),
    )


def request_row(request: PurgeRequest) -> RequestRow:
    """Return the row of a purge request."""
    return RequestRow(
        id=request.id,
        time=request.time,
        user=as_line(request.user),
        reason=as_line(request.reason, LONGEST_REASON),
        items=json.dumps(request.items),
        distributions=json.dumps(request.distributions),
        due=request.due,
        cancelled=request.cancelled,
    )


def request_of(row: RequestRow) -> PurgeRequest:
    """Return the purge request in a row."""
    return PurgeRequest(
        id=row.id,
        time=row.time,
        user=row.user,
        reason=row.reason,
        items=tuple(json.loads(row.items)),
        distributions=tuple(json.loads(row.distributions)),
        due=row.due,
        cancelled=row.cancelled,
    )


def each_of(distributions: Collection[str] | None) -> list[dict[str, str]]:
    """Return what each scan has to be equal to, for some distributions or all."""
    if distributions is None:
        return [{}]
    return [{"distribution": each} for each in sorted(set(distributions))]

"""What a batch of the worker needs to know, read in a few statements: from when, how much, and everything of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from audit.remaking import Loaded
from domain.audit import NewPromise, Said, TalkKind
from store import audit_reading, audit_sessions, promises
from store.audit_marks import Mark
from store.audit_reading import Talk
from store.promises import Promise

_EVER = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class AuditRules:
    """How the worker works. `from_at`: nothing said before is looked at. `batch`: conversations taken at once;
    `most_messages`: messages held in memory at once, a longer talk is worked on in parts. `lease`: wall time. `unseen`:
    words about the archive under which nothing is analysed."""

    from_at: datetime = _EVER
    batch: int = 50
    most_messages: int = 2_000
    lease: timedelta = timedelta(minutes=5)
    unseen: frozenset[str] = audit_reading.UNSEEN


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What has to be read: from when each conversation; `idle` are marks with nothing to do."""

    marks: tuple[Mark, ...]
    idle: tuple[Mark, ...]
    talks: Mapping[int, Talk]
    since: Mapping[int, datetime]
    # Conversations known from their first word on, in which it can be told who speaks for the first time.
    are_new: frozenset[int]
    promises: Mapping[int, tuple[NewPromise, ...]]


async def plan(tx: AsyncConnection, marks: Sequence[Mark], rules: AuditRules, now: datetime) -> Plan:
    talks = await audit_reading.list_talks(tx, [mark.conversation_id for mark in marks])
    working = [mark for mark in marks if _is_judged(talks.get(mark.conversation_id))]
    ids = [mark.conversation_id for mark in working]
    starts = await audit_sessions.find_starts(tx, ids)
    given = await promises.list_of_conversations(tx, ids)
    overdue = await _first_overdue(tx, given, now)
    since = {}
    for mark in working:
        number = mark.conversation_id
        start = min(starts.get(number, mark.from_at), overdue.get(number, mark.from_at))
        since[number] = max(start, rules.from_at)
    return Plan(
        marks=tuple(working),
        idle=tuple(mark for mark in marks if not _is_judged(talks.get(mark.conversation_id))),
        talks=talks,
        since=since,
        are_new=await audit_sessions.list_new(tx, ids, rules.from_at),
        promises=given,
    )


def _is_judged(talk: Talk | None) -> bool:
    return talk is not None and talk.kind is not TalkKind.INTERNAL


async def _first_overdue(
    tx: AsyncConnection, given: Mapping[int, Sequence[NewPromise]], now: datetime
) -> dict[int, datetime]:
    """Return from which session on to look where a promise fell due that still counts as open, by conversation."""
    due = [
        one
        for each in given.values()
        for one in each
        if isinstance(one, Promise) and one.state == promises.OPEN and one.due_at <= now
    ]
    if not due:
        return {}
    started = await audit_sessions.list_started(tx, sorted({one.session_id for one in due}))
    found: dict[int, datetime] = {}
    for one in due:
        at = started.get(one.session_id, one.made_at)
        found[one.conversation_id] = min(at, found.get(one.conversation_id, at))
    return found


def packed(plan: Plan, counts: Mapping[int, int], most: int) -> Iterator[list[Mark]]:
    """Yield marks whose messages together are few enough to be held at once."""
    pack: list[Mark] = []
    size = 0
    for mark in plan.marks:
        count = counts.get(mark.conversation_id, 0)
        if pack and size + count > most:
            yield pack
            pack, size = [], 0
        pack.append(mark)
        size += count
    if pack:
        yield pack


async def load_all(tx: AsyncConnection, plan: Plan, rules: AuditRules) -> list[Loaded] | None:
    """Read everything at once; None when it is too much."""
    said = await audit_reading.read_many(tx, plan.since, rules.most_messages, unseen=rules.unseen)
    if said is None:
        return None
    return await _with_rows(tx, plan, {number: (found, False) for number, found in said.items()})


async def load_parts(
    tx: AsyncConnection,
    marks: Sequence[Mark],
    plan: Plan,
    counts: Mapping[int, int],
    most: int,
    unseen: frozenset[str],
) -> list[Loaded]:
    said: dict[int, tuple[list[Said], bool]] = {}
    for mark in marks:
        number = mark.conversation_id
        since = plan.since[number]
        found = await audit_reading.read_said(tx, number, since, limit=most, unseen=unseen)
        said[number] = found, counts.get(number, 0) > most
    return await _with_rows(tx, plan, said)


async def _with_rows(
    tx: AsyncConnection, plan: Plan, said: Mapping[int, tuple[list[Said], bool]]
) -> list[Loaded]:
    since = {number: plan.since[number] for number in said}
    kept = await audit_sessions.list_from(tx, since)
    known = await audit_sessions.list_known_subjects(
        tx, {number: at for number, at in since.items() if number in plan.are_new}
    )
    return [
        Loaded(
            talk=plan.talks[number],
            since=since[number],
            said=tuple(found),
            kept=tuple(kept[number]),
            promises=plan.promises.get(number, ()),
            known_subjects=known.get(number),
            is_partial=is_partial,
        )
        for number, (found, is_partial) in said.items()
    ]

"""The audit's worker: takes marked conversations, and writes what the audit makes of them.

    claim marks ⇢ read (store/audit_reading.py) ─▶ remake (pure, in a thread) ⇢ sessions, evaluations, findings,
    promises, reviews, notices and the end of the marks in one transaction

Many workers share the marks. Only what changed is written; running again changes nothing. A conversation that cannot be
worked on (a mistake in a rule, say) rests for a while and keeps nobody else waiting.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from audit import alarming, remaking
from audit.remaking import NOTHING, Loaded, Means, Remade, RemadeSession
from domain.audit import NewPromise, Said, TalkKind
from domain.ports import Clock
from store import audit_marks, audit_reading, audit_sessions, evaluations, promises
from store.audit_marks import Mark
from store.audit_reading import Talk
from store.database import Store
from store.evaluations import Judged
from store.promises import Promise

log = logging.getLogger(__name__)

Run = Callable[[Callable[[], list[Remade]]], Awaitable[list[Remade]]]
_EVER = datetime(2000, 1, 1, tzinfo=UTC)
_TIRED = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class AuditRules:
    """How the worker works. `from_at`: nothing said before is looked at. `batch`: conversations taken at once;
    `most_messages`: messages held in memory at once, a longer talk is worked on in parts. `lease`: wall time. `unseen`:
    words about the archive under which nothing is analysed."""

    from_at: datetime = _EVER
    batch: int = 50
    most_messages: int = 5_000
    lease: timedelta = timedelta(minutes=5)
    unseen: frozenset[str] = audit_reading.UNSEEN


@dataclass(frozen=True, kw_only=True)
class Done:
    """What a step did: conversations and messages looked at, sessions written, red lines suspected."""

    talks: int = 0
    messages: int = 0
    sessions: int = 0
    red: int = 0


class AuditWorker:
    """One per process. `means`: asked for every batch, because rules change; `run`: works off the event loop."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        rules: AuditRules,
        means: Callable[[], Means],
        *,
        owner: str,
        run: Run,
        on_done: Callable[[Done], None] = lambda done: None,
        on_alarm: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._rules = rules
        self._means = means
        self._owner = owner
        self._run = run
        self._on_done = on_done
        self._on_alarm = on_alarm

    async def run_due(self) -> float | None:
        """Work on what is due; a step for ticker.run_loop. Returns 0 while there may be more."""
        now, wall = self._clock.now(), self._clock.wall()
        async with self._store.read() as tx:
            next_at = await audit_marks.find_next(tx, wall)
        if next_at is None or next_at > now:
            return None if next_at is None else max((next_at - now).total_seconds(), 0.01)
        marks = await self._store.write(
            lambda tx: audit_marks.claim_due(tx, self._owner, now, wall, self._rules.lease, self._rules.batch)
        )
        if not marks:
            return None
        try:
            await self._work(marks, now)
        except Exception:
            log.exception("audit batch failed", extra={"action": "audit_batch_failed", "count": len(marks)})
            await self._one_by_one(marks, now)
        return 0

    async def take_over(self) -> None:
        """Take back what an earlier process held; only when no other one can run."""
        await self._store.write(audit_marks.release_all)

    async def _one_by_one(self, marks: Sequence[Mark], now: datetime) -> None:
        """Work on each by itself, so that one that fails keeps nobody waiting."""
        for mark in marks:
            try:
                await self._work([mark], now)
            except Exception:
                log.exception(
                    "audit failed", extra={"action": "audit_failed", "conversation": mark.conversation_id}
                )
                await self._store.write(functools.partial(_rest, mark.conversation_id, now + _TIRED))

    async def _work(self, marks: Sequence[Mark], now: datetime) -> None:
        async with self._store.read() as tx:
            plan = await _plan(tx, marks, self._rules, now)
        if plan.idle:
            await self._store.write(lambda tx: audit_marks.settle(tx, plan.idle, {}, self._owner))
        for some in _packed(plan, self._rules.most_messages):
            await self._work_on(some, plan, now)

    async def _work_on(self, marks: Sequence[Mark], plan: _Plan, now: datetime) -> None:
        means = self._means()
        remade = await self._remake(marks, plan, means, now)
        done = await self._store.write(lambda tx: self._record(tx, marks, remade, means, now))
        if done.red:
            self._on_alarm()
        self._on_done(done)

    async def _remake(self, marks: Sequence[Mark], plan: _Plan, means: Means, now: datetime) -> list[Remade]:
        """Read and remake; of a talk too long to be read at once so much that at least one session is whole."""
        most = self._rules.most_messages
        from_at = {mark.conversation_id: mark.from_at for mark in marks}
        while True:
            async with self._store.read() as tx:
                loaded = await _load(tx, marks, plan, most, self._rules.unseen)
            remade = await self._run(functools.partial(_remake_each, loaded, means, now))
            if not any(_stands_still(one, from_at) for one in remade):
                return remade
            most *= 2

    async def _record(
        self,
        tx: AsyncConnection,
        marks: Sequence[Mark],
        remade: Sequence[Remade],
        means: Means,
        now: datetime,
    ) -> Done:
        """Write what came out for those conversations that are still ours, and end their marks."""
        ours = await audit_marks.list_held(tx, [mark.conversation_id for mark in marks], self._owner)
        still = [one for one in remade if one.conversation_id in ours]
        changed = [each for one in still for each in one.changed]
        red = await self._record_changed(tx, still, changed, means, now)
        again = {one.conversation_id: one.again for one in still if one.again is not None}
        await audit_marks.settle(
            tx, [mark for mark in marks if mark.conversation_id in ours], again, self._owner
        )
        return Done(
            talks=len(still),
            messages=sum(one.messages for one in still),
            sessions=len(changed),
            red=red,
        )

    async def _record_changed(
        self,
        tx: AsyncConnection,
        still: Sequence[Remade],
        changed: Sequence[RemadeSession],
        means: Means,
        now: datetime,
    ) -> int:
        if not changed and not any(one.merged for one in still):
            return 0
        ids = await audit_sessions.record(tx, [one.cut for one in changed], now)
        by_first = {one.cut.first_message_id: id_ for one, id_ in zip(changed, ids, strict=True)}
        merged: dict[int, int] = {}
        for one in still:
            known = {**one.rows, **by_first}
            merged |= {number: known[first] for number, first in one.merged.items()}
        await audit_sessions.merge(tx, merged)
        if means.basis is None:
            return 0
        judged = [_judged(one, id_) for one, id_ in zip(changed, ids, strict=True)]
        judged += [
            Judged(session_id=number, started_at=now, judgement=NOTHING, input_digest="") for number in merged
        ]
        new = await evaluations.record_many(
            tx, judged, means.basis.rubric.version, means.basis.rules_version, now
        )
        return await alarming.raise_alarms(tx, new, now)


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """What has to be read: from when each conversation, how much there is; `idle` are marks with nothing to do."""

    marks: tuple[Mark, ...]
    idle: tuple[Mark, ...]
    talks: Mapping[int, Talk]
    since: Mapping[int, datetime]
    counts: Mapping[int, int]
    # Conversations cut from one of their sessions on; the others have none before what is new.
    have_earlier: frozenset[int]
    promises: Mapping[int, tuple[NewPromise, ...]]


async def _rest(conversation_id: int, until: datetime, tx: AsyncConnection) -> None:
    await audit_marks.postpone(tx, [conversation_id], until)


def _stands_still(one: Remade, from_at: Mapping[int, datetime]) -> bool:
    """Say whether a part of a long talk was read in vain: looking on from its end would begin where this one did."""
    return one.is_partial and (one.again is None or one.again[0] <= from_at[one.conversation_id])


def _remake_each(loaded: Sequence[Loaded], means: Means, now: datetime) -> list[Remade]:
    return [remaking.remake(one, means, now) for one in loaded]


async def _plan(tx: AsyncConnection, marks: Sequence[Mark], rules: AuditRules, now: datetime) -> _Plan:
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
    return _Plan(
        marks=tuple(working),
        idle=tuple(mark for mark in marks if not _is_judged(talks.get(mark.conversation_id))),
        talks=talks,
        since=since,
        counts=await audit_reading.count_many(tx, since),
        have_earlier=frozenset(starts),
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


def _packed(plan: _Plan, most: int) -> Iterator[list[Mark]]:
    """Yield marks whose messages together are few enough to be held at once."""
    pack: list[Mark] = []
    size = 0
    for mark in plan.marks:
        count = plan.counts.get(mark.conversation_id, 0)
        if pack and size + count > most:
            yield pack
            pack, size = [], 0
        pack.append(mark)
        size += count
    if pack:
        yield pack


async def _load(
    tx: AsyncConnection, marks: Sequence[Mark], plan: _Plan, most: int, unseen: frozenset[str]
) -> list[Loaded]:
    since = {mark.conversation_id: plan.since[mark.conversation_id] for mark in marks}
    said = await _read(tx, since, plan.counts, most, unseen)
    kept = await audit_sessions.list_from(tx, since)
    known = await audit_sessions.list_known_subjects(
        tx, {number: at for number, at in since.items() if number in plan.have_earlier}
    )
    return [
        Loaded(
            talk=plan.talks[number],
            since=since[number],
            said=tuple(messages),
            kept=tuple(kept[number]),
            promises=plan.promises.get(number, ()),
            known_subjects=known.get(number, frozenset()),
            is_partial=is_partial,
        )
        for number, (messages, is_partial) in said.items()
    ]


async def _read(
    tx: AsyncConnection,
    since: Mapping[int, datetime],
    counts: Mapping[int, int],
    most: int,
    unseen: frozenset[str],
) -> dict[int, tuple[list[Said], bool]]:
    """Return the messages of each conversation, and whether there are more than were read."""
    long = {number for number in since if counts.get(number, 0) > most}
    short = {number: at for number, at in since.items() if number not in long}
    read = await audit_reading.read_many(tx, short, unseen=unseen)
    found = {number: (said, False) for number, said in read.items()}
    for number in long:
        said = await audit_reading.read_said(tx, number, since[number], limit=most, unseen=unseen)
        found[number] = said, True
    return found


def _judged(one: RemadeSession, session_id: int) -> Judged:
    findings = tuple(
        each if each.session_id == session_id else replace(each, session_id=session_id)
        for each in one.judgement.findings
    )
    return Judged(
        session_id=session_id,
        started_at=one.cut.started_at,
        judgement=replace(one.judgement, findings=findings),
        input_digest=one.cut.digest,
    )

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
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from audit import alarming, loading, remaking
from audit.loading import AuditRules, Plan
from audit.remaking import NOTHING, Loaded, Means, Remade, RemadeSession
from domain.ports import Clock
from store import audit_marks, audit_reading, audit_sessions, erasures, evaluations, findings, heard_questions
from store.audit_marks import Mark
from store.database import Store
from store.evaluations import Judged

log = logging.getLogger(__name__)

Run = Callable[[Callable[[], list[Remade]]], Awaitable[list[Remade]]]
_TIRED = timedelta(minutes=10)
# Messages whose sessions are written in one transaction: 0.15 ms each (2026-11-22).
_PORTION = 500


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
            plan = await loading.plan(tx, marks, self._rules, now)
            loaded = await loading.load_all(tx, plan, self._rules)
            if loaded is None:
                counts = await audit_reading.count_many(tx, plan.since)
        if plan.idle:
            await self._store.write(lambda tx: audit_marks.settle(tx, plan.idle, {}, self._owner))
        if loaded is not None:
            await self._finish(plan.marks, await self._remade(loaded, now), now)
            return
        for some in loading.packed(plan, counts, self._rules.most_messages):
            await self._finish(some, await self._in_parts(some, plan, counts, now), now)

    async def _remade(self, loaded: Sequence[Loaded], now: datetime) -> tuple[Means, list[Remade]]:
        means = self._means()
        return means, await self._run(functools.partial(_remake_each, loaded, means, now))

    async def _finish(self, marks: Sequence[Mark], made: tuple[Means, list[Remade]], now: datetime) -> None:
        means, remade = made
        of = {mark.conversation_id: mark for mark in marks}
        for some in _portions(remade):
            held = [of[one.conversation_id] for one in some]
            done = await self._store.write(functools.partial(self._record, held, some, means, now))
            if done.red:
                self._on_alarm()
            self._on_done(done)

    async def _in_parts(
        self, marks: Sequence[Mark], plan: Plan, counts: Mapping[int, int], now: datetime
    ) -> tuple[Means, list[Remade]]:
        """Read and remake; of a talk too long to be read at once so much that at least one session is whole."""
        most = self._rules.most_messages
        from_at = {mark.conversation_id: mark.from_at for mark in marks}
        while True:
            async with self._store.read() as tx:
                loaded = await loading.load_parts(tx, marks, plan, counts, most, self._rules.unseen)
            made = await self._remade(loaded, now)
            if not any(_stands_still(one, from_at) for one in made[1]):
                return made
            most *= 2

    async def _record(
        self,
        marks: Sequence[Mark],
        remade: Sequence[Remade],
        means: Means,
        now: datetime,
        tx: AsyncConnection,
    ) -> Done:
        """Write what came out for those conversations that are still ours, and end their marks."""
        ours = await audit_marks.list_held(tx, [mark.conversation_id for mark in marks], self._owner)
        still = [one for one in remade if one.conversation_id in ours]
        changed = [each for one in still for each in one.changed]
        # Words may have been erased since they were read: nothing that quotes them stays.
        erased = await erasures.lock_erased(tx, _quoted(still, changed))
        red = await self._record_changed(tx, still, changed, means, now)
        await heard_questions.keep(tx, [one.standing for one in still if one.standing is not None], now)
        again = {one.conversation_id: one.again for one in still if one.again is not None}
        await audit_marks.settle(
            tx, [mark for mark in marks if mark.conversation_id in ours], again, self._owner
        )
        await erasures.blank_quotes(tx, erased)
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
        await findings.hold(tx, [one.conversation_id for one in still])
        ids = await audit_sessions.record(tx, [one.cut for one in changed], now)
        by_first = {one.cut.first_message_id: id_ for one, id_ in zip(changed, ids, strict=True)}
        merged: dict[int, int] = {}
        now_in: dict[int, int] = {}
        for one in still:
            known = {**one.rows, **by_first}
            merged |= {number: known[first] for number, first in one.merged.items()}
            now_in |= {number: known[first] for number, first in one.places.items()}
        await audit_sessions.merge(tx, merged)
        concerned = await findings.move(tx, ids, merged, now_in)
        red = await self._record_judged(tx, changed, ids, merged, means, now)
        await findings.settle_sessions(tx, sorted(concerned))
        return red

    async def _record_judged(
        self,
        tx: AsyncConnection,
        changed: Sequence[RemadeSession],
        ids: Sequence[int],
        merged: Mapping[int, int],
        means: Means,
        now: datetime,
    ) -> int:
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


def _quoted(still: Sequence[Remade], changed: Sequence[RemadeSession]) -> set[int]:
    """Return the messages that findings, promises and questions name, and so may quote."""
    found = {span.message_id for one in changed for each in one.judgement.findings for span in each.spans}
    found |= {each.message_id for one in changed for each in one.judgement.promises}
    return found | {asked.message_id for one in still if one.standing for asked in one.standing.asked}


async def _rest(conversation_id: int, until: datetime, tx: AsyncConnection) -> None:
    await audit_marks.postpone(tx, [conversation_id], until)


def _portions(remade: Sequence[Remade]) -> Iterator[list[Remade]]:
    """Yield so much at once that customers' answers wait for the one writer of SQLite a tenth of a second at most."""
    portion: list[Remade] = []
    size = 0
    for one in remade:
        count = sum(each.cut.message_count for each in one.changed)
        if portion and size + count > _PORTION:
            yield portion
            portion, size = [], 0
        portion.append(one)
        size += count
    if portion:
        yield portion


def _stands_still(one: Remade, from_at: Mapping[int, datetime]) -> bool:
    """Say whether a part of a long talk was read in vain: looking on from its end would begin where this one did."""
    return one.is_partial and (one.again is None or one.again[0] <= from_at[one.conversation_id])


def _remake_each(loaded: Sequence[Loaded], means: Means, now: datetime) -> list[Remade]:
    return [remaking.remake(one, means, now) for one in loaded]


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

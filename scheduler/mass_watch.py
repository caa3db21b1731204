"""Looks after mass sends at the platform: whether the sender confirmed, what came of it, reminders, stops.

The engine writes what it wants into mass_task; here it is carried out, one worker a task under a lease, and what was
found out pokes the groups. A reminder is written down before it is made and counts as made after a crash, so there are
never more than the platform allows. A stop is believed only when the platform lists the task as not sent after it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.delivery import Delivery, DeliveryState
from domain.enrolment import MassTask, MassTaskState, TargetResult
from domain.errors import ChannelBusy, ChannelError, ChannelRefused
from domain.ports import Clock
from scheduler import ladder
from scheduler.ticker import Wakeup
from store import deliveries, enrolments, mass_tasks, occurrences
from store.database import Store

log = logging.getLogger(__name__)

_LEASE = timedelta(seconds=120)
_IN_HAND = 16
# How soon a task whose delivery is on its way is looked at again.
_SOON = timedelta(seconds=2)
# After its first hour, in which rungs count in minutes, a task is asked about ever less: after this part of its age.
_EAGER, _PART_OF_AGE, _SELDOM = timedelta(hours=1), 30, timedelta(minutes=10)
# How long a task that may exist is looked for, and how often.
_SEARCHED_FOR, _SEARCH_AGAIN = timedelta(hours=24), timedelta(minutes=10)
# A msgid that is missing or not known (WeCom doc 93338).
_NO_SUCH_TASK = frozenset([41046, 41047])
# Somebody stopped it (WeCom doc 97610).
_STOPPED = 41093
# After a confirmation the platform sends; what it has not sent so long after is taken as not sent.
_ARRIVES_WITHIN, _ASK_AGAIN = timedelta(minutes=10), timedelta(seconds=30)
_SETTLED = frozenset([DeliveryState.REFUSED, DeliveryState.FAILED, DeliveryState.CANCELLED])


class SenderState(Protocol):
    """Whether a sender confirmed."""

    @property
    def confirmed_at(self) -> datetime | None: ...


class MassSends(Protocol):
    """What is asked of the platform; see bot/channels/wecom/mass.py."""

    async def state(self, msgid: str, sender: str) -> SenderState: ...

    async def results(self, msgid: str, sender: str) -> dict[str, TargetResult]: ...

    async def remind(self, msgid: str) -> bool: ...

    async def cancel(self, msgid: str) -> None: ...

    async def find_created(
        self,
        sender: str,
        text: str,
        targets: Sequence[str],
        since: datetime,
        *,
        chat_type: str,
        taken: frozenset[str],
    ) -> str: ...


@dataclass(frozen=True, kw_only=True)
class _Found:
    """What is known of a task now."""

    state: MassTaskState
    poll_at: datetime | None
    msgid: str = ""
    confirmed_at: datetime | None = None
    results: dict[str, TargetResult] | None = None
    cancelled_at: datetime | None = None
    error: str = ""


class MassWatch:
    """Run one per process; many processes share the rows."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        sends: MassSends,
        *,
        owner: str,
        poll: timedelta,
        engine_bell: Wakeup,
    ) -> None:
        # `poll`: how often a task that waits for its sender is asked about.
        self._store = store
        self._clock = clock
        self._sends = sends
        self._owner = owner
        self._poll = poll
        self._engine_bell = engine_bell
        self.bell = Wakeup()

    async def watch_due(self) -> float | None:
        """Ask about the tasks whose time has come; a step for ticker.run_loop."""
        now, wall = self._clock.now(), self._clock.wall()
        claimed = await self._store.write(
            lambda tx: mass_tasks.claim_poll(
                tx, now=now, wall=wall, owner=self._owner, lease=_LEASE, limit=_IN_HAND
            )
        )
        if not claimed:
            return None
        await asyncio.gather(*(self._watch(task, fence) for task, fence in claimed))
        self._engine_bell.ring()
        return 0

    async def _watch(self, task: MassTask, fence: int) -> None:
        now = self._clock.now()
        try:
            found = await self._look(task, fence)
        except ChannelError as error:
            found = self._of_error(task, error, now)
        is_news = found.state is not task.state

        async def record(tx: AsyncConnection) -> None:
            if is_news:
                # Groups first, as the engine takes them, so that the two never wait for each other.
                await enrolments.poke_tasks(tx, [task.id], self._clock.now())
            done = await mass_tasks.settle(
                tx,
                task,
                fence,
                state=found.state,
                poll_at=found.poll_at,
                msgid=found.msgid,
                confirmed_at=found.confirmed_at,
                results=found.results,
                cancelled_at=found.cancelled_at,
                error=found.error,
            )
            if done and found.confirmed_at is not None and found.results is not None:
                await occurrences.record_sent_after_end(
                    tx, task.id, found.results, found.confirmed_at, task.sender
                )

        await self._store.write(record)
        if is_news:
            log.info("mass send", extra={"action": "mass_send", "task": task.id, "state": str(found.state)})

    def _of_error(self, task: MassTask, error: ChannelError, now: datetime) -> _Found:
        """Give a task up only when the platform does not know it; whatever an administrator can mend is asked again."""
        if isinstance(error, ChannelRefused) and error.errcode in _NO_SUCH_TASK:
            return _Found(state=MassTaskState.FAILED, poll_at=None, error=f"errcode {error.errcode}")
        wait = error.retry_after if isinstance(error, ChannelBusy) else timedelta(seconds=5)
        return _Found(
            state=task.state,
            poll_at=now + min(max(wait, _SOON), self._poll),
            error=f"{type(error).__name__} {error.errcode or ''}".strip(),
        )

    async def _look(self, task: MassTask, fence: int) -> _Found:
        if task.state is MassTaskState.WAITING:
            return await self._ask(task, fence)
        async with self._store.read() as tx:
            delivery = await deliveries.find(tx, task.delivery_key)
        now = self._clock.now()
        if delivery is None or delivery.state in _SETTLED:
            if task.cancel_wanted_at is not None:
                return _Found(state=MassTaskState.CANCELLED, poll_at=None, cancelled_at=now)
            outcome = delivery.outcome if delivery else "no delivery"
            return _Found(state=MassTaskState.FAILED, poll_at=None, error=outcome)
        if delivery.state is DeliveryState.ACCEPTED and not delivery.receipt:
            # A person looked and said that it was sent (console, deliveries); there is no task to ask about.
            told = dict.fromkeys(task.targets, TargetResult.SENT)
            return _Found(state=MassTaskState.CONFIRMED, poll_at=None, confirmed_at=now, results=told)
        if delivery.state is DeliveryState.ACCEPTED:
            return _Found(state=MassTaskState.WAITING, poll_at=now + _SOON, msgid=delivery.receipt)
        if delivery.state is DeliveryState.HELD and task.cancel_wanted_at is None:
            return _Found(state=task.state, poll_at=now + max(self._poll, _grown(task, now)))
        if delivery.state is DeliveryState.UNKNOWN:
            return await self._search(task, delivery)
        if task.cancel_wanted_at is not None:
            key = task.delivery_key
            if await self._store.write(lambda tx: deliveries.cancel_unsent(tx, key, now, "stopped")):
                return _Found(state=MassTaskState.CANCELLED, poll_at=None, cancelled_at=now)
        return _Found(
            state=task.state,
            poll_at=now + max(_SOON, min((now - task.created_at) / _PART_OF_AGE, self._poll)),
        )

    async def _ask(self, task: MassTask, fence: int) -> _Found:
        """Ask whether the sender confirmed, after a stop that is wanted; remind only one who has not."""
        is_stopped = task.cancel_wanted_at is not None
        if is_stopped:
            await self._sends.cancel(task.msgid)
        sender = await self._sends.state(task.msgid, task.sender)
        if sender.confirmed_at is None and not is_stopped and task.remind_wanted_at is not None:
            is_stopped = await self._remind(task, fence)
            if is_stopped:
                sender = await self._sends.state(task.msgid, task.sender)
        now = self._clock.now()
        if sender.confirmed_at is not None:
            left_out = {
                target: found for target, found in task.results.items() if found is TargetResult.OPTED_OUT
            }
            results = left_out | await self._sends.results(task.msgid, task.sender)
            # Of groups only those are listed that were tried; the others are still to come.
            unsent = TargetResult.UNSENT
            is_on_its_way = any(results.get(target, unsent) is unsent for target in task.targets)
            if is_on_its_way and now - sender.confirmed_at < _ARRIVES_WITHIN:
                return _Found(state=MassTaskState.WAITING, poll_at=now + min(self._poll, _ASK_AGAIN))
            return _Found(
                state=MassTaskState.CONFIRMED,
                poll_at=None,
                confirmed_at=sender.confirmed_at,
                results=results,
            )
        if is_stopped:
            return _Found(state=MassTaskState.CANCELLED, poll_at=None, cancelled_at=now)
        return _Found(state=MassTaskState.WAITING, poll_at=now + max(self._poll, _grown(task, now)))

    async def _remind(self, task: MassTask, fence: int) -> bool:
        """Remind the sender; True when the platform says that somebody stopped the task."""
        now = self._clock.now()
        recent = [moment for moment in task.reminds if now - moment < ladder.REMIND_SPAN]
        # A wish that faults or an outage kept back until the task is over, which quiet hours end too, is given up.
        if len(recent) >= ladder.REMINDS or now >= task.until:
            await self._store.write(lambda tx: mass_tasks.drop_remind(tx, task, fence))
            return False
        if await self._store.write(lambda tx: mass_tasks.record_remind(tx, task, fence, now)):
            try:
                await self._sends.remind(task.msgid)
            except ChannelRefused as error:
                if error.errcode != _STOPPED:
                    raise
                return True
        return False

    async def _search(self, task: MassTask, delivery: Delivery) -> _Found:
        """Look whether a task that may have been made is there; it is never made again."""
        now = self._clock.now()
        since = delivery.attempted_at or delivery.created_at
        async with self._store.read() as tx:
            taken = frozenset(await deliveries.list_mass_receipts(tx, task.sender, since - _SEARCH_AGAIN))
        msgid = await self._sends.find_created(
            task.sender,
            delivery.body.text,
            task.targets,
            since,
            chat_type=task.chat_type,
            taken=taken,
        )
        if not msgid:
            again = now + _SEARCH_AGAIN if now - since < _SEARCHED_FOR else None
            return _Found(state=MassTaskState.UNKNOWN, poll_at=again)
        await self._store.write(lambda tx: deliveries.resolve(tx, task.delivery_key, msgid, now))
        return _Found(state=MassTaskState.WAITING, poll_at=now, msgid=msgid)


def _grown(task: MassTask, now: datetime) -> timedelta:
    age = now - task.created_at
    return min(age / _PART_OF_AGE, _SELDOM) if age > _EAGER else timedelta()

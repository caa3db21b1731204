"""Watches over customers who were given to a person, so that nobody is forgotten.

Who waits in the pool is given to the first person on duty who has room, and
at closing time to whoever still receives. Who waits too long for a person that has
stopped receiving is given to another one. Whom a person leaves without an answer for longer than `idle` is taken back
with an apology and a choice, by the code of the end. What ended where nobody told us is closed. Moves leave as
deliveries (scheduler/handing.py), so that they are checked and done once, whoever watches.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncConnection

from content import reply_files, turns
from content.knowledge import Knowledge
from domain.delivery import NewDelivery
from domain.handover import HandoverState
from domain.platform import SessionState
from domain.ports import Clock
from scheduler import handing, rostering
from scheduler.rostering import RosterRules
from scheduler.ticker import Wakeup
from store import conversations, deliveries, handovers, roster
from store.database import Store
from store.handovers import OpenHandover, Unanswered

log = logging.getLogger(__name__)

# How long our record of the session's state may differ from the hand-over's while a move is under way.
_SETTLING = timedelta(minutes=2)
# How often open hand-overs are looked at.
_LOOK_SECONDS = 5.0


class Care(StrEnum):
    """What an open hand-over needs now."""

    NOTHING = "nothing"
    GIVE = "give"  # Waits in the pool: to somebody on duty with room.
    MOVE_ON = "move_on"  # Waits for a person who has stopped receiving: to another one.
    TAKE_BACK = "take_back"  # Was left without an answer for too long.
    CLOSE = "close"  # Is over, and nobody told us.
    FOLLOW = "follow"  # Somebody else serves than we thought.


@dataclass(frozen=True, kw_only=True)
class WatchRules:
    """When to act. `stopped`: how long a customer waits for a person who receives no more."""

    roster: RosterRules
    idle: timedelta = timedelta(minutes=30)
    stopped: timedelta = timedelta(minutes=5)
    only_accounts: frozenset[str] = frozenset()


def care_for(
    one: OpenHandover, waits_since: datetime | None, is_receiving: bool, rules: WatchRules, now: datetime
) -> Care:
    """Return what an open hand-over needs. Pure.

    `waits_since`: when the oldest thing was said that the person has not answered; None when all is answered. Only
    waits that the platform's log shows are counted: what was not read yet may hold the answer.
    """
    handover, talk = one.handover, one.talk
    if one.is_moving:
        return Care.NOTHING
    last = talk.last_customer_message_at
    if last is not None and now - last >= roster.SESSION_LIFE:
        return Care.CLOSE
    match talk.state:
        case SessionState.POOL:
            return Care.GIVE
        case SessionState.SERVICER:
            if handover.state is HandoverState.WAITING or handover.staff_platform_id != talk.servicer_id:
                return Care.FOLLOW
            waited = timedelta(0)
            if waits_since is not None and one.read_at is not None:
                waited = min(now, one.read_at) - waits_since
            if waited >= rules.idle:
                return Care.TAKE_BACK
            return Care.MOVE_ON if waited >= rules.stopped and not is_receiving else Care.NOTHING
        case _:
            since = max(handover.assigned_at or handover.asked_at, talk.state_changed_at or handover.asked_at)
            return Care.CLOSE if now - since >= _SETTLING else Care.NOTHING


class HandoverWatch:
    """A worker over the open hand-overs. Run one per process; a move has one key, so it is made once."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        knowledge: Callable[[], Knowledge],
        rules: WatchRules,
        *,
        outbox_bell: Wakeup | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._knowledge = knowledge
        self._rules = rules
        self._outbox_bell = outbox_bell
        self.bell = Wakeup()

    async def watch_due(self) -> float | None:
        """Look after every open hand-over; a step for ticker.run_loop."""
        now = self._clock.now()
        async with self._store.read() as tx:
            opened = [one for one in await handovers.list_open(tx) if self._may_serve(one)]
            cares = [(one, await self._look(tx, one, now)) for one in opened]
        acts = [(one, care) for one, care in cares if care is not Care.NOTHING]
        if acts:
            moved = await self._store.write(lambda tx: self._act_all(tx, acts, now))
            if moved and self._outbox_bell is not None:
                self._outbox_bell.ring()
        return _LOOK_SECONDS if opened else None

    def _may_serve(self, one: OpenHandover) -> bool:
        only = self._rules.only_accounts
        return not only or one.talk.account_id in only

    async def _look(self, tx: AsyncConnection, one: OpenHandover, now: datetime) -> Care:
        """Say what it needs; what was said is read only where somebody serves."""
        if one.talk.state is not SessionState.SERVICER:
            return care_for(one, None, True, self._rules, now)
        said = await handovers.list_unanswered(tx, one.handover)
        is_receiving = await handovers.is_receiving(tx, one.talk.account_id, one.talk.servicer_id)
        return care_for(one, self._waits_since(said, one), is_receiving, self._rules, now)

    def _waits_since(self, said: Sequence[Unanswered], one: OpenHandover) -> datetime | None:
        signals = self._knowledge().content.signals
        waiting = [each for each in said if turns.wants_answer(each.kind, each.text, signals)]
        if not waiting:
            return None
        # Before it was given to the person nobody could answer; the wait counts for the person from then on.
        given_at = one.handover.assigned_at or one.handover.asked_at
        return max(waiting[0].sent_at, given_at)

    async def _act_all(
        self, tx: AsyncConnection, acts: Sequence[tuple[OpenHandover, Care]], now: datetime
    ) -> int:
        moved = 0
        await self._claim_seats(tx, acts, now)
        for one, care in acts:
            new = await self._act(tx, one, care, now)
            if new is not None:
                await deliveries.add(tx, [new], now)
                moved += 1
                log.info(
                    "session moves",
                    extra={"action": f"handover_{care.value}", "handover": one.handover.id},
                )
        return moved

    async def _claim_seats(
        self, tx: AsyncConnection, acts: Sequence[tuple[OpenHandover, Care]], now: datetime
    ) -> None:
        """Keep others from filling the seats meanwhile: all at once and in order, so that nobody waits in a ring."""
        accounts = {one.talk.account_id for one, care in acts if care in (Care.GIVE, Care.MOVE_ON)}
        names: set[str] = set()
        for account in accounts:
            names.update(await rostering.find_seats(tx, account, self._rules.roster, now) or ())
        if names:
            await roster.claim(tx, sorted(names))

    async def _act(
        self, tx: AsyncConnection, one: OpenHandover, care: Care, now: datetime
    ) -> NewDelivery | None:
        """Write down what needs no move, or return the move. One a minute and hand-over: the key says so."""
        handover, talk = one.handover, one.talk
        nonce = f"{handover.id} {care} {int(now.timestamp()) // 60}"
        match care:
            case Care.CLOSE:
                await handing.close(tx, handover, self._knowledge(), now)
                if talk.state in (SessionState.POOL, SessionState.SERVICER):
                    # It ran out; otherwise it would take up room for ever.
                    await conversations.set_state(tx, talk.id, SessionState.ENDED, now=now)
            case Care.FOLLOW:
                await handovers.assign(tx, talk.id, talk.servicer_id, now)
            case Care.TAKE_BACK:
                say = handing.words_of(self._knowledge(), handing.IDLE_REPLY)
                return handing.end(talk, handing.IDLE_REPLY, say, nonce=nonce, now=now)
            case Care.GIVE | Care.MOVE_ON:
                return await self._give(tx, one, nonce, now)
        return None

    async def _give(
        self, tx: AsyncConnection, one: OpenHandover, nonce: str, now: datetime
    ) -> NewDelivery | None:
        handover, talk = one.handover, one.talk
        without = (talk.servicer_id,) if talk.servicer_id else ()
        chosen = await rostering.find(
            tx, talk.account_id, self._rules.roster, now, line=handover.line, without=without
        )
        rules = self._rules.roster
        is_last_call = talk.state is SessionState.POOL and rostering.is_closing(rules.hours, now)
        if not chosen.servicers and is_last_call:
            chosen = await rostering.find_at_closing(tx, talk.account_id, rules, now, line=handover.line)
        if not chosen.servicers:
            return None
        if talk.state is SessionState.POOL:
            await handovers.set_coming(tx, talk.id, chosen.servicers[0])
        return handing.give(talk, chosen.servicers, nonce=nonce, notice=self._assigned(), now=now)

    def _assigned(self) -> str:
        """Return what the customer reads when somebody is found."""
        replies = self._knowledge().replies
        words, unnamed = replies.get("handover_assigned"), replies.get("servicer.unnamed")
        if words is None:
            return ""
        return reply_files.fill(words.text, {"servicer": unnamed.text if unnamed else ""})

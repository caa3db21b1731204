"""The one door out: every text leaves here, as a Delivery that was checked the moment before.

Steps of one delivery: claim → guard (may it be said, now, to this customer?) → write "attempting" → call → write the
end. Three commits, shared with whatever else is written at the time. Who decides on words is handlers/; who knows the
platform is bot/channels/. Send classes and what a crash leaves behind: docs/architecture.md, "The door out".
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from content.knowledge import Knowledge
from domain import errors
from domain.case import CaseKind, CaseWanted
from domain.delivery import Act, Body, Delivery, DeliveryState, Purpose, Receipt, SendClass
from domain.platform import SessionState
from domain.ports import Channel, Clock
from domain.talk import Author
from scheduler import handing
from scheduler.guards import Verdict, guard
from scheduler.ticker import Wakeup
from store import (
    accounts,
    cases,
    conversations,
    customers,
    deliveries,
    handovers,
    mass_tasks,
    messages,
    turns,
)
from store.database import Store
from store.deliveries import Claimed

log = logging.getLogger(__name__)

_LONGEST_BACKOFF_SECONDS = 60.0
_NOTE_LENGTH = 500
# Nobody has to do anything about these: a person serves the customer, or the customer wants no such message.
_NO_CASE = frozenset({Verdict.PERSON.value, Verdict.OPTED_OUT.value})


@dataclass(frozen=True, kw_only=True)
class OutboxRules:
    """How the outbox works.

    `in_flight`: sends at the same time, which bounds what one kill can leave unknown; half of them at most go to staff
    and groups, so that a customer's answer never waits behind uploads. `repeat_is_refused`: the platform
    refuses a msgid it has seen, so a send cut short may be repeated. `fresh`: an answer that waited longer is stale.
    `checked`: how long after a try the platform surely knows a message of class CHECKED again.
    """

    in_flight: int = 4
    lease: timedelta = timedelta(seconds=60)
    max_attempts: int = 5
    repeat_is_refused: bool = True
    fresh: timedelta = timedelta(minutes=10)
    case_days: int = 1
    checked: timedelta = timedelta(hours=1)

    @property
    def safe_classes(self) -> tuple[int, ...]:
        """The send classes that may be repeated after a crash."""
        if self.repeat_is_refused:
            return (int(SendClass.CHECKED), int(SendClass.KEYED))
        return (int(SendClass.CHECKED),)


class Outbox:
    """A worker at the door. Run one per process; many processes share the rows."""

    def __init__(
        self,
        store: Store,
        channels: dict[str, Channel],
        clock: Clock,
        knowledge: Callable[[], Knowledge],
        rules: OutboxRules,
        *,
        owner: str,
    ) -> None:
        self._store = store
        self._channels = channels
        self._clock = clock
        self._knowledge = knowledge
        self._rules = rules
        self._owner = owner
        self._sending: set[asyncio.Task[None]] = set()
        self._in_bulk: set[asyncio.Task[None]] = set()
        self.bell = Wakeup()
        # Rung when a turn has to be decided again; whoever decides puts its own bell here.
        self.turn_bell = Wakeup()
        # Rung when a delivery has got its end or its next try; whoever waits for that puts its own bell here.
        self.end_bell = Wakeup()

    async def send_due(self) -> float | None:
        """Claim what is due, as far as there is room, and begin to send it; a step for ticker.run_loop."""
        room = self._rules.in_flight - len(self._sending)
        if room <= 0:
            return None
        bulk_room = max(1, self._rules.in_flight // 2) - len(self._in_bulk)
        now, wall = self._clock.now(), self._clock.wall()
        claimed = await self._store.write(
            lambda tx: deliveries.claim_due(
                tx,
                now=now,
                wall=wall,
                owner=self._owner,
                lease=self._rules.lease,
                limit=room,
                bulk_limit=bulk_room,
            )
        )
        for one in claimed:
            task = asyncio.create_task(self._send(one), name=f"send-{one.delivery.key}")
            self._sending.add(task)
            if deliveries.is_bulk(one.delivery):
                self._in_bulk.add(task)
            task.add_done_callback(self._sent)
        return None

    async def finish(self) -> None:
        """Wait for what is on its way."""
        if self._sending:
            await asyncio.wait(self._sending)

    async def reap(self, *, everything: bool = False) -> None:
        """Take back what dead workers held; `everything` only when no other process can run."""
        now, wall = self._clock.now(), self._clock.wall()
        lost = await self._store.write(
            lambda tx: deliveries.release(
                tx, now=now, wall=wall, repeat_is_safe=self._rules.safe_classes, everything=everything
            )
        )
        if lost:
            log.warning(
                "deliveries unknown after a crash", extra={"action": "deliveries_unknown", "count": lost}
            )
        self.bell.ring()

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        self._in_bulk.discard(task)
        self.end_bell.ring()
        if not task.cancelled() and task.exception() is not None:
            log.error("delivery broke", exc_info=task.exception(), extra={"action": "delivery_broke"})
        self.bell.ring()

    # --- one delivery --------------------------------------------------------------------------------------

    async def _send(self, held: Claimed) -> None:
        if held.opted_out and held.delivery.purpose is not Purpose.SERVICE:
            held = await self._store.write(lambda tx: _without_opted_out(tx, held))
        verdict = guard(held, self._knowledge(), self._clock.now(), self._rules.fresh)
        if verdict is not Verdict.GO:
            await self._store.write(lambda tx: self._record_verdict(tx, held, verdict))
            self._ring_turns()
            return
        channel = self._channels.get(held.delivery.channel)
        if channel is None:
            await self._end(
                held, DeliveryState.REFUSED, outcome="no_channel", error=_no_channel(held.delivery)
            )
            return
        if self._was_long_ago(held.delivery):
            await self._end(held, DeliveryState.UNKNOWN, outcome="crashed", error="too late to repeat it")
            return
        now = self._clock.now()
        if not await self._store.write(lambda tx: deliveries.record_attempting(tx, held.delivery, now)):
            return
        try:
            receipt = await channel.send(held.delivery, account_id=held.account_id, customer=held.customer)
        except errors.RepeatRefused as error:
            await self._accept(held, Receipt(msgid=held.delivery.key, was_repeat=True), str(error))
        except errors.ChannelError as error:
            await self._fail(held, error)
        except Exception as error:  # The row must get an end, whatever broke.
            log.exception("send broke", extra={"action": "send_broke", "delivery": held.delivery.key})
            await self._end(held, DeliveryState.UNKNOWN, outcome=type(error).__name__, error=str(error))
        else:
            await self._accept(held, receipt, "")

    def _was_long_ago(self, delivery: Delivery) -> bool:
        """Say whether a repeat would be a second message: the platform has forgotten the try that may have worked.

        A card is known by its task_id for ever.
        """
        if delivery.send_class is not SendClass.CHECKED or delivery.act is Act.CARD:
            return False
        tried_at = delivery.attempted_at
        return tried_at is not None and self._clock.now() - tried_at >= self._rules.checked

    async def _record_verdict(self, tx: AsyncConnection, held: Claimed, verdict: Verdict) -> None:
        now = self._clock.now()
        if verdict is Verdict.BUDGET:
            await deliveries.hold(tx, held.delivery, "budget")
            return
        log.info(
            "delivery refused",
            extra={"action": "delivery_refused", "delivery": held.delivery.key, "outcome": verdict.value},
        )
        if not await deliveries.record_end(
            tx, held.delivery, DeliveryState.REFUSED, now, outcome=verdict.value
        ):
            return
        # A transfer that may not happen any more leaves the customer with nobody; the words before it are not repeated.
        is_transfer = held.delivery.act is Act.TRANSFER and verdict is not Verdict.PERSON
        await self._decide_again(tx, held, "nobody" if is_transfer else verdict.value)

    async def _decide_again(self, tx: AsyncConnection, held: Claimed, reason: str) -> None:
        """Let the turn be decided again; when that is not possible, a person gets the matter."""
        now = self._clock.now()
        delivery = held.delivery
        if delivery.turn_id is not None:
            await deliveries.cancel_of_turn(tx, delivery.turn_id, now, reason)
            if reason == Verdict.LATE.value:
                before = now - self._rules.fresh
                if await turns.reopen_late(tx, delivery.turn_id, before, now):
                    return
            elif await turns.reopen(tx, delivery.turn_id, reason, now):
                return
        if delivery.act in deliveries.MOVES and delivery.turn_id is None:
            # No answer hangs on it: whoever watches over the customer decides anew (handover_watch.py).
            await handovers.set_coming(tx, delivery.conversation_id or 0, "")
            return
        if delivery.conversation_id is None or delivery.body.code or reason in _NO_CASE:
            return
        await self._open_case(tx, held, reason)

    async def _open_case(self, tx: AsyncConnection, held: Claimed, reason: str) -> None:
        now = self._clock.now()
        await cases.open_or_add(
            tx,
            CaseWanted(kind=CaseKind.QUESTION, reason=f"undelivered {reason}", note=held.delivery.key),
            customer_id=held.customer_id,
            conversation_id=held.delivery.conversation_id,
            actor="outbox",
            due_at=now + timedelta(days=self._rules.case_days),
            now=now,
        )

    async def _accept(self, held: Claimed, receipt: Receipt, note: str) -> None:
        now = self._clock.now()
        is_move = held.delivery.act in deliveries.MOVES
        outcome = "repeat" if receipt.was_repeat else "partly" if receipt.unreached and not is_move else ""
        missed = f"not to {', '.join(receipt.unreached)}"[:_NOTE_LENGTH] if receipt.unreached else ""

        async def record(tx: AsyncConnection) -> None:
            if not await deliveries.record_accepted(
                tx,
                held.delivery,
                now,
                receipt=receipt.msgid or receipt.servicer,
                outcome=outcome,
                error=missed,
            ):
                return
            await self._record_spoken(tx, held, receipt, now)

        await self._store.write(record)
        log.info(
            "delivery accepted",
            extra={"action": "delivery_accepted", "delivery": held.delivery.key, "note": note},
        )

    async def _record_spoken(
        self, tx: AsyncConnection, held: Claimed, receipt: Receipt, now: datetime
    ) -> None:
        delivery = held.delivery
        if delivery.conversation_id is None:
            return
        if delivery.act in deliveries.MOVES:
            await handing.record_moved(tx, held, receipt, now)
            await self._set_away(tx, held, receipt.unreached)
            return
        said = messages.NewMessage(
            conversation_id=delivery.conversation_id,
            source=f"outbox:{delivery.channel}",
            msgid=delivery.key,
            author=Author.BOT,
            kind=delivery.act.value,
            sent_at=now,
            text=spoken_text(delivery.body),
        )
        await messages.add(tx, [said], now)
        await conversations.set_spoken(tx, delivery.conversation_id, now)
        if delivery.reply_id == handing.IDLE_REPLY:
            await handovers.set_apologised(tx, delivery.conversation_id, now)
        if held.customer_id is not None:
            await customers.set_touched(tx, held.customer_id, now)
        if held.state in (SessionState.NEW, SessionState.ENDED) and not delivery.body.code:
            await conversations.set_state(tx, delivery.conversation_id, SessionState.ASSISTANT, now=now)

    async def _set_away(self, tx: AsyncConnection, held: Claimed, servicers: Sequence[str]) -> None:
        """Note who could not take a customer (95014, 95019), so that nobody is given to them until they are back."""
        now = self._clock.now()
        for servicer in servicers:
            await accounts.set_servicer(tx, held.account_id, servicer, is_receiving=False, now=now)

    # --- what went wrong -----------------------------------------------------------------------------------

    async def _fail(self, held: Claimed, error: errors.ChannelError) -> None:
        """Write the end, or the next try, that this error means."""
        log.warning(
            "send failed",
            extra={
                "action": "send_failed",
                "delivery": held.delivery.key,
                "error": type(error).__name__,
                "errcode": error.errcode,
            },
        )
        match error:
            case errors.ChannelUnauthorised():  # Nothing was sent, and an administrator can mend it.
                await self._try_later(held, timedelta(seconds=15), str(error))
            case errors.ChannelBusy():
                await self._try_later(held, error.retry_after, str(error))
            case errors.ChannelUncertain() if self._may_repeat(held.delivery):
                await self._try_later(held, timedelta(seconds=1), str(error), was_sent=True)
            case errors.ChannelUncertain() if held.delivery.act not in deliveries.MOVES:
                await self._end(held, DeliveryState.UNKNOWN, outcome="uncertain", error=str(error))
            case errors.BudgetSpent():
                await self._store.write(lambda tx: deliveries.hold(tx, held.delivery, "budget"))
            case errors.SessionRefused():
                await self._refresh_state(held, error)
            case errors.CodeUsed() if held.delivery.attempt > 1:
                await self._end(held, DeliveryState.UNKNOWN, outcome="code_used", error=str(error))
            case _ if held.delivery.act in deliveries.MOVES:  # Whatever it was: nobody took the customer.
                await self._refuse(held, "nobody", error)
            case errors.WindowClosed():
                await self._refuse(held, Verdict.WINDOW.value, error)
            case _:
                outcome = "malformed" if error.errcode is None else f"errcode {error.errcode}"
                await self._refuse(held, outcome, error, decide_again=False)
        self._ring_turns()

    def _may_repeat(self, delivery: Delivery) -> bool:
        safe = delivery.send_class in self._rules.safe_classes or delivery.act in deliveries.MOVES
        return safe and delivery.attempt < self._rules.max_attempts

    async def _try_later(self, held: Claimed, wait: timedelta, error: str, *, was_sent: bool = False) -> None:
        growth = min(2.0 ** min(held.delivery.attempt - 1, 6), _LONGEST_BACKOFF_SECONDS)
        seconds = max(wait.total_seconds(), min(growth * 0.5, _LONGEST_BACKOFF_SECONDS))
        due_at = self._clock.now() + timedelta(seconds=seconds * random.uniform(1.0, 1.3))
        await self._store.write(
            lambda tx: deliveries.postpone(tx, held.delivery, due_at, error=error, was_sent=was_sent)
        )

    async def _refresh_state(self, held: Claimed, error: errors.ChannelError) -> None:
        """Ask who may speak, write it down, and let the turn be decided by it."""
        status = None
        try:
            status = await self._channels[held.delivery.channel].session_status(
                held.account_id, held.customer
            )
        except errors.ChannelError as again:
            log.warning("state unknown", extra={"action": "state_unknown", "error": type(again).__name__})
        state = status.state if status else None
        now = self._clock.now()

        async def record(tx: AsyncConnection) -> None:
            if state is not None and held.delivery.conversation_id is not None:
                servicer = (status.servicer_id if status else None) or ""
                await conversations.set_state(
                    tx, held.delivery.conversation_id, state, servicer_id=servicer, now=now
                )
            if not await deliveries.record_end(
                tx, held.delivery, DeliveryState.REFUSED, now, outcome="session", error=str(error)
            ):
                return
            if state in (SessionState.POOL, SessionState.SERVICER):
                await self._decide_again(tx, held, Verdict.PERSON.value)
            elif held.delivery.act in deliveries.MOVES:
                await self._decide_again(tx, held, "nobody")
            elif held.delivery.conversation_id is not None and not held.delivery.body.code:
                # The platform refuses although nobody serves (or does not say): a person has to look at it.
                await self._open_case(tx, held, "session")

        await self._store.write(record)

    async def _refuse(
        self, held: Claimed, outcome: str, error: errors.ChannelError, *, decide_again: bool = True
    ) -> None:
        now = self._clock.now()

        async def record(tx: AsyncConnection) -> None:
            if not await deliveries.record_end(
                tx, held.delivery, DeliveryState.REFUSED, now, outcome=outcome, error=str(error)
            ):
                return
            if isinstance(error, errors.ServicerRefused):
                await self._set_away(tx, held, held.delivery.body.servicers)
            if decide_again:
                await self._decide_again(tx, held, outcome)
            elif held.delivery.conversation_id is not None and not held.delivery.body.code:
                await self._open_case(tx, held, outcome)

        await self._store.write(record)

    async def _end(self, held: Claimed, state: DeliveryState, *, outcome: str, error: str) -> None:
        now = self._clock.now()
        await self._store.write(
            lambda tx: deliveries.record_end(tx, held.delivery, state, now, outcome=outcome[:64], error=error)
        )

    def _ring_turns(self) -> None:
        self.turn_bell.ring()


async def _without_opted_out(tx: AsyncConnection, held: Claimed) -> Claimed:
    """Leave those out of a mass send who said after its release that they want nothing but service.

    Where nobody is left it is refused as it stands.
    """
    await mass_tasks.leave_out(tx, held.delivery.key, held.opted_out)
    if held.has_opted_out:
        return held
    kept = [target for target in held.delivery.body.targets if target not in held.opted_out]
    return replace(held, delivery=await deliveries.set_targets(tx, held.delivery, kept))


def _no_channel(delivery: Delivery) -> str:
    return f"no way out named {delivery.channel}; a receiver for it is missing in the settings"


def spoken_text(body: Body) -> str:
    """Return all words of a body as a customer reads them, a line per menu item."""
    return "\n".join(part for part in (body.text, *(item.text for item in body.menu), body.tail) if part)

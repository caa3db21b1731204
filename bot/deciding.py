"""From what happened to what leaves: ask the handler, write what it decided in one transaction.

The transaction ends the turn (or event) under its fence, opens the case, puts the words into the outbox and records the
match; a worker that was thought dead writes nothing. Keys come from the customer's own message ids (scheduler/keys.py).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot import intake
from bot.metrics import Metrics
from content import reply_files
from content.knowledge import Knowledge
from domain.case import CaseKind, CaseWanted
from domain.delivery import Act, Body, DeliveryState, NewDelivery, Purpose, SendClass
from domain.errors import ChannelError
from domain.handover import HandoverEnd
from domain.happenings import CustomerSpoke, Happening, SessionEnded
from domain.platform import SessionState
from domain.ports import Channel, Clock
from domain.replies import AnswerKind
from domain.reply import Reply, Say, Transfer
from domain.talk import Conversation, Turn
from handlers.context import Context, Rules
from handlers.questions import SILENT
from handlers.router import Router
from scheduler import handing
from scheduler.keys import key_of
from scheduler.ticker import Wakeup
from store import (
    cases,
    conversations,
    deliveries,
    events,
    handovers,
    opt_outs,
    questions,
    satisfaction,
    turns,
)
from store.database import Store
from store.events import StoredEvent

log = logging.getLogger(__name__)

_LEASE = timedelta(seconds=60)
_AFTER_ERROR = timedelta(seconds=5)
_TRIES = 5
# Turns in hand at the same time; each may ask the platform who speaks.
_IN_HAND = 64
# How long that question may take before silence, the safe side, is chosen.
_STATE_SECONDS = 3.0
# A state with a person that we learnt longer ago is asked for again before the bot stays silent because of it.
_STATE_LIFE = timedelta(minutes=30)


class Deciding:
    """Claims turns, asks handlers, writes replies."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        router: Router,
        rules: Rules,
        knowledge: Callable[[], Knowledge],
        turn_rules: turns.TurnRules,
        metrics: Metrics,
        *,
        owner: str,
        channel: Channel | None,
        outbox_bell: Wakeup,
        suggest_only: bool = False,
    ) -> None:
        # `suggest_only`: in such a pilot words are put where a person sees them and nothing leaves.
        self._store = store
        self._clock = clock
        self._router = router
        self._rules = rules
        self._knowledge = knowledge
        self._turn_rules = turn_rules
        self._metrics = metrics
        self._owner = owner
        self._channel = channel
        self._outbox_bell = outbox_bell
        self._suggest_only = suggest_only
        self._deciding: set[asyncio.Task[None]] = set()
        self.bell = Wakeup()

    async def decide_due(self) -> float | None:
        """Decide the turns whose time has come; a step for ticker.run_loop."""
        room = _IN_HAND - len(self._deciding)
        if room <= 0:
            return None
        now, wall = self._clock.now(), self._clock.wall()
        claimed = await self._store.write(
            lambda tx: turns.claim_due(
                tx, now=now, wall=wall, owner=self._owner, lease=_LEASE, rules=self._turn_rules, limit=room
            )
        )
        # One turn a conversation is claimed, so they are decided side by side and share their commits.
        for turn in claimed:
            task = asyncio.create_task(self._decide_turn(turn), name=f"turn-{turn.id}")
            self._deciding.add(task)
            task.add_done_callback(self._decided)
        if claimed:
            return 0
        async with self._store.read() as tx:
            due_at = await turns.find_next_due(tx)
        return None if due_at is None else max((due_at - self._clock.now()).total_seconds(), 0.01)

    async def finish(self) -> None:
        """Wait for the turns in hand."""
        if self._deciding:
            await asyncio.wait(self._deciding)

    def _decided(self, task: asyncio.Task[None]) -> None:
        self._deciding.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("turn broke", exc_info=task.exception(), extra={"action": "turn_broke"})
        self.bell.ring()

    async def reap(self, *, everything: bool = False) -> None:
        """Give back turns whose worker is gone."""
        wall = self._clock.wall()
        if await self._store.write(lambda tx: turns.release(tx, wall=wall, everything=everything)):
            self.bell.ring()

    async def decide_event(self, stored: StoredEvent, happening: Happening) -> None:
        """Ask the handler about a session's event and end the event with what it decided."""
        reply = await self._ask(happening, self._knowledge())
        now = self._clock.now()

        async def apply(tx: AsyncConnection) -> None:
            if reply is not None and not isinstance(happening, CustomerSpoke):
                await self._write_reply(tx, happening.conversation, reply, now, key=stored.key, turn_id=None)
            if isinstance(happening, SessionEnded) and not await handovers.is_served(
                tx, happening.conversation.id
            ):
                # Not where the person wrote again meanwhile, which opens the session anew.
                end = reply.handover_end if reply is not None else None
                await handing.end_handover(
                    tx, happening.conversation.id, end or HandoverEnd.DONE, now, heard_at=happening.at
                )
            await events.finish(tx, [stored.id], now)

        await self._store.write(apply)
        self._outbox_bell.ring()

    # --- turns ----------------------------------------------------------------------------------------------

    async def _decide_turn(self, turn: Turn) -> None:
        try:
            turn = await self._with_current_state(turn)
            # The words it was decided by are those on record, also when new ones come meanwhile.
            knowledge = self._knowledge()
            reply = await self._ask(CustomerSpoke(turn=turn), knowledge) or SILENT
        except Exception as error:  # The turn must not stay claimed, whatever broke.
            log.exception("turn failed", extra={"action": "turn_failed", "turn": turn.id})
            await self._keep_error(turn, f"{type(error).__name__}: {error}")
            return
        if reply.wait_until is not None:
            due_at = reply.wait_until
            await self._store.write(lambda tx: turns.postpone(tx, turn, due_at))
            return
        if await self._store.write(lambda tx: self._end_turn(tx, turn, reply, knowledge)):
            self._metrics.answers.labels(reply.decision).inc()
            log.info(
                "turn decided", extra={"action": "turn_decided", "turn": turn.id, "decision": reply.decision}
            )
            self._outbox_bell.ring()

    async def _keep_error(self, turn: Turn, error: str) -> None:
        """Try a turn again a little later; after several tries a person gets it."""
        now = self._clock.now()
        if turn.attempt < _TRIES:
            await self._store.write(lambda tx: turns.record_error(tx, turn, error, now + _AFTER_ERROR))
            return
        case = CaseWanted(kind=CaseKind.QUESTION, reason="error", note=error)
        given_up = Reply(decision=AnswerKind.SILENT, case=case)
        await self._store.write(lambda tx: self._end_turn(tx, turn, given_up, self._knowledge()))

    async def _with_current_state(self, turn: Turn) -> Turn:
        """Ask the platform who may speak when what we know is old and would keep the bot silent."""
        talk, now = turn.conversation, self._clock.now()
        is_old = talk.state_changed_at is not None and now - talk.state_changed_at > _STATE_LIFE
        if (
            talk.state not in (SessionState.POOL, SessionState.SERVICER)
            or not is_old
            or self._channel is None
        ):
            return turn
        try:
            async with asyncio.timeout(_STATE_SECONDS):
                status = await self._channel.session_status(talk.account_id, talk.customer.platform_id)
        except (ChannelError, TimeoutError):
            return turn  # Silence is the safe side.
        current = intake.with_state(talk, status, now)
        await self._store.write(
            lambda tx: conversations.set_state(
                tx, talk.id, current.state, servicer_id=current.servicer_id, now=now
            )
        )
        return replace(turn, conversation=current)

    async def _ask(self, happening: Happening, knowledge: Knowledge) -> Reply | None:
        async with self._store.read() as tx:
            ctx = Context(tx=tx, knowledge=knowledge, clock=self._clock, rules=self._rules)
            return await self._router.handle(happening, ctx)

    async def _end_turn(self, tx: AsyncConnection, turn: Turn, reply: Reply, knowledge: Knowledge) -> bool:
        now = self._clock.now()
        if not await turns.finish(tx, turn, reply.decision, now):
            return False
        last = turn.bubbles[-1] if turn.bubbles else None
        key = key_of(
            intake.source_of(turn.conversation.account_id), last.msgid if last else turn.id, turn.round
        )
        await self._write_reply(
            tx,
            turn.conversation,
            reply,
            now,
            key=key,
            turn_id=turn.id,
            message_id=last.message_id if last else None,
        )
        await turns.record_matches(tx, _match_rows(turn, reply, knowledge, now))
        if reply.decision is AnswerKind.HANDOVER and last is not None:
            # Of a customer in a group under way it counts as the group's; scheduler/question_watch.py sees to it.
            await questions.record_kf(tx, turn.conversation.id, last.message_id, turn.typed, now)
        return True

    # --- writing a reply ------------------------------------------------------------------------------------

    async def _write_reply(
        self,
        tx: AsyncConnection,
        talk: Conversation,
        reply: Reply,
        now: datetime,
        *,
        key: str,
        turn_id: int | None,
        message_id: int | None = None,
    ) -> None:
        told = await self._open_case(tx, talk, reply, now, message_id)
        if reply.choice is not None:
            await handing.record_choice(tx, talk.id, reply.choice)
        transfer = reply.transfer
        if reply.handover is not None and not self._suggest_only:
            case_id = int(told["case_no"]) if told["case_no"] else None
            transfer = await handing.record_wish(
                tx, talk, reply.handover, transfer, turn_id=turn_id, case_id=case_id, now=now
            )
        news = [
            self._delivery(talk, say, now, key=key_of(key, place), turn_id=turn_id, told=told)
            for place, say in enumerate(reply.says)
        ]
        if transfer is not None:
            news.append(self._transfer(talk, transfer, now, key=key_of(key, "transfer"), turn_id=turn_id))
        await deliveries.add(tx, news, now)
        for new, say in zip(news, reply.says, strict=False):
            if say.asks_satisfaction:
                await satisfaction.record_asked(
                    tx,
                    conversation_id=talk.id,
                    delivery_key=new.key,
                    servicer_id=talk.servicer_id,
                    now=now,
                )
        if reply.misses is not None and reply.misses != talk.misses:
            await conversations.set_misses(tx, talk.id, reply.misses)
        if reply.topic is not None:
            await conversations.set_topic(tx, talk.id, reply.topic)
        if reply.opt_out is not None:
            await opt_outs.record(
                tx,
                talk.customer.id,
                reply.opt_out,
                actor="customer",
                at=talk.last_customer_message_at or now,
                message_id=message_id,
            )
        if reply.rating is not None:
            await satisfaction.record_answer(tx, talk.id, reply.rating, now)

    async def _open_case(
        self, tx: AsyncConnection, talk: Conversation, reply: Reply, now: datetime, message_id: int | None
    ) -> dict[str, str]:
        """Open the case a reply wants; return the values of the slots that tell the customer about it."""
        if reply.case is None:
            return {"case_no": "", "due_on": ""}
        is_complaint = reply.case.kind is CaseKind.COMPLAINT
        days = self._rules.complaint_days if is_complaint else self._rules.case_days
        # Days run from when the customer wrote, not from when we got to it.
        since = talk.last_customer_message_at or now
        case_id = await cases.open_or_add(
            tx,
            reply.case,
            customer_id=talk.customer.id,
            conversation_id=talk.id,
            actor="bot",
            due_at=now if reply.case.is_urgent else since + timedelta(days=days),
            now=now,
            message_id=message_id,
        )
        opened = await cases.find(tx, case_id)
        return {"case_no": f"{case_id:06d}", "due_on": self._day(opened.due_at if opened else now)}

    def _day(self, at: datetime) -> str:
        """Return a date in a customer's words (content/replies/opening.toml)."""
        day = self._rules.hours.today(at)
        words = self._knowledge().replies.get("due.day")
        if words is None:
            return f"{day:%m-%d}"
        return reply_files.fill(words.text, {"month": str(day.month), "day": str(day.day)})

    def _delivery(
        self,
        talk: Conversation,
        say: Say,
        now: datetime,
        *,
        key: str,
        turn_id: int | None,
        told: dict[str, str],
    ) -> NewDelivery:
        text = say.text
        for slot, value in told.items():
            text = text.replace(f"{{{slot}}}", value)
        return NewDelivery(
            key=key,
            act=Act.MENU if say.menu else Act.TEXT,
            send_class=SendClass.ONCE if say.code else SendClass.KEYED,
            purpose=say.purpose,
            channel=talk.channel,
            conversation_id=talk.id,
            turn_id=turn_id,
            reply_id=say.reply_id,
            faq_id=say.faq_id,
            line=say.line,
            content_version_id=say.content_version_id,
            body=Body(text=text, menu=say.menu, tail=say.tail, code=say.code),
            due_at=now,
            expires_at=say.expires_at,
            state=DeliveryState.HELD if self._suggest_only else DeliveryState.DUE,
            outcome="suggest_only" if self._suggest_only else "",
        )

    def _transfer(
        self, talk: Conversation, transfer: Transfer, now: datetime, *, key: str, turn_id: int | None
    ) -> NewDelivery:
        return NewDelivery(
            key=key,
            act=Act.TRANSFER,
            send_class=SendClass.ONCE,
            purpose=Purpose.SERVICE,
            channel=talk.channel,
            conversation_id=talk.id,
            turn_id=turn_id,
            body=Body(servicers=transfer.servicers, notice=transfer.notice),
            due_at=now,
            # Nobody is put into a queue after closing, nor long after asking.
            expires_at=min(
                now + self._rules.fresh, self._rules.hours.closes_at(now) or now + self._rules.fresh
            ),
            state=DeliveryState.HELD if self._suggest_only else DeliveryState.DUE,
            outcome="suggest_only" if self._suggest_only else "",
        )


def _match_rows(turn: Turn, reply: Reply, knowledge: Knowledge, now: datetime) -> list[dict[str, object]]:
    return [
        {
            "turn_id": turn.id,
            "rank": rank,
            "faq_id": match.faq_id,
            "score": match.score,
            "confidence": match.confidence,
            "reasons": list(match.reasons),
            "content_version_id": knowledge.version_id("faq", match.faq_id),
            "was_used": match.faq_id in reply.used_faq_ids,
            "matched_at": now,
        }
        for rank, match in enumerate(reply.matches[:5])
    ]

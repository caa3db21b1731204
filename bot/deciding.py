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
from content.knowledge import Knowledge
from domain.case import CaseKind
from domain.delivery import Act, Body, DeliveryState, NewDelivery, Purpose, SendClass
from domain.errors import ChannelError
from domain.happenings import CustomerSpoke, Happening
from domain.platform import SessionState
from domain.ports import Channel, Clock
from domain.reply import Reply, Say, Transfer
from domain.talk import Conversation, Turn
from handlers.context import Context, Rules
from handlers.questions import SILENT
from handlers.router import Router
from scheduler.keys import key_of
from scheduler.ticker import Wakeup
from store import cases, conversations, deliveries, events, satisfaction, turns
from store.database import Store
from store.events import StoredEvent

log = logging.getLogger(__name__)

_LEASE = timedelta(seconds=60)
_AFTER_ERROR = timedelta(seconds=5)
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
        self.bell = Wakeup()

    async def decide_due(self) -> float | None:
        """Decide the turns whose time has come; a step for ticker.run_loop."""
        now, wall = self._clock.now(), self._clock.wall()
        claimed = await self._store.write(
            lambda tx: turns.claim_due(
                tx, now=now, wall=wall, owner=self._owner, lease=_LEASE, rules=self._turn_rules
            )
        )
        # One turn a conversation is claimed, so they can be decided side by side and share their commits.
        await asyncio.gather(*(self._decide_turn(turn) for turn in claimed))
        if claimed:
            return 0
        async with self._store.read() as tx:
            due_at = await turns.find_next_due(tx)
        return None if due_at is None else max((due_at - self._clock.now()).total_seconds(), 0.01)

    async def reap(self, *, everything: bool = False) -> None:
        """Give back turns whose worker is gone."""
        wall = self._clock.wall()
        if await self._store.write(lambda tx: turns.release(tx, wall=wall, everything=everything)):
            self.bell.ring()

    async def decide_event(self, stored: StoredEvent, happening: Happening) -> None:
        """Ask the handler about a session's event and end the event with what it decided."""
        reply = await self._ask(happening)
        now = self._clock.now()

        async def apply(tx: AsyncConnection) -> None:
            if reply is not None and not isinstance(happening, CustomerSpoke):
                await self._write_reply(tx, happening.conversation, reply, now, key=stored.key, turn_id=None)
            await events.finish(tx, [stored.id], now)

        await self._store.write(apply)
        self._outbox_bell.ring()

    # --- turns ----------------------------------------------------------------------------------------------

    async def _decide_turn(self, turn: Turn) -> None:
        try:
            turn = await self._with_current_state(turn)
            reply = await self._ask(CustomerSpoke(turn=turn)) or SILENT
        except Exception as error:  # The turn must not stay claimed, whatever broke.
            log.exception("turn failed", extra={"action": "turn_failed", "turn": turn.id})
            due_at = self._clock.now() + _AFTER_ERROR
            text = f"{type(error).__name__}: {error}"
            await self._store.write(lambda tx: turns.record_error(tx, turn, text, due_at))
            return
        if reply.wait_until is not None:
            due_at = reply.wait_until
            await self._store.write(lambda tx: turns.postpone(tx, turn, due_at))
            return
        if await self._store.write(lambda tx: self._end_turn(tx, turn, reply)):
            self._metrics.answers.labels(reply.decision).inc()
            log.info(
                "turn decided", extra={"action": "turn_decided", "turn": turn.id, "decision": reply.decision}
            )
            self._outbox_bell.ring()

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
            status = await self._channel.session_status(talk.account_id, talk.customer.platform_id)
        except ChannelError:
            return turn  # Silence is the safe side.
        current = intake.with_state(talk, status, now)
        await self._store.write(
            lambda tx: conversations.set_state(
                tx, talk.id, current.state, servicer_id=current.servicer_id, now=now
            )
        )
        return replace(turn, conversation=current)

    async def _ask(self, happening: Happening) -> Reply | None:
        async with self._store.read() as tx:
            ctx = Context(tx=tx, knowledge=self._knowledge(), clock=self._clock, rules=self._rules)
            return await self._router.handle(happening, ctx)

    async def _end_turn(self, tx: AsyncConnection, turn: Turn, reply: Reply) -> bool:
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
        await turns.record_matches(tx, self._match_rows(turn, reply, now))
        return True

    def _match_rows(self, turn: Turn, reply: Reply, now: datetime) -> list[dict[str, object]]:
        knowledge = self._knowledge()
        return [
            {
                "turn_id": turn.id,
                "rank": rank,
                "faq_id": match.faq_id,
                "score": match.score,
                "reasons": list(match.reasons),
                "content_version_id": knowledge.version_id("faq", match.faq_id),
                "was_used": match.faq_id == reply.used_faq_id,
                "matched_at": now,
            }
            for rank, match in enumerate(reply.matches[:5])
        ]

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
        case_no = await self._open_case(tx, talk, reply, now, message_id)
        news = [
            self._delivery(talk, say, now, key=key_of(key, place), turn_id=turn_id, case_no=case_no)
            for place, say in enumerate(reply.says)
        ]
        if reply.transfer is not None:
            news.append(
                self._transfer(talk, reply.transfer, now, key=key_of(key, "transfer"), turn_id=turn_id)
            )
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
        if reply.rating is not None:
            await satisfaction.record_answer(tx, talk.id, reply.rating, now)

    async def _open_case(
        self, tx: AsyncConnection, talk: Conversation, reply: Reply, now: datetime, message_id: int | None
    ) -> str:
        """Open the case a reply wants; return the number customers are told."""
        if reply.case is None:
            return ""
        is_complaint = reply.case.kind is CaseKind.COMPLAINT
        days = self._rules.complaint_days if is_complaint else self._rules.case_days
        case_id = await cases.open_or_add(
            tx,
            reply.case,
            customer_id=talk.customer.id,
            conversation_id=talk.id,
            actor="bot",
            due_at=now + timedelta(days=days),
            now=now,
            message_id=message_id,
        )
        return f"{case_id:06d}"

    def _delivery(
        self, talk: Conversation, say: Say, now: datetime, *, key: str, turn_id: int | None, case_no: str
    ) -> NewDelivery:
        text = say.text.replace("{case_no}", case_no)
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
            state=DeliveryState.HELD if self._suggest_only else DeliveryState.DUE,
            outcome="suggest_only" if self._suggest_only else "",
        )

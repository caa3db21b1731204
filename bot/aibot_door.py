"""The robot's door: a question is stored before its first words leave; the rest is handed out as it is asked for.

Called by bot/webhook.py once a callback's signature holds. The answer goes back inside the response, sealed as the
callback was (WeCom docs 101031, 101033). What answers is bot/staff_questions.py.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from bot import staff_answers
from bot.channels.wecom import aibot, envelope
from bot.staff_questions import StaffQuestions
from domain.colleague import ColleagueAsked, ColleagueEntered, StaffQuestion, StaffQuestionState, StreamAsked
from domain.ports import Clock

log = logging.getLogger(__name__)


class Events(Protocol):
    """Who stores callbacks (bot/inbox.py)."""

    async def accept(self, *, key: str, receiver: str, kind: str, body: bytes) -> None:
        """Return when the event is durable; raises StoreUnavailable."""
        ...


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """What goes back. `delivery_key`: of the delivery whose whole text it is, "" while there is more to come."""

    body: bytes
    delivery_key: str = ""


class AibotDoor:
    """Answers the callbacks of the receiver aibot. `count`: called for each that was stored, not for asking on."""

    def __init__(
        self, questions: StaffQuestions, inbox: Events, clock: Clock, count: Callable[[], None] = lambda: None
    ) -> None:
        self._questions, self._inbox, self._clock, self._count = questions, inbox, clock, count

    async def respond(
        self, request: web.Request, receiver: envelope.Receiver, plaintext: bytes
    ) -> web.StreamResponse:
        """Answer a genuine callback.

        Raises EnvelopeError for what is no message of the robot, StoreUnavailable while nothing can be stored: then
        the platform has to come again, because a question that was not stored is not answered.
        """
        spoken = await self._spoken(receiver, plaintext)
        if spoken is None:
            return web.Response(status=200)
        response = web.Response(
            body=self._sealed(receiver, request.query, spoken.body), content_type="application/json"
        )
        if spoken.delivery_key:
            # Only what was written out whole was fetched; a connection that broke is asked again.
            await response.prepare(request)
            await response.write_eof()
            await self._questions.record_fetched(spoken.delivery_key)
        return response

    async def _spoken(self, receiver: envelope.Receiver, plaintext: bytes) -> Spoken | None:
        event = aibot.decode(plaintext)
        match event:
            case StreamAsked():
                found = await self._questions.find(event.stream_id)
                if found is not None:
                    return await self._frame(found)
                log.info("answer unknown", extra={"action": "stream_unknown"})
                lost = self._questions.say("lost")
                return Spoken(body=aibot.stream(event.stream_id, lost, is_finished=True))
            case ColleagueAsked():
                question = await self._questions.accept(event, plaintext)
                self._count()
                return await self._frame(question, feedback_id=question.stream_id)
            case ColleagueEntered():
                await self._keep(receiver, event.kind, plaintext)
                welcome = await self._questions.welcome(event)
                return Spoken(body=aibot.welcome(welcome.body.text), delivery_key=welcome.key)
            case _:
                await self._keep(receiver, event.kind, plaintext)
                return None

    async def _frame(self, question: StaffQuestion, feedback_id: str = "") -> Spoken:
        told = await self._questions.give(question)
        if told.state is StaffQuestionState.LAPSED:
            # The address is forgotten once it was used.
            has_late = told.response_url or told.delivery_key == staff_answers.late_key(told)
            late = self._questions.say("late" if has_late else "lost")
            return Spoken(body=aibot.stream(told.stream_id, late, is_finished=True, feedback_id=feedback_id))
        if told.state is StaffQuestionState.WORKING:
            working = self._questions.say("working")
            return Spoken(
                body=aibot.stream(told.stream_id, working, is_finished=False, feedback_id=feedback_id)
            )
        body = aibot.stream(told.stream_id, told.answer, is_finished=True, feedback_id=feedback_id)
        return Spoken(body=body, delivery_key=told.delivery_key)

    async def _keep(self, receiver: envelope.Receiver, kind: str, plaintext: bytes) -> None:
        key = envelope.dedupe_key(receiver, plaintext)
        await self._inbox.accept(key=key, receiver=receiver.name, kind=kind, body=plaintext)
        self._count()

    def _sealed(self, receiver: envelope.Receiver, query: Mapping[str, str], body: bytes) -> bytes:
        timestamp = str(int(self._clock.now().timestamp()))
        return envelope.reply_json(receiver, body, timestamp, query.get("nonce", ""))

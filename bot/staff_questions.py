"""Answers colleagues: looks a question up, has the words checked, and writes answer and delivery down in one commit.

The question came in by bot/aibot_door.py or the staff app's callback. An answer for the robot waits until the platform
fetches it (class REPORTED, act PASSIVE: docs/aibot.md); one that nobody fetched within six minutes goes once to the
address that came with the question. The staff app's answers leave by the outbox.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot import staff_answers
from bot.channels.wecom import aibot, app_messages
from content.colleague_words import ColleagueWords
from content.knowledge import Knowledge
from domain import platform
from domain.colleague import (
    AnswerRated,
    ColleagueAnswer,
    ColleagueAsked,
    ColleagueEntered,
    NewStaffQuestion,
    StaffQuestion,
    StaffQuestionState,
)
from domain.delivery import Act, DeliveryState, NewDelivery
from domain.people import StaffStatus
from domain.ports import Clock
from domain.replies import AnswerKind
from handlers import colleagues
from handlers.colleague_page import Asking, Form
from handlers.context import Context, Rules
from scheduler import guards
from scheduler.guards import Verdict
from scheduler.ticker import Wakeup
from store import deliveries, events, groups, staff, staff_questions
from store.database import Store
from store.events import StoredEvent

log = logging.getLogger(__name__)

# What was asked before that is another talk.
_TALK = timedelta(minutes=30)
# UserIDs of people outside the company begin so (WeCom doc 92114).
_OUTSIDE = ("wm", "wo")


class StaffQuestions:
    """Works on what colleagues ask.

    `bell`: of the inbox, rung for a new question; `outbox_bell`: for what leaves. `ready`: returns once questions can
    be matched, so that nobody is told that there is no answer by a house that has just started.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        knowledge: Callable[[], Knowledge],
        rules: Rules,
        words: ColleagueWords,
        *,
        bell: Wakeup,
        outbox_bell: Wakeup,
        ready: Callable[[], Awaitable[object]],
    ) -> None:
        self._store, self._clock = store, clock
        self._knowledge, self._rules, self._words = knowledge, rules, words
        self._bell, self._outbox_bell, self._ready_to_match = bell, outbox_bell, ready

    # --- what the door asks for ----------------------------------------------------------------------------

    async def accept(self, asked: ColleagueAsked, body: bytes) -> StaffQuestion:
        """Store a question and the callback it came in, once, and return it when it is durable.

        A repeat is returned as it stands. Raises StoreUnavailable.
        """
        now = self._clock.now()
        msgid = staff_answers.msgid_of(asked)
        row = events.new_row(
            key=events.key_of(msgid), receiver=asked.receiver, kind=asked.kind, body=body, at=now
        )
        new = staff_answers.question_of(asked, now)

        async def job(tx: AsyncConnection) -> StaffQuestion:
            await events.add(tx, [row])
            return await staff_questions.add(tx, new)

        question = await self._store.write(job)
        self._bell.ring()
        return question

    async def welcome(self, entered: ColleagueEntered) -> NewDelivery:
        """Write down that a welcome leaves now, and return it."""
        now = self._clock.now()
        text = self._words.say["welcome"].format(company=self._rules.facts.get("company", ""))
        new = staff_answers.welcome(entered, text, now)
        await self._store.write(lambda tx: deliveries.add(tx, [new], now))
        return new

    async def find(self, stream_id: str) -> StaffQuestion | None:
        """Return the question behind an answer that the platform asks for."""
        async with self._store.read() as tx:
            return await staff_questions.find_by_stream(tx, stream_id)

    async def give(self, question: StaffQuestion) -> StaffQuestion:
        """Return the question as it is told now: what is ready is checked once more and counts as leaving.

        What was not fetched in time lapses here if nobody has noticed yet.
        """
        now = self._clock.now()
        if (
            question.state is StaffQuestionState.WORKING
            and now >= question.asked_at + staff_answers.FETCH_TIME
        ):
            await self._lapse(question)
            return replace(question, state=StaffQuestionState.LAPSED)
        if question.state is not StaffQuestionState.WORKING or question.answered_at is None:
            return question
        question = await self._checked(question)
        done = await self._store.write(lambda tx: staff_questions.set_done(tx, question.id, now))
        if not done:
            return await self.find(question.stream_id) or question
        return replace(question, state=StaffQuestionState.DONE, shown_at=now)

    async def record_fetched(self, delivery_key: str) -> None:
        """Record that the whole of an answer, or of a welcome, was taken by the platform."""
        now = self._clock.now()
        await self._store.write(
            lambda tx: staff_questions.end_passive(
                tx, delivery_key, DeliveryState.ACCEPTED, now, outcome="fetched"
            )
        )
        log.info("answer fetched", extra={"action": "delivery_accepted", "delivery": delivery_key})

    def say(self, word: str) -> str:
        """Return fixed words of the program's own."""
        return self._words.say[word]

    # --- the inbox's ---------------------------------------------------------------------------------------

    async def process(self, stored: StoredEvent, event: platform.PlatformEvent) -> bool:
        """Answer a question, or keep what a colleague thinks of one; False for an event of another kind."""
        now = self._clock.now()
        match event:
            case ColleagueAsked():
                await self._answer(stored, event)
            case AnswerRated():

                async def rate(tx: AsyncConnection) -> None:
                    await staff_questions.rate(tx, event.stream_id, event.feedback)
                    await events.finish(tx, [stored.id], now)

                await self._store.write(rate)
            case ColleagueEntered():  # The door has answered; there is nothing left to do.
                await self._store.write(lambda tx: events.finish(tx, [stored.id], now))
            case _:
                return False
        return True

    async def _answer(self, stored: StoredEvent, asked: ColleagueAsked) -> None:
        await self._ready_to_match()
        async with self._store.read() as tx:
            question = await staff_questions.find_by_msgid(tx, staff_answers.msgid_of(asked))
            new: NewStaffQuestion = question or staff_answers.question_of(
                asked, asked.created_at or stored.received_at
            )
            ready = None
            if question is None or question.answered_at is None:
                ready = self._ready(asked, await self._compose(tx, asked, new), new)
        now = self._clock.now()

        async def job(tx: AsyncConnection) -> None:
            await events.finish(tx, [stored.id], now)
            if ready is None:
                return
            kept = await staff_questions.add(tx, new)
            told = await staff_questions.record_answer(
                tx, kept.id, ready.answer, delivery_key=ready.delivery.key, now=now
            )
            if told is None:
                return
            if told.state is StaffQuestionState.LAPSED:
                await self._send_late(tx, told, ready.delivery)
                return
            await deliveries.add(tx, [ready.delivery], now)
            if ready.delivery.act is not Act.PASSIVE:
                await staff_questions.set_done(tx, told.id, now)

        await self._store.write(job)
        self._outbox_bell.ring()

    async def _compose(
        self, tx: AsyncConnection, asked: ColleagueAsked, new: NewStaffQuestion
    ) -> ColleagueAnswer:
        """Return the answer, before anybody has checked its words."""
        refused = await self._stranger(tx, asked)
        if refused:
            return ColleagueAnswer(decision=AnswerKind.SILENT, text=self._words.say[refused])
        since = self._clock.now() - _TALK
        earlier = await staff_questions.list_earlier(
            tx, asked.staff_id, asked.chat_id, since=since, door=f"{asked.receiver}:"
        )
        is_app = asked.receiver != aibot.RECEIVER
        asking = Asking(
            asked=asked,
            earlier=earlier,
            form=Form.PLAIN if is_app else Form.MARKDOWN,
            limit_bytes=app_messages.TEXT_LIMIT_BYTES if is_app else aibot.CONTENT_LIMIT_BYTES,
            at=new.asked_at,
        )
        ctx = Context(tx=tx, knowledge=self._knowledge(), clock=self._clock, rules=self._rules)
        return await colleagues.answer(asking, ctx, self._words)

    async def _stranger(self, tx: AsyncConnection, asked: ColleagueAsked) -> str:
        """Return the words for somebody who is no colleague, or for a place where others listen; "" for colleagues.

        A member whom the address book has not told us yet is one: only members can write to the robot, and its
        callbacks may carry ids of their own (WeCom doc 100719).
        """
        member = await staff.find(tx, asked.staff_id)
        if member is not None and member.status in (StaffStatus.LEFT, StaffStatus.DISABLED):
            return "left"
        if member is None and asked.staff_id.startswith(_OUTSIDE):
            return "outside"
        if asked.chat_id and await groups.find(tx, asked.chat_id) is not None:
            return "outside"
        return ""

    def _ready(
        self, asked: ColleagueAsked, answer: ColleagueAnswer, new: NewStaffQuestion
    ) -> staff_answers.Ready:
        """Return the answer as it may leave; one whose words break a rule is replaced, and its id is logged."""
        now = self._clock.now()
        ready = staff_answers.Ready(answer=answer, delivery=staff_answers.delivery(asked, answer, new, now))
        verdict = guards.check_wording(ready.delivery, self._knowledge())
        if verdict is Verdict.GO:
            return ready
        log.warning(
            "answer to a colleague refused",
            extra={"action": "delivery_refused", "outcome": verdict.value, "faq": answer.faq_id},
        )
        other = self._instead(verdict)
        return staff_answers.Ready(answer=other, delivery=staff_answers.delivery(asked, other, new, now))

    def _instead(self, verdict: Verdict) -> ColleagueAnswer:
        word = "stopped" if verdict in (Verdict.STOPPED, Verdict.NOT_SERVED) else "blocked"
        return ColleagueAnswer(decision=AnswerKind.HOLDING, text=self._words.say[word])

    # --- what was not fetched ------------------------------------------------------------------------------

    async def lapse_due(self) -> None:
        """Send what nobody fetched in time by the late way; for a tick every few seconds."""
        before = self._clock.now() - staff_answers.FETCH_TIME
        async with self._store.read() as tx:
            overdue = await staff_questions.list_overdue(tx, before)
        for question in overdue:
            await self._lapse(question)

    async def _lapse(self, question: StaffQuestion) -> None:
        now = self._clock.now()

        async def job(tx: AsyncConnection) -> bool:
            lapsed = await staff_questions.lapse(tx, question.id)
            if lapsed is None:
                return False
            passive = await deliveries.find(tx, lapsed.delivery_key) if lapsed.delivery_key else None
            if passive is not None:
                await staff_questions.end_passive(
                    tx, passive.key, DeliveryState.FAILED, now, outcome="not_fetched"
                )
                await self._send_late(tx, lapsed, passive)
            return True

        if await self._store.write(job):
            log.warning(
                "answer not fetched in time",
                extra={"action": "staff_question_lapsed", "question": question.id},
            )
            self._outbox_bell.ring()

    async def _send_late(self, tx: AsyncConnection, question: StaffQuestion, unsent: NewDelivery) -> None:
        """Put an answer into the outbox for the question's own address; nothing where there is none, or too late."""
        now = self._clock.now()
        if not question.response_url:
            return
        if now >= question.asked_at + staff_answers.LATE_TIME:
            await staff_questions.forget_address(tx, question.id)
            return
        late = staff_answers.late(question, unsent, now)
        await deliveries.add(tx, [late], now)
        await staff_questions.set_delivery(tx, question.id, late.key)

    async def _checked(self, question: StaffQuestion) -> StaffQuestion:
        """Return the question with words that may be said now; a line may have been stopped since they were found."""
        async with self._store.read() as tx:
            passive = await deliveries.find(tx, question.delivery_key)
        verdict = Verdict.GO if passive is None else guards.check_wording(passive, self._knowledge())
        if passive is None or verdict is Verdict.GO:
            return question
        now, other = self._clock.now(), self._instead(verdict)
        new = staff_answers.instead(question, passive, other, now)

        async def job(tx: AsyncConnection) -> None:
            await staff_questions.end_passive(
                tx, passive.key, DeliveryState.REFUSED, now, outcome=verdict.value
            )
            await deliveries.add(tx, [new], now)
            await staff_questions.change_answer(tx, question.id, other, delivery_key=new.key)

        await self._store.write(job)
        return replace(question, answer=other.text, faq_id="", delivery_key=new.key)

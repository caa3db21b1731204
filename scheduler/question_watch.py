"""Questions of groups and chats: who has duty, what could be answered, and who is told when nobody does.

A new question is taken up at once: duty, timers and suggestions are set; words that cannot wait (danger to life, fraud,
a complaint) open a case and reach the supervisor. After 5, 15 and 30 minutes in service hours the advisor on duty, the
owner's co-owner and the supervisor are told, unless it was answered. Notices never quote the customer: they go to
phones, and a customer's words may be what no card of ours may carry; they stand on the group's page.

Customer service waits 3, 5 and 15 minutes, a chat with one advisor 30, 60 and 120. Who has to answer there finds
suggested replies on the page beside the chat; where it is not open, the first card goes at once and leads there,
instead of the one after the first wait.

Duty has the asker's advisor who is in the group, else the group's owner; in a chat its advisor, in customer service who
serves the session, else who is on duty there. Who stands in for them is found when the notice is told
(scheduler/attention.py). A question of a talk on record counts as answered when a member of staff wrote in it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlencode

from sqlalchemy.ext.asyncio import AsyncConnection

from content import figure_words
from content.knowledge import Knowledge
from domain import working_time
from domain.attention import NewNotice, NoticeKind
from domain.case import CaseKind, CaseWanted
from domain.enrolment import Question, QuestionSource
from domain.hours import ServiceHours
from domain.ports import Clock
from domain.replies import SignalKind
from scheduler import rostering
from scheduler.keys import key_of
from scheduler.rostering import RosterRules
from scheduler.ticker import Wakeup
from store import duties, handovers, notices, presence, questions
from store.database import Store
from store.duties import Duty

log = logging.getLogger(__name__)

_BATCH = 20
_SUGGESTIONS = 3
# The case of words that cannot wait: its kind, its reason (console/words.toml) and its words in content/figures.toml.
_URGENT: Mapping[SignalKind, tuple[CaseKind, str, str]] = {
    SignalKind.SELF_HARM: (CaseKind.QUESTION, "crisis", "crisis"),
    SignalKind.FRAUD: (CaseKind.QUESTION, "fraud", "fraud"),
    SignalKind.COMPLAINT: (CaseKind.COMPLAINT, "H2", "complaint"),
}
_AT_ONCE = frozenset([SignalKind.SELF_HARM, SignalKind.FRAUD])

Waits = tuple[timedelta, timedelta, timedelta]


@dataclass(frozen=True, kw_only=True)
class QuestionRules:
    """How long a question waits for the advisor, the co-owner, the supervisor, in `hours`; and days of its case.

    `on_duty`: UserIDs who take customer service where nobody serves the session yet, the first one first; where a duty
    roster was made, `roster` says who it is now.
    `tells_at_once`: who answers a talk whose page is closed is told at once, within the budget, and not after the wait.
    """

    hours: ServiceHours
    waits: Waits = (timedelta(minutes=5), timedelta(minutes=15), timedelta(minutes=30))
    kf_waits: Waits = (timedelta(minutes=3), timedelta(minutes=5), timedelta(minutes=15))
    chat_waits: Waits = (timedelta(minutes=30), timedelta(minutes=60), timedelta(minutes=120))
    on_duty: tuple[str, ...] = ()
    roster: RosterRules | None = None
    complaint_days: int = 15
    tells_at_once: bool = False

    def waits_of(self, one: Question) -> Waits:
        """Return the waits that hold for a question (issue 5; the figures are settings)."""
        if one.source is QuestionSource.KF:
            return self.kf_waits
        return self.waits if one.group_id is not None else self.chat_waits


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What was read in a question's words: the best entries, and the most urgent signal of those that cannot wait."""

    faq_ids: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    urgent: SignalKind | None = None


class QuestionWatch:
    """A worker over the questions that wait. Run one per process; many processes share the rows."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        knowledge: Callable[[], Knowledge],
        rules: QuestionRules,
        *,
        cards_bell: Wakeup | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._knowledge = knowledge
        self._rules = rules
        self._cards_bell = cards_bell
        self._words = figure_words.load()
        self.bell = Wakeup()

    async def watch_due(self) -> float | None:
        """Take up new questions and tell of those that wait; a step for ticker.run_loop."""
        now = self._clock.now()
        async with self._store.read() as tx:
            due = await questions.list_due(tx, now, _BATCH)
            next_at = await questions.find_next(tx)
        if not due:
            return None if next_at is None else max((next_at - now).total_seconds(), 0.01)
        readings = {one.id: await asyncio.to_thread(self._read, one.text) for one in due}

        async def job(tx: AsyncConnection) -> int:
            held = [one for one in await questions.claim_due(tx, now, _BATCH) if one.id in readings]
            for one in held:
                await self._look(tx, one, readings[one.id], now)
            return len(held)

        count = await self._store.write(job)
        if count and self._cards_bell is not None:
            self._cards_bell.ring()
        log.info("questions watched", extra={"action": "questions_watched", "count": count})
        return 0

    def _read(self, text: str) -> Reading:
        knowledge = self._knowledge()
        signals = {hit.kind for hit in knowledge.content.signals.find(text)}
        urgent = next((kind for kind in _URGENT if kind in signals), None)
        ids = [match.faq_id for match in knowledge.decide(text).matches if match.faq_id in knowledge.faqs]
        shown = list(dict.fromkeys(ids))[:_SUGGESTIONS]
        return Reading(
            faq_ids=tuple(shown),
            titles=tuple(knowledge.faqs[name].question for name in shown),
            urgent=urgent,
        )

    async def _look(self, tx: AsyncConnection, one: Question, reading: Reading, now: datetime) -> None:
        if one.conversation_id is not None:
            answered = await questions.find_servicer_answer(tx, one)
            if answered is not None:
                await questions.answer(tx, one.id, by=answered[0], now=answered[1])
                return
        duty = await duties.find(tx, one, await self._on_duty(tx, one, now))
        if one.late_at is None:
            await self._take_up(tx, one, reading, duty, now)
        else:
            await self._tell_next(tx, one, reading, duty, now)

    async def _on_duty(self, tx: AsyncConnection, one: Question, now: datetime) -> Sequence[str]:
        """Return who takes customer service now: by the roster where somebody has a seat, else as it was set."""
        if one.source is not QuestionSource.KF or one.conversation_id is None or self._rules.roster is None:
            return self._rules.on_duty
        account = await handovers.find_account(tx, one.conversation_id)
        seats = await rostering.find_seats(tx, account, self._rules.roster, now)
        return list(seats) if seats else self._rules.on_duty

    async def _take_up(
        self, tx: AsyncConnection, one: Question, reading: Reading, duty: Duty, now: datetime
    ) -> None:
        """Set duty, timers and suggestion; what cannot wait is told at once."""
        late_at = working_time.after(self._rules.hours, one.asked_at, self._rules.waits_of(one)[0])
        taken = replace(
            one,
            duty=duty.advisor,
            late_at=late_at,
            next_at=late_at,
            faq_id=one.faq_id or next(iter(reading.faq_ids), ""),
        )
        if reading.urgent is not None:
            taken = await self._raise(tx, taken, reading.urgent, duty, now)
        elif await self._is_page_closed(tx, one, duty):
            taken = await self._call(tx, taken, reading, duty, now)
        await questions.save(tx, taken)

    async def _is_page_closed(self, tx: AsyncConnection, one: Question, duty: Duty) -> bool:
        """Say whether the advisor answers the talk from the page beside it (推荐话术), and has it not open."""
        if not self._rules.tells_at_once or one.conversation_id is None:
            return False
        place = await presence.find_place(tx, one.conversation_id)
        if place is None or duty.advisor not in (place.servicer, place.account_id):
            return False
        given = await handovers.find_open(tx, one.conversation_id)
        given_at = given.assigned_at if given is not None else None
        if given_at is not None and self._clock.now() - given_at < self._rules.waits_of(one)[0]:
            return (
                False  # Who has just been given the customer was told with the note (scheduler/handing.py).
            )
        wall = self._clock.wall()
        return not await presence.is_watching(tx, duty.advisor, one.conversation_id, wall)

    async def _call(
        self, tx: AsyncConnection, one: Question, reading: Reading, duty: Duty, now: datetime
    ) -> Question:
        """Tell the advisor now that suggestions wait on the page; the next to be told is the co-owner."""
        values = {"group": self._place(duty), "asked_at": self._local(one.asked_at, now)}
        title = self._words.say("waiting", "title_desk", **values)
        lines = [self._words.say("waiting", "text_desk", **values), *self._entries(reading.titles)]
        notice = self._notice(
            one, duty.advisor, title, "\n".join(lines), duty, now, key="desk", is_exempt=False
        )
        await notices.add(tx, [notice], now)
        next_at = working_time.after(self._rules.hours, one.asked_at, self._rules.waits_of(one)[1])
        return replace(one, rung=1, next_at=next_at)

    async def _raise(
        self, tx: AsyncConnection, one: Question, urgent: SignalKind, duty: Duty, now: datetime
    ) -> Question:
        """Open a case and tell supervisor and advisor, whatever the budget; the question stays to be answered."""
        kind, reason, words = _URGENT[urgent]
        is_at_once = urgent in _AT_ONCE
        case_id = await questions.open_case(
            tx,
            one,
            CaseWanted(kind=kind, reason=reason, is_urgent=is_at_once),
            by="watch",
            due_at=now if is_at_once else now + timedelta(days=self._rules.complaint_days),
            now=now,
        )
        title = self._words.say("urgent", f"{words}_title", group=self._place(duty))
        text = self._words.say(
            "urgent",
            "text",
            asked_at=self._local(one.asked_at, now),
            case_no=f"{case_id:06d}",
            duty=duty.name(duty.advisor),
        )
        told = dict.fromkeys([duty.supervisor or duty.owner, duty.advisor])
        new = [
            self._notice(one, who, title, text, duty, now, key="urgent", is_exempt=True)
            for who in told
            if who
        ]
        await notices.add(tx, new, now)
        # The advisor knows; the next to be told, if nothing happens, is the co-owner.
        next_at = working_time.after(self._rules.hours, one.asked_at, self._rules.waits_of(one)[1])
        return replace(one, case_id=case_id, rung=1, next_at=next_at)

    async def _tell_next(
        self, tx: AsyncConnection, one: Question, reading: Reading, duty: Duty, now: datetime
    ) -> None:
        """Tell whose turn it is, and set when the next one is told; somebody who knows is not told twice."""
        line = [duty.advisor, duty.co_owner, duty.supervisor]
        rung = one.rung
        who = line[rung] if rung < len(line) else ""
        if who and who not in line[:rung]:
            title, text = self._said(one, rung, reading.titles, duty, now)
            notice = self._notice(one, who, title, text, duty, now, key=f"rung {rung}", is_exempt=False)
            await notices.add(tx, [notice], now)
        waits = self._rules.waits_of(one)
        later = rung + 1 < len(waits)
        next_at = working_time.after(self._rules.hours, one.asked_at, waits[rung + 1]) if later else None
        await questions.save(tx, replace(one, duty=duty.advisor, rung=rung + 1, next_at=next_at))

    def _said(
        self, one: Question, rung: int, titles: Sequence[str], duty: Duty, now: datetime
    ) -> tuple[str, str]:
        minutes = int(self._rules.waits_of(one)[rung].total_seconds() // 60)
        values = {
            "group": self._place(duty),
            "minutes": minutes,
            "asked_at": self._local(one.asked_at, now),
            "duty": duty.name(duty.advisor),
        }
        title = self._words.say("waiting", f"title_{rung + 1}", **values)
        lines = [self._words.say("waiting", f"text_{rung + 1}", **values)]
        return title, "\n".join([*lines, *self._entries(titles)])

    def _entries(self, titles: Sequence[str]) -> list[str]:
        if not titles:
            return []
        entries = "".join(self._words.say("waiting", "entry", question=title) for title in titles)
        return [self._words.say("waiting", "suggestions", entries=entries)]

    def _notice(
        self,
        one: Question,
        who: str,
        title: str,
        text: str,
        duty: Duty,
        now: datetime,
        *,
        key: str,
        is_exempt: bool,
    ) -> NewNotice:
        return NewNotice(
            key=key_of("question", one.id, key, who),
            recipient=who,
            kind=NoticeKind.ALARM if is_exempt else NoticeKind.QUESTION,
            title=title,
            text=text,
            url=_page_of(one, who, duty),
            is_exempt=is_exempt,
            question_id=one.id,
            due_at=now,
        )

    def _place(self, duty: Duty) -> str:
        return duty.group_name or self._words.say("waiting", "somewhere")

    def _local(self, at: datetime, now: datetime) -> str:
        zone = self._rules.hours.zone
        local = at.astimezone(zone)
        return f"{local:%H:%M}" if local.date() == now.astimezone(zone).date() else f"{local:%m-%d %H:%M}"


def _page_of(one: Question, who: str, duty: Duty) -> str:
    """Return where a question is answered: on the group's page, or for a chat's advisor on the customer's."""
    if duty.chat_id:
        return f"/sidebar/group?chat_id={duty.chat_id}"
    if one.conversation_id is not None and one.asker and who == duty.advisor:
        return f"/sidebar/customer?{urlencode({'external_userid': one.asker})}"
    return "/sidebar/"

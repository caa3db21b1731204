"""One group beside its chat: the step due now, open questions with answers of the FAQ, the week at a glance."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from console import frame as frames
from console.sidebar import access, desk_access, judging, proposing, today_page
from console.sidebar.today_page import Line
from console.sidebar.visit import SidebarVisit
from content import pii
from domain.compliance import Audience
from domain.delivery import Act, Body, Delivery, DeliveryState, NewDelivery, Purpose, SendClass
from domain.enrolment import OPEN_STATES, OccurrenceState, Question, QuestionState
from domain.faq import Line as ProductLine
from domain.sop import DeliveryCode
from domain.suggestion import NewRound, NewSuggestion, RoundHow, Suggestion, SuggestionState
from handlers import qualification
from scheduler import acts
from store import conversations, deliveries, dialect, questions, staff, suggestions
from store.staff_work import OpenQuestion, StaffStep, WorkGroup

_PATH = "/sidebar/group"
_TEXT_LIMIT = 1000
# The newest questions get suggestions; matching takes milliseconds each.
_SUGGESTED = 8
_SILENT = frozenset({DeliveryCode.SYSTEM, DeliveryCode.KF})
_PENDING = frozenset({DeliveryState.ATTEMPTING, DeliveryState.UNKNOWN})
_DONE = frozenset({DeliveryState.ACCEPTED, DeliveryState.DELIVERED})


@dataclass(frozen=True, kw_only=True)
class Asked:
    """An open question with what may be answered.

    `needs`: the line that only a registered colleague may speak for. `pending`: an answer that somebody was given to
    send and nobody told how it ended; `may_tell`: it is this person's, long enough ago to ask what became of it.
    """

    question: OpenQuestion
    suggestions: Sequence[NewSuggestion]
    needs: ProductLine | None = None
    pending: Delivery | None = None
    may_tell: bool = False


class NotHandedOut(Exception):
    """The words are not handed out. `section`, `word`: of words.toml; `again`: may be tried by who has looked."""

    def __init__(self, section: str, word: str, *, again: bool = False) -> None:
        self.section, self.word, self.again = section, word, again
        super().__init__(word)


async def show(visit: SidebarVisit) -> web.Response:
    """Show the group; without a chat id the page asks the client which chat it stands beside."""
    chat_id, number = visit.request.query.get("chat_id", "")[:64], visit.query("enrolment")
    if number.isdecimal() and len(number) <= 18:
        async with visit.ctx.console.store.read() as tx:
            found = await access.access_enrolled(visit.viewer, tx, int(number))
        return visit.back(_PATH, chat_id=found.chat_id)
    if not chat_id:
        async with visit.ctx.console.store.read() as tx:
            groups = await access.access_own_groups(visit.viewer, tx)
        return visit.page("groups.html", groups=groups, goes="" if visit.query("all") else "yes")
    return await _page(visit, chat_id)


async def _page(visit: SidebarVisit, chat_id: str) -> web.Response:
    async with visit.ctx.console.store.read() as tx:
        group = await access.access_group(visit.viewer, tx, chat_id)
        week = await access.access_week(visit.viewer, tx, group)
        waiting = await access.access_questions(visit.viewer, tx, [group])
        customers = await access.access_customers(visit.viewer, tx, group)
        names = await staff.list_names(tx, sorted({one.occurrence.executor for one in week} - {""}))
        own = [one for one in waiting if one.group.id == group.id]
        pending = await access.access_answering(visit.viewer, tx, [one.id for one in own])
        closed = await _closed(visit, tx)
    lines = await _lines(visit, week)
    return visit.live_page(
        "group.html",
        "group_part.html",
        frames.address(_PATH, chat_id=chat_id),
        group=group,
        now=[one for one in lines if one.step.occurrence.state in OPEN_STATES],
        week=lines,
        names=names,
        next_line=_next(lines),
        asked=await _asked(visit, own, pending, closed),
        customers=[(who, name) for who, name in customers if name],
    )


async def _lines(visit: SidebarVisit, week: Sequence[StaffStep]) -> list[Line]:
    shown = [one for one in week if one.occurrence.delivery not in _SILENT]
    if not shown:
        return []
    template = await visit.ctx.console.sop_template(shown[0].sop_version_id)
    return today_page.lines(shown, {shown[0].sop_version_id: template})


def _next(lines: Sequence[Line]) -> Line | None:
    waiting = {OccurrenceState.PLANNED, OccurrenceState.BLOCKED, OccurrenceState.DUE}
    return next((one for one in lines if one.step.occurrence.state in waiting), None)


async def _asked(
    visit: SidebarVisit,
    waiting: Sequence[OpenQuestion],
    pending: Mapping[int, Sequence[Delivery]],
    closed: frozenset[ProductLine],
) -> list[Asked]:
    now, found = visit.ctx.console.clock.now(), []
    for number, one in enumerate(waiting):
        answers, needs = await _answers(visit, one.text, closed) if number < _SUGGESTED else ((), None)
        last = max(pending.get(one.id, ()), key=lambda begun: begun.created_at, default=None)
        is_mine = last is not None and visit.me in last.body.servicers
        may_tell = is_mine and last is not None and now - last.created_at >= acts.REPORT_WAIT
        found.append(Asked(question=one, suggestions=answers, needs=needs, pending=last, may_tell=may_tell))
    return found


async def _closed(visit: SidebarVisit, tx: AsyncConnection) -> frozenset[ProductLine]:
    suggester = visit.ctx.suggester
    return await suggester.closed_lines(tx, visit.me) if suggester else frozenset()


async def _answers(
    visit: SidebarVisit, text: str, closed: frozenset[ProductLine]
) -> tuple[Sequence[NewSuggestion], ProductLine | None]:
    """Return the approved answers as this person may say them to a group today, and the line that is closed to them."""
    suggester = visit.ctx.suggester
    return await suggester.find_answers(text, closed=closed) if suggester else ((), None)


async def mark(visit: SidebarVisit) -> web.Response:
    """Write down a question that was asked in the group."""
    chat_id, text = visit.said("chat_id", 64), visit.said("text", _TEXT_LIMIT)
    asker, now = visit.said("asker", 64), visit.ctx.console.clock.now()
    if not text:
        return visit.back(_PATH, wrong="no_text", chat_id=chat_id)

    async def job(tx: AsyncConnection) -> None:
        group = await access.access_group(visit.viewer, tx, chat_id)
        known = {who for who, _ in await access.access_customers(visit.viewer, tx, group)}
        await questions.mark(
            tx,
            text=text,
            by=visit.me,
            now=now,
            asker=asker if asker in known else "",
            group_id=group.id,
        )

    await visit.write(job)
    return visit.back(_PATH, done="marked", chat_id=chat_id)


async def begin(visit: SidebarVisit) -> web.Response:
    """Write down that this person sends an entry's answer now, or copies it, and hand over the words.

    Only the words of today leave, whatever the page showed, only to a group they may be said to, and once: `again` is
    for a former tap whose end was never told, by somebody who has looked into the group.
    """
    number, now, faq_id = visit.number(), visit.ctx.console.clock.now(), visit.said("faq_id", 64)
    again = visit.said("again") == "yes"

    async def asked(tx: AsyncConnection) -> tuple[Question, WorkGroup]:
        found = await access.access_question(visit.viewer, tx, number)
        return found, await access.access_group_by_id(visit.viewer, tx, found.group_id)

    async with visit.ctx.console.store.read() as tx:
        question, group = await asked(tx)
        closed = await _closed(visit, tx)
    text = question.text
    offered, needs = await _answers(visit, text, closed)
    chosen = next((one for one in offered if one.source_id == faq_id), None)

    async def job(tx: AsyncConnection) -> NewDelivery:
        await dialect.lock_subjects(tx, "desk_send", [access.answer_ref(number)])
        await _require_open(tx, (await asked(tx))[0], again=again, now=now)
        if chosen is None:
            faq = visit.ctx.console.knowledge().faqs.get(faq_id)
            is_closed = faq is not None and faq.line in closed
            raise (
                NotHandedOut("desk_refused", "unqualified")
                if is_closed
                else NotHandedOut("phone_wrong", "no_answer")
            )
        talks = await conversations.ensure_group(tx, [group.chat_id], now)
        talk_id = talks[group.chat_id]
        judged = await judging.judge(
            visit,
            tx,
            chosen.text,
            line=chosen.line,
            conversation_id=talk_id,
            recipient=group.chat_id,
            audience=Audience.GROUP,
        )
        if judged.refused:
            raise NotHandedOut("desk_refused", judged.refused)
        round_ = await suggestions.record_round(
            tx, _round(visit, text, number, talk_id, chosen, offered, needs), now
        )
        mine = next(one for one in round_.suggestions if one.source_id == faq_id)
        new = _delivery(visit, group, number, talk_id, mine, judged.introduction, now)
        await deliveries.add(tx, [new], now)
        return new

    try:
        made = await visit.write(job)
    except NotHandedOut as refused:
        said = visit.frame.words.label(refused.section, refused.word)
        body = {"refused": said, "why": refused.word, "again": refused.again}
        return web.json_response(body, status=409)
    message = {"msgtype": "text", "text": {"content": made.body.text}}
    return web.json_response({"key": made.key, "messages": [message]})


async def _require_open(tx: AsyncConnection, asked: Question, *, again: bool, now: datetime) -> None:
    """Raise NotHandedOut when the question has ended, or when an answer to it left or may be on its way."""
    if asked.state is not QuestionState.OPEN:
        raise NotHandedOut("phone_wrong", "changed")
    former = await deliveries.list_by_hand(tx, access.answer_ref(asked.id))
    if any(one.state in _DONE for one in former):
        raise NotHandedOut("desk_refused", "sent")
    pending = [one for one in former if one.state in _PENDING]
    is_old = all(now - one.created_at >= acts.REPORT_WAIT for one in pending)
    if pending and not (again and is_old):
        raise NotHandedOut("desk_refused", "pending", again=is_old)


def _round(
    visit: SidebarVisit,
    text: str,
    question_id: int,
    talk_id: int,
    chosen: NewSuggestion,
    offered: Sequence[NewSuggestion],
    needs: ProductLine | None,
) -> NewRound:
    """Return what was offered, for learning from what was taken; a list that was only looked at is not recorded."""
    return NewRound(
        conversation_id=talk_id,
        staff_platform_id=visit.me,
        message_id=None,
        question_id=question_id,
        asked=pii.mask(text),
        question_key=f"faq:{offered[0].source_id}",
        line=chosen.line,
        how=RoundHow.OPENED,
        needs_qualified=needs,
        suggestions=tuple(offered),
    )


def _delivery(
    visit: SidebarVisit,
    group: WorkGroup,
    question_id: int,
    talk_id: int,
    mine: Suggestion,
    introduction: str,
    now: datetime,
) -> NewDelivery:
    return NewDelivery(
        # The report finds its suggestion by the key.
        key=f"s{mine.id}-{secrets.token_hex(6)}",
        act=Act.BY_HAND,
        send_class=SendClass.REPORTED,
        purpose=Purpose.SERVICE,
        channel=acts.CHANNEL,
        conversation_id=talk_id,
        recipient=group.chat_id,
        reply_id=access.answer_ref(question_id),
        faq_id=mine.source_id,
        line=str(mine.line or ""),
        content_version_id=mine.content_version_id,
        body=Body(
            text=qualification.introduced(introduction, mine.text),
            targets=(group.chat_id,),
            servicers=(visit.me,),
        ),
        due_at=now,
        expires_at=now + acts.REPORT_WAIT,
        state=DeliveryState.ATTEMPTING,
    )


async def sent(visit: SidebarVisit) -> web.Response:
    """Take the client's report of an answer that `begin` began for this person, or the word of who copied it.

    One that was sent answers the question. `ok` is False when it did not: somebody else's sending, not sent, told
    before, or the question had ended.
    """
    number, now = visit.number(), visit.ctx.console.clock.now()
    key, error, is_sent = visit.said("key", 64), visit.said("error", 200), visit.said("is_sent") == "yes"

    async def job(tx: AsyncConnection) -> bool:
        found = await access.access_question(visit.viewer, tx, number)
        group = await access.access_group_by_id(visit.viewer, tx, found.group_id)
        ref = access.answer_ref(number)
        begun = await desk_access.find_own_sending(visit.viewer, tx, key, group.chat_id, ref)
        if begun is None:
            return False
        ended = await deliveries.end_by_hand(tx, key, is_sent=is_sent, now=now, by=visit.me, error=error)
        if not (ended and is_sent):
            return False
        mine = key[1:].partition("-")[0]
        if mine.isdecimal():
            used = SuggestionState.USED
            await suggestions.decide(tx, int(mine), used, now=now, delivery_key=key)
        return await questions.answer(tx, number, by=visit.me, now=now, faq_id=begun.faq_id)

    return web.json_response({"ok": await visit.write(job)})


async def propose(visit: SidebarVisit) -> web.Response:
    """Give another wording of an approved answer to the editors; the group gets approved words only."""
    number, now = visit.number(), visit.ctx.console.clock.now()
    text, faq_id = visit.said("text", proposing.TEXT_LIMIT), visit.said("faq_id", 64)
    knowledge = visit.ctx.console.knowledge()
    faq = knowledge.faqs.get(faq_id)

    async def job(tx: AsyncConnection) -> tuple[int | None, str]:
        found = await access.access_question(visit.viewer, tx, number)
        group = await access.access_group_by_id(visit.viewer, tx, found.group_id)
        if faq is None:
            return None, group.chat_id
        asked = pii.mask(found.text)
        made = await proposing.propose_answer(
            tx, knowledge, faq, text, asked=asked, author=visit.viewer.name, now=now
        )
        return made, group.chat_id

    made, chat_id = await visit.write(job)
    return visit.back(
        _PATH, done="proposed" if made else "", wrong="" if made else "unchanged", chat_id=chat_id
    )


async def answered(visit: SidebarVisit) -> web.Response:
    """Take a question off the list: answered in the person's own way, or none at all."""
    number, now = visit.number(), visit.ctx.console.clock.now()
    is_none = visit.said("as") == "none"

    async def job(tx: AsyncConnection) -> tuple[bool, str]:
        found = await access.access_question(visit.viewer, tx, number)
        group = await access.access_group_by_id(visit.viewer, tx, found.group_id)
        if is_none:
            return await questions.drop(tx, number, by=visit.me, now=now), group.chat_id
        return await questions.answer(tx, number, by=visit.me, now=now), group.chat_id

    changed, chat_id = await visit.write(job)
    word = "dropped" if is_none else "answered"
    path, query = ("/sidebar/", {}) if visit.said("from") == "today" else (_PATH, {"chat_id": chat_id})
    return visit.back(path, done=word if changed else "", wrong="" if changed else "changed", **query)

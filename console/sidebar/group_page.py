"""One group beside its chat: the step due now, open questions with answers of the FAQ, the week at a glance."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from console import frame as frames
from console.sidebar import access, judging, proposing, today_page
from console.sidebar.today_page import Line
from console.sidebar.visit import SidebarVisit
from content import pii
from domain.compliance import Audience
from domain.delivery import Act, Body, DeliveryState, NewDelivery, Purpose, SendClass
from domain.enrolment import OPEN_STATES, OccurrenceState
from domain.sop import DeliveryCode
from domain.suggestion import NewRound, NewSuggestion, RoundHow, Suggestion, SuggestionState
from handlers import qualification
from scheduler import acts
from store import conversations, deliveries, questions, staff, suggestions
from store.staff_work import OpenQuestion, StaffStep, WorkGroup

_PATH = "/sidebar/group"
_TEXT_LIMIT = 1000
# The newest questions get suggestions; matching takes milliseconds each.
_SUGGESTED = 8
_SILENT = frozenset({DeliveryCode.SYSTEM, DeliveryCode.KF})


@dataclass(frozen=True, kw_only=True)
class Asked:
    """An open question with what may be answered."""

    question: OpenQuestion
    suggestions: Sequence[NewSuggestion]


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
        asked=await _asked(visit, group, waiting),
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


async def _asked(visit: SidebarVisit, group: WorkGroup, waiting: Sequence[OpenQuestion]) -> list[Asked]:
    own = [one for one in waiting if one.group.id == group.id]
    return [
        Asked(question=one, suggestions=await _answers(visit, one.text) if number < _SUGGESTED else ())
        for number, one in enumerate(own)
    ]


async def _answers(visit: SidebarVisit, text: str) -> Sequence[NewSuggestion]:
    """Return the approved answers that may fit, as they may be said to a group today."""
    return await visit.ctx.suggester.find_answers(text) if visit.ctx.suggester else ()


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
    """Write down that this person sends an entry's answer now, and hand over the words for the client.

    Only the words of today leave, whatever the page showed, and only to a group they may be said to.
    """
    number, now, faq_id = visit.number(), visit.ctx.console.clock.now(), visit.said("faq_id", 64)

    async def asked(tx: AsyncConnection) -> tuple[str, WorkGroup]:
        found = await access.access_question(visit.viewer, tx, number)
        return found.text, await access.access_group_by_id(visit.viewer, tx, found.group_id)

    async with visit.ctx.console.store.read() as tx:
        text, group = await asked(tx)
    offered = await _answers(visit, text)
    chosen = next((one for one in offered if one.source_id == faq_id), None)
    if chosen is None:
        return _refused(visit, "phone_wrong", "no_answer")

    async def job(tx: AsyncConnection) -> NewDelivery | str:
        await asked(tx)
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
            return judged.refused
        round_ = await suggestions.record_round(
            tx, _round(visit, text, number, talk_id, chosen, offered), now
        )
        mine = next(one for one in round_.suggestions if one.source_id == faq_id)
        new = _delivery(visit, group, number, talk_id, mine, judged.introduction, now)
        await deliveries.add(tx, [new], now)
        return new

    made = await visit.write(job)
    if isinstance(made, str):
        return _refused(visit, "desk_refused", made)
    message = {"msgtype": "text", "text": {"content": made.body.text}}
    return web.json_response({"key": made.key, "messages": [message]})


def _refused(visit: SidebarVisit, section: str, word: str) -> web.Response:
    return web.json_response({"refused": visit.frame.words.label(section, word)}, status=409)


def _round(
    visit: SidebarVisit,
    text: str,
    question_id: int,
    talk_id: int,
    chosen: NewSuggestion,
    offered: Sequence[NewSuggestion],
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
        needs_qualified=None,
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
        reply_id=f"question.{question_id}",
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
    """Take the client's report of an answer that `begin` began; one that was sent answers the question.

    `ok` is False when it did not: not sent, unknown, or the question had ended before.
    """
    number, now = visit.number(), visit.ctx.console.clock.now()
    key, error, is_sent = visit.said("key", 64), visit.said("error", 200), visit.said("is_sent") == "yes"

    async def job(tx: AsyncConnection) -> bool:
        await access.access_question(visit.viewer, tx, number)
        begun = await deliveries.find(tx, key)
        if begun is None or begun.reply_id != f"question.{number}":
            return False
        ended = await deliveries.end_by_hand(tx, key, is_sent=is_sent, now=now, by=visit.me, error=error)
        mine = key[1:].partition("-")[0]
        if ended and is_sent and mine.isdecimal():
            used = SuggestionState.USED
            await suggestions.decide(tx, int(mine), used, now=now, delivery_key=key)
        return is_sent and await questions.answer(tx, number, by=visit.me, now=now, faq_id=begun.faq_id)

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

"""One group beside its chat: the step due now, open questions with answers of the FAQ, the week at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from console import frame as frames
from console.context import Suggested
from console.sidebar import access, today_page
from console.sidebar.today_page import Line
from console.sidebar.visit import SidebarVisit
from domain.enrolment import OPEN_STATES, OccurrenceState
from domain.sop import DeliveryCode
from store import questions, staff
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
    suggestions: Sequence[Suggested]


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
        Asked(question=one, suggestions=await visit.ctx.suggest(one.text) if number < _SUGGESTED else ())
        for number, one in enumerate(own)
    ]


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


async def answered(visit: SidebarVisit) -> web.Response:
    """Take a question off the list: answered, or none at all."""
    number, now = visit.number(), visit.ctx.console.clock.now()
    faq_id, is_none = visit.said("faq_id", 64), visit.said("as") == "none"

    async def job(tx: AsyncConnection) -> tuple[bool, str]:
        found = await access.access_question(visit.viewer, tx, number)
        group = await access.access_group_by_id(visit.viewer, tx, found.group_id)
        if is_none:
            return await questions.drop(tx, number, by=visit.me, now=now), group.chat_id
        return await questions.answer(tx, number, by=visit.me, now=now, faq_id=faq_id), group.chat_id

    changed, chat_id = await visit.write(job)
    if visit.request.headers.get("Accept") == "application/json":
        return web.json_response({"ok": changed})
    word = "dropped" if is_none else "answered"
    path, query = ("/sidebar/", {}) if visit.said("from") == "today" else (_PATH, {"chat_id": chat_id})
    return visit.back(path, done=word if changed else "", wrong="" if changed else "changed", **query)

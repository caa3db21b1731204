"""The verdict while somebody types, and one tap to say that it was wrong.

Both take JSON (or a form) and answer JSON. `check` writes nothing. Whoever sends asks once more, on the server, the
moment before the words leave; what the page believed counts for nothing there.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from console.access import Forbidden, NotFound
from console.sidebar import access, desk_access, judging, stream_access
from console.sidebar.visit import SidebarVisit
from domain.compliance import Audience, Problem, Registration, Severity
from domain.faq import Line
from domain.verdict import FalseAlarm, Verdict
from handlers import false_alarms as alarming
from handlers import qualification, verdicts
from store import false_alarms, registrations, staff, suggestions

TEXT_LIMIT = 4000
_ID_LIMIT = 64
_COLLEAGUES = 5


@dataclass(frozen=True, kw_only=True)
class Typed:
    """What the page asks about. `recipient`: the customer's external user id or the group's chat id, "" unknown.

    `suggestion_id`, `phrase`: what the words came from, a suggestion or the quick phrase of this id.
    """

    text: str
    suggestion_id: int | None
    phrase: str
    conversation_id: int | None
    recipient: str
    audience: Audience


async def check(visit: SidebarVisit) -> web.Response:
    """Answer what is wrong with the words, how they may be said, and what has to stand before them.

    {"blocked", "line", "problems": [{"span", "message", "severity", "label"}], "rewrite", "missing", "introduction",
    "qualified", "colleagues": [{"id", "name"}], "alarm", "alarm_note"}; spans count UTF-16 units, as a page does.
    "line": what the words are about, of several the one this person may not speak for.
    """
    typed, today = await _typed(visit), _today(visit)
    knowledge = visit.ctx.console.knowledge()
    async with visit.ctx.console.store.read() as tx:
        lines = await _lines(visit, tx, typed)
        held = await registrations.list_of(tx, visit.me)
        introduction = await qualification.introduction(
            tx,
            knowledge,
            visit.ctx.facts,
            visit.me,
            conversation_id=typed.conversation_id,
            recipient=typed.recipient,
            line=Line.INSURANCE if Line.INSURANCE in lines else None,
            today=today,
        )
        closed = [one for one in lines if not qualification.judged(knowledge, held, one, today).is_qualified]
        colleagues = await _colleagues(visit, tx, closed[0], today) if closed else []
        told = await false_alarms.find_told(tx, visit.me, alarming.masked(typed.text))
        before = await judging.list_before(visit, tx, typed.recipient)
    verdict = await _verdict(visit, typed, lines, held, before)
    has_it = introduction and introduction in typed.text
    return web.json_response(
        {
            "blocked": verdict.is_blocked,
            "line": next((str(one) for one in (*closed, *lines)), ""),
            "problems": _shown(typed.text, verdict),
            "rewrite": verdict.rewrite,
            "missing": list(verdict.missing),
            "introduction": "" if has_it else introduction,
            "qualified": not closed,
            "colleagues": colleagues,
            **_alarm(told),
        }
    )


async def _colleagues(
    visit: SidebarVisit, tx: AsyncConnection, line: Line, today: date
) -> list[dict[str, str]]:
    names = await qualification.find_colleagues(tx, visit.ctx.console.knowledge(), line, today)
    others = [name for name in names if name != visit.me][:_COLLEAGUES]
    known = await staff.list_names(tx, others)
    return [{"id": name, "name": known.get(name, name)} for name in others]


async def _lines(visit: SidebarVisit, tx: AsyncConnection, typed: Typed) -> tuple[Line, ...]:
    """Return what the words are about, as the server will take it when they are sent.

    Raises NotFound for a phrase to a customer this person may not know of.
    """
    knowledge = visit.ctx.console.knowledge()
    if typed.phrase in knowledge.quick and visit.ctx.suggester is not None:
        seen = await access.access_customer(visit.viewer, tx, typed.recipient)
        approved = await visit.ctx.suggester.phrase_text(tx, typed.phrase, visit.me, seen.customer.id)
        line = knowledge.quick[typed.phrase].line
        about = judging.About(otherwise=line)
        if approved is not None and judging.is_untouched(typed.text, approved):
            about = judging.About(approved=line)
        return judging.lines_for(knowledge, typed.text, about)
    offered = None if typed.suggestion_id is None else await suggestions.find(tx, typed.suggestion_id)
    if offered is not None and offered[0].staff_platform_id != visit.me:
        offered = None
    return judging.lines_for(knowledge, typed.text, judging.about_offered(typed.text, offered))


async def _verdict(
    visit: SidebarVisit,
    typed: Typed,
    lines: Sequence[Line],
    held: Sequence[Registration],
    before: Sequence[str],
) -> Verdict:
    return await asyncio.to_thread(
        verdicts.check,
        visit.ctx.console.knowledge(),
        typed.text,
        lines=lines,
        registrations=held,
        today=_today(visit),
        audience=typed.audience,
        before=before,
    )


def _today(visit: SidebarVisit) -> date:
    return visit.ctx.console.clock.now().astimezone(visit.ctx.console.zone).date()


async def tell(visit: SidebarVisit) -> web.Response:
    """Take a false alarm about words that are blocked; {"ok", "alarm", "alarm_note"}."""
    typed, now = await _typed(visit), visit.ctx.console.clock.now()
    knowledge = visit.ctx.console.knowledge()
    async with visit.ctx.console.store.read() as tx:
        lines = await _lines(visit, tx, typed)
        before = await judging.list_before(visit, tx, typed.recipient)
    verdict = await _verdict(visit, typed, lines, (), before)
    if not verdict.is_blocked:
        return web.json_response(
            {"refused": visit.frame.words.label("phone_wrong", "not_blocked")}, status=400
        )
    rules = alarming.rules_that_spoke(typed.text, verdict.blocking)

    async def job(tx: AsyncConnection) -> FalseAlarm:
        return await false_alarms.tell(
            tx,
            visit.me,
            alarming.masked(typed.text),
            rules,
            rules_version=knowledge.content.rules.version,
            conversation_id=await _talk_of(visit, tx, typed, now),
            now=now,
        )

    return web.json_response({"ok": True, **_alarm(await visit.write(job))})


async def _talk_of(visit: SidebarVisit, tx: AsyncConnection, typed: Typed, now: datetime) -> int | None:
    """Return the conversation that words were meant for, with which they are erased; one is begun where there is none.

    None where this person may not know of it, whatever the page says.
    """
    if typed.conversation_id is not None:
        with contextlib.suppress(NotFound, Forbidden):
            await stream_access.access_conversation(visit.viewer, tx, typed.conversation_id)
            return typed.conversation_id
    if typed.recipient and typed.audience is Audience.CUSTOMER:
        with contextlib.suppress(NotFound, Forbidden):
            desk = await desk_access.access_speaking(visit.viewer, tx, typed.recipient, "")
            return await desk_access.ensure_talk(visit.viewer, tx, desk, now)
    return None


def _alarm(told: FalseAlarm | None) -> dict[str, str]:
    return {"alarm": str(told.state) if told else "", "alarm_note": told.note if told else ""}


def _shown(text: str, verdict: Verdict) -> Sequence[Mapping[str, object]]:
    return [
        {
            "span": _utf16(text, problem),
            "message": problem.message,
            "severity": str(problem.severity),
            "label": problem.label,
            "is_blocking": problem.severity <= Severity.S1,
        }
        for problem in verdict.problems
    ]


def _utf16(text: str, problem: Problem) -> list[int]:
    """Return a problem's range as a page counts characters: those beyond the first plane are two."""
    return [len(text[:place].encode("utf-16-le")) // 2 for place in problem.span]


async def _typed(visit: SidebarVisit) -> Typed:
    """Read the question. Raises HTTPBadRequest for what is none, HTTPRequestEntityTooLarge for a text too long."""
    given: Mapping[str, object] = visit.form
    if visit.request.content_type == "application/json":
        try:
            found = await visit.request.json()
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise web.HTTPBadRequest() from error
        if not isinstance(found, dict):
            raise web.HTTPBadRequest()
        given = found
    text = given.get("text", "")
    if not isinstance(text, str):
        raise web.HTTPBadRequest()
    if len(text) > TEXT_LIMIT:
        raise web.HTTPRequestEntityTooLarge(max_size=TEXT_LIMIT, actual_size=len(text))
    return Typed(
        text=text.replace("\0", ""),
        suggestion_id=_number(given.get("suggestion")),
        phrase="" if given.get("suggestion") else str(given.get("phrase") or "")[:_ID_LIMIT],
        conversation_id=_number(given.get("conversation")),
        recipient=str(given.get("recipient") or "").replace("\0", "")[:_ID_LIMIT],
        audience=Audience.GROUP if given.get("group") in (True, "yes") else Audience.CUSTOMER,
    )


def _number(given: object) -> int | None:
    """Return an id as a page names it, None for what no table can hold."""
    text = str(given or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None

"""Whispering: a supervisor reads the end of a talk and suggests words to who serves it (耳语).

The words are checked like the advisor's own, and come to the advisor as a suggestion on top of the others; only the
advisor sends. With the advisor's page closed an app card within the budget of attention says that they wait.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from console import desk_access, people
from console.desk_access import SeenTalk
from console.visit import Visit
from content import figure_words, pii
from content.knowledge import Knowledge
from domain.attention import NewNotice, NoticeKind
from domain.compliance import Audience, Problem
from domain.faq import Line
from domain.suggestion import (
    NewRound,
    NewSuggestion,
    RoundHow,
    Suggestion,
    SuggestionSource,
    SuggestionState,
)
from handlers import offered, verdicts
from scheduler.keys import key_of
from store import customer_names, dialect, logins, notices, registrations, suggestions, whispers

_LIMIT = 1000
# A whisper about a customer who waited so long ago helps nobody on a phone.
_CARD_LIFE = timedelta(minutes=30)
_OTHERS = 2


def _path(conversation_id: int) -> str:
    return f"/console/desk/{conversation_id}"


async def show(visit: Visit) -> web.Response:
    """Show the end of the talk and the form."""
    return await _page(visit, visit.number(), "", ())


async def _page(visit: Visit, number: int, text: str, problems: tuple[Problem, ...]) -> web.Response:
    async with visit.ctx.store.read() as tx:
        seen = await desk_access.access_whispering(visit.viewer, tx, number, visit.ctx.clock.wall())
        names = await people.list_names(tx)
        called = await customer_names.list_names(tx, [seen.place.customer])
    await visit.openings.record(visit, f"conversation:{number}")
    return visit.page(
        "desk_talk.html",
        seen=seen,
        people=names,
        customer=called.get(seen.place.customer, ""),
        text=text,
        problems=problems,
    )


async def whisper(visit: Visit) -> web.Response:
    """Give the words to the advisor, unless the check stops them."""
    number, text, now = visit.number(), visit.said("text", _LIMIT), visit.ctx.clock.now()
    wall = visit.ctx.clock.wall()
    async with visit.ctx.store.read() as tx:
        seen = await desk_access.access_whispering(visit.viewer, tx, number, wall)
        held = await registrations.list_of(tx, seen.advisor)
    if not text or not seen.advisor:
        return visit.back(_path(number), wrong="empty" if seen.advisor else "desk_nobody")
    knowledge = visit.ctx.knowledge()
    lines = verdicts.lines_of(knowledge, text)
    line = next(iter(lines), None)
    today = now.astimezone(visit.ctx.zone).date()
    verdict = verdicts.check(
        knowledge, text, lines=lines, registrations=held, today=today, audience=Audience.CUSTOMER
    )
    if verdict.is_blocked:
        return await _page(visit, number, text, verdict.blocking)

    async def job(tx: AsyncConnection) -> None:
        again = await desk_access.access_whispering(visit.viewer, tx, number, wall)
        made = await whispers.add(tx, number, again.advisor, text, by=visit.viewer.name, now=now)
        await _suggest(tx, knowledge, again, made, text, line, verdict.problems, now)
        if not again.is_watched:
            await notices.add(tx, [_notice(again, made, now)], now)
        subject = f"conversation:{number}"
        await logins.record_access(tx, actor=visit.viewer.name, act="whispered", subject=subject, now=now)

    await visit.write(job)
    return visit.back(_path(number), done="whispered")


async def _suggest(
    tx: AsyncConnection,
    knowledge: Knowledge,
    seen: SeenTalk,
    whisper_id: int,
    text: str,
    line: Line | None,
    problems: tuple[Problem, ...],
    now: datetime,
) -> None:
    """Put the words on top of what the advisor is offered, as a round of its own."""
    await dialect.lock_subjects(tx, "desk_round", [f"{seen.id}.{seen.advisor}"])
    before = await suggestions.find_latest(tx, seen.id, seen.advisor)
    said = [one for one in seen.lines if one.is_customer and one.message_id is not None]
    message_id = said[-1].message_id if said else None
    if before is not None and (before.message_id or 0) < (message_id or 0):
        before = None  # It answers older words.
    kept = [one for one in before.suggestions if one.state is SuggestionState.OFFERED] if before else []
    kept = await offered.list_current(tx, knowledge, seen.advisor, kept)
    is_waiting = bool(seen.lines) and seen.lines[-1].is_customer
    mine = NewSuggestion(
        source=SuggestionSource.WHISPER,
        source_id=str(whisper_id),
        question="",
        text=text,
        line=line,
        score=1.0,
        reasons=(),
        problems=problems,
    )
    new = NewRound(
        conversation_id=seen.id,
        staff_platform_id=seen.advisor,
        message_id=message_id,
        question_id=None,
        asked=before.asked if before else (pii.mask(said[-1].text) if said else ""),
        question_key=before.question_key if before else "",
        line=before.line if before else line,
        # Without words that wait it stands until somebody writes, like what an advisor looked for.
        how=RoundHow.PUSHED if is_waiting else RoundHow.TYPED,
        needs_qualified=before.needs_qualified if before else None,
        suggestions=(mine, *(_again(one) for one in kept[:_OTHERS])),
    )
    await suggestions.record_round(tx, new, now)


def _again(one: Suggestion) -> NewSuggestion:
    return NewSuggestion(
        source=one.source,
        source_id=one.source_id,
        question=one.question,
        text=one.text,
        line=one.line,
        score=one.score,
        reasons=one.reasons,
        content_version_id=one.content_version_id,
        origin=one.origin,
        valid_until=one.valid_until,
        risk_line=one.risk_line,
        problems=one.problems,
        is_approved=one.is_approved,
    )


def _notice(seen: SeenTalk, whisper_id: int, now: datetime) -> NewNotice:
    words = figure_words.load()
    return NewNotice(
        key=key_of("whisper", whisper_id),
        recipient=seen.advisor,
        kind=NoticeKind.QUESTION,
        title=words.say("waiting", "title_whisper"),
        text=words.say("waiting", "text_whisper"),
        url=f"/sidebar/customer?external_userid={seen.place.customer}",
        due_at=now,
        latest_at=now + _CARD_LIFE,
    )

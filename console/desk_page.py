"""The desk on a big screen: who waits and how long, who is served by whom, what was asked elsewhere, cases due.

No box to write to customers: the platform lets only the servicer's own client speak in states 2 and 3, in one-to-one
chats and in groups (WeCom doc 94669). What can be done: take a customer over, open the talk in WeCom, whisper.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from console import desk_access, people
from console.desk_access import Screen
from console.visit import Visit
from domain import handover
from domain.faq import Line
from domain.platform import SessionState
from handlers import qualification
from scheduler import handing
from store import accounts, conversations, deliveries, handovers, health_reports, logins
from store.desk_screen import LiveTalk

PATH = "/console/desk"
# When a wait becomes yellow and red: the first two timers of customer service (service.answer_minutes by default).
_LONG, _TOO_LONG = timedelta(minutes=3), timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """The large figures at the head. `longest`: since when the one waits who waits longest."""

    queueing: int
    unanswered: int
    serving: int
    cases_late: int
    longest: datetime | None


async def show(visit: Visit) -> web.Response:
    """Show the screen; it renews itself."""
    now, wall = visit.ctx.clock.now(), visit.ctx.clock.wall()
    async with visit.ctx.store.read() as tx:
        screen = await desk_access.access_screen(visit.viewer, tx, now, wall)
        names = await people.list_names(tx)
        account_names = await health_reports.list_account_names(tx)
    pool = [one for one in screen.live if one.state is SessionState.POOL]
    served = [one for one in screen.live if one.state is SessionState.SERVICER]
    return visit.live_page(
        "desk_screen.html",
        "desk_screen_part.html",
        PATH,
        screen=screen,
        pool=pool,
        served=served,
        numbers=numbers_of(screen, now),
        people=names,
        accounts=account_names,
        me=visit.viewer.login.staff_platform_id,
        tone=lambda since: tone_of(since, now),
        passed=lambda since: visit.frame.times.span(max(now - since, timedelta())),
    )


def numbers_of(screen: Screen, now: datetime) -> Numbers:
    """Return the figures of a screen. Pure."""
    served = [one for one in screen.live if one.state is SessionState.SERVICER]
    waits = [one.waits_since for one in screen.live if one.waits_since is not None]
    return Numbers(
        queueing=len(screen.live) - len(served),
        unanswered=sum(one.waits_since is not None for one in served),
        serving=len(served),
        cases_late=sum(row.case.due_at < now for row in screen.cases),
        longest=min(waits, default=None),
    )


def tone_of(since: datetime | None, now: datetime) -> str:
    """Return how bad a wait is: "", warn or bad."""
    if since is None or now - since < _LONG:
        return ""
    return "bad" if now - since >= _TOO_LONG else "warn"


async def take(visit: Visit) -> web.Response:
    """Move a session to this person: out of the pool, or from a colleague."""
    conversation_id, now = visit.number(), visit.ctx.clock.now()

    async def job(tx: AsyncConnection) -> str:
        live = await desk_access.access_take_over(visit.viewer, tx, conversation_id)
        wrong = await _refusal(visit, tx, live, now)
        if wrong or live is None:
            return wrong
        me = visit.viewer.login.staff_platform_id
        talk = await conversations.get(tx, conversation_id)
        # Two taps at once are one move; a later one is a new try.
        minute = int(now.timestamp()) // 60
        nonce = f"desk {me} {int(live.state)} {live.since.isoformat()} {minute}"
        await deliveries.add(tx, [handing.give(talk, [me], nonce=nonce, now=now)], now)
        await handovers.set_coming(tx, conversation_id, me)
        subject = f"conversation:{conversation_id}"
        await logins.record_access(tx, actor=visit.viewer.name, act="took over", subject=subject, now=now)
        return ""

    wrong = await visit.write(job)
    return visit.back(PATH, done="" if wrong else "taking", wrong=wrong)


async def _refusal(visit: Visit, tx: AsyncConnection, live: LiveTalk | None, now: datetime) -> str:
    """Return why this person cannot get the session now, as a key of [wrong]; "" when it can be tried."""
    me = visit.viewer.login.staff_platform_id
    if live is None or not handover.may_move(live.state, SessionState.SERVICER):
        return "desk_gone"
    if not me:
        return "desk_no_member"
    if live.servicer_id == me and live.state is SessionState.SERVICER:
        return "desk_yours"
    if live.is_moving:
        return "desk_moving"
    if me not in await accounts.list_receiving(tx, live.account_id):
        return "desk_not_receiving"
    if live.line:
        today = now.astimezone(visit.ctx.zone).date()
        line = Line(live.line)
        found = await qualification.standing(tx, visit.ctx.knowledge(), me, line, today)
        if not found.is_qualified:
            return "desk_not_qualified"
    return ""

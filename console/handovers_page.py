"""The queue of hand-overs: who waits how long, who is served by whom, and moving a customer to another person."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from console import duty_access, people, roster_page
from console.access import Right, require
from console.roster_page import OnDuty
from console.visit import Visit
from content import turns
from domain.handover import Handover
from domain.platform import SessionState
from domain.talk import Conversation
from scheduler import handing, rostering
from store import deliveries, handovers, health_reports, roster
from store.handovers import OpenHandover

_PATH = "/console/handovers"


@dataclass(frozen=True, kw_only=True)
class QueueRow:
    """A line of the queue. `waits_since`: since when the customer waits for an answer, None while nobody has to."""

    one: OpenHandover
    waits_since: datetime | None

    @property
    def is_queued(self) -> bool:
        return self.one.talk.state is not SessionState.SERVICER


async def show_list(visit: Visit) -> web.Response:
    """Show who waits and who is served; renews itself."""
    now = visit.ctx.clock.now()
    async with visit.ctx.store.read() as tx:
        opened = await duty_access.access_handovers(visit.viewer, tx)
        rows = [QueueRow(one=one, waits_since=await _waits_since(visit, tx, one)) for one in opened]
        ended = await handovers.list_ended(tx, visit.frame.times.start_of_today(), 500)
        names = await people.list_names(tx)
        accounts = await health_reports.list_account_names(tx)
        on_duty = {one: await roster_page.list_on_duty(tx, one, visit.ctx.roster, now) for one in accounts}
    return visit.live_page(
        "handovers.html",
        "handovers_part.html",
        _PATH,
        rows=sorted(rows, key=_urgency),
        ended=Counter(str(one.end) for one in ended),
        people=names,
        accounts=accounts,
        on_duty=on_duty,
        is_open=visit.ctx.hours.is_open(now),
    )


async def show_one(visit: Visit) -> web.Response:
    """Show a hand-over with its note, and what can be done with it."""
    handover_id = visit.number()
    async with visit.ctx.store.read() as tx:
        found, talk = await duty_access.access_handover(visit.viewer, tx, handover_id)
        free = await _others(visit, tx, found, talk)
        names = await people.list_names(tx)
        said = await handovers.list_unanswered(tx, found) if found.ended_at is None else []
    await visit.openings.record(visit, f"conversation:{talk.id}")
    return visit.page(
        "handover.html",
        one=found,
        talk=talk,
        free=free,
        people=names,
        said=[each for each in said if _wants_answer(visit, each.kind, each.text)],
        is_served=talk.state is SessionState.SERVICER,
        may_move=found.ended_at is None and talk.state in (SessionState.POOL, SessionState.SERVICER),
    )


async def move(visit: Visit) -> web.Response:
    """Give the customer to the chosen person: from the pool, or from who serves."""
    require(visit.viewer, Right.RUN_DUTY)
    handover_id, who, now = visit.number(), visit.said("who", 64), visit.ctx.clock.now()

    async def job(tx: AsyncConnection) -> str:
        found, talk = await duty_access.access_handover(visit.viewer, tx, handover_id)
        if found.ended_at is not None or talk.state not in (SessionState.POOL, SessionState.SERVICER):
            return "handover_over"
        if await deliveries.is_moving(tx, talk.id):
            return "handover_moving"
        await roster.claim(tx, [who])
        if who not in {one.servicer.platform_id for one in await _others(visit, tx, found, talk)}:
            return "handover_full"
        nonce = f"{handover_id} {visit.viewer.name} {now.isoformat()}"
        await deliveries.add(tx, [handing.give(talk, (who,), nonce=nonce, now=now)], now)
        if talk.state is SessionState.POOL:
            await handovers.set_coming(tx, talk.id, who)
        return ""

    return _told(visit, await visit.write(job), "handover_moves")


async def give_back(visit: Visit) -> web.Response:
    """End the session of who serves, so that the bot serves from the customer's next message."""
    require(visit.viewer, Right.RUN_DUTY)
    handover_id = visit.number()

    async def job(tx: AsyncConnection) -> str:
        found, _ = await duty_access.access_handover(visit.viewer, tx, handover_id)
        return await end_session(visit, tx, found)

    return _told(visit, await visit.write(job), "handover_back")


async def end_session(visit: Visit, tx: AsyncConnection, one: Handover) -> str:
    """Put the end of a session on its way; return the key of the words why not, "" when it is."""
    return await handing.take_back(
        tx, one, visit.ctx.knowledge(), by=visit.viewer.name, now=visit.ctx.clock.now()
    )


async def _others(visit: Visit, tx: AsyncConnection, one: Handover, talk: Conversation) -> list[OnDuty]:
    """Return who can be given a customer now, the freest first: on duty, receiving, qualified, with room."""
    rules, now = visit.ctx.roster, visit.ctx.clock.now()
    on_duty = await roster_page.list_on_duty(tx, talk.account_id, rules, now)
    chosen = rostering.choose(
        {each.servicer.platform_id: each.capacity for each in on_duty},
        [each.servicer for each in on_duty],
        line=one.line,
        restricted=await rostering.find_restricted(tx, rules),
        without=(talk.servicer_id,),
    )
    by_name = {each.servicer.platform_id: each for each in on_duty}
    return [by_name[name] for name in chosen.servicers]


async def _waits_since(visit: Visit, tx: AsyncConnection, one: OpenHandover) -> datetime | None:
    if one.talk.state is not SessionState.SERVICER:
        return one.handover.asked_at
    said = await handovers.list_unanswered(tx, one.handover)
    waiting = [each.sent_at for each in said if _wants_answer(visit, each.kind, each.text)]
    return min(waiting, default=None)


def _wants_answer(visit: Visit, kind: str, text: str) -> bool:
    return turns.wants_answer(kind, text, visit.ctx.knowledge().content.signals)


def _urgency(row: QueueRow) -> tuple[bool, bool, datetime]:
    """Who queues comes first, then who waits for an answer, the longest waiting first."""
    return (not row.is_queued, row.waits_since is None, row.waits_since or row.one.handover.asked_at)


def _told(visit: Visit, wrong: str, done: str) -> web.Response:
    path = f"{_PATH}/{visit.number()}"
    return visit.back(path, wrong=wrong) if wrong else visit.back(path, done=done)

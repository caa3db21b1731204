"""The advisor's desk beside the chat with a customer: who it is, what was said, what to answer, one tap to send.

The page is `GET /sidebar/customer`; `/customer/talk` is its part that changes, fetched again when the server tells of
something new (stream.py). Sending is sending.py, the wording's verdict verdict_page.py. Below stand what is open and
the note that the customer wants nothing but service, which holds from the commit on: the guard of the outbox and the
audiences of one-to-one steps read the same record (scheduler/guards.py, store/sop_audiences.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from console import frame as frames
from console.sidebar import access, desk_access, rounds, today_page
from console.sidebar.access import SeenCustomer
from console.sidebar.desk_access import SeenDesk, SeenTalk
from console.sidebar.rounds import ShownRound
from console.sidebar.today_page import Line as StepLine
from console.sidebar.visit import SidebarVisit
from domain.delivery import Delivery, DeliveryState
from domain.people import OptOutSource, OptOutWanted
from domain.suggestion import SuggestionSource
from scheduler import acts
from store import opt_outs, staff
from store.desk_screen import LiveTalk

_PATH = "/sidebar/customer"
_ID_LIMIT, _NOTE_LIMIT, _ASKED_LIMIT = 64, 200, 1000
# Longer ago nobody remembers whether words arrived.
_ASKED_ABOUT = acts.REPORT_WAIT * 60
# Writes one note and says whether it changed anything.
Noting = Callable[[AsyncConnection, SeenCustomer, str, datetime], Awaitable[bool]]


@dataclass(frozen=True, kw_only=True)
class DeskPart:
    """What changes while the page is open. `pending`: begun by hand some time ago, and nobody told how it ended.

    `waiting`: other customers who wait for this person. `is_looking`: suggestions are on their way.
    """

    desk: SeenDesk
    talk: SeenTalk
    round: ShownRound | None
    pending: Delivery | None
    waiting: Sequence[LiveTalk] = ()
    is_looking: bool = False

    @property
    def has_menu(self) -> bool:
        """Whether the questions of the suggestions may go out as a menu."""
        if self.round is None or not self.desk.is_service:
            return False
        return sum(one.source is SuggestionSource.FAQ for one in self.round.shown) > 1


def address_of(external_userid: str, entry: str = "") -> str:
    """Return the address of a customer's page."""
    return frames.address(_PATH, external_userid=external_userid, entry=entry)


async def show(visit: SidebarVisit) -> web.Response:
    """Show the customer; without an id the page asks the client whose chat it stands beside."""
    who, now = _who(visit), visit.ctx.console.clock.now()
    if not who:
        return visit.page("customer_none.html")
    part = await _part(visit, who)

    async def opened(tx: AsyncConnection) -> None:
        await access.record_customer(visit.viewer, tx, part.desk.seen, now, act="opened")

    await visit.write(opened)
    async with visit.ctx.console.store.read() as tx:
        values = await _about(visit, tx, part.desk)
    return visit.page("customer.html", **_values(visit, part), **values)


async def show_talk(visit: SidebarVisit) -> web.Response:
    """Show the part alone; 204 while it is as the page has it.

    With `wait` missing suggestions are not looked for: whoever pushes is at it (bot/desk_rounds.py).
    """
    part = await _part(visit, _who(visit), waits=bool(visit.query("wait")))
    return _answer_part(visit, part)


async def ask(visit: SidebarVisit) -> web.Response:
    """Find suggestions for a question that somebody typed or pasted; answers with the part."""
    who, entry, now = _who(visit), visit.query("entry"), visit.ctx.console.clock.now()
    asked = visit.said("asked", _ASKED_LIMIT)

    async def job(tx: AsyncConnection) -> int:
        desk = await desk_access.access_speaking(visit.viewer, tx, who, entry)
        return await desk_access.ensure_talk(visit.viewer, tx, desk, now)

    talk_id = await visit.write(job)
    if asked:
        await rounds.ask(visit, talk_id, asked, now)
    return _answer_part(visit, await _part(visit, who))


def _answer_part(visit: SidebarVisit, part: DeskPart) -> web.Response:
    text = visit.frame.render("desk_part.html", visit.common() | _values(visit, part))
    mark = _mark_of(text)
    if visit.query("mark") == mark:
        return web.Response(status=204)
    return web.Response(text=text, content_type="text/html", headers={"X-Mark": mark})


def _mark_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


async def _part(visit: SidebarVisit, who: str, *, waits: bool = False) -> DeskPart:
    """Return the part; a round of suggestions that is missing is made and recorded, unless the page waits for it."""
    now, entry = visit.ctx.console.clock.now(), visit.query("entry")
    async with visit.ctx.console.store.read() as tx:
        desk = await desk_access.access_desk(visit.viewer, tx, who, entry)
        talk = await desk_access.access_talk(visit.viewer, tx, desk)
        found = await rounds.find(visit, tx, desk, talk.lines)
        waiting = await desk_access.access_waiting(visit.viewer, tx, desk)
        by_hand = await desk_access.access_by_hand(visit.viewer, tx, desk, now - _ASKED_ABOUT)
    is_missing = (
        found is None and rounds.unanswered(talk.lines) is not None and visit.ctx.suggester is not None
    )
    if is_missing and not waits:
        found = await rounds.make(visit, desk, talk.lines, now)
    return DeskPart(
        desk=desk,
        talk=talk,
        round=rounds.shown(found),
        pending=_pending(by_hand, now),
        waiting=waiting,
        is_looking=is_missing and waits,
    )


def _pending(sent: list[Delivery], now: datetime) -> Delivery | None:
    """Return the last words of which nobody told whether they went out, but for what a tab is sending just now."""
    for one in reversed(sent):
        if one.state is DeliveryState.UNKNOWN:
            return one
        if one.state is DeliveryState.ATTEMPTING and now - one.created_at >= acts.REPORT_WAIT / 4:
            return one
    return None


def _values(visit: SidebarVisit, part: DeskPart) -> dict[str, Any]:
    return {
        "part": part,
        "desk": part.desk,
        "customer": part.desk.seen.customer,
        "entry": visit.query("entry"),
    }


async def _about(visit: SidebarVisit, tx: AsyncConnection, desk: SeenDesk) -> dict[str, Any]:
    """Return who the customer is and what is open."""
    viewer, seen = visit.viewer, desk.seen
    notes = await access.access_opt_outs(viewer, tx, seen)
    people = {one.staff_platform_id for one in seen.relations} | {
        name for one in notes for name in (one.actor, one.withdrawn_by)
    }
    groups = await access.access_customer_groups(viewer, tx, seen)
    return {
        "relations": seen.relations,
        "notes": notes,
        "groups": groups,
        "steps": await _steps(visit, tx, {one.id for one in groups}),
        "cases": await access.access_customer_cases(viewer, tx, seen),
        "handover": await desk_access.access_handover(viewer, tx, desk),
        "promises": await desk_access.access_promises(viewer, tx, desk),
        "tags": await access.access_customer_tags(viewer, tx, seen),
        "source": await access.access_customer_source(viewer, tx, seen),
        "names": await staff.list_names(tx, sorted(people - {""})),
    }


async def _steps(visit: SidebarVisit, tx: AsyncConnection, group_ids: set[int]) -> list[StepLine]:
    """Return what this person has to do now in the groups both are in."""
    if not group_ids:
        return []
    open_steps = [one for one in await access.access_own_steps(visit.viewer, tx) if one.group.id in group_ids]
    templates = {
        number: await visit.ctx.console.sop_template(number)
        for number in {one.sop_version_id for one in open_steps}
    }
    return today_page.lines(open_steps, templates)


# --- wants nothing but service --------------------------------------------------------------------------------


async def opt_out(visit: SidebarVisit) -> web.Response:
    """Note that the customer wants nothing but service."""

    async def note(tx: AsyncConnection, seen: SeenCustomer, evidence: str, now: datetime) -> bool:
        if seen.customer.opted_out_at is not None:
            return False
        wanted = OptOutWanted(source=OptOutSource.ADVISOR, evidence=evidence)
        await opt_outs.record(tx, seen.customer.id, wanted, actor=visit.me, at=now)
        return True

    return await _noted(visit, note, act="noted opt-out", done="opted_out", same="is_out")


async def agree(visit: SidebarVisit) -> web.Response:
    """Note that the customer agrees to get more than service again."""

    async def note(tx: AsyncConnection, seen: SeenCustomer, evidence: str, now: datetime) -> bool:
        return await opt_outs.withdraw(tx, seen.customer.id, by=visit.me, at=now, evidence=evidence)

    return await _noted(visit, note, act="noted consent", done="agreed", same="not_out")


async def _noted(visit: SidebarVisit, note: Noting, *, act: str, done: str, same: str) -> web.Response:
    """Write a note with its evidence and lead back; `same`: what to say when it was so already."""
    who, evidence, now = _who(visit), visit.said("note", _NOTE_LIMIT), visit.ctx.console.clock.now()

    async def job(tx: AsyncConnection) -> str:
        seen = await access.access_customer(visit.viewer, tx, who)
        if not evidence:
            return "no_evidence"
        if not await note(tx, seen, evidence, now):
            return same
        await access.record_customer(visit.viewer, tx, seen, now, act=act)
        return ""

    wrong = await visit.write(job)
    return visit.back(
        _PATH, done="" if wrong else done, wrong=wrong, external_userid=who, entry=visit.query("entry")
    )


def _who(visit: SidebarVisit) -> str:
    return visit.request.query.get("external_userid", "")[:_ID_LIMIT]

"""Who sees what of the big screen of the desk, who may take a customer over, who may whisper.

Whoever sees all talk sees all of it. Others see what they serve, and who queues for an account that they are receiving
for (接待中): those are the people on duty. docs/access.md has the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from console.access import Forbidden, NotFound, Right, Viewer, require, require_talk
from domain.platform import SessionState
from domain.suggestion import TalkLine
from store import case_reports, desk_screen, presence, suggestions, whispers
from store.case_reports import CaseFilter, CaseRow
from store.desk_screen import AskedElsewhere, LiveTalk
from store.presence import Place
from store.whispers import Whisper

_LIVE_LIMIT, _ASKED_LIMIT, _CASES_LIMIT, _LINES = 60, 30, 12, 12
_BOT_SPAN = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class Screen:
    """What stands on the big screen. `watchers`: who has the page of a conversation open; `with_bot`: how many talk to
    the bot just now, None for who may not know.
    """

    live: Sequence[LiveTalk]
    asked: Sequence[AskedElsewhere]
    cases: Sequence[CaseRow]
    watchers: Mapping[int, tuple[str, ...]]
    whispers: Mapping[int, Whisper]
    with_bot: int | None


@dataclass(frozen=True, kw_only=True)
class SeenTalk:
    """A conversation that may be whispered about. `advisor`: who serves it, "" for nobody. `lines`: the end of it."""

    id: int
    place: Place
    advisor: str
    lines: Sequence[TalkLine]
    is_watched: bool
    latest: Whisper | None


async def access_screen(viewer: Viewer, tx: AsyncConnection, now: datetime, wall: datetime) -> Screen:
    """Return what this person sees on the big screen."""
    require_talk(viewer)
    scope = viewer.scope
    mine = None if scope is None else sorted(scope)
    accounts: list[str] = []
    if mine is not None:
        accounts = await desk_screen.list_receiving_accounts(tx, viewer.login.staff_platform_id)
    live = await desk_screen.list_live(tx, servicers=mine, accounts=accounts, limit=_LIVE_LIMIT)
    asked = await desk_screen.list_asked(tx, people=mine, limit=_ASKED_LIMIT)
    numbers = {one.id for one in live} | {one.conversation_id for one in asked if one.conversation_id}
    return Screen(
        live=live,
        asked=asked,
        cases=await case_reports.list_cases(
            tx, CaseFilter(now=now), scope=scope, after=None, limit=_CASES_LIMIT
        ),
        watchers=await presence.list_watchers(tx, numbers, wall),
        whispers=await whispers.list_latest(tx, numbers) if viewer.may(Right.WHISPER) else {},
        with_bot=await desk_screen.count_with_bot(tx, now - _BOT_SPAN) if scope is None else None,
    )


async def access_take_over(viewer: Viewer, tx: AsyncConnection, conversation_id: int) -> LiveTalk | None:
    """Return the session as it stands to somebody who may take it over; None when it is with nobody any more.

    Out of the pool: who is receiving for the account. From a colleague: who may direct. Raises Forbidden, NotFound.
    """
    require(viewer, Right.TAKE_OVER)
    live = await desk_screen.find_live(tx, conversation_id)
    if Right.WHISPER in viewer.rights:
        if live is None and await presence.find_place(tx, conversation_id) is None:
            raise NotFound()
        return live
    if live is None:
        raise NotFound()
    if live.servicer_id in viewer.own_names:
        return live
    accounts = await desk_screen.list_receiving_accounts(tx, viewer.login.staff_platform_id)
    if live.state is not SessionState.POOL or live.account_id not in accounts:
        raise NotFound()
    return live


async def access_whispering(
    viewer: Viewer, tx: AsyncConnection, conversation_id: int, wall: datetime
) -> SeenTalk:
    """Return a talk with one customer to somebody who may whisper to who serves it."""
    require(viewer, Right.WHISPER)
    place = await presence.find_place(tx, conversation_id)
    if place is None or not place.customer:
        raise NotFound()
    if not viewer.may(Right.SEE_ALL_TALK):
        raise Forbidden()
    advisor = place.account_id if place.channel == "chat" else place.servicer
    return SeenTalk(
        id=conversation_id,
        place=place,
        advisor=advisor,
        lines=await suggestions.list_lines(tx, conversation_id, limit=_LINES),
        is_watched=await presence.is_watching(tx, advisor, conversation_id, wall),
        latest=(await whispers.list_latest(tx, [conversation_id])).get(conversation_id),
    )

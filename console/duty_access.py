"""Who may see the roster and the customers given to people; the rights are those of console/access.py."""

from __future__ import annotations

from datetime import date

from sqlalchemy.ext.asyncio import AsyncConnection

from console import access
from console.access import NotFound, Right, Viewer
from domain.handover import Handover
from domain.roster import Shift
from domain.talk import Conversation
from store import handovers, roster
from store.handovers import OpenHandover


async def access_roster(viewer: Viewer, tx: AsyncConnection, since: date) -> list[Shift]:
    """Return the roster: weekly shifts, and those on a date from `since` on."""
    access.require(viewer, Right.SEE_DUTY)
    return await roster.list_current(tx, since)


async def access_handovers(viewer: Viewer, tx: AsyncConnection) -> list[OpenHandover]:
    """Return the customers who are given to people, or wait for one."""
    access.require(viewer, Right.SEE_DUTY)
    return await handovers.list_open(tx)


async def access_handover(
    viewer: Viewer, tx: AsyncConnection, handover_id: int
) -> tuple[Handover, Conversation]:
    """Return a hand-over with its talk. The caller records a full opening."""
    access.require(viewer, Right.SEE_DUTY)
    found = await handovers.find(tx, handover_id)
    if found is None:
        raise NotFound()
    return found, await access.access_conversation(viewer, tx, found.conversation_id)

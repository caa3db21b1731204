"""Who may see and decide what the wording check is said to be wrong about; the rights are those of access.py."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from console import access
from console.access import NotFound, Right, Viewer
from domain.verdict import AlarmState, FalseAlarm
from store import false_alarms
from store.paging import Place


async def access_false_alarms(
    viewer: Viewer, tx: AsyncConnection, state: AlarmState, place: Place | None, limit: int
) -> list[FalseAlarm]:
    """Return what advisors say the check was wrong about, newest first."""
    access.require(viewer, Right.DECIDE_FALSE_ALARMS)
    return await false_alarms.list_page(tx, state, before=place, limit=limit)


async def access_false_alarm(viewer: Viewer, tx: AsyncConnection, alarm_id: int) -> FalseAlarm:
    """Return one false alarm to somebody who may decide it."""
    access.require(viewer, Right.DECIDE_FALSE_ALARMS)
    found = await false_alarms.find(tx, alarm_id)
    if found is None:
        raise NotFound()
    return found

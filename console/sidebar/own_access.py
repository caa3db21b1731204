"""Whose own words somebody may see and decide about: their own, nobody else's, whatever their role.

Editors find what was given to them among the drafts (console/draft_access.py).
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from console.access import NotFound, Viewer
from domain.suggestion import OwnWording
from store import own_wordings


async def access_wordings(viewer: Viewer, tx: AsyncConnection) -> list[OwnWording]:
    """Return the viewer's own words, the last used first."""
    return await own_wordings.list_of(tx, viewer.login.staff_platform_id)


async def access_wording(viewer: Viewer, tx: AsyncConnection, wording_id: int) -> OwnWording:
    """Return one of the viewer's own words. Raises NotFound, also for those of others."""
    found = await own_wordings.find(tx, wording_id)
    if found is None or found.staff_platform_id != viewer.login.staff_platform_id:
        raise NotFound()
    return found

"""Who may see whose scores and sessions of the audit; the rights are those of console/access.py."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from console import access
from console.access import NotFound, Right, Viewer
from store import session_talks
from store.session_talks import SessionHead


def access_boards(viewer: Viewer) -> None:
    """Let somebody on who may see everybody's scores."""
    access.require(viewer, Right.SEE_AUDIT)


def judged_scope(viewer: Viewer) -> frozenset[str] | None:
    """Return whose scores and findings this person sees in a session: None is everybody's."""
    return None if Right.SEE_AUDIT in viewer.rights else viewer.own_names


async def access_session(viewer: Viewer, tx: AsyncConnection, session_id: int) -> SessionHead:
    """Return the session: any with SEE_AUDIT, else one in which this person spoke. The caller records the opening."""
    access.require_talk(viewer)
    found = await session_talks.find_head(tx, session_id)
    if found is None:
        raise NotFound()
    scope = judged_scope(viewer)
    if scope is not None and scope.isdisjoint(found.subjects):
        raise NotFound()
    return found

"""Who may see drafts and knowledge gaps, and who may approve what: never those who wrote it (docs/access.md)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from console.access import NotFound, Right, Viewer, require
from domain.draft import Draft, DraftState
from domain.suggestion import OwnWording
from store import content_drafts, contents, knowledge_gaps, logins, own_wordings
from store.contents import Version
from store.knowledge_gaps import AskedText, GapQuestion
from store.paging import Place


async def access_drafts(
    viewer: Viewer, tx: AsyncConnection, states: Collection[DraftState], place: Place | None, limit: int
) -> list[Draft]:
    """Return the drafts in these states, changed last first."""
    require(viewer, Right.WRITE_DRAFTS)
    return await content_drafts.list_drafts(tx, states, before=place, limit=limit)


async def access_draft(viewer: Viewer, tx: AsyncConnection, draft_id: int) -> Draft:
    """Return a draft."""
    require(viewer, Right.WRITE_DRAFTS)
    found = await content_drafts.find(tx, draft_id)
    if found is None:
        raise NotFound()
    return found


async def access_draft_counts(viewer: Viewer, tx: AsyncConnection) -> dict[DraftState, int]:
    """Return how many drafts are in each state."""
    require(viewer, Right.WRITE_DRAFTS)
    return await content_drafts.count_by_state(tx)


async def access_wordings(viewer: Viewer, tx: AsyncConnection) -> list[OwnWording]:
    """Return the words advisors proposed for everybody."""
    require(viewer, Right.WRITE_DRAFTS)
    return await own_wordings.list_submitted(tx)


async def may_approve(viewer: Viewer, tx: AsyncConnection, draft: Draft) -> bool:
    """Say whether this person may approve the draft: has the right, and wrote none of it under any of their names.

    Two logins of one member of staff are one person, and so are two that would sign with the same name.
    """
    if not viewer.may(Right.APPROVE_CONTENT) or viewer.own_names & draft.writers:
        return False
    own_name = viewer.login.display_name.strip().casefold()
    for name in draft.writers:
        login = await logins.find_login(tx, name) or await logins.find_login_of_staff(tx, name)
        if login is None:
            continue
        is_same_member = bool(login.staff_platform_id) and login.staff_platform_id in viewer.own_names
        if is_same_member or login.display_name.strip().casefold() == own_name:
            return False
    return True


async def access_version(viewer: Viewer, tx: AsyncConnection, version_id: int) -> Version:
    """Return a stored version of a text."""
    require(viewer, Right.SEE_CONTENT)
    found = await contents.find(tx, version_id)
    if found is None:
        raise NotFound()
    return found


async def access_gaps(viewer: Viewer, tx: AsyncConnection, since: datetime) -> list[GapQuestion]:
    """Return what was asked since then and answered badly, at every door."""
    require(viewer, Right.SEE_UNANSWERED)
    return await knowledge_gaps.list_since(tx, since)


async def access_asked(viewer: Viewer, tx: AsyncConnection, since: datetime) -> list[AskedText]:
    """Return what customers asked since then; shown only where an answer to it changes, and masked."""
    require(viewer, Right.WRITE_DRAFTS)
    return await knowledge_gaps.list_asked(tx, since)

"""Who may look at reviews, appeals and their own audit: `access_*` functions beside those of console/access.py.

What a person may not judge (one's own session, a finding one judged before) is decided in audit/; here it is whether
the page may be seen at all. Nobody sees the review of a session they took part in.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from console.access import NotFound, Right, Viewer, require
from domain.audit import Finding
from domain.review import Review
from store import appeals, findings, reviews, session_talks
from store.appeals import AppealRow
from store.session_talks import Heard, SessionHead


@dataclass(frozen=True, kw_only=True)
class Talk:
    """A session with what was said in it."""

    head: SessionHead
    heard: list[Heard]


def actor_of(viewer: Viewer) -> str:
    """Return under which name decisions are written, and whose audit is one's own: the member's, where one is linked.

    A login's name may be another member's UserID, so beside a linked member it gives nothing.
    """
    return viewer.login.staff_platform_id or viewer.name


async def access_review(viewer: Viewer, tx: AsyncConnection, review_id: int) -> Review:
    """Return the review; one of a session this person took part in is not there for them."""
    require(viewer, Right.REVIEW)
    found = await reviews.find(tx, review_id)
    if found is None:
        raise NotFound()
    if viewer.own_names & {found.subject, *await reviews.list_subjects(tx, found.session_id)}:
        raise NotFound()
    return found


async def access_appeal(viewer: Viewer, tx: AsyncConnection, appeal_id: int) -> AppealRow:
    """Return the appeal; one's own stands on one's own page."""
    require(viewer, Right.DECIDE_APPEALS)
    found = await appeals.find_row(tx, appeal_id)
    if found is None or found.appeal.subject in viewer.own_names:
        raise NotFound()
    return found


async def access_talk(viewer: Viewer, tx: AsyncConnection, session_id: int) -> Talk:
    """Return the session that a review, an appeal or a finding given by this module is about."""
    head = await session_talks.find_head(tx, session_id)
    if head is None:
        raise NotFound()
    return Talk(head=head, heard=await session_talks.list_heard(tx, head))


async def access_own_finding(viewer: Viewer, tx: AsyncConnection, finding_id: int) -> Finding:
    """Return a finding about this person."""
    try:
        found = await findings.get(tx, finding_id)
    except LookupError as error:
        raise NotFound() from error
    if found.subject != actor_of(viewer):
        raise NotFound()
    return found


async def access_own_appeal(viewer: Viewer, tx: AsyncConnection, appeal_id: int) -> AppealRow:
    """Return an appeal of this person."""
    found = await appeals.find_row(tx, appeal_id)
    if found is None or found.appeal.subject != actor_of(viewer):
        raise NotFound()
    return found

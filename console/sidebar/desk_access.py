"""Whom a member of staff may answer from the sidebar, and what of the talk may be shown there.

A customer may be answered by the advisors who have the customer as a contact, and by whoever serves the customer's kf
session now (kf_state). Whoever only leads an advisor, or checks them, sees who the customer is and no talk: the whole
talk is on the console, where its opening is written down. The `access_*` functions are the only way to an object.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncConnection

from console.access import Forbidden, NotFound, Viewer
from console.sidebar import access
from console.sidebar.access import SeenCustomer
from domain.archive import ConsentStatus
from domain.delivery import Act, Delivery
from domain.handover import Handover
from domain.suggestion import Round, Suggestion
from store import (
    archives,
    consents,
    conversations,
    deliveries,
    desk_screen,
    desk_talks,
    handovers,
    suggestions,
)
from store.desk_screen import LiveTalk
from store.desk_talks import CHAT, KF, DeskLine, DeskTalk, OpenPromise

KF_ENTRY = "single_kf_tools"
"""The toolbar beside a session of customer service (WeCom doc 94315)."""
_SESSIONS = 50


class Unheard(StrEnum):
    """Why the page knows nothing, or not all, of what was said; the keys of [desk_unheard]."""

    NOTHING = ""  # Everything that was said is known.
    NO_ARCHIVE = "no_archive"  # This member's chats are not archived.
    NO_CONSENT = "no_consent"  # The customer has not agreed to it, or no longer does.
    EMPTY = "empty"  # Nothing was said yet.


@dataclass(frozen=True, kw_only=True)
class SeenDesk:
    """A customer at the desk of this member. `talk`: the conversation that is answered; None: only looked at."""

    seen: SeenCustomer
    talk: DeskTalk | None
    may_speak: bool

    @property
    def who(self) -> str:
        """The customer's external_userid."""
        return self.seen.customer.platform_id

    @property
    def is_service(self) -> bool:
        """Whether the talk is one of customer service."""
        return self.talk is not None and self.talk.channel == KF


@dataclass(frozen=True, kw_only=True)
class SeenTalk:
    """What was said last. `unheard`: what is missing and why."""

    lines: Sequence[DeskLine]
    unheard: Unheard


async def access_desk(viewer: Viewer, tx: AsyncConnection, external_userid: str, entry: str) -> SeenDesk:
    """Return the customer with the conversation that a page opened at `entry` is about.

    Beside a kf session that is the session's, elsewhere the one-to-one chat; without an entry the session comes first.
    Raises NotFound for a customer this person may not know of.
    """
    seen = await access.access_customer(viewer, tx, external_userid)
    me = viewer.login.staff_platform_id
    talks = await desk_talks.list_talks(tx, seen.customer.id, me)
    is_advisor = any(one.staff_platform_id == me for one in seen.relations)
    served = next((one for one in talks if one.channel == KF), None)
    if served is not None and entry in ("", KF_ENTRY):
        return SeenDesk(seen=seen, talk=served, may_speak=True)
    own = next((one for one in talks if one.channel == CHAT), None)
    if entry == KF_ENTRY or not is_advisor:
        # The session was ended or taken by somebody else while the page stood open.
        return SeenDesk(seen=seen, talk=None, may_speak=False)
    return SeenDesk(seen=seen, talk=own, may_speak=True)


async def access_speaking(viewer: Viewer, tx: AsyncConnection, external_userid: str, entry: str) -> SeenDesk:
    """Return the desk to somebody who may answer there. Raises Forbidden for somebody who may only look."""
    desk = await access_desk(viewer, tx, external_userid, entry)
    if not desk.may_speak:
        raise Forbidden()
    return desk


async def ensure_talk(viewer: Viewer, tx: AsyncConnection, desk: SeenDesk, now: datetime) -> int:
    """Return the id of the conversation of a desk that `access_speaking` gave, added when nothing was said yet."""
    if desk.talk is not None:
        return desk.talk.id
    me, who = viewer.login.staff_platform_id, desk.seen.customer.id
    found = await conversations.ensure_chats(tx, [(me, who)], now)
    return found[me, who]


async def access_talk(viewer: Viewer, tx: AsyncConnection, desk: SeenDesk) -> SeenTalk:
    """Return what was said last at a desk that `access_desk` gave, as far as we may know it."""
    if not desk.may_speak:
        return SeenTalk(lines=(), unheard=Unheard.NOTHING)
    lines = await desk_talks.list_lines(tx, desk.talk.id) if desk.talk else []
    if desk.is_service:
        return SeenTalk(lines=lines, unheard=Unheard.NOTHING if lines else Unheard.EMPTY)
    me = viewer.login.staff_platform_id
    if not await archives.find_archived(tx, [me]):
        return SeenTalk(lines=lines, unheard=Unheard.NO_ARCHIVE)
    subject = (desk.who, me, "")
    words = (await consents.find_words(tx, [subject])).get(subject, [])
    if not words or words[-1].status is not ConsentStatus.AGREE:
        return SeenTalk(lines=lines, unheard=Unheard.NO_CONSENT)
    return SeenTalk(lines=lines, unheard=Unheard.NOTHING if lines else Unheard.EMPTY)


async def access_promises(viewer: Viewer, tx: AsyncConnection, desk: SeenDesk) -> list[OpenPromise]:
    """Return what this person promised the customer of a desk that `access_desk` gave."""
    me = viewer.login.staff_platform_id
    return await desk_talks.list_open_promises(tx, desk.seen.customer.id, me)


async def access_suggestion(
    viewer: Viewer, tx: AsyncConnection, suggestion_id: int
) -> tuple[Round, Suggestion]:
    """Return a suggestion that was made for this person; nobody uses or refuses another one's."""
    found = await suggestions.find(tx, suggestion_id)
    if found is None or found[0].staff_platform_id != viewer.login.staff_platform_id:
        raise NotFound()
    return found


async def access_offered(
    viewer: Viewer, tx: AsyncConnection, suggestion_id: int, conversation_id: int | None
) -> tuple[Round, Suggestion]:
    """Return a suggestion that was made for this person in this conversation; it is not for another customer."""
    round_, one = await access_suggestion(viewer, tx, suggestion_id)
    if conversation_id is None or round_.conversation_id != conversation_id:
        raise NotFound()
    return round_, one


async def access_sending(viewer: Viewer, tx: AsyncConnection, key: str, recipient: str) -> Delivery:
    """Return what this person began to send to a customer or group by hand."""
    found = await deliveries.find(tx, key)
    is_own = found is not None and viewer.login.staff_platform_id in found.body.servicers
    if found is None or found.act is not Act.BY_HAND or not is_own or found.recipient != recipient:
        raise NotFound()
    return found


async def find_own_sending(
    viewer: Viewer, tx: AsyncConnection, key: str, recipient: str, reply_id: str
) -> Delivery | None:
    """Return what this person began to send by hand of one thing, None for a key of anything else."""
    try:
        found = await access_sending(viewer, tx, key, recipient)
    except NotFound:
        return None
    return found if found.reply_id == reply_id else None


async def access_handover(viewer: Viewer, tx: AsyncConnection, desk: SeenDesk) -> Handover | None:
    """Return how the customer of a desk that `access_desk` gave came to this person; None outside customer service."""
    if desk.talk is None or not desk.is_service:
        return None
    return await handovers.find_open(tx, desk.talk.id)


async def access_waiting(viewer: Viewer, tx: AsyncConnection, desk: SeenDesk) -> list[LiveTalk]:
    """Return this person's other sessions whose customer waits for an answer, who waits longest first."""
    if not desk.is_service or desk.talk is None:
        return []
    return [one for one in await access_all_waiting(viewer, tx) if one.id != desk.talk.id]


async def access_all_waiting(viewer: Viewer, tx: AsyncConnection) -> list[LiveTalk]:
    """Return this person's sessions of customer service whose customer waits for an answer."""
    me = viewer.login.staff_platform_id
    live = await desk_screen.list_live(tx, servicers=[me], accounts=[], limit=_SESSIONS)
    return [one for one in live if one.waits_since is not None]


async def access_by_hand(
    viewer: Viewer, tx: AsyncConnection, desk: SeenDesk, since: datetime
) -> list[Delivery]:
    """Return what this person sent by hand at a desk that `access_desk` gave."""
    if desk.talk is None:
        return []
    me = viewer.login.staff_platform_id
    return await desk_talks.list_by_hand(tx, desk.talk.id, me, since)

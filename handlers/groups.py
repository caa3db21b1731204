"""Customer groups: what an event means for our records.

The list of members in an event is taken at its word whatever its order; whether it was all that happened is told by the
versions: where they do not join up, the whole group is looked at again (WeCom doc 92130).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.groups import Group, MemberKind
from domain.platform import GroupChange, GroupChanged
from domain.stays import Ended, Evidence, Joined
from store import groups, lookups
from store.lookups import LookupKind

# A whole list read this long after an event has what the event tells.
_COVERED = timedelta(seconds=10)


async def record(
    tx: AsyncConnection, event: GroupChanged, now: datetime, *, kind_of: Callable[[str], MemberKind]
) -> None:
    """Write what the event says of its group. `kind_of`: whose side a platform id is on."""
    if event.created_at is None:
        return
    match event.change:
        case GroupChange.DISMISSED:
            await groups.set_dismissed(tx, event.chat_id, event.created_at, now)
            return
        case GroupChange.CREATED:
            await groups.set_created(tx, event.chat_id, event.created_at, now)
            known = await groups.find(tx, event.chat_id)
        case GroupChange.JOINED | GroupChange.QUIT if event.members:
            known = await _record_members(tx, event, now, kind_of)
            if known.member_version and event.last_version == known.member_version and event.version:
                await groups.set_member_version(tx, known.id, event.version)
                return
        case _:
            await groups.ensure(tx, [event.chat_id], now)
            known = await groups.find(tx, event.chat_id)
    if not _is_covered(known, event.created_at):
        await lookups.want(tx, LookupKind.GROUP, [event.chat_id], now=now)


async def _record_members(
    tx: AsyncConnection, event: GroupChanged, now: datetime, kind_of: Callable[[str], MemberKind]
) -> Group:
    assert event.created_at is not None
    heard: Evidence = (
        Joined(at=event.created_at, scene=event.scene)
        if event.change is GroupChange.JOINED
        else Ended(at=event.created_at, reason=event.scene)
    )
    evidence = {member: [heard] for member in event.members}
    kinds = {member: kind_of(member) for member in event.members}
    return await groups.record_members(tx, event.chat_id, evidence, kinds, now)


def _is_covered(known: Group | None, at: datetime) -> bool:
    return known is not None and known.seen_at is not None and known.seen_at - at > _COVERED

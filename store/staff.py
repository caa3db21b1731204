"""Members of staff: known from the first moment one of them is seen, in full from the address book.

What the platform tells carries the time at which it was asked; an older word never replaces a newer one. Team,
co-owner, deputy and leave come from the company's own file and are left alone by the platform's words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain import people
from domain.people import Staff, StaffOverride, StaffSight, StaffStatus
from store import dialect, enrolments
from store.tables import kf_servicer, login, role, staff

_CHUNK = 500


async def ensure(tx: AsyncConnection, platform_ids: Iterable[str], now: datetime) -> None:
    """Add those who are new."""
    rows = [
        {"platform_id": name, "departments": [], "first_seen_at": now} for name in dict.fromkeys(platform_ids)
    ]
    if rows:
        await tx.execute(dialect.insert_new(tx, staff), rows)


async def find_ids(tx: AsyncConnection, platform_ids: Sequence[str]) -> dict[str, int]:
    """Return the ids of those that are known."""
    known: dict[str, int] = {}
    names = list(dict.fromkeys(platform_ids))
    for start in range(0, len(names), _CHUNK):
        wanted = sa.select(staff.c.platform_id, staff.c.id).where(
            staff.c.platform_id.in_(names[start : start + _CHUNK])
        )
        known.update((row.platform_id, row.id) for row in (await tx.execute(wanted)).all())
    return known


async def record_sights(tx: AsyncConnection, sights: Sequence[StaffSight], at: datetime) -> None:
    """Take over what the address book told at `at` about these members."""
    await ensure(tx, [one.platform_id for one in sights], at)
    for one in sights:
        await tx.execute(
            sa.update(staff)
            .where(staff.c.platform_id == one.platform_id, _is_not_newer(at))
            .values(
                name=one.name[:64],
                departments=list(one.departments),
                leader_platform_id=one.leader_platform_id,
                status=one.status,
                known_at=at,
            )
        )


async def set_left(tx: AsyncConnection, platform_ids: Sequence[str], at: datetime) -> None:
    """Record that members left the company, or the app's range."""
    await ensure(tx, platform_ids, at)
    await tx.execute(
        sa.update(staff)
        .where(staff.c.platform_id.in_(platform_ids), _is_not_newer(at))
        .values(status=StaffStatus.LEFT, known_at=at)
    )
    await enrolments.poke_owners(tx, platform_ids, at)


async def list_unseen(tx: AsyncConnection, since: datetime) -> list[str]:
    """Return those, not known to have left, whom the platform has not shown since `since`."""
    wanted = sa.select(staff.c.platform_id).where(
        sa.or_(staff.c.known_at.is_(None), staff.c.known_at < since), staff.c.status != StaffStatus.LEFT
    )
    return list((await tx.execute(wanted.order_by(staff.c.id))).scalars().all())


async def rename(tx: AsyncConnection, old: str, new: str) -> None:
    """Record a changed UserID (WeCom allows it once); a member known under the new one already stays as it is."""
    taken = sa.select(staff.c.id).where(staff.c.platform_id == new)
    if (await tx.execute(taken)).first() is None:
        await tx.execute(sa.update(staff).where(staff.c.platform_id == old).values(platform_id=new))
    for column in (staff.c.leader_platform_id, staff.c.deputy_platform_id, staff.c.co_owner_platform_id):
        await tx.execute(sa.update(staff).where(column == old).values({column: new}))


async def set_advisors(tx: AsyncConnection, platform_ids: Sequence[str], now: datetime) -> None:
    """Record the platform's whole list of members who may have customers."""
    await ensure(tx, platform_ids, now)
    wanted = set(platform_ids)
    rows = (await tx.execute(sa.select(staff.c.platform_id, staff.c.is_advisor))).all()
    for value in (True, False):
        changed = [
            row.platform_id
            for row in rows
            if row.is_advisor is not value and (row.platform_id in wanted) is value
        ]
        for start in range(0, len(changed), _CHUNK):
            these = staff.c.platform_id.in_(changed[start : start + _CHUNK])
            await tx.execute(sa.update(staff).where(these).values(is_advisor=value))


async def set_overrides(tx: AsyncConnection, overrides: Sequence[StaffOverride], now: datetime) -> None:
    """Take over the company's own file as a whole; who is no longer in it has nothing of it."""
    await ensure(tx, [one.platform_id for one in overrides], now)
    named = {one.platform_id: one for one in overrides}
    wanted = sa.select(staff.c.platform_id, *(staff.c[name] for name in _OVERRIDDEN))
    for row in (await tx.execute(wanted)).all():
        one = named.get(row.platform_id, StaffOverride(platform_id=row.platform_id))
        values = {name: getattr(one, name) for name in _OVERRIDDEN}
        if any(getattr(row, name) != value for name, value in values.items()):
            await tx.execute(sa.update(staff).where(staff.c.platform_id == row.platform_id).values(values))


async def list_all(tx: AsyncConnection) -> dict[str, Staff]:
    """Return everybody by platform id."""
    rows = (await tx.execute(sa.select(staff).order_by(staff.c.platform_id))).all()
    return {row.platform_id: _staff(row) for row in rows}


async def list_where(tx: AsyncConnection, condition: sa.ColumnElement[bool]) -> list[Staff]:
    """Return the members of whom the condition on the table `staff` holds, by platform id."""
    rows = (await tx.execute(sa.select(staff).where(condition).order_by(staff.c.platform_id))).all()
    return [_staff(row) for row in rows]


async def find(tx: AsyncConnection, platform_id: str) -> Staff | None:
    """Return a member, or None."""
    row = (await tx.execute(sa.select(staff).where(staff.c.platform_id == platform_id))).one_or_none()
    return None if row is None else _staff(row)


async def list_near(tx: AsyncConnection, platform_ids: Iterable[str]) -> dict[str, Staff]:
    """Return these members with their co-owners, deputies and leaders, and whoever those are to each other."""
    known: dict[str, Staff] = {}
    wanted = set(platform_ids) - {""}
    asked: set[str] = set()
    while wanted:
        asked |= wanted
        rows = await tx.execute(sa.select(staff).where(staff.c.platform_id.in_(sorted(wanted))))
        found = [_staff(row) for row in rows.all()]
        known |= {one.platform_id: one for one in found}
        wanted = {
            name
            for one in found
            for name in (one.co_owner_platform_id, one.deputy_platform_id, one.leader_platform_id)
            if name
        } - asked
    return known


async def list_with_role(tx: AsyncConnection, wanted: str) -> list[str]:
    """Return the UserIDs of members whose login has a role and may sign in."""
    found = (
        sa.select(staff.c.platform_id)
        .join(login, login.c.staff_id == staff.c.id)
        .join(role, role.c.login_id == login.c.id)
        .where(role.c.role == wanted, login.c.disabled_at.is_(None))
        .order_by(staff.c.platform_id)
    )
    return list((await tx.execute(found)).scalars().all())


async def acting_for(tx: AsyncConnection, platform_id: str, at: datetime, zone: ZoneInfo) -> str:
    """Return who does the work of `platform_id` at `at`: see domain.people.acting_for. `zone`: where days begin."""
    known: dict[str, Staff] = {}
    wanted = {platform_id}
    while wanted:
        rows = await tx.execute(sa.select(staff).where(staff.c.platform_id.in_(sorted(wanted))))
        found = [_staff(row) for row in rows.all()]
        known |= {one.platform_id: one for one in found}
        named = {name for one in found for name in (one.deputy_platform_id, one.leader_platform_id) if name}
        wanted = named - known.keys() if found else set()
    return people.acting_for(known, platform_id, at.astimezone(zone).date())


async def list_names(tx: AsyncConnection, platform_ids: Sequence[str]) -> dict[str, str]:
    """Return the names of those whose name is known."""
    wanted = sa.select(staff.c.platform_id, staff.c.name).where(
        staff.c.platform_id.in_(platform_ids), staff.c.name != ""
    )
    return {row.platform_id: row.name for row in (await tx.execute(wanted)).all()}


async def list_serving(tx: AsyncConnection) -> list[Staff]:
    """Return the members who may have customers or serve an account, by platform id."""
    serving = sa.select(kf_servicer.c.servicer_id)
    return await list_where(tx, sa.or_(staff.c.is_advisor, staff.c.platform_id.in_(serving)))


async def list_advisors(tx: AsyncConnection) -> list[str]:
    """Return the members who may have customers."""
    wanted = sa.select(staff.c.platform_id).where(staff.c.is_advisor).order_by(staff.c.platform_id)
    return list((await tx.execute(wanted)).scalars().all())


_OVERRIDDEN = ("team", "co_owner_platform_id", "deputy_platform_id", "leave_from", "leave_until")


def _is_not_newer(at: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(staff.c.known_at.is_(None), staff.c.known_at <= at)


def _staff(row: Any) -> Staff:
    return Staff(
        id=row.id,
        platform_id=row.platform_id,
        name=row.name,
        departments=tuple(row.departments),
        leader_platform_id=row.leader_platform_id,
        status=StaffStatus(row.status),
        team=row.team,
        co_owner_platform_id=row.co_owner_platform_id,
        deputy_platform_id=row.deputy_platform_id,
        leave_from=row.leave_from,
        leave_until=row.leave_until,
    )

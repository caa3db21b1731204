"""Registrations of members for product lines (执业登记), as the company's own file about its staff has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.compliance import Registration
from domain.faq import Line
from domain.people import Staff
from store import staff as members
from store.tables import staff, staff_registration


async def set_all(tx: AsyncConnection, wanted: Mapping[str, Sequence[Registration]]) -> int:
    """Take over the registrations of the file as a whole, by platform id; who is not in it has none.

    Members who are not known are left out (staff.set_overrides adds them). Returns how many rows came and went.
    """
    ids = await members.find_ids(tx, sorted(wanted))
    here = {
        (row.staff_id, row.line, row.number): (row.id, row.valid_until)
        for row in (await tx.execute(sa.select(staff_registration))).all()
    }
    given = {
        (ids[name], str(one.line), one.number): one.valid_until
        for name, held in wanted.items()
        if name in ids
        for one in held
    }
    gone = [number for key, (number, until) in here.items() if given.get(key) != until]
    new = [key for key, until in given.items() if key not in here or here[key][1] != until]
    if gone:
        await tx.execute(sa.delete(staff_registration).where(staff_registration.c.id.in_(gone)))
    if new:
        rows = [
            {"staff_id": who, "line": line, "number": number, "valid_until": given[who, line, number]}
            for who, line, number in new
        ]
        await tx.execute(sa.insert(staff_registration), rows)
    return len(gone) + len(new)


async def list_of(tx: AsyncConnection, platform_id: str) -> list[Registration]:
    """Return a member's registrations, also those that ended; the ones that hold longest first."""
    wanted = (
        sa.select(staff_registration)
        .join(staff, staff.c.id == staff_registration.c.staff_id)
        .where(staff.c.platform_id == platform_id)
        .order_by(staff_registration.c.line, staff_registration.c.valid_until.desc(), staff_registration.c.id)
    )
    rows = (await tx.execute(wanted)).all()
    return [Registration(line=Line(row.line), number=row.number, valid_until=row.valid_until) for row in rows]


async def list_holders(tx: AsyncConnection, line: Line, day: date) -> list[Staff]:
    """Return the members who are registered for the line on a day, by platform id."""
    good = sa.select(staff_registration.c.staff_id).where(
        staff_registration.c.line == line, staff_registration.c.valid_until >= day
    )
    return await members.list_where(tx, staff.c.id.in_(good))

"""Which member of staff a login belongs to: whoever WeCom says is that member comes in as this login.

Looking one up by the member is logins.find_login_of_staff. Times are wall times, as there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.login import Login
from store import logins
from store.tables import login


async def is_linked(tx: AsyncConnection, staff_id: int, *, besides: int = 0) -> bool:
    """Say whether a person gave this member of staff a login (other than `besides`); one self-made does not count."""
    others = await _linked(tx, staff_id)
    return any(one.granted_roles or one.password_hash for one in others if one.id != besides)


async def link(tx: AsyncConnection, login_id: int, staff_id: int, now: datetime) -> bool:
    """Let this member of staff come in as this login; False when another login is theirs already.

    A login the phone page made by itself gives way: it loses the member, and with that every way in, until `take_up`.
    `now`: wall time.
    """
    if await is_linked(tx, staff_id, besides=login_id):
        return False
    for other in await _linked(tx, staff_id):
        if other.id != login_id:
            await unlink(tx, other.id)
            await logins.revoke_all_sessions(tx, other.id, now)
    await tx.execute(sa.update(login).where(login.c.id == login_id).values(staff_id=staff_id))
    return True


async def take_up(tx: AsyncConnection, names: Sequence[str], staff_id: int) -> Login | None:
    """Give a member back the login the phone page once made for them; None when there is none without a member.

    `names`: those the phone page gives, the likeliest first. One that a person shut out stays so.
    """
    for name in names:
        found = await logins.find_login(tx, name)
        if found is None or found.staff_platform_id or found.password_hash:
            continue
        if found.roles and not found.granted_roles:
            await tx.execute(sa.update(login).where(login.c.id == found.id).values(staff_id=staff_id))
            return await logins.find_login_by_id(tx, found.id)
    return None


async def _linked(tx: AsyncConnection, staff_id: int) -> list[Login]:
    ids = (await tx.execute(sa.select(login.c.id).where(login.c.staff_id == staff_id))).scalars().all()
    return [found for one in ids if (found := await logins.find_login_by_id(tx, one)) is not None]


async def unlink(tx: AsyncConnection, login_id: int) -> None:
    """Let nobody come in as this login by WeCom any more."""
    await tx.execute(sa.update(login).where(login.c.id == login_id).values(staff_id=None))

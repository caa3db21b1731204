"""The six people of the demo: no password, so that only the picker on this machine lets them in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from console import words
from domain.login import Role
from store import logins, staff

# The advisor's name is the member who serves customers in the demo's sandbox, so that there is talk to see.
NAMES = {
    Role.ADMIN: "chengong",
    Role.SUPERVISOR: "linzhuguan",
    Role.COMPLIANCE: "zhaohegui",
    Role.CONTENT: "qianbianji",
    Role.OWNER: "lisi",
    Role.ADVISOR: "zhangsan",
}


async def ensure_logins(tx: AsyncConnection, now: datetime) -> None:
    """Add the demo's logins, one per role, unless they are there."""
    labels = words.load()
    # Each is a member of the demo's corp, known from the address book a moment later.
    await staff.ensure(tx, NAMES.values(), now)
    ids = await staff.find_ids(tx, list(NAMES.values()))
    for role, name in NAMES.items():
        await logins.add_login(
            tx,
            name=name,
            display_name=labels.label("demo_name", role),
            password_hash="",
            roles=[role],
            by="demo",
            now=now,
            staff_id=ids[name],
        )

"""Ways in for tests that need no browser: a session as the platform would open it, and who has which customer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from console.sessions import digest_of
from console.sidebar.entrance import COOKIE
from domain.login import LoginDoor, Role
from domain.people import RelationEnd
from domain.ports import Clock
from domain.stays import Ended, Evidence, Joined
from store import logins, relations, staff, tables
from store.database import Store

CSRF = "csrf-of-the-test"


async def sign_in(
    store: Store, clock: Clock, who: str, roles: Sequence[Role] = (Role.ADVISOR,)
) -> dict[str, str]:
    """Open a session for a member of staff; return the cookies of it."""

    async def job(tx: AsyncConnection) -> None:
        await staff.ensure(tx, [who], clock.now())
        found = await logins.find_login_of_staff(tx, who)
        number = found.id if found else None
        if number is None:
            ids = await staff.find_ids(tx, [who])
            number = await logins.add_login(
                tx,
                name=who,
                display_name=who,
                password_hash="",
                roles=roles,
                by="test",
                now=clock.now(),
                staff_id=ids[who],
            )
        assert number is not None
        await tx.execute(sa.delete(tables.login_session).where(tables.login_session.c.login_id == number))
        await logins.add_session(
            tx,
            number,
            token_digest=digest_of(f"token-{who}"),
            csrf=CSRF,
            now=clock.wall(),
            expires_at=clock.wall() + timedelta(hours=12),
            door=LoginDoor.SIDEBAR,
        )

    await store.write(job)
    return {COOKIE: f"token-{who}"}


async def befriend(store: Store, clock: Clock, advisor: str, customer: str, *, parted: str = "") -> None:
    """Let an advisor have a customer as a contact for 30 days; `parted` had the customer for the first of them."""
    now = clock.now()
    before = now - timedelta(days=30)
    told: dict[tuple[str, str], list[Evidence]] = {
        (advisor, customer): [Joined(at=before, scene="1", state="branch7")]
    }
    if parted:
        ended = Ended(at=before + timedelta(days=1), reason=RelationEnd.ADVISOR_DELETED)
        told[parted, customer] = [Joined(at=before), ended]
    await store.write(lambda tx: relations.add_evidence(tx, told, now))

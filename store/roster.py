"""The duty roster: shifts, and what is known of the people who may take customers now.

A shift is never changed: it is ended, and another one made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.delivery import Act
from domain.handover import HandoverState
from domain.platform import SessionState
from domain.roster import NewShift, Servicer, Shift
from store.tables import (
    conversation,
    delivery,
    duty_shift,
    handover,
    kf_servicer,
    kf_state,
    staff,
    staff_registration,
)

# The platform ends a session by itself after this silence of the customer (WeCom doc 94669); no event tells of it.
SESSION_LIFE = timedelta(hours=48)
_WAITING, _SERVING = HandoverState.WAITING, SessionState.SERVICER


async def add(tx: AsyncConnection, new: NewShift, *, by: str, now: datetime) -> int:
    """Add a shift; return its id."""
    row = {
        "account_id": new.account_id,
        "staff_platform_id": new.staff_platform_id,
        "weekday": new.weekday,
        "on_date": new.on_date,
        "from_minute": new.from_minute,
        "until_minute": new.until_minute,
        "capacity": new.capacity,
        "made_by": by[:64],
        "made_at": now,
    }
    added = sa.insert(duty_shift).values(row).returning(duty_shift.c.id)
    return int((await tx.execute(added)).scalar_one())


async def end(tx: AsyncConnection, shift_id: int, *, by: str, now: datetime) -> bool:
    """Take a shift off the roster; False when it was off before or is unknown."""
    done = await tx.execute(
        sa.update(duty_shift)
        .where(duty_shift.c.id == shift_id, duty_shift.c.ended_at.is_(None))
        .values(ended_by=by[:64], ended_at=now)
    )
    return done.rowcount == 1


async def list_current(tx: AsyncConnection, since: date | None = None) -> list[Shift]:
    """Return the roster: weekly shifts, and those on a date from `since` on; in the order they were made."""
    wanted = sa.select(duty_shift).where(sa.text("duty_shift.ended_at IS NULL"))
    if since is not None:
        wanted = wanted.where(sa.or_(duty_shift.c.on_date.is_(None), duty_shift.c.on_date >= since))
    rows = (await tx.execute(wanted.order_by(duty_shift.c.id))).all()
    return [_shift(row) for row in rows]


async def list_for(tx: AsyncConnection, account_id: str, since: date | None = None) -> list[Shift]:
    """Return the shifts that hold for an account.

    Weekly ones: its own where it has any, else those for every account. On a date: its own, and those for every
    account of the people on its weekly roster, unless they have their own on that date.
    """
    listed = await list_current(tx, since)
    own = [one for one in listed if one.account_id and one.account_id == account_id]
    weekly = {one.staff_platform_id for one in own if one.on_date is None}
    dated = {(one.staff_platform_id, one.on_date) for one in own if one.on_date is not None}

    def holds(one: Shift) -> bool:
        if one.account_id:
            return one.account_id == account_id
        if one.on_date is None:
            return not weekly
        is_ours = not weekly or one.staff_platform_id in weekly
        return is_ours and (one.staff_platform_id, one.on_date) not in dated

    return [one for one in listed if holds(one)]


async def list_servicers(
    tx: AsyncConnection, account_id: str, names: Sequence[str], today: date, *, now: datetime
) -> list[Servicer]:
    """Return what is known of these people as of now, in the given order.

    `load` counts sessions in the platform's state 3 that have not run out, and customers on their way to the person.
    """
    wanted = list(dict.fromkeys(names))
    if not wanted:
        return []
    receiving = await _receiving(tx, account_id, wanted)
    load, lines = await count_load(tx, wanted, now), await _lines(tx, wanted, today)
    given = await _last_given(tx, wanted)
    return [
        Servicer(
            platform_id=name,
            is_receiving=name in receiving,
            load=load.get(name, 0),
            lines=lines.get(name, frozenset()),
            last_given_at=given.get(name),
        )
        for name in wanted
    ]


async def count_load(tx: AsyncConnection, names: Sequence[str], now: datetime) -> dict[str, int]:
    """Return how many customers each of these serves or is about to get; those without one are missing.

    Sessions that ran out count no more (the platform tells of none); transfers on their way do.
    """
    serving = (
        sa.select(kf_state.c.servicer_id, kf_state.c.conversation_id)
        .join(conversation, conversation.c.id == kf_state.c.conversation_id)
        .where(
            kf_state.c.state == int(_SERVING),
            kf_state.c.servicer_id.in_(names),
            sa.func.coalesce(conversation.c.last_customer_message_at, kf_state.c.changed_at)
            > now - SESSION_LIFE,
        )
    )
    coming = sa.select(handover.c.staff_platform_id, handover.c.conversation_id).where(
        sa.text("handover.state <> 'ended'"),
        handover.c.state == _WAITING,
        handover.c.staff_platform_id.in_(names),
    )
    moving = sa.select(delivery.c.body, delivery.c.conversation_id).where(
        delivery.c.act == Act.TRANSFER, delivery.c.state.in_(("due", "claimed", "attempting"))
    )
    found = {(who, talk) for wanted in (serving, coming) for who, talk in (await tx.execute(wanted)).all()}
    for body, talk in (await tx.execute(moving)).all():
        first = next(iter(body.get("servicers") or ()), "")
        if first in names:
            found.add((first, talk))
    return dict(Counter(who for who, _ in found))


async def claim(tx: AsyncConnection, names: Sequence[str]) -> None:
    """Keep others from giving customers to these people until `tx` ends; on SQLite there is one writer anyway."""
    wanted = sa.select(staff.c.id).where(staff.c.platform_id.in_(names)).order_by(staff.c.id)
    await tx.execute(wanted.with_for_update())


async def count_registered(tx: AsyncConnection) -> Mapping[str, int]:
    """Return how many registrations there are by product line, run out or not."""
    wanted = sa.select(staff_registration.c.line, sa.func.count()).group_by(staff_registration.c.line)
    return {row[0]: row[1] for row in (await tx.execute(wanted)).all()}


async def _receiving(tx: AsyncConnection, account_id: str, names: Sequence[str]) -> set[str]:
    wanted = sa.select(kf_servicer.c.servicer_id).where(
        kf_servicer.c.account_id == account_id,
        kf_servicer.c.servicer_id.in_(names),
        kf_servicer.c.is_receiving,
    )
    return set((await tx.execute(wanted)).scalars().all())


async def _lines(tx: AsyncConnection, names: Sequence[str], today: date) -> dict[str, frozenset[str]]:
    wanted = (
        sa.select(staff.c.platform_id, staff_registration.c.line)
        .join(staff, staff.c.id == staff_registration.c.staff_id)
        .where(staff.c.platform_id.in_(names), staff_registration.c.valid_until >= today)
    )
    found: dict[str, frozenset[str]] = {}
    for who, line in (await tx.execute(wanted)).all():
        found[who] = found.get(who, frozenset()) | {line}
    return found


async def _last_given(tx: AsyncConnection, names: Sequence[str]) -> dict[str, datetime]:
    wanted = (
        sa.select(handover.c.staff_platform_id, sa.func.max(handover.c.asked_at))
        .where(handover.c.staff_platform_id.in_(names))
        .group_by(handover.c.staff_platform_id)
    )
    return {row[0]: row[1] for row in (await tx.execute(wanted)).all()}


def _shift(row: Any) -> Shift:
    return Shift(
        id=row.id,
        account_id=row.account_id,
        staff_platform_id=row.staff_platform_id,
        weekday=row.weekday,
        on_date=row.on_date,
        from_minute=row.from_minute,
        until_minute=row.until_minute,
        capacity=row.capacity,
        made_by=row.made_by,
        made_at=row.made_at,
    )

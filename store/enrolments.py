"""Groups in templates: one row each, claimed by whoever finds its time has come.

A claim lasts as long as its transaction: PostgreSQL skips locked rows, SQLite has one writer. So there is no lease, and
a crash gives everything back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.enrolment import LIVE_STATES, Enrolment, EnrolmentState
from store import dialect
from store.tables import enrolment, enrolment_entry, group, occurrence

_LIVE = [str(state) for state in sorted(LIVE_STATES)]
_DUE = (
    sa.select(enrolment)
    .where(enrolment.c.next_at.is_not(None), enrolment.c.next_at <= sa.bindparam("now"))
    .order_by(enrolment.c.next_at, enrolment.c.owner_platform_id, enrolment.c.id)
    .limit(sa.bindparam("most"))
)
_SAVED = (
    "owner_platform_id",
    "opens_on",
    "anchor_at",
    "state",
    "reason",
    "opened_at",
    "welcome_bound_at",
    "paused_until",
    "score",
    "score_parts",
    "moved_to_id",
    "ended_at",
    "next_at",
    "members_changed_at",
)
_SAVE = (
    sa.update(enrolment)
    .where(enrolment.c.id == sa.bindparam("enrolment"))
    .values({name: sa.bindparam(f"new_{name}") for name in _SAVED})
)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A line of an enrolment's history. `note`: for people, in Chinese where the program wrote it for them."""

    enrolment_id: int
    at: datetime
    actor: str
    act: str
    step: str = ""
    note: str = ""


async def add(tx: AsyncConnection, new: Sequence[Mapping[str, Any]]) -> list[Enrolment]:
    """Add enrolments and return those that are new; a group that is in this round of the template is left out."""
    if not new:
        return []
    added = dialect.insert(tx, enrolment).on_conflict_do_nothing(
        index_elements=["template", "group_id", "round"]
    )
    rows = await tx.execute(added.returning(enrolment), [dict(values) for values in new])
    return sorted((enrolment_of(row) for row in rows.all()), key=lambda one: one.id)


async def find(tx: AsyncConnection, enrolment_id: int, *, locks: bool = False) -> Enrolment | None:
    """Return an enrolment, or None. `locks`: nobody else changes it until the transaction ends."""
    wanted = sa.select(enrolment).where(enrolment.c.id == enrolment_id)
    if locks and tx.dialect.name != "sqlite":
        wanted = wanted.with_for_update()
    row = (await tx.execute(wanted)).one_or_none()
    return None if row is None else enrolment_of(row)


async def find_by_page(tx: AsyncConnection, page_code: str) -> Enrolment | None:
    """Return the enrolment whose pages have this code, or None."""
    row = (await tx.execute(sa.select(enrolment).where(enrolment.c.page_code == page_code))).one_or_none()
    return None if row is None else enrolment_of(row)


async def list_of_group(tx: AsyncConnection, group_id: int) -> list[Enrolment]:
    """Return every enrolment of a group, oldest first."""
    wanted = sa.select(enrolment).where(enrolment.c.group_id == group_id).order_by(enrolment.c.id)
    return [enrolment_of(row) for row in (await tx.execute(wanted)).all()]


async def claim_due(
    tx: AsyncConnection, now: datetime, limit: int, *, only: int | None = None
) -> list[Enrolment]:
    """Return up to `limit` enrolments whose time has come, those of one owner together, locked to this transaction.

    `only`: this one, where it is due.
    """
    wanted = _DUE if only is None else _DUE.where(enrolment.c.id == only)
    rows = (await tx.execute(dialect.skip_locked(tx, wanted), {"now": now, "most": limit})).all()
    return [enrolment_of(row) for row in rows]


async def list_due(tx: AsyncConnection, now: datetime, limit: int) -> list[int]:
    """Return the ids of enrolments whose time has come, without taking them."""
    rows = (await tx.execute(_DUE, {"now": now, "most": limit})).all()
    return [row.id for row in rows]


async def put_off(tx: AsyncConnection, enrolment_ids: Collection[int], until: datetime) -> None:
    """Look at enrolments at `until`, not before."""
    if enrolment_ids:
        await tx.execute(sa.update(enrolment).where(enrolment.c.id.in_(enrolment_ids)).values(next_at=until))


async def find_next(tx: AsyncConnection) -> datetime | None:
    """Return when the next enrolment is due; None when none is."""
    wanted = sa.select(sa.func.min(enrolment.c.next_at)).where(enrolment.c.next_at.is_not(None))
    found: datetime | None = (await tx.execute(wanted)).scalar_one_or_none()
    return found


async def save(tx: AsyncConnection, changed: Iterable[Enrolment]) -> None:
    """Write what may change of an enrolment; ticks and facts are people's and have functions of their own."""
    rows = [
        {"enrolment": one.id}
        | {
            f"new_{name}": dict(value) if isinstance(value, Mapping) else value
            for name in _SAVED
            for value in (getattr(one, name),)
        }
        for one in changed
    ]
    if rows:
        await tx.execute(_SAVE, rows)


async def poke(tx: AsyncConnection, enrolment_ids: Iterable[int], now: datetime) -> None:
    """Let enrolments be looked at now; those that have ended stay asleep."""
    ids = sorted(set(enrolment_ids))
    if ids:
        await tx.execute(
            sa.update(enrolment)
            .where(
                enrolment.c.id.in_(ids),
                enrolment.c.state.in_(_LIVE),
                sa.or_(enrolment.c.next_at.is_(None), enrolment.c.next_at > now),
            )
            .values(next_at=now)
        )


async def poke_tasks(tx: AsyncConnection, task_ids: Sequence[int], now: datetime) -> None:
    """Let the groups of mass-send tasks be looked at now."""
    if not task_ids:
        return
    wanted = sa.select(occurrence.c.enrolment_id).where(occurrence.c.mass_task_id.in_(task_ids)).distinct()
    await poke(tx, (await tx.execute(wanted)).scalars().all(), now)


async def poke_groups(
    tx: AsyncConnection, group_ids: Sequence[int], now: datetime, *, members_changed: bool = False
) -> None:
    """Let the enrolments of groups be looked at now. `members_changed`: somebody left."""
    if not group_ids:
        return
    values: dict[str, Any] = {"next_at": now}
    if members_changed:
        values["members_changed_at"] = now
    await tx.execute(
        sa.update(enrolment)
        .where(enrolment.c.group_id.in_(group_ids), enrolment.c.state.in_(_LIVE))
        .values(values)
    )


async def poke_owners(tx: AsyncConnection, owners: Sequence[str], now: datetime) -> None:
    """Let the enrolments of groups of these owners be looked at now: somebody left or came back."""
    if owners:
        mine = sa.select(group.c.id).where(group.c.owner_platform_id.in_(owners))
        await tx.execute(
            sa.update(enrolment)
            .where(enrolment.c.group_id.in_(mine), enrolment.c.state.in_(_LIVE))
            .values(next_at=now)
        )


async def poke_live(tx: AsyncConnection, now: datetime) -> None:
    """Let every enrolment that has not ended be looked at now: a line was stopped or resumed."""
    await tx.execute(sa.update(enrolment).where(enrolment.c.state.in_(_LIVE)).values(next_at=now))


async def set_ticks(tx: AsyncConnection, enrolment_id: int, ticks: Mapping[str, str], now: datetime) -> None:
    """Write the readiness points."""
    changed = sa.update(enrolment).where(enrolment.c.id == enrolment_id)
    await tx.execute(changed.values(ticks=dict(ticks), next_at=now))


async def set_facts(tx: AsyncConnection, enrolment_id: int, facts: Mapping[str, str], now: datetime) -> None:
    """Write what people say of this group's week."""
    changed = sa.update(enrolment).where(enrolment.c.id == enrolment_id)
    await tx.execute(changed.values(facts=dict(facts), next_at=now))


async def set_welcome_bound(tx: AsyncConnection, enrolment_id: int, now: datetime) -> None:
    """Write that the owner bound the group welcome."""
    changed = sa.update(enrolment).where(enrolment.c.id == enrolment_id)
    await tx.execute(changed.values(welcome_bound_at=now, next_at=now))


async def count_openings(
    tx: AsyncConnection, owners: Sequence[str], since: date, *, opens_with: Sequence[str]
) -> dict[tuple[str, date], int]:
    """Return how many groups of each owner open on each day from `since` on.

    `opens_with`: the templates that have an opening.
    """
    wanted = (
        sa.select(enrolment.c.owner_platform_id, enrolment.c.opens_on, sa.func.count())
        .where(
            enrolment.c.owner_platform_id.in_(owners),
            enrolment.c.opens_on >= since,
            enrolment.c.template.in_(opens_with),
            enrolment.c.state.not_in([EnrolmentState.CANCELLED, EnrolmentState.FAILED]),
        )
        .group_by(enrolment.c.owner_platform_id, enrolment.c.opens_on)
    )
    return {(row[0], row[1]): row[2] for row in (await tx.execute(wanted)).all()}


async def count_rounds(tx: AsyncConnection, template: str, group_ids: Sequence[int]) -> dict[int, int]:
    """Return how often each group has been in a template."""
    wanted = (
        sa.select(enrolment.c.group_id, sa.func.count())
        .where(enrolment.c.template == template, enrolment.c.group_id.in_(group_ids))
        .group_by(enrolment.c.group_id)
    )
    return {row[0]: row[1] for row in (await tx.execute(wanted)).all()}


async def counts_live(tx: AsyncConnection) -> dict[str, int]:
    """Return how many enrolments are in each state that is not an end."""
    wanted = (
        sa.select(enrolment.c.state, sa.func.count())
        .where(enrolment.c.state.in_(_LIVE))
        .group_by(enrolment.c.state)
    )
    return dict.fromkeys(_LIVE, 0) | {row[0]: row[1] for row in (await tx.execute(wanted)).all()}


async def list_live_templates(tx: AsyncConnection, group_ids: Sequence[int]) -> dict[int, set[str]]:
    """Return the templates in which each group is now."""
    wanted = sa.select(enrolment.c.group_id, enrolment.c.template).where(
        enrolment.c.group_id.in_(group_ids), enrolment.c.state.in_(_LIVE)
    )
    found: dict[int, set[str]] = {}
    for group_id, template in (await tx.execute(wanted)).all():
        found.setdefault(group_id, set()).add(template)
    return found


async def record(tx: AsyncConnection, entries: Sequence[Entry]) -> None:
    """Add lines to histories."""
    rows = [
        {
            "enrolment_id": one.enrolment_id,
            "at": one.at,
            "actor": one.actor[:64],
            "act": one.act[:32],
            "step": one.step,
            "note": one.note,
        }
        for one in entries
    ]
    if rows:
        await tx.execute(sa.insert(enrolment_entry), rows)


async def list_entries(tx: AsyncConnection, enrolment_id: int) -> list[Entry]:
    """Return an enrolment's history, oldest first."""
    wanted = (
        sa.select(enrolment_entry)
        .where(enrolment_entry.c.enrolment_id == enrolment_id)
        .order_by(enrolment_entry.c.id)
    )
    return [
        Entry(
            enrolment_id=row.enrolment_id,
            at=row.at,
            actor=row.actor,
            act=row.act,
            step=row.step,
            note=row.note,
        )
        for row in (await tx.execute(wanted)).all()
    ]


def enrolment_of(row: Any) -> Enrolment:
    """Return the record of a row that has all columns of the table."""
    return Enrolment(
        id=row.id,
        sop_version_id=row.sop_version_id,
        template=row.template,
        rhythm=row.rhythm,
        group_id=row.group_id,
        round=row.round,
        owner_platform_id=row.owner_platform_id,
        opens_on=row.opens_on,
        anchor_at=row.anchor_at,
        state=EnrolmentState(row.state),
        reason=row.reason,
        opened_at=row.opened_at,
        welcome_bound_at=row.welcome_bound_at,
        paused_until=row.paused_until,
        ticks=dict(row.ticks),
        facts=dict(row.facts),
        page_code=row.page_code,
        score=row.score,
        score_parts=dict(row.score_parts),
        moved_to_id=row.moved_to_id,
        enrolled_by=row.enrolled_by,
        enrolled_at=row.enrolled_at,
        ended_at=row.ended_at,
        next_at=row.next_at,
        members_changed_at=row.members_changed_at,
    )

"""Which advisor has which customer: one row a stay, closed and never overwritten.

Settled from evidence like the stays in groups (store/group_members.py); a whole list is here that of one advisor's
customers, read at the advisor's `customers_seen_at`. Remark, description and tags carry the time they were told.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain import stays
from domain.people import Relation, RelationSight
from domain.stays import EndKnown, Evidence, Missing, Seen, Stay
from store import customers, staff
from store.tables import customer, relation
from store.tables import staff as staff_table

_CHUNK = 500
# An advisor and a customer, by platform ids.
Pair = tuple[str, str]


async def add_evidence(
    tx: AsyncConnection, evidence: Mapping[Pair, Sequence[Evidence]], now: datetime
) -> None:
    """Take up what was heard or seen of advisors and customers."""
    if not evidence:
        return
    advisors = sorted({advisor for advisor, _ in evidence})
    await staff.ensure(tx, advisors, now)
    advisor_ids = await staff.find_ids(tx, advisors)
    customer_ids = await customers.ensure(tx, sorted({name for _, name in evidence}), now)
    seen_at = await _list_seen(tx, list(advisor_ids.values()))
    keys = {pair: (advisor_ids[pair[0]], customer_ids[pair[1]]) for pair in evidence}
    rows = await _load(tx, keys.values())
    new: list[dict[str, Any]] = []
    for pair, heard in evidence.items():
        advisor_id, customer_id = keys[pair]
        listed_at = seen_at.get(advisor_id)
        stored = [(row.id, _stay(row, listed_at)) for row in rows.get(keys[pair], ())]
        known = [one for _, stay in stored for one in stay.unfold()]
        if listed_at is not None and not any(_was_listed(stay, listed_at) for _, stay in stored):
            known.append(Missing(at=listed_at))
        change = stays.compare(stored, stays.settle([*known, *heard]))
        if change.deleted:
            await tx.execute(sa.delete(relation).where(relation.c.id.in_(change.deleted)))
        for row_id, stay in change.updated:
            await tx.execute(sa.update(relation).where(relation.c.id == row_id).values(_values(stay)))
        new += [
            {"staff_id": advisor_id, "customer_id": customer_id, "tags": [], **_values(stay)}
            for stay in change.added
        ]
    if new:
        await tx.execute(sa.insert(relation), new)


async def record_sights(
    tx: AsyncConnection, sights: Sequence[RelationSight], at: datetime, now: datetime
) -> None:
    """Take over relations as the platform showed them at `at`; words known newer are left alone."""
    open_rows = await _list_open(tx, sights)
    seen: dict[Pair, list[Evidence]] = {}
    for one in sights:
        pair = (one.staff_platform_id, one.customer_platform_id)
        row = open_rows.get(pair)
        if row is None or not row.is_from_exact or row.from_at != one.joined.at:
            seen[pair] = [Seen(at=at, joined=one.joined)]
    await add_evidence(tx, seen, now)
    if seen:
        open_rows = await _list_open(tx, sights)
    for one in sights:
        row = open_rows.get((one.staff_platform_id, one.customer_platform_id))
        if row is not None and (row.known_at is None or row.known_at <= at):
            await _set_words(tx, row, one, at)
    names = {one.customer_platform_id: (one.nickname, one.avatar_url) for one in sights if one.nickname}
    await customers.set_missing_names(tx, names)


async def record_listed(
    tx: AsyncConnection, advisor: str, listed: Collection[str], at: datetime, now: datetime
) -> None:
    """Record that `listed` were all of an advisor's customers at `at`: those who are missing have parted."""
    await staff.ensure(tx, [advisor], now)
    wanted = (
        sa.select(customer.c.platform_id)
        .join(relation, relation.c.customer_id == customer.c.id)
        .join(staff_table, staff_table.c.id == relation.c.staff_id)
        .where(staff_table.c.platform_id == advisor, relation.c.to_at.is_(None))
    )
    known = (await tx.execute(wanted)).scalars().all()
    there = set(listed)
    await add_evidence(tx, {(advisor, name): [Missing(at=at)] for name in known if name not in there}, now)
    is_later = sa.or_(staff_table.c.customers_seen_at.is_(None), staff_table.c.customers_seen_at < at)
    await tx.execute(
        sa.update(staff_table)
        .where(staff_table.c.platform_id == advisor, is_later)
        .values(customers_seen_at=at)
    )


async def record_followers(
    tx: AsyncConnection,
    customer_platform_id: str,
    sights: Sequence[RelationSight],
    at: datetime,
    now: datetime,
) -> None:
    """Take over all advisors of one customer as the platform showed them at `at`."""
    await record_sights(tx, sights, at, now)
    there = {one.staff_platform_id for one in sights}
    gone = {
        (one.staff_platform_id, customer_platform_id): [Missing(at=at)]
        for one in await list_of_customer(tx, customer_platform_id)
        if one.to_at is None and one.staff_platform_id not in there
    }
    await add_evidence(tx, gone, now)


async def set_tags(
    tx: AsyncConnection, pair: Pair, *, added: Collection[str], removed: Collection[str], at: datetime
) -> None:
    """Follow a tagging of our own (mark_tag): the platform tells nobody about what the API did."""
    row = await _find_open(tx, pair)
    if row is None:
        return
    tags = [one for one in dict.fromkeys([*row.tags, *sorted(added)]) if one not in removed]
    await tx.execute(sa.update(relation).where(relation.c.id == row.id).values(tags=tags, known_at=at))


async def set_remark(tx: AsyncConnection, pair: Pair, remark: str, at: datetime) -> None:
    """Follow a remark of our own (externalcontact/remark)."""
    row = await _find_open(tx, pair)
    if row is not None:
        await tx.execute(
            sa.update(relation).where(relation.c.id == row.id).values(remark=remark[:128], known_at=at)
        )


async def list_of_customer(tx: AsyncConnection, customer_platform_id: str) -> list[Relation]:
    """Return a customer's relations, open and closed, the oldest first."""
    wanted = _RELATIONS.where(customer.c.platform_id == customer_platform_id)
    return [_relation(row) for row in (await tx.execute(wanted)).all()]


async def list_of_staff(
    tx: AsyncConnection, staff_platform_id: str, *, is_open: bool = True
) -> list[Relation]:
    """Return an advisor's relations, the oldest first. `is_open`: only the present ones."""
    wanted = _RELATIONS.where(staff_table.c.platform_id == staff_platform_id)
    if is_open:
        wanted = wanted.where(relation.c.to_at.is_(None))
    return [_relation(row) for row in (await tx.execute(wanted)).all()]


_RELATIONS = (
    sa.select(
        relation,
        staff_table.c.platform_id.label("staff_platform_id"),
        customer.c.platform_id.label("customer_platform_id"),
    )
    .join(staff_table, staff_table.c.id == relation.c.staff_id)
    .join(customer, customer.c.id == relation.c.customer_id)
    .order_by(sa.func.coalesce(relation.c.from_at, relation.c.to_at), relation.c.id)
)


async def _list_open(tx: AsyncConnection, sights: Sequence[RelationSight]) -> dict[Pair, Any]:
    found: dict[Pair, Any] = {}
    advisors = {one.staff_platform_id for one in sights}
    names = list(dict.fromkeys(one.customer_platform_id for one in sights))
    for start in range(0, len(names), _CHUNK):
        wanted = _RELATIONS.where(
            customer.c.platform_id.in_(names[start : start + _CHUNK]),
            staff_table.c.platform_id.in_(advisors),
            relation.c.to_at.is_(None),
        )
        for row in (await tx.execute(wanted)).all():
            found[(row.staff_platform_id, row.customer_platform_id)] = row
    return found


async def _find_open(tx: AsyncConnection, pair: Pair) -> Any:
    wanted = _RELATIONS.where(
        staff_table.c.platform_id == pair[0], customer.c.platform_id == pair[1], relation.c.to_at.is_(None)
    )
    return (await tx.execute(wanted)).one_or_none()


async def _set_words(tx: AsyncConnection, row: Any, sight: RelationSight, at: datetime) -> None:
    """Write what the sight says besides being there; nothing at all when nothing has changed."""
    values = {
        "add_way": sight.add_way[:32],
        "state": sight.state[:64] or row.state,
        "remark": sight.remark[:128],
        "description": sight.description,
        "tags": list(sight.tags),
    }
    if any(getattr(row, name) != value for name, value in values.items()):
        await tx.execute(sa.update(relation).where(relation.c.id == row.id).values(known_at=at, **values))


async def _list_seen(tx: AsyncConnection, advisor_ids: Sequence[int]) -> dict[int, datetime | None]:
    found: dict[int, datetime | None] = {}
    for start in range(0, len(advisor_ids), _CHUNK):
        wanted = sa.select(staff_table.c.id, staff_table.c.customers_seen_at).where(
            staff_table.c.id.in_(advisor_ids[start : start + _CHUNK])
        )
        found.update((row.id, row.customers_seen_at) for row in (await tx.execute(wanted)).all())
    return found


async def _load(tx: AsyncConnection, keys: Collection[tuple[int, int]]) -> dict[tuple[int, int], list[Any]]:
    found: dict[tuple[int, int], list[Any]] = {}
    advisor_ids = sorted({advisor for advisor, _ in keys})
    customer_ids = sorted({name for _, name in keys})
    for start in range(0, len(customer_ids), _CHUNK):
        wanted = sa.select(relation).where(
            relation.c.customer_id.in_(customer_ids[start : start + _CHUNK]),
            relation.c.staff_id.in_(advisor_ids),
        )
        for row in (await tx.execute(wanted)).all():
            found.setdefault((row.staff_id, row.customer_id), []).append(row)
    return found


def _was_listed(stay: Stay, at: datetime) -> bool:
    if not stay.is_exact or stay.joined_at is None or stay.joined_at > at:
        return False
    return stay.ended_at is None or stay.ended_at > at


def _stay(row: Any, listed_at: datetime | None) -> Stay:
    last_seen = listed_at if row.to_at is None else row.to_after
    if last_seen is not None and row.from_at is not None:
        last_seen = max(last_seen, row.from_at)
    return Stay(
        joined_at=row.from_at,
        is_exact=row.is_from_exact,
        scene=row.add_way,
        state=row.state,
        seen_at=last_seen if row.is_from_exact else None,
        ended_at=row.to_at,
        ended_after=row.to_after,
        end_known=EndKnown(row.end_known) if row.end_known else None,
        reason=row.end_reason,
    )


def _values(stay: Stay) -> dict[str, Any]:
    return {
        "from_at": stay.joined_at,
        "is_from_exact": stay.is_exact,
        "add_way": stay.scene[:32],
        "state": stay.state[:64],
        "to_at": stay.ended_at,
        "to_after": stay.ended_after,
        "end_known": stay.end_known or "",
        "end_reason": stay.reason,
    }


def _relation(row: Any) -> Relation:
    return Relation(
        id=row.id,
        staff_id=row.staff_id,
        customer_id=row.customer_id,
        staff_platform_id=row.staff_platform_id,
        customer_platform_id=row.customer_platform_id,
        from_at=row.from_at,
        to_at=row.to_at,
        to_after=row.to_after,
        end_known=EndKnown(row.end_known) if row.end_known else None,
        end_reason=row.end_reason,
        add_way=row.add_way,
        state=row.state,
        remark=row.remark,
        description=row.description,
        tags=tuple(row.tags),
    )

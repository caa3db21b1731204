"""The index of the full-text search: lists of messages by pair of characters, one batch of message ids at a time.

A batch is 256 ids in a row, indexed once all of them are given out; sixteen of them become one of 4,096, so that
little is left to be read as it is and the lists stay long. A batch is known by its first id. PostgreSQL may show a row
late, so the newest batches are counted again. Erased words leave the index in the transaction that erases them
(`remove`).
"""

from __future__ import annotations

import bisect
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain import word_pairs
from store import dialect
from store.tables import message, message_body, search_batch, search_posting

# Ids of a small and of a large batch.
SMALL, LARGE = 256, 4096
# So many of the newest batches are counted again.
_RECOUNTED = 20


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Ids of a small and of a large batch; `large` is a multiple of `small`. Tests take smaller ones."""

    small: int = SMALL
    large: int = LARGE


SIZES = Sizes()


@dataclass(frozen=True, kw_only=True)
class Texts:
    """The messages from `first_id` to `last_id`: id, time and words each, and which were erased by then."""

    first_id: int
    last_id: int
    rows: Sequence[Any]
    erased: frozenset[int]


@dataclass(frozen=True, kw_only=True)
class Batch:
    """A batch as it is written: when its messages were said, and the lists."""

    texts: Texts
    earliest_at: datetime
    latest_at: datetime
    postings: Mapping[str, bytes]


async def find_tail(tx: AsyncConnection) -> int:
    """Return the first id that is in no batch."""
    newest = (await tx.execute(sa.select(sa.func.max(search_batch.c.last_id)))).scalar_one()
    return 0 if newest is None else int(newest) + 1


async def find_next(tx: AsyncConnection, ready: int, sizes: Sizes = SIZES) -> tuple[int, int] | None:
    """Return the ids to index next, from and to; all are at or below `ready`. None when nothing is to do."""
    tail = await find_tail(tx)
    if (small := await _find_row_of_small(tx, tail, sizes)) is not None:
        return small
    first = (await tx.execute(sa.select(sa.func.min(message.c.id)).where(message.c.id >= tail))).scalar_one()
    if first is None:
        return None
    for size in (sizes.large, sizes.small):
        begin = first // size * size
        if begin >= tail and begin + size - 1 <= ready:
            return begin, begin + size - 1
    return None


async def _find_row_of_small(tx: AsyncConnection, tail: int, sizes: Sizes) -> tuple[int, int] | None:
    """Return the ids of small batches that fill a large one; none of it is missing since the tail is behind it."""
    behind = tail // sizes.large * sizes.large
    small = sa.select(search_batch.c.first_id).where(
        search_batch.c.last_id < behind,
        search_batch.c.last_id >= behind - 4 * sizes.large,
        search_batch.c.last_id - search_batch.c.first_id < sizes.large - 1,
    )
    found = (await tx.execute(small.order_by(search_batch.c.batch.desc()).limit(1))).scalar_one_or_none()
    if found is None:
        return None
    begin = found // sizes.large * sizes.large
    return begin, begin + sizes.large - 1


async def find_incomplete(tx: AsyncConnection) -> tuple[int, int] | None:
    """Return the ids of a newer batch that now holds other rows than were indexed; None when all are right."""
    newest = sa.select(search_batch).order_by(search_batch.c.batch.desc()).limit(_RECOUNTED)
    for row in (await tx.execute(newest)).all():
        inside = message.c.id.between(row.first_id, row.last_id)
        counted = (
            await tx.execute(sa.select(sa.func.count()).select_from(message).where(inside))
        ).scalar_one()
        if counted != row.row_count:
            return row.first_id, row.last_id
    return None


async def find_newest(tx: AsyncConnection) -> int:
    """Return the greatest message id, 0 without any."""
    return (await tx.execute(sa.select(sa.func.max(message.c.id)))).scalar_one() or 0


async def read_texts(tx: AsyncConnection, first_id: int, last_id: int) -> Texts:
    """Return the messages of these ids."""
    wanted = (
        sa.select(message.c.id, message.c.sent_at, message_body.c.text, message_body.c.erased_at)
        .outerjoin(message_body, message_body.c.message_id == message.c.id)
        .where(message.c.id.between(first_id, last_id))
        .order_by(message.c.id)
    )
    rows = (await tx.execute(wanted)).all()
    erased = frozenset(row.id for row in rows if row.erased_at is not None)
    return Texts(first_id=first_id, last_id=last_id, rows=rows, erased=erased)


def make_batch(texts: Texts) -> Batch:
    """Return the batch over these texts, of which there is at least one. Takes 100 ms for a large one."""
    places: dict[str, list[int]] = defaultdict(list)
    for row in texts.rows:
        place = row.id - texts.first_id
        for pair in word_pairs.pairs_of(word_pairs.folded(row.text or "")):
            places[pair].append(place)
    times = [row.sent_at for row in texts.rows]
    return Batch(
        texts=texts,
        earliest_at=min(times),
        latest_at=max(times),
        postings={pair: word_pairs.pack(found) for pair, found in sorted(places.items())},
    )


async def add(tx: AsyncConnection, batch: Batch, now: datetime) -> bool:
    """Put the batch in place of those that were there; False when words of it were erased since it was read."""
    texts = batch.texts
    await dialect.lock_subjects(tx, "search", ["index"])
    inside = message_body.c.message_id.between(texts.first_id, texts.last_id)
    erased = sa.select(message_body.c.message_id).where(inside, message_body.c.erased_at.is_not(None))
    if frozenset((await tx.execute(erased)).scalars()) != texts.erased:
        return False
    for table in (search_posting, search_batch):
        await tx.execute(sa.delete(table).where(table.c.batch.between(texts.first_id, texts.last_id)))
    row = {
        "batch": texts.first_id,
        "first_id": texts.first_id,
        "last_id": texts.last_id,
        "row_count": len(texts.rows),
        "earliest_at": batch.earliest_at,
        "latest_at": batch.latest_at,
        "indexed_at": now,
    }
    await tx.execute(sa.insert(search_batch).values(row))
    if not batch.postings:
        return True
    if tx.dialect.name == "sqlite":
        rows = [(texts.first_id, pair, ids) for pair, ids in batch.postings.items()]
        # In pieces: between two statements the one writer lets other work run.
        for start in range(0, len(rows), _PIECE):
            await tx.exec_driver_sql(_ADD_SOME, rows[start : start + _PIECE])
    else:
        lists = {"pairs": list(batch.postings), "ids": list(batch.postings.values())}
        await tx.execute(_ADD_ALL, {"batch": texts.first_id, **lists})
    return True


async def remove(tx: AsyncConnection, texts: Mapping[int, str]) -> None:
    """Take messages out of the lists; `texts`: their words as they are until now, by message id."""
    if not texts:
        return
    await dialect.lock_subjects(tx, "search", ["index"])
    touched = sa.select(search_batch.c.first_id, search_batch.c.last_id).where(
        search_batch.c.last_id >= min(texts), search_batch.c.first_id <= max(texts)
    )
    batches = (await tx.execute(touched)).all()
    ids = sorted(texts)
    for first, last in batches:
        by_pair: dict[str, set[int]] = defaultdict(set)
        for id_ in ids[bisect.bisect_left(ids, first) : bisect.bisect_right(ids, last)]:
            for pair in word_pairs.pairs_of(word_pairs.folded(texts[id_])):
                by_pair[pair].add(id_ - first)
        if by_pair:
            await _remove_from(tx, first, by_pair)


async def _remove_from(tx: AsyncConnection, number: int, by_pair: Mapping[str, Collection[int]]) -> None:
    pairs = list(by_pair)
    its = search_posting.c.batch == number
    for start in range(0, len(pairs), 500):
        part = pairs[start : start + 500]
        wanted = sa.select(search_posting.c.pair, search_posting.c.ids).where(
            its, search_posting.c.pair.in_(part)
        )
        empty = []
        for pair, ids in (await tx.execute(wanted)).all():
            left = [place for place in word_pairs.unpack(ids) if place not in by_pair[pair]]
            if not left:
                empty.append(pair)
                continue
            one = sa.update(search_posting).where(its, search_posting.c.pair == pair)
            await tx.execute(one.values(ids=word_pairs.pack(left)))
        if empty:
            await tx.execute(sa.delete(search_posting).where(its, search_posting.c.pair.in_(empty)))


_PIECE = 1000
_ADD_SOME = "INSERT INTO search_posting (batch, pair, ids) VALUES (?, ?, ?)"
# Fifteen thousand rows in one statement; one by one PostgreSQL takes ten times as long.
_ADD_ALL = sa.text(
    "INSERT INTO search_posting (batch, pair, ids)"
    " SELECT :batch, pair, ids FROM unnest(CAST(:pairs AS text[]), CAST(:ids AS bytea[])) AS given (pair, ids)"
)

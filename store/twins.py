"""Two sources told of one message: the archive and what left by hand or as a mass send.

The archive's word is the full one, so the other one is its *twin* and counts no more. Told apart by conversation,
author, words (width of letters and white space apart) and time.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.talk import Author
from store import audit_marks, dialect
from store.tables import message, message_body, message_twin

ARCHIVE = "archive"
# Sources whose messages the archive may tell of again.
TOLD_BEFORE = ("sidebar", "mass")
_NEAR = timedelta(minutes=10)
_CHUNK = 500


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """A message of a member, as far as twins are told by it."""

    id: int
    conversation_id: int
    servicer_id: str
    sent_at: datetime
    text: str

    @property
    def words(self) -> tuple[int, str, str]:
        """What twins have in common: where, by whom, what."""
        return self.conversation_id, self.servicer_id, normal(self.text)


def normal(text: str) -> str:
    """Return the words without what a client may change on the way: width of letters, white space."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def pair(
    counting: Sequence[Spoken], others: Sequence[Spoken], near: timedelta = _NEAR
) -> list[tuple[int, int]]:
    """Return (message, its twin) ids, each message once, the nearest in time first."""
    by_words: dict[tuple[int, str, str], list[Spoken]] = {}
    for one in counting:
        by_words.setdefault(one.words, []).append(one)
    near_ones = [
        (abs(one.sent_at - other.sent_at), one.id, other.id)
        for other in others
        for one in by_words.get(other.words, ())
        if abs(one.sent_at - other.sent_at) <= near
    ]
    found: list[tuple[int, int]] = []
    taken: set[int] = set()
    for _, message_id, twin_id in sorted(near_ones):
        if message_id not in taken and twin_id not in taken:
            taken |= {message_id, twin_id}
            found.append((message_id, twin_id))
    return found


async def find_for_archived(tx: AsyncConnection, new: Sequence[Spoken], now: datetime) -> None:
    """Find the twins of messages the archive just told of."""
    told = [one for one in new if one.servicer_id and one.text]
    if told and await _has_others(tx):
        await _record(tx, pair(told, await _list_near(tx, told, TOLD_BEFORE)), now)


async def find_for_others(tx: AsyncConnection, new: Sequence[Spoken], now: datetime) -> None:
    """Find among archived messages those of which a sidebar or mass send just told again."""
    if new:
        await _record(tx, pair(await _list_near(tx, new, (ARCHIVE,)), new), now)


async def _has_others(tx: AsyncConnection) -> bool:
    """Say whether there is anything at all that may be a twin; most companies have months without."""
    return (await tx.execute(_HAS_OTHERS)).first() is not None


async def _list_near(tx: AsyncConnection, told: Sequence[Spoken], sources: Collection[str]) -> list[Spoken]:
    """Return messages of members in the same conversations about the same time that are in no pair yet."""
    found: list[Spoken] = []
    talks = sorted({one.conversation_id for one in told})
    begin, end = min(one.sent_at for one in told) - _NEAR, max(one.sent_at for one in told) + _NEAR
    for start in range(0, len(talks), _CHUNK):
        given = {
            "talks": talks[start : start + _CHUNK],
            "sources": list(sources),
            "begin": begin,
            "end": end,
        }
        found += [Spoken(**row._mapping) for row in (await tx.execute(_LIST_NEAR, given)).all()]
    return found


async def _record(tx: AsyncConnection, pairs: Sequence[tuple[int, int]], now: datetime) -> None:
    if not pairs:
        return
    rows = [{"twin_id": twin_id, "message_id": message_id, "found_at": now} for message_id, twin_id in pairs]
    await tx.execute(dialect.insert_new(tx, message_twin), rows)
    await audit_marks.mark_messages(tx, [twin_id for _, twin_id in pairs], now)


_HAS_OTHERS = sa.select(message.c.id).where(message.c.source.in_(TOLD_BEFORE)).limit(1)
_LIST_NEAR = (
    sa.select(
        message.c.id,
        message.c.conversation_id,
        message.c.servicer_id,
        message.c.sent_at,
        message_body.c.text,
    )
    .join(message_body, message_body.c.message_id == message.c.id)
    .where(
        message.c.conversation_id.in_(sa.bindparam("talks", expanding=True)),
        message.c.sent_at.between(sa.bindparam("begin"), sa.bindparam("end")),
        message.c.source.in_(sa.bindparam("sources", expanding=True)),
        message.c.author == Author.SERVICER,
        message_body.c.text != "",
        ~sa.exists().where(
            sa.or_(message_twin.c.twin_id == message.c.id, message_twin.c.message_id == message.c.id)
        ),
    )
)

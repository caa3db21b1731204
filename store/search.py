"""Full-text search: the newest messages that hold every word, by what the asking person may see.

Batches are looked at from the one with the newest message on, until no older one can hold a newer hit; what is not
indexed yet is read as it is. Candidates come from the lists of pairs and are compared with their words. Order: when it
was said, newest first. Erased words are not found; what was recalled is, and says so. Talk of colleagues among
themselves is no customer's: it is looked through only where that is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain import word_pairs
from domain.audit import TalkKind
from domain.talk import Author
from store import paging, search_index, talk_reports
from store.paging import Place
from store.tables import (
    conversation,
    customer,
    message,
    message_body,
    recall,
    search_batch,
    search_posting,
    session,
)

# Messages looked at for one answer at most, found or not, about 150 ms; then the answer says how far it came.
BUDGET = 12_000
# Candidates compared at a time: enough for a page of hits.
_HANDFUL = 300
# Messages after the last batch that are read for one answer; more means that the index is being built.
_TAIL = 3 * search_index.LARGE
_FIRST_GROUP, _LARGEST_GROUP = 4, 64


@dataclass(frozen=True, kw_only=True)
class SearchFilter:
    """What is looked for. `staff_id`: said by this member or in their own chats; `scope`: as of talk_reports.

    `with_internal`: also in talk of colleagues among themselves.
    """

    words: tuple[str, ...]
    scope: frozenset[str] | None
    staff_id: str = ""
    author: Author | None = None
    since: datetime | None = None
    until: datetime | None = None
    with_internal: bool = False


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A message that holds the words. `session_id`: the audit's session of a talk that has no page of its own."""

    id: int
    conversation_id: int
    channel: str
    account_id: str
    platform_id: str
    nickname: str
    author: str
    servicer_id: str
    text: str
    sent_at: datetime
    is_recalled: bool
    session_id: int | None

    @property
    def place(self) -> Place:
        return Place(at=self.sent_at, id=self.id)


@dataclass(frozen=True, kw_only=True)
class Found:
    """The hits, newest first. `more`: where the next page begins, None at the end; `is_cut`: the budget ended before
    the page was full; `is_indexing`: older messages are not indexed yet and were not looked at."""

    hits: list[Hit]
    more: Place | None = None
    is_cut: bool = False
    is_indexing: bool = False


@dataclass(kw_only=True)
class _Search:
    tx: AsyncConnection
    wanted: SearchFilter
    before: Place | None
    limit: int
    found: list[tuple[datetime, int]] = field(default_factory=list)
    looked_at: int = 0

    def is_full_before(self, latest_at: datetime) -> bool:
        """Say whether what was said at or before `latest_at` can no longer be on this page."""
        if len(self.found) <= self.limit:
            return False
        self.found.sort(reverse=True)
        return self.found[self.limit][0] > latest_at


async def search(
    tx: AsyncConnection,
    wanted: SearchFilter,
    *,
    before: Place | None = None,
    limit: int = 50,
) -> Found:
    """Return the newest `limit` messages that hold all words. Raises ValueError when every word is one character."""
    pairs = word_pairs.pairs_wanted(wanted.words)
    if not pairs:
        raise ValueError("a word of two characters is needed")
    one = _Search(tx=tx, wanted=wanted, before=before, limit=limit)
    is_indexing = await _read_tail(one)
    cut_at = await _read_batches(one, pairs)
    one.found.sort(reverse=True)
    places = one.found[:limit]
    if cut_at is not None:
        # Older batches were not looked at: what they may hold in between must not be passed over.
        places = [place for place in places if place[0] > cut_at]
    more = None
    if len(one.found) > len(places) and places and cut_at is None:
        more = Place(at=places[-1][0], id=places[-1][1])
    elif cut_at is not None:
        more = Place(at=cut_at, id=_AFTER_ALL)
    hits = await _hits(tx, [id_ for _, id_ in places])
    return Found(hits=hits, more=more, is_cut=cut_at is not None, is_indexing=is_indexing)


# An id greater than every message's: a place that begins with all messages of its moment.
_AFTER_ALL = 10**17


async def _read_tail(one: _Search) -> bool:
    """Look through what is in no batch; True when not all of it could be read."""
    tail = await search_index.find_tail(one.tx)
    newest = sa.select(message.c.id).where(message.c.id >= tail).order_by(message.c.id.desc())
    # Counted before the scope: of a narrow one, the whole record would be looked through for so many rows.
    last: int | None = (await one.tx.execute(newest.offset(_TAIL).limit(1))).scalar_one_or_none()
    first = tail if last is None else last + 1
    _compare(one, (await one.tx.execute(_candidates(one).where(message.c.id >= first))).all())
    return last is not None


async def _read_batches(one: _Search, pairs: Sequence[str]) -> datetime | None:
    """Look through the batches, the newest first; return from when on they were not looked at any more, or None."""
    batches = (await one.tx.execute(_batches(one))).all()
    place, group, waiting = 0, _FIRST_GROUP, list[int]()
    while place < len(batches):
        part = batches[place : place + group]
        lists = await _lists(one.tx, [row.batch for row in part], pairs)
        for row in part:
            place += 1
            if waiting and one.is_full_before(row.latest_at):
                await _compare_ids(one, waiting)
                waiting = []
            if one.is_full_before(row.latest_at):
                return None
            waiting += _common(lists.get(row.batch, {}), len(pairs), row.batch)
            if len(waiting) >= _HANDFUL:
                await _compare_ids(one, waiting)
                waiting = []
                if one.looked_at >= BUDGET and place < len(batches):
                    latest: datetime = batches[place].latest_at
                    if one.is_full_before(latest):
                        return None
                    if one.before is None or latest < one.before.at:
                        return latest
        group = min(group * 4, _LARGEST_GROUP)
    await _compare_ids(one, waiting)
    return None


def _batches(one: _Search) -> sa.Select[Any]:
    select = sa.select(search_batch.c.batch, search_batch.c.latest_at).order_by(
        search_batch.c.latest_at.desc(), search_batch.c.batch.desc()
    )
    until = min(filter(None, (one.wanted.until, one.before.at if one.before else None)), default=None)
    if until is not None:
        select = select.where(search_batch.c.earliest_at <= until)
    if one.wanted.since is not None:
        select = select.where(search_batch.c.latest_at >= one.wanted.since)
    return select


async def _lists(
    tx: AsyncConnection, numbers: list[int], pairs: Sequence[str]
) -> dict[int, dict[str, bytes]]:
    rows = await tx.execute(_POSTINGS, {"numbers": numbers, "pairs": list(pairs)})
    found: dict[int, dict[str, bytes]] = {}
    for batch, pair, ids in rows.all():
        found.setdefault(batch, {})[pair] = ids
    return found


def _common(lists: dict[str, bytes], count: int, first: int) -> list[int]:
    """Return the ids that stand in all of `count` lists."""
    if len(lists) < count:
        return []
    shortest, *others = sorted(lists.values(), key=len)
    left = set(word_pairs.unpack(shortest))
    for other in others:
        left.intersection_update(word_pairs.unpack(other))
        if not left:
            return []
    return [first + place for place in left]


async def _compare_ids(one: _Search, ids: Sequence[int]) -> None:
    for start in range(0, len(ids), 1000):
        part = list(ids[start : start + 1000])
        # All of them, also those outside the scope: what this person may see decides no cost.
        one.looked_at += len(part)
        _compare(one, (await one.tx.execute(_candidates(one).where(message.c.id.in_(part)))).all())


def _compare(one: _Search, rows: Sequence[Any]) -> None:
    words = one.wanted.words
    one.found += [
        (row.sent_at, row.id) for row in rows if word_pairs.holds(word_pairs.folded(row.text), words)
    ]


def _candidates(one: _Search) -> sa.Select[Any]:
    """Return the messages that this person may find, with all that is asked beside the words."""
    wanted = one.wanted
    select = (
        sa.select(message.c.id, message.c.sent_at, message_body.c.text)
        .join(message_body, message_body.c.message_id == message.c.id)
        .where(message_body.c.erased_at.is_(None))
    )
    if one.before is not None:
        select = select.where(paging.before(message.c.sent_at, message.c.id, one.before))
    if wanted.scope is not None or wanted.staff_id or not wanted.with_internal:
        select = select.join(conversation, conversation.c.id == message.c.conversation_id)
    if not wanted.with_internal:
        select = select.where(conversation.c.channel != TalkKind.INTERNAL)
    if wanted.scope is not None:
        select = select.where(talk_reports.own_talks(wanted.scope))
    if wanted.staff_id:
        select = select.where(said_with(wanted.staff_id))
    if wanted.author is not None:
        select = select.where(message.c.author == wanted.author)
    if wanted.since is not None:
        select = select.where(message.c.sent_at >= wanted.since)
    if wanted.until is not None:
        select = select.where(message.c.sent_at < wanted.until)
    return select


def said_with(staff_id: str) -> sa.ColumnElement[bool]:
    """Return the condition for messages this member said, and all of the member's own chats with customers."""
    own_chat = sa.and_(conversation.c.channel == "chat", conversation.c.account_id == staff_id)
    return sa.or_(message.c.servicer_id == staff_id, own_chat)


async def _hits(tx: AsyncConnection, ids: Sequence[int]) -> list[Hit]:
    rows = {row.id: row for row in (await tx.execute(_HITS, {"ids": list(ids)})).all()} if ids else {}
    sessions = {row.id: await _session_of(tx, row) for row in rows.values() if row.channel == "group"}
    return [
        Hit(
            id=id_,
            conversation_id=rows[id_].conversation_id,
            channel=rows[id_].channel,
            account_id=rows[id_].account_id,
            platform_id=rows[id_].platform_id or "",
            nickname=rows[id_].nickname or "",
            author=rows[id_].author,
            servicer_id=rows[id_].servicer_id,
            text=rows[id_].text,
            sent_at=rows[id_].sent_at,
            is_recalled=rows[id_].recall_id is not None,
            session_id=sessions.get(id_),
        )
        for id_ in ids
        if id_ in rows
    ]


async def _session_of(tx: AsyncConnection, row: Any) -> int | None:
    wanted = sa.select(session.c.id).where(
        session.c.conversation_id == row.conversation_id,
        session.c.started_at <= row.sent_at,
        session.c.ended_at >= row.sent_at,
        session.c.merged_into.is_(None),
    )
    found: int | None = (await tx.execute(wanted.order_by(session.c.id).limit(1))).scalar_one_or_none()
    return found


_POSTINGS = sa.select(search_posting.c.batch, search_posting.c.pair, search_posting.c.ids).where(
    search_posting.c.batch.in_(sa.bindparam("numbers", expanding=True)),
    search_posting.c.pair.in_(sa.bindparam("pairs", expanding=True)),
)
_HITS = (
    sa.select(
        message.c.id,
        message.c.conversation_id,
        message.c.author,
        message.c.servicer_id,
        message.c.sent_at,
        message_body.c.text,
        conversation.c.channel,
        conversation.c.account_id,
        customer.c.platform_id,
        customer.c.nickname,
        recall.c.id.label("recall_id"),
    )
    .join(message_body, message_body.c.message_id == message.c.id)
    .join(conversation, conversation.c.id == message.c.conversation_id)
    .outerjoin(customer, customer.c.id == conversation.c.customer_id)
    .outerjoin(recall, sa.and_(recall.c.source == message.c.source, recall.c.msgid == message.c.msgid))
    .where(message.c.id.in_(sa.bindparam("ids", expanding=True)))
)

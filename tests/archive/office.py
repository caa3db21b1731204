"""An office that keeps the archive: a reader that needs no library, a store that can die, and what is on record."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.archive_puller import ArchivePuller
from bot.clock import FrozenClock
from domain.archive import ArchiveReader, Entry, HoldReason, Opened, Piece
from store import archives
from store.database import Store
from store.tables import (
    archive_hold,
    consent,
    conversation,
    customer,
    media,
    message,
    message_body,
    message_twin,
    recall,
)
from tests.archive.library import CORP, NOW

T = TypeVar("T")


class Killed(BaseException):
    """The process is gone."""


class MortalStore:
    """A store whose process dies at its `at`-th write: before it, or right after the commit."""

    def __init__(self, store: Store, at: int, *, is_after: bool) -> None:
        self._store, self._left, self._is_after = store, at, is_after

    async def write(self, job: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        self._left -= 1
        if self._left > 0:
            return await self._store.write(job)
        if self._left == 0 and self._is_after:
            await self._store.write(job)
        raise Killed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class MemoryReader:
    """An archive in memory: what is not in `closed` opens, `closed` says why not. Another ArchiveReader."""

    def __init__(
        self, messages: Sequence[dict[str, Any] | str], closed: dict[int, HoldReason] | None = None
    ) -> None:
        self.plain: dict[int, str] = {}
        self.closed = closed or {}
        self.files: dict[str, list[Piece]] = {}
        for one in messages:
            self.add(one)

    def add(self, one: dict[str, Any] | str) -> int:
        seq = len(self.plain) + 1
        self.plain[seq] = one if isinstance(one, str) else json.dumps(one, ensure_ascii=False)
        return seq

    async def pull(self, seq: int, limit: int) -> tuple[Entry, ...]:
        return tuple(self._entry(one) for one in sorted(self.plain) if one > seq)[:limit]

    async def open(self, entries: Sequence[Entry]) -> list[Opened]:
        return [
            Opened(reason=self.closed[one.seq], error="closed")
            if one.seq in self.closed
            else Opened(text=self.plain[one.seq])
            for one in entries
        ]

    async def fetch(self, file_id: str, index: str) -> Piece:
        return self.files[file_id][int(index or 0)]

    async def close(self) -> None:
        return None

    def _entry(self, seq: int) -> Entry:
        try:
            msgid = json.loads(self.plain[seq])["msgid"]
        except (ValueError, KeyError, TypeError):
            msgid = f"seq-{seq}"
        return Entry(seq=seq, msgid=msgid, key_version=1, random_key="cmFuZG9t", encrypted="ZW5jcnlwdGVk")


def puller(
    store: Store | MortalStore,
    reader: ArchiveReader,
    *,
    now: datetime = NOW,
    owner: str = "test",
    limit: int = 1000,
    tools: str = "",
) -> ArchivePuller:
    """Return a puller that asks no second time by itself."""
    return ArchivePuller(
        cast(Store, store),
        reader,
        FrozenClock(now),
        corp_id=CORP,
        owner=owner,
        policy_version="2026-11",
        poll_seconds=30,
        limit=limit,
        tools=tools,
    )


async def pull_all(store: Store, reader: ArchiveReader, **more: Any) -> None:
    """Read the archive to its end, as a process does that has just taken over."""
    await store.write(archives.release_all)
    one = puller(store, reader, **more)
    while await one.pull_due() == 0:
        pass


async def rows(store: Store, wanted: sa.Select[Any]) -> list[Any]:
    async with store.read() as tx:
        return list((await tx.execute(wanted)).all())


async def said(store: Store) -> list[Any]:
    """Return every message with its words and where it was said, in the order they were recorded."""
    wanted = (
        sa.select(
            message,
            message_body.c.text,
            message_body.c.raw,
            conversation.c.channel,
            conversation.c.account_id,
            customer.c.platform_id.label("customer"),
        )
        .join(message_body, message_body.c.message_id == message.c.id)
        .join(conversation, conversation.c.id == message.c.conversation_id)
        .outerjoin(customer, customer.c.id == conversation.c.customer_id)
        .order_by(message.c.id)
    )
    return await rows(store, wanted)


async def everything(store: Store) -> dict[str, Any]:
    """Return what is on record of the archive, without numbers that may differ from run to run."""
    told = [
        (one.msgid, one.kind, one.author, one.text, one.channel, one.account_id, one.sent_at, one.servicer_id)
        for one in await said(store)
    ]
    held = await rows(
        store, sa.select(archive_hold.c.seq, archive_hold.c.reason).order_by(archive_hold.c.seq)
    )
    standing = await _standing(store)
    return {
        "messages": sorted(told),
        "holds": held,
        "seq": standing.seq if standing else 0,
        "recalls": sorted(await rows(store, sa.select(recall.c.msgid))),
        "consents": sorted(await rows(store, sa.select(consent.c.customer_platform_id, consent.c.status))),
        "files": sorted(await rows(store, sa.select(media.c.platform_id, media.c.place))),
        "twins": len(await rows(store, sa.select(message_twin.c.twin_id))),
        "talks": sorted(await rows(store, sa.select(conversation.c.channel, conversation.c.account_id))),
    }


async def _standing(store: Store) -> archives.ArchiveStanding | None:
    async with store.read() as tx:
        return await archives.find_standing(tx, CORP)

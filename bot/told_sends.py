"""Puts what people sent by hand from the sidebar, and mass sends that were confirmed, on the one record of talk.

A step that may be cut at any point: each send is one message under its delivery's key. Where the archive tells of the
same words, the message from here is a twin and counts no more (store/twins.py).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.channels.archive import parsing
from domain.delivery import Attached
from domain.ports import Clock
from domain.talk import Author
from store import conversations, customers, messages, staff, told_sends, twins
from store.database import Store
from store.told_sends import ToldSend

# An end may be told late, and results of a mass send come over days; older ones are on record or never will be.
_BACK = timedelta(days=14)
_AT_ONCE = 500


class ToldSends:
    """Records sends."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        # How many targets of each mass send are on record.
        self._counts: dict[int, int] = {}

    async def record_due(self) -> None:
        """Record every send that is known to have arrived and not recorded."""
        now = self._clock.now()
        since = now - _BACK
        counts: dict[int, int] = {}
        async with self._store.read() as tx:
            told = await told_sends.list_by_hand(tx, since)
            after = 0
            while True:
                some, after, seen = await told_sends.list_mass(
                    tx, since, after_id=after, known_counts=self._counts
                )
                told += some
                counts |= seen
                if not after:
                    break
        for start in range(0, len(told), _AT_ONCE):
            await self._record(told[start : start + _AT_ONCE], now)
        self._counts = counts

    async def _record(self, told: Sequence[ToldSend], now: datetime) -> None:
        await self._store.write(lambda tx: record(tx, told, now))


async def record(tx: AsyncConnection, told: Sequence[ToldSend], now: datetime) -> int:
    """Record sends that are not on record yet; return how many."""
    fresh = await told_sends.keep_new(tx, told)
    if not fresh:
        return 0
    talks = await _ensure_talks(tx, fresh, now)
    numbers = await messages.add(tx, [_new_message(one, talks[_talk(one)]) for one in fresh], now)
    latest: dict[int, datetime] = {}
    for one in fresh:
        talk = talks[_talk(one)]
        latest[talk] = max(one.sent_at, latest.get(talk, one.sent_at))
    await conversations.set_heard(tx, latest, now)
    spoken = [
        twins.Spoken(
            id=number,
            conversation_id=talks[_talk(one)],
            servicer_id=one.by,
            sent_at=one.sent_at,
            text=one.text,
        )
        for one, number in zip(fresh, numbers, strict=True)
        if one.text
    ]
    await twins.find_for_others(tx, spoken, now)
    return len(fresh)


def _talk(one: ToldSend) -> tuple[str, str]:
    """Return (member, customer) of a one-to-one talk, ("", chat id) of a group."""
    return (one.by, one.target) if parsing.is_customer(one.target) else ("", one.target)


async def _ensure_talks(
    tx: AsyncConnection, fresh: Sequence[ToldSend], now: datetime
) -> dict[tuple[str, str], int]:
    pairs = {talk for one in fresh if (talk := _talk(one))[0]}
    who = await customers.ensure(tx, sorted({customer for _, customer in pairs}), now)
    await staff.ensure(tx, sorted({one.by for one in fresh if one.by}), now)
    chats = await conversations.ensure_chats(tx, {(by, who[customer]) for by, customer in pairs}, now)
    groups = await conversations.ensure_group(tx, {one.target for one in fresh if not _talk(one)[0]}, now)
    talks = {(by, customer): chats[by, who[customer]] for by, customer in pairs}
    return talks | {("", chat_id): number for chat_id, number in groups.items()}


def _new_message(one: ToldSend, talk: int) -> messages.NewMessage:
    lines = [one.text, *(title for file in one.attachments if (title := _title(file)))]
    return messages.NewMessage(
        conversation_id=talk,
        source=one.source,
        msgid=one.msgid,
        author=Author.SERVICER,
        kind="text" if one.text else (one.attachments[0].kind if one.attachments else "text"),
        sent_at=one.sent_at,
        text=one.text or "\n".join(line for line in lines if line),
        raw=json.dumps(
            {"text": one.text, "attachments": [_title(file) for file in one.attachments]}, ensure_ascii=False
        ),
        servicer_id=one.by,
    )


def _title(file: Attached) -> str:
    return file.title or file.name

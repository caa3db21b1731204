"""Reads the message archive through the platform's library: the ArchiveReader of domain/archive.py.

Keeps the library's limits (WeCom doc 91552: 1,000 entries a call, 4,000 calls and 25,000 parts a minute), asks for
fewer entries when an answer would be too big, and finds the entry that kills the library.
"""

from __future__ import annotations

import json
import re
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from bot.channels.archive import errors, parsing
from bot.channels.archive.process import LibraryProcess
from bot.channels.archive.sdk import LEAST_ENCRYPTED
from domain.archive import Entry, HoldReason, Opened, Piece
from domain.errors import ChannelBusy, ChannelRefused

MOST_ENTRIES = 1000
CALLS_A_MINUTE = 4000
PARTS_A_MINUTE = 25_000
# Ours beyond the library's own limit for a call, which it may not keep.
_GRACE_SECONDS = 10.0
_OPEN_SECONDS, _OPEN_SECONDS_EACH = 5.0, 0.03
# How often an entry must kill the library, all alone, to be blamed.
_STRIKES = 3
# What both databases keep.
_MOST_SEQ, _MOST_VERSION = 2**63 - 1, 2**31 - 1
_DIGITS = 20
_CODE = re.compile(r"-?[0-9]{1,9}")
_HOLDS = {one.value: one for one in HoldReason}


class SdkReader:
    """Reads with one child process."""

    def __init__(
        self,
        process: LibraryProcess,
        *,
        call_seconds: int = 10,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._process = process
        self._call_seconds = call_seconds + _GRACE_SECONDS
        self._calls = _Rate(CALLS_A_MINUTE, monotonic)
        self._parts = _Rate(PARTS_A_MINUTE, monotonic)
        self._limit = MOST_ENTRIES

    async def pull(self, seq: int, limit: int) -> tuple[Entry, ...]:
        """See domain.archive.ArchiveReader."""
        while True:
            asked = max(1, min(limit, self._limit, MOST_ENTRIES))
            self._calls.take()
            try:
                _, content = await self._process.call(
                    "pull", seconds=self._call_seconds, seq=seq, limit=asked
                )
                entries = _entries(content, after=seq)
            except errors.TooBig:
                if asked == 1:
                    raise
                self._limit = asked // 2
                continue
            # What was too big there need not be too big here.
            self._limit = min(MOST_ENTRIES, self._limit * 2)
            return entries

    async def open(self, entries: Sequence[Entry]) -> list[Opened]:
        """See domain.archive.ArchiveReader."""
        opened: list[Opened] = [_too_short() for _ in entries]
        fit = [place for place, one in enumerate(entries) if _fits(one)]
        for place, found in zip(fit, await self._open([entries[place] for place in fit]), strict=True):
            opened[place] = found
        return opened

    async def fetch(self, file_id: str, index: str) -> Piece:
        """See domain.archive.ArchiveReader."""
        if not file_id or "\0" in file_id + index:
            raise ChannelRefused("GetMediaData: no file id", endpoint="GetMediaData")
        self._parts.take()
        told, content = await self._process.call(
            "media", seconds=self._call_seconds, file=file_id, index=index
        )
        return Piece(content=content, next_index=str(told["index"]), is_last=bool(told["is_last"]))

    async def close(self) -> None:
        """See domain.archive.ArchiveReader."""
        await self._process.close()

    async def _open(self, entries: Sequence[Entry]) -> list[Opened]:
        """Open them together; when that kills the library, in halves, until the one that does is alone."""
        if not entries:
            return []
        for _ in range(_STRIKES if len(entries) == 1 else 1):
            try:
                return await self._open_together(entries)
            except errors.ChildDied as error:
                if error.endpoint != "open":
                    raise  # It does not even start: no entry is to blame.
                self._process.forgive()
        if len(entries) == 1:
            return [Opened(reason=HoldReason.POISON, error=f"killed the library {_STRIKES} times")]
        middle = len(entries) // 2
        return [*await self._open(entries[:middle]), *await self._open(entries[middle:])]

    async def _open_together(self, entries: Sequence[Entry]) -> list[Opened]:
        rows = [[one.key_version, one.random_key, one.encrypted] for one in entries]
        seconds = _OPEN_SECONDS + _OPEN_SECONDS_EACH * len(rows)
        told, _ = await self._process.call("open", seconds=seconds, entries=rows)
        return [_opened(word, text) for word, text in told["opened"]]


class _Rate:
    """At most so many uses within any minute."""

    def __init__(self, most: int, monotonic: Callable[[], float]) -> None:
        self._most, self._monotonic = most, monotonic
        self._used: deque[float] = deque()

    def take(self) -> None:
        """Count one use. Raises ChannelBusy when there were too many."""
        now = self._monotonic()
        while self._used and now - self._used[0] >= 60:
            self._used.popleft()
        if len(self._used) >= self._most:
            wait = timedelta(seconds=60 - (now - self._used[0]))
            raise ChannelBusy("the archive's limit of calls a minute", retry_after=wait, errcode=45009)
        self._used.append(now)


def _fits(one: Entry) -> bool:
    return len(one.encrypted.encode()) >= LEAST_ENCRYPTED and "\0" not in one.encrypted


def _too_short() -> Opened:
    return Opened(
        reason=HoldReason.DAMAGED, error="too short, or holds a zero byte; not given to the library"
    )


def _opened(word: str, text: str) -> Opened:
    if not word:
        return Opened(text=text)
    reason = _HOLDS.get(word, HoldReason.DAMAGED)
    return Opened(reason=reason, error=text)


def _entries(content: bytes, *, after: int) -> tuple[Entry, ...]:
    """Return the entries of an answer, oldest first, each seq once. Raises ChannelError for one that is none."""
    try:
        answer = json.loads(content.decode("utf-8", "replace"), strict=False, parse_int=_number)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise errors.of_code("GetChatData", 10002)
    code = answer.get("errcode") or 0
    if code:
        raise errors.of_code("GetChatData", int(code) if _CODE.fullmatch(str(code)) else 10002)
    rows = answer.get("chatdata") or []
    if not isinstance(rows, list):
        raise errors.of_code("GetChatData", 10002)
    found = {one.seq: one for row in rows if (one := _entry(row)) is not None and one.seq > after}
    return tuple(found[seq] for seq in sorted(found))


def _entry(row: Any) -> Entry | None:
    """Return an entry; None for what has no number we can keep, which could not be asked for again either."""
    if not isinstance(row, dict) or not _is_within(row.get("seq"), _MOST_SEQ):
        return None
    return Entry(
        seq=row["seq"],
        msgid=parsing.clean(str(row.get("msgid") or f"seq-{row['seq']}"))[:128],
        key_version=row["publickey_ver"] if _is_within(row.get("publickey_ver"), _MOST_VERSION) else 0,
        random_key=parsing.clean(str(row.get("encrypt_random_key") or "")),
        encrypted=parsing.clean(str(row.get("encrypt_chat_msg") or "")),
    )


def _is_within(number: object, most: int) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= most


def _number(digits: str) -> int:
    """Return a number of an answer; -1 for one that is longer than any can be, which must not cost the answer."""
    return int(digits) if len(digits) <= _DIGITS else -1

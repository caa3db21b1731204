"""The append-only log of one kf account that sync_msg reads, with opaque cursors and three days of retention.

Source: WeCom doc 94670. Numbers grow over restarts of the sandbox, so a cursor stored by a client stays usable.
"""

from __future__ import annotations

import base64
import bisect
import hashlib
from dataclasses import dataclass
from typing import Any

RETENTION_SECONDS = 3 * 24 * 3600
COMPACT_AT = 4096


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    number: int
    at: float
    message: dict[str, Any]


class CursorError(Exception):
    """The cursor was not given out by this log."""


class Logbook:
    """Entries in the order they happened. All operations are O(log n) or better, apart from the page itself."""

    def __init__(self, name: str) -> None:
        self._key = hashlib.sha256(name.encode()).digest()
        self._entries: list[Entry] = []
        self._numbers: list[int] = []
        self._dead = 0
        self._stir = 0

    def append(self, entry: Entry) -> None:
        self._entries.append(entry)
        self._numbers.append(entry.number)

    def page(self, cursor: str, limit: int, now: float) -> tuple[list[dict[str, Any]], str, bool]:
        """Up to `limit` messages after `cursor` (empty: from the oldest kept), the next cursor, and has_more."""
        self._forget(now)
        start = self._position(cursor)
        entries = self._entries[start : start + limit]
        last = entries[-1].number if entries else self._last_before(start, cursor)
        return (
            [entry.message for entry in entries],
            self._cursor(last),
            start + len(entries) < len(self._entries),
        )

    def has_after(self, cursor: str, now: float) -> bool:
        self._forget(now)
        return self._position(cursor) < len(self._entries)

    def same_place(self, cursor: str) -> str:
        """Another cursor for the same place, given out with an empty page."""
        return self._cursor(self._last_before(self._position(cursor), cursor))

    def _position(self, cursor: str) -> int:
        if not cursor:
            return self._dead
        return max(self._dead, bisect.bisect_right(self._numbers, self._number_of(cursor)))

    def _last_before(self, start: int, cursor: str) -> int:
        if cursor:
            return self._number_of(cursor)
        return self._numbers[start - 1] if start else 0

    def _forget(self, now: float) -> None:
        oldest = now - RETENTION_SECONDS
        while self._dead < len(self._entries) and self._entries[self._dead].at < oldest:
            self._dead += 1
        if self._dead >= COMPACT_AT:
            del self._entries[: self._dead]
            del self._numbers[: self._dead]
            self._dead = 0

    def _cursor(self, number: int) -> str:
        self._stir += 1
        body = number.to_bytes(8, "big") + (self._stir & 0xFFFF).to_bytes(2, "big")
        mark = hashlib.blake2b(body, key=self._key, digest_size=8).digest()
        return base64.urlsafe_b64encode(mark + body).decode()

    def _number_of(self, cursor: str) -> int:
        try:
            raw = base64.urlsafe_b64decode(cursor.encode())
        except ValueError as error:
            raise CursorError(cursor) from error
        body = raw[8:]
        if len(raw) != 18 or hashlib.blake2b(body, key=self._key, digest_size=8).digest() != raw[:8]:
            raise CursorError(cursor)
        return int.from_bytes(body[:8], "big")

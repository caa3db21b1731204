"""The message archive (会话存档): its entries as they come, what is made of them, and what customers said about it.

Pure data, and the port to whoever reads it. bot/channels/archive/ reads the platform's own library; rows are kept by
store/archives.py and store/consents.py. Times are aware UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class HoldReason(StrEnum):
    """Why an entry of the archive could not be read, or what is odd about one that could."""

    NO_KEY = "no_key"  # Its private key is not set up; read once the key is added.
    BAD_KEY = "bad_key"  # The private key of that version does not open it.
    DAMAGED = "damaged"  # The library cannot decrypt it, or it is too short to be tried.
    POISON = "poison"  # It kills the process that opens it.
    UNREADABLE = "unreadable"  # Decrypted, and no message.
    CLOCK = "clock"  # Recorded; its time cannot be true, so it stands at that of its neighbours.


# What a new private key may mend.
WAITING_FOR_KEY = frozenset({HoldReason.NO_KEY, HoldReason.BAD_KEY})


class ConsentStatus(StrEnum):
    """What a customer said about being archived."""

    AGREE = "agree"
    DISAGREE = "disagree"
    DEFAULT_AGREE = "default_agree"  # The platform's own default, which is no consent (PIPL 14).


class ConsentSource(StrEnum):
    """How we know of it."""

    ARCHIVE = "archive"  # An entry of the archive.
    EVENT = "event"  # The callback msg_audit_approved.
    CHECK = "check"  # We asked (check_single_agree, check_room_agree).


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An entry of the archive as it came. `random_key`: the message's key, RSA-encrypted, base64."""

    seq: int
    msgid: str
    key_version: int
    random_key: str = field(repr=False)
    encrypted: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Opened:
    """What opening an entry gave: its plain text, or why there is none. `error`: for people, never words of it."""

    text: str = field(default="", repr=False)
    reason: HoldReason | None = None
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """One part of a file, at most 512 KB. `next_index`: where the next one begins, the library's own word."""

    content: bytes = field(repr=False)
    next_index: str
    is_last: bool


class ArchiveReader(Protocol):
    """Who reads the archive: the Finance SDK's library, or another way to the same messages."""

    async def pull(self, seq: int, limit: int) -> tuple[Entry, ...]:
        """Return up to `limit` entries after `seq`, oldest first; empty: nothing newer. Raises ChannelError."""
        ...

    async def open(self, entries: Sequence[Entry]) -> list[Opened]:
        """Return what each entry says, in the order given. Raises ChannelError when nothing can be opened now."""
        ...

    async def fetch(self, file_id: str, index: str) -> Piece:
        """Return the part of a file that begins at `index` ("" for the first). Raises ChannelError."""
        ...

    async def close(self) -> None:
        """End."""
        ...


class Action(StrEnum):
    """What an archived message tells."""

    SEND = "send"
    RECALL = "recall"
    SWITCH = "switch"  # A member changed the company they work in; nothing was said.
    OTHER = "other"  # Kept, whatever it is.


@dataclass(frozen=True, kw_only=True)
class FileTold:
    """A file of a message. `place`: its number in the message; `md5` hex and `size_bytes` as the platform told."""

    place: int
    kind: str
    file_id: str
    md5: str = ""
    size_bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class ConsentWord:
    """What a customer said, to whom. One of `staff_id` and `chat_id` is ""."""

    customer_id: str
    staff_id: str = ""
    chat_id: str = ""
    status: ConsentStatus
    changed_at: datetime

    @property
    def subject(self) -> tuple[str, str, str]:
        """Whom it is about: customer, member, group."""
        return self.customer_id, self.staff_id, self.chat_id


@dataclass(frozen=True, kw_only=True)
class Consent(ConsentWord):
    """The same as a row."""

    id: int


@dataclass(frozen=True, kw_only=True)
class Archived:
    """An archived message, read. `told_at`: None when the platform gave no time that can be one.

    `sender`, `receivers`: UserIDs, external ids, robots. `room_id`: "" in a single chat. `text`: what a person would
    read, "" for a picture; `raw`: the whole as decrypted. `recalled_msgid`: what was taken back.
    """

    seq: int
    msgid: str
    action: Action
    sender: str
    receivers: tuple[str, ...]
    room_id: str
    told_at: datetime | None
    kind: str
    text: str = field(default="", repr=False)
    raw: str = field(default="", repr=False)
    files: tuple[FileTold, ...] = ()
    recalled_msgid: str = ""
    consent: ConsentWord | None = None

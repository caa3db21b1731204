"""What the phone page may ask of a step: the face of scheduler/acts.py.

Every act takes the open transaction and raises ActRefused with a Chinese sentence when it cannot be done.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.delivery import Attached


class ByHand(Protocol):
    """A text that leaves by a person's hand, written down as attempting. `delivery_key`: what the end is told for."""

    @property
    def delivery_key(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def attachments(self) -> Sequence[Attached]: ...


class Acts(Protocol):
    """`by` is a UserID."""

    async def done(self, tx: AsyncConnection, occurrence_id: int, *, by: str, now: datetime) -> object: ...

    async def postpone(
        self, tx: AsyncConnection, occurrence_id: int, *, by: str, until: datetime, reason: str, now: datetime
    ) -> object: ...

    async def problem(
        self, tx: AsyncConnection, occurrence_id: int, *, by: str, note: str, now: datetime
    ) -> object: ...

    async def begin_by_hand(
        self, tx: AsyncConnection, occurrence_id: int, *, by: str, now: datetime
    ) -> ByHand: ...

    async def end_by_hand(
        self, tx: AsyncConnection, delivery_key: str, *, is_sent: bool, error: str, by: str, now: datetime
    ) -> object: ...

    async def tick(
        self, tx: AsyncConnection, enrolment_id: int, *, point: str, is_on: bool, by: str, now: datetime
    ) -> object: ...

    async def bind_welcome(
        self, tx: AsyncConnection, enrolment_id: int, *, by: str, now: datetime
    ) -> object: ...

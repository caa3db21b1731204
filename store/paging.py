"""Places in a long list: the next page begins after the last row seen, so no page costs more than the first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# 9999-12-31 in microseconds; a larger number in an address is nonsense.
_LATEST = 253_402_300_799_000_000


@dataclass(frozen=True, kw_only=True)
class Place:
    """The row a page ended with: its time and id. Written into addresses as `microseconds-id`, with `-u` if urgent.

    `is_urgent`: the row stood among those that a list puts before all others.
    """

    at: datetime
    id: int
    is_urgent: bool = False

    def __str__(self) -> str:
        urgent = "-u" if self.is_urgent else ""
        return f"{(self.at - _EPOCH) // timedelta(microseconds=1)}-{self.id}{urgent}"


def parse(text: str) -> Place | None:
    """Return the place an address names; None when it names none, then the list begins at its head."""
    bare = text.removesuffix("-u")
    micros, _, id_ = bare.partition("-")
    if not (micros.isascii() and micros.isdigit() and id_.isascii() and id_.isdigit()):
        return None
    if len(micros) > 18 or int(micros) > _LATEST or len(id_) > 18:
        return None
    at = _EPOCH + timedelta(microseconds=int(micros))
    return Place(at=at, id=int(id_), is_urgent=bare != text)


def before(time: sa.ColumnElement[Any], id_: sa.ColumnElement[Any], place: Place) -> sa.ColumnElement[bool]:
    """Return the condition for rows older than `place`. The redundant first part lets the index be used."""
    return sa.and_(time <= place.at, sa.or_(time < place.at, id_ < place.id))


def after(time: sa.ColumnElement[Any], id_: sa.ColumnElement[Any], place: Place) -> sa.ColumnElement[bool]:
    """Return the condition for rows later than `place`."""
    return sa.and_(time >= place.at, sa.or_(time > place.at, id_ > place.id))

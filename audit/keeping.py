"""Which row a session that was cut again keeps, and what the rows that are left over become. Pure.

A row belongs to the slice that begins with its first message, else to one in which its first message lies and that has
no row yet. What is left over has become part of the slice its first message lies in, or that began last before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domain.audit import Slice
from store.audit_sessions import KeptSession


@dataclass(frozen=True, kw_only=True)
class Kept:
    """`rows`: the row of each slice, None for a new one. `merged`: left-over rows by id, with the slice's place."""

    rows: tuple[KeptSession | None, ...]
    merged: dict[int, int]


def keep(kept: Sequence[KeptSession], slices: Sequence[Slice]) -> Kept:
    """Return which rows the slices of one conversation keep. `kept`: in order of time, those merged away too."""
    by_first = {one.first_message_id: one for one in kept}
    place_of = {said.id: place for place, piece in enumerate(slices) for said in piece.messages}
    rows = [by_first.get(piece.messages[0].id) for piece in slices]
    taken = {row.id for row in rows if row is not None}
    standing = [one for one in kept if one.merged_into is None and one.id not in taken]
    merged: dict[int, int] = {}
    for one in standing:
        place = place_of.get(one.first_message_id)
        if place is not None and rows[place] is None:
            rows[place] = one
        elif slices:
            before = [at for at, piece in enumerate(slices) if piece.started_at <= one.started_at]
            merged[one.id] = place if place is not None else (before[-1] if before else 0)
    return Kept(rows=tuple(rows), merged=merged)

"""Where in a message something was found: its text in pieces, each with the findings that lie on it. Pure.

Spans may overlap, and may reach beyond a text that was cut; the pieces put together are the text, letter by letter.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from console import marking
from store.finding_reports import FindingRow


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A run of characters. `on`: numbers of the findings that lie on it; `ends`: of those that end with it."""

    text: str
    on: tuple[int, ...]
    ends: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Marked:
    """A finding with the number it has on the page. `tone`: how it looks: red, counted, doubt or past."""

    number: int
    row: FindingRow

    @property
    def tone(self) -> str:
        if self.row.counts:
            return "red" if self.row.is_red else "counted"
        return "doubt" if self.row.state == "suspected" else "past"


def numbered(findings: Iterable[FindingRow]) -> list[Marked]:
    """Return the findings with numbers from 1 on, in the order given."""
    return [Marked(number=number, row=row) for number, row in enumerate(findings, 1)]


def pieces_of(text: str, spans: Sequence[tuple[int, int, int]]) -> list[Piece]:
    """Return the pieces of a text. `spans`: start, end (half-open) and the finding's number.

    An empty span is about the message as a whole and marks nothing in it.
    """
    cut = marking.pieces(text, [one for one in spans if one[0] < one[1]])
    following = [*(frozenset(piece.marks) for piece in cut[1:]), frozenset[int]()]
    return [
        Piece(
            text=piece.text,
            on=tuple(sorted(piece.marks)),
            ends=tuple(sorted(set(piece.marks) - after)),
        )
        for piece, after in zip(cut, following, strict=False)
    ]


def spans_in(message_id: int, marked: Iterable[Marked]) -> list[tuple[int, int, int]]:
    """Return where the findings lie in one message, as `pieces_of` takes them."""
    return [
        (start, end, one.number)
        for one in marked
        for message, start, end in one.row.spans
        if message == message_id
    ]


def of_message(message_id: int, marked: Iterable[Marked]) -> list[Marked]:
    """Return the findings whose first place is in this message."""
    return [one for one in marked if one.row.message_id == message_id]


def tones(marked: Iterable[Marked]) -> dict[int, str]:
    """Return the tone of each number."""
    return {one.number: one.tone for one in marked}

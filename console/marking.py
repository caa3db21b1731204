"""Findings in place: a text cut into the pieces that are marked and those that are not. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A part of a text. `marks`: the findings it belongs to, none for plain text."""

    text: str
    marks: tuple[int, ...] = ()


def pieces(text: str, spans: Sequence[tuple[int, int, int]]) -> list[Piece]:
    """Cut a text at the spans (start, end, finding); they may overlap. (0, 0) is the text as a whole.

    Put together the pieces are the text again; a span beyond its end is cut off.
    """
    whole = [
        (max(0, start), min(len(text), end) if end else len(text), finding) for start, end, finding in spans
    ]
    edges = sorted({0, len(text), *(edge for start, end, _ in whole for edge in (start, end) if start < end)})
    return [
        Piece(
            text=text[start:end],
            marks=tuple(
                dict.fromkeys(finding for first, last, finding in whole if first <= start and end <= last)
            ),
        )
        for start, end in itertools.pairwise(edges)
    ]

"""Findings in the words of a message: nothing is lost, and every piece knows what lies on it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from console import audit_marks
from console.audit_marks import Piece

TEXTS = st.text(alphabet="保本绝对安全 😀", max_size=12)
SPANS = st.lists(st.tuples(st.integers(0, 14), st.integers(0, 14), st.integers(1, 4)), max_size=5)


@given(text=TEXTS, spans=SPANS)
def test_marked_pieces_put_together_are_the_text(text: str, spans: list[tuple[int, int, int]]) -> None:
    pieces = audit_marks.pieces_of(text, spans)

    assert "".join(piece.text for piece in pieces) == text
    at = 0
    for piece in pieces:
        inside = {number for start, end, number in spans if start <= at and at + len(piece.text) <= end}
        assert set(piece.on) == (inside if piece.text else set())
        at += len(piece.text)


def test_overlapping_findings_share_the_words_both_lie_on() -> None:
    pieces = audit_marks.pieces_of("本金绝对安全", [(0, 4, 1), (2, 6, 2), (0, 0, 3)])

    assert pieces == [
        Piece(text="本金", on=(1,), ends=()),
        Piece(text="绝对", on=(1, 2), ends=(1,)),
        Piece(text="安全", on=(2,), ends=(2,)),
    ]

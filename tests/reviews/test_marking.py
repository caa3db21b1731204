"""A marked text is the text: nothing is lost, doubled or moved."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from console import marking
from console.marking import Piece


@given(
    st.text(max_size=30),
    st.lists(st.tuples(st.integers(0, 35), st.integers(0, 40), st.integers(1, 4)), max_size=5),
)
def test_the_pieces_are_the_text(text: str, spans: list[tuple[int, int, int]]) -> None:
    assert "".join(one.text for one in marking.pieces(text, spans)) == text


def test_overlapping_marks_belong_to_both() -> None:
    assert marking.pieces("保本放心买", [(0, 2, 7), (1, 4, 8)]) == [
        Piece(text="保", marks=(7,)),
        Piece(text="本", marks=(7, 8)),
        Piece(text="放心", marks=(8,)),
        Piece(text="买"),
    ]
    assert marking.pieces("保本", [(0, 0, 7)]) == [Piece(text="保本", marks=(7,))]

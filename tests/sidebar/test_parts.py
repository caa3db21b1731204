"""Long words in messages that the client takes."""

from __future__ import annotations

from console.sidebar import parts


def test_long_words_are_cut_between_sentences_and_nothing_is_lost() -> None:
    text = "今天把三件事说清楚。" * 200

    cut = parts.split(text)

    assert len(text) == 2000
    assert "".join(cut) == text
    assert len(cut) == 2
    assert all(one.endswith("。") and len(one.encode()) <= parts.LIMIT_BYTES for one in cut)
    assert parts.split("  ") == []
    assert parts.split("a" * 8000) == ["a" * 3900, "a" * 3900, "a" * 200]

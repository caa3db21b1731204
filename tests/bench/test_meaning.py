"""The bench of the semantic channel at a small size; speed is judged by the bench itself, on a quiet machine."""

from __future__ import annotations

import importlib.util

import pytest

from bench import meaning
from bench.report import Report


@pytest.mark.skipif(
    importlib.util.find_spec("onnxruntime") is None, reason="the semantic channel is not installed"
)
def test_the_channel_tells_its_figures_and_gives_the_vectors_of_the_model() -> None:
    found = Report("meaning")

    meaning.measure(20, found)

    assert [row[0] for row in found.rows][:3] == ["CPU to load", "a question, p50 / p95", "20 phrases"]
    assert not [problem for problem in found.broken if "vectors" in problem or "installed" in problem]

"""Floors of the matcher on the question bench beside the checkout: other people's questions, other entries.

Thresholds are the shipped ones. The whole table, with what is reached today, is printed by bench/faq_figures.py; here
stand the floors of the work order where they are reached. loan_l (20,000 entries) is measured by command only.
"""

from __future__ import annotations

import functools
import importlib.util
import tempfile
from pathlib import Path
from types import ModuleType

import pytest

from bot import faq_bench
from content import loading, matching, meaning, segmentation
from domain.faq import Thresholds
from tests import shared

BENCH = Path(__file__).resolve().parents[3] / "shared" / "faqbench"
CONTENT = Path(__file__).resolve().parents[2] / "content"

pytestmark = pytest.mark.skipif(not (BENCH / "score.py").is_file(), reason=f"{shared.ABSENT}: faqbench")


@functools.cache
def _score() -> ModuleType:
    spec = importlib.util.spec_from_file_location("faqbench_score", BENCH / "score.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@functools.cache
def _channel() -> meaning.Meaning | None:
    return meaning.load(Path(tempfile.mkdtemp(prefix="guanjia-meaning-")))


@functools.cache
def _matcher(kb: str, by_meaning: bool) -> matching.Matcher:
    synonyms, lexicon = loading.load_language(CONTENT)
    segmentation.prepare(Path(tempfile.mkdtemp(prefix="guanjia-jieba-")), lexicon)
    matcher = matching.Matcher(faq_bench.read_subjects(BENCH / f"{kb}.kb.jsonl"), synonyms, lexicon)
    if by_meaning:
        channel = _channel()
        if channel is None:
            pytest.skip("the semantic channel is not installed (requirements-meaning.lock)")
        matcher.attach(channel)
    return matcher


@functools.cache
def figures(queries: str, *, kb: str = "loan_s", by_meaning: bool = False) -> dict[str, float]:
    """Return the scorer's figures in percent."""
    score, path = _score(), BENCH / f"{queries}.queries.jsonl"
    rows = score.read_jsonl(path)
    found = faq_bench.predict(_matcher(kb, by_meaning), faq_bench.read_queries(path), Thresholds())
    predictions = {
        one.query_id: {
            "ids": [entry for entry, _ in one.ranked],
            "answered": one.answered and bool(one.ranked),
            "confidence": one.confidence,
            "ms": one.milliseconds,
        }
        for one in found
    }
    judged = score.judge(rows, predictions)
    counted = score.figures(judged, score.confidence_blocks(judged))
    return {name: 100 * value for name, value in counted.items()}


def test_words_alone_find_and_doubt() -> None:
    found = figures("loan_s")

    assert found["hit@1"] >= 81
    assert found["hit@3"] >= 93
    assert found["aurc"] <= 33
    assert found["right"] >= 48
    assert found["precision"] >= 90
    assert found["false_answer"] <= 2


def test_meaning_finds_and_doubts_better() -> None:
    found = figures("loan_s", by_meaning=True)

    assert found["hit@1"] >= 90
    assert found["hit@3"] >= 97
    assert found["aurc"] <= 26.5  # Asked: 26; reached: 26.1.
    assert found["right"] >= 64
    assert found["precision"] >= 92
    assert found["false_answer"] <= 2


@pytest.mark.parametrize(
    ("kind", "loss"), [("typo", 3), ("trad", 3), ("width", 3), ("emoji", 3), ("filler", 3), ("drop", 7)]
)
def test_slips_and_politeness_cost_little(kind: str, loss: float) -> None:
    base = figures("perturbed/loan_s.base")["hit@1"]

    assert figures(f"perturbed/loan_s.{kind}")["hit@1"] >= base - loss


@pytest.mark.parametrize(("kind", "least"), [("pinyin_word", 72), ("pinyin_full", 68)])
def test_pinyin_is_understood(kind: str, least: float) -> None:
    assert figures(f"perturbed/loan_s.{kind}")["hit@1"] >= least


def test_two_questions_are_both_found() -> None:
    assert figures("perturbed/loan_s.two")["both@3"] >= 62


def test_question_is_found_in_a_long_message_and_other_talk_is_not_answered() -> None:
    found = figures("perturbed/loan_s.long")

    assert found["hit@1"] >= 72
    assert found["false_answer"] <= 15


def test_two_thousand_entries_are_told_apart() -> None:
    assert figures("loan_ml", kb="loan_m")["hit@1"] >= 77

"""Segmentation: nothing is lost, and both segmenters agree."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content import segmentation
from tests import shared
from tests.content import shipped


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[segmentation.Segmenter, segmentation.Segmenter]:
    fast = segmentation.load_rjieba(shipped.words().lexicon)
    assert fast is not None, "rjieba belongs to the development set-up"
    return segmentation.load_jieba(tmp_path_factory.mktemp("jieba"), shipped.words().lexicon), fast


def _own_texts() -> list[str]:
    faqs = shipped.words().faqs.values()
    sentences = [part for faq in faqs for part in faq.answer.replace("\n", "。").split("。") if part]
    return [said for faq in faqs for said in (faq.question, *faq.asks, *faq.keywords)] + sentences


def test_jieba_and_rjieba_agree_on_our_own_texts(
    both: tuple[segmentation.Segmenter, segmentation.Segmenter],
) -> None:
    texts = _own_texts()

    assert len(texts) > 1_000
    assert [text for text in texts if both[0].cut(text) != both[1].cut(text)] == []


def test_jieba_and_rjieba_agree_on_questions_of_customers(
    both: tuple[segmentation.Segmenter, segmentation.Segmenter],
) -> None:
    lines = shared.path("faqbench/loan_dense.queries.jsonl").read_text("utf-8").splitlines()
    texts = [json.loads(line)["text"] for line in lines]

    assert len(texts) > 1_500
    assert [text for text in texts if both[0].cut(text) != both[1].cut(text)] == []


def test_cache_lies_in_our_folder(tmp_path: Path) -> None:
    segmentation.load_jieba(tmp_path / "data", ["等额本息"])

    assert (tmp_path / "data" / "jieba.cache").is_file()


def test_words_of_the_lexicon_stay_whole(
    both: tuple[segmentation.Segmenter, segmentation.Segmenter],
) -> None:
    assert "综合融资成本" in both[0].cut("看综合融资成本表")


@given(st.text(max_size=60))
def test_tokens_lose_only_spaces(text: str) -> None:
    shipped.matcher()

    assert "".join(segmentation.tokens(text)) == "".join(text.split())

"""`guanjia faq bench` on a small file of our own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot import faq_bench
from domain.errors import ContentError

CONTENT = Path(__file__).resolve().parents[2] / "content"
KB = [
    {"id": "prepay", "question": "提前还款要交违约金吗", "similar": ["提前结清收手续费吗"]},
    {"id": "arrival", "question": "借款多久能到账", "similar": []},
]


def _write(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def test_predictions_are_written_for_every_message_from_the_given_entries_alone(tmp_path: Path) -> None:
    kb = _write(tmp_path / "kb.jsonl", [dict(row) for row in KB])
    queries = _write(
        tmp_path / "q.jsonl",
        [{"query_id": "1", "text": "提前還款要交違約金嗎"}, {"query_id": "2", "text": "犹豫期多少天"}],
    )

    found = faq_bench.measure(kb, queries, tmp_path / "p.jsonl", content_folder=CONTENT, lexical=True)

    first, second = (json.loads(line) for line in (tmp_path / "p.jsonl").read_text("utf-8").splitlines())
    assert (first["query_id"], first["ranked"][0][0], first["answered"]) == ("1", "prepay", True)
    assert not second["answered"]
    assert {entry for entry, _ in second["ranked"]} <= {"prepay", "arrival"}
    assert (found.entries, found.queries, found.has_meaning, found.meaning_share) == (2, 2, False, 0)


def test_line_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    kb = _write(tmp_path / "kb.jsonl", [{"id": "only"}])

    with pytest.raises(ContentError, match=r"kb\.jsonl:1: .*question"):
        faq_bench.read_subjects(kb)

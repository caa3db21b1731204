"""`guanjia suggest bench` on a small file of our own."""

from __future__ import annotations

import json
from pathlib import Path

from bot import suggest_bench
from content.suggesting import reading
from tests.content import shipped

KB = [
    {"id": "prepay", "question": "提前还款要交违约金吗", "similar": ["提前结清收手续费吗"]},
    {"id": "arrival", "question": "借款多久能到账", "similar": []},
]
QUERIES = [
    {"query_id": "1", "text": "提前還款要交違約金嗎", "gold": ["prepay"]},
    {"query_id": "2", "text": "犹豫期多少天", "gold": []},
    {"query_id": "3", "text": "钱多久到账", "gold": ["arrival"]},
]


def _write(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def test_right_entry_is_among_the_suggestions_after_small_talk(tmp_path: Path) -> None:
    kb, queries = _write(tmp_path / "kb", [*KB]), _write(tmp_path / "q", [*QUERIES])

    found = suggest_bench.measure(kb, queries, tmp_path / "p", content_folder=shipped.FOLDER, lexical=True)

    rows = [json.loads(line) for line in (tmp_path / "p").read_text("utf-8").splitlines()]
    assert [row["query_id"] for row in rows] == ["1", "2", "3"]
    assert all(
        len(row["ranked"]) <= 3 and {one for one, _ in row["ranked"]} <= {"prepay", "arrival"} for row in rows
    )
    assert (found.entries, found.answerable, found.hit3, found.bare_hit3, found.misread) == (
        2,
        2,
        1.0,
        1.0,
        0,
    )


def test_talk_before_a_question_is_two_to_four_turns_of_our_own_and_always_the_same() -> None:
    small = suggest_bench.small_talk()
    ours = {*small.customer, *small.staff}
    turns = set()
    for number in range(60):
        query = suggest_bench.Query(id=f"q{number}", text="提前还款要违约金吗", gold=frozenset())
        lines = suggest_bench.talk_before(query, small)

        assert lines == suggest_bench.talk_before(query, small)
        assert lines[-1].text == query.text
        assert {line.text for line in lines[:-1]} <= ours
        assert reading.read(lines, shipped.words().signals).text == query.text
        turns.add(sum(line.is_customer for line in lines) - 1)
    assert turns == {2, 3, 4}

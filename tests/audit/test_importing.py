"""`guanjia audit import`: dialogues of a file to scores of a file, without a database."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bot import cli

GOOD = {
    "id": "d1",
    "turns": [
        {"speaker": "customer", "text": "犹豫期有几天？", "at": "2026-11-23T10:00:00+08:00"},
        {
            "speaker": "advisor",
            "text": "您好，长期健康险的犹豫期不少于15天，以合同为准",
            "at": "2026-11-23T10:01:00+08:00",
        },
        {"speaker": "customer", "text": "好的谢谢", "at": "2026-11-23T10:02:00+08:00"},
        {"speaker": "advisor", "text": "不客气，还有什么可以帮您的吗？", "at": "2026-11-23T10:02:10+08:00"},
    ],
}
BAD = {
    "id": "d2",
    "turns": [
        {"speaker": "customer", "text": "会亏吗"},
        {"speaker": "advisor", "text": "您好，保本保息，亏了算我的"},
    ],
}
BOT = {
    "id": 3,
    "turns": [{"speaker": "customer", "text": "会亏吗"}, {"speaker": "bot", "text": "您好，理财有风险"}],
}


def run(
    folder: Path, lines: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> tuple[int, list[dict[str, Any]]]:
    monkeypatch.chdir(folder)
    (folder / "in.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    code = cli.main(["audit", "import", "in.jsonl", "--out", "out.jsonl"])
    out = folder / "out.jsonl"
    return code, [json.loads(line) for line in out.read_text("utf-8").splitlines()] if out.exists() else []


def test_dialogues_are_scored_line_by_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [json.dumps(one, ensure_ascii=False) for one in (GOOD, BAD, BOT)]

    code, (good, bad, bot) = run(tmp_path, [*lines[:2], "", lines[2]], monkeypatch)

    assert code == 0
    assert (good["id"], good["score"], good["grade"]) == ("d1", 100.0, "excellent")
    assert (good["red_lines"], good["findings"]) == ([], [])
    assert bad["red_lines"] == ["GUARANTEE"]
    items = {item["item"]: item["earned"] for item in bad["items"]}
    assert (items["D1"], items["D2"], items["D3"], items["F1"]) == (None, None, None, None)
    red = next(one for one in bad["findings"] if one["is_red"])
    assert (red["turn"], red["state"], red["severity"]) == (1, "suspected", "S0")
    start, end = red["span"]
    assert "保本" in BAD["turns"][1]["text"][start:end]  # type: ignore[index]
    assert red["rule"]
    assert "rule_version" in red
    assert bot["subject"] == "bot"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "in.jsonl:2: "),
        ("[1]", "in.jsonl:2: "),
        ('{"turns": [{"speaker": "customer", "text": "x"}]}', "id"),
        ('{"id": "x", "turns": []}', "turns"),
        ('{"id": "x", "turns": [{"speaker": "boss", "text": "x"}]}', "turns[0].speaker"),
        ('{"id": "x", "turns": [{"speaker": "customer"}]}', "turns[0].text"),
        ('{"id": "x", "turns": [{"speaker": "customer", "text": "x", "at": "10:00"}]}', "turns[0].at"),
        (
            '{"id": "x", "turns": [{"speaker": "customer", "text": "x", "at": "2026-11-23T10:00:00"}]}',
            "turns[0].at",
        ),
    ],
)
def test_mistake_names_line_and_field(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    line: str,
    said: str,
) -> None:
    code, _ = run(tmp_path, [json.dumps(BOT), line], monkeypatch)

    assert code == 2
    told = capsys.readouterr().err
    assert said in told
    assert "in.jsonl:2" in told

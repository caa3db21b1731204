"""The doors from outside put up with odd lines: scan and import go on, or name line and field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot import cli

DOORS = (["compliance", "scan", "--in", "in.jsonl"], ["audit", "import", "in.jsonl"])


def run(folder: Path, door: list[str], lines: bytes, patch: pytest.MonkeyPatch) -> tuple[int, list[Any]]:
    patch.chdir(folder)
    (folder / "in.jsonl").write_bytes(lines)
    code = cli.main([*door, "--out", "out.jsonl"])
    out = folder / "out.jsonl"
    return code, [json.loads(line) for line in out.read_text("utf-8").splitlines()] if out.exists() else []


def test_half_a_character_ends_no_scan_and_moves_no_span_5(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [
        b'{"text": "\\ud800\\u0000bao\\udc00", "role": "advisor"}',
        '{"text": "\\ud800这款产品保本保息", "role": "advisor"}'.encode(),
        '{"text": "\ufffd这款产品保本保息", "role": "advisor"}'.encode(),
        b'{"text": "", "role": "customer"}',
        '{"text": "这款产品保本保息", "role": "advisor"}'.encode(),
    ]

    code, found = run(tmp_path, DOORS[0], b"\n".join(lines), monkeypatch)

    assert code == 0
    assert len(found) == 5
    assert found[1] == found[2]
    assert [[start - 1, end - 1] for start, end in found[1]["spans"]] == found[4]["spans"]


def test_half_a_character_ends_no_import_5(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    turns = [{"speaker": "advisor", "text": "\ud800您好，保本\0保息\udfff，亏了算我的"}]
    lines = [json.dumps({"id": f"\ud800{n}", "turns": turns}).encode() for n in range(2)]

    code, found = run(tmp_path, DOORS[1], b"\n".join(lines), monkeypatch)

    assert code == 0
    assert [one["id"] for one in found] == ["\ufffd0", "\ufffd1"]


@pytest.mark.parametrize(
    ("turn", "said"),
    [
        ({"speaker": ["advisor"], "text": "x"}, "turns[0].speaker"),
        ({"speaker": {}, "text": "x"}, "turns[0].speaker"),
        ({"speaker": "\ud800", "text": "x"}, "turns[0].speaker"),
        ({"speaker": "bot", "text": "x", "at": "0001-01-01T00:00:00+14:00"}, "turns[0].at"),
        ({"speaker": "bot", "text": "x", "at": "9999-12-31T23:59:59-12:00"}, "turns[0].at"),
        ({"speaker": "bot", "text": "x", "at": ["\ud800"]}, "turns[0].at"),
    ],
)
def test_a_wrong_speaker_or_year_is_named_5(
    turn: dict[str, Any],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    good = {"id": "a", "turns": [{"speaker": "bot", "text": "您好"}]}
    lines = "\n".join(json.dumps(one) for one in (good, {"id": "b", "turns": [turn]})).encode()

    code, found = run(tmp_path, DOORS[1], lines, monkeypatch)

    assert (code, len(found)) == (2, 1)
    told = capsys.readouterr().err
    assert "in.jsonl:2" in told
    assert said in told


@pytest.mark.parametrize("door", DOORS, ids=["scan", "import"])
@pytest.mark.parametrize(
    "line",
    [b'{"text": ' + b"9" * 5000 + b"}", b"[" * 100_000, '{"text": "保本", "role": "bot"}'.encode("gbk")],
    ids=["digits", "deep", "gbk"],
)
def test_what_no_parser_takes_is_named_by_its_line_5(
    door: list[str],
    line: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, _ = run(tmp_path, door, b"\n" + line + b"\n", monkeypatch)

    assert code == 2
    assert "in.jsonl:2" in capsys.readouterr().err

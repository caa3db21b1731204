"""Quick phrases as editors write them: mistakes told with place and fix, and kept whole as versions."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from bot import library
from content import quick_files, tables
from domain.faq import EntityMode, Line, Refusal
from domain.quick import QuickPhrase
from tests.content import shipped

GOOD = """
[[quick]]
id = "loan.cost"
line = "loan"
title = "先看成本"
text = "先看年化综合成本。"
keywords = ["年化"]
risk_lines = ["RL-LOAN"]
source = "借款合同"
reviewer = "王芳"
reviewed_on = 2026-11-22
valid_from = 2026-11-22
valid_until = 2027-05-20
"""


def read(folder: Path, text: str) -> tuple[QuickPhrase, list[str]]:
    path = folder / "content" / "quick" / "loan.toml"
    path.parent.mkdir(parents=True)
    path.write_text(text, "utf-8")
    mistakes = tables.Mistakes()
    found = tables.load_tables(path, folder, ("quick",), mistakes) or []
    phrase = quick_files.parse_quick(found[0])
    words = shipped.words()
    quick_files.check_quick(found, {phrase.id: phrase}, words.risk_lines, words.rules)
    return phrase, mistakes.texts


def test_good_phrase_is_read_and_may_be_said_between_its_days(tmp_path: Path) -> None:
    phrase, mistakes = read(tmp_path, GOOD)

    def refusal(day: date, **changes: object) -> Refusal | None:
        values = {"entity_mode": EntityMode.LICENSED, "approved": True, "stopped": False} | changes
        return quick_files.servable(phrase, today=day, **values)  # type: ignore[arg-type]

    assert mistakes == []
    assert (phrase.line, phrase.slots) == (Line.LOAN, frozenset())
    assert refusal(date(2027, 5, 20)) is None
    assert refusal(date(2027, 5, 21)) is Refusal.EXPIRED
    assert refusal(date(2026, 11, 21)) is Refusal.NOT_YET_VALID
    assert refusal(date(2027, 1, 1), approved=False) is Refusal.UNAPPROVED
    assert refusal(date(2027, 1, 1), entity_mode=EntityMode.OFF) is Refusal.LINE_OFF
    assert refusal(date(2027, 1, 1), stopped=True) is Refusal.STOPPED


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('id = "loan.cost"', 'id = "wealth.cost"', "loan.toml:3"),
        ("先看年化综合成本。", "先看年化综合成本，{maturity}。", "{maturity}"),
        ("先看年化综合成本。", "放心，我们保证给您批下来。", "不能说的话"),
        ('"RL-LOAN"', '"RL-LAON"', "RL-LAON"),
        ('keywords = ["年化"]', 'signals = ["thank"]', "thank"),
        ("valid_until = 2027-05-20", "valid_until = 2028-05-20", "六个月"),
        ('title = "先看成本"', 'title = "' + "长" * 40 + '"', "60 字节"),
        ('line = "loan"', 'line = "lone"', "lone"),
        ('source = "借款合同"', 'sauce = "借款合同"', "sauce"),
    ],
)
def test_mistake_is_told_with_its_place(tmp_path: Path, old: str, new: str, told: str) -> None:
    _, mistakes = read(tmp_path, GOOD.replace(old, new))

    assert told in "".join(mistakes)
    assert all(text.startswith("content/quick/loan.toml:") for text in mistakes)


def test_stored_version_gives_the_phrase_back() -> None:
    adapter = TypeAdapter(QuickPhrase)
    for phrase in shipped.words().quick.values():
        assert adapter.validate_python(library.quick_body(phrase)) == phrase

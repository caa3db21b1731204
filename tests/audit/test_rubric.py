"""The scorecard as content: it adds up, mistakes name file and line, and a change is another version."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from content import loading, rubric
from domain.audit import Evidence
from domain.errors import ContentError
from tests.content import shipped

DAY = date(2026, 11, 23)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped scorecard that a test may spoil."""
    return Path(shutil.copytree(rubric.FOLDER, tmp_path / "content" / "rubric"))


def spoil(folder: Path, file: str, old: str, new: str) -> int:
    """Replace the first `old` by `new` and return its line."""
    path = folder / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    return text[: text.index(old)].count("\n") + 1


def mistakes(folder: Path) -> list[str]:
    with pytest.raises(ContentError) as caught:
        rubric.load(folder)
    return caught.value.problems


def test_weights_are_those_of_the_design() -> None:
    found = rubric.load()
    weights = {item.id: item.weight for item in found.items}
    by_dimension = {
        name: sum(weight for item, weight in weights.items() if item[0] == name) for name in found.dimensions
    }

    assert by_dimension == {"A": 30, "B": 25, "C": 20, "D": 10, "E": 10, "F": 5}
    assert (weights["A1"], weights["B1"], weights["C1"], weights["F3"]) == (10, 15, 8, 1)
    assert set(weights) == rubric.JUDGED


def test_bot_is_judged_by_compliance_accuracy_and_resolution() -> None:
    items = {item.id for item in rubric.load().items_for(rubric.BOT, DAY)}

    assert {item for item in rubric.JUDGED if item[0] in "ABC"} <= items
    assert not {item for item in items if item[0] in "DE"}


def test_deductions_of_meaning_wait_for_a_person() -> None:
    found = rubric.load()
    waiting = {name for name, one in found.deductions.items() if one.evidence is Evidence.ASSIST}

    assert {"A4.said", "B1.contradicts", "C1.asked_again", "E2.no_empathy"} <= waiting
    assert not {"D1.late", "A1.missing", "E1.no_greeting"} & waiting


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("advisor.toml", "weight = 10", 'weight = "10"', "write a number"),
        ("advisor.toml", 'evidence = "auto"', 'evidence = "automatic"', "write one of"),
        ("advisor.toml", 'subjects = ["advisor", "bot"]', 'subjects = ["robot"]', "advisor or bot"),
        ("advisor.toml", 'dimension = "A"', 'dimension = "Z"', "unknown dimension"),
        ("deductions.toml", 'item = "A1"', 'item = "A9"', "unknown item"),
        ("deductions.toml", '"{message}"', '"{messages}"', "unknown slot"),
        ("deductions.toml", 'id = "A1.missing"', 'id = "A1.mising"', "nothing the program finds"),
        ("deductions.toml", "points = 10", "points = 0", "how many points"),
        (
            "red_lines.toml",
            'must_match = ["你是傻逼吧"',
            'must_match = ["您好"',
            "does not match its example",
        ),
        (
            "wording.toml",
            'must_not_match = ["您好，请问有什么事"',
            'must_not_match = ["我的工号是1"',
            "must not",
        ),
        ("facts.toml", 'unit = ["day"]', 'unit = ["days"]', "unknown unit"),
        ("moods.toml", "value = -2", "value = -9", "from -2 to 2"),
    ],
)
def test_mistake_names_file_line_and_fix(folder: Path, file: str, old: str, new: str, said: str) -> None:
    line = spoil(folder, file, old, new)

    found = mistakes(folder)

    assert any(f"content/rubric/{file}:" in text and said in text for text in found)
    near = [int(text.split(":")[1]) for text in found if f"rubric/{file}:" in text and said in text]
    assert any(abs(number - line) <= 3 for number in near)


def test_missing_label_is_told(folder: Path) -> None:
    spoil(folder, "red_lines.toml", 'id = "TYING"', 'id = "TIEING"')

    assert any("TYING" in text and "add it" in text for text in mistakes(folder))


def test_items_of_one_id_may_follow_each_other_but_not_overlap(folder: Path) -> None:
    path = folder / "advisor.toml"
    text = path.read_text("utf-8")
    start = text.index("[[item]]")
    block = text[start : text.index("[[item]]", start + 1)]
    path.write_text(text.replace(block, f"{block}{block}", 1), "utf-8")
    assert any("same time" in problem for problem in mistakes(folder))

    valid = next(line for line in block.splitlines() if line.startswith("valid_from"))
    ended = block.replace(valid, f"{valid}\nvalid_until = 2026-11-30")
    later = block.replace(valid, "valid_from = 2026-12-01").replace("weight = 10", "weight = 20")
    path.write_text(text.replace(block, f"{ended}{later}", 1), "utf-8")
    found = rubric.load(folder)
    weights = [
        [item.weight for item in found.items_for(rubric.ADVISOR, day) if item.id == "A1"]
        for day in (date(2026, 11, 30), date(2026, 12, 1))
    ]
    assert weights == [[10], [20]]


def test_change_is_another_version_and_a_company_may_add_an_item_for_people(folder: Path) -> None:
    before = rubric.load(folder).version
    added = """
[[item]]
id = "G1"
dimension = "A"
name = "专业"
weight = 5
evidence = "human"
subjects = ["advisor"]
question = "说得专业吗？"
not_applicable = "没有说话"
valid_from = 2026-01-01
"""
    (folder / "own.toml").write_text(added, "utf-8")

    found = rubric.load(folder)

    assert found.version != before
    assert found.find_item("G1") is not None


def test_content_folder_without_a_scorecard_gets_the_shipped_one(tmp_path: Path) -> None:
    copy = Path(
        shutil.copytree(
            shipped.FOLDER,
            tmp_path / "content",
            ignore=shutil.ignore_patterns("*.py", "rubric", "__pycache__"),
        )
    )

    found = loading.load(copy, checked=loading.digest_of(copy))

    assert found.rubric.version == rubric.load().version

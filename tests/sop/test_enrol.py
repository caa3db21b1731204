"""Rules that let groups begin by themselves: the first that fits, and every mistake with its line."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from content import sop_enrol, sop_files
from tests.content import shipped

WEEK1 = "finance_week1"
RULE = sop_enrol.EnrolmentRule(
    id="new",
    template=WEEK1,
    rhythm="",
    owners=("anna", "ben"),
    name_pattern="新客|体验",
    tag="新客户",
    join_state="branch-01",
    min_size=10,
    max_size=300,
    opens_after_days=3,
    file="content/sop/enrol.toml",
    lineno=1,
)
GROUP = sop_enrol.GroupFacts(
    owner="ben",
    name="七月新客交流群",
    tags=frozenset({"新客户", "已加好友"}),
    join_states=frozenset({"branch-01", "branch-02"}),
    size=10,
)


@pytest.mark.parametrize(
    "other",
    [
        {"owner": "carl"},
        {"name": "老客户"},
        {"tags": frozenset({"已加好友"})},
        {"join_states": frozenset[str]()},
        {"size": 9},
        {"size": 301},
    ],
)
def test_group_meets_a_rule_only_when_all_of_it_fits(other: dict[str, object]) -> None:
    assert sop_enrol.find([RULE], GROUP) == RULE
    assert sop_enrol.find([RULE], replace(GROUP, **other)) is None  # type: ignore[arg-type]  # Fields by name.


def test_first_rule_that_fits_counts() -> None:
    other = replace(RULE, id="other", owners=("carl",))
    wide = replace(RULE, id="wide", owners=(), name_pattern="", tag="", join_state="", max_size=None)

    assert sop_enrol.find([other, RULE, wide], GROUP) == RULE
    assert sop_enrol.find([other, wide, RULE], GROUP) == wide


def test_tag_of_a_group_is_one_that_half_of_its_customers_carry() -> None:
    assert sop_enrol.common_tags([{"a", "b"}, {"a"}, {"c"}, set()]) == {"a"}
    assert sop_enrol.common_tags([]) == frozenset()


def loaded(tmp_path: Path, words: str) -> sop_files.Sops:
    folder = tmp_path / "content"
    shutil.copytree(shipped.FOLDER / "sop", folder / "sop")
    shutil.copy(shipped.FOLDER / "risk_lines.toml", folder / "risk_lines.toml")
    (folder / "sop" / "enrol.toml").write_text(words, "utf-8")
    return sop_files.load(folder, sop_files.load_rules(shipped.FOLDER), shipped.TODAY)


def test_rules_are_read_with_the_templates(tmp_path: Path) -> None:
    sops = loaded(tmp_path, f'[[rule]]\nid = "new"\ntemplate = "{WEEK1}"\nowners = ["anna"]\n')

    (rule,) = sops.rules
    assert sops.mistakes == ()
    assert (rule.template, rule.rhythm, rule.owners, rule.max_size) == (WEEK1, "", ("anna",), None)
    assert rule.opens_after_days == 3


def test_shipped_file_enrols_nobody_and_its_example_is_right(tmp_path: Path) -> None:
    words = (shipped.FOLDER / "sop" / "enrol.toml").read_text("utf-8")
    _, _, example = words.partition("# [[rule]]")
    active = "[[rule]]" + example.replace("\n# ", "\n")

    assert loaded(tmp_path / "as it is", words).rules == ()
    sops = loaded(tmp_path / "active", active)
    assert sops.mistakes == ()
    assert [rule.id for rule in sops.rules] == ["new_customers"]


@pytest.mark.parametrize(
    ("change", "line", "told"),
    [
        ('template = "finance_week2"', 3, "did you mean 'finance_week1'"),
        ('rhythm = "clam"', 3, "did you mean 'calm'"),
        ('name_pattern = "新客("', 3, "no regular expression"),
        ("min_size = 20\nmax_size = 10", 4, "no group fits"),
        ("min_size = 501", 3, "at most 500"),
        ("opens_after_days = 61", 3, "at most 60"),
        ("opens_after_days = -1", 3, "a whole number from 0"),
        ('onwers = ["anna"]', 3, "did you mean 'owners'"),
        ('owners = "anna"', 3, "a list of texts"),
    ],
)
def test_mistake_is_told_with_its_line_and_leaves_no_rule(
    tmp_path: Path, change: str, line: int, told: str
) -> None:
    head = '[[rule]]\nid = "new"\n' if change.startswith("template") else f'[[rule]]\nid = "new"\n{change}\n'
    tail = change if change.startswith("template") else f'template = "{WEEK1}"\ntag = "新客户"'

    sops = loaded(tmp_path, f"{head}{tail}\n" + ("tag = '新客户'" if tail == change else ""))

    assert len(sops.mistakes) == 1
    assert sops.mistakes[0].startswith(f"content/sop/enrol.toml:{line}: ")
    assert told in sops.mistakes[0]
    assert sops.rules == ()
    assert sops.broken == {"enrol.toml"}
    assert WEEK1 in sops.templates


def test_rule_for_every_group_and_a_rule_told_twice_are_refused(tmp_path: Path) -> None:
    every = f'[[rule]]\nid = "all"\ntemplate = "{WEEK1}"\n'
    twice = f'[[rule]]\nid = "new"\ntemplate = "{WEEK1}"\ntag = "a"\n' * 2

    assert "every group" in loaded(tmp_path / "every", every).mistakes[0]
    assert "twice, first at line 1" in loaded(tmp_path / "twice", twice).mistakes[0]

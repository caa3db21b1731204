"""guanjia sop list, check, preview and the SOP part of guanjia check."""

from __future__ import annotations

import io
import re
import shutil
from contextlib import redirect_stderr, redirect_stdout
from datetime import date
from enum import StrEnum
from pathlib import Path

import pytest

from bot import checking, cli
from bot.cli import sop
from bot.config.table import SHIPPED_FOLDER
from domain.sop import DeliveryCode, LimitMode, RungAct, SopKind, SopRole, StepPart
from scheduler import calendars, preview
from scheduler.timetable import Shift, Skip
from tests.content import shipped
from tests.sop import factory

MONDAY = date(2026, 11, 23)


def run(*arguments: str) -> tuple[int, str]:
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(out):
        code = cli.main(list(arguments))
    return code, out.getvalue()


@pytest.fixture(autouse=True)
def unconfigured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run where no configuration lies."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("words", "members"),
    [
        (sop.ROLES, SopRole),
        (sop.RUNGS, RungAct),
        (sop.SHIFTS, Shift),
        (sop.SKIPS, Skip),
        (
            sop.DELIVERIES,
            [code for code in DeliveryCode if code not in (DeliveryCode.MOMENTS, DeliveryCode.CALL_TASK)],
        ),
        (sop.KINDS, [SopKind.GROUP, SopKind.MEMBER]),
    ],
)
def test_every_word_is_said_in_chinese(words: dict[str, str], members: list[StrEnum]) -> None:
    assert set(words) == {str(member.value) for member in members}


def test_list_names_every_template_with_its_mass_sends() -> None:
    code, said = run("sop", "list")

    assert code == 0
    for part in (
        "finance_week1",
        "finance_weekly",
        "group_repair",
        "calm 从容：30 步，群发 4 条",
        "群发 7 条",
    ):
        assert part in said


def test_preview_shows_the_week_with_times_people_and_quota() -> None:
    code, said = run("sop", "preview", "finance_week1", "--from", "2026-11-23")

    assert code == 0
    for part in (
        "从容节奏",
        "D0 11-23",
        "1.2 开群仪式",
        "M 群发",
        "19:30",
        "30分 转交副手",
        "29/6/0",
        "这个群共用群发 4 条",
    ):
        assert part in said


def test_preview_warns_of_a_year_whose_holidays_are_unknown() -> None:
    unknown = max(calendars.packaged().years) + 1

    _, said = run("sop", "preview", "finance_weekly", "--from", f"{unknown - 1}-12-28")

    assert f"{unknown} 年的节假日还不知道" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["finance_week", "--from", "2026-11-23"], "没有流程 finance_week"),
        (["finance_week1", "--from", "tomorrow"], "日期写成 2026-11-23"),
        (["finance_week1", "--from", "2026-11-23", "--rhythm", "wild"], "只能是 calm、full"),
    ],
)
def test_preview_says_what_is_wrong_with_its_arguments(arguments: list[str], said: str) -> None:
    code, told = run("sop", "preview", *arguments)

    assert code == 2
    assert said in told


def test_preview_counts_what_one_member_reads() -> None:
    calm, full = (
        preview.preview(factory.template(), MONDAY, calendars.packaged(), rhythm=rhythm)
        for rhythm in ("calm", "full")
    )

    # W, opening, five cues, notice, question box, publication; in full also what calm may leave out.
    assert (calm.weeks[0].sure, calm.weeks[0].optional, calm.weeks[0].one_to_one) == (10, 4, 1)
    assert (full.weeks[0].sure, full.weeks[0].optional, full.weeks[0].one_to_one) == (13, 1, 2)
    last = [row for row in calm.rows if row.planned.is_mass_send][-1]
    assert last.planned.step.key == "review"
    # Four in the month and the week, one in the new week; none is left on that day.
    assert last.quota == {LimitMode.MONTH: 26, LimitMode.WEEK7: 6, LimitMode.DAY1: 0}


def test_preview_tells_words_that_will_have_expired() -> None:
    late = preview.preview(factory.template(), date(2027, 5, 19), calendars.packaged())

    expired = {row.planned.step.key for row in late.rows if row.is_expired}
    assert "review" in expired
    assert "opening" not in expired


def test_repeating_step_takes_its_words_in_turn() -> None:
    made = preview.preview(factory.template("finance_weekly"), MONDAY, calendars.packaged())

    lessons = [row.head for row in made.rows if row.planned.step.key == "lesson"]
    assert len(lessons) == 4
    assert len(set(lessons)) == 4


def test_member_starts_with_the_opening() -> None:
    made = preview.preview(factory.template(), MONDAY, calendars.packaged())

    opening = next(row for row in made.rows if row.planned.step.part is StepPart.OPENING)
    assert made.member_rows[0].at == opening.at


def test_check_tells_mistakes_of_sops_with_those_of_the_content(tmp_path: Path) -> None:
    copy = tmp_path / "content"
    shutil.copytree(SHIPPED_FOLDER / "content" / "sop", copy / "sop")
    shutil.copytree(SHIPPED_FOLDER / "content" / "compliance", copy / "compliance")
    shutil.copy(SHIPPED_FOLDER / "content" / "risk_lines.toml", copy / "risk_lines.toml")
    fine = checking.check_sops(copy, shipped.TODAY)
    steps = copy / "sop" / "finance_week1" / "steps.toml"
    steps.write_text(steps.read_text("utf-8").replace("day(6, 10:00)", "day(6, 22:00)"), "utf-8")

    broken = checking.check_sops(copy, shipped.TODAY)

    assert not [problem for problem in fine if problem.is_error]
    (told,) = [problem for problem in broken if problem.is_error]
    assert "安静时段" in told.text


def test_check_tells_every_file_of_sops_even_while_the_wording_rules_are_broken(tmp_path: Path) -> None:
    copy = tmp_path / "content"
    shutil.copytree(SHIPPED_FOLDER / "content" / "sop", copy / "sop")
    shutil.copytree(SHIPPED_FOLDER / "content" / "compliance", copy / "compliance")
    shutil.copy(SHIPPED_FOLDER / "content" / "risk_lines.toml", copy / "risk_lines.toml")
    next((copy / "compliance").glob("*.toml")).write_text("[[rule]\n", "utf-8")
    (copy / "sop" / "enrol.toml").write_text('[[rule]]\nid = "a"\ntemplate = "b"\ntag = "c"\n', "utf-8")
    (copy / "sop" / "calendar.toml").write_text("[[year]]\nyear = 2027\n", "utf-8")

    said = [problem.text for problem in checking.check_sops(copy, shipped.TODAY) if problem.is_error]

    assert any(text.startswith("content/sop/enrol.toml:3: ") for text in said)
    assert any(text.startswith("content/sop/calendar.toml:1: ") for text in said)
    assert not any("/words" in text for text in said)


@pytest.mark.parametrize(("month", "is_told"), [(10, False), (11, True)])
def test_check_warns_from_november_on_of_a_year_whose_holidays_nobody_knows(
    tmp_path: Path, month: int, is_told: bool
) -> None:
    last = max(calendars.packaged().years)

    found = checking.check_sops(_with_dates(tmp_path, last), date(last, month, 1))

    told = [one for one in found if f"{last + 1} 年的节假日还不知道" in one.text]
    assert bool(told) is is_told
    assert not any(one.is_error for one in told)


def _with_dates(tmp_path: Path, year: int) -> Path:
    """Return the shipped templates, valid in the autumn of a year."""
    copy = tmp_path / "content"
    for name in ("sop", "compliance"):
        shutil.copytree(SHIPPED_FOLDER / "content" / name, copy / name)
    shutil.copy(SHIPPED_FOLDER / "content" / "risk_lines.toml", copy / "risk_lines.toml")
    for path in copy.glob("sop/*/*.toml"):
        text = re.sub(r"(reviewed_on|valid_from) = [\d-]+", rf"\1 = {year}-09-01", path.read_text("utf-8"))
        path.write_text(re.sub(r"valid_until = [\d-]+", f"valid_until = {year}-12-31", text), "utf-8")
    return copy

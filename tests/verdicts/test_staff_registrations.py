"""Registrations in the company's own file about its staff, as TOML and as a spreadsheet's CSV."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from bot.clock import FrozenClock
from bot.overrides import Overrides
from content import staff_files
from domain.compliance import Registration
from domain.faq import Line
from store import registrations
from store.database import Store
from tests.console.factory import HOUSE

INSURANCE = Registration(line=Line.INSURANCE, number="A-1", valid_until=date(2028, 6, 30))


def written(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return path


def test_a_member_may_have_several(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "people.toml",
        '[[staff]]\nid = "lisi"\n'
        '[[staff.registrations]]\nline = "insurance"\nnumber = "A-1"\nvalid_until = 2028-06-30\n'
        '[[staff.registrations]]\nline = "wealth"\nnumber = "B"\nvalid_until = 2027-01-31\n'
        '[[staff]]\nid = "wangwu"\n',
    )

    read = staff_files.load(path)

    assert read.mistakes == ()
    assert [(one.platform_id, len(one.registrations)) for one in read.overrides or ()] == [
        ("lisi", 2),
        ("wangwu", 0),
    ]
    assert (read.overrides or ())[0].registrations[0] == INSURANCE


@pytest.mark.parametrize(
    ("written_as", "told"),
    [
        ('line = "service"\nnumber = "A"\nvalid_until = 2028-06-30', "只能是 insurance, wealth, loan"),
        ('line = "insurance"\nvalid_until = 2028-06-30', "缺少 number"),
        ('line = "insurance"\nnumber = "A"\nvalid_until = "明年"', "valid_until"),
        ('line = "insurance"\nnumber = "A"\nvalid_until = 2028-06-30\nuntil = 1', "until"),
        (f'line = "insurance"\nnumber = "{"9" * 65}"\nvalid_until = 2028-06-30', "超过 64"),
        (
            """line = "insurance"\nnumber = "A"\nvalid_until = 2028-06-30
[[staff.registrations]]\nline = "insurance"\nnumber = "A"\nvalid_until = 2029-06-30""",
            "写了两次",
        ),
    ],
)
def test_a_mistake_leaves_the_member_out_and_is_told(tmp_path: Path, written_as: str, told: str) -> None:
    text = f'[[staff]]\nid = "lisi"\n[[staff.registrations]]\n{written_as}\n[[staff]]\nid = "wangwu"\n'

    read = staff_files.load(written(tmp_path, "people.toml", text))

    assert [one.platform_id for one in read.overrides or ()] == ["wangwu"]
    assert told in read.mistakes[0]


def test_registrations_that_are_no_tables_are_told(tmp_path: Path) -> None:
    read = staff_files.load(written(tmp_path, "p.toml", '[[staff]]\nid = "lisi"\nregistrations = "A-1"\n'))

    assert "[[staff.registrations]]" in read.mistakes[0]


def test_a_spreadsheet_has_two_columns_for_each_line(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "people.csv",
        "账号,保险登记号,保险登记有效期,理财登记号\nlisi,A-1,2028/6/30,\nwangwu,,,\nsunqi,,,B\n",
    )

    read = staff_files.load(path)

    assert [(one.platform_id, one.registrations) for one in read.overrides or ()] == [
        ("lisi", (INSURANCE,)),
        ("wangwu", ()),
    ]
    assert read.mistakes[0].startswith("people.csv:4:")
    assert "valid_until" in read.mistakes[0]


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_a_changed_file_is_taken_over_as_a_whole(
    store: Store, frozen_clock: FrozenClock, tmp_path: Path
) -> None:
    path = written(
        tmp_path,
        "people.toml",
        '[[staff]]\nid = "lisi"\n[[staff.registrations]]\nline = "insurance"\nnumber = "A-1"\n'
        "valid_until = 2028-06-30\n",
    )
    overrides = Overrides(store, frozen_clock, path)
    await overrides.look()
    async with store.read() as tx:
        before = await registrations.list_of(tx, "lisi")

    path.write_text('[[staff]]\nid = "lisi"\nteam = "一组"\n', "utf-8")
    await overrides.look()

    async with store.read() as tx:
        after = await registrations.list_of(tx, "lisi")
    assert (before, after) == ([INSURANCE], [])


def test_the_demos_people_have_registrations_and_one_has_none_that_holds() -> None:
    read = staff_files.load(HOUSE / "bot" / "demo_town" / "people.toml")

    good = {
        one.platform_id: any(
            held.line is Line.INSURANCE and held.valid_until >= date(2026, 11, 22)
            for held in one.registrations
        )
        for one in read.overrides or ()
    }
    assert read.mistakes == ()
    assert good == {"lisi": True, "zhangsan": True, "linzhuguan": True, "wangwu": False}

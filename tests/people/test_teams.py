"""Whose work somebody may see, and what the command line tells about staff."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot import cli
from console import access
from domain.login import Login, Role
from domain.people import Department, StaffSight, StaffStatus
from store import departments, schema, staff
from store.database import Store

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


def viewer(name: str, *roles: Role) -> access.Viewer:
    login = Login(
        id=1,
        name=f"login-{name}",
        display_name=name,
        password_hash="",
        roles=frozenset(roles),
        staff_platform_id=name,
        created_at=NOW,
        disabled_at=None,
        failures=0,
        locked_until=None,
    )
    return access.Viewer(login=login, token_digest="", csrf="")


def sight(name: str, department: int, leader: str = "") -> StaffSight:
    return StaffSight(
        platform_id=name,
        name=name,
        departments=(department,),
        leader_platform_id=leader,
        status=StaffStatus.ACTIVE,
    )


def department(number: int, parent: int, *leaders: str) -> Department:
    return Department(platform_id=number, name=str(number), parent_id=parent, leaders=leaders, place=0)


async def test_a_supervisor_sees_the_own_team_and_an_advisor_the_own_work(store: Store) -> None:
    people = [sight("boss", 2), sight("lisi", 3), sight("wangwu", 2, "lisi"), sight("other", 4)]
    tree = [department(1, 0), department(2, 1, "boss"), department(3, 2), department(4, 1)]
    await store.write(lambda tx: staff.record_sights(tx, people, NOW))
    await store.write(lambda tx: departments.record_all(tx, tree, NOW))

    async with store.read() as tx:
        boss = await access.access_team(viewer("boss", Role.SUPERVISOR), tx)
        lisi = await access.access_team(viewer("lisi", Role.ADVISOR), tx)
        everybody = await access.access_team(viewer("audit", Role.COMPLIANCE), tx)

    assert boss == {"login-boss", "boss", "lisi", "wangwu"}
    assert lisi == {"login-lisi", "lisi"}
    assert everybody is None


async def test_an_older_address_book_never_overwrites_a_newer_one(store: Store) -> None:
    before = NOW.replace(hour=1)
    await store.write(lambda tx: staff.record_sights(tx, [sight("lisi", 3)], NOW))

    await store.write(lambda tx: staff.record_sights(tx, [sight("lisi", 9)], before))
    await store.write(lambda tx: staff.set_left(tx, ["lisi"], before))

    async with store.read() as tx:
        lisi = await staff.find(tx, "lisi")
    assert lisi is not None
    assert (lisi.departments, lisi.status) == ((3,), StaffStatus.ACTIVE)


def test_the_command_lists_staff_with_the_mistakes_of_the_file_and_asks_for_a_refresh(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    schema.upgrade(f"sqlite:///{tmp_path}/data/guanjia.db")
    (tmp_path / "people.csv").write_text("id,deputy\nlisi,lisi\n", "utf-8")
    key = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
    config = tmp_path / "config.toml"
    config.write_text(
        '[wecom]\ncorp_id = "ww1"\n[wecom.receivers.contacts]\nsecret = "s"\ntoken = "t"\n'
        f'aes_key = "{key}"\n[people]\noverrides = "people.csv"\n',
        "utf-8",
    )

    assert cli.main(["people", "list", "--config", str(config)]) == 0
    assert "people.csv:2:" in capsys.readouterr().err
    assert cli.main(["people", "refresh", "--config", str(config)]) == 0
    assert "已安排" in capsys.readouterr().out

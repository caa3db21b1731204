"""What the doctor says about the archive: of a healthy one, and of each thing that is usually wrong."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot import config
from bot.doctor import archive
from bot.doctor.finding import Finding, State
from domain.archive import HoldReason
from domain.errors import ConfigError
from sandbox import relations, server
from sandbox import settings as sandbox_settings
from sandbox.archive_desk import ArchiveDesk
from store.database import Store
from tests.archive import office
from tests.archive.library import CORP, compiled, key_pair, message
from tests.archive.office import MemoryReader

USUAL = sandbox_settings.Settings(
    corp_id=CORP,
    apps=(
        sandbox_settings.AppSettings(agent_id=1, name="contacts", secret="contacts"),
        sandbox_settings.AppSettings(agent_id=2, name="archive", secret="right", archive=True),
    ),
    members=(sandbox_settings.MemberSettings(userid="zhangsan", name="张三"),),
    customers=(sandbox_settings.CustomerSettings(external_userid="wmC1", nickname="王女士"),),
)


@asynccontextmanager
async def company(folder: Path) -> AsyncIterator[tuple[server.Box, ArchiveDesk]]:
    compiled()
    async with server.running(dataclasses.replace(USUAL, archive_folder=str(folder / "archive"))) as box:
        assert box.world.archive is not None
        yield box, box.world.archive


def settings_of(box: server.Box, desk: ArchiveDesk, folder: Path, **changes: Any) -> config.Settings:
    archived = {
        "library": str(desk.library),
        "secret": "right",
        "private_keys": [f"1={desk.key_file}"],
        "policy_version": "2026-11",
    }
    receiver = {"secret": "contacts", "token": "sandboxToken01", "aes_key": "A" * 43}
    wecom = {
        "corp_id": CORP,
        "api_base": box.url,
        "receivers": {"contacts": receiver},
        "archive": archived | changes,
    }
    return config.build({"wecom": wecom}, folder)


async def told(settings: config.Settings) -> dict[str, Finding]:
    found = [one async for one in archive.check_library(settings)]
    found += [one async for one in archive.check(config.SoFar(settings=settings))]
    return {one.check: one for one in found}


async def test_a_healthy_archive_passes(tmp_path: Path) -> None:
    async with company(tmp_path) as (box, desk):
        relations.befriend(box.world, "zhangsan", "wmC1")
        relations.customer_says(box.world, "zhangsan", "wmC1", "在吗")

        found = await told(settings_of(box, desk, tmp_path))

    assert {one.state for one in found.values()} == {State.OK}
    assert "1 位成员" in found["会话存档范围"].sentence
    assert found["会话存档拉取"].sentence == "组件可以拉取和解密"


async def test_what_is_wrong_is_named_with_what_to_do(tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    other.write_text(key_pair(2))
    async with company(tmp_path) as (box, desk):
        desk.say("zhangsan", "wmC1", "Agree")

        wrong_secret = await told(settings_of(box, desk, tmp_path, secret="contacts"))
        no_file = await told(settings_of(box, desk, tmp_path, library=str(tmp_path / "none.so")))
        no_library = await told(settings_of(box, desk, tmp_path, library=str(other)))
        other_key = await told(settings_of(box, desk, tmp_path, private_keys=[f"1={other}"]))
        no_key = await told(settings_of(box, desk, tmp_path, private_keys=[f"2={other}"]))
        desk.archive.set_faults(chat_code=10009)
        refused = await told(settings_of(box, desk, tmp_path))

    assert wrong_secret["会话存档范围"].state is State.FAIL
    assert "docs/archive.md" in no_file["会话存档组件"].fix
    assert "wecom.archive.library" in no_library["会话存档拉取"].sentence
    assert "不是一对" in other_key["会话存档拉取"].sentence
    assert "版本 1" in no_key["会话存档拉取"].sentence
    assert "可信IP" in refused["会话存档拉取"].fix


async def test_what_was_put_aside_is_told(records: Store, tmp_path: Path) -> None:
    pem = tmp_path / "1.pem"
    pem.write_text(key_pair(1))
    receiver = {"secret": "contacts", "token": "sandboxToken01", "aes_key": "A" * 43}
    archived = {"library": "lib.so", "secret": "s", "private_keys": [f"1={pem}"]}
    settings = config.build(
        {
            "store": {"url": f"sqlite:///{records.url.database}"},
            "wecom": {"corp_id": CORP, "receivers": {"contacts": receiver}, "archive": archived},
        },
        tmp_path,
    )
    closed = {1: HoldReason.NO_KEY, 2: HoldReason.NO_KEY, 3: HoldReason.POISON}
    await office.pull_all(records, MemoryReader([message(n) for n in range(4)], closed))

    found = [one async for one in archive.check_record(settings)]

    assert [one.state for one in found] == [State.OK, State.WARN, State.WARN]
    assert "第 4 条" in found[0].sentence
    assert "2 条缺少对应版本的私钥" in found[1].sentence


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"library": None}, "name the library's file"),
        ({"private_keys": ["1=none.pem"]}, "cannot be read"),
        ({"private_keys": ["none.pem"]}, "VERSION=FILE"),
        ({"private_keys": []}, "private keys"),
        ({"secret": ""}, "fill in the archive's secret"),
        ({"proxy": "10.0.0.1"}, "Malformed"),
    ],
)
async def test_a_mistake_in_the_settings_names_its_key(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    pem = tmp_path / "1.pem"
    pem.write_text(key_pair(1))
    usual = {"library": "lib.so", "secret": "s", "private_keys": [f"1={pem}"]}
    receiver = {"secret": "contacts", "token": "sandboxToken01", "aes_key": "A" * 43}
    archived = {name: value for name, value in (usual | changes).items() if value is not None}
    wecom = {"corp_id": CORP, "receivers": {"contacts": receiver}, "archive": archived}

    with pytest.raises(ConfigError, match=said) as error:
        config.build({"wecom": wecom}, tmp_path)

    assert all("wecom.archive." in problem for problem in error.value.problems)

"""The archive in the running house: callback in, library read, talk on record; the sandbox plays the company."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import sqlalchemy as sa

from bot import app, config
from bot.archives import Archives
from domain.archive import ConsentStatus
from sandbox import groups, relations, server
from sandbox import settings as sandbox_settings
from store import archives
from store.tables import archived_staff, consent, event
from tests.archive import office
from tests.archive.library import CORP, compiled

SECRET, ARCHIVE_SECRET = "contactsSecret", "archiveSecret"
AES_KEY, TOKEN = "rcIEDEJ4qOIvKuMjaGhZVNHicwfKnhKf9ztJVj+h83k", "sandboxToken01"
PATIENCE_SECONDS = 20.0


@dataclass
class Company:
    box: server.Box
    house: app.House
    address: str

    @property
    def world(self) -> Any:
        return self.box.world

    async def eventually(self, holds: Callable[[], Awaitable[bool]], what: str) -> None:
        end = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while not await holds():
            assert asyncio.get_running_loop().time() < end, f"waited in vain for {what}"
            await asyncio.sleep(0.05)

    async def texts(self) -> list[tuple[str, str, str]]:
        said = await office.said(self.house.store)
        return [(one.channel, one.servicer_id or one.sender_id, one.text) for one in said if one.text]


@contextlib.asynccontextmanager
async def company(folder: Path, url: str) -> AsyncIterator[Company]:
    compiled()
    wanted = sandbox_settings.Settings(
        corp_id=CORP,
        archive_folder=str(folder / "archive"),
        apps=(
            sandbox_settings.AppSettings(agent_id=1, name="contacts", secret=SECRET),
            sandbox_settings.AppSettings(agent_id=2, name="archive", secret=ARCHIVE_SECRET, archive=True),
        ),
        members=(sandbox_settings.MemberSettings(userid="zhangsan", name="张三"),),
        customers=(sandbox_settings.CustomerSettings(external_userid="wmC1", nickname="王女士"),),
        receivers=tuple(
            sandbox_settings.ReceiverSettings(name=name, url="", token=TOKEN, aes_key=AES_KEY)
            for name in ("contacts", "archive")
        ),
    )
    async with server.running(wanted) as box:
        desk = box.world.archive
        assert desk is not None
        receiver = {"token": TOKEN, "aes_key": AES_KEY}
        settings = config.build(
            {
                "server": {"port": 0},
                "store": {"url": url, "data_folder": str(folder / "data")},
                "wecom": {
                    "corp_id": CORP,
                    "api_base": box.url,
                    "receivers": {
                        "contacts": receiver | {"secret": SECRET},
                        "archive": receiver | {"secret": ARCHIVE_SECRET},
                    },
                    "archive": {
                        "library": str(desk.library),
                        "private_keys": [f"1={desk.key_file}"],
                        "policy_version": "2026-11",
                        "poll_seconds": 3600,
                    },
                },
                "content": {"serve_samples": True},
                "answering": {"by_meaning": False},
            },
            folder,
        )
        async with app.running(settings) as (house, address):
            for name in ("contacts", "archive"):
                box.postman.point(name, f"{address}/callback/{name}")
            yield Company(box, house, address)


@pytest.fixture
async def office_of_zhangsan(tmp_path: Path) -> AsyncIterator[Company]:
    async with company(tmp_path, f"sqlite:///{tmp_path}/house.db") as found:
        yield found


async def test_what_is_said_is_on_record_as_soon_as_the_platform_tells(office_of_zhangsan: Company) -> None:
    at = office_of_zhangsan
    # The archive was read to its end at the start; from now on only a callback brings news.
    await at.eventually(lambda: _caught_up(at), "the first reading")
    relations.befriend(at.world, "zhangsan", "wmC1")

    relations.customer_says(at.world, "zhangsan", "wmC1", "在吗")
    await at.eventually(lambda: _has(at, 2), "agreement and question")
    relations.member_says(at.world, "zhangsan", "wmC1", "在的，请讲")
    chat_id = groups.create(at.world, "zhangsan", "一群", ["wmC1"]).chat_id
    groups.says(at.world, chat_id, "wmC1", "群里问一句")
    at.world.clock.jump(20)
    at.world.agenda.run_due()
    await at.eventually(lambda: _has(at, 4), "answer and group")

    assert await at.texts() == [
        ("chat", "", "在吗"),
        ("chat", "zhangsan", "在的，请讲"),
        ("group", "wmC1", "群里问一句"),
    ]
    [word] = await office.rows(at.house.store, sa.select(consent).where(consent.c.source == "archive"))
    assert (word.status, word.policy_version) == (ConsentStatus.AGREE, "2026-11")


async def test_consents_archived_members_and_figures_are_kept_up_to_date(office_of_zhangsan: Company) -> None:
    at = office_of_zhangsan
    relations.add_friend(at.world, "zhangsan", "wmC1")
    at.world.archive.say("zhangsan", "wmC1", "Agree")

    async def has_heard() -> bool:
        kinds = await office.rows(at.house.store, sa.select(event.c.kind).where(event.c.state == "done"))
        return ("change_external_contact/msg_audit_approved",) in [tuple(one) for one in kinds]

    await at.eventually(has_heard, "the event")
    workers = Archives(at.house)
    await workers.events.refresh()
    await workers.measure()
    await workers.close()
    async with aiohttp.ClientSession() as session, session.get(f"{at.address}/metrics") as answer:
        figures = await answer.text()

    assert [
        one[0] for one in await office.rows(at.house.store, sa.select(archived_staff.c.staff_platform_id))
    ] == ["zhangsan"]
    sources = {one.source for one in await office.rows(at.house.store, sa.select(consent))}
    assert sources & {"event", "archive"}
    assert 'guanjia_archive_holds{reason="no_key"} 0.0' in figures
    assert "guanjia_archive_lag_seconds" in figures
    assert "guanjia_archive_child_restarts_total 0.0" in figures


async def _caught_up(at: Company) -> bool:
    async with at.house.store.read() as tx:
        standing = await archives.find_standing(tx, CORP)
    return standing is not None and standing.caught_up_at is not None


async def _has(at: Company, count: int) -> bool:
    return len(await office.said(at.house.store)) >= count

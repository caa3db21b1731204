"""The pages for customers as the whole house serves them: words from the shelf, stops and approvals as they are."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import app
from bot.clock import write_clock_file
from domain.enrolment import OccurrenceState
from domain.faq import Line
from store import contents, lines
from tests.scenarios import town
from tests.week_pages import factory

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

MORNING = town.MORNING


@contextlib.asynccontextmanager
async def opened(
    folder: Path, database_url: str, *, serve_samples: bool
) -> AsyncIterator[tuple[app.House, str]]:
    clock_file = folder / "clock.json"
    write_clock_file(clock_file, virtual_at=MORNING, rate=0.0)
    settings = town.house_settings(
        folder, database_url, "http://127.0.0.1:9", clock_file, content={"serve_samples": serve_samples}
    )
    async with app.running(settings) as (house, address):
        await house.library.load_sops()
        yield house, address


async def read(address: str, page: str) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{address}/g/{factory.CODE}/{page}") as answer,
    ):
        return answer.status, await answer.text()


async def test_the_demo_shows_its_samples_until_the_line_is_stopped(
    tmp_path: Path, database_url: str
) -> None:
    async with opened(tmp_path, database_url, serve_samples=True) as (house, address):
        await factory.add_week(house.store, MORNING, publication=OccurrenceState.SENT)

        for page in ("guide", "event", "article", "replay", "feedback"):
            status, text = await read(address, page)
            assert (page, status) == (page, 200)
            assert "示例信息服务有限公司" in text
        await house.store.write(
            lambda tx: lines.stop(tx, Line.WEALTH, by="林主管", reason="核对", now=MORNING)
        )
        await house.library.take_up_stops()

        assert (await read(address, "article"))[0] == 503


async def test_a_company_shows_what_its_own_people_approved(tmp_path: Path, database_url: str) -> None:
    async with opened(tmp_path, database_url, serve_samples=False) as (house, address):
        await factory.add_week(house.store, MORNING)
        assert (await read(address, "guide"))[0] == 503

        await house.store.write(lambda tx: approve(tx, "finance_week1/page_guide", MORNING))
        await house.library.refresh()

        assert (await read(address, "guide"))[0] == 200
        assert (await read(address, "feedback"))[0] == 503


async def approve(tx: AsyncConnection, key: str, now: datetime) -> None:
    chosen = [one.id for one in await contents.list_versions(tx) if one.key == key]
    await contents.approve(tx, chosen, by="王合规", now=now)

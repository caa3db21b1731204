"""A village for tests of people and groups: the sandbox plays address book, customers and groups, the house is real.

Everything goes through the doors: people act in the sandbox, callbacks come in, the directory reads the platform's API.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bot import app, config
from bot.channels.wecom.contacts import Contacts
from bot.channels.wecom.external import External
from bot.clock import write_clock_file
from bot.directory import WALKS, Directory, DirectoryRules
from domain.groups import GroupMember
from sandbox import faults, server
from sandbox import settings as sandbox_settings
from store import group_members, groups, lookups, tables, walks
from tests import bells

CORP = "ww1234567890abcdef"
SECRET = "villageSecret"
AES_KEY = "rcIEDEJ4qOIvKuMjaGhZVNHicwfKnhKf9ztJVj+h83k"
TOKEN = "sandboxToken01"
MORNING = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
PATIENCE_SECONDS = 60.0
CUSTOMERS = tuple(f"wmCustomer{number}" for number in range(6))


@dataclass
class Village:
    """`box`: the sandbox; `house`: the open house."""

    box: server.Box
    house: app.House
    clock_file: Path

    @property
    def world(self) -> Any:
        return self.box.world

    async def advance(self, **step: float) -> None:
        """Move the time of everybody forward."""
        target = self.house.clock.now() + timedelta(**step)
        write_clock_file(self.clock_file, virtual_at=target, rate=1.0)

        async def has_come() -> bool:
            return self.house.clock.now() >= target and self.world.clock.now() >= target.timestamp()

        await self.eventually(has_come, "the clock")
        bells.ring()

    def lose_events(self, share: float = 1.0) -> None:
        """Let callbacks be lost from now on."""
        self.box.faults.add(
            faults.Fault(fault_id="loss", kind=faults.FaultKind.DROP, match="contacts", probability=share)
        )

    def hear_events(self) -> None:
        """Let callbacks arrive again."""
        self.box.faults.remove("loss")

    async def quiet(self) -> None:
        """Wait until no callback, event, lookup or delivery waits; those that wait for time get it."""
        await self.box.postman.drained()

        async def is_idle() -> bool:
            async with self.house.store.read() as tx:
                waiting = sa.or_(
                    sa.exists().where(tables.event.c.state.in_(["new", "claimed"])),
                    sa.exists().where(tables.delivery.c.state.in_(["due", "claimed", "attempting"])),
                )
                is_busy = (await tx.execute(sa.select(waiting))).scalar_one()
                left, due_at = await lookups.count(tx), await lookups.find_next_due(tx)
            if due_at is not None and due_at > self.house.clock.now():
                await self.advance(seconds=(due_at - self.house.clock.now()).total_seconds() + 0.1)
            return not is_busy and left == 0

        await self.eventually(is_idle, "quiet")

    async def reconcile(self) -> None:
        """Walk everything now and wait until what was asked for is read."""
        await self.advance(seconds=30)
        await self._directory().want_all()
        for name in WALKS:
            await self.eventually(lambda name=name: self._is_walked(name), f"walk {name}")
        await self.quiet()

    async def _is_walked(self, name: str) -> bool:
        await self._directory().walk(name)
        async with self.house.store.read() as tx:
            wanted = sa.select(tables.walk).where(tables.walk.c.name == name)
            row = (await tx.execute(wanted)).one()
        return row.finished_at is not None and row.finished_at >= row.wanted_at

    def _directory(self) -> Directory:
        """A walker of our own beside the house's: whoever comes first walks."""
        contacts, external = self.house.contacts, self.house.external
        assert isinstance(contacts, Contacts)
        assert isinstance(external, External)
        rules = DirectoryRules(
            daily_at=self.house.settings.people.daily_at, zone=self.house.settings.service.zone
        )
        return Directory(self.house.store, self.house.clock, contacts, external, rules, owner="test")

    async def stays(self, chat_id: str) -> list[GroupMember]:
        """Return every stay in a group."""
        async with self.house.store.read() as tx:
            known = await groups.find(tx, chat_id)
            assert known is not None
            return await group_members.list_of_group(tx, known.id)

    async def present(self, chat_id: str) -> set[str]:
        """Return who is in a group, as the house knows."""
        return {one.member_platform_id for one in await self.stays(chat_id) if one.quit_at is None}

    async def rows(self, table: sa.Table, *conditions: Any) -> list[Any]:
        """Return the rows of a table, oldest first."""
        async with self.house.store.read() as tx:
            wanted = sa.select(table).where(*conditions).order_by(*table.primary_key.columns)
            return list((await tx.execute(wanted)).all())

    async def eventually(self, holds: Callable[[], Awaitable[bool]], what: str) -> None:
        """Wait until `holds()`; fail with `what` when it never does."""
        loop = asyncio.get_running_loop()
        end = loop.time() + PATIENCE_SECONDS
        while not await holds():
            assert loop.time() < end, f"waited in vain for {what}"
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def village(
    folder: Path,
    database_url: str,
    *,
    before_start: Callable[[server.Box], None] | None = None,
    **sections: dict[str, Any],
) -> AsyncIterator[Village]:
    """Build the village and take it down again. `before_start`: what happens before the house opens."""
    clock_file = folder / "clock.json"
    write_clock_file(clock_file, virtual_at=MORNING, rate=1.0)
    wanted = sandbox_settings.Settings(
        clock_file=str(clock_file),
        corp_id=CORP,
        apps=(sandbox_settings.AppSettings(agent_id=1000002, name="contacts", secret=SECRET),),
        departments=(
            sandbox_settings.DepartmentSettings(department_id=2, name="一部", leaders=("zhangsan",)),
        ),
        members=(
            sandbox_settings.MemberSettings(userid="zhangsan", name="张三"),
            sandbox_settings.MemberSettings(
                userid="lisi", name="李四", departments=(2,), leaders=("zhangsan",)
            ),
            sandbox_settings.MemberSettings(
                userid="wangwu", name="王五", departments=(2,), leaders=("zhangsan",)
            ),
        ),
        customers=tuple(
            sandbox_settings.CustomerSettings(external_userid=name, nickname=f"客户{name[-1]}")
            for name in CUSTOMERS
        ),
        receivers=(
            sandbox_settings.ReceiverSettings(
                name="contacts", url="", token=TOKEN, aes_key=AES_KEY, agent_id=1000002
            ),
        ),
    )
    receiver = {"secret": SECRET, "token": TOKEN, "aes_key": AES_KEY, "agent_id": 1000002}
    async with server.running(wanted) as box:
        if before_start is not None:
            before_start(box)
        values: dict[str, dict[str, Any]] = {
            "server": {"port": 0, "shutdown_seconds": 1},
            "store": {"url": database_url, "data_folder": str(folder / "data")},
            "wecom": {"corp_id": CORP, "api_base": box.url, "receivers": {"contacts": receiver}},
            "content": {"serve_samples": True},
            "company": {"name": "示例信息服务有限公司", "short_name": "示例管家"},
            "clock": {"file": str(clock_file)},
            "console": {"secure_cookies": False},
            "answering": {"by_meaning": False},
        }
        for name, section in sections.items():
            values[name] = {**values.get(name, {}), **section}
        async with app.running(config.build(values, folder)) as (house, address):
            box.postman.point("contacts", f"{address}/callback/contacts")
            made = Village(box=box, house=house, clock_file=clock_file)
            await made.eventually(lambda: _has_walked(house), "the first walk")
            await made.quiet()
            yield made


async def _has_walked(house: app.House) -> bool:
    async with house.store.read() as tx:
        return all([await walks.find_finished(tx, name) is not None for name in WALKS])

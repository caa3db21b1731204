"""A town for scenario tests: the sandbox plays WeCom, the house is the real one, the clock file moves both.

The clock stands still unless a test moves it, so waits of the product are waits of the story, not of the test.
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

from bot import app, assembling, config
from bot.channels.wecom.kf import Kf
from bot.clock import FileClock, write_clock_file
from bot.puller import Puller
from content import turns
from domain.delivery import Act, Body, NewDelivery, Purpose, SendClass
from sandbox import server
from sandbox import settings as sandbox_settings
from scheduler import keys
from store import accounts, contents, deliveries, tables
from tests import bells

ACCOUNT = "wkTown0001"
CUSTOMER = "wmAnna"
AES_KEY = "rcIEDEJ4qOIvKuMjaGhZVNHicwfKnhKf9ztJVj+h83k"
TOKEN = "sandboxToken01"
CORP = "ww1234567890abcdef"
SECRET = "townSecret"
# A Monday, 10:00 in Shanghai: people serve.
MORNING = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)

# How long a test waits (real time) for something that must come; long, because machines are slow at times.
PATIENCE_SECONDS = 60.0


@dataclass
class Town:
    """`box`: the sandbox; `house`: the open house; `address`: where it listens."""

    box: server.Box
    house: app.House
    address: str
    clock_file: Path

    @property
    def world(self) -> Any:
        return self.box.world

    async def advance(self, **step: float) -> None:
        """Move the time of everybody forward."""
        target = self.house.clock.now() + timedelta(**step)
        write_clock_file(self.clock_file, virtual_at=target, rate=1.0)
        # Readers look at the file every 20 ms.
        await self.until(
            lambda: self.house.clock.now() >= target and self.world.clock.now() >= target.timestamp(),
            "the clock",
        )
        bells.ring()

    def said(self, customer: str = CUSTOMER) -> list[str]:
        """Return what the customer received, oldest first."""
        return [words_of(bubble.body) for bubble in self.world.received(customer, ACCOUNT)]

    async def heard(self, number: int = 1, customer: str = CUSTOMER) -> list[str]:
        """Wait until the customer received `number` messages and return them."""
        await self.until(lambda: len(self.said(customer)) >= number, f"{number} messages to {customer}")
        return self.said(customer)

    async def until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait until `holds()`; fail with `what` and what was said when it never does."""
        loop = asyncio.get_running_loop()
        end = loop.time() + PATIENCE_SECONDS
        while not holds():
            assert loop.time() < end, f"waited in vain for {what}; said so far: {self.said()}"
            await asyncio.sleep(0.02)

    async def quiet(self) -> None:
        """Wait until nothing is left to do: no callback is under way, no event, turn or delivery waits."""
        await self.box.postman.drained()
        await self.eventually(self._is_idle, "quiet")

    async def _is_idle(self) -> bool:
        """Say whether nothing waits, asked in one statement: work moves from table to table in one commit."""
        waiting = (
            sa.exists().where(tables.event.c.state.in_(["new", "claimed"])),
            sa.exists().where(tables.turn.c.state.in_(["open", "claimed"])),
            sa.exists().where(tables.delivery.c.state.in_(["due", "claimed", "attempting"])),
        )
        async with self.house.store.read() as tx:
            return not (await tx.execute(sa.select(sa.or_(*waiting)))).scalar_one()

    def menu_ids(self, customer: str = CUSTOMER) -> list[str]:
        """Return what can be tapped in the last message the customer received."""
        received = self.world.received(customer, ACCOUNT)
        items = received[-1].body.get("list", []) if received else []
        return [item["click"]["id"] for item in items if "click" in item]

    def last_msgid(self, customer: str = CUSTOMER) -> str:
        """Return the id of the last message the customer received."""
        return str(self.world.received(customer, ACCOUNT)[-1].msgid)

    async def poll(self) -> None:
        """Read the account now, as the minute's round does."""

        async def has_read() -> bool:
            return await self.puller.pull(ACCOUNT)

        await self.eventually(has_read, "the log")

    @property
    def puller(self) -> Puller:
        """A reader of our own beside the house's: whoever comes first reads, nobody reads twice."""
        return Puller(
            self.house.store,
            self._kf,
            self.house.clock,
            assembling.turn_rules(self.house.settings),
            owner="test",
            limit=1000,
            is_whole=lambda text: turns.is_whole_question(
                text, self.house.library.knowledge().content.signals
            ),
            on_new=lambda: None,
        )

    @property
    def _kf(self) -> Kf:
        assert self.house.kf is not None
        return self.house.kf

    async def receiving(self, servicer: str) -> None:
        """Wait until the house knows that `servicer` takes sessions."""

        async def knows() -> bool:
            async with self.house.store.read() as tx:
                return servicer in await accounts.list_receiving(tx, ACCOUNT)

        await self.eventually(knows, f"{servicer} to receive")

    async def fetched(self, number: int) -> None:
        """Wait until `number` files are kept."""

        async def all_there() -> bool:
            return len(await self.rows(tables.media, tables.media.c.state == "fetched")) >= number

        await self.eventually(all_there, f"{number} files")

    async def delivery_in(self, state: str) -> None:
        """Wait until a delivery is in `state`."""

        async def is_there() -> bool:
            return bool(await self.rows(tables.delivery, tables.delivery.c.state == state))

        await self.eventually(is_there, f"a delivery {state}")

    async def eventually(self, holds: Callable[[], Awaitable[bool]], what: str) -> None:
        """As `until`, for what has to be asked."""
        loop = asyncio.get_running_loop()
        end = loop.time() + PATIENCE_SECONDS
        while not await holds():
            assert loop.time() < end, f"waited in vain for {what}; said so far: {self.said()}"
            await asyncio.sleep(0.02)

    async def push(self, number: int) -> None:
        """Put `number` plain service texts for the customer into the outbox."""
        now = self.house.clock.now()
        talk = (await self.rows(tables.conversation))[0]
        new = [
            NewDelivery(
                key=keys.key_of("push", place),
                act=Act.TEXT,
                send_class=SendClass.KEYED,
                purpose=Purpose.SERVICE,
                channel="kf",
                conversation_id=talk.id,
                body=Body(text=f"第{place}条"),
                due_at=now,
            )
            for place in range(number)
        ]
        await self.house.store.write(lambda tx: deliveries.add(tx, new, now))

    async def approve_all(self) -> None:
        """Let a named person approve every text there is."""
        now = self.house.clock.now()

        async def approve(tx: Any) -> None:
            versions = [version.id for version in await contents.list_versions(tx)]
            await contents.approve(tx, versions, by="王审核", now=now)

        await self.house.store.write(approve)
        await self.house.library.refresh()

    async def rows(self, table: sa.Table, *conditions: Any) -> list[Any]:
        """Return the rows of a table, oldest first."""
        async with self.house.store.read() as tx:
            wanted = sa.select(table).where(*conditions).order_by(*table.primary_key.columns)
            return list((await tx.execute(wanted)).all())


async def here_ready(house: app.House) -> None:
    """Wait until words are cut by the real segmenter, so that answers are those of a warm house."""
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE_SECONDS
    while not house.library.is_ready:
        assert loop.time() < end, "the segmentation never got ready"
        await asyncio.sleep(0.01)


def words_of(body: dict[str, Any]) -> str:
    """Return the words of a message's body as a customer reads them."""
    if "content" in body:
        return str(body["content"])
    lines = [body.get("head_content", "")]
    lines += [item["click"]["content"] for item in body.get("list", []) if "click" in item]
    return "\n".join(line for line in [*lines, body.get("tail_content", "")] if line)


def house_settings(
    folder: Path, database_url: str, api_base: str, clock_file: Path, **sections: dict[str, Any]
) -> config.Settings:
    """Return settings of a house in the town; `sections` are merged over the defaults of the tests."""
    receiver = {"secret": SECRET, "token": TOKEN, "aes_key": AES_KEY, "agent_id": 1000002}
    values: dict[str, dict[str, Any]] = {
        "server": {"port": 0, "shutdown_seconds": 1},
        "store": {"url": database_url, "data_folder": str(folder / "data")},
        "wecom": {"corp_id": CORP, "api_base": api_base, "receivers": {"kf": receiver}},
        "content": {"serve_samples": True},
        "entity_mode": {"loan": "licensed", "insurance": "licensed", "wealth": "licensed"},
        "company": {"name": "示例信息服务有限公司", "short_name": "示例管家"},
        "clock": {"file": str(clock_file)},
        "console": {"secure_cookies": False},
        "kf": {"turn_wait_seconds": 0.2},
        # Reading a thousand phrases takes longer than the tests; by words the answers of the tests are the same.
        "answering": {"by_meaning": False},
    }
    for name, section in sections.items():
        values[name] = {**values.get(name, {}), **section}
    return config.build(values, folder)


@contextlib.asynccontextmanager
async def town(
    folder: Path,
    database_url: str,
    *,
    at: datetime = MORNING,
    servicers: tuple[str, ...] = ("zhangsan",),
    repeat: str = "refuse",
    customers: int = 1,
    before_start: Callable[[server.Box], None] | None = None,
    **sections: dict[str, Any],
) -> AsyncIterator[Town]:
    """Build the town and take it down again. `before_start`: what happens in WeCom before the house opens."""
    clock_file = folder / "clock.json"
    write_clock_file(clock_file, virtual_at=at, rate=1.0)
    wanted = sandbox_settings.Settings(
        clock_file=str(clock_file),
        corp_id=CORP,
        repeat=sandbox_settings.RepeatMode(repeat),
        apps=(sandbox_settings.AppSettings(agent_id=1000002, name="kf", secret=SECRET),),
        accounts=(sandbox_settings.AccountSettings(open_kfid=ACCOUNT, name="贷款顾问台"),),
        servicers=tuple(sandbox_settings.ServicerSettings(userid=name, name=name) for name in servicers),
        customers=(sandbox_settings.CustomerSettings(external_userid=CUSTOMER, nickname="安娜"),),
        receivers=(
            sandbox_settings.ReceiverSettings(
                name="kf", url="", token=TOKEN, aes_key=AES_KEY, agent_id=1000002
            ),
        ),
    )
    async with server.running(wanted) as box:
        for number in range(1, customers):
            box.world.add_customer(f"客户{number}", external_userid=f"wmCustomer{number}")
        if before_start is not None:
            before_start(box)
        settings = house_settings(folder, database_url, box.url, clock_file, **sections)
        async with app.running(settings) as (house, address):
            box.postman.point("kf", f"{address}/callback/kf")
            assert isinstance(house.clock, FileClock)
            await here_ready(house)
            yield Town(box=box, house=house, address=address, clock_file=clock_file)

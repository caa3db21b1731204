"""The soak: thousands of messages, everything going wrong, nothing lost: `python -m bench.soak`.

The sandbox plays WeCom in this process; the program runs as one or more processes of its own and is killed with
kill -9 at random moments (seeded). In it: three days of history before the first start, callbacks doubled, lost and out
of order, 5 % of API calls failing in seven ways, an outage of six hours on the clock. After it the sandbox's side and
the program's records are compared, message by message (bench/ledger.py says what must hold).

`--memory` is the other phase: no kills and no outage, because a kill resets the memory that is to be watched.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from bench import databases, ledger, questions, wecom
from bench.house import House, Plan
from bench.report import Report
from bot.clock import write_clock_file
from sandbox import server
from sandbox.faults import Fault, FaultKind
from store import tables
from store.database import Store

MORNING = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
GREETINGS = ("你好", "您好", "在吗")
HISTORY_HOURS = 70
OUTAGE_HOURS = 6
# With the semantic channel; the goal is 300, which jieba misses by the size of its dictionary (2026-11-22).
RSS_LIMIT_MB = {"jieba": 330, "rjieba": 300}
RSS_GROWTH_MB = 10
# The bench sends no more while this many messages wait, so that nothing grows stale by the bench's own haste.
WAITING_LIMIT = 120
# Longer than the longest lease, so that on PostgreSQL a dead replica's work is surely taken over.
QUIET_SECONDS = 240.0


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much of everything."""

    messages: int = 10_000
    customers: int = 500
    kills: int = 20
    replicas: int = 1
    seed: int = 1
    database: str = "sqlite"
    repeat: str = "refuse"
    segmenter: str = "rjieba"
    in_flight: int = 4
    history: int = 1_000
    outage: int = 1_000
    is_memory: bool = False


@dataclass
class Soak:
    """One run."""

    size: Size
    report: Report
    box: server.Box
    plan: Plan
    texts: list[str]
    houses: list[House]
    book: ledger.Ledger = field(default_factory=ledger.Ledger)
    keepers: list[asyncio.Task[None]] = field(default_factory=list)
    killed: int = 0
    rss: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.size.seed)
        tell = self.box.world.on_change

        def on_change(kind: str, content: dict[str, object]) -> None:
            if tell is not None:
                tell(kind, content)
            self.book.note_change(kind, content)

        self.box.world.on_change = on_change

    # --- the story -----------------------------------------------------------------------------------------

    async def run(self) -> None:
        """History, first start, live with kills, outage, live again, quiet; then the judgement."""
        size = self.size
        live = size.messages - size.history - size.outage
        self._make_history()
        await self._start()
        for fault in wecom.callback_faults() + wecom.api_faults():
            self.box.faults.add(fault)
        kills = sorted(self.dice.sample(range(1, max(live, size.kills + 2)), size.kills))
        blocks = (
            {live // 4: "kf/send_msg", live // 2 + live // 4: "kf/sync_msg"} if not size.is_memory else {}
        )
        outage_at = live // 2 if size.outage else -1
        for number in range(live):
            if number == outage_at:
                await self._outage()
            if number in kills:
                await self._kill_one()
            if number in blocks:
                await self._block(blocks[number])
            await self._say_one()
            self._watch_memory(size.history + size.outage + number + 1, live)
        await self._quiet()
        self._watch_memory(size.messages, live, is_end=True)

    def _make_history(self) -> None:
        """Three days of talk before anybody installed the program."""
        size, clock = self.size, self.box.world.clock
        for _ in range(size.history):
            clock.jump(HISTORY_HOURS * 3600 / size.history)
            customer = f"wmBench{self.dice.randint(1, size.customers)}"
            self._say(customer, self.dice.choice(self.texts), is_history=True)
        clock.jump(5)

    async def _start(self) -> None:
        await asyncio.gather(*(house.start() for house in self.houses))
        self.keepers = [asyncio.create_task(self._keep(house)) for house in self.houses]
        # The platform's times are whole seconds, and so is go-live.
        await asyncio.sleep(1.2)
        self.report.progress(
            f"{len(self.houses)} house(s) ready, {self.size.history} messages of history waiting"
        )

    async def _keep(self, house: House) -> None:
        """Start the house again whenever it has died, as systemd would."""
        while True:
            while house.is_alive:  # noqa: ASYNC110  # A process rings no bell.
                await asyncio.sleep(0.02)
            await asyncio.sleep(self.dice.uniform(0.0, 0.5))
            house.spawn([sys.executable, "-m", "bot", "serve", "--config", str(house.plan.write(house.port))])

    async def _stop_keeping(self) -> None:
        for keeper in self.keepers:
            keeper.cancel()
        await asyncio.gather(*self.keepers, return_exceptions=True)
        self.keepers = []

    async def _kill_one(self) -> None:
        await asyncio.sleep(self.dice.uniform(0.0, 0.2))
        house = self.dice.choice(self.houses)
        house.kill()
        self.killed += 1
        self.report.progress(f"kill {self.killed}: {len(self.book.waiting)} messages wait")

    async def _block(self, endpoint: str) -> None:
        """Let the platform say 45009 once, and a minute pass, which is what the program waits."""
        # A leap of the clock also skips the seconds for which late turns wait for each other; let them finish first.
        for _ in range(300):
            if self.book.is_caught_up():
                break
            await asyncio.sleep(0.1)
        self.box.faults.add(Fault(kind=FaultKind.ERRCODE, code=45009, match=endpoint, count=1))
        for _ in range(100):
            if (endpoint, 45009) in self.box.protocol.counts:
                break
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.3)
        self.box.world.clock.jump(80)

    async def _outage(self) -> None:
        """Power cut; six hours pass while customers write on; then everything starts again."""
        await self._stop_keeping()
        for house in self.houses:
            house.kill()
        self.killed += len(self.houses)
        clock = self.box.world.clock
        for part in range(OUTAGE_HOURS):
            clock.jump(3600)
            for _ in range(self.size.outage // OUTAGE_HOURS):
                customer = self._customer()
                self._say(customer, self.dice.choice(self.texts))
            await asyncio.sleep(0)
            self.report.progress(f"outage: hour {part + 1}")
        clock.jump(1200)
        late = self.book.end_outage()
        self.book.waiting.clear()
        await asyncio.gather(*(house.start() for house in self.houses))
        self.keepers = [asyncio.create_task(self._keep(house)) for house in self.houses]
        self.report.progress(f"up again, {late} messages are late")

    # --- customers -----------------------------------------------------------------------------------------

    async def _say_one(self) -> None:
        customer = self._customer()
        while len(self.book.waiting) >= self._waiting_limit() or self.book.waits_of(customer) > 2:
            await asyncio.sleep(0.01)
            self.book.forget_old(90)
            customer = self._customer()
        is_greeting = self.dice.random() < 0.05
        self._say(
            customer, self.dice.choice(GREETINGS if is_greeting else self.texts), is_whole=not is_greeting
        )
        await asyncio.sleep(0.002)

    def _waiting_limit(self) -> int:
        return min(WAITING_LIMIT, self.size.customers)

    def _customer(self) -> str:
        # A tenth of the customers is never heard of again after go-live.
        return f"wmBench{self.dice.randint(self.size.customers // 10 + 1, self.size.customers)}"

    def _say(self, customer: str, text: str, *, is_whole: bool = True, is_history: bool = False) -> None:
        msgid = self.box.world.customer_says(customer, text, open_kfid=wecom.ACCOUNT)
        self.book.note_said(msgid, customer, is_whole=is_whole, is_history=is_history)
        if len(self.book.said) % 1000 == 0:
            self.report.progress(f"{len(self.book.said)} messages said, {len(self.book.waiting)} wait")

    def _watch_memory(self, said: int, live: int, *, is_end: bool = False) -> None:
        if self.size.is_memory and (is_end or said in (self.size.messages // 5, self.size.messages)):
            self.rss[said] = max(house.rss_mb() for house in self.houses)
            self.report.progress(f"RSS after {said} messages: {self.rss[said]:.1f} MB")

    # --- the end -------------------------------------------------------------------------------------------

    async def _quiet(self) -> None:
        """Wait until nothing is left to do: everything read, decided and sent."""
        self.box.faults.clear()
        end = time.monotonic() + QUIET_SECONDS
        store = await Store.open(self.plan.database_url)
        try:
            while time.monotonic() < end:
                left = await _left_to_do(store, len(self.book.said))
                if not left:
                    self.report.progress("quiet")
                    return
                await asyncio.sleep(0.25)
            self.report.must(False, f"not quiet after {QUIET_SECONDS:.0f} s: {left}")
        finally:
            await store.close()

    async def close(self) -> None:
        """Stop everything."""
        await self._stop_keeping()
        for house in self.houses:
            house.stop()


async def _left_to_do(store: Store, said: int) -> dict[str, int]:
    waiting = {
        "events": (tables.event, tables.event.c.state.in_(["new", "claimed"])),
        "turns": (tables.turn, tables.turn.c.state.in_(["open", "claimed"])),
        "deliveries": (tables.delivery, tables.delivery.c.state.in_(["due", "claimed", "attempting"])),
    }
    found = {}
    async with store.read() as tx:
        for name, (table, condition) in waiting.items():
            counted = sa.select(sa.func.count()).select_from(table).where(condition)
            found[name] = (await tx.execute(counted)).scalar_one()
        stored = sa.select(sa.func.count()).where(tables.message.c.author == "customer")
        found["unread"] = said - (await tx.execute(stored)).scalar_one()
    return {name: number for name, number in found.items() if number}


@contextlib.asynccontextmanager
async def opened(size: Size, report: Report, folder: Path, database_url: str) -> AsyncIterator[Soak]:
    """Put sandbox, houses and book together; nothing runs yet."""
    clock_file = folder / "clock.json"
    write_clock_file(clock_file, virtual_at=MORNING, rate=1.0)
    texts = await questions.answerable(size.messages // 2)
    wanted = wecom.settings(
        clock_file, customers=size.customers, repeat=size.repeat, seed=size.seed, page_cap=300
    )
    async with server.running(wanted) as box:
        plan = Plan(
            folder=folder,
            database_url=database_url,
            api_base=box.url,
            clock_file=clock_file,
            repeat=size.repeat,
            in_flight=size.in_flight,
            segmenter=size.segmenter,
        )
        houses = [House(plan) for _ in range(size.replicas)]
        ports = [house.port for house in houses]
        async with wecom.balancer(lambda: ports, size.seed) as address:
            box.postman.point("kf", f"{address}/callback/kf")
            soak = Soak(size, report, box, plan, texts, houses)
            try:
                yield soak
            finally:
                await soak.close()


@contextlib.contextmanager
def _folder(keep: Path | None) -> Iterator[str]:
    """Give a folder for everything the run writes: `keep`, or one that is gone afterwards."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="guanjia-soak-", ignore_cleanup_errors=True) as name:
            yield name
        return
    keep.mkdir(parents=True)
    yield str(keep.resolve())


async def run(size: Size, report: Report, keep: Path | None = None) -> None:
    """Run one soak and judge it."""
    with (
        _folder(keep) as name,
        databases.database(size.database, Path(name)) as url,
    ):
        async with opened(size, report, Path(name), url) as soak:
            begun = time.monotonic()
            await soak.run()
            seconds = time.monotonic() - begun
            from bench import judgement

            await judgement.judge(soak, seconds)


def main(arguments: list[str] | None = None) -> int:
    """Run the bench; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--customers", type=int, default=500)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--replicas", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--in-flight", type=int, default=4)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--repeat", choices=["refuse", "accept"], default="refuse")
    parser.add_argument("--segmenter", choices=["jieba", "rjieba"], default="rjieba")
    parser.add_argument(
        "--memory", action="store_true", help="the phase that watches memory: no kills, no outage"
    )
    parser.add_argument("--keep", type=Path, help="a new folder to keep logs and the SQLite file in")
    chosen = parser.parse_args(arguments)
    if chosen.replicas > 1 and chosen.database == "sqlite":
        parser.error("replicas share PostgreSQL; SQLite is for one process")
    size = Size(
        messages=chosen.messages,
        customers=chosen.customers,
        kills=0 if chosen.memory else chosen.kills,
        replicas=chosen.replicas,
        seed=chosen.seed,
        database=chosen.database,
        repeat=chosen.repeat,
        segmenter=chosen.segmenter,
        in_flight=chosen.in_flight,
        history=0 if chosen.memory else chosen.messages // 10,
        outage=0 if chosen.memory else chosen.messages // 10,
        is_memory=chosen.memory,
    )
    what = "memory" if chosen.memory else f"{size.kills} kills, repeat {size.repeat}"
    report = Report(f"soak: {size.messages} messages, {size.database}, {size.replicas} process(es), {what}")
    asyncio.run(run(size, report, chosen.keep))
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())

"""The law of group SOPs: `python -m bench.sop_law`. Many first weeks, everything going wrong, nothing lost or twice.

The sandbox plays WeCom and its people in this process; the program runs as one or more processes of its own and is
killed with kill -9 at random moments (seeded). Groups go through finance_week1 in both rhythms; owners confirm, forget
or leave; callbacks are lost, doubled and out of order, 5 % of API calls fail before or after acting, and for some
hours everything is down. Time stands still while anything that is due is left to do, then jumps on, so that a slow
machine is not mistaken for a late program. At the end bench/sop_ledger.py says what must have held.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bench import databases, soak, sop_ledger, sop_town, wecom
from bench.report import Report
from bench.sop_ledger import Ledger, Witness
from bench.sop_town import People, Process, SopPlan
from bot.clock import write_clock_file
from content import sop_freezing, sop_guard
from content import tables as content_tables
from domain.sop import DeliveryCode
from sandbox import server
from sandbox.faults import FaultKind
from store import sop_versions, walks
from store import tables as t
from store.database import Store

# A Thursday, 09:30 in Shanghai; the first groups open on the Monday after.
MORNING = datetime(2026, 11, 26, 1, 30, tzinfo=UTC)
OPENINGS = (date(2026, 11, 30), date(2026, 12, 1))
OUTAGE_AT, OUTAGE_HOURS = datetime(2026, 12, 2, 1, 40, tzinfo=UTC), 4.5
LAST = datetime(2026, 12, 28, 1, 30, tzinfo=UTC)
# Local hours at which most steps fall due; kills are drawn around them.
BUSY = ((10, 0), (10, 30), (11, 0), (12, 0), (14, 0), (15, 0), (18, 0), (19, 30), (20, 0))
PATIENCE_SECONDS = 180.0
_RING_SECONDS, _LOOK_SECONDS = 0.7, 0.02
NO_SALE = Path(__file__).resolve().parents[1] / "content" / "sop" / "no_sale.toml"
_ZONE = sop_ledger.ZONE
# Work in the middle of which the program is killed.
_BEATEN = frozenset(["enrolments", "deliveries", "mass tasks"])
_WEEK_LIVES = sa.exists().where(
    t.enrolment.c.template == sop_town.TEMPLATE, t.enrolment.c.state.in_(["waiting", "running", "paused"])
)


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much of everything. `grain`: the least leap of time by day, in seconds; at night ten times that.

    `begins_at`: when groups enrol; they open on OPENINGS.
    """

    groups: int = 1_000
    kills: int = 20
    processes: int = 1
    seed: int = 1
    database: str = "sqlite"
    grain: float = 120.0
    poll_seconds: float = 600.0
    is_quiet_run: bool = False
    begins_at: datetime = MORNING

    @property
    def owners(self) -> int:
        """How many owners the groups have."""
        return -(-self.groups // sop_town.GROUPS_OF_AN_OWNER)


@dataclass
class Law:
    """One run."""

    size: Size
    report: Report
    box: server.Box
    plan: SopPlan
    houses: list[Process]
    now: datetime = field(init=False)
    counts: Counter[str] = field(default_factory=Counter)
    waited: float = 0.0
    waited_for: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    leaps: int = 0
    strikes: int = 0

    def __post_init__(self) -> None:
        self.now = self.size.begins_at
        self.dice = random.Random(self.size.seed)
        self.witness = Witness(self.box.world)
        self.restarts: list[asyncio.Task[None]] = []

    # --- the story -----------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Found the town, enrol, let the weeks pass with everything going wrong, come to rest, judge."""
        sop_town.write_overrides(self.plan.folder, self.size.owners)
        chats = sop_town.found_groups(self.box, self.size.groups)
        await asyncio.gather(*(house.begin() for house in self.houses))
        self.store = await Store.open(self.plan.database_url)
        try:
            self.people = People(self.box, self.store, random.Random(self.size.seed))
            await self._known()
            enrolled = await sop_town.enrol(self.store, list(OPENINGS), self.now, self.dice)
            self.report.must(enrolled == self.size.groups, f"only {enrolled} groups were enrolled")
            await self.people.prepare(self.now)
            self.report.progress(f"{enrolled} groups enrolled")
            if not self.size.is_quiet_run:
                for fault in wecom.callback_faults() + wecom.api_faults():
                    # A callback that is late by real seconds is not late on a clock that stands still for it.
                    if fault.kind is not FaultKind.LATE:
                        self.box.faults.add(fault)
            sop_town.live(self.box, chats, self.dice)
            await self._weeks()
            await self._rest()
            await self._judge()
        finally:
            await self.store.close()

    async def _known(self) -> None:
        """Wait until the program has read everybody and every group."""
        wanted = (
            sa.select(sa.func.count())
            .select_from(t.group)
            .where(t.group.c.owner_platform_id != "", t.group.c.seen_at.is_not(None))
        )
        led = sa.select(sa.func.count()).where(t.staff.c.leader_platform_id != "")
        frozen = sa.select(sa.func.count()).where(t.sop_version.c.template == sop_town.TEMPLATE)
        paired = sa.select(sa.func.count()).where(t.staff.c.co_owner_platform_id != "")
        goals = ((wanted, self.size.groups), (led, self.size.owners), (paired, self.size.owners), (frozen, 1))
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            async with self.store.read() as tx:
                found = [(await tx.execute(query)).scalar_one() >= goal for query, goal in goals]
            if all(found):
                await self._quiet()
                return
            await self._to(self.now + timedelta(seconds=3))
            await asyncio.sleep(0.1)
        raise RuntimeError("the program did not get to know the town")

    async def _weeks(self) -> None:
        kills = self._kill_times()
        outage = None if self.size.is_quiet_run else OUTAGE_AT
        day = self.now.date()
        while self.now < LAST and await self._goes_on():
            target = await self._next_moment()
            if outage is not None and target >= outage:
                outage = None
                await self._outage()
                continue
            strikes = 0
            while kills and kills[0] <= target:
                kills.pop(0)
                strikes += 1
            await self._to(target, strikes=strikes)
            await self.people.look(self.now)
            if self.now.date() != day:
                day = self.now.date()
                self.report.progress(
                    f"{self.now.astimezone(_ZONE):%m-%d %H:%M}: {len(self.box.world.corp.mass_tasks)} mass tasks, "
                    f"{self.people.counts['sent by hand']} by hand, {self.leaps} leaps, "
                    f"{self.waited:.0f} s waited, "
                    + ", ".join(f"{name} {seconds:.0f}" for name, seconds in self._waits()[:4])
                )

    async def _goes_on(self) -> bool:
        if self.leaps % 20:
            return True
        async with self.store.read() as tx:
            return bool((await tx.execute(sa.select(_WEEK_LIVES))).scalar_one())

    def _kill_times(self) -> list[datetime]:
        days = [MORNING.date() + timedelta(days=number) for number in range(4, 13)]
        found = []
        for _ in range(self.size.kills):
            hour, minute = self.dice.choice(BUSY)
            local = datetime.combine(self.dice.choice(days), datetime.min.time(), _ZONE)
            found.append(local + timedelta(hours=hour, minutes=minute + self.dice.expovariate(0.2)))
        return sorted(found)

    # --- time ----------------------------------------------------------------------------------------------

    async def _next_moment(self) -> datetime:
        """Return when something is to be done next: not before the grain, never across an end of quiet hours."""
        local = self.now.astimezone(_ZONE)
        is_night = not sop_ledger.QUIET_UNTIL <= local.hour < sop_ledger.QUIET_FROM
        least = self.now + timedelta(seconds=self.size.grain * (10 if is_night else 1))
        found = [moment for moment in (await self._due_moments()) if moment > self.now]
        edges = [
            datetime.combine(local.date() + timedelta(days=more), datetime.min.time(), _ZONE)
            + timedelta(hours=hour)
            for more in (0, 1)
            for hour in (sop_ledger.QUIET_UNTIL, sop_ledger.QUIET_FROM)
        ]
        edge = min(moment for moment in edges if moment > self.now)
        return min(max(min(found, default=edge), least), edge).astimezone(UTC)

    async def _due_moments(self) -> list[datetime]:
        columns = (
            (t.enrolment.c.next_at, None),
            (t.mass_task.c.poll_at, None),
            (t.delivery.c.due_at, t.delivery.c.state == "due"),
            (t.lookup.c.due_at, None),
            (t.question.c.next_at, None),
            (t.notice.c.look_at, t.notice.c.state == "waiting"),
            (t.event.c.due_at, t.event.c.state == "new"),
        )
        found = []
        async with self.store.read() as tx:
            for column, condition in columns:
                wanted = sa.select(sa.func.min(column)).where(column > self.now)
                if condition is not None:
                    wanted = wanted.where(condition)
                moment = (await tx.execute(wanted)).scalar_one_or_none()
                if moment is not None:
                    found.append(moment)
        planned = self.box.world.agenda.next_at()
        if planned is not None:
            found.append(datetime.fromtimestamp(planned, UTC) + timedelta(milliseconds=1))
        by_hand = self.people.next_at() if hasattr(self, "people") else None
        return found + ([by_hand] if by_hand is not None else [])

    async def _to(self, moment: datetime, *, strikes: int = 0) -> None:
        """Let it be `moment` for everybody, and wait until what is due then is done; kill meanwhile."""
        self.leaps += 1
        self.now = moment
        write_clock_file(self.plan.clock_file or Path(), virtual_at=moment, rate=0.0)
        # Everybody looks at the file every 20 ms.
        await asyncio.sleep(0.022)
        self.box.world.agenda.run_due()
        self.strikes += strikes
        if self.strikes and _BEATEN.intersection(await self._left()):
            self.strikes -= 1
            self._wake()
            await asyncio.sleep(self.dice.uniform(0.0, 0.12))
            await self._kill_one()
        await self._quiet()

    async def _quiet(self) -> None:
        begun = looked_at = time.monotonic()
        rung_at = 0.0
        while left := await self._left():
            now = time.monotonic()
            self.waited_for[left[0]] += now - looked_at
            looked_at = now
            if time.monotonic() - begun > PATIENCE_SECONDS:
                self.report.must(False, f"not quiet at {self.now.astimezone(_ZONE):%m-%d %H:%M}: {left}")
                break
            if time.monotonic() - rung_at > _RING_SECONDS:
                rung_at = time.monotonic()
                self._wake()
            await asyncio.sleep(_LOOK_SECONDS)
        self.waited += time.monotonic() - begun

    async def _left(self) -> list[str]:
        """Return what is due and not done, by name."""
        begun = time.monotonic()
        await self.box.postman.drained()
        self.waited_for["callbacks"] += time.monotonic() - begun
        now = self.now
        waiting = {
            "events": sa.exists().where(t.event.c.state.in_(["new", "claimed"]), t.event.c.due_at <= now),
            "claimed deliveries": sa.exists().where(
                t.delivery.c.state.in_(["claimed", "attempting"]), t.delivery.c.send_class != 4
            ),
            "deliveries": sa.exists().where(t.delivery.c.state == "due", t.delivery.c.due_at <= now),
            "enrolments": sa.exists().where(t.enrolment.c.next_at <= now),
            "mass tasks": sa.exists().where(t.mass_task.c.poll_at <= now),
            "lookups": sa.exists().where(t.lookup.c.due_at <= now),
            "questions": sa.exists().where(t.question.c.next_at <= now),
            "notices": sa.exists().where(t.notice.c.state == "waiting", t.notice.c.look_at <= now),
        }
        columns = [one.label(name) for name, one in waiting.items()]
        async with self.store.read() as tx:
            row = (await tx.execute(sa.select(*columns))).one()
        return [name for name, is_left in row._mapping.items() if is_left]

    def _waits(self) -> list[tuple[str, float]]:
        return sorted(self.waited_for.items(), key=lambda one: -one[1])

    def _wake(self) -> None:
        for house in self.houses:
            house.wake()

    # --- what goes wrong -----------------------------------------------------------------------------------

    async def _kill_one(self) -> None:
        if not any(one.is_ready for one in self.houses):
            await self._all_up()
        house = self.dice.choice([one for one in self.houses if one.is_ready])
        house.kill()
        self.counts["kills"] += 1
        self.report.progress(
            f"kill {self.counts['kills']} at {self.now.astimezone(_ZONE):%m-%d %H:%M}, left: {await self._left()}"
        )
        self.restarts.append(asyncio.create_task(house.begin()))

    async def _outage(self) -> None:
        """Power cut in the morning, up again in the afternoon."""
        await self._all_up()
        for house in self.houses:
            house.kill()
        self.counts["kills"] += len(self.houses)
        end = self.now + timedelta(hours=OUTAGE_HOURS)
        while self.now < end:
            self.now = min(self.now + timedelta(minutes=30), end)
            write_clock_file(self.plan.clock_file or Path(), virtual_at=self.now, rate=0.0)
            await asyncio.sleep(0.05)
            self.box.world.agenda.run_due()
        await asyncio.gather(*(house.begin() for house in self.houses))
        await self._quiet()
        self.report.progress(f"up again after {OUTAGE_HOURS} hours")

    async def _all_up(self) -> None:
        await asyncio.gather(*self.restarts)
        self.restarts.clear()

    async def _rest(self) -> None:
        """Nothing goes wrong any more; a night passes, and everything is read anew."""
        self.box.faults.clear()
        await self._all_up()
        for name in ("address_book", "groups"):
            await self.store.write(partial(walks.want, name=name, now=self.now))
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            await self._to(self.now + timedelta(seconds=5))
            async with self.store.read() as tx:
                rows = (await tx.execute(sa.select(t.walk))).all()
            done = [
                row
                for row in rows
                if row.finished_at and (not row.wanted_at or row.finished_at >= row.wanted_at)
            ]
            if len(done) == len(rows):
                break
            await asyncio.sleep(0.2)
        for _ in range(4):
            await self._to(self.now + timedelta(seconds=60))

    async def _judge(self) -> None:
        records = await sop_ledger.read(self.store)
        async with self.store.read() as tx:
            version = (await sop_versions.list_of(tx, sop_town.TEMPLATE, 1))[0]
        template = sop_freezing.load(version.body)
        book = Ledger(
            world=self.box.world,
            witness=self.witness,
            records=records,
            sales=_sales(),
            mass_steps={
                (rhythm, step.key)
                for rhythm, steps in template.steps.items()
                for step in steps
                if step.deliveries[0] is DeliveryCode.MASS_SEND
            },
            now=self.now,
        )
        for broken in book.judge():
            self.report.must(False, broken)
        self._print(book)
        self._judge_unknown(book)

    def _judge_unknown(self, book: Ledger) -> None:
        """At most as many unknown sends as calls may have been cut off: four per kill, one per broken answer."""
        broken = sum(
            number
            for (endpoint, outcome), number in self.box.protocol.counts.items()
            if endpoint == "externalcontact/add_msg_template" and outcome in (-500, -502, -599, -1)
        )
        most = self.counts["kills"] * 4 + broken
        unknown = sum(1 for one in book.records.tasks if one["state"] == "unknown")
        self.report.row("unknown, of at most", unknown, most)
        self.report.must(unknown <= most, f"{unknown} mass tasks are unknown, at most {most} may be")

    def _print(self, book: Ledger) -> None:
        report = self.report
        days = (self.now - self.size.begins_at) / timedelta(days=1)
        report.row("groups, owners", self.size.groups, self.size.owners)
        report.row("days of the story", f"{days:.1f}", f"{self.leaps} leaps")
        report.row("kills, outage", self.counts["kills"], f"{OUTAGE_HOURS} h")
        for name, text in book.counts().items():
            report.row(name, text)
        for name, count in sorted(self.people.counts.items()):
            report.row(name, count)
        counts = self.box.protocol.counts
        faulty = sum(
            n for (_, outcome), n in counts.items() if outcome in (-1, -500, -502, -599, 42001, 45033)
        )
        calls = sum(counts.values())
        report.row("API calls, made to fail", calls, f"{100 * faulty / max(calls, 1):.1f} %")
        for name, stats in self.box.postman.stats.items():
            report.row(
                f"callbacks {name}, dropped, retried", stats.sent, stats.dropped, stats.failed_attempts
            )
        for name, seconds in self._waits():
            report.row(f"waited for {name}", f"{seconds:.0f} s")

    async def close(self) -> None:
        """Stop everything."""
        for task in self.restarts:
            task.cancel()
        await asyncio.gather(*self.restarts, return_exceptions=True)
        for house in self.houses:
            house.kill()


def _sales() -> tuple[sop_guard.SaleRule, ...]:
    mistakes = content_tables.Mistakes()
    found = content_tables.load_tables(NO_SALE, NO_SALE.parents[2], ("rule",), mistakes) or []
    return sop_guard.parse_rules(found)


@contextlib.asynccontextmanager
async def opened(size: Size, report: Report, folder: Path, database_url: str) -> AsyncIterator[Law]:
    """Put sandbox and houses together; nothing runs yet."""
    clock_file = folder / "clock.json"
    write_clock_file(clock_file, virtual_at=size.begins_at, rate=0.0)
    async with server.running(sop_town.settings(clock_file, size.owners, size.seed)) as box:
        plan = SopPlan(
            folder=folder,
            database_url=database_url,
            api_base=box.url,
            clock_file=clock_file,
            poll_seconds=size.poll_seconds,
        )
        houses = [Process(plan) for _ in range(size.processes)]
        ports = [house.port for house in houses]
        async with wecom.balancer(lambda: ports, size.seed) as address:
            for name in ("contacts", "assistant"):
                box.postman.point(name, f"{address}/callback/{name}")
            law = Law(size, report, box, plan, houses)
            try:
                yield law
            finally:
                await law.close()


async def run(size: Size, report: Report, keep: Path | None = None) -> None:
    """Run one law and judge it."""
    with soak._folder(keep) as name, databases.database(size.database, Path(name)) as url:
        async with opened(size, report, Path(name), url) as law:
            begun = time.monotonic()
            await law.run()
            report.row("real time", f"{time.monotonic() - begun:.0f} s")


def main(arguments: list[str] | None = None) -> int:
    """Run the bench; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.sop_law", description=__doc__)
    parser.add_argument("--groups", type=int, default=1_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--processes", type=int, default=0, help="2 on PostgreSQL, 1 on SQLite")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--grain", type=float, default=120.0, help="least leap of time by day, in seconds")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument(
        "--quiet-run", action="store_true", help="nothing goes wrong but people: no faults, no kills"
    )
    parser.add_argument("--keep", type=Path, help="a new folder to keep logs and the SQLite file in")
    chosen: Any = parser.parse_args(arguments)
    processes = chosen.processes or (2 if chosen.database == "postgresql" else 1)
    if processes > 1 and chosen.database == "sqlite":
        parser.error("processes share PostgreSQL; SQLite is for one")
    size = Size(
        groups=chosen.groups,
        kills=0 if chosen.quiet_run else chosen.kills,
        processes=processes,
        seed=chosen.seed,
        database=chosen.database,
        grain=chosen.grain,
        is_quiet_run=chosen.quiet_run,
    )
    report = Report(
        f"sop_law: {size.groups} groups, {size.database}, {processes} process(es), {size.kills} kills"
    )
    asyncio.run(run(size, report, chosen.keep))
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())

"""Group SOPs at scale: `python -m bench.sop`. What an idle tick costs, how fast groups enrol, how fast steps leave.

The sandbox plays WeCom in this process; store, engine, outbox and content are the real ones. Promised (issue 4): a tick
with nothing due costs the same (within 1.5 x) from 1,000 enrolled groups up; 500 enrolments a second on PostgreSQL;
1,000 due steps a second claimed, guarded, rendered, checked and handed to add_msg_template, joined where the words are
equal; memory flat. Ticks are compared with each other in one run; the two rates also stand beside what the database
alone takes for the same rows.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from bench import databases
from bench.report import Report
from bot import app, config
from bot.clock import write_clock_file
from bot.loops import Loops
from sandbox import groups as sandbox_groups
from sandbox import server
from sandbox import settings as sandbox_settings
from scheduler import enrolling
from scheduler.enrolling import EnrolmentWanted, Version
from store import tables
from store.database import Store

CORP, SECRET, AGENT = "ww1234567890abcdef", "benchSecret", 1000002
AES_KEY, TOKEN = "rcIEDEJ4qOIvKuMjaGhZVNHicwfKnhKf9ztJVj+h83k", "sandboxToken01"
# A Monday, 11:00 in Shanghai; the first lesson of finance_weekly is on Thursday at 10:00.
MONDAY = datetime(2026, 11, 30, 3, 0, tzinfo=UTC)
THURSDAY = datetime(2026, 12, 3, 2, 0, tzinfo=UTC)
GROUPS_OF_AN_OWNER = 500
TEMPLATE = "finance_weekly"
TICKS = 60


def main() -> int:
    """Run the bench and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--groups", type=int, default=100_000, help="enrolled groups (default 100,000)")
    parser.add_argument("--due", type=int, default=20_000, help="of these due at once (default 20,000)")
    parser.add_argument("--database", choices=("postgresql", "sqlite"), default="postgresql")
    given = parser.parse_args()
    report = Report(title=f"bench/sop: {given.groups} groups, {given.due} due, {given.database}")
    with tempfile.TemporaryDirectory(prefix="guanjia-sop-") as name:
        folder = Path(name)
        with databases.database(given.database, folder) as url:
            asyncio.run(run(report, folder, url, given.groups, given.due))
    return report.finish()


async def run(report: Report, folder: Path, url: str, total: int, due: int) -> None:
    """Measure everything on one database."""
    clock_file = folder / "clock.json"
    write_clock_file(clock_file, virtual_at=MONDAY, rate=0.0)
    owners = [f"owner{number:03d}" for number in range(max(due // GROUPS_OF_AN_OWNER, 1))]
    wanted = sandbox_settings.Settings(
        clock_file=str(clock_file),
        corp_id=CORP,
        mass_dispatch_seconds=0,
        calls_per_minute=10_000_000,
        apps=(sandbox_settings.AppSettings(agent_id=AGENT, name="bench", secret=SECRET),),
        members=tuple(sandbox_settings.MemberSettings(userid=one, name=one) for one in owners),
        receivers=(
            sandbox_settings.ReceiverSettings(
                name="contacts", url="", token=TOKEN, aes_key=AES_KEY, agent_id=AGENT
            ),
        ),
    )
    async with server.running(wanted) as box:
        settings = config.build(_values(folder, url, box.url, clock_file), folder)
        async with app.opened(settings, goes_live=True) as house:
            await house.library.warm_up()
            loops = Loops(house)
            chats = _sandbox_groups(box, owners, due)
            report.progress(f"{len(chats)} groups stand in the sandbox")
            await _measure_enrolling_and_ticks(report, house, loops, chats, owners, total)
            await _measure_due(report, house, loops, box, clock_file, due)


def _values(folder: Path, url: str, base: str, clock_file: Path) -> dict[str, dict[str, object]]:
    receiver = {"secret": SECRET, "token": TOKEN, "aes_key": AES_KEY, "agent_id": AGENT}
    return {
        "server": {"port": 0},
        "store": {"url": url, "data_folder": str(folder / "data")},
        "wecom": {"corp_id": CORP, "api_base": base, "receivers": {"contacts": receiver}},
        "content": {"serve_samples": True},
        "clock": {"file": str(clock_file)},
        "console": {"secure_cookies": False},
        "answering": {"by_meaning": False},
        "outbox": {"in_flight": 16},
    }


def _sandbox_groups(box: server.Box, owners: list[str], due: int) -> list[tuple[str, str]]:
    """Make the groups that will be sent to; return (chat id, owner)."""
    found = []
    for number in range(due):
        owner = owners[number % len(owners)]
        group = sandbox_groups.create(box.world, owner, f"g{number}", [], members=[])
        found.append((group.chat_id, owner))
    return found


async def _measure_enrolling_and_ticks(
    report: Report,
    house: app.House,
    loops: Loops,
    chats: list[tuple[str, str]],
    owners: list[str],
    total: int,
) -> None:
    """Enrol in growing steps; at 1,000, 10,000 … groups measure a tick with nothing due."""
    shelf = house.library.shelf()
    version = Version(id=shelf.frozen[TEMPLATE], template=shelf.sops.templates[TEMPLATE])
    marks = sorted({1_000, 10_000, 30_000, total} & set(range(total + 1)) | {total})
    ids: list[int] = []
    ticks: dict[int, float] = {}
    spent, enrolled = 0.0, 0
    for mark in marks:
        rows = [
            (chats[number] if number < len(chats) else (f"wrBench{number:07d}", owners[number % len(owners)]))
            for number in range(enrolled, mark)
        ]
        ids = await _add_groups(house.store, rows)
        begun = time.perf_counter()
        await _enrol(house, version, ids, [owner for _, owner in rows], loops)
        seconds = time.perf_counter() - begun
        spent += seconds
        rate = len(rows) / seconds
        report.progress(f"{mark} groups enrolled, the last {len(rows)} at {rate:.0f}/s")
        enrolled = mark
        await _walk_all(loops)
        ticks[mark] = await _tick(loops)
    rate = enrolled / spent
    bare = await _bare_rate(house.store, len(version.template.steps["calm"]) * 2)
    report.row("enrolments/s", f"{rate:.0f}", "goal 500", f"bare inserts of as many rows {bare:.0f}/s")
    first = ticks[min(ticks)]
    for mark, seconds in ticks.items():
        ratio = seconds / first
        report.row(f"idle tick at {mark}", f"{seconds * 1000:.2f} ms", f"{ratio:.2f} x", "goal 1.5 x")
        report.must(ratio <= 1.5, f"an idle tick at {mark} groups costs {ratio:.2f} x that at {min(ticks)}")
    report.must(rate >= 500 or house.store.dialect.is_sqlite, f"only {rate:.0f} enrolments/s")


async def _add_groups(store: Store, rows: list[tuple[str, str]]) -> list[int]:
    found: list[int] = []
    for start in range(0, len(rows), 1000):
        part = [
            {
                "chat_id": chat,
                "name": chat,
                "owner_platform_id": owner,
                "created_at": MONDAY,
                "seen_at": MONDAY,
                "first_seen_at": MONDAY,
            }
            for chat, owner in rows[start : start + 1000]
        ]

        async def add(tx: sa.ext.asyncio.AsyncConnection, part: list[dict[str, object]] = part) -> list[int]:
            made = await tx.execute(sa.insert(tables.group).returning(tables.group.c.id), part)
            return list(made.scalars().all())

        found += await store.write(add)
    return found


async def _enrol(house: app.House, version: Version, ids: list[int], owners: list[str], loops: Loops) -> None:
    for start in range(0, len(ids), 500):
        wanted = [
            EnrolmentWanted(group_id=group_id, owner=owner, opens_on=date(2026, 12, 1))
            for group_id, owner in zip(ids[start : start + 500], owners[start : start + 500], strict=True)
        ]
        await house.store.write(
            lambda tx, wanted=wanted: enrolling.enrol_many(
                tx, version, "calm", wanted, loops.sops.walker.calendar(), by="bench", now=house.clock.now()
            )
        )


async def _walk_all(loops: Loops) -> None:
    while await loops.sops.walker.walk_due() == 0:
        pass


async def _tick(loops: Loops) -> float:
    """Return the seconds of the quickest tick with nothing due: what others do on this machine is not its cost."""
    found = []
    for _ in range(TICKS):
        begun = time.perf_counter()
        await loops.sops.walker.walk_due()
        found.append(time.perf_counter() - begun)
    return min(found)


async def _bare_rate(store: Store, rows_each: int) -> float:
    """Return how many times a second the database alone takes `rows_each` occurrence rows, written in bulk."""
    async with store.read() as tx:
        enrolment_id = (await tx.execute(sa.select(sa.func.min(tables.enrolment.c.id)))).scalar_one()
    count = 200
    rows = [
        {
            "enrolment_id": enrolment_id,
            "step": "bench",
            "n": number,
            "delivery": "X",
            "state": "cancelled",
            "wanted_at": MONDAY,
            "due_at": MONDAY,
            "window_end": MONDAY,
            "expires_at": MONDAY,
            "shifts": "",
        }
        for number in range(count * rows_each)
    ]
    begun = time.perf_counter()
    await store.write(lambda tx: tx.execute(sa.insert(tables.occurrence), rows))
    return count / (time.perf_counter() - begun)


async def _measure_due(
    report: Report, house: app.House, loops: Loops, box: server.Box, clock_file: Path, due: int
) -> None:
    """Let a lesson be due in every sandbox group at once, and count what reaches add_msg_template."""
    others = sa.update(tables.enrolment).where(
        tables.enrolment.c.group_id.in_(
            sa.select(tables.group.c.id).where(tables.group.c.chat_id.like("wrBench%"))
        )
    )
    await house.store.write(lambda tx: tx.execute(others.values(next_at=THURSDAY + timedelta(days=20))))
    await _skip_earlier(house)
    write_clock_file(clock_file, virtual_at=THURSDAY, rate=0.0)
    await asyncio.sleep(0.2)  # Readers look at the file every 20 ms.
    before = _memory_mb()
    begun = time.perf_counter()
    stop = asyncio.Event()
    sender = asyncio.create_task(_send(loops, stop))
    await _walk_all(loops)
    decided = time.perf_counter() - begun
    while _targets(box) < due:
        await asyncio.sleep(0.02)
        if time.perf_counter() - begun > 600:
            break
    seconds = time.perf_counter() - begun
    stop.set()
    await sender
    tasks = len(box.world.corp.mass_tasks)
    rate = _targets(box) / seconds
    report.row("due steps/s", f"{rate:.0f}", "goal 1,000", f"{tasks} tasks; decided in {decided:.1f} s")
    grown = _memory_mb() - before
    report.row("memory while they left", f"{grown:+.0f} MB", "", f"{_memory_mb():.0f} MB with the sandbox")
    report.must(_targets(box) == due, f"{_targets(box)} of {due} groups reached the platform")
    sent = [
        chat
        for task in box.world.corp.mass_tasks.values()
        for part in task.parts.values()
        for chat in part.targets
    ]
    report.must(len(sent) == len(set(sent)), "a group is in two tasks")
    report.must(rate >= 1000 or house.store.dialect.is_sqlite, f"only {rate:.0f} due steps/s")


async def _skip_earlier(house: app.House) -> None:
    """Leave out what would be due before the lesson, so that only the lesson is measured."""
    earlier = sa.update(tables.occurrence).where(tables.occurrence.c.step != "lesson")
    await house.store.write(lambda tx: tx.execute(earlier.values(state="cancelled")))
    due = sa.update(tables.enrolment).where(tables.enrolment.c.next_at < THURSDAY)
    await house.store.write(lambda tx: tx.execute(due.values(next_at=THURSDAY)))


async def _send(loops: Loops, stop: asyncio.Event) -> None:
    while not stop.is_set():
        await loops.outbox.send_due()
        await asyncio.sleep(0.001)
    await loops.outbox.finish()


def _targets(box: server.Box) -> int:
    return sum(
        len(part.targets) for task in box.world.corp.mass_tasks.values() for part in task.parts.values()
    )


def _memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())

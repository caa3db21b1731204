"""A valley for tests of group SOPs: sandbox and house together, the clock moved from event to event.

Groups, owners and confirmations are the sandbox's; everything of ours is the real house. Time stands still while
anything is left to do, then jumps to whatever comes next, so a week takes seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from bot import app, config
from bot.clock import write_clock_file
from domain.enrolment import Enrolment, MassTask, Occurrence
from sandbox import groups as sandbox_groups
from sandbox import mass_sending, server, sidebar
from sandbox import settings as sandbox_settings
from scheduler import acts, calendars, enrolling
from scheduler.enrolling import Version
from store import enrolments, groups, mass_tasks, notices, occurrences, staff, tables
from tests import bells

CORP = "ww1234567890abcdef"
SECRET = "valleySecret"
AES_KEY = "rcIEDEJ4qOIvKuMjaGhZVNHicwfKnhKf9ztJVj+h83k"
TOKEN = "sandboxToken01"
AGENT = 1000002
ZONE = ZoneInfo("Asia/Shanghai")
# A Thursday, 09:30 in Shanghai.
MORNING = datetime(2026, 11, 26, 1, 30, tzinfo=UTC)
# The next day: the earliest a group can open.
OPENS_ON = date(2026, 11, 27)
PATIENCE_SECONDS = 60.0
# How long loops that were woken have before they are woken again.
RING_SECONDS = 0.25
# They have nothing to do in a valley but to see what files, approvals and stops are like on a new day or after an act.
IDLE_LOOPS = ("turns", "words")
OWNER, CO_OWNER, SUPERVISOR = "zhangsan", "lisi", "wangwu"
FACTS = {"event_title": "看懂三张纸", "teacher": "陈老师", "teacher_title": "基金从业资格 A0001"}


# A story whose statements others tell on PostgreSQL as well; what it is about is decided in Python.
on_one_engine = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

_NOW = sa.bindparam("now", type_=tables.delivery.c.due_at.type)


def _next(column: sa.Column[Any], *conditions: sa.ColumnElement[bool]) -> sa.ScalarSelect[Any]:
    """Return the least value after now."""
    return sa.select(sa.func.min(column)).where(column > _NOW, *conditions).scalar_subquery()


# Asked a hundred times in a story, so they are put together once.
_NEXT = sa.select(
    _next(tables.enrolment.c.next_at),
    _next(tables.mass_task.c.poll_at),
    _next(tables.delivery.c.due_at, tables.delivery.c.state == "due"),
    _next(tables.lookup.c.due_at),
    _next(tables.question.c.next_at),
    _next(tables.notice.c.look_at, tables.notice.c.state == "waiting"),
)
_IS_LEFT = sa.select(
    sa.or_(
        sa.exists().where(tables.event.c.state.in_(["new", "claimed"])),
        sa.exists().where(
            tables.delivery.c.state.in_(["claimed", "attempting"]), tables.delivery.c.send_class != 4
        ),
        sa.exists().where(tables.delivery.c.state == "due", tables.delivery.c.due_at <= _NOW),
        sa.exists().where(tables.enrolment.c.next_at <= _NOW),
        sa.exists().where(tables.mass_task.c.poll_at <= _NOW),
        sa.exists().where(tables.lookup.c.due_at <= _NOW),
        sa.exists().where(tables.question.c.next_at <= _NOW),
        sa.exists().where(tables.notice.c.state == "waiting", tables.notice.c.look_at <= _NOW),
    )
)


def local(text: str) -> datetime:
    """Return the moment of "11-30 10:00" by the clock in Shanghai, in 2026."""
    return datetime.strptime(f"2026-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=ZONE)


@dataclass
class Valley:
    """`box`: the sandbox; `house`: the open house."""

    box: server.Box
    settings: config.Settings
    clock_file: Path
    house: app.House = field(init=False)
    address: str = field(init=False)
    _open: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    async def start(self) -> None:
        """Start the house, and wait until it has read its words and knows its people."""
        self.house, self.address = await self._open.enter_async_context(app.running(self.settings))
        for name in ("contacts", "assistant"):
            self.box.postman.point(name, f"{self.address}/callback/{name}")
        await asyncio.wait_for(self.house.library.shelf_ready.wait(), PATIENCE_SECONDS)

        async def knows_people() -> bool:
            async with self.house.store.read() as tx:
                people = await staff.list_all(tx)
            return all(one in people and people[one].name for one in self.world.members)

        await self.eventually(knows_people, "the address book")
        await self.quiet()

    async def stop(self) -> None:
        """Stop the house; the platform and its people go on."""
        await self._open.aclose()

    @property
    def world(self) -> Any:
        return self.box.world

    @property
    def now(self) -> datetime:
        return self.house.clock.now()

    # --- time ----------------------------------------------------------------------------------------------

    async def at(self, moment: datetime) -> None:
        """Move everybody's clock to a moment, do what the sandbox's people do by then, and let the house settle."""
        is_new_day = moment.astimezone(ZONE).date() > self.now.astimezone(ZONE).date()
        if moment > self.now:
            write_clock_file(self.clock_file, virtual_at=moment, rate=0.0)

            async def has_come() -> bool:
                return self.now >= moment and self.world.clock.now() >= moment.timestamp()

            await self.eventually(has_come, "the clock")
        self.world.agenda.run_due()
        bells.ring(but=() if is_new_day else IDLE_LOOPS)
        await self.quiet()

    async def at_rest(self, moment: datetime) -> None:
        """Move the clock while the house is stopped."""
        write_clock_file(self.clock_file, virtual_at=moment, rate=0.0)

        async def has_come() -> bool:
            return bool(self.world.clock.now() >= moment.timestamp())

        await self.eventually(has_come, "the clock")
        self.world.agenda.run_due()

    async def until(self, moment: datetime, *, stop: Callable[[], Awaitable[bool]] | None = None) -> None:
        """Let time pass from event to event up to `moment`, or until `stop()` holds."""
        while self.now < moment:
            await self.quiet()
            if stop is not None and await stop():
                return
            following = await self.next_moment()
            await self.at(min(moment, following or moment))

    async def next_moment(self) -> datetime | None:
        """Return when something is to be done next, by the house or by the sandbox's people."""
        async with self.house.store.read() as tx:
            moments = (await tx.execute(_NEXT, {"now": self.now})).one()
        found = [moment for moment in moments if moment is not None]
        agenda = self.world.agenda.next_at()
        if agenda is not None:
            found.append(max(datetime.fromtimestamp(agenda, UTC), self.now) + timedelta(milliseconds=1))
        return min((moment for moment in found if moment > self.now), default=None)

    async def quiet(self) -> None:
        """Wait until nothing that is due is left to do."""
        await self.box.postman.drained()
        await self.eventually(self._is_idle, "quiet", ring=True)

    async def _is_idle(self) -> bool:
        async with self.house.store.read() as tx:
            return not (await tx.execute(_IS_LEFT, {"now": self.now})).scalar_one()

    async def eventually(
        self, holds: Callable[[], Awaitable[bool]], what: str, *, ring: bool = False
    ) -> None:
        """Wait until `holds()`; fail with `what` when it never does. `ring`: wake the loops now and then."""
        loop = asyncio.get_running_loop()
        end, rings_at = loop.time() + PATIENCE_SECONDS, loop.time() + RING_SECONDS
        while not await holds():
            assert loop.time() < end, f"waited in vain for {what}"
            if ring and loop.time() > rings_at:
                rings_at += RING_SECONDS
                bells.ring(but=IDLE_LOOPS)
            await asyncio.sleep(0.01)

    # --- groups --------------------------------------------------------------------------------------------

    async def group(self, name: str = "首周一群", *, owner: str = OWNER, customers: int = 12) -> str:
        """Let an owner make a group with customers and a colleague; return its chat id once the house knows it."""
        made = [self.world.add_customer(f"客户{number}", simulated=True) for number in range(customers)]
        group = sandbox_groups.create(
            self.world, owner, name, [one.external_userid for one in made], members=[CO_OWNER]
        )
        chat_id: str = group.chat_id

        async def is_known() -> bool:
            await self.settle()
            async with self.house.store.read() as tx:
                known = await groups.find(tx, chat_id)
            return known is not None and known.seen_at is not None and known.owner_platform_id == owner

        await self.eventually(is_known, f"the group {name}")
        return chat_id

    async def settle(self) -> None:
        """Let what waits a few seconds (readings of the platform) happen."""
        following = await self.next_moment()
        if following is not None and following - self.now < timedelta(minutes=1):
            await self.at(following)

    async def enrol(
        self,
        chat_id: str,
        template: str = "finance_week1",
        *,
        rhythm: str = "calm",
        opens_on: date | None = None,
        facts: Mapping[str, str] = FACTS,
    ) -> Enrolment:
        """Enrol a group by hand."""

        async def act(tx: Any) -> Enrolment:
            known = await groups.find(tx, chat_id)
            assert known is not None
            shelf = self.house.library.shelf()
            return await enrolling.enrol(
                tx,
                Version(id=shelf.frozen[template], template=shelf.sops.templates[template]),
                rhythm,
                known.id,
                opens_on,
                calendars.known(shelf.calendar_years),
                facts=facts,
                by="test",
                now=self.now,
            )

        made: Enrolment = await self.house.store.write(act)
        return made

    async def ready(self, enrolment: Enrolment) -> None:
        """Tick every point of readiness and bind the welcome."""

        async def act(tx: Any) -> None:
            for point in range(9):
                await acts.tick(tx, enrolment.id, point=point, is_on=True, by=SUPERVISOR, now=self.now)
            await acts.bind_welcome(tx, enrolment.id, by=OWNER, now=self.now)

        await self.house.store.write(act)
        await self.quiet()

    # --- what stands ---------------------------------------------------------------------------------------

    async def enrolment(self, enrolment_id: int) -> Enrolment:
        async with self.house.store.read() as tx:
            found = await enrolments.find(tx, enrolment_id)
        assert found is not None
        return found

    async def steps(self, enrolment_id: int) -> dict[str, Occurrence]:
        """Return the group's occurrences by step; of a repeating one the last."""
        async with self.house.store.read() as tx:
            found = await occurrences.list_of_enrolment(tx, enrolment_id)
        return {one.step: one for one in found if not one.member}

    async def tasks(self) -> list[MassTask]:
        async with self.house.store.read() as tx:
            rows = (await tx.execute(sa.select(tables.mass_task).order_by(tables.mass_task.c.id))).all()
        return [mass_tasks.task_of(row) for row in rows]

    async def history(self, enrolment_id: int) -> list[str]:
        """Return the history as "act step note"."""
        async with self.house.store.read() as tx:
            found = await enrolments.list_entries(tx, enrolment_id)
        return [f"{one.act} {one.step} {one.note}".strip() for one in found]

    async def told(self, recipient: str) -> list[str]:
        """Return the titles of what somebody was to be told, oldest first."""
        async with self.house.store.read() as tx:
            found = await notices.list_of(tx, recipient, MORNING - timedelta(days=1))
        return [f"{one.kind} {one.title}" for one in sorted(found, key=lambda one: one.id)]

    def said(self, chat_id: str, via: str = "") -> list[str]:
        """Return what our side said in a group, oldest first."""
        lines = sandbox_groups.get(self.world, chat_id).lines
        said = [str(line.body.get("content", "")) for line in lines if not via or line.via == via]
        return [words for words in said if words]

    def confirm(self, msgid: str, owner: str = OWNER) -> None:
        """The owner confirms a mass send in the client."""
        mass_sending.confirm(self.world, msgid, owner)

    async def confirm_open(self, owner: str = OWNER) -> int:
        """The owner confirms every mass send that waits; return how many."""
        waiting = [task for task in await self.tasks() if task.state == "waiting" and task.sender == owner]
        for task in waiting:
            self.confirm(task.msgid, owner)
        return len(waiting)

    async def by_hand(self, occurrence: Occurrence, chat_id: str, by: str, *, reports: bool = True) -> str:
        """Somebody sends a step by the sidebar: takes the words, sends them, and the page reports it."""
        given = await self.act(lambda tx: acts.begin_by_hand(tx, occurrence.id, by=by, now=self.now))
        message = {"msgtype": "text", "text": {"content": given.text}}
        sidebar.send(self.world, by, chat_id=chat_id, external_userid="", message=message)
        if reports:
            await self.act(
                lambda tx: acts.end_by_hand(tx, given.delivery_key, is_sent=True, by=by, now=self.now)
            )
        return str(given.delivery_key)

    async def open_group(
        self, name: str, *, owner: str = OWNER, customers: int = 12, **wanted: Any
    ) -> tuple[str, Enrolment]:
        """Let a group be made and enrolled with everything prepared; it opens on OPENS_ON."""
        chat_id = await self.group(name, owner=owner, customers=customers)
        one = await self.enrol(chat_id, **{"opens_on": OPENS_ON, **wanted})
        await self.ready(one)
        return chat_id, one

    async def step_due(self, moment: datetime) -> None:
        """Jump to a moment at which mass sends are due, and let the platform have them."""
        await self.at(moment)
        await self.until(moment + timedelta(seconds=5))

    async def task_of(self, enrolment_id: int, step: str) -> MassTask:
        """Return the mass send that a step waits for, or waited for last."""
        found = (await self.steps(enrolment_id))[step]
        return next(task for task in await self.tasks() if task.id == found.mass_task_id)

    async def confirm_step(self, enrolment_id: int, step: str) -> None:
        """The owner confirms a step's mass send, and the house sees it."""
        task = await self.task_of(enrolment_id, step)
        mass_sending.confirm(self.world, task.msgid, task.sender)
        await self.until(self.now + timedelta(seconds=self.settings.sop.poll_seconds + 1))

    async def act(self, job: Callable[[Any], Awaitable[Any]]) -> Any:
        """Do something in a transaction and let the house settle."""
        done = await self.house.store.write(job)
        bells.ring()
        await self.quiet()
        return done


@contextlib.asynccontextmanager
async def valley(
    folder: Path, database_url: str, *, owners: Sequence[str] = (), **sections: dict[str, Any]
) -> AsyncIterator[Valley]:
    """Build the valley and take it down again. `owners`: more of them, led by the same people."""
    clock_file = folder / "clock.json"
    write_clock_file(clock_file, virtual_at=MORNING, rate=0.0)
    wanted = sandbox_settings.Settings(
        clock_file=str(clock_file),
        corp_id=CORP,
        mass_dispatch_seconds=0,
        apps=(sandbox_settings.AppSettings(agent_id=AGENT, name="助手", secret=SECRET),),
        members=(
            sandbox_settings.MemberSettings(userid=OWNER, name="张三", leaders=(SUPERVISOR,)),
            sandbox_settings.MemberSettings(userid=CO_OWNER, name="李四", leaders=(SUPERVISOR,)),
            sandbox_settings.MemberSettings(userid=SUPERVISOR, name="王五"),
            *(sandbox_settings.MemberSettings(userid=one, name=one, leaders=(SUPERVISOR,)) for one in owners),
        ),
        receivers=tuple(
            sandbox_settings.ReceiverSettings(name=name, url="", token=TOKEN, aes_key=AES_KEY, agent_id=AGENT)
            for name in ("contacts", "assistant")
        ),
    )
    receiver = {"secret": SECRET, "token": TOKEN, "aes_key": AES_KEY, "agent_id": AGENT}
    overrides = folder / "people.toml"
    overrides.write_text(
        "\n".join(f'[[staff]]\nid = "{who}"\nco_owner = "{CO_OWNER}"\n' for who in (OWNER, *owners)),
        "utf-8",
    )
    async with server.running(wanted) as box:
        values: dict[str, dict[str, Any]] = {
            "server": {"port": 0, "shutdown_seconds": 1, "public_url": "https://bot.example.com"},
            "store": {"url": database_url, "data_folder": str(folder / "data")},
            "wecom": {
                "corp_id": CORP,
                "api_base": box.url,
                "receivers": {"contacts": receiver, "assistant": receiver},
            },
            "content": {"serve_samples": True},
            "company": {"name": "示例信息服务有限公司", "short_name": "示例管家", "phone": "400-000-0000"},
            "clock": {"file": str(clock_file)},
            "console": {"secure_cookies": False},
            "answering": {"by_meaning": False},
            "people": {"overrides": str(overrides)},
            "sop": {"poll_seconds": 60},
        }
        for name, section in sections.items():
            values[name] = {**values.get(name, {}), **section}
        made = Valley(box=box, settings=config.build(values, folder), clock_file=clock_file)
        await made.start()
        try:
            yield made
        finally:
            await made.stop()

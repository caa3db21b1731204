"""The town of bench/sop_law: owners, co-owners and supervisors, their groups, and the program's processes.

Owners confirm mass sends and tap cards by their mood in the sandbox; what is sent by hand is sent by `People` here,
through the acts behind the phone page, some at once, some late, some never, some with the report of the tap lost.
"""

from __future__ import annotations

import heapq
import itertools
import random
import signal
import sys
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bench import house, wecom
from content import sop_freezing
from domain.errors import ActRefused
from sandbox import groups as sandbox_groups
from sandbox import server, sidebar
from sandbox import settings as sandbox_settings
from sandbox.behaviour import Life
from sandbox.codes import ApiError, WorldError
from scheduler import acts, calendars, enrolling
from scheduler.acts import ByHand
from scheduler.enrolling import EnrolmentWanted, Version
from store import sop_versions, tables
from store.database import Store

TEMPLATE = "finance_week1"
FACTS = {"event_title": "看懂三张纸", "teacher": "陈老师", "teacher_title": "基金从业资格 A0001"}
GROUPS_OF_AN_OWNER = 4
# Many processes start at once here, on a machine that may be busy.
START_SECONDS = 120.0
OWNERS_OF_A_SUPERVISOR = 20
CUSTOMERS = 11
# How people who are asked to send by hand do it: share, and after how many minutes.
HAND = ((0.55, (2.0, 25.0)), (0.20, (60.0, 240.0)))
REPORT_LOST = 0.1
LOOK_AGAIN = timedelta(minutes=6)
OPEN = ("released", "waiting_owner", "reminded", "escalated")


@dataclass(frozen=True, kw_only=True)
class SopPlan(house.Plan):
    """A configuration with the receivers and settings that group SOPs need."""

    poll_seconds: float = 60.0

    def write(self, port: int) -> Path:
        """Write the configuration for one process and return its path."""
        path = self.folder / f"house-{port}.toml"
        receivers = "".join(
            f"""
[wecom.receivers.{name}]
agent_id = {wecom.AGENT}
secret = "{wecom.SECRET}"
token = "{wecom.TOKEN}"
aes_key = "{wecom.AES_KEY}"
"""
            for name in ("contacts", "assistant")
        )
        path.write_text(
            f"""
[server]
port = {port}
public_url = "https://bot.example.com"
[store]
url = "{self.database_url}"
data_folder = "{self.folder / "data"}"
[wecom]
corp_id = "{wecom.CORP}"
api_base = "{self.api_base}"
{receivers}
[company]
name = "示例信息服务有限公司"
short_name = "示例管家"
phone = "400-000-0000"
[content]
serve_samples = true
[answering]
by_meaning = false
[people]
overrides = "{self.folder / "people.toml"}"
[sop]
poll_seconds = {self.poll_seconds}
[console]
secure_cookies = false
[clock]
file = "{self.clock_file}"
""",
            "utf-8",
        )
        return path


@dataclass
class Process(house.House):
    """One process that can be woken."""

    is_ready: bool = False

    async def begin(self) -> None:
        """Start it and return once it is ready."""
        self.is_ready = False
        self.spawn(
            [sys.executable, "-m", "bench.woken", "serve", "--config", str(self.plan.write(self.port))]
        )
        await self.ready(seconds=START_SECONDS)
        self.is_ready = True

    def wake(self) -> None:
        """Ring all its bells."""
        if self.is_ready and self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGUSR1)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.is_ready = False
        super().kill()


def settings(clock_file: Path, owners: int, seed: int) -> sandbox_settings.Settings:
    """Return the corp: owners of mixed moods, each with a co-owner beside and a supervisor above."""
    leaders = sorted({supervisor_of(number) for number in range(owners)})
    members = [
        sandbox_settings.MemberSettings(
            userid=owner_name(number),
            name=f"群主{number}",
            leaders=(supervisor_of(number),),
            mood=("mixed", "late", "mixed", "prompt", "mixed", "never", "mixed", "vanish")[number % 8]
            if number % 24 < 8
            else "mixed",
        )
        for number in range(owners)
    ]
    members += [
        sandbox_settings.MemberSettings(userid=co_owner_of(number), name=f"副手{number}")
        for number in range(owners)
    ]
    members += [sandbox_settings.MemberSettings(userid=one, name=f"主管{one}") for one in leaders]
    return sandbox_settings.Settings(
        clock_file=str(clock_file),
        corp_id=wecom.CORP,
        seed=seed,
        mass_dispatch_seconds=0,
        retry_seconds=(0.05, 0.2, 0.5),
        calls_per_minute=10_000_000,
        apps=(sandbox_settings.AppSettings(agent_id=wecom.AGENT, name="助手", secret=wecom.SECRET),),
        members=tuple(members),
        receivers=tuple(
            sandbox_settings.ReceiverSettings(
                name=name, url="", token=wecom.TOKEN, aes_key=wecom.AES_KEY, agent_id=wecom.AGENT
            )
            for name in ("contacts", "assistant")
        ),
    )


def owner_name(number: int) -> str:
    """Return the UserID of an owner."""
    return f"owner{number:04d}"


def co_owner_of(number: int) -> str:
    """Return the UserID of who stands beside an owner."""
    return f"second{number:04d}"


def supervisor_of(number: int) -> str:
    """Return the UserID of who leads an owner."""
    return f"lead{number // OWNERS_OF_A_SUPERVISOR:03d}"


def write_overrides(folder: Path, owners: int) -> None:
    """Write the company's own file about its staff."""
    rows = [
        f'[[staff]]\nid = "{owner_name(number)}"\nco_owner = "{co_owner_of(number)}"\n'
        for number in range(owners)
    ]
    (folder / "people.toml").write_text("\n".join(rows), "utf-8")


def found_groups(box: server.Box, groups: int) -> list[str]:
    """Let owners make their groups; return the chat ids."""
    made = []
    for number in range(groups):
        owner = number // GROUPS_OF_AN_OWNER
        customers = [
            box.world.add_customer(f"客户{number}-{one}", simulated=True).external_userid
            for one in range(CUSTOMERS)
        ]
        group = sandbox_groups.create(
            box.world, owner_name(owner), f"新客{number}群", customers, members=[co_owner_of(owner)]
        )
        made.append(group.chat_id)
    return made


def live(box: server.Box, chats: list[str], dice: random.Random) -> None:
    """Let customers come, talk and go; a few groups are dismissed on the way."""
    life = Life(
        joins=4, join_hours=60, quits_day1=0.1, quits_day3=0.1, quits_week=0.1, speaks=0.1, friends=0.3
    )
    for chat in chats:
        box.behaviour.live(chat, life)
        if dice.random() < 0.02:
            moment = box.world.now() + dice.uniform(3, 10) * 86_400
            box.world.agenda.at(moment, partial(sandbox_groups.dismiss, box.world, chat))


async def enrol(store: Store, days: list[date], now: datetime, dice: random.Random) -> int:
    """Enrol every known group, in both rhythms; return how many."""

    async def act(tx: AsyncConnection) -> int:
        version = (await sop_versions.list_of(tx, TEMPLATE, 1))[0]
        frozen = Version(id=version.id, template=sop_freezing.load(version.body))
        rows = (await tx.execute(sa.select(tables.group).order_by(tables.group.c.id))).all()
        made = 0
        for place, rhythm in enumerate(("calm", "full")):
            wanted = [
                EnrolmentWanted(
                    group_id=row.id, owner=row.owner_platform_id, opens_on=dice.choice(days), facts=FACTS
                )
                for row in rows[place::2]
            ]
            made += len(
                await enrolling.enrol_many(
                    tx, frozen, rhythm, wanted, calendars.packaged(), by="bench", now=now
                )
            )
        return made

    return await store.write(act)


@dataclass
class People:
    """Everybody who works on the phone page. `counts`: what they did, by name."""

    box: server.Box
    store: Store
    dice: random.Random
    counts: Counter[str] = field(default_factory=Counter)
    planned: list[tuple[datetime, int, str, int]] = field(default_factory=list)
    seen: set[tuple[int, str]] = field(default_factory=set)
    numbers: itertools.count[int] = field(default_factory=itertools.count)
    vanished: set[str] = field(default_factory=set)

    def next_at(self) -> datetime | None:
        """Return when somebody does something next."""
        return self.planned[0][0] if self.planned else None

    def plan(self, at: datetime, what: str, subject: int) -> None:
        """Let somebody do something later."""
        heapq.heappush(self.planned, (at, next(self.numbers), what, subject))

    async def prepare(self, now: datetime) -> None:
        """Let supervisors tick the points of readiness and owners bind the welcome; a few do not."""
        async with self.store.read() as tx:
            ids = (await tx.execute(sa.select(tables.enrolment.c.id))).scalars().all()
        for enrolment_id in ids:
            draw = self.dice.random()
            if draw < 0.9:
                self.plan(now + timedelta(minutes=self.dice.uniform(120, 2000)), "ready", enrolment_id)
            if draw < 0.88 or draw > 0.99:
                self.plan(now + timedelta(minutes=self.dice.uniform(120, 4000)), "bind", enrolment_id)

    async def look(self, now: datetime) -> None:
        """Take notice of what waits to be sent by hand, and do what is due."""
        await self._notice(now)
        self._hand_over_orphans(now)
        while self.planned and self.planned[0][0] <= now:
            at, _, what, subject = heapq.heappop(self.planned)
            try:
                await getattr(self, f"_{what}")(subject, max(at, now))
            except (ActRefused, WorldError, ApiError) as error:
                self.counts[f"{what} refused"] += 1
                if what == "hand" and isinstance(error, WorldError):
                    self.counts["hand: not in the group"] += 1

    async def _notice(self, now: datetime) -> None:
        occurrence = tables.occurrence
        wanted = sa.select(occurrence.c.id, occurrence.c.executor).where(
            occurrence.c.delivery == "S", occurrence.c.state.in_(OPEN)
        )
        async with self.store.read() as tx:
            rows = (await tx.execute(wanted)).all()
        for row in rows:
            if (row.id, row.executor) in self.seen or row.executor not in self.box.world.members:
                continue
            self.seen.add((row.id, row.executor))
            draw = self.dice.random()
            for share, minutes in HAND:
                if draw < share:
                    self.plan(now + timedelta(minutes=self.dice.uniform(*minutes)), "hand", row.id)
                    break
                draw -= share

    def _hand_over_orphans(self, now: datetime) -> None:
        """Let an administrator give most groups of those who left to the co-owner, some hours later."""
        for userid in set(self.box.world.corp.left) - self.vanished:
            self.vanished.add(userid)
            number = int(userid.removeprefix("owner")) if userid.startswith("owner") else -1
            if number >= 0 and self.dice.random() < 0.7:
                self.plan(now + timedelta(hours=self.dice.uniform(1, 20)), "inherit", number)

    async def _inherit(self, number: int, now: datetime) -> None:
        for group in list(self.box.world.corp.owned(owner_name(number))):
            sandbox_groups.change_owner(self.box.world, group.chat_id, co_owner_of(number))
            self.counts["groups given to another owner"] += 1

    async def _ready(self, enrolment_id: int, now: datetime) -> None:
        async def act(tx: AsyncConnection) -> None:
            for point in range(9):
                await acts.tick(tx, enrolment_id, point=point, is_on=True, by="lead000", now=now)

        await self.store.write(act)

    async def _bind(self, enrolment_id: int, now: datetime) -> None:
        await self.store.write(lambda tx: acts.bind_welcome(tx, enrolment_id, by=owner_name(0), now=now))

    async def _hand(self, occurrence_id: int, now: datetime) -> None:
        """Tap: take the words, send them in the chat, report it; look into the group when a report was lost."""
        async with self.store.read() as tx:
            row = (
                await tx.execute(
                    sa.select(tables.occurrence, tables.group.c.chat_id)
                    .join(tables.enrolment, tables.enrolment.c.id == tables.occurrence.c.enrolment_id)
                    .join(tables.group, tables.group.c.id == tables.enrolment.c.group_id)
                    .where(tables.occurrence.c.id == occurrence_id)
                )
            ).one()
        if row.state not in OPEN or row.executor not in self.box.world.members:
            return
        if self._stands(row.chat_id, row.text):
            await self.store.write(lambda tx: acts.done(tx, occurrence_id, by=row.executor, now=now))
            self.counts["found in the group and ticked off"] += 1
            return

        async def begin(tx: AsyncConnection) -> ByHand:
            return await acts.begin_by_hand(tx, occurrence_id, by=row.executor, now=now, again=True)

        given = await self.store.write(begin)
        message = {"msgtype": "text", "text": {"content": given.text}}
        is_sent = self.dice.random() > 0.03
        error = "" if is_sent else "cancel"
        if is_sent:
            try:
                sidebar.send(
                    self.box.world, row.executor, chat_id=row.chat_id, external_userid="", message=message
                )
            except WorldError as refused:
                is_sent, error = False, str(refused)
        if self.dice.random() < REPORT_LOST:
            self.counts["taps without a report"] += 1
            self.plan(now + LOOK_AGAIN, "hand", occurrence_id)
            return
        await self.store.write(
            lambda tx: acts.end_by_hand(
                tx, given.delivery_key, is_sent=is_sent, error=error, by=row.executor, now=now
            )
        )
        self.counts["sent by hand" if is_sent else "taps that failed"] += 1
        if not is_sent:
            self.plan(now + LOOK_AGAIN, "hand", occurrence_id)

    def _stands(self, chat_id: str, text: str) -> bool:
        group = self.box.world.corp.groups[chat_id]
        return any(line.body.get("content") == text for line in group.lines)


def moment(seconds: float) -> datetime:
    """Return a time of the sandbox as ours are."""
    return datetime.fromtimestamp(seconds, UTC)

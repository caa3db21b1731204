"""What must hold after any run of group SOPs, read from the sandbox's side and from the program's records.

`judge` returns sentences, one for each thing that is broken, empty when everything held. The sandbox's lines and tasks
are the truth about what was sent; records are asked for what only they know (which step a text was, who was told).
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from content import sop_guard
from content.sop_guard import SaleRule
from domain.enrolment import DONE_STATES, LIVE_STATES, OPEN_STATES, UNRELEASED_STATES
from sandbox.corp import Group, LineVia, MassTask
from sandbox.world import World
from store import tables
from store.database import Store

ZONE = ZoneInfo("Asia/Shanghai")
QUIET_FROM, QUIET_UNTIL = 21, 9
REMINDS, REMIND_SPAN = 3, timedelta(hours=24)
NOTICE_SPAN = timedelta(hours=24)
CARDS_PER_DAY, CARD_GAP = 12, timedelta(minutes=10)
# Kinds of notices by which somebody else learns that a step was not done.
ESCALATING = frozenset(["tell", "missed", "hand_over", "alarm"])
_SHOWN = 5
_LIVE = frozenset(str(one) for one in LIVE_STATES)
_OPEN = frozenset(str(one) for one in OPEN_STATES)
_UNRELEASED = frozenset(str(one) for one in UNRELEASED_STATES)
_DONE = frozenset(str(one) for one in DONE_STATES)

Row = Mapping[str, Any]


@dataclass
class Witness:
    """Notes what the sandbox forgets: reminders. Put it between world and behaviour before the run."""

    world: World
    reminds: list[tuple[str, datetime]] = field(default_factory=list)

    def __post_init__(self) -> None:
        heed = self.world.on_remind

        def reminded(task: MassTask) -> None:
            self.reminds.append((task.msgid, _moment(self.world.clock.now())))
            if heed is not None:
                heed(task)

        self.world.on_remind = reminded


@dataclass(frozen=True, kw_only=True)
class Records:
    """The program's side, all rows. `members`: who is in each group now, by chat id."""

    enrolments: Sequence[Row]
    occurrences: Sequence[Row]
    tasks: Sequence[Row]
    deliveries: Mapping[str, Row]
    notices: Sequence[Row]
    cards: Sequence[Row]
    groups: Mapping[int, Row]
    members: Mapping[str, frozenset[str]]


async def read(store: Store) -> Records:
    """Read everything."""
    t = tables
    async with store.read() as tx:

        async def rows(wanted: sa.Select[Any]) -> list[Row]:
            return [row._mapping for row in (await tx.execute(wanted)).all()]

        groups = {row["id"]: row for row in await rows(sa.select(t.group))}
        members: dict[str, set[str]] = {row["chat_id"]: set() for row in groups.values()}
        current = sa.select(t.group_member.c.group_id, t.group_member.c.member_platform_id).where(
            t.group_member.c.quit_at.is_(None)
        )
        for row in await rows(current):
            members[groups[row["group_id"]]["chat_id"]].add(row["member_platform_id"])
        return Records(
            enrolments=await rows(sa.select(t.enrolment)),
            occurrences=await rows(sa.select(t.occurrence)),
            tasks=await rows(sa.select(t.mass_task)),
            deliveries={row["key"]: row for row in await rows(sa.select(t.delivery))},
            notices=await rows(sa.select(t.notice)),
            cards=await rows(sa.select(t.card)),
            groups=groups,
            members={name: frozenset(found) for name, found in members.items()},
        )


@dataclass
class Ledger:
    """One finished run. `mass_steps`: rhythm and step of what is a mass send first; `now`: the time of its end."""

    world: World
    witness: Witness
    records: Records
    sales: Sequence[SaleRule]
    mass_steps: Collection[tuple[str, str]]
    now: datetime

    def __post_init__(self) -> None:
        self.by_enrolment = {row["id"]: row for row in self.records.enrolments}
        self.of_group: dict[str, list[Row]] = defaultdict(list)
        for row in self.records.occurrences:
            self.of_group[self.chat(row)].append(row)

    def chat(self, occurrence: Row) -> str:
        """Return the chat id of an occurrence's group."""
        enrolment = self.by_enrolment[occurrence["enrolment_id"]]
        return str(self.records.groups[enrolment["group_id"]]["chat_id"])

    def judge(self) -> list[str]:
        """Return what is broken."""
        laws = (
            self.enrolments_end,
            self.occurrences_end,
            self.nothing_twice,
            self.tasks_never_repeated,
            self.unknown_never_repeated,
            self.quiet_hours_kept,
            self.reminders_kept,
            self.one_mass_send_a_day,
            self.order_kept,
            self.nothing_sold,
            self.cards_kept,
            self.somebody_told,
            self.members_equal,
            self.records_agree,
        )
        found: list[str] = []
        for law in laws:
            broken = list(law())
            found += [f"{law.__name__}: {one}" for one in broken[:_SHOWN]]
            if len(broken) > _SHOWN:
                found.append(f"{law.__name__}: and {len(broken) - _SHOWN} more")
        return found

    # --- nothing lost --------------------------------------------------------------------------------------

    def enrolments_end(self) -> Iterator[str]:
        """A first week ends in some way; what still runs has a time to be looked at."""
        for row in self.records.enrolments:
            if row["state"] not in _LIVE:
                continue
            if row["next_at"] is None:
                yield f"enrolment {row['id']} ({row['template']}) is {row['state']} and never looked at again"
            elif row["template"] == "finance_week1":
                yield f"enrolment {row['id']} is still {row['state']}, opens on {row['opens_on']}"

    def occurrences_end(self) -> Iterator[str]:
        """Every step ended, or is still in its window."""
        for row in self.records.occurrences:
            ended = self.by_enrolment[row["enrolment_id"]]["state"] not in _LIVE
            is_open = row["state"] in _OPEN or row["state"] in _UNRELEASED
            end = max(row["window_end"], row["expires_at"])
            if is_open and (ended or end < self.now):
                yield f"{self._name(row)} is {row['state']} after its window ({row['window_end']})"

    # --- nothing twice -------------------------------------------------------------------------------------

    def nothing_twice(self) -> Iterator[str]:
        """A text reaches a group at most once for each step that says it, by mass send and by hand together."""
        for chat_id, group in self.world.corp.groups.items():
            steps = Counter(
                row["text"] for row in self.of_group[chat_id] if row["text"] and not row["member"]
            )
            for text, sends in self._sends(group).items():
                most = max(steps[text], 1)
                if len(sends) > most:
                    when = ", ".join(f"{via} {_local(at):%m-%d %H:%M}" for at, via in sends)
                    yield f"group {chat_id} got {text[:16]!r} {len(sends)} times: {when}"

    def tasks_never_repeated(self) -> Iterator[str]:
        """A group's text is put into another task only after the former was stopped, or had been confirmed in vain."""
        for (chat_id, text), made in self._tasks_by_words().items():
            for former, later in itertools.pairwise(made):
                part = next(iter(former.parts.values()))
                ended = part.confirmed_at if part.confirmed_at is not None else former.cancelled_at
                if ended is None or ended > later.created_at:
                    yield f"group {chat_id} is in two tasks with {text[:16]!r}, the former was not stopped"

    def unknown_never_repeated(self) -> Iterator[str]:
        """A task that may have been made was not made again for the same step."""
        by_words = self._tasks_by_words()
        for task in self.records.tasks:
            if task["state"] != "unknown" or task["chat_type"] != "group":
                continue
            text = str(self.records.deliveries[task["delivery_key"]]["body"].get("text", ""))
            for chat_id in task["targets"]:
                since = _aware(task["created_at"]).timestamp()
                later = [one for one in by_words.get((chat_id, text), ()) if one.created_at >= since]
                if len(later) > 1:
                    yield f"group {chat_id}: {text[:16]!r} is unknown and was made {len(later)} times"

    # --- when ----------------------------------------------------------------------------------------------

    def quiet_hours_kept(self) -> Iterator[str]:
        """No mass send is made, no reminder is given at night."""
        for task in self._tasks():
            if _is_quiet(_moment(task.created_at)):
                yield f"task {task.msgid} was made at {_local(_moment(task.created_at))}"
        for msgid, at in self.witness.reminds:
            if _is_quiet(at):
                yield f"task {msgid} was reminded of at {_local(at)}"

    def reminders_kept(self) -> Iterator[str]:
        """At most three official reminders of a task in any 24 hours."""
        by_task: dict[str, list[datetime]] = defaultdict(list)
        for msgid, at in self.witness.reminds:
            by_task[msgid].append(at)
        for msgid, moments in by_task.items():
            for place in range(len(moments) - REMINDS):
                if moments[place + REMINDS] - moments[place] < REMIND_SPAN:
                    yield f"task {msgid} was reminded of {len(moments)} times"
                    break

    def one_mass_send_a_day(self) -> Iterator[str]:
        """Never two mass sends reach a group on one local day."""
        for chat_id, group in self.world.corp.groups.items():
            days: dict[Any, set[str]] = defaultdict(set)
            for line in group.lines:
                task = self.world.corp.mass_tasks.get(line.msgid)
                if line.via is LineVia.MASS and task is not None and not task.personal:
                    days[_local(_moment(line.at)).date()].add(line.msgid)
            for day, tasks in days.items():
                if len(tasks) > 1:
                    yield f"group {chat_id} got {len(tasks)} mass sends on {day}"

    def order_kept(self) -> Iterator[str]:
        """Publication a day after the notice, recap after it, cues after the opening: as the group saw it."""
        for chat_id, group in self.world.corp.groups.items():
            first = self._first_seen(chat_id, group)
            told, published = first.get("notice"), first.get("publication")
            if published is not None and (told is None or published - told < NOTICE_SPAN):
                yield f"group {chat_id}: published {_shown(published)}, announced {_shown(told)}"
            recap = first.get("recap")
            if recap is not None and (published is None or recap < published):
                yield f"group {chat_id}: recap {_shown(recap)}, published {_shown(published)}"
            opened = first.get("opening")
            for step, at in first.items():
                if step.startswith("cue_") and (opened is None or at < opened):
                    yield f"group {chat_id}: {step} {_shown(at)}, opened {_shown(opened)}"

    def nothing_sold(self) -> Iterator[str]:
        """Before its week is scored nothing that sells reaches a group or a customer through the program."""
        scored = {
            self.chat(row): _aware(row["sent_at"])
            for row in self.records.occurrences
            if row["step"] == "score" and row["sent_at"] is not None
        }
        seen: dict[str, bool] = {}
        for chat_id, group in self.world.corp.groups.items():
            for line in group.lines:
                if line.via not in (LineVia.MASS, LineVia.SIDEBAR, LineVia.WELCOME):
                    continue
                text = "\n".join(str(value) for value in line.body.values())
                sells = seen.get(text)
                if sells is None:
                    sells = seen[text] = bool(sop_guard.sales_words(self.sales, text))
                if sells and _moment(line.at) < scored.get(chat_id, self.now):
                    yield f"group {chat_id} got {text[:30]!r}"

    # --- people --------------------------------------------------------------------------------------------

    def cards_kept(self) -> Iterator[str]:
        """At most 12 cards a person and day but for the exempt, two of them 10 minutes apart, each once."""
        exempt = {row["task_id"]: bool(row["is_exempt"]) for row in self.records.cards}
        arrived: Counter[tuple[str, str]] = Counter()
        days: Counter[tuple[str, Any]] = Counter()
        for message in self.world.app_messages:
            for userid in message.userids:
                if message.task_id in exempt:
                    arrived[(message.task_id, userid)] += 1
        for row in self.records.cards:
            if not row["is_exempt"]:
                days[(row["recipient"], row["day"])] += 1
        yield from (
            f"card {card} came {count} times to {who}" for (card, who), count in arrived.items() if count > 1
        )
        yield from (
            f"{who} got {count} cards on {day}" for (who, day), count in days.items() if count > CARDS_PER_DAY
        )
        by_person: dict[str, list[datetime]] = defaultdict(list)
        for row in self.records.cards:
            if not row["is_exempt"]:
                by_person[row["recipient"]].append(_aware(row["sent_at"]))
        for who, moments in by_person.items():
            ordered = sorted(moments)
            for former, later in itertools.pairwise(ordered):
                if later - former < CARD_GAP:
                    yield f"{who} got cards at {_local(former)} and {_local(later)}"

    def somebody_told(self) -> Iterator[str]:
        """What was to be a mass send and was not done is known to somebody else: told, or given to them."""
        told: dict[int, set[str]] = defaultdict(set)
        for row in self.records.notices:
            if row["occurrence_id"] is not None and row["kind"] in ESCALATING:
                told[row["occurrence_id"]].add(row["kind"])
        for row in self.records.occurrences:
            rhythm = self.by_enrolment[row["enrolment_id"]]["rhythm"]
            if (rhythm, row["step"]) not in self.mass_steps or row["released_at"] is None:
                continue
            if row["state"] == "missed" and not told[row["id"]]:
                yield f"{self._name(row)} was missed ({row['reason']}) and nobody was told"

    def members_equal(self) -> Iterator[str]:
        """After reconciliation the program knows who is in each group."""
        for chat_id, group in self.world.corp.groups.items():
            if group.dismissed:
                continue
            ours, theirs = self.records.members.get(chat_id, frozenset()), frozenset(group.members)
            if ours != theirs:
                yield f"group {chat_id}: {len(ours - theirs)} too many, {len(theirs - ours)} missing"

    def records_agree(self) -> Iterator[str]:
        """What the platform's proof calls sent was seen by the group; what a group saw is not called missed."""
        for chat_id, group in self.world.corp.groups.items():
            seen = self._sends(group)
            for row in self.of_group[chat_id]:
                if row["member"] or not row["text"]:
                    continue
                proven = row["evidence_kind"] in ("platform", "sidebar") and row["delivery"] in ("M", "S")
                if row["state"] in _DONE and proven and not seen.get(row["text"]):
                    yield f"{self._name(row)} is {row['state']} by {row['evidence_kind']}, the group never saw it"

    # --- counts --------------------------------------------------------------------------------------------

    def counts(self) -> dict[str, str]:
        """Return figures for the report."""
        tasks = list(self._tasks())
        parts = [part for task in tasks for part in task.parts.values()]
        groups = [row for row in self.records.occurrences if not row["member"] and row["delivery"] in "MS"]
        states = Counter(row["state"] for row in groups if row["released_at"] is not None)
        by_hand = Counter(row["reason"] for row in groups if row["delivery"] == "S" and row["reason"])
        ends = Counter(row["state"] for row in self.records.enrolments if row["template"] == "finance_week1")
        lines = Counter(line.via for group in self.world.corp.groups.values() for line in group.lines)
        unknown = [row for row in self.records.tasks if row["state"] == "unknown"]
        passages = sum(len(group.passages) for group in self.world.corp.groups.values())
        return {
            "first weeks": ", ".join(f"{name} {count}" for name, count in sorted(ends.items())),
            "steps": f"{len(self.records.occurrences)}",
            "steps released to people": ", ".join(
                f"{name} {count}" for name, count in sorted(states.items())
            ),
            "mass tasks": f"{len(tasks)}, confirmed {sum(1 for one in parts if one.confirmed_at is not None)}, "
            f"stopped {sum(1 for one in tasks if one.cancelled_at is not None)}",
            "by hand because of": ", ".join(f"{name} {count}" for name, count in sorted(by_hand.items()))
            or "—",
            "unknown tasks": f"{len(unknown)}",
            "reminders": f"{len(self.witness.reminds)}",
            "lines in groups": ", ".join(f"{name} {lines[name]}" for name in (LineVia.MASS, LineVia.SIDEBAR)),
            "cards": f"{len(self.records.cards)}, exempt {sum(1 for one in self.records.cards if one['is_exempt'])}",
            "people came and went": f"{passages} times, {len(self.world.corp.left)} owners left the company",
        }

    # --- reading -------------------------------------------------------------------------------------------

    def _tasks(self) -> Iterable[MassTask]:
        return (task for task in self.world.corp.mass_tasks.values() if not task.personal)

    def _tasks_by_words(self) -> dict[tuple[str, str], list[MassTask]]:
        found: dict[tuple[str, str], list[MassTask]] = defaultdict(list)
        for task in self._tasks():
            if task.chat_type == "group":
                for part in task.parts.values():
                    for chat_id in part.targets:
                        found[(chat_id, task.text)].append(task)
        for made in found.values():
            made.sort(key=lambda task: task.created_at)
        return found

    def _sends(self, group: Group) -> dict[str, list[tuple[datetime, str]]]:
        """Return when and how each text reached the group through us."""
        found: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
        for line in group.lines:
            if line.via in (LineVia.MASS, LineVia.SIDEBAR) and line.msgtype == "text":
                found[str(line.body.get("content", ""))].append((_moment(line.at), str(line.via)))
        return found

    def _first_seen(self, chat_id: str, group: Group) -> dict[str, datetime]:
        """Return when a group first saw each step of its first week, whichever way it came."""
        seen = self._sends(group)
        found: dict[str, datetime] = {}
        for row in self.of_group[chat_id]:
            is_week = self.by_enrolment[row["enrolment_id"]]["template"] == "finance_week1"
            if is_week and row["text"] in seen and not row["member"]:
                found[row["step"]] = min(at for at, _ in seen[row["text"]])
        return found

    def _name(self, row: Row) -> str:
        return f"step {row['step']}#{row['n']} {row['delivery']} ({row['id']}) of enrolment {row['enrolment_id']}"


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _local(at: datetime) -> datetime:
    return at.astimezone(ZONE)


def _shown(at: datetime | None) -> str:
    return "never" if at is None else f"{_local(at):%m-%d %H:%M}"


def _is_quiet(at: datetime) -> bool:
    hour = _local(at).hour
    return hour >= QUIET_FROM or hour < QUIET_UNTIL

"""The engine's worker: takes enrolments whose time has come, loads what a decision needs, decides, writes.

One transaction a batch, without any call to the platform: rows are locked as long as it lasts, so many processes on
PostgreSQL share the work and a crash leaves nothing half done. The cost of a round follows what is due.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from content import readiness, sop_freezing
from content.knowledge import Knowledge
from content.sop_shelf import Shelf
from domain.enrolment import (
    OPEN_STATES,
    UNRELEASED_STATES,
    Enrolment,
    EnrolmentState,
    MassTask,
    Occurrence,
)
from domain.errors import StoreBusy, StoreUnavailable
from domain.faq import Line
from domain.groups import Group
from domain.hours import ServiceHours
from domain.people import Staff
from domain.ports import Clock
from domain.sop import AnchorKind, BlockKind, ContentBlock, DeliveryCode, Step, StepPart, Template
from scheduler import calendars, figures, rendering, steps, writing
from scheduler.bundles import Alarm, Bundle, People, Reason
from scheduler.calendars import Calendar
from scheduler.enrolling import Version
from scheduler.ticker import Wakeup
from scheduler.timetable import Rules
from store import (
    deliveries,
    dialect,
    enrolments,
    groups,
    lines,
    mass_tasks,
    occurrences,
    sop_audiences,
    sop_versions,
    staff,
)
from store.database import Store
from store.enrolments import Entry
from store.occurrences import MassSent

log = logging.getLogger(__name__)

# What ended longer ago decides nothing any more.
_REMEMBERED = timedelta(days=35)
_REPORTING = frozenset([BlockKind.REPORT, BlockKind.CHECKLIST, BlockKind.CARD])
_VERSIONS_KEPT = 64
_AFTER_BREAKING = timedelta(minutes=10)
# How long after the pilot's end at most the other groups go on.
_OUTSIDE = timedelta(hours=1)
_UNFINISHED = OPEN_STATES | UNRELEASED_STATES
# Ways of steps that figures may show to be done.
_JUDGED = frozenset([DeliveryCode.APP, DeliveryCode.SIDEBAR])
# Figures of success that take reading members and questions.
_COUNTED = frozenset(["open_questions", "duplicates", "mismatched_rate", "overdue_rate", "answered_rate"])


@dataclass(frozen=True, kw_only=True)
class WalkRules:
    """How the engine works. `batch`: enrolments of one transaction. `company`: slots of the company's own.

    `public_url`: of links, without a trailing slash. `internal_chat`: where reports go; empty: as cards. `groups`: the
    pilot's chat ids, empty for all; the SOPs of other groups are left as they are. `suggest_only`: in such a pilot
    nothing leaves by itself. `words`: for staff, by Reason, and by "alarm." and kind. `hours`: when people serve, for
    times of answers.
    """

    batch: int
    company: Mapping[str, str]
    public_url: str
    internal_chat: str
    groups: frozenset[str] = frozenset()
    suggest_only: bool = False
    words: Mapping[str, str] = field(default_factory=dict)
    hours: ServiceHours | None = None


class Walker:
    """Run one per process; many processes share the rows."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        shelf: Callable[[], Shelf],
        knowledge: Callable[[], Knowledge],
        rules: WalkRules,
    ) -> None:
        self._store = store
        self._clock = clock
        self._shelf = shelf
        self._knowledge = knowledge
        self._rules = rules
        self._versions: dict[int, Version] = {}
        self._checker: rendering.Checker | None = None
        self._calendar: tuple[object, Calendar] | None = None
        self.bell = Wakeup()
        # Rung when something waits at the door, for the poller and for the cards.
        self.outbox_bell = Wakeup()
        self.mass_bell = Wakeup()
        self.cards_bell = Wakeup()

    async def walk_due(self) -> float | None:
        """Work on what is due; a step for ticker.run_loop."""
        if not self._shelf().is_loaded:
            return None
        done = await self._walk_batch()
        if done:
            for bell in (self.outbox_bell, self.mass_bell, self.cards_bell):
                bell.ring()
        return 0 if done >= self._rules.batch else None

    async def version(self, tx: AsyncConnection, version_id: int) -> Version:
        """Return a frozen template; kept, because reading one takes 5 ms."""
        found = self._versions.get(version_id)
        if found is None:
            stored = await sop_versions.get(tx, version_id)
            found = Version(id=version_id, template=sop_freezing.load(stored.body))
            if len(self._versions) >= _VERSIONS_KEPT:
                self._versions.clear()
            self._versions[version_id] = found
        return found

    def calendar(self) -> Calendar:
        """Return the days on and off, with the years the company set by hand."""
        years = self._shelf().calendar_years
        if self._calendar is None or self._calendar[0] != years:
            self._calendar = (years, calendars.known(years))
        return self._calendar[1]

    async def _walk_batch(self) -> int:
        """Work on a batch; where one of it breaks, on each alone, so that one broken group stops no other."""
        try:
            return await self._store.write(self._walk)
        except (StoreUnavailable, StoreBusy):
            raise
        except Exception:
            log.exception("a batch of enrolments broke", extra={"action": "enrolments_broke"})
        now = self._clock.now()
        async with self._store.read() as tx:
            due = await enrolments.list_due(tx, now, self._rules.batch)
        for enrolment_id in due:
            try:
                await self._store.write(partial(self._walk, only=enrolment_id))
            except (StoreUnavailable, StoreBusy):
                raise
            except Exception:
                log.exception(
                    "enrolment broke", extra={"action": "enrolment_broke", "enrolment": enrolment_id}
                )
                await self._store.write(partial(_put_off, enrolment_id=enrolment_id, now=now))
        return len(due)

    async def _walk(self, tx: AsyncConnection, only: int | None = None) -> int:
        now = self._clock.now()
        claimed = await enrolments.claim_due(tx, now, self._rules.batch, only=only)
        # Two ways of one group are decided one after the other: each has to know what the other sends.
        due = list({one.group_id: one for one in reversed(claimed)}.values())
        if not due:
            return 0
        if self._rules.groups:
            due = await self._of_pilot(tx, due, now)
        await dialect.lock_subjects(tx, "group", [one.group_id for one in due])
        bundles = await self._load(tx, due, now)
        outcomes = []
        for bundle in bundles:
            outcomes.append(steps.advance(bundle, now))
            if isinstance(bundle.openings, _OpeningsOf):
                bundle.openings.move(bundle.enrolment.opens_on, outcomes[-1].enrolment.opens_on)
        door = writing.Door(
            calendar=self.calendar(),
            shelf=self._shelf(),
            version=self.version,
            internal_chat=self._rules.internal_chat,
            public_url=self._rules.public_url,
            suggest_only=self._rules.suggest_only,
        )
        await writing.write(tx, bundles, outcomes, door, now)
        return len(claimed)

    async def _of_pilot(self, tx: AsyncConnection, due: list[Enrolment], now: datetime) -> list[Enrolment]:
        """Return the enrolments of the pilot's groups. Others stay as they are, and are asked again in a while."""
        known = await groups.list_by_id(tx, sorted({one.group_id for one in due}))
        inside = [one for one in due if known[one.group_id].chat_id in self._rules.groups]
        await enrolments.put_off(tx, {one.id for one in due} - {one.id for one in inside}, now + _OUTSIDE)
        return inside

    # --- what a decision needs -----------------------------------------------------------------------------

    async def _load(self, tx: AsyncConnection, due: Sequence[Enrolment], now: datetime) -> list[Bundle]:
        ids = [one.id for one in due]
        group_ids = sorted({one.group_id for one in due})
        known = await groups.list_by_id(tx, group_ids)
        steps_of = await occurrences.list_of(tx, ids, since=now - _REMEMBERED)
        tasks = await mass_tasks.list_by_id(tx, _awaited(steps_of))
        sent = await occurrences.list_mass_sends(tx, group_ids, now - _REMEMBERED, now)
        people = await staff.list_near(tx, sorted({group.owner_platform_id for group in known.values()}))
        compliance = await staff.list_with_role(tx, "compliance")
        counted = [one.group_id for one in due if _counts_customers(one, steps_of[one.id], now)]
        sizes = await sop_audiences.count_customers(tx, counted) if counted else {}
        versions = {one.id: await self.version(tx, one.sop_version_id) for one in due}
        taken = await self._openings(tx, due, versions, known, now)
        # Asked here and not of the words in use, which learn of a stop a moment later.
        stopped = await lines.list_stopped(tx)
        unreported = await _unreported(tx, steps_of, now)
        made = []
        for one in due:
            template, group = versions[one.id].template, known[one.group_id]
            used = _used(one, [each for each in sent if each.group_id == group.id], template.zone)
            rules = Rules(guard=template.guard, calendar=self.calendar(), zone=template.zone, used=used)
            who = _people(group, people, compliance, now.astimezone(template.zone).date())
            made.append(
                await self._bundle(
                    tx,
                    one,
                    template,
                    group,
                    steps_of[one.id],
                    tasks,
                    rules,
                    who,
                    sizes,
                    taken,
                    stopped,
                    unreported,
                    now,
                )
            )
        return made

    async def _bundle(
        self,
        tx: AsyncConnection,
        one: Enrolment,
        template: Template,
        group: Group,
        found: list[Occurrence],
        tasks: Mapping[int, MassTask],
        rules: Rules,
        people: People,
        sizes: Mapping[int, int],
        taken: dict[tuple[str, date], int],
        stopped: frozenset[Line],
        unreported: frozenset[int],
        now: datetime,
    ) -> Bundle:
        due = [item for item in found if item.due_at <= now and item.state in _UNFINISHED]
        parts = {step.key: step for step in template.steps[one.rhythm]}
        reports = [
            item for item in due if item.step in parts and _is_report(template, parts[item.step].content)
        ]
        said: dict[str, str] = {}
        if reports:
            asked = {faq.id: faq.question for faq in self._knowledge().faqs.values()}
            said = dict(await figures.of(tx, one, template, now, entries=asked, hours=self._rules.hours))
        score = None
        if any(parts[item.step].part is StepPart.SCORE for item in due if item.step in parts):
            result = await figures.week_score(tx, one, template, found, now)
            score = (result.total, {str(name): value for name, value in result.parts.items()})
        alarms: tuple[Alarm, ...] = ()
        if one.members_changed_at is not None and one.state is EnrolmentState.RUNNING:
            words = self._rules.words
            found_alarms = await figures.alarms(tx, one, now)
            alarms = tuple(writing.alarm_of(alarm, group.name, words) for alarm in found_alarms)
        return Bundle(
            enrolment=one,
            template=template,
            chat_id=group.chat_id,
            group_name=group.name,
            is_gone=group.dismissed_at is not None,
            size=sizes.get(group.id, 0),
            occurrences=tuple(found),
            tasks=tasks,
            rules=rules,
            people=people,
            stopped=stopped,
            openings=_OpeningsOf(taken, one.owner_platform_id),
            say=self._words(one, template, group, found, rules, people, said).say,
            unreported=unreported,
            measures=await self._measures(tx, one, template, due, now),
            score=score,
            alarms=alarms,
            reasons=self._rules.words,
        )

    def _words(
        self,
        one: Enrolment,
        template: Template,
        group: Group,
        found: list[Occurrence],
        rules: Rules,
        people: People,
        said: Mapping[str, str],
    ) -> rendering.Words:
        shelf, content = self._shelf(), self._knowledge().content
        if self._checker is None or self._checker.rules is not content.rules:
            self._checker = rendering.Checker(rules=content.rules)
        unticked = readiness.unticked(template, one.ticks)
        ticked = readiness.measures(template, one.ticks)
        missing = max(readiness.PASS_POINTS - int(ticked.get("points", 0)), 0)
        slots = rendering.slots_of(
            one,
            template,
            found,
            group_name=group.name,
            people=people,
            rules=rules,
            company=self._rules.company,
            public_url=self._rules.public_url,
            figures={**said, "unticked": unticked, "points": str(missing)},
        )

        def version_of(block: ContentBlock) -> int | str | None:
            refusal = shelf.refusal(template, block.id, shelf.today)
            return shelf.version_of(template, block.id, shelf.today) if refusal is None else str(refusal)

        return rendering.Words(
            template=template,
            slots=slots,
            risk_lines=content.risk_lines,
            version_of=version_of,
            checker=self._checker,
        )

    async def _measures(
        self,
        tx: AsyncConnection,
        one: Enrolment,
        template: Template,
        due: Sequence[Occurrence],
        now: datetime,
    ) -> dict[str, float | None]:
        """Return the figures that steps of staff are judged by, as far as one of them is due."""
        open_ones = [item for item in due if item.state in _UNFINISHED]
        steps_due = {item.step for item in open_ones if item.delivery in _JUDGED}
        # An opening asks once more what its preparation is worth, also of what missed its window.
        opens = {step.key for step in template.steps[one.rhythm] if step.part is StepPart.OPENING}
        if not steps_due and not opens & {item.step for item in open_ones}:
            return {}
        shelf = self._shelf()
        found: dict[str, float | None] = dict(readiness.measures(template, one.ticks))
        found["bound"] = float(one.welcome_bound_at is not None)
        said_blocks = {name for step in template.steps[one.rhythm] for name in step.content}
        allowed = sum(1 for name in said_blocks if shelf.refusal(template, name, shelf.today) is None)
        found["approved_rate"] = allowed / len(said_blocks) if said_blocks else 1.0
        if any(_is_counted(step) for step in template.steps[one.rhythm] if step.key in steps_due):
            found |= await figures.measures(tx, one, template, now)
        return found | await _newcomers(tx, one, template, due)

    async def _openings(
        self,
        tx: AsyncConnection,
        due: Sequence[Enrolment],
        versions: Mapping[int, Version],
        known: Mapping[int, Group],
        now: datetime,
    ) -> dict[tuple[str, date], int]:
        waiting = [one for one in due if one.opened_at is None]
        names = sorted(
            {
                one.template
                for one in waiting
                if any(step.part is StepPart.OPENING for step in versions[one.id].template.steps[one.rhythm])
            }
        )
        if not names:
            return {}
        owners = sorted({one.owner_platform_id for one in waiting})
        since = (now - timedelta(days=1)).date()
        await dialect.lock_subjects(tx, "owner", owners)
        return await enrolments.count_openings(tx, owners, since, opens_with=names)


def _awaited(steps_of: Mapping[int, Sequence[Occurrence]]) -> list[int]:
    """Return the ids of the mass sends that still decide something; what has ended is counted elsewhere."""
    return sorted(
        {
            one.mass_task_id
            for found in steps_of.values()
            for one in found
            if one.mass_task_id and (one.state in _UNFINISHED or one.reason == Reason.UNKNOWN)
        }
    )


def _counts_customers(one: Enrolment, found: Sequence[Occurrence], now: datetime) -> bool:
    """Say whether a decision asks how many customers are in the group: an opening, and steps for some of them."""
    return one.opened_at is None or any(
        item.delivery is DeliveryCode.PERSONAL
        and not item.member
        and item.due_at <= now
        and item.state in UNRELEASED_STATES
        for item in found
    )


async def _unreported(
    tx: AsyncConnection, steps_of: Mapping[int, Sequence[Occurrence]], now: datetime
) -> frozenset[int]:
    """Return which unfinished steps somebody began to send by hand without telling how it ended."""
    refs = {
        f"occurrence.{one.id}": one.id
        for found in steps_of.values()
        for one in found
        if one.delivery is DeliveryCode.SIDEBAR and one.due_at <= now and one.state in _UNFINISHED
    }
    return frozenset(refs[ref] for ref in await deliveries.list_unreported(tx, list(refs)))


async def _newcomers(
    tx: AsyncConnection, one: Enrolment, template: Template, due: Sequence[Occurrence]
) -> dict[str, float | None]:
    """Return how many customers joined on the day that a card on the members' clock is about, by "newcomers." and n."""
    steps_of = {step.key: step for step in template.steps[one.rhythm]}
    asked = [
        item
        for item in due
        if item.state in UNRELEASED_STATES
        and item.step in steps_of
        and steps_of[item.step].anchor.kind is AnchorKind.MEMBER_JOINED
        and item.delivery is DeliveryCode.APP
    ]
    if not asked:
        return {}
    members = await sop_audiences.list_members(tx, one.group_id)
    days = Counter(each.joined_at.astimezone(template.zone).date() for each in members if each.joined_at)
    return {f"newcomers.{item.n}": float(days[one.opens_on + timedelta(days=item.n)]) for item in asked}


class _OpeningsOf(Mapping[date, int]):
    """How many groups an owner opens on each day, a batch's own moves counted as they are decided."""

    def __init__(self, taken: dict[tuple[str, date], int], owner: str) -> None:
        self._taken = taken
        self._owner = owner

    def move(self, before: date, after: date) -> None:
        """Count an opening on another day."""
        if before != after:
            self._taken[self._owner, before] = self._taken.get((self._owner, before), 1) - 1
            self._taken[self._owner, after] = self._taken.get((self._owner, after), 0) + 1

    def __getitem__(self, day: date) -> int:
        return self._taken[self._owner, day]

    def __iter__(self) -> Iterator[date]:
        return (day for owner, day in self._taken if owner == self._owner)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _used(one: Enrolment, sent: Sequence[MassSent], zone: ZoneInfo) -> dict[date, int]:
    """Return the mass sends of a group by local day. Its own open one holds the next back by itself (steps.py)."""
    used: dict[date, int] = {}
    for each in sent:
        moments = each.moments[:1] if each.is_open and each.enrolment_id == one.id else each.moments
        for day in {moment.astimezone(zone).date() for moment in moments}:
            used[day] = used.get(day, 0) + 1
    return used


async def _put_off(tx: AsyncConnection, *, enrolment_id: int, now: datetime) -> None:
    """Look at an enrolment that broke again in a while; its history says so."""
    await enrolments.put_off(tx, [enrolment_id], now + _AFTER_BREAKING)
    entry = Entry(enrolment_id=enrolment_id, at=now, actor="sop", act="broken")
    await enrolments.record(tx, [entry])


def _is_report(template: Template, names: Sequence[str]) -> bool:
    blocks = (template.blocks.get(name) for name in names)
    return any(block is not None and (block.kind in _REPORTING or _asks_figures(block)) for block in blocks)


def _asks_figures(block: ContentBlock) -> bool:
    return bool(
        block.slots & {"questions", "answered", "answered_count", "reader_questions", "next_week_plan"}
    )


def _is_counted(step: Step) -> bool:
    """Say whether members or questions have to be counted to judge a step of staff."""
    is_staffs = step.deliveries[0] is DeliveryCode.APP or step.audience.text == "asked"
    names = {one.name for one in step.success}
    return is_staffs and (step.audience.text == "asked" or bool(names & _COUNTED))


def _people(group: Group, known: Mapping[str, Staff], compliance: Sequence[str], today: date) -> People:
    owner = known.get(group.owner_platform_id)
    is_there = owner is None or owner.is_employed
    return People(
        owner=group.owner_platform_id,
        co_owner=owner.co_owner_platform_id or owner.deputy_platform_id if owner else "",
        supervisor=owner.leader_platform_id if owner else "",
        compliance=compliance[0] if compliance else "",
        can_owner_send=is_there and not (owner is not None and owner.is_on_leave(today)),
        names={name: one.name for name, one in known.items() if one.name},
    )

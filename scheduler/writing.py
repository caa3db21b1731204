"""Writes what was decided for a batch of enrolments: rows, mass sends joined where their words are equal, one-to-one
sends, notices, reports, and the next template. All in the caller's transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from content.sop_shelf import Shelf
from domain import week_pages
from domain.attention import NewNotice, NoticeKind
from domain.cohorts import QuitAlarm
from domain.delivery import Act, Body, DeliveryState, NewDelivery, Purpose, SendClass
from domain.enrolment import Occurrence, OccurrenceState
from domain.sop import AnchorKind, Day, DeliveryCode, SopRole
from scheduler import audiences, enrolling
from scheduler.bundles import Alarm, Bundle, MassWanted, Outcome, PersonalWanted, Said
from scheduler.calendars import Calendar
from scheduler.enrolling import EnrolmentWanted, Version
from scheduler.keys import key_of
from store import (
    deliveries,
    enrolments,
    mass_tasks,
    notices,
    occurrences,
    sop_audiences,
    welcome_templates,
)

# The platform's limit for one task (WeCom doc 92135).
_GROUPS_PER_TASK = 2000
_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Door:
    """What writing needs beside the decisions. `suggest_only`: see `offered`."""

    calendar: Calendar
    shelf: Shelf
    version: Callable[[AsyncConnection, int], Awaitable[Version]]
    internal_chat: str
    public_url: str
    suggest_only: bool = False

    def offered(self, new: NewDelivery) -> NewDelivery:
        """Return a delivery as it enters the outbox: in a pilot that only suggests it is kept for a person."""
        if not self.suggest_only:
            return new
        return replace(new, state=DeliveryState.HELD, outcome="suggest_only")


async def write(
    tx: AsyncConnection, bundles: Sequence[Bundle], outcomes: Sequence[Outcome], door: Door, now: datetime
) -> None:
    """Write a batch."""
    for bundle, outcome in zip(bundles, outcomes, strict=True):
        for wanted in outcome.personal:
            await _personal(tx, bundle, outcome, wanted, door, now)
    await _mass_sends(tx, outcomes, door, now)
    changed = []
    for bundle, outcome in zip(bundles, outcomes, strict=True):
        before = {one.id: one for one in bundle.occurrences}
        changed += [one for one in outcome.occurrences.values() if before.get(one.id) != one]
    await occurrences.save(tx, changed)
    await occurrences.add(tx, [row for outcome in outcomes for row in outcome.added])
    await enrolments.save(tx, [outcome.enrolment for outcome in outcomes])
    await enrolments.record(tx, [entry for outcome in outcomes for entry in outcome.entries])
    await mass_tasks.want_cancel(tx, sorted({one for out in outcomes for one in out.cancels}), now)
    await mass_tasks.want_remind(tx, sorted({one for out in outcomes for one in out.reminds}), now)
    gone = sorted({one for outcome in outcomes for one in outcome.withdrawn})
    if gone:
        await notices.withdraw_of_occurrence(tx, gone)
    told = [one for outcome in outcomes for one in outcome.notices]
    told += await _reports(tx, bundles, outcomes, door, now)
    await notices.add(tx, told, now)
    for bundle, outcome in zip(bundles, outcomes, strict=True):
        await _welcome(tx, bundle, door, now)
        if outcome.moves_to:
            await _move_on(tx, bundle, outcome, door, now)


def alarm_of(alarm: QuitAlarm, group_name: str, words: Mapping[str, str]) -> Alarm:
    """Return a quit alarm as the engine takes it. `words`: for staff, by "alarm." and kind."""
    told = words.get(f"alarm.{alarm.kind}", str(alarm.kind))
    counts = f"{alarm.quits}/{alarm.members}" if alarm.members else str(alarm.quits)
    return Alarm(
        key=alarm.key, title=f"「{group_name}」{told}", text=f"{told}：{counts}", pauses=alarm.pauses
    )


# --- mass sends ----------------------------------------------------------------------------------------------


async def _mass_sends(tx: AsyncConnection, outcomes: Sequence[Outcome], door: Door, now: datetime) -> None:
    """Make one task of what one sender sends in the same words at the same time."""
    joined: dict[tuple[object, ...], list[tuple[Outcome, MassWanted]]] = {}
    for outcome in outcomes:
        for wanted in outcome.mass:
            joined.setdefault(wanted.joins, []).append((outcome, wanted))
    for members in joined.values():
        for start in range(0, len(members), _GROUPS_PER_TASK):
            await _task(tx, members[start : start + _GROUPS_PER_TASK], door, now)


async def _task(
    tx: AsyncConnection, members: Sequence[tuple[Outcome, MassWanted]], door: Door, now: datetime
) -> None:
    first = members[0][1]
    key = key_of("mass", now.isoformat(), *sorted(wanted.occurrence_id for _, wanted in members))
    targets = tuple(wanted.target for _, wanted in members)
    task_id = await mass_tasks.add(
        tx,
        delivery_key=key,
        chat_type="group",
        sender=first.sender,
        targets=targets,
        until=first.until,
        now=now,
    )
    delivery = _mass_delivery(
        key,
        "group",
        first.sender,
        targets,
        Said(title="", text=first.text, attachments=first.attachments, purpose=first.purpose),
        first.lines,
        first.until,
        now,
        version_id=first.content_version_id,
    )
    await deliveries.add(tx, [door.offered(delivery)], now)
    for outcome, wanted in members:
        one = outcome.occurrences[wanted.occurrence_id]
        outcome.occurrences[one.id] = replace(one, mass_task_id=task_id)


def _mass_delivery(
    key: str,
    chat_type: str,
    sender: str,
    targets: tuple[str, ...],
    said: Said,
    lines: tuple[str, ...],
    until: datetime,
    now: datetime,
    *,
    version_id: int | None,
) -> NewDelivery:
    return NewDelivery(
        key=key,
        act=Act.MASS_SEND,
        send_class=SendClass.ONCE,
        purpose=said.purpose,
        channel="mass",
        conversation_id=None,
        recipient=sender,
        content_version_id=version_id,
        body=Body(
            text=said.text,
            chat_type=chat_type,
            targets=targets,
            attachments=said.attachments,
            lines=lines,
        ),
        due_at=now,
        expires_at=until,
    )


# --- one to one ----------------------------------------------------------------------------------------------


async def _personal(
    tx: AsyncConnection, bundle: Bundle, outcome: Outcome, wanted: PersonalWanted, door: Door, now: datetime
) -> None:
    """Give each advisor one task for those of his customers whom the step means; nobody twice a day."""
    one = outcome.occurrences[wanted.occurrence_id]
    step = bundle.steps[wanted.step]
    day = bundle.rules.local(now).date()
    by_sender: dict[str, list[str]] = {}
    for member in await sop_audiences.list_members(tx, bundle.enrolment.group_id):
        if _is_of_cohort(bundle, one, member.joined_at) and audiences.means(
            step.audience.expression, member, now, size=bundle.size
        ):
            owner = bundle.people.owner
            sender = owner if owner in member.advisors else next(iter(member.advisors), "")
            if sender:
                by_sender.setdefault(sender, []).append(member.platform_id)
    lines = tuple(str(line) for line in bundle.template.lines)
    said = Said(title="", text=one.text, purpose=Purpose.CARE)
    total = 0
    for sender, members in sorted(by_sender.items()):
        taken = await sop_audiences.take_touches(tx, members, day, one.id)
        if not taken:
            continue
        key = key_of("personal", one.id, sender)
        task_id = await mass_tasks.add(
            tx,
            delivery_key=key,
            chat_type="single",
            sender=sender,
            targets=taken,
            until=wanted.until,
            now=now,
        )
        delivery = _mass_delivery(
            key,
            "single",
            sender,
            tuple(taken),
            said,
            lines,
            wanted.until,
            now,
            version_id=one.content_version_id,
        )
        await deliveries.add(tx, [door.offered(delivery)], now)
        outcome.added += [_member_row(bundle, one, member, sender, task_id, now) for member in taken]
        total += len(taken)
        _tell_sender(bundle, outcome, one, sender, len(taken), now)
    if total == 0:
        ended = replace(one, state=OccurrenceState.SKIPPED, reason="not_needed")
        outcome.occurrences[one.id] = ended


def _is_of_cohort(bundle: Bundle, one: Occurrence, joined_at: datetime | None) -> bool:
    """Say whether a step on the members' clock means whoever joined then; any other step means everybody."""
    step = bundle.steps[one.step]
    if step.anchor.kind is not AnchorKind.MEMBER_JOINED or not isinstance(step.schedule, Day):
        return True
    if joined_at is None:
        return False
    wanted = bundle.rules.local(one.wanted_at).date() - timedelta(days=step.schedule.day)
    # Whoever was there before the opening begins with it.
    return max(bundle.rules.local(joined_at).date(), bundle.enrolment.opens_on) == wanted


def _member_row(
    bundle: Bundle, one: Occurrence, member: str, sender: str, task_id: int, now: datetime
) -> dict[str, object]:
    row = occurrences.row_of(
        bundle.enrolment.id,
        step=one.step,
        member=member,
        n=one.n,
        delivery=DeliveryCode.PERSONAL,
        wanted_at=one.wanted_at,
        due_at=one.due_at,
        window_end=one.window_end,
        expires_at=one.expires_at,
        state=OccurrenceState.RELEASED,
    )
    return {**row, "executor": sender, "released_at": now, "mass_task_id": task_id, "block": one.block}


def _tell_sender(
    bundle: Bundle, outcome: Outcome, one: Occurrence, sender: str, count: int, now: datetime
) -> None:
    step = bundle.steps[one.step]
    policy = bundle.template.policies.get(step.policy)
    block = policy.words.get("prompt", "") if policy else ""
    extra = {
        "title": step.title,
        "members": str(count),
        "text": one.text,
        "late_by": f"{bundle.rules.local(one.window_end):%H:%M}",
    }
    said = bundle.say(block, extra) if block else None
    outcome.notices.append(
        NewNotice(
            key=key_of("personal", one.id, sender),
            recipient=sender,
            kind=NoticeKind.STEP,
            title=said.title if isinstance(said, Said) and said.title else step.title,
            text=said.text if isinstance(said, Said) else "",
            url=f"/sidebar/steps/{one.id}",
            occurrence_id=one.id,
            due_at=now,
            latest_at=one.window_end,
        )
    )


# --- reports, the welcome, the next template -----------------------------------------------------------------


async def _reports(
    tx: AsyncConnection, bundles: Sequence[Bundle], outcomes: Sequence[Outcome], door: Door, now: datetime
) -> list[NewNotice]:
    """Say reports in the internal group, or return them as notices to owner and supervisor."""
    told: list[NewNotice] = []
    new: list[NewDelivery] = []
    for bundle, outcome in zip(bundles, outcomes, strict=True):
        for occurrence_id, title, text in outcome.reports:
            if door.internal_chat:
                new.append(door.offered(_chat(occurrence_id, door.internal_chat, text, now)))
                continue
            people = bundle.people
            recipients = dict.fromkeys([people.owner, people.of(SopRole.SUPERVISOR)])
            told += [_report(occurrence_id, title, text, recipient, now) for recipient in recipients]
    await deliveries.add(tx, new, now)
    return told


def _report(occurrence_id: int, title: str, text: str, recipient: str, now: datetime) -> NewNotice:
    return NewNotice(
        key=key_of("report", occurrence_id, recipient),
        recipient=recipient,
        kind=NoticeKind.REPORT,
        title=title,
        text=text,
        url=f"/sidebar/steps/{occurrence_id}",
        occurrence_id=occurrence_id,
        due_at=now,
        latest_at=now + _DAY,
    )


def _chat(occurrence_id: int, chat: str, text: str, now: datetime) -> NewDelivery:
    return NewDelivery(
        key=key_of("chat", occurrence_id),
        act=Act.CHAT,
        send_class=SendClass.ONCE,
        purpose=Purpose.SERVICE,
        channel="chat",
        conversation_id=None,
        body=Body(text=text, targets=(chat,)),
        due_at=now,
        expires_at=now + _DAY,
    )


async def _welcome(tx: AsyncConnection, bundle: Bundle, door: Door, now: datetime) -> None:
    """Put the group welcome into the company's library, once for each wording, before the owner is asked to bind it."""
    step = next(
        (one for one in bundle.steps.values() if one.deliveries[0] is DeliveryCode.WELCOME and one.content),
        None,
    )
    if step is None or bundle.enrolment.welcome_bound_at is not None:
        return
    # One address for every group: the company's library holds 100 welcomes.
    address = week_pages.company_guide_url(bundle.template.id, door.public_url)
    said = bundle.say(step.content[0], {"guide_url": address})
    if not isinstance(said, Said):
        return
    attached = said.attachments[:1]
    digest = welcome_templates.digest_of(said.text, repr(attached))
    key = key_of("group_welcome", digest)
    if not await welcome_templates.ensure(tx, digest, key, said.text, now):
        return
    delivery = NewDelivery(
        key=key,
        act=Act.GROUP_WELCOME,
        send_class=SendClass.ONCE,
        purpose=Purpose.SERVICE,
        channel="welcome_library",
        conversation_id=None,
        content_version_id=said.version_id,
        body=Body(
            text=said.text,
            attachments=attached,
            lines=tuple(str(line) for line in bundle.template.lines),
        ),
        due_at=now,
    )
    await deliveries.add(tx, [door.offered(delivery)], now)


async def _move_on(tx: AsyncConnection, bundle: Bundle, outcome: Outcome, door: Door, now: datetime) -> None:
    """Enter the next template; a template that is not there (any more) ends the way, and the history says so."""
    version_id = door.shelf.frozen.get(outcome.moves_to)
    if version_id is None or outcome.enrolment.ended_at is None:
        return
    version = await door.version(tx, version_id)
    rhythms = version.template.rhythms
    rhythm = bundle.enrolment.rhythm
    wanted = EnrolmentWanted(
        group_id=bundle.enrolment.group_id, owner=bundle.people.owner, facts=bundle.enrolment.facts
    )
    made = await enrolling.enrol_many(
        tx,
        version,
        rhythm if rhythm in rhythms else version.template.default_rhythm,
        [wanted],
        door.calendar,
        by="sop",
        now=now,
    )
    if made:
        await enrolments.save(tx, [replace(outcome.enrolment, moved_to_id=made[0].id)])

"""What people do with steps and groups: tick off, put off, report, send by hand, pause, move.

Called by the phone page, by cards and by the console, inside their transaction; the row is locked first, so two people,
or a person and the engine, never both decide. Raises ActRefused with a sentence for the person.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from content import refusals, sop_freezing
from domain.attention import NewNotice, NoticeKind
from domain.delivery import Act, Attached, Body, Delivery, DeliveryState, NewDelivery, Purpose, SendClass
from domain.enrolment import (
    LIVE_STATES,
    OPEN_STATES,
    UNRELEASED_STATES,
    Enrolment,
    EnrolmentState,
    Evidence,
    EvidenceKind,
    Occurrence,
    OccurrenceState,
)
from domain.sop import DeliveryCode, StepPart, Template
from scheduler import calendars, openings
from scheduler.bundles import Reason
from scheduler.keys import key_of
from scheduler.timetable import Rules
from store import (
    deliveries,
    dialect,
    enrolments,
    groups,
    mass_tasks,
    notices,
    occurrences,
    sop_versions,
    staff,
)
from store.enrolments import Entry

# A tap that was not reported after this long may be tried again by whoever has looked into the group.
REPORT_WAIT = timedelta(minutes=2)
CHANNEL = "sidebar"
_GIVEN_UP = frozenset([OccurrenceState.MISSED, OccurrenceState.SKIPPED])
_PENDING = frozenset([DeliveryState.ATTEMPTING, DeliveryState.UNKNOWN])
# Ways whose steps a person may tick off without proof.
_TICKED = frozenset([DeliveryCode.APP, DeliveryCode.SIDEBAR, DeliveryCode.PERSONAL, DeliveryCode.KF])


@dataclass(frozen=True, kw_only=True)
class ByHand:
    """Words on their way through a person's hand. `delivery_key`: comes back with the report."""

    delivery_key: str
    text: str
    attachments: tuple[Attached, ...] = ()


# --- steps -----------------------------------------------------------------------------------------------------


async def done(tx: AsyncConnection, occurrence_id: int, *, by: str, now: datetime) -> Occurrence:
    """Tick a step off: somebody's word, nothing proves it.

    Of what may have been sent the word counts also after it was given up, from when it was begun.
    """
    one, enrolment = await _locked(tx, occurrence_id)
    if one.state not in OPEN_STATES and not (one.state in _GIVEN_UP and one.reason == Reason.UNKNOWN):
        raise refusals.refused(f"step_{one.state}")
    if one.delivery is DeliveryCode.MASS_SEND and one.reason != Reason.UNKNOWN:
        raise refusals.refused("mass_send_proves_itself")
    if one.delivery not in _TICKED and one.reason != Reason.UNKNOWN:
        raise refusals.refused("nobody_does_it")
    begun = await _pending(tx, one)
    at = min((each.created_at for each in begun), default=now)
    return await _sent(tx, one, enrolment, EvidenceKind.TOLD, by, at, now)


async def postpone(
    tx: AsyncConnection, occurrence_id: int, *, by: str, until: datetime, reason: str, now: datetime
) -> Occurrence:
    """Let a step be told again at `until`, inside its window; its ladder waits, the owner's official task stays.

    The ladder waits half of what is left of the window at most, so that there is time for whoever it tells.
    """
    one, enrolment = await _open(tx, occurrence_id)
    if until <= now:
        raise refusals.refused("time_has_passed")
    if until >= one.window_end:
        raise refusals.refused("after_the_window")
    one = replace(one, later_at=min(until, now + (one.window_end - now) / 2))
    await occurrences.save(tx, [one])
    await enrolments.poke(tx, [enrolment.id], now)
    await enrolments.record(tx, [_entry(enrolment, by, "postponed", one.step, reason, now)])
    await notices.withdraw_of_occurrence(tx, [one.id])
    await notices.add(
        tx,
        [
            NewNotice(
                key=key_of("later", one.id, until),
                recipient=by,
                kind=NoticeKind.STEP,
                title=await _title(tx, enrolment, one),
                text=one.text,
                url=f"/sidebar/steps/{one.id}",
                occurrence_id=one.id,
                due_at=until,
                latest_at=one.window_end,
            )
        ],
        now,
    )
    return one


async def problem(
    tx: AsyncConnection, occurrence_id: int, *, by: str, note: str, now: datetime
) -> Occurrence:
    """Report that somebody cannot do a step; whoever leads the owner learns of it at once."""
    one, enrolment = await _open(tx, occurrence_id)
    owner = await staff.find(tx, enrolment.owner_platform_id)
    supervisor = (
        owner.leader_platform_id if owner and owner.leader_platform_id else enrolment.owner_platform_id
    )
    changed = replace(one, state=OccurrenceState.ESCALATED)
    await occurrences.save(tx, [changed])
    await enrolments.record(tx, [_entry(enrolment, by, "problem", one.step, note, now)])
    name = (await staff.list_names(tx, [by])).get(by, by)
    title = await _title(tx, enrolment, one)
    await notices.add(
        tx,
        [
            NewNotice(
                key=key_of("problem", one.id, by, now),
                recipient=supervisor,
                kind=NoticeKind.ALARM,
                title=title,
                text="\n".join(part for part in (name, note) if part),
                url=f"/sidebar/steps/{one.id}",
                is_exempt=True,
                occurrence_id=one.id,
                due_at=now,
                latest_at=max(one.window_end, now + timedelta(hours=1)),
            )
        ],
        now,
    )
    return changed


async def skip(tx: AsyncConnection, occurrence_id: int, *, by: str, reason: str, now: datetime) -> Occurrence:
    """Leave a step out, with a reason; a mass send is stopped first."""
    one, enrolment = await _locked(tx, occurrence_id)
    if one.state not in OPEN_STATES | UNRELEASED_STATES:
        raise refusals.refused("has_ended")
    await enrolments.record(tx, [_entry(enrolment, by, "left_out", one.step, reason, now)])
    if one.delivery is DeliveryCode.MASS_SEND and one.mass_task_id is not None:
        changed = replace(one, reason=Reason.PERSON)
        await mass_tasks.want_cancel(tx, [one.mass_task_id], now)
    else:
        changed = replace(one, state=OccurrenceState.SKIPPED, reason=Reason.PERSON)
        await notices.withdraw_of_occurrence(tx, [one.id])
    await occurrences.save(tx, [changed])
    await enrolments.poke(tx, [enrolment.id], now)
    return changed


async def begin_by_hand(
    tx: AsyncConnection,
    occurrence_id: int,
    *,
    by: str,
    now: datetime,
    check: Callable[[str], None] | None = None,
    again: bool = False,
) -> ByHand:
    """Give the words of a step to a person's client; written down as attempted before they leave.

    `check`: asked once more, raises ActRefused where the words may not leave, or not by this hand. `again`: a former
    tap was not reported, and the person has looked that the words are not in the group.
    """
    one, enrolment = await _open(tx, occurrence_id)
    if one.delivery is not DeliveryCode.SIDEBAR:
        raise refusals.refused("not_by_hand")
    if enrolment.state is EnrolmentState.PAUSED:
        raise refusals.refused("is_paused")
    if now >= one.window_end or (one.reason == Reason.UNKNOWN and now >= one.expires_at):
        raise refusals.refused("window_over")
    if _rules(await _template(tx, enrolment)).is_quiet(now):
        raise refusals.refused("quiet_hours")
    if check is not None:
        check(one.text)
    group = (await groups.list_by_id(tx, [enrolment.group_id]))[enrolment.group_id]
    earlier = await deliveries.list_by_hand(tx, _ref(one))
    pending = [each for each in earlier if each.state in _PENDING]
    if any(now - each.created_at < REPORT_WAIT for each in pending):
        raise refusals.refused("being_sent")
    if pending and not again:
        raise refusals.refused("not_reported")
    key = key_of("by_hand", one.id, len(earlier))
    await deliveries.add(
        tx,
        [
            NewDelivery(
                key=key,
                act=Act.BY_HAND,
                send_class=SendClass.REPORTED,
                purpose=Purpose.CARE,
                channel=CHANNEL,
                conversation_id=None,
                recipient=group.chat_id,
                reply_id=_ref(one),
                content_version_id=one.content_version_id,
                body=Body(text=one.text, targets=(group.chat_id,), servicers=(by,)),
                due_at=now,
                expires_at=one.window_end,
                state=DeliveryState.ATTEMPTING,
            )
        ],
        now,
    )
    return ByHand(delivery_key=key, text=one.text)


async def end_by_hand(
    tx: AsyncConnection, delivery_key: str, *, is_sent: bool, error: str = "", by: str, now: datetime
) -> None:
    """Take the client's report of a tap: the step is done, or may be tried again."""
    delivery = await deliveries.find(tx, delivery_key)
    if delivery is None or delivery.act is not Act.BY_HAND:
        raise refusals.refused("no_such_send")
    if not await deliveries.end_by_hand(tx, delivery_key, is_sent=is_sent, now=now, by=by, error=error):
        return
    one, enrolment = await _locked(tx, int(delivery.reply_id.rpartition(".")[2]))
    # Taken back, missed or left out meanwhile: the group has the words all the same, and must not get them again.
    if is_sent and one.state in OPEN_STATES | UNRELEASED_STATES | _GIVEN_UP:
        if one.mass_task_id is not None:
            await mass_tasks.want_cancel(tx, [one.mass_task_id], now)
        is_prompt = now - delivery.created_at <= REPORT_WAIT
        await _sent(
            tx, one, enrolment, EvidenceKind.SIDEBAR, by, now if is_prompt else delivery.created_at, now
        )


# --- groups ----------------------------------------------------------------------------------------------------


async def tick(
    tx: AsyncConnection, enrolment_id: int, *, point: int, is_on: bool, by: str, now: datetime
) -> Mapping[str, str]:
    """Tick a point of readiness, or take the tick back; return the ticks."""
    enrolment = await _live(tx, enrolment_id)
    if enrolment.opened_at is not None:
        raise refusals.refused("checklist_closed")
    ticks = dict(enrolment.ticks)
    if is_on:
        ticks[str(point)] = f"{by}@{now.isoformat()}"
    else:
        ticks.pop(str(point), None)
    await enrolments.set_ticks(tx, enrolment_id, ticks, now)
    return ticks


async def set_facts(
    tx: AsyncConnection, enrolment_id: int, *, facts: Mapping[str, str], by: str, now: datetime
) -> None:
    """Write what is said of this group's week: the event, its teacher."""
    enrolment = await _live(tx, enrolment_id)
    kept = {name: value.strip()[:200] for name, value in facts.items() if value.strip()}
    await enrolments.set_facts(tx, enrolment_id, {**enrolment.facts, **kept}, now)
    await enrolments.record(tx, [_entry(enrolment, by, "facts", "", "、".join(kept.values()), now)])


async def bind_welcome(tx: AsyncConnection, enrolment_id: int, *, by: str, now: datetime) -> None:
    """Take the owner's word that the group welcome is bound."""
    enrolment = await _live(tx, enrolment_id)
    await enrolments.set_welcome_bound(tx, enrolment_id, now)
    await enrolments.record(tx, [_entry(enrolment, by, "bound", "", "", now)])


async def pause(tx: AsyncConnection, enrolment_id: int, *, by: str, note: str, now: datetime) -> None:
    """Stop a group's steps until somebody resumes them; unconfirmed mass sends are stopped."""
    enrolment = await _live(tx, enrolment_id)
    if enrolment.state is EnrolmentState.PAUSED:
        raise refusals.refused("already_paused")
    changed = replace(enrolment, state=EnrolmentState.PAUSED, reason=Reason.PERSON, next_at=now)
    await enrolments.save(tx, [changed])
    await enrolments.record(tx, [_entry(enrolment, by, "paused", "", note, now)])


async def resume(tx: AsyncConnection, enrolment_id: int, *, by: str, note: str, now: datetime) -> None:
    """Let a group go on; what was missed meanwhile is judged by its window."""
    enrolment = await _live(tx, enrolment_id)
    if enrolment.state is not EnrolmentState.PAUSED and enrolment.paused_until is None:
        raise refusals.refused("not_paused")
    if enrolment.reason == Reason.STOPPED:
        raise refusals.refused("line_stopped")
    has_begun = enrolment.anchor_at <= now
    state = EnrolmentState.RUNNING if has_begun else EnrolmentState.WAITING
    changed = replace(enrolment, state=state, reason="", paused_until=None, next_at=now)
    await enrolments.save(tx, [changed])
    await enrolments.record(tx, [_entry(enrolment, by, "resumed", "", note, now)])


async def end_early(tx: AsyncConnection, enrolment_id: int, *, by: str, note: str, now: datetime) -> None:
    """End a group's way through the template; what is open is stopped."""
    enrolment = await _live(tx, enrolment_id)
    found = await occurrences.list_of_enrolment(tx, enrolment_id)
    unfinished = [one for one in found if one.state in OPEN_STATES | UNRELEASED_STATES]
    tasks = sorted({one.mass_task_id for one in unfinished if one.mass_task_id is not None})
    await mass_tasks.want_cancel(tx, tasks, now)
    await occurrences.save(
        tx, [replace(one, state=OccurrenceState.CANCELLED, reason=Reason.ENDED) for one in unfinished]
    )
    await notices.withdraw_of_occurrence(tx, [one.id for one in unfinished])
    state = EnrolmentState.ENDED_EARLY if enrolment.opened_at else EnrolmentState.CANCELLED
    changed = replace(enrolment, state=state, reason=Reason.PERSON, ended_at=now, next_at=None)
    await enrolments.save(tx, [changed])
    await enrolments.record(tx, [_entry(enrolment, by, "ended", "", note, now)])


async def move(tx: AsyncConnection, enrolment_id: int, *, opens_on: date, by: str, now: datetime) -> date:
    """Move the opening to another day, and return the day it became: the first with room among the owner's openings.

    Everything that was not released follows. A mass send of the opening that is out is stopped first; when its owner
    confirmed it before that, the group has opened and keeps its day.
    """
    enrolment = await _live(tx, enrolment_id)
    if enrolment.opened_at is not None:
        raise refusals.refused("already_opened")
    template = await _template(tx, enrolment)
    if opens_on <= now.astimezone(template.zone).date():
        raise refusals.refused("opens_too_soon")
    opening = await _take_back_opening(tx, enrolment, template, now)
    day = await _free_day(tx, enrolment, template, opens_on)
    await occurrences.save(tx, opening)
    await enrolments.save(tx, [replace(enrolment, opens_on=day, next_at=now)])
    await enrolments.record(tx, [_entry(enrolment, by, "moved", "", day.isoformat(), now)])
    return day


async def _take_back_opening(
    tx: AsyncConnection, enrolment: Enrolment, template: Template, now: datetime
) -> list[Occurrence]:
    """Return the opening as it stands when it was taken out of people's hands, as far as that goes at once."""
    keys = {step.key for step in template.steps[enrolment.rhythm] if step.part is StepPart.OPENING}
    found = await occurrences.list_of_enrolment(tx, enrolment.id)
    changed = []
    for one in found:
        if one.step not in keys or one.state not in OPEN_STATES:
            continue
        if one.reason == Reason.UNKNOWN or await _pending(tx, one):
            raise refusals.refused("opening_may_be_out")
        if one.mass_task_id is not None:
            await mass_tasks.want_cancel(tx, [one.mass_task_id], now)
            changed.append(replace(one, reason=Reason.MOVED))
        else:
            back = replace(one, state=OccurrenceState.PLANNED, reason=Reason.MOVED, executor="", rung=0)
            changed.append(replace(back, released_at=None, later_at=None))
        await notices.withdraw_of_occurrence(tx, [one.id])
    return changed


async def _free_day(tx: AsyncConnection, enrolment: Enrolment, template: Template, opens_on: date) -> date:
    owner = enrolment.owner_platform_id
    await dialect.lock_subjects(tx, "owner", [owner])
    taken = await enrolments.count_openings(tx, [owner], opens_on, opens_with=[template.id])
    by_day = {day: count for (_, day), count in taken.items()}
    if enrolment.opens_on in by_day:
        by_day[enrolment.opens_on] -= 1
    return openings.free_day(opens_on, by_day, template.guard.openings_per_owner)


# --- rows ------------------------------------------------------------------------------------------------------


async def _locked(tx: AsyncConnection, occurrence_id: int) -> tuple[Occurrence, Enrolment]:
    """Return a step with its enrolment, which nobody else changes until the transaction ends."""
    found = await occurrences.find(tx, occurrence_id)
    if found is None:
        raise refusals.refused("no_such_step")
    enrolment = await enrolments.find(tx, found.enrolment_id, locks=True)
    # Read again: whoever held the row before may have changed the step.
    again = await occurrences.find(tx, occurrence_id)
    assert enrolment is not None
    assert again is not None
    return again, enrolment


async def _open(tx: AsyncConnection, occurrence_id: int) -> tuple[Occurrence, Enrolment]:
    one, enrolment = await _locked(tx, occurrence_id)
    if one.state not in OPEN_STATES:
        raise refusals.refused(f"step_{one.state}")
    return one, enrolment


async def _live(tx: AsyncConnection, enrolment_id: int) -> Enrolment:
    enrolment = await enrolments.find(tx, enrolment_id, locks=True)
    if enrolment is None:
        raise refusals.refused("no_such_enrolment")
    if enrolment.state not in LIVE_STATES:
        raise refusals.refused("enrolment_ended")
    return enrolment


async def _sent(
    tx: AsyncConnection,
    one: Occurrence,
    enrolment: Enrolment,
    kind: EvidenceKind,
    by: str,
    at: datetime,
    now: datetime,
) -> Occurrence:
    is_late = at > one.window_end
    ended = replace(
        one,
        state=OccurrenceState.SENT_LATE if is_late else OccurrenceState.SENT,
        sent_at=at,
        is_late=is_late,
        evidence=Evidence(kind=kind, by=by, at=now),
    )
    await occurrences.save(tx, [ended])
    await notices.withdraw_of_occurrence(tx, [one.id])
    await enrolments.record(tx, [_entry(enrolment, by, "done", one.step, kind, now)])
    await enrolments.poke(tx, [enrolment.id], now)
    return ended


async def _pending(tx: AsyncConnection, one: Occurrence) -> list[Delivery]:
    """Return what somebody began to send by hand, and nobody told how it ended."""
    return [each for each in await deliveries.list_by_hand(tx, _ref(one)) if each.state in _PENDING]


async def _template(tx: AsyncConnection, enrolment: Enrolment) -> Template:
    return sop_freezing.load((await sop_versions.get(tx, enrolment.sop_version_id)).body)


def _rules(template: Template) -> Rules:
    """Return the rules that need no day: hours only."""
    return Rules(guard=template.guard, calendar=calendars.packaged(), zone=template.zone, used={})


def _entry(enrolment: Enrolment, by: str, act: str, step: str, note: str, now: datetime) -> Entry:
    return Entry(enrolment_id=enrolment.id, at=now, actor=by, act=act, step=step, note=note)


async def _title(tx: AsyncConnection, enrolment: Enrolment, one: Occurrence) -> str:
    """Return what a card about a step is called: its first line, with the group's name."""
    group = (await groups.list_by_id(tx, [enrolment.group_id]))[enrolment.group_id]
    head = one.text.strip().partition("\n")[0][:20]
    return f"「{group.name}」{head}" if head else f"「{group.name}」"


def _ref(one: Occurrence) -> str:
    """Return how a delivery by hand names its step."""
    return f"occurrence.{one.id}"

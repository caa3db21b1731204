"""Figures of a group on its way through a template, for reports, checklists, cards and the score of the week.

Everything runs without an archive (what a person types in a group is not seen then): members by events and looks, what
the company's own pages count, marked questions, and the platform's daily figures of an owner who has this one group.
What was not measured says so and is never a nought. Words are those of content/figures.toml; no figure carries a
customer's name or words, because a report goes through the wording rules as a whole.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from domain import cohorts, first_week
from domain.cohorts import Activity, GateClass, QuitAlarm, QuitRate, SourceKind, SourceQuits
from domain.enrolment import (
    DONE_STATES,
    Enrolment,
    EvidenceKind,
    Occurrence,
    OccurrenceState,
    Question,
)
from domain.first_week import Count, Score, WeekFigures
from domain.groups import GroupMember
from domain.hours import ServiceHours
from domain.sop import SopRole, Step, StepPart, Template
from domain.week_pages import WeekPage
from scheduler import figure_texts
from scheduler.keys import key_of
from store import (
    cohort_reports,
    duties,
    enrolments,
    group_members,
    occurrences,
    page_visits,
    questions,
    staff,
)

# The slots filled here; those of customers' texts are empty instead of "not measured", so that their line is left out.
SLOTS = frozenset(
    [
        "joined",
        "left",
        "members",
        "left_by_source",
        "by_channel",
        "gates",
        "speakers",
        "first_response",
        "open_questions",
        "opened",
        "interested",
        "duplicates",
        "mismatched",
        "score",
        "score_parts",
        "not_measured",
        "questions",
        "answered",
        "answered_count",
        "reader_questions",
    ]
)
# A template that opens a group counts its members from the beginning, the others the last seven days.
NEW_GROUP = "new_group"
_WEEK = timedelta(days=7)
# A step that ended so was due and not done; what was cancelled, replaced or left out by the plan costs nothing.
_LEFT_OUT_BY_A_PERSON = "person"
# What a report names when it was not measured.
_LABELS = ("speakers", "first_response", "opened", "interested", "mismatched")


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What is known of a group now. `since`: whose members, questions and days count. `speakers`: at least so many."""

    stays: tuple[GroupMember, ...]
    since: datetime | None
    seen_at: datetime | None
    asked: tuple[Question, ...]
    visitors: int
    speakers: int | None

    @property
    def present(self) -> list[GroupMember]:
        """The customers who are in."""
        return [one for one in self.stays if one.quit_at is None]

    def rate(self, hours: int, now: datetime) -> QuitRate:
        """Return the quit rate at a gate."""
        return cohorts.quit_rate(self.stays, hours, now, since=self.since, seen_at=self.seen_at)


async def of(
    tx: AsyncConnection,
    enrolment: Enrolment,
    template: Template,
    now: datetime,
    *,
    entries: Mapping[str, str] | None = None,
    hours: ServiceHours | None = None,
) -> Mapping[str, str]:
    """Return the value of every slot that is a figure (SLOTS); what was not measured says so.

    `entries`: the questions of the FAQ by id, for the texts that name what was asked; a customer's own words are never
    repeated. `hours`: of the first response only minutes within them count; without, all of them.
    """
    sight = await _look(tx, enrolment, template, now)
    figures: dict[str, str | None] = {
        **figure_texts.members(sight.stays, sight.since),
        **await _sources(tx, sight, now),
        "gates": figure_texts.gates([sight.rate(gate, now) for gate in (24, 48, 72)]),
        "speakers": figure_texts.at_least(sight.speakers),
        "first_response": figure_texts.first_response(sight.asked, hours),
        **await _pages(tx, enrolment),
        **await _invited(tx, enrolment, sight),
        "score": None,
        "score_parts": None,
    }
    gaps = [figure_texts.say("label", name) for name in _LABELS if figures[name] is None]
    said = {name: figure_texts.unmeasured() if value is None else value for name, value in figures.items()}
    said["open_questions"] = await _open_questions(tx, enrolment, template, now)
    said |= figure_texts.asked_titles(sight.asked, entries or {})
    score = await _known_score(tx, enrolment, template, now)
    if score is not None:
        said |= figure_texts.score(score)
        gaps = [figure_texts.gap(score, part) for part in score.gaps]
    return {**said, "not_measured": figure_texts.joined(gaps)}


async def week_score(
    tx: AsyncConnection,
    enrolment: Enrolment,
    template: Template,
    found: Sequence[Occurrence],
    now: datetime,
) -> Score:
    """Return the score of the week; `found`: the enrolment's occurrences.

    Its `total` is None when not even the steps could be measured.
    """
    sight = await _look(tx, enrolment, template, now)
    on_time, told = steps_on_time(enrolment, template, found, now)
    rate = sight.rate(72, now)
    counts = (await questions.count(tx, [enrolment.group_id], _began(enrolment), now)).get(
        enrolment.group_id, questions.QuestionCounts()
    )
    return first_week.score(
        WeekFigures(
            on_time=on_time,
            told=told,
            retained=Count(part=rate.retained, whole=rate.members),
            overdue=Count(part=counts.late, whole=counts.judged),
            active=_active(sight),
            violations=None,  # Seen with an archive only; until then nothing is known, good or bad.
        )
    )


async def alarms(tx: AsyncConnection, enrolment: Enrolment, now: datetime) -> list[QuitAlarm]:
    """Return what the group's quits say that nobody was told yet, by time.

    Told is what stands in a notice under `alarm_key`; whoever tells it adds that notice in the same transaction.
    """
    stays = await group_members.list_of_group(tx, enrolment.group_id)
    found = [one for one in cohorts.find_alarms(stays, now) if one.at >= _began(enrolment)]
    told = await cohort_reports.list_told(tx, [alarm_key(enrolment, one) for one in found])
    return [one for one in found if alarm_key(enrolment, one) not in told]


def alarm_key(enrolment: Enrolment, alarm: QuitAlarm) -> str:
    """Return the key of the notice that tells an alarm."""
    return key_of("alarm", enrolment.id, alarm.key)


async def measures(
    tx: AsyncConnection, enrolment: Enrolment, template: Template, now: datetime
) -> dict[str, float | None]:
    """Return the figures that steps are judged by (docs/sop.md), as far as members, questions and pages tell them.

    Rates are 0..1, durations in seconds, None where nothing measures it.
    """
    sight = await _look(tx, enrolment, template, now)
    first, third = sight.rate(24, now), sight.rate(72, now)
    pages = await page_visits.counts(tx, enrolment.id)
    counts = (await questions.count(tx, [enrolment.group_id], _began(enrolment), now)).get(
        enrolment.group_id, questions.QuestionCounts()
    )
    doubtful = await cohort_reports.list_doubtful(tx, enrolment.group_id)
    members = len(sight.present)
    mismatched = await _mismatched(tx, enrolment, sight)
    waits = figure_texts.waits(sight.asked, None)
    return {
        "members": float(members),
        "quit_rate_24h": first.rate,
        "quits_recorded": float(first.members > 0 and first.unseen == 0),
        "retention_72h": None if third.rate is None else 1 - third.rate,
        "speakers": None if sight.speakers is None else float(sight.speakers),
        "questions": float(counts.asked),
        "open_questions": float(counts.open),
        "overdue_rate": counts.late / counts.judged if counts.judged else None,
        "answered_rate": (counts.answered + counts.ticketed) / counts.asked if counts.asked else None,
        "first_response": statistics.median(waits) if waits else None,
        "complaints": float(sum(one.complaints for one in doubtful)),
        "duplicates": float(sum(1 for one in doubtful if one.other_groups)),
        "mismatched_rate": mismatched.rate if mismatched else None,
        "opened_rate": _of_members(await page_visits.count_readers(tx, enrolment.id), members),
        "interest_rate": _of_members(pages[WeekPage.EVENT].answers, members),
        "feedback_rate": _of_members(pages[WeekPage.FEEDBACK].answers, members),
    }


async def gate_classes(
    tx: AsyncConnection, enrolment: Enrolment, template: Template, hours: int, now: datetime
) -> dict[str, GateClass]:
    """Return what each member old enough has done by the gate at `hours`, by platform id.

    Who left is left alone. Without an archive only a recorded question tells one member from another, so the others are
    unknown, not silent.
    """
    sight = await _look(tx, enrolment, template, now)
    asked: dict[str, datetime] = {}
    for one in sight.asked:
        if one.asker:
            asked[one.asker] = min(one.asked_at, asked.get(one.asker, one.asked_at))
    found: dict[str, GateClass] = {}
    for stay in cohorts.counted(sight.stays, sight.since)[0]:
        gate = cohorts.gate_at(stay, hours)
        if gate <= now:
            first = asked.get(stay.member_platform_id)
            activity = Activity(asked=first is not None and first <= gate)
            found[stay.member_platform_id] = cohorts.classify(stay, hours, activity)
    return found


def steps_on_time(
    enrolment: Enrolment, template: Template, found: Sequence[Occurrence], now: datetime
) -> tuple[Count, int]:
    """Return how many steps were sent in their window, of those that were due; and how many of them only a word proves.

    Steps that people do for the whole group count; those that cost nothing to leave out do not: optional ones, and what
    the plan, a stopped line or the end took away. A step that somebody else took over and sent in time was on time.
    """
    steps = {step.key: step for step in template.steps[enrolment.rhythm]}
    due = [one for one in found if _counts(one, steps.get(one.step), now)]
    timely = [
        one
        for one in due
        if one.state in DONE_STATES and one.sent_at is not None and one.sent_at <= one.window_end
    ]
    told = sum(1 for one in timely if one.evidence is not None and one.evidence.kind is EvidenceKind.TOLD)
    return Count(part=len(timely), whole=len(due)), told


def _counts(one: Occurrence, step: Step | None, now: datetime) -> bool:
    if step is None or one.member or step.is_optional or step.executor is SopRole.SYSTEM:
        return False
    match one.state:
        case OccurrenceState.CANCELLED | OccurrenceState.SUPERSEDED:
            return False
        case OccurrenceState.SKIPPED:
            return one.reason == _LEFT_OUT_BY_A_PERSON
        case OccurrenceState.MISSED:
            return True
        case state:
            return state in DONE_STATES or one.window_end <= now


# --- what is known -------------------------------------------------------------------------------------------


async def _look(tx: AsyncConnection, enrolment: Enrolment, template: Template, now: datetime) -> Sight:
    since = None if template.scene == NEW_GROUP else max(enrolment.anchor_at, now - _WEEK)
    began = _began(enrolment)
    first, last = began.astimezone(template.zone).date(), now.astimezone(template.zone).date()
    days = await cohort_reports.list_own_days(tx, enrolment.group_id, first, last)
    colleagues = await cohort_reports.count_staff(tx, enrolment.group_id) if days else 0
    stays = await cohort_reports.list_stays(tx, [enrolment.group_id])
    return Sight(
        stays=tuple(stays[enrolment.group_id]),
        since=since,
        seen_at=await cohort_reports.find_seen(tx, enrolment.group_id),
        asked=tuple(await questions.list_of_group(tx, enrolment.group_id, since or began)),
        visitors=await cohort_reports.count_visitors(tx, enrolment.id),
        # The platform counts colleagues along; on its best day at least so many customers spoke.
        speakers=max((max(day.members_with_messages - colleagues, 0) for day in days), default=None),
    )


def _began(enrolment: Enrolment) -> datetime:
    return min(enrolment.enrolled_at, enrolment.anchor_at)


def _active(sight: Sight) -> Count | None:
    """Return how many members at least did something; None when nothing but marks could tell."""
    if sight.speakers is None and not sight.visitors:
        return None
    askers = len({one.asker for one in sight.asked if one.asker})
    members = len(sight.present)
    active = max(askers, sight.visitors, sight.speakers or 0)
    return Count(part=min(active, members), whole=members, is_least=True)


async def _mismatched(tx: AsyncConnection, enrolment: Enrolment, sight: Sight) -> Count | None:
    """Return who of the members lacks the tag that this group is for (fact "tag"); None where none was named.

    Of whom no advisor knows anything, nothing is known.
    """
    wanted = enrolment.facts.get("tag", "")
    if not wanted:
        return None
    tags = await cohort_reports.list_tags(tx, enrolment.group_id)
    return Count(part=sum(1 for given in tags.values() if wanted not in given), whole=len(tags))


async def _known_score(
    tx: AsyncConnection, enrolment: Enrolment, template: Template, now: datetime
) -> Score | None:
    """Return the score of this enrolment once its step is due, before that the one that led here; None: neither."""
    keys = {step.key for step in template.steps[enrolment.rhythm] if step.part is StepPart.SCORE}
    found = await occurrences.list_of_enrolment(tx, enrolment.id)
    if any(one.step in keys and one.due_at <= now for one in found):
        return await week_score(tx, enrolment, template, found, now)
    before = await enrolments.list_of_group(tx, enrolment.group_id)
    led = [one for one in before if one.moved_to_id == enrolment.id and one.score_parts]
    if not led:
        return None
    gaps = {
        part: first_week.GAPS[first_week.ScorePart(part)]
        for part, points in led[-1].score_parts.items()
        if points is None
    }
    return Score(total=led[-1].score, parts=led[-1].score_parts, gaps=gaps, figures=WeekFigures())


async def _sources(tx: AsyncConnection, sight: Sight, now: datetime) -> dict[str, str | None]:
    sources = await cohort_reports.list_sources(tx, sight.stays)

    def rows(hours: int | None) -> list[SourceQuits]:
        return cohorts.by_source(sight.stays, now, sources, since=sight.since, hours=hours)

    so_far = rows(None)
    kind = figure_texts.told_best(so_far)
    people = [one.source.name for one in so_far if one.source.kind is SourceKind.INVITER and one.source.name]
    names = await staff.list_names(tx, people) if people else {}
    gates = {hours: [one for one in rows(hours) if one.source.kind is kind] for hours in (24, 72)}
    return {
        "left_by_source": figure_texts.left_by_source(
            [one for one in so_far if one.source.kind is kind], names
        ),
        "by_channel": figure_texts.by_channel(gates, names),
    }


async def _pages(tx: AsyncConnection, enrolment: Enrolment) -> dict[str, str | None]:
    """Return who read and who is interested; pages that nobody ever opened were perhaps never sent."""
    pages = await page_visits.counts(tx, enrolment.id)
    if not any(one.visitors for one in pages.values()):
        return {"opened": None, "interested": None}
    readers = await page_visits.count_readers(tx, enrolment.id)
    return {
        "opened": figure_texts.say("figure", "count", count=readers),
        "interested": figure_texts.say("figure", "count", count=pages[WeekPage.EVENT].answers),
    }


async def _invited(tx: AsyncConnection, enrolment: Enrolment, sight: Sight) -> dict[str, str | None]:
    doubtful = await cohort_reports.list_doubtful(tx, enrolment.group_id)
    several = sum(1 for one in doubtful if one.other_groups)
    mismatched = await _mismatched(tx, enrolment, sight)
    said = None
    if mismatched is not None:
        share = figure_texts.share(mismatched.part, mismatched.whole)
        said = figure_texts.say("mismatched", "several", share=share, tag=enrolment.facts.get("tag", ""))
    duplicates = figure_texts.say("duplicates", "several", count=several) if several else None
    return {"duplicates": duplicates or figure_texts.say("figure", "none"), "mismatched": said}


async def _open_questions(
    tx: AsyncConnection, enrolment: Enrolment, template: Template, now: datetime
) -> str:
    """Return the open questions without what was asked: that stands on the group's page."""
    today = now.astimezone(template.zone).date()
    waiting: list[tuple[str, str]] = []
    for one in await questions.list_open_of_group(tx, enrolment.group_id):
        local = one.asked_at.astimezone(template.zone)
        asked_at = f"{local:%H:%M}" if local.date() == today else f"{local:%m-%d %H:%M}"
        duty = await duties.find(tx, one)
        waiting.append((asked_at, duty.name(duty.advisor)))
    return figure_texts.open_questions(waiting)


def _of_members(count: int, members: int) -> float | None:
    """Return a share of the members; visitors may be more than they, nothing tells who they are."""
    return min(count / members, 1.0) if members and count else None

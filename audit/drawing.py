"""Making a sample: from the facts of the store to kept reviews, and what the looked-at ones tell.

Called by the page of samples, and by a loop for `open_must`. Which sessions are risky is content/review_rules.toml;
the draws are audit/sampling.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from audit import agreement, sampling
from content.review_rules import ReviewRules
from domain.audit import COUNTING, FindingState
from domain.hours import ServiceHours
from domain.review import MISSED, Review, ReviewKind, ReviewState, Verdict
from domain.sampling import Candidate, Drawn, Estimate, NewPlan, PlanKind, Risk, SamplingPlan
from store import must_sessions, reviews, sampling_plans
from store.must_sessions import MustSession
from store.reviews import NewReview
from store.sampling_plans import SessionFacts

_KINDS = {
    PlanKind.RANDOM: ReviewKind.RANDOM,
    PlanKind.RISK: ReviewKind.RISK,
    PlanKind.UNFLAGGED: ReviewKind.UNFLAGGED,
    PlanKind.MUST: ReviewKind.MUST,
}
KINDS = tuple(_KINDS)
_FINDING = "finding:"


@dataclass(frozen=True, kw_only=True)
class Population:
    """Who could be drawn from a period, and how many it takes. `of_kind`: candidates by kind of plan."""

    of_kind: Mapping[PlanKind, int]
    subjects: int
    proposed: Mapping[PlanKind, int]


@dataclass(frozen=True, kw_only=True)
class PlanResult:
    """A sample with what it tells. `wrong`: sessions in which a person found something wrong."""

    plan: SamplingPlan
    wrong: Estimate
    recall: float | None = None


def candidates_of(facts: Sequence[SessionFacts], rules: ReviewRules, hours: ServiceHours) -> list[Candidate]:
    """Return what may be drawn, each with its risks."""
    return [
        Candidate(
            session_id=one.session_id,
            subject=one.subject,
            started_at=one.started_at,
            is_flagged=one.is_flagged,
            is_red=one.is_red,
            is_must=bool(
                one.case_kinds & rules.must_case_kinds or one.case_reasons & rules.must_case_reasons
            ),
            risks=frozenset(_risks(one, rules, hours)),
        )
        for one in facts
    ]


def _risks(one: SessionFacts, rules: ReviewRules, hours: ServiceHours) -> list[Risk]:
    is_new = one.known_since is not None and one.started_at - one.known_since < rules.new_advisor
    is_weighty = one.line in rules.weighty_lines or bool(one.case_kinds & rules.weighty_case_kinds)
    holds = {
        Risk.NEW_ADVISOR: is_new,
        Risk.EARLIER_RED: one.had_red,
        Risk.WEIGHTY_LINE: is_weighty,
        Risk.STRONG_EMOTION: one.mood is not None and one.mood <= rules.strong_emotion_at,
        Risk.PROMISE: one.has_promise,
        Risk.RECALLED: one.was_recalled,
        Risk.OFF_HOURS: bool(hours.periods) and not hours.is_open(one.started_at),
    }
    return [risk for risk, is_so in holds.items() if is_so]


def population_of(candidates: Sequence[Candidate], rules: ReviewRules, margin: float) -> Population:
    """Return how many there are of each kind, and how many should be looked at."""
    counts = {
        PlanKind.RANDOM: len(candidates),
        PlanKind.RISK: len(candidates),
        PlanKind.UNFLAGGED: sum(not one.is_flagged for one in candidates),
        PlanKind.MUST: sum(one.is_must for one in candidates),
    }
    subjects = len({one.subject for one in candidates})
    return Population(
        of_kind=counts,
        subjects=subjects,
        proposed={
            PlanKind.RANDOM: agreement.sample_size(margin, population=len(candidates)),
            PlanKind.RISK: min(len(candidates), subjects * rules.minimum_a_month),
            PlanKind.UNFLAGGED: min(counts[PlanKind.UNFLAGGED], rules.unflagged_a_month),
            PlanKind.MUST: counts[PlanKind.MUST],
        },
    )


def draw(
    kind: PlanKind, candidates: Sequence[Candidate], size: int, seed: int, rules: ReviewRules
) -> list[Drawn]:
    """Draw a sample; a risk sample is filled up until everybody has the least number."""
    if kind is PlanKind.RANDOM:
        return sampling.draw_random(candidates, size, seed)
    if kind is PlanKind.UNFLAGGED:
        return sampling.draw_unflagged(candidates, size, seed)
    if kind is PlanKind.MUST:
        return sampling.draw_must(candidates)
    drawn = sampling.draw_risk(candidates, size, seed, rules.risks)
    return drawn + sampling.draw_minimum(candidates, drawn, rules.minimum_a_month, seed)


async def make(
    tx: AsyncConnection, wanted: NewPlan, size: int, rules: ReviewRules, hours: ServiceHours
) -> int | None:
    """Draw and keep a sample with its reviews; return its id, None when there is nothing to draw."""
    facts = await sampling_plans.list_facts(tx, wanted.from_at, wanted.until_at)
    candidates = candidates_of(facts, rules, hours)
    drawn = draw(wanted.kind, candidates, size, wanted.seed, rules)
    if wanted.kind is PlanKind.MUST:
        # What was opened by itself is not asked about twice.
        asked = await reviews.list_asked_must(tx, [one.session_id for one in drawn])
        drawn = [one for one in drawn if (one.session_id, one.subject) not in asked]
    if not drawn:
        return None
    population = population_of(candidates, rules, rules.margin).of_kind[wanted.kind]
    kept = NewPlan(**{**vars(wanted), "population": population})
    plan_id = await sampling_plans.add(tx, kept, len(drawn))
    new = [
        NewReview(
            key=f"plan:{plan_id}:{one.session_id}:{one.subject}"[:64],
            kind=_KINDS[wanted.kind],
            session_id=one.session_id,
            subject=one.subject,
            plan_id=plan_id,
            weight=one.weight,
            due_at=_due(wanted.made_at, rules),
        )
        for one in drawn
    ]
    await reviews.add(tx, new, wanted.made_at)
    return plan_id


def _due(now: datetime, rules: ReviewRules) -> datetime:
    return now + max(rules.due, timedelta(days=7))


async def list_must(tx: AsyncConnection, rules: ReviewRules, since: datetime) -> list[MustSession]:
    """Return the sessions since then that must be looked at by a person and were given to nobody."""
    return await must_sessions.list_unasked(
        tx, kinds=rules.must_case_kinds, reasons=rules.must_case_reasons, since=since
    )


async def open_must(tx: AsyncConnection, rules: ReviewRules, *, since: datetime, now: datetime) -> int:
    """Ask people about every such session, all of them and by itself; return how many reviews were new."""
    new = [
        NewReview(
            key=f"must:{one.id}:{subject}"[:64],
            kind=ReviewKind.MUST,
            session_id=one.id,
            subject=subject,
            due_at=_due(now, rules),
        )
        for one in await list_must(tx, rules, since)
        for subject in one.subjects
    ]
    return await reviews.add(tx, new, now)


async def results(tx: AsyncConnection, limit: int = 30) -> list[PlanResult]:
    """Return the samples, newest first, with what they tell."""
    found = []
    for plan in await sampling_plans.list_plans(tx, limit):
        looked = [one for one in await reviews.list_of_plan(tx, plan.id) if one.state is ReviewState.DONE]
        stands = await _standing(tx, looked)
        recall = None
        if plan.kind is PlanKind.UNFLAGGED:
            answers = [(one.weight, _has_missed(one, stands)) for one in looked]
            missed = sampling.estimate(answers, plan.population)
            known = await sampling_plans.count_confirmed_reds(tx, plan.from_at, plan.until_at)
            recall = sampling.estimated_recall(known, missed)
        wrong = sampling.estimate([(one.weight, is_wrong(one, stands)) for one in looked], plan.population)
        found.append(PlanResult(plan=plan, wrong=wrong, recall=recall))
    return found


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What is left of verdicts by now. `states`: of findings, by id; `missed`: of what a review added, by its id."""

    states: Mapping[int, FindingState]
    missed: Mapping[int, FindingState]


async def _standing(tx: AsyncConnection, looked: Iterable[Review]) -> Standing:
    done = list(looked)
    ids = {_finding_id(key) for one in done for key in one.verdicts if key.startswith(_FINDING)}
    return Standing(
        states=await reviews.list_states(tx, ids),
        missed=await reviews.list_added_states(tx, [one.id for one in done if MISSED in one.verdicts]),
    )


def is_wrong(one: Review, stands: Standing) -> bool:
    """Say whether something is wrong by now: a finding counts, an item was not kept, something was missed.

    A finding is told by its state: an appeal or a third person may have decided otherwise than this review.
    """
    return _has_missed(one, stands) or any(
        stands.states.get(_finding_id(key)) in COUNTING if key.startswith(_FINDING) else said is Verdict.NO
        for key, said in one.verdicts.items()
        if key != MISSED
    )


def _has_missed(one: Review, stands: Standing) -> bool:
    # What was known under the same place already was added by another review; the verdict stands.
    state = stands.missed.get(one.id, FindingState.CONFIRMED)
    return one.verdicts.get(MISSED) is Verdict.YES and state in COUNTING


def _finding_id(key: str) -> int:
    return int(key.removeprefix(_FINDING))

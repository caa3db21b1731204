"""Calibration: every reviewer judges the same sessions alone; where they differ the wording is talked about.

A set is drawn half from sessions in which something was found, so that there is something to agree on. The answers
agreed on are the majority's; a reviewer is measured against them (quality_audit.md §5: kappa 0.6, accuracy 85 %).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from audit import agreement, drawing, sampling
from content.review_rules import ReviewRules
from domain.hours import ServiceHours
from domain.review import CalibrationSet, Review, ReviewKind, ReviewState, Verdict
from domain.sampling import NewPlan, PlanKind
from store import calibrations, reviews, sampling_plans
from store.reviews import NewReview

LEAST_KAPPA = 0.6
LEAST_ACCURACY = 0.85
_FINDING = "finding:"
_DUE = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class KeyAgreement:
    """One item, or one label of findings, over all sessions. `ratings`: answers; `alpha` None: nothing to tell."""

    key: str
    is_label: bool
    ratings: int
    alpha: float | None


@dataclass(frozen=True, kw_only=True)
class ReviewerResult:
    """One reviewer in a set. `accuracy` and `kappa` against the answers agreed on, None before."""

    reviewer: str
    done: int
    size: int
    accuracy: float | None = None
    kappa: float | None = None

    @property
    def has_passed(self) -> bool | None:
        """Say whether the verdicts may count; None while nothing is agreed on."""
        if self.accuracy is None:
            return None
        return self.accuracy >= LEAST_ACCURACY and (self.kappa is None or self.kappa >= LEAST_KAPPA)


@dataclass(frozen=True, kw_only=True)
class SetResult:
    """A set with how far it has come, and what it tells."""

    one: CalibrationSet
    sessions: int
    reviewers: Sequence[ReviewerResult]
    keys: Sequence[KeyAgreement]

    @property
    def is_complete(self) -> bool:
        return all(each.done == each.size for each in self.reviewers)


async def make(
    tx: AsyncConnection,
    wanted: NewPlan,
    size: int,
    reviewers: Sequence[str],
    guideline_version: str,
    rules: ReviewRules,
    hours: ServiceHours,
) -> int | None:
    """Draw a set of the period for these reviewers; return its id, None when there is nothing to draw.

    Whoever took part in a session does not get it.
    """
    facts = await sampling_plans.list_facts(tx, wanted.from_at, wanted.until_at)
    found = drawing.candidates_of(facts, rules, hours)
    flagged = [one for one in found if one.is_flagged]
    some = sampling.draw_random(flagged, size // 2, wanted.seed)
    drawn = some + sampling.draw_unflagged(found, size - len(some), wanted.seed)
    if not drawn or not reviewers:
        return None
    kept = NewPlan(**{**vars(wanted), "population": len(found), "kind": PlanKind.CALIBRATION})
    plan_id = await sampling_plans.add(tx, kept, len(drawn))
    new = []
    for one in drawn:
        subjects = await reviews.list_subjects(tx, one.session_id) | {one.subject}
        new += [
            NewReview(
                key=f"cal:{plan_id}:{one.session_id}:{place}",
                kind=ReviewKind.CALIBRATION,
                session_id=one.session_id,
                subject=one.subject,
                plan_id=plan_id,
                weight=one.weight,
                reviewer=name,
                due_at=wanted.made_at + _DUE,
            )
            for place, name in enumerate(reviewers)
            if name not in subjects
        ]
    await reviews.add(tx, new, wanted.made_at)
    return await calibrations.add(
        tx,
        name=wanted.name,
        guideline_version=guideline_version,
        plan_id=plan_id,
        by=wanted.made_by,
        now=wanted.made_at,
    )


async def results(tx: AsyncConnection) -> list[SetResult]:
    """Return the sets, newest first."""
    return [await result(tx, one) for one in await calibrations.list_sets(tx)]


async def result(tx: AsyncConnection, one: CalibrationSet) -> SetResult:
    """Return what a set tells so far."""
    known = await reviews.list_of_plan(tx, one.plan_id)
    looked = [each for each in known if each.state is ReviewState.DONE]
    ids = {
        int(key.removeprefix(_FINDING))
        for each in looked
        for key in each.verdicts
        if key.startswith(_FINDING)
    }
    return SetResult(
        one=one,
        sessions=len({each.session_id for each in known}),
        reviewers=_reviewers(known, one.agreed),
        keys=_keys(looked, await reviews.list_labels(tx, ids)),
    )


async def close(tx: AsyncConnection, one: CalibrationSet, now: datetime) -> bool:
    """Agree on the majority's answers; False when somebody has not judged yet, or it was closed before."""
    known = await reviews.list_of_plan(tx, one.plan_id)
    if not known or any(each.state is not ReviewState.DONE for each in known):
        return False
    return await calibrations.close(tx, one, majority(known), now)


def majority(looked: Sequence[Review]) -> dict[str, Verdict]:
    """Return the answer most reviewers gave, by session and key; where as many said otherwise, none."""
    said: dict[str, Counter[Verdict]] = defaultdict(Counter)
    for one in looked:
        for key, verdict in one.verdicts.items():
            said[f"{one.session_id} {key}"][verdict] += 1
    agreed = {}
    for place, counts in said.items():
        (first, most), *rest = counts.most_common(2)
        if not rest or rest[0][1] < most:
            agreed[place] = first
    return agreed


def _reviewers(known: Sequence[Review], agreed: Mapping[str, Verdict]) -> list[ReviewerResult]:
    found = []
    for name in sorted({one.reviewer for one in known}):
        own = [one for one in known if one.reviewer == name]
        pairs = [
            (verdict, agreed[f"{one.session_id} {key}"])
            for one in own
            for key, verdict in one.verdicts.items()
            if f"{one.session_id} {key}" in agreed
        ]
        plain = [(a is Verdict.YES, b is Verdict.YES) for a, b in pairs if Verdict.NA not in (a, b)]
        found.append(
            ReviewerResult(
                reviewer=name,
                done=sum(one.state is ReviewState.DONE for one in own),
                size=len(own),
                accuracy=agreement.agreement_of(pairs),
                kappa=agreement.kappa(agreement.pairs_of(plain)) if agreed else None,
            )
        )
    return found


def _keys(looked: Sequence[Review], labels: Mapping[int, str]) -> list[KeyAgreement]:
    """Return alpha by item and label: a unit is one thing in one session, its ratings are the reviewers' answers."""
    units: dict[tuple[str, bool], dict[tuple[int, str], list[float | None]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for one in looked:
        for key, said in one.verdicts.items():
            is_label = key.startswith(_FINDING)
            name = labels.get(int(key.removeprefix(_FINDING)), "") if is_label else key
            value = None if said is Verdict.NA else float(said is Verdict.YES)
            units[name, is_label][one.session_id, key].append(value)
    return [
        KeyAgreement(
            key=name,
            is_label=is_label,
            ratings=sum(value is not None for row in rows.values() for value in row),
            alpha=agreement.alpha(list(rows.values())),
        )
        for (name, is_label), rows in sorted(units.items())
    ]

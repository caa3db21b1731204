"""Judge a session: every item of the scorecard, red lines and promises, for each who spoke. Pure.

The worker (audit/running.py), `guanjia audit import` and the bench call `judge` with a session as cut and its times as
measured. The same input gives the same judgement, whatever order the items stand in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from audit import (
    bot_talk,
    closings,
    feelings,
    hearing,
    items_accuracy,
    items_compliance,
    items_courtesy,
    items_hygiene,
    items_resolution,
    items_timeliness,
    promises,
    red_lines,
    scoring,
    seen,
    turns,
)
from audit.scoring import Verdict
from audit.seen import Background, Basis, Seen
from content import rubric
from domain import grading
from domain.audit import (
    BOT,
    Evaluated,
    Evidence,
    Figures,
    ItemResult,
    Judgement,
    NewFinding,
    Slice,
    TalkKind,
)
from domain.faq import Line

__all__ = ["Background", "Basis", "judge"]

# An item of the scorecard and who judges it; the others are for people.
ITEMS: Mapping[str, Callable[[Seen], Verdict]] = {
    "A1": items_compliance.disclosure,
    "A2": items_compliance.identity,
    "A3": items_compliance.suitability,
    "A4": items_compliance.over_promise,
    "B1": items_accuracy.agreement,
    "B2": items_accuracy.figures_marked,
    "B3": items_accuracy.nothing_expired,
    "C1": items_resolution.answered,
    "C2": items_resolution.next_step,
    "C3": items_resolution.promises_kept,
    "D1": items_timeliness.first_response,
    "D2": items_timeliness.average_response,
    "D3": items_timeliness.nothing_left,
    "E1": items_courtesy.greeting,
    "E2": items_courtesy.empathy,
    "E3": items_courtesy.patience,
    "E4": items_courtesy.closing,
    "F1": items_hygiene.undisturbed,
    "F2": items_hygiene.privacy,
    "F3": items_hygiene.recorded,
}


def judge(
    piece: Slice,
    figures: Mapping[str, Figures],
    background: Background,
    basis: Basis,
    *,
    session_id: int,
    now: datetime,
) -> Judgement:
    """Return all that is made of a session: an evaluation a subject, the findings, the promises.

    `figures`: the times by subject (audit/timing.py); those of the whole session are left aside. `session_id`: 0 where
    there is no database. `now`: by when a promise must have been kept. Talk among colleagues is not judged.
    """
    if piece.kind is TalkKind.INTERNAL:
        return Judgement(evaluated=(), findings=())
    told = tuple(seen.told_of(said) for said in piece.messages)
    theirs = tuple(one for one in told if seen.is_customer(one.said))
    about = hearing.lines_of(told, basis)
    line = line_of(about)
    spoken = tuple(turns.turns(piece.messages, closings.load()))
    made = promises.settle(promises.find(told, background), told, basis.rubric)
    earlier = promises.elsewhere(background, made, piece.started_at)
    kept = [one for one in promises.settle(earlier, told, basis.rubric) if one.kept_message_id is not None]
    evaluated, found = [], []
    for subject in subjects_of(piece, figures):
        view = Seen(
            piece=piece,
            subject=subject,
            told=told,
            own=tuple(one for one in told if one.said.subject == subject),
            theirs=theirs,
            figures=figures.get(subject),
            background=background,
            basis=basis,
            session_id=session_id,
            now=now,
            line=line,
            turns=spoken,
            promises=tuple(one for one in made if one.subject == subject),
            heard=hearing.hear(piece, subject, told, about, basis, background.entity_modes),
        )
        one, findings = _evaluate(replace(view, claims=tuple(items_accuracy.claims_of(view))))
        evaluated.append(one)
        found += findings
    found.sort(key=lambda finding: (finding.occurred_at, finding.key))
    return Judgement(
        evaluated=tuple(evaluated),
        findings=_distinct(found),
        promises=(*made, *kept),
        line="" if line is None else line.value,
    )


def subjects_of(piece: Slice, figures: Mapping[str, Figures]) -> list[str]:
    """Return who is judged: who spoke, in order, then who should have answered."""
    spoke = [said.subject for said in piece.messages if said.subject]
    return [subject for subject in dict.fromkeys([*spoke, *figures]) if subject]


def line_of(about: hearing.Lines) -> Line | None:
    """Return the product line most messages are about, of several the one named first; None where no word tells."""
    counts = Counter(line for lines in about.values() for line in lines)
    return max(counts, key=lambda line: counts[line]) if counts else None


def _evaluate(view: Seen) -> tuple[Evaluated, list[NewFinding]]:
    role = rubric.BOT if view.subject == BOT else rubric.ADVISOR
    day = view.background.hours.today(view.piece.started_at)
    results: list[ItemResult] = []
    found: list[NewFinding] = red_lines.find(view)
    for item in sorted(view.rubric.items_for(role, day), key=lambda item: item.id):
        judged = ITEMS.get(item.id)
        by_people = item.evidence is Evidence.HUMAN or judged is None
        verdict = Verdict(applies=False, reason="human") if by_people or judged is None else judged(view)
        findings = scoring.findings_of(item, verdict, view)
        results.append(scoring.result_of(item, verdict, findings, view.rubric.reasons))
        found += findings
    score, weight = grading.score_of((one.weight, one.earned) for one in results)
    evaluated = Evaluated(
        subject=view.subject,
        score=score,
        grade=grading.grade_of(score),
        weight=weight,
        items=tuple(results),
        figures=_figures(view),
    )
    return evaluated, found


def _figures(view: Seen) -> Figures:
    figures = feelings.noted(view.figures, feelings.of(view.turns, view.rubric.moods))
    if not view.is_bot:
        return figures
    return bot_talk.noted(figures, view.turns, view.background.hours, view.basis.says_no_answer)


def _distinct(found: list[NewFinding]) -> tuple[NewFinding, ...]:
    return tuple({finding.key: finding for finding in found}.values())

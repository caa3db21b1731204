"""Red lines: what fails a session whatever its score, once a person confirmed it (quality_audit.md §2). Pure.

Every one found here is a suspicion. A customer's words are never one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from audit import scoring, seen
from audit.seen import Seen, Told
from content import rubric
from domain.audit import BOT, Evidence, NewFinding, SessionEnd, Span
from domain.compliance import Problem, Severity
from domain.replies import SignalKind
from domain.talk import Author

_IGNORED = {
    SignalKind.FRAUD: ("red.ignored_fraud", "care_fraud"),
    SignalKind.SELF_HARM: ("red.ignored_self_harm", "care_self_harm"),
}


def find(view: Seen) -> list[NewFinding]:
    """Return the red lines a subject is suspected of in a session."""
    found = [
        _of_rule(view, told, problem, spans)
        for told, problem, spans in view.heard.all()
        if seen.is_red(problem)
    ]
    found += _spoken(view)
    found += _recalled(view)
    found += _ignored(view)
    return found


def _of_rule(view: Seen, told: Told, problem: Problem, spans: tuple[Span, ...]) -> NewFinding:
    return _finding(
        view,
        label=problem.label,
        rule_id=problem.rule_id,
        rule_version=view.basis.rules_version,
        note=problem.message,
        at=told.said.sent_at,
        spans=spans,
    )


def _spoken(view: Seen) -> list[NewFinding]:
    """Return insults, moves to a private account and evasions of the archive."""
    found = []
    for told in view.own:
        for name in rubric.SPOKEN if told.folded else ():
            red = view.rubric.red_lines[name]
            places = red.wanted.spans(told.folded) if red.wanted else []
            if places:
                span = seen.span_of(told, places[0])
                values = {"said": seen.quoted(told, span)}
                found.append(_of_red_line(view, red, told.said.sent_at, (span,), values))
    return found


def _recalled(view: Seen) -> list[NewFinding]:
    """Return messages that were taken back after the wording rules would have stopped them."""
    red = view.rubric.red_lines["red.recalled"]
    found = []
    for told in [one for one in view.own if one.said.is_recalled]:
        problems = [problem for one, problem in view.heard.problems if one is told]
        worst = next((one for one in problems if one.severity <= Severity.S1), None)
        if worst is not None:
            span = seen.problem_span(told, worst)
            values = {"message": worst.message, "said": seen.quoted(told, span)}
            found.append(_of_red_line(view, red, told.said.sent_at, (span,), values))
    return found


def _ignored(view: Seen) -> list[NewFinding]:
    """Return signals of fraud or danger to life to which the subject answered without a word of care."""
    found = []
    for kind, (name, care) in _IGNORED.items():
        told = _first_signal(view, kind)
        if told is None or _answers_for(view, told) != view.subject or view.has_gaps:
            continue
        later = [one for one in view.told if one.said.sent_at >= told.said.sent_at and _is_ours(one)]
        if any(one.folded and view.has(care, one) for one in later):
            continue
        spans = (seen.whole(told), *(seen.whole(one) for one in later[:3]))
        values = {"asked": seen.quoted(told, seen.whole(told))}
        red = view.rubric.red_lines[name]
        found.append(_of_red_line(view, red, told.said.sent_at, spans, values))
    return found


def _first_signal(view: Seen, kind: SignalKind) -> Told | None:
    return next(
        (one for one in view.theirs if one.folded and kind in view.basis.signs(one.said.text)),
        None,
    )


def _answers_for(view: Seen, told: Told) -> str:
    """Return who has to answer a signal: the first person who spoke after it, else the bot, once the session ended."""
    later = [one.said.subject for one in view.told if one.said.sent_at >= told.said.sent_at and _is_ours(one)]
    person = next((subject for subject in later if subject != BOT), "")
    if view.piece.end is SessionEnd.OPEN:
        return ""  # The word of care may still come.
    return person or next(iter(later), "")


def _is_ours(told: Told) -> bool:
    return told.said.author in (Author.SERVICER, Author.BOT)


def _of_red_line(
    view: Seen,
    red: rubric.RedLine,
    at: datetime,
    spans: Sequence[Span],
    values: dict[str, str],
) -> NewFinding:
    return _finding(
        view,
        label=red.label,
        rule_id=red.id,
        rule_version=view.rubric.version,
        note=rubric.filled(red.note, values),
        at=at,
        spans=tuple(spans),
    )


def _finding(
    view: Seen,
    *,
    label: str,
    rule_id: str,
    rule_version: str,
    note: str,
    at: datetime,
    spans: tuple[Span, ...],
) -> NewFinding:
    return NewFinding(
        key=scoring.key_of(view.subject, "", rule_id, spans),
        session_id=view.session_id,
        conversation_id=view.piece.conversation_id,
        subject=view.subject,
        item="",
        label=label,
        severity=Severity.S0,
        is_red=True,
        evidence=Evidence.ASSIST,
        rule_id=rule_id,
        rule_version=rule_version,
        points=0.0,
        note=note,
        occurred_at=at,
        spans=spans,
    )

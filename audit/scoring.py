"""From hits to points: an item's result and its findings. Pure.

One law, shared with the decisions of people (domain/grading.py, store/findings.py): an item earns its weight less the
points of the findings that count, never below zero; a suspicion costs nothing until a person confirmed it; N/A leaves
the denominator; a red line is no item.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from audit.seen import Seen
from content import rubric
from domain import grading
from domain.audit import Evidence, ItemResult, NewFinding, Span
from domain.compliance import Severity

_KEY_LENGTH = 40


@dataclass(frozen=True, kw_only=True)
class Hit:
    """One place where a deduction applies.

    `label`, `severity`, `rule_id`, `rule_version`: where a wording rule found it, its own; else the scorecard's.
    """

    deduction: str
    spans: tuple[Span, ...]
    at: datetime
    values: Mapping[str, str] = field(default_factory=dict)
    label: str = ""
    severity: Severity | None = None
    rule_id: str = ""
    rule_version: str = ""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What one item says of one subject. `reason`: for N/A a key of the scorecard's reasons, "" for the item's own."""

    applies: bool = True
    reason: str = ""
    hits: tuple[Hit, ...] = ()


NOT_APPLICABLE = Verdict(applies=False)
UNSEEN = Verdict(applies=False, reason="unseen")
NO_TIMES = Verdict(applies=False, reason="no_times")
FULL = Verdict()


def absent(seen: Seen, *hits: Hit) -> Verdict:
    """Return the verdict on something that was not said: with words nobody can read, it cannot be known."""
    return UNSEEN if seen.has_gaps else Verdict(hits=hits)


def findings_of(item: rubric.Item, verdict: Verdict, seen: Seen) -> tuple[NewFinding, ...]:
    """Return the findings of an item; hits of a deduction that costs once are one finding."""
    joined: dict[str, list[Hit]] = {}
    found = []
    for hit in verdict.hits:
        if seen.rubric.deductions[hit.deduction].once:
            joined.setdefault(hit.deduction, []).append(hit)
        else:
            found.append(_finding(item, (hit,), seen))
    return (*found, *(_finding(item, hits, seen) for hits in joined.values()))


def _finding(item: rubric.Item, hits: Sequence[Hit], seen: Seen) -> NewFinding:
    first = min(hits, key=lambda hit: hit.at)
    deduction = seen.rubric.deductions[first.deduction]
    spans = tuple(dict.fromkeys(span for hit in hits for span in hit.spans))
    return NewFinding(
        key=key_of(seen.subject, item.id, first.rule_id or deduction.id, first.spans),
        session_id=seen.session_id,
        conversation_id=seen.piece.conversation_id,
        subject=seen.subject,
        item=item.id,
        label=first.label or deduction.label,
        severity=first.severity or deduction.severity,
        is_red=False,
        # An item that only a person may judge is never counted by a machine.
        evidence=deduction.evidence if item.evidence is Evidence.AUTO else Evidence.ASSIST,
        rule_id=first.rule_id or deduction.id,
        rule_version=first.rule_version or seen.rubric.version,
        points=deduction.points,
        note=rubric.filled(deduction.note, first.values),
        occurred_at=first.at,
        spans=spans,
    )


def key_of(subject: str, item: str, rule_id: str, spans: Sequence[Span]) -> str:
    """Return the key under which a finding is found again: subject, rule, message and place.

    Not the session: cut anew, the same words stay the same finding.
    """
    place = min(spans, key=lambda span: (span.message_id, span.start), default=Span(message_id=0))
    parts = [subject, item, rule_id, place.message_id, place.start, place.end]
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()[:_KEY_LENGTH]


def result_of(
    item: rubric.Item, verdict: Verdict, found: Iterable[NewFinding], reasons: Mapping[str, str]
) -> ItemResult:
    """Return an item's points for one subject.

    Why points were taken off is told by the findings, whose notes may quote: no second copy of them is kept here.
    """
    if not verdict.applies:
        reason = reasons[verdict.reason] if verdict.reason else item.not_applicable
        return ItemResult(
            item=item.id, weight=item.weight, earned=None, evidence=item.evidence, reason=reason
        )
    mine = list(found)
    counted = sum(one.points for one in mine if one.evidence is Evidence.AUTO)
    suspected = sum(one.points for one in mine if one.evidence is not Evidence.AUTO)
    earned = grading.earned_of(item.weight, counted)
    return ItemResult(
        item=item.id,
        weight=item.weight,
        earned=earned,
        evidence=item.evidence,
        pending=round(min(suspected, earned), grading.DIGITS),
    )

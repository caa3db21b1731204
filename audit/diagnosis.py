"""Diagnosis of an advisor's way of working: too few touches, too many, or the wrong product (metrics.md §3). Pure.

A hint for a talk with the advisor, with its numbers; never a score. Without enough to judge it says so instead of
guessing. Limits and sentences are content/rubric; the counts are read by store/contact_reports.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from content import rubric
from content.rubric import Rubric
from store.contact_reports import ContactCounts


class DiagnosisKind(StrEnum):
    """What may be wrong; the names of [[diagnosis]] tables."""

    UNDER = "under"  # Few touches: customers are forgotten.
    OVER = "over"  # Many touches, and customers quit or refuse.
    MISMATCH = "mismatch"  # Products that do not fit who they are offered to.


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """One answer. `holds` None: there is not enough to tell. `note`: Chinese, with the numbers."""

    kind: DiagnosisKind
    holds: bool | None
    note: str


def diagnose(contact: ContactCounts, scorecard: Rubric) -> tuple[Diagnosis, ...]:
    """Return the three answers about an advisor."""
    return (_under(contact, scorecard), _over(contact, scorecard), _mismatch(contact, scorecard))


def told(contact: ContactCounts, scorecard: Rubric) -> list[str]:
    """Return the sentences of what holds, for a page."""
    return [one.note for one in diagnose(contact, scorecard) if one.holds]


def _under(contact: ContactCounts, scorecard: Rubric) -> Diagnosis:
    if contact.customers is None or contact.customers < scorecard.limit("diagnosis_customers"):
        return Diagnosis(kind=DiagnosisKind.UNDER, holds=None, note="")
    each = contact.touches / contact.customers
    return _answer(DiagnosisKind.UNDER, each < scorecard.limit("under_touches"), contact, scorecard)


def _over(contact: ContactCounts, scorecard: Rubric) -> Diagnosis:
    known = contact.customers is not None and contact.quits is not None and contact.refusals is not None
    if not known or (contact.customers or 0) < scorecard.limit("diagnosis_customers"):
        return Diagnosis(kind=DiagnosisKind.OVER, holds=None, note="")
    customers = contact.customers or 1
    left = (contact.quits or 0) + (contact.refusals or 0)
    is_much = contact.touches / customers >= scorecard.limit("over_touches")
    is_refused = left / customers >= scorecard.limit("over_refusals")
    return _answer(DiagnosisKind.OVER, is_much and is_refused, contact, scorecard)


def _mismatch(contact: ContactCounts, scorecard: Rubric) -> Diagnosis:
    if contact.product_sessions < scorecard.limit("mismatch_sessions"):
        return Diagnosis(kind=DiagnosisKind.MISMATCH, holds=None, note="")
    share = contact.mismatched / contact.product_sessions
    return _answer(DiagnosisKind.MISMATCH, share >= scorecard.limit("mismatch_share"), contact, scorecard)


def _answer(kind: DiagnosisKind, holds: bool, contact: ContactCounts, scorecard: Rubric) -> Diagnosis:
    customers = contact.customers or 0
    left = (contact.quits or 0) + (contact.refusals or 0)
    values = {
        "customers": str(customers),
        "touches": str(contact.touches),
        "each": f"{contact.touches / customers:.1f}" if customers else "",
        "quits": str(contact.quits or 0),
        "refusals": str(contact.refusals or 0),
        "left": f"{left / customers:.0%}" if customers else "",
        "sessions": str(contact.product_sessions),
        "mismatched": str(contact.mismatched),
    }
    return Diagnosis(
        kind=kind, holds=holds, note=rubric.filled(scorecard.diagnoses[kind.value], values) if holds else ""
    )

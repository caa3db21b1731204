"""Dimension B of the scorecard: said as the FAQ had it then, figures marked, nothing expired. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from audit import scoring, seen
from audit.accuracy import CHECKED, Claim, Standing
from audit.scoring import Hit, Verdict
from audit.seen import Seen, Told

_DEDUCTIONS: Mapping[Standing, str] = {
    Standing.CONTRADICTS: "B1.contradicts",
    Standing.PARTIAL: "B1.partial",
    Standing.EXPIRED: "B3.expired",
    Standing.LAPSED: "B3.lapsed",
}


def claims_of(view: Seen) -> list[tuple[Told, Claim]]:
    """Return what the subject said that can be held against the FAQ, with the message it stands in."""
    known = view.basis.facts
    if known is None:
        return []
    found = []
    asked = ""
    for told in view.told:
        if seen.is_customer(told.said):
            asked = told.folded or asked
        elif told.said.subject == view.subject and told.folded:
            moment = told.said.sent_at
            today = view.background.hours.today(moment)
            found += [(told, claim) for claim in known.claims(told.folded, asked, moment, today)]
    return found


def agreement(view: Seen) -> Verdict:
    """B1: figures and plain facts as the FAQ of that moment has them."""
    compared = [
        (told, claim) for told, claim in view.claims if claim.standing in CHECKED - {Standing.EXPIRED}
    ]
    if not compared:
        return scoring.NOT_APPLICABLE
    return Verdict(hits=_hits(compared, "B1"))


def nothing_expired(view: Seen) -> Verdict:
    """B3: nothing that was true only before, and no entry that had ended."""
    compared = [
        (told, claim)
        for told, claim in view.claims
        if claim.standing in CHECKED or claim.standing is Standing.LAPSED
    ]
    if not compared:
        return scoring.NOT_APPLICABLE
    return Verdict(hits=_hits(compared, "B3"))


def _hits(claims: list[tuple[Told, Claim]], item: str) -> tuple[Hit, ...]:
    hits = []
    for told, claim in claims:
        deduction = _DEDUCTIONS.get(claim.standing, "")
        if not deduction.startswith(item):
            continue
        span = seen.span_of(told, (claim.start, claim.end))
        values = {
            "said": seen.quoted(told, span),
            "question": claim.question,
            "faq": claim.faq_id,
            "fact": claim.fact,
            "since": "" if claim.since is None else claim.since.isoformat(),
        }
        # One finding a fact: what is said of it twice in a message is one statement.
        hits.append(
            Hit(
                deduction=deduction,
                spans=(span,),
                at=told.said.sent_at,
                values=values,
                rule_id=f"{deduction}.{claim.slot.id}",
            )
        )
    return tuple(hits)


def figures_marked(view: Seen) -> Verdict:
    """B2: rates, fees and premiums come with a word that the contract decides."""
    figures = [one for one in view.own if one.folded and view.has("figures", one)]
    if not figures:
        return scoring.NOT_APPLICABLE
    if view.any_has("by_contract", view.own):
        return scoring.FULL
    first = figures[0]
    spans = view.spans("figures", first)
    values = {"said": seen.quoted(first, spans[0])}
    return scoring.absent(
        view, Hit(deduction="B2.unmarked", spans=tuple(spans), at=first.said.sent_at, values=values)
    )

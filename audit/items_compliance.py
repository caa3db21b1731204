"""Dimension A of the scorecard: disclosure, identity, suitability, over-promise below a red line. Pure."""

from __future__ import annotations

import re

from audit import scoring, seen
from audit.scoring import Hit, Verdict
from audit.seen import Seen, Told
from domain.audit import Span
from domain.compliance import Problem

_PRODUCT_LEVEL = re.compile(r"(?<![a-z])r([1-5])(?!\d)")
_CUSTOMER_LEVEL = re.compile(r"[cr]([1-5])", re.IGNORECASE)


def disclosure(view: Seen) -> Verdict:
    """A1: whether what has to be told was told somewhere in the session."""
    said = said_hits(view, "A1")
    wanted = view.heard.missing
    if not wanted and not said:
        told = any(view.has("disclosed", one) for one in view.own)
        return Verdict() if told else scoring.NOT_APPLICABLE
    everything = "\n".join(one.said.text for one in view.own if one.folded)
    hits: dict[str, Hit] = {}
    for told_, line, problem in wanted:
        if problem.rule_id in view.basis.missing(everything, view.heard.speaker, line):
            spans = (seen.problem_span(told_, problem),)
            hits.setdefault(problem.rule_id, _problem_hit("A1.missing", view, told_, problem, spans))
    if hits and view.has_gaps:
        return scoring.UNSEEN
    return Verdict(hits=(*hits.values(), *said))


def identity(view: Seen) -> Verdict:
    """A2: whether the subject said who they are when they first spoke with this customer."""
    known = view.background.first_contact
    first = next(iter(view.own), None)
    if known is None or view.subject not in known or first is None:
        return scoring.NOT_APPLICABLE
    if not view.any_has("identity", view.own):
        return scoring.absent(view, _whole_hit("A2.no_identity", first))
    sells = not view.is_bot and view.any_has("insurance_sale", view.own)
    if sells and not view.any_has("licence", view.own):
        return scoring.absent(view, _whole_hit("A2.no_licence", first))
    return scoring.FULL


def suitability(view: Seen) -> Verdict:
    """A3: whether a product was only recommended to whom it suits, as far as the talk tells."""
    said = said_hits(view, "A3")
    offered = [one for one in view.own if view.has("recommends", one)]
    if not offered:
        return Verdict(hits=said) if said else scoring.NOT_APPLICABLE
    above = _above_level(view, offered)
    if above is not None:
        return Verdict(hits=(above, *said))
    if view.any_has("suitability_care", view.own) or view.any_has("suitability_care", view.theirs):
        return Verdict(hits=said)
    if view.has_gaps:
        return Verdict(hits=said) if said else scoring.UNSEEN
    spans = view.spans("recommends", offered[0])
    quote = seen.quoted(offered[0], spans[0])
    hit = Hit(deduction="A3.no_test", spans=tuple(spans), at=offered[0].said.sent_at, values={"said": quote})
    return Verdict(hits=(hit, *said))


def _above_level(view: Seen, offered: list[Told]) -> Hit | None:
    level = _CUSTOMER_LEVEL.search(view.background.customer_level)
    if level is None:
        return None
    for told in offered:
        for found in _PRODUCT_LEVEL.finditer(told.folded):
            if int(found[1]) > int(level[1]):
                values = {"customer": f"C{level[1]}", "product": f"R{found[1]}"}
                span = seen.span_of(told, found.span())
                return Hit(deduction="A3.above_level", spans=(span,), at=told.said.sent_at, values=values)
    return None


def over_promise(view: Seen) -> Verdict:
    """A4: exaggeration, disparagement, false urgency and their like, short of a red line."""
    if not any(one.folded for one in view.own):
        return scoring.UNSEEN if view.has_gaps else scoring.NOT_APPLICABLE
    return Verdict(hits=said_hits(view, "A4"))


def said_hits(view: Seen, item: str) -> tuple[Hit, ...]:
    """Return what the wording rules found below a red line and the scorecard counts in `item`."""
    hits = []
    for told, problem, spans in view.heard.all():
        label = view.rubric.labels.get(problem.label)
        if label is not None and label.item == item and not seen.is_red(problem):
            hits.append(_problem_hit(f"{item}.said", view, told, problem, spans))
    return tuple(hits)


def _problem_hit(deduction: str, view: Seen, told: Told, problem: Problem, spans: tuple[Span, ...]) -> Hit:
    return Hit(
        deduction=deduction,
        spans=spans,
        at=told.said.sent_at,
        values={"message": problem.message},
        label=problem.label,
        severity=problem.severity,
        rule_id=problem.rule_id,
        rule_version=view.basis.rules_version,
    )


def _whole_hit(deduction: str, told: Told) -> Hit:
    return Hit(deduction=deduction, spans=(seen.whole(told),), at=told.said.sent_at)

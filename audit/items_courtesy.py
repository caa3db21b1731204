"""Dimension E of the scorecard: greeting, empathy, patience, closing words. Pure."""

from __future__ import annotations

from collections import Counter

from audit import items_compliance, scoring, seen
from audit.scoring import Hit, Verdict
from audit.seen import Seen, Told
from content import normalising
from domain.audit import BOT
from domain.talk import Author

_OPENING = 2  # Messages in which a greeting may stand.
_LEAST_WORDS = 3
_SAME_LENGTH = 4  # Shorter texts ("好的") may repeat.


def greeting(view: Seen) -> Verdict:
    """E1: whether whoever took up the talk began politely."""
    typed = view.typed
    if not typed or _first_person(view) != view.subject:
        return scoring.NOT_APPLICABLE
    opening = typed[:_OPENING]
    if all(len(one.folded) < _LEAST_WORDS for one in typed):
        return scoring.NOT_APPLICABLE
    # A welcome posted in their name greeted already.
    welcomed = [one for one in view.own if one.said.is_scheduled and one.folded]
    if view.any_has("polite", opening) or view.any_has("polite", welcomed[:1]):
        return scoring.FULL
    return scoring.absent(
        view,
        Hit(deduction="E1.no_greeting", spans=(seen.whole(opening[0]),), at=opening[0].said.sent_at),
    )


def _first_person(view: Seen) -> str:
    people = (one.said for one in view.told if one.said.author is Author.SERVICER)
    return next((said.subject for said in people if not said.is_scheduled), "")


def empathy(view: Seen) -> Verdict:
    """E2: whether an unhappy customer heard a word of understanding."""
    limit = view.rubric.limit("unhappy_at")
    unhappy = next(
        (one for one in view.theirs if one.folded and view.rubric.moods.of(one.said.text) <= limit), None
    )
    if unhappy is None:
        return scoring.NOT_APPLICABLE
    later = [one for one in view.typed if one.said.sent_at >= unhappy.said.sent_at]
    if not later:
        return scoring.UNSEEN if view.has_gaps else scoring.NOT_APPLICABLE
    if view.any_has("empathy", later):
        return scoring.FULL
    spans = (seen.whole(unhappy), seen.whole(later[0]))
    values = {"asked": seen.quoted(unhappy, seen.whole(unhappy))}
    return scoring.absent(
        view, Hit(deduction="E2.no_empathy", spans=spans, at=later[0].said.sent_at, values=values)
    )


def patience(view: Seen) -> Verdict:
    """E3: no impatience, no blame handed to the customer or to others."""
    said = items_compliance.said_hits(view, "E3")
    known = {span.message_id for hit in said for span in hit.spans}
    if not any(one.folded for one in view.own):
        return scoring.UNSEEN if view.has_gaps else scoring.NOT_APPLICABLE
    hits = list(said)
    for told in view.typed:
        spans = view.spans("impatient", told) if told.said.id not in known else []
        if spans:
            values = {"said": seen.quoted(told, spans[0])}
            hits.append(
                Hit(
                    deduction="E3.impatient",
                    spans=tuple(spans[:1]),
                    at=told.said.sent_at,
                    values=values,
                )
            )
    return Verdict(hits=tuple(hits))


def closing(view: Seen) -> Verdict:
    """E4: whether the talk was closed with an offer, and no text was said over and over."""
    repeated = _repeated(view)
    if _ends_with(view) != view.subject or len(view.typed) < _OPENING or view.is_open or _left(view):
        return Verdict(hits=repeated) if repeated else scoring.NOT_APPLICABLE
    last = view.typed[-_OPENING:]
    if view.any_has("closing", last):
        return Verdict(hits=repeated)
    if view.has_gaps:
        return Verdict(hits=repeated) if repeated else scoring.UNSEEN
    missing = Hit(deduction="E4.no_closing", spans=(seen.whole(last[-1]),), at=last[-1].said.sent_at)
    return Verdict(hits=(missing, *repeated))


def _ends_with(view: Seen) -> str:
    """Return the person who spoke last for the company."""
    people = [one.said for one in view.told if one.said.author is Author.SERVICER]
    return next((said.subject for said in reversed(people) if not said.is_scheduled), BOT)


def _left(view: Seen) -> bool:
    """Say whether the customer left: the last word is a question that nobody answered, theirs or ours."""
    turn = view.turns[-1] if view.turns else None
    if turn is None or not view.theirs:
        return True
    if turn.author is Author.CUSTOMER:
        return turn.asks
    last = view.typed[-1]
    return (
        last.said.id == turn.messages[-1].id and view.has("asks_back", last) and not view.has("closing", last)
    )


def _repeated(view: Seen) -> tuple[Hit, ...]:
    limit = view.rubric.limit("same_text")
    texts: dict[str, list[Told]] = {}
    for told in view.typed:
        plain = normalising.normalise(told.said.text)
        if len(plain) >= _SAME_LENGTH:
            texts.setdefault(plain, []).append(told)
    counts = Counter({plain: len(found) for plain, found in texts.items()})
    hits = []
    for plain, count in counts.items():
        if count >= limit:
            found = texts[plain]
            values = {"said": seen.quoted(found[0], seen.whole(found[0])), "count": str(count)}
            spans = tuple(seen.whole(one) for one in found)
            hits.append(Hit(deduction="E4.same_text", spans=spans, at=found[0].said.sent_at, values=values))
    return tuple(hits)

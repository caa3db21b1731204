"""Three of what was found: in the order of fit and of what was learnt, as far as it may be said by this person today.

Pure. The order is: a sentence that has to be said first (a line on hold, a colleague who is qualified), then the rest
by score. Approved words go before the advisor's own, of which there is one at most.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from content import serving
from content.knowledge import Knowledge
from content.suggesting import learning, offers
from content.suggesting.finding import Candidate, Found
from content.suggesting.learning import Name, Step
from content.suggesting.offers import Setting
from domain.faq import Choice, Line
from domain.suggestion import NewSuggestion, SuggestionSource, Vote

SHOWN = 3
QUALIFIED_REPLY = "qualified_colleague"
_MOST_OWN = 1
# A phrase beside the matcher's own entries gets one of three places, more only where entries leave them free.
_MOST_PHRASES = 1


def choose(
    knowledge: Knowledge,
    found: Found,
    setting: Setting,
    *,
    votes: Iterable[Vote] = (),
    staff_platform_id: str = "",
    closed: frozenset[Line] = frozenset(),
) -> tuple[tuple[NewSuggestion, ...], Line | None]:
    """Return at most three suggestions, the likeliest first, and the line that this person may not speak for.

    `closed`: lines the person is not qualified for today; None comes back where the question is about none of them.
    """
    ranked = _learnt(knowledge, found, votes, staff_platform_id)
    chosen: list[NewSuggestion] = []
    needs = found.nearest if found.nearest in closed else None
    if needs is not None:
        first = offers.fixed(knowledge, QUALIFIED_REPLY, setting)
        chosen += [] if first is None else [replace(first, line=None)]
    elif found.decision.choice is not Choice.UNKNOWN:
        first = offers.stand_in(knowledge, found.decision.matches[0].faq_id, setting)
        chosen += [] if first is None else [first]
    allowed = [one for one in ranked if one.line not in closed or _is_safety(knowledge, one)]
    if needs is not None:
        # Words of no line may well be about this one; nobody has said what they are about.
        allowed = [one for one in allowed if one.own is None]
    # Each is made and checked only while a place is free: that takes about 3 ms.
    made = (offers.offer(knowledge, candidate, setting) for candidate in allowed)
    return tuple(_placed(chosen, made)), needs


def _learnt(
    knowledge: Knowledge, found: Found, votes: Iterable[Vote], staff_platform_id: str
) -> list[Candidate]:
    """Return the candidates with what was learnt for this kind of question, in the new order."""
    names = [one.name for one in found.candidates]
    counted = list(votes)
    voted: set[Name] = {(vote.source, vote.source_id) for vote in counted}
    versions = {name: _version(knowledge, name) for name in voted | set(names)}
    steps = learning.steps(counted, staff_platform_id, versions)
    candidates = [_moved(one, steps.get(one.name)) for one in found.candidates]
    for name, start in learning.brought(steps, names).items():
        one = _new(knowledge, name, start)
        if one is not None:
            candidates.append(_moved(one, steps[name]))
    return sorted(candidates, key=lambda one: -one.score)


def _moved(candidate: Candidate, step: Step | None) -> Candidate:
    if step is None:
        return candidate
    return replace(candidate, score=candidate.score + step.value, reasons=(*step.reasons, *candidate.reasons))


def _new(knowledge: Knowledge, name: Name, start: float) -> Candidate | None:
    """Return a candidate that only votes bring. An advisor's own words come by likeness alone."""
    source, source_id = name
    if source is SuggestionSource.FAQ and source_id in knowledge.faqs:
        line = knowledge.faqs[source_id].line
    elif source is SuggestionSource.QUICK and source_id in knowledge.quick:
        line = knowledge.quick[source_id].line
    else:
        return None
    return Candidate(source=source, source_id=source_id, line=line, score=start, reasons=())


def _version(knowledge: Knowledge, name: Name) -> int | None:
    source, source_id = name
    return knowledge.version_id(source.value, source_id)


def _is_safety(knowledge: Knowledge, candidate: Candidate) -> bool:
    """Say whether everybody may say the words, registered or not: a warning of fraud."""
    faq = knowledge.faqs.get(candidate.source_id) if candidate.source is SuggestionSource.FAQ else None
    return faq is not None and serving.is_for_safety(faq)


def _placed(first: list[NewSuggestion], made: Iterable[NewSuggestion | None]) -> list[NewSuggestion]:
    """Return three: what must be said first, then by score, with few phrases and own words while there are entries."""
    kept: list[NewSuggestion] = list(first)
    late: list[NewSuggestion] = []
    texts = {one.text for one in kept}
    for one in made:
        if one is None or one.text in texts:
            continue
        texts.add(one.text)
        (late if _is_too_many(one, kept) else kept).append(one)
        if len(kept) >= SHOWN:
            break
    return (kept + late)[:SHOWN]


def _is_too_many(one: NewSuggestion, kept: list[NewSuggestion]) -> bool:
    same = sum(other.source is one.source for other in kept)
    if one.source is SuggestionSource.OWN:
        return same >= _MOST_OWN or not any(other.is_approved or other.source in _OURS for other in kept)
    return one.source is SuggestionSource.QUICK and same >= _MOST_PHRASES


_OURS = frozenset({SuggestionSource.FAQ, SuggestionSource.QUICK, SuggestionSource.FIXED})

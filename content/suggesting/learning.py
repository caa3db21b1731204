"""What is learnt from suggestions that were taken or put away: a bounded step up or down, and why.

Pure, no model. Votes count for one kind of question (`question_key`). One person counts three times at most, so nobody
can push words up or down alone; refusals of a text that was changed since are forgotten. A step only changes the order
among what may be said today: expired or unlawful words never come in by votes, they were left out before.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from content import normalising
from content.suggesting import words
from domain.faq import Choice, Decision
from domain.suggestion import SuggestionSource, SuggestionState, Vote

# Older votes say little: entries live for half a year (content/faq_files.py).
SINCE = timedelta(days=180)
# The step at most; the matcher's first two entries of a sure answer are further apart than that.
LIMIT = 0.2
_EACH = 3  # Votes of one person on one source that count.
_PRIOR = 4.0  # So many votes of nobody: a single taken suggestion moves a fifth of the limit.
_WEIGHTS = {SuggestionState.USED: 1.0, SuggestionState.EDITED: 0.5, SuggestionState.REFUSED: -1.0}
_ENOUGH = 2.0  # Weight of taken votes from which words are offered that the matcher did not find,
_FROM = 2  # by so many people.
_BROUGHT = 0.12  # Where such words start: below a menu's first line.
_KEY_FROM = 0.08  # Confidence from which the nearest entry names the kind of question (domain.faq.Thresholds.menu_at).

Name = tuple[SuggestionSource, str]


@dataclass(frozen=True, kw_only=True)
class Step:
    """How far a source moves, -LIMIT to LIMIT, and the sentences that say why. `brings`: enough to be offered anew."""

    value: float
    reasons: tuple[str, ...]
    brings: bool = False


def key_of(decision: Decision, text: str) -> str:
    """Return what a question counts as: the entry it comes nearest to, else its own words; "" without words.

    Taken before anything learnt moves the order, so that the key of a question does not depend on votes.
    """
    nearest = decision.matches[0] if decision.matches else None
    nearest = nearest or (decision.considered[0] if decision.considered else None)
    if nearest is not None and (decision.choice is not Choice.UNKNOWN or nearest.confidence >= _KEY_FROM):
        return f"faq:{nearest.faq_id}"[:64]
    said = normalising.normalise(text).replace(" ", "")
    return f"said:{hashlib.sha256(said.encode()).hexdigest()[:24]}" if said else ""


def steps(
    votes: Iterable[Vote], staff_platform_id: str, versions: Mapping[Name, int | None]
) -> dict[Name, Step]:
    """Return the step of each source that was voted on. `versions`: the content version each source has now."""
    counts: dict[Name, dict[str, dict[SuggestionState, float]]] = defaultdict(lambda: defaultdict(dict))
    for vote in votes:
        name = (vote.source, vote.source_id)
        is_old = vote.content_version_id not in (None, versions.get(name, vote.content_version_id))
        if vote.state is SuggestionState.REFUSED and is_old:
            continue
        mine = counts[name][vote.staff_platform_id]
        mine[vote.state] = min(_EACH, mine.get(vote.state, 0) + vote.count)
    return {name: _step(by_staff, staff_platform_id) for name, by_staff in counts.items()}


def brought(found: Mapping[Name, Step], known: Iterable[Name]) -> dict[Name, float]:
    """Return what colleagues take for this kind of question although the matcher did not find it, with its start."""
    held = set(known)
    return {name: _BROUGHT for name, step in sorted(found.items()) if step.brings and name not in held}


def _step(by_staff: Mapping[str, Mapping[SuggestionState, float]], staff_platform_id: str) -> Step:
    total = size = taken = 0.0
    refused = others = 0
    people = set()
    for who, states in by_staff.items():
        for state, count in states.items():
            weight = _WEIGHTS.get(state, 0.0) * count
            total, size = total + weight, size + abs(weight)
            if weight > 0:
                taken += weight
                people.add(who)
                others += int(count) if who != staff_platform_id else 0
            else:
                refused += int(count)
    own = by_staff.get(staff_platform_id, {})
    mine = int(own.get(SuggestionState.USED, 0) + own.get(SuggestionState.EDITED, 0))
    reasons = []
    if total > 0:
        reasons += [words.reason("mine", count=mine)] if mine else []
        reasons += [words.reason("up", count=others)] if others else []
    elif total < 0:
        reasons.append(words.reason("down", count=refused))
    return Step(
        value=LIMIT * total / (size + _PRIOR),
        reasons=tuple(reasons),
        brings=taken >= _ENOUGH and len(people) >= _FROM and total > 0,
    )

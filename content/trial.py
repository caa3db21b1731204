"""What a change of an entry would have done to questions that were asked: the trial before somebody approves it (试跑).

Pure. Each question is decided twice, with the words of today and with the change, and compared; what may harm comes
first. Who asked, and what became of the question then, plays no part. console/trials.py runs it, some ms a question.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from content import matching
from content.knowledge import Knowledge, Served
from content.matching.engine import Meaning
from domain.faq import Choice, Faq


class Effect(StrEnum):
    """What changes for a question, the riskiest first."""

    TAKEN = "taken"  # Another entry answered it; now the changed one does.
    LOST = "lost"  # It was answered; now it is not.
    MOVED = "moved"  # Another entry than before answers it, and it is not the changed one.
    REFUSED = "refused"  # The entry still fits, but may not be said today: a person takes over.
    GAINED = "gained"  # It was not answered; now the changed entry answers it.
    HELPED = "helped"  # It was not answered; now another entry answers it.
    REWORDED = "reworded"  # The same entry answers, in other words.
    OFFERED = "offered"  # The changed entry is new in the menu.
    DROPPED = "dropped"  # The changed entry is gone from the menu.


# Of these somebody should read every question.
RISKY = frozenset({Effect.TAKEN, Effect.LOST, Effect.MOVED, Effect.REFUSED})
_ORDER = {effect: place for place, effect in enumerate(Effect)}


@dataclass(frozen=True, kw_only=True)
class TriedQuestion:
    """A question with how often it was asked in these words, and when last."""

    text: str
    count: int
    last_at: datetime


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a question gets. `faq_ids`: answered or offered, in order. `is_refused`: the first may not be said today."""

    choice: Choice
    faq_ids: tuple[str, ...] = ()
    confidence: float = 0.0
    is_refused: bool = False

    @property
    def answer(self) -> str:
        """The entry that answers, "" where none does."""
        return self.faq_ids[0] if self.choice is Choice.ANSWER and self.faq_ids else ""


@dataclass(frozen=True, kw_only=True)
class Change:
    """A question for which something changes."""

    question: TriedQuestion
    effect: Effect
    before: Outcome
    after: Outcome


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Everything of one trial. `asked`: how many questions, `tried`: in how many wordings they were tried."""

    asked: int
    tried: int
    changes: tuple[Change, ...]

    @property
    def changed(self) -> int:
        """How many questions something changes for."""
        return sum(one.question.count for one in self.changes)

    def counts(self) -> dict[Effect, int]:
        """Return how many questions each effect has, in order of risk; effects without any are left out."""
        found = dict.fromkeys(Effect, 0)
        for one in self.changes:
            found[one.effect] += one.question.count
        return {effect: count for effect, count in found.items() if count}


def put_together(asked: Iterable[tuple[str, datetime]], most: int) -> list[TriedQuestion]:
    """Return the wordings, the most frequent first and then the latest; at most `most`."""
    found: dict[str, tuple[int, datetime]] = {}
    for text, at in asked:
        count, last = found.get(text, (0, at))
        found[text] = count + 1, max(last, at)
    tried = [TriedQuestion(text=text, count=count, last_at=last) for text, (count, last) in found.items()]
    return sorted(tried, key=lambda one: (-one.count, -one.last_at.timestamp(), one.text))[:most]


def with_entry(knowledge: Knowledge, faq: Faq, meaning: Meaning | None = None) -> Knowledge:
    """Return the words of today with one entry as it would be; about 0.6 s of one core for the shipped entries.

    `meaning`: to compare meanings as well, as the matcher in use does.
    """
    faqs = {**knowledge.faqs, faq.id: faq}
    content = knowledge.content
    matcher = matching.Matcher(
        map(matching.Subject.of, faqs.values()), content.synonyms, content.lexicon, meaning=meaning
    )
    served = Served(version_id=None, is_sample=False)
    return replace(
        knowledge, faqs=faqs, matcher=matcher, versions={**knowledge.versions, f"faq:{faq.id}": served}
    )


def outcome(knowledge: Knowledge, text: str) -> Outcome:
    """Return what the entries make of a question today."""
    decision = knowledge.decide(text)
    ids = tuple(match.faq_id for match in decision.matches)
    confidence = decision.matches[0].confidence if decision.matches else 0.0
    is_refused = decision.choice is Choice.ANSWER and knowledge.refusal(ids[0]) is not None
    return Outcome(choice=decision.choice, faq_ids=ids, confidence=confidence, is_refused=is_refused)


def compare(
    question: TriedQuestion, before: Outcome, after: Outcome, changed_id: str, *, is_reworded: bool
) -> Change | None:
    """Return what changes for a question, None when nothing does. `is_reworded`: the entry's answer reads otherwise."""
    effect = _effect(before, after, changed_id, is_reworded)
    if effect is None:
        return None
    return Change(question=question, effect=effect, before=before, after=after)


def _effect(before: Outcome, after: Outcome, changed_id: str, is_reworded: bool) -> Effect | None:
    old, new = before.answer, after.answer
    if after.is_refused and not before.is_refused:
        return Effect.REFUSED
    if old and not new:
        return Effect.LOST
    if old != new and new == changed_id:
        return Effect.TAKEN if old else Effect.GAINED
    if old != new:
        return Effect.MOVED if old else Effect.HELPED
    if old:
        return Effect.REWORDED if old == changed_id and is_reworded else None
    return _offer_changes(changed_id in before.faq_ids, changed_id in after.faq_ids)


def _offer_changes(was_offered: bool, is_offered: bool) -> Effect | None:
    if was_offered == is_offered:
        return None
    return Effect.OFFERED if is_offered else Effect.DROPPED


def is_reworded(before: Faq | None, after: Faq, knowledge: Knowledge) -> bool:
    """Say whether a customer who gets the entry today reads something else than before."""
    if before is None:
        return True
    today = knowledge.today
    old = before.answer_on(today), before.short_on(today), before.computed, before.risk_lines
    return old != (after.answer_on(today), after.short_on(today), after.computed, after.risk_lines)


def summed_up(questions: Sequence[TriedQuestion], changes: Iterable[Change]) -> Trial:
    """Return the trial: the riskiest changes first, the most asked of them before others."""
    ordered = sorted(
        changes, key=lambda one: (_ORDER[one.effect], -one.question.count, -one.question.last_at.timestamp())
    )
    return Trial(asked=sum(one.count for one in questions), tried=len(questions), changes=tuple(ordered))

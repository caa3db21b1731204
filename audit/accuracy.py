"""Whether what was said agrees with the FAQ that held at that moment (quality_audit.md §3, knowledge accuracy). Pure.

A version holds from the day it was approved until the next one is; where nobody approves (the demo, `guanjia audit
import`) the entries of the files hold at any time. What can be compared is content/facts.py; nothing is called a
contradiction that the answer valid then does not state.
"""

from __future__ import annotations

import bisect
import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum

from content import facts, normalising
from content.facts import Fact, Slot
from domain.faq import Faq

_ALWAYS = datetime.min.replace(tzinfo=UTC)


class Standing(StrEnum):
    """How a statement stands to the FAQ of its moment."""

    AGREES = "agrees"
    CONTRADICTS = "contradicts"
    PARTIAL = "partial"  # Right number, wrong unit.
    UNSUPPORTED = "unsupported"  # The answer does not say.
    EXPIRED = "expired"  # It was true in an earlier version.
    LAPSED = "lapsed"  # The entry had ended by then.


CHECKED = frozenset({Standing.AGREES, Standing.CONTRADICTS, Standing.PARTIAL, Standing.EXPIRED})


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A statement about a slot, compared. `start`, `end`: in the folded words. `fact`: what the answer says.

    `since`: when the words that hold took over, or when the entry ended; None where it does not matter.
    """

    slot: Slot
    standing: Standing
    start: int
    end: int
    faq_id: str
    question: str
    fact: str
    since: date | None = None


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """Knowledge accuracy of many statements, and how many of those about a fact could be checked at all."""

    agree: int
    contradict: int
    statements: int

    @property
    def share(self) -> float | None:
        """Agree / (agree + contradict); None where nothing could be compared."""
        compared = self.agree + self.contradict
        return self.agree / compared if compared else None

    @property
    def coverage(self) -> float | None:
        """Compared / statements about a fact."""
        return (self.agree + self.contradict) / self.statements if self.statements else None


def accuracy_of(claims: Iterable[Claim]) -> Accuracy:
    """Count claims; what expired contradicts, what is right in part counts as neither."""
    found = [claim.standing for claim in claims]
    agree = found.count(Standing.AGREES)
    contradict = found.count(Standing.CONTRADICTS) + found.count(Standing.EXPIRED)
    return Accuracy(agree=agree, contradict=contradict, statements=len(found))


class Facts:
    """The facts of the FAQ through time. Immutable; it remembers what it read."""

    def __init__(self, slots: Sequence[Slot], history: Mapping[str, Sequence[tuple[datetime, Faq]]]) -> None:
        """`history`: the versions of each entry with the moment from which each holds."""
        self.slots = tuple(slot for slot in slots if slot.faq_id in history)
        self._history = {key: sorted(versions, key=lambda one: one[0]) for key, versions in history.items()}
        self._hint = facts.hint_of(self.slots)
        self._fact = functools.lru_cache(4096)(self._read)
        self._said = functools.lru_cache(16_384)(self._read_statements)

    @classmethod
    def of(cls, slots: Sequence[Slot], faqs: Mapping[str, Faq]) -> Facts:
        """Return the facts of entries that hold at any time."""
        return cls(slots, {key: [(_ALWAYS, faq)] for key, faq in faqs.items()})

    def claims(self, folded: str, asked: str, moment: datetime, today: date) -> list[Claim]:
        """Return what folded words claim, compared with the FAQ as it stood at `moment`.

        `asked`: the customer's words before, folded. `today`: the company's date at that moment.
        """
        found = [self._compared(said, moment, today) for said in self._said(folded, asked)]
        return [claim for claim in found if claim is not None]

    def _read_statements(self, folded: str, asked: str) -> tuple[facts.Said, ...]:
        if self._hint.search(folded) is None and (not asked or self._hint.search(asked) is None):
            return ()
        return tuple(facts.statements(folded, asked, self.slots))

    def _compared(self, said: facts.Said, moment: datetime, today: date) -> Claim | None:
        versions = self._history[said.slot.faq_id]
        place = bisect.bisect_right([since for since, _ in versions], moment) - 1
        if place < 0:
            return None
        since, faq = versions[place]
        fact = self._fact(said.slot, faq, faq.has_lapsed(today))
        if faq.last_valid_on < today:
            standing = Standing.LAPSED if fact and _agrees(said, fact) else Standing.UNSUPPORTED
            return _claim(said, standing, faq, fact, faq.last_valid_on)
        if fact is None:
            return self._of_what_lapsed(said, faq, today)
        verdict = facts.compare(said, fact)
        if verdict is facts.Verdict.CONTRADICTS and self._was_true(said, versions[:place]):
            return _claim(said, Standing.EXPIRED, faq, fact, since.date())
        return _claim(said, Standing(verdict.value), faq, fact)

    def _of_what_lapsed(self, said: facts.Said, faq: Faq, today: date) -> Claim:
        """Return the claim where the answer of the day does not say: the rule may have ended."""
        before = self._fact(said.slot, faq, False) if faq.has_lapsed(today) else None
        if before is not None and _agrees(said, before):
            return _claim(said, Standing.LAPSED, faq, before, faq.fact_valid_until)
        return _claim(said, Standing.UNSUPPORTED, faq, None)

    def _was_true(self, said: facts.Said, earlier: Sequence[tuple[datetime, Faq]]) -> bool:
        found = (self._fact(said.slot, faq, False) for _, faq in earlier)
        return any(fact is not None and _agrees(said, fact) for fact in found)

    def _read(self, slot: Slot, faq: Faq, has_lapsed: bool) -> Fact | None:
        answer = faq.lapsed if has_lapsed and faq.lapsed else faq.answer
        return facts.fact_of(slot, normalising.folded(answer))


def _agrees(said: facts.Said, fact: Fact) -> bool:
    return facts.compare(said, fact) is facts.Verdict.AGREES


def _claim(
    said: facts.Said, standing: Standing, faq: Faq, fact: Fact | None, since: date | None = None
) -> Claim:
    return Claim(
        slot=said.slot,
        standing=standing,
        start=said.start,
        end=said.end,
        faq_id=faq.id,
        question=faq.question,
        fact=fact.words if fact else "",
        since=since,
    )

"""Who a step is for, as people write it: `friend and not do_not_contact and (silent or tag("新客"))`.

Pure. A small recursive reading: or < and < not < brackets. Which words there are stands in TERMS; whom they find is
decided at release, by the code that knows the members.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

from content import sop_values
from domain.sop import AllOf, AnyOf, AudienceRule, Expression, Negation, Term

# Bare words.
FLAGS = frozenset(
    [
        "everyone",  # Every customer of the group; staff never count as audience.
        "staff",
        "invited",  # On the list of those to be invited.
        "friend",  # Of an advisor.
        "consent",
        "do_not_contact",
        "silent",
        "interacted",  # Read, opened or tapped something.
        "spoke",
        "asked",
        "interested",  # Tapped the interest of the event.
        "left",
        "complaining",  # With an open complaint.
    ]
)
# Words with one text: tag("新客").
NAMED = frozenset(["tag", "group_tag", "stage", "join_scene"])
# Words with a comparison: of a duration, or of a number.
AGES = frozenset(["age", "last_active", "group_age"])
NUMBERS = frozenset(["size"])
# Known from elsewhere; the records behind them come with a later issue.
LATER = frozenset(["rfm", "segment", "crowd", "field"])
TERMS = FLAGS | NAMED | AGES | NUMBERS
_TOKEN = re.compile(r"\s*(?:([a-z_]+)|(\d[\dwdhm]*)|\"([^\"]*)\"|(>=|<=|==|<|>)|([()]))")


class AudienceUnreadable(ValueError):
    """The expression cannot be read; the message tells the place or the word."""

    def __init__(self, text: str, zh: str) -> None:
        super().__init__(text)
        self.zh = zh


def parse_audience(text: str, *, is_frozen: bool = False) -> AudienceRule:
    """Return the rule. Raises AudienceUnreadable."""
    reading = _Reading(text)
    expression = reading.alternatives()
    if reading.word is not None:
        raise reading.wrong()
    return AudienceRule(expression=expression, text=text, is_frozen=is_frozen)


def conjuncts(expression: Expression) -> tuple[Expression, ...]:
    """Return what must hold in any case: the parts of the outermost `and`."""
    return expression.parts if isinstance(expression, AllOf) else (expression,)


class _Reading:
    """One pass over the words of an expression; `word` is the one to be read next."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._split()
        self.word: str | None = next(self._tokens, None)

    def _split(self) -> Iterator[str]:
        place = 0
        while self._text[place:].strip():
            found = _TOKEN.match(self._text, place)
            if found is None:
                raise self.wrong(self._text[place:].strip()[:12])
            yield found[0].strip()
            place = found.end()

    def wrong(self, near: str | None = None) -> AudienceUnreadable:
        place = near or self.word or "…"
        return AudienceUnreadable(f"cannot be read near {place!r}", f"在 {place} 附近读不懂")

    def take(self, wanted: str | None = None) -> str:
        word = self.word
        if word is None or (wanted is not None and word != wanted):
            raise self.wrong()
        self.word = next(self._tokens, None)
        return word

    def alternatives(self) -> Expression:
        parts = [self.conjunction()]
        while self.word == "or":
            self.take()
            parts.append(self.conjunction())
        return parts[0] if len(parts) == 1 else AnyOf(parts=tuple(parts))

    def conjunction(self) -> Expression:
        parts = [self.single()]
        while self.word == "and":
            self.take()
            parts.append(self.single())
        return parts[0] if len(parts) == 1 else AllOf(parts=tuple(parts))

    def single(self) -> Expression:
        if self.word == "not":
            self.take()
            return Negation(part=self.single())
        if self.word == "(":
            self.take()
            inner = self.alternatives()
            self.take(")")
            return inner
        return self.term()

    def term(self) -> Term:
        name = self.take()
        if name in FLAGS:
            return Term(name=name)
        if name in NAMED:
            self.take("(")
            value = self.take()
            self.take(")")
            return Term(name=name, comparison="==", value=value.strip('"'))
        if name in AGES | NUMBERS:
            comparison = self.take()
            if comparison not in (">=", "<=", "==", "<", ">"):
                raise self.wrong(comparison)
            return Term(name=name, comparison=comparison, value=self._amount(name))
        if name in LATER:
            raise AudienceUnreadable(
                f"{name!r} is not supported yet; leave it out", f"{name} 暂不支持，请去掉"
            )
        known = ", ".join(sorted(TERMS))
        raise AudienceUnreadable(f"unknown word {name!r}; known: {known}", f"{name} 不认识，可以写 {known}")

    def _amount(self, name: str) -> float | timedelta:
        word = self.take()
        try:
            return sop_values.parse_duration(word) if name in AGES else float(word)
        except ValueError:
            raise self.wrong(word) from None

"""What a wording rule, an excuse and a disclosure are, once compiled; content/wording_files.py reads them.

Pure. Regular expressions are compiled when a text first needs them: all of them take a second, a text needs few.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from content import sieve
from domain.compliance import Severity, Speaker
from domain.faq import Line

_CLAUSE_ENDS = ",。!?;:、\n"
_SENTENCE_ENDS = "。!?\n"
_SENTENCE_END = re.compile(f"[{_SENTENCE_ENDS}]")
_QUOTED = re.compile(r"“[^”]*”|「[^」]*」|『[^』]*』|‘[^’]*’|《[^》]*》|\"[^\"]*\"|'[^']*'")

# Characters; the widest exception of the shipped rules takes 36, long numbers apart (2026-11-22).
_EXCEPTION = 60

Span = tuple[int, int]


class Reach(StrEnum):
    """Where an excuse's words must stand for a hit to be excused."""

    BEFORE = "before"  # In its clause, before it.
    AFTER = "after"  # After it, to the end of its sentence.
    SENTENCE = "sentence"  # Anywhere in its sentence.
    TEXT = "text"  # Anywhere.
    QUOTE = "quote"  # The hit stands in quotation marks, the words outside them.


@functools.lru_cache(maxsize=4096)
def compiled(source: str) -> re.Pattern[str]:
    """Return a compiled expression; kept, so that rules loaded again cost nothing."""
    return re.compile(source)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Expanded expressions and their exceptions: a hit that overlaps an exception does not count.

    `needed`: for each expression, sets of words of which every match has one each (content/sieve.py).
    """

    sources: tuple[str, ...]
    unless: str = ""
    needed: tuple[tuple[frozenset[str], ...], ...] = ()

    def hits(self, text: str, which: sieve.Candidates | None = None) -> Iterator[Span]:
        """Yield where the expressions match a folded text, exceptions left out.

        `which`: only these of them, where the sieve says that they could.
        """
        for index in range(len(self.sources)) if which is None else which:
            for start, end in _matches(self.sources[index], text, () if which is None else which[index]):
                if end > start and not self._is_excepted(text, start, end):
                    yield start, end

    def is_in(self, text: str) -> bool:
        """Say whether anything matches."""
        return next(self.hits(text), None) is not None

    def _is_excepted(self, text: str, start: int, end: int) -> bool:
        """Say whether an exception overlaps a hit; it is looked for near the hit only."""
        if not self.unless:
            return False
        first = max(start - _EXCEPTION, 0)
        found = compiled(self.unless).finditer(text, first, min(end + _EXCEPTION, len(text)))
        return any(hit.start() < end and start < hit.end() for hit in found)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One thing that must not be said. `excuses`: ids of the excuses that clear a hit.

    `version`: 12 hex digits over everything that decides what the rule finds, its excuses and examples included.
    """

    id: str
    label: str
    severity: Severity
    law: str
    message: str
    wanted: Wanted
    excuses: tuple[str, ...]
    must_match: tuple[str, ...]
    must_not_match: tuple[str, ...]
    version: str = ""


@dataclass(frozen=True, kw_only=True)
class Excuse:
    """Words that clear a hit."""

    id: str
    reach: Reach
    wanted: Wanted

    def clears(self, text: str, span: Span) -> bool:
        """Say whether a hit at `span` of a folded text is excused."""
        return any(self.wanted.is_in(part) for part in _parts(self.reach, text, span))


@dataclass(frozen=True, kw_only=True)
class Disclosure:
    """A line that words must carry when `wanted` occurs: `needs` must be found too.

    Questions tell nothing, so a menu of wealth questions needs no risk line. `speakers`: who has to say it.
    """

    id: str
    line: Line
    message: str
    wanted: Wanted
    needs: Wanted
    speakers: frozenset[Speaker]
    must_match: tuple[str, ...]
    must_not_match: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Bound:
    """Something a company without the licence may not say about a line (entity mode "platform")."""

    id: str
    message: str
    wanted: Wanted
    must_match: tuple[str, ...]
    must_not_match: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """How a rule did on the labelled sets: lines it flagged, and of these the lines that carry its label.

    `version`: the rule that was measured; its examples were tried then, so that it loads without trying them again.
    """

    rule_id: str
    version: str
    flagged: int
    right: int
    precision: float


def _matches(source: str, text: str, ranges: Sequence[Span]) -> Iterator[Span]:
    """Yield where an expression matches: anywhere, or where all its matches lie wholly in one of some ranges."""
    wanted = compiled(source)
    if not ranges:
        yield from (hit.span() for hit in wanted.finditer(text))
        return
    for start, end in ranges:
        # It may look a little beyond; what would begin there belongs to another range.
        for hit in wanted.finditer(text, start, min(end + sieve.FURTHEST_AHEAD, len(text))):
            if hit.start() < end:
                yield hit.span()


def _parts(reach: Reach, text: str, span: Span) -> list[str]:
    start, end = span
    if reach is Reach.TEXT:
        return [text]
    if reach is Reach.BEFORE:
        return [text[_after_last(_CLAUSE_ENDS, text, start) : start]]
    stop = _SENTENCE_END.search(text, end)
    last = stop.end() if stop else len(text)
    if reach is Reach.AFTER:
        return [text[end:last]]
    first = _after_last(_SENTENCE_ENDS, text, start)
    if reach is Reach.SENTENCE:
        return [text[first:last]]
    return [
        text[first : quote.start()] + "\n" + text[quote.end() : last]
        for quote in _QUOTED.finditer(text)
        if quote.start() <= start and end <= quote.end()
    ]


def _after_last(ends: str, text: str, end: int) -> int:
    return max(text.rfind(one, 0, end) for one in ends) + 1

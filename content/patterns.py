"""Regular expressions with exceptions, the form in which signals and wording rules are written.

A pattern says what to look for, an `unless` pattern what it must not be part of: a hit that overlaps an
exception is dropped. Patterns are written against folded text (content/normalising.py), in simplified
characters and lower case.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from content import normalising, tables


@dataclass(frozen=True, kw_only=True)
class Patterns:
    """A compiled set of patterns; `unless` is None when there are no exceptions."""

    wanted: re.Pattern[str]
    unless: re.Pattern[str] | None

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the character ranges that match in a folded text and overlap no exception."""
        found = [hit.span() for hit in self.wanted.finditer(text) if hit.end() > hit.start()]
        if not found or self.unless is None:
            return found
        excused = [hit.span() for hit in self.unless.finditer(text)]
        return [span for span in found if not any(a < span[1] and span[0] < b for a, b in excused)]

    def is_in(self, text: str) -> bool:
        """Say whether a folded text matches anywhere; quicker than `spans` where nothing does."""
        if self.wanted.search(text) is None:
            return False
        return self.unless is None or bool(self.spans(text))


def parse_patterns(table: tables.Table, key: str = "patterns", unless_key: str = "unless") -> Patterns:
    """Return the compiled patterns and exceptions of a table; a bad expression is noted as a mistake."""
    wanted = _compiled(table, key, table.texts(key, at_least=1))
    unless = table.texts(unless_key) if unless_key else ()
    return Patterns(
        wanted=wanted or re.compile(r"(?!)"),
        unless=_compiled(table, unless_key, unless) if unless else None,
    )


def _compiled(table: tables.Table, key: str, sources: tuple[str, ...]) -> re.Pattern[str] | None:
    try:
        return _joined(sources)
    except re.error:
        return _joined(tuple(source for source in sources if _is_good(table, key, source)))


def _joined(sources: tuple[str, ...]) -> re.Pattern[str] | None:
    joined = "|".join(f"(?:{source})" for source in sources)
    return re.compile(normalising.simplified(joined)) if sources else None


def _is_good(table: tables.Table, key: str, source: str) -> bool:
    try:
        re.compile(source)
    except re.error as error:
        table.wrong(f"has a bad pattern {source!r} ({error})", key, "里的正则表达式写错了")
        return False
    return True

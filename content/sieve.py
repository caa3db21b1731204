"""The sieve before the rules: one pass over a text tells which patterns could match at all.

Pure. Every regular expression that can match only where one of a few words stands gives these words to one automaton;
a text in which none of them stands needs no regular expression. The words are read off the parsed expression, so a
rule's author does not list them. The parser is the standard library's own; it is private, hence the one place.
"""

from __future__ import annotations

import re._constants as sre  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import ahocorasick_rs

# The characters of half of all talk: a word of one of these alone sieves nothing.
COMMON = frozenset(
    "的一是不了我您你在有这个人们上们来到时大地为子中说生国年着就那和要她出也得里后自以会家可下而过天去能对小多然于心学么之"
    "都好看起发当没成只如事把还用第样道想作种开给看让吗呢吧啊请问他它点再很号万元"
)
_MOST_WORDS = 800
_MOST_JOINED = 256
_MOST_SETS = 4

Words = frozenset[str]
# Sets of words; of each set one word stands in every match. The rarest set comes first; () when nothing is known.
Needed = tuple[Words, ...]
# (every text a piece can match, None when too many; what it needs).
Reading = tuple[Words | None, Needed]
UNKNOWN: Reading = (None, ())


class Sieve:
    """An automaton over the words that patterns need. `needed`: for each pattern, in order, what `read` found."""

    def __init__(self, needed: Sequence[Needed]) -> None:
        self.always = frozenset(index for index, sets in enumerate(needed) if not sets)
        ids: dict[str, int] = {}
        by_word: dict[int, list[tuple[int, tuple[frozenset[int], ...]]]] = {}
        for index, sets in enumerate(needed):
            if not sets:
                continue
            first, *others = [frozenset(ids.setdefault(word, len(ids)) for word in words) for words in sets]
            for word in first:
                by_word.setdefault(word, []).append((index, tuple(others)))
        self._by_word = {word: tuple(found) for word, found in by_word.items()}
        self._firsts = frozenset(self._by_word)
        self._automaton = ahocorasick_rs.AhoCorasick(list(ids))

    def candidates(self, text: str) -> set[int]:
        """Return the indexes of the patterns that could match in a text."""
        found = set(self.always)
        words = {word for word, _, _ in self._automaton.find_matches_as_indexes(text, overlapping=True)}
        for word in words & self._firsts:
            for index, others in self._by_word[word]:
                for other in others:
                    if words.isdisjoint(other):
                        break
                else:
                    found.add(index)
        return found


def read(pattern: str, known: Mapping[str, Reading]) -> Reading:
    """Return what a regular expression can match, as far as it can be told.

    `known`: readings of single characters that stand for something larger (a word class, a gap), which keeps a rule
    short to parse. Raises re.error when the pattern is wrong.
    """
    return _Reader(known).sequence(list(parser.parse(pattern)))


def alternatives(pattern: str) -> list[str]:
    """Return the parts of a regular expression between the bars outside all brackets: each is sieved by itself."""
    parts, depth, in_set, start = [], 0, False, 0
    at = 0
    while at < len(pattern):
        letter = pattern[at]
        if letter == "\\":
            at += 1
        elif in_set:
            in_set = letter != "]"
        elif letter == "[":
            in_set = True
        elif letter in "()":
            depth += 1 if letter == "(" else -1
        elif letter == "|" and depth == 0:
            parts.append(pattern[start:at])
            start = at + 1
        at += 1
    return [*parts, pattern[start:]]


def _cost(words: Words) -> float:
    """Return how often, roughly, one of the words stands in ordinary talk; the best set has the lowest."""
    return sum(
        1.0 if len(word) == 1 and word in COMMON else 0.1 if len(word) == 1 else 0.01 for word in words
    )


def _rarest(sets: Iterable[Words]) -> Needed:
    usable = {words for words in sets if words and "" not in words and len(words) <= _MOST_WORDS}
    return tuple(sorted(usable, key=lambda words: (_cost(words), len(words), min(words)))[:_MOST_SETS])


class _Reader:
    def __init__(self, known: Mapping[str, Reading]) -> None:
        self._known = known

    def sequence(self, nodes: Sequence[Any]) -> Reading:
        run: Words = frozenset([""])
        is_whole = True
        sets: list[Words] = []
        for node in nodes:
            exact, inner = self._node(node)
            sets += inner
            if exact is not None and len(run) * len(exact) <= _MOST_JOINED:
                run = frozenset(before + after for before in run for after in exact)
                continue
            sets.append(run)
            is_whole = False
            run = exact if exact is not None else frozenset([""])
        sets.append(run)
        return (run if is_whole else None), _rarest(sets)

    def _node(self, node: Any) -> Reading:
        kind, value = node
        if kind is sre.LITERAL:
            return self._known.get(chr(value), (frozenset([chr(value)]), ()))
        if kind is sre.IN:
            return _letters(value), ()
        if kind is sre.SUBPATTERN:
            return self.sequence(list(value[3]))
        if kind in (sre.ASSERT, sre.ASSERT_NOT, sre.AT):
            return frozenset([""]), ()
        if kind is sre.BRANCH:
            return self._branches(value[1])
        if kind in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            return self._repeat(value)
        return UNKNOWN

    def _branches(self, branches: Sequence[Any]) -> Reading:
        read = [self.sequence(list(branch)) for branch in branches]
        return either(read)

    def _repeat(self, value: Any) -> Reading:
        least, most, inner = value
        exact, needed = self.sequence(list(inner))
        if most == 1 and least == 0:
            return (exact | {""} if exact is not None else None), ()
        if least == most == 1:
            return exact, needed
        return None, (needed if least else ())


def either(readings: Sequence[Reading]) -> Reading:
    """Return the reading of alternatives: any of them may be what matches."""
    texts = [exact for exact, _ in readings if exact is not None]
    whole = frozenset[str]().union(*texts) if len(texts) == len(readings) else None
    firsts = [needed[0] for _, needed in readings if needed]
    needed = _rarest([frozenset[str]().union(*firsts)]) if len(firsts) == len(readings) else ()
    return (whole if whole is not None and len(whole) <= _MOST_JOINED else None), needed


def _letters(members: Sequence[Any]) -> Words | None:
    letters: list[str] = []
    for kind, value in members:
        if kind is sre.LITERAL:
            letters.append(chr(value))
        elif kind is sre.RANGE and value[1] - value[0] < 12:
            letters += [chr(code) for code in range(value[0], value[1] + 1)]
        elif kind is sre.CATEGORY and value is sre.CATEGORY_DIGIT:
            letters += list("0123456789")
        else:
            return None
    return frozenset(letters)

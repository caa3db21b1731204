"""The sieve before the rules: one pass over a text tells which patterns could match at all.

Pure. Every regular expression that can match only where one of a few words stands gives these words to one automaton;
a text in which none of them stands needs no regular expression. The words are read off the parsed expression, so a
rule's author does not list them. The parser is the standard library's own; it is private, hence the one place.
"""

from __future__ import annotations

import bisect
import functools
import re
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
# What ends a sentence here. Nearly every pattern names these three in what its gaps leave out.
_ENDS = "。!?"
_SENTENCE = re.compile(f"[^{_ENDS}]*[{_ENDS}]+|[^{_ENDS}]+")
# Characters; finding where a pattern could match costs more than looking for it in so short a text.
_SHORT = 120
# How far a pattern that stays in its sentence may look beyond it.
FURTHEST_AHEAD = 16

Words = frozenset[str]
Range = tuple[int, int]
# The patterns that could match, by index, each with the ranges where its matches begin and end; () is anywhere.
Candidates = Mapping[int, Sequence[Range]]
# Sets of words; of each set one word stands in every match. The rarest set comes first; () when nothing is known.
Needed = tuple[Words, ...]
# (every text a piece can match, None when too many; what it needs).
Reading = tuple[Words | None, Needed]
UNKNOWN: Reading = (None, ())


class Sieve:
    """An automaton over the words that patterns need.

    `needed`: for each pattern, in order, what `read` found; `patterns`: themselves, as they are looked for.
    """

    def __init__(self, needed: Sequence[Needed], patterns: Sequence[str]) -> None:
        self.always = tuple(index for index, sets in enumerate(needed) if not sets)
        self._patterns = tuple(patterns)
        numbers: dict[Words, int] = {}
        self._sets = [tuple(numbers.setdefault(words, len(numbers)) for words in sets) for sets in needed]
        self._by_first: list[list[int]] = [[] for _ in numbers]
        for index, sets in enumerate(self._sets):
            if sets:
                self._by_first[sets[0]].append(index)
        held: dict[str, list[int]] = {}
        for words, number in numbers.items():
            for word in words:
                held.setdefault(word, []).append(number)
        self._held = tuple(held.values())
        self._automaton = ahocorasick_rs.AhoCorasick(list(held))

    def candidates(self, text: str) -> Candidates:
        """Return the patterns that could match in a text; in a long one, in which of its sentences."""
        hits = self._automaton.find_matches_as_indexes(text, overlapping=True)
        sentences = sentences_of(text) if len(text) > _SHORT else ()
        if len(sentences) < 2:
            return dict.fromkeys(self._possible(dict.fromkeys((word for word, _, _ in hits), 1)), ())
        starts, at = [first for first, _ in sentences], dict[int, int]()
        for word, start, _ in hits:
            at[word] = at.get(word, 0) | 1 << bisect.bisect_right(starts, start) - 1
        return self._placed(at, sentences)

    def candidates_in(self, text: str, sentences: Sequence[Range]) -> Candidates:
        """Return the patterns that could match in some sentences of a text (sentences_of)."""
        at: dict[int, int] = {}
        for place, (first, last) in enumerate(sentences):
            for word, _, _ in self._automaton.find_matches_as_indexes(text[first:last], overlapping=True):
                at[word] = at.get(word, 0) | 1 << place
        return self._placed(at, sentences)

    def _placed(self, at: Mapping[int, int], sentences: Sequence[Range]) -> Candidates:
        """Return the patterns with the sentences that hold a word of each of their sets."""
        placed: dict[int, Sequence[Range]] = {}
        for index, where in self._possible(at).items():
            if not stays_in_sentence(self._patterns[index]) or not self._sets[index]:
                placed[index] = ()
            elif where:
                placed[index] = [one for place, one in enumerate(sentences) if where >> place & 1]
        return placed

    def _possible(self, at: Mapping[int, int]) -> dict[int, int]:
        """Return the patterns of whose sets a word each is there, with the sentences that hold one of each.

        `at`: where the words are, a bit for each sentence.
        """
        masks = dict[int, int]()
        for word, where in at.items():
            for number in self._held[word]:
                masks[number] = masks.get(number, 0) | where
        found = dict.fromkeys(self.always, 0)
        for number, where in masks.items():
            for index in self._by_first[number]:
                common = where
                for other in self._sets[index]:
                    if other not in masks:
                        break
                    common &= masks[other]
                else:
                    found[index] = common
        return found


def read(pattern: str, known: Mapping[str, Reading]) -> Reading:
    """Return what a regular expression can match, as far as it can be told.

    `known`: readings of single characters that stand for something larger (a word class, a gap), which keeps a rule
    short to parse. Raises re.error when the pattern is wrong.
    """
    return _Reader(known).sequence(list(parser.parse(pattern)))


def sentences_of(text: str) -> list[Range]:
    """Return the ranges of the sentences of a folded text, their ends included; all of the text is in one."""
    return [hit.span() for hit in _SENTENCE.finditer(text)]


@functools.lru_cache(maxsize=4096)
def stays_in_sentence(pattern: str) -> bool:
    """Say whether no match of a pattern holds the end of a sentence, or depends on what is far beyond it."""
    parsed = parser.parse(pattern)
    return not any(_takes(parsed, ord(end)) for end in _ENDS) and _ahead(parsed) < FURTHEST_AHEAD


def _inner(op: Any, value: Any) -> list[Any]:
    """Return the parts of a piece of a parsed expression."""
    if op in (sre.ASSERT, sre.ASSERT_NOT):
        return [value[1]]
    if op is sre.SUBPATTERN:
        return [value[3]]
    if op is sre.BRANCH:
        return list(value[1])
    return [value[2]] if op in (sre.MAX_REPEAT, sre.MIN_REPEAT) else []


def _takes(parsed: Any, letter: int) -> bool:
    """Say whether a match of a parsed expression may hold a character; what is only looked at does not count."""
    for op, value in parsed:
        if op in (sre.ASSERT, sre.ASSERT_NOT):
            continue
        if op is sre.IN:
            if any(_is_among(part, letter) for part in value) is not (value[0][0] is sre.NEGATE):
                return True
        elif op is sre.LITERAL:
            if value == letter:
                return True
        elif op in (sre.NOT_LITERAL, sre.ANY) or any(_takes(part, letter) for part in _inner(op, value)):
            return True
    return False


def _is_among(part: Any, letter: int) -> bool:
    op, value = part
    if op is sre.LITERAL:
        return bool(value == letter)
    if op is sre.RANGE:
        return bool(value[0] <= letter <= value[1])
    # Of the categories only the negative ones hold punctuation.
    return op is sre.CATEGORY and value in (
        sre.CATEGORY_NOT_DIGIT,
        sre.CATEGORY_NOT_WORD,
        sre.CATEGORY_NOT_SPACE,
    )


def _ahead(parsed: Any) -> float:
    """Return how far an expression looks ahead at most."""
    furthest = 0.0
    for op, value in parsed:
        if op in (sre.ASSERT, sre.ASSERT_NOT) and value[0] > 0:
            furthest = max(furthest, value[1].getwidth()[1])
        furthest = max([furthest, *map(_ahead, _inner(op, value))])
    return furthest


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

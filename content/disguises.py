"""Reading disguised writing: split, look-alike and same-sounding characters, pinyin, initials, noise, reversed words.

Pure. Gives the wording check further views of a text (compliance.md §3.4 to §3.9); views.py has the plain ones. The
tables are content/compliance/disguises.toml (by hand) and shapes.toml (made by bench/compliance_shapes.py). A cheap
test, `is_suspect`, decides whether the views are built at all: nearly all talk holds nothing to decode.

Same-sounding windows become the listed term only when a character of it still stands there, when the window is no
ordinary word, and when the changed character makes no ordinary word with its other neighbour (退包裹 is no 退保).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import ahocorasick_rs

from content import sounds, views
from content.sieve import COMMON
from content.views import HAN, View

_NOISE = re.compile(rf"(?<=[{HAN}])[a-z0-9*+#@&^~=|]{{1,2}}(?=[{HAN}])")
_NOISY = re.compile(
    rf"[{HAN}][a-z*+#@&^~=|]{{1,2}}[{HAN}]|[{HAN}](?:[0-9]{{1,2}}[{HAN}]){{2}}"  # A lone number is ordinary.
)
_DOUBLED = re.compile(rf"([{HAN}])\1")
_TWICE = re.compile(rf"(?P<one>[{HAN}])(?P=one).{{0,2}}(?P<two>[{HAN}])(?P=two)")
_SEPARATED = re.compile(
    rf"[{HAN}][^\w。,!?;:、\n%{HAN}]+[{HAN}]|[{HAN}]_|(?:^|[^{HAN}])[{HAN}][,、;:。_!?\n./|-]+[{HAN}][,、;:。_!?\n./|-]"
    r"|(?<![a-z0-9])[a-z](?:[ ._*/|-]+[a-z]){2}(?![a-z0-9])"
)
_LATIN = re.compile(r"[a-z]+")
_BACKWARDS = re.compile("倒(?:着|过来)|反(?:着|过来)(?:念|读|看)|从后往前")
# Anything at all that one of the readings below could change, beside words of the tables.
_ODD = re.compile("|".join(found.pattern for found in (_SEPARATED, _NOISY, _BACKWARDS, _TWICE)))
_SMALL = frozenset("不了的一是有在我你您")  # Words of these read backwards are still talk.
_FEWEST_USES = 10  # An ordinary word, by jieba's count of its corpus.


@dataclass(frozen=True, kw_only=True)
class Tables:
    """The content of disguises.toml and shapes.toml.

    `terms`: words worth decoding. `written`: a form → what it stands for. `halves`: a split form → its character.
    `alike`: a character → the characters it is mistaken for. `money`: words near which a window may be read as a term
    although no character of it is left.
    """

    terms: tuple[str, ...] = ()
    written: Mapping[str, str]
    halves: Mapping[str, str]
    alike: Mapping[str, str]
    money: tuple[str, ...] = ()


class Finder:
    """Finds words of a table in a text, the longest at each place, not overlapping."""

    def __init__(self, words: Iterable[str]) -> None:
        self.words = tuple(dict.fromkeys(word for word in words if word))
        self._longest = ahocorasick_rs.AhoCorasick(
            list(self.words), matchkind=ahocorasick_rs.MatchKind.LeftmostLongest
        )
        self._every = ahocorasick_rs.AhoCorasick(list(self.words))

    def longest(self, text: str) -> list[tuple[int, int, str]]:
        """Return (start, end, word) of what stands in a text, left to right, not overlapping."""
        found = self._longest.find_matches_as_indexes(text)
        return [(start, end, self.words[index]) for index, start, end in found]

    def is_in(self, text: str) -> bool:
        """Say whether any word stands in a text."""
        return bool(self._every.find_matches_as_indexes(text))

    def every(self, text: str) -> list[tuple[int, int, str]]:
        """Return (start, end, word) of everything that stands in a text, overlaps included."""
        found = self._every.find_matches_as_indexes(text, overlapping=True)
        return [(start, end, self.words[index]) for index, start, end in found]


class Disguises:
    """The tables, made ready for reading."""

    def __init__(self, tables: Tables) -> None:
        terms = tuple(dict.fromkeys(tables.terms))
        self._terms = frozenset(terms)
        self._written = dict(tables.written)
        self._halves = dict(tables.halves)
        self._forms = Finder([*self._written, *self._halves])
        self._sounding: dict[str, list[str]] = {}
        for term in terms:
            self._sounding.setdefault(sounds.sounds_of(term), []).append(term)
        self._sounds = Finder(self._sounding)
        self._alike = _shape_forms(terms, tables.alike)
        self._shapes = Finder(self._alike)
        self._rare: dict[str, list[str]] = {}
        for letter, others in tables.alike.items():
            for other in others:
                self._rare.setdefault(other, []).append(letter)
        self._initials = _initial_forms(terms)
        self._masked = Finder(self._initials)
        self._reversed = {
            term[::-1]: term for term in terms if term[::-1] not in self._terms and not _SMALL & set(term)
        }
        self._backwards = Finder(self._reversed)
        self._plain_terms = Finder(terms)
        self._triggers = Finder([*self._written, *self._halves, *self._alike, *self._initials, *self._rare])
        self._money = Finder(tables.money)
        # Asked twice about most texts that look disguised: whether they do, and how they are read.
        self._misheard = functools.lru_cache(maxsize=16)(self._sounding_like_terms)

    def is_suspect(self, folded: str) -> bool:
        """Say whether a folded text holds anything that could be a disguise."""
        if _ODD.search(folded) or self._triggers.is_in(folded):
            return True
        view = View(text=folded, origin=range(len(folded)))
        return self._resounded(view) is not view or self._turned(view) is not view

    def views(self, plain: View) -> list[View]:
        """Return the further views of a folded text, without repeats and without `plain` itself."""
        found: list[View] = []
        bases = [plain]
        if _ODD.search(plain.text):
            joined = views.without_separators(plain)
            bases += [joined, self._without_noise(joined), self._undoubled(joined)]
            found.append(joined)
            if _BACKWARDS.search(plain.text):
                found.append(View(text=joined.text[::-1], origin=tuple(joined.origin)[::-1]))
        for view in {id(base): base for base in bases}.values():
            shaped = self._reshaped(view)
            found += [shaped, self._resounded(shaped), self._turned(view)]
        distinct = {view.text: view for view in reversed(found) if view.text != plain.text}
        return list(reversed(distinct.values()))

    def _reshaped(self, view: View) -> View:
        forms = [
            (start, end, self._written.get(form) or self._halves[form])
            for start, end, form in self._forms.longest(view.text)
            if _stands_alone(view.text, start, end)
        ]
        view = views.replaced(view, forms)
        if forms:
            view = views.without_separators(view)
        shapes = [(start, end, self._alike[form]) for start, end, form in self._shapes.longest(view.text)]
        view = self._unmasked(views.replaced(view, shapes))
        masked = [
            (start, end, self._initials[form])
            for start, end, form in self._masked.longest(view.text)
            if _stands_alone(view.text, start, end)
        ]
        return views.replaced(view, masked)

    def _resounded(self, view: View) -> View:
        return views.replaced(view, self._misheard(view.text))

    def _sounding_like_terms(self, text: str) -> tuple[tuple[int, int, str], ...]:
        """Return the ranges of a text that only sound like terms, with the terms, in order."""
        heard, places = _heard(text)
        terms = self._terms
        hits = self._sounds.every(heard)
        if not places:  # The terms themselves sound like terms too.
            hits = [hit for hit in hits if text[hit[0] : hit[1]] not in terms]
        if not hits:
            return ()
        has_money = self._money.is_in(text)
        changes: list[tuple[int, int, str]] = []
        for start, end, sound in sorted(hits, key=_longest_first):
            first, last = (places[start][0], places[end - 1][1]) if places else (start, end)
            if any(a < last and first < b for a, b, _ in changes):
                continue
            for term in self._sounding[sound]:
                window = [text[a:b] for a, b in places[start:end]] if places else text[start:end]
                if _is_disguise(text, first, last, window, term, has_money):
                    changes.append((first, last, term))
                    break
        return tuple(sorted(changes))

    def _without_noise(self, view: View) -> View:
        gaps = [hit.span() for hit in _NOISE.finditer(view.text)]
        return self._if_it_tells(view, gaps)

    def _undoubled(self, view: View) -> View:
        gaps = [(hit.start(), hit.start() + 1) for hit in _DOUBLED.finditer(view.text)]
        return self._if_it_tells(view, gaps) if _TWICE.search(view.text) else view

    def _if_it_tells(self, view: View, gaps: Sequence[tuple[int, int]]) -> View:
        """Return the view without the gaps when that shows a term that was not there, else the view itself."""
        bare = views.without(view, gaps)
        if bare is view:
            return view
        before = len(self._plain_terms.every(view.text))
        return bare if len(self._plain_terms.every(bare.text)) > before else view

    def _turned(self, view: View) -> View:
        changes = [
            (start, end, self._reversed[form])
            for start, end, form in self._backwards.longest(view.text)
            if _is_apart(view.text, start, end) and form not in _ordinary()
        ]
        return views.replaced(view, changes)

    def _unmasked(self, view: View) -> View:
        """Return the view with rare characters read as the common ones they look like."""
        changes: list[tuple[int, int, str]] = []
        if self._rare.keys().isdisjoint(view.text):
            return view
        for place, letter in enumerate(view.text):
            meant = self._rare.get(letter)
            if meant:
                before, after = view.text[max(place - 1, 0) : place], view.text[place + 1 : place + 2]
                fits = [one for one in meant if before + one in _ordinary() or one + after in _ordinary()]
                changes.append((place, place + 1, (fits or meant)[0]))
        return views.replaced(view, changes)


def _is_apart(text: str, start: int, end: int) -> bool:
    """Say whether the ends of a window make no ordinary words with what stands beside it."""
    return not (start and text[start - 1 : start + 1] in _ordinary()) and (
        text[end - 1 : end + 1] not in _ordinary()
    )


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Say whether a form with Latin letters at its edges is no part of a longer Latin word."""
    before, after = text[start - 1 : start], text[end : end + 1]
    if text[start].isascii() and text[start].isalnum() and before.isascii() and before.isalnum():
        return False
    return not (text[end - 1].isascii() and text[end - 1].isalnum() and after.isascii() and after.isalnum())


def _longest_first(hit: tuple[int, int, str]) -> tuple[int, int]:
    return hit[0] - hit[1], hit[0]


def _heard(text: str) -> tuple[str, list[tuple[int, int]]]:
    """Return the sounds of a text, pinyin read as the characters it stands for, and where each sound came from.

    The places are left empty where each sound stands where its character does.
    """
    heard = sounds.sounds_of(text)
    runs = [hit for hit in _LATIN.finditer(text) if 1 < len(hit[0]) <= 24 and sounds.spelt(hit[0])]
    if not runs:
        return heard, []
    places = [(place, place + 1) for place in range(len(text))]
    for hit in reversed(runs):
        at, pieces = hit.start(), []
        for _, size in sounds.spelt(hit[0]):
            pieces.append((at, at + size))
            at += size
        heard = (
            heard[: hit.start()] + "".join(sound for sound, _ in sounds.spelt(hit[0])) + heard[hit.end() :]
        )
        places[hit.start() : hit.end()] = pieces
    return heard, places


def _is_disguise(text: str, start: int, end: int, window: Sequence[str], term: str, has_money: bool) -> bool:
    """Say whether a window that sounds like a term is the term in disguise rather than ordinary words."""
    same = sum(one == other for one, other in zip(window, term, strict=True))
    if same == len(term):
        return False
    latin = sum(len(part) for part in window if part.isascii())
    if latin:
        return same > 0 or latin > 3
    if not (same or has_money) or "".join(window) in _ordinary():
        return False
    if any(one in COMMON for one, other in zip(window, term, strict=True) if one != other):
        return False  # A word of everyday grammar is nobody's disguise.
    if window[0] != term[0] and start and text[start - 1 : start + 1] in _ordinary():
        return False
    if window[-1] != term[-1] and text[end - 1 : end + 1] in _ordinary():
        return False
    pairs = ("".join(window[at : at + 2]) for at in range(len(window) - 1))
    return len(term) == 2 or same * 2 >= len(term) or not any(pair in _ordinary() for pair in pairs)


@functools.cache
def _ordinary() -> frozenset[str]:
    """Return the ordinary words of two to four characters, by jieba's dictionary. Takes 0.4 s once (2026-11-22)."""
    import jieba

    words = set()
    with (Path(jieba.__file__).parent / "dict.txt").open(encoding="utf-8") as lines:
        for line in lines:
            word, uses, _ = line.split(" ", 2)
            if 2 <= len(word) <= 4 and int(uses) >= _FEWEST_USES:
                words.add(word)
    return frozenset(words)


def _shape_forms(terms: Sequence[str], alike: Mapping[str, str]) -> dict[str, str]:
    """Return term with one look-alike character → term, without what is an ordinary term itself."""
    meant: dict[str, list[str]] = {}
    for letter, others in alike.items():
        for other in others:
            meant.setdefault(other, []).append(letter)
    forms: dict[str, str] = {}
    for term in terms:
        for at, letter in enumerate(term):
            for other in meant.get(letter, ()):
                forms.setdefault(term[:at] + other + term[at + 1 :], term)
    return {form: term for form, term in forms.items() if form not in terms}


def _initial_forms(terms: Sequence[str]) -> dict[str, str]:
    """Return term with one character written as the first letter of its sound → term ("b本" → 保本)."""
    forms: dict[str, str] = {}
    for term in terms:
        for at, letter in enumerate(term):
            first = sounds.initial(letter)
            if first:
                forms.setdefault(term[:at] + first + term[at + 1 :], term)
    return forms

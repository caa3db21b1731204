"""Views of a text: the same words as a reader sees them through spaces, symbols and scripts.

Pure. The wording check looks at every view; a hit in any of them counts (compliance.md §3). Each view remembers where
its characters came from, so a problem is shown at its place in the raw text. The harder views, which need tables of
sounds and shapes, are content/disguises.py.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from content import normalising

# Characters of Han script with their radicals, which people type when they split one.
HAN = "\u2e80-\u2fdf\u3400-\u9fff"
_STOP = "。,!?;:、\n"
_QUOTES = "“”\"'‘’「」『』《》"
_BETWEEN = re.compile(rf"(?<=[{HAN}])[^\w{_STOP}%{_QUOTES}]+(?=[{HAN}])|(?<=[{HAN}])_+(?=[{HAN}])")
_BRACKETED = re.compile(rf"(?:[「『\[(【<{{“\"][{HAN}][」』\])】>}}”\"]){{2,}}")
_SPACED = re.compile(rf"(?<![{HAN}])[{HAN}](?:[,、;:。_!?\n./|-]+[{HAN}]){{2,}}(?![{HAN}])")
_LETTERS = re.compile(r"(?<![a-z0-9])[a-z](?:[ ._*/|-]+[a-z]){1,7}(?![a-z0-9])")


@dataclass(frozen=True, kw_only=True)
class View:
    """A text as some reader sees it. `origin[i]`: where character i stands in the raw text."""

    text: str
    origin: Sequence[int]

    def raw_span(self, span: tuple[int, int]) -> tuple[int, int]:
        """Return the range of the raw text a range of this view came from."""
        places = self.origin[span[0] : span[1]]
        return min(places), max(places) + 1


class _Folding(dict[int, str]):
    """What str.translate asks for each character; learned as characters come, kept to the plane's size."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        kept = [part for part in normalising.folded(letter) if unicodedata.category(part) not in ("Mn", "Me")]
        self[code] = found = "".join(kept)
        return found


_FOLDING = _Folding()


def folded(text: str) -> str:
    """Return the plain folded text without its origins: one width, case and script, no invisible characters."""
    return text.translate(_FOLDING)


def plain(text: str) -> View:
    """Return the plain folded view."""
    letters = folded(text)
    if len(letters) == len(text) and all(len(_FOLDING[ord(letter)]) == 1 for letter in text):
        return View(text=letters, origin=range(len(text)))
    origin = [place for place, letter in enumerate(text) for _ in _FOLDING[ord(letter)]]
    return View(text=letters, origin=tuple(origin))


def views_of(text: str) -> list[View]:
    """Return the views that need no tables, the plain folded one first, without repeats."""
    first = plain(text)
    joined = without_separators(first)
    return [first] if joined.text == first.text else [first, joined]


def without_separators(view: View) -> View:
    """Return the view without what stands between characters of Han script; sentence punctuation stays."""
    gaps = [hit.span() for hit in _BETWEEN.finditer(view.text)]
    for spaced in (_SPACED, _LETTERS, _BRACKETED):
        for hit in spaced.finditer(view.text):
            gaps += [
                (place, place + 1)
                for place in range(hit.start(), hit.end())
                if not view.text[place].isalpha() or view.text[place] == "_"
            ]
    return without(view, gaps)


def without(view: View, gaps: Iterable[tuple[int, int]]) -> View:
    """Return the view without some ranges; the view itself when there are none."""
    dropped = {place for start, end in gaps for place in range(start, end)}
    if not dropped:
        return view
    kept = [place for place in range(len(view.text)) if place not in dropped]
    return View(
        text="".join(view.text[place] for place in kept), origin=tuple(view.origin[place] for place in kept)
    )


def replaced(view: View, changes: Sequence[tuple[int, int, str]]) -> View:
    """Return the view with some ranges rewritten. `changes`: (start, end, words), in order, not overlapping.

    All words of a change are taken to come from the first character on; the last one from the last.
    """
    if not changes:
        return view
    letters: list[str] = []
    origin: list[int] = []
    at = 0
    for start, end, words in changes:
        letters.append(view.text[at:start])
        origin += view.origin[at:start]
        letters.append(words)
        if words:
            origin += [view.origin[start]] * (len(words) - 1) + [view.origin[end - 1]]
        at = end
    letters.append(view.text[at:])
    origin += view.origin[at:]
    return View(text="".join(letters), origin=tuple(origin))


def rewritten(view: View, pattern: re.Pattern[str], read: Callable[[str], str]) -> View:
    """Return the view with every match of a pattern read as something else."""
    found = [(hit.start(), hit.end(), read(hit[0])) for hit in pattern.finditer(view.text)]
    return replaced(view, [change for change in found if view.text[change[0] : change[1]] != change[2]])

"""Full-text search without words: pairs of neighbouring characters (bigrams), and lists of the messages that hold one.

Pure. Chinese writes no spaces, so any two characters in a row are found, "保本" and "ab" alike; one character alone is
too common to be an index. Compared is the text after NFKC in lower case. A list counts from the first id of its batch:
distances between ascending numbers, each in as many bytes as it needs, seven bits a byte, the lowest first.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from itertools import accumulate

# A question of more words, or of longer ones, is cut.
MOST_WORDS = 8
_LONGEST = 40


def folded(text: str) -> str:
    """Return the text as it is compared: full-width as half-width, capitals as small letters."""
    return unicodedata.normalize("NFKC", text).lower()


def words_of(question: str) -> tuple[str, ...]:
    """Return what a person looks for: all words must occur, each as it is written."""
    words = dict.fromkeys(word[:_LONGEST] for word in folded(question).split())
    return tuple(words)[:MOST_WORDS]


def pairs_of(folded_text: str) -> set[str]:
    """Return every two characters in a row, without white space."""
    found: set[str] = set()
    for part in folded_text.split():
        found.update([part[place : place + 2] for place in range(len(part) - 1)])
    return found


def pairs_wanted(words: Iterable[str]) -> list[str]:
    """Return the pairs a message must hold to hold all words; empty when every word is one character."""
    return sorted({pair for word in words for pair in pairs_of(word)})


def holds(folded_text: str, words: Iterable[str]) -> bool:
    """Say whether the text holds every word."""
    return all(word in folded_text for word in words)


def pack(places: Sequence[int]) -> bytes:
    """Return ascending numbers from 0 on as a list."""
    found, before = bytearray(), 0
    for place in places:
        step, before = place - before, place
        while step >= 0x80:
            found.append(step & 0x7F | 0x80)
            step >>= 7
        found.append(step)
    return bytes(found)


def unpack(packed: bytes) -> list[int]:
    """Return the numbers of a list."""
    if not packed or max(packed) < 0x80:
        return list(accumulate(packed))
    found, place, step, shift = [], 0, 0, 0
    for byte in packed:
        step |= (byte & 0x7F) << shift
        if byte & 0x80:
            shift += 7
            continue
        place += step
        found.append(place)
        step = shift = 0
    return found


def marked(text: str, words: Sequence[str], around: int = 40) -> list[tuple[str, bool]]:
    """Return a piece of the text around the first hit as parts, each with whether it is a hit.

    Where NFKC changed the length ("㎡") places cannot be told, then nothing is marked.
    """
    same = folded(text)
    spans = sorted(_spans(same, words)) if len(same) == len(text) else []
    begin = max(0, spans[0][0] - around) if spans else 0
    end = min(len(text), begin + 3 * around)
    parts: list[tuple[str, bool]] = [("…", False)] if begin else []
    place = begin
    for first, last in spans:
        if first < place or last > end:
            continue
        parts += [(text[place:first], False), (text[first:last], True)]
        place = last
    parts += [(text[place:end], False), ("…" if end < len(text) else "", False)]
    return [part for part in parts if part[0]]


def _spans(text: str, words: Sequence[str]) -> Iterable[tuple[int, int]]:
    for word in words:
        place = text.find(word)
        while place >= 0:
            yield place, place + len(word)
            place = text.find(word, place + len(word))

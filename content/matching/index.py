"""The inverted index: which phrases share which tokens, for every layer at once.

Phrases of one entry lie next to each other. One query is one pass over the posting lists of its tokens; everything
after that is arithmetic on arrays, so 20,000 entries cost little more than 200.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from content.matching import language
from content.matching.text import View

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

LAYERS = ("words", "meanings", "singles", "pairs", "triples", "sounds")
_FUNCTION_WEIGHT = 0.15
_MUTE_SHARE, _MUTE_COUNT = (
    0.25,
    3_000,
)  # Tokens in more phrases than both are not followed: they tell nothing apart.


@dataclass(frozen=True, kw_only=True, slots=True)
class Shared:
    """What a question shares with phrases: per layer (row) and phrase (column) the weight in common.

    `asked`: weight of the whole question per layer, with unknown tokens; `known`: the part of it the index knows.
    """

    common: Floats
    asked: Floats
    known: Floats


class Index:
    """Token weights and posting lists over the phrases of all entries."""

    def __init__(self, views: Sequence[View], owners: Sequence[int], count: int) -> None:
        """`views`: one per phrase, `owners`: the entry of each, rising; `count`: entries."""
        self.size = len(views)
        self.count = count
        self.owners: Places = np.asarray(owners, dtype=np.int64)
        self.starts: Places = np.flatnonzero(np.diff(self.owners, prepend=-1))
        places: dict[tuple[int, str], list[int]] = {}
        for layer, name in enumerate(LAYERS):
            found_here: dict[str, list[int]] = {}
            for at, view in enumerate(views):
                for token in getattr(view, name):
                    if token in found_here:
                        found_here[token].append(at)
                    else:
                        found_here[token] = [at]
            places.update(((layer, token), found) for token, found in found_here.items())
        self._at: Places = np.fromiter(itertools.chain.from_iterable(places.values()), dtype=np.int64)
        lengths = [len(found) for found in places.values()]
        ends = list(itertools.accumulate(lengths))
        # Where a token's phrases begin and end in `_at`, and its weight.
        self._postings: dict[tuple[int, str], tuple[int, int, float]] = {}
        for ((layer, token), found), end in zip(places.items(), ends, strict=True):
            weight = self._weight(layer, token, _entries(found, owners))
            if len(found) > _MUTE_COUNT and len(found) > _MUTE_SHARE * self.size:
                weight = 0.0
            self._postings[layer, token] = (end - len(found), end, weight)
        layers = [layer for layer, _ in places]
        self._at += np.repeat(np.asarray(layers, dtype=np.int64), lengths) * self.size
        by = np.repeat([posting[2] for posting in self._postings.values()], lengths)
        self.sizes = self._summed(self._at, by)

    def _summed(self, at: Places, by: Floats) -> Floats:
        """Return the sums of weights per layer and phrase."""
        total = np.bincount(at, weights=by, minlength=len(LAYERS) * self.size)
        return np.asarray(total, dtype=np.float64).reshape(len(LAYERS), self.size)

    def _weight(self, layer: int, token: str, entries: int) -> float:
        """Return how much a token tells, 0..1: its rarity among the entries, little for words that say little."""
        return _rarity(entries, self.count) * said_share(layer, token)

    def weight(self, layer: int, token: str) -> float:
        """Return the weight of a token, of unknown ones too."""
        found = self._postings.get((layer, token))
        return found[2] if found is not None else self._weight(layer, token, 0)

    def knows(self, layer: int, token: str) -> bool:
        """Say whether any phrase holds the token."""
        return (layer, token) in self._postings

    def share(self, view: View) -> Shared:
        """Return what a question shares with every phrase."""
        found: list[Places] = []
        weights: list[float] = []
        asked, known = np.zeros(len(LAYERS)), np.zeros(len(LAYERS))
        for layer, name in enumerate(LAYERS):
            for token in getattr(view, name):
                posting = self._postings.get((layer, token))
                if posting is None:
                    asked[layer] += self._weight(layer, token, 0)
                elif posting[2]:
                    asked[layer] += posting[2]
                    known[layer] += posting[2]
                    found.append(self._at[posting[0] : posting[1]])
                    weights.append(posting[2])
        if not found:
            return Shared(common=np.zeros((len(LAYERS), self.size)), asked=asked, known=known)
        by = np.repeat(np.asarray(weights), [len(one) for one in found])
        return Shared(common=self._summed(np.concatenate(found), by), asked=asked, known=known)


@functools.lru_cache(maxsize=8192)
def _rarity(entries: int, count: int) -> float:
    return math.log(1 + count / (entries + 0.5)) / math.log(1 + count / 0.5)


def _entries(phrases: list[int], owners: Sequence[int]) -> int:
    return len({owners[at] for at in phrases}) if len(phrases) > 1 else 1


def said_share(layer: int, token: str) -> float:
    """Return 1 for a token that can name a subject, less for one that cannot."""
    name = LAYERS[layer]
    if name in ("words", "meanings"):
        return _FUNCTION_WEIGHT if token in language.FUNCTION_WORDS else 1.0
    if name == "singles":
        return _FUNCTION_WEIGHT if token in language.FUNCTION_CHARACTERS else 1.0
    return 1.0

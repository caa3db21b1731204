"""The inverted index: which phrases share which tokens, for every layer at once.

Phrases of one entry lie next to each other. One query is one pass over the posting lists of its tokens; everything
after that is arithmetic on arrays, so 20,000 entries cost little more than 200.
"""

from __future__ import annotations

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
        for at, view in enumerate(views):
            for layer, name in enumerate(LAYERS):
                for token in getattr(view, name):
                    places.setdefault((layer, token), []).append(at)
        self._postings: dict[tuple[int, str], tuple[Places, float]] = {}
        sizes = np.zeros((len(LAYERS), self.size))
        for (layer, token), found in places.items():
            entries = len({owners[at] for at in found}) if len(found) > 1 else 1
            weight = self._weight(layer, token, entries)
            if len(found) > _MUTE_COUNT and len(found) > _MUTE_SHARE * self.size:
                weight = 0.0
            places_of: Places = np.asarray(found, dtype=np.int64)
            sizes[layer, places_of] += weight
            self._postings[layer, token] = (places_of + layer * self.size, weight)
        self.sizes = sizes

    def _weight(self, layer: int, token: str, entries: int) -> float:
        """Return how much a token tells, 0..1: its rarity among the entries, little for words that say little."""
        rarity = math.log(1 + self.count / (entries + 0.5)) / math.log(1 + self.count / 0.5)
        return rarity * said_share(layer, token)

    def weight(self, layer: int, token: str) -> float:
        """Return the weight of a token, of unknown ones too."""
        found = self._postings.get((layer, token))
        return found[1] if found is not None else self._weight(layer, token, 0)

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
                elif posting[1]:
                    asked[layer] += posting[1]
                    known[layer] += posting[1]
                    found.append(posting[0])
                    weights.append(posting[1])
        total = len(LAYERS) * self.size
        if not found:
            return Shared(common=np.zeros((len(LAYERS), self.size)), asked=asked, known=known)
        at = np.concatenate(found)
        by = np.repeat(np.asarray(weights), [len(one) for one in found])
        common: Floats = np.asarray(np.bincount(at, weights=by, minlength=total), dtype=np.float64)
        return Shared(common=common.reshape(len(LAYERS), self.size), asked=asked, known=known)


def said_share(layer: int, token: str) -> float:
    """Return 1 for a token that can name a subject, less for one that cannot."""
    name = LAYERS[layer]
    if name in ("words", "meanings"):
        return _FUNCTION_WEIGHT if token in language.FUNCTION_WORDS else 1.0
    if name == "singles":
        return _FUNCTION_WEIGHT if token in language.FUNCTION_CHARACTERS else 1.0
    return 1.0

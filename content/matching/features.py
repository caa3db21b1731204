"""What a question and an entry's closest phrase have in common, as numbers the re-ranker weighs.

All are shares between 0 and 1 or plain yes and no, so they mean the same for 100 entries and for 20,000.
"""

from __future__ import annotations

import math

import numpy as np

from content.matching import index, language
from content.matching.index import Floats
from content.matching.text import View

NAMES = (
    *(f"alike_{name}" for name in index.LAYERS),  # 2 × common / (question + phrase), by weight.
    "asked_meanings",  # Share of the question's meanings that the phrase has,
    "asked_singles",  # the same by characters,
    "said_singles",  # and the share of the phrase's characters that were asked.
    "known_entry",  # Share of the question's meanings that any phrase or keyword of the entry has.
    "other_name",  # The question names one product, the phrase another of its kind (language.GROUP_OF).
    "elsewhere",  # The question names a thing of another trade (language.ELSEWHERE) that the entry does not.
    "same_order",  # Longest common subsequence of characters, both ways.
    "kind_fits",  # Both ask in the same way (how, why, how much …),
    "kind_differs",  # or in different ways.
    "cannot_differs",  # One says it cannot be done, the other does not,
    "not_differs",  # or one says not.
    "numbers_differ",
    "length_differs",  # |ln| of the lengths' ratio.
)
WORDS, MEANINGS, SINGLES, PAIRS, TRIPLES, SOUNDS = range(len(index.LAYERS))
AT = {name: place for place, name in enumerate(NAMES)}


def alike(shared: index.Shared, sizes: Floats) -> Floats:
    """Return 2 × common / (asked + size) per layer and phrase."""
    return np.asarray(2 * shared.common / (shared.asked[:, None] + sizes + 1e-9))


def table(
    asked: View,
    shared: index.Shared,
    ranked: index.Index,
    phrases: list[int],
    views: list[View],
    bags: list[frozenset[str]],
) -> Floats:
    """Return one row of features per candidate. `phrases`: its closest phrase, `views` that phrase, `bags` the meanings
    of the whole entry."""
    at = np.asarray(phrases, dtype=np.int64)
    common, sizes = shared.common[:, at], ranked.sizes[:, at]
    rows = np.zeros((len(phrases), len(NAMES)))
    layers = len(index.LAYERS)
    rows[:, :layers] = (2 * common / (shared.asked[:, None] + sizes + 1e-9)).T
    rows[:, layers] = common[MEANINGS] / (shared.asked[MEANINGS] + 1e-9)
    rows[:, layers + 1] = common[SINGLES] / (shared.asked[SINGLES] + 1e-9)
    rows[:, layers + 2] = common[SINGLES] / (sizes[SINGLES] + 1e-9)
    weights = [(token, ranked.weight(MEANINGS, token)) for token in asked.meanings]
    total = sum(weight for _, weight in weights) + 1e-9
    abroad = [language.CLASSES.get(word, word) for word in asked.words if word in language.ELSEWHERE]
    masks = _masks(asked.units)
    for row, (view, bag) in enumerate(zip(views, bags, strict=True)):
        missing = [weight for token, weight in weights if token not in bag]
        rows[row, layers + 3 :] = (
            1 - sum(missing) / total,
            _names_differ(asked.names, view.names),
            any(token not in bag for token in abroad),
            2 * _longest_common(masks, view.units) / (len(asked.units) + len(view.units)),
            bool(asked.kinds & view.kinds),
            bool(asked.kinds and view.kinds and not asked.kinds & view.kinds),
            bool((asked.negations ^ view.negations) & 2),
            bool((asked.negations ^ view.negations) & 1),
            asked.numbers != view.numbers,
            abs(math.log(len(asked.units) / len(view.units))),
        )
    return rows


def _names_differ(asked: frozenset[str], said: frozenset[str]) -> bool:
    if asked == said or not asked or not said:
        return False
    others = {language.GROUP_OF[name] for name in said - asked}
    return any(language.GROUP_OF[name] in others for name in asked - said)


def _masks(units: tuple[str, ...]) -> tuple[int, dict[str, int]]:
    places: dict[str, int] = {}
    for at, unit in enumerate(units):
        places[unit] = places.get(unit, 0) | 1 << at
    return len(units), places


def _longest_common(masks: tuple[int, dict[str, int]], units: tuple[str, ...]) -> int:
    """Return the length of the longest common subsequence (Hyyrö's bits: one addition per unit)."""
    size, places = masks
    full = (1 << size) - 1
    rest = full
    for unit in units:
        matched = rest & places.get(unit, 0)
        rest = (rest + matched | rest - matched) & full
    return size - rest.bit_count()

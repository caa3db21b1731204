"""Fit the matcher's weights on the question bench, and say what they reach on questions that were not fitted to.

    python -m bench.faq_fit --bench ../shared/faqbench --cache var/faq-fit [--folds var/faq-fit/folds.json]

Prints the numbers for content/matching/weights.py and the figures of loan_s three ways: fitted without loan_s at all,
cross-validated by FAQ entry (5 folds), and tuned on everything. Training knowledge bases are made from the labelled
pairs: clusters of questions with the same meaning, spaced apart as loan_s was, 15 % of them left out so that
their questions have no answer. Needs scipy besides the bot's own packages; takes some minutes, mostly for vectors.
"""

from __future__ import annotations

import argparse
import importlib
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from content import loading, meaning, segmentation
from content.matching import engine, features, judging, text
from content.matching.ranking import Corpus, Subject

CONTENT = Path(__file__).resolve().parents[1] / "content"
FOLDS = 5
_SEED = 3
_WIDE = 1500  # Entries of other subjects in a wide knowledge base.
_POSITIVE = {name for name in features.NAMES if name.startswith(("alike", "asked", "said", "known"))} | {
    "same_order",
    "kind_fits",
}


@dataclass
class Task:
    """A knowledge base with messages, and every candidate's features. `words`, `near`: one array per message."""

    name: str
    groups: list[str] = field(default_factory=list)
    has_answer: list[bool] = field(default_factory=list)
    lengths: list[float] = field(default_factory=list)
    words: list[Any] = field(default_factory=list)
    word_right: list[Any] = field(default_factory=list)
    rows: list[Any] = field(default_factory=list)
    near: list[Any] = field(default_factory=list)
    right: list[Any] = field(default_factory=list)


@dataclass(frozen=True)
class Part:
    """Messages of a task that are fitted on, with their weight."""

    task: Task
    places: Sequence[int]
    weight: float = 1.0


@dataclass(frozen=True)
class Fit:
    """Everything that is fitted, as in content/matching/weights.py."""

    rank: Any
    sure: Any
    rank_meaning: Any
    sure_meaning: Any


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a JSON file."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


class Maker:
    """Makes tasks with the engine's own parts, so that what is fitted is what runs."""

    def __init__(self, channel: meaning.Meaning, cache: Path) -> None:
        synonyms, lexicon = loading.load_language(CONTENT)
        segmentation.prepare(cache, lexicon)
        self._reader = text.Reader(segmentation.current().cut, synonyms)
        self._trade = lexicon
        self._channel = channel

    def vectors(self, texts: list[str]) -> Any:
        """Return the vectors of texts, kept between runs."""
        return self._channel.vectors([_sentence(said) for said in texts])

    def task(self, name: str, kb: list[dict[str, Any]], queries: list[dict[str, Any]]) -> Task:
        """Return a task."""
        subjects = [
            Subject(id=row["id"], question=row["question"], asks=tuple(row.get("similar", ()))) for row in kb
        ]
        corpus = Corpus(subjects, self._reader, self._trade)
        semantic = engine.Semantic.of(self._channel, corpus)
        core = engine.Core(segmentation.current(), self._reader, corpus, semantic)
        assert semantic is not None
        places = {subject.id: place for place, subject in enumerate(subjects)}
        asked = [core.read(query["text"]) for query in queries]
        vectors = self._channel.vectors([one.sentence for one in asked]) - semantic.centre
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        task = Task(name)
        for query, one, vector in zip(queries, asked, vectors, strict=True):
            gold = {places[entry] for entry in query["gold"]}
            found = corpus.candidates(one.view)
            nearness = semantic.vectors @ vector
            more = core.nearest(nearness, set(found.entries))
            wide = corpus.widened(found, one.view, more)
            if not found.entries or not wide.entries:
                continue
            task.groups.append(query["group"])
            task.has_answer.append(bool(gold))
            task.lengths.append(float(np.log(len(one.view.units))))
            task.words.append(found.rows)
            task.word_right.append(np.array([entry in gold for entry in found.entries]))
            task.rows.append(wide.rows)
            task.near.append(judging.entry_nearness(wide, nearness, corpus))
            task.right.append(np.array([entry in gold for entry in wide.entries]))
        return task


def _sentence(said: str) -> str:
    return text.sentence(text.unwrapped(text.clean(said)))


def clusters(pairs: list[dict[str, Any]]) -> list[list[str]]:
    """Return groups of questions labelled the same."""
    parents: dict[str, str] = {}

    def root(said: str) -> str:
        parents.setdefault(said, said)
        while parents[said] != said:
            parents[said] = parents[parents[said]]
            said = parents[said]
        return said

    for pair in pairs:
        if pair["same"]:
            parents[root(pair["a"])] = root(pair["b"])
    found: dict[str, list[str]] = {}
    for said in parents:
        found.setdefault(root(said), []).append(said)
    return sorted(sorted(group) for group in found.values())


def simulations(maker: Maker, bench: Path) -> list[Task]:
    """Return training tasks made from pairs_train, with other talk from the padding of loan_l."""
    chance = random.Random(_SEED)
    groups = clusters(read_rows(bench / "pairs_train.jsonl"))
    chance.shuffle(groups)
    groups = [group for group in groups[:6000] if _sentence(group[0]) != "？"]
    vectors = maker.vectors([group[0] for group in groups])
    vectors = vectors - vectors.mean(axis=0)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    padding = [row for row in read_rows(bench / "loan_l.kb.jsonl") if row["domain"] != "loan"]
    chance.shuffle(padding)
    used: set[int] = set()
    tasks = []
    wide = [padding.pop() for _ in range(_WIDE)]
    for number, (size, spaced) in enumerate([(290, 0.45)] * 4 + [(600, 0.55), (110, 0.5)]):
        taken: list[int] = []
        for place in range(len(groups)):
            if place in used or (taken and (vectors[taken] @ vectors[place]).max() >= spaced):
                continue
            taken.append(place)
            if len(taken) == size:
                break
        used.update(taken)
        chance.shuffle(taken)
        kb: list[dict[str, Any]] = []
        queries: list[dict[str, Any]] = []
        for turn, place in enumerate(taken):
            said = list(groups[place])
            chance.shuffle(said)
            name = f"{number}.{place}"
            if turn % 100 < 15:
                queries.append({"text": said[1], "gold": [], "group": name})
                continue
            similar = 1 if len(said) > 2 and chance.random() < 0.1 else 0
            kb.append({"id": name, "question": said[0], "similar": said[1 : 1 + similar]})
            queries += [
                {"text": one, "gold": [name], "group": name} for one in said[1 + similar : 4 + similar]
            ]
        other = [padding.pop() for _ in range(int(0.85 * len(kb)))]
        queries += [{"text": row["question"], "gold": [], "group": row["id"]} for row in other]
        tasks.append(maker.task(f"pairs {number}", kb, queries))
        if number < 3:  # The same among many entries of other subjects, as loan_m is.
            ours = [query for query in queries if query["group"].startswith(f"{number}.")]
            tasks.append(maker.task(f"pairs {number} wide", [*kb, *wide], ours))
    return tasks


def fit_order(
    found: list[tuple[Any, Any, float]], bounds: list[tuple[Any, Any]], penalty: float = 1.0
) -> Any:
    """Return weights that put a right candidate first: conditional logit, features in their own unit."""
    optimize: Any = importlib.import_module("scipy.optimize")
    kept = [(rows, right, weight) for rows, right, weight in found if right.any() and not right.all()]
    stacked, right = np.vstack([one[0] for one in kept]), np.concatenate([one[1] for one in kept])
    sizes = [len(one[1]) for one in kept]
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    weights, segments = np.array([one[2] for one in kept]), np.repeat(np.arange(len(kept)), sizes)
    spread = stacked.std(axis=0) + 1e-9
    scaled = stacked / spread

    def loss(fitted: Any) -> tuple[float, Any]:
        values = scaled @ fitted
        powers = np.exp(values - np.maximum.reduceat(values, starts)[segments])
        total, good = np.add.reduceat(powers, starts), np.add.reduceat(powers * right, starts) + 1e-300
        slope = (powers * right / good[segments] - powers / total[segments]) * weights[segments]
        value = -(weights * (np.log(good) - np.log(total))).sum() + penalty * (fitted @ fitted) / 2
        return value, penalty * fitted - slope @ scaled

    done = optimize.minimize(loss, np.zeros(stacked.shape[1]), jac=True, method="L-BFGS-B", bounds=bounds)
    return done.x / spread


def fit_odds(told: Any, right: Any, weights: Any, bounds: list[tuple[Any, Any]], penalty: float = 1.0) -> Any:
    """Return intercept and weights of a logistic regression with signs held to `bounds`."""
    optimize: Any = importlib.import_module("scipy.optimize")
    middle, spread = told.mean(axis=0), told.std(axis=0) + 1e-9
    scaled = (told - middle) / spread

    def loss(fitted: Any) -> tuple[float, Any]:
        odds = fitted[0] + scaled @ fitted[1:]
        off = weights * (1 / (1 + np.exp(-odds)) - right)
        value = (weights * np.where(right, np.logaddexp(0, -odds), np.logaddexp(0, odds))).sum()
        slope = np.concatenate([[off.sum()], off @ scaled + penalty * fitted[1:]])
        return value + penalty * (fitted[1:] @ fitted[1:]) / 2, slope

    start = np.zeros(told.shape[1] + 1)
    done = optimize.minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(None, None), *bounds])
    slopes = done.x[1:] / spread
    return np.concatenate([[done.x[0] - middle @ slopes], slopes])


def told_by_words(task: Task, rank: Any) -> tuple[Any, Any]:
    """Return what the confidence by words is made from, and whether the first was right."""
    told, right = [], []
    for rows, good, length in zip(task.words, task.word_right, task.lengths, strict=True):
        values = rows @ rank
        first = int(np.argmax(values))
        told.append(judging.sure_by_words(values, first, length, _elsewhere(rows, first)))
        right.append(bool(good[first]))
    return np.array(told), np.array(right)


def told_by_meaning(task: Task, rank: Any, rank_meaning: Any) -> tuple[Any, Any]:
    """Return the same with the semantic channel."""
    told, right = [], []
    for rows, near, good, length in zip(task.rows, task.near, task.right, task.lengths, strict=True):
        words = rows @ rank
        values = rank_meaning[0] * words + rank_meaning[1] * near
        first = int(np.argmax(values))
        told.append(judging.sure_by_meaning(values, words, near, first, length, _elsewhere(rows, first)))
        right.append(bool(good[first]))
    return np.array(told), np.array(right)


def _elsewhere(rows: Any, first: int) -> float:
    return float(rows[first, features.AT["elsewhere"]])


def fit(parts: list[Part], only_words: list[Part], trusted: list[Part]) -> Fit:
    """Fit everything. `only_words`: more to fit the order of the cheap layers on. `trusted`: read by hand, so that
    their shares of right answers are true; they set the level of both confidences."""
    bounds = [(0, None) if name in _POSITIVE else (None, 0) for name in features.NAMES]
    rank = fit_order(
        [
            (part.task.words[at], part.task.word_right[at], part.weight)
            for part in [*parts, *only_words]
            for at in part.places
        ],
        bounds,
    )
    rank_meaning = fit_order(
        [
            (np.stack([part.task.rows[at] @ rank, part.task.near[at]], 1), part.task.right[at], part.weight)
            for part in parts
            for at in part.places
        ],
        [(0, None), (0, None)],
    )
    falling, free = (None, 0), (None, None)
    sure = _fit_sure(
        parts, trusted, lambda task: told_by_words(task, rank), [(0, None)] * 2 + [free, falling]
    )
    sure_meaning = _fit_sure(
        parts,
        trusted,
        lambda task: told_by_meaning(task, rank, rank_meaning),
        [(0, None)] * 3 + [free, falling],
    )
    return Fit(rank=rank, sure=sure, rank_meaning=rank_meaning, sure_meaning=sure_meaning)


def _fit_sure(
    parts: list[Part],
    trusted: list[Part],
    tell: Callable[[Task], tuple[Any, Any]],
    bounds: list[tuple[Any, Any]],
) -> Any:
    told, right, weights = [], [], []
    for part in parts:
        found, good = tell(part.task)
        told.append(found[list(part.places)])
        right.append(good[list(part.places)])
        weights.append(np.full(len(part.places), part.weight))
    fitted = fit_odds(np.vstack(told), np.concatenate(right), np.concatenate(weights), bounds)
    if not trusted:
        return fitted
    level, good = [], []
    for part in trusted:
        found, right_there = tell(part.task)
        level.append((fitted[0] + found @ fitted[1:])[list(part.places)])
        good.append(right_there[list(part.places)])
    known = np.concatenate(level)[:, None]
    moved = fit_odds(known, np.concatenate(good), np.ones(len(known)), [(0, None)], penalty=0.1)
    return np.concatenate([[moved[0] + moved[1] * fitted[0]], moved[1] * fitted[1:]])


def confidences(task: Task, fitted: Fit) -> tuple[Any, Any, Any, Any]:
    """Return (confidence by words, right by words, confidence by meaning, right by meaning) per message."""
    told, right = told_by_words(task, fitted.rank)
    told_meaning, right_meaning = told_by_meaning(task, fitted.rank, fitted.rank_meaning)
    return (
        _probability(told, fitted.sure),
        right,
        _probability(told_meaning, fitted.sure_meaning),
        right_meaning,
    )


def _probability(told: Any, fitted: Any) -> Any:
    return 1 / (1 + np.exp(-(fitted[0] + told @ fitted[1:])))


def describe(sure: Any, right: Any, has_answer: Any) -> str:
    """Return the figures of one channel: hit@1, AURC, and what is right at 2 % false answers."""
    order = np.argsort(-sure, kind="stable")
    risk = (np.cumsum(~right[order]) / np.arange(1, len(right) + 1)).mean()
    nothing = np.sort(sure[~has_answer])[::-1]
    least = nothing[int(0.02 * len(nothing))]
    answered = sure > least
    good = (answered & right).sum()
    return (
        f"hit@1 {100 * right[has_answer].mean():.1f}  AURC {100 * risk:.1f}  at 2 % false (from {least:.2f}): "
        f"right {100 * good / has_answer.sum():.1f}, precision {100 * good / answered.sum():.1f}"
    )


def report(name: str, found: tuple[Any, Any, Any, Any], has_answer: Any) -> None:
    """Print the figures of both channels."""
    words, words_right, near, near_right = found
    print(f"{name:16s} words    {describe(words, words_right, has_answer)}")
    print(f"{'':16s} meaning  {describe(near, near_right, has_answer)}")


def main() -> None:
    """Fit, cross-validate, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bench", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument(
        "--folds", type=Path, help="write the weights of each fold here, for bench.faq_figures"
    )
    given = parser.parse_args()
    channel = meaning.load(given.cache)
    if channel is None:
        raise SystemExit("The semantic channel is not installed (requirements-meaning.lock).")
    maker = Maker(channel, given.cache)

    def task(name: str) -> Task:
        return maker.task(
            name,
            read_rows(given.bench / f"{name}.kb.jsonl"),
            read_rows(given.bench / f"{name}.queries.jsonl"),
        )

    small, dense = task("loan_s"), task("loan_dense")
    known = set(small.groups)
    parts = [
        Part(one, range(len(one.groups)), 0.5 if one.name.endswith("wide") else 1.0)
        for one in simulations(maker, given.bench)
    ]
    more = [Part(dense, [at for at, group in enumerate(dense.groups) if group not in known], 0.5)]
    has_answer = np.array(small.has_answer)
    report("without loan_s", confidences(small, fit(parts, more, [])), has_answer)

    groups = sorted(known)
    random.Random(_SEED).shuffle(groups)
    fold_of = {group: place % FOLDS for place, group in enumerate(groups)}
    folds = np.array([fold_of[group] for group in small.groups])
    held: list[Any] = [np.zeros(len(folds)), np.zeros(len(folds), bool)] * 2
    held = [array.copy() for array in held]
    fits = []
    for number in range(FOLDS):
        rest = [Part(small, np.flatnonzero(folds != number).tolist(), 2.0)]
        fits.append(fit([*parts, *rest], [*more], rest))
        for kept, found in zip(held, confidences(small, fits[-1]), strict=True):
            kept[folds == number] = found[folds == number]
    report("cross-validated", (held[0], held[1], held[2], held[3]), has_answer)

    everything = [Part(small, range(len(small.groups)), 2.0)]
    final = fit([*parts, *everything], more, everything)
    report("tuned", confidences(small, final), has_answer)
    _print_weights(final)
    if given.folds:
        found = {
            "fold_of": fold_of,
            "fits": [{name: list(value) for name, value in vars(one).items()} for one in fits],
        }
        given.folds.write_text(json.dumps(found), "utf-8")


def _print_weights(fitted: Fit) -> None:
    for name, weight in zip(features.NAMES, fitted.rank, strict=True):
        if abs(weight) >= 0.005:
            print(f'    "{name}": {weight:.2f},')
    for name in ("rank_meaning", "sure", "sure_meaning"):
        print(name.upper(), [round(float(value), 3) for value in getattr(fitted, name)])


if __name__ == "__main__":
    main()

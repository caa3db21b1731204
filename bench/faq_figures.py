"""The whole table of what the matcher must reach, beside what it reaches: tuned, and cross-validated.

    python -m bench.faq_figures --bench ../shared/faqbench --cache var/faq-fit [--folds FOLDS.json] [--large]

Tuned: the shipped weights, which were fitted on loan_s too. Cross-validated (with --folds of bench.faq_fit): each
message is answered with weights fitted on other FAQ entries; only for the sets made from loan_s. Thresholds are the
shipped ones in both. --large adds loan_l (20,000 entries: 5 s for the index, minutes for the vectors the first time).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from bot import faq_bench
from content import loading, matching, meaning, segmentation
from content.matching import weights
from domain.faq import Thresholds

_CONTENT = Path(__file__).resolve().parents[1] / "content"
_KINDS = (
    "base typo trad width emoji filler drop pinyin_word pinyin_full mixed two long".split()  # noqa: SIM905
)
# (set, figure, floor by words, floor with the meaning); losses are against "base".
_FLOORS: dict[tuple[str, str], tuple[float, float]] = {
    ("loan_s", "hit@1"): (81, 90),
    ("loan_s", "hit@3"): (93, 97),
    ("loan_s", "aurc"): (33, 26),
    ("loan_s", "right"): (48, 64),
    ("loan_s", "precision"): (90, 92),
    ("loan_s", "false_answer"): (2, 2),
    **{(kind, "loss"): (3, 3) for kind in ("typo", "trad", "width", "emoji", "filler")},
    ("drop", "loss"): (7, 6),
    ("pinyin_word", "hit@1"): (72, 74),
    ("pinyin_full", "hit@1"): (68, 68),
    ("two", "both@3"): (62, 70),
    ("long", "hit@1"): (72, 78),
    ("long", "false_answer"): (15, 10),
    ("loan_m", "hit@1"): (77, 86),
    ("loan_l", "hit@1"): (72, 80),
}
_AT_MOST = ("aurc", "false_answer", "loss")


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Where the questions are, the scorer that came with them, and what the matcher is made of."""

    folder: Path
    score: ModuleType
    language: tuple[Any, Any]
    channel: meaning.Meaning | None
    folds: dict[str, Any] | None


class Run:
    """One knowledge base with one choice of channels."""

    def __init__(self, bench: Bench, kb: str, *, by_meaning: bool) -> None:
        self._bench = bench
        began = time.perf_counter()
        self.matcher = matching.Matcher(
            faq_bench.read_subjects(bench.folder / f"{kb}.kb.jsonl"), *bench.language
        )
        self.build_seconds = time.perf_counter() - began
        if by_meaning:
            self.matcher.attach(bench.channel)

    def figures(self, queries: str, *, folded: bool = False) -> dict[str, float]:
        """Return the scorer's figures in percent, with p50, p95 (ms) and the share that used the meaning."""
        path = self._bench.folder / f"{queries}.queries.jsonl"
        rows = self._bench.score.read_jsonl(path)
        asked = faq_bench.read_queries(path)
        found = self._by_fold(rows, asked) if folded else list(self._predict(asked))
        predictions = {
            one.query_id: {
                "ids": [entry for entry, _ in one.ranked],
                "answered": one.answered and bool(one.ranked),
                "confidence": one.confidence,
                "ms": one.milliseconds,
            }
            for one in found
        }
        judged = self._bench.score.judge(rows, predictions)
        counted = self._bench.score.figures(judged, self._bench.score.confidence_blocks(judged))
        figures = {name: 100 * value for name, value in counted.items()}
        times = self._bench.score.latency(judged)
        return figures | dict(times) | {"used": 100 * sum(one.by_meaning for one in found) / len(found)}

    def _predict(self, asked: list[faq_bench.Query]) -> Iterator[faq_bench.Prediction]:
        return faq_bench.predict(self.matcher, asked, Thresholds())

    def _by_fold(
        self, rows: list[dict[str, Any]], asked: list[faq_bench.Query]
    ) -> list[faq_bench.Prediction]:
        """Return predictions where every message is judged by weights that never saw its entry."""
        folds = self._bench.folds
        assert folds is not None
        places = {
            row["query_id"]: folds["fold_of"].get(row["group"], at % len(folds["fits"]))
            for at, row in enumerate(rows)
        }
        found: list[faq_bench.Prediction] = []
        for number, fitted in enumerate(folds["fits"]):
            with _weights(fitted):
                found += self._predict([query for query in asked if places[query.id] == number])
        return found


@contextmanager
def _weights(fitted: dict[str, list[float]]) -> Iterator[None]:
    """Let the matcher use other weights for a while. What is set by hand (the last of each odds) stays."""
    names = {"rank": "RANK", "rank_meaning": "RANK_MEANING", "sure": "SURE", "sure_meaning": "SURE_MEANING"}
    usual = {name: getattr(weights, name) for name in names.values()}
    for name, constant in names.items():
        values = np.array(fitted[name])
        if name.startswith("sure"):
            values[-1] = usual[constant][-1]
        setattr(weights, constant, values)
    try:
        yield
    finally:
        for name, value in usual.items():
            setattr(weights, name, value)


def print_table(bench: Bench, *, by_meaning: bool, large: bool) -> None:
    """Print every figure of one choice of channels."""
    column = 1 if by_meaning else 0
    print(
        f"\n{'with the meaning' if by_meaning else 'words alone':30s} {'tuned':>7s} {'folds':>7s} {'floor':>7s}"
    )
    small = Run(bench, "loan_s", by_meaning=by_meaning)
    tuned, folded = {}, {}
    for name in ("loan_s", *_KINDS):
        path = name if name == "loan_s" else f"perturbed/loan_s.{name}"
        tuned[name] = small.figures(path)
        folded[name] = small.figures(path, folded=True) if bench.folds else {}
    for (kind, figure), floors in _FLOORS.items():
        if kind in tuned:
            values = [_figure(found, kind, figure) for found in (tuned, folded)]
            _print(f"{kind} {figure}", values[0], values[1], floors[column], at_most=figure in _AT_MOST)
    print(
        f"{'loan_s p50 / p95 ms':30s} {tuned['loan_s']['ms_p50']:.2f} / {tuned['loan_s']['ms_p95']:.2f}",
        end="",
    )
    print(f", meaning used {tuned['loan_s']['used']:.0f} %, index {small.build_seconds:.2f} s")
    for kb in ("loan_m", "loan_l") if large else ("loan_m",):
        wide = Run(bench, kb, by_meaning=by_meaning)
        found = wide.figures("loan_ml")
        _print(f"{kb} hit@1", found["hit@1"], None, _FLOORS[kb, "hit@1"][column], at_most=False)
        print(
            f"{kb} p50 / p95 ms {found['ms_p50']:.2f} / {found['ms_p95']:.2f}, index {wide.build_seconds:.2f} s",
            end="",
        )
        print(f", right {found['right']:.1f}, precision {found['precision']:.1f}")


def _figure(found: dict[str, dict[str, float]], kind: str, figure: str) -> float | None:
    if not found[kind]:
        return None
    if figure == "loss":
        return found["base"]["hit@1"] - found[kind]["hit@1"]
    return found[kind][figure]


def _print(name: str, tuned: float | None, folded: float | None, floor: float, *, at_most: bool) -> None:
    shown = [f"{value:7.1f}" if value is not None else "      -" for value in (tuned, folded)]
    missed = tuned is not None and (tuned > floor if at_most else tuned < floor)
    print(
        f"{name:30s} {shown[0]} {shown[1]} {'≤' if at_most else '≥'}{floor:6.0f}{'  missed' if missed else ''}"
    )


def print_curve(bench: Bench) -> None:
    """Print what other thresholds would give on loan_s: right, precision, false answers, handed over."""
    path = bench.folder / "loan_s.queries.jsonl"
    gold = {row["query_id"]: set(row["gold"]) for row in bench.score.read_jsonl(path)}
    print("\nthreshold: right / precision / false answers / not answered, of 100, loan_s")
    for by_meaning in (False, True):
        run = Run(bench, "loan_s", by_meaning=by_meaning)
        found = list(faq_bench.predict(run.matcher, faq_bench.read_queries(path), Thresholds()))
        print("with the meaning" if by_meaning else "words alone")
        for least in (0.3, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95):
            answered = [one for one in found if one.confidence >= least]
            right = sum(one.ranked[0][0] in gold[one.query_id] for one in answered)
            none = sum(not gold[one.query_id] for one in answered)
            able = sum(map(bool, gold.values()))
            print(
                f"  {least:.2f}  {100 * right / able:5.1f} {100 * right / max(1, len(answered)):5.1f} "
                f"{100 * none / (len(gold) - able):5.1f} {100 * (1 - len(answered) / len(gold)):5.1f}"
            )


def main() -> None:
    """Print the table for words alone and with the meaning."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bench", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--folds", type=Path)
    parser.add_argument("--large", action="store_true")
    given = parser.parse_args()
    spec = importlib.util.spec_from_file_location("faqbench_score", given.bench / "score.py")
    assert spec is not None
    assert spec.loader is not None
    score = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(score)
    language = loading.load_language(_CONTENT)
    segmentation.prepare(given.cache, language[1])
    bench = Bench(
        folder=given.bench,
        score=score,
        language=language,
        channel=meaning.load(given.cache),
        folds=json.loads(given.folds.read_text("utf-8")) if given.folds else None,
    )
    print_table(bench, by_meaning=False, large=given.large)
    if bench.channel is not None:
        print_table(bench, by_meaning=True, large=given.large)
    print_curve(bench)
    print(f"\nmost memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()

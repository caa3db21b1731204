"""Outside measurement of the matcher: a knowledge base and questions in, predictions out.

The index is made from the given file alone. Of our own content only what is knowledge of the language is used: synonyms
and the words that segmentation keeps whole. Called by `guanjia faq bench`; the prediction lines are those of the scorer
in docs/content.md.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from content import loading, matching, meaning, segmentation
from domain.errors import ContentError
from domain.faq import Choice, Thresholds


@dataclass(frozen=True, kw_only=True)
class Query:
    """One message to match."""

    id: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What the matcher made of one message. `ranked`: (entry, score), the best first; `milliseconds`: of one core."""

    query_id: str
    ranked: tuple[tuple[str, float], ...]
    answered: bool
    confidence: float
    milliseconds: float
    by_meaning: bool

    def line(self) -> str:
        """Return the prediction as a line of JSON."""
        return json.dumps(
            {
                "query_id": self.query_id,
                "ranked": [[entry, round(score, 6)] for entry, score in self.ranked],
                "answered": self.answered,
                "confidence": round(self.confidence, 6),
                "ms": round(self.milliseconds, 4),
            },
            ensure_ascii=False,
        )


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What was measured. Seconds and milliseconds; `meaning_share`: of the queries, where vectors were compared."""

    entries: int
    queries: int
    build_seconds: float
    meaning_seconds: float
    p50: float
    p95: float
    meaning_share: float
    has_meaning: bool


def measure(
    kb: Path,
    queries: Path,
    out: Path,
    *,
    content_folder: Path,
    data_folder: Path | None = None,
    lexical: bool = False,
    thresholds: Thresholds | None = None,
) -> Measured:
    """Match every query against the knowledge base and write the predictions.

    `lexical`: without the semantic channel. Raises ContentError for a line that cannot be read.
    """
    subjects, asked = read_subjects(kb), read_queries(queries)
    with tempfile.TemporaryDirectory(prefix="guanjia-bench-") as scratch:
        folder = data_folder or Path(scratch)
        synonyms, lexicon = loading.load_language(content_folder)
        segmentation.prepare(folder, lexicon)
        began = time.perf_counter()
        matcher = matching.Matcher(subjects, synonyms, lexicon)
        built = time.perf_counter() - began
        channel = None if lexical else meaning.load(folder)
        began = time.perf_counter()
        matcher.attach(channel)
        meant = time.perf_counter() - began
        predictions = list(predict(matcher, asked, thresholds or Thresholds()))
    with out.open("w", encoding="utf-8") as file:
        file.writelines(prediction.line() + "\n" for prediction in predictions)
    times = sorted(prediction.milliseconds for prediction in predictions)
    return Measured(
        entries=len(subjects),
        queries=len(predictions),
        build_seconds=built,
        meaning_seconds=meant,
        p50=times[len(times) // 2] if times else 0.0,
        p95=times[min(len(times) - 1, int(len(times) * 0.95))] if times else 0.0,
        meaning_share=sum(prediction.by_meaning for prediction in predictions) / max(1, len(predictions)),
        has_meaning=channel is not None,
    )


def predict(
    matcher: matching.Matcher, queries: Iterable[Query], thresholds: Thresholds
) -> Iterator[Prediction]:
    """Return the predictions, one query at a time. The first question warms the tables up and is asked twice."""
    for place, query in enumerate(queries):
        if place == 0:
            matcher.read(query.text)
        began = time.perf_counter()
        reading = matcher.read(query.text)
        decision = matching.decide(reading, thresholds)
        took = time.perf_counter() - began
        matches = reading.matches
        # Two askings are interleaved, so the order is that of the reading and not of the scores.
        yield Prediction(
            query_id=query.id,
            ranked=tuple((match.faq_id, match.score) for match in matches),
            answered=decision.choice is Choice.ANSWER,
            confidence=matches[0].confidence if matches else 0.0,
            milliseconds=took * 1000,
            by_meaning=any(evidence.layer == "meaning" for match in matches[:2] for evidence in match.layers),
        )


def read_subjects(path: Path) -> list[matching.Subject]:
    """Return the entries of a knowledge base: a line of JSON each with id, question and similar questions."""
    return [
        matching.Subject(
            id=str(row["id"]), question=str(row["question"]), asks=tuple(map(str, _list(row.get("similar"))))
        )
        for row in rows(path, ("id", "question"))
    ]


def read_queries(path: Path) -> list[Query]:
    """Return the messages: a line of JSON each with query_id and text."""
    return [Query(id=str(row["query_id"]), text=str(row["text"])) for row in rows(path, ("query_id", "text"))]


def _list(found: object) -> list[object]:
    return found if isinstance(found, list) else []


def rows(path: Path, needed: tuple[str, ...]) -> Iterator[dict[str, object]]:
    """Return the lines of a file as JSON objects that have what is `needed`. Raises ContentError."""
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict) or any(key not in row for key in needed):
            raise ContentError(
                [f"{path}:{number}: not a line of JSON with {', '.join(needed)}; mend the file"]
            )
        yield row

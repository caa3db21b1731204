"""Outside measurement of suggestions: each question ends a talk, after two to four turns of small talk.

The same reading, finding and choosing as for an advisor, over entries made from the given file alone. Of our own
content only what is knowledge of the language is used, the quick phrases, which compete for the three places, and the
small talk (content/suggesting/small_talk.toml), chosen by a hash of the question's id. The bare question is matched as
well, so that both figures stand side by side. Called by `guanjia suggest bench`; the prediction lines are those of the
scorer in docs/content.md.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from bot import faq_bench
from bot.faq_bench import Prediction
from content import elsewhere, loading, matching, meaning, segmentation
from content.knowledge import Knowledge
from content.suggesting import choosing, finding, offers, reading
from domain.faq import Choice, EntityMode, Faq, Line, Match, Scope, Thresholds
from domain.suggestion import NewSuggestion, SuggestionSource, TalkLine

_SMALL_TALK = Path(reading.__file__).with_name("small_talk.toml")
_DAY = date(2026, 11, 22)
_BEGAN = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
_TURN = timedelta(minutes=4)
_REPLY = timedelta(seconds=40)
_LEAST_TURNS, _MOST_TURNS = 2, 4
_RANKED = 3


@dataclass(frozen=True, kw_only=True)
class Query:
    """One message with the entries that would be right, empty where nobody says."""

    id: str
    text: str
    gold: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class SmallTalk:
    """What is said before the question: lines of the customer, and of the colleague who answers them."""

    customer: tuple[str, ...]
    staff: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What was measured. `hit3`: shares of the answerable questions; None where no query says what is right.

    `misread`: questions that were taken for small talk. Milliseconds are of one core.
    """

    entries: int
    queries: int
    answerable: int
    hit3: float | None
    bare_hit3: float | None
    misread: int
    p50: float
    p95: float
    has_meaning: bool


def measure(
    kb: Path,
    queries: Path,
    out: Path,
    *,
    content_folder: Path,
    data_folder: Path | None = None,
    lexical: bool = False,
) -> Measured:
    """Suggest replies to every query after small talk and write the predictions.

    `lexical`: without the semantic channel. Raises ContentError for a line that cannot be read.
    """
    subjects, asked, talk = faq_bench.read_subjects(kb), read_queries(queries), small_talk()
    with tempfile.TemporaryDirectory(prefix="guanjia-bench-") as scratch:
        folder = data_folder or Path(scratch)
        content = loading.load(content_folder)
        segmentation.prepare(folder, content.lexicon)
        known = _knowledge(content, subjects)
        channel = None if lexical else meaning.load(folder)
        known.matcher.attach(channel)
        made = list(predict(known, asked, talk))
        bare = [known.matcher.read(query.text).matches[:_RANKED] for query in asked]
    with out.open("w", encoding="utf-8") as file:
        file.writelines(one.line() + "\n" for one, _ in made)
    answerable = [place for place, query in enumerate(asked) if query.gold]
    times = sorted(one.milliseconds for one, _ in made)
    return Measured(
        entries=len(subjects),
        queries=len(asked),
        answerable=len(answerable),
        hit3=_share(asked, answerable, [[entry for entry, _ in one.ranked] for one, _ in made]),
        bare_hit3=_share(asked, answerable, [[match.faq_id for match in found] for found in bare]),
        misread=sum(made[place][1] for place in answerable),
        p50=times[len(times) // 2] if times else 0.0,
        p95=times[min(len(times) - 1, int(len(times) * 0.95))] if times else 0.0,
        has_meaning=channel is not None,
    )


def predict(known: Knowledge, queries: Sequence[Query], talk: SmallTalk) -> Iterator[tuple[Prediction, bool]]:
    """Return for each query its prediction, and whether it was taken for small talk. The first one is asked twice."""
    setting = offers.Setting(company={})
    for place, query in enumerate(queries):
        lines = talk_before(query, talk)
        if place == 0:
            known.decide(query.text)
        began = time.perf_counter()
        asked = reading.read(lines, known.content.signals)
        found = finding.find(known, asked)
        chosen, _ = choosing.choose(known, found, replace(setting, asked=asked.text))
        took = time.perf_counter() - began
        yield _prediction(query, found, chosen, took), asked.is_chatter


def talk_before(query: Query, talk: SmallTalk) -> list[TalkLine]:
    """Return the talk that ends with the question: two to four turns of small talk, some of them answered.

    Always the same for a query, whatever else is measured.
    """
    dice = _Dice(query.id)
    lines: list[TalkLine] = []
    at = _BEGAN
    for _ in range(_LEAST_TURNS + dice.throw(_MOST_TURNS - _LEAST_TURNS + 1)):
        lines.append(TalkLine(text=dice.pick(talk.customer), at=at, is_customer=True, message_id=len(lines)))
        if dice.throw(2):
            lines.append(
                TalkLine(text=dice.pick(talk.staff), at=at + _REPLY, is_customer=False, message_id=len(lines))
            )
        at += _TURN
    lines.append(TalkLine(text=query.text, at=at, is_customer=True, message_id=len(lines)))
    return lines


def small_talk() -> SmallTalk:
    """Return the built-in small talk."""
    values = tomllib.loads(_SMALL_TALK.read_text("utf-8"))
    return SmallTalk(customer=tuple(values["customer"]), staff=tuple(values["staff"]))


def read_queries(path: Path) -> list[Query]:
    """Return the messages: a line of JSON each with query_id and text, perhaps with gold."""
    return [
        Query(id=str(row["query_id"]), text=str(row["text"]), gold=frozenset(_texts(row.get("gold"))))
        for row in faq_bench.rows(path, ("query_id", "text"))
    ]


class _Dice:
    """Choices that depend on nothing but a name."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._thrown = 0

    def throw(self, sides: int) -> int:
        """Return a number from 0 to `sides` - 1."""
        self._thrown += 1
        digest = hashlib.sha256(f"{self._name}\x1f{self._thrown}".encode()).digest()
        return int.from_bytes(digest[:8], "big") % sides

    def pick(self, lines: Sequence[str]) -> str:
        return lines[self.throw(len(lines))]


def _prediction(
    query: Query, found: finding.Found, chosen: Sequence[NewSuggestion], seconds: float
) -> Prediction:
    matches: Sequence[Match] = found.decision.matches or found.decision.considered
    return Prediction(
        query_id=query.id,
        ranked=tuple((one.source_id, one.score) for one in chosen if one.source is SuggestionSource.FAQ),
        answered=found.decision.choice is Choice.ANSWER and bool(chosen),
        confidence=matches[0].confidence if matches else 0.0,
        milliseconds=seconds * 1000,
        by_meaning=False,
    )


def _knowledge(content: loading.Content, subjects: Iterable[matching.Subject]) -> Knowledge:
    """Return a Knowledge of the given entries alone; their answers are their ids."""
    entries = list(subjects)
    matcher = matching.Matcher(entries, content.synonyms, content.lexicon)
    return Knowledge(
        content=replace(content, faqs={}, ambiguous=(), elsewhere=elsewhere.Elsewhere(())),
        faqs={one.id: _faq(one) for one in entries},
        replies={},
        versions={},
        matcher=matcher,
        thresholds=Thresholds(),
        entity_modes=dict.fromkeys(Line, EntityMode.LICENSED),
        stopped=frozenset(),
        today=_DAY,
        # The phrases compete for the three places as they do for an advisor; they are no entries of the file.
        quick=content.quick,
    )


def _faq(subject: matching.Subject) -> Faq:
    return Faq(
        id=subject.id,
        line=Line.SERVICE,
        source_id="",
        question=subject.question,
        asks=subject.asks,
        keywords=subject.keywords,
        answer=subject.id,
        risk_lines=(),
        handover=(),
        handover_at_once=False,
        scope=Scope.GENERAL,
        source="",
        reviewer="",
        reviewed_on=_DAY,
        valid_from=_DAY,
        valid_until=_DAY,
        fact_valid_until=None,
        follow_ups=(),
        digest="",
        file="",
        lineno=0,
    )


def _share(
    asked: Sequence[Query], answerable: Sequence[int], ranked: Sequence[Sequence[str]]
) -> float | None:
    if not answerable:
        return None
    hits = sum(bool(asked[place].gold & set(ranked[place][:_RANKED])) for place in answerable)
    return hits / len(answerable)


def _texts(found: object) -> list[str]:
    return [str(one) for one in found] if isinstance(found, list) else []

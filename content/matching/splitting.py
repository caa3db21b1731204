"""The askings of a message: people put two questions in one, or one question among other talk.

Where a message may be cut is decided by punctuation and by words that open a further question; which parts are askings
is decided by matching each of them with the cheap layers, so that the semantic channel reads one or two texts at most.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import Protocol

from content.matching import judging, language, text
from domain.faq import Match

LIMIT_CHARACTERS = 600
_LIMIT_PARTS = 24
_SENTENCE = re.compile(r"[。！？!?；;\n\r…]+|\.{3,}|(?<=[\u4e00-\u9fff])\.")
_CLAUSE = re.compile(r"[，,、：:~～]+|(?<=[\u4e00-\u9fff]) +(?=[\u4e00-\u9fff])")
_LINK = re.compile(
    r"[，,。；;！!？?\s](?:另外|还有|顺便|以及|再就是|再有|其次|对了|此外|除此之外|同时|然后还有)(?:就是|呢|啊|的话)?[，,、：:]?(?=[^，,。！!？?；;\n]{3,})"
)
_ASK_AGAIN = re.compile(
    r"(?:[，,。；;！!？?\s]|(?<=[吗呢么吧啊]))(?:我)?(?:另外|顺便|还|再|也|最后|然后|同时)+(?:我)?(?:还|再|也)?(?:想|要)?(?:请)?(?:问|咨询|请教|打听|了解)(?:一?下|问|个问题)?"
    r"(?:你们?|您)?[，,、：:]?"
)


_WHOLE_UNITS = 45  # A message up to this long may be one question in several sentences.
_FEW_CLAUSES = 3  # A sentence of more is a row of remarks, each read by itself.
_MOST_ASKINGS = 3
_COMPARED = 2  # Parts of a message that are matched whole, with the meaning.
_ALSO_ASKED = 0.35  # Confidence at which an unlinked further sentence is a question of its own.
_MOST_READ = 9  # Parts of a message that are matched, the most promising ones.


class Matching(Protocol):
    """What splitting needs of the matcher."""

    def match(self, asking: str, topic: str = "", *, doubt: float = 0.0) -> list[Match]:
        """Return the matches of one asking."""

    def confidence(self, asking: str) -> float:
        """Return the confidence of the cheap layers."""

    def promise(self, part: str) -> float:
        """Return how much of a part any entry knows."""


@dataclass(frozen=True, kw_only=True)
class Asking:
    """One question of a message with what it may mean, the best first."""

    text: str
    matches: tuple[Match, ...] = ()

    @property
    def confidence(self) -> float:
        """Confidence in the best match; 0 without one."""
        return self.matches[0].confidence if self.matches else 0.0


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A message as questions. `askings`: in the order they were put; at least one, perhaps without matches."""

    askings: tuple[Asking, ...]

    @property
    def matches(self) -> tuple[Match, ...]:
        """All matches, the best of each asking in turn, every entry once, at most ten."""
        found: dict[str, Match] = {}
        ordered = sorted(self.askings, key=lambda one: -one.confidence)
        for place in range(max((len(one.matches) for one in ordered), default=0)):
            for one in ordered:
                if place < len(one.matches):
                    found.setdefault(one.matches[place].faq_id, one.matches[place])
        return tuple(found.values())[:10]


@dataclass(frozen=True, kw_only=True)
class Parts:
    """`sentences`: the askings a message may hold, in order, greetings left out; `clauses`: those of each sentence.

    `is_linked`: words like 另外 or 还想问 say that there are several questions.
    """

    sentences: tuple[str, ...]
    clauses: tuple[tuple[str, ...], ...]
    is_linked: bool


def split(message: str) -> Parts:
    """Return the parts of a message; one sentence for a simple question."""
    cleaned = text.clean(message[:LIMIT_CHARACTERS])
    linked = _ASK_AGAIN.sub("\n", cleaned)
    linked = _LINK.sub("\n", linked)
    sentences = [one for one in map(_core, _SENTENCE.split(linked)) if one]
    clauses = tuple(tuple(filter(None, map(_core, _CLAUSE.split(one)))) for one in sentences[:_LIMIT_PARTS])
    return Parts(sentences=tuple(sentences[:_LIMIT_PARTS]), clauses=clauses, is_linked=linked != cleaned)


def _core(part: str) -> str:
    """Return a part without politeness; empty when nothing else is in it."""
    part = part.strip(" ，,、：:~～-—\"'“”")
    if language.GREETING.fullmatch(part):
        return ""
    return part


def read(message: str, matcher: Matching) -> Reading:
    """Return the askings of a message with their matches."""
    parts = split(message)
    if len(parts.sentences) < 2 and (not parts.clauses or len(parts.clauses[0]) <= _FEW_CLAUSES):
        asked = parts.sentences[0] if parts.sentences else message
        return Reading(askings=(Asking(text=asked, matches=tuple(matcher.match(asked))),))
    sentences = zip(parts.sentences, parts.clauses, strict=True)
    spans = list(dict.fromkeys(span for sentence in sentences for span in _spans(*sentence)))
    promising = sorted(spans, key=matcher.promise, reverse=True)[:_MOST_READ]
    sure = dict.fromkeys(spans, 0.0) | {span: matcher.confidence(span) for span in promising}
    whole = " ".join(parts.sentences)
    is_short = len(text.units(whole)) <= _WHOLE_UNITS and not parts.is_linked
    if is_short and matcher.confidence(whole) >= max(sure.values()):
        return Reading(askings=(Asking(text=whole, matches=tuple(matcher.match(whole))),))
    several = parts.is_linked and len(spans) <= _MOST_ASKINGS
    chosen = _chosen(spans, sure, _MOST_ASKINGS if several else _COMPARED)
    doubt = 0.0 if several else judging.doubt(len(spans))
    askings = [Asking(text=span, matches=tuple(matcher.match(span, doubt=doubt))) for span in chosen]
    best = max(one.confidence for one in askings)
    kept = [one for one in askings if several or one.confidence >= min(best, _ALSO_ASKED)]
    return Reading(askings=tuple(kept))


def _spans(sentence: str, clauses: tuple[str, ...]) -> list[str]:
    """Return the parts of a sentence that may be a question: the whole, or of a row of remarks each and neighbours."""
    if len(clauses) <= _FEW_CLAUSES:
        return [sentence]
    return [*clauses, *(f"{left}，{right}" for left, right in itertools.pairwise(clauses))]


def _chosen(spans: list[str], sure: dict[str, float], most: int) -> list[str]:
    """Return the likeliest spans that do not overlap, in the order of the message."""
    taken: list[str] = []
    for span in sorted(spans, key=lambda span: -sure[span]):
        if len(taken) < most and not any(span in other or other in span for other in taken):
            taken.append(span)
    return sorted(taken, key=spans.index)

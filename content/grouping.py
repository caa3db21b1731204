"""Questions that ask the same in other words, put together and counted.

Pure. Used for questions the bot had no sure answer to (console/unanswered_page.py, `guanjia faq gaps`), so that an
editor sees what to write first. Two texts are alike by the pairs of characters they share, rare ones weighing more;
the entry that came nearest counts as one more thing in common. The most frequent wordings lead the groups, so the
result does not depend on the order of the questions.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from content import normalising

# Dice's coefficient of the weights from which a text joins a group. Below 0.4 questions about one product with
# different wishes fall together, above 0.55 plain rewordings fall apart (looked at by hand, 2026-11-22).
_ALIKE = 0.46
_EXAMPLES = 5
_WORDINGS = 30
_ANSWERS = 5
_COMPARED = 300  # Characters of a text; what stands behind makes no difference.
# The first and last words of a text that say nothing about what it asks.
_POLITE = re.compile(
    r"^(?:你好|您好|在吗|在么|hi|hello|请问一?下?|问一?下|想问一?下|我想问一?下?|麻烦问一?下?|咨询一?下?|亲|客服|老师|那个|嗯|哦|那么?|还有)+"
    r"|(?:谢谢|谢了|感谢|麻烦了|啊|呀|呢|吧|哈|嘛|哦|哇|喔|的|了|吗|么)+$"
)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A question as it was asked. `nearest`: the entry that came closest, or empty; `confidence`: how close.

    `source`: how it became known. `answered_by`, `answer`: who answered it and how, where a person did.
    """

    text: str
    customer: int | str
    at: datetime
    nearest: str = ""
    confidence: float = 0.0
    source: str = ""
    answered_by: str = ""
    answer: str = ""


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What people answered to the questions of a group. `count`: how often in these words, `by`: who, by UserID."""

    text: str
    by: tuple[str, ...]
    count: int


@dataclass(frozen=True, kw_only=True)
class Group:
    """Questions that ask the same. `examples`: up to five wordings, the most frequent first; `wordings`: up to thirty.

    `nearest`: the entry that most of them came closest to, `confidence` the mean of those. `sources`: how many became
    known how, the most first. `answers`: what people answered, the most frequent and then the longest first.
    """

    count: int
    customers: int
    examples: tuple[str, ...]
    nearest: str
    confidence: float
    last_at: datetime
    wordings: tuple[str, ...] = ()
    sources: tuple[tuple[str, int], ...] = ()
    answers: tuple[Answered, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Wording:
    """One wording with everybody who used it. `tokens` in one order everywhere, so that sums do not differ."""

    core: str
    asked: tuple[Asked, ...]
    tokens: tuple[tuple[str, float], ...]
    weight: float


def groups_of(asked: Iterable[Asked]) -> list[Group]:
    """Return the groups, the largest first, then the one asked about last; every question is in exactly one.

    About 1 s for 10,000 different wordings (2 cores, 2026-11-22).
    """
    by_core: dict[str, list[Asked]] = defaultdict(list)
    for one in asked:
        by_core[core_of(one.text)].append(one)
    wordings = _weighed(by_core)
    gathered = [_group([one for wording in group for one in wording.asked]) for group in _gathered(wordings)]
    return sorted(
        gathered, key=lambda one: (-one.count, -one.customers, -one.last_at.timestamp(), one.examples)
    )


def core_of(text: str) -> str:
    """Return what of a text says what it asks."""
    plain = normalising.normalise(text).replace(" ", "")[:_COMPARED]
    return _POLITE.sub("", plain) or plain


def _weighed(by_core: dict[str, list[Asked]]) -> list[_Wording]:
    """Return the wordings in the order in which they may lead a group: the most frequent first."""
    tokens = {core: _tokens(core, asked) for core, asked in by_core.items()}
    known = Counter(token for found in tokens.values() for token in found)
    count = len(by_core)
    weights = {token: math.log(2 + count / number) for token, number in known.items()}
    wordings = []
    for core, asked in by_core.items():
        weighed = sorted(
            ((token, weights[token]) for token in tokens[core]), key=lambda one: (-one[1], one[0])
        )
        wordings.append(
            _Wording(
                core=core,
                asked=tuple(asked),
                tokens=tuple(weighed),
                weight=sum(weight for _, weight in weighed),
            )
        )
    return sorted(wordings, key=lambda one: (-len(one.asked), one.core))


def _tokens(core: str, asked: Sequence[Asked]) -> set[str]:
    pairs = {core[at : at + 2] for at in range(max(len(core) - 1, 1))}
    nearest = _usual(one.nearest for one in asked)
    return pairs | ({f"@{nearest}"} if nearest else set())


def _gathered(wordings: Sequence[_Wording]) -> list[list[_Wording]]:
    """Put each wording to the leader it is most like, the first of equals, or let it lead a group of its own."""
    groups: list[list[_Wording]] = []
    leading = _Leaders(wordings)
    for wording in wordings:
        at = leading.find_alike(wording)
        if at is None:
            leading.add(wording)
            groups.append([wording])
        else:
            groups[at].append(wording)
    return groups


class _Leaders:
    """The wordings that lead a group, found by what they share with another: by token, the leaders that have it."""

    def __init__(self, wordings: Sequence[_Wording]) -> None:
        known = Counter(token for wording in wordings for token, _ in wording.tokens)
        self._places = {token: np.empty(number, np.int32) for token, number in known.items()}
        self._filled = dict.fromkeys(known, 0)
        self._weights = np.zeros(len(wordings))
        self._count = 0

    def find_alike(self, wording: _Wording) -> int | None:
        """Return the number of the leader that is most alike, None when none is alike enough."""
        if not self._count:
            return None
        shared = np.zeros(self._count)
        for token, weight in wording.tokens:
            shared[self._places[token][: self._filled[token]]] += weight
        alike = 2 * shared / (self._weights[: self._count] + wording.weight)
        best = int(alike.argmax())
        return best if alike[best] >= _ALIKE else None

    def add(self, wording: _Wording) -> None:
        for token, _ in wording.tokens:
            self._places[token][self._filled[token]] = self._count
            self._filled[token] += 1
        self._weights[self._count] = wording.weight
        self._count += 1


def _group(asked: list[Asked]) -> Group:
    wordings = Counter(one.text for one in asked)
    nearest = _usual(one.nearest for one in asked)
    near = sorted(one.confidence for one in asked if one.nearest == nearest)
    said = sorted(wordings, key=lambda text: (-wordings[text], len(text), text))
    sources = Counter(one.source for one in asked if one.source)
    return Group(
        count=len(asked),
        customers=len({one.customer for one in asked}),
        examples=tuple(said[:_EXAMPLES]),
        nearest=nearest,
        confidence=sum(near) / len(near),
        last_at=max(one.at for one in asked),
        wordings=tuple(said[:_WORDINGS]),
        sources=tuple(sorted(sources.items(), key=lambda one: (-one[1], one[0]))),
        answers=_answers(asked),
    )


def _answers(asked: Sequence[Asked]) -> tuple[Answered, ...]:
    by_text: dict[str, list[str]] = defaultdict(list)
    for one in asked:
        if one.answer.strip():
            by_text[one.answer.strip()].append(one.answered_by)
    found = [
        Answered(text=text, by=tuple(dict.fromkeys(filter(None, sorted(by)))), count=len(by))
        for text, by in by_text.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.count, -len(one.text), one.text))[:_ANSWERS])


def _usual(names: Iterable[str]) -> str:
    """Return the most frequent of the names that are not empty, the first by name among equals."""
    counts = Counter(name for name in names if name)
    return min(counts, key=lambda name: (-counts[name], name), default="")

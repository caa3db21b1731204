"""Which entry a customer's words mean, and whether that is sure enough to answer.

Pure and small on purpose: the layers are words (jieba, synonyms), pairs of characters and the entry's own
keywords, each weighed by how rare it is among the entries; words no entry knows count against a match. Built
from the entries that may be served now (content/serving.py), about 10 ms for 60 of them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from content import normalising, segmentation
from domain.faq import Choice, Decision, Faq, Match, Thresholds

_LIMIT_CHARACTERS = 200  # Longer messages are cut: the question is found at either end or not at all.
_LIST_SIZE = 10
_FILLER = re.compile(
    r"^(?:您好|你好|亲|请问|请教|麻烦|那个|客服|老师|在吗|你们|一下|哈喽|嗨| |"
    r"我?想?要?(?:问|咨询|了解)(?:一?下)?)+"
    r"|(?:谢谢|多谢|感谢|麻烦了?|拜托|[啊呀哦呢吧哈嘛啦哇]| )+$"
)
# Words that say nothing about the subject.
_EMPTY_WORDS = frozenset(
    re.findall(
        r"\S+",
        """
    的 了 吗 呢 啊 吧 呀 是 我 你 您 他 她 它 们 我们 你们 这 那 这个 那个 个
    一个 一下 就 都 也 还 又 和 跟 与 在 有 要 会 能 可以 可 想 给 把 被 让
    到 去 来 说 呗 嘛 哦 哈 请 请问 现在 已经 然后 因为 所以 但是 如果 的话 什么 怎么 多少 多久
    么 为什么 哪 哪里 哪个 谁 几 不 没 没有 行 好 知道 什么样 意思 办 怎么办 上 下 里 之 对
    呃 嗯
""",
    )
)
_EMPTY_WEIGHT = 0.15
_UNKNOWN_SHARE = 0.5
_COVERED_SHARE = 0.5
_NEGATED = re.compile(
    r"(?:不想|不要|不打算|不准备|没想|不是要|不是想|不用|别)(?:再|去|给我|帮我|要)?([^ ]{2,6})"
)
_REFUSED_FACTOR = 0.4
_FOREIGN_FACTOR = 0.6
_WORD_PART, _PAIR_PART, _KEYWORD_PART = 0.4, 0.2, 0.4


@dataclass(frozen=True, kw_only=True)
class _Text:
    """A text as the layers see it."""

    plain: str  # Normalised, fillers gone, synonyms replaced, no spaces.
    words: frozenset[str]
    pairs: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class _Entry:
    faq: Faq
    phrases: tuple[tuple[str, _Text], ...]  # (as written, as the layers see it)
    words: frozenset[str]
    pairs: frozenset[str]
    keywords: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Layer:
    """One layer of an entry: all it knows, and each phrase with its size."""

    known: frozenset[str]
    phrases: tuple[tuple[frozenset[str], float], ...]


class Matcher:
    """Finds entries by a customer's words. Rebuilds itself once when a better segmenter is ready."""

    def __init__(
        self,
        faqs: Iterable[Faq],
        synonyms: Mapping[str, str] | None = None,
        lexicon: Iterable[str] = (),
    ) -> None:
        self._faqs = tuple(faqs)
        self._lexicon = frozenset(map(normalising.normalise, lexicon))
        self._synonyms = dict(synonyms or {})
        said = sorted(map(re.escape, self._synonyms), key=len, reverse=True)
        self._said = re.compile("|".join(said)) if said else None
        self._segmenter = segmentation.current()
        self._build()

    def match(self, text: str) -> list[Match]:
        """Return the entries that fit, the best first, at most ten; empty when nothing is shared.

        Scores are 0..1; what they allow is `decide`. Words beyond 200 characters are not read.
        """
        if self._segmenter is not segmentation.current():
            self._segmenter = segmentation.current()
            self._build()
        asked = self._read(text)
        if not asked.plain or asked.plain.isdigit():
            return []
        scored = [(self._score(asked, at), at) for at in self._candidates(asked)]
        best = sorted(((score, at) for score, at in scored if score > 0.05), reverse=True)[:_LIST_SIZE]
        return [self._match(asked, self._entries[at], score) for score, at in best]

    def _build(self) -> None:
        self._entries = [self._entry(faq) for faq in self._faqs]
        self._rarity: dict[str, float] = {}
        self._places: dict[str, list[int]] = {}
        for at, entry in enumerate(self._entries):
            for token in entry.words | entry.pairs:
                self._places.setdefault(token, []).append(at)
        count = len(self._entries)
        for token, places in self._places.items():
            self._rarity[token] = math.log(1 + (count + 1) / (len(places) + 0.5))
        self._unknown = _UNKNOWN_SHARE * math.log(1 + (count + 1) / 0.5)
        self._word_layers = [
            self._layer(entry.words, [text.words for _, text in entry.phrases]) for entry in self._entries
        ]
        self._pair_layers = [
            self._layer(entry.pairs, [text.pairs for _, text in entry.phrases]) for entry in self._entries
        ]

    def _entry(self, faq: Faq) -> _Entry:
        phrases = tuple((phrase, self._read(phrase)) for phrase in (faq.question, *faq.asks))
        keywords = [self._read(keyword) for keyword in faq.keywords]
        texts = [text for _, text in phrases] + keywords
        return _Entry(
            faq=faq,
            phrases=phrases,
            words=frozenset(word for text in texts for word in text.words),
            pairs=frozenset(pair for text in texts for pair in text.pairs),
            keywords=tuple(dict.fromkeys(keyword.plain for keyword in keywords)),
        )

    def _read(self, text: str) -> _Text:
        words = normalising.normalise(text[:_LIMIT_CHARACTERS])
        words = _FILLER.sub("", words) or words
        if self._said is not None:
            words = self._said.sub(lambda found: self._synonyms[found[0]], words)
        plain = words.replace(" ", "")
        tokens = [token for part in self._segmenter.cut(words) for token in part.split()]
        pairs = (plain[at : at + 2] for at in range(len(plain) - 1))
        return _Text(plain=plain, words=frozenset(tokens), pairs=frozenset("~" + pair for pair in pairs))

    def _candidates(self, asked: _Text) -> set[int]:
        """Return the entries that share at least one word that says something, or a pair of characters."""
        tokens = [token for token in (*asked.words, *asked.pairs) if token not in _EMPTY_WORDS]
        return {at for token in tokens for at in self._places.get(token, ())}

    def _weight(self, token: str) -> float:
        if token in _EMPTY_WORDS:
            return _EMPTY_WEIGHT
        return self._rarity.get(token, self._unknown)

    def _layer(self, known: frozenset[str], phrases: list[frozenset[str]]) -> _Layer:
        sized = tuple((phrase, sum(map(self._weight, phrase))) for phrase in phrases)
        return _Layer(known=known, phrases=sized)

    def _score(self, asked: _Text, at: int) -> float:
        entry = self._entries[at]
        words = self._layer_score(asked.words, self._word_layers[at])
        pairs = self._layer_score(asked.pairs, self._pair_layers[at])
        hits = sum(len(word) for word in entry.keywords if word in asked.plain)
        keywords = min(1.0, 2 * hits / (len(asked.plain) + 1))
        score = _WORD_PART * words + _PAIR_PART * pairs + _KEYWORD_PART * keywords
        if self._is_refused(asked, entry):
            score *= _REFUSED_FACTOR
        if self._is_mostly_foreign(asked, entry):
            score *= _FOREIGN_FACTOR
        return score

    def _layer_score(self, asked: frozenset[str], layer: _Layer) -> float:
        """Return how well a layer fits: in part what of the question it knows, in part its best phrase."""
        weights = {token: self._weight(token) for token in asked}
        total = sum(weights.values())
        shared = asked & layer.known
        if not shared:
            return 0.0
        best = 0.0
        for phrase, size in layer.phrases:
            common = sum(weights[token] for token in shared if token in phrase)
            best = max(best, 2 * common / (total + size))
        covered = sum(weights[token] for token in shared) / total
        return _COVERED_SHARE * covered + (1 - _COVERED_SHARE) * best

    def _is_mostly_foreign(self, asked: _Text, entry: _Entry) -> bool:
        """Say whether the entry knows less than half of what the words say: "推荐一部电影".

        A word of our trade among its keywords ("犹豫期") shows the subject whatever else is said.
        """
        if any(word in self._lexicon and word in asked.plain for word in entry.keywords):
            return False
        telling = asked.words - _EMPTY_WORDS
        known = sum(len(word) for word in telling if word in entry.words)
        return 2 * known < sum(map(len, telling))

    def _is_refused(self, asked: _Text, entry: _Entry) -> bool:
        """Say whether the customer does not want what the entry is about: "我不想退保"."""
        found = _NEGATED.search(asked.plain)
        if found is None:
            return False
        about = any(found[1].startswith(word) for word in entry.keywords)
        return about and not any(found[0] in text.plain for _, text in entry.phrases)

    def _match(self, asked: _Text, entry: _Entry, score: float) -> Match:
        exact = next((said for said, text in entry.phrases if text.plain == asked.plain), None)
        if exact is not None:
            return Match(faq_id=entry.faq.id, score=1.0, reasons=(f"与问法“{exact}”一致",))
        return Match(faq_id=entry.faq.id, score=min(score, 0.99), reasons=self._reasons(asked, entry))

    def _reasons(self, asked: _Text, entry: _Entry) -> tuple[str, ...]:
        reasons = []
        keywords = [word for word in entry.keywords if word in asked.plain]
        if keywords:
            reasons.append("命中关键词：" + "、".join(keywords[:5]))
        shared = {said: len(asked.pairs & text.pairs) for said, text in entry.phrases}
        closest = max(shared, key=lambda said: shared[said])
        if shared[closest]:
            reasons.append(f"最接近的问法：“{closest}”")
        content_words = [word for word in asked.words if word not in _EMPTY_WORDS]
        missing = [word for word in content_words if word not in entry.words]
        if missing:
            reasons.append("没有对上的词：" + "、".join(missing[:5]))
        if self._is_refused(asked, entry):
            reasons.append("客户表示不要，已降低分数")
        return tuple(reasons)


def decide(matches: list[Match], thresholds: Thresholds | None = None) -> Decision:
    """Return what the matches allow: one answer, a menu of up to three, or unknown.

    One entry is answered when it is good enough and clearly better than the next; a single possible entry
    that is not good enough is offered as a menu of one.
    """
    limits = thresholds or Thresholds()
    possible = [match for match in matches if match.score >= limits.menu_score]
    if not possible:
        return Decision(choice=Choice.UNKNOWN)
    best = possible[0]
    clear = len(matches) < 2 or best.score - matches[1].score >= limits.answer_margin
    if best.score == 1.0 or (best.score >= limits.answer_score and clear):
        return Decision(choice=Choice.ANSWER, matches=(best,))
    near = [match for match in possible if match.score >= best.score * 0.6]
    return Decision(choice=Choice.MENU, matches=tuple(near[: limits.menu_size]))

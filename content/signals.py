"""Signals in a customer's words: asks for a person, complains, greets, is in danger.

Pure. What follows from a signal is decided by the handlers; the patterns are content/signals.toml.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from content import normalising, patterns, sensitive, tables
from domain.faq import HandoverCode
from domain.replies import SignalHit, SignalKind

KEYS = frozenset({"id", "kind", "code", "patterns", "unless", "must_match", "must_not_match"})
_URGENCY = {kind: place for place, kind in enumerate(SignalKind)}
_DOTS = re.compile(r"\.{4,}")  # Thousands of them would cost seconds to search.
_SPACED = re.compile("(?<![\u3400-\u9fff])[\u3400-\u9fff](?: [\u3400-\u9fff]){2,}(?![\u3400-\u9fff])")
_WORD = re.compile(r"[^\W_]")
_FILLER = re.compile(r"[啊呀哦喔嗯呢吧哈啦嘞哇的了您你我亲好们在有先再请太非常]|老师|客服|小姐姐|经理|顾问")


@dataclass(frozen=True, kw_only=True)
class Signal:
    """One signal with its patterns and the examples that prove them."""

    id: str
    kind: SignalKind
    code: HandoverCode | None
    patterns: patterns.Patterns
    must_match: tuple[str, ...]
    must_not_match: tuple[str, ...]


class Signals:
    """Every signal of the content, ready to search."""

    def __init__(self, signals: Sequence[Signal]) -> None:
        self.signals = tuple(signals)

    def find(self, text: str) -> list[SignalHit]:
        """Return the signals in a text, the most urgent first, one hit per signal."""
        folded = _joined(text)
        hits = []
        for signal in self.signals:
            spans = signal.patterns.spans(folded)
            if spans:
                whole = _is_whole(folded, spans)
                hits.append(
                    SignalHit(id=signal.id, kind=signal.kind, code=signal.code, span=spans[0], whole=whole)
                )
        hits += _sensitive(text)
        return sorted(hits, key=lambda hit: _URGENCY[hit.kind])


def _sensitive(text: str) -> list[SignalHit]:
    """Return the hit for numbers that should not have been typed, at most one."""
    spans = sensitive.find(text)
    if not spans:
        return []
    whole = _is_whole(normalising.folded(text), spans)
    kind = SignalKind.SENSITIVE
    return [SignalHit(id=kind.value, kind=kind, code=None, span=spans[0], whole=whole)]


def parse_signal(table: tables.Table) -> Signal:
    """Return the signal of a table; what is wrong with it is noted in the table's mistakes."""
    table.check_keys(KEYS)
    kind, code = table.text("kind"), table.text("code", optional=True)
    kinds = [str(member.value) for member in SignalKind]
    codes = [str(member.value) for member in HandoverCode]
    if kind and kind not in kinds:
        table.wrong(
            f"has an unknown kind {kind!r}{tables.nearest(kind, kinds)}", "kind", f"的 kind {kind} 不认识"
        )
    if code and code not in codes:
        table.wrong(
            f"has an unknown code {code!r}{tables.nearest(code, codes)}", "code", f"的 code {code} 不认识"
        )
    return Signal(
        id=table.text("id"),
        kind=SignalKind(kind) if kind in kinds else SignalKind.FRAGMENT,
        code=HandoverCode(code) if code in codes else None,
        patterns=patterns.parse_patterns(table),
        must_match=table.texts("must_match", at_least=1),
        must_not_match=table.texts("must_not_match"),
    )


def check_examples(signal: Signal, table: tables.Table) -> None:
    """Note every example of a signal that its patterns do not obey."""
    for text in signal.must_match:
        if not signal.patterns.spans(normalising.folded(text)):
            table.wrong(
                f"does not match its example {text!r}; mend patterns",
                "must_match",
                f"没有认出例句“{text}”，请改 patterns",
            )
    for text in signal.must_not_match:
        if signal.patterns.spans(normalising.folded(text)):
            table.wrong(
                f"matches {text!r}, which it must not; mend patterns or unless",
                "must_not_match",
                f"误认了例句“{text}”，请改 patterns 或 unless",
            )


def _joined(text: str) -> str:
    """Return the folded text with "转 人 工" joined; a single space may part two sentences and stays."""
    folded = _DOTS.sub("...", normalising.folded(text))
    return _SPACED.sub(lambda found: found[0].replace(" ", ""), folded)


def _is_whole(folded: str, spans: list[tuple[int, int]]) -> bool:
    rest = list(folded)
    for start, end in spans:
        rest[start:end] = " " * (end - start)
    return not _WORD.search(_FILLER.sub("", "".join(rest)))

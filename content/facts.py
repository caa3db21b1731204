"""Facts of the FAQ as slots: what is said about a subject, read out of an answer and out of a statement as values.

Pure. The slots are [[fact]] tables in content/rubric/facts.toml: a figure ("told" finds it in the answer, whichever
version of it holds) or a plain yes or no ("right" and "wrong" are ways of saying it, "proof" must stand in the answer).
Values are compared with their units: 30日 and 一个月 are near enough, 30个工作日 is not. Which version held when is
audit/accuracy.py.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from content import normalising, patterns, tables
from content.reckoning import numerals

_SHARED_KEYS = ("id", "faq", "name", "about", "unless", "agrees", "contradicts")
KEYS = frozenset((*_SHARED_KEYS, "told", "unit", "mode", "right", "wrong", "proof"))


class Unit(StrEnum):
    """What a value is counted in."""

    DAY = "day"
    WORKDAY = "workday"
    MONTH = "month"
    YEAR = "year"
    HOUR = "hour"
    PERCENT = "percent"
    MONEY = "money"
    TIMES = "times"
    FOLD = "fold"  # 倍
    AGE = "age"
    DATE = "date"  # A day as yyyymmdd, a month as yyyymm00.


class Mode(StrEnum):
    """How a figure of a statement has to stand to that of the answer."""

    EXACT = "exact"  # One of the figures the answer gives.
    AT_MOST = "at_most"  # Not above; below it, nobody can tell.
    AT_LEAST = "at_least"  # Not below; above it, nobody can tell.


class Verdict(StrEnum):
    """How a statement stands to a fact."""

    AGREES = "agrees"
    CONTRADICTS = "contradicts"
    PARTIAL = "partial"  # The figure is right, its unit is not.
    UNSUPPORTED = "unsupported"  # It may be; the answer does not tell.


@dataclass(frozen=True)
class Value:
    """A figure in a folded text."""

    amount: Decimal
    unit: Unit
    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Slot:
    """One fact of an entry. `told` None: a yes or no."""

    id: str
    faq_id: str
    name: str
    about: patterns.Patterns
    unless: patterns.Patterns | None
    told: patterns.Patterns | None
    units: frozenset[Unit]
    mode: Mode
    right: patterns.Patterns | None
    wrong: patterns.Patterns | None
    proof: patterns.Patterns | None
    agrees: tuple[str, ...]
    contradicts: tuple[str, ...]

    def is_about(self, words: str) -> bool:
        """Say whether folded words speak of this fact."""
        return self.about.is_in(words) and not (self.unless and self.unless.is_in(words))


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A slot as one version of an answer fills it. `words`: the answer's own."""

    slot: Slot
    values: tuple[Value, ...]
    words: str


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a sentence says about a slot: its place in the folded text, and the figures or the yes or no of it."""

    slot: Slot
    start: int
    end: int
    values: tuple[Value, ...]
    is_right: bool | None = None


_UNITS = re.compile(
    r"\s*(?:(?P<workday>个?工作日|个?交易日)|(?P<day>个?自然日|天|日(?![息利费]))|(?P<month>个月|个整月)|(?P<year>周年|年(?![化利息]|月))"
    r"|(?P<hour>个?小时)|(?P<percent>%|个?百分点|个点)|(?P<age>周岁|岁)|(?P<times>次)|(?P<fold>倍)|(?P<money>元|块钱?|人民币))"
)
_MONEY_BARE = re.compile(r"[万亿]$")
_DATE = re.compile(r"(?<!\d)(20\d\d)[年.\-/](\d{1,2})(?:[月.\-/](?:(\d{1,2})[日号]?)?)?")
_APPROXIMATE = {  # How many days a unit may be.
    Unit.DAY: (1, 1),
    Unit.MONTH: (30, 30),
    Unit.YEAR: (360, 366),
}
_SENTENCE = re.compile(r"[^。!?;\n]+[。!?;\n]*")
_ASKED = re.compile(r"[?]|(?:吗|么|呢)[,。!~ ]*$")
# What a speaker only reports or denies, and figures of the customer's own contract.
_REPORTED = re.compile(
    r"网上|听说|有人说|谣言|误解|误以为|并不是|不是说|骗|谎称|说法|以前|原来|过去|曾经|假如|如果|举例|比如|例如|举个例子|未经证实"
)
_OWN = re.compile(
    r"[您你](?:的|这|那|家)?[^,。]{0,8}(?:合同|保单|这笔|那笔|这款|产品)[^,。]{0,8}(?:是|写|约定|为|,)|(?:合同|保单|条款)(?:里|上|中)?(?:写|约定|载明)"
)
_DENIED = re.compile(r"(?:不是|并非|不等于|没有说|没说|不止|不到)[^,。]{0,2}$")


def values_of(text: str) -> list[Value]:
    """Return the figures with units of a folded text, in order."""
    return list(_values(text))


@functools.lru_cache(maxsize=8192)
def _values(text: str) -> tuple[Value, ...]:
    found, taken = [], []
    for date in _DATE.finditer(text):
        year, month, day = int(date[1]), int(date[2]), int(date[3] or 0)
        if 1 <= month <= 12 and day <= 31:
            found.append(Value(Decimal(year * 10_000 + month * 100 + day), Unit.DATE, *date.span()))
            taken.append(date.span())
    for number in numerals.find_numbers(text):
        if number.value is None or any(a < number.end and number.start < b for a, b in taken):
            continue
        unit = _UNITS.match(text, number.end)
        if unit is not None and unit.lastgroup:
            if unit.lastgroup == "year" and number.value > 1900:
                continue
            found.append(Value(number.value, Unit(unit.lastgroup), number.start, unit.end()))
        elif _MONEY_BARE.search(text[number.start : number.end]):
            found.append(Value(number.value, Unit.MONEY, number.start, number.end))
    half = [Value(Decimal(6), Unit.MONTH, *hit.span()) for hit in re.finditer("半年", text)]
    return tuple(sorted([*found, *half], key=lambda value: value.start))


def fact_of(slot: Slot, answer: str) -> Fact | None:
    """Return how an answer (folded) fills a slot; None where it does not say."""
    if slot.told is None:
        places = slot.proof.spans(answer) if slot.proof else []
        return Fact(slot=slot, values=(), words=_clause(answer, places[0])) if places else None
    for start, end in slot.told.spans(answer):
        values = tuple(value for value in _values(answer[start:end]) if value.unit in slot.units)
        if values:
            return Fact(slot=slot, values=values, words=answer[start:end].strip(",。;: "))
    return None


def _clause(text: str, place: tuple[int, int]) -> str:
    start = max(text.rfind(sign, 0, place[0]) for sign in "。;\n") + 1
    ends = [found for sign in "。;\n" if (found := text.find(sign, place[1])) >= 0]
    return text[start : min(ends, default=len(text))].strip()


def hint_of(slots: Sequence[Slot]) -> re.Pattern[str]:
    """Return one expression that finds whatever any slot is about."""
    return re.compile("|".join(slot.about.wanted.pattern for slot in slots) or "(?!)")


def statements(text: str, asked: str, slots: Sequence[Slot]) -> list[Said]:
    """Return what a folded text says about the slots.

    `asked`: the customer's words before it (folded), for an answer that leaves its subject unsaid: "一般是15天".
    Questions, reports of what others say, examples and the customer's own contract are left out.
    """
    found = []
    for sentence in _SENTENCE.finditer(text):
        words = sentence[0]
        if len(words) < 3 or _ASKED.search(words) or _REPORTED.search(words) or _OWN.search(words):
            continue
        named = [slot for slot in slots if slot.is_about(words)]
        for slot in named or [slot for slot in slots if asked and slot.is_about(asked)]:
            said = _said(slot, words, sentence.start())
            if said is not None:
                found.append(said)
    return found


def _said(slot: Slot, words: str, offset: int) -> Said | None:
    if slot.told is None:
        wrong = slot.wrong.spans(words) if slot.wrong else []
        right = slot.right.spans(words) if slot.right else []
        if not wrong and not right:
            return None
        start, end = (right or wrong)[0]
        return Said(slot=slot, start=offset + start, end=offset + end, values=(), is_right=bool(right))
    values = [
        value
        for value in _values(words)
        if value.unit in slot.units | _LIKE.get(next(iter(slot.units)), frozenset())
        and not _DENIED.search(words[: value.start])
    ]
    if not values:
        return None
    about = slot.about.spans(words)
    if about and len(values) > 1:
        # The figure next to the subject is the one said of it.
        values = [min(values, key=lambda value: _distance(value, about))]
    start, end = values[0].start, values[-1].end
    return Said(slot=slot, start=offset + start, end=offset + end, values=tuple(values))


_TIMES = frozenset({Unit.DAY, Unit.WORKDAY, Unit.MONTH, Unit.YEAR})
_LIKE = dict.fromkeys(_TIMES, _TIMES)


def _distance(value: Value, about: Sequence[tuple[int, int]]) -> int:
    # What follows the subject belongs to it rather than what stands before.
    return min(
        value.start - end if value.start >= end else 2 * (start - value.end) + 4 for start, end in about
    )


def compare(said: Said, fact: Fact) -> Verdict:
    """Return how a statement stands to a fact."""
    if said.slot.told is None:
        return Verdict.AGREES if said.is_right else Verdict.CONTRADICTS
    verdicts = [_compared(value, fact) for value in said.values]
    for verdict in (Verdict.CONTRADICTS, Verdict.PARTIAL, Verdict.UNSUPPORTED):
        if verdict in verdicts:
            return verdict
    return Verdict.AGREES


def _compared(value: Value, fact: Fact) -> Verdict:
    if any(_is_same(value, told) for told in fact.values):
        return Verdict.AGREES
    if any(_is_other_days(value, told) for told in fact.values):
        return Verdict.PARTIAL
    if fact.slot.mode is Mode.EXACT:
        return Verdict.CONTRADICTS
    bounds = [_days(told)[0] for told in fact.values]
    least, most = _days(value)
    if fact.slot.mode is Mode.AT_MOST:
        return Verdict.CONTRADICTS if least > max(bounds) else Verdict.UNSUPPORTED
    return Verdict.CONTRADICTS if most < min(bounds) else Verdict.UNSUPPORTED


def _is_same(one: Value, other: Value) -> bool:
    if one.unit is other.unit:
        return one.amount == other.amount
    if one.unit in _APPROXIMATE and other.unit in _APPROXIMATE:
        (a, b), (c, d) = _days(one), _days(other)
        return a <= d and c <= b
    return False


def _is_other_days(one: Value, other: Value) -> bool:
    """Say whether the same number is counted in working days here and in days there."""
    return {one.unit, other.unit} == {Unit.DAY, Unit.WORKDAY} and one.amount == other.amount


def _days(value: Value) -> tuple[Decimal, Decimal]:
    least, most = _APPROXIMATE.get(value.unit, (1, 1))
    return value.amount * least, value.amount * most


def parse_slot(table: tables.Table) -> Slot:
    """Return the slot of a [[fact]] table; what is wrong is noted, examples included."""
    table.check_keys(KEYS)
    units = [unit.value for unit in Unit]
    named = table.texts("unit") if "unit" in table.values else ()
    for unit in named:
        if unit not in units:
            table.wrong(
                f"has an unknown unit {unit!r}{tables.nearest(unit, units)}", "unit", f"的单位 {unit} 不认识"
            )
    mode = table.text("mode", optional=True) or Mode.EXACT.value
    modes = [one.value for one in Mode]
    if mode not in modes:
        table.wrong(f"has mode {mode!r}; write one of {', '.join(modes)}", "mode", "的 mode 不认识")
        mode = Mode.EXACT.value
    if ("told" in table.values) == ("wrong" in table.values):
        table.wrong(
            "needs either told and unit, or wrong and proof",
            "told",
            "要么写 told 和 unit，要么写 wrong 和 proof",
        )
    slot = Slot(
        id=table.text("id"),
        faq_id=table.text("faq"),
        name=table.text("name"),
        about=patterns.parse_patterns(table, "about", ""),
        unless=_optional(table, "unless"),
        told=_optional(table, "told"),
        units=frozenset(Unit(unit) for unit in named if unit in units) or frozenset({Unit.DAY}),
        mode=Mode(mode),
        right=_optional(table, "right"),
        wrong=_optional(table, "wrong"),
        proof=_optional(table, "proof"),
        agrees=table.texts("agrees", at_least=1),
        contradicts=table.texts("contradicts", at_least=1),
    )
    for text in (*slot.agrees, *slot.contradicts):
        if not statements(normalising.folded(text), "", [slot]):
            table.wrong(
                f"reads nothing in its example {text!r}; mend about, right or wrong",
                "agrees",
                f"没有读出例句“{text}”说的内容，请改 about、right 或 wrong",
            )
    return slot


def _optional(table: tables.Table, key: str) -> patterns.Patterns | None:
    return patterns.parse_patterns(table, key, "") if key in table.values else None

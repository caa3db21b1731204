"""The scorecard of the quality audit: items, what costs points, red lines, wordings, limits (quality_audit.md §2).

Read from content/rubric/*.toml, every mistake with file, line and fix. It needs no approval, but each result carries
its `version`, a digest of the files. Who judges by it is audit/judging.py; the sentences people read stand here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from content import compliance, facts, moods, normalising, patterns, tables
from domain.audit import Evidence, Grade
from domain.compliance import Severity
from domain.errors import ContentError

_Record = TypeVar("_Record")

FOLDER = Path(__file__).parent / "rubric"
NAMES = (
    "dimension",
    "item",
    "deduction",
    "label",
    "red_line",
    "words",
    "grade",
    "limit",
    "mood",
    "negation",
    "reason",
    "fact",
    "diagnosis",
)
ADVISOR = "advisor"
BOT = "bot"
# What audit/ measures by itself; an item that is not here is judged by people alone.
JUDGED = frozenset(
    [
        "A1",
        "A2",
        "A3",
        "A4",
        "B1",
        "B2",
        "B3",
        "C1",
        "C2",
        "C3",
        "D1",
        "D2",
        "D3",
        "E1",
        "E2",
        "E3",
        "E4",
        "F1",
        "F2",
        "F3",
    ]
)
# The deductions that audit/ makes, with the slots it fills in their notes.
DEDUCTIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "A1.missing": frozenset({"message"}),
        "A1.said": frozenset({"message"}),
        "A2.no_identity": frozenset(),
        "A2.no_licence": frozenset(),
        "A3.no_test": frozenset({"said"}),
        "A3.above_level": frozenset({"customer", "product"}),
        "A3.said": frozenset({"message"}),
        "A4.said": frozenset({"message"}),
        "B1.contradicts": frozenset({"said", "question", "faq", "fact"}),
        "B1.partial": frozenset({"said", "question", "faq", "fact"}),
        "B2.unmarked": frozenset({"said"}),
        "B3.expired": frozenset({"said", "question", "faq", "fact", "since"}),
        "B3.lapsed": frozenset({"said", "question", "faq", "fact", "since"}),
        "C1.asked_again": frozenset({"asked", "said"}),
        "C1.filler": frozenset({"asked", "said"}),
        "C2.no_time": frozenset({"said"}),
        "C3.broken": frozenset({"said", "due"}),
        "D1.late": frozenset({"took", "limit", "times"}),
        "D1.far_over": frozenset({"took", "limit", "times"}),
        "D2.late": frozenset({"took", "limit", "times", "count"}),
        "D2.far_over": frozenset({"took", "limit", "times", "count"}),
        "D3.unanswered": frozenset(),
        "E1.no_greeting": frozenset(),
        "E2.no_empathy": frozenset({"asked"}),
        "E3.said": frozenset({"message"}),
        "E3.impatient": frozenset({"said"}),
        "E4.no_closing": frozenset(),
        "E4.same_text": frozenset({"said", "count"}),
        "F1.quiet": frozenset({"from", "until"}),
        "F1.pushes": frozenset({"count"}),
        "F2.said": frozenset({"message"}),
        "F2.typed": frozenset(),
        "F3.no_record": frozenset(),
    }
)
RED_LINES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "red.insult": frozenset({"said"}),
        "red.private_account": frozenset({"said"}),
        "red.evade_archive": frozenset({"said"}),
        "red.recalled": frozenset({"message", "said"}),
        "red.ignored_fraud": frozenset({"asked"}),
        "red.ignored_self_harm": frozenset({"asked"}),
    }
)
REASONS = ("unseen", "human", "no_times", "open", "nothing_said")
_CONTACT = frozenset({"customers", "touches", "each", "quits", "refusals", "left", "sessions", "mismatched"})
DIAGNOSES: Mapping[str, frozenset[str]] = MappingProxyType(
    {"under": _CONTACT, "over": _CONTACT, "mismatch": _CONTACT}
)
# Red lines that are looked for in the words of staff, by their own patterns.
SPOKEN = ("red.insult", "red.private_account", "red.evade_archive")
WORDS = (
    "identity",
    "licence",
    "insurance_sale",
    "recommends",
    "suitability_care",
    "figures",
    "by_contract",
    "asks_back",
    "filler",
    "follow_up",
    "time_said",
    "done",
    "polite",
    "empathy",
    "closing",
    "impatient",
    "care_fraud",
    "care_self_harm",
    "line_loan",
    "line_insurance",
    "line_wealth",
    "disclosed",
)
LIMITS = (
    "first_minutes",
    "average_minutes",
    "complaint_minutes",
    "bot_seconds",
    "far_over",
    "same_text",
    "pushes",
    "quiet_from",
    "quiet_until",
    "quiet_answer_minutes",
    "unhappy_at",
    "diagnosis_customers",
    "under_touches",
    "over_touches",
    "over_refusals",
    "mismatch_share",
    "mismatch_sessions",
)
_ITEM_KEYS = frozenset(
    [
        "id",
        "dimension",
        "name",
        "weight",
        "evidence",
        "subjects",
        "question",
        "not_applicable",
        "valid_from",
        "valid_until",
    ]
)
_DEDUCTION_KEYS = frozenset(["id", "item", "points", "evidence", "label", "severity", "once", "note"])
_RED_KEYS = frozenset(["id", "label", "name", "note", "patterns", "unless", "must_match", "must_not_match"])
_WORDS_KEYS = frozenset(["id", "patterns", "unless", "must_match", "must_not_match"])


@dataclass(frozen=True, kw_only=True)
class Item:
    """One question of the scorecard. `subjects`: ADVISOR, BOT or both. `not_applicable`: Chinese, when it is N/A."""

    id: str
    dimension: str
    name: str
    weight: float
    evidence: Evidence
    subjects: frozenset[str]
    question: str
    not_applicable: str
    valid_from: date
    valid_until: date | None

    def is_for(self, subject: str, day: date) -> bool:
        """Say whether the item holds for ADVISOR or BOT on the day a session began."""
        holds = self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)
        return holds and subject in self.subjects


@dataclass(frozen=True, kw_only=True)
class Deduction:
    """What costs `points` in an item. `once`: at most once a session, its spans name every place."""

    id: str
    item: str
    points: float
    evidence: Evidence
    label: str
    severity: Severity
    once: bool
    note: str


@dataclass(frozen=True, kw_only=True)
class Label:
    """A label of the wording rules: its Chinese name, and the item that pays where it is no red line."""

    id: str
    name: str
    item: str


@dataclass(frozen=True, kw_only=True)
class RedLine:
    """A red line beside those of the wording rules. `wanted`: None where audit/ finds it otherwise."""

    id: str
    label: str
    name: str
    note: str
    wanted: patterns.Patterns | None


@dataclass(frozen=True, kw_only=True)
class Rubric:
    """The whole scorecard, immutable. `version`: 12 hex characters over its files."""

    version: str
    dimensions: Mapping[str, str]
    items: tuple[Item, ...]
    deductions: Mapping[str, Deduction]
    labels: Mapping[str, Label]
    red_lines: Mapping[str, RedLine]
    words: Mapping[str, patterns.Patterns]
    grades: Mapping[Grade, str]  # The Chinese names; from which score is domain/grading.py.
    limits: Mapping[str, float]
    reasons: Mapping[str, str]
    facts: tuple[facts.Slot, ...]
    diagnoses: Mapping[str, str]
    moods: moods.Moods

    def items_for(self, subject: str, day: date) -> tuple[Item, ...]:
        """Return the items by which ADVISOR or BOT is judged on a day."""
        return tuple(item for item in self.items if item.is_for(subject, day))

    def find_item(self, item_id: str) -> Item | None:
        """Return the newest item of that id."""
        found = [item for item in self.items if item.id == item_id]
        return max(found, key=lambda item: item.valid_from, default=None)

    def limit(self, name: str, kind: str = "") -> float:
        """Return a limit, the one of the talk's kind where there is one."""
        return self.limits.get(f"{name}.{kind}", self.limits[name])

    def label_name(self, label: str, item: str = "") -> str:
        """Return the Chinese name of a finding's label; of one that several items share, the name of its `item`."""
        known = self.labels.get(label)
        if known is not None:
            return known.name
        red = next((one for one in self.red_lines.values() if one.label == label), None)
        if red is not None:
            return red.name
        paid = next((one for one in self.deductions.values() if one.label == label), None)
        known_item = self.find_item(item or (paid.item if paid else ""))
        return known_item.name if known_item else label


def load(folder: Path | None = None) -> Rubric:
    """Return the scorecard of a folder, the shipped one by default.

    Raises ContentError with every mistake. Takes about 50 ms; call it in a thread while serving.
    """
    mistakes = tables.Mistakes()
    rubric = read(folder or FOLDER, mistakes)
    if mistakes.texts:
        raise ContentError(mistakes.texts)
    return rubric


def files_of(folder: Path) -> list[Path]:
    """Return the files that are read, in order; those editors hide are none of ours."""
    return sorted(path for path in folder.glob("*.toml") if not path.name.startswith("."))


def version_of(folder: Path) -> str:
    """Return the version of a folder: what its files say, not where they lie."""
    total = hashlib.sha256()
    for path in files_of(folder):
        total.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()[:12]


def read(folder: Path, mistakes: tables.Mistakes) -> Rubric:
    """Return the scorecard of a folder; what is wrong is noted in `mistakes`."""
    found: dict[str, list[tables.Table]] = {name: [] for name in NAMES}
    before = len(mistakes.texts)
    for path in files_of(folder):
        for table in tables.load_tables(path, folder.parent.parent, NAMES, mistakes) or []:
            found[table.name].append(table)
    is_read = len(mistakes.texts) == before
    rubric = Rubric(
        version=version_of(folder),
        dimensions=MappingProxyType({table.text("id"): table.text("name") for table in found["dimension"]}),
        items=tuple(_item(table) for table in found["item"]),
        deductions=_by_id(found["deduction"], _deduction),
        labels=_by_id(found["label"], _label),
        red_lines=_by_id(found["red_line"], _red_line),
        words=_by_id(found["words"], _words),
        grades=_grades(found["grade"]),
        limits=_by_id(found["limit"], lambda table: _number(table, "value")),
        reasons=_by_id(found["reason"], lambda table: table.text("text")),
        diagnoses=_by_id(found["diagnosis"], lambda table: table.text("note")),
        facts=tuple(_by_id(found["fact"], facts.parse_slot).values()),
        moods=moods.parse_moods(found["mood"], found["negation"]),
    )
    if is_read:
        _check_whole(rubric, found, folder, mistakes)
    return rubric


def _by_id(found: Sequence[tables.Table], parse: Callable[[tables.Table], _Record]) -> Mapping[str, _Record]:
    kept: dict[str, _Record] = {}
    for table in found:
        name = table.text("id")
        if name in kept:
            table.wrong("is there twice; rename or remove one", "id", "重复了，请改一个")
        kept[name] = parse(table)
    return MappingProxyType(kept)


def _item(table: tables.Table) -> Item:
    table.check_keys(_ITEM_KEYS)
    subjects = table.texts("subjects", at_least=1)
    for subject in subjects:
        if subject not in (ADVISOR, BOT):
            table.wrong(
                f"has subject {subject!r}; write advisor or bot",
                "subjects",
                "的 subjects 只能是 advisor、bot",
            )
    weight = _number(table, "weight")
    if weight <= 0:
        table.wrong("has a weight of 0 or less; remove the item instead", "weight", "的 weight 要大于 0")
    return Item(
        id=table.text("id"),
        dimension=table.text("dimension"),
        name=table.text("name"),
        weight=weight,
        evidence=_evidence(table),
        subjects=frozenset(subjects),
        question=table.text("question"),
        not_applicable=table.text("not_applicable"),
        valid_from=table.day("valid_from") or date.max,
        valid_until=table.day("valid_until", optional=True),
    )


def _deduction(table: tables.Table) -> Deduction:
    table.check_keys(_DEDUCTION_KEYS)
    points = _number(table, "points")
    if points <= 0:
        table.wrong("costs nothing; write how many points", "points", "的 points 要大于 0")
    return Deduction(
        id=table.text("id"),
        item=table.text("item"),
        points=points,
        evidence=_evidence(table),
        label=table.text("label"),
        severity=_severity(table),
        once=table.flag("once"),
        note=table.text("note"),
    )


def _label(table: tables.Table) -> Label:
    table.check_keys({"id", "name", "item"})
    return Label(id=table.text("id"), name=table.text("name"), item=table.text("item"))


def _red_line(table: tables.Table) -> RedLine:
    table.check_keys(_RED_KEYS)
    wanted = None
    if "patterns" in table.values:
        wanted = patterns.parse_patterns(table)
        _check_examples(table, wanted)
    return RedLine(
        id=table.text("id"),
        label=table.text("label"),
        name=table.text("name"),
        note=table.text("note"),
        wanted=wanted,
    )


def _words(table: tables.Table) -> patterns.Patterns:
    table.check_keys(_WORDS_KEYS)
    wanted = patterns.parse_patterns(table)
    _check_examples(table, wanted)
    return wanted


def _check_examples(table: tables.Table, wanted: patterns.Patterns) -> None:
    for text in table.texts("must_match", at_least=1):
        if not wanted.spans(normalising.folded(text)):
            table.wrong(
                f"does not match its example {text!r}; mend patterns",
                "must_match",
                f"没有认出例句“{text}”，请改 patterns",
            )
    for text in table.texts("must_not_match"):
        if wanted.spans(normalising.folded(text)):
            table.wrong(
                f"matches {text!r}, which it must not; mend patterns or unless",
                "must_not_match",
                f"误认了例句“{text}”，请改 patterns 或 unless",
            )


def _grades(found: Sequence[tables.Table]) -> Mapping[Grade, str]:
    known = [grade.value for grade in Grade]
    named: dict[Grade, str] = {}
    for table in found:
        table.check_keys({"id", "name"})
        name = table.text("id")
        if name in known:
            named[Grade(name)] = table.text("name")
        else:
            table.wrong(f"is no grade; write one of {', '.join(known)}", "id", f"只能是 {'、'.join(known)}")
    return MappingProxyType(named)


def _number(table: tables.Table, key: str) -> float:
    value = table.values.get(key)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    table.wrong(
        f"has {key} = {value!r}; write a number without quotes", key, f"的 {key} 要写成不加引号的数字"
    )
    return 0.0


def _evidence(table: tables.Table) -> Evidence:
    value = table.text("evidence")
    known = [one.value for one in Evidence]
    if value in known:
        return Evidence(value)
    if value:
        table.wrong(
            f"has evidence {value!r}; write one of {', '.join(known)}",
            "evidence",
            f"的 evidence 只能是 {'、'.join(known)}",
        )
    return Evidence.HUMAN


def _severity(table: tables.Table) -> Severity:
    value = table.text("severity")
    known = [one.value for one in Severity]
    if value in known:
        return Severity(value)
    if value:
        table.wrong(
            f"has severity {value!r}; write one of {', '.join(known)}",
            "severity",
            f"的 severity 只能是 {'、'.join(known)}",
        )
    return Severity.S3


def _check_whole(
    rubric: Rubric, found: Mapping[str, list[tables.Table]], folder: Path, mistakes: tables.Mistakes
) -> None:
    """Note what only shows when all tables are known: names that lead nowhere, and what the audit needs."""
    items = {item.id for item in rubric.items}
    for table, item in zip(found["item"], rubric.items, strict=True):
        _check_known(table, "dimension", item.dimension, rubric.dimensions)
        if item.id not in JUDGED and item.evidence is not Evidence.HUMAN:
            table.wrong(
                'is not judged by the program; write evidence = "human"',
                "evidence",
                '程序不会判这一项，请写 evidence = "human"',
            )
    _check_dates(found["item"], rubric.items)
    for table in (*found["deduction"], *found["label"]):
        _check_known(table, "item", table.text("item"), items)
    _check_notes(found["deduction"], DEDUCTIONS)
    _check_notes(found["red_line"], RED_LINES)
    _check_notes(found["diagnosis"], DIAGNOSES)
    where = f"{folder.parent.name}/{folder.name}"
    needed: tuple[tuple[str, Iterable[str], Collection[str]], ...] = (
        ("deduction", sorted(DEDUCTIONS), rubric.deductions),
        ("label", sorted(compliance.LABELS), rubric.labels),
        ("red_line", sorted(RED_LINES), rubric.red_lines),
        ("words", WORDS, rubric.words),
        ("limit", LIMITS, rubric.limits),
        ("reason", REASONS, rubric.reasons),
        ("diagnosis", sorted(DIAGNOSES), rubric.diagnoses),
        ("grade", [one.value for one in Grade], [one.value for one in rubric.grades]),
    )
    for name, wanted, known in needed:
        for one in wanted:
            if one not in known:
                mistakes.add(
                    where, 1, f'has no [[{name}]] id = "{one}"; add it', f"缺少 [[{name}]] {one}，请加上"
                )
    for name in SPOKEN:
        if name in rubric.red_lines and rubric.red_lines[name].wanted is None:
            mistakes.add(where, 1, f"{name} has no patterns; add them", f"{name} 缺少 patterns，请加上")
    if not items:
        mistakes.add(
            where, 1, "has no [[item]]; restore the shipped files", "没有 [[item]]，请从发布的内容里恢复"
        )


def _check_known(table: tables.Table, key: str, value: str, known: Mapping[str, str] | set[str]) -> None:
    if value and value not in known:
        hint = tables.nearest(value, known)
        table.wrong(f"has an unknown {key} {value!r}{hint}", key, f"的 {key} {value} 不认识")


def _check_dates(found: Sequence[tables.Table], items: Sequence[Item]) -> None:
    """Note items of one id whose dates overlap: a session would be judged by both."""
    for at, item in enumerate(items):
        for other in items[:at]:
            overlap = item.valid_from <= (other.valid_until or date.max) and other.valid_from <= (
                item.valid_until or date.max
            )
            if item.id == other.id and item.subjects & other.subjects and overlap:
                found[at].wrong(
                    "holds at the same time as another item of this id; set valid_until of the older one",
                    "valid_from",
                    "和同编号的项目日期重叠，请给旧的写 valid_until",
                )


def _check_notes(found: Sequence[tables.Table], known: Mapping[str, frozenset[str]]) -> None:
    for table in found:
        slots = known.get(table.text("id"))
        if slots is None:
            hint = tables.nearest(table.text("id"), known)
            table.wrong(f"is nothing the program finds{hint}", "id", "程序不认识这个编号")
            continue
        for slot in sorted(slots_of(table.text("note")) - slots):
            table.wrong(
                f"has an unknown slot {{{slot}}} in its note", "note", f"的 note 里 {{{slot}}} 不认识"
            )


def slots_of(note: str) -> set[str]:
    """Return the names in braces of a note."""
    return {part.partition("}")[0] for part in note.split("{")[1:]}


def filled(note: str, values: Mapping[str, str]) -> str:
    """Return a note with its slots filled; one without a value is left empty."""
    for slot in slots_of(note):
        note = note.replace(f"{{{slot}}}", values.get(slot, ""))
    return note

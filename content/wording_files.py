"""Reading the wording rules: the tables of content/compliance/*.toml, compiled, with every mistake noted.

Called by content/compliance.py. Rules may lean on word classes and gaps (content/phrases.py). Every rule's own examples
are tried here, so that a rule that does not do what its author wrote never takes effect.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from content import disguises, normalising, phrases, rewriting, sieve, tables
from content.wording_rules import Bound, Disclosure, Excuse, Measured, Reach, Rule, Wanted
from domain.compliance import LABELS, Severity, Speaker
from domain.faq import Line

EXAMPLES = ("must_match", "must_not_match")
RULE_KEYS = frozenset(
    ["id", "label", "severity", "law", "message", "patterns", "unless", "excuses", *EXAMPLES]
)
EXCUSE_KEYS = frozenset(["id", "reach", "patterns", "unless", *EXAMPLES])
DISCLOSURE_KEYS = frozenset(
    ["id", "line", "law", "message", "speakers", "patterns", "unless", "needs", *EXAMPLES]
)
SUBJECT_KEYS = frozenset(["id", "patterns", "unless", *EXAMPLES])
BOUND_KEYS = frozenset(["id", "law", "message", "patterns", "unless", *EXAMPLES])
# Nothing that decides what is wrong with words: what may be said instead, and what words are about.
UNJUDGED = ("rewrite", "completion", "subject")
TABLES = (
    "rule",
    "excuse",
    "disclosure",
    "bound",
    "registration",
    "class",
    "terms",
    "written",
    "money",
    "shape",
    "measured",
    *UNJUDGED,
)
_FIRST_MARK = 0xF0000  # Private characters that stand for word classes.
DEFAULT_EXCUSES = ("negated", "denied", "education", "warning", "asked", "quoted")


@dataclass(frozen=True, kw_only=True)
class Parsed:
    """Everything the files say, compiled."""

    rules: tuple[Rule, ...]
    excuses: Mapping[str, Excuse]
    disclosures: tuple[Disclosure, ...]
    bounds: tuple[Bound, ...]
    registrations: Mapping[str, str]
    disguises: disguises.Disguises
    measured: Mapping[str, Measured]
    rewrites: rewriting.Rewrites
    subjects: Mapping[Line, Wanted]


def parse(found: Sequence[tables.Table]) -> Parsed:
    """Return the compiled tables; what is wrong with them is noted in the mistakes."""
    by_name: dict[str, list[tables.Table]] = {name: [] for name in TABLES}
    for table in found:
        by_name[table.name].append(table)
    held = _vocabulary(by_name["class"])
    excuses = {table.text("id"): _excuse(table, held) for table in by_name["excuse"]}
    rules = tuple(_rule(table, excuses, held) for table in by_name["rule"])
    disclosures = tuple(_disclosure(table, held) for table in by_name["disclosure"])
    return Parsed(
        rules=rules,
        excuses=excuses,
        disclosures=disclosures,
        bounds=tuple(_bound(table, held) for table in by_name["bound"]),
        registrations={table.text("id"): table.text("message") for table in by_name["registration"]},
        disguises=disguises.Disguises(_disguises(by_name)),
        measured={table.text("id"): _measured(table) for table in by_name["measured"]},
        rewrites=rewriting.parse(found, {one.id for one in rules}, {one.id for one in disclosures}),
        subjects=dict(_subject(table, held) for table in by_name["subject"]),
    )


def digest_of(values: object) -> str:
    """Return 12 hex digits over any plain values; equal values give equal digits in every process."""
    written = json.dumps(values, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(written.encode()).hexdigest()[:12]


@dataclass
class _Vocabulary:
    """The word classes, and what each can match, by its mark."""

    classes: dict[str, phrases.WordClass] = field(default_factory=dict)
    readings: dict[str, sieve.Reading] = field(default_factory=lambda: {phrases.GAP: sieve.UNKNOWN})

    def add(self, name: str, words: Sequence[str], reading: sieve.Reading) -> None:
        mark = chr(_FIRST_MARK + len(self.classes))
        expression = "|".join(f"(?:{word})" if "|" in word else word for word in words)
        self.classes[name] = phrases.WordClass(expression=expression, mark=mark)
        self.readings[mark] = reading


def _vocabulary(found: Sequence[tables.Table]) -> _Vocabulary:
    held = _Vocabulary()
    for table in found:
        table.check_keys(["id", "words"])
        pieces = [_expression(table, "words", word, held) for word in table.texts("words", at_least=1)]
        words = [expression for expression, _ in pieces]
        held.add(table.text("id"), words, sieve.either([reading for _, reading in pieces]))
    return held


def _wanted(
    table: tables.Table, held: _Vocabulary, key: str = "patterns", unless_key: str = "unless"
) -> Wanted:
    found = [
        _expression(table, key, part, held)
        for source in table.texts(key, at_least=1)
        for part in ([source] if "<>" in source else sieve.alternatives(source))
    ]
    unless = [_expression(table, unless_key, source, held)[0] for source in table.texts(unless_key)]
    return Wanted(
        sources=tuple(expression for expression, _ in found),
        unless="|".join(f"(?:{source})" for source in unless),
        needed=tuple(reading[1] for _, reading in found),
    )


def _expression(table: tables.Table, key: str, source: str, held: _Vocabulary) -> tuple[str, sieve.Reading]:
    """Return the expanded expression in simplified characters; one that matches nothing when it is wrong."""
    simple = normalising.simplified(source)
    try:
        reading = sieve.read(phrases.outline(simple, held.classes), held.readings)
        return phrases.expanded(simple, held.classes), reading
    except phrases.UnknownClass as error:
        name = str(error.args[0])
        hint = tables.nearest(name, held.classes)
        table.wrong(
            f"names an unknown class {{{name}}}{hint}", key, f"引用的词类 {{{name}}} 不在 classes.toml 里"
        )
    except re.error as error:
        table.wrong(f"has a bad pattern {source!r} ({error})", key, "里的正则表达式写错了")
    return "(?!)", sieve.UNKNOWN


def _excuse(table: tables.Table, held: _Vocabulary) -> Excuse:
    table.check_keys(EXCUSE_KEYS)
    reach = table.text("reach")
    reaches = [str(member.value) for member in Reach]
    if reach and reach not in reaches:
        known = ", ".join(reaches)
        table.wrong(f"has reach {reach!r}; write one of {known}", "reach", f"的 reach 只能是 {known}")
    return Excuse(
        id=table.text("id"),
        reach=Reach(reach) if reach in reaches else Reach.TEXT,
        wanted=_wanted(table, held),
    )


def _rule(table: tables.Table, excuses: Mapping[str, Excuse], held: _Vocabulary) -> Rule:
    table.check_keys(RULE_KEYS)
    label, severity = table.text("label"), table.text("severity")
    if label and label not in LABELS:
        hint = tables.nearest(label, LABELS)
        table.wrong(f"has an unknown label {label!r}{hint}", "label", f"的 label {label} 不认识")
    if severity and severity not in {"S0", "S1", "S2", "S3"}:
        table.wrong(
            f"has severity {severity!r}; write S0, S1, S2 or S3",
            "severity",
            "的 severity 只能是 S0、S1、S2、S3",
        )
        severity = ""
    named = table.texts("excuses") if "excuses" in table.values else DEFAULT_EXCUSES
    for name in named:
        if name not in excuses:
            hint = tables.nearest(name, excuses)
            table.wrong(
                f"names an unknown excuse {name!r}{hint}", "excuses", f"引用的 {name} 不在 excuses.toml 里"
            )
    rule = Rule(
        id=table.text("id"),
        label=label,
        severity=Severity(severity or "S0"),
        law=table.text("law"),
        message=table.text("message"),
        wanted=_wanted(table, held),
        excuses=tuple(name for name in named if name in excuses),
        must_match=table.texts("must_match", at_least=1),
        must_not_match=table.texts("must_not_match", at_least=1),
    )
    cleared = [(name, excuses[name].wanted.sources, excuses[name].wanted.unless) for name in rule.excuses]
    said = [
        rule.label,
        rule.severity,
        rule.law,
        rule.message,
        rule.wanted.sources,
        rule.wanted.unless,
        cleared,
    ]
    return replace(rule, version=digest_of([*said, rule.must_match, rule.must_not_match]))


def _disclosure(table: tables.Table, held: _Vocabulary) -> Disclosure:
    table.check_keys(DISCLOSURE_KEYS)
    line = table.text("line")
    lines = [str(member.value) for member in Line]
    if line and line not in lines:
        wanted = ", ".join(lines)
        table.wrong(f"has line = {line!r}; write one of {wanted}", "line", f"的 line 只能是 {wanted}")
    roles = [str(member.value) for member in Speaker if member is not Speaker.CUSTOMER]
    speakers = table.texts("speakers") or ("bot",)
    for speaker in speakers:
        if speaker not in roles:
            known = ", ".join(roles)
            table.wrong(f"has speaker {speaker!r}; write {known}", "speakers", f"的 speakers 只能是 {known}")
    return Disclosure(
        id=table.text("id"),
        line=Line(line) if line in lines else Line.SERVICE,
        message=table.text("message"),
        wanted=_wanted(table, held),
        needs=_wanted(table, held, "needs", ""),
        speakers=frozenset(Speaker(speaker) for speaker in speakers if speaker in roles),
        must_match=table.texts("must_match", at_least=1),
        must_not_match=table.texts("must_not_match", at_least=1),
    )


def _bound(table: tables.Table, held: _Vocabulary) -> Bound:
    table.check_keys(BOUND_KEYS)
    return Bound(
        id=table.text("id"),
        message=table.text("message"),
        wanted=_wanted(table, held),
        must_match=table.texts("must_match", at_least=1),
        must_not_match=table.texts("must_not_match", at_least=1),
    )


def _subject(table: tables.Table, held: _Vocabulary) -> tuple[Line, Wanted]:
    """Return the words by which a text is about a product line; the examples are tried at once."""
    table.check_keys(SUBJECT_KEYS)
    name, lines = table.text("id"), [str(member.value) for member in Line]
    if name and name not in lines:
        known = ", ".join(lines)
        table.wrong(f"has id {name!r}; write one of {known}", "id", f"的 id 只能是 {known}")
    wanted = _wanted(table, held)
    for key, is_wanted in (("must_match", True), ("must_not_match", False)):
        for text in table.texts(key, at_least=1):
            if wanted.is_in(normalising.folded(text)) is not is_wanted:
                said = "does not match" if is_wanted else "matches"
                table.wrong(
                    f"{said} {text!r}; mend patterns or unless",
                    key,
                    f"的例句“{text}”不对，请改 patterns 或 unless",
                )
    return Line(name) if name in lines else Line.SERVICE, wanted


def _measured(table: tables.Table) -> Measured:
    flagged, right = (table.values.get(key) for key in ("flagged", "right"))
    if not isinstance(flagged, int) or not isinstance(right, int) or not 0 <= right <= flagged:
        table.wrong("needs whole numbers flagged and right", "flagged", "的 flagged、right 要写整数")
        flagged, right = 0, 0
    return Measured(
        rule_id=table.text("id"),
        version=table.text("version"),
        flagged=flagged,
        right=right,
        precision=right / flagged if flagged else 0.0,
    )


def _disguises(by_name: Mapping[str, Sequence[tables.Table]]) -> disguises.Tables:
    written = {form: table.text("id") for table in by_name["written"] for form in table.texts("forms")}
    return disguises.Tables(
        terms=tuple(word for table in by_name["terms"] for word in table.texts("words")),
        money=tuple(word for table in by_name["money"] for word in table.texts("words")),
        written=written,
        halves={half: table.text("id") for table in by_name["shape"] for half in table.texts("halves")},
        alike={table.text("id"): table.text("alike", optional=True) for table in by_name["shape"]},
    )

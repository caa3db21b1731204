"""The wording check: what staff and automatic replies may not say (compliance.md, 22 labels).

Pure. Rules are data in content/compliance/*.toml; this module looks for them in several views of a text, so
that spaced, split or look-alike writing does not slip through, and lets negated, educational and asking
sentences pass. A customer's words are never a violation; what they report is a signal (content/signals.py).
The outbox asks before every send; the audit issue replaces the inside of this module, not its face.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from content import patterns, tables, views
from domain.compliance import Audience, Problem, Severity, Speaker
from domain.faq import EntityMode, Line

RULE_KEYS = frozenset(
    [
        "id",
        "label",
        "severity",
        "law",
        "message",
        "patterns",
        "unless",
        "excuses",
        "must_match",
        "must_not_match",
    ]
)
EXCUSE_KEYS = frozenset(["id", "reach", "patterns", "unless", "must_match", "must_not_match"])
DISCLOSURE_KEYS = frozenset(
    ["id", "line", "law", "message", "patterns", "unless", "needs", "must_match", "must_not_match"]
)
TABLES = ("rule", "excuse", "disclosure")
DEFAULT_EXCUSES = ("negated", "education", "asked")
REACHES = ("before", "sentence", "text")
LABELS = frozenset(
    [
        "GUARANTEE",
        "EXAGGERATE",
        "DEPOSIT_CONFUSION",
        "DISPARAGE",
        "LOAN_INSIDER",
        "CREDIT_REPAIR",
        "PROXY_SURRENDER",
        "REBATE",
        "NONDISCLOSURE",
        "SUITABILITY",
        "COLLECTION",
        "SENSITIVE_REQUEST",
        "OFFBOOK",
        "FALSE_URGENCY",
        "PRIVACY_LEAK",
        "TYING",
        "HIDDEN_COST",
        "FORGED_MATERIAL",
        "FALSE_AUTHORITY",
        "ILLEGAL_FINANCE",
        "CLAIMS_MISLEAD",
        "ABUSE",
    ]
)
_DISCLOSURE_LABEL = "DISCLOSURE"
_CLAUSE_END = re.compile(r"[,。!?;:、\n]")
_SENTENCE = re.compile(r"[^。!?\n]+[。!?\n]*|[。!?\n]+")
_SENTENCE_END = re.compile(r"[。!?\n]")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One thing that must not be said. `excuses`: ids of the excuses that clear a hit."""

    id: str
    label: str
    severity: Severity
    law: str
    message: str
    wanted: patterns.Patterns
    excuses: tuple[str, ...]
    must_match: tuple[str, ...]
    must_not_match: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Excuse:
    """Words that clear a hit: before it in its clause (negation), in its sentence, or anywhere."""

    id: str
    reach: str
    wanted: patterns.Patterns


@dataclass(frozen=True, kw_only=True)
class Disclosure:
    """A line that automatic words must carry when `wanted` occurs: `needs` must be found too.

    Questions tell nothing, so a menu of wealth questions needs no risk line.
    """

    id: str
    line: Line
    message: str
    wanted: patterns.Patterns
    needs: patterns.Patterns
    must_match: tuple[str, ...]
    must_not_match: tuple[str, ...]


class ComplianceRules:
    """Every rule of the content, compiled once."""

    def __init__(
        self, rules: Sequence[Rule], excuses: Mapping[str, Excuse], disclosures: Sequence[Disclosure]
    ) -> None:
        self.rules = tuple(rules)
        self._excuses = dict(excuses)
        self._disclosures = tuple(disclosures)
        # A bot's words repeat; one check costs about 2 ms for a full answer (2026-11-21).
        self._bot_said = functools.lru_cache(maxsize=1024)(lambda text: tuple(self._said(text)))

    def check_text(
        self,
        text: str,
        role: Speaker,
        line: Line | None = None,
        entity_mode: EntityMode = EntityMode.LICENSED,
        audience: Audience = Audience.CUSTOMER,
    ) -> list[Problem]:
        """Return what is wrong with the words, the worst first; empty when nothing is or a customer speaks.

        One problem per rule. `line`: the product line the words belong to, None when unknown; with it, a
        bot's words must also carry that line's risk words. `entity_mode` is part of the face for the audit
        issue: the first rules do not depend on it, scope is content/serving.py.
        """
        if role is Speaker.CUSTOMER or not text:
            return []
        problems = list(self._bot_said(text)) if role is Speaker.BOT else self._said(text)
        if role is Speaker.BOT and line is not None and audience is not Audience.STAFF:
            problems += self._missing(text, line)
        return sorted(problems, key=lambda problem: (problem.severity, problem.span))

    def _said(self, text: str) -> list[Problem]:
        seen: dict[str, Problem] = {}
        for view in views.views_of(text):
            for rule in self.rules:
                if rule.id in seen:
                    continue
                for span in rule.wanted.spans(view.text):
                    if not self._is_excused(rule, view.text, span):
                        seen[rule.id] = _problem(rule, view.raw_span(span))
                        break
        return list(seen.values())

    def _is_excused(self, rule: Rule, text: str, span: tuple[int, int]) -> bool:
        for name in rule.excuses:
            excuse = self._excuses[name]
            start, end = _reach(excuse.reach, text, span)
            if any(a < end and start < b for a, b in excuse.wanted.spans(text[:end]) if a >= start):
                return True
        return False

    def _missing(self, text: str, line: Line) -> list[Problem]:
        folded = views.views_of(text)[0].text
        told = "".join(part for part in _SENTENCE.findall(folded) if not part.rstrip().endswith("?"))
        return [
            Problem(
                rule_id=needed.id,
                label=_DISCLOSURE_LABEL,
                severity=Severity.S2,
                span=(0, 0),
                message=needed.message,
            )
            for needed in self._disclosures
            if needed.line is line and needed.wanted.spans(told) and not needed.needs.spans(folded)
        ]


def check_text(
    rules: ComplianceRules,
    text: str,
    role: Speaker,
    line: Line | None = None,
    entity_mode: EntityMode = EntityMode.LICENSED,
    audience: Audience = Audience.CUSTOMER,
) -> list[Problem]:
    """Return what is wrong with the words; see ComplianceRules.check_text."""
    return rules.check_text(text, role, line, entity_mode, audience)


def is_blocking(problems: Sequence[Problem], role: Speaker) -> bool:
    """Say whether words with these problems may not leave (compliance.md §2).

    Automatic replies: everything from S2 up. People: S0 and S1; a customer is never stopped.
    """
    if role is Speaker.CUSTOMER:
        return False
    limit = Severity.S2 if role is Speaker.BOT else Severity.S1
    return any(problem.severity <= limit for problem in problems)


def parse_rules(found: Sequence[tables.Table]) -> ComplianceRules:
    """Return the compiled rules; what is wrong with them, examples included, is noted in the mistakes."""
    excuses = {}
    for table in found:
        if table.name == "excuse":
            excuses[table.text("id")] = _parse_excuse(table)
    rules = [(table, _parse_rule(table, excuses)) for table in found if table.name == "rule"]
    needed = [(table, _parse_disclosure(table)) for table in found if table.name == "disclosure"]
    compiled = ComplianceRules([rule for _, rule in rules], excuses, [one for _, one in needed])
    for table, rule in rules:
        alone = ComplianceRules([rule], excuses, [])
        _check_examples(alone, table, None, rule.must_match, rule.must_not_match)
    for table, one in needed:
        alone = ComplianceRules([], excuses, [one])
        _check_examples(alone, table, one.line, one.must_match, one.must_not_match)
    return compiled


def _parse_rule(table: tables.Table, excuses: Mapping[str, Excuse]) -> Rule:
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
    return Rule(
        id=table.text("id"),
        label=label,
        severity=Severity(severity or "S0"),
        law=table.text("law"),
        message=table.text("message"),
        wanted=patterns.parse_patterns(table),
        excuses=tuple(name for name in named if name in excuses),
        must_match=table.texts("must_match", at_least=1),
        must_not_match=table.texts("must_not_match", at_least=1),
    )


def _parse_excuse(table: tables.Table) -> Excuse:
    table.check_keys(EXCUSE_KEYS)
    reach = table.text("reach")
    if reach and reach not in REACHES:
        reaches = ", ".join(REACHES)
        table.wrong(f"has reach {reach!r}; write one of {reaches}", "reach", f"的 reach 只能是 {reaches}")
    return Excuse(id=table.text("id"), reach=reach, wanted=patterns.parse_patterns(table))


def _parse_disclosure(table: tables.Table) -> Disclosure:
    table.check_keys(DISCLOSURE_KEYS)
    line = table.text("line")
    lines = [str(member.value) for member in Line]
    if line and line not in lines:
        wanted = ", ".join(lines)
        table.wrong(f"has line = {line!r}; write one of {wanted}", "line", f"的 line 只能是 {wanted}")
    return Disclosure(
        id=table.text("id"),
        line=Line(line) if line in lines else Line.SERVICE,
        message=table.text("message"),
        wanted=patterns.parse_patterns(table),
        needs=patterns.parse_patterns(table, "needs", ""),
        must_match=table.texts("must_match", at_least=1),
        must_not_match=table.texts("must_not_match", at_least=1),
    )


def _check_examples(
    rules: ComplianceRules,
    table: tables.Table,
    line: Line | None,
    wanted: tuple[str, ...],
    unwanted: tuple[str, ...],
) -> None:
    for text in wanted:
        if not rules.check_text(text, Speaker.BOT, line):
            table.wrong(
                f"does not match its example {text!r}; mend patterns or excuses",
                "must_match",
                f"没有查出例句“{text}”，请改 patterns 或 excuses",
            )
    for text in unwanted:
        if rules.check_text(text, Speaker.BOT, line):
            table.wrong(
                f"matches {text!r}, which it must not; mend patterns or unless",
                "must_not_match",
                f"误查了例句“{text}”，请改 patterns 或 unless",
            )


def _reach(reach: str, text: str, span: tuple[int, int]) -> tuple[int, int]:
    """Return the range in which an excuse counts for a hit."""
    start, end = span
    if reach == "text":
        return 0, len(text)
    if reach == "before":
        return _after_last(_CLAUSE_END, text, start), start
    stop = _SENTENCE_END.search(text, end)
    return _after_last(_SENTENCE_END, text, start), stop.end() if stop else len(text)


def _after_last(boundary: re.Pattern[str], text: str, end: int) -> int:
    return max((found.end() for found in boundary.finditer(text, 0, end)), default=0)


def _problem(rule: Rule, span: tuple[int, int]) -> Problem:
    return Problem(
        rule_id=rule.id,
        label=rule.label,
        severity=rule.severity,
        span=span,
        message=f"{rule.message}（{rule.law}）",
    )

"""The wording check: what staff and automatic replies may not say (compliance.md, 22 labels).

Pure. Rules are data in content/compliance/*.toml (docs/compliance.md tells how they are written and how well they do).
A text is folded, one pass of an automaton (content/sieve.py) says which rules could apply, and only these are tried;
writing that looks disguised is decoded first (content/disguises.py). Negated, educational, quoted and asking sentences
pass. A customer's words are never a violation; what they report is a signal (content/signals.py).
The outbox asks before every send, the audit asks about everything that was said.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

from content import rewriting, sieve, tables, views, wording_files
from content.disguises import Disguises
from content.disguises import Tables as DisguiseTables
from content.wording_files import TABLES as TABLES
from content.wording_rules import Bound, Disclosure, Excuse, Measured, Rule, Span, Wanted
from domain.compliance import (
    DISCLOSURE,
    ENTITY_MODE,
    REGISTRATION,
    Audience,
    Problem,
    Registration,
    Severity,
    Speaker,
    SpreadProblem,
)
from domain.compliance import LABELS as LABELS
from domain.faq import EntityMode, Line

WARNING_BEFORE_END = timedelta(days=30)
_SENTENCE = re.compile(r"[^。!?\n]+[。!?\n]*|[。!?\n]+")
_LONGEST_RUN = 3  # compliance.md §3.9: the last two or three messages of one sender.
_SHORT = 12  # Characters; longer messages are read as sentences, not glued together.


class ComplianceRules:
    """Every rule of the content, compiled once. `version`: 12 hex digits over all that decides a result."""

    def __init__(
        self,
        rules: Sequence[Rule],
        excuses: Mapping[str, Excuse],
        disclosures: Sequence[Disclosure],
        *,
        disguises: Disguises | None = None,
        bounds: Sequence[Bound] = (),
        registrations: Mapping[str, str] | None = None,
        measured: Mapping[str, Measured] | None = None,
        rewrites: rewriting.Rewrites | None = None,
        subjects: Mapping[Line, Wanted] | None = None,
        version: str = "",
    ) -> None:
        self.rules = tuple(rules)
        self.version = version
        self.rewrites = rewrites or rewriting.Rewrites()
        self.subjects = dict(subjects or {})
        self.measured = dict(measured or {})
        self._excuses = dict(excuses)
        self._disclosures = tuple(disclosures)
        self._disguises = disguises or Disguises(DisguiseTables(written={}, halves={}, alike={}))
        self._bounds = tuple(bounds)
        self._registrations = dict(registrations or {})
        self._places = [
            (at, index) for at, rule in enumerate(self.rules) for index in range(len(rule.wanted.sources))
        ]
        wanted = [(self.rules[at].wanted, index) for at, index in self._places]
        self._sieve = sieve.Sieve(
            [one.needed[index] for one, index in wanted], [one.sources[index] for one, index in wanted]
        )
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

        One problem per rule. `line`: the product line the words belong to, None when unknown; with it, the words must
        also carry that line's disclosures, and in `platform` mode may say nothing about a particular product.
        """
        if role is Speaker.CUSTOMER or not text:
            return []
        problems = list(self._bot_said(text)) if role is Speaker.BOT else self._said(text)
        if line is not None and audience is not Audience.STAFF:
            problems += self._missing(text, line, role)
            if entity_mode is EntityMode.PLATFORM and line is not Line.SERVICE:
                problems += self._beyond(text)
        return sorted(problems, key=lambda problem: (problem.severity, problem.span))

    def check_disclosures(self, text: str, role: Speaker, line: Line) -> list[Problem]:
        """Return the lines that words about `line` should carry and do not; nothing else is looked for."""
        return self._missing(text, line, role) if text else []

    def check_run(self, texts: Sequence[str], role: Speaker, line: Line | None = None) -> list[SpreadProblem]:
        """Return what shows only when consecutive messages of one sender are read together.

        `texts`: the messages in order, none of another sender between them. Problems that a message has by itself are
        left to check_text.
        """
        if role is Speaker.CUSTOMER:
            return []
        known = [{problem.rule_id for problem in self.check_text(text, role, line)} for text in texts]
        found: dict[tuple[str, int], SpreadProblem] = {}
        for size in range(2, _LONGEST_RUN + 1):
            for first in range(len(texts) - size + 1):
                run = texts[first : first + size]
                alone = set().union(*known[first : first + size])
                for problem in self._spread(run, alone):
                    placed = tuple((first + index, span) for index, span in problem.spans)
                    if not any((problem.problem.rule_id, at) in found for at, _ in placed):
                        found[problem.problem.rule_id, placed[0][0]] = SpreadProblem(
                            problem=problem.problem, spans=placed
                        )
        return list(found.values())

    def check_speaker(self, line: Line, registrations: Iterable[Registration], on: date) -> list[Problem]:
        """Return what is wrong with a member of staff speaking for a line on a day.

        S2 without a registration that is good on that day, S3 when the last one ends within 30 days. The service line
        needs none.
        """
        if line is Line.SERVICE:
            return []
        ends = [held.valid_until for held in registrations if held.line is line]
        last = max(ends, default=None)
        if last is None:
            return [self._unregistered("registration.none", Severity.S2)]
        if last < on:
            return [self._unregistered("registration.ended", Severity.S2)]
        if last < on + WARNING_BEFORE_END:
            return [self._unregistered("registration.ending", Severity.S3)]
        return []

    def _said(self, text: str) -> list[Problem]:
        folded = views.folded(text)
        hits = self._sieve.candidates(folded)
        is_suspect = self._disguises.is_suspect(folded)
        if not hits and not is_suspect:
            return []
        plain = views.plain(text)
        seen: dict[str, Problem] = {}
        self._look(plain, hits, seen)
        said = {folded[start:end] for start, end in sieve.sentences_of(folded)} if is_suspect else set()
        for view in self._disguises.views(plain) if is_suspect else ():
            # What stands there as it was written has been looked at.
            new = [one for one in sieve.sentences_of(view.text) if view.text[one[0] : one[1]] not in said]
            self._look(view, self._sieve.candidates_in(view.text, new), seen)
        return list(seen.values())

    def _look(self, view: views.View, hits: sieve.Candidates, seen: dict[str, Problem]) -> None:
        by_rule: dict[int, dict[int, Sequence[Span]]] = {}
        for hit in sorted(hits):
            at, index = self._places[hit]
            by_rule.setdefault(at, {})[index] = hits[hit]
        for at, wanted in by_rule.items():
            rule = self.rules[at]
            if rule.id in seen:
                continue
            for span in rule.wanted.hits(view.text, wanted):
                if not any(self._excuses[name].clears(view.text, span) for name in rule.excuses):
                    seen[rule.id] = _problem(rule, view.raw_span(span))
                    break

    def _missing(self, text: str, line: Line, role: Speaker) -> list[Problem]:
        folded = views.folded(text)
        told = "".join(part for part in _SENTENCE.findall(folded) if not part.rstrip().endswith("?"))
        return [
            Problem(
                rule_id=needed.id, label=DISCLOSURE, severity=Severity.S2, span=(0, 0), message=needed.message
            )
            for needed in self._disclosures
            if needed.line is line
            and role in needed.speakers
            and needed.wanted.is_in(told)
            and not needed.needs.is_in(folded)
        ]

    def _beyond(self, text: str) -> list[Problem]:
        view = views.plain(text)
        found = []
        for bound in self._bounds:
            for span in bound.wanted.hits(view.text):
                place = view.raw_span(span)
                found.append(
                    Problem(
                        rule_id=bound.id,
                        label=ENTITY_MODE,
                        severity=Severity.S2,
                        span=place,
                        message=bound.message,
                    )
                )
                break
        return found

    def _spread(self, run: Sequence[str], alone: set[str]) -> list[SpreadProblem]:
        found = []
        joints = ("", ",") if all(len(text) <= _SHORT for text in run) else (",",)
        for joint in joints:
            whole = joint.join(run)
            starts = [sum(len(text) + len(joint) for text in run[:at]) for at in range(len(run))]
            for problem in self._said(whole):
                spans = tuple(
                    (
                        at,
                        (
                            max(problem.span[0] - start, 0),
                            min(problem.span[1] - start, len(run[at])),
                        ),
                    )
                    for at, start in enumerate(starts)
                    if problem.span[0] < start + len(run[at]) and start < problem.span[1]
                )
                if len(spans) > 1 and problem.rule_id not in alone:
                    alone = alone | {problem.rule_id}
                    found.append(SpreadProblem(problem=problem, spans=spans))
        return found

    def _unregistered(self, rule_id: str, severity: Severity) -> Problem:
        return Problem(
            rule_id=rule_id,
            label=REGISTRATION,
            severity=severity,
            span=(0, 0),
            message=self._registrations.get(rule_id, ""),
        )


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


def check_run(
    rules: ComplianceRules, texts: Sequence[str], role: Speaker, line: Line | None = None
) -> list[SpreadProblem]:
    """Return what shows only in messages read together; see ComplianceRules.check_run."""
    return rules.check_run(texts, role, line)


def check_speaker(
    rules: ComplianceRules, line: Line, registrations: Iterable[Registration], on: date
) -> list[Problem]:
    """Return what is wrong with a person speaking for a line; see ComplianceRules.check_speaker."""
    return rules.check_speaker(line, registrations, on)


def is_red_line(problem: Problem) -> bool:
    """Say whether a problem is one of the 22 kinds at S0 or S1: what a scan flags and the audit shows to a person."""
    return problem.label in LABELS and problem.severity <= Severity.S1


def is_blocking(problems: Sequence[Problem], role: Speaker) -> bool:
    """Say whether words with these problems may not leave (compliance.md §2).

    Automatic replies: everything from S2 up. People: S0 and S1; a customer is never stopped.
    """
    if role is Speaker.CUSTOMER:
        return False
    limit = Severity.S2 if role is Speaker.BOT else Severity.S1
    return any(problem.severity <= limit for problem in problems)


_read: dict[str, ComplianceRules] = {}


def parse_rules(found: Sequence[tables.Table]) -> ComplianceRules:
    """Return the compiled rules; what is wrong with them, examples included, is noted in the mistakes.

    The same tables without a mistake are read once per process: trying all examples takes a second.
    """
    version = wording_files.digest_of(
        [
            (table.name, dict(table.values))
            for table in found
            if table.name not in ("measured", *wording_files.UNJUDGED)
        ]
    )
    whole = wording_files.digest_of([(table.name, dict(table.values)) for table in found])
    if whole in _read:
        return _read[whole]
    mistakes = {id(table.mistakes): table.mistakes for table in found}.values()
    before = sum(len(held.texts) for held in mistakes)
    parsed = wording_files.parse(found)
    compiled = ComplianceRules(
        parsed.rules,
        parsed.excuses,
        parsed.disclosures,
        disguises=parsed.disguises,
        bounds=parsed.bounds,
        registrations=parsed.registrations,
        measured=parsed.measured,
        rewrites=parsed.rewrites,
        subjects=parsed.subjects,
        version=version,
    )
    _try_examples(found, parsed)
    _check_rewrites(found, compiled)
    if sum(len(held.texts) for held in mistakes) == before:
        _read.clear()
        _read[whole] = compiled
    return compiled


def _try_examples(found: Sequence[tables.Table], parsed: wording_files.Parsed) -> None:
    """Try every rule alone on its own examples; one that was measured as it stands has passed them already."""
    by_id = {(table.name, table.text("id")): table for table in found if "must_match" in table.values}
    for rule in parsed.rules:
        measured = parsed.measured.get(rule.id)
        if measured and measured.version == rule.version:
            continue
        alone = ComplianceRules([rule], parsed.excuses, [], disguises=parsed.disguises)
        _check_examples(alone, by_id.get(("rule", rule.id)), None, rule.must_match, rule.must_not_match)
    for needed in parsed.disclosures:
        alone = ComplianceRules([], parsed.excuses, [needed])
        table = by_id.get(("disclosure", needed.id))
        role = Speaker.BOT if Speaker.BOT in needed.speakers else next(iter(needed.speakers), Speaker.BOT)
        _check_examples(alone, table, needed.line, needed.must_match, needed.must_not_match, role)
    for bound in parsed.bounds:
        alone = ComplianceRules([], parsed.excuses, [], bounds=[bound])
        table = by_id.get(("bound", bound.id))
        _check_examples(alone, table, Line.LOAN, bound.must_match, bound.must_not_match)


def _check_rewrites(found: Sequence[tables.Table], rules: ComplianceRules) -> None:
    """Note every text of what may be said instead that would be stopped itself."""
    for table in found:
        if table.name not in ("rewrite", "completion"):
            continue
        wrong = next(iter(rules.check_text(str(table.values.get("text", "")), Speaker.ADVISOR)), None)
        if wrong is not None:
            table.wrong(
                f"says what {wrong.rule_id} stops; put it otherwise",
                "text",
                f"的 text 自己就违规（{wrong.message}），请换个说法",
            )


def _check_examples(
    rules: ComplianceRules,
    table: tables.Table | None,
    line: Line | None,
    wanted: tuple[str, ...],
    unwanted: tuple[str, ...],
    role: Speaker = Speaker.BOT,
) -> None:
    if table is None:
        return
    for text in wanted:
        if not rules.check_text(text, role, line, EntityMode.PLATFORM):
            table.wrong(
                f"does not match its example {text!r}; mend patterns or excuses",
                "must_match",
                f"没有查出例句“{text}”，请改 patterns 或 excuses",
            )
    for text in unwanted:
        if rules.check_text(text, role, line, EntityMode.PLATFORM):
            table.wrong(
                f"matches {text!r}, which it must not; mend patterns or unless",
                "must_not_match",
                f"误查了例句“{text}”，请改 patterns 或 unless",
            )


def _problem(rule: Rule, span: Span) -> Problem:
    return Problem(
        rule_id=rule.id,
        label=rule.label,
        severity=rule.severity,
        span=span,
        message=f"{rule.message}（{rule.law}）",
        rule_version=rule.version,
    )

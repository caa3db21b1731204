"""What may lawfully be said instead of words that the check blocks (content/compliance/rewrites.toml).

Pure. The sentence that holds a blocked stretch is replaced by approved words for its rule or label, the rest of the
advisor's text stays; lines that the product line asks for are put below it. Whatever comes out has been checked again:
a rewrite that would be blocked itself is never returned.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from content import tables
from domain.compliance import DISCLOSURE, LABELS, Problem, Severity
from domain.faq import Line

REWRITE_KEYS = frozenset(["id", "label", "rules", "line", "text"])
COMPLETION_KEYS = frozenset(["id", "text"])
_SENTENCE = re.compile(r"[^。！？!?；;\n]+[。！？!?；;\n]*|[。！？!?；;\n]+")
_GREETING = re.compile(
    r"\s*[^，,。！？!?；;\n]{0,14}?(?:您好|你好|早上好|上午好|中午好|下午好|晚上好|大家好|各位好)[呀啊哦哈～~]?[，,！!]?"
)
_ENDED = "。！？!?；;\n"
# A text with more flaws than that is nothing but flaws; what may be said instead then stands alone.
_ROUNDS = 6
_IN_ONE_SENTENCE = 2

Check = Callable[[str], Sequence[Problem]]


@dataclass(frozen=True, kw_only=True)
class Rewrite:
    """Words that may stand for a blocked sentence. `rules`: only of these; `line`: only of this product line."""

    id: str
    label: str
    rules: tuple[str, ...]
    line: Line | None
    text: str


@dataclass(frozen=True, kw_only=True)
class Completion:
    """The line that a text lacks, by the id of the disclosure that asks for it."""

    id: str
    text: str


class Rewrites:
    """What may be said instead, the most particular first."""

    def __init__(self, rewrites: Sequence[Rewrite] = (), completions: Sequence[Completion] = ()) -> None:
        self.rewrites = tuple(rewrites)
        self.completions = {one.id: one.text for one in completions}

    def find(self, problem: Problem, line: Line | None) -> str:
        """Return the words for a problem: of its rule and line, its rule, its label and line, its label; or ""."""
        fitting = [
            one
            for one in self.rewrites
            if one.label == problem.label
            and one.line in (None, line)
            and (not one.rules or problem.rule_id in one.rules)
        ]
        best = max(fitting, key=lambda one: (bool(one.rules), one.line is not None), default=None)
        return best.text if best else ""

    def missing(self, problems: Sequence[Problem]) -> tuple[str, ...]:
        """Return the lines that stand for what the problems say is missing, without repeats."""
        found = (
            self.completions.get(problem.rule_id, "") for problem in problems if problem.label == DISCLOSURE
        )
        return tuple(dict.fromkeys(text for text in found if text))


def rewritten(
    text: str, problems: Sequence[Problem], *, line: Line | None, rewrites: Rewrites, check: Check
) -> str:
    """Return `text` as it may be sent, "" when nothing has to change or no words are there for it.

    `problems`: what `check` said of the text; `check` is asked about every draft. Nothing blocked is returned.
    """
    draft = text
    if _blocking(problems):
        draft = _without_blocked(text, problems, line, rewrites, check)
        if not draft:
            return ""
        problems = check(draft)
    lines = rewrites.missing(problems)
    if lines:
        whole = "\n".join([draft.rstrip(), *lines])
        if not _blocking(check(whole)):
            draft = whole
    return "" if draft == text else draft


def _without_blocked(
    text: str, problems: Sequence[Problem], line: Line | None, rewrites: Rewrites, check: Check
) -> str:
    """Return the text with its blocked sentences replaced; the replacements alone when that is not enough."""
    pieces = _SENTENCE.findall(text) or [text]
    said: dict[str, None] = {}
    found: Sequence[Problem] = _in_each(pieces, check) or _blocking(problems)
    for _ in range(_ROUNDS):
        instead = {problem: rewrites.find(problem, line) for problem in found}
        said |= dict.fromkeys(filter(None, instead.values()))
        if not all(instead.values()) or not _exchange(pieces, instead, said):
            break
        draft = "".join(pieces).strip()
        found = _blocking(check(draft))
        if not found:
            return draft
    for alone in ("\n".join(said), next(iter(said), "")):
        if alone and not _blocking(check(alone)):
            return alone
    return ""


def _in_each(pieces: Sequence[str], check: Check) -> list[Problem]:
    """Return what is blocked in each sentence read alone, at its place in the whole: one look finds them all."""
    found, start = [], 0
    for piece in pieces:
        for problem in _blocking(check(piece)):
            span = (problem.span[0] + start, problem.span[1] + start)
            found.append(replace(problem, span=span))
        start += len(piece)
    return found


def _exchange(pieces: list[str], instead: dict[Problem, str], said: Collection[str]) -> bool:
    """Put the words in place of the sentences that the problems touch; False when only such words are touched."""
    starts = [sum(map(len, pieces[:at])) for at in range(len(pieces))]
    changes: dict[int, list[str]] = {}
    for problem, words in sorted(instead.items(), key=lambda one: one[0].severity):
        first, last = problem.span
        touched = [
            at
            for at, start in enumerate(starts)
            if first < start + len(pieces[at]) and start < max(last, first + 1)
        ]
        own = [at for at in touched if pieces[at].strip() not in said]
        if not own:
            return False
        changes.setdefault(own[0], []).append(words)
        for at in own[1:]:
            changes.setdefault(at, [])
    standing = {piece.strip() for at, piece in enumerate(pieces) if at not in changes}
    for at in sorted(changes):
        wanted = [words for words in dict.fromkeys(changes[at]) if words not in standing][:_IN_ONE_SENTENCE]
        standing |= set(wanted)
        first_hit = (
            min((p.span[0] for p in instead if p.span[0] >= starts[at]), default=starts[at]) - starts[at]
        )
        pieces[at : at + 1] = [_in_place_of(pieces[at], wanted, first_hit)]
    return True


def _in_place_of(piece: str, wanted: Sequence[str], first_hit: int) -> str:
    """Return what stands where a sentence stood: its greeting, the words, and its line break."""
    greeting = _GREETING.match(piece)
    kept = greeting[0] if greeting and greeting.end() <= first_hit else ""
    if kept and wanted and kept[-1] not in "，,！!":
        kept += "，"
    ending = "\n" * piece.count("\n")
    return kept + "".join(wanted) + ending


def _blocking(problems: Sequence[Problem]) -> list[Problem]:
    return [problem for problem in problems if problem.severity <= Severity.S1]


# --- the file -------------------------------------------------------------------------------------------------


def parse(
    found: Sequence[tables.Table], rule_ids: Collection[str], disclosure_ids: Collection[str]
) -> Rewrites:
    """Return what the [[rewrite]] and [[completion]] tables say; what is wrong with them is noted."""
    rewrites = [_rewrite(table, rule_ids) for table in found if table.name == "rewrite"]
    completions = [_completion(table, disclosure_ids) for table in found if table.name == "completion"]
    return Rewrites(rewrites, completions)


def _rewrite(table: tables.Table, rule_ids: Collection[str]) -> Rewrite:
    table.check_keys(REWRITE_KEYS)
    label, line, rules = table.text("label"), table.text("line", optional=True), table.texts("rules")
    if label and label not in LABELS:
        hint = tables.nearest(label, LABELS)
        table.wrong(f"has an unknown label {label!r}{hint}", "label", f"的 label {label} 不认识")
    lines = [str(member.value) for member in Line]
    if line and line not in lines:
        wanted = ", ".join(lines)
        table.wrong(f"has line = {line!r}; write one of {wanted}", "line", f"的 line 只能是 {wanted}")
    for name in rules:
        if name not in rule_ids:
            hint = tables.nearest(name, rule_ids)
            table.wrong(f"names an unknown rule {name!r}{hint}", "rules", f"引用的规则 {name} 不存在")
    return Rewrite(
        id=table.text("id"),
        label=label,
        rules=rules,
        line=Line(line) if line in lines else None,
        text=_ended(table.text("text")),
    )


def _completion(table: tables.Table, disclosure_ids: Collection[str]) -> Completion:
    table.check_keys(COMPLETION_KEYS)
    name = table.text("id")
    if name and name not in disclosure_ids:
        hint = tables.nearest(name, disclosure_ids)
        table.wrong(f"names an unknown disclosure {name!r}{hint}", "id", f"引用的必带提示 {name} 不存在")
    return Completion(id=name, text=table.text("text"))


def _ended(text: str) -> str:
    return text if not text or text[-1] in _ENDED else text + "。"

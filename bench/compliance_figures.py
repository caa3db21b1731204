"""How well the wording check does, set by set, label by label, form by form: `python -m bench.compliance_figures`.

Prints every figure of docs/compliance.md. `--write` puts the measured precision of each rule into
content/compliance/measured.toml, which the rules carry from then on. Needs ../shared for the development set.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import random
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import evasions
from content import compliance, sop_files
from content.compliance import ComplianceRules
from domain.compliance import Speaker

ROOT = Path(__file__).resolve().parents[1]
DEV = ROOT.parent / "shared" / "compliance" / "dev.jsonl"
FRESH = ROOT / "tests" / "content" / "compliance_fresh.toml"
MEASURED = ROOT / "content" / "compliance" / "measured.toml"
SEED = 20261122


@dataclass(frozen=True, kw_only=True)
class Case:
    """One labelled line; `labels` empty for what must not be flagged."""

    text: str
    labels: frozenset[str]
    role: Speaker
    kind: str
    source: str


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write content/compliance/measured.toml")
    arguments = parser.parse_args()
    rules = sop_files.load_rules(ROOT / "content")
    cases = labelled_cases()
    print(f"rules {rules.version}: {len(rules.rules)} rules")
    for source in dict.fromkeys(case.source for case in cases):
        print_set(rules, source, [case for case in cases if case.source == source])
    print_labels(rules, cases)
    print_kinds(rules, [case for case in cases if case.source.startswith("dev")])
    print_forms(rules, [case for case in cases if case.source == "fresh e"])
    if arguments.write:
        MEASURED.write_text(measured_table(rules, cases), encoding="utf-8")
        print(f"wrote {MEASURED.relative_to(ROOT)}")
    return 0


def labelled_cases() -> list[Case]:
    """Return the development set (when it is there), in two halves by digest, and our own fresh sets."""
    return [*(_dev_cases() if DEV.exists() else []), *_fresh_cases()]


def half_of(text: str) -> int:
    """Return 0 for the half that was read while rules were designed, 1 for the other."""
    return hashlib.sha256(text.encode()).digest()[0] % 2


def _dev_cases() -> Iterable[Case]:
    for line in DEV.read_text("utf-8").splitlines():
        found = json.loads(line)
        noted = dict(part.strip().split("=", 1) for part in found["note"].split(";") if "=" in part)
        yield Case(
            text=found["text"],
            labels=frozenset(found["labels"]),
            role=Speaker(noted["role"]),
            kind=noted["kind"],
            source=("dev, half read", "dev, half unread")[half_of(found["text"])],
        )


def _fresh_cases() -> Iterable[Case]:
    for group in tomllib.loads(FRESH.read_text("utf-8"))["lines"]:
        for text in group["texts"]:
            yield Case(
                text=text,
                labels=frozenset([group["label"]] if group["label"] else []),
                role=Speaker(group.get("role", "advisor")),
                kind=group.get("kind", "plain"),
                source=f"fresh {group['set']}",
            )


def found_labels(rules: ComplianceRules, case: Case) -> set[str]:
    """Return the labels that a scan would give."""
    problems = rules.check_text(case.text, case.role)
    return {problem.label for problem in problems if compliance.is_red_line(problem)}


def print_set(rules: ComplianceRules, source: str, cases: Sequence[Case]) -> None:
    got = [(case, found_labels(rules, case)) for case in cases]
    bad = [labels for case, labels in got if case.labels]
    fine = [labels for case, labels in got if not case.labels]
    caught, false = sum(map(bool, bad)), sum(map(bool, fine))
    exact = sum(bool(case.labels & labels) for case, labels in got if case.labels)
    low, high = interval(caught, len(bad))
    precision = caught / max(1, caught + false)
    print(
        f"{source:18} violations {caught}/{len(bad)} recall {caught / max(1, len(bad)):.3f} "
        f"[{low:.3f}, {high:.3f}], right label {exact}; near misses {false}/{len(fine)} "
        f"FPR {false / max(1, len(fine)):.3f}; precision {precision:.3f}"
    )


def print_labels(rules: ComplianceRules, cases: Sequence[Case]) -> None:
    print("label: precision, recall over all sets")
    got = [(case, found_labels(rules, case)) for case in cases]
    for label in sorted(compliance.LABELS):
        right = sum(label in case.labels and label in labels for case, labels in got)
        said = sum(label in labels for _, labels in got)
        wanted = sum(label in case.labels for case, _ in got)
        print(
            f"  {label:19} {right}/{said} = {right / max(1, said):.2f}, {right}/{wanted} = {right / wanted:.2f}"
        )


def print_kinds(rules: ComplianceRules, cases: Sequence[Case]) -> None:
    kinds: Counter[str] = Counter(case.kind for case in cases)
    flagged: Counter[str] = Counter(case.kind for case in cases if found_labels(rules, case))
    print("development set by kind: flagged of all")
    for kind in sorted(kinds):
        print(f"  {kind:22} {flagged[kind]}/{kinds[kind]}")


def print_forms(rules: ComplianceRules, cases: Sequence[Case]) -> None:
    print("generated evasions by form: caught of made; near misses flagged")
    for name, form in evasions.FORMS.items():
        caught, made = caught_of(rules, cases, form)
        false, fine = false_of(rules, cases, form)
        print(f"  {name:14} {caught}/{made} = {caught / max(1, made):.2f}; {false}/{fine}")


def caught_of(rules: ComplianceRules, cases: Sequence[Case], form: evasions.Form) -> tuple[int, int]:
    """Return (caught, made): every violation that is caught in plain words, disguised in one form."""
    dice = random.Random(SEED)
    caught = made = 0
    for case in cases:
        problems = rules.check_text(case.text, case.role) if case.labels else []
        for problem in problems[:1]:
            text = evasions.disguised(case.text, problem.span, form, dice)
            if text != case.text:
                made += 1
                caught += bool(rules.check_text(text, case.role))
    return caught, made


def false_of(rules: ComplianceRules, cases: Sequence[Case], form: evasions.Form) -> tuple[int, int]:
    """Return (flagged, made): every near miss with all of its words disguised."""
    dice = random.Random(SEED)
    texts = [
        evasions.disguised(case.text, (0, len(case.text)), form, dice) for case in cases if not case.labels
    ]
    return sum(bool(rules.check_text(text, Speaker.ADVISOR)) for text in texts), len(texts)


def interval(right: int, made: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval."""
    if not made:
        return 0.0, 1.0
    z, share = 1.96, right / made
    middle = share + z * z / (2 * made)
    spread = z * math.sqrt(share * (1 - share) / made + z * z / (4 * made * made))
    return (middle - spread) / (1 + z * z / made), (middle + spread) / (1 + z * z / made)


def measured_table(rules: ComplianceRules, cases: Sequence[Case]) -> str:
    """Return the text of measured.toml: per rule the lines it flagged and those that carry its label."""
    flagged: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for case in cases:
        for problem in rules.check_text(case.text, case.role):
            flagged[problem.rule_id] += 1
            right[problem.rule_id] += problem.label in case.labels
    lines = [
        "# 每条规则在标注集（开发集和自写的五组）上查出多少条、其中多少条标签相符。",
        "# 由 bench/compliance_figures.py --write 生成。",
        "# version 是量的时候规则的版本：规则改了就要重新量。",
        "",
    ]
    for rule in rules.rules:
        lines += [
            "[[measured]]",
            f'id = "{rule.id}"',
            f'version = "{rule.version}"',
            f"flagged = {flagged[rule.id]}",
            f"right = {right[rule.id]}",
            "",
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())

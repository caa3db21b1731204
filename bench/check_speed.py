"""How many messages a second the wording check reads on one core: `python -m bench.check_speed`.

Messages of 18 to 22 characters from the questions of tests/content, two in a hundred of them broken rules from
compliance_fresh.toml; beside it all fresh lines, of which two thirds are violations. Two peers run in this process on
the same messages: one alternation of all words the rules look for, and `in` for each of them. Times are processor time.
"""

from __future__ import annotations

import random
import re
import sys
import time
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

from content import compliance, sop_files
from domain.compliance import Speaker

ROOT = Path(__file__).resolve().parents[1]
TESTS = ROOT / "tests" / "content"
COUNT = 10_000
SEED = 20261122


def main() -> int:
    """Print the figures."""
    rules = sop_files.load_rules(ROOT / "content")
    fresh = fresh_lines()
    mix = mixed(rules, fresh)
    words = sorted({word for rule in rules.rules for sets in rule.wanted.needed for word in sets[0]})
    pattern = re.compile("|".join(map(re.escape, words)))

    def check(text: str) -> object:
        return compliance.check_text(rules, text, Speaker.ADVISOR)

    ours = speed(check, mix)
    print(f"wording check, 2 % hits   {ours:10,.0f} messages/s (rules {rules.version})")
    print(f"wording check, fresh set  {speed(check, fresh):10,.0f} messages/s")
    peer = speed(pattern.findall, mix[:2000])
    print(
        f"one alternation of {len(words)} words, raw text only  {peer:10,.0f} messages/s, ratio {ours / peer:.2f}"
    )
    naive = speed(lambda text: [word for word in words if word in text], mix[:1000])
    print(
        f"`in` for each of {len(words)} words, raw text only    {naive:10,.0f} messages/s, ratio {ours / naive:.2f}"
    )
    return 0


def mixed(rules: compliance.ComplianceRules, fresh: Sequence[str]) -> list[str]:
    """Return COUNT messages of about 20 characters, 2 % of which break a rule."""
    dice = random.Random(SEED)
    asked = [
        text for name in ("fresh.toml", "fresh_dev.toml", "everyday.toml") for text in texts_of(TESTS / name)
    ]
    clean = [text for text in asked if 18 <= len(text) <= 22 and not rules.check_text(text, Speaker.ADVISOR)]
    bad = [text for text in fresh if 16 <= len(text) <= 24 and rules.check_text(text, Speaker.ADVISOR)]
    return [dice.choice(bad) if at % 50 == 0 else dice.choice(clean) for at in range(COUNT)]


def fresh_lines() -> list[str]:
    """Return every line of compliance_fresh.toml."""
    return texts_of(TESTS / "compliance_fresh.toml")


def texts_of(path: Path) -> list[str]:
    """Return every text of a TOML file that is a sentence: Chinese, at least six characters."""
    found: list[str] = []
    pending: list[object] = [tomllib.loads(path.read_text("utf-8"))]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            pending += value.values()
        elif isinstance(value, list):
            pending += value
        elif isinstance(value, str) and len(re.findall("[\u4e00-\u9fff]", value)) > 5:
            found.append(value)
    return sorted(found)


def speed(read: Callable[[str], object], texts: Sequence[str]) -> float:
    """Return texts a second of processor time, after one round to warm up."""
    for text in texts:
        read(text)
    began = time.process_time()
    for text in texts:
        read(text)
    return len(texts) / (time.process_time() - began)


if __name__ == "__main__":
    sys.exit(main())

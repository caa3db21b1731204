"""How long the advisor's desk waits for a verdict, in processor time: `python -m bench.verdicts`.

Texts of 30, 200 and 2,000 characters: answers of the shipped entries, which are full of the rules' words, and the same
with a sentence in the middle that is blocked, so that a rewrite is made.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from content import loading, matching
from content.knowledge import Knowledge
from domain.compliance import Audience
from domain.faq import EntityMode, Line, Thresholds
from handlers import verdicts

ROOT = Path(__file__).resolve().parents[1]
SIZES = (30, 200, 2000)
LIMIT_MS = 5.0
TODAY = date(2026, 11, 22)
_TEXTS, _ROUNDS, _SEED = 60, 3, 20261122
_BLOCKED = "这款产品保本保息，放心买。"


def main() -> int:
    """Print the times."""
    knowledge = _knowledge()
    for size in SIZES:
        texts = _texts(knowledge, size)
        blocked = [f"{text[: size // 2]}。{_BLOCKED}{text[size // 2 :]}"[:size] for text in texts]
        for name, these in (("clean", texts), ("blocked", blocked)):
            times = _times(knowledge, these)
            middle, late = times[len(times) // 2], times[int(len(times) * 0.95)]
            print(
                f"{name:>8} {size:>5} characters: p50 {middle:6.2f} ms, p95 {late:6.2f} ms, "
                f"p95 to the limit {late / LIMIT_MS:.2f}"
            )
    return 0


def _times(knowledge: Knowledge, texts: Sequence[str]) -> list[float]:
    """Return the processor time of each check in milliseconds, sorted; everything has been checked once before."""
    found: list[float] = []
    for turn in range(_ROUNDS + 1):
        for text in texts:
            begun = time.process_time()
            verdicts.check(
                knowledge,
                text,
                lines=[Line.WEALTH],
                registrations=(),
                today=TODAY,
                audience=Audience.CUSTOMER,
            )
            if turn:
                found.append((time.process_time() - begun) * 1000)
    return sorted(found)


def _texts(knowledge: Knowledge, size: int) -> list[str]:
    draw = random.Random(_SEED)
    answers = [faq.answer for faq in knowledge.faqs.values()]
    return ["".join(draw.sample(answers, 20))[:size] for _ in range(_TEXTS)]


def _knowledge() -> Knowledge:
    content = loading.load(ROOT / "content")
    return Knowledge(
        content=content,
        faqs=content.faqs,
        replies=content.replies,
        versions={},
        matcher=matching.Matcher(()),
        thresholds=Thresholds(),
        entity_modes=dict.fromkeys(Line, EntityMode.LICENSED),
        stopped=frozenset(),
        today=TODAY,
    )


if __name__ == "__main__":
    raise SystemExit(main())

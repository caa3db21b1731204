"""Our own knowledge asked by people who never saw it: what they get, and what moving the threshold would change.

    python -m bench.faq_fresh [tests/content/fresh.toml] [--lexical] [--plot FILE.svg] [--verbose]

The messages were written from a list of topics alone. "right": answered with the entry meant (or with both of two);
"menu": offered among up to three; "person": words of danger, fraud, complaint or the wish for a person, heard before
any matching; "unknown": asked to say it otherwise; "elsewhere": a menu without the entry; "wrong": answered with
another. Decided by content.knowledge, as in service. docs/content.md has the figures and the curve.
"""

from __future__ import annotations

import argparse
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bot.library import new_matcher
from content import loading, meaning, segmentation
from content.knowledge import Knowledge
from domain.faq import Choice, EntityMode, Line, Thresholds

ROOT = Path(__file__).resolve().parents[1]
KINDS = ("right", "menu", "person", "unknown", "elsewhere", "wrong")
_TODAY = date(2026, 11, 22)
_SWEEP = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One message with the entries that answer it; none for talk that no entry answers."""

    text: str
    meant: frozenset[str]
    kind: str  # "one", "pair", "long" or "none".


@dataclass(frozen=True, kw_only=True)
class Shares:
    """Shares of a set, 0..1: what those who asked got, and how many of the others were answered."""

    threshold: float
    got: dict[str, float]
    none_answered: float
    none_offered: float


def read(path: Path) -> list[Asked]:
    """Return the messages of a set."""
    parsed: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    return list(_asked(parsed))


def _asked(parsed: dict[str, Any]) -> Iterator[Asked]:
    for line in Line:
        for name, messages in parsed.get(line.value, {}).items():
            for text in messages:
                yield Asked(text=text, meant=frozenset({f"{line.value}.{name}"}), kind="one")
    for pair in parsed.get("pair", []):
        yield Asked(text=pair["text"], meant=frozenset(pair["ids"]), kind="pair")
    for long in parsed.get("long", []):
        yield Asked(text=long["text"], meant=frozenset({long["id"]}), kind="long")
    for text in parsed["none"]["messages"]:
        yield Asked(text=text, meant=frozenset(), kind="none")


def knowledge(folder: Path, data_folder: Path, *, by_meaning: bool) -> Knowledge:
    """Return what the shipped content knows, every line licensed, on the day it was written."""
    words = loading.load(folder)
    segmentation.prepare(data_folder, words.lexicon)
    channel = meaning.load(data_folder) if by_meaning else None
    return Knowledge(
        content=words,
        faqs=words.faqs,
        replies=words.replies,
        versions=MappingProxyType({}),
        matcher=new_matcher(words, words.faqs, channel),
        thresholds=Thresholds(),
        entity_modes=dict.fromkeys(Line, EntityMode.LICENSED),
        stopped=frozenset(),
        today=_TODAY,
    )


def outcome(asked: Asked, known: Knowledge) -> str:
    """Return what a message gets, one of KINDS; of talk that no entry answers "wrong" is an answer."""
    if any(hit.code is not None for hit in known.content.signals.find(asked.text)):
        return "person"
    decision = known.decide(asked.text)
    ids = {match.faq_id for match in decision.matches}
    match decision.choice:
        case Choice.ANSWER:
            return "right" if ids & asked.meant and ids <= asked.meant else "wrong"
        case Choice.MENU:
            return "menu" if ids & asked.meant else "elsewhere"
        case Choice.UNKNOWN:
            return "unknown"


def outcomes(messages: list[Asked], known: Knowledge, kind: str) -> Counter[str]:
    """Return how many messages of a kind got what."""
    return Counter(outcome(asked, known) for asked in messages if asked.kind == kind)


def shares(messages: list[Asked], known: Knowledge, threshold: float) -> Shares:
    """Return the shares with another `answer_at`."""
    limits = replace(known.thresholds, answer_at=threshold, answer_at_by_words=threshold)
    moved = replace(known, thresholds=limits)
    ones, nones = outcomes(messages, moved, "one"), outcomes(messages, moved, "none")
    return Shares(
        threshold=threshold,
        got={kind: ones[kind] / ones.total() for kind in KINDS},
        none_answered=nones["wrong"] / nones.total(),
        none_offered=nones["elsewhere"] / nones.total(),
    )


def plot(rows: list[Shares], shipped: float) -> str:
    """Return the curve as SVG: over the threshold, who is answered rightly, offered a menu, answered wrongly."""
    width, height, left, top = 720, 420, 60, 30
    lines = (
        ("直接答对", "#0f6e5a", [row.got["right"] for row in rows]),
        ("答对或菜单里有", "#4f7ac7", [row.got["right"] + row.got["menu"] for row in rows]),
        ("答错", "#c0392b", [row.got["wrong"] for row in rows]),
        ("不该答的被答了", "#e0962f", [row.none_answered for row in rows]),
    )
    low, high = rows[0].threshold, rows[-1].threshold

    def across(value: float) -> float:
        return left + (value - low) / (high - low) * (width - left - 170)

    def down(share: float) -> float:
        return top + (1 - share) * (height - top - 50)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"',
        ' font-family="sans-serif" font-size="13">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for share in (0, 0.25, 0.5, 0.75, 1):
        at = down(share)
        parts.append(
            f'<line x1="{left}" x2="{across(high):.0f}" y1="{at:.1f}" y2="{at:.1f}" stroke="#e3e8e6"/>'
        )
        parts.append(
            f'<text x="{left - 8}" y="{at + 4:.1f}" text-anchor="end" fill="#5b6b66">{share:.0%}</text>'
        )
    for place in range(40, 101, 10):
        if low <= place / 100 <= high:
            at = across(place / 100)
            parts.append(
                f'<text x="{at:.1f}" y="{height - 28}" text-anchor="middle" fill="#5b6b66">{place}%</text>'
            )
    at = across(shipped)
    parts.append(
        f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{top}" y2="{height - 50}" stroke="#5b6b66" stroke-dasharray="4 4"/>'
    )
    parts.append(
        f'<text x="{at:.1f}" y="{top - 10}" text-anchor="middle" fill="#5b6b66">随附 {shipped:.0%}</text>'
    )
    label_at = height + 0.0
    for label, colour, values in sorted(lines, key=lambda line: line[2][-1]):
        label_at = min(label_at - 18, down(values[-1]) + 4)
        points = " ".join(
            f"{across(row.threshold):.1f},{down(value):.1f}" for row, value in zip(rows, values, strict=True)
        )
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
        parts.append(f'<text x="{across(high) + 12:.0f}" y="{label_at:.1f}" fill="{colour}">{label}</text>')
    parts.append(
        f'<text x="{left}" y="{height - 8}" fill="#5b6b66">answer_at：把握多少起直接回答</text></svg>'
    )
    return "\n".join(parts) + "\n"


def main() -> None:
    """Print what each kind of message gets, and the curve."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("messages", nargs="?", type=Path, default=ROOT / "tests" / "content" / "fresh.toml")
    parser.add_argument("--lexical", action="store_true", help="words only")
    parser.add_argument("--cache", type=Path, help="where vectors are kept between runs")
    parser.add_argument("--plot", type=Path, help="write the curve to this SVG file")
    parser.add_argument("--verbose", action="store_true", help="print what went wrong")
    args = parser.parse_args()
    messages = read(args.messages)
    with tempfile.TemporaryDirectory(prefix="guanjia-fresh-") as scratch:
        known = knowledge(ROOT / "content", args.cache or Path(scratch), by_meaning=not args.lexical)
        for kind in ("one", "pair", "long", "none"):
            got = outcomes(messages, known, kind)
            if got:
                told = "  ".join(f"{name} {got[name]} ({got[name] / got.total():.1%})" for name in KINDS)
                print(f"{kind:5} {got.total():5}  {told}")
        if args.verbose:
            for asked in messages:
                got_it = outcome(asked, known)
                if got_it in ("wrong", "elsewhere", "unknown") and not (
                    asked.kind == "none" and got_it != "wrong"
                ):
                    print(got_it, asked.kind, sorted(asked.meant), asked.text)
        if args.plot:
            rows = [shares(messages, known, threshold) for threshold in _SWEEP]
            args.plot.write_text(plot(rows, known.thresholds.answer_at), "utf-8")
            for row in rows:
                told = "  ".join(f"{name} {row.got[name]:.1%}" for name in KINDS)
                print(f"answer_at {row.threshold:.2f}  {told}  none answered {row.none_answered:.1%}")


if __name__ == "__main__":
    main()

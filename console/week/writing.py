"""How the plain text of a block becomes a page: headings, lists, paragraphs.

Pure. A chat shows the same text as it stands, so the marks are those people write by hand: "一、…" over a paragraph is
its heading, "□ …" a point to tick. Pages alone also know "# …" and "· …" (docs/sop.md, 给客户看的网页).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from console.week import words
from content import reply_files
from domain.sop import ContentBlock

_NUMBERED = re.compile(words.load()["marks"]["numbered"])
_NAMED = re.compile(r"《(.+)》")
_CHOICE = re.compile(r"([1-5])\s+(\S.*)")


class PartKind(StrEnum):
    """What a part of a page is."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"  # Its lines stand below each other.
    POINTS = "points"  # A list.
    CHECKS = "checks"  # A list to tick on paper.


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of a page; a heading has one line."""

    kind: PartKind
    lines: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """An answer to choose: its value and its words."""

    value: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Words:
    """A block ready to be shown. `whole`: everything a reader sees, for the wording check."""

    title: str
    parts: tuple[Part, ...]
    risk_lines: tuple[str, ...]
    whole: str


def words_of(block: ContentBlock, slots: Mapping[str, str], risk_lines: Mapping[str, str]) -> Words:
    """Return a block with its slots filled; a line with an empty slot is left out.

    Without a title of its own, a first line 《…》 is the title. `risk_lines`: by code; they stand below the text.
    """
    body = _filled(block.body, slots)
    title = _filled(block.title, slots)
    first, _, rest = body.partition("\n")
    named = _NAMED.fullmatch(first.strip())
    if named and not title:
        title, body = named[1], rest
    risks = tuple(risk_lines[code] for code in block.risk_lines if code in risk_lines)
    return Words(
        title=title,
        parts=parts_of(body),
        risk_lines=risks,
        whole="\n".join(part for part in (title, body, "\n".join(risks)) if part),
    )


def parts_of(text: str) -> tuple[Part, ...]:
    """Return the parts of a text; an empty line ends one."""
    found: list[Part] = []
    for chunk in re.split(r"\n\s*\n", text.strip()):
        lines = [line.strip() for line in chunk.split("\n") if line.strip()]
        if len(lines) > 1 and _NUMBERED.match(lines[0]):
            found.append(Part(kind=PartKind.HEADING, lines=(lines[0].rstrip("。"),)))
            lines = lines[1:]
        for kind, group in itertools.groupby(lines, key=_kind_of):
            told = tuple(line if kind is PartKind.PARAGRAPH else line[1:].strip() for line in group)
            one_by_one = kind is PartKind.HEADING
            found += [
                Part(kind=kind, lines=own) for own in ([(line,) for line in told] if one_by_one else [told])
            ]
    return tuple(found)


def without_choices(question: Words) -> tuple[tuple[Part, ...], tuple[Choice, ...]]:
    """Return the parts of a question and, apart, its choices: lines like "5 很有用", in the order written."""
    parts: list[Part] = []
    choices: list[Choice] = []
    for part in question.parts:
        hits = [(line, _CHOICE.fullmatch(line)) for line in part.lines]
        choices += [Choice(value=hit[1], text=hit[2]) for _, hit in hits if hit]
        left = tuple(line for line, hit in hits if not hit)
        if left:
            parts.append(Part(kind=part.kind, lines=left))
    return tuple(parts), tuple(choices)


def _kind_of(line: str) -> PartKind:
    marks: Sequence[tuple[str, PartKind]] = (
        ("# ", PartKind.HEADING),
        ("· ", PartKind.POINTS),
        ("□ ", PartKind.CHECKS),
    )
    return next((kind for mark, kind in marks if line.startswith(mark)), PartKind.PARAGRAPH)


def _filled(text: str, slots: Mapping[str, str]) -> str:
    return reply_files.fill(text, slots).strip()

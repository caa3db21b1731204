"""The checklist before an opening: its points, what they are worth, and what is still open. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from domain.sop import BlockKind, ContentBlock, Template

# A line of a checklist: "必选 群的定位写清楚（10 分）".
_POINT = re.compile(r"^(必选\s*)?(.+?)（(\d+) 分）$")
PASS_POINTS = 60  # The first week's readiness gate: 0 or 60 points (docs/sop.md).


@dataclass(frozen=True, kw_only=True)
class Point:
    """One point to tick. `number` counts from 0 and is its name."""

    number: int
    text: str
    worth: int
    is_mandatory: bool


def points_of(block: ContentBlock) -> tuple[Point, ...]:
    """Return the points of a checklist; lines that are none are its preface."""
    found = (_POINT.match(line.strip()) for line in block.body.split("\n"))
    matches = [match for match in found if match]
    return tuple(
        Point(number=number, text=match[2], worth=int(match[3]), is_mandatory=bool(match[1]))
        for number, match in enumerate(matches)
    )


def checklist_of(template: Template) -> ContentBlock | None:
    """Return the checklist of a template, None when it has none."""
    return next((block for block in template.blocks.values() if block.kind is BlockKind.CHECKLIST), None)


def measures(template: Template, ticks: Mapping[str, str]) -> dict[str, float]:
    """Return `points` and `mandatory_open`; empty without a checklist."""
    block = checklist_of(template)
    if block is None:
        return {}
    points = points_of(block)
    ticked = [point for point in points if str(point.number) in ticks]
    missing = sum(1 for point in points if point.is_mandatory and str(point.number) not in ticks)
    return {"points": float(sum(point.worth for point in ticked)), "mandatory_open": float(missing)}


def unticked(template: Template, ticks: Mapping[str, str]) -> str:
    """Return the points that are still open, a line each."""
    block = checklist_of(template)
    points = points_of(block) if block else ()
    return "\n".join(point.text for point in points if str(point.number) not in ticks)

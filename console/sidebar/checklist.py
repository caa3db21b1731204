"""The points before an opening with their ticks, as the phone shows them; scheduler/readiness.py reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from content import readiness
from content.readiness import Point
from domain.sop import ContentBlock


@dataclass(frozen=True, kw_only=True)
class Tickable:
    """A point. `ticked_by`: who and when, "" while it is open."""

    point: Point
    ticked_by: str

    @property
    def is_ticked(self) -> bool:
        return bool(self.ticked_by)


@dataclass(frozen=True, kw_only=True)
class Checklist:
    """All points of a block."""

    points: tuple[Tickable, ...]

    @property
    def total(self) -> int:
        return sum(one.point.worth for one in self.points)

    @property
    def ticked(self) -> int:
        return sum(one.point.worth for one in self.points if one.is_ticked)

    @property
    def open_mandatory(self) -> int:
        return sum(one.point.is_mandatory and not one.is_ticked for one in self.points)

    @property
    def pass_points(self) -> int:
        return readiness.PASS_POINTS


def read(block: ContentBlock, ticks: Mapping[str, str]) -> Checklist:
    """Return the points of a block with the ticks an enrolment keeps under their numbers."""
    return Checklist(
        points=tuple(
            Tickable(point=point, ticked_by=ticks.get(str(point.number), ""))
            for point in readiness.points_of(block)
        )
    )

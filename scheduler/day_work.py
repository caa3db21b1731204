"""What everybody has to do in groups on a day, for the day's cards (scheduler/attention.py).

What is not released yet has no executor; who it will be is told from the step's role and today's owner. One-to-one
steps of single members are told when they are due.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.people import Staff
from domain.sop import Step
from scheduler.attention import DayLine
from scheduler.bundles import People
from scheduler.enrolling import Version
from store import sop_reports, staff
from store.paging import Place
from store.sop_reports import GroupFilter, WorkRow

_PAGE = 500
# A frozen template by the id of its version (scheduler/walking.py, Walker.version).
Versions = Callable[[AsyncConnection, int], Awaitable[Version]]


class GroupWork:
    """Lists a day's work; a DayWork."""

    def __init__(self, version: Versions) -> None:
        self._version = version

    async def __call__(
        self, tx: AsyncConnection, since: datetime, until: datetime
    ) -> Mapping[str, Sequence[DayLine]]:
        """Return by UserID what is open already or due before `until`."""
        known = await staff.list_all(tx)
        compliance = next(iter(await staff.list_with_role(tx, "compliance")), "")
        wanted = GroupFilter(scope=None, now=since)
        found: dict[str, list[DayLine]] = {}
        place: Place | None = None
        while True:
            rows = await sop_reports.list_work(tx, wanted, until=until, after=place, limit=_PAGE)
            for row in rows:
                step = await self._step(tx, row)
                who = row.whose if row.is_open else _people(row.whose, known, compliance).of(step.executor)
                if who:
                    found.setdefault(who, []).append(
                        DayLine(at=row.due_at, title=f"{step.title} · {row.group_name}")
                    )
            if len(rows) < _PAGE:
                return found
            place = rows[-1].place

    async def _step(self, tx: AsyncConnection, row: WorkRow) -> Step:
        template = (await self._version(tx, row.sop_version_id)).template
        return next(one for one in template.steps[row.rhythm] if one.key == row.step)


def _people(owner: str, known: Mapping[str, Staff], compliance: str) -> People:
    found = known.get(owner)
    return People(
        owner=owner,
        co_owner=found.co_owner_platform_id or found.deputy_platform_id if found else "",
        supervisor=found.leader_platform_id if found else "",
        compliance=compliance,
    )

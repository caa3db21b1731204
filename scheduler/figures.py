"""Figures of a group on its way through a template, for reports, checklists, cards and the score of the week."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.cohorts import QuitAlarm
from domain.enrolment import Enrolment, Occurrence
from domain.first_week import Score, WeekFigures
from domain.first_week import score as reckon
from domain.sop import Template


async def of(
    tx: AsyncConnection, enrolment: Enrolment, template: Template, now: datetime
) -> Mapping[str, str]:
    """Return the value of every slot that is a figure; what was not measured says so."""
    return {}


async def week_score(
    tx: AsyncConnection,
    enrolment: Enrolment,
    template: Template,
    occurrences: Sequence[Occurrence],
    now: datetime,
) -> Score:
    """Return the score of the week; its `total` is None when not even the steps could be measured."""
    return reckon(WeekFigures())


async def alarms(tx: AsyncConnection, enrolment: Enrolment, now: datetime) -> list[QuitAlarm]:
    """Return what the group's quits say that nobody was told yet, by time.

    Whoever tells it writes an enrolment_entry with act "alarm" and the alarm's key as its note, in the same
    transaction; then it is not returned again.
    """
    return []

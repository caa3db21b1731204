"""The law of group SOPs at a small size: owners who forget or leave, kills, an outage, failing calls, both engines."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bench import sop_law
from bench.report import Report
from bench.sop_law import Size


# A busy machine takes several times the quiet minute of both.
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("database", "processes"),
    [("sqlite", 1), pytest.param("postgresql", 2, marks=pytest.mark.postgres)],
)
async def test_no_step_of_a_first_week_is_lost_or_done_twice_when_everything_goes_wrong(
    database: str, processes: int
) -> None:
    report = Report(database)
    size = Size(
        groups=6,
        kills=1,
        processes=processes,
        database=database,
        grain=900,
        begins_at=datetime(2026, 11, 29, 1, 30, tzinfo=UTC),
        seed=7,
    )

    await sop_law.run(size, report)

    assert report.broken == []

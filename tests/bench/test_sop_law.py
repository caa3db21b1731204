"""The law of group SOPs at a small size: owners who forget or leave, kills, an outage, failing calls."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bench import sop_law
from bench.report import Report
from bench.sop_law import Size


# With two processes on PostgreSQL it is a command (docs/testing.md): it takes several minutes on a busy machine.
@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_no_step_of_a_first_week_is_lost_or_done_twice_when_everything_goes_wrong() -> None:
    report = Report("sqlite")
    size = Size(
        groups=2,
        kills=1,
        processes=1,
        database="sqlite",
        grain=1800,
        begins_at=datetime(2026, 11, 29, 1, 30, tzinfo=UTC),
        seed=7,
    )

    await sop_law.run(size, report)

    assert report.broken == []

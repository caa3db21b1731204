"""The soak at a small size: kills, an outage, failing calls, on both engines and both ways of taking repeats."""

from __future__ import annotations

import pytest

from bench import soak
from bench.report import Report
from bench.soak import Size


# Two of the four ways of the whole bench; the others differ in engine or repeats only. The outage kills every process
# once more, and most of the time goes into starting them again.
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("database", "replicas", "kills", "repeat"),
    [("sqlite", 1, 2, "accept"), pytest.param("postgresql", 2, 1, "refuse", marks=pytest.mark.postgres)],
)
async def test_nothing_is_lost_or_said_twice_when_everything_goes_wrong(
    database: str, replicas: int, kills: int, repeat: str
) -> None:
    report = Report(f"{database}, {repeat}")
    size = Size(
        messages=120,
        customers=60,
        kills=kills,
        replicas=replicas,
        database=database,
        repeat=repeat,
        history=12,
        outage=24,
        seed=7,
    )

    await soak.run(size, report)

    assert report.broken == []

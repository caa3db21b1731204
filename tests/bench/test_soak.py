"""The soak at a small size: kills, an outage, failing calls, on both engines and both ways of taking repeats."""

from __future__ import annotations

import pytest

from bench import soak
from bench.report import Report
from bench.soak import Size


@pytest.mark.parametrize("repeat", ["refuse", "accept"])
@pytest.mark.parametrize(
    ("database", "replicas"), [("sqlite", 1), pytest.param("postgresql", 2, marks=pytest.mark.postgres)]
)
async def test_nothing_is_lost_or_said_twice_when_everything_goes_wrong(
    database: str, replicas: int, repeat: str
) -> None:
    report = Report(f"{database}, {repeat}")
    size = Size(
        messages=300,
        customers=60,
        kills=3,
        replicas=replicas,
        database=database,
        repeat=repeat,
        history=30,
        outage=48,
        seed=7,
    )

    await soak.run(size, report)

    assert report.broken == []

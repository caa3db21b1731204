"""The other benches at a small size. Speed is judged by the benches themselves, on a quiet machine."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from urllib.parse import urlencode

import pytest

from bench import callback, fuzz, hammer, latency, report, start, tokens, wecom
from bench.house import House, Plan
from bench.report import Report
from sandbox import server


async def test_mutated_requests_get_the_right_refusal_and_store_nothing() -> None:
    found = Report("fuzz")

    await fuzz.measure(argparse.Namespace(requests=2001, seed=3), found)

    assert found.broken == []
    assert {row[0] for row in found.rows} >= {"HTTP 200", "HTTP 400", "HTTP 403", "HTTP 404", "HTTP 413"}


async def test_many_callers_with_a_stale_token_cause_one_refresh() -> None:
    found = Report("tokens")

    await tokens.measure(200, found)

    assert found.broken == []


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_questions_asked_at_an_even_pace_are_answered() -> None:
    found = Report("latency")
    # So many that nobody asks more than five times: WeCom holds a sixth answer to one message, and on a busy machine
    # several answers leave after the last question.
    chosen = argparse.Namespace(rate=20.0, seconds=3.0, customers=300, database="sqlite")

    await latency.measure(chosen, found)

    assert not [problem for problem in found.broken if "not answered" in problem]


async def test_callbacks_are_answered_200_and_all_of_them_are_in_the_database(tmp_path: Path) -> None:
    made = callback.envelopes(300)
    requests = [hammer.request_of(f"/callback/kf?{urlencode(one.query)}", one.body) for one in made]
    async with server.running(wecom.settings(None, customers=1)) as box:
        url = f"sqlite:///{tmp_path}/guanjia.db"
        house = House(Plan(folder=tmp_path, database_url=url, api_base=box.url))
        await house.start()
        try:
            blows = await asyncio.wait_for(hammer.strike(house.port, requests, 32), 60)
        finally:
            # Killed, not stopped: what was answered 200 was on the disk.
            house.kill()

    assert blows.statuses == {200: 300}
    assert await callback.count_stored(url) == 300


def test_the_slowest_imports_are_named_for_whoever_must_make_the_start_quicker() -> None:
    found = start.slowest_imports(3)

    assert len(found) == 3
    assert found[0][0] >= found[1][0] > 0


def test_a_report_fails_when_a_promise_was_broken() -> None:
    good, bad = Report("good"), Report("bad")
    bad.must(False, "the moon is a cheese")

    assert (good.finish(), bad.finish()) == (0, 1)


def test_a_table_lines_up_wide_and_narrow_letters() -> None:
    assert report.table([("一", "a"), ("xx", "b")]) == "一  a\nxx  b"

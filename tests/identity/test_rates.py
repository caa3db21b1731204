"""Who asks too often waits, and nobody else does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clock import FrozenClock
from console.rates import Buckets, Rates
from store.database import Store
from tests.console import factory as console_factory
from tests.identity.conftest import NewBrowser, ServeDoors

START = datetime(2026, 11, 22, tzinfo=UTC)
one_engine = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@given(per_minute=st.integers(1, 50), gaps=st.lists(st.floats(0, 20), max_size=200))
def test_no_more_than_a_bucket_and_what_flowed_in_meanwhile_is_taken(
    per_minute: int, gaps: list[float]
) -> None:
    buckets, now, taken = Buckets(per_minute), START, 0
    for gap in gaps:
        now += timedelta(seconds=gap)
        wait = buckets.take("somebody", now)
        taken += wait == 0
        # What one is told to wait is enough.
        if wait:
            assert Buckets.take(buckets, "somebody", now + timedelta(seconds=wait + 0.001)) == 0
            taken, now = taken + 1, now + timedelta(seconds=wait + 0.001)

    assert taken <= per_minute + (now - START).total_seconds() * per_minute / 60 + 0.01


def test_no_limit_is_no_limit_and_keys_are_bounded() -> None:
    free, few = Buckets(0), Buckets(1, keys=2)

    assert not any(free.take("x", START) for _ in range(1000))
    assert [few.take(key, START) for key in ("a", "b", "c", "a")] == [0, 0, 0, 0]


@one_engine
async def test_a_session_that_asks_too_often_is_told_when_to_come_back(
    serve_doors: ServeDoors, new_browser: NewBrowser, store: Store, frozen_clock: FrozenClock
) -> None:
    doors = await serve_doors(rates=Rates(session=3))
    busy = await console_factory.sign_in(store, "chengong", frozen_clock, token="busy")
    calm = await console_factory.sign_in(store, "linzhuguan", frozen_clock, token="calm")
    browser, page = new_browser(), doors.at("/console/account")
    for _ in range(3):
        assert (await browser.get(page, cookies=busy)).status == 200

    refused = await browser.get(page, cookies=busy)
    icon = await browser.get(doors.at("/console/static/0000000000000000/icon.svg"), cookies=busy)
    other = await browser.get(page, cookies=calm)
    frozen_clock.advance(timedelta(seconds=int(refused.headers["Retry-After"])))
    later = await browser.get(page, cookies=busy)

    assert (refused.status, refused.headers["Retry-After"]) == (429, "20")
    assert "操作太快了" in await refused.text()
    assert "default-src 'none'" in refused.headers["Content-Security-Policy"]
    assert (icon.status, other.status, later.status) == (200, 200, 200)


@one_engine
async def test_an_address_that_tries_to_come_in_too_often_waits_while_others_work(
    serve_doors: ServeDoors, new_browser: NewBrowser, store: Store, frozen_clock: FrozenClock
) -> None:
    doors = await serve_doors(rates=Rates(sign_in=2, address=6))
    browser, cookies = new_browser(), await console_factory.sign_in(store, "chengong", frozen_clock)

    async def ask(path: str, address: str, **more: object) -> int:
        headers = {"X-Forwarded-For": address, "Accept": "application/json"}
        answer = await browser.get(doors.at(path), headers=headers, allow_redirects=False, **more)
        return answer.status

    tries = [await ask("/console/login/wecom", "198.51.100.7") for _ in range(3)]
    look = await ask("/console/login", "198.51.100.7")
    work = await ask("/console/account", "198.51.100.7", cookies=cookies)
    flood = [await ask("/console/login", "198.51.100.7") for _ in range(2)]
    elsewhere = await ask("/console/login/wecom", "198.51.100.8")
    phone = [await ask("/sidebar/enter", "198.51.100.9") for _ in range(3)]

    assert tries == [303, 303, 429]
    assert (look, work, flood[-1], elsewhere) == (200, 200, 429, 303)
    assert phone == [303, 303, 429]

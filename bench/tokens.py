"""Many callers, one token: `python -m bench.tokens`. Must hold: one refresh however many find the token stale, and
against a platform that always says 40014 one refresh and one clear error for each, never a loop.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from bench import wecom
from bench.report import Report
from bot.channels.wecom import pacing
from bot.channels.wecom.client import Settings, WeComClient
from bot.clock import SystemClock
from domain.errors import ChannelUnauthorised
from sandbox import server
from sandbox.faults import Fault, FaultKind
from store import schema
from store.database import Store


async def measure(callers: int, report: Report) -> None:
    """Try a cold token, a stale one, and a platform that takes none."""
    with tempfile.TemporaryDirectory(prefix="guanjia-tokens-") as name:
        url = f"sqlite:///{Path(name)}/guanjia.db"
        await asyncio.to_thread(schema.upgrade, url)
        store = await Store.open(url)
        try:
            async with server.running(wecom.settings(None, customers=1)) as box:
                report.row(f"{callers} calls at once", "refreshes", "calls made", "succeeded", "seconds")
                client = _client(store, box)
                try:
                    await _try(client, box, callers, "cold token", report, good=callers)
                    box.world.tokens.expire_all(box.world.clock.now())
                    await _try(client, box, callers, "stale token", report, good=callers)
                    box.faults.add(Fault(kind=FaultKind.ERRCODE, code=40014, match="kf/*"))
                    await _try(client, box, callers, "always 40014", report, good=0)
                finally:
                    await client.close()
        finally:
            await store.close()


def _client(store: Store, box: server.Box) -> WeComClient:
    clock = SystemClock()
    given = Settings(corp_id=wecom.CORP, secret=wecom.SECRET, api_base=box.url)
    return WeComClient(given, store, clock, pacing.Pacing(clock))


async def _try(
    client: WeComClient, box: server.Box, callers: int, name: str, report: Report, *, good: int
) -> None:
    # The sandbox gives the same token out while it is good; forgetting it makes a refresh visible in every case.
    box.world.tokens.expire_all(box.world.clock.now())
    before = _refreshes(box)
    begun = time.perf_counter()
    calls = (_call(client) for _ in range(callers))
    ends = Counter(await asyncio.wait_for(asyncio.gather(*calls), 60))
    refreshes = _refreshes(box) - before
    made = sum(box.protocol.counts.values())
    report.row(name, refreshes, made, ends["ok"], f"{time.perf_counter() - begun:.2f}")
    report.must(refreshes == 1, f"{name}: {refreshes} refreshes instead of one")
    report.must(ends["ok"] == good, f"{name}: {ends['ok']} calls succeeded instead of {good}")
    errors = {end for end in ends if end != "ok"}
    report.must(len(errors) <= 1, f"{name}: different errors: {errors}")
    for error in errors:
        report.row("  every caller reads", error)
        report.must("40014" in error, f"{name}: the error does not name its cause: {error}")
    box.protocol.counts.clear()


async def _call(client: WeComClient) -> str:
    try:
        await client.kf.get_account_list()
    except ChannelUnauthorised as error:
        return str(error)
    return "ok"


def _refreshes(box: server.Box) -> int:
    return sum(count for (path, _), count in box.protocol.counts.items() if path == "gettoken")


def main(arguments: list[str] | None = None) -> int:
    """Run the bench; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.tokens", description=__doc__)
    parser.add_argument("--callers", type=int, default=200)
    report = Report("access tokens")
    asyncio.run(measure(parser.parse_args(arguments).callers, report))
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())

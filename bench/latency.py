"""From a customer's message to its answer: `python -m bench.latency`. Must hold: 50 a second, p99 within 1 s.

Real time from the moment the message stands in the account's log of the sandbox to the moment the sandbox receives the
answer: callback, acceptance, sync_msg, decision and kf/send_msg are all in it. Whole questions, nothing goes wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path

from bench import databases, ledger, questions, wecom
from bench.house import House, Plan
from bench.report import Report, percentile
from sandbox import server

GOAL_SECONDS = 1.0
WARM_UP = 50
PATIENCE_SECONDS = 120.0


async def measure(chosen: argparse.Namespace, report: Report) -> None:
    """Ask at an even pace and report."""
    texts = await questions.answerable(int(chosen.rate * chosen.seconds))
    dice = random.Random(1)
    with (
        tempfile.TemporaryDirectory(prefix="guanjia-latency-") as name,
        databases.database(chosen.database, Path(name)) as url,
    ):
        async with server.running(wecom.settings(None, customers=chosen.customers)) as box:
            plan = Plan(folder=Path(name), database_url=url, api_base=box.url, poll_seconds=60)
            house = House(plan)
            book = ledger.Ledger()
            box.world.on_change = book.note_change
            await house.start()
            box.postman.point("kf", f"{house.url}/callback/kf")
            try:
                await asyncio.sleep(2.0)

                def ask() -> None:
                    customer = f"wmBench{dice.randint(1, chosen.customers)}"
                    msgid = box.world.customer_says(customer, dice.choice(texts), open_kfid=wecom.ACCOUNT)
                    book.note_said(msgid, customer, is_whole=True)

                await _at_pace(ask, WARM_UP, 20.0)
                await _all_answered(book)
                book.said.clear()
                report.progress("warm")
                late = await _at_pace(ask, int(chosen.rate * chosen.seconds), chosen.rate)
                await _all_answered(book)
            finally:
                house.stop()
    _report(book, chosen, late, report)


async def _at_pace(act: object, count: int, per_second: float) -> float:
    """Call `act` so often at an even pace; return the most seconds a call came too late."""
    assert callable(act)
    begun, worst = time.perf_counter(), 0.0
    for number in range(count):
        wait = begun + number / per_second - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        worst = max(worst, -wait)
        act()
    return worst


async def _all_answered(book: ledger.Ledger) -> None:
    for _ in range(int(PATIENCE_SECONDS * 50)):
        if not book.waiting:
            return
        await asyncio.sleep(0.02)


def _report(book: ledger.Ledger, chosen: argparse.Namespace, late: float, report: Report) -> None:
    seconds = book.latencies()
    unanswered = sum(not one.answers for one in book.said.values())
    p99 = percentile(seconds, 0.99)
    report.row("messages", len(book.said), f"{chosen.rate:g}/s for {chosen.seconds:g} s, {chosen.database}")
    for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        value = percentile(seconds, share)
        report.row(name, f"{value * 1e3:.0f} ms", f"{value / GOAL_SECONDS:.2f} of the goal")
    report.row("max", f"{max(seconds, default=0) * 1e3:.0f} ms")
    report.row("the bench asked late by at most", f"{late * 1e3:.0f} ms")
    report.must(not unanswered, f"{unanswered} questions were not answered")
    report.must(p99 <= GOAL_SECONDS, f"p99 is {p99:.2f} s, goal {GOAL_SECONDS:g} s")


def main(arguments: list[str] | None = None) -> int:
    """Run the bench; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.latency", description=__doc__)
    parser.add_argument("--rate", type=float, default=50.0, help="messages per second")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--customers", type=int, default=500)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    report = Report("message to answer")
    asyncio.run(measure(parser.parse_args(arguments), report))
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())

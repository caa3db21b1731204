"""Callbacks per second, each committed before its 200: `python -m bench.callback`.

Beside it in the same run, on the same bodies, in turns: our door without storing, the whole program at work, the usual
Flask + wechatpy + gunicorn set-up that stores nothing, the bare cost of opening an envelope, and what one fsync of this
disk costs. Server on core 0, load on core 1; medians over rounds. Goals: docs/testing.md#benches.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import sqlalchemy as sa

from bench import hammer, wecom
from bench.house import CHECKOUT, House, Plan
from bench.report import Report, percentile
from bot.channels.wecom import envelope, parsing
from sandbox import server
from store.database import Store
from store.tables import event

USUAL = "Flask + wechatpy + gunicorn, storing nothing"
STORING = "ours, committed before the 200"
FORGETTING = "ours, storing nothing"
WHOLE = "ours, whole program working on them"
GOALS = {STORING: 2.2, FORGETTING: 3.3}


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """A signed callback."""

    query: dict[str, str]
    body: bytes


@dataclass
class Rival:
    """A server in the comparison and what its rounds gave."""

    name: str
    house: House
    rounds: list[hammer.Blows] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    async def face(self, requests: list[bytes], connections: int) -> hammer.Blows:
        """Take one round; remembers what came back and the CPU seconds it cost the server."""
        before = self.house.cpu_seconds()
        blows = await hammer.strike(self.house.port, requests, connections)
        self.cpu.append(self.house.cpu_seconds() - before)
        self.rounds.append(blows)
        return blows

    @property
    def cpu_microseconds(self) -> float:
        """CPU time of the server for one request."""
        return sum(self.cpu) / sum(len(one.seconds) for one in self.rounds) * 1e6

    @property
    def busy(self) -> float:
        """Share of its core the server used; far below 1, something else was the slow part."""
        return sum(self.cpu) / sum(one.took for one in self.rounds)

    def median(self, read: Callable[[hammer.Blows], float]) -> float:
        return statistics.median(read(one) for one in self.rounds)


def receiver() -> envelope.Receiver:
    """Return the receiver all servers are told of."""
    return envelope.Receiver(
        name="kf", token=wecom.TOKEN, aes_key=wecom.AES_KEY, receive_id=wecom.CORP, agent_id=wecom.AGENT
    )


def envelopes(count: int, seed: int = 1) -> list[Envelope]:
    """Return `count` different callbacks, each about 600 bytes inside and 1,000 outside, as the platform sends them."""
    dice = random.Random(seed)
    ours = receiver()
    made = []
    for number in range(count):
        plain = (
            f"<xml><ToUserName><![CDATA[{wecom.CORP}]]></ToUserName><CreateTime>{1763700000 + number}</CreateTime>"
            "<MsgType><![CDATA[event]]></MsgType><Event><![CDATA[kf_msg_or_event]]></Event>"
            f"<Token><![CDATA[{dice.randbytes(160).hex()}{number:08x}]]></Token>"
            f"<OpenKfId><![CDATA[{wecom.ACCOUNT}]]></OpenKfId></xml>"
        ).encode()
        timestamp, nonce = str(1763700000 + number), str(dice.randrange(10**9, 10**10))
        sealed, signature = envelope.seal(ours, plain, timestamp, nonce)
        body = (
            f"<xml><ToUserName><![CDATA[{wecom.CORP}]]></ToUserName><AgentID><![CDATA[{wecom.AGENT}]]></AgentID>"
            f"<Encrypt><![CDATA[{sealed}]]></Encrypt></xml>"
        )
        query = {"msg_signature": signature, "timestamp": timestamp, "nonce": nonce}
        made.append(Envelope(query=query, body=body.encode()))
    return made


def bare_microseconds(made: list[Envelope]) -> float:
    """Return the median cost of verifying, opening and parsing one body in a hot loop."""
    ours = receiver()
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        for one in made[:2000]:
            parsing.kind_of(parsing.parse(envelope.open_post(ours, one.query, one.body)))
        times.append((time.perf_counter() - begun) / min(len(made), 2000))
    return statistics.median(times) * 1e6


def fsync_milliseconds(folder: Path) -> float:
    """Return the median cost of appending 4 KiB and an fsync on the disk of `folder`."""
    times = []
    with (folder / "fsync").open("wb") as file:
        for _ in range(200):
            begun = time.perf_counter()
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - begun)
    return statistics.median(times) * 1e3


async def count_stored(database_url: str) -> int:
    """Return how many events the database holds."""
    store = await Store.open(database_url)
    try:
        async with store.read() as tx:
            counted = sa.select(sa.func.count()).select_from(event).where(event.c.receiver == "kf")
            return int((await tx.execute(counted)).scalar_one())
    finally:
        await store.close()


def usual_python(folder: Path) -> Path:
    """Return the Python of the usual set-up's own environment, made when it is missing."""
    python = folder / "bin" / "python"
    if not (folder / "bin" / "gunicorn").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        requirements = CHECKOUT / "bench" / "requirements.txt"
        subprocess.run([str(python), "-m", "pip", "install", "-q", "-r", str(requirements)], check=True)
    return python


async def _open_rivals(folder: Path, usual: Path, api_base: str, *, with_whole: bool) -> list[Rival]:
    def house(name: str) -> House:
        place = folder / name
        place.mkdir()
        return House(
            Plan(folder=place, database_url=f"sqlite:///{place}/guanjia.db", api_base=api_base, core=0)
        )

    rivals = [
        Rival(USUAL, house("usual")),
        Rival(FORGETTING, house("forgetting")),
        Rival(STORING, house("storing")),
    ]
    os.environ.update(BENCH_TOKEN=wecom.TOKEN, BENCH_AES_KEY=wecom.AES_KEY, BENCH_CORP=wecom.CORP)
    command = [str(usual), "-m", "gunicorn", "-w", "1", "-k", "sync", "--chdir", str(CHECKOUT / "bench")]
    first = rivals[0].house
    # Kept-alive connections would starve on a sync worker, so gunicorn's own answer is to close; backlog as it comes.
    first.spawn([*command, "-b", f"127.0.0.1:{first.port}", "usual_server:app"])
    rivals[1].house.spawn([sys.executable, "-m", "bench.own_server", str(rivals[1].house.port)])
    storing = rivals[2].house
    storing.spawn([sys.executable, "-m", "bench.own_server", str(storing.port), storing.plan.database_url])
    if with_whole:
        rivals.append(Rival(WHOLE, house("whole")))
        await rivals[-1].house.start()
    for rival in rivals:
        await rival.house.ready("/healthz")
    return rivals


async def compare(chosen: argparse.Namespace, report: Report) -> None:
    """Run all rounds and report."""
    per_round = chosen.requests
    report.progress(f"sealing {per_round * chosen.rounds} envelopes")
    made = envelopes(per_round * chosen.rounds)
    requests = [hammer.request_of(f"/callback/kf?{urlencode(one.query)}", one.body) for one in made]
    usual = usual_python(chosen.usual)
    os.sched_setaffinity(0, {1})
    with tempfile.TemporaryDirectory(prefix="guanjia-callback-", dir=chosen.folder) as name:
        folder = Path(name)
        async with server.running(wecom.settings(None, customers=1)) as box:
            rivals = await _open_rivals(folder, usual, box.url, with_whole=not chosen.no_whole)
            try:
                for number in range(chosen.rounds):
                    part = requests[number * per_round : (number + 1) * per_round]
                    for rival in rivals:
                        await hammer.strike(rival.house.port, part[:50], 8) if number == 0 else None
                        blows = await rival.face(part, chosen.connections)
                        report.progress(f"round {number + 1}: {rival.name}: {blows.per_second:.0f}/s")
            finally:
                for rival in rivals:
                    rival.house.kill()
        await _judge_stored(rivals, made, report)
        report.row("size of a body", f"{statistics.mean(len(one.body) for one in made):.0f} bytes")
        report.row("bare verify + decrypt + parse", f"{bare_microseconds(made):.1f} µs")
        report.row("one fsync", f"{fsync_milliseconds(folder):.2f} ms")
    _report(rivals, report, strict=not chosen.loose)


async def _judge_stored(rivals: list[Rival], made: list[Envelope], report: Report) -> None:
    """Count what is in the databases after a kill -9: every 200 promised a row."""
    for rival in rivals:
        if rival.name in (STORING, WHOLE):
            stored = await count_stored(rival.house.plan.database_url)
            report.must(stored == len(made), f"{rival.name}: {stored} of {len(made)} events are stored")


def _report(rivals: list[Rival], report: Report, *, strict: bool) -> None:
    base = rivals[0]
    base_rate, base_p99 = base.median(_rate), base.median(_p99)
    report.row(
        "server, 1 process",
        "req/s",
        "ratio",
        "p50",
        "p99",
        "p99 ratio",
        "CPU",
        "ratio",
        "core busy",
        "not 200",
    )
    for rival in rivals:
        rate, p99 = rival.median(_rate), rival.median(_p99)
        bad = sum(sum(one.statuses.values()) - one.statuses[200] + one.broken for one in rival.rounds)
        report.row(
            rival.name,
            f"{rate:.0f}",
            f"{rate / base_rate:.2f}",
            f"{rival.median(_p50) * 1e3:.1f} ms",
            f"{p99 * 1e3:.1f} ms",
            f"{p99 / base_p99:.2f}",
            f"{rival.cpu_microseconds:.0f} µs",
            f"{base.cpu_microseconds / rival.cpu_microseconds:.2f}",
            f"{100 * rival.busy:.0f} %",
            bad,
        )
        report.must(bad == 0, f"{rival.name}: {bad} requests were not answered 200")
        goal = GOALS.get(rival.name)
        if goal and strict:
            report.must(rate >= goal * base_rate, f"{rival.name}: {rate / base_rate:.2f} times, goal {goal}")
            report.must(
                p99 <= base_p99,
                f"{rival.name}: p99 {p99 / base_p99:.2f} times the usual one's",
            )


def _rate(one: hammer.Blows) -> float:
    return one.per_second


def _p50(one: hammer.Blows) -> float:
    return percentile(one.seconds, 0.5)


def _p99(one: hammer.Blows) -> float:
    return percentile(one.seconds, 0.99)


def main(arguments: list[str] | None = None) -> int:
    """Run the bench; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.callback", description=__doc__)
    parser.add_argument("--requests", type=int, default=6000, help="per server and round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--folder", type=Path, default=None, help="on which disk to store")
    parser.add_argument(
        "--usual", type=Path, default=CHECKOUT / "var" / "bench-usual", help="environment of the usual set-up"
    )
    parser.add_argument("--no-whole", action="store_true", help="leave the whole program out")
    parser.add_argument("--loose", action="store_true", help="print the goals' ratios without judging them")
    report = Report("callbacks, 64 connections")
    asyncio.run(compare(parser.parse_args(arguments), report))
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())

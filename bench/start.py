"""From exec to ready: `python -m bench.start`. Must hold: under 1.5 s, because a restart is an outage.

Each run starts the real program on an existing SQLite database and asks /readyz every 10 ms. When the goal is
missed, the imports that cost most are listed.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.house import CHECKOUT, House, Plan, has_fast_segmenter
from bench.report import Report

GOAL_SECONDS = 1.5


async def measure(runs: int, segmenter: str, report: Report) -> None:
    """Start `runs` times and report."""
    with tempfile.TemporaryDirectory(prefix="guanjia-start-") as name:
        folder = Path(name)
        plan = Plan(folder=folder, database_url=f"sqlite:///{folder}/guanjia.db", segmenter=segmenter)
        first = await _start_once(plan)
        times, sizes, cpu = [], [], []
        for number in range(runs):
            seconds, megabytes, worked = await _start_once(plan)
            times.append(seconds)
            sizes.append(megabytes)
            cpu.append(worked)
            report.progress(
                f"{segmenter} start {number + 1}: {seconds:.2f} s, {worked:.2f} s of them CPU, {megabytes:.0f} MB"
            )
    median = statistics.median(times)
    report.row(
        segmenter,
        f"{first[0]:.2f} s",
        f"{median:.2f} s",
        f"{max(times):.2f} s",
        f"{statistics.median(cpu):.2f} s",
        f"{statistics.median(sizes):.0f} MB",
        f"{median / GOAL_SECONDS:.2f} of the goal",
    )
    report.must(
        median < GOAL_SECONDS, f"start to ready takes {median:.2f} s with {segmenter}, goal {GOAL_SECONDS} s"
    )


async def _start_once(plan: Plan) -> tuple[float, float, float]:
    house = House(plan)
    try:
        seconds = await house.start()
        cpu = house.cpu_seconds()
        # The dictionary loads in the background; what it costs in memory is there a little later.
        await asyncio.sleep(1.5)
        return seconds, house.rss_mb(), cpu
    finally:
        house.kill()


def slowest_imports(count: int = 15) -> list[tuple[float, str]]:
    """Return the modules whose own import takes longest, in milliseconds."""
    command = [sys.executable, "-X", "importtime", "-c", "import bot.cli, bot.app"]
    said = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True).stderr
    found = re.findall(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)", said)
    return sorted(((int(own) / 1000, module) for own, module in found), reverse=True)[:count]


def main(arguments: list[str] | None = None) -> int:
    """Run the bench; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.start", description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--imports", action="store_true", help="list the slowest imports in any case")
    chosen = parser.parse_args(arguments)
    report = Report("start to ready")
    report.row("segmenter", "first", "median", "worst", "CPU", "RSS", "ratio")
    for segmenter in ["jieba", *(["rjieba"] if has_fast_segmenter() else [])]:
        asyncio.run(measure(chosen.runs, segmenter, report))
    if report.broken or chosen.imports:
        for milliseconds, module in slowest_imports():
            print(f"{milliseconds:8.1f} ms  {module}")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())

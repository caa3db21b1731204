"""The demo's first week in fast-forward: both processes, the clock's automatic pace, and what happened to each step.

    python -m bench.demo_week [--owner manual|prompt|late|never] [--keep FOLDER]

Fails when the week takes longer than it should, a group has no score, or a step was released or sent outside its
window or in quiet hours. How long it took is in real seconds; what happened is in business time.
"""

from __future__ import annotations

import argparse
import json
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bot import demo

ROOT = Path(__file__).resolve().parents[1]
ZONE = ZoneInfo("Asia/Shanghai")
LONGEST_SECONDS = 240.0
OVER = ("completed", "failed", "ended")
# What customers read.
READ = ("M", "S", "P")


def call(url: str, body: dict[str, Any] | None = None) -> Any:
    """Ask the sandbox."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.loads(response.read())


def free_port() -> int:
    """Return a port nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def local(moment: Any) -> str:
    """Return a time of the database or the sandbox as people of the demo read it."""
    if moment is None:
        return "—"
    if isinstance(moment, int | float):
        at = datetime.fromtimestamp(moment, UTC)
    else:
        at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    return f"{at.astimezone(ZONE):%m-%d %H:%M}"


class Week:
    """A running demo."""

    def __init__(self, plan: demo.Plan) -> None:
        self.plan = plan
        self.begun = time.monotonic()

    def act(self, path: str, body: dict[str, Any]) -> Any:
        return call(f"{self.plan.sandbox_url}/sandbox/{path}", body)

    def read(self, path: str) -> Any:
        return call(f"{self.plan.sandbox_url}/sandbox/{path}")

    def rows(self, query: str) -> list[sqlite3.Row]:
        """Read what is on record."""
        database = sqlite3.connect(f"file:{self.plan.folder}/data/guanjia.db?mode=ro", uri=True, timeout=10)
        try:
            database.row_factory = sqlite3.Row
            return database.execute(query).fetchall()
        finally:
            database.close()

    def is_over(self) -> bool:
        states = [
            row["state"] for row in self.rows("select state from enrolment where template='finance_week1'")
        ]
        return bool(states) and all(state in OVER for state in states)

    def run(self) -> float:
        """Let the week pass; return how many real seconds it took."""
        self.begun = time.monotonic()
        self.act("clock/pace", {"mode": "auto"})
        rates: Counter[float] = Counter()
        while not self.is_over():
            clock = self.read("clock")
            rates[clock["rate"]] += 1
            if time.monotonic() - self.begun > LONGEST_SECONDS:
                print(f"still not over at {local(clock['now'])}")
                break
            time.sleep(0.25)
        took = time.monotonic() - self.begun
        self.act("clock/pace", {"mode": "hand"})
        print(f"paces: {dict(rates)}")
        return took


def report(week: Week) -> list[str]:
    """Print what happened; return what should not have."""
    wrong: list[str] = []
    steps = week.rows(
        "select e.group_id, o.* from occurrence o join enrolment e on e.id = o.enrolment_id"
        " where e.template = 'finance_week1' and o.member = '' order by e.group_id, o.due_at"
    )
    for row in steps:
        rung = f" rung {row['rung']}" if row["rung"] else ""
        print(
            f"  group {row['group_id']} {row['step']:18} due {local(row['due_at'])}"
            f" released {local(row['released_at'])}"
            f" sent {local(row['sent_at'])} {row['delivery']} {row['state']} {row['reason']}{rung} {row['executor']}"
        )
        wrong += mistakes(row)
    for row in week.rows("select * from enrolment where template='finance_week1'"):
        print(f"group {row['group_id']}: {row['state']} score {row['score']} {row['score_parts']}")
        if row["state"] == "completed" and row["score"] is None:
            wrong.append(f"group {row['group_id']} has no score")
    return wrong


def mistakes(row: sqlite3.Row) -> list[str]:
    """Return what a step did that it should not have."""
    found: list[str] = []
    name = f"group {row['group_id']} {row['step']}"
    if row["released_at"] and not row["due_at"] <= row["released_at"] <= row["window_end"]:
        found.append(f"{name}: released at {local(row['released_at'])}, outside its window")
    if row["sent_at"] and row["sent_at"] > row["window_end"] and row["evidence_kind"] != "measured":
        found.append(f"{name}: sent at {local(row['sent_at'])}, after its window")
    if row["sent_at"] and row["delivery"] in READ:
        hour = datetime.fromisoformat(row["sent_at"]).replace(tzinfo=UTC).astimezone(ZONE).hour
        if not 9 <= hour < 21:
            found.append(f"{name}: sent at {local(row['sent_at'])}, in quiet hours")
    return found


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--owner", default="prompt", choices=["manual", "prompt", "late", "never"])
    parser.add_argument("--keep", type=Path, default=None)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="guanjia-week-") as kept:
        folder = arguments.keep or Path(kept) / "demo"
        ports = ["--port", str(free_port()), "--sandbox-port", str(free_port())]
        command = [sys.executable, "-m", "bot", "demo", "--folder", str(folder), "--no-browser", *ports]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            if not any("Ctrl-C stops" in line for line in process.stdout):
                print("the demo did not start")
                return 1
            week = Week(demo.Plan(folder=folder.resolve(), port=int(ports[1]), sandbox_port=int(ports[3])))
            week.act("member/mood", {"userid": "lisi", "mood": arguments.owner})
            took = week.run()
            wrong = report(week)
            print(f"took {took:.0f} s")
            if took > LONGEST_SECONDS:
                wrong.append("the week was not over in time")
            print((folder / "bot.log").read_text("utf-8", "replace")[-6000:], end="")
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)
    for one in wrong:
        print("WRONG:", one)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())

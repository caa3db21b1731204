"""How long the boards of the audit take with 10,000 sessions and 100,000 findings.

    .venv/bin/python -m bench.boards [--sessions 10000] [--findings 100000] [--database sqlite|postgresql|both]

Asks for every page's rows as the page does, over 30 days in which all of it lies, and prints queries and milliseconds
(the best and the median of five) of each. What is drawn around the rows is not in it.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from audit import boards, response
from audit.boards import Tallies
from audit.response import Limits, WaitClock
from bench import databases
from domain.audit import TalkKind
from store import (
    audit_reports,
    audit_tallies,
    finding_reports,
    schema,
    session_reports,
    session_talks,
    tables,
    violation_reports,
)
from store.audit_reports import AuditFilter
from store.database import Store
from store.session_reports import SessionFilter

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
SINCE = NOW - timedelta(days=30)
WANTED = AuditFilter(since=SINCE, until=NOW, now=NOW)
ZONE = ZoneInfo("Asia/Shanghai")
ADVISORS = 50
LIMITS = Limits(first=dict.fromkeys(TalkKind, timedelta(minutes=3)), bot=timedelta(seconds=5))
LABELS = ("GUARANTEE", "EXAGGERATE", "DISCLOSURE", "REBATE", "TIMELINESS")
STATES = ("counted", "suspected", "confirmed", "rejected", "gone")
Work = Callable[[AsyncConnection], Awaitable[Any]]


async def main(sessions: int, findings: int, kind: str) -> None:
    """Fill a database and ask it."""
    with tempfile.TemporaryDirectory() as name, databases.database(kind, Path(name)) as url:
        schema.upgrade(url)
        store = await Store.open(url)
        await store.write(lambda tx: _fill(tx, sessions, findings))
        if kind == "postgresql":
            # As its own housekeeping does soon; without it the rows of 30 days take ten times as long.
            await store.write(lambda tx: tx.execute(sa.text("ANALYZE")))
        print(f"{kind}: {sessions:,} sessions, {findings:,} findings, {ADVISORS} advisors")
        for title, work in WORKS.items():
            await _measure(store, title, work)
        await store.close()


async def _measure(store: Store, title: str, work: Work) -> None:
    lengths: list[float] = []
    queries = 0
    for _ in range(5):
        async with store.read() as tx:
            seen: list[str] = []

            def note(_conn: Any, _cursor: Any, statement: str, *_more: Any, kept: list[str] = seen) -> None:
                kept.append(statement)

            engine = tx.engine.sync_engine
            sa.event.listen(engine, "before_cursor_execute", note)
            start = time.perf_counter()
            await work(tx)
            lengths.append(1000 * (time.perf_counter() - start))
            sa.event.remove(engine, "before_cursor_execute", note)
            queries = len(seen)
    print(
        f"  {title:<42} {queries:>3} queries {min(lengths):>8.1f} ms, median {statistics.median(lengths):.1f}"
    )


# --- what the pages ask for ---------------------------------------------------------------------------------


async def _tallies(tx: AsyncConnection) -> Tallies:
    return Tallies(
        findings=await audit_tallies.tally_findings(tx, WANTED),
        ratings=await audit_tallies.tally_ratings(tx, WANTED),
        promises=await audit_tallies.tally_promises(tx, WANTED),
        appeals=await audit_tallies.tally_appeals(tx, WANTED),
    )


async def _coverage(tx: AsyncConnection) -> audit_reports.Coverage:
    return await audit_reports.read_coverage(tx, WANTED, date(2026, 10, 24), date(2026, 11, 23))


async def _overview(tx: AsyncConnection) -> None:
    await audit_reports.list_scored(tx, WANTED)
    await _coverage(tx)
    await _tallies(tx)
    await audit_reports.count_sessions(tx, WANTED)
    await audit_tallies.count_waiting(tx, NOW)


async def _team(tx: AsyncConnection) -> None:
    rows = await audit_reports.list_scored(tx, WANTED)
    boards.team_of(rows, await _tallies(tx), await _coverage(tx), LIMITS)
    await audit_reports.count_sessions(tx, WANTED)


async def _response(tx: AsyncConnection) -> None:
    rows = await audit_reports.list_scored(tx, WANTED)
    response.board_of(rows, WaitClock.WORKING, LIMITS, ZONE)


async def _compliance(tx: AsyncConnection) -> None:
    await audit_reports.count_sessions(tx, WANTED)
    await violation_reports.count_labels(tx, WANTED)
    await violation_reports.count_rules(tx, WANTED)
    await violation_reports.count_items(tx, WANTED)
    edges = [NOW - timedelta(weeks=week) for week in range(12, -1, -1)]
    await violation_reports.count_weeks(tx, edges, WANTED)


async def _advisor(tx: AsyncConnection) -> None:
    own = AuditFilter(since=SINCE, until=NOW, now=NOW, subjects=frozenset({"advisor7"}))
    await audit_reports.list_scored(tx, own)
    await session_talks.list_items(tx, own)
    await finding_reports.list_findings(tx, own, before=None, limit=51)


def _list(**changes: Any) -> Work:
    async def work(tx: AsyncConnection) -> None:
        wanted = SessionFilter(since=SINCE, until=NOW, now=NOW, zone=ZONE, **changes)
        await session_reports.list_sessions(tx, wanted, before=None, limit=51)

    return work


async def _session(tx: AsyncConnection) -> None:
    head = await session_talks.find_head(tx, 5000)
    if head is not None:
        await session_talks.list_heard(tx, head)
        await session_talks.list_reached(tx, head.id)
        await session_talks.find_neighbours(tx, head)
        await finding_reports.list_findings_of(tx, head.id, subjects=None, now=NOW)


WORKS: dict[str, Work] = {
    "rows of 30 days": lambda tx: audit_reports.list_scored(tx, WANTED),
    "findings by person": lambda tx: audit_tallies.tally_findings(tx, WANTED),
    "coverage": _coverage,
    "waiting": lambda tx: audit_tallies.count_waiting(tx, NOW),
    "overview": _overview,
    "team board": _team,
    "response board": _response,
    "compliance board": _compliance,
    "advisor's scorecard": _advisor,
    "sessions, newest": _list(),
    "sessions, one advisor": _list(subject="advisor7"),
    "sessions, a bar (5-10 minutes)": _list(
        is_waited=True, over=timedelta(minutes=5), up_to=timedelta(minutes=10)
    ),
    "sessions, an hour": _list(hour=10, is_waited=True),
    "sessions, red suspected": _list(red="suspected"),
    "sessions, nothing fits": _list(label="NOTHING"),
    "one session": _session,
}


# --- rows ---------------------------------------------------------------------------------------------------


async def _fill(tx: AsyncConnection, sessions: int, findings: int) -> None:
    people = [
        {"platform_id": f"wm{n}", "nickname": f"客户{n}", "first_seen_at": SINCE} for n in range(sessions)
    ]
    await _add(tx, tables.customer, people)
    staff = [
        {"platform_id": f"advisor{n}", "departments": [], "is_advisor": True, "first_seen_at": SINCE}
        for n in range(ADVISORS)
    ]
    await _add(tx, tables.staff, staff)
    at = [SINCE + (NOW - SINCE) * n / sessions for n in range(sessions)]
    await _add(tx, tables.conversation, [_talk(n, at[n]) for n in range(sessions)])
    await _add(tx, tables.message, [_message(n, at[n // 4]) for n in range(4 * sessions)])
    bodies = [
        {"message_id": n + 1, "salt": "s", "text": "您好，想问一下提前还款。"} for n in range(4 * sessions)
    ]
    await _add(tx, tables.message_body, bodies)
    await _add(tx, tables.session, [_cut(n, at[n]) for n in range(sessions)])
    await _add(tx, tables.evaluation, [_evaluation(n, at[n]) for n in range(sessions)])
    await _add(tx, tables.finding, [_finding(n, at[n % sessions], sessions) for n in range(findings)])
    spans = [
        {"finding_id": n + 1, "message_id": 4 * (n % sessions) + 1, "start": 0, "end": 4}
        for n in range(findings)
    ]
    await _add(tx, tables.finding_span, spans)


async def _add(tx: AsyncConnection, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    for start in range(0, len(rows), 2000):
        await tx.execute(sa.insert(table), rows[start : start + 2000])


def _talk(n: int, at: datetime) -> dict[str, Any]:
    return {
        "channel": "chat",
        "account_id": f"advisor{n % ADVISORS}",
        "customer_id": n + 1,
        "opened_at": at,
        "session_started_at": at,
        "last_message_at": at,
    }


def _message(n: int, at: datetime) -> dict[str, Any]:
    sent = at + timedelta(seconds=40 * (n % 4))
    return {
        "conversation_id": n // 4 + 1,
        "source": "archive",
        "msgid": f"m{n}",
        "author": "servicer" if n % 2 else "customer",
        "servicer_id": f"advisor{n // 4 % ADVISORS}" if n % 2 else "",
        "kind": "text",
        "sent_at": sent,
        "recorded_at": sent,
        "digest": "d",
    }


def _cut(n: int, at: datetime) -> dict[str, Any]:
    return {
        "conversation_id": n + 1,
        "started_at": at,
        "ended_at": at + timedelta(minutes=2),
        "first_message_id": 4 * n + 1,
        "last_message_id": 4 * n + 4,
        "message_count": 4,
        "state": "silence",
        "line": ("loan", "insurance", "wealth")[n % 3],
        "subjects": [f"advisor{n % ADVISORS}"],
        "figures": {},
        "source": "archive",
        "cut_at": at,
    }


def _evaluation(n: int, at: datetime) -> dict[str, Any]:
    wait = float((n * 37) % 4000)
    items = [
        {"item": f"{key}{place}", "weight": 5, "earned": None if n % 3 else 5.0, "evidence": "auto"}
        for key in "ABCDEF"
        for place in (1, 2, 3)
    ]
    return {
        "session_id": n + 1,
        "subject": f"advisor{n % ADVISORS}",
        "rubric_version": "r1",
        "rules_version": "c1",
        "input_digest": "d",
        "score": 70.0 + n % 30,
        "grade": "good",
        "final_score": 70.0 + n % 30,
        "final_grade": "good",
        "weight": 100.0,
        "items": items,
        "figures": {
            "first_working": wait,
            "first_wall": wait,
            "bot_first_wall": None,
            "waits_wall": [wait, 30.0],
            "waits_working": [wait, 30.0],
            "asked": 2,
            "answered": 2,
            "late": 0,
            "is_unanswered": n % 40 == 0,
            "rounds": 2,
            "customer_messages": 2,
            "staff_messages": 2,
        },
        "is_current": True,
        "started_at": at,
        "evaluated_at": at,
    }


def _finding(n: int, at: datetime, sessions: int) -> dict[str, Any]:
    session = n % sessions
    label = LABELS[n % len(LABELS)]
    return {
        "key": f"k{n}",
        "session_id": session + 1,
        "conversation_id": session + 1,
        "subject": f"advisor{session % ADVISORS}",
        "item": "A4",
        "label": label,
        "severity": "S1",
        "is_red": n % 50 == 0,
        "evidence": "auto",
        "rule_id": f"rule{n % 60}",
        "rule_version": "c1",
        "points": 2.0,
        "note": "说到收益，没有提示风险；这样的话会让客户以为一定能拿到。",
        "state": STATES[n % 7 % 5],
        "occurred_at": at,
        "found_at": at,
        "shown_at": at,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=10_000)
    parser.add_argument("--findings", type=int, default=100_000)
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    chosen = parser.parse_args()
    for one in ("sqlite", "postgresql") if chosen.database == "both" else (chosen.database,):
        asyncio.run(main(chosen.sessions, chosen.findings, one))

"""The response-time board: how long customers waited, by hour and by person; every bar leads to its sessions."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from audit import response, spreads
from audit.response import Board, WaitClock
from console import audit_overview_page, audit_periods, frame, people, score_access
from console.visit import Visit
from domain.audit import TalkKind
from store import audit_reports

_KINDS = ("", TalkKind.KF.value, TalkKind.CHAT.value, TalkKind.GROUP.value)


async def show(visit: Visit) -> web.Response:
    """Show the board of a period, a kind of talk and a clock."""
    score_access.access_boards(visit.viewer)
    period, kind = audit_periods.chosen(visit), visit.choice("kind", _KINDS)
    clock = WaitClock(visit.choice("clock", tuple(WaitClock)))
    subject = visit.query("who")
    wanted = audit_periods.wanted(visit, period, kind=kind, subject=subject)
    limits = response.limits_of(visit.ctx.knowledge().content.rubric)
    async with visit.ctx.store.read() as tx:
        rows = await audit_reports.list_scored(tx, wanted)
        coverage = await audit_overview_page.read_coverage(tx, wanted, period)
        counts = await audit_reports.count_sessions(tx, wanted)
        names = await people.list_names(tx)
        has_sessions = await audit_reports.has_sessions(tx)
    board = await asyncio.to_thread(response.board_of, rows, clock, limits, visit.ctx.zone)
    query = {"period": period.key, "kind": kind, "clock": clock.value, "who": subject}
    return visit.page(
        "audit_response.html",
        period=period,
        kind=kind,
        clock=clock,
        who=subject,
        query=query,
        board=board,
        limits={str(one): limits.first[one] for one in (TalkKind.KF, TalkKind.CHAT, TalkKind.GROUP)},
        tally=counts,
        sight=audit_overview_page.sight_of(rows, coverage),
        archive_read_at=coverage.archive_read_at,
        has_sessions=has_sessions,
        people=names,
        least=spreads.LEAST,
        links=_links(board, query),
        bars_drawing=_bars_drawing(board, visit, query),
        hours_drawing=_hours_drawing(board, visit, query),
    )


def behind(query: dict[str, str], **more: object) -> str:
    """Return the address of the sessions that are behind a part of the board."""
    return frame.address("/console/audit/sessions", **{**query, **more})


def _links(board: Board, query: dict[str, str]) -> dict[str, str]:
    found = {bar.bucket.key: behind(query, wait=bar.bucket.key) for bar in board.bars}
    found["unanswered"] = behind(query, unanswered=1)
    found["asked"] = behind(query)
    return found


def _bars_drawing(board: Board, visit: Visit, query: dict[str, str]) -> dict[str, Any]:
    words = visit.frame.words
    return {
        "names": [words.label("wait_bucket", bar.bucket.key) for bar in board.bars]
        + [words.label("wait_bucket", "unanswered")],
        "counts": [bar.count for bar in board.bars] + [board.unanswered],
        "links": [behind(query, wait=bar.bucket.key) for bar in board.bars] + [behind(query, unanswered=1)],
        "words": dict(words.section("wait_drawing")),
    }


def _hours_drawing(board: Board, visit: Visit, query: dict[str, str]) -> dict[str, Any]:
    """Return median and P90 of each hour in minutes, with how many sessions they come from."""
    rows = [row for row in board.hours if row.asked]
    return {
        "names": [f"{int(row.key):02d}:00" for row in rows],
        "median": [round(row.waits.median.total_seconds() / 60, 2) if row.waits else None for row in rows],
        "p90": [round(row.waits.p90.total_seconds() / 60, 2) if row.waits else None for row in rows],
        "counts": [row.waits.count if row.waits else 0 for row in rows],
        "links": [behind(query, hour=row.key, waited=1) for row in rows],
        "words": dict(visit.frame.words.section("wait_drawing")),
    }

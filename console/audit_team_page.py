"""The team board: one line an advisor. No score and no place in the order below 20 scored sessions."""

from __future__ import annotations

import asyncio

from aiohttp import web

from audit import boards, response, spreads
from console import audit_overview_page, audit_periods, people, score_access
from console.visit import Visit
from domain.audit import BOT
from store import audit_reports, staff

_SORTS = tuple(boards.ORDERS)


async def show(visit: Visit) -> web.Response:
    """Show everybody, or one team, by the column that the address asks for."""
    score_access.access_boards(visit.viewer)
    period, sort, team = audit_periods.chosen(visit), visit.choice("sort", _SORTS), visit.query("team")
    is_turned = visit.query("turned") == "1"
    wanted = audit_periods.wanted(visit, period)
    limits = response.limits_of(visit.ctx.knowledge().content.rubric)
    async with visit.ctx.store.read() as tx:
        rows = await audit_reports.list_scored(tx, wanted)
        tallies = await audit_overview_page.read_tallies(tx, wanted)
        coverage = await audit_overview_page.read_coverage(tx, wanted, period)
        counts = await audit_reports.count_sessions(tx, wanted)
        members = await staff.list_all(tx)
        names = await people.list_names(tx)
        has_sessions = await audit_reports.has_sessions(tx)
    lines = await asyncio.to_thread(boards.team_of, rows, tallies, coverage, limits)
    if team:
        lines = [one for one in lines if one.subject in members and members[one.subject].team == team]
    bot = [one for one in rows if one.subject == BOT]
    return visit.page(
        "audit_team.html",
        period=period,
        lines=boards.ordered(lines, sort, turned=is_turned),
        bot=boards.line_of(BOT, bot, tallies, coverage, limits) if bot else None,
        medians=boards.medians_of(lines),
        sight=audit_overview_page.sight_of(rows, coverage),
        tally=counts,
        archive_read_at=coverage.archive_read_at,
        has_sessions=has_sessions,
        teams=sorted({one.team for one in members.values() if one.team}),
        team=team,
        sort=sort,
        is_turned=is_turned,
        people=names,
        least=spreads.LEAST,
    )

"""The list of sessions with everything one may look for: what stands behind the figures of the boards."""

from __future__ import annotations

from datetime import datetime, timedelta

from aiohttp import web

from audit import response
from console import audit_periods, people, score_access
from console.audit_periods import Period
from console.visit import PAGE_ROWS, Visit
from domain.audit import SessionEnd, TalkKind
from domain.faq import Line
from store import audit_reports, health_reports, session_reports
from store.session_reports import BANDS, SessionFilter

_KINDS = ("", TalkKind.KF.value, TalkKind.CHAT.value, TalkKind.GROUP.value)
_REDS = ("", "any", "suspected", "confirmed")
_BANDS = ("", *BANDS, "none", "unscored")
_STATES = ("", *SessionEnd)
_LINES = ("", *Line, "none")
_CLOCKS = ("working", "wall")
# Parts of the address that lead here from a board; they are shown and can be taken away one by one.
_FROM_BOARDS = ("wait", "hour", "waited", "unanswered", "label", "rule", "item", "day")


async def show(visit: Visit) -> web.Response:
    """Show a page of sessions, the newest first."""
    score_access.access_boards(visit.viewer)
    period = _period(visit)
    wanted = _filter(visit, period)
    async with visit.ctx.store.read() as tx:
        rows = await session_reports.list_sessions(tx, wanted, before=visit.place, limit=PAGE_ROWS + 1)
        coverage = await audit_reports.list_subjects(tx, wanted.since, wanted.until)
        accounts = await health_reports.list_account_names(tx)
        names = await people.list_names(tx)
        has_sessions = await audit_reports.has_sessions(tx)
    query = {
        "period": period.key,
        "who": wanted.subject,
        "kind": wanted.kind,
        "line": wanted.line,
        "state": wanted.state,
        "red": wanted.red,
        "band": wanted.band,
        "clock": visit.choice("clock", _CLOCKS) if visit.query("wait") else "",
    }
    from_board = {name: visit.query(name) for name in _FROM_BOARDS if visit.query(name)}
    return visit.page(
        "audit_sessions.html",
        period=period,
        rows=rows[:PAGE_ROWS],
        next_place=rows[PAGE_ROWS - 1].place if len(rows) > PAGE_ROWS else None,
        query=query | from_board,
        from_board=from_board,
        choices={"kind": _KINDS, "red": _REDS, "band": _BANDS, "state": _STATES, "line": _LINES},
        subjects=coverage,
        accounts=accounts,
        people=names,
        rubric=visit.ctx.knowledge().content.rubric,
        has_sessions=has_sessions,
    )


def _period(visit: Visit) -> Period:
    """Return the period of the address; a day (2026-11-23) counts more."""
    period, day = audit_periods.chosen(visit), visit.query("day")
    try:
        start = datetime.fromisoformat(day).replace(tzinfo=visit.ctx.zone) if day else None
    except ValueError:
        start = None
    if start is None:
        return period
    return Period(key=period.key, since=start, until=start + timedelta(days=1))


def _filter(visit: Visit, period: Period) -> SessionFilter:
    bucket = next((one for one in response.BUCKETS if one.key == visit.query("wait")), None)
    hour = visit.query("hour")
    return SessionFilter(
        since=period.since,
        until=period.until,
        now=visit.ctx.clock.now(),
        zone=visit.ctx.zone,
        subject=visit.query("who"),
        kind=visit.choice("kind", _KINDS),
        line=visit.choice("line", _LINES),
        state=visit.choice("state", _STATES),
        red=visit.choice("red", _REDS),
        band=visit.choice("band", _BANDS),
        is_unanswered=visit.query("unanswered") == "1",
        is_waited=bucket is not None or visit.query("waited") == "1",
        over=bucket.over if bucket else None,
        up_to=bucket.up_to if bucket else None,
        clock=f"first_{visit.choice('clock', _CLOCKS)}",
        hour=int(hour) if hour.isascii() and hour.isdigit() and int(hour) < 24 else None,
        label=visit.query("label"),
        rule_id=visit.query("rule"),
        item=visit.query("item"),
    )

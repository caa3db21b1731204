"""The product lines: what the company may say about each, and the switch that stops its answers."""

from __future__ import annotations

from aiohttp import web

from console import access, people
from console.visit import Visit
from domain.faq import Line
from store import logins

_PATH = "/console/lines"


async def show(visit: Visit) -> web.Response:
    """Show every line, whether it is stopped, and the latest stops."""
    async with visit.ctx.store.read() as tx:
        stops = await access.access_lines(visit.viewer, tx)
        names = await people.list_names(tx)
    current = {stop.line: stop for stop in stops if stop.resumed_at is None}
    faqs = visit.ctx.knowledge().content.faqs.values()
    return visit.page(
        "lines.html",
        lines=list(Line),
        modes=visit.ctx.knowledge().entity_modes,
        current=current,
        stops=stops,
        people=names,
        entries={line: sum(faq.line is line for faq in faqs) for line in Line},
    )


async def stop(visit: Visit) -> web.Response:
    """Stop a line; a reason and a tick are asked for, because customers notice at once."""
    line = access.access_line_stop(visit.viewer, visit.request.match_info["line"])
    reason = visit.said("reason", 500)
    if not reason or visit.said("sure", 8) != "yes":
        return visit.back(_PATH, wrong="no_reason")
    if not await visit.ctx.stop_line(line, visit.viewer.name, reason):
        return visit.back(_PATH, wrong="changed")
    await _record(visit, "stopped", line, reason)
    return visit.back(_PATH, done="stopped")


async def resume(visit: Visit) -> web.Response:
    """Let a line answer again."""
    line = access.access_line_stop(visit.viewer, visit.request.match_info["line"])
    if visit.said("sure", 8) != "yes":
        return visit.back(_PATH, wrong="no_reason")
    if not await visit.ctx.resume_line(line, visit.viewer.name):
        return visit.back(_PATH, wrong="changed")
    await _record(visit, "resumed", line, "")
    return visit.back(_PATH, done="resumed")


async def _record(visit: Visit, act: str, line: Line, note: str) -> None:
    now = visit.ctx.clock.now()
    await visit.write(
        lambda tx: logins.record_access(
            tx, actor=visit.viewer.name, act=act, subject=f"line:{line.value}", now=now, note=note
        )
    )

"""Events nothing handles, and events that failed, with another try."""

from __future__ import annotations

from aiohttp import web

from console import access
from console.access import Right
from console.visit import PAGE_ROWS, Visit
from store import logins

STATES = ("failed", "unhandled")
_PATH = "/console/events"
# One press of "retry all"; the next press takes the next ones.
_RETRY_LIMIT = 500


async def show_list(visit: Visit) -> web.Response:
    """Show a page of events."""
    state = visit.choice("state", STATES)
    async with visit.ctx.store.read() as tx:
        rows = await access.access_events(visit.viewer, tx, state, visit.place, PAGE_ROWS + 1)
    return visit.page(
        "events.html",
        rows=rows[:PAGE_ROWS],
        next_place=rows[PAGE_ROWS - 1].place if len(rows) > PAGE_ROWS else None,
        state=state,
    )


async def show_one(visit: Visit) -> web.Response:
    """Show an event; its raw body only to those who may read it, and that is written down."""
    event_id = visit.number()
    body: str | None = None
    async with visit.ctx.store.read() as tx:
        row = await access.access_event(visit.viewer, tx, event_id)
        if visit.viewer.may(Right.SEE_RAW):
            raw = await access.access_event_body(visit.viewer, tx, event_id)
            body = raw.decode("utf-8", "backslashreplace")
    if body is not None:
        now = visit.ctx.clock.now()
        await visit.write(
            lambda tx: logins.record_access(
                tx, actor=visit.viewer.name, act="opened raw", subject=f"event:{event_id}", now=now
            )
        )
    return visit.page("event.html", row=row, body=body)


async def retry(visit: Visit) -> web.Response:
    """Let one event be processed again."""
    async with visit.ctx.store.read() as tx:
        row = await access.access_event(visit.viewer, tx, visit.number())
    if row.state not in STATES:
        return visit.back(_PATH, wrong="changed")
    await visit.ctx.requeue_event(row.key)
    await _record(visit, f"event:{row.id}", row.key)
    return visit.back(_PATH, done="retried")


async def retry_all(visit: Visit) -> web.Response:
    """Let all failed events be processed again."""
    async with visit.ctx.store.read() as tx:
        rows = await access.access_events(visit.viewer, tx, "failed", None, _RETRY_LIMIT)
    if not rows:
        return visit.back(_PATH, wrong="nothing_there")
    for row in rows:
        await visit.ctx.requeue_event(row.key)
    await _record(visit, "event:*", str(len(rows)))
    return visit.back(_PATH, done="retried")


async def _record(visit: Visit, subject: str, note: str) -> None:
    now = visit.ctx.clock.now()
    await visit.write(
        lambda tx: logins.record_access(
            tx, actor=visit.viewer.name, act="retried", subject=subject, now=now, note=note
        )
    )

"""How the system runs: queues, accounts, tokens, database, and the mode of each line."""

from __future__ import annotations

from datetime import timedelta

from aiohttp import web

from console import access, people
from console.visit import Visit
from domain.faq import Line
from store import lines

# Beyond these a queue is shown as late. A turn may rightly wait eight seconds for more words.
LATE_AFTER = {
    "events": timedelta(seconds=30),
    "turns": timedelta(seconds=60),
    "deliveries": timedelta(seconds=60),
    "media": timedelta(minutes=30),
}
# The poll reads each account every minute; three misses are a fault.
SYNC_LATE_AFTER = timedelta(minutes=5)


async def show(visit: Visit) -> web.Response:
    """Show the state of everything; renews itself."""
    async with visit.ctx.store.read() as tx:
        health = await access.access_health(visit.viewer, tx)
        stopped = await lines.list_stopped(tx)
        names = await people.list_names(tx)
    knowledge = visit.ctx.knowledge()
    return visit.live_page(
        "health.html",
        "health_part.html",
        "/console/health",
        health=health,
        people=names,
        process=await visit.ctx.health(),
        modes=knowledge.entity_modes,
        stopped=stopped,
        lines=list(Line),
        entries=len(knowledge.faqs),
        samples={
            kind: sum(
                served.is_sample for name, served in knowledge.versions.items() if name.startswith(f"{kind}:")
            )
            for kind in ("faq", "reply")
        },
        now=visit.ctx.clock.now(),
        late_after=LATE_AFTER,
        sync_late_after=SYNC_LATE_AFTER,
    )

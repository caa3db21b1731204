"""One conversation, read: bubbles both ways, why each answer was given, what became of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from aiohttp import web

from console import access, frame, people, timeline
from console.access import NotFound
from console.visit import Visit
from domain.talk import Conversation
from store import case_reports, health_reports, logins, transcripts

# Shown in the page; everything else is a download. SVG is not among them: it can carry scripts.
INLINE = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
_WINDOW = timedelta(hours=48)


async def show(visit: Visit) -> web.Response:
    """Show the newest stretch, which renews itself, or the one before the message `before`."""
    conversation_id = visit.number()
    before = visit.query("before")
    before_id = int(before) if before.isascii() and before.isdigit() and len(before) <= 18 else None
    async with visit.ctx.store.read() as tx:
        talk = await access.access_conversation(visit.viewer, tx, conversation_id)
        transcript = await transcripts.read(tx, conversation_id, before_id=before_id)
        cases = await case_reports.list_cases_of(tx, conversation_id)
        ratings = await transcripts.list_ratings(tx, conversation_id)
        accounts = await health_reports.list_account_names(tx)
        names = await people.list_names(tx)
        used = await transcripts.count_budget_used(tx, conversation_id)
    await visit.openings.record(visit, f"conversation:{conversation_id}")
    return visit.live_page(
        "reader.html",
        "reader_part.html",
        frame.address(f"/console/conversations/{conversation_id}", before=before_id),
        talk=talk,
        transcript=transcript,
        entries=timeline.entries_of(transcript),
        titles=visit.ctx.knowledge().titles(),
        cases=[row for row in cases if visit.viewer.scope is None or row.case.owner in visit.viewer.scope],
        ratings=ratings,
        accounts=accounts,
        people=names,
        budget_used=used,
        budget=transcripts.BUDGET,
        window_ends_at=_window_ends_at(talk),
        inline_types=INLINE,
    )


async def show_media(visit: Visit) -> web.StreamResponse:
    """Serve a file a customer sent: pictures in the page, anything else as a download."""
    async with visit.ctx.store.read() as tx:
        found = await access.access_media(visit.viewer, tx, visit.number())
    path = visit.ctx.data_folder / "media" / found.digest
    if found.state != "fetched" or not _is_digest(found.digest) or not _is_file(path):
        raise NotFound()
    is_inline = found.content_type in INLINE
    subject = f"conversation:{found.conversation_id}"
    if is_inline:
        await visit.openings.record(visit, subject)
    else:
        now = visit.ctx.clock.now()
        await visit.write(
            lambda tx: logins.record_access(
                tx,
                actor=visit.viewer.name,
                act="opened file",
                subject=subject,
                now=now,
                note=f"media:{found.id}",
            )
        )
    disposition = "inline" if is_inline else f'attachment; filename="{found.kind}-{found.id}"'
    return web.FileResponse(
        path,
        headers={
            "Content-Type": found.content_type if is_inline else "application/octet-stream",
            "Content-Disposition": disposition,
            "Cache-Control": "private, max-age=3600",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )


def _window_ends_at(talk: Conversation) -> datetime | None:
    since = talk.last_customer_message_at
    return since + _WINDOW if since else None


def _is_digest(text: str) -> bool:
    return len(text) == 64 and all(letter in "0123456789abcdef" for letter in text)


def _is_file(path: Path) -> bool:
    return path.is_file()

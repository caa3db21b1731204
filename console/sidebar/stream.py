"""What happens while a page is open, as server-sent events (HTML Standard, 9.2): ids only, the page asks for the rest.

`GET /sidebar/stream?conversation=12,15&group=3&since=…`. Events: `message`, `round` and `whisper` with a conversation
and the id of the row, `step` with a group; `bye` with why it ended. An event's id says how far the page knows things;
it comes back in `Last-Event-ID` (or `since`), and what was missed is told first. static/stream.js is the other end.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from http import HTTPStatus

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from console import routes as console_routes
from console.access import Forbidden, NotFound, Viewer
from console.sidebar import stream_access
from console.sidebar.visit import SidebarVisit
from console.streams import BEAT, Bye, Stream, Wanted
from store import desk_news, logins, presence

_CONVERSATIONS_LIMIT = 8
# How long one write may take before the page counts as gone.
_WRITE_SECONDS = 20.0
# After so many heartbeats, a minute, it is asked again whether the page may see what it hears of.
_BEATS = 4
# How soon a browser comes back after the line broke, in milliseconds.
_RETRY_MS = 2000
HEADERS = {
    **console_routes.HEADERS,
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    # A proxy that collects answers would hold the events back.
    "X-Accel-Buffering": "no",
}


async def show(visit: SidebarVisit) -> web.StreamResponse:
    """Open the stream. Raises NotFound for a conversation or group this person may not know of."""
    request, store = visit.request, visit.ctx.console.store
    conversations, group = _numbers(visit.query("conversation")), _numbers(visit.query("group"))
    said = request.headers.get("Last-Event-ID", "") or visit.query("since")
    wanted = Wanted(
        staff=visit.me,
        session=visit.viewer.token_digest,
        conversations=conversations,
        group=group[0] if group else None,
    )
    async with store.read() as tx:
        await _access(visit.viewer, tx, wanted)
        marks = desk_news.read_marks(said) or await desk_news.find_marks(tx)
    wanted = replace(wanted, marks=marks)
    transport = request.transport
    stream = visit.ctx.streams.open(wanted, lambda: transport is None or transport.is_closing())
    if isinstance(stream, Bye):
        return await farewell(request, stream)
    try:
        return await _serve(visit, stream)
    finally:
        visit.ctx.streams.close(stream)
        await visit.write(lambda tx: presence.remove(tx, [key for key, _ in stream.keys]))


async def farewell(request: web.Request, why: Bye) -> web.StreamResponse:
    """Answer with a stream that ends at once: unlike an error or a redirect the page learns why."""
    response = web.StreamResponse(status=HTTPStatus.OK, headers=HEADERS)
    await response.prepare(request)
    await response.write(_bye(why))
    await response.write_eof()
    return response


async def _serve(visit: SidebarVisit, stream: Stream) -> web.StreamResponse:
    """Write what comes until the page is gone or is sent away."""
    await visit.write(lambda tx: _appear(visit, tx, stream))
    response = web.StreamResponse(status=HTTPStatus.OK, headers=HEADERS)
    await response.prepare(visit.request)
    try:
        first = f"retry: {_RETRY_MS}\nid: {stream.marks}\nevent: hello\ndata: {{}}\n\n"
        await response.write(first.encode())
        await _catch_up(visit, stream)
        beats = 0
        while (text := await stream.next()) is not None:
            await asyncio.wait_for(response.write(text), _WRITE_SECONDS)
            beats += text is BEAT
            # Not all pages in the same moment.
            if text is BEAT and beats % _BEATS == int(stream.key[0], 16) % _BEATS:
                await _check_again(visit, stream)
        await asyncio.wait_for(response.write(_bye(stream.farewell or Bye.STOPPING)), _WRITE_SECONDS)
        await response.write_eof()
    except (ConnectionError, TimeoutError):
        # The page was closed; it comes back by itself if it still wants to know.
        pass
    return response


async def _check_again(visit: SidebarVisit, stream: Stream) -> None:
    """End the stream of somebody who may not hear of all this any more: of another role, or not serving now."""
    ctx = visit.ctx.console
    try:
        async with ctx.store.read() as tx:
            session = await logins.find_session(tx, stream.wanted.session, ctx.clock.wall())
            if session is None or session.login.staff_platform_id != stream.wanted.staff:
                stream.end(Bye.LOGIN)
                return
            # What the login may see now, not what it might when the page was opened.
            viewer = replace(visit.viewer, login=session.login)
            await _access(viewer, tx, stream.wanted)
    except (NotFound, Forbidden):
        stream.end(Bye.GONE)


async def _access(viewer: Viewer, tx: AsyncConnection, wanted: Wanted) -> None:
    """Let pass who may hear of all that a page wants. Raises NotFound."""
    for number in wanted.conversations:
        await stream_access.access_conversation(viewer, tx, number)
    if wanted.group is not None:
        await stream_access.access_group(viewer, tx, wanted.group)


async def _appear(visit: SidebarVisit, tx: AsyncConnection, stream: Stream) -> None:
    wall = visit.ctx.console.clock.wall()
    for key, number in stream.keys:
        await presence.add(tx, key, visit.me, number, process=visit.ctx.streams.process, wall=wall)


async def _catch_up(visit: SidebarVisit, stream: Stream) -> None:
    """Tell what happened since the page knew things last; what comes meanwhile is told by the watcher."""
    wanted = stream.wanted
    async with visit.ctx.console.store.read() as tx:
        missed = await desk_news.list_missed(
            tx,
            wanted.marks,
            conversations=wanted.conversations,
            staff=wanted.staff,
            group=wanted.group,
        )
    for news in missed:
        stream.tell(news)


def _bye(why: Bye) -> bytes:
    return f"event: bye\ndata: {json.dumps({'why': why.value})}\n\n".encode()


def _numbers(text: str) -> tuple[int, ...]:
    """Return the ids in "12,15". Raises NotFound for anything else."""
    parts = [one for one in text.split(",") if one]
    if len(parts) > _CONVERSATIONS_LIMIT or not all(
        one.isascii() and one.isdigit() and len(one) <= 18 for one in parts
    ):
        raise NotFound()
    return tuple(dict.fromkeys(int(one) for one in parts))

"""Server-sent events for the page: one bounded queue per reader; a slow reader is told to load everything again."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web

QUEUE_LIMIT = 2000
HEARTBEAT_SECONDS = 15.0


class Live:
    """Passes changes on to every open page."""

    def __init__(self) -> None:
        self._readers: set[asyncio.Queue[str | None]] = set()

    @property
    def has_readers(self) -> bool:
        return bool(self._readers)

    def tell(self, kind: str, content: dict[str, Any]) -> None:
        """Send one change to every reader; costs nothing when nobody reads."""
        if not self._readers:
            return
        line = f"event: {kind}\ndata: {json.dumps(content, ensure_ascii=False)}\n\n"
        for queue in self._readers:
            if queue.full():
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait("event: resync\ndata: {}\n\n")
            else:
                queue.put_nowait(line)

    def close(self) -> None:
        for queue in self._readers:
            while not queue.empty():
                queue.get_nowait()
            queue.put_nowait(None)

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Serve one reader until it goes or the server stops."""
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store"}
        )
        await response.prepare(request)
        queue: asyncio.Queue[str | None] = asyncio.Queue(QUEUE_LIMIT)
        self._readers.add(queue)
        try:
            await response.write(b"retry: 1000\nevent: hello\ndata: {}\n\n")
            while (line := await self._next(queue)) is not None:
                await response.write(line.encode())
        except (ConnectionError, asyncio.CancelledError):
            pass  # The reader has closed the page, which is how every stream ends.
        finally:
            self._readers.discard(queue)
        return response

    @staticmethod
    async def _next(queue: asyncio.Queue[str | None]) -> str | None:
        try:
            line = await asyncio.wait_for(queue.get(), HEARTBEAT_SECONDS)
        except TimeoutError:
            return ": still here\n\n"
        if line is None:
            return None
        # Join what has gathered, so that a busy bench costs one write and not hundreds.
        lines = [line]
        while not queue.empty():
            following = queue.get_nowait()
            if following is None:
                queue.put_nowait(None)
                break
            lines.append(following)
        return "".join(lines)

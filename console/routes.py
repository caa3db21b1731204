"""The pages' addresses."""

from __future__ import annotations

from aiohttp import web

from console.context import ConsoleContext


def add_routes(app: web.Application, ctx: ConsoleContext) -> None:
    """Put the pages under /console/ of `app`."""

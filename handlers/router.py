"""The router: which handler answers which happening."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from domain.reply import Reply
from handlers.context import Context

Handler = Callable[[Any, Context], Awaitable[Reply | None]]
_H = TypeVar("_H", bound=Handler)


class Router:
    """A table of handlers by the type of what happened; one handler a type."""

    def __init__(self) -> None:
        self._handlers: dict[type, Handler] = {}

    def on(self, happening: type) -> Callable[[_H], _H]:
        """Register the decorated handler for `happening`; a second one for the same type raises ValueError."""

        def register(handler: _H) -> _H:
            if happening in self._handlers:
                raise ValueError(
                    f"{happening.__name__} has a handler already: {self._handlers[happening].__name__}"
                )
            self._handlers[happening] = handler
            return handler

        return register

    def include(self, other: Router) -> None:
        """Take over the handlers of another router."""
        for happening, handler in other._handlers.items():
            self.on(happening)(handler)

    async def handle(self, happening: object, ctx: Context) -> Reply | None:
        """Return the reply to `happening`, None when nobody handles it or there is nothing to say."""
        handler = self._handlers.get(type(happening))
        return None if handler is None else await handler(happening, ctx)

"""All handlers in one router."""

from __future__ import annotations

from handlers import farewell, questions, welcome
from handlers.router import Router


def all_handlers() -> Router:
    """Return the router that knows every handler of this package."""
    router = Router()
    for module in (questions, welcome, farewell):
        router.include(module.router)
    return router

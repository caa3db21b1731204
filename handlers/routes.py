"""All handlers in one router."""

from __future__ import annotations

from handlers import farewell, people, questions, welcome
from handlers.router import Router


def all_handlers() -> Router:
    """Return the router that knows every handler of this package."""
    router = Router()
    for module in (questions, welcome, farewell, people):
        router.include(module.router)
    return router

"""The ports: what the inside asks of the outside. Only what has two real implementations stands here."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from domain.delivery import Delivery, Receipt
from domain.platform import SessionStatus


class Clock(Protocol):
    """The only source of time (docs/architecture.md, "Time")."""

    def now(self) -> datetime:
        """Return the business time: aware, UTC. Everything a customer or operator would call a time."""
        ...

    def wall(self) -> datetime:
        """Return this machine's own time: aware, UTC. Only for leases, which must not shrink when the
        business time is moved forward."""
        ...


class Channel(Protocol):
    """The way to one platform. Errors are those of domain/errors.py under ChannelError."""

    async def send(self, delivery: Delivery, *, account_id: str, customer: str) -> Receipt:
        """Do what `delivery` says, once, and return what the platform answered.

        `account_id`, `customer`: the platform's own ids. A transfer that was tried before first asks whether it
        already happened.
        """
        ...

    async def session_status(self, account_id: str, customer: str) -> SessionStatus:
        """Return who may speak in the session now."""
        ...

"""What a handler may look at."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from content.knowledge import Knowledge
from domain.faq import Decision
from domain.hours import ServiceHours
from domain.ports import Clock
from scheduler.rostering import RosterRules


@dataclass(frozen=True, kw_only=True)
class Institution:
    """The licensed institution that a platform refers to."""

    name: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What the company set: hours, people on duty, dates, the pilot's limits.

    `facts`: values for the slots of fixed replies (company, licence, phone …). `fresh`: older turns are late.
    `duty`, `capacity`, `restricted`: see scheduler.rostering.RosterRules.
    """

    hours: ServiceHours
    facts: Mapping[str, str]
    institutions: Mapping[str, Institution] = field(default_factory=dict)
    duty: tuple[str, ...] = ()
    capacity: int = 10
    restricted: frozenset[str] = frozenset()
    fresh: timedelta = timedelta(minutes=10)
    complaint_days: int = 15
    case_days: int = 1
    pilot_accounts: frozenset[str] = frozenset()
    pilot_advisors: frozenset[str] = frozenset()

    @property
    def roster(self) -> RosterRules:
        """What choosing a person has to know."""
        return RosterRules(
            hours=self.hours,
            duty=self.duty,
            capacity=self.capacity,
            restricted=self.restricted,
            only=self.pilot_advisors,
        )

    def may_serve(self, account_id: str) -> bool:
        """Say whether the pilot lets us answer this account."""
        return not self.pilot_accounts or account_id in self.pilot_accounts


@dataclass(frozen=True, kw_only=True)
class Context:
    """`tx` cannot write. A handler looks things up in it and returns what it decided."""

    tx: AsyncConnection
    knowledge: Knowledge
    clock: Clock
    rules: Rules

    async def decide(self, text: str, topic_id: str = "") -> Decision:
        """Return what is meant (content/knowledge.py), from a thread: the meaning of a text takes about 10 ms."""
        return await asyncio.to_thread(self.knowledge.decide, text, topic_id)

    @property
    def now(self) -> datetime:
        return self.clock.now()

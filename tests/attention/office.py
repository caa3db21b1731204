"""An office: a store with staff, a clock, and the worker that makes cards; what it made is read from the outbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import FrozenClock
from content import card_words
from domain.attention import NewNotice, Notice, NoticeState
from domain.delivery import Delivery
from domain.people import StaffOverride, StaffSight, StaffStatus
from scheduler.attention import Cards, DayLine
from scheduler.attention_budget import BudgetRules
from scheduler.card_faces import FaceRules
from scheduler.ticker import Wakeup
from store import deliveries, notices, staff
from store.database import Store
from tests.attention import factory


@dataclass
class Office:
    """Everything a test needs; `work` is what people have to do on a day."""

    store: Store
    clock: FrozenClock
    budget: BudgetRules = field(default_factory=lambda: BudgetRules(zone=factory.SHANGHAI))
    work: dict[str, list[DayLine]] = field(default_factory=dict)
    bell: Wakeup = field(default_factory=Wakeup)

    def worker(self, store: Store | None = None) -> Cards:
        """Return a worker, by another connection to the same database when given one."""
        faces = FaceRules(
            words=card_words.load(), public_url="https://bot.example.com", zone=factory.SHANGHAI
        )
        return Cards(
            store or self.store,
            self.clock,
            self.budget,
            faces,
            owner="test",
            outbox_bell=self.bell,
            day_work=self._list_work,
        )

    async def hire(self, *names: str, **override: Any) -> None:
        """Make members known; `override` is the company's own word on the first."""
        now = self.clock.now()
        sights = [
            StaffSight(
                platform_id=name,
                name=name,
                departments=(1,),
                leader_platform_id="",
                status=StaffStatus.ACTIVE,
            )
            for name in names
        ]
        await self.store.write(lambda tx: staff.record_sights(tx, sights, now))
        if override:
            said = [StaffOverride(platform_id=names[0], **override)]
            await self.store.write(lambda tx: staff.set_overrides(tx, said, now))

    async def add(self, *new: NewNotice) -> None:
        """Add notices now."""
        await self.store.write(lambda tx: notices.add(tx, new, self.clock.now()))

    def go_to(self, moment: datetime) -> None:
        """Let time pass without a tick, as when the program was down."""
        self.clock.advance(moment - self.clock.now())

    async def pass_until(self, moment: datetime, worker: Cards | None = None) -> None:
        """Let every minute until `moment`, that one included, pass with its tick."""
        worker = worker or self.worker()
        while True:
            await worker.send_due()
            if self.clock.now() >= moment:
                return
            self.clock.advance(min(timedelta(minutes=1), moment - self.clock.now()))

    async def cards(self) -> list[Delivery]:
        """Return the cards in the outbox, oldest first."""
        async with self.store.read() as tx:
            return list(reversed(await deliveries.list_by_state(tx, ["due", "refused"], 1000)))

    async def states(self, person: str = "wang") -> dict[str, NoticeState]:
        """Return the states of a person's notices by key."""
        return {one.key: one.state for one in await self.notices(person)}

    async def notices(self, person: str = "wang") -> list[Notice]:
        """Return a person's notices, newest first."""
        async with self.store.read() as tx:
            return await notices.list_of(tx, person, factory.at("00:00", "2026-01-01"))

    async def _list_work(
        self, tx: AsyncConnection, since: datetime, until: datetime
    ) -> Mapping[str, Sequence[DayLine]]:
        return {name: [one for one in some if since <= one.at < until] for name, some in self.work.items()}


LEAVE = {"leave_from": date(2026, 11, 23), "deputy_platform_id": "li"}

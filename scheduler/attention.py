"""Turns notices into cards: the only place that decides to disturb somebody at work.

Features add notices (store/notices.py). A person's notices are taken together in one transaction, attention_budget.py
says which of them go on a card now, and the card, its delivery and the states of the notices are written at once; so
many workers make one card of one notice. Who is away is stood in for by who acts for that person, whose budget it is
then. Sending is the outbox's.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.attention import ANSWERABLE_KINDS, CardAnswer, NewCard, NewNotice, Notice, NoticeKind
from domain.delivery import Act, Body, DeliveryState, NewDelivery, Purpose, SendClass
from domain.ports import Clock
from domain.sop import DeliveryCode
from scheduler import attention_budget, card_faces
from scheduler.attention_budget import BudgetRules, Plan
from scheduler.card_faces import TODAY_PATH, FaceRules
from scheduler.keys import key_of
from scheduler.ticker import Wakeup
from store import cards, deliveries, lines, notices, occurrences, staff, walks
from store.database import Store

log = logging.getLogger(__name__)

# The outbox's way to a member of the company (bot/channels/wecom/app_messages.py).
CHANNEL = "app"
# People looked at in one round.
_PEOPLE = 20
_CHUNK = 500
_DAY = timedelta(days=1)
# A card about nothing that ends is not delivered later than this; what it told stands on the page.
_LIFE = timedelta(hours=12)
# How long before its time the day's card is prepared, so that what is due then shares it.
_PREPARING = timedelta(minutes=30)
_STOPPED_WAIT = timedelta(minutes=5)
_WALK = "day_cards"
_LEASE = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class DayLine:
    """One thing of somebody's day. `title`: what, and in which group."""

    at: datetime
    title: str


class DayWork(Protocol):
    """Who knows what is to be done on a day."""

    async def __call__(
        self, tx: AsyncConnection, since: datetime, until: datetime
    ) -> Mapping[str, Sequence[DayLine]]:
        """Return by UserID what is due from `since` and before `until`."""
        ...


class Cards:
    """A worker that makes cards. Run one per process; many processes share the rows."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        budget: BudgetRules,
        faces: FaceRules,
        *,
        owner: str,
        outbox_bell: Wakeup,
        day_work: DayWork | None = None,
        suggest_only: bool = False,
    ) -> None:
        # `outbox_bell`: rung when a card waits to leave. `day_work`: None makes day's cards of listed matters only.
        # `suggest_only`: in such a pilot cards are made, seen on the pages, and not sent.
        self._store = store
        self._clock = clock
        self._budget = budget
        self._faces = faces
        self._owner = owner
        self._outbox_bell = outbox_bell
        self._day_work = day_work
        self._suggest_only = suggest_only
        self._prepared: date | None = None
        self.bell = Wakeup()

    async def send_due(self) -> float | None:
        """Make the cards whose time has come; a step for ticker.run_loop."""
        # Not a tick of its own: with a clock that runs fast, mornings would fall between two ticks.
        await self.prepare_day()
        now = self._clock.now()
        async with self._store.read() as tx:
            recipients = await notices.list_due_recipients(tx, now, _PEOPLE)
            stood_in: dict[str, set[str]] = {}
            for name in recipients:
                person = await staff.acting_for(tx, name, now, self._budget.zone)
                stood_in.setdefault(person, {person}).add(name)
        jobs = [partial(self._tell, person=who, names=names, now=now) for who, names in stood_in.items()]
        made = await asyncio.gather(*(self._store.write(job) for job in jobs))
        if any(made):
            self._outbox_bell.ring()
            log.info("cards made", extra={"action": "cards_made", "count": sum(made)})
        # A person another worker holds is still due: no hurry then.
        return 0 if len(recipients) == _PEOPLE and any(made) else None

    async def prepare_day(self) -> None:
        """Once a local day, a little before the time of the day's cards: note what everybody has to do."""
        now, wall = self._clock.now(), self._clock.wall()
        day = self._budget.day_of(now)
        card_at = self._budget.at(day, self._budget.day_card_at)
        begins = card_at - _PREPARING
        if self._prepared == day or not begins <= now < self._budget.at(day, self._budget.quiet_from):
            return
        async with self._store.read() as tx:
            finished_at = await walks.find_finished(tx, _WALK)
        if finished_at is not None and finished_at >= begins:
            self._prepared = day
            return
        held = await self._store.write(
            lambda tx: walks.begin(
                tx, _WALK, due_since=begins, now=now, wall=wall, owner=self._owner, lease=_LEASE
            )
        )
        if held is None:
            return
        async with self._store.read() as tx:
            new = await self._day_notices(tx, day, card_at, now)
        for start in range(0, len(new), _CHUNK):
            await self._store.write(partial(notices.add, new=new[start : start + _CHUNK], now=now))
        await self._store.write(lambda tx: walks.finish(tx, held, now))
        log.info("days prepared", extra={"action": "days_prepared", "people": len(new)})

    async def take_back(self) -> None:
        """Put onto the pages what stood on cards that certainly did not arrive; a tick."""
        since = self._clock.now() - 2 * _DAY

        async def release(tx: AsyncConnection) -> int:
            return await notices.release_of_cards(tx, await cards.list_lost(tx, since))

        lost = await self._store.write(release)
        if lost:
            log.warning("cards did not arrive", extra={"action": "cards_lost", "notices": lost})

    # --- the day's card ------------------------------------------------------------------------------------

    async def _day_notices(
        self, tx: AsyncConnection, day: date, card_at: datetime, now: datetime
    ) -> list[NewNotice]:
        ends = self._budget.at(day, self._budget.quiet_from)
        begins = self._budget.at(day, self._budget.day_begins)
        work = await self._day_work(tx, begins, ends) if self._day_work is not None else {}
        open_still = await notices.list_people_with_listed(tx, card_at - _DAY, max(now, card_at))
        return [
            NewNotice(
                key=key_of(_WALK, person, day.isoformat()),
                recipient=person,
                kind=NoticeKind.DAY,
                title=day.isoformat(),
                text=self._day_text(work.get(person, ())),
                url=TODAY_PATH,
                due_at=card_at,
                latest_at=ends,
            )
            for person in sorted({*(name for name, some in work.items() if some), *open_still})
        ]

    def _day_text(self, work: Iterable[DayLine]) -> str:
        ordered = sorted(work, key=lambda one: (one.at, one.title))
        return "\n".join(
            f"{one.at.astimezone(self._budget.zone):%H:%M} {' '.join(one.title.split())}" for one in ordered
        )

    # --- one person ----------------------------------------------------------------------------------------

    async def _tell(self, tx: AsyncConnection, *, person: str, names: Collection[str], now: datetime) -> bool:
        """Decide on everything one person should know, and write it down; say whether a card was made."""
        await staff.ensure(tx, [person], now)
        if not await notices.claim_person(tx, person):
            return False
        held = await self._take(tx, person, names, now)
        earlier = await cards.list_since(tx, person, self._budget.day_of(now) - _DAY)
        found = attention_budget.plan(held, [one.sent_at for one in earlier], now, self._budget)
        if found.look_at is not None:
            await notices.set_look_at(tx, _ids(found.resting), found.look_at)
        await notices.set_listed(tx, _ids(found.listed), person)
        if not _says_something(found.card):
            await notices.set_listed(tx, _ids(found.card), person)
            return False
        await self._add_card(tx, person, found, now)
        return True

    async def _take(
        self, tx: AsyncConnection, person: str, names: Collection[str], now: datetime
    ) -> list[Notice]:
        held = await notices.claim_waiting(tx, names)
        stopped = await lines.list_stopped(tx)
        # While a line is stopped nobody is asked for its work; what ends meanwhile is listed below.
        kept = [
            one
            for one in held
            if one.line in stopped and one.kind in ANSWERABLE_KINDS and not one.is_useless(now)
        ]
        await notices.set_look_at(tx, _ids(kept), now + _STOPPED_WAIT)
        held = [one for one in held if one not in kept]
        if any(one.kind is NoticeKind.DAY and one.due_at <= now for one in held):
            held += await notices.claim_listed(tx, person, now - _DAY - _PREPARING)
        return held

    async def _add_card(self, tx: AsyncConnection, person: str, found: Plan, now: datetime) -> None:
        key = key_of("card", person, now.isoformat(), found.card[0].id)
        new = NewCard(
            task_id=key,
            recipient=person,
            day=self._budget.day_of(now),
            sent_at=now,
            is_exempt=found.is_exempt,
            delivery_key=key,
        )
        card_id = await cards.add(tx, new)
        await notices.set_carded(tx, _ids(found.card), card_id, person)
        answers = await _list_answers(tx, found.card)
        delivery = NewDelivery(
            key=key,
            act=Act.CARD,
            send_class=SendClass.CHECKED,
            purpose=Purpose.SERVICE,
            channel=CHANNEL,
            conversation_id=None,
            recipient=person,
            body=Body(card=card_faces.face(found.card, key, self._faces, answers)),
            due_at=now,
            expires_at=_expires_at(found.card, now),
            state=DeliveryState.HELD if self._suggest_only else DeliveryState.DUE,
            outcome="suggest_only" if self._suggest_only else "",
        )
        await deliveries.add(tx, [delivery], now)


def _ids(some: Iterable[Notice]) -> list[int]:
    return [one.id for one in some]


def _says_something(told: Sequence[Notice]) -> bool:
    """Say whether a card of these would have a line: a day whose listed matters ended meanwhile has none."""
    return any(one.kind is not NoticeKind.DAY or one.text for one in told)


async def _list_answers(tx: AsyncConnection, told: Sequence[Notice]) -> frozenset[CardAnswer]:
    """Return what may be answered; that a mass send was confirmed the platform tells, not the owner."""
    step = told[0].occurrence_id if len(told) == 1 else None
    found = await occurrences.find(tx, step) if step is not None else None
    is_proven = found is not None and found.delivery is DeliveryCode.MASS_SEND
    return frozenset(CardAnswer) - ({CardAnswer.DONE} if is_proven else set())


def _expires_at(told: Sequence[Notice], now: datetime) -> datetime:
    """Return when the card is not worth delivering any more: when the last of what it tells is not."""
    ends = [one.latest_at for one in told]
    known = [end for end in ends if end is not None]
    return max(known) if len(known) == len(ends) else max([*known, now + _LIFE])

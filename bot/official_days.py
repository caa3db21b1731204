"""Reading the platform's own daily figures, once a day and after it has counted them.

A round goes over members who have customers, then accounts, then their servicers. Each asks only for the days not yet
known, the newest known one once more. Where one subject is refused the round goes on: somebody who left has no figures.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.channels.wecom.statistics import MOST_CONTACT_DAYS, MOST_KF_DAYS, ContactStatistics, KfStatistics
from domain import errors
from domain.official import OfficialDay, OfficialKind
from domain.ports import Clock
from store import accounts, official_days, staff, walks
from store.database import Store
from store.walks import Walk

log = logging.getLogger(__name__)

_CHINA = timezone(timedelta(hours=8))
# The platform's figures of a day are there after six the next morning (WeCom doc 95490); an hour more is polite.
_READY_AT = time(7, 0)
_LEASE = timedelta(minutes=5)
_WALK = "official_days"


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """One question to the platform: whose days, and how to ask."""

    kind: OfficialKind
    subject: str
    account_id: str
    most_days: int
    ask: Callable[[date, date], Awaitable[list[OfficialDay]]]

    @property
    def name(self) -> str:
        return f"{self.kind}:{self.account_id}:{self.subject}"


class OfficialDays:
    """Keeps the platform's own figures. `contacts` or `kf` None: not set up, left out."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        contacts: ContactStatistics | None,
        kf: KfStatistics | None,
        *,
        owner: str,
    ) -> None:
        self._store = store
        self._clock = clock
        self._contacts = contacts
        self._kf = kf
        self._owner = owner

    async def read_due(self) -> None:
        """Read what is new when it is time and nobody else does; called by the ticker."""
        now, wall = self._clock.now(), self._clock.wall()
        held = await self._store.write(
            lambda tx: walks.begin(
                tx, _WALK, due_since=ready_since(now), now=now, wall=wall, owner=self._owner, lease=_LEASE
            )
        )
        if held is None:
            return
        try:
            if await self._walk(held):
                await self._store.write(lambda tx: walks.finish(tx, held, self._clock.now()))
        except errors.ChannelError as error:
            log.warning(
                "official figures not read", extra={"action": "official_days_paused", "error": str(error)}
            )
            reason = str(error)
            await self._store.write(lambda tx: walks.pause(tx, held, reason))

    async def _walk(self, held: Walk) -> bool:
        """Ask for every subject after the cursor; False when another process has taken the round."""
        for asked in await self._subjects():
            if asked.name <= held.cursor:
                continue
            days = await self._ask(asked)
            now, wall = self._clock.now(), self._clock.wall()

            async def keep(
                tx: AsyncConnection,
                asked: _Asked = asked,
                days: list[OfficialDay] = days,
                now: datetime = now,
                wall: datetime = wall,
            ) -> bool:
                if not await walks.go_on(tx, held, asked.name, wall=wall, lease=_LEASE):
                    return False
                await official_days.record(tx, days, now)
                return True

            if not await self._store.write(keep):
                return False
        return True

    async def _ask(self, asked: _Asked) -> list[OfficialDay]:
        yesterday = self._clock.now().astimezone(_CHINA).date() - timedelta(days=1)
        async with self._store.read() as tx:
            known = await official_days.find_last(tx, asked.kind, asked.subject, asked.account_id)
        first = yesterday - timedelta(days=asked.most_days - 1)
        if known is not None:
            first = max(first, min(known, yesterday))
        try:
            return await asked.ask(first, yesterday)
        except errors.ChannelUnauthorised:
            raise
        except errors.ChannelRefused as error:
            log.info(
                "no official figures",
                extra={"action": "official_days_refused", "subject": asked.name, "error": str(error)},
            )
            return []

    async def _subjects(self) -> list[_Asked]:
        async with self._store.read() as tx:
            advisors = await staff.list_advisors(tx)
            known = [one.id for one in await accounts.list_all(tx)]
            serving = {one: await accounts.list_servicers(tx, one) for one in known}
        found = [*self._of_contacts(advisors)]
        for account_id, servicers in serving.items():
            found += self._of_kf(account_id, servicers)
        return sorted(found, key=lambda asked: asked.name)

    def _of_contacts(self, advisors: list[str]) -> list[_Asked]:
        if self._contacts is None:
            return []
        return [
            _Asked(
                kind=OfficialKind.CONTACTS,
                subject=name,
                account_id="",
                most_days=MOST_CONTACT_DAYS,
                ask=partial(self._contacts.days, name),
            )
            for name in advisors
        ]

    def _of_kf(self, account_id: str, servicers: list[str]) -> list[_Asked]:
        if self._kf is None:
            return []
        whole = (OfficialKind.KF_ACCOUNT, account_id, partial(self._kf.account_days, account_id))
        each = [
            (OfficialKind.KF_SERVICER, name, partial(self._kf.servicer_days, account_id, name))
            for name in servicers
        ]
        return [
            _Asked(kind=kind, subject=name, account_id=account_id, most_days=MOST_KF_DAYS, ask=ask)
            for kind, name, ask in (whole, *each)
        ]


def ready_since(now: datetime) -> datetime:
    """Return the latest moment at which a new day's figures were there."""
    local = now.astimezone(_CHINA)
    ready = datetime.combine(local.date(), _READY_AT, _CHINA)
    return ready if ready <= local else ready - timedelta(days=1)

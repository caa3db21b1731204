"""The rounds of a serving process: accounts, who is receiving, names, the log without a callback, the figures."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.puller import Puller
from domain.errors import ChannelError
from store import accounts, customers, deliveries, enrolments, events, instance

if TYPE_CHECKING:
    from bot.app import House

log = logging.getLogger(__name__)

# The platform knows the names of customers seen in the last 48 hours (WeCom doc 95159).
_NAMES_FOR = timedelta(hours=48)
# Somebody whose name the platform did not tell is asked about again after this.
_ASK_AGAIN = timedelta(minutes=5)


class Rounds:
    """What has to be looked at now and then."""

    def __init__(self, house: House, puller: Puller | None) -> None:
        self._house = house
        self._puller = puller
        self._asked: dict[str, datetime] = {}

    async def refresh_accounts(self) -> None:
        """Learn which accounts there are, then who is receiving for them."""
        house = self._house
        if house.kf is None:
            return
        try:
            listed = await house.kf.accounts()
        except ChannelError as error:
            log.warning(
                "accounts not listed", extra={"action": "accounts_failed", "error": type(error).__name__}
            )
            return
        now = house.clock.now().replace(microsecond=0)

        async def record(tx: AsyncConnection) -> None:
            # Accounts that are there at the first start go live with it; those that come later, when they come.
            first = await instance.ensure_value(tx, "accounts_listed", house.owner) == house.owner
            live = house.went_live_at if first or house.settings.kf.go_live_at else now
            for one in listed:
                await accounts.ensure(tx, one.account_id, live, name=one.name, is_managed=one.is_managed)

        await house.store.write(record)
        await self.refresh_servicers()

    async def refresh_servicers(self) -> None:
        """Learn who takes sessions now."""
        house = self._house
        for account in await self._managed():
            try:
                assert house.kf is not None
                receiving = await house.kf.receiving_servicers(account.id)
            except ChannelError as error:
                log.warning(
                    "servicers not listed",
                    extra={"action": "servicers_failed", "error": type(error).__name__},
                )
                continue
            now = house.clock.now()
            record = partial(accounts.set_receiving, account_id=account.id, receiving=receiving, now=now)
            await house.store.write(record)

    async def poll(self) -> None:
        """Read every account, callback or not: callbacks may be lost."""
        if self._puller is None:
            return
        for account in await self._managed():
            try:
                await self._puller.pull(account.id)
            except ChannelError as error:
                log.warning("poll failed", extra={"action": "poll_failed", "error": type(error).__name__})

    async def fetch_names(self) -> None:
        """Learn the names of customers who wrote lately."""
        house = self._house
        if house.kf is None:
            return
        since = house.clock.now() - _NAMES_FOR
        async with house.store.read() as tx:
            nameless = await customers.list_nameless(tx, since)
        wall = house.clock.wall()
        self._asked = {who: at for who, at in self._asked.items() if wall - at < _ASK_AGAIN}
        nameless = [who for who in nameless if who not in self._asked]
        if not nameless:
            return
        self._asked.update(dict.fromkeys(nameless, wall))
        try:
            profiles = await house.kf.customers(nameless)
        except ChannelError as error:
            log.warning("names not fetched", extra={"action": "names_failed", "error": type(error).__name__})
            return
        names = {one.customer_id: (one.nickname, one.avatar_url) for one in profiles if one.nickname}
        await house.store.write(lambda tx: customers.set_names(tx, names))

    async def measure(self) -> None:
        """Bring the figures up to date."""
        house, metrics = self._house, self._house.metrics
        now = house.clock.now()
        async with house.store.read() as tx:
            waiting = await events.find_oldest_waiting(tx)
            due = await deliveries.find_oldest_due(tx)
            by_state = await deliveries.counts_unfinished(tx)
            known = await accounts.list_all(tx)
            sop_due = await enrolments.find_next(tx)
            by_sop_state = await enrolments.counts_live(tx)
        metrics.sop_waiting_seconds.set(max((now - sop_due).total_seconds(), 0) if sop_due else 0)
        for state, number in by_sop_state.items():
            metrics.sop_enrolments.labels(state).set(number)
        metrics.events_waiting_seconds.set(max((now - waiting).total_seconds(), 0) if waiting else 0)
        metrics.deliveries_waiting_seconds.set(max((now - due).total_seconds(), 0) if due else 0)
        for state, number in by_state.items():
            metrics.deliveries.labels(state).set(number)
        for account in known:
            lag = (now - account.synced_at).total_seconds() if account.synced_at else 0
            metrics.sync_lag_seconds.labels(account.id).set(max(lag, 0))
        metrics.writer_queue.set(house.store.queue_length)

    async def _managed(self) -> list[accounts.Account]:
        async with self._house.store.read() as tx:
            return [account for account in await accounts.list_all(tx) if account.is_managed]

"""The one door in: an event is stored once, then answered 200, then processed.

`accept` is the webhook's; `process_due` is a step of a loop. Notices of waiting messages are answered by one pull per
account, however many of them wait. Events of a session go to a handler and what it decided is written in the same
transaction that ends the event.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.channels.wecom import aibot, parsing
from bot.contact_events import ContactEvents
from bot.deciding import Deciding
from bot.metrics import Metrics
from bot.puller import Puller
from domain import errors, platform
from domain.happenings import Happening, SessionEnded, SessionEntered
from domain.ports import Clock
from scheduler.ticker import Wakeup
from store import accounts, conversations, events
from store.database import Store
from store.events import StoredEvent
from store.tables import event as event_table

log = logging.getLogger(__name__)

_LEASE = timedelta(seconds=120)
_TRIES = 5
# Events and pulls worked on at the same time.
_IN_HAND = 32
_LONGEST_BACKOFF_SECONDS = 60
# A message is this much older than its notice at most; an account that a notice names first goes live with it.
_NOTICE_DELAY = timedelta(minutes=1)


class CardEvents(Protocol):
    """Who works on taps of cards (handlers/cards.py)."""

    async def process(self, stored: StoredEvent, event: platform.CardTapped) -> None:
        """Do what the tap means and end the event, in one transaction; done twice it changes nothing."""
        ...


class ArchiveEvents(Protocol):
    """Who works on events of the message archive (bot/archive_consents.py)."""

    async def process(
        self, stored: StoredEvent, event: platform.ArchiveNotified | platform.ConsentGiven
    ) -> None:
        """Do what the event means and end it, in one transaction; done twice it changes nothing."""
        ...


class ColleagueEvents(Protocol):
    """Who works on questions of colleagues (bot/staff_questions.py)."""

    async def process(self, stored: StoredEvent, event: platform.PlatformEvent) -> bool:
        """Do what the event means and end it, in one transaction; False for an event of another kind."""
        ...


class Inbox:
    """Stores events and works on them."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        puller: Puller | None,
        deciding: Deciding,
        metrics: Metrics,
        *,
        owner: str,
        went_live_at: datetime,
        contact_events: ContactEvents | None = None,
        card_events: CardEvents | None = None,
        archive_events: ArchiveEvents | None = None,
        colleague_events: ColleagueEvents | None = None,
        bell: Wakeup | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._puller = puller
        self._deciding = deciding
        self._metrics = metrics
        self._owner = owner
        self._went_live_at = went_live_at
        self._contact_events = contact_events
        self._card_events = card_events
        self._archive_events = archive_events
        self._colleague_events = colleague_events
        self._working: set[asyncio.Task[None]] = set()
        self.bell = bell or Wakeup()

    async def accept(self, *, key: str, receiver: str, kind: str, body: bytes) -> None:
        """Return when the event is durable; a second one under the same key changes nothing.

        Raises StoreUnavailable.
        """
        row = events.new_row(key=key, receiver=receiver, kind=kind, body=body, at=self._clock.now())
        await self._store.add(event_table, row)
        self.bell.ring()

    async def process_due(self) -> float | None:
        """Work on events whose time has come; a step for ticker.run_loop."""
        if len(self._working) >= _IN_HAND:
            return None
        now, wall = self._clock.now(), self._clock.wall()
        claimed = await self._store.write(
            lambda tx: events.claim_due(tx, now=now, wall=wall, owner=self._owner, lease=_LEASE)
        )
        if not claimed:
            return None
        # Side by side: a slow account delays neither another account nor a welcome, which lives 20 seconds.
        for stored in claimed:
            if stored.receiver == "kf_log":
                self._begin(self._attempt([stored], partial(self._process_session_event, stored)))
        callbacks = [stored for stored in claimed if stored.receiver != "kf_log"]
        for attempt in await self._sort(callbacks):
            self._begin(attempt)
        return 0

    async def finish(self) -> None:
        """Wait for the events in hand."""
        if self._working:
            await asyncio.wait(self._working)

    def _begin(self, attempt: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(attempt, name="event")
        self._working.add(task)
        task.add_done_callback(self._worked)

    def _worked(self, task: asyncio.Task[None]) -> None:
        self._working.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("event broke", exc_info=task.exception(), extra={"action": "event_broke"})
        self.bell.ring()

    async def reap(self, *, everything: bool = False) -> None:
        """Give back events whose worker is gone."""
        wall = self._clock.wall()
        if await self._store.write(lambda tx: events.release(tx, wall=wall, everything=everything)):
            self.bell.ring()

    # --- callbacks -----------------------------------------------------------------------------------------

    async def _sort(self, stored: Sequence[StoredEvent]) -> list[Coroutine[None, None, None]]:
        """Return the work that callbacks mean: one pull per account, however many notices there are of it."""
        pulls: dict[str | None, list[tuple[StoredEvent, platform.KfNotified]]] = {}
        work = []
        for one in stored:
            try:
                decoded = _decoded(one)
            except errors.EnvelopeError as error:
                await self._give_up([one], f"cannot be read: {error}")
                continue
            if isinstance(decoded, platform.KfNotified):
                pulls.setdefault(decoded.account_id, []).append((one, decoded))
            else:
                work.append(self._attempt([one], partial(self._process_callback, one, decoded)))
        for account_id, notices in pulls.items():
            same = [one for one, _ in notices]
            work.append(self._attempt(same, partial(self._pull, account_id, notices)))
        return work

    async def _process_callback(self, stored: StoredEvent, decoded: platform.PlatformEvent) -> None:
        now = self._clock.now()
        if isinstance(decoded, platform.ContactEvent) and self._contact_events is not None:
            await self._contact_events.process(stored, decoded)
            self._metrics.events_processed.labels(stored.kind).inc()
            return
        if isinstance(decoded, platform.CardTapped) and self._card_events is not None:
            await self._card_events.process(stored, decoded)
            self._metrics.events_processed.labels(stored.kind).inc()
            return
        if (
            isinstance(decoded, platform.ArchiveNotified | platform.ConsentGiven)
            and self._archive_events is not None
        ):
            await self._archive_events.process(stored, decoded)
            self._metrics.events_processed.labels(stored.kind).inc()
            return
        if self._colleague_events is not None and await self._colleague_events.process(stored, decoded):
            self._metrics.events_processed.labels(stored.kind).inc()
            return
        if not isinstance(decoded, platform.KfAccountsChanged):
            await self._store.write(lambda tx: events.set_unhandled(tx, [stored.id], now))
            log.info(
                "event unhandled",
                extra={"action": "event_unhandled", "event": stored.key, "kind": stored.kind},
            )
            return

        async def record(tx: AsyncConnection) -> None:
            for account_id in decoded.added:
                await accounts.ensure(tx, account_id, now.replace(microsecond=0))
            await accounts.set_managed(tx, decoded.added, True)
            await accounts.set_managed(tx, decoded.removed, False)
            await events.finish(tx, [stored.id], now)

        await self._store.write(record)
        self._metrics.events_processed.labels(stored.kind).inc()

    async def _pull(
        self, account_id: str | None, notices: Sequence[tuple[StoredEvent, platform.KfNotified]]
    ) -> None:
        ids = [stored.id for stored, _ in notices]
        if self._puller is None:
            await self._store.write(lambda tx: events.set_unhandled(tx, ids, self._clock.now()))
            return
        newest = notices[-1][1]
        wanted = [account_id] if account_id else await self._known_accounts()
        for one in wanted:
            await self._ensure_account(one, newest.created_at)
            if not await self._puller.pull(one, newest.sync_token or ""):
                # Another process reads it now and may have begun before this notice; look again in a moment.
                due_at = self._clock.now() + timedelta(milliseconds=300)
                await self._store.write(partial(events.postpone, ids=ids, due_at=due_at, error=None))
                return
        await self._store.write(lambda tx: events.finish(tx, ids, self._clock.now()))
        self._metrics.events_processed.labels(notices[0][0].kind).inc(len(ids))

    async def _known_accounts(self) -> list[str]:
        async with self._store.read() as tx:
            return [account.id for account in await accounts.list_all(tx)]

    async def _ensure_account(self, account_id: str, noticed_at: datetime | None) -> None:
        """Make an account known that a notice names first: it goes live with that notice, not after it."""
        async with self._store.read() as tx:
            if any(account.id == account_id for account in await accounts.list_all(tx)):
                return
        # A notice that was sent again may be older than our own first start, which it must not move back.
        now = self._clock.now()
        noticed = min(noticed_at or now, now) - _NOTICE_DELAY
        live = max(self._went_live_at, noticed).replace(microsecond=0)
        await self._store.write(lambda tx: accounts.ensure(tx, account_id, live))

    # --- events inside an account's log ---------------------------------------------------------------------

    async def _process_session_event(self, stored: StoredEvent) -> None:
        fields = json.loads(stored.body)
        happening: Happening | None = None
        if stored.kind in ("kf_enter_session", "kf_session_ended"):
            async with self._store.read() as tx:
                talk = await conversations.get(tx, int(fields["conversation"]))
            at = datetime.fromisoformat(fields["at"])
            if stored.kind == "kf_enter_session":
                happening = SessionEntered(conversation=talk, welcome_code=fields["code"], at=at)
            else:
                talk = replace(talk, servicer_id=fields["servicer"])
                happening = SessionEnded(
                    conversation=talk, servicer_id=fields["servicer"], code=fields["code"], at=at
                )
        if happening is None:
            await self._store.write(lambda tx: events.set_unhandled(tx, [stored.id], self._clock.now()))
            return
        await self._deciding.decide_event(stored, happening)
        self._metrics.events_processed.labels(stored.kind).inc()

    # --- what went wrong ------------------------------------------------------------------------------------

    async def _attempt(self, stored: Sequence[StoredEvent], act: Callable[[], Awaitable[None]]) -> None:
        """Do `act`; when it fails, let the events wait, or give them up after several tries."""
        try:
            await act()
        except errors.StoreUnavailable:
            raise
        except (errors.ChannelBusy, errors.ChannelUncertain) as error:
            await self._wait(stored, error)
        except Exception as error:
            log.exception("event failed", extra={"action": "event_failed", "event": stored[0].key})
            if stored[0].attempt >= _TRIES:
                await self._give_up(stored, f"{type(error).__name__}: {error}")
            else:
                await self._wait(stored, error)

    async def _wait(self, stored: Sequence[StoredEvent], error: Exception) -> None:
        seconds = min(0.5 * 2 ** min(stored[0].attempt, 8), _LONGEST_BACKOFF_SECONDS)
        due_at = self._clock.now() + timedelta(seconds=seconds)
        ids = [one.id for one in stored]
        text = f"{type(error).__name__}: {error}"
        await self._store.write(lambda tx: events.postpone(tx, ids, due_at, text))
        log.warning(
            "event waits",
            extra={"action": "event_waits", "event": stored[0].key, "error": type(error).__name__},
        )

    async def _give_up(self, stored: Sequence[StoredEvent], reason: str) -> None:
        now = self._clock.now()
        await self._store.write(lambda tx: events.set_failed(tx, [one.id for one in stored], now, reason))
        self._metrics.events_failed.labels(stored[0].kind).inc(len(stored))


def _decoded(stored: StoredEvent) -> platform.PlatformEvent:
    """Return what a stored callback says. Raises EnvelopeError."""
    if stored.receiver == aibot.RECEIVER:
        return aibot.decode(stored.body)
    return parsing.decode(stored.receiver, stored.body)

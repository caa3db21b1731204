"""Who is archived, and what customers said about it: asked of the platform once a day, heard from its events at once.

Contacts of archived members whose word is not known are asked about in hundreds; a word found that way is asked for
again after a week, because a customer may change it without an event.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.channels.wecom.msgaudit import PAIRS_AT_ONCE, MsgAudit
from domain import platform
from domain.archive import Consent, ConsentSource, ConsentStatus, ConsentWord
from domain.errors import ChannelError
from domain.ports import Clock
from scheduler.ticker import Wakeup
from store import archives, consents, erasures, events, instance
from store.database import Store
from store.events import StoredEvent

log = logging.getLogger(__name__)

_DAY = timedelta(days=1)
_ASKED_AT = "archive_permits_asked_at"
_WITHDRAWN = "archive_withdrawn_up_to"
_BY = "archive"
_GROUPS_AT_ONCE = 100
# Longer than any transaction that records words or messages takes.
_OVERLAP = timedelta(minutes=5)


class ArchiveConsents:
    """Keeps consents and the list of archived members up to date."""

    def __init__(
        self, store: Store, msgaudit: MsgAudit | None, clock: Clock, *, policy_version: str, bell: Wakeup
    ) -> None:
        # `msgaudit`: None where the archive is not set up; events are kept all the same. `bell`: the puller's.
        self._store = store
        self._msgaudit = msgaudit
        self._clock = clock
        self._policy_version = policy_version
        self._bell = bell

    async def process(
        self, stored: StoredEvent, event: platform.ArchiveNotified | platform.ConsentGiven
    ) -> None:
        """Do what an event means and end it, in one transaction; done twice it changes nothing."""
        now = self._clock.now()

        async def job(tx: AsyncConnection) -> None:
            if isinstance(event, platform.ConsentGiven):
                word = ConsentWord(
                    customer_id=event.customer_id,
                    staff_id=event.staff_id,
                    status=ConsentStatus.AGREE,
                    changed_at=event.created_at or now,
                )
                await self._add(tx, [word], ConsentSource.EVENT, now)
            await events.finish(tx, [stored.id], now)

        await self._store.write(job)
        if isinstance(event, platform.ArchiveNotified):
            self._bell.ring()

    async def refresh(self) -> None:
        """Ask the platform when the last time was a day ago; what fails is asked again at the next call."""
        now = self._clock.now()
        async with self._store.read() as tx:
            asked = await instance.find_value(tx, _ASKED_AT)
        if self._msgaudit is None or (asked and now - datetime.fromisoformat(asked) < _DAY):
            return
        try:
            permitted = await self._msgaudit.permitted()
            await self._store.write(lambda tx: archives.record_permitted(tx, permitted, now))
            await self._ask_contacts(self._msgaudit, now)
            await self._ask_groups(self._msgaudit, now)
        except ChannelError as error:
            log.warning(
                "consents not asked",
                extra={
                    "action": "archive_consents_failed",
                    "error": type(error).__name__,
                    "code": error.errcode,
                },
            )
            return
        await self._store.write(lambda tx: instance.set_value(tx, _ASKED_AT, now.isoformat()))

    async def withdraw(self) -> None:
        """Erase what was recorded under a refusal before we knew of it; a legal hold keeps it all the same.

        Refusals of the last minutes are gone through again: one with a lower id may be committed later, and so may a
        page of the archive that did not see the refusal yet. What is erased stays erased.
        """
        settled_at = self._clock.now() - _OVERLAP
        is_settled = True
        async with self._store.read() as tx:
            after = int(await instance.find_value(tx, _WITHDRAWN) or 0)
        while True:
            async with self._store.read() as tx:
                refusals = await consents.list_withdrawn(tx, after)
            if not refusals:
                return
            for one in refusals:
                after = one.word.id
                await self._withdraw(one.word)
                is_settled = is_settled and one.recorded_at <= settled_at
                if is_settled:
                    await self._store.write(partial(instance.set_value, key=_WITHDRAWN, value=str(after)))

    async def _withdraw(self, word: Consent) -> None:
        after = 0
        while True:
            async with self._store.read() as tx:
                found = await consents.list_told_under(tx, word, after_id=after, limit=erasures.CHUNK)
            if not found:
                return
            after = found[-1]
            job = partial(
                erasures.erase,
                message_ids=found,
                reason="consent",
                law="PIPL 15",
                by=_BY,
                now=self._clock.now(),
                note=f"consent {word.id}",
            )
            erased = await self._store.write(job)
            if erased.message_ids:
                log.info(
                    "words under a refusal erased",
                    extra={"action": "archive_withdrawn", "count": len(erased.message_ids)},
                )

    async def _ask_contacts(self, msgaudit: MsgAudit, now: datetime) -> None:
        after = ("", "")
        while True:
            async with self._store.read() as tx:
                pairs = await consents.list_unknown_pairs(
                    tx, after=after, limit=PAIRS_AT_ONCE, before=now - consents.CHECK_AGAIN
                )
            if not pairs:
                return
            after = pairs[-1]
            await self._record(await msgaudit.single_words(pairs), now)

    async def _ask_groups(self, msgaudit: MsgAudit, now: datetime) -> None:
        after = ""
        while True:
            async with self._store.read() as tx:
                groups = await consents.list_unknown_groups(tx, after=after, limit=_GROUPS_AT_ONCE)
            if not groups:
                return
            after = groups[-1]
            for chat_id in groups:
                await self._record(await msgaudit.room_words(chat_id), now)

    async def _record(self, words: list[ConsentWord], now: datetime) -> None:
        if words:
            await self._store.write(lambda tx: self._add(tx, words, ConsentSource.CHECK, now))

    async def _add(
        self, tx: AsyncConnection, words: list[ConsentWord], source: ConsentSource, now: datetime
    ) -> None:
        await consents.add(tx, words, source=source, policy_version=self._policy_version, now=now)

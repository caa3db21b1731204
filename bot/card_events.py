"""Works on taps on cards.

Called by the inbox. One transaction writes what the tap asks for and ends the event; the card is changed after it. A
crash between leaves the step right and only the button as it was; a second tap then gets the same answer.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from content.card_words import CardWords
from domain import errors
from domain.platform import CardTapped
from domain.ports import Clock
from handlers import cards
from handlers.cards import StepActs
from scheduler.ticker import Wakeup
from store import events
from store.database import Store
from store.events import StoredEvent

log = logging.getLogger(__name__)


class CardUpdates(Protocol):
    """Who changes cards that were sent (bot/channels/wecom/app_messages.py)."""

    async def update_card(self, code: str, staff_ids: Sequence[str], said: str) -> None:
        """Put `said` in place of the buttons for these members; raises ChannelError."""
        ...


class CardEvents:
    """Turns taps into acts on steps."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        acts: StepActs,
        words: CardWords,
        updates: CardUpdates | None,
    ) -> None:
        # `updates`: None where no app may speak to staff; taps still count. `bell`: rung when a step changed.
        self._store = store
        self._clock = clock
        self._acts = acts
        self._words = words
        self._updates = updates
        self.bell = Wakeup()

    async def process(self, stored: StoredEvent, event: CardTapped) -> None:
        """Do what the tap asks for, end the event, then change the card."""
        now = self._clock.now()

        async def apply(tx: AsyncConnection) -> str:
            said = await cards.record(tx, event, self._acts, self._words, now)
            end = events.finish if said else events.set_unhandled
            await end(tx, [stored.id], now)
            return said

        said = await self._store.write(apply)
        if said:
            self.bell.ring()
            await self._update(event, said)

    async def _update(self, event: CardTapped, said: str) -> None:
        if self._updates is None or not event.code:
            return
        try:
            await self._updates.update_card(event.code, [event.staff_id], said)
        except errors.ChannelError as error:
            # Only the button keeps its old word; the step itself is as it was asked for.
            log.warning(
                "card not updated",
                extra={"action": "card_not_updated", "task": event.task_id, "error": type(error).__name__},
            )

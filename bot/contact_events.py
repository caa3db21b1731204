"""Works on the events of the contacts receiver: address book, customers, groups.

Called by the inbox. One transaction writes what the event says, asks for what it does not say, puts a welcome into the
outbox and ends the event; done twice it changes nothing. Nothing is asked of the platform here, so that a welcome,
whose code lives 20 seconds, never waits behind slow calls: reading is bot/directory.py's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.channels.wecom import external
from content.knowledge import Knowledge
from domain import platform
from domain.delivery import Act, Body, DeliveryState, NewDelivery, SendClass
from domain.ports import Clock
from domain.reply import Reply, Say
from handlers import groups, people
from handlers.context import Context, Rules
from handlers.router import Router
from scheduler.keys import key_of
from scheduler.ticker import Wakeup
from store import deliveries, events
from store.database import Store
from store.events import StoredEvent

log = logging.getLogger(__name__)


class ContactEvents:
    """Turns events into records and welcomes."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        router: Router,
        rules: Rules,
        knowledge: Callable[[], Knowledge],
        *,
        outbox_bell: Wakeup,
        may_welcome: bool,
        suggest_only: bool = False,
    ) -> None:
        # `may_welcome`: there is a way out for it. `bell`: rung when something waits to be looked up.
        self._store = store
        self._clock = clock
        self._router = router
        self._rules = rules
        self._knowledge = knowledge
        self._outbox_bell = outbox_bell
        self._may_welcome = may_welcome
        self._suggest_only = suggest_only
        self.bell = Wakeup()

    async def process(self, stored: StoredEvent, event: platform.ContactEvent) -> None:
        """Write down what `event` means, and end it."""
        reply = await self._welcome(event)
        now = self._clock.now()

        async def apply(tx: AsyncConnection) -> None:
            if isinstance(event, platform.GroupChanged):
                await groups.record(tx, event, now, kind_of=external.kind_of)
            else:
                await people.record(tx, event, now)
            if reply is not None and isinstance(event, platform.FriendAdded):
                new = [self._delivery(event, say, place) for place, say in enumerate(reply.says)]
                await deliveries.add(tx, new, now)
            await events.finish(tx, [stored.id], now)

        await self._store.write(apply)
        if reply is not None:
            self._outbox_bell.ring()
        self.bell.ring()

    async def _welcome(self, event: platform.ContactEvent) -> Reply | None:
        if not self._may_welcome or not isinstance(event, platform.FriendAdded):
            return None
        async with self._store.read() as tx:
            ctx = Context(tx=tx, knowledge=self._knowledge(), clock=self._clock, rules=self._rules)
            return await self._router.handle(event, ctx)

    def _delivery(self, event: platform.FriendAdded, say: Say, place: int) -> NewDelivery:
        return NewDelivery(
            # The code is the platform's own name for this one welcome: a doubled event makes no second one.
            key=key_of("friend_welcome", event.welcome_code, place),
            act=Act.TEXT,
            send_class=SendClass.ONCE,
            purpose=say.purpose,
            channel=external.CHANNEL,
            conversation_id=None,
            recipient=event.customer_id,
            reply_id=say.reply_id,
            content_version_id=say.content_version_id,
            body=Body(text=say.text, code=say.code),
            due_at=self._clock.now(),
            expires_at=say.expires_at,
            state=DeliveryState.HELD if self._suggest_only else DeliveryState.DUE,
            outcome="suggest_only" if self._suggest_only else "",
        )

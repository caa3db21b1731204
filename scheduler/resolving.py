"""Mass sends whose creation broke off: looked for at the platform, never made a second time.

Called by whoever asks the platform about mass sends. What is not found stays unknown for a person to settle.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from domain.delivery import Act, DeliveryState
from domain.ports import Clock
from store import deliveries
from store.database import Store

log = logging.getLogger(__name__)

# Other deliveries whose tasks may be confused with this one were attempted about the same time.
_AROUND = timedelta(hours=1)


class CreatedSends(Protocol):
    """Who can look for a task at the platform (bot/channels/wecom/mass.py)."""

    async def find_created(
        self,
        sender: str,
        text: str,
        targets: Sequence[str],
        since: datetime,
        *,
        chat_type: str,
        taken: Collection[str],
    ) -> str:
        """Return the msgid of the one task that can be meant, "" when that is not sure."""
        ...


async def resolve_unknown(store: Store, clock: Clock, sends: CreatedSends, key: str) -> str:
    """Look for the task of the unknown mass send under `key`; return its msgid, "" when it stays unknown.

    A found one is accepted with its msgid as receipt. Raises ChannelError as `sends`.
    """
    async with store.read() as tx:
        found = await deliveries.find(tx, key)
        if found is None or found.state is not DeliveryState.UNKNOWN or found.act is not Act.MASS_SEND:
            return ""
        since = found.attempted_at or found.created_at
        taken = await deliveries.list_receipts(tx, found.channel, since - _AROUND)
    body = found.body
    msgid = await sends.find_created(
        found.recipient, body.text, body.targets, since, chat_type=body.chat_type, taken=taken
    )
    if not msgid or not await store.write(lambda tx: deliveries.resolve(tx, key, msgid, clock.now())):
        return ""
    log.info("mass send found", extra={"action": "mass_send_found", "delivery": key})
    return msgid

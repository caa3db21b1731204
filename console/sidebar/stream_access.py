"""Whose conversations a page may hear of: the same people who may see it, and who serves the session now."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from console.access import NotFound, Viewer
from console.sidebar import access
from store import presence
from store.presence import Place


async def access_conversation(viewer: Viewer, tx: AsyncConnection, conversation_id: int) -> Place:
    """Return where a conversation is held to somebody who may know of it. Raises NotFound.

    Customer service: who serves the session. One-to-one: the advisor. Both: who may see the customer. A group: who may
    see the group. Talks of colleagues are nobody's here.
    """
    place = await presence.find_place(tx, conversation_id)
    if place is None or place.channel == "internal":
        raise NotFound()
    me = viewer.login.staff_platform_id
    if place.channel == "group":
        await access.access_group(viewer, tx, place.account_id)
    elif me not in (place.servicer, place.account_id if place.channel == "chat" else place.servicer):
        await access.access_customer(viewer, tx, place.customer)
    return place


async def access_group(viewer: Viewer, tx: AsyncConnection, group_id: int) -> None:
    """Let pass who may see the group. Raises NotFound."""
    await access.access_group_by_id(viewer, tx, group_id)

"""Files the platform has, so that each is uploaded once in three days. Used by bot/channels/wecom/uploads.py.

The column `digest` holds the key of what was uploaded, which tells kinds and names of one content apart.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store import dialect
from store.tables import uploaded_media


async def find(tx: AsyncConnection, key: str, good_until: datetime) -> str | None:
    """Return the media id that is good until after `good_until`, None when there is none."""
    wanted = sa.select(uploaded_media.c.media_id).where(
        uploaded_media.c.digest == key, uploaded_media.c.expires_at > good_until
    )
    found: str | None = (await tx.execute(wanted)).scalar_one_or_none()
    return found


async def keep(tx: AsyncConnection, key: str, media_id: str, expires_at: datetime) -> None:
    """Remember a fresh media id in place of an older one."""
    values = {"media_id": media_id, "expires_at": expires_at}
    insert = dialect.insert(tx, uploaded_media).values(digest=key, **values)
    await tx.execute(insert.on_conflict_do_update(index_elements=["digest"], set_=values))


async def forget(tx: AsyncConnection, key: str) -> None:
    """Drop a media id the platform does not know any more."""
    await tx.execute(sa.delete(uploaded_media).where(uploaded_media.c.digest == key))

"""Group welcome templates (入群欢迎语素材): one for each wording, made once; the owner binds it in the client."""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from store import dialect
from store.tables import welcome_template


def digest_of(text: str, attachment: str) -> str:
    """Return what tells one wording from another: SHA-256 hex over text and attachment."""
    return hashlib.sha256(f"{text}\x1f{attachment}".encode()).hexdigest()


async def ensure(tx: AsyncConnection, digest: str, delivery_key: str, text: str, now: datetime) -> bool:
    """Record a wording; True when it is new, so that its delivery has to be written beside it."""
    row = {"digest": digest, "delivery_key": delivery_key, "text": text, "created_at": now}
    added = dialect.insert(tx, welcome_template).values(row).on_conflict_do_nothing(index_elements=["digest"])
    done = await tx.execute(added.returning(welcome_template.c.id))
    return done.first() is not None

"""Files of frozen template versions, kept under the SHA-256 of their content. Written by store/sop_versions.py."""

from __future__ import annotations

from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store.tables import sop_file


@dataclass(frozen=True, kw_only=True)
class SopFile:
    """A kept file. `name`: what it was called in the template's folder."""

    digest: str
    name: str
    content: bytes = field(repr=False)


async def find(tx: AsyncConnection, digest: str) -> SopFile | None:
    """Return the file under `digest`, None when none is kept."""
    row = (await tx.execute(sa.select(sop_file).where(sop_file.c.digest == digest))).one_or_none()
    return None if row is None else SopFile(digest=row.digest, name=row.name, content=bytes(row.content))

"""Frozen versions of SOP templates with their pictures and files: what a running group stays on.

A version is immutable and known by its template and digest; its body is what content/sop_freezing.py dumped. Files are
kept once, under the digest of their attachment (domain/sop.py), so that what a block names is found.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store import dialect
from store.tables import sop_file, sop_version

_NAME_LENGTH = 128


@dataclass(frozen=True, kw_only=True)
class SopVersion:
    """A template as it was frozen. `number`: the version its author gave it; `body`: for sop_freezing.load."""

    id: int
    template: str
    number: int
    digest: str
    body: Mapping[str, Any]
    frozen_at: datetime
    loaded_at: datetime  # When the files last said exactly this.


async def ensure(
    tx: AsyncConnection,
    template_id: str,
    number: int,
    digest: str,
    body: Mapping[str, Any],
    files: Sequence[tuple[str, str, bytes]],
    now: datetime,
) -> int:
    """Record a version and its files (digest of the attachment, name, content) unless they are known; return its id.

    A known version keeps its body; that the files say it now is noted.
    """
    if files:
        rows = [
            {"digest": of, "name": name[-_NAME_LENGTH:], "content": content} for of, name, content in files
        ]
        await tx.execute(dialect.insert_new(tx, sop_file), rows)
    row = {
        "template": template_id,
        "number": number,
        "digest": digest,
        "body": dict(body),
        "frozen_at": now,
        "loaded_at": now,
    }
    added = dialect.insert(tx, sop_version).values(row)
    added = added.on_conflict_do_update(
        index_elements=["template", "digest"], set_={"loaded_at": added.excluded.loaded_at}
    )
    found = await tx.execute(added.returning(sop_version.c.id))
    return int(found.scalar_one())


async def get(tx: AsyncConnection, version_id: int) -> SopVersion:
    """Return a version; raises KeyError for one that is not there. The body is large: keep what is made of it."""
    row = (await tx.execute(sa.select(sop_version).where(sop_version.c.id == version_id))).one_or_none()
    if row is None:
        raise KeyError(version_id)
    return _version(row)


async def list_of(tx: AsyncConnection, template: str, limit: int | None = None) -> list[SopVersion]:
    """Return the versions of a template, the one the files said last first; `limit`: at most so many."""
    wanted = (
        sa.select(sop_version)
        .where(sop_version.c.template == template)
        .order_by(sop_version.c.loaded_at.desc(), sop_version.c.id.desc())
        .limit(limit)
    )
    return [_version(row) for row in (await tx.execute(wanted)).all()]


async def list_ids(tx: AsyncConnection) -> dict[tuple[str, str], int]:
    """Return the id of every version by template and digest."""
    wanted = sa.select(sop_version.c.template, sop_version.c.digest, sop_version.c.id)
    return {(row.template, row.digest): row.id for row in (await tx.execute(wanted)).all()}


async def list_known_files(tx: AsyncConnection, digests: Collection[str]) -> frozenset[str]:
    """Return which of these files are kept already."""
    wanted = sa.select(sop_file.c.digest).where(sop_file.c.digest.in_(digests))
    return frozenset((await tx.execute(wanted)).scalars())


def _version(row: sa.Row[Any]) -> SopVersion:
    return SopVersion(
        id=row.id,
        template=row.template,
        number=row.number,
        digest=row.digest,
        body=row.body,
        frozen_at=row.frozen_at,
        loaded_at=row.loaded_at,
    )

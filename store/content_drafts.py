"""Drafts of texts: proposed, written, handed in, approved by somebody else.

Who may do what is console/access.py's business, whether a body is right is content/draft_files.py's. Of one text there
is one open draft at a time; two editors do not overwrite each other, because each change names the revision it saw.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.draft import OPEN_STATES, WRITABLE_STATES, Draft, DraftKind, DraftOrigin, DraftState, Proposal
from store import dialect, paging
from store.paging import Place
from store.tables import content_draft

_ORIGIN: TypeAdapter[DraftOrigin] = TypeAdapter(DraftOrigin)
_MOST_PROPOSALS = 20
_LIMIT_TITLE = 200


async def propose(
    tx: AsyncConnection,
    kind: DraftKind,
    key: str,
    title: str,
    body: Mapping[str, Any],
    origin: DraftOrigin,
    author: str,
    now: datetime,
) -> int:
    """Put words forward as a draft and return its id; for those who may not approve, such as advisors.

    The same author's open draft of the text is overwritten while it may be changed. Where somebody else writes at it or
    it is being reviewed, the words are kept beside it as a proposal, and nothing is lost. A post of an SOP goes to its
    review at once: it is not written here, but in the SOP's file.
    """
    await lock(tx, kind, key)
    found = await find_open(tx, kind, key)
    if found is None:
        made = await add(
            tx, kind=kind, key=key, title=title, body=body, origin=origin, author=author, now=now
        )
        if kind is DraftKind.SOP:
            await submit(tx, made, 1, now=now)
        return made
    if found.is_writable and found.writers == {author}:
        await save(tx, found.id, found.revision, title=title, body=body, author=author, now=now)
        if kind is DraftKind.SOP:
            await submit(tx, found.id, found.revision + 1, now=now)
        return found.id
    told = Proposal(author=author, body=dict(body), proposed_at=now)
    kept = replace(found.origin, proposals=(*found.origin.proposals, told)[-_MOST_PROPOSALS:])
    await tx.execute(
        sa.update(content_draft).where(content_draft.c.id == found.id).values(origin=_origin_json(kept))
    )
    return found.id


async def lock(tx: AsyncConnection, kind: DraftKind, key: str) -> None:
    """Let nobody else begin a draft of this text until the transaction ends; before `find_open` and `add`."""
    await dialect.lock_subjects(tx, "content_draft", [f"{kind}:{key}"])


async def add(
    tx: AsyncConnection,
    *,
    kind: DraftKind,
    key: str,
    title: str,
    body: Mapping[str, Any],
    origin: DraftOrigin,
    author: str,
    now: datetime,
    based_on_id: int | None = None,
) -> int:
    """Add a draft and return its id. The caller has seen that no other of the text is open (`lock`, `find_open`)."""
    writers = tuple(dict.fromkeys((*origin.writers, author)))
    row = {
        "kind": str(kind),
        "content_key": key,
        "title": title[:_LIMIT_TITLE],
        "body": dict(body),
        "based_on_id": based_on_id,
        "state": str(DraftState.DRAFT),
        "revision": 1,
        "origin": _origin_json(replace(origin, writers=writers)),
        "author": author,
        "created_at": now,
        "changed_at": now,
    }
    done = await tx.execute(sa.insert(content_draft).values(row).returning(content_draft.c.id))
    return int(done.scalar_one())


async def find(tx: AsyncConnection, draft_id: int) -> Draft | None:
    """Return a draft, or None."""
    row = (await tx.execute(sa.select(content_draft).where(content_draft.c.id == draft_id))).one_or_none()
    return None if row is None else _draft(row)


async def find_open(tx: AsyncConnection, kind: DraftKind, key: str) -> Draft | None:
    """Return the open draft of a text, or None."""
    wanted = sa.select(content_draft).where(
        content_draft.c.kind == str(kind), content_draft.c.content_key == key, _is_in(OPEN_STATES)
    )
    row = (await tx.execute(wanted)).one_or_none()
    return None if row is None else _draft(row)


async def list_drafts(
    tx: AsyncConnection, states: Collection[DraftState], *, before: Place | None = None, limit: int = 50
) -> list[Draft]:
    """Return the drafts in these states, changed last first."""
    wanted = sa.select(content_draft).where(_is_in(states))
    if before is not None:
        wanted = wanted.where(paging.before(content_draft.c.changed_at, content_draft.c.id, before))
    wanted = wanted.order_by(content_draft.c.changed_at.desc(), content_draft.c.id.desc()).limit(limit)
    return [_draft(row) for row in (await tx.execute(wanted)).all()]


async def list_of(tx: AsyncConnection, kind: DraftKind, key: str) -> list[Draft]:
    """Return all drafts of a text, the newest first."""
    wanted = sa.select(content_draft).where(
        content_draft.c.kind == str(kind), content_draft.c.content_key == key
    )
    return [_draft(row) for row in (await tx.execute(wanted.order_by(content_draft.c.id.desc()))).all()]


async def count_by_state(tx: AsyncConnection) -> dict[DraftState, int]:
    """Return how many drafts are in each state."""
    wanted = sa.select(content_draft.c.state, sa.func.count()).group_by(content_draft.c.state)
    found = {DraftState(state): int(count) for state, count in (await tx.execute(wanted)).all()}
    return {state: found.get(state, 0) for state in DraftState}


async def save(
    tx: AsyncConnection,
    draft_id: int,
    revision: int,
    *,
    title: str,
    body: Mapping[str, Any],
    author: str,
    now: datetime,
    key: str = "",
) -> bool:
    """Store changed words; False when somebody changed the draft since `revision` or it may not be changed.

    `key`: another name for a text that is not served yet; "" keeps it.
    """
    found = await find(tx, draft_id)
    if found is None or not found.is_writable or found.revision != revision:
        return False
    writers = tuple(dict.fromkeys((*found.origin.writers, author)))
    values = {
        "title": title[:_LIMIT_TITLE],
        "body": dict(body),
        "content_key": key or found.key,
        "origin": _origin_json(replace(found.origin, writers=writers)),
        "author": author,
        "changed_at": now,
    }
    return await _change(tx, draft_id, revision, WRITABLE_STATES, values)


async def submit(tx: AsyncConnection, draft_id: int, revision: int, *, now: datetime) -> bool:
    """Hand a draft in to be reviewed; False when it changed since `revision` or is not to be handed in."""
    values = {"state": str(DraftState.REVIEW), "submitted_at": now, "changed_at": now}
    return await _change(tx, draft_id, revision, WRITABLE_STATES, values)


async def take_back(tx: AsyncConnection, draft_id: int, revision: int, *, now: datetime) -> bool:
    """Take a draft out of the review to write at it again; False when it changed since `revision`."""
    values = {"state": str(DraftState.DRAFT), "submitted_at": None, "changed_at": now}
    return await _change(tx, draft_id, revision, {DraftState.REVIEW}, values)


async def give_back(
    tx: AsyncConnection, draft_id: int, revision: int, *, by: str, note: str, now: datetime
) -> bool:
    """Return a draft to its writer with a note; False when it changed since `revision`."""
    values = {
        "state": str(DraftState.RETURNED),
        "reviewer": by,
        "reviewed_at": now,
        "note": note,
        "changed_at": now,
    }
    return await _change(tx, draft_id, revision, {DraftState.REVIEW}, values)


async def approve(
    tx: AsyncConnection, draft_id: int, revision: int, *, by: str, version_id: int, note: str, now: datetime
) -> bool:
    """Record that a draft became a version; False when it changed since `revision` or nobody handed it in."""
    values = {
        "state": str(DraftState.APPROVED),
        "reviewer": by,
        "reviewed_at": now,
        "version_id": version_id,
        "note": note,
        "changed_at": now,
    }
    return await _change(tx, draft_id, revision, {DraftState.REVIEW}, values)


async def withdraw(tx: AsyncConnection, draft_id: int, revision: int, *, now: datetime) -> bool:
    """Give a draft up; False when it changed since `revision` or is not open."""
    values = {"state": str(DraftState.WITHDRAWN), "changed_at": now}
    return await _change(tx, draft_id, revision, OPEN_STATES, values)


async def list_of_versions(tx: AsyncConnection, version_ids: Sequence[int]) -> dict[int, Draft]:
    """Return the draft that each of these versions was made by, by the version's id; files' versions have none."""
    if not version_ids:
        return {}
    wanted = sa.select(content_draft).where(content_draft.c.version_id.in_(version_ids))
    found = [_draft(row) for row in (await tx.execute(wanted.order_by(content_draft.c.id))).all()]
    return {one.version_id: one for one in found if one.version_id is not None}


async def _change(
    tx: AsyncConnection,
    draft_id: int,
    revision: int,
    states: Collection[DraftState],
    values: Mapping[str, Any],
) -> bool:
    done = await tx.execute(
        sa.update(content_draft)
        .where(content_draft.c.id == draft_id, content_draft.c.revision == revision, _is_in(states))
        .values({**values, "revision": revision + 1})
    )
    return bool(done.rowcount)


def _is_in(states: Collection[DraftState]) -> sa.ColumnElement[bool]:
    return content_draft.c.state.in_(sorted(str(state) for state in states))


def _origin_json(origin: DraftOrigin) -> dict[str, Any]:
    told: dict[str, Any] = _ORIGIN.dump_python(origin, mode="json")
    return told


def _draft(row: Any) -> Draft:
    return Draft(
        id=row.id,
        kind=DraftKind(row.kind),
        key=row.content_key,
        title=row.title,
        body=row.body,
        based_on_id=row.based_on_id,
        version_id=row.version_id,
        state=DraftState(row.state),
        revision=row.revision,
        origin=_ORIGIN.validate_python(row.origin),
        author=row.author,
        created_at=row.created_at,
        changed_at=row.changed_at,
        submitted_at=row.submitted_at,
        reviewer=row.reviewer,
        reviewed_at=row.reviewed_at,
        note=row.note,
    )

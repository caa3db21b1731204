"""Texts as files: one draft or version as TOML, everything that is served as a ZIP, and files taken in as drafts."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import Iterable

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from console import access, draft_access, draft_form
from console.access import NotFound, Right
from console.drafts_page import PATH
from console.visit import Visit
from content import draft_files
from content.draft_files import Body
from content.knowledge import Knowledge
from domain.draft import DraftHow, DraftKind, DraftOrigin
from store import content_drafts, logins

_LIMIT_BYTES = 512 * 1024
_FOLDERS = {DraftKind.FAQ: "faq", DraftKind.REPLY: "replies", DraftKind.QUICK: "quick"}


async def show_draft(visit: Visit) -> web.Response:
    """Hand a draft out as it would stand in a file."""
    async with visit.ctx.store.read() as tx:
        draft = await draft_access.access_draft(visit.viewer, tx, visit.number())
    return _file(draft.kind, draft.key, draft.body)


async def show_version(visit: Visit) -> web.Response:
    """Hand a stored version out as it would stand in a file; words of SOPs have files of their own."""
    async with visit.ctx.store.read() as tx:
        version = await draft_access.access_version(visit.viewer, tx, visit.number())
    kind = draft_form.kind_of(version.kind)
    if kind is None:
        raise NotFound()
    try:
        body = draft_files.body_of(draft_files.record_of_version(kind, version.body))
    except ValueError as error:
        raise NotFound() from error  # Stored by a program of before, which knew other fields.
    return _file(kind, version.key, body)


def _file(kind: DraftKind, key: str, body: Body) -> web.Response:
    return _attachment(draft_files.dump([(kind, body)]).encode(), f"{key}.toml", "application/toml")


async def show_all(visit: Visit) -> web.Response:
    """Hand out everything that is served, in the folders and files of content/."""
    access.require(visit.viewer, Right.WRITE_DRAFTS)
    knowledge = visit.ctx.knowledge()
    packed = await asyncio.to_thread(_packed, knowledge)
    by, now = visit.viewer.name, visit.ctx.clock.now()

    async def job(tx: AsyncConnection) -> None:
        await logins.record_access(tx, actor=by, act="exported content", subject="content", now=now)

    await visit.write(job)
    return _attachment(packed, f"content-{knowledge.today.isoformat()}.zip", "application/zip")


def _packed(knowledge: Knowledge) -> bytes:
    texts: dict[str, list[tuple[DraftKind, Body]]] = {}
    served: Iterable[draft_files.Record] = (
        *knowledge.faqs.values(), *knowledge.replies.values(), *knowledge.quick.values(),
    )  # fmt: skip
    for record in served:
        kind = draft_files.kind_of(record)
        name = record.id.partition(".")[0] if kind is not DraftKind.REPLY else "replies"
        path = f"content/{_FOLDERS[kind]}/{name}.toml"
        texts.setdefault(path, []).append((kind, draft_files.body_of(record)))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for path, found in sorted(texts.items()):
            # A fixed time, so that the same words make the same file.
            file.writestr(zipfile.ZipInfo(path, (2020, 1, 1, 0, 0, 0)), draft_files.dump(found))
    return packed.getvalue()


def _attachment(content: bytes, name: str, content_type: str) -> web.Response:
    return web.Response(
        body=content,
        content_type=content_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def take_in(visit: Visit) -> web.Response:
    """Make a draft of each table of a file; what is served already word for word is left out."""
    access.require(visit.viewer, Right.WRITE_DRAFTS)
    text = await _sent_text(visit)
    if not text.strip():
        return visit.back(PATH, wrong="empty")
    found, wrong = await asyncio.to_thread(draft_files.load, text)
    if wrong or not found:
        return visit.back(PATH, wrong="import_unreadable")
    knowledge = visit.ctx.knowledge()
    fresh = [(kind, body) for kind, body in found if body.get("id") and not _is_served(kind, body, knowledge)]
    if not fresh:
        return visit.back(PATH, wrong="import_same")
    by, now = visit.viewer.name, visit.ctx.clock.now()

    async def job(tx: AsyncConnection) -> None:
        for kind, body in fresh:
            key = str(body["id"])
            await content_drafts.propose(
                tx,
                kind,
                key,
                draft_files.title_of(kind, body),
                body,
                DraftOrigin(how=DraftHow.FILE),
                by,
                now,
            )
        await logins.record_access(tx, actor=by, act="imported content", subject="content", now=now)

    await visit.write(job)
    return visit.back(f"{PATH}?show=writing", done="imported")


async def _sent_text(visit: Visit) -> str:
    """Return the file that was sent, or what was pasted."""
    sent = visit.form.get("file")
    if isinstance(sent, web.FileField) and sent.filename:
        raw = await asyncio.to_thread(sent.file.read, _LIMIT_BYTES)
        return raw.decode("utf-8", errors="replace")
    return visit.said("toml", _LIMIT_BYTES)


def _is_served(kind: DraftKind, body: Body, knowledge: Knowledge) -> bool:
    record = draft_form.find_served(kind, str(body["id"]), knowledge)
    if record is None:
        return False
    return draft_files.words_of(kind, draft_files.body_of(record)) == draft_files.words_of(kind, body)

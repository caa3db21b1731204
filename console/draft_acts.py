"""What happens to drafts and versions: handed in, approved by somebody else, given back, taken back, rolled back.

Nothing is approved that content's own checks refuse today (content/draft_checks.py), and nobody approves what they
wrote themselves (console/access.py). What is approved is served before the answer goes out.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from console import access, approvers, draft_access, draft_form
from console.access import NotFound, Right
from console.drafts_page import PATH
from console.visit import Visit
from content import draft_checks, draft_files, sop_shelf
from domain.draft import Draft, DraftKind
from domain.suggestion import OwnState
from store import content_drafts, contents, logins, own_wordings

_LIMIT_NOTE = 500
_KEY = re.compile(r"^[a-z0-9_./]+$")


async def submit(visit: Visit) -> web.Response:
    """Hand a draft in; refused while something is wrong with it."""
    draft = await _draft(visit, Right.WRITE_DRAFTS)
    knowledge = visit.ctx.knowledge()
    if draft.kind is not DraftKind.SOP:
        checked = await asyncio.to_thread(
            draft_checks.check, draft.kind, draft.body, knowledge, with_similar=False
        )
        if not checked.is_right:
            return visit.back(f"{PATH}/{draft.id}", wrong="draft_incomplete")
    now, revision = visit.ctx.clock.now(), _revision(visit)
    return await _change(
        visit,
        draft,
        "submitted draft",
        "draft_submitted",
        lambda tx: content_drafts.submit(tx, draft.id, revision, now=now),
    )


async def take_back(visit: Visit) -> web.Response:
    """Take one's own draft out of the review."""
    draft = await _draft(visit, Right.WRITE_DRAFTS)
    now, revision = visit.ctx.clock.now(), _revision(visit)
    return await _change(
        visit,
        draft,
        "took draft back",
        "draft_taken_back",
        lambda tx: content_drafts.take_back(tx, draft.id, revision, now=now),
    )


async def give_back(visit: Visit) -> web.Response:
    """Return a draft to who wrote it, with a note."""
    draft = await _draft(visit, Right.APPROVE_CONTENT)
    note = visit.said("note", _LIMIT_NOTE)
    if not note:
        return visit.back(f"{PATH}/{draft.id}", wrong="draft_no_note")
    by, now, revision = visit.viewer.name, visit.ctx.clock.now(), _revision(visit)
    return await _change(
        visit,
        draft,
        "returned draft",
        "draft_returned",
        lambda tx: content_drafts.give_back(tx, draft.id, revision, by=by, note=note, now=now),
    )


async def withdraw(visit: Visit) -> web.Response:
    """Give a draft up."""
    draft = await _draft(visit, Right.WRITE_DRAFTS)
    now, revision = visit.ctx.clock.now(), _revision(visit)
    return await _change(
        visit,
        draft,
        "withdrew draft",
        "draft_withdrawn",
        lambda tx: content_drafts.withdraw(tx, draft.id, revision, now=now),
    )


async def approve(visit: Visit) -> web.Response:
    """Approve somebody else's draft under one's own name; it is served at once."""
    draft = await _draft(visit, Right.APPROVE_CONTENT)
    path = f"{PATH}/{draft.id}"
    async with visit.ctx.store.read() as tx:
        if not await draft_access.may_approve(visit.viewer, tx, draft):
            return visit.back(path, wrong="draft_own")
    name = visit.viewer.login.display_name
    if not approvers.is_usable(name):
        return visit.back(path, wrong="no_name")
    if draft.kind is DraftKind.SOP:
        return await _approve_sop(visit, draft)
    knowledge = visit.ctx.knowledge()
    body = draft_checks.approved_body(draft.kind, draft.body, by=name, today=knowledge.today)
    record, mistakes = await asyncio.to_thread(draft_checks.record_of, draft.kind, body, knowledge)
    # Under another name than its own the text would be found by questions and not by who answers them.
    if record is None or mistakes or record.id != draft.key:
        return visit.back(path, wrong="draft_incomplete")
    if draft_form.is_over(body, knowledge.today):
        return visit.back(path, wrong="draft_over")
    stored, digest = draft_files.version_body(record), record.digest
    by, now, revision = visit.viewer.name, visit.ctx.clock.now(), _revision(visit)
    note = visit.said("note", _LIMIT_NOTE)

    async def job(tx: AsyncConnection) -> bool:
        found = await content_drafts.find(tx, draft.id)
        if found is None or found.revision != revision or found.body != draft.body:
            return False
        version = await contents.add_edited(tx, draft.kind, draft.key, digest, stored, now)
        done = await content_drafts.approve(
            tx, draft.id, revision, by=by, version_id=version, note=note, now=now
        )
        if done:
            await contents.decide(tx, version, by=name, now=now)
            if found.origin.own_wording_id is not None:
                await own_wordings.set_state(tx, found.origin.own_wording_id, OwnState.APPROVED)
        return done

    return await _change(visit, draft, "approved", "draft_approved", job, serves=True)


async def _approve_sop(visit: Visit, draft: Draft) -> web.Response:
    """Close a proposal for a post of an SOP once its words stand in the SOP's file, the only way they are sent."""
    block = next(
        (
            one
            for template in visit.ctx.shelf().templates.values()
            for one in template.blocks.values()
            if sop_shelf.key_of(template.id, one) == draft.key
        ),
        None,
    )
    said = str(draft.body.get("body") or draft.body.get("text") or "").strip()
    if block is None or block.body.strip() != said:
        return visit.back(f"{PATH}/{draft.id}", wrong="draft_sop_file")
    by, now, revision, digest = visit.viewer.name, visit.ctx.clock.now(), _revision(visit), block.digest

    async def job(tx: AsyncConnection) -> bool:
        known = await contents.list_of(tx, DraftKind.SOP, draft.key)
        version = next((one.id for one in known if one.digest == digest), None)
        return version is not None and await content_drafts.approve(
            tx, draft.id, revision, by=by, version_id=version, note="", now=now
        )

    return await _change(visit, draft, "approved", "draft_taken_over", job)


async def decline_wording(visit: Visit) -> web.Response:
    """Put an advisor's proposal aside; the words stay the advisor's own."""
    access.require(visit.viewer, Right.WRITE_DRAFTS)
    wording = visit.number()
    by, now = visit.viewer.name, visit.ctx.clock.now()

    async def job(tx: AsyncConnection) -> bool:
        done = await own_wordings.set_state(tx, wording, OwnState.OWN)
        if done:
            await logins.record_access(
                tx, actor=by, act="declined wording", subject=f"own_wording:{wording}", now=now
            )
        return done

    done = await visit.write(job)
    path = f"{PATH}?show=wordings"
    return visit.back(path, done="wording_declined") if done else visit.back(path, wrong="changed")


# --- versions -----------------------------------------------------------------------------------------------


async def roll_back(visit: Visit) -> web.Response:
    """Say an older version again, under one's own name; one that was approved before and passes today's checks."""
    access.require(visit.viewer, Right.APPROVE_CONTENT)
    kind, key = _named(visit)
    if kind is None:
        return visit.back("/console/content", wrong="changed")
    path, number = f"/console/content/{kind}/{key}", visit.said("version", 18)
    name = visit.viewer.login.display_name
    if not approvers.is_usable(name):
        return visit.back(path, wrong="no_name")
    async with visit.ctx.store.read() as tx:
        known = await contents.list_of(tx, kind, key)
        version = next((one for one in known if str(one.id) == number and one.approved_by), None)
        if version is None:
            raise NotFound()
        made = (await content_drafts.list_of_versions(tx, [version.id])).get(version.id)
        if made is not None and not await draft_access.may_approve(visit.viewer, tx, made):
            return visit.back(path, wrong="draft_own")
    try:
        record = draft_files.record_of_version(kind, version.body)
    except ValueError:
        return visit.back(path, wrong="version_unfit")  # Stored by a program that knew other fields.
    knowledge = visit.ctx.knowledge()
    body = draft_files.body_of(record)
    _, mistakes = await asyncio.to_thread(draft_checks.record_of, kind, body, knowledge)
    if mistakes or draft_form.is_over(body, knowledge.today):
        return visit.back(path, wrong="version_unfit")
    by, now = visit.viewer.name, visit.ctx.clock.now()

    async def job(tx: AsyncConnection) -> None:
        await contents.decide(tx, version.id, by=name, now=now)
        subject = f"content_version:{version.id}"
        await logins.record_access(tx, actor=by, act="rolled back", subject=subject, now=now)

    await visit.write(job)
    await visit.ctx.refresh_content()
    return visit.back(path, done="rolled_back")


async def stop_text(visit: Visit) -> web.Response:
    """Say a text no longer that only the editor has; one of the files is taken out of its file."""
    access.require(visit.viewer, Right.APPROVE_CONTENT)
    kind, key = _named(visit)
    if kind is None:
        return visit.back("/console/content", wrong="changed")
    path = f"/console/content/{kind}/{key}"
    if draft_form.is_in_files(kind, key, visit.ctx.knowledge()):
        return visit.back(path, wrong="text_of_file")
    by, name, now = visit.viewer.name, visit.viewer.login.display_name, visit.ctx.clock.now()

    async def job(tx: AsyncConnection) -> int:
        count = await contents.withdraw(tx, kind, key, by=name, now=now)
        await logins.record_access(
            tx, actor=by, act="withdrew text", subject=f"content:{kind}:{key}", now=now
        )
        return count

    count = await visit.write(job)
    await visit.ctx.refresh_content()
    return visit.back(path, done="text_withdrawn") if count else visit.back(path, wrong="changed")


def _named(visit: Visit) -> tuple[DraftKind | None, str]:
    """Return the text that a form names; no kind where it names none."""
    key = visit.said("key", 64)
    return draft_form.kind_of(visit.said("kind", 16)) if _KEY.match(key) else None, key


# --- common to all ------------------------------------------------------------------------------------------


async def _draft(visit: Visit, right: Right) -> Draft:
    access.require(visit.viewer, right)
    async with visit.ctx.store.read() as tx:
        return await draft_access.access_draft(visit.viewer, tx, visit.number())


def _revision(visit: Visit) -> int:
    found = visit.said("revision", 9)
    return int(found) if found.isdecimal() else 0


async def _change(
    visit: Visit,
    draft: Draft,
    act: str,
    done: str,
    change: Callable[[AsyncConnection], Coroutine[Any, Any, bool]],
    *,
    serves: bool = False,
) -> web.Response:
    """Run a change and write down that it was made; say so when somebody else was faster."""
    by, now = visit.viewer.name, visit.ctx.clock.now()

    async def job(tx: AsyncConnection) -> bool:
        is_done = await change(tx)
        if is_done:
            await logins.record_access(tx, actor=by, act=act, subject=f"draft:{draft.id}", now=now)
        return is_done

    is_done = await visit.write(job)
    if is_done and serves:
        await visit.ctx.refresh_content()
    path = f"{PATH}/{draft.id}"
    return visit.back(path, done=done) if is_done else visit.back(path, wrong="changed")

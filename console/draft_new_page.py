"""New drafts: the editor filled in from a gap, an advisor's own words or the served text, and its first storing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from console import access, draft_access, draft_form, drafts_page, gaps_page
from console.access import NotFound, Right
from console.draft_form import Live
from console.drafts_page import PATH
from console.visit import Visit, cleaned
from content import draft_files, draft_making
from content.draft_files import Body
from content.knowledge import Knowledge
from domain.draft import DraftHow, DraftKind, DraftOrigin
from domain.suggestion import OwnWording
from store import content_drafts, logins

# What the editor's page shows of a draft that is not stored yet.
_UNSAVED: Mapping[str, Any] = {"draft": None, "names": {}, "proposals": (), "served_version": None}


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """What a new draft begins with. `note`: the key of the words that say where it comes from."""

    kind: DraftKind
    body: Body
    origin: DraftOrigin
    key: str = ""  # Of the text that is changed; "" for a new one.


async def show(visit: Visit) -> web.Response:
    """Show the editor for a new draft, filled in from what the address names; nothing is stored yet."""
    access.require(visit.viewer, Right.WRITE_DRAFTS)
    begun = await _beginning(visit)
    if begun.key:
        async with visit.ctx.store.read() as tx:
            open_one = await content_drafts.find_open(tx, begun.kind, begun.key)
        if open_one is not None:
            return visit.back(f"{PATH}/{open_one.id}", done="" if visit.query("gap") else "draft_is_open")
    live = await drafts_page.live_of(visit, begun.kind, begun.body, key=begun.key)
    return visit.page(
        "draft.html",
        **_UNSAVED,
        live=live,
        origin=begun.origin,
        begun=begun,
        **await drafts_page.choices(visit, live),
    )


async def _beginning(visit: Visit) -> Beginning:
    """Return what the address asks to begin with. Raises NotFound for what is not there any more."""
    knowledge = visit.ctx.knowledge()
    if visit.query("gap"):
        return await _of_gap(visit, knowledge)
    if visit.query("wording").isdecimal():
        return await _of_wording(visit, knowledge)
    kind = draft_form.kind_of(visit.query("kind") or "faq")
    if kind is None:
        raise NotFound()
    key = visit.query("key")
    if not key:
        if kind is DraftKind.REPLY:
            raise NotFound()  # The program knows which replies it says.
        return Beginning(kind=kind, body=draft_making.empty(kind, knowledge), origin=DraftOrigin())
    served = draft_form.find_served(kind, key, knowledge)
    if served is None:
        raise NotFound()
    body = draft_making.from_served(served, knowledge.today)
    return Beginning(kind=kind, body=body, origin=DraftOrigin(how=DraftHow.ENTRY), key=key)


async def _of_gap(visit: Visit, knowledge: Knowledge) -> Beginning:
    """Return an entry for the questions of a group, or, with `into`, an entry that knows their words as well."""
    group = await gaps_page.find_group(visit)
    if group is None:
        raise NotFound()
    origin = DraftOrigin(
        how=DraftHow.GAP,
        asked=group.wordings[:12],
        answers=tuple(one.text[:500] for one in group.answers[:3]),
    )
    into = knowledge.faqs.get(visit.query("into"))
    if into is not None:
        body = await asyncio.to_thread(draft_making.with_more_asks, into, group, knowledge)
        return Beginning(kind=DraftKind.FAQ, body=body, origin=origin, key=into.id)
    body = await asyncio.to_thread(draft_making.from_gap, group, knowledge)
    return Beginning(kind=DraftKind.FAQ, body=body, origin=origin)


async def _of_wording(visit: Visit, knowledge: Knowledge) -> Beginning:
    async with visit.ctx.store.read() as tx:
        found = await draft_access.access_wordings(visit.viewer, tx)
    wording = next((one for one in found if one.id == int(visit.query("wording"))), None)
    if wording is None:
        raise NotFound()
    body = await asyncio.to_thread(
        draft_making.from_wording, wording.text, wording.asked, wording.line, knowledge
    )
    return Beginning(kind=DraftKind.QUICK, body=body, origin=_origin_of(wording))


def _origin_of(wording: OwnWording) -> DraftOrigin:
    return DraftOrigin(
        how=DraftHow.OWN_WORDING,
        asked=(wording.asked,) if wording.asked else (),
        answers=(wording.text,),
        own_wording_id=wording.id,
        # Who proposed the words has written them, and does not approve them.
        writers=(wording.staff_platform_id,),
    )


async def add(visit: Visit) -> web.Response:
    """Store a new draft; with `submit`, hand it in at once."""
    access.require(visit.viewer, Right.WRITE_DRAFTS)
    kind = draft_form.kind_of(visit.said("kind"))
    if kind is None:
        return visit.back(PATH, wrong="empty")
    body = draft_form.read(visit.form, kind)
    key = visit.said("key", 64) or str(body.get("id", ""))
    body = {**body, "id": key} if key else body
    live = await drafts_page.live_of(visit, kind, body, key=visit.said("key", 64))
    origin = await _posted_origin(visit)
    is_handed_in = "submit" in visit.form
    if not key or (is_handed_in and live.mistakes):
        return await _again(visit, live, origin, wrong="draft_incomplete" if key else "draft_no_id")
    by, now, based_on = visit.viewer.name, visit.ctx.clock.now(), visit.ctx.knowledge().version_id(kind, key)

    async def job(tx: AsyncConnection) -> tuple[int, bool]:
        await content_drafts.lock(tx, kind, key)
        open_one = await content_drafts.find_open(tx, kind, key)
        if open_one is not None:
            return open_one.id, False
        made = await content_drafts.add(
            tx,
            kind=kind,
            key=key,
            title=draft_files.title_of(kind, body),
            body=live.body,
            origin=origin,
            author=by,
            now=now,
            based_on_id=based_on,
        )
        if is_handed_in:
            await content_drafts.submit(tx, made, 1, now=now)
        await logins.record_access(tx, actor=by, act="wrote draft", subject=f"draft:{made}", now=now)
        return made, True

    draft_id, is_new = await visit.write(job)
    if not is_new:
        return await _again(visit, live, origin, wrong="draft_key_open")
    return visit.back(f"{PATH}/{draft_id}", done="draft_submitted" if is_handed_in else "draft_saved")


async def _posted_origin(visit: Visit) -> DraftOrigin:
    """Return where the draft comes from, as the form was told; writers are looked up, not believed."""
    how = next((one for one in DraftHow if one == visit.said("how")), DraftHow.NEW)
    asked = tuple(cleaned(one, 300) for one in visit.form.getall("origin_asked", [])[:12])
    answers = tuple(cleaned(one, 1000) for one in visit.form.getall("origin_answer", [])[:3])
    wording = visit.said("own_wording", 18)
    if how is DraftHow.OWN_WORDING and wording.isdecimal():
        async with visit.ctx.store.read() as tx:
            found = await draft_access.access_wordings(visit.viewer, tx)
        return next((_origin_of(one) for one in found if one.id == int(wording)), DraftOrigin())
    return DraftOrigin(how=how, asked=asked, answers=answers)


async def _again(visit: Visit, live: Live, origin: DraftOrigin, *, wrong: str) -> web.Response:
    """Show the editor with the words as they were sent and what is the matter; nothing was stored."""
    begun = Beginning(kind=live.kind, body=live.body, origin=origin, key=visit.said("key", 64))
    return visit.page(
        "draft.html",
        **_UNSAVED,
        live=live,
        origin=origin,
        begun=begun,
        **await drafts_page.choices(visit, live),
        wrong=visit.frame.words.label("wrong", wrong),
    )

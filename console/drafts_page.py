"""Drafts: the list, the editor with its live checks, and the page on which somebody else reads a draft to approve it.

New drafts are console/draft_new_page.py, what happens to one is console/draft_acts.py, files are
console/draft_files_page.py, the trial is console/draft_trial_page.py.
"""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from console import access, draft_access, draft_form, people, text_rows
from console.access import Right
from console.draft_form import Live
from console.visit import PAGE_ROWS, Visit
from content import draft_checks, draft_files, faq_files, word_diff
from content.draft_files import Body
from domain.compliance import Audience, Speaker
from domain.draft import DraftKind, DraftState
from domain.faq import HandoverCode, Line
from domain.replies import SignalKind
from store import content_drafts, logins
from store.paging import Place

PATH = "/console/drafts"
_TABS = {
    "review": (DraftState.REVIEW,),
    "writing": (DraftState.DRAFT, DraftState.RETURNED),
    "approved": (DraftState.APPROVED,),
    "withdrawn": (DraftState.WITHDRAWN,),
}
_SHOWS = ("", *_TABS, "wordings")


async def show_list(visit: Visit) -> web.Response:
    """Show the drafts: what waits for a review first, then what is being written."""
    tab = visit.choice("show", _SHOWS)
    async with visit.ctx.store.read() as tx:
        counts = await draft_access.access_draft_counts(visit.viewer, tx)
        if not tab:
            tab = "review" if counts[DraftState.REVIEW] else "writing"
        drafts = await draft_access.access_drafts(
            visit.viewer, tx, _TABS.get(tab, ()), visit.place, PAGE_ROWS + 1
        )
        wordings = await draft_access.access_wordings(visit.viewer, tx)
        names = await people.list_names(tx)
    knowledge = visit.ctx.knowledge()
    rest = drafts[PAGE_ROWS - 1] if len(drafts) > PAGE_ROWS else None
    return visit.page(
        "drafts.html",
        tab=tab,
        drafts=drafts[:PAGE_ROWS],
        counts={name: sum(counts[state] for state in states) for name, states in _TABS.items()},
        wordings=wordings,
        names=names,
        over={one.id for one in drafts if draft_form.is_over(one.body, knowledge.today)},
        titles=knowledge.titles(),
        next_place=Place(at=rest.changed_at, id=rest.id) if rest else None,
    )


async def show_one(visit: Visit) -> web.Response:
    """Show a draft: to be written while it may be changed, else to be read."""
    async with visit.ctx.store.read() as tx:
        draft = await draft_access.access_draft(visit.viewer, tx, visit.number())
        names = await people.list_names(tx)
        history = await content_drafts.list_of(tx, draft.kind, draft.key)
        may_approve = await draft_access.may_approve(visit.viewer, tx, draft)
    live = await live_of(visit, draft.kind, draft.body, key=draft.key)
    wants_to_write = draft.is_writable and visit.viewer.may(Right.WRITE_DRAFTS)
    return visit.page(
        "draft.html" if wants_to_write and draft.kind is not DraftKind.SOP else "draft_read.html",
        draft=draft,
        live=live,
        origin=draft.origin,
        begun=None,
        names=names,
        history=[one for one in history if one.id != draft.id],
        may_approve=may_approve,
        is_writer=bool(visit.viewer.own_names & draft.writers),
        served_version=visit.ctx.knowledge().version_id(draft.kind, draft.key),
        proposals=[
            (one, word_diff.changes(draft.body, one.body, _order(draft.kind)))
            for one in draft.origin.proposals
        ],
        **await choices(visit, live),
    )


def _order(kind: DraftKind) -> tuple[str, ...]:
    return tuple(draft_files.ORDER.get(kind, ("title", "text", "body")))


async def save(visit: Visit) -> web.Response:
    """Store changed words; with `submit`, hand them in when nothing is wrong with them."""
    access.require(visit.viewer, Right.WRITE_DRAFTS)
    async with visit.ctx.store.read() as tx:
        draft = await draft_access.access_draft(visit.viewer, tx, visit.number())
    body = draft_form.read(visit.form, draft.kind)
    is_new = draft_form.find_served(draft.kind, draft.key, visit.ctx.knowledge()) is None
    key = str(body.get("id", "")) if is_new else draft.key
    body = {**body, "id": key}
    live = await live_of(visit, draft.kind, body, key=key)
    revision = _revision(visit)
    by, now = visit.viewer.name, visit.ctx.clock.now()

    async def job(tx: AsyncConnection) -> str:
        if key != draft.key:
            await content_drafts.lock(tx, draft.kind, key)
            if await content_drafts.find_open(tx, draft.kind, key) is not None:
                return "draft_key_open"
        title = draft_files.title_of(draft.kind, body)
        is_saved = await content_drafts.save(
            tx, draft.id, revision, title=title, body=live.body, author=by, now=now, key=key
        )
        if not is_saved:
            return "changed"
        if "submit" in visit.form and not live.mistakes:
            await content_drafts.submit(tx, draft.id, revision + 1, now=now)
        await logins.record_access(tx, actor=by, act="wrote draft", subject=f"draft:{draft.id}", now=now)
        return ""

    path = f"{PATH}/{draft.id}"
    wrong = await visit.write(job) if key else "draft_no_id"
    if wrong:
        return visit.back(path, wrong=wrong)
    if "submit" in visit.form and live.mistakes:
        return visit.back(path, wrong="draft_incomplete")
    return visit.back(path, done="draft_submitted" if "submit" in visit.form else "draft_saved")


def _revision(visit: Visit) -> int:
    found = visit.said("revision", 9)
    return int(found) if found.isdecimal() else 0


async def check(visit: Visit) -> web.Response:
    """Answer the form's question what is the matter with what stands in it; nothing is stored."""
    access.require(visit.viewer, Right.WRITE_DRAFTS)
    kind = draft_form.kind_of(visit.said("kind")) or DraftKind.FAQ
    body = draft_form.read(visit.form, kind)
    key = visit.said("key", 64)
    live = await live_of(visit, kind, {**body, "id": key} if key else body, key=key)
    return visit.part("draft_checks.html", live=live, **(await choices(visit, live) | {"is_part": True}))


async def live_of(visit: Visit, kind: DraftKind, body: Body, *, key: str) -> Live:
    """Return the checks, the preview and the change of a body, against what is served now."""
    knowledge = visit.ctx.knowledge()
    plain = draft_files.canonical(kind, body)
    record = draft_form.find_served(kind, key, knowledge)
    served = draft_files.body_of(record) if record is not None else None
    if kind is DraftKind.SOP:
        return _live_post(visit, key, plain)

    def work() -> tuple[draft_checks.Checked, tuple[word_diff.FieldChange, ...]]:
        checked = draft_checks.check(kind, plain, knowledge, served=served)
        words = draft_files.words_of(kind, plain)
        before = draft_files.words_of(kind, served) if served is not None else words
        return checked, word_diff.changes(before, words, _order(kind))

    checked, changes = await asyncio.to_thread(work)
    return Live(kind=kind, key=key, body=plain, checked=checked, changes=changes, is_new=record is None)


def _live_post(visit: Visit, key: str, body: Body) -> Live:
    """Return a post of an SOP beside the words of its file; groups get approved words of files only."""
    knowledge = visit.ctx.knowledge()
    post = text_rows.find_sop_text(knowledge, visit.ctx.shelf(), key)
    said = str(body.get("body", ""))
    before = {"body": post.block.body if post else ""}
    problems = knowledge.content.rules.check_text(said, Speaker.GROUP, audience=Audience.GROUP)
    checked = draft_checks.Checked(
        record=None,
        mistakes=(),
        remarks=(),
        sizes=(),
        problems=tuple(("body", problem) for problem in problems),
        similar=(),
        preview=said,
    )
    changes = word_diff.changes(before, {"body": said}, ("body",))
    return Live(kind=DraftKind.SOP, key=key, body=body, checked=checked, changes=changes, is_new=post is None)


async def choices(visit: Visit, live: Live) -> dict[str, Any]:
    """Return what the form lets one choose from."""
    knowledge = visit.ctx.knowledge()
    return {
        "lines": list(Line),
        "risk_lines": knowledge.content.risk_lines,
        "handover_codes": list(HandoverCode),
        "signal_kinds": list(SignalKind),
        "menu_lines": draft_form.menu_lines(live.body),
        "titles": knowledge.titles(),
        "today": knowledge.today,
        "latest": knowledge.today + faq_files.LONGEST_VALIDITY,
        "is_part": False,
    }

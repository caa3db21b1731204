"""Drafts: the list, the editor with its live checks, and the page on which somebody else reads a draft to approve it.

What happens to a draft is console/draft_acts.py; files are console/draft_files_page.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from console import access, draft_access, draft_form, gaps_page, people
from console.access import NotFound, Right
from console.draft_form import Live
from console.trials import MOST, Trials
from console.visit import PAGE_ROWS, Visit, cleaned
from content import draft_checks, draft_files, draft_making, trial, word_diff
from content.draft_files import Body
from content.knowledge import Knowledge
from domain.draft import Draft, DraftHow, DraftKind, DraftOrigin, DraftState
from domain.faq import Faq, HandoverCode, Line
from domain.replies import SignalKind
from domain.suggestion import OwnWording
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
TRIAL_DAYS = 30
# What the editor's page shows of a draft that is not stored yet.
_UNSAVED: Mapping[str, Any] = {"draft": None, "names": {}, "proposals": (), "served_version": None}


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """What a new draft begins with. `note`: the key of the words that say where it comes from."""

    kind: DraftKind
    body: Body
    origin: DraftOrigin
    key: str = ""  # Of the text that is changed; "" for a new one.


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


# --- a new draft --------------------------------------------------------------------------------------------


async def show_new(visit: Visit) -> web.Response:
    """Show the editor for a new draft, filled in from what the address names; nothing is stored yet."""
    access.require(visit.viewer, Right.WRITE_DRAFTS)
    begun = await _beginning(visit)
    if begun.key:
        async with visit.ctx.store.read() as tx:
            open_one = await content_drafts.find_open(tx, begun.kind, begun.key)
        if open_one is not None:
            return visit.back(f"{PATH}/{open_one.id}", done="" if visit.query("gap") else "draft_is_open")
    live = await live_of(visit, begun.kind, begun.body, key=begun.key)
    return visit.page(
        "draft.html",
        **_UNSAVED,
        live=live,
        origin=begun.origin,
        begun=begun,
        **await _choices(visit, live),
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
    live = await live_of(visit, kind, body, key=visit.said("key", 64))
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
        **await _choices(visit, live),
        wrong=visit.frame.words.label("wrong", wrong),
    )


# --- one draft ----------------------------------------------------------------------------------------------


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
        **await _choices(visit, live),
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
    return visit.part("draft_checks.html", live=live, **await _choices(visit, live))


async def live_of(visit: Visit, kind: DraftKind, body: Body, *, key: str) -> Live:
    """Return the checks, the preview and the change of a body, against what is served now."""
    knowledge = visit.ctx.knowledge()
    plain = draft_files.canonical(kind, body)
    record = draft_form.find_served(kind, key, knowledge)
    served = draft_files.body_of(record) if record is not None else None
    if kind is DraftKind.SOP:
        empty = draft_checks.Checked(
            record=None,
            mistakes=(),
            remarks=(),
            sizes=(),
            problems=(),
            similar=(),
            preview=str(body.get("text", "")),
        )
        return Live(kind=kind, key=key, body=plain, checked=empty, changes=(), is_new=False)

    def work() -> tuple[draft_checks.Checked, tuple[word_diff.FieldChange, ...]]:
        checked = draft_checks.check(kind, plain, knowledge, served=served)
        words = draft_files.words_of(kind, plain)
        before = draft_files.words_of(kind, served) if served is not None else words
        return checked, word_diff.changes(before, words, _order(kind))

    checked, changes = await asyncio.to_thread(work)
    return Live(kind=kind, key=key, body=plain, checked=checked, changes=changes, is_new=record is None)


async def _choices(visit: Visit, live: Live) -> dict[str, Any]:
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
        "latest": knowledge.today + timedelta(days=184),
    }


# --- trial --------------------------------------------------------------------------------------------------


def show_trial(trials: Trials) -> Any:
    """Return the handler that shows what a draft would have done to last month's questions, begun when it was not."""

    async def show(visit: Visit) -> web.Response:
        async with visit.ctx.store.read() as tx:
            draft = await draft_access.access_draft(visit.viewer, tx, visit.number())
        knowledge = visit.ctx.knowledge()
        body = draft_checks.approved_body(
            draft.kind, draft.body, by=visit.viewer.login.display_name, today=knowledge.today
        )
        record, mistakes = await asyncio.to_thread(draft_checks.record_of, draft.kind, body, knowledge)
        values: dict[str, Any] = {"draft": draft, "days": TRIAL_DAYS, "run": None}
        titles = knowledge.titles()
        if draft.is_open and isinstance(record, Faq) and not mistakes:
            key = draft.id, draft.revision, id(knowledge.matcher)
            values["run"] = trials.begin(
                key, record, knowledge, visit.ctx.rehearse, lambda: _questions(visit)
            )
            titles[record.id] = record.question
        values |= {
            "has_mistakes": bool(mistakes),
            "is_entry": draft.kind is DraftKind.FAQ,
            "titles": titles,
            "hide": gaps_page.without_people,
        }
        if "HX-Request" in visit.request.headers:
            return visit.part("draft_trial_part.html", **values)
        return visit.page("draft_trial.html", **values)

    return show


async def _questions(visit: Visit) -> list[trial.TriedQuestion]:
    since = visit.ctx.clock.now() - timedelta(days=TRIAL_DAYS)
    async with visit.ctx.store.read() as tx:
        rows = await draft_access.access_asked(visit.viewer, tx, since)
    return await asyncio.to_thread(trial.put_together, [(row.text, row.asked_at) for row in rows], MOST)


def writers_of(draft: Draft) -> list[str]:
    """Return who wrote in a draft, the last one first."""
    return list(dict.fromkeys((draft.author, *reversed(draft.origin.writers))))

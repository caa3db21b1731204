"""What the bot may say: every text with its version, source and validity; approval by a named person."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from console import access, approvers, draft_form, people, text_rows
from console.access import NotFound, Right
from console.text_rows import Change, TextRow
from console.visit import Visit
from content import endings, quick_files
from content.endings import Ending, EndKind
from content.knowledge import Knowledge
from domain.faq import Faq
from domain.quick import QuickPhrase
from domain.replies import FixedReply
from domain.sop import AttachmentKind, ContentBlock
from store import content_drafts, contents, logins
from store.machine_reports import VersionRow

STATES = ("", "waiting", "expired", "approved", "ending", "own")
KINDS = ("faq", "reply", "quick", "sop")
_PATH = "/console/content"
_PICTURE_LIMIT_BYTES = 1024 * 1024  # It stands in the page itself.


async def show_list(visit: Visit) -> web.Response:
    """Show the texts of one kind; `sop` in the address: of one template."""
    kind, state = visit.choice("kind", KINDS), visit.choice("state", STATES)
    async with visit.ctx.store.read() as tx:
        versions = await access.access_content(visit.viewer, tx)
    knowledge, shelf = visit.ctx.knowledge(), visit.ctx.shelf()
    everything = text_rows.rows_of(knowledge, shelf, versions)
    template = visit.query("sop") if kind == "sop" and visit.query("sop") in shelf.templates else ""
    rows = [row for row in everything if row.kind == kind and row.template == (template or row.template)]
    shown = {
        "": rows,
        "waiting": [row for row in rows if text_rows.is_waiting(row)],
        "expired": [row for row in rows if row.state == "expired"],
        "approved": [row for row in rows if row.state == "approved"],
    }
    ending = endings.endings(
        endings.served_or_written(knowledge), knowledge.today, _approvers(knowledge, versions)
    )
    ending = endings.in_order([*ending, *endings.sop_endings(shelf, knowledge.today)])
    reviewers = sorted({one.reviewer for one in ending})
    wanted = visit.query("reviewer") if visit.query("reviewer") in reviewers else ""
    return visit.page(
        "content.html",
        groups=_by_group(shown.get(state, [])),
        kind=kind,
        state=state,
        sop=template,
        sops={one.id: one.title for one in shelf.templates.values()},
        kept=sorted(set(shelf.templates) - set(shelf.sops.written)),
        waiting={
            name: sum(text_rows.is_waiting(row) for row in everything if row.kind == name) for name in KINDS
        },
        reviewers=reviewers,
        reviewer=wanted,
        ending=_by_kind(one for one in ending if one.reviewer == (wanted or one.reviewer)),
        ending_count=len(ending),
        unwritten=endings.unwritten(knowledge.content),
        health=await visit.ctx.health(),
    )


def _by_group(rows: Iterable[TextRow]) -> dict[str, list[TextRow]]:
    groups: dict[str, list[TextRow]] = {}
    for row in rows:
        groups.setdefault(row.group, []).append(row)
    return groups


def _approvers(knowledge: Knowledge, versions: Sequence[VersionRow]) -> dict[str, str]:
    """Return who approved the served version of each entry, by its id."""
    by_id = {version.id: version.approved_by for version in versions}
    served = {key: knowledge.version_id("faq", key) for key in knowledge.faqs}
    return {key: by_id[one] for key, one in served.items() if one is not None and by_id.get(one)}


def _by_kind(found: Iterable[Ending]) -> dict[EndKind, list[Ending]]:
    groups: dict[EndKind, list[Ending]] = {}
    for one in found:
        groups.setdefault(one.kind, []).append(one)
    return groups


async def show_one(visit: Visit) -> web.Response:
    """Show one text with all its versions, and what a new one changes in the approved one."""
    kind, key = visit.request.match_info["kind"], visit.request.match_info["key"]
    knowledge, shelf = visit.ctx.knowledge(), visit.ctx.shelf()
    sop = text_rows.find_sop_text(knowledge, shelf, key) if kind == "sop" else None
    draft_kind = draft_form.kind_of(kind)
    async with visit.ctx.store.read() as tx:
        versions = await access.access_content(visit.viewer, tx)
        rows = text_rows.rows_of(knowledge, shelf, versions)
        row = next((one for one in rows if (one.kind, one.key) == (kind, key)), None)
        if row is None:
            raise NotFound()
        history = [one for one in reversed(versions) if (one.kind, one.key) == (kind, key)]
        drafts = await content_drafts.list_of(tx, draft_kind, key) if draft_kind else []
        names = await people.list_names(tx)
        changes = await _changes(visit, tx, row, history)
        pictures = await _pictures(visit, tx, sop.block) if sop else {}
    record = draft_form.find_served(kind, key, knowledge)
    faq = record if isinstance(record, Faq) else None
    reply = record if isinstance(record, FixedReply) else None
    phrase = record if isinstance(record, QuickPhrase) else None
    return visit.page(
        "text.html",
        row=row,
        faq=faq,
        reply=reply,
        phrase=phrase,
        phrase_text=quick_files.said(phrase, knowledge.content.risk_lines) if phrase else "",
        sop=sop,
        drafts={one.version_id: one for one in drafts if one.version_id},
        open_draft=next((one for one in drafts if one.is_open), None),
        names=names,
        served_id=knowledge.version_id(kind, key),
        is_in_files=kind == "sop" or draft_form.is_in_files(kind, key, knowledge),
        changes=changes,
        pictures=pictures,
        answer=knowledge.content.answer_text(faq) if faq else "",
        unwritten=[one for one in endings.unwritten(knowledge.content) if faq in one.faqs],
        history=history,
        titles=knowledge.titles(),
    )


async def _changes(
    visit: Visit, tx: AsyncConnection, row: TextRow, history: Sequence[VersionRow]
) -> list[Change]:
    """Return what a version that waits changes in the one that is approved."""
    approved = next((one for one in history if one.approved_by), None)
    if row.state != "pending" or row.version is None or approved is None:
        return []
    before = await access.access_text(visit.viewer, tx, approved.id)
    now = await access.access_text(visit.viewer, tx, row.version.id)
    return text_rows.changes(row.kind, before, now)


async def _pictures(visit: Visit, tx: AsyncConnection, block: ContentBlock) -> dict[str, str]:
    """Return the small pictures of a block by the digest of their attachment, for `src`; others show their name."""
    found = {}
    for one in block.attachments:
        if one.kind is not AttachmentKind.IMAGE:
            continue
        file = await access.access_sop_file(visit.viewer, tx, one.digest)
        if file is not None and len(file.content) <= _PICTURE_LIMIT_BYTES:
            sort = "png" if file.name.lower().endswith(".png") else "jpeg"
            found[one.digest] = f"data:image/{sort};base64,{base64.b64encode(file.content).decode()}"
    return found


async def approve(visit: Visit) -> web.Response:
    """Approve versions under one's own name."""
    access.require(visit.viewer, Right.APPROVE_CONTENT)
    chosen = {int(one) for one in visit.form.getall("version", []) if str(one).isdecimal() and len(one) <= 18}
    if not chosen:
        return visit.back(_PATH, wrong="nothing_chosen")
    if not approvers.is_usable(visit.viewer.login.display_name):
        return visit.back(_PATH, wrong="no_name")
    by, now, knowledge = visit.viewer.login.display_name, visit.ctx.clock.now(), visit.ctx.knowledge()
    shelf = visit.ctx.shelf()

    async def job(tx: AsyncConnection) -> int:
        rows = text_rows.rows_of(knowledge, shelf, await access.access_content(visit.viewer, tx))
        # Only what the files say today; a version nobody sees any more is not approved by accident.
        ids = sorted(
            row.version.id
            for row in rows
            if row.version and row.version.id in chosen and text_rows.is_waiting(row)
        )
        count = await contents.approve(tx, ids, by=by, now=now)
        for one in ids:
            await logins.record_access(
                tx, actor=visit.viewer.name, act="approved", subject=f"content_version:{one}", now=now
            )
        return count

    approved = await visit.write(job)
    return visit.back(_PATH, done="approved") if approved else visit.back(_PATH, wrong="changed")

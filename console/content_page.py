"""What the bot may say: every text with its version, source and validity; approval by a named person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from console import access, approvers
from console.access import NotFound, Right
from console.visit import Visit
from content import endings
from content.endings import Ending, EndKind
from content.knowledge import Knowledge
from domain.faq import Faq
from domain.replies import FixedReply
from store import contents, logins
from store.machine_reports import VersionRow

STATES = ("", "waiting", "expired", "approved", "ending", "own")
KINDS = ("faq", "reply")
_PATH = "/console/content"


@dataclass(frozen=True, kw_only=True)
class TextRow:
    """A text of the files with the state of its newest version. `version`: of exactly this text, None until stored.

    `state`: approved, sample, draft, pending (an older version is approved and served), expired or missing.
    """

    kind: str
    key: str
    title: str
    line: str
    source: str
    reviewer: str
    last_valid_on: date | None
    state: str
    version: VersionRow | None


async def show_list(visit: Visit) -> web.Response:
    """Show the texts of one kind."""
    kind, state = visit.choice("kind", KINDS), visit.choice("state", STATES)
    async with visit.ctx.store.read() as tx:
        versions = await access.access_content(visit.viewer, tx)
    knowledge = visit.ctx.knowledge()
    everything = rows_of(knowledge, versions)
    rows = [row for row in everything if row.kind == kind]
    waiting = {name: sum(is_waiting(row) for row in everything if row.kind == name) for name in KINDS}
    shown = {
        "": rows,
        "waiting": [row for row in rows if is_waiting(row)],
        "expired": [row for row in rows if row.state == "expired"],
        "approved": [row for row in rows if row.state == "approved"],
    }
    ending = endings.endings(
        endings.served_or_written(knowledge), knowledge.today, _approvers(knowledge, versions)
    )
    reviewers = sorted({one.reviewer for one in ending})
    wanted = visit.query("reviewer") if visit.query("reviewer") in reviewers else ""
    return visit.page(
        "content.html",
        rows=shown.get(state, []),
        kind=kind,
        state=state,
        waiting=waiting,
        total=len(rows),
        reviewers=reviewers,
        reviewer=wanted,
        ending=_by_kind(one for one in ending if one.reviewer == (wanted or one.reviewer)),
        ending_count=len(ending),
        unwritten=endings.unwritten(knowledge.content),
        health=await visit.ctx.health(),
    )


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
    """Show one text with all its versions."""
    kind, key = visit.request.match_info["kind"], visit.request.match_info["key"]
    async with visit.ctx.store.read() as tx:
        versions = await access.access_content(visit.viewer, tx)
    knowledge = visit.ctx.knowledge()
    row = next((one for one in rows_of(knowledge, versions) if (one.kind, one.key) == (kind, key)), None)
    if row is None:
        raise NotFound()
    faq = knowledge.content.faqs.get(key) if kind == "faq" else None
    reply = knowledge.content.replies.get(key) if kind == "reply" else None
    return visit.page(
        "text.html",
        row=row,
        faq=faq,
        reply=reply,
        answer=knowledge.content.answer_text(faq) if faq else "",
        unwritten=[one for one in endings.unwritten(knowledge.content) if faq in one.faqs],
        history=[one for one in reversed(versions) if (one.kind, one.key) == (kind, key)],
        titles={one.id: one.question for one in knowledge.content.faqs.values()},
    )


async def approve(visit: Visit) -> web.Response:
    """Approve versions under one's own name."""
    access.require(visit.viewer, Right.APPROVE_CONTENT)
    chosen = {int(one) for one in visit.form.getall("version", []) if str(one).isdecimal() and len(one) <= 18}
    if not chosen:
        return visit.back(_PATH, wrong="nothing_chosen")
    if not approvers.is_usable(visit.viewer.login.display_name):
        return visit.back(_PATH, wrong="no_name")
    by, now, knowledge = visit.viewer.login.display_name, visit.ctx.clock.now(), visit.ctx.knowledge()

    async def job(tx: AsyncConnection) -> int:
        rows = rows_of(knowledge, await access.access_content(visit.viewer, tx))
        # Only what the files say today; a version nobody sees any more is not approved by accident.
        ids = sorted(
            row.version.id for row in rows if row.version and row.version.id in chosen and is_waiting(row)
        )
        count = await contents.approve(tx, ids, by=by, now=now)
        for one in ids:
            await logins.record_access(
                tx, actor=visit.viewer.name, act="approved", subject=f"content_version:{one}", now=now
            )
        return count

    approved = await visit.write(job)
    return visit.back(_PATH, done="approved") if approved else visit.back(_PATH, wrong="changed")


def is_waiting(row: TextRow) -> bool:
    """Say whether somebody has to approve the text before real customers get it."""
    return row.state in ("sample", "draft", "pending")


def rows_of(knowledge: Knowledge, versions: Sequence[VersionRow]) -> list[TextRow]:
    """Return every text of the files with the state of its version."""
    by_text: dict[tuple[str, str], list[VersionRow]] = defaultdict(list)
    for version in versions:
        by_text[version.kind, version.key].append(version)
    faqs = [_faq_row(faq, by_text["faq", faq.id], knowledge) for faq in knowledge.content.faqs.values()]
    return faqs + [_reply_row(reply, by_text["reply", reply.id], knowledge) for reply in _replies(knowledge)]


def _replies(knowledge: Knowledge) -> Iterable[FixedReply]:
    return knowledge.content.replies.values()


def _faq_row(faq: Faq, versions: list[VersionRow], knowledge: Knowledge) -> TextRow:
    version = next((one for one in versions if one.digest == faq.digest), None)
    is_expired = knowledge.today > faq.last_valid_on
    return TextRow(
        kind="faq",
        key=faq.id,
        title=faq.question,
        line=faq.line,
        source=faq.source,
        reviewer=faq.reviewer,
        last_valid_on=faq.last_valid_on,
        state="expired" if is_expired else _state(version, versions, is_sample=faq.reviewer == "sample"),
        version=version,
    )


def _reply_row(reply: FixedReply, versions: list[VersionRow], knowledge: Knowledge) -> TextRow:
    version = next((one for one in versions if one.digest == reply.digest), None)
    served = knowledge.versions.get(f"reply:{reply.id}")
    return TextRow(
        kind="reply",
        key=reply.id,
        title=reply.text,
        line="",
        source="",
        reviewer="",
        last_valid_on=None,
        state=_state(version, versions, is_sample=served is not None and served.is_sample),
        version=version,
    )


def _state(version: VersionRow | None, versions: list[VersionRow], *, is_sample: bool) -> str:
    if version is None:
        return "missing"
    if version.approved_by:
        return "approved"
    if any(one.approved_by for one in versions):
        return "pending"
    return "sample" if is_sample else "draft"

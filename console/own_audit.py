"""A member's own audit: sessions, findings with evidence and rule, promises, times, advice, appeals.

The same for the phone page (console/sidebar/audit_page.py) and the desk (console/own_audit_page.py). A suspicion is
told as one that nobody has confirmed and that costs nothing. No score is shown before 20 sessions are scored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from audit import appealing, response, spreads
from audit.appealing import Company
from audit.response import WaitClock
from audit.spreads import Mean, Waits
from console import people, review_access, rule_words
from console.access import Viewer
from console.context import ConsoleContext
from console.marking import Piece, pieces
from console.review_access import Talk, actor_of
from console.rule_words import RuleTold
from domain.appeal import DECIDED, Actor, AppealAct, AppealEntry, AppealPart, AppealRefusal, AppealState
from domain.audit import Finding
from domain.review import CoachingNote
from store import (
    appeals,
    audit_reports,
    coaching,
    finding_reports,
    findings,
    reviews,
    session_notes,
    session_reports,
)
from store.appeals import AppealRow
from store.audit_reports import AuditFilter
from store.finding_reports import FindingRow
from store.session_notes import PromiseRow
from store.session_reports import SessionFilter, SessionRow

_PERIOD = timedelta(days=30)
_SESSIONS, _FINDINGS = 20, 40
# How much of a talk stands around the evidence on the phone.
_AROUND = 3
# What a member may do with the own appeal.
ACTS = (AppealAct.WITHDRAW, AppealAct.ACCEPT, AppealAct.RAISE)
_WITHDRAWABLE = frozenset({AppealState.DRAFT, AppealState.SUBMITTED, AppealState.LEAD_REVIEW})


@dataclass(frozen=True, kw_only=True)
class OwnFinding:
    """A finding about oneself. `quote`: the words it is in, None when they are not on record any more."""

    row: FindingRow
    told: RuleTold
    quote: Sequence[Piece] | None
    may_appeal: bool
    appeal_until: datetime | None


@dataclass(frozen=True, kw_only=True)
class OwnAudit:
    """All of the page. `score` None below the least number of scored sessions; `scored` of `least`."""

    sessions: Sequence[SessionRow]
    session_count: int
    scored: int
    least: int
    score: Mean | None
    waits: Waits | None
    findings: Sequence[OwnFinding]
    promises: Sequence[PromiseRow]
    notes: Sequence[CoachingNote]
    appeals: Sequence[AppealRow]
    since: datetime


@dataclass(frozen=True, kw_only=True)
class OwnAppeal:
    """One's appeal with its history. `acts`: what one may do with it now."""

    row: AppealRow
    entries: Sequence[AppealEntry]
    acts: Sequence[AppealAct]


@dataclass(frozen=True, kw_only=True)
class OwnFindingPage:
    """One finding in full, with the talk around it. `decisions`: rows of finding_entry, the oldest first."""

    finding: Finding
    told: RuleTold
    talk: Talk
    marked: Mapping[int, Sequence[Piece]]
    decisions: Sequence[Any]
    appeals: Sequence[OwnAppeal]
    may_appeal: bool
    appeal_until: datetime
    people: Mapping[str, str]


def advisor_of(viewer: Viewer) -> Actor:
    """Return this person in the part of whom a finding is about."""
    return Actor(name=actor_of(viewer), part=AppealPart.ADVISOR)


async def load(ctx: ConsoleContext, viewer: Viewer, tx: AsyncConnection) -> OwnAudit:
    """Return this person's last 30 days, and everything that is still open."""
    me, now = actor_of(viewer), ctx.clock.now()
    recent = AuditFilter(since=now - _PERIOD, until=now, now=now, subjects=frozenset({me}))
    scored = await audit_reports.list_scored(tx, recent)
    scores = [one.score for one in scored if one.score is not None]
    limits = response.limits_of(ctx.knowledge().content.rubric)
    wanted = SessionFilter(since=recent.since, until=now, now=now, zone=ctx.zone, subject=me)
    near = AuditFilter(since=now - timedelta(days=7), until=now + timedelta(days=30), now=now)
    promises = await session_notes.list_promises(tx, me, near, limit=30)
    return OwnAudit(
        sessions=await session_reports.list_sessions(tx, wanted, before=None, limit=_SESSIONS),
        session_count=len(scored),
        scored=len(scores),
        least=spreads.LEAST,
        score=spreads.mean_of(scores),
        waits=response.waits_of(scored, WaitClock.WORKING, limits),
        findings=await _findings(ctx, tx, recent),
        promises=sorted((one for one in promises if one.state == "open"), key=lambda one: one.due_at),
        notes=await coaching.list_of_subject(tx, me, limit=20),
        appeals=await appeals.list_of_subject(tx, me, limit=20),
        since=recent.since,
    )


async def _findings(ctx: ConsoleContext, tx: AsyncConnection, wanted: AuditFilter) -> list[OwnFinding]:
    rows = await finding_reports.list_findings(tx, wanted, before=None, limit=_FINDINGS)
    texts = await reviews.list_texts(tx, [span[0] for row in rows for span in row.spans])
    at = appealing.company(ctx.hours)
    found = []
    for row in rows:
        finding = await findings.get(tx, row.id)
        found.append(
            OwnFinding(
                row=row,
                told=_told(ctx, finding),
                quote=_quote(row, texts),
                may_appeal=_may_appeal(finding, at, ctx.clock.now(), has_appeal=row.appeal_id is not None),
                appeal_until=appealing.appeal_until(finding, at) if row.counts else None,
            )
        )
    return found


async def load_finding(
    ctx: ConsoleContext, viewer: Viewer, tx: AsyncConnection, finding_id: int, *, is_whole: bool
) -> OwnFindingPage:
    """Return one finding of this person; `is_whole`: with all of the session, else with a few lines around it."""
    finding = await review_access.access_own_finding(viewer, tx, finding_id)
    talk = await review_access.access_talk(viewer, tx, finding.session_id)
    known = await appeals.list_of_finding(tx, finding_id)
    at, own = appealing.company(ctx.hours), []
    for one in reversed(known):
        row = await appeals.find_row(tx, one.id)
        assert row is not None
        own.append(
            OwnAppeal(row=row, entries=await appeals.list_entries(tx, [one.id]), acts=_acts(row, known))
        )
    return OwnFindingPage(
        finding=finding,
        told=_told(ctx, finding),
        talk=talk if is_whole else _around(talk, finding),
        marked={
            said.id: pieces(
                said.text,
                [(span.start, span.end, finding.id) for span in finding.spans if span.message_id == said.id],
            )
            for said in talk.heard
        },
        decisions=await findings.list_entries(tx, finding_id),
        appeals=own,
        may_appeal=_may_appeal(finding, at, ctx.clock.now(), has_appeal=bool(known)),
        appeal_until=appealing.appeal_until(finding, at),
        people=await people.list_names(tx),
    )


async def submit(ctx: ConsoleContext, viewer: Viewer, finding_id: int, reason: str) -> AppealRefusal | None:
    """Appeal against a finding about this person."""

    async def job(tx: AsyncConnection) -> AppealRefusal | None:
        await review_access.access_own_finding(viewer, tx, finding_id)
        at, now = appealing.company(ctx.hours), ctx.clock.now()
        return await appealing.submit(tx, finding_id, advisor_of(viewer), reason, at, now)

    return await ctx.store.write(job)


async def act(
    ctx: ConsoleContext, viewer: Viewer, appeal_id: int, wanted: str, note: str
) -> tuple[int, AppealRefusal | None]:
    """Take an appeal back, accept its decision, or go on to compliance; return the finding it is about, too."""

    async def job(tx: AsyncConnection) -> tuple[int, AppealRefusal | None]:
        row = await review_access.access_own_appeal(viewer, tx, appeal_id)
        if wanted not in ACTS:
            return row.appeal.finding_id, AppealRefusal.NOT_NOW
        at, now = appealing.company(ctx.hours), ctx.clock.now()
        refusal = await appealing.act(tx, appeal_id, AppealAct(wanted), advisor_of(viewer), note, at, now)
        return row.appeal.finding_id, refusal

    return await ctx.store.write(job)


async def read_note(ctx: ConsoleContext, viewer: Viewer, note_id: int) -> None:
    """Record that this person has read a word of advice."""
    now = ctx.clock.now()
    await ctx.store.write(lambda tx: coaching.set_read(tx, note_id, actor_of(viewer), now))


def _told(ctx: ConsoleContext, finding: Finding) -> RuleTold:
    return rule_words.told(
        ctx.knowledge().content,
        label=finding.label,
        rule_id=finding.rule_id,
        rule_version=finding.rule_version,
        note=finding.note,
        item=finding.item,
    )


def _quote(row: FindingRow, texts: Mapping[int, str]) -> Sequence[Piece] | None:
    """Return the words of the first message the finding is in."""
    if row.message_id is None or row.message_id not in texts:
        return None
    return pieces(
        texts[row.message_id],
        [(start, end, row.id) for message, start, end in row.spans if message == row.message_id],
    )


def _may_appeal(finding: Finding, at: Company, now: datetime, *, has_appeal: bool) -> bool:
    return appealing.may_appeal(finding, at, now, has_appeal=has_appeal)


def _acts(row: AppealRow, known: Sequence[object]) -> list[AppealAct]:
    state = row.appeal.state
    if state in _WITHDRAWABLE:
        return [AppealAct.WITHDRAW]
    if state not in DECIDED:
        return []
    can_raise = state is not AppealState.OVERTURNED and row.appeal.level == 1 and len(known) == 1
    return [AppealAct.ACCEPT, *([AppealAct.RAISE] if can_raise else [])]


def _around(talk: Talk, finding: Finding) -> Talk:
    """Return the talk with only a few lines around the evidence."""
    places = {span.message_id for span in finding.spans}
    at = [place for place, said in enumerate(talk.heard) if said.id in places]
    if not at:
        return Talk(head=talk.head, heard=talk.heard[: 2 * _AROUND])
    return Talk(head=talk.head, heard=talk.heard[max(0, at[0] - _AROUND) : at[-1] + _AROUND + 1])

"""One session, read: what was said with the findings in place, how everybody did and why, times, promises, reviews.

Who may see all scores sees all of it; whoever spoke in it sees the talk, and of scores and findings the own ones.
Who has it to judge blind sees neither scores nor what anybody decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from aiohttp import web

from audit import response
from console import audit_marks, people, rule_words, score_access
from console.access import Right
from console.audit_marks import Marked, Piece
from console.reader_page import INLINE
from console.rule_words import RuleTold
from console.visit import Visit
from content.rubric import Rubric
from domain.audit import Evidence, FindingState, ItemResult
from domain.talk import Author
from store import customer_names, finding_reports, health_reports, reviews, session_notes, session_talks
from store.finding_reports import FindingRow
from store.session_notes import ReviewRow
from store.session_talks import Heard, Reached

_SCHEDULED = ("mass",)


@dataclass(frozen=True, kw_only=True)
class Bubble:
    """A message with what was found in it. `waited`: how long the customer waited for it, where it is an answer."""

    heard: Heard
    pieces: tuple[Piece, ...]
    findings: tuple[Marked, ...]
    waited: timedelta | None


@dataclass(frozen=True, kw_only=True)
class Dimension:
    """Items of one dimension of the scorecard. `earned` and `weight`: of those that apply."""

    key: str
    name: str
    items: tuple[ItemResult, ...]

    @property
    def weight(self) -> float:
        return sum(one.weight for one in self.items if one.earned is not None)

    @property
    def earned(self) -> float:
        return sum(one.earned for one in self.items if one.earned is not None)


async def show(visit: Visit) -> web.StreamResponse:
    """Show the session; one that was joined to another leads there."""
    session_id, now = visit.number(), visit.ctx.clock.now()
    scope = score_access.judged_scope(visit.viewer)
    async with visit.ctx.store.read() as tx:
        head = await score_access.access_session(visit.viewer, tx, session_id)
        if head.merged_into is not None:
            raise web.HTTPFound(f"/console/audit/sessions/{head.merged_into}")
        heard = await session_talks.list_heard(tx, head)
        rows = await finding_reports.list_findings_of(tx, session_id, subjects=scope, now=now)
        is_blind = await reviews.has_blind(tx, session_id, visit.viewer.own_names)
        sees_all = scope is None and not is_blind
        reached = [] if is_blind else await session_talks.list_reached(tx, session_id, subjects=scope)
        earlier, later = await session_talks.find_neighbours(tx, head)
        promises = await session_notes.list_promises_of(tx, session_id, subjects=scope)
        looks = await session_notes.list_reviews_of(tx, session_id) if sees_all else []
        notes = [] if is_blind else await session_notes.list_notes(tx, session_id=session_id, subjects=scope)
        senders = await customer_names.list_names(tx, {one.sender_id for one in heard if one.sender_id})
        accounts = await health_reports.list_account_names(tx)
        names = await people.list_names(tx)
    await visit.openings.record(visit, f"conversation:{head.conversation_id}")
    rubric = visit.ctx.knowledge().content.rubric
    marked = audit_marks.numbered(undecided(rows) if is_blind else rows)
    return visit.page(
        "audit_session.html",
        head=head,
        bubbles=bubbles_of(heard, marked),
        is_cut_short=len(heard) == session_talks.LIMIT,
        whole=[one for one in marked if one.row.message_id is None],
        marked=marked,
        tones=audit_marks.tones(marked),
        rules={one.row.id: _rule(visit, one.row) for one in marked},
        links={one.row.id: links_of(visit, one.row, looks) for one in marked},
        review_link="/console/audit/reviews" if Right.REVIEW in visit.viewer.rights else "",
        reached=[(one, dimensions_of(one, rubric)) for one in reached],
        rubric=rubric,
        limit=response.limits_of(rubric).first[head.kind],
        earlier=earlier,
        later=later,
        promises=promises,
        reviews=looks,
        notes=notes,
        senders=senders,
        accounts=accounts,
        people=names,
        inline_types=INLINE,
        sees_all=sees_all,
        is_blind=is_blind,
    )


def undecided(rows: Sequence[FindingRow]) -> list[FindingRow]:
    """Return the findings of rules as if nobody had decided any; what a person added would tell a verdict."""
    return [
        replace(
            row,
            state=FindingState.SUSPECTED,
            decided_at=None,
            decided_by="",
            appeal_state="",
            appeal_id=None,
        )
        for row in rows
        if row.evidence != Evidence.HUMAN
    ]


def links_of(visit: Visit, row: FindingRow, looks: Sequence[ReviewRow]) -> list[tuple[str, str]]:
    """Return what this person can do about a finding, as words and address."""
    rights, words = visit.viewer.rights, visit.frame.words
    found: list[tuple[str, str]] = []
    review = next((one for one in looks if one.finding_id == row.id and one.done_at is None), None)
    if review is not None and Right.REVIEW in rights:
        found.append((words.label("audit_link", "review"), f"/console/audit/reviews/{review.id}"))
    if row.appeal_id is not None and Right.DECIDE_APPEALS in rights:
        found.append((words.label("audit_link", "appeal"), f"/console/audit/appeals/{row.appeal_id}"))
    if row.subject in visit.viewer.own_names and Right.SEE_OWN_AUDIT in rights:
        found.append((words.label("audit_link", "own"), f"/console/audit/mine/findings/{row.id}"))
    return found


def _rule(visit: Visit, row: FindingRow) -> RuleTold:
    return rule_words.told(
        visit.ctx.knowledge().content,
        label=row.label,
        rule_id=row.rule_id,
        rule_version=row.rule_version,
        note=row.note,
        item=row.item,
    )


def bubbles_of(heard: Sequence[Heard], marked: Sequence[Marked]) -> list[Bubble]:
    """Return the messages with their findings and how long each answer was waited for, in wall time."""
    found: list[Bubble] = []
    asked_at = None
    for one in heard:
        waited = None
        if one.author is Author.CUSTOMER:
            asked_at = asked_at or one.sent_at
        elif one.author is not Author.SYSTEM and one.source not in _SCHEDULED and asked_at is not None:
            waited, asked_at = one.sent_at - asked_at, None
        found.append(
            Bubble(
                heard=one,
                pieces=tuple(audit_marks.pieces_of(one.text, audit_marks.spans_in(one.id, marked))),
                findings=tuple(audit_marks.of_message(one.id, marked)),
                waited=waited,
            )
        )
    return found


def dimensions_of(reached: Reached, rubric: Rubric) -> list[Dimension]:
    """Return the items by dimension, in the order of the scorecard; unknown ones of an older card stand by letter."""
    keys = list(dict.fromkeys([*rubric.dimensions, *(one.item[:1] for one in reached.items)]))
    groups = [
        Dimension(
            key=key,
            name=rubric.dimensions.get(key, ""),
            items=tuple(one for one in reached.items if one.item.startswith(key)),
        )
        for key in keys
    ]
    return [group for group in groups if group.items]

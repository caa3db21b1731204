"""Knowledge gaps: what was asked often and answered badly, how customers said it, and what people answered (知识缺口).

From here two clicks make a draft: the entry comes filled in, and is stored. Without customers' names: what they are
recognised by is masked. Also the bot's unsure questions alone, one by one, are console/unanswered_page.py.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from aiohttp import web

from console import draft_access, people
from console.access import Right
from console.unanswered_page import without_numbers
from console.visit import Visit
from content import grouping, pii
from content.grouping import Group
from content.knowledge import Knowledge
from domain.draft import OPEN_STATES
from domain.faq import Choice
from store import content_drafts
from store.knowledge_gaps import GapQuestion, GapSource

_DAYS = ("30", "7", "90")
_STATES = ("", "answered")
_MOST_GROUPS = 150


@dataclass(frozen=True, kw_only=True)
class Gap:
    """A group of questions. `key`: how the address names it.

    `answered_by_entry`: the entry that answers it by now, or "". `draft_id`: the open draft made from it, if any.
    """

    key: str
    group: Group
    answered_by_entry: str
    draft_id: int | None


async def show(visit: Visit) -> web.Response:
    """Show the gaps of a period, the most asked first."""
    days, state = visit.choice("days", _DAYS), visit.choice("state", _STATES)
    source = visit.choice("source", ("", *GapSource))
    rows = await _rows(visit, days)
    groups = await asyncio.to_thread(groups_of, [row for row in rows if source in ("", row.source)])
    knowledge = visit.ctx.knowledge()
    async with visit.ctx.store.read() as tx:
        names = await people.list_names(tx)
        drafts = (
            await content_drafts.list_drafts(tx, OPEN_STATES, limit=200)
            if visit.viewer.may(Right.WRITE_DRAFTS)
            else []
        )
    drafted = {asked: draft.id for draft in drafts for asked in draft.origin.asked}
    gaps = await asyncio.to_thread(_gaps, groups[:_MOST_GROUPS], knowledge, drafted)
    shown = [one for one in gaps if bool(one.answered_by_entry) == (state == "answered")]
    return visit.page(
        "knowledge_gaps.html",
        gaps=shown,
        counts={
            "": sum(not one.answered_by_entry for one in gaps),
            "answered": sum(bool(one.answered_by_entry) for one in gaps),
        },
        question_count=len(rows),
        days=days,
        state=state,
        source=source,
        names=names,
        titles=knowledge.titles(),
    )


async def find_group(visit: Visit) -> Group | None:
    """Return the group of questions that the address names by one of its wordings, None when it is there no more."""
    wanted = visit.query("gap")
    rows = await _rows(visit, visit.choice("days", _DAYS))
    groups = await asyncio.to_thread(groups_of, rows)
    found = (one for one in groups if any(key_of(text) == wanted for text in one.wordings))
    return next(found, None)


async def _rows(visit: Visit, days: str) -> list[GapQuestion]:
    since = visit.ctx.clock.now() - timedelta(days=int(days))
    async with visit.ctx.store.read() as tx:
        return await draft_access.access_gaps(visit.viewer, tx, since)


def groups_of(rows: Sequence[GapQuestion]) -> list[Group]:
    """Return the questions put together, what people are recognised by masked."""
    return grouping.groups_of(
        grouping.Asked(
            text=without_people(row.text),
            customer=row.asker,
            at=row.asked_at,
            nearest=row.nearest,
            confidence=row.confidence,
            source=row.source,
            answered_by=row.answered_by,
            answer=without_people(row.answer),
        )
        for row in rows
    )


def key_of(text: str) -> str:
    """Return how an address names a wording, so that no customer's words stand in a log."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def without_people(text: str) -> str:
    """Return a text in which long numbers, addresses and the like are masked."""
    return pii.mask(without_numbers(text))


def _gaps(groups: Sequence[Group], knowledge: Knowledge, drafted: Mapping[str, int]) -> list[Gap]:
    return [
        Gap(
            key=key_of(one.wordings[0]),
            group=one,
            answered_by_entry=_answering(one, knowledge),
            draft_id=next((drafted[text] for text in one.wordings if text in drafted), None),
        )
        for one in groups
    ]


def _answering(group: Group, knowledge: Knowledge) -> str:
    """Return the entry that answers the usual wording today; "" where none does, or people had to rewrite it."""
    if any(source == GapSource.EDITED for source, _ in group.sources):
        return ""
    decision = knowledge.decide(group.examples[0])
    if decision.choice is not Choice.ANSWER or knowledge.refusal(decision.matches[0].faq_id):
        return ""
    return decision.matches[0].faq_id

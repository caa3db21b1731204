"""The trial of a draft: what it would have done to last month's questions, the riskiest first (content/trial.py)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from aiohttp import web

from console import draft_access, gaps_page
from console.trials import MOST, Trials
from console.visit import Handler, Visit
from content import draft_checks, trial
from domain.draft import DraftKind
from domain.faq import Faq

DAYS = 30


def show(trials: Trials) -> Handler:
    """Return the handler that shows what a draft would have done to last month's questions, begun when it was not."""

    async def answer(visit: Visit) -> web.Response:
        async with visit.ctx.store.read() as tx:
            draft = await draft_access.access_draft(visit.viewer, tx, visit.number())
        knowledge = visit.ctx.knowledge()
        body = draft_checks.approved_body(
            draft.kind, draft.body, by=visit.viewer.login.display_name, today=knowledge.today
        )
        record, mistakes = await asyncio.to_thread(draft_checks.record_of, draft.kind, body, knowledge)
        values: dict[str, Any] = {"draft": draft, "days": DAYS, "run": None}
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

    return answer


async def _questions(visit: Visit) -> list[trial.TriedQuestion]:
    since = visit.ctx.clock.now() - timedelta(days=DAYS)
    async with visit.ctx.store.read() as tx:
        rows = await draft_access.access_asked(visit.viewer, tx, since)
    return await asyncio.to_thread(trial.put_together, [(row.text, row.asked_at) for row in rows], MOST)

"""The queue of reviews, and one of them: the talk with the findings in place, and what somebody says of them.

A blind review shows no state, no earlier verdict and no score. Who may judge is decided in audit/reviewing.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from audit import reviewing
from console import access, people, review_access, rule_words
from console.access import Right
from console.marking import Piece, pieces
from console.review_access import Talk, actor_of
from console.rule_words import RuleTold
from console.visit import PAGE_ROWS, Visit
from content.rubric import ADVISOR, BOT, Item
from domain.audit import Finding
from domain.compliance import Severity
from domain.review import MISSED, Missed, Review, ReviewKind, ReviewRefusal, ReviewState, Verdict, finding_key
from domain.talk import Author
from store import coaching, reviews, session_talks
from store.session_talks import Heard

SHOWS = ("open", "mine", "done")
_ITEM = "item:"


async def show_list(visit: Visit) -> web.Response:
    """Show what waits: red lines first, then by date."""
    show, kind = visit.choice("show", SHOWS), visit.choice("kind", ("", *ReviewKind))
    access.require(visit.viewer, Right.REVIEW)
    async with visit.ctx.store.read() as tx:
        rows = await reviews.list_queue(
            tx,
            kinds=[ReviewKind(kind)] if kind else [],
            reviewer=actor_of(visit.viewer) if show == "mine" else "",
            is_done=show == "done",
            limit=4 * PAGE_ROWS,
        )
        counts, names = await reviews.count_open(tx), await people.list_names(tx)
    mine = visit.viewer.own_names
    return visit.page(
        "reviews.html",
        rows=[row for row in rows if row.review.subject not in mine],
        counts=counts,
        people=names,
        labels_of=visit.ctx.knowledge().content.rubric.label_name,
        show=show,
        kind=kind,
    )


async def show_one(visit: Visit) -> web.Response:
    """Show one review."""
    review_id = visit.number()
    async with visit.ctx.store.read() as tx:
        one = await review_access.access_review(visit.viewer, tx, review_id)
        talk = await review_access.access_talk(visit.viewer, tx, one.session_id)
        wanted = await reviewing.wanted_findings(tx, one)
        refusal = await reviewing.check(tx, one, actor_of(visit.viewer), visit.viewer.own_names)
        names = await people.list_names(tx)
        notes = [] if one.is_blind else await coaching.list_of_session(tx, one.session_id)
        reached = [] if one.is_blind else await session_talks.list_reached(tx, one.session_id)
    await visit.openings.record(visit, f"conversation:{talk.head.conversation_id}")
    return visit.page(
        "review.html",
        one=one,
        talk=talk,
        marked=marked(talk, wanted),
        wanted=wanted,
        told=told_of(visit, wanted),
        refusal=refusal,
        is_done=one.state is ReviewState.DONE,
        items=_items(visit, one, talk.head.started_at),
        has_missed=one.finding_id is None,
        red_labels=red_labels(visit),
        own_words=[said for said in talk.heard if _subject_of(said) == one.subject],
        people=names,
        notes=notes,
        reached=[each for each in reached if each.subject == one.subject],
        keys={each.id: finding_key(each.id) for each in wanted},
        MISSED=MISSED,
    )


async def take(visit: Visit) -> web.Response:
    """Take the review up."""

    async def job(tx: AsyncConnection) -> ReviewRefusal | None:
        await review_access.access_review(visit.viewer, tx, visit.number())
        viewer = visit.viewer
        return await reviewing.take(
            tx, visit.number(), actor_of(viewer), visit.ctx.clock.now(), names=viewer.own_names
        )

    return _back(visit, await visit.write(job), "review_taken")


async def release(visit: Visit) -> web.Response:
    """Give the review back to everybody."""

    async def job(tx: AsyncConnection) -> ReviewRefusal | None:
        await review_access.access_review(visit.viewer, tx, visit.number())
        done = await reviews.set_waiting(tx, visit.number(), actor_of(visit.viewer))
        return None if done else ReviewRefusal.TAKEN

    return _back(visit, await visit.write(job), "review_released")


async def decide(visit: Visit) -> web.Response:
    """Record the verdicts and lead back to the queue."""
    verdicts, note = _verdicts(visit.form), visit.said("note")
    version = visit.ctx.knowledge().content.rubric.version

    async def job(tx: AsyncConnection) -> ReviewRefusal | None:
        one = await review_access.access_review(visit.viewer, tx, visit.number())
        talk = await review_access.access_talk(visit.viewer, tx, one.session_id)
        return await reviewing.decide(
            tx,
            visit.number(),
            verdicts,
            actor_of(visit.viewer),
            note,
            visit.ctx.clock.now(),
            names=visit.viewer.own_names,
            rubric_version=version,
            missed=_missed(visit, one, talk),
        )

    wrong = await visit.write(job)
    if wrong is not None:
        return _back(visit, wrong, "")
    return visit.back("/console/audit/reviews", done="review_done")


async def coach(visit: Visit) -> web.Response:
    """Write a word of advice to whom the review is about."""
    text, now = visit.said("text", 1000), visit.ctx.clock.now()

    async def job(tx: AsyncConnection) -> str:
        one = await review_access.access_review(visit.viewer, tx, visit.number())
        if not text:
            return "empty"
        if one.subject == BOT:
            return "coach_bot"
        await reviewing.coach(tx, one, text, actor_of(visit.viewer), now)
        return ""

    wrong = await visit.write(job)
    path = f"/console/audit/reviews/{visit.number()}"
    return visit.back(path, wrong=wrong) if wrong else visit.back(path, done="coached")


def marked(talk: Talk, found: Sequence[Finding]) -> dict[int, list[Piece]]:
    """Return each message's words cut at its findings, by message."""
    spans: dict[int, list[tuple[int, int, int]]] = {}
    for each in found:
        for span in each.spans:
            spans.setdefault(span.message_id, []).append((span.start, span.end, each.id))
    return {said.id: pieces(said.text, spans.get(said.id, [])) for said in talk.heard}


def told_of(visit: Visit, found: Sequence[Finding]) -> dict[int, RuleTold]:
    """Return what the rules of findings say, by finding."""
    content = visit.ctx.knowledge().content
    return {
        each.id: rule_words.told(
            content,
            label=each.label,
            rule_id=each.rule_id,
            rule_version=each.rule_version,
            note=each.note,
            item=each.item,
        )
        for each in found
    }


def red_labels(visit: Visit) -> dict[str, str]:
    """Return the names of the red lines, by label."""
    content = visit.ctx.knowledge().content
    labels = [rule.label for rule in content.rules.rules if rule.severity is Severity.S0]
    labels += [one.label for one in content.rubric.red_lines.values()]
    return {label: content.rubric.label_name(label) for label in dict.fromkeys(labels)}


def _missed(visit: Visit, one: Review, talk: Talk) -> Missed | None:
    """Return what the form says was missed; None unless it names a red line and words of whom it is about."""
    label, place = visit.said("missed_label", 32), visit.said("missed_message", 18)
    said = next((each for each in talk.heard if str(each.id) == place), None)
    if said is None or _subject_of(said) != one.subject or label not in red_labels(visit):
        return None
    return Missed(label=label, message_id=said.id, said_at=said.sent_at)


def _subject_of(said: Heard) -> str:
    return BOT if said.author is Author.BOT else said.servicer_id


def _items(visit: Visit, one: Review, started_at: datetime) -> list[Item]:
    """Return the questions of the scorecard for a review of the whole session; a single suspicion has none."""
    if one.finding_id is not None:
        return []
    day = started_at.astimezone(visit.ctx.zone).date()
    subject = BOT if one.subject == BOT else ADVISOR
    return list(visit.ctx.knowledge().content.rubric.items_for(subject, day))


def _verdicts(form: Mapping[str, Any]) -> dict[str, Verdict]:
    """Return the verdicts of a form; a field that says something else was not judged."""
    known = {str(said) for said in Verdict}
    found = {}
    for name, said in form.items():
        key = name.removeprefix(_ITEM)
        if said in known and (name == MISSED or name.startswith(("finding:", _ITEM))) and len(key) <= 64:
            found[key] = Verdict(str(said))
    return found


def _back(visit: Visit, refusal: ReviewRefusal | None, done: str) -> web.Response:
    path = f"/console/audit/reviews/{visit.number()}"
    return visit.back(path, wrong=refusal) if refusal else visit.back(path, done=done)

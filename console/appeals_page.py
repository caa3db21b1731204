"""The queue of appeals, and one of them: both sides' reasons, the evidence in place, the history, what can be done."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from audit import appealing
from console import access, people, review_access, reviews_page
from console.access import Right, Viewer
from console.review_access import actor_of
from console.visit import Visit
from domain import appeal as appeal_rules
from domain.appeal import DECISIONS, Actor, Appeal, AppealAct, AppealPart, AppealRefusal, Hands
from domain.login import Role
from store import appeals, findings

SHOWS = ("open", "closed")
# What a reviewer may do, in the order of the buttons.
ACTS = (AppealAct.TAKE, AppealAct.FORWARD, *DECISIONS)


def reviewer_of(viewer: Viewer) -> Actor:
    """Return this person in the part of somebody who handles appeals."""
    return Actor(
        name=actor_of(viewer),
        names=viewer.own_names,
        part=AppealPart.REVIEWER,
        is_compliance=Role.COMPLIANCE in viewer.login.roles,
    )


async def show_list(visit: Visit) -> web.Response:
    """Show the open appeals, red lines first, then by date."""
    access.require(visit.viewer, Right.DECIDE_APPEALS)
    show = visit.choice("show", SHOWS)
    async with visit.ctx.store.read() as tx:
        rows = await appeals.list_queue(tx, is_closed=show == "closed", limit=200)
        names = await people.list_names(tx)
    mine = visit.viewer.own_names
    return visit.page(
        "appeals.html",
        rows=[row for row in rows if row.appeal.subject not in mine],
        people=names,
        labels_of=visit.ctx.knowledge().content.rubric.label_name,
        show=show,
    )


async def show_one(visit: Visit) -> web.Response:
    """Show one appeal."""
    async with visit.ctx.store.read() as tx:
        row = await review_access.access_appeal(visit.viewer, tx, visit.number())
        finding = await findings.get(tx, row.appeal.finding_id)
        talk = await review_access.access_talk(visit.viewer, tx, row.appeal.session_id)
        known = await appeals.list_of_finding(tx, finding.id)
        entries = await appeals.list_entries(tx, [one.id for one in known])
        decisions = await findings.list_entries(tx, finding.id)
        hands = await appealing.hands_of(tx, row.appeal, finding)
        names = await people.list_names(tx)
    await visit.openings.record(visit, f"conversation:{talk.head.conversation_id}")
    return visit.page(
        "appeal.html",
        row=row,
        one=row.appeal,
        finding=finding,
        talk=talk,
        marked=reviews_page.marked(talk, [finding]),
        told=reviews_page.told_of(visit, [finding])[finding.id],
        entries=entries,
        decisions=decisions,
        others=[each for each in known if each.id != row.appeal.id],
        acts=_open_acts(row.appeal, reviewer_of(visit.viewer), hands),
        why_not=_why_not(row.appeal, reviewer_of(visit.viewer), hands),
        eased=appealing.company(visit.ctx.hours).rules.appeal.eased_share * finding.points,
        people=names,
    )


async def act(visit: Visit) -> web.Response:
    """Take an appeal up, send it on, or decide it."""
    note, wanted = visit.said("note"), visit.said("act", 32)
    at = appealing.company(visit.ctx.hours)

    async def job(tx: AsyncConnection) -> AppealRefusal | None:
        await review_access.access_appeal(visit.viewer, tx, visit.number())
        if wanted not in ACTS:
            return AppealRefusal.NOT_NOW
        return await appealing.act(
            tx,
            visit.number(),
            AppealAct(wanted),
            reviewer_of(visit.viewer),
            note,
            at,
            visit.ctx.clock.now(),
        )

    wrong = await visit.write(job)
    path = f"/console/audit/appeals/{visit.number()}"
    return visit.back(path, wrong=wrong) if wrong else visit.back(path, done=f"appeal_{wanted}")


def _open_acts(one: Appeal, actor: Actor, hands: Hands) -> Sequence[AppealAct]:
    return [what for what in ACTS if appeal_rules.check_act(one, what, actor, hands) is None]


def _why_not(one: Appeal, actor: Actor, hands: Hands) -> AppealRefusal | None:
    """Return why this person cannot act although somebody could; None when they can, or nobody can."""
    if _open_acts(one, actor, hands):
        return None
    told = {appeal_rules.check_act(one, what, actor, hands) for what in ACTS} - {
        None,
        AppealRefusal.NOT_NOW,
        AppealRefusal.NO_PARTS,
    }
    return next(iter(sorted(one for one in told if one is not None)), None)

"""One step: what to say or do, until when, and what for; and the acts on it by a form. Sending: step_sending.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from console.access import Forbidden, NotFound
from console.sidebar import access, checklist, postponing, proposing, today_page
from console.sidebar.access import SeenStep
from console.sidebar.checklist import Checklist
from console.sidebar.postponing import Later
from console.sidebar.visit import SidebarHandler, SidebarVisit
from content import reply_files
from content.knowledge import Knowledge
from domain import week_pages
from domain.compliance import Registration
from domain.delivery import Attached
from domain.enrolment import OPEN_STATES, Enrolment
from domain.errors import ActRefused
from domain.faq import Line
from domain.sop import BlockKind, ContentBlock, DeliveryCode, Stage, Step, Template
from handlers import qualification, verdicts
from scheduler import acts
from store import enrolments, registrations, staff

_PICTURES = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg"}
# Confirmed in the client's own assistant for mass sends, not on this page.
_CONFIRMED_ELSEWHERE = frozenset({DeliveryCode.MASS_SEND, DeliveryCode.PERSONAL})


@dataclass(frozen=True, kw_only=True)
class StepView:
    """Everything the page shows of a step. `names`: what to call people, by UserID.

    `needs`: the line its words are about that this person is not registered for.
    """

    seen: SeenStep
    step: Step | None
    stage: Stage | None
    block: ContentBlock | None
    enrolment: Enrolment | None
    checklist: Checklist | None
    attached: Sequence[Attached]
    lines: frozenset[Line]
    told: Sequence[str]
    names: dict[str, str]
    notice: str
    later: Sequence[Later]
    needs: Line | None

    @property
    def is_open(self) -> bool:
        return self.seen.step.occurrence.state in OPEN_STATES

    @property
    def way(self) -> str:
        """How the step is done: send, confirm, tick, bind or do."""
        delivery = self.seen.step.occurrence.delivery
        if delivery is DeliveryCode.SIDEBAR:
            return "send"
        if delivery in _CONFIRMED_ELSEWHERE:
            return "confirm"
        if self.checklist is not None:
            return "tick"
        if self.step is not None and any(one.name == "bound" for one in self.step.success):
            return "bind"
        return "do"


async def show(visit: SidebarVisit) -> web.Response:
    """Show the step."""
    return await _page(visit)


async def show_file(visit: SidebarVisit) -> web.Response:
    """Show a picture that hangs on the words."""
    view, place = await view_of(visit), visit.number("place")
    one = view.attached[place] if place < len(view.attached) else None
    kind = _PICTURES.get(one.name.rpartition(".")[2].lower()) if one and one.kind == "image" else None
    if one is None or kind is None:
        raise NotFound()
    async with visit.ctx.console.store.read() as tx:
        found = await access.access_file(visit.viewer, tx, one.digest)
    response = web.Response(body=found.content, content_type=kind)
    # Another picture may stand at this place tomorrow.
    response.headers["Cache-Control"] = "private, max-age=300"
    return response


async def _page(
    visit: SidebarVisit, *, refused: str = "", wrong: str = "", status: int = 200
) -> web.Response:
    view = await view_of(visit)
    step = view.seen.step
    words = visit.frame.words
    values = {"view": view, "step": step, "occurrence": step.occurrence, "refused": refused}
    if wrong:
        values["wrong"] = words.label("phone_wrong", wrong)
    response = visit.live_page("step.html", "step_lead.html", f"/sidebar/steps/{visit.number()}", **values)
    if status != 200:
        response.set_status(status)
    return response


async def view_of(visit: SidebarVisit) -> StepView:
    """Return the step of the address to somebody who may see it."""
    async with visit.ctx.console.store.read() as tx:
        seen = await access.access_step(visit.viewer, tx, visit.number())
        found = await enrolments.find(tx, seen.step.enrolment_id)
        told = await access.access_told(visit.viewer, tx, seen)
        notice = await access.access_notice(visit.viewer, tx, seen)
        hands = [seen.step.occurrence.executor, seen.step.owner, seen.step.co_owner, *told]
        proof = seen.step.occurrence.evidence
        names = await staff.list_names(tx, [*hands, proof.by if proof else ""])
        held = await registrations.list_of(tx, visit.me)
    template = await visit.ctx.console.sop_template(seen.step.sop_version_id)
    step = today_page.step_of(seen.step, template)
    block = _block(seen, step, template)
    return StepView(
        seen=seen,
        step=step,
        stage=template.stage(step.stage) if step else None,
        block=block,
        enrolment=found,
        checklist=_checklist(block, found),
        attached=_attached(block, found, seen, visit.base),
        lines=frozenset(template.lines),
        told=[name for name in told if name != visit.me],
        names=names,
        notice=notice,
        later=_later(visit, seen, template),
        needs=needs_of(visit.ctx.console.knowledge(), held, seen.step.occurrence.text),
    )


def needs_of(knowledge: Knowledge, held: Sequence[Registration], text: str) -> Line | None:
    """Return a line that words are about and a person with these registrations may not speak for today.

    Read off the words: a template of several lines has posts about none of them.
    """
    lines, today = verdicts.lines_of(knowledge, text), knowledge.today
    return next(
        (one for one in lines if not qualification.judged(knowledge, held, one, today).is_qualified), None
    )


def _block(seen: SeenStep, step: Step | None, template: Template) -> ContentBlock | None:
    name = seen.step.occurrence.block or (step.content[0] if step and step.content else "")
    return template.blocks.get(name)


def _attached(
    block: ContentBlock | None, found: Enrolment | None, seen: SeenStep, base: str
) -> list[Attached]:
    """Return what hangs on the words, its slots filled; a link that leads nowhere is left out."""
    if block is None or found is None:
        return []
    values = {"group": seen.step.group.name, **week_pages.slots_of(found.page_code, base), **found.facts}
    filled = [
        Attached(
            kind=one.kind.value,
            name=one.path.rpartition("/")[2],
            title=reply_files.fill(one.title, values),
            desc=reply_files.fill(one.desc, values),
            url=reply_files.fill(one.url, values),
            digest=one.digest if one.path else "",
        )
        for one in block.attachments
    ]
    return [one for one in filled if one.url or one.kind != "link"]


def _checklist(block: ContentBlock | None, found: Enrolment | None) -> Checklist | None:
    if block is None or found is None or block.kind is not BlockKind.CHECKLIST:
        return None
    return checklist.read(block, found.ticks)


def _later(visit: SidebarVisit, seen: SeenStep, template: Template) -> list[Later]:
    console = visit.ctx.console
    if seen.step.occurrence.state not in OPEN_STATES:
        return []
    ends = seen.step.occurrence.window_end
    return postponing.choices(console.clock.now(), ends, console.zone, template.guard.quiet_until)


# --- acts by a form -----------------------------------------------------------------------------------------


def acting(change: SidebarHandler) -> SidebarHandler:
    """Return a handler that shows the step with the sentence when the act is refused."""

    async def handler(visit: SidebarVisit) -> web.StreamResponse:
        try:
            return await change(visit)
        except ActRefused as refused:
            return await _page(visit, refused=str(refused), status=409)

    return handler


@acting
async def done(visit: SidebarVisit) -> web.Response:
    """Take the person's word that the step is done."""
    number, now = visit.number(), visit.ctx.console.clock.now()

    async def job(tx: AsyncConnection) -> None:
        await access.access_act(visit.viewer, tx, number)
        await acts.done(tx, number, by=visit.me, now=now)

    await visit.write(job)
    word = "told" if visit.said("how") == "sent" else "done"
    return visit.back(f"/sidebar/steps/{number}", done=word)


@acting
async def postpone(visit: SidebarVisit) -> web.Response:
    """Put the step off, with a reason."""
    number, now = visit.number(), visit.ctx.console.clock.now()
    view, reason = await view_of(visit), visit.said("reason", 200)
    if not view.seen.may_act:
        raise Forbidden()
    if not reason:
        return await _page(visit, wrong="no_reason", status=400)
    chosen = next((one for one in view.later if one.key == visit.said("until")), None)
    if chosen is None:
        return await _page(visit, wrong="bad_until", status=400)
    until = chosen.until

    async def job(tx: AsyncConnection) -> None:
        await access.access_act(visit.viewer, tx, number)
        await acts.postpone(tx, number, by=visit.me, until=until, reason=reason, now=now)

    await visit.write(job)
    return visit.back(f"/sidebar/steps/{number}", done="postponed")


@acting
async def problem(visit: SidebarVisit) -> web.Response:
    """Tell that something is in the way."""
    number, now = visit.number(), visit.ctx.console.clock.now()
    note = visit.said("note")
    if not note:
        return await _page(visit, wrong="no_note", status=400)

    async def job(tx: AsyncConnection) -> None:
        await access.access_act(visit.viewer, tx, number)
        await acts.problem(tx, number, by=visit.me, note=note, now=now)

    await visit.write(job)
    return visit.back(f"/sidebar/steps/{number}", done="problem")


async def propose(visit: SidebarVisit) -> web.Response:
    """Give another wording of the step's post to the editors; the group gets it as approved, or not at all."""
    number, now = visit.number(), visit.ctx.console.clock.now()
    text = visit.said("text", proposing.TEXT_LIMIT)
    view = await view_of(visit)

    async def job(tx: AsyncConnection) -> int | None:
        step = await access.access_act(visit.viewer, tx, number)
        if view.block is None:
            return None
        template = await visit.ctx.console.sop_template(step.sop_version_id)
        return await proposing.propose_post(
            tx,
            template.id,
            view.block,
            text,
            said=step.occurrence.text,
            title=view.step.title if view.step else view.block.title,
            author=visit.viewer.name,
            now=now,
        )

    made = await visit.write(job)
    path = f"/sidebar/steps/{number}"
    return visit.back(path, done="proposed" if made else "", wrong="" if made else "unchanged")


@acting
async def tick(visit: SidebarVisit) -> web.Response:
    """Tick a point of a checklist, or take the tick away."""
    number, now = visit.number(), visit.ctx.console.clock.now()
    point, is_on = visit.said("point", 4), visit.said("on") == "yes"
    if not point.isdecimal():
        raise NotFound()

    async def job(tx: AsyncConnection) -> None:
        step = await access.access_act(visit.viewer, tx, number)
        await acts.tick(tx, step.enrolment_id, point=int(point), is_on=is_on, by=visit.me, now=now)

    await visit.write(job)
    return visit.back(f"/sidebar/steps/{number}")


@acting
async def bound(visit: SidebarVisit) -> web.Response:
    """Take the owner's word that the group's welcome is bound."""
    number, now = visit.number(), visit.ctx.console.clock.now()

    async def job(tx: AsyncConnection) -> None:
        step = await access.access_act(visit.viewer, tx, number)
        await acts.bind_welcome(tx, step.enrolment_id, by=visit.me, now=now)

    await visit.write(job)
    return visit.back(f"/sidebar/steps/{number}", done="bound")

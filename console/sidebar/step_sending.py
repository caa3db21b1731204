"""A step's words on their way into the group by one tap.

Sending is two requests of the page's script: `begin` writes the delivery down as attempting and hands over the text,
`sent` tells what the WeCom client reported. Between them the text is in the member's hands; if the end is never told,
the delivery stays uncertain and nothing is repeated.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from console.sidebar import access, desk_access, step_page
from console.sidebar.step_page import StepView
from console.sidebar.visit import SidebarVisit
from content import refusals
from domain.compliance import Audience, Registration
from domain.delivery import Attached, DeliveryState
from domain.errors import ActRefused, ChannelError
from scheduler import acts, rendering
from scheduler.acts import ByHand
from store import registrations

log = logging.getLogger(__name__)

_MEDIA = frozenset({"image", "video", "file"})


async def begin(visit: SidebarVisit) -> web.Response:
    """Write down that this person sends now, and hand over the messages for the client.

    A former tap whose end was never told may be tried again (`again`) by somebody who has looked into the group.
    """
    number, now = visit.number(), visit.ctx.console.clock.now()
    again = visit.said("again") == "yes"
    view = await step_page.view_of(visit)

    async def job(tx: AsyncConnection) -> ByHand:
        await access.access_act(visit.viewer, tx, number)
        check = _speaking(visit, view, await registrations.list_of(tx, visit.me))
        return await acts.begin_by_hand(tx, number, by=visit.me, now=now, check=check, again=again)

    try:
        begun = await visit.write(job)
    except ActRefused as refused:
        may_repeat = not again and await _may_repeat(visit, number)
        return web.json_response({"refused": str(refused), "again": may_repeat}, status=409)
    messages: list[object] = [{"msgtype": "text", "text": {"content": begun.text}}] if begun.text else []
    missing: list[str] = []
    for one in begun.attachments or view.attached:
        message = await _message_of(visit, one)
        if message is None:
            missing.append(one.title or one.name)
        else:
            messages.append(message)
    return web.json_response({"key": begun.delivery_key, "messages": messages, "missing": missing})


def _speaking(visit: SidebarVisit, view: StepView, held: Sequence[Registration]) -> Callable[[str], None]:
    """Return the check that refuses words which may not be said to a group now, or not by this person.

    Rules may have changed since the step was released. `held`: the person's registrations.
    """
    knowledge = visit.ctx.console.knowledge()
    checker = rendering.Checker(rules=knowledge.content.rules)

    def check(text: str) -> None:
        if view.lines & knowledge.stopped or checker.problem(text, view.lines, Audience.GROUP):
            raise refusals.refused("wording")
        if step_page.needs_of(knowledge, held, text):
            raise refusals.refused("unqualified")

    return check


async def _may_repeat(visit: SidebarVisit, number: int) -> bool:
    """Say whether a former tap is what stands in the way, and long enough ago."""
    async with visit.ctx.console.store.read() as tx:
        former = await access.access_sendings(visit.viewer, tx, number)
    pending = [one for one in former if one.state in (DeliveryState.ATTEMPTING, DeliveryState.UNKNOWN)]
    now = visit.ctx.console.clock.now()
    return bool(pending) and all(now - one.created_at >= acts.REPORT_WAIT for one in pending)


async def _message_of(visit: SidebarVisit, one: Attached) -> object | None:
    """Return the message as sendChatMessage takes it (WeCom doc 100749); None for what has to be sent by hand."""
    if one.kind == "link":
        picture = visit.base + visit.frame.assets.url("link.png")
        return {
            "msgtype": "news",
            "news": {"link": one.url, "title": one.title, "desc": one.desc, "imgUrl": picture},
        }
    if one.kind not in _MEDIA:
        return None
    try:
        media_id = await visit.ctx.media_id(one)
    except ChannelError:
        log.warning("attachment left out", extra={"action": "attachment_left_out", "digest": one.digest})
        return None
    return {"msgtype": one.kind, one.kind: {"mediaid": media_id}}


async def sent(visit: SidebarVisit) -> web.Response:
    """Take the client's report of a sending that `begin` began for this person; another's is refused."""
    number, now = visit.number(), visit.ctx.console.clock.now()
    key, error = visit.said("key", 64), visit.said("error", 200)
    is_sent = visit.said("is_sent") == "yes"

    async def job(tx: AsyncConnection) -> None:
        step = await access.access_act(visit.viewer, tx, number)
        ref = access.step_ref(number)
        if await desk_access.find_own_sending(visit.viewer, tx, key, step.group.chat_id, ref) is None:
            raise refusals.refused("no_such_send")
        await acts.end_by_hand(tx, key, is_sent=is_sent, error=error, by=visit.me, now=now)

    try:
        await visit.write(job)
    except ActRefused as refused:
        return web.json_response({"refused": str(refused)}, status=409)
    return web.json_response({"ok": True})

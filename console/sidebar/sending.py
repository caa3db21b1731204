"""Words on their way to one customer through a person's hand: begun here, sent by the client, ended by its report.

`begin` looks again at everything the page showed (who serves, the wording, the registration), writes the delivery down
as attempting and only then hands the words over; `sent` takes the report. A key makes either safe to repeat: the same
tap asked twice gets the same words, another tab's tap on the same suggestion is refused, and a tap whose answer got
lost and whose words were changed meanwhile sends the new words, looked at again. What is asked for is drafting.py's.
What was offered stays with the suggestion, what was said with the delivery.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from console.sidebar import desk_access, drafting, judging, parts
from console.sidebar.desk_access import SeenDesk
from console.sidebar.drafting import AS_OFFERED, EDITED, QUICK, Draft, NotSent
from console.sidebar.judging import Judged
from console.sidebar.visit import SidebarVisit
from domain.delivery import Act, Body, Delivery, DeliveryState, NewDelivery, Purpose, SendClass
from domain.faq import Line
from domain.suggestion import Round, Suggestion, SuggestionState
from handlers import qualification
from scheduler import acts
from scheduler.keys import key_of
from store import deliveries, dialect, suggestions

_NONCE = re.compile(r"^[0-9a-zA-Z-]{8,40}$")
# No page stays open with one key for longer.
_TAP_SPAN = timedelta(days=1)
# The same suggestion may be in two rounds; who wants to say it again after this long means it.
_SAME_SPAN = timedelta(minutes=5)
_OVERTAKEN = "the answer got lost, other words were sent"
_PENDING = frozenset({DeliveryState.ATTEMPTING, DeliveryState.UNKNOWN})
_DONE = frozenset({DeliveryState.ACCEPTED, DeliveryState.DELIVERED})


async def begin(visit: SidebarVisit) -> web.Response:
    """Write down that this person sends words now, and hand over the messages for the client."""
    nonce, again = visit.said("nonce", 40), visit.said("again") == "yes"
    who, entry, now = visit.query("external_userid"), visit.query("entry"), visit.ctx.console.clock.now()

    async def job(tx: AsyncConnection) -> tuple[Delivery | NewDelivery, Judged]:
        desk = await desk_access.access_speaking(visit.viewer, tx, who, entry)
        if not _NONCE.match(nonce):
            raise NotSent("changed")
        draft = await drafting.draft(visit, tx, desk, nonce)
        return await _begin(visit, tx, desk, draft, nonce, again=again, now=now)

    try:
        begun, judged = await visit.write(job)
    except NotSent as refused:
        return _refusal(visit, refused)
    said = {"key": begun.key, "text": begun.body.text, "messages": messages_of(begun.body)}
    return web.json_response(said | {"introduced": bool(judged.introduction)})


async def _begin(
    visit: SidebarVisit,
    tx: AsyncConnection,
    desk: SeenDesk,
    draft: Draft,
    nonce: str,
    *,
    again: bool,
    now: datetime,
) -> tuple[Delivery | NewDelivery, Judged]:
    tap = key_of("desk", visit.me, desk.who, nonce)[:20]
    await dialect.lock_subjects(tx, "desk_send", [f"{visit.me}.{desk.who}", draft.reply_id])
    recent = await deliveries.list_by_hand_to(tx, desk.who, visit.me, now - _TAP_SPAN)
    same_tap = [one for one in recent if one.key.startswith(f"{tap}-")]
    words = key_of(draft.reply_id, draft.said)[:8]
    for former in same_tap:
        if former.state in _DONE:
            raise NotSent("sent")
        if former.state in _PENDING and former.key.endswith(f"-{words}"):
            # The answer to the same tap got lost on the way; nothing was sent without it.
            return former, Judged(refused="")
        await deliveries.end_by_hand(tx, former.key, is_sent=False, now=now, by=visit.me, error=_OVERTAKEN)
    others = [one for one in recent if one not in same_tap]
    await _require_unsent(tx, draft, others, again=again, now=now)
    judged = await judging.judge(
        visit,
        tx,
        draft.said,
        line=draft.line,
        otherwise=draft.otherwise,
        conversation_id=desk.talk.id if desk.talk else None,
        recipient=desk.who,
    )
    if judged.refused:
        raise NotSent(judged.refused, judged=judged)
    new = _delivery(visit, desk, draft, judged, f"{tap}-{len(same_tap)}-{words}", now)
    talk_id = await desk_access.ensure_talk(visit.viewer, tx, desk, now)
    new = replace(new, conversation_id=talk_id)
    await deliveries.add(tx, [new], now)
    return new, judged


async def _require_unsent(
    tx: AsyncConnection, draft: Draft, recent: Sequence[Delivery], *, again: bool, now: datetime
) -> None:
    """Raise NotSent when the suggestion was sent, or the same words may be on their way. `recent`: to the customer."""
    same = [one for one in recent if _is_same(one, draft)]
    pending = [one for one in same if one.state in _PENDING]
    if draft.offered is not None:
        former = await deliveries.list_by_hand(tx, draft.reply_id)
        # What is missing of words of which a part went out may follow.
        if any(one.state in _DONE and not (again and _is_partly(one)) for one in former):
            raise NotSent("sent")
        # An offer is the same in the next round, whatever its number.
        said = (one.finished_at or one.created_at for one in same if one.state in _DONE)
        if any(now - at <= _SAME_SPAN for at in said) and not again:
            raise NotSent("sent", again=True)
        pending += [one for one in former if one.state in _PENDING]
    is_old = all(now - one.created_at >= acts.REPORT_WAIT for one in pending)
    if pending and not (again and is_old):
        raise NotSent("pending", again=is_old)


def _is_same(one: Delivery, draft: Draft) -> bool:
    """Say whether the customer got, or may get, these very words; an introduction in front is no difference."""
    if one.body.menu != draft.menu:
        return False
    if judging.is_untouched(draft.text, one.body.text):
        return True
    return draft.offered is not None and one.body.text.endswith(f"\n{draft.text}")


def _is_partly(one: Delivery) -> bool:
    return one.outcome.startswith("partly ")


def _delivery(
    visit: SidebarVisit, desk: SeenDesk, draft: Draft, judged: Judged, key: str, now: datetime
) -> NewDelivery:
    text = qualification.introduced(judged.introduction, draft.text)
    return NewDelivery(
        key=key,
        act=Act.BY_HAND,
        send_class=SendClass.REPORTED,
        purpose=Purpose.SERVICE,
        channel=acts.CHANNEL,
        conversation_id=None,
        recipient=desk.who,
        reply_id=draft.reply_id,
        faq_id=draft.faq_id,
        line=str(judged.line or ""),
        content_version_id=draft.version_id if draft.how == AS_OFFERED else None,
        body=Body(text=text, menu=draft.menu, targets=(desk.who,), servicers=(visit.me,)),
        due_at=now,
        expires_at=now + acts.REPORT_WAIT,
        state=DeliveryState.ATTEMPTING,
        outcome=draft.how,
    )


def messages_of(body: Body) -> list[object]:
    """Return the messages as sendChatMessage takes them (WeCom doc 100749)."""
    if body.menu:
        items = [{"type": "click", "click": {"id": one.id, "content": one.text}} for one in body.menu]
        return [{"msgtype": "msgmenu", "msgmenu": {"head_content": body.text, "list": items}}]
    return [{"msgtype": "text", "text": {"content": part}} for part in parts.split(body.text)]


def _refusal(visit: SidebarVisit, refused: NotSent) -> web.Response:
    judged = refused.judged or Judged(refused="")
    said = {
        "refused": visit.frame.words.label("desk_refused", refused.word),
        "why": refused.word,
        "again": refused.again,
        "problems": [one.message for one in judged.problems],
    }
    return web.json_response(said, status=409)


# --- what became of it ----------------------------------------------------------------------------------------


async def sent(visit: SidebarVisit) -> web.Response:
    """Take the client's report, or the person's own word for what was copied. Safe to repeat; the first end counts."""
    who, key, now = visit.query("external_userid"), visit.said("key", 64), visit.ctx.console.clock.now()
    is_sent, error = visit.said("is_sent") == "yes", visit.said("error", 200)
    count = visit.said("parts_sent", 3)

    async def job(tx: AsyncConnection) -> bool:
        # Also for a session that ended meanwhile: what was begun has to end.
        begun = await desk_access.access_sending(visit.viewer, tx, key, who)
        ending = partial(deliveries.end_by_hand, tx, key, is_sent=is_sent, now=now, by=visit.me, error=error)
        cut = _cut(begun.body, int(count)) if is_sent and count.isdecimal() else None
        if cut is not None:
            return await ending(body=cut[0], outcome=cut[1])
        if not await ending():
            return False
        if is_sent:
            await _learn(visit, tx, begun, now)
        return True

    return web.json_response({"ok": await visit.write(job)})


def _cut(body: Body, count: int) -> tuple[Body, str] | None:
    """Return what left of words of which the first `count` messages went out, and the outcome; None for all."""
    said = [] if body.menu else parts.split(body.text)
    if not 0 < count < len(said):
        return None
    return replace(body, text="\n".join(said[:count])), f"partly {count}/{len(said)}"


async def _learn(visit: SidebarVisit, tx: AsyncConnection, begun: Delivery, now: datetime) -> None:
    """Record what became of the suggestion; words the person changed or wrote are kept as the person's own."""
    kind, _, number = begun.reply_id.partition(".")
    round_: Round | None = None
    is_offered = False
    if kind == "suggestion" and number.isdecimal():
        round_, one = await desk_access.access_offered(visit.viewer, tx, int(number), begun.conversation_id)
        is_offered = _is_as_offered(begun, one)
        state = SuggestionState.USED if is_offered else SuggestionState.EDITED
        await suggestions.decide(tx, one.id, state, now=now, delivery_key=begun.key)
    elif kind == QUICK:
        # Approved words as they stand.
        return
    elif begun.conversation_id is not None and not begun.body.menu:
        round_ = await suggestions.find_latest(tx, begun.conversation_id, visit.me)
    if visit.ctx.suggester is None or round_ is None or is_offered or begun.body.menu or not round_.asked:
        return
    await visit.ctx.suggester.keep_own(
        tx,
        staff_platform_id=visit.me,
        text=begun.body.text,
        asked=round_.asked,
        question_key=round_.question_key,
        line=Line(begun.line) if begun.line else round_.line,
        faq_id=begun.faq_id,
        conversation_id=begun.conversation_id,
    )


def _is_as_offered(begun: Delivery, one: Suggestion) -> bool:
    """Say whether the suggestion went out unchanged; an introduction in front of it is no change."""
    if begun.outcome in (AS_OFFERED, EDITED):
        return begun.outcome == AS_OFFERED
    # Nobody reported for so long that the outcome tells that instead.
    said = begun.body.text.strip()
    return judging.is_untouched(said, one.text) or said.endswith(f"\n{one.text.strip()}")


async def refuse(visit: SidebarVisit) -> web.Response:
    """Put a suggestion away as not fitting; it ranks lower for such questions from now on."""
    number, now = visit.number(), visit.ctx.console.clock.now()

    async def job(tx: AsyncConnection) -> bool:
        await desk_access.access_suggestion(visit.viewer, tx, number)
        return await suggestions.decide(tx, number, SuggestionState.REFUSED, now=now)

    return web.json_response({"ok": await visit.write(job)})

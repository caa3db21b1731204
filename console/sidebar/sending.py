"""Words on their way to one customer through a person's hand: begun here, sent by the client, ended by its report.

`begin` looks again at everything the page showed (who serves, the wording, the registration), writes the delivery down
as attempting and only then hands the words over; `sent` takes the report. A key makes either safe to repeat: the same
tap asked twice gets the same words, another tab's tap on the same suggestion is refused. What was offered stays with
the suggestion, what was said with the delivery.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from console.sidebar import desk_access, judging, parts
from console.sidebar.desk_access import SeenDesk
from console.sidebar.judging import Judged
from console.sidebar.visit import SidebarVisit
from domain.delivery import Act, Body, Delivery, DeliveryState, MenuItem, NewDelivery, Purpose, SendClass
from domain.faq import Line
from domain.suggestion import Round, Suggestion, SuggestionSource, SuggestionState
from handlers import qualification
from scheduler import acts
from scheduler.keys import key_of
from store import deliveries, dialect, suggestions

TEXT_LIMIT = 4000
_NONCE = re.compile(r"^[0-9a-zA-Z-]{8,40}$")
_PENDING = frozenset({DeliveryState.ATTEMPTING, DeliveryState.UNKNOWN})
_DONE = frozenset({DeliveryState.ACCEPTED, DeliveryState.DELIVERED})
# How the words stand to what was offered, until the report comes; labels are in [outcome].
AS_OFFERED, EDITED, TYPED = "as_offered", "edited", "typed"


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What somebody wants to send. `offered`: the suggestion it came from; `menu`: what the customer may tap.

    `line`: of an approved text that stands untouched; `otherwise`: of what changed words came from (judging.judge).
    """

    text: str
    line: Line | None
    reply_id: str
    how: str
    faq_id: str = ""
    version_id: int | None = None
    offered: tuple[Round, Suggestion] | None = None
    menu: tuple[MenuItem, ...] = ()
    otherwise: Line | None = None

    @property
    def said(self) -> str:
        """Everything the customer would read."""
        return "\n".join([self.text, *(one.text for one in self.menu)])


class NotSent(Exception):
    """It cannot be sent. `word`: a key of [desk_refused]; `again`: may be tried once more by who has looked."""

    def __init__(self, word: str, *, again: bool = False, judged: Judged | None = None) -> None:
        self.word, self.again, self.judged = word, again, judged
        super().__init__(word)


async def begin(visit: SidebarVisit) -> web.Response:
    """Write down that this person sends words now, and hand over the messages for the client."""
    nonce, again = visit.said("nonce", 40), visit.said("again") == "yes"
    who, entry, now = visit.query("external_userid"), visit.query("entry"), visit.ctx.console.clock.now()
    key = key_of("desk", visit.me, who, nonce)

    async def job(tx: AsyncConnection) -> tuple[Delivery | NewDelivery, Judged]:
        desk = await desk_access.access_speaking(visit.viewer, tx, who, entry)
        if not _NONCE.match(nonce):
            raise NotSent("changed")
        draft = await _draft(visit, tx, desk, nonce)
        return await _begin(visit, tx, desk, draft, key, again=again, now=now)

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
    key: str,
    *,
    again: bool,
    now: datetime,
) -> tuple[Delivery | NewDelivery, Judged]:
    await dialect.lock_subjects(tx, "desk_send", [key, draft.reply_id])
    former = await deliveries.find(tx, key)
    if former is not None and former.state in _PENDING:
        # The answer to the same tap got lost on the way; nothing was sent without it.
        return former, Judged(refused="")
    if former is not None:
        raise NotSent("sent" if former.state in _DONE else "changed")
    await _require_unsent(tx, draft, again=again, now=now)
    talk_id = desk.talk.id if desk.talk else None
    judged = await judging.judge(
        visit,
        tx,
        draft.said,
        line=draft.line,
        conversation_id=talk_id,
        recipient=desk.who,
        otherwise=draft.otherwise,
    )
    if judged.refused:
        raise NotSent(judged.refused, judged=judged)
    new = _delivery(visit, desk, draft, judged, key, now)
    talk_id = await desk_access.ensure_talk(visit.viewer, tx, desk, now)
    new = replace(new, conversation_id=talk_id)
    await deliveries.add(tx, [new], now)
    return new, judged


async def _require_unsent(tx: AsyncConnection, draft: Draft, *, again: bool, now: datetime) -> None:
    """Raise NotSent when the suggestion was sent, or may have been."""
    if draft.offered is None:
        return
    former = await deliveries.list_by_hand(tx, draft.reply_id)
    if any(one.state in _DONE for one in former):
        raise NotSent("sent")
    pending = [one for one in former if one.state in _PENDING]
    is_old = all(now - one.created_at >= acts.REPORT_WAIT for one in pending)
    if pending and not (again and is_old):
        raise NotSent("pending", again=is_old)


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


# --- what is to be sent ---------------------------------------------------------------------------------------


async def _draft(visit: SidebarVisit, tx: AsyncConnection, desk: SeenDesk, nonce: str) -> Draft:
    """Return what the form asks for. Raises NotSent for empty words, NotFound for another one's suggestion."""
    asked_for = [int(one) for one in visit.said("menu", 60).split(",") if one.isdecimal()]
    if asked_for:
        return await _menu(visit, tx, desk, asked_for, nonce)
    text = visit.said("text", TEXT_LIMIT)
    if not text:
        raise NotSent("empty")
    number = visit.said("suggestion", 18)
    if not number.isdecimal():
        return Draft(text=text, line=None, reply_id=f"typed.{nonce}", how=TYPED)
    round_, one = await desk_access.access_suggestion(visit.viewer, tx, int(number))
    told = judging.about_offered(text, (round_, one))
    return Draft(
        text=text,
        line=told.approved,
        otherwise=told.otherwise,
        reply_id=f"suggestion.{one.id}",
        how=AS_OFFERED if judging.is_untouched(text, one.text) else EDITED,
        faq_id=one.source_id if one.source is SuggestionSource.FAQ else "",
        version_id=one.content_version_id,
        offered=(round_, one),
    )


async def _menu(
    visit: SidebarVisit, tx: AsyncConnection, desk: SeenDesk, numbers: Sequence[int], nonce: str
) -> Draft:
    """Return the questions of suggestions as a menu to tap; only customer service has menus (WeCom doc 100749)."""
    if not desk.is_service:
        raise NotSent("no_menu")
    found = [await desk_access.access_suggestion(visit.viewer, tx, one) for one in numbers[:5]]
    faqs = visit.ctx.console.knowledge().faqs
    items = tuple(
        MenuItem(id=faqs[one.source_id].menu_id, text=one.question)
        for _, one in found
        if one.source is SuggestionSource.FAQ and one.source_id in faqs
    )
    if len(items) < 2:
        raise NotSent("no_menu")
    head = visit.frame.words.label("desk", "menu_head")
    return Draft(text=head, line=None, reply_id=f"typed.{nonce}", how=TYPED, menu=items)


def _line(name: str) -> Line | None:
    return Line(name) if name in {str(one) for one in Line} else None


def _normal(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


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

    async def job(tx: AsyncConnection) -> bool:
        # Also for a session that ended meanwhile: what was begun has to end.
        begun = await desk_access.access_sending(visit.viewer, tx, key, who)
        if not await deliveries.end_by_hand(tx, key, is_sent=is_sent, now=now, by=visit.me, error=error):
            return False
        if is_sent:
            await _learn(visit, tx, begun, now)
        return True

    return web.json_response({"ok": await visit.write(job)})


async def _learn(visit: SidebarVisit, tx: AsyncConnection, begun: Delivery, now: datetime) -> None:
    """Record what became of the suggestion; words the person changed or wrote are kept as the person's own."""
    kind, _, number = begun.reply_id.partition(".")
    round_: Round | None = None
    is_offered = False
    if kind == "suggestion" and number.isdecimal():
        round_, one = await desk_access.access_suggestion(visit.viewer, tx, int(number))
        is_offered = _is_as_offered(begun, one)
        state = SuggestionState.USED if is_offered else SuggestionState.EDITED
        await suggestions.decide(tx, one.id, state, now=now, delivery_key=begun.key)
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
        line=_line(begun.line) or round_.line,
        faq_id=begun.faq_id,
        conversation_id=begun.conversation_id,
    )


def _is_as_offered(begun: Delivery, one: Suggestion) -> bool:
    """Say whether the suggestion went out unchanged; an introduction in front of it is no change."""
    if begun.outcome in (AS_OFFERED, EDITED):
        return begun.outcome == AS_OFFERED
    # Nobody reported for so long that the outcome tells that instead.
    return f"\n{_normal(begun.body.text)}".endswith(f"\n{_normal(one.text)}")


async def refuse(visit: SidebarVisit) -> web.Response:
    """Put a suggestion away as not fitting; it ranks lower for such questions from now on."""
    number, now = visit.number(), visit.ctx.console.clock.now()

    async def job(tx: AsyncConnection) -> bool:
        await desk_access.access_suggestion(visit.viewer, tx, number)
        return await suggestions.decide(tx, number, SuggestionState.REFUSED, now=now)

    return web.json_response({"ok": await visit.write(job)})

"""May this leave now? Asked of every delivery the moment before it is sent. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from content import compliance
from content.knowledge import Knowledge
from domain import handover
from domain.compliance import Audience, Speaker
from domain.delivery import Act, Body, CardFace, NewDelivery, Purpose
from domain.faq import MENU_PREFIX, EntityMode, Line
from domain.platform import SessionState
from store.deliveries import MOVES, Claimed

# The platform's limits for kf/send_msg (WeCom doc 94677).
WINDOW = timedelta(hours=48)
BUDGET = 5
# What stands so in a card to staff is quoted, mostly from a customer, who may say anything.
_QUOTED = re.compile(r"「[^」]*」")


class Verdict(StrEnum):
    """What the guard says; everything but GO is written to the delivery as its outcome."""

    GO = "go"
    OPTED_OUT = "opted_out"  # The customer wants nothing but service.
    EXPIRED = "expired"  # Its time has passed, e.g. the 20 seconds of a welcome.
    LATE = "late"  # An answer that could not leave while it was fresh.
    STOPPED = "stopped"  # The line was stopped meanwhile.
    NOT_SERVED = "not_served"  # The entry may not be served any more: expired, withdrawn, entity mode.
    COMPLIANCE = "compliance"  # The words break a rule.
    PERSON = "person"  # A person serves the customer; the bot is silent.
    MOVE = "move"  # From where the session is the platform does not allow this move.
    WINDOW = "window"  # 48 hours since the customer's last message.
    BUDGET = "budget"  # Five messages since then; wait for the next one.


def guard(held: Claimed, knowledge: Knowledge, now: datetime, fresh: timedelta) -> Verdict:
    """Return whether the delivery may leave at `now`, or the first reason why not."""
    delivery = held.delivery
    if delivery.expires_at is not None and now >= delivery.expires_at:
        return Verdict.EXPIRED
    if held.has_opted_out and delivery.purpose is not Purpose.SERVICE:
        return Verdict.OPTED_OUT
    wording = check_wording(delivery, knowledge)
    if wording is not Verdict.GO:
        return wording
    if delivery.act in MOVES:
        return _move(delivery.act, delivery.body, held.state)
    if delivery.body.code or delivery.conversation_id is None:
        return Verdict.GO
    if held.state in (SessionState.POOL, SessionState.SERVICER):
        return Verdict.PERSON
    last = held.last_customer_message_at
    if last is not None and now - last >= WINDOW:
        return Verdict.WINDOW
    # What may have been sent already is not said anew in other words: the same msgid tells whether it was.
    if delivery.turn_id is not None and delivery.attempted_at is None and now - delivery.created_at > fresh:
        return Verdict.LATE
    return Verdict.BUDGET if held.sent_since >= BUDGET else Verdict.GO


def _move(act: Act, body: Body, state: SessionState) -> Verdict:
    """Say whether the session may be moved, as far as we know where it is; the way out asks the platform again."""
    if state is SessionState.SERVICER and not body.taken_from:
        return Verdict.PERSON
    wanted = SessionState.SERVICER if body.servicers else SessionState.POOL
    if act is Act.END:
        wanted = SessionState.ENDED
    return Verdict.GO if handover.may_move(state, wanted) else Verdict.MOVE


def audience_of(delivery: NewDelivery) -> Audience:
    """Return who reads it: colleagues, a customer group or one customer."""
    match delivery.act:
        case Act.CARD | Act.CHAT | Act.PASSIVE:
            return Audience.STAFF
        case Act.GROUP_WELCOME:
            return Audience.GROUP
        case Act.MASS_SEND if delivery.body.chat_type == "group":
            return Audience.GROUP
        case Act.TEXT if delivery.conversation_id is None and not delivery.body.code:
            return Audience.STAFF
        case _:
            return Audience.CUSTOMER


def check_wording(delivery: NewDelivery, knowledge: Knowledge) -> Verdict:
    """Say whether these words may be said at all today; asked here of what does not leave by the outbox as well."""
    lines = [Line(line) for line in (*delivery.body.lines, delivery.line) if line]
    if knowledge.stopped.intersection(lines):
        return Verdict.STOPPED
    if delivery.faq_id and knowledge.refusal(delivery.faq_id) is not None:
        return Verdict.NOT_SERVED
    if _shows_refused_entry(delivery.body, knowledge):
        return Verdict.NOT_SERVED
    if any(_is_blocked(delivery, text, abouts, knowledge) for text, abouts in _said(delivery, lines)):
        return Verdict.COMPLIANCE
    return Verdict.GO


def _said(delivery: NewDelivery, lines: Sequence[Line]) -> list[tuple[str, Sequence[Line | None]]]:
    """Return every text of the delivery with the product lines whose risk words it must carry."""
    body, audience = delivery.body, audience_of(delivery)
    if audience is Audience.STAFF:
        return [(_QUOTED.sub("「」", text), (None,)) for text in (body.text, *_words_of(body.card))]
    if delivery.act in (Act.MASS_SEND, Act.GROUP_WELCOME):
        # As the check of the files: words of no line in particular must be right for any.
        attached = [text for one in body.attachments for text in (one.title, one.desc, one.url)]
        whole = "\n".join(text for text in (body.text, *attached) if text)
        return [(whole, lines or tuple(Line))]
    about = Line(delivery.line) if delivery.faq_id and delivery.line else None
    beside = (body.tail, body.notice, *(item.text for item in body.menu))
    return [(body.text, (about,)), *((text, (None,)) for text in beside)]


def _words_of(card: CardFace | None) -> list[str]:
    if card is None:
        return []
    rows = [text for row in card.rows for text in row]
    return [card.title, card.desc, card.text, *rows, *(button.text for button in card.buttons)]


def _is_blocked(
    delivery: NewDelivery, text: str, abouts: Sequence[Line | None], knowledge: Knowledge
) -> bool:
    audience, own = audience_of(delivery), Line(delivery.line) if delivery.line else None
    for about in abouts:
        line = about or own
        mode = knowledge.entity_modes[line] if line else EntityMode.LICENSED
        problems = knowledge.content.rules.check_text(text, Speaker.BOT, about, mode, audience)
        if compliance.is_blocking(problems, Speaker.BOT):
            return True
    return False


def _shows_refused_entry(body: Body, knowledge: Knowledge) -> bool:
    """Say whether a menu offers an entry that may not be served, or one withdrawn since."""
    for item in body.menu:
        faq = knowledge.find_by_menu_id(item.id)
        if faq is None and item.id.startswith(MENU_PREFIX):
            return True
        if faq is not None and knowledge.refusal(faq.id) is not None:
            return True
    return False

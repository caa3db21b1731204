"""From ids to words: fixed replies, answers and menus as messages ready for the outbox.

A text that nobody approved yields None and is left out; the case that is opened beside it stays.
"""

from __future__ import annotations

from collections.abc import Iterable

from content import reply_files
from domain.delivery import MenuItem
from domain.faq import Faq, Match
from domain.replies import HANDOVER_MENU_ID, FixedReply
from domain.reply import Say
from handlers.context import Context

# The head of a clickable menu and a plain text, in bytes of UTF-8 (WeCom doc 94677).
HEAD_LIMIT_BYTES = 1024
TEXT_LIMIT_BYTES = 2048
ITEM_LIMIT_BYTES = 128
_FOLLOW_UPS = 2


def fixed(ctx: Context, reply_id: str, **values: str) -> Say | None:
    """Return the fixed reply with its slots filled and its menu, or None when it may not be said."""
    reply = ctx.knowledge.replies.get(reply_id)
    if reply is None:
        return None
    slots = {**ctx.rules.facts, **values}
    return Say(
        text=reply_files.fill(reply.text, slots),
        menu=tuple(menu_items(ctx, reply)),
        tail=reply_files.fill(reply.tail, slots) if reply.tail else "",
        reply_id=reply_id,
        content_version_id=ctx.knowledge.version_id("reply", reply_id),
    )


def answer(ctx: Context, faq: Faq, *, prefix: str = "") -> Say:
    """Return an entry's answer with its risk lines, and what can be tapped next.

    `prefix`: words before the answer, e.g. an apology. Without room for a menu the answer goes as plain text.
    """
    text = ctx.knowledge.content.answer_text(faq, ctx.rules.facts, today=ctx.knowledge.today)
    text = f"{prefix}\n\n{text}" if prefix else text
    fits = len(text.encode()) <= HEAD_LIMIT_BYTES
    return Say(
        text=text,
        menu=tuple(_next_taps(ctx, faq)) if fits else (),
        faq_id=faq.id,
        line=faq.line,
        content_version_id=ctx.knowledge.version_id("faq", faq.id),
    )


def answer_after(ctx: Context, faq: Faq, before: Say) -> tuple[Say, ...]:
    """Return the answer with words before it: in one message, or in two when only so the taps below it fit."""
    joined = answer(ctx, faq, prefix=before.text)
    alone = answer(ctx, faq)
    return (joined,) if joined.menu or not alone.menu else (before, alone)


def choices(ctx: Context, matches: Iterable[Match]) -> Say | None:
    """Return a menu of the entries that may be meant, with a person as the last line."""
    items = [
        item(ctx.knowledge.faqs[match.faq_id].menu_id, ctx.knowledge.faqs[match.faq_id].question)
        for match in matches
    ]
    head = fixed(ctx, "menu_one" if len(items) == 1 else "menu_head")
    if head is None:
        return None
    return Say(
        text=head.text,
        menu=(*items, *_person(ctx)),
        tail=head.tail,
        reply_id=head.reply_id,
        content_version_id=head.content_version_id,
    )


def menu_items(ctx: Context, reply: FixedReply) -> Iterable[MenuItem]:
    """Yield the lines of a fixed reply's menu that may be shown: entries only while they may be served."""
    for entry in reply.menu:
        faq = ctx.knowledge.faqs.get(entry.id)
        if faq is not None and ctx.knowledge.refusal(faq.id) is None:
            yield item(faq.menu_id, entry.text or faq.question)
        elif faq is None and "." not in entry.id:
            yield item(entry.id, entry.text)


def item(menu_id: str, text: str) -> MenuItem:
    """Return a clickable line, cut to what the platform takes."""
    return MenuItem(id=menu_id, text=_cut(text, ITEM_LIMIT_BYTES))


def _next_taps(ctx: Context, faq: Faq) -> Iterable[MenuItem]:
    shown = 0
    for follow_up in faq.follow_ups:
        if shown < _FOLLOW_UPS and ctx.knowledge.refusal(follow_up) is None:
            yield item(ctx.knowledge.faqs[follow_up].menu_id, ctx.knowledge.faqs[follow_up].question)
            shown += 1
    if faq.handover and not faq.handover_at_once:
        yield from _person(ctx)


def _person(ctx: Context) -> Iterable[MenuItem]:
    offer = ctx.knowledge.replies.get("handover_offer")
    if offer is not None:
        yield item(HANDOVER_MENU_ID, offer.text)


def _cut(text: str, limit_bytes: int) -> str:
    return text.encode()[:limit_bytes].decode(errors="ignore")

"""From ids to words: fixed replies, answers and menus as messages ready for the outbox.

A text that nobody approved yields None and is left out; the case that is opened beside it stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

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
SOURCE_PREFIX = "src_"


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


def answer(ctx: Context, faq: Faq, *, prefix: str = "", asks_for: str = "") -> Say:
    """Return an entry's answer with its risk lines, and what can be tapped next.

    `prefix`: words before the answer, e.g. an apology. `asks_for`: numbers that would let us work out the customer's
    own case. Without room for a menu the answer goes as plain text.
    """
    text = ctx.knowledge.content.answer_text(faq, ctx.rules.facts, today=ctx.knowledge.today)
    asking = fixed(ctx, "slots_missing", missing=asks_for) if asks_for else None
    return _as_answer(ctx, faq, "\n\n".join(filter(None, [prefix, text, asking.text if asking else ""])))


def without_own(ctx: Context, faq: Faq) -> Say | None:
    """Return what is true of an entry without the company's own steps, and that a colleague knows them."""
    own = fixed(ctx, "own_missing")
    if own is None or not faq.short:
        return own
    short = reply_files.fill(faq.short, ctx.rules.facts)
    return replace(own, text="\n\n".join([short, _risk_lines(ctx, faq), own.text]), line=faq.line)


def asking(ctx: Context, faq: Faq, missing: str) -> Say | None:
    """Return the question for the numbers that are still missing."""
    say = fixed(ctx, "slots_missing", missing=missing)
    return None if say is None else replace(say, line=faq.line)


def computed(ctx: Context, faq: Faq, values: Mapping[str, str]) -> Say:
    """Return an entry's answer worked out with the customer's numbers, its risk lines below."""
    said = reply_files.fill(faq.computed, {**ctx.rules.facts, **values})
    return _as_answer(ctx, faq, "\n\n".join([said, _risk_lines(ctx, faq)]).strip())


def both(ctx: Context, first: Faq, second: Faq) -> Say | None:
    """Return two answers in one message, each in short under its question, the full ones to tap.

    None when that is too long for a message with a menu.
    """
    head = fixed(ctx, "two_answers")
    if head is None:
        return None
    faqs = (first, second)
    parts = [
        f"{number}. {faq.question}\n{reply_files.fill(faq.short_on(ctx.knowledge.today), ctx.rules.facts)}"
        for number, faq in enumerate(faqs, start=1)
    ]
    codes = dict.fromkeys(code for faq in faqs for code in faq.risk_lines)
    risk = "\n".join(ctx.knowledge.content.risk_lines[code] for code in codes)
    text = "\n\n".join([head.text, *parts, risk])
    if len(text.encode()) > HEAD_LIMIT_BYTES:
        return None
    return Say(
        text=text,
        menu=(*(item(faq.menu_id, faq.question) for faq in faqs), *_person(ctx)),
        tail=head.tail,
        reply_id=head.reply_id,
        faq_id=first.id,
        line=first.line,
        content_version_id=ctx.knowledge.version_id("faq", first.id),
    )


def _as_answer(ctx: Context, faq: Faq, text: str) -> Say:
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


def source_menu_id(faq: Faq) -> str:
    """Return the id of the line that asks where an entry's answer comes from."""
    return SOURCE_PREFIX + faq.menu_id


def item(menu_id: str, text: str) -> MenuItem:
    """Return a clickable line, cut to what the platform takes."""
    return MenuItem(id=menu_id, text=_cut(text, ITEM_LIMIT_BYTES))


def next_questions(ctx: Context, faq: Faq) -> Iterable[MenuItem]:
    """Yield what customers ask next after an entry, as far as it may be served."""
    served = [other for other in faq.follow_ups if ctx.knowledge.refusal(other) is None]
    for other in served[:_FOLLOW_UPS]:
        yield item(ctx.knowledge.faqs[other].menu_id, ctx.knowledge.faqs[other].question)


def _next_taps(ctx: Context, faq: Faq) -> Iterable[MenuItem]:
    yield from next_questions(ctx, faq)
    source = ctx.knowledge.replies.get("source_offer")
    if source is not None:
        yield item(source_menu_id(faq), source.text)
    if faq.handover and not faq.handover_at_once:
        yield from _person(ctx)


def _risk_lines(ctx: Context, faq: Faq) -> str:
    return "\n".join(ctx.knowledge.content.risk_lines[code] for code in faq.risk_lines)


def _person(ctx: Context) -> Iterable[MenuItem]:
    offer = ctx.knowledge.replies.get("handover_offer")
    if offer is not None:
        yield item(HANDOVER_MENU_ID, offer.text)


def _cut(text: str, limit_bytes: int) -> str:
    return text.encode()[:limit_bytes].decode(errors="ignore")

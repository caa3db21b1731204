"""A customer's turn: what it shows, what it asks, and the one reply it gets.

The order matters: who may speak at all, then time, then danger and people, then taps, pictures, small talk, and the
question itself last. A wrong or unlawful answer is worse than none, so every branch ends in words somebody approved,
a menu, or a person.
"""

from __future__ import annotations

from dataclasses import replace

from content import turns
from domain.case import CaseKind, CaseWanted
from domain.faq import Choice, Decision, HandoverCode, Match
from domain.handover import CHOICES
from domain.happenings import CustomerSpoke
from domain.people import OptOutSource, OptOutWanted
from domain.platform import MessageKind
from domain.replies import HANDOVER_MENU_ID, OPT_OUT_MENU_ID, AnswerKind, SignalHit, SignalKind
from domain.reply import Reply, Say
from domain.talk import BOT_MAY_SPEAK, Turn
from handlers import after_idle, answering, handover, wording
from handlers.context import Context
from handlers.router import Router
from store import deliveries

router = Router()

SILENT = Reply(decision=AnswerKind.SILENT)
RATING_PREFIX = "sat_"
_RATINGS = frozenset({"1", "2", "3", "4"})
# These are heard at any hour and at any age of the message.
_NEVER_LATE = frozenset({SignalKind.SELF_HARM, SignalKind.FRAUD, SignalKind.COMPLAINT, SignalKind.VULNERABLE})
# Why a case is due at once (console/words.toml says it in Chinese).
_URGENT_REASONS = {SignalKind.FRAUD: "fraud"}
# The fixed reply to each kind of message that the bot cannot read.
_KIND_REPLIES = {
    MessageKind.IMAGE: "kind.image",
    MessageKind.VOICE: "kind.voice",
    MessageKind.VIDEO: "kind.video",
    MessageKind.FILE: "kind.file",
    MessageKind.LOCATION: "kind.location",
    MessageKind.LINK: "kind.link",
    MessageKind.BUSINESS_CARD: "kind.card",
    MessageKind.MINIPROGRAM: "kind.miniprogram",
    MessageKind.UNKNOWN: "kind.sticker",  # The platform names no kind for a sticker; it arrives as one we do not know.
}
_SMALLTALK = {
    SignalKind.GREETING: "greeting",
    SignalKind.FRAGMENT: "greeting",
    SignalKind.THANKS: "thanks",
    SignalKind.GOODBYE: "goodbye",
}


@router.on(CustomerSpoke)
async def answer_turn(event: CustomerSpoke, ctx: Context) -> Reply:
    """Return the reply to a turn. An opt-out counts whatever the reply is, even while the bot is silent."""
    wanted = _opt_out(event.turn, ctx)
    reply = await _answer(event.turn, ctx)
    return reply if wanted is None else _with_opt_out(reply, wanted, ctx)


async def _answer(turn: Turn, ctx: Context) -> Reply:
    conversation = turn.conversation
    if conversation.state not in BOT_MAY_SPEAK or not ctx.rules.may_serve(conversation.account_id):
        return SILENT
    if not turn.bubbles:
        return SILENT  # Everything was taken back before it was read.
    if turn.blocked:
        blocked = await _answer_blocked(turn, ctx)
        if blocked is not None:
            return blocked
    clicked = turn.bubbles[-1].menu_id
    if clicked.startswith(RATING_PREFIX):
        return _record_rating(clicked, ctx)
    danger = await _answer_signal(turn, ctx, only=_NEVER_LATE)
    if danger is not None:
        return danger
    if _opt_out(turn, ctx) is not None and (clicked == OPT_OUT_MENU_ID or not turns.asks(turn.typed)):
        return Reply(decision=AnswerKind.SMALLTALK)
    if ctx.now - turn.last_sent_at > ctx.rules.fresh or turn.blocked == "late":
        return await _answer_late(turn, ctx)
    tapped = await _answer_tap(turn, clicked, ctx) if clicked else None
    return tapped or await _answer_fresh(turn, ctx)


async def _answer_fresh(turn: Turn, ctx: Context) -> Reply:
    urgent = await _answer_signal(turn, ctx)
    if urgent is not None:
        return urgent
    typed = turn.text.strip()
    if not typed or turns.is_wordless(typed):
        return await _answer_kind(turn, ctx)
    smalltalk = _answer_smalltalk(turn, ctx)
    if turn.unread is not None and not turns.is_whole_question(typed, ctx.knowledge.content.signals):
        # "看看" and a picture: what matters is in the picture, and that nobody can look inside.
        return await _answer_kind(turn, ctx)
    return smalltalk or await answering.answer_remark(turn, ctx) or await answering.answer_question(turn, ctx)


async def _answer_blocked(turn: Turn, ctx: Context) -> Reply | None:
    """Decide anew when the first answer could not leave; None when the turn is simply decided again."""
    match turn.blocked:
        case "window":
            case = CaseWanted(kind=CaseKind.QUESTION, reason=turn.blocked)
            return Reply(decision=AnswerKind.LATE, case=case)
        case "nobody":
            # The words before the transfer have been said, and the case is open.
            return await handover.hand_over(
                ctx, turn.conversation, code=HandoverCode.H1, nobody=True, joins_any=True
            )
        case "compliance":
            unknown = wording.fixed(ctx, "unknown_handover")
            return await handover.hand_over(ctx, turn.conversation, code=HandoverCode.H9, says=(unknown,))
    return None


# --- opt-out ------------------------------------------------------------------------------------------------


def _opt_out(turn: Turn, ctx: Context) -> OptOutWanted | None:
    """Return the wish to get nothing but service, by words or by a tap; None when there is none."""
    if any(bubble.menu_id == OPT_OUT_MENU_ID for bubble in turn.bubbles):
        return OptOutWanted(source=OptOutSource.MENU, evidence=OPT_OUT_MENU_ID)
    hits = ctx.knowledge.content.signals.find(turn.typed)
    hit = next((hit for hit in hits if hit.kind is SignalKind.OPT_OUT), None)
    return None if hit is None else OptOutWanted(source=OptOutSource.WORDS, evidence=hit.id)


def _with_opt_out(reply: Reply, wanted: OptOutWanted, ctx: Context) -> Reply:
    """Return the reply with the opt-out, and the confirmation where the bot speaks at all."""
    is_quiet = reply.decision is AnswerKind.SILENT or reply.wait_until is not None
    done = None if is_quiet or reply.transfer is not None else wording.fixed(ctx, "opt_out_done")
    says = reply.says if done is None else (*reply.says, done)
    return replace(reply, opt_out=wanted, says=says)


# --- late ---------------------------------------------------------------------------------------------------


async def _answer_late(turn: Turn, ctx: Context) -> Reply:
    """Apologise once, with the answer to the latest question where that is sure, else with a case for a person."""
    if not ctx.rules.hours.is_open(ctx.now):
        opening = ctx.rules.hours.next_opening(ctx.now)
        if opening is not None:
            return Reply(decision=AnswerKind.LATE, wait_until=opening)
    question = _latest_question(turn, ctx)
    urgent = [hit for hit in ctx.knowledge.content.signals.find(turn.text) if hit.code is not None]
    decision = await ctx.decide(question) if question and not urgent else Decision(choice=Choice.UNKNOWN)
    faq = answering.sure_answer(decision, ctx)
    apology = wording.fixed(ctx, "late_apology")
    if faq is not None and apology is not None and not faq.handover_at_once:
        return Reply(
            decision=AnswerKind.LATE,
            says=wording.answer_after(ctx, faq, apology),
            matches=decision.matches,
            used_faq_ids=(faq.id,),
            misses=0,
        )
    kind, reason = _case_of(urgent, "late")
    late = wording.fixed(ctx, "late_case", case_no="{case_no}")
    return Reply(
        decision=AnswerKind.LATE,
        says=() if late is None else (late,),
        case=CaseWanted(kind=kind, reason=reason),
        matches=decision.matches,
    )


def _latest_question(turn: Turn, ctx: Context) -> str:
    texts = [bubble.text for bubble in turn.bubbles if bubble.is_typed and bubble.text.strip()]
    whole = [text for text in texts if turns.is_whole_question(text, ctx.knowledge.content.signals)]
    return (whole or texts or [""])[-1]


# --- taps ---------------------------------------------------------------------------------------------------


async def _answer_tap(turn: Turn, clicked: str, ctx: Context) -> Reply | None:
    """Answer a tap on a menu; None when the line means nothing any more, then its text counts as a question."""
    if clicked in CHOICES:
        return await after_idle.answer_choice(turn, CHOICES[clicked], ctx)
    if clicked == HANDOVER_MENU_ID:
        return await handover.hand_over(ctx, turn.conversation, code=HandoverCode.H1)
    asks_source = clicked.startswith(wording.SOURCE_PREFIX)
    faq = ctx.knowledge.find_by_menu_id(clicked.removeprefix(wording.SOURCE_PREFIX))
    if faq is None:
        return None
    if asks_source:
        return await answering.answer_source(turn, faq, ctx)
    chosen = Match(faq_id=faq.id, score=1.0, confidence=1.0, reasons=("tap",))
    return await answering.answer_entry(turn, faq, (chosen,), ctx)


def _record_rating(clicked: str, ctx: Context) -> Reply:
    """Take the answer to "how was it", however late; a rating nobody offered is passed over."""
    score = clicked.removeprefix(RATING_PREFIX)
    if score not in _RATINGS:
        return SILENT
    say = wording.fixed(ctx, "satisfaction_thanks" if int(score) >= 3 else "satisfaction_sorry")
    return Reply(decision=AnswerKind.SMALLTALK, says=() if say is None else (say,), rating=int(score))


# --- danger, complaint, a person ----------------------------------------------------------------------------


async def _answer_signal(
    turn: Turn, ctx: Context, *, only: frozenset[SignalKind] | None = None
) -> Reply | None:
    """Hand over at once where the words show danger, fraud, a complaint or the wish for a person.

    `only`: look for these alone.
    """
    hits = [
        hit
        for hit in ctx.knowledge.content.signals.find(turn.typed)
        if hit.code is not None and (only is None or hit.kind in only)
    ]
    if not hits:
        return None
    kind, reason = _case_of(hits, "H1")
    if hits[0].kind is SignalKind.SELF_HARM:
        return await handover.stand_by(ctx, turn.conversation)
    return await handover.hand_over(
        ctx,
        turn.conversation,
        code=_URGENT_REASONS.get(hits[0].kind, reason),
        says=(_words_for(hits[0], ctx),),
        kind=kind,
        is_urgent=hits[0].kind in _URGENT_REASONS,
    )


def _words_for(hit: SignalHit, ctx: Context) -> Say | None:
    """Return what is said before the hand-over."""
    match hit.kind:
        case SignalKind.FRAUD:
            return wording.fixed(ctx, "fraud_line")
        case SignalKind.COMPLAINT:
            return wording.fixed(ctx, "complaint_received", case_no="{case_no}", due_on="{due_on}")
        case SignalKind.VULNERABLE:
            return wording.fixed(ctx, f"vulnerable.{hit.id}") or wording.fixed(ctx, "vulnerable.elderly")
    return None


def _case_of(hits: list[SignalHit], otherwise: str) -> tuple[CaseKind, str]:
    """Return what case the signals ask for: a complaint stays one even when fraud is louder."""
    kind = CaseKind.COMPLAINT if any(hit.kind is SignalKind.COMPLAINT for hit in hits) else CaseKind.QUESTION
    return kind, str(hits[0].code) if hits and hits[0].code else otherwise


# --- what the bot cannot read, and small talk ---------------------------------------------------------------


async def _answer_kind(turn: Turn, ctx: Context) -> Reply:
    """Answer a picture, voice or the like: once per session and kind, then stay quiet."""
    unread = turn.unread
    # Without one the customer typed signs only, which is a sticker in all but name.
    reply_id = _KIND_REPLIES.get(MessageKind(unread.kind), "kind.other") if unread else "kind.sticker"
    since = turn.conversation.session_started_at
    if await deliveries.count_replies_since(ctx.tx, turn.conversation.id, reply_id, since):
        return SILENT
    say = wording.fixed(ctx, reply_id)
    return Reply(decision=AnswerKind.KIND_REPLY, says=() if say is None else (say,))


def _answer_smalltalk(turn: Turn, ctx: Context) -> Reply | None:
    """Answer a greeting, thanks or goodbye that says nothing else, and what needs no entry: our own telephone."""
    hits = [hit for hit in ctx.knowledge.content.signals.find(turn.text) if hit.code is None]
    for hit in hits:
        if hit.kind is SignalKind.SENSITIVE:
            say = wording.fixed(ctx, "sensitive")
        elif hit.kind is SignalKind.CONTACT:
            say = wording.fixed(ctx, "contact")
        elif hit.whole and hit.kind in _SMALLTALK:
            say = wording.fixed(ctx, _SMALLTALK[hit.kind])
        else:
            continue
        return Reply(decision=AnswerKind.SMALLTALK, says=() if say is None else (say,))
    return None

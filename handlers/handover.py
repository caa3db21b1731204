"""Giving a customer to a person, or saying honestly when one will be there.

State 3 where somebody on duty can take one more customer, the waiting pool where those on duty are full, and no move at
all out of hours or with nobody there: then the customer learns when a person is back, a case is open, and the bot goes
on answering. Who is chosen: scheduler/rostering.py. What the person reads first: handlers/handover_note.py.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from domain.case import CaseKind, CaseWanted
from domain.faq import HandoverCode, Match
from domain.handover import HandoverWanted
from domain.replies import AnswerKind
from domain.reply import Reply, Say, Transfer
from domain.talk import Conversation
from handlers import handover_note, wording
from handlers.context import Context
from scheduler import rostering

# From this confidence on a match tells which product line the customer's matter belongs to.
_LINE_AT = 0.5


async def hand_over(
    ctx: Context,
    conversation: Conversation,
    *,
    code: HandoverCode | str,
    says: tuple[Say | None, ...] = (),
    kind: CaseKind = CaseKind.QUESTION,
    decision: AnswerKind = AnswerKind.HANDOVER,
    note: str = "",
    nobody: bool = False,
    is_urgent: bool = False,
    joins_any: bool = False,
    matches: Sequence[Match] = (),
    without: Collection[str] = (),
) -> Reply:
    """Return the reply that gives the conversation to a person.

    `says`: words before it (the fraud line, the answer). `nobody`: an earlier try found no one, so do not try again.
    `is_urgent`, `joins_any`: see CaseWanted. `matches`: what the question was held against, for its product line.
    `without`: people the customer shall not get.
    """
    spoken = [say for say in says if say is not None]
    # Danger, fraud and complaints go to whoever is there: no product is talked about.
    is_any_line = is_urgent or kind is CaseKind.COMPLAINT
    line = "" if is_any_line else line_of(ctx, conversation, spoken, matches)
    transfer: Transfer | None = None
    if not ctx.rules.hours.is_open(ctx.now):
        spoken += _present(
            wording.fixed(ctx, "handover_out_of_hours", opens_at=opens_at(ctx), case_no="{case_no}")
        )
    else:
        transfer = None if nobody else await _find_transfer(ctx, conversation, line, without)
        if transfer is None:
            spoken += _present(wording.fixed(ctx, "handover_nobody", case_no="{case_no}"))
    return Reply(
        decision=decision,
        says=tuple(spoken),
        transfer=transfer,
        case=CaseWanted(kind=kind, reason=str(code), note=note, is_urgent=is_urgent, joins_any=joins_any),
        misses=0,
        handover=await _wanted(ctx, conversation, str(code), line, spoken),
    )


async def stand_by(ctx: Context, conversation: Conversation) -> Reply:
    """Return the reply to somebody in danger: true words only, a case that is due now, a person where there is one."""
    is_open = ctx.rules.hours.is_open(ctx.now)
    transfer = await _find_transfer(ctx, conversation, "", ()) if is_open else None
    if transfer is None:
        back = "" if is_open else opens_at(ctx)  # In open hours nobody is receiving; no time can be promised.
        say = wording.fixed(ctx, "crisis.closed", opens_at=back, case_no="{case_no}")
    else:
        say = wording.fixed(ctx, "crisis.open")
        transfer = replace(transfer, notice="", waiting="")
    return Reply(
        decision=AnswerKind.HANDOVER,
        says=tuple(_present(say)),
        transfer=transfer,
        case=CaseWanted(kind=CaseKind.QUESTION, reason="crisis", is_urgent=True),
        misses=0,
        handover=await _wanted(ctx, conversation, "crisis", "", ()),
    )


def line_of(
    ctx: Context, conversation: Conversation, says: Sequence[Say] = (), matches: Sequence[Match] = ()
) -> str:
    """Return the product line of the customer's matter: of the words said, of a likely match, of the talk; or ""."""
    said = next((say.line for say in says if say.line), "")
    likely = next((match.faq_id for match in matches if match.confidence >= _LINE_AT), "")
    topic = conversation.topic
    if not likely and topic is not None and topic.at >= conversation.session_started_at:
        likely = topic.faq_id
    faq = ctx.knowledge.faqs.get(likely)
    return said or (str(faq.line) if faq is not None else "")


def opens_at(ctx: Context) -> str:
    """Return when people serve next in a customer's words (content/replies/opening.toml); empty when unknown."""
    opening = ctx.rules.hours.next_opening(ctx.now)
    if opening is None:
        return ""
    local = opening.astimezone(ctx.rules.hours.zone)
    days = (local.date() - ctx.rules.hours.today(ctx.now)).days
    reply_id = {0: "opens.today", 1: "opens.tomorrow"}.get(days, "opens.day")
    say = wording.fixed(ctx, reply_id, time=f"{local:%H:%M}", month=str(local.month), day=str(local.day))
    return say.text if say else f"{local:%m-%d %H:%M}"


async def _find_transfer(
    ctx: Context, conversation: Conversation, line: str, without: Collection[str]
) -> Transfer | None:
    """Return whom to give the session to; None when nobody is receiving who might."""
    chosen = await rostering.find(
        ctx.tx, conversation.account_id, ctx.rules.roster, ctx.now, line=line, without=without
    )
    if not chosen.servicers and not chosen.may_queue:
        return None
    waiting = wording.fixed(ctx, "handover_waiting")
    waiting_text = waiting.text if waiting else ""
    if not chosen.servicers:
        return Transfer(servicers=(), notice=waiting_text, waiting=waiting_text)
    unnamed = wording.fixed(ctx, "servicer.unnamed")
    assigned = wording.fixed(ctx, "handover_assigned", servicer=unnamed.text if unnamed else "")
    return Transfer(
        servicers=chosen.servicers,
        notice=assigned.text if assigned else "",
        room=tuple(chosen.room[name] for name in chosen.servicers),
        waiting=waiting_text,
    )


async def _wanted(
    ctx: Context, conversation: Conversation, reason: str, line: str, says: Sequence[Say]
) -> HandoverWanted:
    entries = [say.faq_id for say in says if say.faq_id]
    note = await handover_note.compose(ctx.tx, ctx.knowledge, conversation, also_answered=entries)
    return HandoverWanted(reason=reason, line=line, note=note)


def _present(say: Say | None) -> list[Say]:
    return [] if say is None else [say]

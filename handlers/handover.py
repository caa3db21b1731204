"""Giving a customer to a person, or saying honestly when one will be there.

State 3 where somebody on duty is receiving, the waiting pool where others are, and no move at all out of hours or
with nobody there: then the customer learns when a person is back, a case is open, and the bot goes on answering.
"""

from __future__ import annotations

from dataclasses import replace

from domain.case import CaseKind, CaseWanted
from domain.faq import HandoverCode
from domain.replies import AnswerKind
from domain.reply import Reply, Say, Transfer
from domain.talk import Conversation
from handlers import wording
from handlers.context import Context
from store import accounts, conversations


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
) -> Reply:
    """Return the reply that gives the conversation to a person.

    `says`: words before it (the fraud line, the answer). `nobody`: an earlier try found no one, so do not try again.
    `is_urgent`, `joins_any`: see CaseWanted.
    """
    spoken = [say for say in says if say is not None]
    transfer: Transfer | None = None
    if not ctx.rules.hours.is_open(ctx.now):
        spoken += _present(
            wording.fixed(ctx, "handover_out_of_hours", opens_at=opens_at(ctx), case_no="{case_no}")
        )
    else:
        transfer = None if nobody else await _find_transfer(ctx, conversation)
        if transfer is None:
            spoken += _present(wording.fixed(ctx, "handover_nobody", case_no="{case_no}"))
    return Reply(
        decision=decision,
        says=tuple(spoken),
        transfer=transfer,
        case=CaseWanted(kind=kind, reason=str(code), note=note, is_urgent=is_urgent, joins_any=joins_any),
        misses=0,
    )


async def stand_by(ctx: Context, conversation: Conversation) -> Reply:
    """Return the reply to somebody in danger: true words only, a case that is due now, a person where there is one."""
    is_open = ctx.rules.hours.is_open(ctx.now)
    transfer = await _find_transfer(ctx, conversation) if is_open else None
    if transfer is None:
        back = "" if is_open else opens_at(ctx)  # In open hours nobody is receiving; no time can be promised.
        say = wording.fixed(ctx, "crisis.closed", opens_at=back, case_no="{case_no}")
    else:
        say = wording.fixed(ctx, "crisis.open")
        transfer = replace(transfer, notice="")
    return Reply(
        decision=AnswerKind.HANDOVER,
        says=tuple(_present(say)),
        transfer=transfer,
        case=CaseWanted(kind=CaseKind.QUESTION, reason="crisis", is_urgent=True),
        misses=0,
    )


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


async def _find_transfer(ctx: Context, conversation: Conversation) -> Transfer | None:
    """Return whom to give the session to; None when nobody is receiving."""
    receiving = await accounts.list_receiving(ctx.tx, conversation.account_id)
    if ctx.rules.pilot_advisors:
        receiving = [name for name in receiving if name in ctx.rules.pilot_advisors]
    if not receiving:
        return None
    on_duty = [name for name in ctx.rules.duty if name in receiving]
    if not on_duty:
        waiting = wording.fixed(ctx, "handover_waiting")
        return Transfer(servicers=(), notice=waiting.text if waiting else "")
    load = await conversations.count_sessions(ctx.tx, on_duty)
    on_duty.sort(key=lambda name: load.get(name, 0))
    unnamed = wording.fixed(ctx, "servicer.unnamed")
    assigned = wording.fixed(ctx, "handover_assigned", servicer=unnamed.text if unnamed else "")
    return Transfer(servicers=tuple(on_duty), notice=assigned.text if assigned else "")


def _present(say: Say | None) -> list[Say]:
    return [] if say is None else [say]

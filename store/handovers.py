"""Hand-overs: customers given to a person, from the wish to the end. At most one of a conversation is open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.handover import (
    Handover,
    HandoverChoice,
    HandoverEnd,
    HandoverNote,
    HandoverState,
    HandoverWanted,
    Promised,
)
from domain.platform import MessageKind, SessionState
from domain.talk import Author, Conversation
from store import conversations
from store.tables import (
    conversation,
    delivery,
    handover,
    kf_cursor,
    kf_servicer,
    kf_state,
    message,
    message_body,
    turn,
)

_IS_OPEN = sa.text("handover.state <> 'ended'")
_MOST_UNANSWERED = 30
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True)
class OpenHandover:
    """An open hand-over with its talk as we know it. `is_moving`: a move of the session is on its way out.

    `read_at`: when the account's log was last read to its end; what a person answered since is not known.
    """

    handover: Handover
    talk: Conversation
    is_moving: bool
    read_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Unanswered:
    """Something the customer said that no person has answered yet."""

    message_id: int
    kind: str
    text: str
    sent_at: datetime


async def record_wish(
    tx: AsyncConnection,
    wanted: HandoverWanted,
    *,
    conversation_id: int,
    turn_id: int | None,
    case_id: int | None,
    staff: str,
    now: datetime,
) -> int:
    """Begin a hand-over, or take up the one that still waits; return its id. `staff`: who is about to get it."""
    current = await find_open(tx, conversation_id)
    if current is not None and current.state is HandoverState.WAITING:
        changes: dict[str, Any] = {"staff_platform_id": staff[:64]}
        if case_id is not None:
            changes["case_id"] = case_id
        await _change(tx, current.id, **changes)
        return current.id
    if current is not None:
        # The bot speaks again, so nobody serves: the end came without a word to us.
        await end(tx, conversation_id, HandoverEnd.LAPSED, now)
    row = {
        "conversation_id": conversation_id,
        "turn_id": turn_id,
        "case_id": case_id,
        "reason": wanted.reason[:64],
        "line": wanted.line,
        "asked_at": now,
        "state": HandoverState.WAITING,
        "staff_platform_id": staff[:64],
        "note": _note_body(wanted.note),
    }
    return int((await tx.execute(sa.insert(handover).values(row).returning(handover.c.id))).scalar_one())


async def assign(
    tx: AsyncConnection, conversation_id: int, staff: str, now: datetime, *, reason: str = "taken"
) -> Handover:
    """Record that a person serves now, and return the hand-over. `reason`: of one that nobody has asked for."""
    current = await find_open(tx, conversation_id)
    if current is None:
        wanted = HandoverWanted(reason=reason)
        begun = await record_wish(
            tx,
            wanted,
            conversation_id=conversation_id,
            turn_id=None,
            case_id=None,
            staff=staff,
            now=now,
        )
        await _change(tx, begun, state=HandoverState.SERVING, assigned_at=now)
    elif current.state is not HandoverState.SERVING or current.staff_platform_id != staff:
        await _change(
            tx, current.id, state=HandoverState.SERVING, staff_platform_id=staff[:64], assigned_at=now
        )
    found = await find_open(tx, conversation_id)
    assert found is not None
    return found


async def set_coming(tx: AsyncConnection, conversation_id: int, staff: str) -> None:
    """Record who is about to get a customer who waits, "" for nobody in particular."""
    await tx.execute(
        sa.update(handover)
        .where(
            handover.c.conversation_id == conversation_id, _IS_OPEN, handover.c.state == HandoverState.WAITING
        )
        .values(staff_platform_id=staff[:64])
    )


async def record_reply(
    tx: AsyncConnection, conversation_id: int, first_at: datetime, last_at: datetime
) -> None:
    """Record that the person wrote to the customer."""
    its = handover.c
    await tx.execute(
        sa.update(handover)
        .where(its.conversation_id == conversation_id, _IS_OPEN)
        .values(first_reply_at=sa.func.coalesce(its.first_reply_at, first_at), last_reply_at=last_at)
    )


async def end(tx: AsyncConnection, conversation_id: int, kind: HandoverEnd, now: datetime) -> int | None:
    """Record the end of the open hand-over; return its id, None when none is open."""
    changes: dict[str, Any] = {"state": HandoverState.ENDED, "end_kind": kind, "ended_at": now}
    done = await tx.execute(
        sa.update(handover)
        .where(handover.c.conversation_id == conversation_id, _IS_OPEN)
        .values(**changes)
        .returning(handover.c.id)
    )
    found = done.scalar_one_or_none()
    return None if found is None else int(found)


async def set_apologised(tx: AsyncConnection, conversation_id: int, now: datetime) -> None:
    """Record that the customer was told sorry for the latest session that was left idle."""
    latest = await find_latest_idle(tx, conversation_id)
    if latest is not None and latest.apologised_at is None:
        await _change(tx, latest.id, apologised_at=now)


async def find_last_try(tx: AsyncConnection, one: Handover, reply_id: str) -> datetime | None:
    """Return when the session was last tried to be ended with these words.

    None where that was never tried, or another move came after it.
    """
    wanted = (
        sa.select(delivery.c.act, delivery.c.reply_id, delivery.c.attempted_at)
        .where(
            delivery.c.conversation_id == one.conversation_id,
            delivery.c.act.in_(("transfer", "end")),
            delivery.c.created_at >= one.asked_at,
        )
        .order_by(delivery.c.id.desc())
        .limit(1)
    )
    row = (await tx.execute(wanted)).one_or_none()
    return row.attempted_at if row is not None and (row.act, row.reply_id) == ("end", reply_id) else None


async def set_choice(tx: AsyncConnection, conversation_id: int, choice: HandoverChoice) -> bool:
    """Record what the customer chose after the latest session that was left idle; False when none was."""
    latest = await find_latest_idle(tx, conversation_id)
    if latest is None:
        return False
    await _change(tx, latest.id, choice=choice)
    return True


async def find(tx: AsyncConnection, handover_id: int) -> Handover | None:
    """Return a hand-over, or None."""
    row = (await tx.execute(sa.select(handover).where(handover.c.id == handover_id))).one_or_none()
    return None if row is None else handover_of(row)


async def find_open(tx: AsyncConnection, conversation_id: int) -> Handover | None:
    """Return the open hand-over of a conversation with its note, or None."""
    wanted = sa.select(handover).where(handover.c.conversation_id == conversation_id, _IS_OPEN)
    row = (await tx.execute(wanted)).one_or_none()
    return None if row is None else handover_of(row)


async def find_latest_idle(tx: AsyncConnection, conversation_id: int) -> Handover | None:
    """Return the newest hand-over of a conversation if it was left idle, else None."""
    wanted = (
        sa.select(handover)
        .where(handover.c.conversation_id == conversation_id)
        .order_by(handover.c.id.desc())
        .limit(1)
    )
    row = (await tx.execute(wanted)).one_or_none()
    return handover_of(row) if row is not None and row.end_kind == HandoverEnd.IDLE else None


async def list_open(tx: AsyncConnection, limit: int = 500) -> list[OpenHandover]:
    """Return the open hand-overs, the longest waiting first."""
    moving = sa.exists().where(
        delivery.c.conversation_id == handover.c.conversation_id,
        delivery.c.act.in_(("transfer", "end")),
        delivery.c.state.in_(("due", "claimed", "attempting", "held")),
    )
    wanted = sa.select(handover, moving.label("is_moving")).where(_IS_OPEN)
    rows = (await tx.execute(wanted.order_by(handover.c.asked_at, handover.c.id).limit(limit))).all()
    talks = await conversations.list_by_id(tx, [row.conversation_id for row in rows])
    read = {row.account_id: row.synced_at for row in (await tx.execute(sa.select(kf_cursor))).all()}
    return [
        OpenHandover(
            handover=handover_of(row),
            talk=talks[row.conversation_id],
            is_moving=bool(row.is_moving),
            read_at=read.get(talks[row.conversation_id].account_id),
        )
        for row in rows
        if row.conversation_id in talks
    ]


def is_after(one: Handover, ended_at: datetime) -> bool:
    """Say whether a hand-over began after a session had ended. Pure; the platform's log counts in whole seconds."""
    return one.asked_at >= ended_at + _SECOND


async def list_unanswered(
    tx: AsyncConnection, one: Handover, *, until: datetime | None = None
) -> list[Unanswered]:
    """Return what the customer said since a person last wrote, or since the wish; oldest first, 30 at most.

    `until`: when the session ended by the log; what stands behind that in the log is left out.
    """
    its = message.c
    in_talk = its.conversation_id == one.conversation_id
    begun = None
    if one.turn_id is not None:
        first = sa.select(turn.c.first_message_id).where(turn.c.id == one.turn_id)
        begun = (await tx.execute(first)).scalar_one_or_none()
    said = sa.select(sa.func.max(its.id)).where(in_talk, its.author == Author.SERVICER)
    answered = int((await tx.execute(said)).scalar_one_or_none() or 0)
    wanted = (
        sa.select(its.id, its.kind, its.sent_at, message_body.c.text)
        .join(message_body, message_body.c.message_id == its.id)
        .where(in_talk, its.author == Author.CUSTOMER, its.id > answered)
        .order_by(its.id)
        .limit(_MOST_UNANSWERED)
    )
    if until is not None:
        at_end = sa.and_(in_talk, its.kind == MessageKind.EVENT, its.sent_at == until)
        ended = (await tx.execute(sa.select(sa.func.max(its.id)).where(at_end))).scalar_one_or_none()
        wanted = wanted.where(its.sent_at <= until)
        if ended is not None:  # In the very second of the end the log's order tells.
            wanted = wanted.where(sa.or_(its.sent_at < until, its.id < ended))
    wanted = wanted.where(its.id >= begun if begun is not None else its.sent_at >= one.asked_at)
    return [
        Unanswered(message_id=row.id, kind=row.kind, text=row.text, sent_at=row.sent_at)
        for row in (await tx.execute(wanted)).all()
    ]


async def list_said(tx: AsyncConnection, conversation_id: int, since: datetime, limit: int) -> list[str]:
    """Return what the customer typed or tapped since `since`, oldest first, the newest `limit` of it."""
    its = message.c
    wanted = (
        sa.select(message_body.c.text)
        .join(message, message.c.id == message_body.c.message_id)
        .where(
            its.conversation_id == conversation_id,
            its.author == Author.CUSTOMER,
            its.kind == MessageKind.TEXT,
            its.sent_at >= since,
        )
        .order_by(its.id.desc())
        .limit(limit)
    )
    return list(reversed((await tx.execute(wanted)).scalars().all()))


async def list_answered(tx: AsyncConnection, conversation_id: int, since: datetime) -> list[str]:
    """Return the entries the bot answered with since `since`, in order, also what is on its way."""
    wanted = (
        sa.select(delivery.c.faq_id)
        .where(
            delivery.c.conversation_id == conversation_id,
            delivery.c.created_at >= since,
            delivery.c.faq_id != "",
            delivery.c.state.not_in(("refused", "failed", "cancelled")),
        )
        .order_by(delivery.c.id)
    )
    return list((await tx.execute(wanted)).scalars().all())


async def list_ended(tx: AsyncConnection, since: datetime, limit: int = 50) -> list[Handover]:
    """Return the hand-overs that ended since `since`, the newest first."""
    wanted = (
        sa.select(handover)
        .where(handover.c.ended_at >= since, handover.c.state == HandoverState.ENDED)
        .order_by(handover.c.ended_at.desc(), handover.c.id.desc())
        .limit(limit)
    )
    return [handover_of(row) for row in (await tx.execute(wanted)).all()]


async def is_served(tx: AsyncConnection, conversation_id: int) -> bool:
    """Say whether the session is with a person, as far as we know."""
    wanted = sa.select(kf_state.c.state).where(kf_state.c.conversation_id == conversation_id)
    return (await tx.execute(wanted)).scalar_one_or_none() == int(SessionState.SERVICER)


async def find_account(tx: AsyncConnection, conversation_id: int) -> str:
    """Return the service account of a conversation, "" for an unknown one."""
    wanted = sa.select(conversation.c.account_id).where(conversation.c.id == conversation_id)
    return str((await tx.execute(wanted)).scalar_one_or_none() or "")


async def is_receiving(tx: AsyncConnection, account_id: str, servicer_id: str) -> bool:
    """Say whether a person takes sessions of the account now, as the platform told last."""
    wanted = sa.select(kf_servicer.c.is_receiving).where(
        kf_servicer.c.account_id == account_id, kf_servicer.c.servicer_id == servicer_id
    )
    return bool((await tx.execute(wanted)).scalar_one_or_none())


async def _change(tx: AsyncConnection, handover_id: int, **changes: Any) -> None:
    await tx.execute(sa.update(handover).where(handover.c.id == handover_id).values(**changes))


def handover_of(row: Any) -> Handover:
    """Return the record of a row that has all columns of the table."""
    return Handover(
        id=row.id,
        conversation_id=row.conversation_id,
        turn_id=row.turn_id,
        case_id=row.case_id,
        reason=row.reason,
        line=row.line,
        asked_at=row.asked_at,
        state=HandoverState(row.state),
        staff_platform_id=row.staff_platform_id,
        assigned_at=row.assigned_at,
        first_reply_at=row.first_reply_at,
        last_reply_at=row.last_reply_at,
        ended_at=row.ended_at,
        end=HandoverEnd(row.end_kind) if row.end_kind else None,
        note=_note(row.note),
        choice=HandoverChoice(row.choice) if row.choice else None,
        apologised_at=row.apologised_at,
    )


def _note_body(note: HandoverNote) -> dict[str, Any]:
    promised = [
        asdict(one) | {"due_at": one.due_at.isoformat() if one.due_at else None} for one in note.promised
    ]
    return {"asked": list(note.asked), "answered": list(note.answered), "promised": promised}


def _note(stored: Any) -> HandoverNote:
    """Read a note; an erased one is empty."""
    if not isinstance(stored, dict):
        return HandoverNote()
    promised: Sequence[Any] = stored.get("promised") or ()
    return HandoverNote(
        asked=tuple(stored.get("asked") or ()),
        answered=tuple(stored.get("answered") or ()),
        promised=tuple(
            Promised(
                what=one["what"],
                case_id=one.get("case_id"),
                due_at=datetime.fromisoformat(one["due_at"]) if one.get("due_at") else None,
            )
            for one in promised
        ),
    )

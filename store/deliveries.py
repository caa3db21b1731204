"""Deliveries: the outbox as rows.

A worker claims what is due, writes "attempting" before it calls the platform, and writes the end after. The attempt
number is the fence. Within a conversation deliveries leave in the order of their ids, one at a time.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.delivery import (
    Act,
    Attached,
    Body,
    CardButton,
    CardFace,
    Delivery,
    DeliveryState,
    MenuItem,
    NewDelivery,
    Purpose,
    SendClass,
)
from domain.platform import SessionState
from store import dialect, tables
from store.tables import conversation, customer, delivery, kf_state


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """A delivery in a worker's hand with what it must know to decide.

    `account_id`, `customer`: the platform's ids. `sent_since`: messages that count against the budget since the
    customer's last one (accepted, or perhaps sent). `has_opted_out`: the customer wants nothing but service.
    `opted_out`: of the customers of a mass send, those who do.
    """

    delivery: Delivery
    account_id: str
    customer: str
    customer_id: int | None
    state: SessionState
    last_customer_message_at: datetime | None
    sent_since: int
    has_opted_out: bool = False
    opted_out: tuple[str, ...] = ()


_earlier = delivery.alias("earlier")
# A value and not EXISTS, which PostgreSQL would turn into a join with all that is due; so it is asked row by row.
_BLOCKER = (
    sa.select(_earlier.c.id)
    .where(
        _earlier.c.conversation_id == delivery.c.conversation_id,
        _earlier.c.id < delivery.c.id,
        _earlier.c.state.in_(["due", "claimed", "attempting"]),
    )
    .limit(1)
    .scalar_subquery()
)


_IS_AMONG = delivery.c.id.in_(sa.bindparam("ids", expanding=True))
# As the indexes are written (store/tables/).
_BULK_ACTS = (Act.MASS_SEND, Act.CARD, Act.CHAT, Act.GROUP_WELCOME)
# These say nothing themselves: they move a session.
MOVES = (Act.TRANSFER, Act.END)


def _due(which: str) -> sa.Select[Any]:
    return (
        sa.select(delivery.c.id)
        .where(
            sa.text(which),
            delivery.c.due_at <= sa.bindparam("now"),
            # What a person sends never leaves by itself.
            delivery.c.send_class != int(SendClass.REPORTED),
        )
        .order_by(delivery.c.due_at, delivery.c.id)
        .limit(sa.bindparam("most"))
    )


_DUE_TO_CUSTOMERS = _due(tables.DUE_TO_CUSTOMERS).where(_BLOCKER.is_(None))
# These belong to no conversation.
_DUE_IN_BULK = _due(tables.DUE_IN_BULK)
_OLDEST_DUE = [
    sa.select(sa.func.min(delivery.c.due_at)).where(sa.text(which))
    for which in (tables.DUE_TO_CUSTOMERS, tables.DUE_IN_BULK)
]
# By nothing but the ids: they are due, and locked. With the state PostgreSQL would read all that is unfinished.
_CLAIM = (
    sa.update(delivery)
    .where(_IS_AMONG)
    .values(
        state=DeliveryState.CLAIMED,
        attempt=delivery.c.attempt + 1,
        lease_owner=sa.bindparam("owner"),
        lease_until=sa.bindparam("until"),
    )
)
_RELEASE_HELD = (
    sa.update(delivery)
    .where(
        delivery.c.conversation_id.in_(sa.bindparam("conversations", expanding=True)),
        delivery.c.state == "held",
        delivery.c.outcome == "budget",
    )
    .values(state=DeliveryState.DUE, due_at=sa.bindparam("now"), outcome="")
)


async def add(tx: AsyncConnection, new: Sequence[NewDelivery], now: datetime) -> None:
    """Put deliveries into the outbox; a second one under the same key is dropped."""
    rows = [_row(one, now) for one in new]
    if rows:
        await tx.execute(dialect.insert_new(tx, delivery), rows)


async def claim_due(
    tx: AsyncConnection,
    *,
    now: datetime,
    wall: datetime,
    owner: str,
    lease: timedelta,
    limit: int,
    bulk_limit: int | None = None,
) -> list[Claimed]:
    """Take up to `limit` deliveries whose time has come; empty when none.

    None whose conversation has an earlier one that has not ended: what was decided first is said first. Words to one
    customer come before what goes to staff and groups, of which at most `bulk_limit` are taken.
    """
    due = await tx.execute(dialect.skip_locked(tx, _DUE_TO_CUSTOMERS), {"now": now, "most": limit})
    ids = list(due.scalars().all())
    most = min(limit - len(ids), limit if bulk_limit is None else bulk_limit)
    if most > 0:
        bulk = await tx.execute(dialect.skip_locked(tx, _DUE_IN_BULK), {"now": now, "most": most})
        ids += bulk.scalars().all()
    if not ids:
        return []
    await tx.execute(_CLAIM, {"ids": ids, "owner": owner, "until": wall + lease})
    rows = (await tx.execute(_GET_CLAIMED, {"ids": ids})).all()
    claimed = [_claimed(row) for row in rows]
    return [await _knowing_opt_outs(tx, one) for one in claimed]


def is_bulk(one: Delivery) -> bool:
    """Say whether it is of those of which `claim_due` takes `bulk_limit` only."""
    return one.act in _BULK_ACTS


async def _knowing_opt_outs(tx: AsyncConnection, held: Claimed) -> Claimed:
    """Add which customers of a one-to-one mass send want nothing but service; has opted out where all of them do."""
    body = held.delivery.body
    if held.delivery.act is not Act.MASS_SEND or body.chat_type != "single":
        return held
    found: set[str] = set()
    for begin in range(0, len(body.targets), _AT_ONCE):
        some = body.targets[begin : begin + _AT_ONCE]
        wanted = sa.select(customer.c.platform_id).where(
            customer.c.platform_id.in_(some), customer.c.opted_out_at.is_not(None)
        )
        found |= set((await tx.execute(wanted)).scalars().all())
    if not found:
        return held
    out = tuple(target for target in body.targets if target in found)
    return replace(held, opted_out=out, has_opted_out=len(out) == len(body.targets))


async def set_targets(tx: AsyncConnection, held: Delivery, targets: Sequence[str]) -> Delivery:
    """Leave the others out of a mass send that has not left yet; return it as it stands."""
    body = replace(held.body, targets=tuple(targets))
    await tx.execute(sa.update(delivery).where(delivery.c.id == held.id).values(body=asdict(body)))
    return replace(held, body=body)


async def record_attempting(tx: AsyncConnection, held: Delivery, now: datetime) -> bool:
    """Write down that the call is about to be made; False when the lease was lost, then do not call."""
    return await _move(tx, held, DeliveryState.ATTEMPTING, ["claimed"], attempted_at=now)


async def record_accepted(
    tx: AsyncConnection, held: Delivery, now: datetime, *, receipt: str, outcome: str, error: str = ""
) -> bool:
    """Write down that the platform took it. `error`: what of it will not arrive."""
    changes = {"finished_at": now, "receipt": receipt, "outcome": outcome}
    changes |= {"error": error} if error else {}
    return await _move(tx, held, DeliveryState.ACCEPTED, _IN_HAND, **changes)


async def record_end(
    tx: AsyncConnection, held: Delivery, state: DeliveryState, now: datetime, *, outcome: str, error: str = ""
) -> bool:
    """Write down another end: refused, failed, unknown, cancelled."""
    return await _move(tx, held, state, _IN_HAND, finished_at=now, outcome=outcome, error=error)


async def postpone(
    tx: AsyncConnection, held: Delivery, due_at: datetime, *, error: str = "", was_sent: bool = False
) -> bool:
    """Give a delivery back until `due_at`.

    `was_sent`: this try may have reached the customer; it keeps its time, so that the delivery is never taken for one
    that certainly did not leave.
    """
    changes = {} if was_sent else {"attempted_at": held.attempted_at}
    return await _move(tx, held, DeliveryState.DUE, _IN_HAND, due_at=due_at, error=error, **changes)


async def hold(tx: AsyncConnection, held: Delivery, outcome: str) -> bool:
    """Let a delivery wait for the customer's next message; nothing was sent."""
    return await _move(
        tx, held, DeliveryState.HELD, _IN_HAND, outcome=outcome, attempted_at=held.attempted_at
    )


async def release_held(tx: AsyncConnection, conversation_ids: Sequence[int], now: datetime) -> None:
    """Let what waited for the customer's next message go on: it has come."""
    await tx.execute(_RELEASE_HELD, {"conversations": list(conversation_ids), "now": now})


async def release(
    tx: AsyncConnection,
    *,
    now: datetime,
    wall: datetime,
    repeat_is_safe: Sequence[int],
    everything: bool = False,
) -> int:
    """Take back what a dead worker held.

    Claimed: nothing was sent, so it is due again. Attempting: due again where a repeat is safe (`repeat_is_safe`: send
    classes), otherwise unknown. What a person sends has no worker: it is unknown when its time has passed without a
    report, not before. Returns how many became unknown.
    """
    gone = sa.true() if everything else delivery.c.lease_until < wall
    free = {"lease_owner": None, "lease_until": None}
    claimed = sa.update(delivery).where(delivery.c.state == "claimed", gone)
    await tx.execute(claimed.values(state=DeliveryState.DUE, **free))
    by_hand = delivery.c.send_class == int(SendClass.REPORTED)
    attempting = sa.update(delivery).where(delivery.c.state == "attempting", ~by_hand, gone)
    # What moves a session asks for its state before it is tried again.
    safe = sa.or_(delivery.c.send_class.in_(list(repeat_is_safe)), delivery.c.act.in_(MOVES))
    await tx.execute(attempting.where(safe).values(state=DeliveryState.DUE, **free))
    lost = await tx.execute(
        attempting.where(~safe).values(
            state=DeliveryState.UNKNOWN, outcome="crashed", finished_at=now, **free
        )
    )
    unreported = await tx.execute(
        sa.update(delivery)
        .where(delivery.c.state == "attempting", by_hand, delivery.c.expires_at <= now)
        .values(state=DeliveryState.UNKNOWN, outcome="unreported", finished_at=now)
    )
    return lost.rowcount + unreported.rowcount


async def resolve(tx: AsyncConnection, key: str, receipt: str, now: datetime) -> bool:
    """Record that a delivery whose end nobody knew was found at the platform; False when its end is known."""
    done = await tx.execute(
        sa.update(delivery)
        .where(delivery.c.key == key, delivery.c.state == "unknown")
        .values(state=DeliveryState.ACCEPTED, receipt=receipt, outcome="found", finished_at=now)
    )
    return done.rowcount == 1


async def end_by_hand(
    tx: AsyncConnection,
    key: str,
    *,
    is_sent: bool,
    now: datetime,
    by: str,
    error: str = "",
    outcome: str = "by_hand",
    body: Body | None = None,
) -> bool:
    """Record what the client reports of a delivery sent by hand, also after its time; False when its end is known.

    `body`: what left, where that is not all of it.
    """
    left = {} if body is None else {"body": asdict(body)}
    done = await tx.execute(
        sa.update(delivery)
        .where(
            delivery.c.key == key,
            delivery.c.send_class == int(SendClass.REPORTED),
            delivery.c.state.in_(["attempting", "unknown"]),
        )
        .values(
            state=DeliveryState.ACCEPTED if is_sent else DeliveryState.FAILED,
            receipt=by if is_sent else "",
            outcome=outcome,
            error=error or None,
            finished_at=now,
            **left,
        )
    )
    return done.rowcount == 1


async def find(tx: AsyncConnection, key: str) -> Delivery | None:
    """Return the delivery under `key`, None when there is none."""
    row = (await tx.execute(sa.select(delivery).where(delivery.c.key == key))).one_or_none()
    return None if row is None else delivery_of(row)


async def cancel_unsent(tx: AsyncConnection, key: str, now: datetime, outcome: str) -> bool:
    """Take back a delivery that certainly has not left; False when it may have, or has ended."""
    done = await tx.execute(
        sa.update(delivery)
        .where(
            delivery.c.key == key, delivery.c.state.in_(["due", "held"]), delivery.c.attempted_at.is_(None)
        )
        .values(state=DeliveryState.CANCELLED, outcome=outcome, finished_at=now)
    )
    return done.rowcount == 1


async def list_by_hand(tx: AsyncConnection, reply_id: str) -> list[Delivery]:
    """Return what people were given to send by hand of one thing, oldest first."""
    # Written out, so that the partial index is used.
    by_hand = sa.text("channel = 'sidebar'")
    wanted = sa.select(delivery).where(by_hand, delivery.c.reply_id == reply_id).order_by(delivery.c.id)
    return [delivery_of(row) for row in (await tx.execute(wanted)).all()]


async def list_by_hand_to(
    tx: AsyncConnection, recipient: str, staff_platform_id: str, since: datetime
) -> list[Delivery]:
    """Return what this member was given since to send by hand to one recipient, oldest first."""
    wanted = (
        sa.select(delivery)
        .where(
            sa.text("channel = 'sidebar'"), delivery.c.recipient == recipient, delivery.c.created_at >= since
        )
        .order_by(delivery.c.id)
    )
    found = [delivery_of(row) for row in (await tx.execute(wanted)).all()]
    return [one for one in found if one.act is Act.BY_HAND and staff_platform_id in one.body.servicers]


async def list_unreported(tx: AsyncConnection, reply_ids: Sequence[str]) -> set[str]:
    """Return of which of these things somebody began to send by hand, and nobody told how it ended."""
    by_hand = sa.text("channel = 'sidebar'")
    pending = delivery.c.state.in_([DeliveryState.ATTEMPTING, DeliveryState.UNKNOWN])
    found: set[str] = set()
    for begin in range(0, len(reply_ids), _AT_ONCE):
        some = reply_ids[begin : begin + _AT_ONCE]
        wanted = sa.select(delivery.c.reply_id).where(by_hand, pending, delivery.c.reply_id.in_(some))
        found |= set((await tx.execute(wanted)).scalars().all())
    return found


async def list_mass_receipts(tx: AsyncConnection, sender: str, since: datetime) -> set[str]:
    """Return the msgids of the sender's mass sends that were attempted since."""
    wanted = sa.select(delivery.c.receipt).where(
        sa.text(tables.SENT_IN_MASS),
        delivery.c.recipient == sender,
        delivery.c.attempted_at >= since,
        delivery.c.receipt != "",
    )
    return set((await tx.execute(wanted)).scalars().all())


async def record_report(tx: AsyncConnection, key: str, now: datetime, outcome: str) -> None:
    """Record the platform's later word that an accepted message did not arrive."""
    await tx.execute(
        sa.update(delivery)
        .where(delivery.c.key == key, delivery.c.state.in_(["accepted", "unknown", "attempting"]))
        .values(state=DeliveryState.FAILED, outcome=outcome, finished_at=now)
    )


async def cancel_of_turn(tx: AsyncConnection, turn_id: int, now: datetime, outcome: str) -> None:
    """Take back what has not left yet of a turn that is decided again."""
    await tx.execute(
        sa.update(delivery)
        .where(delivery.c.turn_id == turn_id, delivery.c.state.in_(["due", "held"]))
        .values(state=DeliveryState.CANCELLED, outcome=outcome, finished_at=now)
    )


async def cancel_stale(
    tx: AsyncConnection, conversation_id: int, before: datetime, now: datetime
) -> list[int]:
    """Take back answers decided before `before` that certainly have not left; return the ids of their turns."""
    cancelled = await tx.execute(
        sa.update(delivery)
        .where(
            delivery.c.conversation_id == conversation_id,
            delivery.c.state == "due",
            delivery.c.turn_id.is_not(None),
            delivery.c.act != Act.TRANSFER,
            delivery.c.created_at < before,
            delivery.c.attempted_at.is_(None),
        )
        .values(state=DeliveryState.CANCELLED, outcome="late", finished_at=now)
        .returning(delivery.c.turn_id)
    )
    return list(dict.fromkeys(cancelled.scalars().all()))


async def settle_unknown(
    tx: AsyncConnection, delivery_id: int, *, was_sent: bool, by: str, now: datetime
) -> bool:
    """Record a person's word on a delivery whose end nobody knew."""
    state = DeliveryState.ACCEPTED if was_sent else DeliveryState.FAILED
    done = await tx.execute(
        sa.update(delivery)
        .where(delivery.c.id == delivery_id, delivery.c.state == "unknown")
        .values(state=state, outcome=f"settled by {by}"[:64], finished_at=now)
    )
    return done.rowcount == 1


async def counts(tx: AsyncConnection) -> dict[str, int]:
    """Return how many deliveries are in each state."""
    rows = await tx.execute(sa.select(delivery.c.state, sa.func.count()).group_by(delivery.c.state))
    return {row[0]: row[1] for row in rows.all()}


async def counts_unfinished(tx: AsyncConnection) -> dict[str, int]:
    """Return how many deliveries are in each state that somebody may have to look at; cheap however many ended well."""
    watched = ["due", "claimed", "attempting", "held", "unknown", "failed"]
    rows = await tx.execute(
        sa.select(delivery.c.state, sa.func.count())
        .where(delivery.c.state.in_(watched))
        .group_by(delivery.c.state)
    )
    return dict.fromkeys(watched, 0) | {row[0]: row[1] for row in rows.all()}


async def is_moving(tx: AsyncConnection, conversation_id: int) -> bool:
    """Say whether a move of the conversation's session is on its way out."""
    wanted = sa.select(delivery.c.id).where(
        delivery.c.conversation_id == conversation_id,
        delivery.c.act.in_(MOVES),
        delivery.c.state.in_(["due", "claimed", "attempting"]),
    )
    return (await tx.execute(wanted.limit(1))).first() is not None


async def find_oldest_due(tx: AsyncConnection) -> datetime | None:
    """Return since when the oldest waiting delivery is due; None when none waits."""
    found = [(await tx.execute(waiting)).scalar_one_or_none() for waiting in _OLDEST_DUE]
    return min((moment for moment in found if moment is not None), default=None)


async def count_replies_since(
    tx: AsyncConnection, conversation_id: int, reply_id: str, since: datetime
) -> int:
    """Return how often a fixed reply was decided on in the conversation since `since`."""
    wanted = sa.select(sa.func.count()).where(
        delivery.c.conversation_id == conversation_id,
        delivery.c.reply_id == reply_id,
        delivery.c.created_at >= since,
        delivery.c.state.not_in(["refused", "failed", "cancelled"]),
    )
    return int((await tx.execute(wanted)).scalar_one())


async def list_of_conversation(tx: AsyncConnection, conversation_id: int, limit: int = 200) -> list[Delivery]:
    """Return the newest deliveries of a conversation, oldest first."""
    wanted = (
        sa.select(delivery)
        .where(delivery.c.conversation_id == conversation_id)
        .order_by(delivery.c.id.desc())
        .limit(limit)
    )
    return [delivery_of(row) for row in reversed((await tx.execute(wanted)).all())]


async def list_by_state(tx: AsyncConnection, states: Sequence[str], limit: int = 100) -> list[Delivery]:
    """Return deliveries in one of `states`, newest first."""
    wanted = (
        sa.select(delivery)
        .where(delivery.c.state.in_(states))
        .order_by(delivery.c.created_at.desc())
        .limit(limit)
    )
    return [delivery_of(row) for row in (await tx.execute(wanted)).all()]


# Messages that count against "five per customer message": those the platform took or may have taken.
_COUNTED = ("accepted", "unknown", "attempting", "failed")
_IN_HAND = ["claimed", "attempting"]
# Ids asked about in one statement.
_AT_ONCE = 1000

_sent = delivery.alias("sent")
_SENT_SINCE = (
    sa.select(sa.func.count())
    .where(
        _sent.c.conversation_id == delivery.c.conversation_id,
        _sent.c.id != delivery.c.id,
        _sent.c.act != Act.TRANSFER,
        _sent.c.send_class == int(SendClass.KEYED),
        _sent.c.state.in_(_COUNTED),
        _sent.c.attempted_at >= conversation.c.heard_at,
    )
    .scalar_subquery()
)
# Where there is no conversation, the customer is known by the platform's id.
_recipient = customer.alias("recipient_customer")
_CLAIMED = (
    sa.select(
        delivery,
        conversation.c.account_id,
        conversation.c.customer_id,
        conversation.c.last_customer_message_at,
        customer.c.platform_id,
        kf_state.c.state.label("session_state"),
        _SENT_SINCE.label("sent_since"),
        sa.func.coalesce(customer.c.opted_out_at, _recipient.c.opted_out_at).label("opted_out_at"),
    )
    .outerjoin(conversation, conversation.c.id == delivery.c.conversation_id)
    .outerjoin(customer, customer.c.id == conversation.c.customer_id)
    .outerjoin(_recipient, _recipient.c.platform_id == delivery.c.recipient)
    .outerjoin(kf_state, kf_state.c.conversation_id == delivery.c.conversation_id)
)


_GET_CLAIMED = _CLAIMED.where(_IS_AMONG).order_by(delivery.c.id)


def _claimed(row: Any) -> Claimed:
    return Claimed(
        delivery=delivery_of(row),
        account_id=row.account_id or "",
        customer=row.platform_id or row.recipient,
        customer_id=row.customer_id,
        state=SessionState(row.session_state or 0),
        last_customer_message_at=row.last_customer_message_at,
        sent_since=row.sent_since or 0,
        has_opted_out=row.opted_out_at is not None,
    )


def delivery_of(row: Any) -> Delivery:
    """Return the record of a row that has all columns of the table."""
    return Delivery(
        id=row.id,
        key=row.key,
        act=Act(row.act),
        send_class=SendClass(row.send_class),
        purpose=Purpose(row.purpose),
        channel=row.channel,
        conversation_id=row.conversation_id,
        turn_id=row.turn_id,
        recipient=row.recipient,
        reply_id=row.reply_id,
        faq_id=row.faq_id,
        line=row.line,
        content_version_id=row.content_version_id,
        body=_body(row.body),
        due_at=row.due_at,
        expires_at=row.expires_at,
        state=DeliveryState(row.state),
        outcome=row.outcome,
        attempt=row.attempt,
        created_at=row.created_at,
        attempted_at=row.attempted_at,
        finished_at=row.finished_at,
        receipt=row.receipt,
        error=row.error or "",
    )


def _row(new: NewDelivery, now: datetime) -> dict[str, Any]:
    return {
        "key": new.key,
        "act": new.act,
        "send_class": int(new.send_class),
        "purpose": new.purpose,
        "channel": new.channel,
        "conversation_id": new.conversation_id,
        "turn_id": new.turn_id,
        "recipient": new.recipient,
        "reply_id": new.reply_id,
        "faq_id": new.faq_id,
        "line": new.line,
        "content_version_id": new.content_version_id,
        "body": asdict(new.body),
        "state": new.state,
        "outcome": new.outcome,
        "created_at": now,
        "due_at": new.due_at,
        "expires_at": new.expires_at,
        # Only what a person is about to send begins so.
        "attempted_at": now if new.state is DeliveryState.ATTEMPTING else None,
    }


def _body(stored: dict[str, Any]) -> Body:
    return Body(
        text=stored.get("text", ""),
        menu=tuple(MenuItem(id=item["id"], text=item["text"]) for item in stored.get("menu", ())),
        tail=stored.get("tail", ""),
        code=stored.get("code", ""),
        servicers=tuple(stored.get("servicers", ())),
        notice=stored.get("notice", ""),
        taken_from=stored.get("taken_from", ""),
        chat_type=stored.get("chat_type", ""),
        targets=tuple(stored.get("targets", ())),
        attachments=tuple(Attached(**one) for one in stored.get("attachments", ())),
        card=_card(stored.get("card")),
        lines=tuple(stored.get("lines", ())),
    )


def _card(stored: dict[str, Any] | None) -> CardFace | None:
    if stored is None:
        return None
    rows = tuple((name, value) for name, value in stored["rows"])
    buttons = tuple(CardButton(**one) for one in stored["buttons"])
    return CardFace(**{**stored, "rows": rows, "buttons": buttons})


async def _move(
    tx: AsyncConnection, held: Delivery, state: DeliveryState, from_states: list[str], **changes: Any
) -> bool:
    given = {"delivery": held.id, "fence": held.attempt, "from": from_states, "to": state}
    given |= {f"new_{name}": value for name, value in changes.items()}
    moved = await tx.execute(_moving(state is DeliveryState.ATTEMPTING, tuple(changes)), given)
    return moved.rowcount == 1


@functools.cache
def _moving(keeps_lease: bool, names: tuple[str, ...]) -> sa.Update:
    """Return the statement that moves a delivery under its fence and sets the columns `names`."""
    values: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in names}
    if not keeps_lease:
        values |= {"lease_owner": None, "lease_until": None}
    return (
        sa.update(delivery)
        .where(
            delivery.c.id == sa.bindparam("delivery"),
            delivery.c.attempt == sa.bindparam("fence"),
            delivery.c.state.in_(sa.bindparam("from", expanding=True)),
        )
        .values(state=sa.bindparam("to"), **values)
    )

"""Turns: what a customer said in one go, waiting for its one answer.

A bubble joins the conversation's growing turn; a whole question completes the turn and makes it due at once. Turns are
claimed under a lease, one at a time per conversation, and finished under the fence of their attempt number, so a worker
that was thought dead cannot answer a second time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.replies import AnswerKind
from domain.talk import Bubble, Turn, TurnState
from store import conversations, deliveries, dialect, messages
from store.tables import match, message, turn


@dataclass(frozen=True, kw_only=True)
class TurnRules:
    """When turns are due.

    `wait`: how long a fragment waits for the next bubble. `longest_wait`: the most a chain of fragments may wait.
    `fresh`: a turn older than this when it is claimed is late.
    """

    wait: timedelta = timedelta(seconds=2.5)
    longest_wait: timedelta = timedelta(seconds=8)
    fresh: timedelta = timedelta(minutes=10)


_busy = turn.alias("busy")
# One turn of a conversation at a time, in order, also with two replicas: while one of them is taking the first, the
# other still sees it as open and due, and leaves the second alone.
_IS_BUSY = sa.exists().where(
    _busy.c.conversation_id == turn.c.conversation_id,
    sa.or_(
        _busy.c.state == "claimed",
        sa.and_(_busy.c.state == "open", _busy.c.due_at <= sa.bindparam("now"), _busy.c.id < turn.c.id),
    ),
)


_GROWING = (
    sa.select(turn.c.id, turn.c.opened_at)
    .where(
        turn.c.conversation_id == sa.bindparam("conversation"), turn.c.state == "open", ~turn.c.is_complete
    )
    .order_by(turn.c.id.desc())
    .limit(1)
)
_ADD = sa.insert(turn)
_DUE = (
    sa.select(turn.c.id, turn.c.conversation_id)
    .where(turn.c.state == "open", turn.c.due_at <= sa.bindparam("now"), ~_IS_BUSY)
    .order_by(turn.c.due_at, turn.c.id)
    .limit(sa.bindparam("most"))
)
_CLAIM = (
    sa.update(turn)
    .where(turn.c.id == sa.bindparam("turn"), turn.c.state == "open")
    .values(
        state=TurnState.CLAIMED,
        attempt=turn.c.attempt + 1,
        lease_owner=sa.bindparam("owner"),
        lease_until=sa.bindparam("until"),
    )
    .returning(*turn.c)
)
_FINISH = (
    sa.update(turn)
    .where(
        turn.c.id == sa.bindparam("turn"), turn.c.attempt == sa.bindparam("fence"), turn.c.state == "claimed"
    )
    .values(
        state=TurnState.DONE,
        decision=sa.bindparam("end"),
        finished_at=sa.bindparam("now"),
        lease_owner=None,
        lease_until=None,
    )
)
_NEXT_DUE = sa.select(sa.func.min(turn.c.due_at)).where(turn.c.state == "open")
_SENT_AT = sa.select(message.c.sent_at).where(message.c.id == sa.bindparam("message"))
_ADD_MATCHES = sa.insert(match)


async def add_bubble(
    tx: AsyncConnection,
    *,
    conversation_id: int,
    message_id: int,
    is_whole: bool,
    sent_at: datetime,
    now: datetime,
    rules: TurnRules,
) -> None:
    """Put a customer's message into the growing turn of its conversation, or begin one.

    What is late already waits a little even when it is whole: after an outage the log comes in pages, and the customer
    shall get one apology for all of it.
    """
    is_late = now - sent_at > rules.fresh
    growing = (await tx.execute(_GROWING, {"conversation": conversation_id})).one_or_none()
    if growing is None:
        due_at = now if is_whole else now + rules.wait
        due_at = now + rules.longest_wait if is_late else due_at
        row = {
            "conversation_id": conversation_id,
            "state": TurnState.OPEN,
            "is_complete": is_whole,
            "first_message_id": message_id,
            "last_message_id": message_id,
            "opened_at": sent_at,
            "due_at": due_at,
        }
        await tx.execute(_ADD, row)
        return
    due_at = now if is_whole else min(now + rules.wait, max(growing.opened_at + rules.longest_wait, now))
    due_at = now + rules.longest_wait if is_late else due_at
    await tx.execute(
        sa.update(turn)
        .where(turn.c.id == growing.id)
        .values(last_message_id=message_id, is_complete=is_whole, due_at=due_at)
    )


async def claim_due(
    tx: AsyncConnection,
    *,
    now: datetime,
    wall: datetime,
    owner: str,
    lease: timedelta,
    rules: TurnRules,
    limit: int = 50,
) -> list[Turn]:
    """Take up to `limit` turns whose time has come, one per conversation, oldest first.

    Late turns of one conversation are taken together: the customer gets one answer to them, not one each. A turn that
    nobody took for so long was left by an outage; it waits a moment longer, until the rest of the log has been read.
    """
    first: dict[int, int] = {}
    due = await tx.execute(dialect.skip_locked(tx, _DUE), {"now": now, "most": limit})
    for row in due.all():
        first.setdefault(row.conversation_id, row.id)
    taken = []
    for turn_id in first.values():
        given = {"turn": turn_id, "owner": owner, "until": wall + lease}
        row = (await tx.execute(_CLAIM, given)).one_or_none()
        if row is None:
            continue
        loaded = await _load(tx, row, now, rules)
        if row.due_at < now - rules.fresh:
            await postpone(tx, loaded, now + rules.longest_wait)
        else:
            taken.append(loaded)
    return taken


async def find_next_due(tx: AsyncConnection) -> datetime | None:
    """Return when the next turn is due; None when none waits."""
    found: datetime | None = (await tx.execute(_NEXT_DUE)).scalar_one_or_none()
    return found


async def finish(tx: AsyncConnection, done: Turn, decision: AnswerKind, now: datetime) -> bool:
    """End a turn; False when somebody else has taken it meanwhile, then nothing may follow from it."""
    given = {"turn": done.id, "fence": done.attempt, "end": decision, "now": now}
    return (await tx.execute(_FINISH, given)).rowcount == 1


async def postpone(tx: AsyncConnection, waiting: Turn, due_at: datetime) -> None:
    """Give a turn back until `due_at`."""
    await tx.execute(
        sa.update(turn)
        .where(turn.c.id == waiting.id, turn.c.attempt == waiting.attempt, turn.c.state == "claimed")
        .values(state=TurnState.OPEN, is_complete=True, due_at=due_at, lease_owner=None, lease_until=None)
    )


async def reopen_late(tx: AsyncConnection, turn_id: int, before: datetime, now: datetime) -> bool:
    """Let a turn whose answer grew stale in the outbox be decided again; False when that happened twice already.

    `before`: what was said earlier is late. Other stale answers of the conversation come back with it, so that they
    merge; nothing happens when a later turn is being, or was, answered as late, for that apology covers this one.
    """
    mine = (await tx.execute(sa.select(turn.c.conversation_id, turn.c.id).where(turn.c.id == turn_id))).one()
    others = await deliveries.cancel_stale(tx, mine.conversation_id, before, now)
    if await _is_covered(tx, mine.conversation_id, max([turn_id, *others]), before):
        await tx.execute(
            sa.update(turn).where(turn.c.id.in_([turn_id, *others])).values(decision=AnswerKind.LATE)
        )
        return True
    for other in others:
        await reopen(tx, other, "late")
    return await reopen(tx, turn_id, "late")


async def _is_covered(tx: AsyncConnection, conversation_id: int, turn_id: int, before: datetime) -> bool:
    later = (
        sa.select(turn.c.id)
        .join(message, message.c.id == turn.c.last_message_id)
        .where(
            turn.c.conversation_id == conversation_id,
            turn.c.id > turn_id,
            message.c.sent_at < before,
            sa.or_(turn.c.state == "claimed", turn.c.decision == AnswerKind.LATE),
        )
    )
    return (await tx.execute(later.limit(1))).one_or_none() is not None


async def reopen(tx: AsyncConnection, turn_id: int, blocked: str, due_at: datetime | None = None) -> bool:
    """Let a turn be decided again because its answer could not leave; False when that happened twice already.

    `due_at` None: it keeps its own, long past.
    """
    changes = {} if due_at is None else {"due_at": due_at}
    done = await tx.execute(
        sa.update(turn)
        .where(turn.c.id == turn_id, turn.c.state == "done", turn.c.round < 2)
        .values(state=TurnState.OPEN, is_complete=True, blocked=blocked, round=turn.c.round + 1, **changes)
    )
    return done.rowcount == 1


async def record_error(tx: AsyncConnection, broken: Turn, error: str, due_at: datetime) -> None:
    """Keep the reason why deciding failed, and try again later."""
    await postpone(tx, broken, due_at)
    await tx.execute(sa.update(turn).where(turn.c.id == broken.id).values(error=error))


async def release(tx: AsyncConnection, *, wall: datetime, everything: bool = False) -> int:
    """Give back turns whose worker is gone."""
    gone = sa.true() if everything else turn.c.lease_until < wall
    done = await tx.execute(
        sa.update(turn)
        .where(turn.c.state == "claimed", gone)
        .values(state=TurnState.OPEN, is_complete=True, lease_owner=None, lease_until=None)
    )
    return done.rowcount


async def record_matches(tx: AsyncConnection, rows: list[dict[str, Any]]) -> None:
    """Record what the question was held against: rows of the match table."""
    if rows:
        await tx.execute(_ADD_MATCHES, rows)


async def _load(tx: AsyncConnection, row: Any, now: datetime, rules: TurnRules) -> Turn:
    last_id = row.last_message_id
    sent_at = (await tx.execute(_SENT_AT, {"message": last_id})).scalar_one()
    if now - sent_at > rules.fresh:
        last_id = await _merge_late(tx, row, last_id, now - rules.fresh, now)
    bubbles = await messages.list_bubbles(tx, row.conversation_id, row.first_message_id, last_id)
    return Turn(
        id=row.id,
        conversation=await conversations.get(tx, row.conversation_id),
        bubbles=tuple(
            Bubble(
                message_id=bubble.id,
                msgid=bubble.msgid,
                kind=bubble.kind,
                text=bubble.text,
                menu_id=bubble.menu_id,
                sent_at=bubble.sent_at,
            )
            for bubble in bubbles
        ),
        opened_at=row.opened_at,
        blocked=row.blocked,
        round=row.round,
        attempt=row.attempt,
    )


async def _merge_late(tx: AsyncConnection, row: Any, last_id: int, before: datetime, now: datetime) -> int:
    """Close the other late turns of the conversation and return the last message that this one now covers.

    Answers that were decided in time and never left are late as well: this one stands in their place.
    """
    others = (
        await tx.execute(
            sa.select(turn.c.id, turn.c.last_message_id)
            .join(message, message.c.id == turn.c.last_message_id)
            .where(
                turn.c.conversation_id == row.conversation_id,
                turn.c.state == "open",
                turn.c.id != row.id,
                message.c.sent_at < before,
            )
        )
    ).all()
    stale = await deliveries.cancel_stale(tx, row.conversation_id, before, now)
    await tx.execute(
        sa.update(turn)
        .where(turn.c.id.in_([*stale, *(other.id for other in others)]), turn.c.id != row.id)
        .values(state=TurnState.DONE, decision=AnswerKind.LATE, finished_at=now)
    )
    if not others:
        return last_id
    last_id = max(last_id, *(other.last_message_id for other in others))
    await tx.execute(sa.update(turn).where(turn.c.id == row.id).values(last_message_id=last_id))
    return last_id

"""Moves of a session between people: what they are on their way out, and what is written down when they happened.

`give` and `end` make deliveries; scheduler/outbox.py sends them and calls `record_moved`. `record_wish` and
`end_handover` are called by bot/deciding.py, for what the bot decides and for ends that are heard of. Nothing here
decides whether to move: handlers/handover.py, scheduler/handover_watch.py and the queue page do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from content import handover_words, reply_files, turns
from content.days import spoken
from content.knowledge import Knowledge
from domain.attention import NewNotice, NoticeKind
from domain.delivery import Act, Body, MenuItem, NewDelivery, Purpose, Receipt, SendClass
from domain.handover import Handover, HandoverChoice, HandoverEnd, HandoverWanted
from domain.platform import SessionState
from domain.reply import Say, Transfer
from domain.talk import Conversation
from scheduler.keys import key_of
from store import cases, conversations, deliveries, handovers, notices, questions, roster, satisfaction
from store.deliveries import Claimed

# The platform's limits for the code of a transfer, and of an ended session (WeCom doc 95122).
TRANSFER_CODE_LIFE = timedelta(hours=48)
END_CODE_LIFE = timedelta(seconds=20)
# A move that could not leave for so long was overtaken by what happened since; it is decided anew.
MOVE_LIFE = timedelta(minutes=2)
# A card about a customer who waits is useless later: the question's own timers tell then.
_CARD_LIFE = timedelta(minutes=15)
_ENTRIES_SHOWN = 3
# How a session ended by us counts, by the words that go along.
IDLE_REPLY, BACK_REPLY, BACK_OPEN_REPLY = "handover_idle", "handover_back", "handover_back_open"
_ENDS = {
    IDLE_REPLY: HandoverEnd.IDLE,
    BACK_REPLY: HandoverEnd.TAKEN_BACK,
    BACK_OPEN_REPLY: HandoverEnd.TAKEN_BACK,
}


def give(
    talk: Conversation, servicers: Sequence[str], *, nonce: object, notice: str = "", now: datetime
) -> NewDelivery:
    """Return the delivery that gives the session to the first of `servicers` who can take it.

    From the pool, from the bot, or from whoever serves it by our records. `nonce`: with the conversation it is the
    idempotency key. `notice`: what the customer reads, where the platform gives a code for it.
    """
    body = Body(servicers=tuple(servicers), notice=notice, taken_from=_server_of(talk))
    return _move(talk, Act.TRANSFER, body, key_of("give", talk.id, nonce), now)


def end(talk: Conversation, reply_id: str, say: Say | None, *, nonce: object, now: datetime) -> NewDelivery:
    """Return the delivery that ends the session of who serves it; `say` is told by the code of the end.

    `reply_id`: IDLE_REPLY, BACK_REPLY or BACK_OPEN_REPLY, also where its words may not be said.
    """
    body = Body(taken_from=_server_of(talk))
    if say is not None:
        body = Body(taken_from=body.taken_from, text=say.text, menu=say.menu, tail=say.tail)
    version = say.content_version_id if say is not None else None
    key = key_of("end", talk.id, nonce)
    return _move(talk, Act.END, body, key, now, reply_id=reply_id, content_version_id=version)


def words_of(knowledge: Knowledge, reply_id: str) -> Say | None:
    """Return the words for an end that we make, None when they may not be said. Their menus hold actions only."""
    reply = knowledge.replies.get(reply_id)
    if reply is None:
        return None
    return Say(
        text=reply_files.fill(reply.text, {}),
        menu=tuple(MenuItem(id=entry.id, text=entry.text) for entry in reply.menu),
        tail=reply.tail,
        reply_id=reply_id,
        content_version_id=knowledge.version_id("reply", reply_id),
    )


async def record_wish(
    tx: AsyncConnection,
    talk: Conversation,
    wanted: HandoverWanted,
    transfer: Transfer | None,
    *,
    turn_id: int | None,
    case_id: int | None,
    now: datetime,
) -> Transfer | None:
    """Record that a customer is to be given to a person; return the transfer as it may be done now.

    Between choosing and writing others may have filled somebody's seats; so they are counted again under a lock.
    """
    if transfer is not None and transfer.room:
        await roster.claim(tx, transfer.servicers)
        load = await roster.count_load(tx, transfer.servicers, now)
        free = [
            (name, room)
            for name, room in zip(transfer.servicers, transfer.room, strict=True)
            if load.get(name, 0) < room
        ]
        names, rooms = tuple(name for name, _ in free), tuple(room for _, room in free)
        notice = transfer.notice if names else transfer.waiting
        transfer = replace(transfer, servicers=names, room=rooms, notice=notice)
    await handovers.record_wish(
        tx,
        wanted,
        conversation_id=talk.id,
        turn_id=turn_id,
        case_id=case_id,
        staff=next(iter(transfer.servicers), "") if transfer is not None else "",
        now=now,
    )
    if transfer is None:
        await handovers.end(tx, talk.id, HandoverEnd.NOBODY, now)
    return transfer


async def take_back(
    tx: AsyncConnection, one: Handover, knowledge: Knowledge, *, by: str, now: datetime
) -> str:
    """Put the end of a session on its way, so that the bot serves from the customer's next message.

    Returns "" when it is, else why not (console/words.toml): "handover_over", "handover_moving". Who waits for an
    answer is not asked how it was.
    """
    talk = await conversations.get(tx, one.conversation_id)
    if one.ended_at is not None or talk.state is not SessionState.SERVICER:
        return "handover_over"
    if await deliveries.is_moving(tx, talk.id):
        return "handover_moving"
    signals = knowledge.content.signals
    said = await handovers.list_unanswered(tx, one)
    is_waiting = any(turns.wants_answer(each.kind, each.text, signals) for each in said)
    reply_id = BACK_OPEN_REPLY if is_waiting else BACK_REPLY
    nonce = f"{one.id} {by} {now.isoformat()}"
    new = end(talk, reply_id, words_of(knowledge, reply_id), nonce=nonce, now=now)
    await deliveries.add(tx, [new], now)
    return ""


async def record_moved(tx: AsyncConnection, held: Claimed, receipt: Receipt, now: datetime) -> None:
    """Write down that the platform moved a session, and put the words for its code into the outbox."""
    delivery = held.delivery
    assert delivery.conversation_id is not None
    if delivery.act is Act.END:
        kind = _ENDS.get(delivery.reply_id, HandoverEnd.TAKEN_BACK)
        await conversations.set_state(tx, delivery.conversation_id, SessionState.ENDED, now=now)
        await end_handover(tx, delivery.conversation_id, kind, now)
        if receipt.msg_code and delivery.body.text:
            await _say_goodbye(tx, held, receipt.msg_code, now)
        return
    state = SessionState.SERVICER if receipt.servicer else SessionState.POOL
    await conversations.set_state(tx, delivery.conversation_id, state, servicer_id=receipt.servicer, now=now)
    if receipt.servicer:
        await cases.give(tx, delivery.conversation_id, receipt.servicer, actor="outbox", now=now)
        given = await handovers.assign(tx, delivery.conversation_id, receipt.servicer, now)
        await tell(tx, given, held.customer, now)
    else:
        await handovers.set_coming(tx, delivery.conversation_id, "")
    if receipt.msg_code and delivery.body.notice:
        await _say(
            tx,
            held,
            Body(text=delivery.body.notice, code=receipt.msg_code),
            now + TRANSFER_CODE_LIFE,
            now,
        )


async def end_handover(
    tx: AsyncConnection,
    conversation_id: int,
    kind: HandoverEnd,
    now: datetime,
    *,
    heard_at: datetime | None = None,
) -> None:
    """Record how a hand-over ended; what was left unanswered stays a question.

    `heard_at`: when the session ended by the platform's log, which may be read late; what began or was said since is
    another matter.
    """
    current = await handovers.find_open(tx, conversation_id)
    if current is None or (heard_at is not None and handovers.is_after(current, heard_at)):
        return
    idle = kind is HandoverEnd.IDLE
    said = await handovers.list_unanswered(tx, current, until=heard_at) if idle else []
    await handovers.end(tx, conversation_id, kind, now)
    if said:
        text = "\n".join(one.text for one in said if one.text)
        await questions.record_kf(tx, conversation_id, said[-1].message_id, text, now)


async def close(tx: AsyncConnection, one: Handover, knowledge: Knowledge, now: datetime) -> None:
    """Record the end of a hand-over that nobody told us of.

    Where we had tried to end it for idleness and never heard what became of that, it counts as that.
    """
    tried_at = await handovers.find_last_try(tx, one, IDLE_REPLY)
    signals = knowledge.content.signals
    said = await handovers.list_unanswered(tx, one, until=tried_at) if tried_at is not None else []
    is_idle = any(turns.wants_answer(each.kind, each.text, signals) for each in said)
    kind = HandoverEnd.IDLE if is_idle else HandoverEnd.LAPSED
    await end_handover(tx, one.conversation_id, kind, now, heard_at=tried_at)


async def record_choice(tx: AsyncConnection, conversation_id: int, choice: HandoverChoice) -> None:
    """Record what a customer chose who was left idle.

    The question stays unanswered whatever the bot says next; but nobody is called to it any more where the customer
    did not want a person, or where the call-back's case has it.
    """
    if not await handovers.set_choice(tx, conversation_id, choice) or choice is HandoverChoice.PERSON:
        return
    await questions.stop_timers(tx, conversation_id)


async def tell(tx: AsyncConnection, one: Handover, customer: str, now: datetime) -> None:
    """Put the note of a hand-over on the way to who got the customer, as a card within the budget of attention.

    The card names entries and reasons, never the customer's words; those stand on the page it leads to.
    """
    title, text = told(one)
    notice = NewNotice(
        key=key_of("handover", one.id, one.staff_platform_id),
        recipient=one.staff_platform_id,
        kind=NoticeKind.QUESTION,
        title=title,
        text=text,
        url=f"/sidebar/customer?external_userid={customer}",
        line=one.line,
        due_at=now,
        latest_at=now + _CARD_LIFE,
    )
    await notices.add(tx, [notice], now)


def told(one: Handover) -> tuple[str, str]:
    """Return title and text of the card about a hand-over. Pure."""
    words, note = handover_words.load(), one.note
    line = words.say("line", one.line) if one.line else ""
    title = words.say("told", "title_line", line=line) if line else words.say("told", "title")
    shown = [words.say("told", "entry", question=question) for question in note.answered[-_ENTRIES_SHOWN:]]
    entries = words.say("told", "separator").join(shown)
    parts = [words.say("told", "reason", reason=words.say("reason", one.reason))]
    parts.append(words.say("told", "answered", entries=entries) if shown else words.say("told", "unanswered"))
    if note.promised:
        days = [each.due_at for each in note.promised if each.due_at is not None]
        key = "promised" if days else "promised_undated"
        due_on = spoken(min(days).date()) if days else ""
        parts.append(words.say("told", key, count=len(note.promised), due_on=due_on))
    parts.append(words.say("told", "open"))
    return title, "".join(parts)


async def _say_goodbye(tx: AsyncConnection, held: Claimed, code: str, now: datetime) -> None:
    body = held.delivery.body
    words = Body(text=body.text, menu=body.menu, tail=body.tail, code=code)
    key = await _say(tx, held, words, now + END_CODE_LIFE, now)
    if held.delivery.reply_id == BACK_REPLY and held.delivery.conversation_id is not None:
        await satisfaction.record_asked(
            tx,
            conversation_id=held.delivery.conversation_id,
            delivery_key=key,
            servicer_id=body.taken_from,
            now=now,
        )


async def _say(tx: AsyncConnection, held: Claimed, body: Body, expires_at: datetime, now: datetime) -> str:
    delivery = held.delivery
    new = NewDelivery(
        key=key_of("notice", delivery.key),
        act=Act.MENU if body.menu else Act.TEXT,
        send_class=SendClass.ONCE,
        purpose=Purpose.SERVICE,
        channel=delivery.channel,
        conversation_id=delivery.conversation_id,
        reply_id=delivery.reply_id,
        content_version_id=delivery.content_version_id,
        body=body,
        due_at=now,
        expires_at=expires_at,
    )
    await deliveries.add(tx, [new], now)
    return new.key


def _server_of(talk: Conversation) -> str:
    return talk.servicer_id if talk.state is SessionState.SERVICER else ""


def _move(
    talk: Conversation,
    act: Act,
    body: Body,
    key: str,
    now: datetime,
    *,
    reply_id: str = "",
    content_version_id: int | None = None,
) -> NewDelivery:
    return NewDelivery(
        key=key,
        act=act,
        send_class=SendClass.ONCE,
        purpose=Purpose.SERVICE,
        channel=talk.channel,
        conversation_id=talk.id,
        reply_id=reply_id,
        content_version_id=content_version_id,
        body=body,
        due_at=now,
        expires_at=now + MOVE_LIFE,
    )

"""What a page of a service account's log becomes in our records: one transaction, together with the cursor.

Messages of every kind are stored, unknown ones raw. Customer messages join turns, events of the session move its state
or wake a handler (through the event table, so a crash repeats nothing and loses nothing). Nothing sent before go-live
gets a turn. Deciding is left to handlers/, sending to scheduler/outbox.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from domain import platform
from domain.handover import HandoverEnd
from domain.platform import KfMessage, MessageKind, Origin, SessionState
from domain.talk import Author, Conversation
from store import (
    accounts,
    cases,
    conversations,
    customers,
    deliveries,
    events,
    handovers,
    messages,
    staff,
    turns,
)

CHANNEL = "kf"
# A session ends by itself after this silence (WeCom doc 94669); no event tells of it.
SESSION_LIFE = timedelta(hours=48)
_AUTHORS = {Origin.CUSTOMER: Author.CUSTOMER, Origin.SERVICER: Author.SERVICER}


@dataclass(kw_only=True)
class Page:
    """A page on its way into the records, and what it has changed so far."""

    account_id: str
    went_live_at: datetime
    now: datetime
    rules: turns.TurnRules
    is_whole: Callable[[str], bool]
    talks: dict[str, Conversation]
    waking: list[dict[str, Any]] = field(default_factory=list)
    heard: dict[int, datetime] = field(default_factory=dict)
    latest: dict[int, datetime] = field(default_factory=dict)
    started: dict[int, datetime] = field(default_factory=dict)
    states: dict[int, tuple[SessionState, str]] = field(default_factory=dict)
    servicers: set[str] = field(default_factory=set)
    takers: dict[int, tuple[str, datetime]] = field(default_factory=dict)
    replies: dict[int, tuple[datetime, datetime]] = field(default_factory=dict)
    lapsed: set[int] = field(default_factory=set)

    @property
    def source(self) -> str:
        return source_of(self.account_id)

    def state_of(self, talk: Conversation) -> SessionState:
        known = self.states.get(talk.id)
        return known[0] if known else talk.state


def source_of(account_id: str) -> str:
    """Return the name under which an account's message ids are unique."""
    return f"{CHANNEL}:{account_id}"


async def record_page(
    tx: AsyncConnection,
    held: accounts.CursorLease,
    page: platform.KfPage,
    *,
    rules: turns.TurnRules,
    is_whole: Callable[[str], bool],
    now: datetime,
) -> int | None:
    """Store a page and move the cursor; return how many messages were new.

    `is_whole`: says whether a text can be answered without waiting for the next bubble.

    None when another process has taken the account meanwhile: nothing is stored then, it will read the page itself.
    """
    read_at = None if page.has_more else now
    if not await accounts.set_cursor(tx, held, page.next_cursor, read_at):
        return None
    if not page.messages:
        return 0
    source = source_of(held.account_id)
    known = await messages.find_known(tx, source, [one.msgid for one in page.messages])
    fresh = {one.msgid: one for one in page.messages if one.msgid not in known}
    if not fresh:
        return 0
    await _record_fresh(tx, held, list(fresh.values()), rules, is_whole, now)
    return len(fresh)


async def _record_fresh(
    tx: AsyncConnection,
    held: accounts.CursorLease,
    fresh: Sequence[KfMessage],
    rules: turns.TurnRules,
    is_whole: Callable[[str], bool],
    now: datetime,
) -> None:
    names = [one.customer_id for one in fresh if one.customer_id]
    ids = await customers.ensure(tx, names, now)
    talks = await conversations.ensure(tx, CHANNEL, held.account_id, list(ids.values()), now)
    page = Page(
        account_id=held.account_id,
        went_live_at=held.went_live_at,
        now=now,
        rules=rules,
        is_whole=is_whole,
        talks={name: talks[ids[name]] for name in ids},
    )
    spoken = [one for one in fresh if one.customer_id]
    message_ids = await messages.add(tx, [_new_message(page, one) for one in spoken], now)
    numbers = {one.msgid: number for one, number in zip(spoken, message_ids, strict=True)}
    for one in fresh:
        if one.event is not None:
            await _record_event(tx, page, one, one.event)
        elif one.customer_id and one.origin is Origin.CUSTOMER:
            await _hear(tx, page, one, numbers[one.msgid])
        elif one.customer_id:
            talk = page.talks[one.customer_id]
            page.latest[talk.id] = one.sent_at
            first, _ = page.replies.get(talk.id, (one.sent_at, one.sent_at))
            page.replies[talk.id] = (first, one.sent_at)
            if one.servicer_id:
                page.servicers.add(one.servicer_id)
    await _settle(tx, page)


def _new_message(page: Page, one: KfMessage) -> messages.NewMessage:
    assert one.customer_id is not None
    return messages.NewMessage(
        conversation_id=page.talks[one.customer_id].id,
        source=page.source,
        msgid=one.msgid,
        author=_AUTHORS.get(one.origin, Author.SYSTEM),
        kind=one.kind,
        sent_at=one.sent_at,
        text=one.text,
        menu_id=(one.menu_id or "")[:128],
        raw=one.raw,
        servicer_id=(one.servicer_id or "")[:64],
        media_id=(one.media_id or "")[:256],
    )


async def _hear(tx: AsyncConnection, page: Page, one: KfMessage, message_id: int) -> None:
    """Note that the customer spoke, and let the message join a turn unless it is older than go-live."""
    assert one.customer_id is not None
    talk = page.talks[one.customer_id]
    before = page.heard.get(talk.id, talk.last_customer_message_at)
    is_new_session = before is None or one.sent_at - before >= SESSION_LIFE
    state = page.state_of(talk)
    if state is SessionState.ENDED or (is_new_session and state is not SessionState.NEW):
        if state in (SessionState.POOL, SessionState.SERVICER):
            page.lapsed.add(talk.id)
        page.states[talk.id] = (SessionState.NEW, "")
        is_new_session = True
    if is_new_session:
        page.started[talk.id] = one.sent_at
    page.heard[talk.id] = max(one.sent_at, before) if before else one.sent_at
    page.latest[talk.id] = one.sent_at
    if one.sent_at < page.went_live_at:
        return
    is_whole = one.kind is not MessageKind.TEXT or bool(one.menu_id) or page.is_whole(one.text)
    await turns.add_bubble(
        tx,
        conversation_id=talk.id,
        message_id=message_id,
        is_whole=is_whole,
        sent_at=one.sent_at,
        now=page.now,
        rules=page.rules,
    )


async def _record_event(
    tx: AsyncConnection, page: Page, one: KfMessage, event: platform.SessionEvent
) -> None:
    talk = page.talks.get(one.customer_id or "")
    match event:
        case platform.ServicerStatusChanged():
            await accounts.set_servicer(
                tx, page.account_id, event.servicer_id, is_receiving=event.is_receiving, now=page.now
            )
        case platform.SendFailed():
            await deliveries.record_report(tx, event.fail_msgid, page.now, f"send_failed {event.reason}")
        case platform.EnterSession() if talk is not None:
            await customers.set_first_source(
                tx, talk.customer.id, scene=event.scene, scene_param=event.scene_param
            )
            page.started[talk.id] = one.sent_at
            _wake(page, one, "kf_enter_session", code=event.welcome_code or "")
        case platform.SessionChanged() if talk is not None:
            _record_change(page, one, talk, event)
        case platform.MessageRecalled() if talk is not None:
            by = Author.SERVICER if event.servicer_id else Author.CUSTOMER
            await messages.record_recall(
                tx,
                conversation_id=talk.id,
                source=page.source,
                msgid=event.recalled_msgid,
                recalled_by=by,
                at=one.sent_at,
            )
        case platform.OtherSessionEvent():
            page.waking.append(_event_row(page, one, f"kf_{event.event_type or 'event'}"[:64], {}))
        case _:
            pass  # Rejections are kept as messages; who rejected whom is read there.


def _record_change(page: Page, one: KfMessage, talk: Conversation, event: platform.SessionChanged) -> None:
    match event.change:
        case platform.SessionChange.ENDED:
            page.states[talk.id] = (SessionState.ENDED, "")
            _wake(page, one, "kf_session_ended", code=event.code or "", servicer=event.old_servicer_id or "")
        case platform.SessionChange.UNKNOWN:
            page.waking.append(_event_row(page, one, "kf_session_status_change", {}))
        case _:
            page.states[talk.id] = (SessionState.SERVICER, event.new_servicer_id or "")
            if event.new_servicer_id:
                page.servicers.add(event.new_servicer_id)
                # Nobody waits any more for what was taken before go-live, and its end would wake nobody.
                if one.sent_at >= page.went_live_at:
                    page.takers[talk.id] = (event.new_servicer_id, one.sent_at)


def _wake(page: Page, one: KfMessage, kind: str, **fields: str) -> None:
    """Let a handler hear of it, through the event table; nothing from before go-live wakes anybody."""
    if one.sent_at >= page.went_live_at:
        talk = page.talks[one.customer_id or ""]
        page.waking.append(
            _event_row(page, one, kind, {**fields, "conversation": talk.id, "at": one.sent_at.isoformat()})
        )


def _event_row(page: Page, one: KfMessage, kind: str, fields: dict[str, Any]) -> dict[str, Any]:
    body = json.dumps(fields or {"raw": one.raw}, ensure_ascii=False).encode()
    key = events.key_of(page.source, one.msgid)
    return events.new_row(key=key, receiver="kf_log", kind=kind, body=body, at=page.now)


async def _settle(tx: AsyncConnection, page: Page) -> None:
    """Write what the page as a whole has changed."""
    by_id = {talk.id: talk for talk in page.talks.values()}
    await events.add(tx, page.waking)
    await staff.ensure(tx, page.servicers, page.now)
    await customers.set_last_message(tx, {by_id[talk].customer.id: at for talk, at in page.heard.items()})
    rows = [
        {
            "conversation": talk_id,
            "latest": page.latest.get(talk_id, page.heard.get(talk_id)),
            "customer_latest": page.heard.get(talk_id, by_id[talk_id].last_customer_message_at),
            "heard": page.now if talk_id in page.heard else None,
            "session_started": page.started.get(talk_id, by_id[talk_id].session_started_at),
        }
        for talk_id in {*page.latest, *page.heard}
    ]
    await conversations.set_times(tx, rows)
    for talk_id in page.started:
        if by_id[talk_id].misses:
            await conversations.set_misses(tx, talk_id, 0)
    for talk_id in page.started.keys() - {row["conversation"] for row in rows}:
        await conversations.set_session_started(tx, talk_id, page.started[talk_id])
    for talk_id, (state, servicer) in page.states.items():
        await conversations.set_state(tx, talk_id, state, servicer_id=servicer, now=page.now)
    for talk_id, (servicer, taken_at) in page.takers.items():
        await cases.give(tx, talk_id, servicer, actor=servicer, now=page.now)
        await handovers.assign(tx, talk_id, servicer, taken_at)
    for talk_id, (first, last) in page.replies.items():
        await handovers.record_reply(tx, talk_id, first, last)
    for talk_id in page.lapsed:
        await handovers.end(tx, talk_id, HandoverEnd.LAPSED, page.now)
    if page.heard:
        await deliveries.release_held(tx, list(page.heard), page.now)


def with_state(talk: Conversation, status: platform.SessionStatus, now: datetime) -> Conversation:
    """Return the conversation as the platform says it is."""
    if status.state is None:
        return talk
    return replace(talk, state=status.state, state_changed_at=now, servicer_id=status.servicer_id or "")

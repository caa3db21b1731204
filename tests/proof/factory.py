"""A small record with a row in every covered table, put there by the program's own functions where there are some."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.talk import Author
from store import conversations, customers, logins, messages, tables
from store.database import Store
from store.messages import NewMessage

SOURCE = "kf:wkAccount1"


@dataclass(frozen=True, kw_only=True)
class Record:
    """Ids of what was made; `messages` in the order they were said."""

    customer: int
    conversation: int
    messages: list[int]


async def talk(
    tx: AsyncConnection,
    now: datetime,
    texts: list[str],
    *,
    customer: str = "wmAnna",
    authors: tuple[Author, ...] = (Author.CUSTOMER, Author.BOT),
    servicer: str = "",
    first: int = 0,
) -> Record:
    """Add a conversation in which `texts` are said by turns, a minute apart."""
    ids = await customers.ensure(tx, [customer], now)
    found = await conversations.ensure(tx, "kf", "wkAccount1", [ids[customer]], now)
    its = found[ids[customer]]
    new = [
        NewMessage(
            conversation_id=its.id,
            source=SOURCE,
            msgid=f"{customer}-{first + place}",
            author=authors[place % len(authors)],
            kind="text",
            sent_at=now + timedelta(minutes=place),
            text=text,
            raw='{"msgtype": "text"}',
            servicer_id=servicer if authors[place % len(authors)] is Author.SERVICER else "",
        )
        for place, text in enumerate(texts)
    ]
    added = await messages.add(tx, new, now)
    last = now + timedelta(minutes=len(texts) - 1)
    row = {"last_message_at": last, "last_customer_message_at": last}
    await tx.execute(sa.update(tables.conversation).where(tables.conversation.c.id == its.id).values(row))
    return Record(customer=its.customer.id, conversation=its.id, messages=added)


async def fill(store: Store, now: datetime) -> Record:
    """Put three rows into every covered table but `erasure`, which a test fills by erasing."""

    async def job(tx: AsyncConnection) -> Record:
        made = await talk(tx, now, ["您好，想问房贷", "可以提前还款", "谢谢，我的号码是13800138000"])
        for place in range(3):
            await _add_others(tx, now + timedelta(seconds=place), made, place)
        return made

    return await store.write(job)


async def _add_others(tx: AsyncConnection, now: datetime, made: Record, place: int) -> None:
    await messages.record_recall(
        tx,
        conversation_id=made.conversation,
        source=SOURCE,
        msgid=f"wmAnna-{place}",
        recalled_by=Author.SERVICER,
        at=now,
    )
    await logins.record_access(
        tx, actor="chen", act="opened", subject=f"conversation:{made.conversation}", now=now, note="x"
    )
    await _add(
        tx,
        tables.consent,
        customer_platform_id="wmAnna",
        staff_platform_id="ZhangSan",
        status="agree",
        source="archive",
        policy_version="2026-01",
        changed_at=now,
        recorded_at=now,
    )
    version = await _add(
        tx, tables.content_version, kind="faq", key=f"loan.{place}", digest="d", body={}, loaded_at=now
    )
    await _add(
        tx, tables.approval, content_version_id=version, approved_by="王芳", approved_at=now, note="看过"
    )
    case = await _add(
        tx,
        tables.case,
        kind="question",
        customer_id=made.customer,
        conversation_id=made.conversation,
        reason="asked",
        state="closed",
        opened_at=now,
        due_at=now,
    )
    await _add(tx, tables.case_entry, case_id=case, at=now, actor="chen", act="note", note="已回电")
    await _add_audit(tx, now, made, place)


async def _add_audit(tx: AsyncConnection, now: datetime, made: Record, place: int) -> None:
    session = await _add(
        tx,
        tables.session,
        conversation_id=made.conversation,
        started_at=now,
        ended_at=now,
        first_message_id=made.messages[place],
        last_message_id=made.messages[place],
        message_count=1,
        state="silence",
        line="loan",
        subjects=["ZhangSan"],
        figures={},
        source="kf",
        cut_at=now,
    )
    finding = await _add(
        tx,
        tables.finding,
        key=f"finding-{place}",
        session_id=session,
        conversation_id=made.conversation,
        subject="ZhangSan",
        item="C1",
        label="GUARANTEE",
        severity="S0",
        is_red=True,
        evidence="assist",
        rule_id="guarantee.principal",
        rule_version="1",
        note="承诺保本：“可以提前还款”",
        state="suspected",
        occurred_at=now,
        found_at=now,
        shown_at=now,
    )
    await _add(tx, tables.finding_span, finding_id=finding, message_id=made.messages[place], start=0, end=2)
    appeal = await _add(
        tx,
        tables.appeal,
        session_id=session,
        finding_id=finding,
        subject="ZhangSan",
        state="open",
        opened_at=now,
        due_at=now,
    )
    await _add(
        tx, tables.appeal_entry, appeal_id=appeal, at=now, actor="ZhangSan", act="opened", to_state="open"
    )
    await _add(
        tx,
        tables.finding_entry,
        finding_id=finding,
        at=now,
        actor="chen",
        from_state="suspected",
        to_state="confirmed",
        note="属实",
        appeal_id=appeal if place else None,
    )


async def _add(tx: AsyncConnection, table: sa.Table, **row: object) -> int:
    added = await tx.execute(sa.insert(table).values(row).returning(table.c.id))
    return int(added.scalar_one())

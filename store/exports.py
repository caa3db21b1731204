"""Conversations as they are handed out: who said what when, and all that belongs to each message.

Read only, a page at a time, so an export of any length takes the memory of one page. A scope is one customer or one
advisor and a time; an advisor's are the conversations in which the advisor spoke, and the own chats, whole. Talk of
colleagues among themselves leaves only where that is asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audit import TalkKind
from store import chain, erasures
from store.database import Store
from store.erasures import Erasure
from store.tables import (
    appeal,
    approval,
    content_version,
    conversation,
    customer,
    delivery,
    finding,
    finding_entry,
    finding_span,
    group,
    group_member,
    message,
    message_body,
    recall,
)

PAGE = 500


@dataclass(frozen=True, kw_only=True)
class ExportScope:
    """What is handed out: of one customer or one advisor, said from `since` on and before `until`.

    `findings_of`: only messages with a finding about this member, which is what the member has a right to see
    explained (PIPL 24, 45); what was found about a colleague in the same message stays out. `with_internal`: also what
    the member said among colleagues.
    """

    customer_id: int | None = None
    staff_id: str = ""
    findings_of: str = ""
    since: datetime | None = None
    until: datetime | None = None
    with_internal: bool = False


@dataclass(frozen=True, kw_only=True)
class ExportedAppeal:
    """An appeal against a finding."""

    level: int
    state: str
    outcome: str
    subject: str
    opened_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class ExportedFinding:
    """A finding in a message, with the piece it is about; `decisions`: who, when, to which state, why."""

    label: str
    severity: str
    item: str
    rule_id: str
    rule_version: str
    subject: str
    state: str
    note: str
    start: int
    end: int
    decisions: tuple[tuple[str, datetime, str, str], ...]
    appeals: tuple[ExportedAppeal, ...]


@dataclass(frozen=True, kw_only=True)
class ExportedApproval:
    """Whose approval automatic words had: text, version and who approved it when."""

    key: str
    version_id: int
    digest: str
    approved_by: str
    approved_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class ExportedMessage:
    """A message with everything that proves it. `block` 0: not sealed yet; `text` "" once erased."""

    id: int
    conversation_id: int
    channel: str
    account_id: str
    customer_platform_id: str
    nickname: str
    source: str
    msgid: str
    author: str
    servicer_id: str
    sender_id: str
    kind: str
    sent_at: datetime
    recorded_at: datetime
    text: str
    recalled_by: str
    recalled_at: datetime | None
    erasure: Erasure | None
    findings: tuple[ExportedFinding, ...]
    approval: ExportedApproval | None
    delivery_state: str
    receipt: str
    digest: str
    block: int


async def count(store: Store, scope: ExportScope, now: datetime) -> tuple[int, int]:
    """Return how many conversations and messages the scope holds."""
    async with store.read() as tx:
        ids = await list_conversations(tx, scope, now)
        total = 0
        for start in range(0, len(ids), PAGE):
            wanted = sa.select(sa.func.count()).select_from(message)
            for condition in _conditions(scope, ids[start : start + PAGE], now):
                wanted = wanted.where(condition)
            total += (await tx.execute(wanted)).scalar_one()
    return len(ids), total


async def stream(store: Store, scope: ExportScope, now: datetime) -> AsyncIterator[list[ExportedMessage]]:
    """Give the messages, one conversation after the other, in the order they were said; a page a transaction."""
    async with store.read() as tx:
        ids = await list_conversations(tx, scope, now)
    for id_ in ids:
        place: tuple[datetime, int] | None = None
        while True:
            async with store.read() as tx:
                rows = await _page(tx, scope, id_, place, now)
                if not rows:
                    break
                yield await _filled(tx, rows, _wanted_findings(scope, now))
            place = rows[-1].sent_at, rows[-1].id


async def list_conversations(tx: AsyncConnection, scope: ExportScope, now: datetime) -> list[int]:
    """Return the conversations of the scope, the oldest first."""
    wanted = sa.select(conversation.c.id).order_by(conversation.c.id)
    if not scope.with_internal:
        wanted = wanted.where(conversation.c.channel != TalkKind.INTERNAL)
    its = message.c.conversation_id == conversation.c.id
    if scope.customer_id is not None:
        groups = (
            sa.select(group.c.chat_id)
            .join(group_member, group_member.c.group_id == group.c.id)
            .join(customer, customer.c.platform_id == group_member.c.member_platform_id)
            .where(customer.c.id == scope.customer_id)
        )
        shared = sa.and_(conversation.c.channel == "group", conversation.c.account_id.in_(groups))
        wanted = wanted.where(sa.or_(conversation.c.customer_id == scope.customer_id, shared))
    elif scope.findings_of:
        about = sa.select(finding.c.conversation_id).where(_wanted_findings(scope, now))
        wanted = wanted.where(conversation.c.id.in_(about))
    else:
        own = sa.and_(conversation.c.channel == "chat", conversation.c.account_id == scope.staff_id)
        wanted = wanted.where(sa.or_(own, sa.exists().where(its, message.c.servicer_id == scope.staff_id)))
    return list((await tx.execute(wanted)).scalars())


def _wanted_findings(scope: ExportScope, now: datetime) -> sa.ColumnElement[bool]:
    """Return the condition for findings that belong to the scope: a member's own are those shown to the member."""
    found = finding.c.state != "gone"
    if not scope.findings_of:
        return found
    return sa.and_(found, finding.c.subject == scope.findings_of, finding.c.shown_at <= now)


def _conditions(scope: ExportScope, ids: Sequence[int], now: datetime) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = [message.c.conversation_id.in_(ids)]
    if scope.findings_of:
        about = (
            sa.select(finding_span.c.message_id)
            .join(finding, finding.c.id == finding_span.c.finding_id)
            .where(_wanted_findings(scope, now))
        )
        found.append(message.c.id.in_(about))
    if scope.since is not None:
        found.append(message.c.sent_at >= scope.since)
    if scope.until is not None:
        found.append(message.c.sent_at < scope.until)
    return found


async def _page(
    tx: AsyncConnection,
    scope: ExportScope,
    conversation_id: int,
    place: tuple[datetime, int] | None,
    now: datetime,
) -> Sequence[Any]:
    wanted = _MESSAGES.order_by(message.c.sent_at, message.c.id).limit(PAGE)
    for condition in _conditions(scope, [conversation_id], now):
        wanted = wanted.where(condition)
    if place is not None:
        at, id_ = place
        later = sa.or_(message.c.sent_at > at, message.c.id > id_)
        wanted = wanted.where(message.c.sent_at >= at, later)
    return (await tx.execute(wanted)).all()


async def _filled(
    tx: AsyncConnection, rows: Sequence[Any], which: sa.ColumnElement[bool]
) -> list[ExportedMessage]:
    ids = [row.id for row in rows]
    gone = await erasures.list_of(tx, ids)
    found = await _findings(tx, ids, which)
    sent = await _deliveries(tx, [row.msgid for row in rows if row.source.startswith(("outbox:", "sidebar"))])
    blocks = await chain.find_block_of(tx, "message", sorted(ids))
    return [
        ExportedMessage(
            id=row.id,
            conversation_id=row.conversation_id,
            channel=row.channel,
            account_id=row.account_id,
            customer_platform_id=row.platform_id or "",
            nickname=row.nickname or "",
            source=row.source,
            msgid=row.msgid,
            author=row.author,
            servicer_id=row.servicer_id,
            sender_id=row.sender_id,
            kind=row.kind,
            sent_at=row.sent_at,
            recorded_at=row.recorded_at,
            text=row.text,
            recalled_by=row.recalled_by or "",
            recalled_at=row.recalled_at,
            erasure=gone.get(row.id),
            findings=tuple(found.get(row.id, ())),
            approval=sent[row.msgid][2] if row.msgid in sent else None,
            delivery_state=sent[row.msgid][0] if row.msgid in sent else "",
            receipt=sent[row.msgid][1] if row.msgid in sent else "",
            digest=row.digest,
            block=blocks.get(row.id, 0),
        )
        for row in rows
    ]


async def _findings(
    tx: AsyncConnection, ids: list[int], which: sa.ColumnElement[bool]
) -> dict[int, list[ExportedFinding]]:
    wanted = (
        sa.select(finding, finding_span.c.message_id, finding_span.c.start, finding_span.c.end)
        .join(finding_span, finding_span.c.finding_id == finding.c.id)
        .where(finding_span.c.message_id.in_(ids), which)
        .order_by(finding.c.id, finding_span.c.start)
    )
    rows = (await tx.execute(wanted)).all()
    decisions, appeals = await _decisions(tx, {row.id for row in rows})
    found: dict[int, list[ExportedFinding]] = defaultdict(list)
    for row in rows:
        found[row.message_id].append(
            ExportedFinding(
                label=row.label,
                severity=row.severity,
                item=row.item,
                rule_id=row.rule_id,
                rule_version=row.rule_version,
                subject=row.subject,
                state=row.state,
                note=row.note,
                start=row.start,
                end=row.end,
                decisions=tuple(decisions.get(row.id, ())),
                appeals=tuple(appeals.get(row.id, ())),
            )
        )
    return found


async def _decisions(
    tx: AsyncConnection, finding_ids: set[int]
) -> tuple[dict[int, list[tuple[str, datetime, str, str]]], dict[int, list[ExportedAppeal]]]:
    entries: dict[int, list[tuple[str, datetime, str, str]]] = defaultdict(list)
    wanted = sa.select(finding_entry).where(finding_entry.c.finding_id.in_(finding_ids))
    for row in (await tx.execute(wanted.order_by(finding_entry.c.id))).all():
        entries[row.finding_id].append((row.actor, row.at, row.to_state, row.note))
    appeals: dict[int, list[ExportedAppeal]] = defaultdict(list)
    asked = sa.select(appeal).where(appeal.c.finding_id.in_(finding_ids)).order_by(appeal.c.id)
    for row in (await tx.execute(asked)).all():
        appeals[row.finding_id].append(
            ExportedAppeal(
                level=row.level,
                state=row.state,
                outcome=row.outcome,
                subject=row.subject,
                opened_at=row.opened_at,
                closed_at=row.closed_at,
            )
        )
    return entries, appeals


async def _deliveries(
    tx: AsyncConnection, keys: list[str]
) -> dict[str, tuple[str, str, ExportedApproval | None]]:
    """Return state, the platform's receipt and the approval of each delivery by its key."""
    if not keys:
        return {}
    first = sa.select(sa.func.min(approval.c.id)).where(
        approval.c.content_version_id == delivery.c.content_version_id
    )
    wanted = (
        sa.select(
            delivery.c.key,
            delivery.c.state,
            delivery.c.receipt,
            content_version.c.id.label("version_id"),
            content_version.c.key.label("text_key"),
            content_version.c.digest,
            approval.c.approved_by,
            approval.c.approved_at,
        )
        .outerjoin(content_version, content_version.c.id == delivery.c.content_version_id)
        .outerjoin(approval, approval.c.id == first.correlate(delivery).scalar_subquery())
        .where(delivery.c.key.in_(keys))
    )
    found: dict[str, tuple[str, str, ExportedApproval | None]] = {}
    for row in (await tx.execute(wanted)).all():
        words = None
        if row.version_id is not None:
            words = ExportedApproval(
                key=row.text_key,
                version_id=row.version_id,
                digest=row.digest,
                approved_by=row.approved_by or "",
                approved_at=row.approved_at,
            )
        found[row.key] = row.state, row.receipt, words
    return found


_MESSAGES = (
    sa.select(
        message,
        message_body.c.text,
        conversation.c.channel,
        conversation.c.account_id,
        customer.c.platform_id,
        customer.c.nickname,
        recall.c.recalled_by,
        recall.c.recalled_at,
    )
    .join(message_body, message_body.c.message_id == message.c.id)
    .join(conversation, conversation.c.id == message.c.conversation_id)
    .outerjoin(customer, customer.c.id == conversation.c.customer_id)
    .outerjoin(recall, sa.and_(recall.c.source == message.c.source, recall.c.msgid == message.c.msgid))
)

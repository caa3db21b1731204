"""Who has to answer a question of a group, and who stands behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audit import TalkKind
from domain.enrolment import Question, QuestionSource
from domain.groups import MemberKind
from domain.platform import SessionState
from store.tables import conversation, customer, group, group_member, kf_state, relation, staff


@dataclass(frozen=True, kw_only=True)
class Duty:
    """Who answers: UserIDs, "" where nobody is known. `chat_id`, `group_name`: "" for a chat outside groups."""

    advisor: str
    owner: str = ""
    co_owner: str = ""
    supervisor: str = ""
    chat_id: str = ""
    group_name: str = ""
    names: Mapping[str, str] = field(default_factory=dict)

    def name(self, platform_id: str) -> str:
        """Return a name for people."""
        return self.names.get(platform_id) or platform_id


async def find(tx: AsyncConnection, asked: Question, on_duty: Sequence[str] = ()) -> Duty:
    """Return who has a question: the asker's advisor who is in the group, else the group's owner, else who marked it.

    Outside groups it is the advisor of the chat, or who serves the session of customer service; where nobody serves it
    yet the first of `on_duty`, with the second beside.

    With several advisors it is the one who has known the customer longest. The co-owner is the owner's, else the
    owner where an advisor has duty; the supervisor is the owner's leader, else the advisor's.
    """
    place = None
    if asked.group_id is not None:
        wanted = sa.select(group.c.chat_id, group.c.name, group.c.owner_platform_id)
        place = (await tx.execute(wanted.where(group.c.id == asked.group_id))).one_or_none()
    owner = place.owner_platform_id if place else ""
    advisor = await _advisor(tx, asked) or await _of_talk(tx, asked) or owner or asked.marked_by
    beside = ""
    if not advisor and asked.source is QuestionSource.KF:
        advisor, beside = (*on_duty, "", "")[:2]
    known = await _staff(tx, [owner, advisor])
    head, own = known.get(owner), known.get(advisor)
    co_owner = (head.co_owner_platform_id or head.deputy_platform_id) if head else beside
    leader = (head.leader_platform_id if head else "") or (own.leader_platform_id if own else "")
    return Duty(
        advisor=advisor,
        owner=owner,
        co_owner=co_owner if co_owner and co_owner != advisor else owner,
        supervisor=leader,
        chat_id=place.chat_id if place else "",
        group_name=place.name if place else "",
        names={name: row.name for name, row in known.items() if row.name},
    )


async def _advisor(tx: AsyncConnection, asked: Question) -> str:
    if not asked.asker or asked.group_id is None:
        return ""
    wanted = (
        sa.select(staff.c.platform_id)
        .join(relation, relation.c.staff_id == staff.c.id)
        .join(customer, customer.c.id == relation.c.customer_id)
        .join(group_member, group_member.c.member_platform_id == staff.c.platform_id)
        .where(
            customer.c.platform_id == asked.asker,
            relation.c.to_at.is_(None),
            group_member.c.group_id == asked.group_id,
            group_member.c.kind == MemberKind.STAFF,
            group_member.c.quit_at.is_(None),
        )
        .order_by(relation.c.from_at, staff.c.platform_id)
        .limit(1)
    )
    return str((await tx.execute(wanted)).scalar_one_or_none() or "")


async def _of_talk(tx: AsyncConnection, asked: Question) -> str:
    if asked.conversation_id is None:
        return ""
    wanted = (
        sa.select(conversation.c.channel, conversation.c.account_id, kf_state.c.state, kf_state.c.servicer_id)
        .outerjoin(kf_state, kf_state.c.conversation_id == conversation.c.id)
        .where(conversation.c.id == asked.conversation_id)
    )
    row = (await tx.execute(wanted)).one_or_none()
    if row is None:
        return ""
    if row.channel == TalkKind.CHAT:
        return str(row.account_id)
    return str(row.servicer_id or "") if row.state == int(SessionState.SERVICER) else ""


async def _staff(tx: AsyncConnection, names: list[str]) -> dict[str, Any]:
    wanted = sa.select(
        staff.c.platform_id,
        staff.c.name,
        staff.c.leader_platform_id,
        staff.c.co_owner_platform_id,
        staff.c.deputy_platform_id,
    ).where(staff.c.platform_id.in_([name for name in names if name]))
    return {row.platform_id: row for row in (await tx.execute(wanted)).all()}

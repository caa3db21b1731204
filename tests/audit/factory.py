"""Fills a store with talks, and with what the audit made of them, in a line or two each.

    talk = await factory.talk(tx, TalkKind.CHAT, [(0, "C", "提前还款怎么算？"), (2, "A", "您好，我帮您查。")])
    session_id = await factory.session(tx, talk)

A line is (minutes after the start, who, text). Who: "C" the customer, "C:wm_x" another one (groups), "A" the advisor,
"A:li" a colleague, "B" the bot (an answer), "W" a welcome, "P" a mass send in the advisor's name ("P:li"), "S" the
platform. A "~" at the end: taken back a minute later. Text "[image]" is a message of that kind without words.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audit import Evidence, FindingState, Grade, SessionEnd, TalkKind
from domain.compliance import Severity
from domain.talk import Author
from store import customers, messages, staff, tables

# A Monday, 10:00 in China: inside service hours, no holiday.
START = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
ADVISOR = "wang"
CUSTOMER = "wm_li"
Line = tuple[float, str, str]
_numbers = itertools.count(1)
_AUTHORS = {
    "C": Author.CUSTOMER,
    "A": Author.SERVICER,
    "P": Author.SERVICER,
    "B": Author.BOT,
    "W": Author.BOT,
    "S": Author.SYSTEM,
}


@dataclass(frozen=True, kw_only=True)
class Talk:
    """A conversation that was filled. `messages`: the ids, in the order of the lines."""

    id: int
    kind: TalkKind
    account_id: str
    advisor: str
    start: datetime
    messages: tuple[int, ...]

    def at(self, minutes: float) -> datetime:
        return self.start + timedelta(minutes=minutes)


async def talk(
    tx: AsyncConnection,
    kind: TalkKind,
    lines: Sequence[Line],
    *,
    advisor: str = ADVISOR,
    customer: str = CUSTOMER,
    account: str = "",
    start: datetime = START,
) -> Talk:
    """Add a conversation, or find the same one again, and say the lines in it.

    `account`: by default wkA for kf, the advisor for a chat, wrGroup for a group.
    """
    account = account or {TalkKind.CHAT: advisor, TalkKind.GROUP: "wrGroup"}.get(kind, "wkA")
    number = await _conversation(tx, kind, account, customer, start)
    await staff.ensure(tx, [advisor], start)
    added = Talk(id=number, kind=kind, account_id=account, advisor=advisor, start=start, messages=())
    return await say(tx, added, lines, customer=customer)


async def say(tx: AsyncConnection, talk: Talk, lines: Sequence[Line], *, customer: str = CUSTOMER) -> Talk:
    """Say more in a talk, in the order given; return it with these messages only."""
    ids = []
    for minutes, who, text in lines:
        new = _message(talk, minutes, who, text, customer)
        if who[0] in "BW":
            await _delivery(tx, talk, new, is_answer=who[0] == "B")
        ids += await messages.add(tx, [new], new.sent_at)
        if who.endswith("~"):
            await messages.record_recall(
                tx,
                conversation_id=talk.id,
                source=new.source,
                msgid=new.msgid,
                recalled_by=new.author,
                at=new.sent_at + timedelta(minutes=1),
            )
    return Talk(**{**vars(talk), "messages": tuple(ids)})


async def session(
    tx: AsyncConnection,
    talk: Talk,
    *,
    subjects: Sequence[str] | None = None,
    state: SessionEnd = SessionEnd.SILENCE,
    line: str = "loan",
    figures: dict[str, Any] | None = None,
    source: str = "archive",
) -> int:
    """Add the session that spans the talk's messages, as if it had been cut; return its id."""
    wanted = sa.select(tables.message.c.id, tables.message.c.sent_at).where(
        tables.message.c.id.in_(talk.messages)
    )
    rows = (await tx.execute(wanted.order_by(tables.message.c.sent_at, tables.message.c.id))).all()
    return await _insert(
        tx,
        tables.session,
        conversation_id=talk.id,
        started_at=rows[0].sent_at,
        ended_at=rows[-1].sent_at,
        first_message_id=rows[0].id,
        last_message_id=rows[-1].id,
        message_count=len(rows),
        state=state,
        line=line,
        subjects=[talk.advisor] if subjects is None else list(subjects),
        figures=figures or {},
        source=source,
        digest="",
        cut_at=rows[-1].sent_at,
    )


async def evaluation(
    tx: AsyncConnection,
    session_id: int,
    *,
    subject: str = ADVISOR,
    score: float | None = 92.0,
    grade: Grade = Grade.EXCELLENT,
    items: Sequence[dict[str, Any]] = (),
    figures: dict[str, Any] | None = None,
    at: datetime = START,
    rubric: str = "r1",
) -> int:
    """Add what a subject reached in a session; return its id."""
    return await _insert(
        tx,
        tables.evaluation,
        session_id=session_id,
        subject=subject,
        rubric_version=rubric,
        rules_version="c1",
        input_digest=f"d{next(_numbers)}",
        score=score,
        grade=grade,
        final_score=score,
        final_grade=grade,
        weight=100.0,
        items=list(items),
        figures=figures or {},
        is_current=True,
        started_at=at,
        evaluated_at=at,
    )


async def finding(
    tx: AsyncConnection,
    session_id: int,
    talk: Talk,
    *,
    place: int = 0,
    span: tuple[int, int] = (0, 0),
    subject: str = ADVISOR,
    label: str = "GUARANTEE",
    item: str = "",
    is_red: bool = True,
    state: FindingState = FindingState.SUSPECTED,
    evidence: Evidence = Evidence.ASSIST,
    points: float = 0.0,
    note: str = "承诺保本",
    at: datetime = START,
) -> int:
    """Add a finding in the message at `place` of the talk; return its id."""
    number = await _insert(
        tx,
        tables.finding,
        key=f"k{next(_numbers)}",
        session_id=session_id,
        conversation_id=talk.id,
        subject=subject,
        item=item,
        label=label,
        severity=Severity.S0 if is_red else Severity.S2,
        is_red=is_red,
        evidence=evidence,
        rule_id=f"test.{label.lower()}",
        rule_version="c1",
        points=points,
        note=note,
        state=state,
        occurred_at=at,
        found_at=at,
        decided_at=None,
        shown_at=at,
    )
    await _insert(
        tx,
        tables.finding_span,
        finding_id=number,
        message_id=talk.messages[place],
        start=span[0],
        end=span[1],
    )
    return number


async def _conversation(
    tx: AsyncConnection, kind: TalkKind, account: str, customer: str, now: datetime
) -> int:
    who = None
    if kind in (TalkKind.KF, TalkKind.CHAT):
        who = (await customers.ensure(tx, [customer], now))[customer]
    row = tables.conversation.c
    same = row.customer_id.is_(None) if who is None else row.customer_id == who
    wanted = sa.select(row.id).where(row.channel == kind, row.account_id == account, same)
    found: int | None = (await tx.execute(wanted)).scalar_one_or_none()
    if found is not None:
        return found
    return await _insert(
        tx,
        tables.conversation,
        channel=kind,
        account_id=account,
        customer_id=who,
        opened_at=now,
        session_started_at=now,
    )


def _message(talk: Talk, minutes: float, who: str, text: str, customer: str) -> messages.NewMessage:
    letter, _, name = who.rstrip("~").partition(":")
    author = _AUTHORS[letter]
    kind = text[1:-1] if text.startswith("[") and text.endswith("]") else "text"
    source = {TalkKind.KF: f"kf:{talk.account_id}"}.get(talk.kind, "archive")
    if letter in "BW":
        source = "outbox:kf"
    elif letter == "P":
        source = "mass"
    return messages.NewMessage(
        conversation_id=talk.id,
        source=source,
        msgid=f"m{next(_numbers)}",
        author=author,
        kind="event" if author is Author.SYSTEM else kind,
        sent_at=talk.at(minutes),
        text=text if kind == "text" else "",
        servicer_id=(name or talk.advisor) if author is Author.SERVICER else "",
        sender_id=(name or customer) if author is Author.CUSTOMER and talk.kind is TalkKind.GROUP else name,
    )


async def _delivery(tx: AsyncConnection, talk: Talk, new: messages.NewMessage, *, is_answer: bool) -> None:
    """The bot speaks through the outbox: an answer belongs to a customer's turn, a welcome to none."""
    turn_id = None
    if is_answer:
        turn_id = await _insert(
            tx,
            tables.turn,
            conversation_id=talk.id,
            state="done",
            is_complete=True,
            first_message_id=0,
            last_message_id=0,
            opened_at=new.sent_at,
            due_at=new.sent_at,
            decision="answer",
        )
    await _insert(
        tx,
        tables.delivery,
        key=new.msgid,
        act="text",
        send_class=2,
        purpose="service",
        channel="kf",
        conversation_id=talk.id,
        turn_id=turn_id,
        body={"text": new.text},
        state="accepted",
        created_at=new.sent_at,
        due_at=new.sent_at,
        finished_at=new.sent_at,
    )


async def _insert(tx: AsyncConnection, table: sa.Table, **values: Any) -> int:
    added = sa.insert(table).values(values).returning(table.c.id)
    return int((await tx.execute(added)).scalar_one())

"""A week of three advisors and the bot, small enough to be counted by hand. The right figures stand beside the rows.

wang   22 scored sessions, one a customer, Monday 09:00 on, every 20 minutes: scores 80, 82, …, 98, 80, 82 …
       first answers 1, 2, …, 20 minutes (working); sessions 21 and 22 were asked and never answered
       one red line confirmed, one suspected, one finding of two points that counts, one rejected
li     3 scored sessions: too few for a score. Its red line is confirmed and not shown to anybody yet
zhao   an advisor whose talks are not archived: nothing was seen
bot    2 sessions, first answers 2 and 4 seconds
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audit import BOT, Evidence, FindingState, Grade, SessionEnd, TalkKind
from domain.people import StaffStatus
from store import staff, tables
from store.audit_reports import AuditFilter
from tests.audit import factory

# Monday 2026-11-23, 09:00 in China.
MONDAY = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
WEEK_START = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)
WANTED = AuditFilter(since=WEEK_START, until=WEEK_START + timedelta(days=7), now=NOW)
WANG_SCORES = [80.0 + 2 * (number % 10) for number in range(22)]


async def fill(tx: AsyncConnection) -> dict[str, int]:
    """Fill the store; return ids by name: "red" and "doubt" of wang's first and second session, and so on."""
    ids: dict[str, int] = {}
    for name in ("wang", "li", "zhao"):
        await staff.ensure(tx, [name], MONDAY)
        its = tables.staff.c.platform_id == name
        await tx.execute(
            sa.update(tables.staff).where(its).values(is_advisor=True, status=StaffStatus.ACTIVE, team="一组")
        )
    for name in ("wang", "li"):
        row = {"staff_platform_id": name, "from_at": MONDAY - timedelta(days=90), "seen_at": NOW}
        await tx.execute(sa.insert(tables.archived_staff).values(row))
    await tx.execute(
        sa.insert(tables.archive_cursor).values(corp_id="ww1", seq=9, pulled_at=NOW, caught_up_at=NOW)
    )
    for number in range(22):
        await _wang(tx, number, ids)
    for number in range(3):
        await _li(tx, number, ids)
    for number in range(2):
        talk = await factory.talk(
            tx,
            TalkKind.KF,
            [(0, "C", "怎么还款？"), (0.05, "B", "您可以在还款页操作。")],
            customer=f"wm_kf{number}",
            start=MONDAY + timedelta(hours=3 + number),
        )
        session = await factory.session(tx, talk, subjects=[BOT], source="kf")
        await evaluate(
            tx, session, talk.start, BOT, 95.0, bot_first_wall=2.0 + 2 * number, asked=1, answered=1
        )
    post = await factory.talk(
        tx, TalkKind.CHAT, [(0, "P", "节日快乐")], advisor="li", customer="wm_mass", start=MONDAY
    )
    silent = {"customer_messages": 0, "staff_messages": 0}
    ids["mass0"] = await factory.session(tx, post, subjects=[], figures=silent)
    await _people(tx, ids)
    return ids


async def _wang(tx: AsyncConnection, number: int, ids: dict[str, int]) -> None:
    start = MONDAY + timedelta(minutes=20 * number)
    is_answered = number < 20
    lines: list[factory.Line] = [(0, "C", "这个产品怎么样？")]
    if is_answered:
        lines.append((number + 1, "A", "您好，这款产品您可以放心，本金绝对安全。"))
    talk = await factory.talk(tx, TalkKind.CHAT, lines, advisor="wang", customer=f"wm_{number}", start=start)
    session = await factory.session(tx, talk, line="wealth" if number < 10 else "loan")
    wait = 60.0 * (number + 1) if is_answered else None
    await evaluate(
        tx,
        session,
        start,
        "wang",
        WANG_SCORES[number],
        first_working=wait,
        first_wall=wait,
        waits_working=[wait] if wait else [],
        asked=1,
        answered=int(is_answered),
        is_unanswered=not is_answered,
    )
    ids[f"wang{number}"] = session
    its = {"subject": "wang", "at": start}
    if number == 0:
        ids["red"] = await factory.finding(
            tx, session, talk, place=1, span=(12, 18), state=FindingState.CONFIRMED, **its
        )
    if number == 1:
        ids["doubt"] = await factory.finding(tx, session, talk, place=1, span=(12, 18), **its)
    if number == 2:
        two = {"label": "DISCLOSURE", "item": "A1", "is_red": False, "points": 2.0, **its}
        auto = {"evidence": Evidence.AUTO, "state": FindingState.COUNTED}
        ids["counted"] = await factory.finding(tx, session, talk, place=1, **two, **auto)
        ids["rejected"] = await factory.finding(
            tx, session, talk, place=1, state=FindingState.REJECTED, **its
        )


async def _li(tx: AsyncConnection, number: int, ids: dict[str, int]) -> None:
    start = MONDAY + timedelta(days=1, minutes=30 * number)
    talk = await factory.talk(
        tx,
        TalkKind.GROUP if number == 2 else TalkKind.CHAT,
        [(0, "C", "在吗"), (2, "A", "在的，包您满意")],
        advisor="li",
        customer=f"wm_li{number}",
        start=start,
    )
    session = await factory.session(tx, talk, state=SessionEnd.WALL if number else SessionEnd.OPEN)
    ids[f"li{number}"] = session
    await evaluate(tx, session, start, "li", 60.0, first_working=120.0, first_wall=120.0, asked=1, answered=1)
    if number == 0:
        hidden = await factory.finding(
            tx, session, talk, place=1, subject="li", state=FindingState.CONFIRMED, at=start
        )
        ids["hidden"] = hidden
        its = tables.finding.c.id == hidden
        await tx.execute(sa.update(tables.finding).where(its).values(shown_at=NOW + timedelta(days=1)))


async def evaluate(
    tx: AsyncConnection, session: int, at: datetime, subject: str, score: float, **figures: Any
) -> None:
    """Score a session."""
    grade = next(
        (
            name
            for least, name in ((90, Grade.EXCELLENT), (80, Grade.GOOD), (60, Grade.COACH))
            if score >= least
        ),
        Grade.FAIL,
    )
    items = [
        {
            "item": "A1",
            "weight": 10,
            "earned": 8.0 if score < 90 else 10.0,
            "evidence": "auto",
            "pending": 0.0,
        },
        {"item": "C3", "weight": 6, "earned": None, "evidence": "auto", "reason": "没有许诺"},
    ]
    await factory.evaluation(
        tx, session, subject=subject, score=score, grade=grade, items=items, figures=figures, at=at
    )


async def _people(tx: AsyncConnection, ids: dict[str, int]) -> None:
    """Six asked for a rating, five answered, four content; four promises; an appeal; a day of the platform's own."""
    talk = (await tx.execute(sa.select(tables.session.c.conversation_id).limit(1))).scalar_one()
    message = (await tx.execute(sa.select(tables.message.c.id).limit(1))).scalar_one()
    sent = (await tx.execute(sa.select(tables.delivery.c.id).limit(1))).scalar_one()
    for number, score in enumerate([4, 4, 3, 3, 1, None]):
        delivery = await _copy(tx, sent, f"rating{number}")
        row = {
            "conversation_id": talk,
            "delivery_id": delivery,
            "servicer_id": "wang",
            "asked_at": MONDAY + timedelta(hours=number),
            "answered_at": MONDAY + timedelta(hours=number) if score else None,
            "score": score,
        }
        await tx.execute(sa.insert(tables.satisfaction).values(row))
    states = [("kept", -30), ("kept", -20), ("broken", -10), ("open", -1), ("open", 20)]
    for number, (state, hours) in enumerate(states):
        await tx.execute(
            sa.insert(tables.promise).values(
                session_id=ids["wang0"],
                conversation_id=talk,
                message_id=message,
                subject="wang",
                start=number,
                end=number + 1,
                object="给您办好",
                made_at=MONDAY,
                due_at=NOW + timedelta(hours=hours),
                state=state,
            )
        )
    await tx.execute(
        sa.insert(tables.appeal).values(
            session_id=ids["wang0"],
            finding_id=ids["red"],
            subject="wang",
            state="submitted",
            opened_at=NOW - timedelta(days=1),
            due_at=NOW - timedelta(hours=1),
        )
    )
    await tx.execute(
        sa.insert(tables.review).values(
            key="red-1",
            kind="red",
            session_id=ids["wang1"],
            finding_id=ids["doubt"],
            subject="wang",
            state="waiting",
            created_at=MONDAY,
            due_at=NOW - timedelta(hours=2),
            verdicts={},
        )
    )
    for subject, chats in (("wang", 40), ("zhao", 12)):
        row = {"kind": "contacts", "subject": subject, "day": date(2026, 11, 23), "fetched_at": NOW}
        await tx.execute(sa.insert(tables.official_day).values(**row, body={"chat_cnt": chats}))


async def _copy(tx: AsyncConnection, delivery_id: int, key: str) -> int:
    """A delivery like another one; satisfaction refers to one each."""
    row = (await tx.execute(sa.select(tables.delivery).where(tables.delivery.c.id == delivery_id))).one()
    values = {name: value for name, value in row._mapping.items() if name not in ("id", "key")}
    added = sa.insert(tables.delivery).values(**values, key=key).returning(tables.delivery.c.id)
    return int((await tx.execute(added)).scalar_one())

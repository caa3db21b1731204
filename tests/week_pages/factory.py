"""A group on its way through a shipped template, and the pages in front of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import FrozenClock
from console.week.context import WeekContext
from content import sop_freezing
from domain.compliance import Audience
from domain.enrolment import EnrolmentState, OccurrenceState
from domain.sop import DeliveryCode, Template
from scheduler.rendering import Checker
from store import occurrences, sop_versions, tables
from store.database import Store
from tests.content import shipped
from tests.sop import factory as sop

CODE = "Xk3vQ8mZpL2tR7wY"
FACTS = {
    "event_title": "签字之前，先看清三处",
    "teacher": "陈老师",
    "teacher_title": "持证的投资者教育讲师，从业十二年",
}
TEMPLATES = ("finance_week1", "finance_weekly", "group_repair")
COMPANY = {
    "company": "示例金融信息服务有限公司",
    "licence": "示例许可证 000000",
    "phone": "400-000-0000",
    "website": "https://www.example.com",
}
RISK_LINES = shipped.words().risk_lines
_checker = Checker(rules=shipped.words().rules)


def make_context(store: Store, clock: FrozenClock, **changes: object) -> WeekContext:
    """A program around the pages that may say everything shipped; what is given changes that."""

    def may_read(template: Template, text: str) -> bool:
        return not _checker.problem(text, frozenset(template.lines), Audience.GROUP)

    async def template_of(version_id: int) -> Template:
        async with store.read() as tx:
            return sop_freezing.load((await sop_versions.get(tx, version_id)).body)

    values: dict[str, Any] = {
        "store": store,
        "clock": clock,
        "facts": COMPANY,
        "secure_cookies": False,
        "template_of": template_of,
        "find_template": lambda name: sop.template(name) if name in TEMPLATES else None,
        "may_say": lambda template, block_id: block_id in template.blocks,
        "may_read": may_read,
        "risk_lines": lambda: RISK_LINES,
        "stopped": lambda: frozenset(),
    }
    return WeekContext(**(values | changes))


async def add_week(
    store: Store,
    now: datetime,
    *,
    code: str = CODE,
    template: str = "finance_week1",
    publication: OccurrenceState | None = OccurrenceState.PLANNED,
    facts: dict[str, str] | None = None,
    **changes: object,
) -> int:
    """Enrol a group of its own; return the enrolment's id. The publication is due in two days, at this time."""
    made = sop.template(template)

    async def job(tx: AsyncConnection) -> int:
        version = await sop_versions.ensure(
            tx, made.id, made.version, made.digest, sop_freezing.dump(made), [], now
        )
        group = await _insert(tx, tables.group, {"chat_id": f"wr{code}", "first_seen_at": now})
        row: dict[str, object] = {
            "sop_version_id": version,
            "template": made.id,
            "rhythm": "calm",
            "group_id": group,
            "round": 1,
            "owner_platform_id": "lisi",
            "opens_on": now.date(),
            "anchor_at": now,
            "state": EnrolmentState.RUNNING,
            "ticks": {},
            "facts": FACTS if facts is None else facts,
            "page_code": code,
            "score_parts": {},
            "enrolled_at": now,
        }
        enrolment = await _insert(tx, tables.enrolment, row | changes)
        if publication is not None:
            await _add_publication(tx, enrolment, publication, now + timedelta(days=2))
        return enrolment

    return await store.write(job)


async def set_publication(store: Store, enrolment_id: int, state: OccurrenceState) -> None:
    """Move the publication of an enrolment to a state."""
    its = tables.occurrence.c.enrolment_id == enrolment_id

    async def job(tx: AsyncConnection) -> None:
        await tx.execute(sa.update(tables.occurrence).where(its).values(state=state))

    await store.write(job)


async def set_enrolment(store: Store, enrolment_id: int, **values: object) -> None:
    """Change an enrolment."""

    async def job(tx: AsyncConnection) -> None:
        await tx.execute(
            sa.update(tables.enrolment).where(tables.enrolment.c.id == enrolment_id).values(values)
        )

    await store.write(job)


async def add_questions(store: Store, enrolment_id: int, now: datetime, *states: str) -> None:
    """Add questions of a group in these states."""
    rows = [
        {
            "source": "mark",
            "state": state,
            "text": "问题",
            "asked_at": now,
            "enrolment_id": enrolment_id,
        }
        for state in states
    ]

    async def job(tx: AsyncConnection) -> None:
        await tx.execute(sa.insert(tables.question), rows)

    await store.write(job)


async def _add_publication(
    tx: AsyncConnection, enrolment_id: int, state: OccurrenceState, due_at: datetime
) -> None:
    row = occurrences.row_of(
        enrolment_id,
        step="publication",
        n=0,
        delivery=DeliveryCode.MASS_SEND,
        wanted_at=due_at,
        due_at=due_at,
        window_end=due_at + timedelta(hours=1),
        expires_at=due_at + timedelta(days=2),
        state=state,
    )
    await _insert(tx, tables.occurrence, row)


async def _insert(tx: AsyncConnection, table: sa.Table, row: dict[str, object]) -> int:
    found = await tx.execute(sa.insert(table).values(row).returning(table.c.id))
    return int(found.scalar_one())

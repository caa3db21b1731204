"""Groups on their way through a template, for the pages: made by the program's own functions, then brought to a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import FrozenClock
from content import sop_freezing
from domain.enrolment import OccurrenceState
from domain.people import StaffOverride, StaffSight, StaffStatus
from scheduler import calendars, enrolling
from scheduler.enrolling import EnrolmentWanted, Version
from store import customers, questions, sop_versions, staff, tables
from store.database import Store
from tests.console import factory

LONG_NAME = "二〇二六年秋季稳健理财与家庭保障知识分享及客户服务交流一群（北京朝阳建国路支行）"
SCRIPT_NAME = "<script>alert(9)</script>西城一群<img src=x onerror=alert(8)>"


@dataclass(frozen=True, kw_only=True)
class Groups:
    """Ids. `own`: of lisi, with zhangsan in it, on its third day. `other`: of another team. `fresh`: in no template.

    `done`: scored. `waiting`: before its opening. `empty`: nobody in it, and no name. `own_step`, `other_step`: steps.
    """

    own: int
    own_enrolment: int
    own_step: int
    other: int
    other_enrolment: int
    other_step: int
    fresh: int
    done: int
    waiting: int
    waiting_enrolment: int
    empty: int


async def freeze(tx: AsyncConnection, name: str, now: datetime) -> Version:
    """Store a shipped template as the library does."""
    template = factory.sops().templates[name]
    version_id = await sop_versions.ensure(
        tx, template.id, template.version, template.digest, sop_freezing.dump(template), [], now
    )
    factory.FROZEN[template.id] = version_id
    return Version(id=version_id, template=template)


async def add_group(
    tx: AsyncConnection, name: str, owner: str, now: datetime, *, chat_id: str = "", status: str = "normal"
) -> int:
    """Add a group; return its id."""
    chat_id = chat_id or f"wr{abs(hash((name, owner))):020d}"
    row = {
        "chat_id": chat_id,
        "name": name,
        "owner_platform_id": owner,
        "status": status,
        "created_at": now - timedelta(days=4),
        "first_seen_at": now - timedelta(days=4),
        "seen_at": now,
    }
    asked = sa.insert(tables.group).values(row).returning(tables.group.c.id)
    return int((await tx.execute(asked)).scalar_one())


async def add_members(
    tx: AsyncConnection,
    group_id: int,
    opened: datetime,
    *,
    number: int = 40,
    quits: Sequence[float] = (),
    staff_names: Sequence[str] = (),
) -> None:
    """Add customers who join over a day around `opened`; the first ones leave `quits` hours after they came."""
    names = [f"wm{group_id:04d}{place:04d}" for place in range(number)]
    ids = await customers.ensure(tx, names, opened)
    rows: list[dict[str, Any]] = []
    for place, name in enumerate(names):
        joined = opened + timedelta(minutes=18 * place - 120)
        left = joined + timedelta(hours=quits[place]) if place < len(quits) else None
        rows.append(
            {
                "group_id": group_id,
                "member_platform_id": name,
                "kind": "customer",
                "customer_id": ids[name],
                "joined_at": joined,
                "is_join_exact": True,
                "join_scene": "scanned" if place % 3 else "invited",
                "inviter_platform_id": "" if place % 3 else "zhangsan",
                "state": "网点海报" if place % 2 else "直播间",
                "quit_at": left,
                "quit_after": None,
                "quit_known": "event" if left else "",
                "quit_scene": "left" if left else "",
            }
        )
    rows += [
        {
            "group_id": group_id,
            "member_platform_id": name,
            "kind": "staff",
            "customer_id": None,
            "joined_at": opened,
            "is_join_exact": True,
            "join_scene": "",
            "inviter_platform_id": "",
            "state": "",
            "quit_at": None,
            "quit_after": None,
            "quit_known": "",
            "quit_scene": "",
        }
        for name in staff_names
    ]
    await tx.execute(sa.insert(tables.group_member), rows)


async def enrol(
    tx: AsyncConnection, version: Version, group_id: int, owner: str, opens_on: date, now: datetime
) -> int:
    """Enrol a group by the engine's own function; return the enrolment's id."""
    wanted = EnrolmentWanted(group_id=group_id, owner=owner, opens_on=opens_on)
    calendar = calendars.known(())
    (made,) = await enrolling.enrol_many(tx, version, "full", [wanted], calendar, by="lisi", now=now)
    return made.id


async def set_step(tx: AsyncConnection, enrolment_id: int, step: str, **values: object) -> int:
    """Change the occurrence of a step; return its id."""
    its = tables.occurrence.c
    asked = (
        sa.update(tables.occurrence)
        .where(its.enrolment_id == enrolment_id, its.step == step)
        .values(values)
        .returning(its.id)
    )
    return int((await tx.execute(asked)).scalar_one())


async def is_sent(
    tx: AsyncConnection, enrolment_id: int, step: str, kind: str, at: datetime, by: str = "", **more: object
) -> int:
    """Let a step be done at `at`, with this evidence."""
    return await set_step(
        tx,
        enrolment_id,
        step,
        **{
            "state": OccurrenceState.SENT,
            "released_at": at,
            "sent_at": at,
            "due_at": at,
            "evidence_kind": kind,
            "evidence_by": by,
            "evidence_at": at,
            "executor": "lisi",
            "text": "各位早上好，今天开群。",
            **more,
        },
    )


async def make_groups(store: Store, clock: FrozenClock) -> Groups:
    """Fill the store with groups in every state the pages show. Now is the third day of `own`."""
    now = clock.now()

    async def job(tx: AsyncConnection) -> Groups:
        return await _fill(tx, now)

    return await store.write(job)


async def _people(tx: AsyncConnection, now: datetime) -> None:
    sights = [
        StaffSight(
            platform_id=name, name=said, departments=(), leader_platform_id=leader, status=StaffStatus.ACTIVE
        )
        for name, said, leader in (
            ("linzhuguan", "林主管", ""),
            ("lisi", "李四", "linzhuguan"),
            ("zhangsan", "张三", "linzhuguan"),
            ("wangwu", "王五", "zhaoliu"),
            ("zhaoliu", "赵六", ""),
        )
    ]
    await staff.record_sights(tx, sights, now - timedelta(days=9))
    overrides = [
        StaffOverride(platform_id="lisi", team="北京一部", co_owner_platform_id="wuxin"),
        StaffOverride(platform_id="wangwu", team="上海二部"),
    ]
    await staff.set_overrides(tx, overrides, now - timedelta(days=9))


async def _fill(tx: AsyncConnection, now: datetime) -> Groups:
    await _people(tx, now)
    version = await freeze(tx, "finance_week1", now - timedelta(days=9))
    today, day = now.date(), timedelta(days=1)
    opened = now - 2 * day
    own = await add_group(tx, LONG_NAME, "lisi", now, chat_id="wrOwn00000000000001")
    await add_members(
        tx, own, opened, number=44, quits=(3, 5, 9, 20, 22, 30, 40), staff_names=("lisi", "zhangsan")
    )
    own_enrolment, own_step = await _third_day(tx, version, own, opened, now)
    other = await add_group(tx, SCRIPT_NAME, "wangwu", now, chat_id="wrOther000000000002")
    await add_members(tx, other, opened, number=12)
    other_enrolment = await enrol(tx, version, other, "wangwu", today - 2 * day, now - 5 * day)
    await _begin(tx, other_enrolment, opened, state="paused", reason="person")
    other_step = await is_sent(tx, other_enrolment, "opening", "platform", opened)
    fresh = await add_group(tx, "东城新群", "lisi", now)
    await add_members(tx, fresh, now - timedelta(hours=3), number=15)
    done = await add_group(tx, "海淀一群", "lisi", now, status="owner_left")
    await add_members(tx, done, now - 9 * day, number=30, quits=(2, 80))
    finished = await enrol(tx, version, done, "lisi", today - 9 * day, now - 12 * day)
    await _begin(
        tx,
        finished,
        now - 9 * day,
        state="completed",
        ended_at=now - day,
        score=72.5,
        score_parts={
            "on_time": 26.0,
            "retention": 25.0,
            "answered": None,
            "participation": 4.5,
            "compliance": None,
        },
    )
    waiting = await add_group(tx, "丰台群", "lisi", now)
    await add_members(tx, waiting, now - timedelta(hours=5), number=11)
    waiting_enrolment = await enrol(tx, version, waiting, "lisi", today + 2 * day, now - day)
    empty = await add_group(tx, "", "lisi", now, chat_id="wrEmpty00000000000x")
    return Groups(
        own=own,
        own_enrolment=own_enrolment,
        own_step=own_step,
        other=other,
        other_enrolment=other_enrolment,
        other_step=other_step,
        fresh=fresh,
        done=done,
        waiting=waiting,
        waiting_enrolment=waiting_enrolment,
        empty=empty,
    )


async def _begin(tx: AsyncConnection, enrolment_id: int, opened: datetime, **values: object) -> None:
    changed = sa.update(tables.enrolment).where(tables.enrolment.c.id == enrolment_id)
    usual = {"state": "running", "opened_at": opened, "welcome_bound_at": opened - timedelta(hours=15)}
    await tx.execute(changed.values({**usual, **values}))


async def _third_day(
    tx: AsyncConnection, version: Version, group_id: int, opened: datetime, now: datetime
) -> tuple[int, int]:
    """Bring a group to its third day: proven, ticked, missed and waiting steps side by side."""
    minute, hour = timedelta(minutes=1), timedelta(hours=1)
    made = await enrol(tx, version, group_id, "lisi", opened.date(), now - timedelta(days=5))
    await _begin(tx, made, opened)
    for step in ("readiness", "approval"):
        await is_sent(tx, made, step, "measured", opened - 20 * hour, text="")
    await is_sent(tx, made, "binding", "told", opened - 17 * hour, "lisi", text="")
    await set_step(tx, made, "invite_list", state=OccurrenceState.SKIPPED, reason="not_needed")
    task = await _task(
        tx, opened, "confirmed", {"wrOwn00000000000001": "sent"}, confirmed_at=opened + 12 * minute
    )
    step = await is_sent(
        tx, made, "opening", "platform", opened + 12 * minute, mass_task_id=task, released_at=opened, rung=1
    )
    await set_step(
        tx,
        made,
        "misread",
        state=OccurrenceState.MISSED,
        reason="window",
        executor="lisi",
        rung=6,
        released_at=opened + 24 * hour,
    )
    waiting = await _task(tx, now - 40 * minute, "waiting", {}, reminds=[(now - 5 * minute).isoformat()])
    await set_step(
        tx,
        made,
        "notice",
        state=OccurrenceState.REMINDED,
        executor="lisi",
        released_at=now - 70 * minute,
        due_at=now - 70 * minute,
        window_end=now - 10 * minute,
        rung=2,
        mass_task_id=waiting,
        text="各位好，周五晚上有一次投资者教育。",
    )
    await questions.mark(
        tx, text="<b>提前还款</b>要收违约金吗？", by="zhangsan", group_id=group_id, now=now - 20 * minute
    )
    return made, step


async def _task(
    tx: AsyncConnection, at: datetime, state: str, results: dict[str, str], **values: object
) -> int:
    row = {
        "delivery_key": f"mass-{at.timestamp()}",
        "chat_type": "group",
        "sender": "lisi",
        "targets": ["wrOwn00000000000001"],
        "state": state,
        "msgid": f"msg-{at.timestamp()}",
        "created_at": at,
        "until": at + timedelta(hours=1),
        "results": results,
        "reminds": [],
        **values,
    }
    asked = sa.insert(tables.mass_task).values(row).returning(tables.mass_task.c.id)
    return int((await tx.execute(asked)).scalar_one())

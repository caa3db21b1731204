"""A company whose audit has run for some weeks, for the pages: four advisors, the bot, and one session with everything.

zhangsan is the advisor of the demo's logins; the session with everything is his.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import FrozenClock
from domain.audit import BOT, Evidence, FindingState, Grade, SessionEnd, TalkKind
from domain.people import StaffStatus
from store import customers, staff, tables
from store.database import Store
from tests.audit import factory
from tests.console.factory import PICTURE

PEOPLE = {"zhangsan": "张三", "wangfang": "王芳", "lina": "李娜", "zhaoqiang": "赵强", "sunli": "孙丽"}
RUBRIC = (
    "A1",
    "A2",
    "A3",
    "A4",
    "B1",
    "B2",
    "B3",
    "C1",
    "C2",
    "C3",
    "D1",
    "D2",
    "D3",
    "E1",
    "E2",
    "E3",
    "E4",
)
WEIGHTS = (10, 5, 8, 7, 15, 5, 5, 8, 6, 6, 4, 3, 3, 2, 3, 3, 2)
LONG = (
    "这款产品本金绝 对安全，年化5.6%稳稳的，比存银行强多了，您放一百个心。今天额度就剩最后两个了，"
    "错过就没有了，我明天上午给您办好。"
)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Ids. `full`: the session with everything; `group`, `kf`: sessions of those kinds; `open`: not scored yet."""

    full: int
    red: int
    group: int
    kf: int
    open: int
    other: int
    merged: int
    media: int


async def make(store: Store, clock: FrozenClock, folder: Path) -> Scene:
    """Fill the store with sessions of the weeks before `clock`."""
    path = folder / "media" / hashlib.sha256(PICTURE).hexdigest()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(PICTURE)
    return await store.write(lambda tx: _fill(tx, clock.now()))


async def _fill(tx: AsyncConnection, now: datetime) -> Scene:
    await _people(tx, now)
    for place, name in enumerate(("zhangsan", "wangfang", "lina", "zhaoqiang")):
        for number in range((25, 22, 20, 5)[place]):
            await _usual(tx, name, place, number, now)
    full, red, media = await _full(tx, now - timedelta(days=3, hours=1))
    group = await _group(tx, now - timedelta(days=2))
    kf = await _kf(tx, now - timedelta(days=1, hours=3))
    running = await _open(tx, now - timedelta(minutes=20))
    other = (
        await tx.execute(
            sa.select(tables.evaluation.c.session_id).where(tables.evaluation.c.subject == "lina").limit(1)
        )
    ).scalar_one()
    await tx.execute(
        sa.update(tables.session).where(tables.session.c.id == other + 1).values(merged_into=other)
    )
    await _queues(tx, full, red, now)
    return Scene(
        full=full, red=red, group=group, kf=kf, open=running, other=other, merged=other + 1, media=media
    )


async def _people(tx: AsyncConnection, now: datetime) -> None:
    await staff.ensure(tx, PEOPLE, now)
    for name, said in PEOPLE.items():
        values = {"name": said, "is_advisor": True, "status": StaffStatus.ACTIVE, "team": "理财一组"}
        await tx.execute(sa.update(tables.staff).where(tables.staff.c.platform_id == name).values(values))
        if name != "sunli":
            row = {"staff_platform_id": name, "from_at": now - timedelta(days=200), "seen_at": now}
            await tx.execute(sa.insert(tables.archived_staff).values(row))
        for day in range(1, 22):
            chats = {"kind": "contacts", "subject": name, "day": (now - timedelta(days=day)).date()}
            await tx.execute(
                sa.insert(tables.official_day).values(**chats, body={"chat_cnt": 2}, fetched_at=now)
            )
    cursor = {"corp_id": "ww1", "seq": 9, "pulled_at": now, "caught_up_at": now}
    await tx.execute(sa.insert(tables.archive_cursor).values(cursor))


def _items(score: float, number: int) -> list[dict[str, object]]:
    """Items of about that score: what is missing is lost in one of a few items, C3 and E2 do not apply now and then."""
    lost = 100 - score
    found: list[dict[str, object]] = []
    for place, (item, weight) in enumerate(zip(RUBRIC, WEIGHTS, strict=True)):
        if item in ("C3", "A3") and number % 3:
            reason = "没有向客户许诺" if item == "C3" else "没有推荐具体产品"
            found.append(
                {"item": item, "weight": weight, "earned": None, "evidence": "auto", "reason": reason}
            )
            continue
        takes = min(lost, weight) if (place + number) % 3 == 0 else 0
        lost -= takes
        found.append({"item": item, "weight": weight, "earned": weight - takes, "evidence": "auto"})
    return found


def _figures(minutes: float | None) -> dict[str, object]:
    wait = None if minutes is None else 60 * minutes
    return {
        "first_working": wait,
        "first_wall": wait,
        "waits_working": [] if wait is None else [wait, wait / 2],
        "asked": 2,
        "answered": 0 if wait is None else 2,
        "late": int(wait is None or wait > 180),
        "is_unanswered": wait is None,
        "rounds": 2,
    }


async def _usual(tx: AsyncConnection, name: str, place: int, number: int, now: datetime) -> None:
    start = now - timedelta(days=1 + number * (27 - 2 * place) / 25, minutes=37 * (number % 9))
    minutes = [0.4, 0.8, 2.0, 2.6, 4.0, 7.0, 1.5, 18.0, 42.0, 90.0][(number * 3 + place) % (7 + place)]
    is_unanswered = number % 13 == 12
    lines: list[factory.Line] = [(0, "C", "你好，想问一下提前还款要手续费吗？")]
    if not is_unanswered:
        lines += [
            (minutes, "A", "您好，提前还款一般不收违约金，以合同为准。"),
            (minutes + 1, "C", "好的谢谢"),
        ]
    talk = await factory.talk(
        tx, TalkKind.CHAT, lines, advisor=name, customer=f"wm_{name}_{number}", start=start
    )
    score = 98.0 - 3 * place - (number * 7 % 11) * (1 + place * 0.7)
    session = await factory.session(
        tx, talk, line=("loan", "wealth", "insurance")[number % 3], state=SessionEnd.SILENCE
    )
    await factory.evaluation(
        tx,
        session,
        subject=name,
        score=score,
        grade=_grade(score),
        items=_items(score, number),
        figures=_figures(None if is_unanswered else minutes),
        at=start,
    )
    if number % 4 == 1 and not is_unanswered:
        await factory.finding(
            tx,
            session,
            talk,
            place=1,
            span=(3, 12),
            subject=name,
            label="DISCLOSURE",
            item="A1",
            is_red=False,
            state=FindingState.COUNTED,
            evidence=Evidence.AUTO,
            points=2.0,
            note="说到费用，没有提示以合同为准。",
            at=start,
        )
    if number % 9 == 2 and not is_unanswered:
        state = (FindingState.CONFIRMED, FindingState.REJECTED, FindingState.SUSPECTED)[number % 3]
        await factory.finding(
            tx,
            session,
            talk,
            place=1,
            span=(3, 8),
            subject=name,
            state=state,
            note="疑似承诺不收费",
            at=start,
        )


def _grade(score: float) -> Grade:
    return Grade.EXCELLENT if score >= 90 else Grade.GOOD if score >= 80 else Grade.COACH


async def _full(tx: AsyncConnection, start: datetime) -> tuple[int, int, int]:
    ids = await customers.ensure(tx, ["wm_chen"], start)
    await customers.set_names(tx, {"wm_chen": ("陈阿姨<b>", "")})
    assert ids
    talk = await factory.talk(
        tx,
        TalkKind.CHAT,
        [
            (0, "C", "小张，我有20万定期到期了，放哪里好？"),
            (1, "C", "[image]"),
            (6.5, "A", LONG),
            (8, "C", "真的不会亏吗？"),
            (9, "A", "肯定不会，出了问题我个人负责。"),
            (9.5, "A~", "我微信私下给您返两个点，别跟别人说。"),
            (12, "C", "我身份证号是110101194912310021"),
            (14, "A", "收到"),
            (15, "C", "这条没有同意留存"),
            (80, "C", "那我明天等您"),
        ],
        advisor="zhangsan",
        customer="wm_chen",
        start=start,
    )
    session = await factory.session(tx, talk, line="wealth", state=SessionEnd.QUESTION)
    message = talk.messages
    media = await _picture(tx, message[1], start)
    erased = tables.message_body.c.message_id == message[6]
    await tx.execute(sa.update(tables.message_body).where(erased).values(text="", raw="", erased_at=start))
    await tx.execute(sa.delete(tables.message_body).where(tables.message_body.c.message_id == message[8]))
    its = {"subject": "zhangsan"}
    red = await factory.finding(
        tx,
        session,
        talk,
        place=2,
        span=(4, 12),
        note="承诺本金绝对安全，中间加了空格躲避检查。",
        at=talk.at(6.5),
        **its,
    )
    more = [
        (2, (8, 22), "EXAGGERATE", "A4", False, FindingState.SUSPECTED, 4.0, "用固定收益和存款比较。"),
        (2, (36, 53), "FALSE_URGENCY", "A4", False, FindingState.COUNTED, 2.0, "制造紧迫感。"),
        (4, (0, 0), "GUARANTEE", "", True, FindingState.CONFIRMED, 0.0, "承诺个人负责亏损。"),
        (5, (2, 12), "REBATE", "", True, FindingState.REJECTED, 0.0, "私下返点，消息已撤回。"),
    ]
    for place, span, label, item, is_red, state, points, note in more:
        await factory.finding(
            tx,
            session,
            talk,
            place=place,
            span=span,
            label=label,
            item=item,
            is_red=is_red,
            state=state,
            points=points,
            note=note,
            evidence=Evidence.AUTO if state is FindingState.COUNTED else Evidence.ASSIST,
            at=talk.at(7 + place),
            **its,
        )
    await _without_place(tx, session, talk)
    await tx.execute(
        sa.insert(tables.promise).values(
            session_id=session,
            conversation_id=talk.id,
            message_id=message[2],
            subject="zhangsan",
            start=55,
            end=65,
            object="给您办好",
            made_at=talk.at(6.5),
            due_at=start + timedelta(days=1),
            state="broken",
        )
    )
    items = _items(84.0, 1)
    items[3] = {
        "item": "A4",
        "weight": 7,
        "earned": 5.0,
        "evidence": "auto",
        "pending": 4.0,
        "reason": "制造紧迫感，扣 2 分",
    }
    await factory.evaluation(
        tx,
        session,
        subject="zhangsan",
        score=71.5,
        grade=Grade.FAIL,
        items=items,
        figures=_figures(6.5) | {"is_unanswered": True, "asked": 4, "answered": 3, "late": 2, "rounds": 4},
        at=start,
    )
    return session, red, media


async def _without_place(tx: AsyncConnection, session: int, talk: factory.Talk) -> None:
    """Something missing in the session as a whole: no message shows it."""
    missing = await factory.finding(
        tx,
        session,
        talk,
        label="IDENTITY",
        item="A2",
        is_red=False,
        state=FindingState.COUNTED,
        evidence=Evidence.AUTO,
        points=5.0,
        note="第一次和这位客户说话，没有说明自己是谁、代表哪家机构。",
        subject="zhangsan",
        at=talk.start,
    )
    await tx.execute(sa.delete(tables.finding_span).where(tables.finding_span.c.finding_id == missing))


async def _picture(tx: AsyncConnection, message_id: int, at: datetime) -> int:
    row = {
        "message_id": message_id,
        "platform_id": "sdkfileid-1",
        "source": "archive",
        "kind": "image",
        "state": "fetched",
        "due_at": at,
        "digest": hashlib.sha256(PICTURE).hexdigest(),
        "size_bytes": len(PICTURE),
        "content_type": "image/png",
    }
    added = sa.insert(tables.media).values(row).returning(tables.media.c.id)
    return int((await tx.execute(added)).scalar_one())


async def _group(tx: AsyncConnection, start: datetime) -> int:
    row = {"chat_id": "wrGroup", "name": "安心理财学习群（第 3 期）", "first_seen_at": start}
    await tx.execute(sa.insert(tables.group).values(row))
    talk = await factory.talk(
        tx,
        TalkKind.GROUP,
        [
            (0, "C:wm_chen", "这期讲什么？"),
            (3, "A", "讲家庭资产配置，七点半开始。"),
            (4, "C:wm_zhou", "我也来"),
            (5, "P", "今晚七点半直播，回复 1 报名。"),
        ],
        advisor="wangfang",
        account="wrGroup",
        start=start,
    )
    session = await factory.session(tx, talk, line="wealth")
    await factory.evaluation(
        tx, session, subject="wangfang", score=96.0, items=_items(96.0, 2), figures=_figures(3.0), at=start
    )
    return session


async def _kf(tx: AsyncConnection, start: datetime) -> int:
    talk = await factory.talk(
        tx,
        TalkKind.KF,
        [
            (0, "C", "退保能拿回多少钱？"),
            (0.05, "B", "退保一般按现金价值退还，前几年会低于已交保费，以合同为准。"),
            (1, "C", "我要人工"),
            (4, "A:lina", "您好，我是李娜，工号 1024，请说一下保单的情况。"),
        ],
        customer="wm_kf",
        start=start,
    )
    session = await factory.session(tx, talk, line="insurance", subjects=["lina", BOT], source="kf")
    await factory.evaluation(
        tx, session, subject="lina", score=94.0, items=_items(94.0, 3), figures=_figures(3.0), at=start
    )
    figures = {"bot_first_wall": 3.0, "asked": 1, "answered": 1}
    await factory.evaluation(
        tx, session, subject=BOT, score=100.0, items=_items(100.0, 3), figures=figures, at=start
    )
    return session


async def _open(tx: AsyncConnection, start: datetime) -> int:
    talk = await factory.talk(
        tx, TalkKind.CHAT, [(0, "C", "在吗")], advisor="wangfang", customer="wm_open", start=start
    )
    return await factory.session(tx, talk, state=SessionEnd.OPEN, line="")


async def _queues(tx: AsyncConnection, session: int, red: int, now: datetime) -> None:
    await tx.execute(
        sa.insert(tables.review).values(
            key="red-scene",
            kind="red",
            session_id=session,
            finding_id=red,
            subject="zhangsan",
            state="waiting",
            created_at=now - timedelta(days=1),
            due_at=now - timedelta(hours=2),
            verdicts={},
        )
    )
    await tx.execute(
        sa.insert(tables.coaching_note).values(
            subject="zhangsan",
            session_id=session,
            text="客户问会不会亏的时候，先讲清楚风险等级，再请客户做测评。",
            written_by="linzhuguan",
            written_at=now - timedelta(hours=20),
        )
    )
    delivery = (await tx.execute(sa.select(tables.delivery).limit(1))).one()
    talk = (await tx.execute(sa.select(tables.session.c.conversation_id).limit(1))).scalar_one()
    for number, score in enumerate([4, 4, 3, 2, 1, None, None, 4]):
        values = {key: value for key, value in delivery._mapping.items() if key not in ("id", "key")}
        added = sa.insert(tables.delivery).values(**values, key=f"asked-{number}")
        delivery_id = (await tx.execute(added.returning(tables.delivery.c.id))).scalar_one()
        row = {
            "conversation_id": talk,
            "delivery_id": delivery_id,
            "servicer_id": ("zhangsan", "lina")[number % 2],
            "asked_at": now - timedelta(days=number + 1),
            "answered_at": now - timedelta(days=number + 1) if score else None,
            "score": score,
        }
        await tx.execute(sa.insert(tables.satisfaction).values(row))

"""A small company with one group in its first week, in the sandbox and in the store."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.channels.wecom.web_login import WebLogin
from bot.clock import FrozenClock
from console.context import SidebarContext
from content import sop_freezing
from content.knowledge import Served
from domain.delivery import Attached
from domain.enrolment import EnrolmentState, EvidenceKind, MassTaskState, OccurrenceState
from domain.errors import ChannelRefused
from domain.faq import Line
from domain.groups import GroupSight, MemberKind
from domain.hours import ServiceHours
from domain.people import StaffSight, StaffStatus
from domain.sop import DeliveryCode, Template
from domain.stays import Joined
from handlers.context import Rules
from handlers.suggesting import Suggester
from sandbox import settings as sandbox
from store import customers, enrolments, groups, occurrences, questions, sop_versions, staff, tables
from store.database import Store
from tests.console import factory as console_factory
from tests.content import shipped
from tests.sop import factory as sop_factory

CORP = "ww1"
AGENT_ID = 7
OWNER, CO_OWNER, LEADER, STRANGER = "zhangsan", "lisi", "linzhuguan", "wangwu"
CHAT, OTHER_CHAT = "wrFamily001", "wrOthers002"
GROUP_NAME = "安心理财 1 群 🌱<script>alert(1)</script>"
CUSTOMER = "wmChenAyi"
LONG_TEXT = (
    "各位早上好，今天说说贷款里最容易误会的三件事。"
    + "利率、期限和还款方式要一起看，只看一个数容易看错。" * 80
)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Ids of what was made. Steps by what is to be done with them."""

    group: int
    enrolment: int
    send: int
    confirm: int
    points: int
    bind: int
    do: int
    coming: int
    finished: int
    long: int
    others: int
    question: int


def company(clock_file: str) -> sandbox.Settings:
    """The sandbox's side: four members, two groups."""
    people = ((OWNER, "张三"), (CO_OWNER, "李四"), (LEADER, "林主管"), (STRANGER, "王五"))
    return sandbox.Settings(
        corp_id=CORP,
        clock_file=clock_file,
        apps=(sandbox.AppSettings(agent_id=AGENT_ID, name="群助手", secret="s"),),
        members=tuple(sandbox.MemberSettings(userid=userid, name=name) for userid, name in people),
        customers=(sandbox.CustomerSettings(external_userid=CUSTOMER, nickname="陈阿姨", friends=(OWNER,)),),
        groups=(
            sandbox.GroupSettings(
                chat_id=CHAT, name=GROUP_NAME, owner=OWNER, members=(CO_OWNER,), customers=(CUSTOMER,)
            ),
            sandbox.GroupSettings(chat_id=OTHER_CHAT, name="别的群", owner=STRANGER, members=(OWNER,)),
        ),
    )


def make_context(
    store: Store, clock: FrozenClock, folder: Path, box_url: str, platform: WebLogin, **changes: Any
) -> SidebarContext:
    """A program around the page: real login and signatures against the sandbox, shipped content."""
    known = console_factory.knowledge()
    quick = {f"quick:{key}": Served(version_id=None, is_sample=True) for key in known.content.quick}
    known = replace(
        known,
        stopped=changes.pop("stopped", frozenset()),
        quick=known.content.quick,
        versions={**known.versions, **quick},
        needs_registration=frozenset({Line.INSURANCE}),
    )
    console = console_factory.make_context(store, clock, folder, knowledge=lambda: known)

    async def media_id(one: Attached) -> str:
        raise ChannelRefused("no upload in this test")

    facts = {"company": "示例金融服务有限公司"}
    rules = Rules(hours=ServiceHours(zone=console.zone, periods=()), facts=facts)
    values = {
        "console": console,
        "login": platform,
        "signer": platform,
        "corp_id": CORP,
        "agent_id": AGENT_ID,
        "public_url": "",
        "frame_ancestors": (box_url,),
        "jssdk_url": f"{box_url}/assets/ww.js",
        "entry_secret": "s",
        "media_id": media_id,
        "suggester": Suggester(console.knowledge, rules, clock),
        "facts": facts,
    }
    return SidebarContext(**(values | changes))  # type: ignore[arg-type]


async def make_scene(store: Store, clock: FrozenClock) -> Scene:
    """Put the company and the group's morning into the store."""
    return await store.write(lambda tx: _scene(tx, clock.now()))


async def _scene(tx: AsyncConnection, now: datetime) -> Scene:
    await _people(tx, now)
    group = await _group(tx, now, CHAT, GROUP_NAME, OWNER, (OWNER, CO_OWNER))
    other = await _group(tx, now, OTHER_CHAT, "别的群", STRANGER, (STRANGER,))
    enrolment, elsewhere = await _enrolment(tx, now, group, OWNER), await _enrolment(tx, now, other, STRANGER)
    make = _Steps(tx, now)
    question = await questions.mark(
        tx,
        text="提前还款要违约金吗",
        by=OWNER,
        now=now - timedelta(minutes=7),
        asker=CUSTOMER,
        group_id=group,
    )
    return Scene(
        group=group,
        enrolment=enrolment,
        question=question,
        send=await make.step(
            enrolment, "cue_hello", DeliveryCode.SIDEBAR, text="大家早上好，我是张三，欢迎来到这里。"
        ),
        confirm=await make.mass(enrolment, "opening", "各位好，今天开群。\n这一周不卖任何产品。"),
        points=await make.step(
            enrolment, "readiness", DeliveryCode.APP, block="readiness", text="请逐项打勾"
        ),
        bind=await make.step(enrolment, "binding", DeliveryCode.APP, block="binding", text="请绑定欢迎语"),
        do=await make.step(enrolment, "open_questions", DeliveryCode.APP, text="还有 2 个问题没有答"),
        coming=await make.step(
            enrolment, "misread", DeliveryCode.SIDEBAR, state=OccurrenceState.PLANNED, executor="", hours=4
        ),
        finished=await make.step(
            enrolment,
            "cue_give",
            DeliveryCode.SIDEBAR,
            state=OccurrenceState.SENT,
            text="这里有什么",
            sent_at=now - timedelta(minutes=30),
            evidence_kind=EvidenceKind.SIDEBAR,
            evidence_by=OWNER,
            evidence_at=now - timedelta(minutes=30),
            hours=-1,
        ),
        long=await make.step(enrolment, "cue_rules", DeliveryCode.SIDEBAR, text=LONG_TEXT[:2000]),
        others=await make.step(
            elsewhere, "cue_hello", DeliveryCode.SIDEBAR, text="别人的话", executor=STRANGER
        ),
    )


class _Steps:
    def __init__(self, tx: AsyncConnection, now: datetime) -> None:
        self._tx, self._now = tx, now

    async def step(
        self, enrolment: int, key: str, delivery: DeliveryCode, *, hours: float = 0, **values: Any
    ) -> int:
        due = self._now + timedelta(hours=hours, minutes=-10)
        row = occurrences.row_of(
            enrolment,
            step=key,
            n=0,
            delivery=delivery,
            wanted_at=due,
            due_at=due,
            window_end=due + timedelta(hours=3),
            expires_at=due + timedelta(hours=6),
        )
        usual = {"state": OccurrenceState.WAITING_OWNER, "executor": OWNER, "released_at": due}
        added = (
            sa.insert(tables.occurrence).values(**(row | usual | values)).returning(tables.occurrence.c.id)
        )
        return int((await self._tx.execute(added)).scalar_one())

    async def mass(self, enrolment: int, key: str, text: str) -> int:
        task = {
            "delivery_key": f"mass-{key}",
            "chat_type": "group",
            "sender": OWNER,
            "targets": [CHAT],
            "state": MassTaskState.WAITING,
            "created_at": self._now,
            "until": self._now + timedelta(hours=1),
            "results": {},
            "reminds": [],
        }
        added = sa.insert(tables.mass_task).values(task).returning(tables.mass_task.c.id)
        task_id = int((await self._tx.execute(added)).scalar_one())
        return await self.step(
            enrolment, key, DeliveryCode.MASS_SEND, block="opening", text=text, mass_task_id=task_id
        )


async def _people(tx: AsyncConnection, now: datetime) -> None:
    people = (
        (OWNER, "张三", LEADER),
        (CO_OWNER, "李四", LEADER),
        (LEADER, "林主管", ""),
        (STRANGER, "王五", ""),
    )
    sights = [
        StaffSight(
            platform_id=userid,
            name=name,
            departments=(1,),
            leader_platform_id=leader,
            status=StaffStatus.ACTIVE,
        )
        for userid, name, leader in people
    ]
    await staff.record_sights(tx, sights, now)
    co_owner = sa.update(tables.staff).where(tables.staff.c.platform_id == OWNER)
    await tx.execute(co_owner.values(co_owner_platform_id=CO_OWNER))
    await customers.ensure(tx, [CUSTOMER], now)
    await customers.set_names(tx, {CUSTOMER: ("陈阿姨", "")})


async def _group(
    tx: AsyncConnection, now: datetime, chat_id: str, name: str, owner: str, members: tuple[str, ...]
) -> int:
    joined = Joined(at=now - timedelta(days=3))
    people = dict.fromkeys(members, (MemberKind.STAFF, joined))
    if chat_id == CHAT:
        people[CUSTOMER] = (MemberKind.CUSTOMER, joined)
    sight = GroupSight(
        chat_id=chat_id,
        name=name,
        notice="",
        owner_platform_id=owner,
        created_at=now - timedelta(days=3),
        member_version="1",
        members=people,
        at=now - timedelta(hours=1),
    )
    await groups.record_sight(tx, sight, now)
    found = await groups.find(tx, chat_id)
    assert found is not None
    return found.id


async def _enrolment(tx: AsyncConnection, now: datetime, group: int, owner: str) -> int:
    template = sop_factory.template()
    body = sop_freezing.dump(template)
    version = await sop_versions.ensure(
        tx, template.id, template.version, template.digest, body, _pictures(template), now
    )
    (added,) = await enrolments.add(
        tx,
        [
            {
                "sop_version_id": version,
                "template": template.id,
                "rhythm": template.default_rhythm,
                "group_id": group,
                "round": 1,
                "owner_platform_id": owner,
                "opens_on": now.date(),
                "anchor_at": datetime(now.year, now.month, now.day, tzinfo=UTC) - timedelta(hours=8),
                "state": EnrolmentState.RUNNING,
                "ticks": {"0": "林主管 11-22"},
                "facts": {},
                "page_code": f"code{group}",
                "score_parts": {},
                "enrolled_at": now,
            }
        ],
    )
    return added.id


def _pictures(template: Template) -> list[tuple[str, str, bytes]]:
    """The files of the template as they are kept: digest, name, content."""
    found = {one.digest: one for block in template.blocks.values() for one in block.attachments if one.path}
    return [
        (digest, Path(one.path).name, (shipped.FOLDER / "sop" / template.id / one.path).read_bytes())
        for digest, one in found.items()
    ]

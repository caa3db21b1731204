"""People, talks and troubles for the pages, put into the store by the functions the program itself uses."""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import trying
from bot.clock import FrozenClock
from bot.library import new_matcher
from console import demo
from console.context import ConsoleContext, ProcessHealth
from console.sessions import COOKIE, digest_of
from content import draft_files, loading, sop_files, sop_freezing
from content.knowledge import Knowledge, Served
from content.sop_files import Sops
from content.sop_shelf import Shelf
from domain.case import CaseKind, CaseWanted
from domain.delivery import Act, Body, DeliveryState, MenuItem, NewDelivery, Purpose, SendClass
from domain.draft import DraftKind, DraftOrigin
from domain.faq import EntityMode, Line, Thresholds
from domain.hours import ServiceHours
from domain.login import LoginDoor, Role
from domain.platform import SessionState
from domain.reply import Reply
from domain.sop import Template
from domain.talk import Author, Topic
from domain.verdict import AlarmRule
from handlers.context import Rules
from store import (
    accounts,
    cases,
    content_drafts,
    contents,
    conversations,
    customers,
    deliveries,
    events,
    false_alarms,
    files,
    lines,
    logins,
    messages,
    satisfaction,
    sop_versions,
    tables,
    turns,
)
from store.database import Store
from store.messages import NewMessage

HOUSE = Path(__file__).resolve().parents[2]
ACCOUNT = "wkAccount1"
PICTURE = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\rIDATx\x9cc\xf8\xcf"
    b"\xc0\xf0\x1f\0\x05\0\x01\xff\x89\x99=\x1d\0\0\0\0IEND\xaeB`\x82"
)


@functools.cache
def content() -> loading.Content:
    """The shipped content, read once."""
    return loading.load(HOUSE / "content")


@functools.cache
def knowledge() -> Knowledge:
    """What the demo serves: every shipped text as a sample."""
    loaded = content()
    names = [f"faq:{key}" for key in loaded.faqs] + [f"reply:{key}" for key in loaded.replies]
    modes = dict.fromkeys(Line, EntityMode.LICENSED) | {Line.WEALTH: EntityMode.PLATFORM}
    return Knowledge(
        content=loaded,
        faqs=loaded.faqs,
        replies=loaded.replies,
        versions={name: Served(version_id=None, is_sample=True) for name in names},
        matcher=new_matcher(loaded, loaded.faqs),
        thresholds=Thresholds(),
        entity_modes=modes,
        stopped=frozenset(),
        today=date(2026, 11, 23),
    )


@functools.cache
def sops() -> Sops:
    """The shipped SOP templates, read once."""
    return sop_files.load(HOUSE / "content", sop_files.load_rules(HOUSE / "content"), date(2026, 11, 23))


# The stored version of each template, by group_factory.freeze.
FROZEN: dict[str, int] = {}


def shelf() -> Shelf:
    """The shelf of a demo: nothing approved, everything said."""
    return Shelf(sops=sops(), frozen=dict(FROZEN), stored={}, serves_samples=True, today=date(2026, 11, 23))


def make_context(store: Store, clock: FrozenClock, folder: Path, **changes: object) -> ConsoleContext:
    """A program around the pages: real store functions, shipped content, no platform."""
    known = knowledge()

    async def stop_line(line: Line, by: str, reason: str) -> bool:
        return await store.write(lambda tx: lines.stop(tx, line, by=by, reason=reason, now=clock.now()))

    async def resume_line(line: Line, by: str) -> bool:
        return await store.write(lambda tx: lines.resume(tx, line, by=by, now=clock.now()))

    async def requeue_event(key: str) -> bool:
        return await store.write(lambda tx: events.requeue(tx, key, clock.now()))

    async def health() -> ProcessHealth:
        return ProcessHealth(
            version="0.1.0",
            started_at=clock.now() - timedelta(hours=3),
            writer_queue=0,
            is_matching_ready=True,
        )

    hours = ServiceHours(zone=ZoneInfo("Asia/Shanghai"), periods=(), closed_on=frozenset())
    rules = Rules(hours=hours, facts={"company": "示例金融服务有限公司"})

    async def try_question(text: str, topic: Topic | None) -> Reply | None:
        async with store.read() as tx:
            return await trying.reply_to(text, topic, tx=tx, knowledge=known, clock=clock, rules=rules)

    templates: dict[int, Template] = {}

    async def sop_template(version_id: int) -> Template:
        if version_id not in templates:
            async with store.read() as tx:
                templates[version_id] = sop_freezing.load((await sop_versions.get(tx, version_id)).body)
        return templates[version_id]

    values = {
        "store": store,
        "clock": clock,
        "zone": ZoneInfo("Asia/Shanghai"),
        "data_folder": folder,
        "library_folder": HOUSE / "node_modules",
        "company": "示例金融服务有限公司",
        "session_hours": 12.0,
        "secure_cookies": False,
        "picker": False,
        "knowledge": lambda: known,
        "stop_line": stop_line,
        "resume_line": resume_line,
        "requeue_event": requeue_event,
        "health": health,
        "try_question": try_question,
        "shelf": shelf,
        "sop_template": sop_template,
    }
    return ConsoleContext(**(values | changes))  # type: ignore[arg-type]


# --- people -------------------------------------------------------------------------------------------------


async def sign_in(
    store: Store, name: str, clock: FrozenClock, *, csrf: str = "csrf-of-the-test", token: str = ""
) -> dict[str, str]:
    """Open a session for an existing login and return its cookie."""
    token = token or f"token-of-{name}"

    async def job(tx: AsyncConnection) -> None:
        found = await logins.find_login(tx, name)
        assert found is not None
        await logins.add_session(
            tx,
            found.id,
            token_digest=digest_of(token),
            csrf=csrf,
            now=clock.wall(),
            expires_at=clock.wall() + timedelta(hours=12),
            door=LoginDoor.CONSOLE,
        )

    await store.write(job)
    return {COOKIE: token}


async def tell_false_alarm(store: Store, clock: FrozenClock) -> int:
    """Let somebody say that the check was wrong; return the id, the same for the same words."""
    rule = AlarmRule(
        rule_id="promise.profit", label="GUARANTEE", severity="S0", said="稳赚", message="承诺赚钱"
    )
    told = await store.write(
        lambda tx: false_alarms.tell(
            tx,
            "wangwu",
            "没有哪只基金是稳赚的",
            [rule],
            rules_version="v1",
            conversation_id=None,
            now=clock.now(),
        )
    )
    return told.id


async def add_login(
    store: Store, clock: FrozenClock, name: str, *roles: Role, password_hash: str = ""
) -> None:
    """Add a login."""
    await store.write(
        lambda tx: logins.add_login(
            tx,
            name=name,
            display_name=name,
            password_hash=password_hash,
            roles=roles,
            by="test",
            now=clock.now(),
        )
    )


async def add_people(store: Store, clock: FrozenClock) -> dict[Role, str]:
    """Add the demo's six people and return their names by role."""
    await store.write(lambda tx: demo.ensure_logins(tx, clock.now()))
    return demo.NAMES


# --- talks --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Talk:
    """Ids of a conversation that was made."""

    conversation: int
    customer: int
    platform_id: str


class Maker:
    """Puts things into the store within one transaction, each a little later than the one before."""

    def __init__(self, tx: AsyncConnection, start: datetime) -> None:
        self.tx = tx
        self.at = start
        self._number = 0

    def wait(self, seconds: float = 20) -> datetime:
        self.at += timedelta(seconds=seconds)
        return self.at

    def key(self, prefix: str) -> str:
        self._number += 1
        return f"{prefix}{self._number}-{int(self.at.timestamp())}"

    async def talk(self, platform_id: str, nickname: str = "", account: str = ACCOUNT) -> Talk:
        ids = await customers.ensure(self.tx, [platform_id], self.at)
        if nickname:
            await customers.set_names(self.tx, {platform_id: (nickname, "")})
        found = await conversations.ensure(self.tx, "kf", account, [ids[platform_id]], self.at)
        talk = found[ids[platform_id]]
        return Talk(conversation=talk.id, customer=talk.customer.id, platform_id=platform_id)

    async def says(
        self,
        talk: Talk,
        text: str,
        *,
        author: Author = Author.CUSTOMER,
        kind: str = "text",
        media_id: str = "",
        menu_id: str = "",
        servicer: str = "",
        raw: str = "",
        msgid: str = "",
    ) -> int:
        at = self.wait()
        new = NewMessage(
            conversation_id=talk.conversation,
            source=f"kf:{ACCOUNT}",
            msgid=msgid or self.key(f"m{talk.conversation}-"),
            author=author,
            kind=kind,
            sent_at=at,
            text=text,
            menu_id=menu_id,
            raw=raw,
            servicer_id=servicer,
            media_id=media_id,
        )
        (message_id,) = await messages.add(self.tx, [new], at)
        times = {"last_message_at": at}
        if author is Author.CUSTOMER:
            times |= {"last_customer_message_at": at, "heard_at": at}
        its = tables.conversation.c.id == talk.conversation
        await self.tx.execute(sa.update(tables.conversation).where(its).values(times))
        return message_id

    async def happens(self, talk: Talk, event_type: str, **fields: object) -> None:
        raw = json.dumps({"msgtype": "event", "event": {"event_type": event_type, **fields}})
        await self.says(talk, "", author=Author.SYSTEM, kind="event", raw=raw)

    async def decides(
        self, talk: Talk, message_id: int, decision: str, *matches: tuple[str, float, list[str]]
    ) -> int:
        at = self.wait(1)
        row = {
            "conversation_id": talk.conversation,
            "state": "done",
            "is_complete": True,
            "first_message_id": message_id,
            "last_message_id": message_id,
            "opened_at": at,
            "due_at": at,
            "finished_at": at,
            "decision": decision,
        }
        turn_id = int(
            (
                await self.tx.execute(sa.insert(tables.turn).values(row).returning(tables.turn.c.id))
            ).scalar_one()
        )
        await turns.record_matches(
            self.tx,
            [
                {
                    "turn_id": turn_id,
                    "rank": rank,
                    "faq_id": faq_id,
                    "score": score,
                    "reasons": reasons,
                    "content_version_id": None,
                    "was_used": rank == 1 and decision == "answer",
                    "matched_at": at,
                }
                for rank, (faq_id, score, reasons) in enumerate(matches, 1)
            ],
        )
        return turn_id

    async def sends(
        self,
        talk: Talk,
        text: str,
        *,
        state: DeliveryState = DeliveryState.ACCEPTED,
        turn: int | None = None,
        faq_id: str = "",
        version: int | None = None,
        menu: tuple[str, ...] = (),
        outcome: str = "",
        act: Act = Act.TEXT,
        servicers: tuple[str, ...] = (),
    ) -> int:
        key = self.key(f"d{talk.conversation}-")
        new = NewDelivery(
            key=key,
            act=Act.MENU if menu else act,
            send_class=SendClass.KEYED,
            purpose=Purpose.SERVICE,
            channel="kf",
            conversation_id=talk.conversation,
            turn_id=turn,
            faq_id=faq_id,
            line=faq_id.partition(".")[0],
            content_version_id=version,
            body=Body(
                text=text,
                menu=tuple(MenuItem(id=f"faq_{n}", text=line) for n, line in enumerate(menu)),
                servicers=servicers,
            ),
            due_at=self.at,
        )
        await deliveries.add(self.tx, [new], self.at)
        attempted = self.wait(1) if state not in (DeliveryState.DUE, DeliveryState.HELD) else None
        await self.tx.execute(
            sa.update(tables.delivery)
            .where(tables.delivery.c.key == key)
            .values(state=state, outcome=outcome, attempted_at=attempted)
        )
        if state is DeliveryState.ACCEPTED and act is not Act.TRANSFER:
            await self.says(talk, text, author=Author.BOT, kind=new.act.value, msgid=key)
        found = await self.tx.execute(sa.select(tables.delivery.c.id).where(tables.delivery.c.key == key))
        return int(found.scalar_one())

    async def opens_case(
        self,
        talk: Talk,
        kind: CaseKind,
        reason: str,
        *,
        owner: str = "",
        due: timedelta = timedelta(days=1),
        note: str = "",
    ) -> int:
        case_id = await cases.open_or_add(
            self.tx,
            CaseWanted(kind=kind, reason=reason, note=note),
            customer_id=talk.customer,
            conversation_id=talk.conversation,
            actor="bot",
            due_at=self.at + due,
            now=self.at,
        )
        if owner:
            await cases.set_owner(self.tx, case_id, owner, actor="linzhuguan", now=self.at)
        return case_id

    async def has_state(self, talk: Talk, state: SessionState, servicer: str = "") -> None:
        await conversations.set_state(self.tx, talk.conversation, state, servicer_id=servicer, now=self.at)

    async def event(self, key: str, state: str, *, body: bytes = b"<xml/>", error: str = "") -> int:
        await events.add(
            self.tx, [events.new_row(key=key, receiver="kf", kind="kf_msg_or_event", body=body, at=self.at)]
        )
        await self.tx.execute(
            sa.update(tables.event)
            .where(tables.event.c.key == key)
            .values(state=state, error=error or None, attempt=5 if state == "failed" else 1)
        )
        found = await self.tx.execute(sa.select(tables.event.c.id).where(tables.event.c.key == key))
        return int(found.scalar_one())

    async def fetched(self, message_id: int, folder: Path, content: bytes, content_type: str) -> int:
        """Put the file of a message into the data folder; return its id."""
        digest = hashlib.sha256(content).hexdigest()
        path = folder / "media" / digest
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        row = (
            await self.tx.execute(sa.select(tables.media).where(tables.media.c.message_id == message_id))
        ).one()
        wanted = files.FileWanted(id=row.id, platform_id=row.platform_id, attempt=row.attempt)
        await files.record_fetched(
            self.tx, wanted, digest=digest, size_bytes=len(content), content_type=content_type
        )
        return int(row.id)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Ids of a small company's morning. `own_*`: of the advisor zhangsan and the owner lisi; `other_*`: of nobody."""

    own_talk: int
    other_talk: int
    own_case: int
    other_case: int
    owners_talk: int
    owners_case: int
    own_media: int
    other_media: int
    owners_media: int
    unknown_delivery: int
    failed_event: int
    unhandled_event: int
    draft: int = 0
    version: int = 0


async def make_scene(store: Store, clock: FrozenClock, folder: Path) -> Scene:
    """Fill the store with one of everything the pages show."""
    loaded = content()
    texts = [("faq", one.id, one.digest, draft_files.version_body(one)) for one in loaded.faqs.values()]
    texts += [("reply", one.id, one.digest, {"text": one.text}) for one in loaded.replies.values()]

    async def job(tx: AsyncConnection) -> Scene:
        start = clock.now() - timedelta(minutes=50)
        make = Maker(tx, start)
        await accounts.ensure(tx, ACCOUNT, start - timedelta(days=3), name="贷款与保险客服")
        await accounts.ensure(tx, "wkAccount2", start - timedelta(days=3), name="理财与售后客服")
        await tx.execute(sa.update(tables.kf_cursor).values(synced_at=clock.now() - timedelta(seconds=20)))
        await accounts.set_servicer(tx, ACCOUNT, "zhangsan", is_receiving=True, now=start)
        await accounts.set_servicer(tx, ACCOUNT, "lisi", is_receiving=False, now=start)
        await contents.add(tx, texts, start)
        version = (await contents.list_versions(tx))[0]
        filled = await _fill(make, folder, version.id, clock)
        return replace(filled, draft=await _draft(tx, clock.now()), version=version.id)

    return await store.write(job)


async def _draft(tx: AsyncConnection, now: datetime) -> int:
    """An open draft that changes an entry, written by an advisor."""
    body = draft_files.body_of(content().faqs["loan.prepay"]) | {"short": "可以，看合同。"}
    return await content_drafts.propose(
        tx, DraftKind.FAQ, "loan.prepay", "提前还款", body, DraftOrigin(), "zhangsan", now
    )


async def _fill(make: Maker, folder: Path, version: int, clock: FrozenClock) -> Scene:
    answered = await make.talk("wmWang00000001", "王女士")
    await make.happens(answered, "enter_session", scene="公众号菜单")
    await make.sends(
        answered,
        "您好，我是示例金融的自动助理，对话会留存备查。我们不会向您要验证码或密码。随时可以说“转人工”。",
    )
    asked = await make.says(answered, "提前还款要付违约金吗？")
    turn = await make.decides(
        answered,
        asked,
        "answer",
        ("loan.prepay", 0.86, ["关键词“提前还款”“违约金”命中", "与“提前还清要收费吗”相近"]),
        ("loan.annual_rate", 0.31, ["关键词“贷款”命中"]),
    )
    await make.sends(
        answered,
        "能不能提前还、收不收违约金，以您的贷款合同为准。一般消费贷多数不收，房贷常见还款满一年后不收。您可以在还款页点“提前结清”先看试算，不点确认就不会扣款。",
        turn=turn,
        faq_id="loan.prepay",
        version=version,
    )
    await make.says(answered, "好的谢谢")
    thanks = await make.decides(answered, await make.says(answered, "就这样"), "smalltalk")
    await make.sends(answered, "不客气，有需要随时找我。", turn=thanks)

    own = await make.talk("wmLi0000000002", "李先生")
    picture = await make.says(own, "", kind="image", media_id="media-1")
    own_media = await make.fetched(picture, folder, PICTURE, "image/png")
    asked = await make.says(own, "我要投诉，你们业务员承诺保本")
    turn = await make.decides(own, asked, "handover")
    await make.sends(own, "", turn=turn, act=Act.TRANSFER, servicers=("zhangsan",))
    await make.sends(own, "已为您转接人工，请稍等。投诉我们会在 15 天内答复。", turn=turn)
    await make.has_state(own, SessionState.SERVICER, "zhangsan")
    await make.happens(own, "session_status_change", change_type=1, new_servicer_userid="zhangsan")
    await make.says(
        own, "李先生您好，我是张三，请说说当时的情况。", author=Author.SERVICER, servicer="zhangsan"
    )
    taken_back = await make.says(own, "合同号 1234", msgid="taken-back")
    assert taken_back
    await messages.record_recall(
        make.tx,
        conversation_id=own.conversation,
        source=f"kf:{ACCOUNT}",
        msgid="taken-back",
        recalled_by=Author.CUSTOMER,
        at=make.wait(),
    )
    own_case = await make.opens_case(
        own, CaseKind.COMPLAINT, "H2", owner="zhangsan", due=timedelta(days=15), note="客户称业务员承诺保本"
    )

    other = await make.talk("wmChen00000003", "陈阿姨<script>alert(1)</script>")
    asked = await make.says(other, "退保能拿回多少？<img src=x onerror=alert(2)>")
    turn = await make.decides(
        other,
        asked,
        "menu",
        ("insurance.surrender_value", 0.52, ["与“退保能退多少”相近"]),
        ("insurance.cooling_off", 0.49, ["关键词“退保”命中"]),
    )
    await make.sends(
        other, "您想问的是下面哪一个？", turn=turn, menu=("退保能拿回多少钱", "犹豫期内退保", "转人工")
    )
    paper = await make.says(other, "", kind="file", media_id="media-2")
    other_media = await make.fetched(paper, folder, b"<script>alert(3)</script>", "text/html")
    await make.decides(other, await make.says(other, "我要找人"), "handover")
    await make.has_state(other, SessionState.POOL)
    await make.sends(other, "现在排队的人较多，请稍等。", state=DeliveryState.FAILED, outcome="rejected")
    other_case = await make.opens_case(other, CaseKind.SURRENDER, "H6", due=timedelta(minutes=-20))

    owners = await make.talk("wmZhao00000004", "")
    asked = await make.says(owners, "基金今天能赎回吗")
    turn = await make.decides(owners, asked, "answer", ("wealth.redeem", 0.71, ["关键词“赎回”命中"]))
    unknown = await make.sends(
        owners,
        "赎回一般 T+1 至 T+4 到账，以产品公告为准。",
        turn=turn,
        state=DeliveryState.UNKNOWN,
        outcome="crashed",
    )
    await make.sends(owners, "还想了解别的吗？", turn=turn, state=DeliveryState.HELD, outcome="budget")
    shown = await make.says(owners, "", kind="image", media_id="media-3")
    owners_media = await make.fetched(shown, folder, PICTURE, "image/png")
    owners_case = await make.opens_case(
        owners, CaseKind.CALLBACK, "late", owner="lisi", due=timedelta(hours=5)
    )

    rated = await make.sends(own, "这次服务您满意吗？", menu=("非常满意", "满意", "一般", "不满意"))
    key = (
        await make.tx.execute(sa.select(tables.delivery.c.key).where(tables.delivery.c.id == rated))
    ).scalar_one()
    await satisfaction.record_asked(
        make.tx, conversation_id=own.conversation, delivery_key=key, servicer_id="zhangsan", now=make.at
    )
    await satisfaction.record_answer(make.tx, own.conversation, 4, make.wait())
    failed = await make.event(
        "failed-1",
        "failed",
        body="<xml>张女士 13800000000</xml>".encode(),
        error="ChannelRefused: 48002 api forbidden",
    )
    unhandled = await make.event("unhandled-1", "unhandled", body=b"<xml><script>alert(4)</script></xml>")
    await make.tx.execute(
        sa.insert(tables.token).values(
            key="4793" * 16,
            value="secret-token-value",
            version=3,
            obtained_at=clock.now() - timedelta(minutes=40),
            expires_at=clock.now() + timedelta(minutes=80),
        )
    )
    return Scene(
        own_talk=own.conversation,
        other_talk=other.conversation,
        own_case=own_case,
        other_case=other_case,
        owners_talk=owners.conversation,
        owners_case=owners_case,
        own_media=own_media,
        other_media=other_media,
        owners_media=owners_media,
        unknown_delivery=unknown,
        failed_event=failed,
        unhandled_event=unhandled,
    )

"""An office for tests of the robot: the sandbox plays WeCom in its own writing; door, inbox and outbox are real.

The clock stands still unless a test moves it. The rest of an answer is asked for every few hundredths of a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import sqlalchemy as sa
from aiohttp import web

from bot import app, assembling, config
from bot.aibot_door import AibotDoor
from bot.channels.wecom import errors
from bot.channels.wecom.app_messages import AppChannel, AppMessages
from bot.channels.wecom.client import WeComClient
from bot.channels.wecom.late_answers import LateAnswers
from bot.clock import FileClock, write_clock_file
from bot.deciding import Deciding
from bot.inbox import Inbox
from bot.metrics import Metrics
from bot.staff_questions import StaffQuestions
from bot.webhook import BODY_LIMIT_BYTES, Webhook
from content import colleague_words
from content.knowledge import Knowledge
from domain.colleague import StaffQuestion
from domain.faq import EntityMode, Line, Thresholds
from handlers import routes
from sandbox import envelope, robot_wire, server
from sandbox import settings as sandbox_settings
from sandbox.robots import RobotLine
from scheduler.outbox import Outbox
from scheduler.ticker import Step, Wakeup, end_tasks, run_loop
from store import staff_questions, tables
from store.database import Store
from tests.content import shipped
from tests.scenarios import town
from tests.wecom import edge

ROBOT = "知识助手"
AES_KEY = "sandboxKeySandboxKeySandboxKeySandboxKeySdA"
TOKEN = "sandboxToken04"
ASSISTANT_KEY = "sandboxKeySandboxKeySandboxKeySandboxKeyScA"
AGENT_ID = 1000002
MORNING = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
MEMBERS = ("zhangsan", "lisi", "wangwu", "zhaoliu", "sunqi", "zhouba", "wujiu", "zhengshi")
GROUP = "internal01"
PREPAY = "提前还款要付违约金吗"


async def _at_once() -> bool:
    """The shipped words are read before an office opens."""
    return True


class Office:
    """`box`: the sandbox; `known`: what may be said; `is_working`: questions are looked up; `address`: of the doors."""

    address: str
    http: aiohttp.ClientSession
    inbox: Inbox
    outbox: Outbox
    questions: StaffQuestions

    def __init__(self, *, box: server.Box, store: Store, clock: FileClock, clock_file: Path) -> None:
        self.box, self.store, self.clock, self.clock_file = box, store, clock, clock_file
        self.known = knowledge()
        self.is_working = True

    def open_up(self, settings: config.Settings, client: WeComClient) -> LateAnswers:
        """Join the parts as bot/loops.py does; returns what has to be closed."""
        inbox_bell = Wakeup()
        late = LateAnswers(
            self._question_of,
            self._forget_address,
            api_base=self.box.url,
            proxy=None,
            timeout_seconds=5,
            rules=errors.Rules(),
        )
        rules, metrics = assembling.handler_rules(settings), Metrics()
        self.outbox = Outbox(
            self.store,
            {"app": AppChannel(AppMessages(client, AGENT_ID)), "aibot": late},
            self.clock,
            lambda: self.known,
            assembling.outbox_rules(settings),
            owner="office",
        )
        deciding = Deciding(
            self.store,
            self.clock,
            routes.all_handlers(),
            rules,
            lambda: self.known,
            assembling.turn_rules(settings),
            metrics,
            owner="office",
            channel=None,
            outbox_bell=self.outbox.bell,
        )
        self.questions = StaffQuestions(
            self.store,
            self.clock,
            lambda: self.known,
            rules,
            colleague_words.load(),
            bell=inbox_bell,
            outbox_bell=self.outbox.bell,
            ready=_at_once,
        )
        self.inbox = Inbox(
            self.store,
            self.clock,
            None,
            deciding,
            metrics,
            owner="office",
            went_live_at=MORNING,
            colleague_events=self.questions,
            bell=inbox_bell,
        )
        return late

    def application(self, settings: config.Settings) -> web.Application:
        """Return the doors."""
        made = web.Application(client_max_size=BODY_LIMIT_BYTES)
        robot = AibotDoor(self.questions, self.inbox, self.clock)
        Webhook(app.receivers(settings), self.inbox, Metrics(), answering={"aibot": robot}).add_routes(made)
        return made

    def while_working(self, step: Step) -> Step:
        """Return a step that waits while nobody works."""

        async def perhaps() -> float | None:
            return await step() if self.is_working else None

        return perhaps

    def works(self, is_working: bool) -> None:
        """Let questions lie from now on, or look them up again."""
        self.is_working = is_working
        self.inbox.bell.ring()

    async def _question_of(self, delivery_key: str) -> StaffQuestion | None:
        async with self.store.read() as tx:
            return await staff_questions.find_by_delivery(tx, delivery_key)

    async def _forget_address(self, question_id: int) -> None:
        await self.store.write(lambda tx: staff_questions.forget_address(tx, question_id))

    def asks(self, who: str, content: str, **more: Any) -> int:
        """Let a member ask; returns the number of the line under which the answer appears (0: not for the robot)."""
        return int(self.box.wire.says("", who, content, **more)["answer"])

    def line(self, who: str, number: int, chat_id: str = "") -> RobotLine:
        return self.box.robots.line(self.box.robots.chat("", who, chat_id), number)

    async def answered(self, who: str, number: int, chat_id: str = "") -> RobotLine:
        """Wait until the answer is whole, and return it."""
        line = self.line(who, number, chat_id)
        await self.until(lambda: not line.running, f"an answer to {who}")
        return line

    async def ask(self, who: str, content: str, **more: Any) -> RobotLine:
        """Let a member ask and wait for the whole answer."""
        return await self.answered(who, self.asks(who, content, **more), more.get("chat_id", ""))

    async def advance(self, **step: float) -> None:
        """Move the time of everybody forward."""
        target = self.clock.now() + timedelta(**step)
        write_clock_file(self.clock_file, virtual_at=target, rate=0.0)
        clocks = (self.clock.now, lambda: datetime.fromtimestamp(self.box.world.clock.now(), UTC))
        await self.until(lambda: all(now() >= target for now in clocks), "the clock")
        self.inbox.bell.ring()
        self.outbox.bell.ring()

    async def until(self, holds: Callable[[], bool], what: str) -> None:
        async def asked() -> bool:
            return holds()

        await self.eventually(asked, what)

    async def eventually(self, holds: Callable[[], Awaitable[bool]], what: str) -> None:
        """Wait until `holds()`; fail with `what` when it never does."""
        loop = asyncio.get_running_loop()
        end = loop.time() + town.PATIENCE_SECONDS
        while not await holds():
            assert loop.time() < end, f"waited in vain for {what}"
            await asyncio.sleep(0.01)

    async def rows(self, table: sa.Table, *conditions: Any) -> list[Any]:
        """Return the rows of a table, oldest first."""
        async with self.store.read() as tx:
            wanted = sa.select(table).where(*conditions).order_by(*table.primary_key.columns)
            return list((await tx.execute(wanted)).all())

    async def question(self, who: str) -> Any:
        """Return the newest question of a member."""
        return (await self.rows(tables.staff_question, tables.staff_question.c.staff_platform_id == who))[-1]

    async def deliveries(self, who: str) -> list[Any]:
        """Return what went to a member, oldest first."""
        return await self.rows(tables.delivery, tables.delivery.c.recipient == who)

    async def delivered(self, who: str, state: str) -> Any:
        """Wait until the newest delivery to a member is in `state`, and return it."""

        async def is_there() -> bool:
            found = await self.deliveries(who)
            return bool(found) and found[-1].state == state

        await self.eventually(is_there, f"a delivery {state} to {who}")
        return (await self.deliveries(who))[-1]

    # -- at the door, without the sandbox's robot -----------------------------------------------------------------

    async def knock(
        self, fields: Any, *, key: str = AES_KEY, token: str = TOKEN, receive_id: str = ""
    ) -> tuple[int, bytes]:
        """Post what would come from WeCom; returns status and raw answer. `fields`: JSON, or bytes as they are."""
        plain = fields if isinstance(fields, bytes) else json.dumps(fields, ensure_ascii=False).encode()
        sealed = envelope.seal(key, receive_id, plain)
        signature = envelope.signature_of(token, "1", "n1", sealed)
        query = {"msg_signature": signature, "timestamp": "1", "nonce": "n1"}
        url = f"{self.address}/callback/aibot"
        async with self.http.post(url, params=query, json={"encrypt": sealed}) as answer:
            return answer.status, await answer.read()

    async def told(self, fields: Any) -> dict[str, Any]:
        """Post a genuine callback and return the opened answer, {} for an empty one."""
        status, content = await self.knock(fields)
        assert status == 200
        if not content:
            return {}
        receiver = self.box.postman.receivers["aibot"]
        reply, opened = robot_wire.judge_reply(receiver, "n1", content)
        assert reply.code == 0, reply
        return opened


def message(msgid: str, who: str, content: str, **more: Any) -> dict[str, Any]:
    """Return a question as WeCom sends it (WeCom doc 100719)."""
    fields = {"msgid": msgid, "aibotid": "AIBOT", "chattype": "single", "from": {"userid": who}}
    return {**fields, "msgtype": "text", "text": {"content": content}, **more}


def refresh(who: str, stream_id: str) -> dict[str, Any]:
    """Return what WeCom sends to hear how far an answer is (WeCom doc 101031)."""
    head = {"msgid": "r1", "aibotid": "AIBOT", "chattype": "single", "from": {"userid": who}}
    return {**head, "msgtype": "stream", "stream": {"id": stream_id}}


def company(clock_file: str) -> sandbox_settings.Settings:
    """Return the sandbox's settings: members, one internal group, robot and staff app, no customers."""
    receivers = (
        sandbox_settings.ReceiverSettings(name="aibot", url="", token=TOKEN, aes_key=AES_KEY, robot=ROBOT),
        sandbox_settings.ReceiverSettings(
            name="assistant", url="", token=TOKEN, aes_key=ASSISTANT_KEY, agent_id=AGENT_ID
        ),
    )
    return sandbox_settings.Settings(
        clock_file=clock_file,
        corp_id=town.CORP,
        retry_seconds=(0.2,) * 200,
        robot_poll_seconds=0.03,
        apps=(sandbox_settings.AppSettings(agent_id=AGENT_ID, name="合规助手", secret=town.SECRET),),
        members=tuple(sandbox_settings.MemberSettings(userid=one, name=one) for one in MEMBERS),
        internal_groups=(
            sandbox_settings.InternalGroupSettings(chat_id=GROUP, name="顾问一组", members=MEMBERS[:4]),
        ),
        receivers=receivers,
    )


def house_settings(
    folder: Path, database_url: str, api_base: str, clock_file: Path, **sections: dict[str, Any]
) -> config.Settings:
    """Return settings of a house with robot and staff app; `sections` are merged over those of town."""
    receivers = {
        "aibot": {"token": TOKEN, "aes_key": AES_KEY},
        "assistant": {
            "secret": town.SECRET,
            "token": TOKEN,
            "aes_key": ASSISTANT_KEY,
            "agent_id": AGENT_ID,
        },
    }
    wecom = {"corp_id": town.CORP, "api_base": api_base, "receivers": receivers}
    return town.house_settings(folder, database_url, api_base, clock_file, wecom=wecom, **sections)


@contextlib.asynccontextmanager
async def house(
    folder: Path, database_url: str, box: server.Box, **sections: dict[str, Any]
) -> AsyncIterator[tuple[app.House, str]]:
    """Open the whole house, as `guanjia serve` runs it, and let the sandbox's callbacks go there."""
    settings = house_settings(folder, database_url, box.url, folder / "clock.json", **sections)
    async with app.running(settings) as (opened, address):
        await town.here_ready(opened)
        point(box, address)
        yield opened, address


def point(box: server.Box, address: str) -> None:
    """Let the sandbox's callbacks go to a server."""
    for name in ("aibot", "assistant"):
        box.postman.point(name, f"{address}/callback/{name}")


@functools.cache
def knowledge() -> Knowledge:
    """The shipped entries as samples, by words, every line licensed."""
    words = shipped.words()
    return Knowledge(
        content=words,
        faqs=words.faqs,
        replies=words.replies,
        versions={},
        matcher=shipped.matcher(),
        thresholds=Thresholds(),
        entity_modes=dict.fromkeys(Line, EntityMode.LICENSED),
        stopped=frozenset(),
        today=MORNING.date(),
    )


def settings_of(folder: Path, api_base: str) -> config.Settings:
    """Return the settings whose rules the office takes over."""
    return house_settings(folder, f"sqlite:///{folder}/guanjia.db", api_base, folder / "clock.json")


@contextlib.asynccontextmanager
async def office(folder: Path, store: Store) -> AsyncIterator[Office]:
    """Open the office on a store and close it again: the doors, the inbox and the outbox of a house, no more."""
    clock_file = folder / "clock.json"
    write_clock_file(clock_file, virtual_at=MORNING, rate=0.0)
    clock = FileClock(clock_file)
    async with contextlib.AsyncExitStack() as stack:
        box = await stack.enter_async_context(server.running(company(str(clock_file))))
        client = await stack.enter_async_context(
            edge.caller(box.url, store, clock, corp_id=town.CORP, secret=town.SECRET)
        )
        made = Office(box=box, store=store, clock=clock, clock_file=clock_file)
        settings = settings_of(folder, box.url)
        stack.push_async_callback(made.open_up(settings, client).close)
        bells, stopping = [made.inbox.bell, made.outbox.bell], asyncio.Event()
        steps = {"inbox": made.while_working(made.inbox.process_due), "outbox": made.outbox.send_due}
        loops = [
            asyncio.create_task(run_loop(name, steps[name], bell, stopping))
            for name, bell in zip(steps, bells, strict=True)
        ]

        async def stop() -> None:
            stopping.set()
            for bell in bells:
                bell.ring()
            await end_tasks(loops, 5)
            await made.inbox.finish()
            await made.outbox.finish()

        stack.push_async_callback(stop)
        runner = web.AppRunner(made.application(settings), access_log=None, shutdown_timeout=1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        made.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
        point(box, made.address)
        made.http = await stack.enter_async_context(aiohttp.ClientSession())
        yield made
        await box.wire.close()

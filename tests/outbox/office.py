"""An office for tests of the door out: the sandbox plays the platform, the outbox and its channels are real.

There are no loops: a test puts deliveries in, lets the outbox send what is due, and looks at the rows.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from bot.channels.wecom.app_chats import AppChats, ChatChannel
from bot.channels.wecom.app_messages import AppChannel, AppMessages
from bot.channels.wecom.client import WeComClient
from bot.channels.wecom.group_welcomes import GroupWelcomes, WelcomeLibraryChannel
from bot.channels.wecom.mass import MassChannel, MassSends
from bot.channels.wecom.uploads import Uploads
from bot.clock import FrozenClock
from content import matching
from content.knowledge import Knowledge
from domain.delivery import Act, Body, CardButton, CardFace, Delivery, NewDelivery, Purpose, SendClass
from domain.faq import EntityMode, Line, Thresholds
from domain.ports import Channel
from sandbox import groups, server
from sandbox import media as sandbox_media
from sandbox import settings as sandbox
from scheduler.outbox import Outbox, OutboxRules
from store import deliveries, tables
from store.database import Store
from tests.content import shipped
from tests.plugins.clock import MONDAY_MORNING

OWNER, GROUP, CUSTOMER, FRIENDLESS = "zhangsan", "wrGroup1", "wmFriend1", "wmStranger1"
PICTURE = sandbox_media.sample("image")[1]
PICTURE_DIGEST = hashlib.sha256(PICTURE).hexdigest()
AGENT_ID = 7
KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
SETTINGS = sandbox.Settings(
    corp_id="ww1",
    mass_dispatch_seconds=0,
    apps=(sandbox.AppSettings(agent_id=AGENT_ID, name="社群助手", secret="s"),),
    receivers=(
        sandbox.ReceiverSettings(name="assistant", url="", token="t", aes_key=KEY, agent_id=AGENT_ID),
    ),
    members=(
        sandbox.MemberSettings(userid=OWNER, name="张三"),
        sandbox.MemberSettings(userid="lisi", name="李四"),
    ),
    customers=(
        sandbox.CustomerSettings(external_userid=CUSTOMER, nickname="王女士", friends=(OWNER,)),
        sandbox.CustomerSettings(external_userid=FRIENDLESS, nickname="李先生"),
    ),
)


@functools.cache
def knowledge() -> Knowledge:
    """The shipped rules without a single entry."""
    words = shipped.words()
    return Knowledge(
        content=words,
        faqs={},
        replies={},
        versions={},
        matcher=matching.Matcher((), words.synonyms, words.lexicon),
        thresholds=Thresholds(),
        entity_modes=dict.fromkeys(Line, EntityMode.LICENSED),
        stopped=frozenset(),
        today=date(2026, 11, 23),
    )


@dataclass
class Office:
    """`box`: the sandbox; `clock`: of the outbox."""

    box: server.Box
    store: Store
    clock: FrozenClock
    client: WeComClient
    channels: dict[str, Channel] = field(default_factory=dict)
    known: Knowledge = field(default_factory=knowledge)
    rules: OutboxRules = field(default_factory=lambda: OutboxRules(repeat_is_refused=False))

    def __post_init__(self) -> None:
        self.uploads = Uploads(self.client, self.store, self.clock)
        self.sends = MassSends(self.client, self.clock)
        self.app = AppMessages(self.client, AGENT_ID)
        self.chats = AppChats(self.client)
        welcomes = GroupWelcomes(self.client, AGENT_ID)
        self.channels |= {
            "mass": MassChannel(self.sends, self.uploads),
            "app": AppChannel(self.app),
            "chat": ChatChannel(self.chats),
            "welcome_library": WelcomeLibraryChannel(welcomes, self.uploads),
        }
        self.outbox = Outbox(
            self.store, self.channels, self.clock, lambda: self.known, self.rules, owner="office"
        )

    @property
    def world(self) -> Any:
        return self.box.world

    def stop_line(self, line: Line) -> None:
        self.known = replace(self.known, stopped=frozenset([line]))

    async def put(self, one: NewDelivery) -> str:
        """Put a delivery in and return its key."""
        await self.store.write(lambda tx: deliveries.add(tx, [one], self.clock.now()))
        return one.key

    async def send(self, one: NewDelivery) -> Delivery:
        """Put a delivery in, let what is due leave, and return what became of it."""
        await self.put(one)
        return await self.sent(one.key)

    async def sent(self, key: str) -> Delivery:
        """Let what is due leave and return the delivery under `key`."""
        await self.outbox.send_due()
        await self.outbox.finish()
        return await self.get(key)

    async def get(self, key: str) -> Delivery:
        async with self.store.read() as tx:
            found = await deliveries.find(tx, key)
        assert found is not None
        return found

    async def change(self, table: sa.Table, where: Any, **values: Any) -> None:
        """Change rows behind everybody's back."""
        await self.store.write(lambda tx: tx.execute(sa.update(table).where(where).values(**values)))

    async def keep_file(self, content: bytes, name: str) -> str:
        """Keep a file of a template and return its digest."""
        digest = hashlib.sha256(content).hexdigest()
        row = {"digest": digest, "name": name, "content": content}
        await self.store.write(lambda tx: tx.execute(sa.insert(tables.sop_file).values(row)))
        return digest

    async def lapse(self, **step: float) -> None:
        """Let time pass for the outbox and for the platform."""
        self.clock.advance(timedelta(**step))
        self.world.clock.jump(timedelta(**step).total_seconds())


def mass_send(text: str = "今晚八点上课，欢迎来听。", **changes: Any) -> NewDelivery:
    """A mass send of the owner into the group; `body`: changes of its body."""
    body = {"text": text, "chat_type": "group", "targets": (GROUP,), "lines": ("service",)}
    return delivery("mass", Act.MASS_SEND, SendClass.ONCE, {**body, **changes.pop("body", {})}, **changes)


def card(**changes: Any) -> NewDelivery:
    """A card with two buttons to the owner; `face`: changes of what it shows."""
    face = {
        "task_id": "sop-1",
        "title": "群07 今天的任务",
        "text": "请确认发送",
        "buttons": (CardButton(key="done", text="完成", style=1), CardButton(key="later", text="稍后")),
    }
    body = {"card": CardFace(**{**face, **changes.pop("face", {})}), **changes.pop("body", {})}
    return delivery("app", Act.CARD, SendClass.CHECKED, body, **changes)


def delivery(
    channel: str, act: Act, send_class: SendClass, body: Mapping[str, Any], **changes: Any
) -> NewDelivery:
    """A delivery without a conversation, due at once."""
    values: dict[str, Any] = {
        "key": f"{channel}-1",
        "act": act,
        "send_class": send_class,
        "purpose": Purpose.SERVICE,
        "channel": channel,
        "conversation_id": None,
        "recipient": OWNER,
        "body": Body(**body),
        "due_at": MONDAY_MORNING,
    }
    return NewDelivery(**{**values, **changes})


def found(box: server.Box) -> None:
    """Make the group of the owner."""
    groups.create(box.world, OWNER, "理财新手营07", [CUSTOMER, FRIENDLESS], chat_id=GROUP)

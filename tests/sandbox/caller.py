"""Stands where the application stands: calls the sandbox's API and receives its callbacks.

Knows nothing of the application. `Caller` holds a token, `Hook` a callback address that opens what it gets.
"""

from __future__ import annotations

import asyncio
import contextlib
import xml.etree.ElementTree as ElementTree
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
from aiohttp import web

from sandbox import envelope, server
from sandbox.settings import (
    AccountSettings,
    AppSettings,
    CustomerSettings,
    ReceiverSettings,
    ServicerSettings,
    Settings,
)

KFID = "wkA1"
CUSTOMER = "wmC1"
SECRET = "secret-of-the-app"
KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
USUAL = Settings(
    retry_seconds=(0.02, 0.02, 0.02),
    apps=(
        AppSettings(agent_id=1000002, name="客服助手", secret=SECRET),
        AppSettings(agent_id=1000003, name="无客服权限", secret="other-secret", kf=False),
    ),
    receivers=(
        ReceiverSettings(name="kf", url="", token="kfToken", aes_key=KEY),
        ReceiverSettings(name="assistant", url="", token="appToken", aes_key=KEY, agent_id=1000002),
        ReceiverSettings(name="contacts", url="", token="contactsToken", aes_key=KEY),
    ),
    accounts=(
        AccountSettings(open_kfid=KFID, name="客服一"),
        AccountSettings(open_kfid="wkB2", name="客服二"),
    ),
    servicers=(
        ServicerSettings(userid="zhangsan", name="张三"),
        ServicerSettings(userid="lisi", name="李四", open_kfids=(KFID,)),
    ),
    customers=(
        CustomerSettings(external_userid=CUSTOMER, nickname="王女士"),
        CustomerSettings(external_userid="wmC2", nickname="李先生"),
    ),
)


@dataclass
class Caller:
    """A client of the published API. Answers are the parsed JSON; nothing is raised for an errcode."""

    box: server.Box = field(repr=False)
    session: aiohttp.ClientSession = field(repr=False)
    token: str = field(default="", repr=False)

    async def login(self, secret: str = SECRET) -> dict[str, Any]:
        answer = await self.get("gettoken", corpid=self.box.world.settings.corp_id, corpsecret=secret)
        self.token = answer.get("access_token", "")
        return answer

    async def jump(self, seconds: float) -> None:
        """Move time forward, with a token that is good at the other end."""
        self.box.world.clock.jump(seconds)
        await self.login()

    async def get(self, path: str, **query: str) -> dict[str, Any]:
        query = {"access_token": self.token, **query}
        async with self.session.get(f"{self.box.url}/cgi-bin/{path}", params=query) as answer:
            return dict(await answer.json())

    async def post(self, path: str, **body: Any) -> dict[str, Any]:
        query = {"access_token": self.token}
        async with self.session.post(f"{self.box.url}/cgi-bin/{path}", params=query, json=body) as answer:
            return dict(await answer.json())

    async def send(self, content: str = "您好", **more: Any) -> dict[str, Any]:
        fields = {"touser": CUSTOMER, "open_kfid": KFID, "msgtype": "text", "text": {"content": content}}
        return await self.post("kf/send_msg", **(fields | more))

    async def sync(self, **more: Any) -> dict[str, Any]:
        return await self.post("kf/sync_msg", **({"open_kfid": KFID} | more))

    async def trans(self, state: int, servicer: str = "") -> dict[str, Any]:
        ids = {"open_kfid": KFID, "external_userid": CUSTOMER}
        return await self.post("kf/service_state/trans", **ids, service_state=state, servicer_userid=servicer)

    async def state(self) -> int:
        answer = await self.post("kf/service_state/get", open_kfid=KFID, external_userid=CUSTOMER)
        return int(answer["service_state"])

    async def control(self, path: str, **body: Any) -> dict[str, Any]:
        async with self.session.post(f"{self.box.url}/sandbox/{path}", json=body) as answer:
            return {"status": answer.status, **(await answer.json())}

    async def read(self, path: str) -> dict[str, Any]:
        async with self.session.get(f"{self.box.url}/sandbox/{path}") as answer:
            return dict(await answer.json())

    async def events(self) -> list[dict[str, Any]]:
        """The events of the whole log."""
        found = await self.sync()
        return [one["event"] for one in found["msg_list"] if one["msgtype"] == "event"]


@contextlib.asynccontextmanager
async def calling(settings: Settings = USUAL, **changes: Any) -> AsyncIterator[Caller]:
    """A sandbox with these settings and a caller that holds a token."""
    async with (
        server.running(replace(settings, **changes)) as box,
        aiohttp.ClientSession() as session,
    ):
        caller = Caller(box=box, session=session)
        await caller.login()
        yield caller


@dataclass
class Hook:
    """A callback address. `statuses`: what to answer to the next posts, 200 when empty."""

    url: str
    receiver: ReceiverSettings
    corp_id: str
    statuses: list[int] = field(default_factory=list)
    reply: str = ""
    plain: list[str] = field(default_factory=list)
    refused: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.Request) -> web.Response:
        query = request.query
        encrypted = str(ElementTree.fromstring(await request.text()).findtext("Encrypt"))
        parts = (self.receiver.token, query["timestamp"], query["nonce"], encrypted)
        if not envelope.is_signed(query["msg_signature"], *parts):
            self.refused += 1
            return web.Response(status=403)
        status = self.statuses.pop(0) if self.statuses else 200
        if status != 200:
            self.refused += 1
            return web.Response(status=status)
        self.plain.append(envelope.unseal(self.receiver.aes_key, self.corp_id, encrypted).decode())
        self.arrived.set()
        return web.Response(text=self.reply)

    async def check(self, request: web.Request) -> web.Response:
        return web.Response(
            body=envelope.unseal(self.receiver.aes_key, self.corp_id, request.query["echostr"])
        )

    def field(self, name: str, number: int = -1) -> str:
        return str(ElementTree.fromstring(self.plain[number]).findtext(name))

    def fields(self, number: int = -1) -> dict[str, str]:
        """The flat fields of an event, and those inside another one by their path."""
        found: dict[str, str] = {}
        for element in ElementTree.fromstring(self.plain[number]):
            found[element.tag] = element.text or ""
            for inner in element.iter():
                if inner is not element:
                    path = f"{element.tag}/{inner.tag}"
                    found[path] = f"{found[path]} {inner.text}" if path in found else inner.text or ""
        return found


@contextlib.asynccontextmanager
async def hooked(box: server.Box, name: str = "kf") -> AsyncIterator[Hook]:
    """A callback address on a free port, to which the sandbox's receiver `name` points."""
    settings = box.world.settings
    receiver = next(one for one in settings.receivers if one.name == name)
    hook = Hook(url="", receiver=receiver, corp_id=settings.corp_id)
    app = web.Application()
    app.router.add_post("/callback", hook.take)
    app.router.add_get("/callback", hook.check)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        hook.url = f"http://127.0.0.1:{runner.addresses[0][1]}/callback"
        box.postman.point(name, hook.url)
        yield hook
    finally:
        await box.postman.drained()
        await runner.cleanup()

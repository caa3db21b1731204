"""Callbacks to the application: the encrypted POST with deadline and retries, and the GET check of an address.

Source: WeCom docs 90930, 90238, 90241. Retry intervals are real time and our choice; the pages name none.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
import xml.etree.ElementTree as ElementTree
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from urllib.parse import urlencode

import aiohttp

from sandbox import envelope
from sandbox.clock import WorldClock
from sandbox.faults import FaultBox, FaultKind
from sandbox.records import Json
from sandbox.settings import ReceiverSettings, Settings

OnReply = Callable[[str], None]  # gets the XML of a passive reply that was signed and sealed as it should be

UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # XML 1.0 has no place for them
VERIFY_SECONDS = 1.0
REORDER_WAIT_SECONDS = 1.0
PENDING_LIMIT = 20_000
REPLY_TYPES = {
    "text",
    "image",
    "voice",
    "video",
    "news",
    "update_button",
    "update_template_card",
    "update_taskcard",
}


@dataclass(kw_only=True, slots=True)
class PostStats:
    """Counts of one receiver since the start. `waiting`: failed and to be tried again; `check`: last GET."""

    sent: int = 0
    delivered: int = 0
    failed_attempts: int = 0
    given_up: int = 0
    dropped: int = 0
    waiting: int = 0
    last_error: str = ""
    last_delivered_at: float = 0.0
    check: str = "never done"


@dataclass(frozen=True, kw_only=True, slots=True)
class PassiveReply:
    """What the application answered inside the HTTP response; `code` is that of WeCom's library, 0 good."""

    receiver: str
    code: int
    text: str


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Letter:
    """The plain XML of a callback and who wants to hear of a good passive reply."""

    plain: bytes
    on_reply: OnReply | None = None


class Postman:
    """Delivers callbacks. Start and close it with the server; nothing is awaited by those who post."""

    def __init__(self, settings: Settings, clock: WorldClock, faults: FaultBox) -> None:
        self._settings = settings
        self._clock = clock
        self._faults = faults
        self._dice = random.Random(settings.seed)
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._gate = asyncio.Semaphore(settings.callback_in_flight)
        self._held: dict[str, Letter] = {}
        self.receivers = {receiver.name: receiver for receiver in settings.receivers}
        self.stats = {name: PostStats() for name in self.receivers}
        self.replies: deque[PassiveReply] = deque(maxlen=200)
        self.on_change: Callable[[], None] | None = None

    async def start(self) -> None:
        # Cookies and proxies of the environment have no business here; keep-alive spares the application a handshake.
        connector = aiohttp.TCPConnector(limit=self._settings.callback_in_flight)
        self._session = aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
        )

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def drained(self) -> None:
        """Return when no callback is under way or waiting for a retry."""
        while self._tasks:
            await asyncio.gather(*list(self._tasks), return_exceptions=True)

    def point(self, name: str, url: str) -> None:
        """Let the callbacks of a receiver go to another address from now on. Raises KeyError."""
        self.receivers[name] = replace(self.receivers[name], url=url)

    # -- posting -------------------------------------------------------------------------------------------------

    def post_fields(self, name: str, fields: Json, on_reply: OnReply | None = None) -> None:
        """Post an event made of fields; ToUserName and CreateTime are added when absent."""
        now = int(self._clock.now())
        whole = {"ToUserName": self._settings.corp_id, "CreateTime": now, **fields}
        self.post(name, xml_of(whole), on_reply)

    def post(self, name: str, plain: bytes, on_reply: OnReply | None = None) -> None:
        """Send a callback to receiver `name`; silently nothing when there is no such receiver or no address.

        `on_reply` gets the XML of a good passive reply.
        """
        receiver = self.receivers.get(name)
        if receiver is None or not receiver.url or self._session is None:
            return
        stats = self.stats[name]
        stats.sent += 1
        if self._faults.strike(FaultKind.DROP, name) or len(self._tasks) >= PENDING_LIMIT:
            stats.dropped += 1
            return
        letter = Letter(plain=plain, on_reply=on_reply)
        held = self._held.pop(name, None)
        if held is None and self._faults.strike(FaultKind.REORDER, name):
            self._held[name] = letter
            asyncio.get_running_loop().call_later(REORDER_WAIT_SECONDS, self._release, name, letter)
            return
        self._begin(name, letter)
        if held is not None:
            self._begin(name, held)

    def _release(self, name: str, letter: Letter) -> None:
        if self._held.get(name) is letter:
            del self._held[name]
            self._begin(name, letter)

    def _begin(self, name: str, letter: Letter) -> None:
        late = self._faults.strike(FaultKind.LATE, name)
        copies = 2 if self._faults.strike(FaultKind.DUPLICATE, name) else 1
        for _ in range(copies):
            task = asyncio.create_task(self._deliver(name, letter, late.seconds if late else 0.0))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _deliver(self, name: str, letter: Letter, delay: float) -> None:
        stats = self.stats[name]
        if delay:
            await asyncio.sleep(delay)
        for wait in (0.0, *self._settings.retry_seconds):
            if wait:
                stats.waiting += 1
                self._tell()
                try:
                    await asyncio.sleep(wait)
                finally:
                    stats.waiting -= 1
            async with self._gate:
                problem = await self._attempt(name, letter)
            if not problem:
                healed = bool(stats.last_error)
                stats.delivered += 1
                stats.last_error = ""
                stats.last_delivered_at = time.time()
                if wait or healed or stats.delivered == 1:
                    self._tell()
                return
            stats.failed_attempts += 1
            stats.last_error = problem
        stats.given_up += 1
        self._tell()

    async def _attempt(self, name: str, letter: Letter) -> str:
        """Post once; "" when the application answered 200, else what went wrong."""
        receiver = self.receivers[name]
        encrypted = envelope.seal(receiver.aes_key, receiver.ends_with(self._settings.corp_id), letter.plain)
        forged = self._faults.strike(FaultKind.BAD_SIGNATURE, name) is not None
        query = self._signed(receiver, encrypted, forged=forged)
        agent = f"<AgentID><![CDATA[{receiver.agent_id}]]></AgentID>" if receiver.agent_id else ""
        body = (
            f"<xml><ToUserName><![CDATA[{self._settings.corp_id}]]></ToUserName>{agent}"
            f"<Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
        )
        assert self._session is not None  # closed only after every task has ended
        try:
            async with self._session.post(
                _with_query(receiver.url, query),
                data=body.encode(),
                headers={"Content-Type": "text/xml; charset=utf-8"},
                timeout=aiohttp.ClientTimeout(total=self._settings.callback_deadline_seconds),
                allow_redirects=False,
            ) as answer:
                content = await answer.content.read(1024 * 1024)
                if answer.status != 200:
                    return f"HTTP {answer.status}"
                if content:
                    self._read_reply(receiver, content, letter)
                return ""
        except TimeoutError:
            return f"超过 {self._settings.callback_deadline_seconds:g} 秒没有应答"
        except aiohttp.ClientConnectorError:
            return "连接不上应用"
        except (aiohttp.ClientError, OSError) as error:
            return f"连接中断（{type(error).__name__}）"

    def _signed(self, receiver: ReceiverSettings, encrypted: str, *, forged: bool = False) -> dict[str, str]:
        timestamp, nonce = str(int(self._clock.now())), str(self._dice.randrange(10**9, 10**10))
        signature = envelope.signature_of(receiver.token, timestamp, nonce, encrypted)
        if forged:
            signature = signature[:-1] + ("0" if signature[-1] != "0" else "1")
        return {"msg_signature": signature, "timestamp": timestamp, "nonce": nonce}

    def _tell(self) -> None:
        if self.on_change:
            self.on_change()

    # -- checking ------------------------------------------------------------------------------------------------

    async def verify(self, name: str) -> str:
        """Do the GET check of an address; "" when it passes, else why not, in Chinese."""
        problem = await self._check(name)
        if name in self.stats:
            self.stats[name].check = problem or "passed"
        return problem

    async def _check(self, name: str) -> str:
        receiver = self.receivers.get(name)
        if receiver is None or self._session is None:
            return f"没有接收方 {name}"
        echo = str(self._dice.randrange(10**18, 10**19))
        encrypted = envelope.seal(receiver.aes_key, receiver.ends_with(self._settings.corp_id), echo.encode())
        query = {**self._signed(receiver, encrypted), "echostr": encrypted}
        timeout = aiohttp.ClientTimeout(total=VERIFY_SECONDS)
        with suppress(TimeoutError, aiohttp.ClientError, OSError):
            async with self._session.get(
                _with_query(receiver.url, query), timeout=timeout, allow_redirects=False
            ) as answer:
                content = await answer.content.read(65536)
                if answer.status != 200:
                    return f"应答状态是 HTTP {answer.status}，应为 200"
                return "" if content == echo.encode() else "应答内容不是解密后的 echostr"
        return "1 秒内没有得到应答"

    def _read_reply(self, receiver: ReceiverSettings, content: bytes, letter: Letter) -> None:
        """Judge a passive reply and remember it; only app receivers may have one (doc 90241)."""
        reply = judge_reply(receiver, self._settings.corp_id, content)
        self.replies.append(reply)
        if letter.on_reply and reply.code == 0:
            letter.on_reply(reply.text)

    def has_waiting(self) -> bool:
        """Say whether a callback is on its way or waits for another try."""
        return any(stats.waiting for stats in self.stats.values())

    def status(self) -> Json:
        """Counts by receiver, for the control API and the page."""
        return {
            name: {
                "url": self.receivers[name].url,
                "sent": stats.sent,
                "delivered": stats.delivered,
                "failed_attempts": stats.failed_attempts,
                "given_up": stats.given_up,
                "dropped": stats.dropped,
                "waiting": stats.waiting,
                "last_error": stats.last_error,
                "check": stats.check,
            }
            for name, stats in self.stats.items()
        }


def judge_reply(receiver: ReceiverSettings, corp_id: str, content: bytes) -> PassiveReply:
    """Open a passive reply and say which of the library's codes it deserves."""
    if not receiver.agent_id:
        return PassiveReply(receiver=receiver.name, code=-40008, text="此类回调只应答空包")
    try:
        if b"<!" in content.replace(b"<![CDATA[", b""):
            raise ElementTree.ParseError
        outer = ElementTree.fromstring(content)  # noqa: S314 - no DTD gets this far
        parts = {child.tag: child.text or "" for child in outer}
        names = ("MsgSignature", "TimeStamp", "Nonce", "Encrypt")
        signature, timestamp, nonce, encrypted = (parts[name] for name in names)
        if not envelope.is_signed(signature, receiver.token, timestamp, nonce, encrypted):
            return PassiveReply(receiver=receiver.name, code=-40001, text="签名不符")
        plain = envelope.unseal(receiver.aes_key, receiver.receive_id or corp_id, encrypted)
        kind = ElementTree.fromstring(plain).findtext("MsgType")  # noqa: S314 - signed by the application itself
        if kind not in REPLY_TYPES:
            return PassiveReply(receiver=receiver.name, code=-40011, text=f"MsgType {kind}")
        return PassiveReply(receiver=receiver.name, code=0, text=plain.decode())
    except envelope.EnvelopeError as error:
        return PassiveReply(receiver=receiver.name, code=error.code, text=str(error))
    except (ElementTree.ParseError, KeyError, UnicodeDecodeError):
        return PassiveReply(receiver=receiver.name, code=-40002, text="不是被动回复的 XML")


def xml_of(fields: Json) -> bytes:
    """The plain XML of an event: strings in CDATA, numbers bare, lists as repeated elements, objects nested."""
    return f"<xml>{UNPRINTABLE.sub('', _elements(fields))}</xml>".encode(errors="replace")


def _elements(fields: Json) -> str:
    parts: list[str] = []
    for name, value in fields.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                parts.append(f"<{name}>{_elements(one)}</{name}>")
            elif isinstance(one, int):
                parts.append(f"<{name}>{one}</{name}>")
            else:
                safe = str(one).replace("]]>", "]]]]><![CDATA[>")
                parts.append(f"<{name}><![CDATA[{safe}]]></{name}>")
    return "".join(parts)


def _with_query(url: str, query: dict[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"

"""Messages of the robot on the wire: encrypted JSON with no id at its end, and the asking for the rest of an answer.

Source: WeCom docs 101033 (envelope), 101031 (answers), 101027 (events). 5 s for an answer; a message is tried again as
other callbacks are (90930), a request for the rest is simply made again after the next interval.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Coroutine
from contextlib import suppress
from urllib.parse import urlencode

import aiohttp

from sandbox import envelope
from sandbox.callbacks import PassiveReply, Postman
from sandbox.codes import WorldError
from sandbox.faults import FaultBox, FaultKind
from sandbox.records import Json
from sandbox.robots import ANSWER_SECONDS, CONTENT_BYTES, FEEDBACK_BYTES, RobotChat, RobotLine, Robots
from sandbox.settings import ReceiverSettings


class Wire:
    """Carries what members say to the application. Start and close it with the server."""

    def __init__(
        self, robots: Robots, postman: Postman, faults: FaultBox, base_url: Callable[[], str]
    ) -> None:
        self._robots, self._postman, self._faults = robots, postman, faults
        self._settings, self._clock = robots.world.settings, robots.world.clock
        self._base_url = base_url
        self._dice = random.Random(self._settings.seed)
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def drained(self) -> None:
        """Return when nothing is under way."""
        while self._tasks:
            await asyncio.gather(*list(self._tasks), return_exceptions=True)

    # -- what members do -----------------------------------------------------------------------------------------

    def says(
        self,
        receiver: str,
        userid: str,
        content: str,
        *,
        chat_id: str = "",
        msgtype: str = "text",
        quote: int = 0,
    ) -> Json:
        """A member writes into a chat; the robot gets what is for it. Raises WorldError."""
        chat = self._robots.chat(receiver, userid, chat_id)
        quoted = self._robots.line(chat, quote).content if quote else ""
        said, answer = self._robots.write(chat, userid, content, msgtype=msgtype, quote=quoted)
        if answer is not None:
            self._begin(self._converse(chat, self._message(chat, said), answer))
        return {"number": said.number, "answer": answer.number if answer else 0}

    def enters(self, receiver: str, userid: str) -> None:
        """A member opens the single chat; the robot hears of the first time a day."""
        chat = self._robots.chat(receiver, userid)
        if self._robots.is_first_entry(chat.receiver, userid):
            self._begin(self._greet(chat, self._event(chat, userid, "enter_chat", {})))

    def rates(
        self, receiver: str, userid: str, number: int, verdict: int, *, chat_id: str = "", content: str = ""
    ) -> None:
        """A member judges an answer: 1 accurate, 2 inaccurate, 3 withdrawn. Raises WorldError."""
        chat = self._robots.chat(receiver, userid, chat_id)
        line = self._robots.line(chat, number)
        if not line.feedback_id or line.running or verdict not in (1, 2, 3):
            raise WorldError("这条回答不能评价")
        line.feedback = 0 if verdict == 3 else verdict
        self._robots.tell()
        reasons = {"inaccurate_reason_list": [1]} if verdict == 2 else {}
        told: Json = {"id": line.feedback_id, "type": verdict, "content": content, **reasons}
        self._begin(self._tell(chat.receiver, self._event(chat, userid, "feedback_event", told)))

    # -- plain JSON ----------------------------------------------------------------------------------------------

    def _head(self, chat: RobotChat, userid: str, prefix: str) -> Json:
        head: Json = {
            "msgid": self._robots.world.new_id(prefix),
            "aibotid": chat.receiver.upper(),
            "chattype": "group" if chat.chat_id else "single",
            "from": {"userid": userid},
        }
        return {**head, "chatid": chat.chat_id} if chat.chat_id else head

    def _message(self, chat: RobotChat, line: RobotLine) -> Json:
        code = self._robots.new_code(chat, line.by)
        address = f"{self._base_url()}/cgi-bin/aibot/response?response_code={code}"
        told = {**self._head(chat, line.by, "AM"), "response_url": address, **_content(line)}
        return {**told, "quote": {"msgtype": "text", "text": {"content": line.quote}}} if line.quote else told

    def _event(self, chat: RobotChat, userid: str, kind: str, content: Json) -> Json:
        created = {"create_time": int(self._clock.now()), "msgtype": "event"}
        event = {"event": {"eventtype": kind, kind: content}}
        return {**self._head(chat, userid, "AE"), **created, **event}

    # -- talking -------------------------------------------------------------------------------------------------

    def _begin(self, act: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(act)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell(self, receiver: str, fields: Json) -> None:
        await self._deliver(receiver, fields)

    async def _greet(self, chat: RobotChat, fields: Json) -> None:
        reply = await self._deliver(chat.receiver, fields)
        if reply is None:
            return
        text = reply.get("text") if reply.get("msgtype") == "text" else None
        content = text.get("content") if isinstance(text, dict) else None
        if isinstance(content, str) and content:
            self._robots.add(chat, by="", content=content, via="welcome")

    async def _converse(self, chat: RobotChat, message: Json, answer: RobotLine) -> None:
        copies = 2 if self._faults.strike(FaultKind.DUPLICATE, chat.receiver) else 1
        replies = await asyncio.gather(*(self._deliver(chat.receiver, message) for _ in range(copies)))
        first = next((reply for reply in replies if reply is not None), None)
        if not first:
            self._end(answer, "机器人没有回应")
            return
        self._take(chat, answer, first, is_first=True)
        began = answer.at
        while answer.running:
            await asyncio.sleep(self._settings.robot_poll_seconds)
            if self._clock.now() - began > ANSWER_SECONDS:
                self._end(answer, "六分钟没有答完")
                return
            head = {name: message[name] for name in ("aibotid", "chattype", "from")}
            refresh = {
                "msgid": self._robots.world.new_id("AM"),
                **head,
                "msgtype": "stream",
                "stream": {"id": answer.stream_id},
            }
            found = await self._attempt(chat.receiver, refresh)
            if isinstance(found, dict) and found:
                self._take(chat, answer, found, is_first=False)

    def _take(self, chat: RobotChat, answer: RobotLine, reply: Json, *, is_first: bool) -> None:
        """Show a frame; one that breaks a rule ends the answer and is remembered."""
        problem, frame = _frame(reply)
        if not problem and not is_first and frame["id"] != answer.stream_id:
            problem = "stream.id 和第一次不一样"
        if problem:
            self._postman.replies.append(PassiveReply(receiver=chat.receiver, code=-40011, text=problem))
            self._end(answer, problem)
            return
        if is_first:
            feedback = frame.get("feedback")
            answer.stream_id = frame["id"]
            answer.feedback_id = str(feedback.get("id", "")) if isinstance(feedback, dict) else ""
        answer.content, answer.running = frame.get("content", ""), not frame["finish"]
        answer.frames += 1
        self._robots.tell()

    def _end(self, answer: RobotLine, problem: str) -> None:
        answer.running, answer.problem = False, problem
        self._robots.tell()

    # -- posting -------------------------------------------------------------------------------------------------

    async def _deliver(self, name: str, fields: Json) -> Json | None:
        """Post with retries; the opened reply ({} for an empty one), None when it was given up or dropped."""
        stats = self._postman.stats[name]
        stats.sent += 1
        if self._faults.strike(FaultKind.DROP, name):
            stats.dropped += 1
            return None
        if late := self._faults.strike(FaultKind.LATE, name):
            await asyncio.sleep(late.seconds)
        for wait in (0.0, *self._settings.retry_seconds):
            if wait:
                await asyncio.sleep(wait)
            reply = await self._attempt(name, fields)
            if isinstance(reply, dict):
                stats.delivered += 1
                stats.last_error = ""
                return reply
            stats.failed_attempts += 1
            stats.last_error = reply
        stats.given_up += 1
        return None

    async def _attempt(self, name: str, fields: Json) -> Json | str:
        """Post once; the opened reply, or what went wrong in Chinese."""
        receiver = self._postman.receivers[name]
        if not receiver.url or self._session is None:
            return "没有回调地址"
        plain = json.dumps(fields, ensure_ascii=False).encode(errors="replace")
        encrypted = envelope.seal(receiver.aes_key, "", plain)
        timestamp, nonce = str(int(self._clock.now())), str(self._dice.randrange(10**9, 10**10))
        signature = envelope.signature_of(receiver.token, timestamp, nonce, encrypted)
        if self._faults.strike(FaultKind.BAD_SIGNATURE, name):
            signature = signature[::-1]
        query = urlencode({"msg_signature": signature, "timestamp": timestamp, "nonce": nonce})
        seconds = self._settings.callback_deadline_seconds
        try:
            async with self._session.post(
                f"{receiver.url}?{query}",
                data=json.dumps({"encrypt": encrypted}).encode(),
                headers={"Content-Type": "application/json"},
                timeout=aiohttp.ClientTimeout(total=seconds),
                allow_redirects=False,
            ) as answer:
                content = await answer.content.read(1024 * 1024)
                if answer.status != 200:
                    return f"HTTP {answer.status}"
        except TimeoutError:
            return f"超过 {seconds:g} 秒没有应答"
        except (aiohttp.ClientError, OSError) as error:
            return f"连接中断（{type(error).__name__}）"
        return self._opened(receiver, nonce, content)

    def _opened(self, receiver: ReceiverSettings, nonce: str, content: bytes) -> Json:
        """The reply as JSON; one that is wrong is remembered with its code and counts as none."""
        if not content:
            return {}
        reply, opened = judge_reply(receiver, nonce, content)
        self._postman.replies.append(reply)
        return opened


def judge_reply(receiver: ReceiverSettings, nonce: str, content: bytes) -> tuple[PassiveReply, Json]:
    """Open a reply of the robot and say which of the library's codes it deserves; {} unless that is 0."""
    code, text, opened = 0, "", {}
    try:
        outer = json.loads(content)
        parts = [outer[name] for name in ("msgsignature", "timestamp", "nonce", "encrypt")]
        signature, timestamp, given, encrypted = parts
        if type(timestamp) is not int or given != nonce:
            code, text = -40011, "timestamp 应为整数，nonce 应为回调地址里的"
        elif not envelope.is_signed(str(signature), receiver.token, str(timestamp), given, str(encrypted)):
            code, text = -40001, "签名不符"
        else:
            text = envelope.unseal(receiver.aes_key, "", str(encrypted)).decode()
            opened = json.loads(text)
            if not isinstance(opened, dict):
                code, text, opened = -40002, "不是 JSON 对象", {}
    except envelope.EnvelopeError as error:
        code, text = error.code, str(error)
    except (ValueError, KeyError, TypeError, UnicodeDecodeError):
        code, text = -40002, "不是回复的 JSON"
    return PassiveReply(receiver=receiver.name, code=code, text=text), opened


def _frame(reply: Json) -> tuple[str, Json]:
    """What is wrong with a frame of an answer ("" nothing), and the frame (WeCom doc 101031)."""
    frame = reply.get("stream") if reply.get("msgtype") == "stream" else None
    if not isinstance(frame, dict):
        return "应答不是 stream", {}
    wrong = ""
    content, feedback = frame.get("content", ""), frame.get("feedback")
    if not isinstance(frame.get("id"), str) or not frame["id"]:
        wrong = "没有 stream.id"
    elif not isinstance(frame.get("finish"), bool):
        wrong = "stream.finish 应为 true 或 false"
    elif not isinstance(content, str) or len(content.encode(errors="replace")) > CONTENT_BYTES:
        wrong = f"stream.content 超过 {CONTENT_BYTES} 字节"
    elif isinstance(feedback, dict) and len(str(feedback.get("id", "")).encode()) > FEEDBACK_BYTES:
        wrong = f"feedback.id 超过 {FEEDBACK_BYTES} 字节"
    return wrong, frame


def _content(line: RobotLine) -> Json:
    if line.msgtype == "voice":
        return {"msgtype": "voice", "voice": {"content": line.content}}
    if line.msgtype == "mixed":
        items: list[Json] = [
            {"msgtype": "text", "text": {"content": line.content}},
            {"msgtype": "image", "image": {"url": "https://sandbox.invalid/picture"}},
        ]
        return {"msgtype": "mixed", "mixed": {"msg_item": items}}
    if line.msgtype in ("image", "file", "video"):
        return {"msgtype": line.msgtype, line.msgtype: {"url": "https://sandbox.invalid/file"}}
    return {"msgtype": "text", "text": {"content": line.content}}


async def settled(wire: Wire, seconds: float) -> bool:
    """Wait until nothing is under way, at most so long; False when something still is."""
    with suppress(TimeoutError):
        await asyncio.wait_for(wire.drained(), seconds)
        return True
    return False

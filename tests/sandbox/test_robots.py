"""The company's robot as WeCom plays it: what reaches it, what it may answer, until when the rest is asked for."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from sandbox import envelope, robot_wire, server
from sandbox.codes import ApiError, WorldError
from sandbox.robots import CONTENT_BYTES, RobotLine
from sandbox.settings import InternalGroupSettings, MemberSettings, ReceiverSettings, Settings
from tests import shared
from tests.sandbox.caller import KEY

ROBOT = ReceiverSettings(name="aibot", url="", token="botToken", aes_key=KEY, robot="助手")
SETTINGS = Settings(
    retry_seconds=(0.01, 0.01),
    robot_poll_seconds=0.01,
    members=(MemberSettings(userid="lisi", name="李四"), MemberSettings(userid="wangwu", name="王五")),
    internal_groups=(InternalGroupSettings(chat_id="in1", name="一组", members=("lisi",)),),
    receivers=(ROBOT,),
)
Answer = Callable[[dict[str, Any]], dict[str, Any] | None]


def frame(content: str, *, finish: bool = True, stream_id: str = "s1", **more: Any) -> dict[str, Any]:
    return {"msgtype": "stream", "stream": {"id": stream_id, "finish": finish, "content": content, **more}}


@contextlib.asynccontextmanager
async def answering(answer: Answer) -> AsyncIterator[tuple[server.Box, list[dict[str, Any]]]]:
    """A sandbox whose robot is an application that answers so; gives what the application was told, too."""
    told: list[dict[str, Any]] = []

    async def receive(request: web.Request) -> web.Response:
        sealed = (await request.json())["encrypt"]
        query = request.query
        assert envelope.is_signed(
            query["msg_signature"], ROBOT.token, query["timestamp"], query["nonce"], sealed
        )
        told.append(json.loads(envelope.unseal(KEY, "", sealed)))
        reply = answer(told[-1])
        if reply is None:
            return web.Response()
        encrypted = envelope.seal(KEY, "", json.dumps(reply).encode())
        signature = envelope.signature_of(ROBOT.token, "7", query["nonce"], encrypted)
        return web.json_response(
            {"encrypt": encrypted, "msgsignature": signature, "timestamp": 7, "nonce": query["nonce"]}
        )

    application = web.Application()
    application.router.add_post("/", receive)
    async with TestServer(application) as app, server.running(SETTINGS) as box:
        box.postman.point("aibot", str(app.make_url("/")))
        yield box, told
        await box.wire.close()


async def ask(box: server.Box, content: str = "问题", **more: Any) -> RobotLine:
    number = box.wire.says("", "lisi", content, **more)["answer"]
    await box.wire.drained()
    return box.robots.line(box.robots.chat("", "lisi", more.get("chat_id", "")), number)


async def test_an_answer_grows_until_it_is_finished() -> None:
    steps = iter(
        [frame("正在", finish=False, feedback={"id": "f1"}), frame("正在查", finish=False), frame("好了")]
    )

    async with answering(lambda _: next(steps)) as (box, told):
        line = await ask(box)

    assert (line.content, line.running, line.frames, line.feedback_id) == ("好了", False, 3, "f1")
    assert [one["msgtype"] for one in told] == ["text", "stream", "stream"]
    assert [one.get("stream", {}).get("id") for one in told] == [None, "s1", "s1"]
    assert ("response_url" in told[0], "response_url" in told[1]) == (True, False)


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (None, "机器人没有回应"),
        ({"msgtype": "text", "text": {"content": "x"}}, "应答不是 stream"),
        (frame("长" * (CONTENT_BYTES // 3 + 1)), f"stream.content 超过 {CONTENT_BYTES} 字节"),
        (frame("x", feedback={"id": "f" * 257}), "feedback.id 超过 256 字节"),
        (frame("x", stream_id=""), "没有 stream.id"),
    ],
)
async def test_an_answer_that_breaks_a_rule_is_told(reply: dict[str, Any] | None, problem: str) -> None:
    async with answering(lambda _: reply) as (box, _):
        assert (await ask(box)).problem == problem


async def test_the_rest_is_asked_for_six_minutes_and_three_run_at_once() -> None:
    async with answering(lambda _: frame("还在查", finish=False)) as (box, _):
        numbers = [box.wire.says("", "lisi", f"问题{number}")["answer"] for number in range(3)]
        with pytest.raises(WorldError, match="同时最多进行三个问答"):
            box.wire.says("", "lisi", "第四个")
        assert box.wire.says("", "wangwu", "别人的")["answer"]
        box.world.clock.jump(361)
        await box.wire.drained()

        chat = box.robots.chat("", "lisi")
        assert {box.robots.line(chat, one).problem for one in numbers} == {"六分钟没有答完"}
        assert box.wire.says("", "lisi", "又可以问了")["answer"]


async def test_a_group_passes_on_only_what_names_the_robot_and_only_to_its_members() -> None:
    async with answering(lambda _: frame("好")) as (box, told):
        box.wire.says("", "lisi", "大家好", chat_id="in1")
        await ask(box, "@助手 在吗", chat_id="in1")
        with pytest.raises(WorldError, match="不在这个内部群里"):
            box.wire.says("", "wangwu", "@助手 在吗", chat_id="in1")

    assert [(one["chatid"], one["text"]["content"]) for one in told] == [("in1", "@助手 在吗")]


async def test_a_late_address_takes_one_answer_within_an_hour() -> None:
    body = {"msgtype": "markdown", "markdown": {"content": "晚到的答案"}}
    async with answering(lambda _: frame("好")) as (box, _):
        chat = box.robots.chat("", "lisi")
        used, old, wrong = (box.robots.new_code(chat, "lisi") for _ in range(3))
        box.robots.answer_late(used, body)
        codes = []
        for code, content in ((used, body), ("nobody", body), (wrong, {"msgtype": "text"})):
            with pytest.raises(ApiError) as caught:
                box.robots.answer_late(code, content)
            codes.append(caught.value.code)
        box.world.clock.jump(3601)
        with pytest.raises(ApiError):
            box.robots.answer_late(old, body)

        assert codes == [40029, 40029, 40008]
        assert [line.content for line in chat.lines if line.via == "late"] == ["晚到的答案"]


def test_the_reply_of_the_vectors_is_judged_good_and_a_changed_one_is_not() -> None:
    found = json.loads(shared.path("wecom/vectors.json").read_text("utf-8"))["vectors"]
    one = next(vector for vector in found if vector["id"] == "own-aibot-stream-reply-json")
    receiver = ReceiverSettings(
        name="aibot", url="", token=one["token"], aes_key=one["encoding_aes_key"], robot="助手"
    )

    good, opened = robot_wire.judge_reply(receiver, one["nonce"], one["body"].encode())
    body = json.loads(one["body"])
    wrong = {
        "another nonce": robot_wire.judge_reply(receiver, "0", one["body"].encode()),
        "a text as time": robot_wire.judge_reply(
            receiver, one["nonce"], json.dumps(body | {"timestamp": str(body["timestamp"])}).encode()
        ),
        "another signature": robot_wire.judge_reply(
            receiver, one["nonce"], json.dumps(body | {"msgsignature": "0" * 40}).encode()
        ),
        "no JSON": robot_wire.judge_reply(receiver, one["nonce"], b"<xml/>"),
    }

    assert (good.code, opened["stream"]["content"]) == (0, "正在查询")
    assert [reply.code for reply, _ in wrong.values()] == [-40011, -40011, -40001, -40002]
    assert all(not content for _, content in wrong.values())

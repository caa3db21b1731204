"""The robot's JSON: the shared vectors, and that anything else is a record or an envelope error."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.channels.wecom import aibot, envelope
from domain.colleague import ColleagueAsked
from domain.errors import EnvelopeError
from domain.platform import PlatformEvent
from tests import shared

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "msgid": JSON,
        "msgtype": st.sampled_from(["text", "mixed", "voice", "image", "stream", "event"]) | JSON,
        "from": st.just({"userid": "lisi"}) | JSON,
        "text": st.fixed_dictionaries({"content": JSON}) | JSON,
        "mixed": st.fixed_dictionaries({"msg_item": JSON}) | JSON,
        "event": st.fixed_dictionaries({"eventtype": JSON, "feedback_event": JSON}) | JSON,
        "stream": JSON,
        "quote": JSON,
        "create_time": JSON,
    },
)


def vector(name: str) -> dict[str, Any]:
    found = json.loads(shared.path("wecom/vectors.json").read_text("utf-8"))["vectors"]
    return next(one for one in found if one["id"] == name)


def receiver(one: dict[str, Any]) -> envelope.Receiver:
    return envelope.Receiver(
        name="aibot", token=one["token"], aes_key=one["encoding_aes_key"], receive_id=one["receiveid"]
    )


def test_the_callback_of_the_vectors_is_read() -> None:
    one = vector("own-aibot-callback-json")
    query = {name: one[name] for name in ("msg_signature", "timestamp", "nonce")}

    asked = aibot.decode(envelope.open_post(receiver(one), query, one["body"].encode()))

    assert isinstance(asked, ColleagueAsked)
    assert (asked.msgid, asked.staff_id, asked.chat_id) == ("CAIQsandbox0001", "zhangsan", "CHATID")
    assert asked.text == "等额本息是什么"
    assert asked.response_url.endswith("response_code=CODE")
    assert "CODE" not in repr(asked)


def test_the_frame_of_the_vectors_is_made_byte_for_byte() -> None:
    one = vector("own-aibot-stream-reply-json")
    frame = aibot.stream("STREAM1", "正在查询", is_finished=False)

    sealed = envelope.reply_json(
        receiver(one), frame, one["timestamp"], one["nonce"], one["random16"].encode()
    )

    assert frame.decode() == one["expected_plaintext"]
    assert json.loads(sealed) == json.loads(one["body"])


@settings(max_examples=60)
@given(fields=FIELDS)
def test_any_object_gives_a_record(fields: dict[str, Any]) -> None:
    assert isinstance(aibot.decode(json.dumps(fields).encode()), PlatformEvent)


@given(content=st.binary(max_size=200))
def test_any_bytes_give_a_record_or_an_envelope_error(content: bytes) -> None:
    try:
        read: PlatformEvent | int = aibot.decode(content)
    except EnvelopeError as error:
        read = error.code

    assert isinstance(read, PlatformEvent) or read == envelope.BAD_MARKUP


@given(text=st.text(max_size=200), times=st.integers(1, 400))
def test_no_frame_is_longer_than_the_platform_takes(text: str, times: int) -> None:
    frame = json.loads(aibot.stream("s", text * times, is_finished=True))["stream"]["content"]

    assert len(frame.encode()) <= aibot.CONTENT_LIMIT_BYTES
    whole = (text * times).encode(errors="ignore")
    assert frame.encode() == whole if len(whole) <= aibot.CONTENT_LIMIT_BYTES else frame.endswith("…")


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("@知识助手 提前还款", "提前还款"),
        ("@知识助手\u2005提前还款", "提前还款"),
        ("提前还款 @知识助手", "提前还款"),
        ("@李四 @知识助手 提前还款", "提前还款"),
        ("发到 a@b.com", "发到 a@b.com"),
        ("@知识助手", ""),
    ],
)
def test_who_is_named_is_cut_from_the_question(said: str, asked: str) -> None:
    fields = {"msgid": "m", "from": {"userid": "lisi"}, "msgtype": "text", "text": {"content": said}}
    read = aibot.decode(json.dumps(fields).encode())

    assert isinstance(read, ColleagueAsked)
    assert read.text == asked

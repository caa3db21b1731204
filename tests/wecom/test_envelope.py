"""The callback envelope, against the reference vectors and against everything that is not one."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.wecom import envelope, jsapi
from domain.errors import EnvelopeError
from tests import shared

KEY = "rcIEDEJ4qOIvKuMjaGhZVNHicwfKnhKf9ztJVj+h83k"
TEXT = st.binary(max_size=300)
WORD = st.text(st.characters(codec="utf-8"), max_size=20)


def receiver(
    name: str = "kf", token: str = "tok", receive_id: str = "ww1", **changes: Any
) -> envelope.Receiver:
    return envelope.Receiver(
        **{"name": name, "token": token, "aes_key": KEY, "receive_id": receive_id} | changes
    )


def seal_raw(framed: bytes, to: envelope.Receiver) -> tuple[dict[str, str], bytes]:
    """A correctly signed post whose decrypted bytes are `framed` as they stand, padding included."""
    encrypt = base64.b64encode(to._cipher.encryptor().update(framed))
    return signed(encrypt, to)


def signed(encrypt: bytes, to: envelope.Receiver) -> tuple[dict[str, str], bytes]:
    query = {"timestamp": "1", "nonce": "2", "msg_signature": envelope._signature(to, "1", "2", encrypt)}
    return query, b"<xml><Encrypt><![CDATA[" + encrypt + b"]]></Encrypt></xml>"


def post(text: bytes, to: envelope.Receiver) -> tuple[dict[str, str], bytes]:
    encrypt, signature = envelope.seal(to, text, "1", "2")
    body = f"<xml><AgentID>7</AgentID><Encrypt>{encrypt}</Encrypt></xml>".encode()
    return {"timestamp": "1", "nonce": "2", "msg_signature": signature}, body


def refusal(to: envelope.Receiver, query: dict[str, str], body: bytes) -> int:
    with pytest.raises(EnvelopeError) as caught:
        envelope.open_post(to, query, body)
    return caught.value.code


# --- the reference vectors ---


def vectors(*kinds: str) -> list[Any]:
    try:
        listed = json.loads(shared.path("wecom/vectors.json").read_text())["vectors"]
    except pytest.skip.Exception:
        return [pytest.param({}, marks=pytest.mark.skip(reason=f"{shared.ABSENT}: wecom/vectors.json"))]
    return [pytest.param(vector, id=vector["id"]) for vector in listed if vector["kind"] in kinds]


def of_vector(vector: dict[str, Any]) -> envelope.Receiver:
    return receiver(token=vector["token"], aes_key=vector["encoding_aes_key"], receive_id=vector["receiveid"])


@pytest.mark.parametrize(
    "vector", vectors("post_xml", "passive_reply_xml", "aibot_post_json", "aibot_reply_json")
)
def test_reference_bodies_open_to_their_plaintext(vector: dict[str, Any]) -> None:
    query = {name: vector[name] for name in ("timestamp", "nonce", "msg_signature")}

    text = envelope.open_post(of_vector(vector), query, vector["body"].encode())

    assert text.decode() == vector["expected_plaintext"]


@pytest.mark.parametrize("vector", vectors("url_verify"))
def test_reference_url_checks_open_from_their_query_string(vector: dict[str, Any]) -> None:
    query = dict(parse_qsl(vector["query_string"]))

    assert envelope.open_echo(of_vector(vector), query).decode() == vector["expected_plaintext"]


@pytest.mark.parametrize(
    "vector", vectors("post_xml", "passive_reply_xml", "aibot_post_json", "aibot_reply_json", "url_verify")
)
def test_sealing_reference_plaintext_is_byte_exact(vector: dict[str, Any]) -> None:
    prefix = vector["random16"].encode()
    sealed = envelope.seal(
        of_vector(vector), vector["expected_plaintext"].encode(), vector["timestamp"], vector["nonce"], prefix
    )

    assert sealed == (vector.get("encrypt") or vector["echostr"], vector["msg_signature"])


@pytest.mark.parametrize("vector", vectors("passive_reply_xml", "aibot_reply_json"))
def test_replies_are_byte_exact(vector: dict[str, Any]) -> None:
    write = envelope.reply_xml if vector["kind"] == "passive_reply_xml" else envelope.reply_json

    body = write(
        of_vector(vector),
        vector["expected_plaintext"].encode(),
        vector["timestamp"],
        vector["nonce"],
        vector["random16"].encode(),
    )

    assert body.decode() == vector["body"]


@pytest.mark.parametrize("vector", vectors("negative"))
def test_reference_forgeries_are_refused_with_the_official_number(vector: dict[str, Any]) -> None:
    query = {name: vector[name] for name in ("timestamp", "nonce", "msg_signature")}
    body = f"<xml><Encrypt>{vector['encrypt']}</Encrypt></xml>".encode()

    code = refusal(of_vector(vector), query, body)

    assert str(code) in vector["expected_error"] or code == envelope.BAD_RECEIVER


@pytest.mark.parametrize("vector", vectors("jsapi_signature"))
def test_reference_page_signatures_agree(vector: dict[str, Any]) -> None:
    given_url = vector["url"] + "#ignored"

    signature = jsapi.signature(vector["jsapi_ticket"], vector["noncestr"], vector["timestamp"], given_url)

    assert signature == vector["signature"]


@pytest.mark.parametrize("vector", vectors("aibot_media"))
def test_reference_file_opens(vector: dict[str, Any]) -> None:
    to = receiver(aes_key=vector["aeskey_base64"].rstrip("="))

    content = envelope.open_file(to, base64.b64decode(vector["ciphertext_base64"]))

    assert content == base64.b64decode(vector["plaintext_base64"])


# --- laws ---


@given(TEXT, WORD, WORD, st.sampled_from(["", "ww1234567890abcdef", "企业"]))
def test_opening_what_was_sealed_gives_it_back(
    text: bytes, timestamp: str, nonce: str, receive_id: str
) -> None:
    to = receiver(receive_id=receive_id)
    encrypt, signature = envelope.seal(to, text, timestamp, nonce)
    query = {"timestamp": timestamp, "nonce": nonce, "msg_signature": signature}

    assert envelope.open_post(to, query, f"<Encrypt>{encrypt}</Encrypt>".encode()) == text
    assert envelope.open_post(to, query, json.dumps({"encrypt": encrypt}).encode()) == text
    assert envelope.open_echo(to, query | {"echostr": encrypt}) == text


@given(st.binary(max_size=200))
def test_signed_rubbish_raises_nothing_but_envelope_error(framed: bytes) -> None:
    to = receiver()
    whole = framed[: len(framed) // 16 * 16]

    for query, body in (seal_raw(whole, to), signed(framed, to)):
        with pytest.raises(EnvelopeError):
            envelope.open_post(to, query, body)


@given(st.data())
def test_a_mutated_request_raises_nothing_but_envelope_error(data: st.DataObject) -> None:
    to = receiver()
    query, body = post(b"<xml><MsgType>text</MsgType></xml>", to)
    start, length = data.draw(st.integers(0, len(body))), data.draw(st.integers(0, 40))
    body = body[:start] + data.draw(st.binary(max_size=40)) + body[start + length :]
    name = data.draw(st.sampled_from([*query, "other"]))
    query[name] = data.draw(st.text(max_size=50))

    try:
        opened = envelope.open_post(to, query, body)
    except EnvelopeError:
        return
    assert opened == b"<xml><MsgType>text</MsgType></xml>"


# --- what a forger or a broken sender may try ---


def test_every_padding_byte_counts() -> None:
    to = receiver()
    content = b"r" * 16 + (3).to_bytes(4, "big") + b"abc" + b"ww1"
    room = 64 - len(content)  # 38: more than a legal pad

    def opened(padding: bytes) -> int | bytes:
        query, body = seal_raw((content + padding)[:64], to)
        try:
            return envelope.open_post(to, query, body)
        except EnvelopeError as error:
            return error.code

    short = 32 - len(content)  # 6
    assert opened(bytes([short]) * short) == b"abc"
    assert opened(b"x" * (short - 1) + bytes([short])) == envelope.BAD_BUFFER
    assert opened(b"\0" * short) == envelope.BAD_BUFFER
    assert opened(bytes([33]) * room) == envelope.BAD_BUFFER
    assert opened(bytes([room]) * room) == envelope.BAD_BUFFER


@pytest.mark.parametrize("length", [4, 2**31, 2**32 - 1])
def test_a_length_beyond_the_message_is_refused(length: int) -> None:
    content = b"r" * 16 + length.to_bytes(4, "big") + b"abc"
    pad = 32 - len(content) % 32

    query, body = seal_raw(content + bytes([pad]) * pad, receiver(receive_id=""))

    assert refusal(receiver(receive_id=""), query, body) == envelope.BAD_BUFFER


def test_a_message_shorter_than_its_frame_is_refused() -> None:
    to = receiver(receive_id="")

    query, body = seal_raw(bytes([32]) * 32, to)

    assert refusal(to, query, body) == envelope.BAD_BUFFER


def test_wrong_receive_id_is_refused_and_the_right_one_opens() -> None:
    query, body = post(b"abc", receiver())

    assert envelope.open_post(receiver(), query, body) == b"abc"
    assert refusal(receiver(receive_id="ww2"), query, body) == envelope.BAD_RECEIVER
    assert refusal(receiver(receive_id=""), query, body) == envelope.BAD_RECEIVER


def test_broken_base64_with_a_right_signature_is_refused() -> None:
    encrypt, _ = envelope.seal(receiver(), b"abc", "1", "2")

    for broken in (
        encrypt[:-1],
        encrypt[:-5],
        encrypt[:10] + "*" + encrypt[11:],
        encrypt + "A",
        "=" + encrypt,
    ):
        query, body = signed(broken.encode(), receiver())
        assert refusal(receiver(), query, body) == envelope.BAD_BASE64

    query, body = signed(encrypt[:-24].encode(), receiver())
    assert refusal(receiver(), query, body) in (envelope.BAD_BASE64, envelope.BAD_CIPHERTEXT)


@pytest.mark.parametrize("missing", ["timestamp", "nonce", "msg_signature"])
def test_a_missing_parameter_is_a_wrong_signature(missing: str) -> None:
    query, body = post(b"abc", receiver())
    del query[missing]

    assert refusal(receiver(), query, body) == envelope.BAD_SIGNATURE


def test_a_signature_of_any_script_is_only_wrong() -> None:
    query, body = post(b"abc", receiver())

    for signature in ("", "签名", "\ud800", query["msg_signature"].upper(), query["msg_signature"] + " "):
        assert refusal(receiver(), query | {"msg_signature": signature}, body) == envelope.BAD_SIGNATURE


@pytest.mark.parametrize(
    "body", [b"", b"<xml/>", b"<Encrypt></Encrypt>", b"<Encrypt>abc", b"{}", b"\xff\xfe"]
)
def test_a_body_without_encrypt_is_refused(body: bytes) -> None:
    query, _ = post(b"abc", receiver())

    assert refusal(receiver(), query, body) == envelope.BAD_MARKUP


@pytest.mark.parametrize("key", ["", KEY[:-1], KEY + "A", "*" * 43, "密" * 43])
def test_a_key_of_the_wrong_form_is_refused_at_once(key: str) -> None:
    with pytest.raises(EnvelopeError) as caught:
        receiver(aes_key=key)

    assert caught.value.code == envelope.BAD_KEY
    assert key not in str(caught.value) or not key


def test_secrets_are_not_shown() -> None:
    assert KEY not in repr(receiver())
    assert "tok" not in repr(receiver(name="kf")).replace("token", "")


# --- the key under which an event is stored once ---


def test_a_repeated_callback_has_the_same_key_and_another_has_not() -> None:
    key = envelope.dedupe_key(receiver(agent_id=7), b"abc")

    assert key == envelope.dedupe_key(receiver(agent_id=7, token="new"), b"abc")
    others = [
        (receiver(agent_id=7), b"abd"),
        (receiver(agent_id=8), b"abc"),
        (receiver("contacts", agent_id=7), b"abc"),
    ]
    assert key not in {envelope.dedupe_key(to, text) for to, text in others}
    assert len(key) == 64

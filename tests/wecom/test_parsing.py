"""From verified plaintext to records: what the platform sends, and what it should not."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.wecom import envelope, parsing
from domain import platform
from domain.errors import EnvelopeError

NOTIFIED = (
    "<xml><ToUserName><![CDATA[ww1]]></ToUserName><CreateTime>1763700000</CreateTime>"
    "<MsgType><![CDATA[event]]></MsgType><Event><![CDATA[kf_msg_or_event]]></Event>"
    "<Token><![CDATA[ENC1]]></Token><OpenKfId><![CDATA[wkA1]]></OpenKfId></xml>"
)


def event(name: str, inside: str = "") -> bytes:
    head = "<CreateTime>1763700000</CreateTime><MsgType>event</MsgType>"
    return f"<xml>{head}<Event>{name}</Event>{inside}</xml>".encode()


def text(content: str) -> bytes:
    return f"<xml><MsgType>text</MsgType><Content>{content}</Content></xml>".encode()


def test_a_kf_notification_becomes_a_record() -> None:
    assert parsing.decode("kf", NOTIFIED.encode()) == platform.KfNotified(
        receiver="kf",
        kind="kf_msg_or_event",
        created_at=datetime(2025, 11, 21, 4, 40, tzinfo=UTC),
        account_id="wkA1",
        sync_token="ENC1",
    )


def test_a_kf_notification_without_account_or_token_asks_for_every_account() -> None:
    record = parsing.decode("kf", event("kf_msg_or_event", "<Token/>"))

    assert isinstance(record, platform.KfNotified)
    assert (record.account_id, record.sync_token) == (None, None)


def test_account_changes_keep_every_repeated_node() -> None:
    added = "<AuthAddOpenKfId>wk1</AuthAddOpenKfId><AuthAddOpenKfId>wk2</AuthAddOpenKfId>"
    inside = added + "<AuthDelOpenKfId>wk3</AuthDelOpenKfId>"

    record = parsing.decode("kf", event("kf_account_auth_change", inside))

    assert isinstance(record, platform.KfAccountsChanged)
    assert (record.added, record.removed) == (("wk1", "wk2"), ("wk3",))


@pytest.mark.parametrize(
    ("plaintext", "kind"),
    [
        (event("change_external_contact", "<ChangeType>add_external_contact</ChangeType>"),
         "change_external_contact/add_external_contact"),
        (event("LOCATION"), "location"),
        (event("never_heard_of"), "never_heard_of"),
        (text("hi"), "message/text"),
        (b"<xml><InfoType>suite_ticket</InfoType></xml>", "info/suite_ticket"),
        (b"<xml></xml>", "info/"),
    ],
)  # fmt: skip
def test_what_no_handler_knows_is_named_and_kept(plaintext: bytes, kind: str) -> None:
    record = parsing.decode("contacts", plaintext)

    assert isinstance(record, platform.UnknownEvent)
    assert record.kind == kind


@pytest.mark.parametrize(
    ("plaintext", "name"),
    [
        (NOTIFIED.encode(), "KfMsgOrEvent"),
        (event("change_contact"), "ChangeContact"),
        (event("change_external_chat"), "ChangeExternalChat"),
        (event("template_card_event"), "TemplateCardEvent"),
        (event("template_card_menu_event"), "TemplateCardMenuEvent"),
        (event("msgaudit_notify"), "MsgauditNotify"),
        (event("batch_job_result"), "BatchJobResult"),
        (event("enter_agent"), "EnterAgentEvent"),
        (event("never_heard_of"), "UnknownMessage"),
        (text("hi"), "TextMessage"),
    ],
)
def test_the_sdk_class_fits_the_event(plaintext: bytes, name: str) -> None:
    assert type(parsing.message(parsing.parse(plaintext))).__name__ == name


def test_our_event_classes_read_the_fields_the_sdk_lacks() -> None:
    chat = parsing.message(
        parsing.parse(event("change_external_chat", "<ChatId>wr1</ChatId><CurMemVer>v2</CurMemVer>"))
    )
    job = parsing.message(
        parsing.parse(event("batch_job_result", "<BatchJob><ErrCode>0</ErrCode></BatchJob>"))
    )

    assert (chat.chat_id, chat.member_version, job.err_code) == ("wr1", "v2", "0")


TAPPED = (
    "<FromUserName>zhangsan</FromUserName><EventKey>done</EventKey><TaskId>sop-1</TaskId>"
    "<ResponseCode>RC1</ResponseCode><AgentID>1000002</AgentID>"
)


@pytest.mark.parametrize("name", ["template_card_event", "template_card_menu_event"])
def test_a_tap_on_a_card_becomes_a_record(name: str) -> None:
    assert parsing.decode("assistant", event(name, TAPPED)) == platform.CardTapped(
        receiver="assistant",
        kind=name,
        created_at=datetime(2025, 11, 21, 4, 40, tzinfo=UTC),
        staff_id="zhangsan",
        task_id="sop-1",
        key="done",
        code="RC1",
    )


@pytest.mark.parametrize("part", ["zhangsan", "done", "sop-1"])
def test_a_tap_that_does_not_say_who_or_on_what_is_kept_as_unknown(part: str) -> None:
    decoded = parsing.decode("assistant", event("template_card_event", TAPPED.replace(part, "")))

    assert isinstance(decoded, platform.UnknownEvent)


@pytest.mark.parametrize("mark", ["\x0b", "\x00", "\x1f", "&#11;", "&#x1F;", "\ufffe"])
def test_control_characters_do_not_lose_the_message(mark: str) -> None:
    fields = parsing.parse(text(f"你{mark}好"))

    assert fields["Content"].replace("\ufffe", "") == "你好"


def test_a_text_may_talk_about_markup() -> None:
    fields = parsing.parse(text("<![CDATA[<!DOCTYPE x> & <b>]]>"))

    assert fields["Content"] == "<!DOCTYPE x> & <b>"


def test_a_text_that_breaks_out_of_its_cdata_is_still_an_event() -> None:
    fields = parsing.parse(text("<![CDATA[a ]]> b & c]]>"))

    assert fields["MsgType"] == "text"


@pytest.mark.parametrize(
    "plaintext",
    [
        b"",
        b"not xml",
        b"<html></html>",
        "<xml><MsgType>文本</MsgType></xml>".encode("gbk"),
        '<?xml version="1.0" encoding="UTF-16"?><xml/>'.encode("utf-16"),
        b'<!DOCTYPE xml><xml><MsgType>text</MsgType></xml>',
        b'<!DOCTYPE xml [<!ENTITY e SYSTEM "file:///etc/passwd">]><xml><MsgType>&e;</MsgType></xml>',
        b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;">]><xml>&b;<MsgType>x</MsgType></xml>',
        b"<xml><MsgType>text</MsgType>" + b"<a>" * 40 + b"</a>" * 40 + b"</xml>",
        b"<xml><MsgType>text</MsgType>" + b"<a>" * 20_000 + b"</a>" * 20_000 + b"</xml>",
    ],
)  # fmt: skip
def test_what_is_not_a_plain_small_document_is_refused(plaintext: bytes) -> None:
    with pytest.raises(EnvelopeError) as caught:
        parsing.decode("kf", plaintext)

    assert caught.value.code == envelope.BAD_MARKUP


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode) | st.text().map(lambda t: text(t)))
def test_any_bytes_give_a_record_or_an_envelope_error(plaintext: bytes) -> None:
    with contextlib.suppress(EnvelopeError):
        assert isinstance(parsing.decode("kf", plaintext), platform.PlatformEvent)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"])))
def test_a_text_in_cdata_comes_back_as_it_was(content: str) -> None:
    safe = content.replace("]]>", "")

    assert parsing.parse(text(f"<![CDATA[{safe}]]>"))["Content"] == safe

"""Entries of a kf log become records; nothing is lost, whatever the platform sends."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.wecom import kf_log
from domain import platform
from domain.platform import FailReason, KfMessage, MessageKind, Origin, SessionChange

READ_AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


def read(entry: Any) -> KfMessage:
    return kf_log.message(entry, "wkAsked", READ_AT)


def entry(msgtype: str, body: Any = None, **changes: Any) -> dict[str, Any]:
    fields = {
        "msgid": "k1", "open_kfid": "wkA1", "external_userid": "wmC1", "send_time": 1763700000, "origin": 3,
        "msgtype": msgtype,
    }  # fmt: skip
    return fields | ({} if body is None else {msgtype: body}) | changes


def event(event_type: str, **body: Any) -> dict[str, Any]:
    body = {"event_type": event_type, "open_kfid": "wkA1", "external_userid": "wmC1"} | body
    return {"msgid": "k2", "send_time": 1763700001, "origin": 4, "msgtype": "event", "event": body}


def test_a_text_becomes_a_record() -> None:
    given_entry = entry("text", {"content": "退保能拿回多少", "menu_id": "faq_x"})

    assert read(given_entry) == KfMessage(
        msgid="k1",
        account_id="wkA1",
        customer_id="wmC1",
        sent_at=datetime(2025, 11, 21, 4, 40, tzinfo=UTC),
        origin=Origin.CUSTOMER,
        servicer_id=None,
        kind=MessageKind.TEXT,
        text="退保能拿回多少",
        menu_id="faq_x",
        media_id=None,
        event=None,
        raw=json.dumps(given_entry, ensure_ascii=False, sort_keys=True, separators=(",", ":")),
    )


@pytest.mark.parametrize(
    ("given_entry", "kind", "text", "media_id"),
    [
        (entry("image", {"media_id": "M1"}), "image", "", "M1"),
        (entry("voice", {"media_id": "M1"}), "voice", "", "M1"),
        (entry("video", {"media_id": "M1"}), "video", "", "M1"),
        (entry("file", {"media_id": "M1"}), "file", "", "M1"),
        (entry("location", {"latitude": 23.1, "name": "塔", "address": "海珠区"}), "location", "塔\n海珠区", None),
        (entry("link", {"title": "保单", "desc": "", "url": "https://a"}), "link", "保单\nhttps://a", None),
        (entry("business_card", {"userid": "zhangsan"}), "business_card", "", None),
        (entry("miniprogram", {"title": "查询"}), "miniprogram", "查询", None),
        (entry("msgmenu", {"head_content": "选", "list": []}), "msgmenu", "选", None),
        (entry("channels_shop_product", {"title": "表", "sales_price": 1}), "channels_shop_product", "表", None),
        (entry("channels_shop_order", {"product_titles": "表"}), "channels_shop_order", "表", None),
        (entry("merged_msg", {"title": "聊天记录", "item": []}), "merged_msg", "聊天记录", None),
        (entry("channels", {"sub_type": 1, "nickname": "号"}), "channels", "号", None),
        (entry("note"), "note", "", None),
        (entry("meeting"), "meeting", "", None),
        (entry("calendar"), "calendar", "", None),
        (entry("hologram", {"content": "?"}), "unknown", "", None),
        (entry("unknown", {"content": "?"}), "unknown", "", None),
    ],
)  # fmt: skip
def test_every_kind_is_read(given_entry: Any, kind: str, text: str, media_id: str | None) -> None:
    record = read(given_entry)

    assert (record.kind, record.text, record.media_id) == (kind, text, media_id)


@pytest.mark.parametrize(
    ("given_entry", "expected"),
    [
        (
            event("enter_session", scene="grp", scene_param="a%3D1", welcome_code="WC1",
                  wechat_channels={"shop_nickname": "店", "scene": 1}),
            platform.EnterSession(event_type="enter_session", scene="grp", scene_param="a%3D1", welcome_code="WC1",
                                  channels_name="店"),
        ),
        (
            event("enter_session"),
            platform.EnterSession(event_type="enter_session", scene="", scene_param="", welcome_code=None,
                                  channels_name=""),
        ),
        (
            event("msg_send_fail", fail_msgid="m1", fail_type=10),
            platform.SendFailed(event_type="msg_send_fail", fail_msgid="m1", reason=FailReason.REJECTED, fail_type=10),
        ),
        (
            event("msg_send_fail", fail_msgid="m1", fail_type=99),
            platform.SendFailed(event_type="msg_send_fail", fail_msgid="m1", reason=FailReason.UNKNOWN, fail_type=99),
        ),
        (
            event("servicer_status_change", servicer_userid="z", status=1),
            platform.ServicerStatusChanged(event_type="servicer_status_change", servicer_id="z", is_receiving=True),
        ),
        (
            event("servicer_status_change", servicer_userid="z", status=2, stop_type=1),
            platform.ServicerStatusChanged(event_type="servicer_status_change", servicer_id="z", is_receiving=False),
        ),
        (
            event("session_status_change", change_type=3, old_servicer_userid="z", msg_code="MC1"),
            platform.SessionChanged(event_type="session_status_change", change=SessionChange.ENDED,
                                    old_servicer_id="z", new_servicer_id=None, code="MC1"),
        ),
        (
            event("user_recall_msg", recall_msgid="k1"),
            platform.MessageRecalled(event_type="user_recall_msg", recalled_msgid="k1", servicer_id=None),
        ),
        (
            event("servicer_recall_msg", recall_msgid="k1", servicer_userid="z"),
            platform.MessageRecalled(event_type="servicer_recall_msg", recalled_msgid="k1", servicer_id="z"),
        ),
        (
            event("reject_customer_msg_switch_change", servicer_userid="z", reject_switch=1),
            platform.RejectSwitchChanged(event_type="reject_customer_msg_switch_change", servicer_id="z",
                                         is_rejected=True),
        ),
        (event("never_heard_of"), platform.OtherSessionEvent(event_type="never_heard_of")),
    ],
)  # fmt: skip
def test_every_event_is_read_with_the_ids_inside_it(
    given_entry: Any, expected: platform.SessionEvent
) -> None:
    record = read(given_entry)

    assert record.event == expected
    assert (record.account_id, record.customer_id, record.origin) == ("wkA1", "wmC1", Origin.SYSTEM)


def test_a_servicers_message_names_the_servicer() -> None:
    record = read(entry("text", {"content": "我来"}, origin=5, servicer_userid="zhangsan"))

    assert (record.origin, record.servicer_id) == (Origin.SERVICER, "zhangsan")


@pytest.mark.parametrize(
    "broken", [None, [], "x", {}, entry("text"), entry("text", "hi"), entry("event", [])]
)
def test_a_malformed_entry_is_kept_as_unknown(broken: Any) -> None:
    record = read(broken)

    assert (record.kind, record.text) == (MessageKind.UNKNOWN, "")
    assert json.loads(record.raw) == broken
    assert record.msgid


def test_an_entry_without_id_has_the_same_id_each_time_it_is_read() -> None:
    one, other = read({"msgtype": "note", "send_time": 1}), read({"msgtype": "note", "send_time": 2})

    assert one.msgid == read({"send_time": 1, "msgtype": "note"}).msgid != other.msgid
    assert (one.account_id, other.sent_at) == ("wkAsked", datetime(1970, 1, 1, 0, 0, 2, tzinfo=UTC))


def test_text_that_no_database_can_hold_is_cleaned_and_raw_keeps_it_escaped() -> None:
    record = read(json.loads('{"msgid":"k1","msgtype":"text","text":{"content":"a\\u0000b\\ud800c"}}'))

    assert record.text == "ab?c"
    record.raw.encode()
    assert "\0" not in record.raw


def test_an_empty_page_may_have_more() -> None:
    page = kf_log.page({"errcode": 0, "next_cursor": "c2", "has_more": 1, "msg_list": []}, "wk1", READ_AT)

    assert (page.messages, page.next_cursor, page.has_more) == ((), "c2", True)


@given(ANY_JSON)
def test_any_page_is_read(answer: Any) -> None:
    fields = answer if isinstance(answer, dict) else {"msg_list": answer}

    kf_log.page(fields, "wk1", READ_AT)


@given(
    st.dictionaries(
        st.sampled_from(
            ["msgid", "open_kfid", "external_userid", "send_time", "origin", "text", "event", "link"]
        ),
        ANY_JSON | st.dictionaries(st.sampled_from(["content", "event_type", "status", "menu_id"]), ANY_JSON),
    ),
    st.sampled_from([*MessageKind, "new", 7]),
)
def test_no_field_of_another_type_loses_a_message(fields: dict[str, Any], msgtype: Any) -> None:
    record = read(fields | {"msgtype": msgtype})

    assert record.raw.encode()
    assert record.msgid
    assert record.sent_at.tzinfo is UTC
    assert "\0" not in record.msgid + record.account_id + record.text

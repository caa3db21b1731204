"""Every type of message of WeCom doc 91552, and what may come beside."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.archive import parsing
from domain.archive import Action, Archived, ConsentStatus, Entry

FILE = {"md5sum": "AB" * 16, "filesize": 51234, "sdkfileid": "SDK-1"}
SENT_AT = datetime(2025, 11, 21, 4, 40, 0, 123000, tzinfo=UTC)


def parse(fields: dict[str, Any] | str, msgid: str = "m1_external") -> Archived:
    entry = Entry(seq=7, msgid=msgid, key_version=1, random_key="", encrypted="")
    plain = fields if isinstance(fields, str) else json.dumps(fields, ensure_ascii=False)
    return parsing.parse(entry, plain)


def said(kind: str, name: str, body: object, **more: Any) -> dict[str, Any]:
    return {
        "msgid": "m1_external",
        "action": "send",
        "from": "zhangsan",
        "tolist": ["wmC1"],
        "roomid": "",
        "msgtime": 1763700000123,
        "msgtype": kind,
        name: body,
    } | more


def inner(**fields: Any) -> str:
    return json.dumps(fields, ensure_ascii=False)


# msgtype, body key, body, what a person reads, kinds of the files.
TYPES: list[tuple[str, str, Any, str, list[str]]] = [
    ("text", "text", {"content": "您好"}, "您好", []),
    ("image", "image", FILE, "", ["image"]),
    (
        "voice",
        "voice",
        {"md5sum": "a" * 32, "voice_size": 900, "play_length": 4, "sdkfileid": "V"},
        "",
        ["voice"],
    ),
    ("video", "video", FILE | {"play_length": 9}, "", ["video"]),
    ("card", "card", {"corpname": "示例公司", "userid": "lisi"}, "示例公司\nlisi", []),
    ("location", "location", {"longitude": 1.0, "title": "总部", "address": "一号路"}, "总部\n一号路", []),
    ("emotion", "emotion", {"type": 1, "imagesize": 5, "sdkfileid": "E"}, "", ["emotion"]),
    ("file", "file", FILE | {"filename": "合同.pdf", "fileext": "pdf"}, "合同.pdf", ["file"]),
    (
        "link",
        "link",
        {"title": "活动", "description": "说明", "link_url": "https://a.example"},
        "活动\n说明\nhttps://a.example",
        [],
    ),
    ("weapp", "weapp", {"title": "小程序", "displayname": "名"}, "小程序\n名", []),
    ("todo", "todo", {"title": "待办", "content": "回电"}, "待办\n回电", []),
    ("vote", "vote", {"votetitle": "选", "voteitem": ["甲", "乙"], "votetype": 101}, "选\n甲\n乙", []),
    (
        "collect",
        "collect",
        {"title": "登记", "details": [{"id": 1, "ques": "姓名", "type": "Text"}]},
        "登记\n姓名",
        [],
    ),
    ("redpacket", "redpacket", {"type": 1, "wish": "恭喜", "totalamount": 100}, "恭喜", []),
    ("external_redpacket", "redpacket", {"type": 1, "wish": "恭喜", "totalamount": 100}, "恭喜", []),
    ("meeting", "meeting", {"topic": "例会", "meetingid": 1}, "例会", []),
    ("meeting_notification", "info", {"meeting_id": "1", "content": "会议开始"}, "会议开始", []),
    ("docmsg", "doc", {"title": "文档", "link_url": "https://d.example"}, "文档\nhttps://d.example", []),
    ("markdown", "info", {"content": "**粗**"}, "**粗**", []),
    ("news", "info", {"item": [{"title": "头条", "description": "正文", "url": "u"}]}, "头条\n正文\nu", []),
    ("calendar", "calendar", {"title": "日程", "attendeename": ["甲"], "place": "三楼"}, "日程\n三楼", []),
    (
        "mixed",
        "mixed",
        {
            "item": [
                {"type": "text", "content": inner(content="看图")},
                {"type": "image", "content": inner(**FILE)},
                {"type": "image", "content": inner(md5sum="b", filesize=1, sdkfileid="SDK-2")},
            ]
        },
        "看图",
        ["image", "image"],
    ),
    (
        "chatrecord",
        "chatrecord",
        {
            "title": "群聊记录",
            "item": [
                {"type": "ChatRecordText", "msgtime": 1763700000, "content": inner(content="第一句")},
                {"type": "ChatRecordFile", "msgtime": 1763700001, "content": inner(filename="表.xlsx")},
                {
                    "type": "ChatRecordMixed",
                    "msgtime": 1763700002,
                    "content": inner(item=[{"type": "text", "content": inner(content="里面一句")}]),
                },
                {"type": "text", "msgtime": 1763700003, "content": "不是 JSON"},
            ],
        },
        "群聊记录\n第一句\n表.xlsx\n里面一句\n不是 JSON",
        [],
    ),
    (
        "meeting_voice_call",
        "meeting_voice_call",
        {"endtime": 1, "sdkfileid": "CALL", "demofiledata": [{"filename": "演示.ppt"}]},
        "演示.ppt",
        ["voice_call"],
    ),
    ("voip_doc_share", "voip_doc_share", FILE | {"filename": "讲解.pdf"}, "讲解.pdf", ["voip_doc_share"]),
    ("sphfeed", "sphfeed", {"feed_type": 4, "sph_name": "号", "feed_desc": "介绍"}, "号\n介绍", []),
    ("voiptext", "info", {"callduration": 10, "invitetype": 2}, "", []),
    ("qydiskfile", "info", {"filename": "盘.docx", "url": "https://q"}, "盘.docx\nhttps://q", []),
    ("solitaire", "info", {"solitaire_type": 101, "solitaire_content": "1. 甲"}, "1. 甲", []),
    (
        "note",
        "info",
        {"items": [{"msg_type": "text", "content": inner(content="笔记一")}]},
        "笔记一",
        [],
    ),
    ("hologram", "hologram", {"title": "将来", "content": "的类型", "depth": 3}, "将来\n的类型", []),
]


@pytest.mark.parametrize(("kind", "name", "body", "text", "files"), TYPES, ids=[one[0] for one in TYPES])
def test_every_type_is_read(kind: str, name: str, body: Any, text: str, files: list[str]) -> None:
    found = parse(said(kind, name, body))

    assert (found.kind, found.text) == (kind, text)
    assert [one.kind for one in found.files] == files
    assert [one.place for one in found.files] == list(range(len(files)))
    assert found.told_at == SENT_AT
    assert json.loads(found.raw)["msgtype"] == kind


def test_a_file_keeps_what_was_told_of_it() -> None:
    [file] = parse(said("image", "image", FILE)).files

    assert (file.file_id, file.md5, file.size_bytes) == ("SDK-1", "ab" * 16, 51234)


def test_a_recall_names_what_was_taken_back() -> None:
    found = parse(said("revoke", "revoke", {"pre_msgid": "m0_external"}, action="recall"))

    assert (found.action, found.recalled_msgid, found.text) == (Action.RECALL, "m0_external", "")


def test_a_switch_log_has_its_own_shape() -> None:
    found = parse({"msgid": "s1", "action": "switch", "time": 1763700000123, "user": "zhangsan"}, "s1")

    assert (found.action, found.kind, found.sender, found.told_at) == (
        Action.SWITCH,
        "switch",
        "zhangsan",
        SENT_AT,
    )


@pytest.mark.parametrize("kind", ["agree", "disagree"])
def test_a_word_about_the_archive_names_customer_and_member_or_group(kind: str) -> None:
    body = {"userid": "wmC1", f"{kind}_time": 1763700000123}

    alone = parse(said(kind, kind, body, **{"from": "wmC1", "tolist": ["zhangsan"]})).consent
    in_group = parse(said(kind, kind, body, **{"from": "wmC1", "roomid": "wrG1"})).consent

    assert alone is not None
    assert in_group is not None
    assert (alone.customer_id, alone.staff_id, alone.chat_id) == ("wmC1", "zhangsan", "")
    assert (in_group.staff_id, in_group.chat_id) == ("", "wrG1")
    assert alone.status == ConsentStatus(kind)
    assert alone.changed_at == SENT_AT


def test_raw_control_characters_and_half_surrogates_do_no_harm() -> None:
    found = parse('{"msgid":"m","msgtype":"text","text":{"content":"a\x01b\\u0000c\\ud83d"}}')

    assert found.text == "a\x01bc\ufffd"
    assert found.told_at is None


@pytest.mark.parametrize("plain", ["", "not json", "[]", '"text"', '{"a":'])
def test_what_is_no_message_is_told_so(plain: str) -> None:
    with pytest.raises(parsing.Unreadable):
        parse(plain)


@given(
    st.dictionaries(
        st.sampled_from(
            ["msgtype", "text", "info", "mixed", "from", "tolist", "roomid", "msgtime", "action", "agree"]
        ),
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers()
            | st.text(max_size=5)
            | st.sampled_from(["text", "agree"]),
            lambda inside: (
                st.lists(inside, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["item", "type", "content", "sdkfileid", "md5sum", "filesize"]), inside
                )
            ),
            max_leaves=8,
        ),
    )
)
def test_fields_of_any_type_are_put_up_with(fields: dict[str, Any]) -> None:
    found = parse(fields)

    assert len(found.kind) <= 32
    assert found.text.encode() is not None

"""Mass sends: nothing goes out before its sender confirms; results, limits, reminders, cancelling."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox import address_book, groups, mass_sending, relations
from sandbox.settings import MassLimit
from tests.sandbox.caller import CUSTOMER, Caller, calling


@pytest.fixture
async def owner(app: Caller) -> Caller:
    """A caller before a world where zhangsan has two groups and two customers."""
    world = app.box.world
    for number in (1, 2):
        groups.create(world, "zhangsan", f"群{number}", [CUSTOMER], chat_id=f"wrG{number}")
    for customer in (CUSTOMER, "wmC2"):
        relations.befriend(world, "zhangsan", customer)
    return app


async def add(app: Caller, **more: Any) -> dict[str, Any]:
    fields = {"chat_type": "group", "sender": "zhangsan", "chat_id_list": ["wrG1"]}
    return await app.post(
        "externalcontact/add_msg_template", **(fields | {"text": {"content": "今晚 20:00 课堂"}} | more)
    )


async def result(app: Caller, msgid: str, userid: str = "zhangsan") -> list[dict[str, Any]]:
    answer = await app.post("externalcontact/get_groupmsg_send_result", msgid=msgid, userid=userid)
    return list(answer["send_list"])


async def state(app: Caller, msgid: str) -> list[dict[str, Any]]:
    return list((await app.post("externalcontact/get_groupmsg_task", msgid=msgid))["task_list"])


async def test_nothing_is_sent_before_the_owner_confirms(owner: Caller) -> None:
    world = owner.box.world
    link = {"msgtype": "link", "link": {"title": "课堂", "url": "https://example.com"}}
    made = await add(owner, chat_id_list=["wrG1", "wrG2", "wrOther"], attachments=[link])
    early = await owner.post("externalcontact/get_groupmsg_task", msgid=made["msgid"])
    world.clock.jump(2)
    before = await state(owner, made["msgid"]), await result(owner, made["msgid"])
    said = [one for one in world.corp.groups["wrG1"].lines if one.by]
    mass_sending.confirm(world, made["msgid"], "zhangsan")
    after = await state(owner, made["msgid"])
    sent = await result(owner, made["msgid"])

    assert (made["fail_list"], early["errcode"]) == (["wrOther"], 41063)
    assert before == ([{"userid": "zhangsan", "status": 0}], [])
    assert said == []
    assert after[0]["status"] == 2
    assert {(one["chat_id"], one["status"]) for one in sent} == {("wrG1", 1), ("wrG2", 1)}
    lines = [(one.by, one.msgtype) for one in world.corp.groups["wrG2"].lines if one.msgid == made["msgid"]]
    assert lines == [("zhangsan", "text"), ("zhangsan", "link")]


async def test_single_sends_go_to_friends_by_tag_or_by_name(owner: Caller) -> None:
    world = owner.box.world
    relations.edit(world, "zhangsan", CUSTOMER, tag_ids=["etT1"])
    relations.customer_deletes(world, "zhangsan", "wmC2")
    single = {"chat_type": "single", "chat_id_list": []}
    chosen = {"group_list": [{"tag_list": ["etT1", "etT2"]}]}
    tagged = await add(owner, **single, tag_filter=chosen)
    both = await add(owner, **single, external_userid=[CUSTOMER, "wmC2", "wmNone"], sender="")
    world.clock.jump(2)
    for made in (tagged, both):
        mass_sending.confirm(world, made["msgid"], "zhangsan")

    by_tag = await result(owner, tagged["msgid"])
    by_name = {one["external_userid"]: one["status"] for one in await result(owner, both["msgid"])}
    assert [(one["external_userid"], one["status"]) for one in by_tag] == [(CUSTOMER, 1)]
    assert both["fail_list"] == ["wmNone"]
    assert by_name == {CUSTOMER: 1, "wmC2": 2}


@pytest.mark.parametrize(
    ("change", "errcode"),
    [
        ({"chat_type": "crowd"}, 40058),
        ({"sender": ""}, 40063),
        ({"sender": "ghost"}, 40003),
        ({"text": None}, 44004),
        ({"text": {"content": "长" * 1334}}, 45002),
        ({"chat_id_list": [f"wr{n}" for n in range(2001)]}, 40032),
        ({"chat_id_list": ["wrOther"]}, 41048),
        ({"chat_type": "single", "sender": "lisi", "chat_id_list": []}, 41048),
        ({"chat_type": "single", "sender": ""}, 40063),
        ({"chat_type": "single", "tag_filter": {"group_list": [{"tag_list": ["t"] * 101}]}}, 40032),
        ({"attachments": [{"msgtype": "file", "file": {"media_id": "none"}}]}, 40007),
        ({"attachments": ["x"] * 10}, 41064),
    ],
)
async def test_rules(owner: Caller, change: dict[str, Any], errcode: int) -> None:
    assert (await add(owner, **change))["errcode"] == errcode


async def test_without_a_list_the_sender_chooses_the_groups(owner: Caller) -> None:
    made = await add(owner, chat_id_list=[])
    owner.box.world.clock.jump(2)
    mass_sending.confirm(owner.box.world, made["msgid"], "zhangsan", ["wrG2", "wrOther"])

    assert [one["chat_id"] for one in await result(owner, made["msgid"])] == ["wrG2"]


@pytest.mark.parametrize(("mode", "most"), [(MassLimit.DAY, 1), (MassLimit.WEEK, 7), (MassLimit.MONTH, 30)])
async def test_a_group_gets_no_more_than_its_mode_allows(mode: MassLimit, most: int) -> None:
    # 2027-02-01 is a Monday; the month mode is tried in a June, which has 30 days.
    begin = {"day": 1801440000, "week": 1801440000, "month": 1811779200}[mode]
    async with calling(mass_limit=mode) as app:
        world = app.box.world
        world.clock.set_rate(0)
        await app.jump(begin - world.clock.now())
        groups.create(world, "zhangsan", "群", chat_id="wrG1")
        statuses = []
        for _ in range(most + 1):
            made = await add(app)
            world.clock.jump(2)
            mass_sending.confirm(world, made["msgid"], "zhangsan")
            statuses.append((await result(app, made["msgid"]))[0]["status"])
        personal = mass_sending.member_sends(world, "zhangsan", "group", ["wrG1"], "我自己发的")
        await app.jump(31 * 24 * 3600)
        made = await add(app)
        world.clock.jump(2)
        mass_sending.confirm(world, made["msgid"], "zhangsan")
        later = (await result(app, made["msgid"]))[0]["status"]

    assert statuses == [1] * most + [3]
    assert int(personal.parts["zhangsan"].targets["wrG1"].status) == 3
    assert later == 1


async def test_three_reminders_in_a_day(owner: Caller) -> None:
    made = await add(owner)
    owner.box.world.clock.jump(2)
    remind = "externalcontact/remind_groupmsg_send"
    codes = [(await owner.post(remind, msgid=made["msgid"]))["errcode"] for _ in range(4)]
    await owner.jump(24 * 3600)
    codes.append((await owner.post(remind, msgid=made["msgid"]))["errcode"])
    codes.append((await owner.post(remind))["errcode"])
    codes.append((await owner.post(remind, msgid="none"))["errcode"])

    assert codes == [0, 0, 0, 41094, 0, 41046, 41047]


async def test_cancelling_stops_what_is_not_sent(owner: Caller) -> None:
    made = await add(owner)
    owner.box.world.clock.jump(2)
    cancel = "externalcontact/cancel_groupmsg_send"
    first = await owner.post(cancel, msgid=made["msgid"])
    again = await owner.post(cancel, msgid=made["msgid"])
    reminded = await owner.post("externalcontact/remind_groupmsg_send", msgid=made["msgid"])
    confirmed = await owner.control("mass/confirm", msgid=made["msgid"], userid="zhangsan")

    assert (first["errcode"], again["errcode"], reminded["errcode"]) == (0, 41093, 41093)
    assert (confirmed["status"], confirmed["error"]) == (409, "企业已停止这条群发")


async def test_list_knows_corp_and_personal_sends(owner: Caller) -> None:
    world = owner.box.world
    corp = await add(owner)
    personal = mass_sending.member_sends(world, "zhangsan", "group", ["wrG2"], "晚上好")
    world.clock.jump(2)
    now = int(world.clock.now())
    path = "externalcontact/get_groupmsg_list_v2"
    span = {"chat_type": "group", "start_time": now - 3600, "end_time": now + 3600}
    rows = (await owner.post(path, **span))["group_msg_list"]
    own = (await owner.post(path, **span, filter_type=1))["group_msg_list"]
    codes = [
        (await owner.post(path, **(span | {"start_time": now - 40 * 86400})))["errcode"],
        (await owner.post(path, **span, limit=101))["errcode"],
    ]

    assert [(one["msgid"], one["create_type"]) for one in rows] == [(corp["msgid"], 0), (personal.msgid, 1)]
    assert "creator" not in rows[0]
    assert [one["creator"] for one in own] == ["zhangsan"]
    assert codes == [40058, 40058]


async def test_an_owner_who_has_left_cannot_be_asked(owner: Caller) -> None:
    made = await add(owner)
    address_book.remove_member(owner.box.world, "zhangsan")
    refused = await add(owner)
    confirmed = await owner.control("mass/confirm", msgid=made["msgid"], userid="zhangsan")

    assert refused["errcode"] == 40003
    assert confirmed["status"] == 409

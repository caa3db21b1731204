"""Customers: who follows whom, remarks, tags, welcome messages, and change_external_contact."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox import relations, tags
from sandbox.settings import AppSettings, MemberSettings
from tests.sandbox.caller import CUSTOMER, SECRET, Caller, calling, hooked


async def test_a_new_friend_is_told_with_state_and_welcome_code(app: Caller) -> None:
    async with hooked(app.box, "contacts") as hook:
        code = relations.add_friend(app.box.world, "zhangsan", CUSTOMER, state="cw_sop01")
        await app.box.postman.drained()
        event = hook.fields()

    assert event["Event"] == "change_external_contact"
    assert event["ChangeType"] == "add_external_contact"
    assert (event["UserID"], event["ExternalUserID"]) == ("zhangsan", CUSTOMER)
    assert (event["State"], event["WelcomeCode"]) == ("cw_sop01", code)
    assert "AgentID" not in event


async def test_welcome_is_sent_once_within_twenty_seconds(app: Caller) -> None:
    world = app.box.world
    first = relations.add_friend(world, "zhangsan", CUSTOMER)
    late = relations.add_friend(world, "zhangsan", "wmC2")
    body = {"text": {"content": "您好"}, "attachments": [link()]}
    codes = [
        (await app.post("externalcontact/send_welcome_msg", welcome_code=first, **body))["errcode"],
        (await app.post("externalcontact/send_welcome_msg", welcome_code=first, **body))["errcode"],
        (await app.post("externalcontact/send_welcome_msg", **body))["errcode"],
        (await app.post("externalcontact/send_welcome_msg", welcome_code="none", **body))["errcode"],
    ]
    world.clock.jump(20)
    codes.append((await app.post("externalcontact/send_welcome_msg", welcome_code=late, **body))["errcode"])

    assert codes == [0, 41051, 41049, 41050, 41050]
    lines = relations.get(world, "zhangsan", CUSTOMER).lines
    assert [(one.msgtype, one.via.value) for one in lines] == [("text", "welcome"), ("link", "welcome")]


async def test_no_welcome_once_they_talk(app: Caller) -> None:
    code = relations.add_friend(app.box.world, "zhangsan", CUSTOMER)
    relations.customer_says(app.box.world, "zhangsan", CUSTOMER, "在吗")

    answer = await app.post("externalcontact/send_welcome_msg", welcome_code=code, text={"content": "您好"})

    assert answer["errcode"] == 41051


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({}, 44004),
        ({"text": {"content": "长" * 1334}}, 45002),
        ({"attachments": [{"msgtype": "link", "link": {"title": "t", "url": "https://a"}}] * 10}, 41064),
        ({"attachments": [{"msgtype": "poem", "poem": {}}]}, 41065),
        ({"attachments": [{"msgtype": "image", "image": {"media_id": "none"}}]}, 40007),
        ({"attachments": [{"msgtype": "link", "link": {"title": "长" * 43, "url": "https://a"}}]}, 40058),
        ({"attachments": [{"msgtype": "link", "link": {"title": "t"}}]}, 40063),
    ],
)
async def test_welcome_form(app: Caller, body: dict[str, Any], errcode: int) -> None:
    code = relations.add_friend(app.box.world, "zhangsan", CUSTOMER)

    answer = await app.post("externalcontact/send_welcome_msg", welcome_code=code, **body)

    assert answer["errcode"] == errcode


async def test_half_added_customer_is_no_friend_yet(app: Caller) -> None:
    world = app.box.world
    async with hooked(app.box, "contacts") as hook:
        relations.add_friend(world, "zhangsan", CUSTOMER, half=True)
        await app.box.postman.drained()
        half = hook.fields()
        before = await app.get("externalcontact/get", external_userid=CUSTOMER)
        relations.add_friend(world, "zhangsan", CUSTOMER)
        await app.box.postman.drained()
        full = hook.fields()
        after = await app.get("externalcontact/get", external_userid=CUSTOMER)

    assert (half["ChangeType"], full["ChangeType"]) == ("add_half_external_contact", "add_external_contact")
    assert (before["errcode"], after["errcode"]) == (84061, 0)


async def test_each_side_may_delete(app: Caller) -> None:
    world = app.box.world
    for customer in (CUSTOMER, "wmC2"):
        relations.befriend(world, "zhangsan", customer)
    async with hooked(app.box, "contacts") as hook:
        relations.customer_deletes(world, "zhangsan", CUSTOMER)
        await app.box.postman.drained()
        by_customer = hook.fields()
        relations.member_deletes(world, "zhangsan", "wmC2", by_transfer=True)
        await app.box.postman.drained()
        by_member = hook.fields()
    listed = await app.get("externalcontact/list", userid="zhangsan")

    assert by_customer["ChangeType"] == "del_follow_user"
    assert (by_member["ChangeType"], by_member["Source"]) == ("del_external_contact", "DELETE_BY_TRANSFER")
    assert listed["external_userid"] == [CUSTOMER]


async def test_batch_goes_on_by_cursor_and_carries_tags(app: Caller) -> None:
    world = app.box.world
    for number in range(5):
        world.add_customer(f"客户{number}", external_userid=f"wmN{number}")
        relations.befriend(world, "zhangsan" if number % 2 else "lisi", f"wmN{number}")
    tag = next(iter(tags.add(world, "意向", ["车贷"]).tags))
    ids = {"userid": "lisi", "external_userid": "wmN0"}
    assert (await app.post("externalcontact/mark_tag", **ids, add_tag=[tag]))["errcode"] == 0
    found: list[dict[str, Any]] = []
    cursor, pages = "", 0
    while pages == 0 or cursor:
        answer = await app.post(
            "externalcontact/batch/get_by_user", userid_list=["zhangsan", "lisi"], limit=2, cursor=cursor
        )
        found += answer["external_contact_list"]
        cursor, pages = answer["next_cursor"], pages + 1

    assert pages == 3
    assert {one["external_contact"]["external_userid"] for one in found} == {f"wmN{n}" for n in range(5)}
    assert [one["follow_info"]["tag_id"] for one in found if one["follow_info"]["tag_id"]] == [[tag]]


async def test_changes_by_the_api_fire_no_callback(app: Caller) -> None:
    relations.befriend(app.box.world, "zhangsan", CUSTOMER)
    ids = {"userid": "zhangsan", "external_userid": CUSTOMER}
    async with hooked(app.box, "contacts") as hook:
        added = await app.post("externalcontact/add_corp_tag", group_name="意向", tag=[{"name": "保险"}])
        tag = added["tag_group"]["tag"][0]["id"]
        await app.post("externalcontact/mark_tag", **ids, add_tag=[tag])
        await app.post("externalcontact/remark", **ids, remark="李女士-保险", remark_mobiles=["13800000001"])
        await app.box.postman.drained()
        after_api = len(hook.plain)
        relations.edit(app.box.world, "zhangsan", CUSTOMER, remark="老客户")
        await app.box.postman.drained()
        kind = hook.fields()["ChangeType"]
    shown = await app.get("externalcontact/get", external_userid=CUSTOMER)

    assert (after_api, kind) == (0, "edit_external_contact")
    follower = shown["follow_user"][0]
    assert follower["tags"] == [{"group_name": "意向", "tag_name": "保险", "tag_id": tag, "type": 1}]
    assert (follower["remark"], follower["remark_mobiles"]) == ("老客户", ["13800000001"])


async def test_tags_have_their_rules(app: Caller) -> None:
    add = "externalcontact/add_corp_tag"
    group = (await app.post(add, group_name="意向", tag=[{"name": "车贷"}]))["tag_group"]
    tag = group["tag"][0]["id"]
    foreign = next(iter(tags.add(app.box.world, "人工", ["手工"]).tags))
    codes = [
        (await app.post(add, group_name="意向", tag=[{"name": "车贷"}]))["errcode"],
        (await app.post(add, group_id="etNone", tag=[{"name": "x"}]))["errcode"],
        (await app.post(add, group_name="意向", tag=[{"name": "长" * 31}]))["errcode"],
        (await app.post("externalcontact/edit_corp_tag", id=tag, name="房贷"))["errcode"],
        (await app.post("externalcontact/edit_corp_tag", id=foreign, name="房贷"))["errcode"],
        (await app.post("externalcontact/del_corp_tag", tag_id=["etNone"]))["errcode"],
        (await app.post("externalcontact/del_corp_tag", tag_id=[tag]))["errcode"],
    ]
    left = (await app.post("externalcontact/get_corp_tag_list"))["tag_group"]

    assert codes == [40071, 40068, 40058, 0, 48002, 40068, 0]
    assert [one["group_name"] for one in left] == ["人工"]


async def test_access_is_refused_in_the_pages_words() -> None:
    apps = (
        AppSettings(agent_id=1000002, name="a", secret=SECRET, departments=(), userids=("zhangsan", "quiet")),
        AppSettings(agent_id=1000003, name="b", secret="other-secret", contacts=False),
    )
    quiet = MemberSettings(userid="quiet", name="无客户联系", follows=False)
    async with calling(apps=apps, members=(quiet,)) as app:
        codes = [
            (await app.get("externalcontact/list", userid=userid))["errcode"]
            for userid in ("", "ghost", "lisi", "quiet", "zhangsan")
        ]
        codes.append((await app.get("externalcontact/get", external_userid=""))["errcode"])
        codes.append((await app.get("externalcontact/get", external_userid="wmNone"))["errcode"])
        codes.append((await app.get("externalcontact/get", external_userid=CUSTOMER))["errcode"])
        followers = (await app.get("externalcontact/get_follow_user_list"))["follow_user"]
        await app.login("other-secret")
        codes.append((await app.get("externalcontact/list", userid="zhangsan"))["errcode"])

    assert codes == [41009, 40003, 60011, 84074, 84061, 41035, 40096, 84061, 48002]
    assert followers == ["zhangsan"]


def link() -> dict[str, Any]:
    return {"msgtype": "link", "link": {"title": "入群须知", "url": "https://example.com/a"}}

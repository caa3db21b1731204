"""Codes that customers scan: to a member (联系我) and into a group (加入群聊); and a clock moved by another process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sandbox import contact_ways, groups, relations
from sandbox.behaviour import Life
from sandbox.clock import WorldClock
from sandbox.codes import WorldError
from tests.sandbox.caller import CUSTOMER, Caller, calling, hooked

ADD = "externalcontact/add_contact_way"


async def test_a_scan_adds_the_member_with_the_states_of_the_code(app: Caller) -> None:
    world = app.box.world
    relations.befriend(world, "lisi", "wmC2")
    made = await app.post(ADD, type=2, scene=2, state="cw_a", user=["lisi", "zhangsan"], remark="落地页A")
    async with hooked(app.box, "contacts") as hook:
        userid, code = contact_ways.scan(world, made["config_id"], CUSTOMER)
        await app.box.postman.drained()
        event = hook.fields()

    assert userid == "zhangsan"  # who has fewer customers
    assert (event["State"], event["WelcomeCode"]) == ("cw_a", code)
    assert relations.get(world, "zhangsan", CUSTOMER).state == "cw_a"


async def test_contact_ways_are_kept_by_their_config_id(app: Caller) -> None:
    made = await app.post(ADD, type=1, scene=2, user=["lisi"], state="a", remark="旧")
    config = {"config_id": made["config_id"]}
    await app.post("externalcontact/update_contact_way", **config, state="b")
    shown = (await app.post("externalcontact/get_contact_way", **config))["contact_way"]
    listed = (await app.post("externalcontact/list_contact_way"))["contact_way"]
    codes = [
        (await app.post("externalcontact/del_contact_way", **config))["errcode"],
        (await app.post("externalcontact/get_contact_way", **config))["errcode"],
        (await app.post("externalcontact/get_contact_way"))["errcode"],
    ]

    assert (shown["state"], shown["remark"], shown["user"]) == ("b", "旧", ["lisi"])
    assert listed == [config]
    assert codes == [0, 41044, 41043]


@pytest.mark.parametrize(
    ("change", "errcode"),
    [
        ({"type": None}, 41037),
        ({"scene": None}, 41038),
        ({"type": 3}, 41039),
        ({"scene": 3}, 41040),
        ({"user": ["lisi", "zhangsan"]}, 41041),
        ({"user": []}, 40063),
        ({"user": ["ghost"]}, 40003),
        ({"remark": "长" * 31}, 40058),
        ({"is_temp": True}, 48002),
    ],
)
async def test_contact_way_rules(app: Caller, change: dict[str, Any], errcode: int) -> None:
    assert (await app.post(ADD, **({"type": 1, "scene": 2, "user": ["lisi"]} | change)))["errcode"] == errcode


async def test_a_full_group_is_followed_by_a_new_one(app: Caller) -> None:
    world = app.box.world
    crowd = [world.add_customer(f"客{n}").external_userid for n in range(499)]
    groups.create(world, "zhangsan", "营", crowd, chat_id="wrG1")
    way = {"scene": 2, "chat_id_list": ["wrG1"], "state": "jw", "room_base_name": "营", "room_base_id": 8}
    made = await app.post("externalcontact/groupchat/add_join_way", **way)
    fixed = await app.post("externalcontact/groupchat/add_join_way", **way, auto_create_room=0)

    chat_id = groups.join_by_way(world, made["config_id"], [CUSTOMER])
    with pytest.raises(WorldError):
        groups.join_by_way(world, fixed["config_id"], ["wmC2"])
    again = groups.join_by_way(world, made["config_id"], ["wmC2"])

    group = world.corp.groups[chat_id]
    assert (group.name, group.owner, again) == ("营8", "zhangsan", chat_id)
    assert group.members[CUSTOMER].state == "jw"
    shown = await app.post("externalcontact/groupchat/get_join_way", config_id=made["config_id"])
    assert shown["join_way"]["room_base_id"] == 9


async def test_some_who_join_become_friends_of_the_owner(app: Caller) -> None:
    world = app.box.world
    groups.create(world, "zhangsan", "群", chat_id="wrG1")
    app.box.behaviour.live("wrG1", Life(joins=50, friends=0.5))
    world.clock.jump(25 * 3600)
    world.agenda.run_due()

    assert 12 <= len(world.corp.by_member["zhangsan"]) <= 38


async def test_another_process_moves_the_clock_and_people_act(tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    async with calling(clock_file=str(path)) as app:
        world = app.box.world
        world.clock.set_rate(0)
        app.box.behaviour.set_mood("zhangsan", "prompt")
        groups.create(world, "zhangsan", "群", chat_id="wrG1")
        made = await app.post(
            "externalcontact/add_msg_template",
            chat_type="group",
            sender="zhangsan",
            chat_id_list=["wrG1"],
            text={"content": "预告"},
        )
        WorldClock(path).jump(3600)
        statuses: list[int] = []
        while statuses != [2]:  # the file is looked at every 20 ms
            found = await app.post("externalcontact/get_groupmsg_task", msgid=made["msgid"])
            statuses = [one["status"] for one in found.get("task_list", [])]

    assert world.corp.groups["wrG1"].lines[-1].body == {"content": "预告"}

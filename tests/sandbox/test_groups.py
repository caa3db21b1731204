"""Customer groups: events with member versions, list and get, hand-over, join ways, welcome templates, statistics."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox import address_book, groups
from sandbox.codes import WorldError
from tests.sandbox.caller import CUSTOMER, Caller, calling, hooked


def make(app: Caller, **more: Any) -> groups.Group:
    return groups.create(app.box.world, "zhangsan", "理财新手营07", chat_id="wrG1", **more)


async def get(app: Caller, chat_id: str = "wrG1", **more: Any) -> dict[str, Any]:
    answer = await app.post("externalcontact/groupchat/get", chat_id=chat_id, **more)
    return answer if answer["errcode"] else dict(answer["group_chat"])


async def test_events_carry_scenes_lists_and_versions(app: Caller) -> None:
    world = app.box.world
    async with hooked(app.box, "contacts") as hook:
        group = make(app)
        await app.box.postman.drained()
        created = hook.fields()
        before = group.member_version
        groups.join(world, "wrG1", [CUSTOMER, "wmC2"], state="jw_07")
        await app.box.postman.drained()
        joined, middle = hook.fields(), group.member_version
        groups.quit_group(world, "wrG1", ["wmC2"], scene=groups.REMOVED)
        await app.box.postman.drained()
        left = hook.fields()

    assert (created["Event"], created["ChangeType"], created["ChatId"]) == (
        "change_external_chat",
        "create",
        "wrG1",
    )
    assert (joined["ChangeType"], joined["UpdateDetail"], joined["JoinScene"]) == (
        "update",
        "add_member",
        "3",
    )
    assert (joined["MemChangeCnt"], joined["MemChangeList/Item"]) == ("2", f"{CUSTOMER} wmC2")
    assert (joined["LastMemVer"], joined["CurMemVer"]) == (before, middle)
    assert (left["UpdateDetail"], left["QuitScene"], left["MemChangeCnt"]) == ("del_member", "1", "1")
    assert (left["LastMemVer"], left["CurMemVer"]) == (middle, group.member_version)
    assert len(middle) == 32


async def test_numbers_stand_bare_and_words_in_cdata(app: Caller) -> None:
    async with hooked(app.box, "contacts") as hook:
        make(app)
        groups.join(app.box.world, "wrG1", [CUSTOMER])
        await app.box.postman.drained()
        plain = next(one for one in hook.plain if "add_member" in one)

    assert "<JoinScene>3</JoinScene><MemChangeCnt>1</MemChangeCnt>" in plain
    assert f"<MemChangeList><Item><![CDATA[{CUSTOMER}]]></Item></MemChangeList>" in plain


async def test_owner_name_notice_and_end_are_told(app: Caller) -> None:
    world = app.box.world
    make(app, members=["lisi"])
    async with hooked(app.box, "contacts") as hook:
        groups.change_owner(world, "wrG1", "lisi")
        groups.rename(world, "wrG1", "新名字")
        groups.set_notice(world, "wrG1", "周三开课")
        groups.dismiss(world, "wrG1")
        await app.box.postman.drained()
        details = {hook.fields(number).get("UpdateDetail", "dismiss") for number in range(4)}

    assert details == {"change_owner", "change_name", "change_notice", "dismiss"}
    assert (await get(app))["errcode"] == 49008


async def test_get_shows_members_as_they_joined(app: Caller) -> None:
    world = app.box.world
    make(app, members=["lisi"])
    groups.join(world, "wrG1", [CUSTOMER], state="jw_07")
    groups.join(world, "wrG1", ["wmC2"], scene=groups.BY_LINK, invitor="zhangsan")
    groups.set_admin(world, "wrG1", "lisi")

    shown = await get(app, need_name=1)
    plain = await get(app)

    rows = {one["userid"]: one for one in shown["member_list"]}
    assert [one["type"] for one in rows.values()] == [1, 1, 2, 2]
    assert (rows[CUSTOMER]["join_scene"], rows[CUSTOMER]["state"], rows[CUSTOMER]["name"]) == (
        3,
        "jw_07",
        "王女士",
    )
    assert "invitor" not in rows[CUSTOMER]
    assert rows["wmC2"]["invitor"] == {"userid": "zhangsan"}
    assert shown["admin_list"] == [{"userid": "lisi"}]
    assert "name" not in plain["member_list"][0]


async def test_detail_may_lag_behind_the_event() -> None:
    async with calling(group_detail_lag_seconds=2) as app:
        app.box.world.clock.set_rate(0)
        group = make(app)
        before = group.member_version
        groups.join(app.box.world, "wrG1", [CUSTOMER])
        early = await get(app)
        await app.jump(2)
        late = await get(app)

    assert (len(early["member_list"]), early["member_version"]) == (1, before)
    assert (len(late["member_list"]), late["member_version"]) == (2, group.member_version)


async def test_list_filters_and_goes_on_by_cursor(app: Caller) -> None:
    world = app.box.world
    for number in range(3):
        groups.create(world, "zhangsan", f"群{number}", chat_id=f"wr{number}")
    groups.create(world, "lisi", "李四的群", chat_id="wrL")
    path = "externalcontact/groupchat/list"
    first = await app.post(path, limit=2)
    second = await app.post(path, limit=2, cursor=first["next_cursor"])
    owned = await app.post(path, limit=10, owner_filter={"userid_list": ["lisi"]})
    address_book.remove_member(world, "lisi")
    orphaned = await app.post(path, limit=10, status_filter=1)
    codes = [
        (await app.post(path))["errcode"],
        (await app.post(path, limit=1001))["errcode"],
        (await app.post(path, limit=1, cursor="nonsense"))["errcode"],
        (await app.post(path, limit=1, owner_filter={"userid_list": ["ghost"]}))["errcode"],
    ]

    ids = [one["chat_id"] for one in (*first["group_chat_list"], *second["group_chat_list"])]
    assert (ids, second["next_cursor"]) == (["wr0", "wr1", "wr2", "wrL"], "")
    assert [one["chat_id"] for one in owned["group_chat_list"]] == ["wrL"]
    assert orphaned["group_chat_list"] == [{"chat_id": "wrL", "status": 1}]
    assert codes == [40063, 40058, 50100, 40003]


async def test_hand_over_by_the_api_is_silent_and_limited(app: Caller) -> None:
    world = app.box.world
    make(app)
    onjob = "externalcontact/groupchat/onjob_transfer"
    async with hooked(app.box, "contacts") as hook:
        results = [
            (await app.post(onjob, chat_id_list=["wrG1", "wrNone"], new_owner=owner))["failed_chat_list"]
            for owner in ("lisi", "zhangsan", "lisi")
        ]
        await app.box.postman.drained()
        told = len(hook.plain)
    resigned = await app.post("externalcontact/groupchat/transfer", chat_id_list=["wrG1"], new_owner="lisi")
    address_book.remove_member(world, "zhangsan")
    taken = await app.post("externalcontact/groupchat/transfer", chat_id_list=["wrG1"], new_owner="lisi")

    assert told == 0
    assert [[one["errcode"] for one in failed] for failed in results] == [[90501], [90501], [40129, 90501]]
    assert [one["errcode"] for one in resigned["failed_chat_list"]] == [90500]
    assert taken["failed_chat_list"] == []
    assert (await get(app))["owner"] == "lisi"


async def test_update_of_a_join_way_overwrites_everything(app: Caller) -> None:
    make(app)
    way = {"scene": 2, "chat_id_list": ["wrG1"], "state": "jw_07", "remark": "长" * 40}
    made = await app.post("externalcontact/groupchat/add_join_way", **way)
    first = await app.post("externalcontact/groupchat/get_join_way", config_id=made["config_id"])
    short = {"config_id": made["config_id"], "scene": 2, "chat_id_list": ["wrG1"]}
    await app.post("externalcontact/groupchat/update_join_way", **short)
    second = await app.post("externalcontact/groupchat/get_join_way", config_id=made["config_id"])
    codes = [
        (await app.post("externalcontact/groupchat/add_join_way", scene=2, chat_id_list=["wrG1"] * 6))[
            "errcode"
        ],
        (await app.post("externalcontact/groupchat/del_join_way", config_id=made["config_id"]))["errcode"],
        (await app.post("externalcontact/groupchat/get_join_way", config_id=made["config_id"]))["errcode"],
    ]

    assert (len(first["join_way"]["remark"]), first["join_way"]["state"]) == (30, "jw_07")
    assert (second["join_way"]["remark"], second["join_way"]["state"]) == ("", "")
    assert codes == [41091, 0, 41044]


async def test_welcome_template_greets_once_the_owner_has_picked_it(app: Caller) -> None:
    world = app.box.world
    group = make(app)
    base = "externalcontact/group_welcome_template"
    link = {"title": "须知", "url": "https://example.com"}
    made = await app.post(f"{base}/add", text={"content": "欢迎 %NICKNAME%"}, link=link, agentid=1000002)
    shown = await app.post(f"{base}/get", template_id=made["template_id"])
    groups.join(world, "wrG1", [CUSTOMER])
    silent = [one for one in group.lines if one.by]
    groups.choose_template(world, "wrG1", made["template_id"])
    groups.join(world, "wrG1", ["wmC2"])

    assert shown["text"] == {"content": "欢迎 %NICKNAME%"}
    assert silent == []
    assert [one.body.get("content", "card") for one in group.lines if one.by] == ["欢迎 李先生", "card"]


async def test_welcome_templates_have_their_limits(app: Caller) -> None:
    base = "externalcontact/group_welcome_template"
    made = await app.post(f"{base}/add", text={"content": "欢迎"})
    codes = [
        (await app.post(f"{base}/add"))["errcode"],
        (await app.post(f"{base}/add", text={"content": "长" * 1001}))["errcode"],
        (await app.post(f"{base}/add", text={"content": "x"}, agentid=1000003))["errcode"],
        (await app.post(f"{base}/edit", template_id="none", text={"content": "x"}))["errcode"],
    ]
    for _ in range(99):
        await app.post(f"{base}/add", text={"content": "欢迎"})
    codes.append((await app.post(f"{base}/add", text={"content": "欢迎"}))["errcode"])
    await app.login("other-secret")
    codes.append((await app.post(f"{base}/del", template_id=made["template_id"]))["errcode"])

    assert codes == [44004, 45002, 301002, 40058, 41055, 41058]


async def test_statistics_count_by_owner_and_by_day(app: Caller) -> None:
    world = app.box.world
    world.clock.set_rate(0)
    start = int(world.clock.now())
    make(app)
    groups.join(world, "wrG1", [CUSTOMER, "wmC2"])
    groups.says(world, "wrG1", CUSTOMER, "你好")
    groups.says(world, "wrG1", CUSTOMER, "在吗")
    await app.jump(24 * 3600)
    groups.quit_group(world, "wrG1", ["wmC2"])
    span = {"day_begin_time": start, "owner_filter": {"userid_list": ["zhangsan"]}}
    end = int(world.clock.now())
    owner = await app.post("externalcontact/groupchat/statistic", **span, day_end_time=end)
    days = await app.post("externalcontact/groupchat/statistic_group_by_day", **span, day_end_time=end)

    row = owner["items"][0]
    assert (row["owner"], owner["total"]) == ("zhangsan", 1)
    assert row["data"]["member_has_msg"] == 1
    assert (row["data"]["msg_total"], row["data"]["new_member_cnt"], row["data"]["member_total"]) == (2, 2, 1)
    assert [one["data"]["new_chat_cnt"] for one in days["items"]] == [1, 0]
    assert [one["data"]["member_total"] for one in days["items"]] == [2, 1]


@pytest.mark.parametrize(
    ("change", "errcode"),
    [
        ({"day_end_time": 31 * 86400}, 40058),
        ({"day_begin_time": -181 * 86400}, 40058),
        ({"owner_filter": {}}, 40063),
        ({"owner_filter": {"userid_list": ["ghost"]}}, 40003),
        ({"order_by": 5}, 40058),
        ({"day_begin_time": None}, 40063),
    ],
)
async def test_statistics_have_their_spans(app: Caller, change: dict[str, Any], errcode: int) -> None:
    now = int(app.box.world.clock.now())
    days = {
        name: now + value for name, value in change.items() if name.startswith("day_") and value is not None
    }
    body = {"day_begin_time": now, "owner_filter": {"userid_list": ["zhangsan"]}} | change | days

    assert (await app.post("externalcontact/groupchat/statistic", **body))["errcode"] == errcode


async def test_what_cannot_be_is_refused(app: Caller) -> None:
    world = app.box.world
    make(app)
    groups.join(world, "wrG1", [CUSTOMER])

    for wish in (
        lambda: groups.join(world, "wrG1", [CUSTOMER]),
        lambda: groups.quit_group(world, "wrG1", ["zhangsan"]),
        lambda: groups.says(world, "wrG1", "wmC2", "我不在群里"),
        lambda: groups.change_owner(world, "wrG1", "lisi"),
        lambda: groups.join(world, "wrG1", ["wmNobody"]),
        lambda: groups.choose_template(world, "wrG1", "none"),
        lambda: groups.get(world, "wrNone"),
    ):
        with pytest.raises(WorldError):
            wish()
    assert (await get(app, "wrNone"))["errcode"] == 90501

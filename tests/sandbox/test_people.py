"""The address book: what an app sees of it, its error codes, and change_contact."""

from __future__ import annotations

import pytest

from sandbox import address_book
from sandbox.codes import WorldError
from sandbox.settings import AppSettings, DepartmentSettings, MemberSettings
from tests.sandbox.caller import SECRET, Caller, calling, hooked

NARROW = AppSettings(agent_id=1000004, name="窄", secret="narrow", departments=(3,), userids=("boss",))
STAFF = {
    "apps": (AppSettings(agent_id=1000002, name="宽", secret=SECRET), NARROW),
    "departments": (
        DepartmentSettings(department_id=2, name="顾问部"),
        DepartmentSettings(department_id=3, name="一组", parent_id=2, leaders=("lead",)),
    ),
    "members": (
        MemberSettings(userid="boss", name="老板"),
        MemberSettings(userid="lead", name="组长", departments=(3,), leaders=("boss",)),
        MemberSettings(userid="amy", name="艾米", departments=(3, 2), leaders=("lead",)),
    ),
}


async def test_departments_and_members_are_listed_with_leaders() -> None:
    async with calling(**STAFF) as app:
        departments = (await app.get("department/list"))["department"]
        below = (await app.get("department/simplelist", id="2"))["department_id"]
        simple = (await app.get("user/simplelist", department_id="3"))["userlist"]
        whole = (await app.get("user/list", department_id="2", fetch_child="1"))["userlist"]
        amy = await app.get("user/get", userid="amy")

    assert [one["id"] for one in departments] == [1, 2, 3]
    assert departments[2]["department_leader"] == ["lead"]
    assert [(one["id"], one["parentid"]) for one in below] == [(2, 1), (3, 2)]
    assert simple == [
        {"userid": "lead", "name": "组长", "department": [3]},
        {"userid": "amy", "name": "艾米", "department": [3, 2]},
    ]
    assert {one["userid"] for one in whole} == {"lead", "amy"}
    assert (amy["direct_leader"], amy["is_leader_in_dept"], amy["main_department"]) == (["lead"], [0, 0], 3)


async def test_an_app_sees_its_own_range_only() -> None:
    async with calling(**STAFF) as app:
        await app.login("narrow")
        departments = (await app.get("department/list"))["department"]
        codes = [
            (await app.get("user/get", userid="amy"))["errcode"],
            (await app.get("user/get", userid="boss"))["errcode"],
            (await app.get("user/get", userid="zhangsan"))["errcode"],
            (await app.get("user/list", department_id="1"))["errcode"],
            (await app.get("user/list", department_id="9"))["errcode"],
            (await app.get("user/simplelist"))["errcode"],
            (await app.get("department/list", id="二"))["errcode"],
        ]
        agent = await app.get("agent/get", agentid="1000004")

    assert [one["id"] for one in departments] == [3]
    assert codes == [0, 0, 60011, 60011, 60123, 40063, 60123]
    assert agent["allow_partys"] == {"partyid": [3]}
    assert agent["allow_userinfos"] == {"user": [{"userid": "boss"}]}


async def test_changes_are_told_by_change_contact() -> None:
    async with calling(**STAFF) as app, hooked(app.box, "contacts") as hook:
        world = app.box.world
        address_book.add_member(world, "ben", "本", departments=(3,), leaders=("lead",))
        await app.box.postman.drained()
        created = hook.fields()
        address_book.update_member(world, "ben", leaders=("boss",))
        await app.box.postman.drained()
        updated = hook.fields()
        address_book.remove_member(world, "ben")
        await app.box.postman.drained()
        deleted = hook.fields()
        gone = await app.get("user/get", userid="ben")

    assert (created["FromUserName"], created["Event"], created["ChangeType"]) == (
        "sys",
        "change_contact",
        "create_user",
    )
    assert (created["UserID"], created["Department"], created["DirectLeader"]) == ("ben", "3", "lead")
    assert (updated["ChangeType"], updated["DirectLeader"]) == ("update_user", "boss")
    assert "Name" not in updated
    assert (deleted["ChangeType"], deleted["UserID"]) == ("delete_user", "ben")
    assert gone["errcode"] == 60111


async def test_parties_are_made_moved_and_removed() -> None:
    async with calling(**STAFF) as app, hooked(app.box, "contacts") as hook:
        world = app.box.world
        made = address_book.add_department(world, "二组", 2).department_id
        address_book.update_department(world, made, parent_id=1, name="新二组")
        address_book.remove_department(world, made)
        await app.box.postman.drained()

    kinds = sorted(hook.fields(number)["ChangeType"] for number in range(3))
    assert kinds == ["create_party", "delete_party", "update_party"]


async def test_what_cannot_be_is_refused(app: Caller) -> None:
    world = app.box.world

    for wish in (
        lambda: address_book.add_member(world, "zhangsan", "重名"),
        lambda: address_book.add_member(world, "x", "某", departments=(7,)),
        lambda: address_book.update_department(world, 1, parent_id=1),
        lambda: address_book.remove_department(world, 1),
    ):
        with pytest.raises(WorldError):
            wish()

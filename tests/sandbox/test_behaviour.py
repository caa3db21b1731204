"""People who act by themselves: moods of owners, life in groups, the same run from the same seed, fast-forward."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox import address_book, groups, mass_sending, relations, server
from sandbox.behaviour import Life
from sandbox.codes import WorldError
from sandbox.settings import MemberSettings, SettingsError, parse_settings
from tests.sandbox.caller import Caller, calling, hooked

HOUR = 3600.0


async def world_of(mood: str, hours: float, *, reminders: int = 0, seed: int = 1) -> dict[str, Any]:
    """What became of one mass send to a group whose owner has this mood, `hours` later."""
    owner = MemberSettings(userid="owner", name="群主", mood=mood)
    async with calling(members=(owner,), seed=seed) as app:
        world = app.box.world
        world.clock.set_rate(0)
        groups.create(world, "owner", "群", chat_id="wrG1")
        made = await app.post(
            "externalcontact/add_msg_template",
            chat_type="group",
            sender="owner",
            chat_id_list=["wrG1"],
            text={"content": "预告"},
        )
        begun = world.clock.now()
        await app.jump(2)
        for _ in range(reminders):
            await app.post("externalcontact/remind_groupmsg_send", msgid=made["msgid"])
        await app.jump(hours * HOUR)
        world.agenda.run_due()
        confirmed_at = world.corp.mass_tasks[made["msgid"]].parts["owner"].confirmed_at
        return {
            "after": None if confirmed_at is None else confirmed_at - begun,
            "is_there": "owner" in world.members,
            "status": int(world.corp.groups["wrG1"].status),
        }


@pytest.mark.parametrize(
    ("mood", "least", "most"),
    [("prompt", 60, 600), ("late", 2 * HOUR, 8 * HOUR), ("manual", 0, 0), ("never", 0, 0)],
)
async def test_owners_confirm_as_is_their_way(mood: str, least: float, most: float) -> None:
    found = await world_of(mood, 24)

    if most:
        assert least <= found["after"] <= most
    else:
        assert found["after"] is None
    assert found["is_there"]


async def test_an_owner_may_vanish_and_leave_groups_without_anybody() -> None:
    found = await world_of("vanish", 24)

    assert found == {"after": None, "is_there": False, "status": 1}


async def test_the_same_seed_gives_the_same_run() -> None:
    first = await world_of("mixed", 24, seed=5)
    second = await world_of("mixed", 24, seed=5)
    others = [await world_of("prompt", 24, seed=seed) for seed in (6, 7)]

    assert first["is_there"] == second["is_there"]
    assert first["after"] == pytest.approx(second["after"], abs=0.01)
    assert others[0]["after"] != pytest.approx(others[1]["after"], abs=1)


async def test_fast_forward_leaves_acts_at_their_own_times() -> None:
    async with calling() as app:
        world = app.box.world
        world.clock.set_rate(0)
        begun = world.clock.now()
        seen: list[float] = []
        for hours in (5, 1, 3):
            world.agenda.at(begun + hours * HOUR, lambda: seen.append(world.now()))
        world.clock.jump(4 * HOUR)
        done = world.agenda.run_due()

    assert done == 2
    assert seen == [begun + HOUR, begun + 3 * HOUR]


async def test_events_of_acts_carry_their_own_time() -> None:
    owner = MemberSettings(userid="owner", name="群主")
    async with calling(members=(owner,)) as app, hooked(app.box, "contacts") as hook:
        world = app.box.world
        world.clock.set_rate(0)
        groups.create(world, "owner", "群", chat_id="wrG1")
        begun = world.clock.now()
        app.box.behaviour.live("wrG1", Life(joins=3, quits_day1=1.0, quits_day3=0, quits_week=0))
        await app.jump(3 * 24 * HOUR)
        world.agenda.run_due()
        await app.box.postman.drained()
        times = [int(hook.fields(number)["CreateTime"]) for number in range(len(hook.plain))]

    assert len(times) == 7
    assert all(begun - 1 <= one <= begun + 2 * 24 * HOUR for one in times)


async def test_quits_and_speech_follow_their_rates(app: Caller) -> None:
    world = app.box.world
    groups.create(world, "zhangsan", "群", chat_id="wrG1")
    coming = app.box.behaviour.live(
        "wrG1", Life(joins=200, quits_day1=0.1, quits_day3=0.1, quits_week=0.1, speaks=0.5)
    )
    world.clock.jump(9 * 24 * HOUR)
    world.agenda.run_due()
    group = world.corp.groups["wrG1"]
    joined = {one.member_id: one.at for one in group.passages if one.joined and not one.is_staff}
    left = [one.at - joined[one.member_id] for one in group.passages if not one.joined]

    assert set(joined) == set(coming)
    assert 35 <= len(left) <= 85
    assert 8 <= sum(one <= 24 * HOUR for one in left) <= 35
    assert max(left) <= 7 * 24 * HOUR
    assert len(group.members) == 1 + 200 - len(left)
    assert sum(bool(one.by) for one in group.lines) > 200


async def test_prompt_owners_tap_their_cards(app: Caller) -> None:
    world = app.box.world
    app.box.behaviour.set_mood("zhangsan", "prompt")
    card = {
        "card_type": "button_interaction",
        "task_id": "t",
        "main_title": {"title": "开群"},
        "button_list": [{"text": "完成", "key": "done"}],
    }
    async with hooked(app.box, "assistant") as hook:
        await app.post(
            "message/send", agentid=1000002, touser="zhangsan", msgtype="template_card", template_card=card
        )
        world.clock.jump(11 * 60)
        world.agenda.run_due()
        await app.box.postman.drained()
        event = hook.fields()

    assert (event["Event"], event["EventKey"]) == ("template_card_event", "done")


async def test_the_sidebar_sends_as_the_member_at_once(app: Caller) -> None:
    world = app.box.world
    groups.create(world, "zhangsan", "群", chat_id="wrG1")
    relations.befriend(world, "zhangsan", "wmC2")
    text = {"msgtype": "text", "text": {"content": "各位早上好"}}
    answers = [
        await app.control("sidebar/send", userid="zhangsan", chat_id="wrG1", message=text),
        await app.control("sidebar/send", userid="zhangsan", external_userid="wmC2", message=text),
        await app.control("sidebar/send", userid="lisi", chat_id="wrG1", message=text),
        await app.control("sidebar/send", userid="zhangsan", chat_id="wrG1", message={"msgtype": "poem"}),
        await app.control("sidebar/send", userid="zhangsan", chat_id="wrG1", message={}),
    ]
    line = world.corp.groups["wrG1"].lines[-1]

    assert [one["status"] for one in answers] == [200, 200, 409, 409, 409]
    assert (line.by, line.via.value, line.body) == ("zhangsan", "sidebar", {"content": "各位早上好"})
    assert mass_sending.used(world, "wrG1") == 0


async def test_members_are_added_with_their_mood(app: Caller) -> None:
    made = await app.control("member/add", userid="new", name="新人", leaders=["zhangsan"], mood="late")
    mood = app.box.world.corp.moods["new"]
    bad = await app.control("member/mood", userid="new", mood="sunny")
    await app.control("member/remove", userid="new")

    assert (made["status"], mood, bad["status"]) == (200, "late", 409)
    assert app.box.world.corp.left.keys() == {"new"}
    with pytest.raises(WorldError):
        address_book.member(app.box.world, "new")


def test_settings_found_the_corp_without_an_event() -> None:
    raw = {
        "corp_name": "安心金融",
        "department": [{"department_id": 2, "name": "一组", "leaders": ["boss"]}],
        "member": [{"userid": "boss", "name": "组长", "departments": [2], "mood": "prompt"}],
        "customer": [{"external_userid": "wmA", "nickname": "客", "friends": ["boss"]}],
        "group": [{"chat_id": "wrA", "name": "群", "owner": "boss", "customers": ["wmA"]}],
    }
    world = server.create_app(parse_settings(raw))[server.BOX].world

    assert [one.name for one in world.corp.departments.values()] == ["安心金融", "一组"]
    assert list(world.corp.groups["wrA"].members) == ["boss", "wmA"]
    assert list(world.corp.by_member["boss"]) == ["wmA"]


def test_settings_name_only_what_is_there() -> None:
    raw = {
        "mass_limit": "year",
        "department": [{"department_id": 3, "name": "x", "parent_id": 9}],
        "member": [{"userid": "a", "name": "甲", "departments": [7], "leaders": ["b"], "mood": "sunny"}],
        "customer": [{"external_userid": "wmA", "nickname": "客", "friends": ["c"]}],
        "group": [{"chat_id": "wrA", "name": "群", "owner": "d", "customers": ["wmB"]}],
    }
    with pytest.raises(SettingsError) as found:
        parse_settings(raw)

    for words in (
        "mass_limit",
        "parent_id 9",
        "departments 7",
        "leaders b",
        "mood sunny",
        "friends c",
        "members d",
        "wmB",
    ):
        assert any(words in one for one in found.value.problems), words

"""The controls of the corp: every act by HTTP, faults of events, and whatever a request may hold."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox import groups, relations
from sandbox.control_corp import CorpControl
from sandbox.faults import Fault, FaultKind
from tests.sandbox.caller import CUSTOMER, Caller, hooked


def paths(app: Caller) -> list[str]:
    return [route.path for route in CorpControl(app.box.world, app.box.behaviour).routes()]


async def test_a_week_can_be_played_by_the_controls_alone(app: Caller) -> None:
    chat = (await app.control("group/create", owner="zhangsan", name="群", members=["lisi"]))["chat_id"]
    ids = {"userid": "zhangsan", "external_userid": CUSTOMER}
    tag = (await app.control("tag/add", group_name="意向", names=["车贷"]))["tag_ids"]["车贷"]
    steps: list[tuple[str, dict[str, Any]]] = [
        ("department/add", {"name": "顾问部", "department_id": 2}),
        ("department/update", {"department_id": 2, "name": "顾问一部", "leaders": ["zhangsan"]}),
        ("member/add", {"userid": "amy", "name": "艾米", "departments": [2], "leaders": ["zhangsan"]}),
        ("member/update", {"userid": "amy", "name": "艾米丽", "departments": [1]}),
        ("member/mood", {"userid": "amy", "mood": "mixed"}),
        ("member/remove", {"userid": "amy"}),
        ("department/remove", {"department_id": 2}),
        ("friend/add", {**ids, "state": "cw", "add_way": 1}),
        ("friend/edit", {**ids, "remark": "老客户", "tag_ids": [tag]}),
        ("friend/says", {**ids, "by": "customer", "content": "在吗"}),
        ("friend/says", {**ids, "by": "member", "content": "在的"}),
        ("friend/blocks", {**ids, "blocks": True}),
        ("group/join", {"chat_id": chat, "who": [CUSTOMER]}),
        ("group/says", {"chat_id": chat, "who": CUSTOMER, "content": "大家好"}),
        ("group/rename", {"chat_id": chat, "name": "新群"}),
        ("group/notice", {"chat_id": chat, "notice": "公告"}),
        ("group/admin", {"chat_id": chat, "userid": "lisi"}),
        ("group/owner", {"chat_id": chat, "userid": "lisi"}),
        ("group/template", {"chat_id": chat, "template_id": ""}),
        ("group/live", {"chat_id": chat, "joins": 3}),
        ("mass/personal", {"userid": "lisi", "chat_type": "group", "targets": [chat], "content": "早"}),
        ("group/quit", {"chat_id": chat, "who": [CUSTOMER]}),
        ("group/dismiss", {"chat_id": chat}),
        ("friend/removed_by_customer", ids),
        ("friend/removed_by_member", ids),
        ("tag/remove", {"tag_id": tag}),
    ]

    for path, body in steps:
        answer = await app.control(path, **body)
        assert answer["status"] == 200, (path, answer)
    people = await app.read("people")
    assert [one["userid"] for one in people["left"]] == ["amy"]
    assert (await app.read("mass"))["mass"][0]["parts"][0]["targets"][0]["status"] == 1


async def test_many_are_made_in_one_call_and_every_passage_is_kept(app: Caller) -> None:
    people = [{"userid": f"u{n}", "name": f"员工{n}", "mood": "late"} for n in range(3)]
    await app.control("member/add", members=people)
    rows = [{"owner": f"u{n}", "name": "群", "chat_id": f"wr{n}", "customers": [CUSTOMER]} for n in range(3)]
    made = await app.control("group/create", groups=rows)
    await app.control("group/quit", chat_id="wr1", who=[CUSTOMER], scene=1)
    passages = (await app.read("passages"))["passages"]["wr1"]

    assert made["chat_ids"] == ["wr0", "wr1", "wr2"]
    assert [(one["member_id"], one["joined"], one["scene"]) for one in passages] == [
        ("u1", True, 0),
        (CUSTOMER, True, 0),
        (CUSTOMER, False, 1),
    ]


async def test_what_is_read_shows_the_corp(app: Caller) -> None:
    world = app.box.world
    groups.create(world, "zhangsan", "群", [CUSTOMER], chat_id="wrG1")
    relations.befriend(world, "zhangsan", CUSTOMER)
    relations.customer_says(world, "zhangsan", CUSTOMER, "在吗")

    client = await app.read("client?userid=zhangsan")
    group = await app.read("group?chat_id=wrG1")
    friend = await app.read(f"friend?userid=zhangsan&external_userid={CUSTOMER}")
    missing = [
        await app.read(path) for path in ("client?userid=ghost", "group?chat_id=x", "friend", "picture/x")
    ]

    assert [one["chat_id"] for one in client["groups"]] == ["wrG1"]
    assert client["friends"][0]["last"]["body"] == {"content": "在吗"}
    assert [one["name"] for one in group["members"]] == ["张三", "王女士"]
    assert friend["lines"][-1]["by"] == CUSTOMER
    assert all(one["error"] for one in missing)


async def test_events_of_groups_may_be_lost_doubled_or_out_of_order(app: Caller) -> None:
    world = app.box.world
    groups.create(world, "zhangsan", "群", chat_id="wrG1")
    names = [world.add_customer(f"客{n}", external_userid=f"wmJ{n}").external_userid for n in range(6)]
    async with hooked(app.box, "contacts") as hook:
        app.box.faults.add(Fault(kind=FaultKind.DROP, match="contacts", count=1))
        app.box.faults.add(Fault(kind=FaultKind.DUPLICATE, match="contacts", count=1))
        for name in names[:2]:
            groups.join(world, "wrG1", [name])
        await app.box.postman.drained()
        doubled = [hook.fields(number)["MemChangeList/Item"] for number in range(len(hook.plain))]
        hook.plain.clear()
        app.box.faults.add(Fault(kind=FaultKind.REORDER, match="contacts", count=1))
        for name in names[2:4]:
            groups.join(world, "wrG1", [name])
            groups.says(world, "wrG1", name, "你好")
        await app.box.postman.drained()
        turned = sorted(hook.fields(number)["MemChangeList/Item"] for number in range(len(hook.plain)))

    assert doubled == ["wmJ1", "wmJ1"]
    assert turned == ["wmJ2", "wmJ3"]
    assert len(world.corp.groups["wrG1"].members) == 5


WORDS = """
userid external_userid chat_id who name content scene owner customers members
departments leaders mood msgid key selected names group_name tag_id targets
chat_type joins join_hours speaks message by state department_id parent_id tag_ids
remark template_id chat_ids half blocks kind url signature
"""
NAMES = st.sampled_from(WORDS.split())
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats()
    | st.sampled_from(["zhangsan", "lisi", CUSTOMER, "wrG1", "text", "group", "late", "customer", ""])
    | st.text(st.characters(), max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(number=st.integers(0, 200), body=st.dictionaries(NAMES, VALUES, max_size=7), usual=st.booleans())
async def test_any_request_is_answered(app: Caller, number: int, body: dict[str, Any], usual: bool) -> None:
    if "wrG1" not in app.box.world.corp.groups:
        groups.create(app.box.world, "zhangsan", "群", chat_id="wrG1")
    known = paths(app)
    if usual:
        body = {"userid": "zhangsan", "external_userid": CUSTOMER, "chat_id": "wrG1", "name": "名"} | body
    url = f"{app.box.url}{known[number % len(known)]}"

    async with app.session.post(url, data=json.dumps(body).encode()) as answer:
        assert answer.status in (200, 400, 409), await answer.text()
    for path in ("people", "groups", "group?chat_id=wrG1", "mass"):
        async with app.session.get(f"{app.box.url}/sandbox/{path}") as answer:
            assert answer.status == 200, path

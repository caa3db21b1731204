"""The session state machine, row by row, by the API and by the servicers' client."""

from __future__ import annotations

import pytest

from sandbox import sessions
from sandbox.codes import WorldError
from sandbox.records import SessionState
from tests.sandbox.caller import CUSTOMER, KFID, Caller

MOVES = {
    (0, 1): 95016,
    (0, 2): 0,
    (0, 3): 0,
    (0, 4): 95016,
    (1, 1): 95016,
    (1, 2): 0,
    (1, 3): 0,
    (1, 4): 95016,
    (2, 1): 95016,
    (2, 2): 95016,
    (2, 3): 0,
    (2, 4): 95016,
    (3, 1): 95016,
    (3, 2): 95016,
    (3, 3): 0,
    (3, 4): 0,
    (4, 1): 95016,
    (4, 2): 95016,
    (4, 3): 95016,
    (4, 4): 95013,
}


async def bring_to(app: Caller, state: int) -> None:
    if state != 4:
        app.box.world.customer_says(CUSTOMER, "在吗")
    if state == 1:
        await app.send()
    if state in (2, 3):
        await app.trans(state, "zhangsan" if state == 3 else "")
    assert await app.state() == state


@pytest.mark.parametrize(("start", "target"), MOVES)
async def test_moves_of_the_table(app: Caller, start: int, target: int) -> None:
    await bring_to(app, start)
    answer = await app.trans(target, "lisi" if target == 3 else "")

    assert answer["errcode"] == MOVES[start, target]
    assert await app.state() == (target if answer["errcode"] == 0 else start)


async def test_first_answer_puts_the_session_with_the_assistant(app: Caller) -> None:
    app.box.world.customer_says(CUSTOMER, "在吗")
    before = await app.state()
    await app.send()

    assert before == 0
    assert await app.state() == 1


async def test_customer_message_opens_an_ended_session(app: Caller) -> None:
    await bring_to(app, 3)
    await app.trans(4)
    app.box.world.customer_says(CUSTOMER, "还有一个问题")

    assert await app.state() == 0


@pytest.mark.parametrize("state", [0, 5])
async def test_state_out_of_range_is_refused(app: Caller, state: int) -> None:
    await bring_to(app, 1)

    assert (await app.trans(state))["errcode"] == 40058


async def test_only_receiving_servicers_of_the_account_can_be_given_customers(app: Caller) -> None:
    app.box.world.customer_says(CUSTOMER, "转人工")
    sessions.set_receiving(app.box.world, "lisi", False)

    assert (await app.trans(3, "nobody"))["errcode"] == 95014
    assert (await app.trans(3, "lisi"))["errcode"] == 95019
    assert (await app.trans(3))["errcode"] == 40063
    assert (await app.trans(3, "zhangsan"))["errcode"] == 0


async def test_msg_code_comes_with_the_first_move_and_with_the_end(app: Caller) -> None:
    await bring_to(app, 0)
    waiting = await app.trans(2)
    assigned = await app.trans(3, "zhangsan")
    moved = await app.trans(3, "lisi")
    ended = await app.trans(4)

    assert [bool(one.get("msg_code")) for one in (waiting, assigned, moved, ended)] == [
        True,
        True,
        False,
        True,
    ]


async def test_changes_by_the_api_make_no_event(app: Caller) -> None:
    await bring_to(app, 0)
    for state, servicer in ((2, ""), (3, "zhangsan"), (4, "")):
        await app.trans(state, servicer)

    assert await app.events() == []


async def test_servicer_takes_answers_hands_on_and_ends(app: Caller) -> None:
    world = app.box.world
    await bring_to(app, 2)
    sessions.take(world, "zhangsan", CUSTOMER)
    sessions.says(world, "zhangsan", CUSTOMER, "您好，我是张三")
    sessions.transfer(world, "zhangsan", "lisi", CUSTOMER)
    sessions.end(world, "lisi", CUSTOMER)
    changes = [one for one in await app.events() if one["event_type"] == "session_status_change"]
    spoken = [one for one in (await app.sync())["msg_list"] if one["origin"] == 5]

    assert [one["change_type"] for one in changes] == [1, 2, 3]
    assert [bool(one.get("msg_code")) for one in changes] == [True, False, True]
    assert (changes[1]["old_servicer_userid"], changes[1]["new_servicer_userid"]) == ("zhangsan", "lisi")
    assert spoken[0]["servicer_userid"] == "zhangsan"
    assert await app.state() == 4


async def test_servicer_writing_in_an_ended_session_opens_it_again(app: Caller) -> None:
    world = app.box.world
    await bring_to(app, 3)
    await app.trans(4)
    sessions.says(world, "zhangsan", CUSTOMER, "补充一点")

    assert world.chat(CUSTOMER).state is SessionState.SERVICER
    assert (await app.events())[-1]["change_type"] == 4


async def test_servicer_cannot_speak_in_the_assistants_session(app: Caller) -> None:
    await bring_to(app, 1)
    with pytest.raises(WorldError):
        sessions.says(app.box.world, "zhangsan", CUSTOMER, "插一句")
    await app.trans(3, "zhangsan")
    sessions.says(app.box.world, "zhangsan", CUSTOMER, "我来了")

    assert app.box.world.received(CUSTOMER)[-1].body == {"content": "我来了"}


async def test_status_is_0_and_1_in_the_list_but_1_and_2_in_the_event(app: Caller) -> None:
    sessions.set_receiving(app.box.world, "lisi", False, stop_type=1)
    listed = await app.get("kf/servicer/list", open_kfid=KFID)
    sessions.set_receiving(app.box.world, "lisi", True)
    events = await app.events()

    assert {"userid": "lisi", "status": 1, "stop_type": 1} in listed["servicer_list"]
    assert {"userid": "zhangsan", "status": 0} in listed["servicer_list"]
    assert [one["status"] for one in events] == [2, 1]


async def test_session_ends_after_48_hours_without_the_customer(app: Caller) -> None:
    await bring_to(app, 3)
    await app.jump(48 * 3600 + 1)
    app.box.world.settle_desk()

    assert app.box.world.desk == {}
    assert await app.state() == 4


async def test_servicers_are_added_and_removed(app: Caller) -> None:
    async def names(open_kfid: str) -> set[str]:
        listed = await app.get("kf/servicer/list", open_kfid=open_kfid)
        return {one["userid"] for one in listed["servicer_list"]}

    before = await names("wkB2")
    added = await app.post("kf/servicer/add", open_kfid="wkB2", userid_list=["lisi", "zhangsan", "ghost"])
    after = await names("wkB2")
    await app.post("kf/servicer/del", open_kfid="wkB2", userid_list=["zhangsan"])

    assert before == {"zhangsan"}
    assert [one["errmsg"] for one in added["result_list"]][:2] == ["success", "ignored"]
    assert added["result_list"][2]["errcode"] == 60030
    assert after == {"zhangsan", "lisi"}
    assert await names("wkB2") == {"lisi"}
    assert "zhangsan" in await names(KFID)

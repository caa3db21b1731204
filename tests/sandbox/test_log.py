"""sync_msg: cursors, pages, tokens, retention."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox import caller
from tests.sandbox.caller import CUSTOMER, KFID, Caller


async def read_all(app: Caller, cursor: str = "", **more: Any) -> tuple[list[str], str, int]:
    """The texts after `cursor`, the last cursor, and how many pages came empty with more to come."""
    texts: list[str] = []
    empty = 0
    while True:
        page = await app.sync(cursor=cursor, **more)
        texts += [one["text"]["content"] for one in page["msg_list"] if one["msgtype"] == "text"]
        empty += page["has_more"] == 1 and not page["msg_list"]
        cursor = page["next_cursor"]
        if not page["has_more"]:
            return texts, cursor, empty


def say(app: Caller, *contents: str) -> None:
    for content in contents:
        app.box.world.customer_says(CUSTOMER, content)


async def test_pages_give_every_message_once_and_in_order(app: Caller) -> None:
    wanted = [f"问题 {number}" for number in range(7)]
    say(app, *wanted)
    first, cursor, _ = await read_all(app, limit=3)
    say(app, "又一个")
    second, cursor, _ = await read_all(app, cursor, limit=3)
    third, _, _ = await read_all(app, cursor)

    assert first == wanted
    assert second == ["又一个"]
    assert third == []


async def test_empty_pages_come_with_more_to_read() -> None:
    async with caller.calling(empty_page_every=2, page_cap=2) as app:
        wanted = [f"问题 {number}" for number in range(6)]
        say(app, *wanted)
        texts, _, empty = await read_all(app)

    assert texts == wanted
    assert empty >= 2


async def test_each_account_has_its_own_log_and_cursor(app: Caller) -> None:
    say(app, "给一号")
    app.box.world.customer_says(CUSTOMER, "给二号", open_kfid="wkB2")
    _, cursor, _ = await read_all(app)
    other, _, _ = await read_all(app, open_kfid="wkB2")
    mixed = await app.sync(open_kfid="wkB2", cursor=cursor)

    assert other == ["给二号"]
    assert mixed["errcode"] == 40058


async def test_message_has_the_fields_of_the_page(app: Caller) -> None:
    app.box.world.customer_says(CUSTOMER, "退保能拿回多少", menu_id="m_101")
    message = (await app.sync())["msg_list"][0]

    assert message["text"] == {"content": "退保能拿回多少", "menu_id": "m_101"}
    assert (message["origin"], message["open_kfid"], message["external_userid"]) == (3, KFID, CUSTOMER)
    assert isinstance(message["send_time"], int)


async def test_messages_sent_by_api_are_not_returned(app: Caller) -> None:
    say(app, "在吗")
    await app.send("在的")
    texts, _, _ = await read_all(app)

    assert texts == ["在吗"]


async def test_messages_are_kept_for_three_days(app: Caller) -> None:
    say(app, "很久以前")
    _, cursor, _ = await read_all(app)
    await app.jump(3 * 24 * 3600 + 1)
    say(app, "今天")
    from_start, _, _ = await read_all(app)
    from_cursor, _, _ = await read_all(app, cursor)

    assert from_start == ["今天"]
    assert from_cursor == ["今天"]


async def test_sync_token_is_good_for_ten_minutes_and_one_account(app: Caller) -> None:
    world = app.box.world
    token = world.sync_tokens.issue(KFID, world.clock.now())
    early = await app.sync(token=token)
    elsewhere = await app.sync(token=token, open_kfid="wkB2")
    world.clock.jump(601)
    late = await app.sync(token=token)
    without = await app.sync()

    assert early["errcode"] == 0
    assert elsewhere["errcode"] == 95007
    assert late["errcode"] == 95007
    assert without["errcode"] == 0


async def test_sync_without_token_is_limited_more_strictly() -> None:
    async with caller.calling(sync_without_token_per_minute=2) as app:
        without = [(await app.sync())["errcode"] for _ in range(3)]
        token = app.box.world.sync_tokens.issue(KFID, app.box.world.clock.now())
        with_token = (await app.sync(token=token))["errcode"]
        other = (await app.sync(open_kfid="wkB2"))["errcode"]

    assert without == [0, 0, 45009]
    assert with_token == 0
    assert other == 0


@pytest.mark.parametrize(
    "wrong", [{"limit": 1001}, {"limit": 0}, {"cursor": "nonsense"}, {"voice_format": 2}]
)
async def test_wrong_field_is_refused(app: Caller, wrong: dict[str, Any]) -> None:
    assert (await app.sync(**wrong))["errcode"] == 40058


@pytest.mark.parametrize(("open_kfid", "errcode"), [("wkGone", 95004), ("strange", 95000)])
async def test_unknown_account_is_refused(app: Caller, open_kfid: str, errcode: int) -> None:
    assert (await app.sync(open_kfid=open_kfid))["errcode"] == errcode


async def test_cursor_of_an_earlier_run_reads_on_in_the_next() -> None:
    async with caller.calling() as app:
        say(app, "昨天的问题")
        _, cursor, _ = await read_all(app)
    async with caller.calling() as app:
        say(app, "今天的问题")
        texts, _, _ = await read_all(app, cursor)

    assert texts == ["今天的问题"]

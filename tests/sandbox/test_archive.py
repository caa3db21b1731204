"""The pretend archive: who is archived, who agreed, what the five calls answer and refuse."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox import relations
from tests.sandbox import caller
from tests.sandbox.caller import CUSTOMER, USUAL, Caller


@pytest.fixture
async def archived(tmp_path: Path) -> AsyncIterator[Caller]:
    """A caller with the archive's token; zhangsan has the customer as a friend."""
    apps = tuple(replace(one, archive=True) for one in USUAL.apps)
    async with caller.calling(USUAL, apps=apps, archive_folder=str(tmp_path)) as one:
        relations.befriend(one.box.world, "zhangsan", CUSTOMER)
        yield one


def pair(userid: str = "zhangsan", customer: str = CUSTOMER) -> dict[str, str]:
    return {"userid": userid, "exteranalopenid": customer}


async def test_the_range_follows_who_is_taken_in_and_out(archived: Caller) -> None:
    before = await archived.post("msgaudit/get_permit_user_list")
    await archived.control("archive/permit", userid="lisi", is_in=False)
    after = await archived.post("msgaudit/get_permit_user_list", type=2)

    assert before["ids"] == ["lisi", "zhangsan"]
    assert after["ids"] == ["zhangsan"]


async def test_a_customer_agrees_with_the_first_line_and_may_disagree(archived: Caller) -> None:
    desk = archived.box.world.archive
    assert desk is not None
    asked = await archived.post("msgaudit/check_single_agree", info=[pair()])
    relations.customer_says(archived.box.world, "zhangsan", CUSTOMER, "在吗")
    agreed = await archived.post("msgaudit/check_single_agree", info=[pair()])
    await archived.control("archive/consent", subject="zhangsan", external_userid=CUSTOMER, status="Disagree")
    count = desk.archive.seq
    relations.customer_says(archived.box.world, "zhangsan", CUSTOMER, "不存")

    assert asked["agreeinfo"] == []
    assert [one["agree_status"] for one in agreed["agreeinfo"]] == ["Agree"]
    assert desk.archive.seq == count


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("msgaudit/check_single_agree", {"info": [pair()] * 101}, 301060),
        ("msgaudit/check_single_agree", {"info": [pair("nobody")]}, 301061),
        ("msgaudit/check_single_agree", {}, 40058),
        ("msgaudit/check_room_agree", {"roomid": "wrNone"}, 40050),
        ("msgaudit/groupchat/get", {"roomid": "wrG1"}, 301059),
    ],
)
async def test_what_is_wrong_is_refused(
    archived: Caller, path: str, body: dict[str, object], code: int
) -> None:
    assert (await archived.post(path, **body))["errcode"] == code


async def test_only_the_archives_own_secret_may_ask(app: Caller) -> None:
    assert (await app.post("msgaudit/get_permit_user_list"))["errcode"] == 48002
    assert (await app.control("archive/add", message={}))["status"] == 409

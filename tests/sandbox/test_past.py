"""Talks that took place before the sandbox began."""

from __future__ import annotations

import pytest

from sandbox.settings import SettingsError, TalkSettings, parse_settings
from tests.sandbox import caller
from tests.sandbox.caller import KFID

TALK = TalkSettings(
    open_kfid=KFID,
    external_userid="wmPast1",
    userid="zhangsan",
    hours_ago=30,
    lines=("客户 0 在吗", "同事 40 您好，请讲", "客户 5 没事了"),
)


async def test_what_was_said_stands_in_the_log_in_order_at_its_time_and_is_known_again() -> None:
    read = []
    for _ in range(2):
        async with caller.calling(talks=(TALK,)) as app:
            page = await app.sync()
            now = app.box.world.clock.now()
        said = [one for one in page["msg_list"] if one["msgtype"] == "text"]
        read.append([one["msgid"] for one in said])

        assert [(one["origin"], one["text"]["content"]) for one in said] == [
            (3, "在吗"),
            (5, "您好，请讲"),
            (3, "没事了"),
        ]
        assert [int(said[0]["send_time"] - one["send_time"]) for one in said] == [0, -41, -46]
        assert abs(now - 30 * 3600 - said[0]["send_time"]) < 5
        changes = [one["event"]["change_type"] for one in page["msg_list"] if one["msgtype"] == "event"]
        assert changes == [1, 3]

    assert read[0] == read[1]


def test_a_line_without_who_or_seconds_is_told() -> None:
    wrong = {
        "account": [{"open_kfid": "wkA", "name": "A"}],
        "servicer": [{"userid": "z", "name": "Z"}],
        "talk": [
            {
                "open_kfid": "wkA",
                "external_userid": "wm",
                "userid": "z",
                "hours_ago": 1,
                "lines": ["路人 5 你好"],
            }
        ],
    }

    with pytest.raises(SettingsError, match="talk 1"):
        parse_settings(wrong)

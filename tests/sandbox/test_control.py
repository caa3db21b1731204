"""The control API, the shared clock file and the settings."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.clock import WorldClock
from sandbox.settings import SettingsError, load_settings, parse_settings
from tests.sandbox import caller
from tests.sandbox.caller import CUSTOMER, Caller

ROOT = Path(__file__).resolve().parents[2]


# -- the clock file --------------------------------------------------------------------------------------------------


async def test_jump_is_seen_by_every_reader_of_the_clock_file(tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    other = WorldClock(path)
    async with caller.calling(clock_file=str(path)) as app:
        before = other.now()
        await app.control("clock/rate", rate=0)
        await app.control("clock/jump", seconds=86400)
        content = json.loads(path.read_text())

        assert content["rate"] == 0
        assert WorldClock(path).now() == pytest.approx(app.box.world.clock.now())
        assert WorldClock(path).now() - before == pytest.approx(86400, abs=5)


def test_clock_file_of_another_writer_is_followed_and_time_never_goes_back(tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    path.write_text(json.dumps({"real_at": time.time(), "virtual_at": 2_000_000_000.0, "rate": 0.0}))
    later = WorldClock(path)
    reached = later.now()
    path.write_text(json.dumps({"real_at": time.time(), "virtual_at": 1_000_000_000.0, "rate": 0.0}))
    fresh = WorldClock(path)

    assert reached == 2_000_000_000.0
    assert fresh.now() == 1_000_000_000.0
    assert later.now() == 2_000_000_000.0


def test_missing_clock_file_is_real_time_and_the_rate_multiplies(tmp_path: Path) -> None:
    clock = WorldClock(tmp_path / "none.json")
    real = abs(clock.now() - time.time())
    clock.set_rate(1_000)
    first = clock.now()
    while clock.now() - first < 1:
        pass

    assert real < 1
    with pytest.raises(ValueError, match="forward"):
        clock.jump(-1)


# -- the control API -------------------------------------------------------------------------------------------------


async def test_conversation_is_driven_and_read_by_control(app: Caller) -> None:
    made = (await app.control("customers", nickname="新客户"))["customers"][0]["external_userid"]
    await app.control("customer/says", external_userid=made, content="转人工")
    await app.post("kf/service_state/trans", open_kfid="wkA1", external_userid=made, service_state=2)
    await app.control("servicer/takes", userid="zhangsan", external_userid=made)
    await app.control("servicer/says", userid="zhangsan", external_userid=made, content="您好")
    found = await app.read(f"transcript?external_userid={made}")
    received = (await app.read("received"))["received"][made]

    assert [one["via"] for one in found["bubbles"] if one["via"] != "notice"] == ["customer", "servicer"]
    assert found["chat"]["state"] == 3
    assert [one["body"]["content"] for one in received] == ["您好"]
    assert received[0]["answers"] == found["bubbles"][0]["msgid"]


@pytest.mark.parametrize(
    ("msgtype", "body"),
    [
        ("location", {"latitude": 23.1, "longitude": 113.3, "name": "广州", "address": "海珠"}),
        ("sticker", {"name": "hi"}),
        ("from_the_future", {"anything": [1, 2]}),
    ],
)
async def test_message_of_any_type_can_be_sent(app: Caller, msgtype: str, body: dict[str, object]) -> None:
    await app.control("customer/sends", external_userid=CUSTOMER, msgtype=msgtype, body=body)
    message = (await app.sync())["msg_list"][0]

    assert message["msgtype"] == msgtype
    assert message[msgtype] == body


async def test_recall_is_an_event_and_possible_for_two_minutes(app: Caller) -> None:
    first = app.box.world.customer_says(CUSTOMER, "发错了")
    recalled = await app.control("customer/recalls", external_userid=CUSTOMER, msgid=first)
    second = app.box.world.customer_says(CUSTOMER, "又发错了")
    app.box.world.clock.jump(121)
    late = await app.control("customer/recalls", external_userid=CUSTOMER, msgid=second)

    assert recalled["status"] == 200
    assert (await app.events())[0]["recall_msgid"] == first
    assert (late["status"], "2 分钟" in late["error"]) == (409, True)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("customer/says", {"external_userid": CUSTOMER, "content": "  "}, 409),
        ("customer/says", {"external_userid": "ghost", "content": "在吗"}, 409),
        ("customer/says", {"external_userid": CUSTOMER}, 400),
        ("clock/jump", {"seconds": -5}, 400),
        ("clock/rate", {"rate": "fast"}, 400),
        ("servicer/takes", {"userid": "zhangsan", "external_userid": CUSTOMER}, 409),
    ],
)
async def test_impossible_wishes_are_refused_in_words(
    app: Caller, path: str, body: dict[str, object], status: int
) -> None:
    answer = await app.control(path, **body)

    assert answer["status"] == status
    assert answer["error"]


async def test_other_origins_are_turned_away(app: Caller) -> None:
    url = f"{app.box.url}/sandbox/clock/jump"
    async with app.session.post(
        url, json={"seconds": 1}, headers={"Origin": "https://evil.example"}
    ) as answer:
        foreign = answer.status
    async with app.session.post(url, json={"seconds": 1}, headers={"Origin": app.box.url}) as answer:
        own = answer.status

    assert (foreign, own) == (403, 200)


async def test_calls_are_counted_by_endpoint_and_errcode(app: Caller) -> None:
    await app.send()
    await app.sync()
    counts = {(one["endpoint"], one["outcome"]): one["count"] for one in (await app.read("calls"))["counts"]}

    assert counts == {("gettoken", 0): 1, ("kf/send_msg", 95018): 1, ("kf/sync_msg", 0): 1}


async def test_thousands_of_messages_stay_quick(app: Caller) -> None:
    rows = [{"external_userid": CUSTOMER, "content": f"第 {number} 条"} for number in range(5000)]
    started = time.process_time()
    await app.control("messages", messages=rows)
    for _ in range(20):
        await app.send()
        app.box.world.customer_says(CUSTOMER, "再来")
    seconds = time.process_time() - started

    assert (await app.read("stats"))["bubbles"] == {
        "customer": 5020,
        "api": 20,
        "event": 0,
        "servicer": 0,
        "notice": 0,
    }
    assert seconds < 5  # 0.3 s here; a scan per call would take minutes


# -- settings --------------------------------------------------------------------------------------------------------


def test_example_configuration_is_valid() -> None:
    settings = load_settings(ROOT / "sandbox" / "example.toml")

    assert settings.receivers[0].name == "kf"
    assert len(settings.customers) == 3


def test_every_mistake_is_reported_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        parse_settings(
            {
                "prot": 1,
                "repeat": "perhaps",
                "app": [{"agent_id": "x"}],
                "receiver": [{"name": "kf", "url": "ftp://x", "token": "t", "aes_key": "short"}],
                "servicer": [{"userid": "a", "name": "甲", "open_kfids": ["wkNone"]}],
            }
        )
    found = "\n".join(caught.value.problems)

    for word in ("did you mean port", "repeat", "agent_id", "secret", "aes_key", "url", "wkNone"):
        assert word in found


def test_bad_configuration_ends_the_command_with_2(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text('repeat = "perhaps"\n')
    command = [sys.executable, "-m", "sandbox", "--config", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=30)

    assert done.returncode == 2
    assert "refuse" in done.stderr
    assert "Traceback" not in done.stderr


def test_settings_are_documented() -> None:
    text = (ROOT / "docs" / "sandbox.md").read_text("utf-8")
    usual = replace(caller.USUAL)

    missing = [name for name in vars(usual) if f"`{name}`" not in text and f"`[[{name[:-1]}]]`" not in text]
    assert missing == []

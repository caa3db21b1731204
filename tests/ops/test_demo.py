"""The demo as a newcomer meets it: one command, a question answered, Ctrl-C, nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from bot import config, demo
from bot.config.table import SHIPPED_FOLDER
from console import demo as people
from domain.errors import ConfigError
from sandbox import settings as sandbox_settings

PATIENCE_SECONDS = 60.0


def until(holds: Callable[[], Any], what: str) -> Any:
    """Wait for something another process does."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        if found := holds():
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited in vain for {what}")


def call(url: str, body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.loads(response.read())


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture
def started(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A running demo whose welcome has been printed."""
    ports = ["--port", str(free_port()), "--sandbox-port", str(free_port())]
    command = [
        sys.executable,
        "-m",
        "bot",
        "demo",
        "--folder",
        str(tmp_path / "demo"),
        "--no-browser",
        *ports,
    ]
    # A shell lets what it starts in the background ignore Ctrl-C, and children inherit that.
    heard = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        command, cwd=SHIPPED_FOLDER, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    signal.signal(signal.SIGINT, heard)
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if "Ctrl-C stops" in line:
            break
    else:
        pytest.fail("the demo did not start:\n" + "".join(lines))
    yield process
    if process.poll() is None:
        # Not killed: a killed demo cannot take its two children with it.
        process.terminate()
    process.wait(60)
    process.stdout.close()


def listening(folder: Path) -> tuple[str, str]:
    """Return the addresses of the bot and the sandbox."""
    settings = config.load(folder / "demo" / "config.toml", {})
    return settings.server.public_url, settings.wecom.api_base


def test_a_question_is_answered_and_stopping_leaves_no_process(
    started: subprocess.Popen[str], tmp_path: Path
) -> None:
    bot_url, sandbox_url = listening(tmp_path)
    talk = "external_userid=wmDemoWang00001&open_kfid=wkDemoLoan00001"
    says = dict(part.split("=") for part in talk.split("&")) | {"content": "退保能拿回多少"}
    children = psutil.Process(started.pid).children()

    call(f"{sandbox_url}/sandbox/customer/says", says)

    def answer() -> str:
        transcript = call(f"{sandbox_url}/sandbox/transcript?{talk}")
        return json.dumps([one for one in transcript["bubbles"] if one["via"] == "api"], ensure_ascii=False)

    assert "现金价值" in until(lambda: "现金价值" in (text := answer()) and text, "the answer")
    with urllib.request.urlopen(f"{bot_url}/console/", timeout=10) as response:
        assert response.status == 200
    assert len(children) == 2

    started.send_signal(signal.SIGINT)
    assert started.wait(90) == 0
    assert not [child for child in children if child.is_running()]


def test_two_groups_are_in_their_first_week_and_the_next_thing_comes_by_itself(
    started: subprocess.Popen[str], tmp_path: Path
) -> None:
    _, sandbox_url = listening(tmp_path)
    records = sqlite3.connect(f"file:{tmp_path}/demo/data/guanjia.db?mode=ro", uri=True)
    begun = records.execute("select template, ticks, welcome_bound_at from enrolment").fetchall()
    records.close()
    assert [template for template, _, _ in begun] == ["finance_week1"] * 2
    assert all("演示" in str(json.loads(ticks)) and bound for _, ticks, bound in begun)

    # The owner's first card is that of the day, tomorrow at nine.
    call(f"{sandbox_url}/sandbox/clock/pace", {"mode": "next"})
    until(lambda: call(f"{sandbox_url}/sandbox/clock")["pace"] == "hand", "something to do")
    assert call(f"{sandbox_url}/sandbox/clock")["rate"] == 1
    assert call(f"{sandbox_url}/sandbox/app_messages")["messages"]


def test_everybody_of_the_picker_is_in_the_address_book(tmp_path: Path) -> None:
    plan = demo.prepare(tmp_path / "a", port=free_port(), sandbox_port=free_port())
    box = sandbox_settings.load_settings(plan.folder / "sandbox.toml")

    assert set(people.NAMES.values()) <= {one.userid for one in box.members}
    assert box.sidebar_url.startswith(plan.bot_url)
    assert config.load(plan.config, {}).server.frame_ancestors == (plan.sandbox_url,)


def part_of(demo_process: subprocess.Popen[str], word: str) -> psutil.Process | None:
    """Return the child whose command has `word`, while it lives."""
    for child in psutil.Process(demo_process.pid).children():
        if child.status() != psutil.STATUS_ZOMBIE and word in " ".join(child.cmdline()):
            return child
    return None


def test_a_killed_bot_is_started_again_while_the_sandbox_stays(
    started: subprocess.Popen[str], tmp_path: Path
) -> None:
    bot_url, _ = listening(tmp_path)
    sandbox, first = part_of(started, "sandbox"), part_of(started, "serve")
    assert first is not None

    os.kill(first.pid, signal.SIGKILL)
    until(lambda: (again := part_of(started, "serve")) and again.pid != first.pid, "another bot")

    until(lambda: is_up(f"{bot_url}/readyz"), "the bot")
    assert part_of(started, "sandbox") == sandbox


def is_up(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def test_the_death_of_a_part_is_told_with_its_log(started: subprocess.Popen[str], tmp_path: Path) -> None:
    children = psutil.Process(started.pid).children()
    sandbox = part_of(started, "sandbox")
    assert sandbox is not None

    os.kill(sandbox.pid, signal.SIGKILL)

    assert started.wait(30) == 1
    assert started.stdout is not None
    told = started.stdout.read()
    assert "sandbox.log" in told
    assert "Ended by itself" in told
    assert not [child for child in children if child.is_running()]


def test_the_quoted_log_leaves_out_the_doctors_wrong_signature(tmp_path: Path) -> None:
    plan = demo.prepare(tmp_path / "a", port=free_port(), sandbox_port=free_port())
    (plan.folder / "bot.log").write_text("00:00 warning callback_refused x\n00:00 error boom\n", "utf-8")
    dead = subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"])
    dead.wait()

    with pytest.raises(demo.DemoFailed) as told:
        demo._raise_if_ended({demo._BOT: dead}, plan)

    assert "error boom" in str(told.value)
    assert "callback_refused" not in str(told.value)


def test_plans_are_written_for_both_with_secrets_of_their_own(tmp_path: Path) -> None:
    first = demo.prepare(tmp_path / "a", port=free_port(), sandbox_port=free_port())
    other = demo.prepare(tmp_path / "b", port=free_port(), sandbox_port=free_port())

    bot = config.load(first.config, {})
    box = sandbox_settings.load_settings(first.folder / "sandbox.toml")
    assert {receiver.name for receiver in box.receivers} == set(bot.wecom.receivers)
    assert box.apps[0].secret == bot.wecom.receivers["kf"].secret.get_secret_value()
    assert config.load(other.config, {}).wecom.receivers["kf"] != bot.wecom.receivers["kf"]
    assert (first.folder / "keys.json").stat().st_mode & 0o777 == 0o600
    assert bot.store.url.startswith(f"sqlite:///{tmp_path}/a/")


def test_a_second_start_keeps_secrets_and_time_and_fresh_begins_anew(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    ports = {"port": free_port(), "sandbox_port": free_port()}
    demo.prepare(folder, **ports)
    kept = (folder / "keys.json").read_text()
    (folder / "clock.json").write_text('{"real_at": 1, "virtual_at": 2, "rate": 1.0}')

    demo.prepare(folder, **ports)
    assert (folder / "keys.json").read_text() == kept
    assert '"virtual_at": 2' in (folder / "clock.json").read_text()

    demo.prepare(folder, **ports, fresh=True)
    assert (folder / "keys.json").read_text() != kept


def test_a_folder_with_other_things_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")

    with pytest.raises(ConfigError, match="Holds something else"):
        demo.prepare(tmp_path, port=free_port(), sandbox_port=free_port(), fresh=True)

    assert (tmp_path / "thesis.txt").exists()


def test_a_taken_port_is_replaced_by_the_next_free_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        plan = demo.prepare(tmp_path / "a", port=port, sandbox_port=port)

    assert len({port, plan.port, plan.sandbox_port}) == 3
    assert str(port) in capsys.readouterr().out

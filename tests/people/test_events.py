"""Callbacks of the contacts receiver as records; tests/payloads/contacts.toml says from where they are."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.channels.wecom import parsing

FILE = Path(__file__).resolve().parents[1] / "payloads" / "contacts.toml"
CALLBACKS = tomllib.loads(FILE.read_text("utf-8"))["callback"]


def plaintext(inner: str, created: str = "1763700000") -> bytes:
    head = (
        "<ToUserName>ww1234567890abcdef</ToUserName><FromUserName>sys</FromUserName><MsgType>event</MsgType>"
    )
    return f"<xml>{head}<CreateTime>{created}</CreateTime>{inner}</xml>".encode()


@pytest.mark.parametrize("callback", CALLBACKS, ids=lambda one: f"{one['is']} {one.get('change', '')}")
def test_callback_becomes_its_record(callback: dict[str, Any]) -> None:
    record = parsing.decode("contacts", plaintext(callback["xml"]))

    assert type(record).__name__ == callback["is"]
    assert record.created_at == datetime.fromtimestamp(1763700000, UTC)
    told = {name: value for name, value in callback.items() if name not in ("is", "xml")}
    found = {name: getattr(record, name) for name in told}
    assert found == told | ({"members": tuple(told["members"])} if "members" in told else {})


@pytest.mark.parametrize("callback", CALLBACKS, ids=lambda one: one["is"])
def test_a_callback_without_its_time_is_no_reason_to_break(callback: dict[str, Any]) -> None:
    parsing.decode("contacts", plaintext(callback["xml"], created="soon"))


def test_a_member_named_twice_came_once() -> None:
    joined = next(one for one in CALLBACKS if one.get("change") == "joined")
    doubled = joined["xml"].replace("<Item>wmTanya</Item>", "<Item>wmTanya</Item><Item>wmTanya</Item>")

    assert parsing.decode("contacts", plaintext(doubled)).members == ("wmTanya", "woGuest")  # type: ignore[attr-defined]

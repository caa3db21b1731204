"""The phone page in the whole house, as `guanjia serve` runs it."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import ClientSession, CookieJar

from bot import app, config
from bot.clock import FrozenClock, write_clock_file
from sandbox import server
from tests.sidebar import factory


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_the_house_serves_the_phone_page_to_a_member(
    database_url: str, tmp_path: Path, frozen_clock: FrozenClock
) -> None:
    clock_file = tmp_path / "clock.json"
    write_clock_file(clock_file, virtual_at=frozen_clock.now(), rate=0.0)
    assistant = {"secret": "s", "token": "t", "aes_key": "a" * 42 + "A", "agent_id": factory.AGENT_ID}

    async with server.running(factory.company(str(clock_file))) as box:
        wecom = {"corp_id": factory.CORP, "api_base": box.url, "login_base": box.url}
        values = {
            "server": {"port": 0, "shutdown_seconds": 1, "frame_ancestors": [box.url]},
            "store": {"url": database_url, "data_folder": str(tmp_path / "data")},
            "wecom": {**wecom, "receivers": {"assistant": assistant}},
            "content": {"serve_samples": True},
            "company": {"name": "示例信息服务有限公司"},
            "clock": {"file": str(clock_file)},
            "console": {"secure_cookies": False},
            "answering": {"by_meaning": False},
        }
        async with (
            app.running(config.build(values, tmp_path)) as (_, address),
            ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser,
        ):
            browser.cookie_jar.update_cookies({"sandbox_member": factory.OWNER})
            answer = await browser.get(f"{address}/sidebar/")
            page = await answer.text()
            made = await browser.get(
                f"{address}/sidebar/sign", params={"kind": "agent", "url": f"{address}/sidebar/"}
            )
            signature = await made.json()

    assert answer.status == 200
    assert "现在没有要你做的事" in page
    assert len(signature["signature"]) == 40

"""The phone page by its addresses: who gets in, who sees what, what an act leaves behind."""

from __future__ import annotations

import pytest
from aiohttp import ClientSession, CookieJar

from bot.clock import FrozenClock
from store.database import Store
from tests.sidebar import factory
from tests.sidebar.conftest import Phone

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


async def test_smoke(phone: Phone, store: Store, frozen_clock: FrozenClock) -> None:
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
        session.cookie_jar.update_cookies({"sandbox_member": factory.OWNER})
        for path in (
            "/sidebar/",
            f"/sidebar/steps/{phone.scene.send}",
            f"/sidebar/steps/{phone.scene.confirm}",
            f"/sidebar/steps/{phone.scene.points}",
            f"/sidebar/steps/{phone.scene.bind}",
            f"/sidebar/steps/{phone.scene.do}",
            f"/sidebar/steps/{phone.scene.coming}",
            f"/sidebar/steps/{phone.scene.finished}",
            "/sidebar/group",
            f"/sidebar/group?chat_id={factory.CHAT}",
        ):
            async with session.get(phone.at(path)) as answer:
                text = await answer.text()
                print(path, answer.status, answer.url.path, len(text))
                assert answer.status == 200, text

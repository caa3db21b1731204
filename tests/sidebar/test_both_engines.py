"""Every page on both databases."""

from __future__ import annotations

from aiohttp import ClientSession, CookieJar

from bot.clock import FrozenClock
from store.database import Store
from tests.sidebar import desk_factory, factory
from tests.sidebar.conftest import Phone


async def test_every_page_answers(phone: Phone) -> None:
    steps = (
        phone.scene.send,
        phone.scene.confirm,
        phone.scene.points,
        phone.scene.coming,
        phone.scene.finished,
    )
    paths = ["/sidebar/", "/sidebar/group", f"/sidebar/group?chat_id={factory.CHAT}"]
    paths += [f"/sidebar/steps/{step}" for step in steps]
    paths += [f"/sidebar/steps/{phone.scene.confirm}/files/0"]
    found = {}

    for member in (factory.OWNER, factory.LEADER, factory.STRANGER):
        async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
            session.cookie_jar.update_cookies({"sandbox_member": member})
            for path in paths:
                async with session.get(phone.at(path)) as answer:
                    found[member, path] = answer.status

    own = {"/sidebar/", "/sidebar/group"}
    wanted = {
        (member, path): 404 if member == factory.STRANGER and path not in own else 200
        for member, path in found
    }
    assert found == wanted


async def test_what_people_do_is_stored(phone: Phone) -> None:
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
        session.cookie_jar.update_cookies({"sandbox_member": factory.OWNER})
        page = await (await session.get(phone.at("/sidebar/"))).text()
        csrf = page.partition('data-csrf="')[2].partition('"')[0]
        steps, questions = f"/sidebar/steps/{phone.scene.do}", f"/sidebar/questions/{phone.scene.question}"
        forms = {
            "/sidebar/questions/mark": {
                "chat_id": factory.CHAT,
                "text": "理财会亏本吗",
                "asker": factory.CUSTOMER,
            },
            f"{questions}/answered": {},
            f"/sidebar/steps/{phone.scene.points}/tick": {"point": "1", "on": "yes"},
            f"/sidebar/steps/{phone.scene.bind}/bound": {},
            f"{steps}/postpone": {"until": "30m", "reason": "忙"},
            f"{steps}/problem": {"note": "打不开"},
            f"{steps}/done": {},
            f"/sidebar/steps/{phone.scene.send}/begin": {},
        }
        found = {}
        for path, fields in forms.items():
            async with session.post(phone.at(path), data={"csrf": csrf, **fields}) as answer:
                found[path] = answer.status

    assert found == dict.fromkeys(forms, 200)


async def test_a_served_customer_is_answered(phone: Phone, store: Store, frozen_clock: FrozenClock) -> None:
    talk = await desk_factory.serve(store, frozen_clock, factory.STRANGER)
    await desk_factory.say(store, frozen_clock, talk, "在吗", desk_factory.QUESTION)
    page = phone.at(f"/sidebar/customer?external_userid={factory.CUSTOMER}&entry=single_kf_tools")
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
        session.cookie_jar.update_cookies({"sandbox_member": factory.STRANGER})
        shown = await (await session.get(page)).text()
        csrf = shown.partition('data-csrf="')[2].partition('"')[0]
        number = shown.partition('data-suggestion="')[2].partition('"')[0]
        fields = {"csrf": csrf, "text": desk_factory.SAFE, "suggestion": number, "nonce": "nonce-0001"}
        begun = await session.post(page.replace("customer?", "customer/begin?"), data=fields)
        key = (await begun.json())["key"]
        fields = {"csrf": csrf, "key": key, "is_sent": "yes"}
        ended = await session.post(page.replace("customer?", "customer/sent?"), data=fields)
        asked = {"csrf": csrf, "asked": "理财会亏本吗"}
        found = await session.post(page.replace("customer?", "customer/ask?"), data=asked)
        phrases = await session.get(phone.at("/sidebar/quick?q=wh"))

        assert [one.status for one in (begun, ended, found, phrases)] == [200] * 4
        assert await ended.json() == {"ok": True}
        assert "data-suggestion" in await found.text()

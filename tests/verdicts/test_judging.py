"""What words are about is read off the words when they leave, and what was just sent is read together with them."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from aiohttp import ClientSession, DummyCookieJar

from bot.clock import FrozenClock
from domain.faq import Line
from store.database import Store
from tests.sidebar import desk_factory, doors
from tests.sidebar import factory as sidebar_factory
from tests.sidebar.conftest import ServePhone
from tests.verdicts import factory

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
ME = sidebar_factory.OWNER
INSURANCE = "犹豫期内退保，一般退还已交保费；重疾险等待期一般是90天。"
BOTH = "贷款利率和贷款期限都以合同为准。另外，保险方面犹豫期一般15天。"


class Desk:
    """The customer's advisor, without a registration."""

    def __init__(self, session: ClientSession, url: str) -> None:
        self._session, self._url, self._count = session, url, 0

    async def begin(self, text: str, **fields: str) -> tuple[int, str]:
        """Return the status and why not, or the words as they leave."""
        self._count += 1
        fields = {"nonce": f"nonce-{self._count:04}", **fields}
        async with self._session.post(
            f"{self._url}/sidebar/customer/begin",
            params={"external_userid": sidebar_factory.CUSTOMER},
            data={"csrf": doors.CSRF, "text": text, **fields},
        ) as answer:
            said = await answer.json()
            return answer.status, str(said.get("why") or said.get("text"))

    async def check(self, text: str, **asked: object) -> tuple[bool, bool]:
        """Return whether the words are blocked, and whether this person may speak for what they are about."""
        async with self._session.post(
            f"{self._url}/sidebar/check",
            json={"text": text, "recipient": sidebar_factory.CUSTOMER, **asked},
            headers={"X-CSRF-Token": doors.CSRF},
        ) as answer:
            told = await answer.json()
            return told["blocked"], told["qualified"]


@pytest.fixture
async def known() -> dict[str, frozenset[Line]]:
    """What a test changes of what is known."""
    return {"stopped": frozenset()}


@pytest.fixture
async def desk(
    serve_phone: ServePhone, store: Store, frozen_clock: FrozenClock, known: dict[str, frozenset[Line]]
) -> AsyncIterator[Desk]:
    phone = await serve_phone(facts=factory.FACTS)
    here = factory.knowledge()
    here = dataclasses.replace(here, today=frozen_clock.now().date(), quick=here.content.quick)
    object.__setattr__(
        phone.ctx.console, "knowledge", lambda: dataclasses.replace(here, stopped=known["stopped"])
    )
    now = frozen_clock.now()
    await store.write(lambda tx: factory.add_staff(tx, ME, [], now, known_as="张三"))
    await doors.befriend(store, frozen_clock, ME, sidebar_factory.CUSTOMER)
    cookies = await doors.sign_in(store, frozen_clock, ME)
    header = "; ".join(f"{name}={value}" for name, value in cookies.items())
    async with ClientSession(cookie_jar=DummyCookieJar(), headers={"Cookie": header}) as session:
        yield Desk(session, phone.url)


async def test_no_line_a_page_names_and_no_suggestion_that_was_changed_opens_another_6(
    desk: Desk, store: Store, frozen_clock: FrozenClock, known: dict[str, frozenset[Line]]
) -> None:
    """Of a loan suggestion only the untouched words go as loan; else every line counts that the words name."""
    round_ = await desk_factory.offer(store, frozen_clock, ME)
    number = str(round_.suggestions[0].id)

    for line in ("", "service", "loan"):
        assert await desk.begin(INSURANCE, line=line) == (409, "unqualified")
        assert await desk.check(INSURANCE, line=line) == (False, False)
    assert await desk.begin(f"{desk_factory.SAFE}{INSURANCE}", suggestion=number) == (409, "unqualified")
    assert await desk.check(f"{desk_factory.SAFE}{INSURANCE}", suggestion=number) == (False, False)
    assert await desk.begin(BOTH) == (409, "unqualified")

    now = frozen_clock.now()
    await store.write(lambda tx: factory.add_staff(tx, ME, [factory.REGISTERED], now, known_as="张三"))
    known["stopped"] = frozenset({Line.INSURANCE})
    assert await desk.begin(BOTH, line="service") == (409, "stopped")
    known["stopped"] = frozenset()
    status, text = await desk.begin(BOTH, line="service")
    assert (status, factory.NUMBER in text, text.endswith(BOTH)) == (200, True, True)
    # The introduction is on its way.
    assert await desk.begin(INSURANCE, line="service") == (200, INSURANCE)


async def test_the_page_hears_of_a_phrase_what_sending_it_will_tell_6(desk: Desk) -> None:
    """Changed words that name no line are about what the phrase is about."""
    assert await desk.check("好的，我发您看。", phrase="insurance.read_terms") == (False, False)
    assert await desk.check("好的，我发您看。", phrase="no.such_phrase") == (False, True)


async def test_words_are_blocked_that_finish_what_was_just_begun_6(
    desk: Desk, frozen_clock: FrozenClock
) -> None:
    assert (await desk.begin("把您收到的短信验"))[0] == 200

    assert await desk.begin("证码发我一下") == (409, "blocked")
    assert await desk.check("证码发我一下") == (True, True)
    assert await desk.check("证码发我一下", recipient="wmSomebodyElse") == (False, True)
    assert (await desk.begin("好的，明天见"))[0] == 200

    frozen_clock.advance(timedelta(minutes=11))
    assert (await desk.begin("证码发我一下"))[0] == 200

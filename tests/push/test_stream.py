"""The stream of events that an open page listens to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
import sqlalchemy as sa
from aiohttp import ClientResponse, ClientSession, DummyCookieJar

from bot.clock import FrozenClock
from bot.desk_watch import DeskWatch
from console.streams import PERSON_LIMIT, Bye, Streams, Wanted
from domain.login import Role
from store import logins, presence, tables
from store.database import Store
from store.desk_news import News, NewsKind
from tests.push import factory
from tests.sidebar import doors
from tests.sidebar.conftest import Phone, ServePhone

ADVISOR = "zhangsan"


@dataclass(frozen=True, kw_only=True)
class Event:
    """An event as it came over the line."""

    kind: str
    id: str
    data: dict[str, object]


class Listening:
    """A client of the stream."""

    def __init__(self, answer: ClientResponse) -> None:
        self.answer = answer

    async def next(self) -> Event:
        """Return the next event; comments are skipped."""
        while True:
            fields: dict[str, str] = {}
            async with asyncio.timeout(5):
                while line := (await self.answer.content.readline()).decode().rstrip("\n"):
                    name, _, value = line.partition(": ")
                    fields[name] = value
            if "event" in fields:
                return Event(kind=fields["event"], id=fields.get("id", ""), data=json.loads(fields["data"]))
            if not fields and self.answer.content.at_eof():
                raise EOFError


Listen = Callable[..., Awaitable[Listening]]


@pytest.fixture
async def client() -> AsyncIterator[ClientSession]:
    async with ClientSession(cookie_jar=DummyCookieJar()) as session:
        yield session


@pytest.fixture
def watch(store: Store, frozen_clock: FrozenClock) -> DeskWatch:
    return DeskWatch(store, frozen_clock, process="p1")


@pytest.fixture
async def watched(serve_phone: ServePhone, watch: DeskWatch) -> Phone:
    return await serve_phone(streams=watch.streams)


@pytest.fixture
async def listen(watched: Phone, client: ClientSession) -> AsyncIterator[Listen]:
    """Open a stream as the browser does: `await listen(cookies, conversation, last)`."""
    opened: list[ClientResponse] = []

    async def open_one(
        cookies: dict[str, str], conversation: int | None = None, last: str = "", group: int | None = None
    ) -> Listening:
        wanted = {"conversation": conversation, "group": group}
        answer = await client.get(
            watched.at("/sidebar/stream"),
            params={name: str(number) for name, number in wanted.items() if number is not None},
            headers={"Accept": "text/event-stream", "Last-Event-ID": last},
            cookies=cookies,
        )
        opened.append(answer)
        assert answer.status == 200
        return Listening(answer)

    yield open_one
    for answer in opened:
        answer.close()


async def test_a_message_reaches_who_serves_and_nobody_else(
    watched: Phone,
    watch: DeskWatch,
    client: ClientSession,
    listen: Listen,
    store: Store,
    frozen_clock: FrozenClock,
) -> None:
    talk = await factory.begin_talk(store, frozen_clock, "wmOne", servicer=ADVISOR)
    other = await factory.begin_talk(store, frozen_clock, "wmTwo", servicer="wangwu")
    cookies = await doors.sign_in(store, frozen_clock, ADVISOR)
    heard: list[tuple[int, int]] = []
    watch.on_customer = lambda conversation, message: heard.append((conversation, message))
    mine = await listen(cookies, talk)
    assert (await mine.next()).kind == "hello"
    await watch.watch()

    await factory.say(store, frozen_clock, other, "不是你的")
    number = await factory.say(store, frozen_clock, talk, "提前还款要多少钱")
    await watch.watch()

    told = await mine.next()
    refused = await client.get(
        watched.at("/sidebar/stream"), params={"conversation": str(other)}, cookies=cookies
    )
    assert (told.kind, told.data) == ("message", {"conversation": talk, "message": number})
    assert "提前" not in str(told)
    assert heard == [(talk, number)]
    assert refused.status == 404


async def test_a_page_that_comes_back_is_told_what_it_missed(
    watch: DeskWatch, listen: Listen, store: Store, frozen_clock: FrozenClock
) -> None:
    talk = await factory.begin_talk(store, frozen_clock, "wmOne", servicer=ADVISOR)
    cookies = await doors.sign_in(store, frozen_clock, ADVISOR)
    first = await listen(cookies, talk)
    known = (await first.next()).id
    first.answer.close()
    await factory.say(store, frozen_clock, talk, "在吗")
    latest = await factory.say(store, frozen_clock, talk, "有人吗")

    again = await listen(cookies, talk, known)

    assert (await again.next()).kind == "hello"
    told = await again.next()
    assert (told.kind, told.data["message"]) == ("message", latest)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_a_revoked_session_ends_its_stream(
    watch: DeskWatch, listen: Listen, store: Store, frozen_clock: FrozenClock
) -> None:
    cookies = await doors.sign_in(store, frozen_clock, ADVISOR)
    talk = await factory.begin_talk(store, frozen_clock, "wmOne", servicer=ADVISOR)
    mine = await listen(cookies, talk)
    await mine.next()
    async with store.read() as tx:
        found = await logins.find_login_of_staff(tx, ADVISOR)
    assert found is not None
    await store.write(lambda tx: logins.revoke_all_sessions(tx, found.id, frozen_clock.wall()))

    await watch.watch()

    assert (await mine.next()).data == {"why": "login"}
    assert len(watch.streams) == 0
    assert (await (await listen(cookies)).next()).data == {"why": "login"}


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_who_serves_no_more_hears_no_more(
    watch: DeskWatch, listen: Listen, store: Store, frozen_clock: FrozenClock
) -> None:
    cookies = await doors.sign_in(store, frozen_clock, ADVISOR)
    talk = await factory.begin_talk(store, frozen_clock, "wmOne", servicer=ADVISOR)
    mine = await listen(cookies, talk)
    await mine.next()
    await factory.begin_talk(store, frozen_clock, "wmOne", servicer="wangwu")

    for _ in range(5):
        frozen_clock.advance(timedelta(seconds=16))
        await watch.watch()

    assert (await mine.next()).data == {"why": "gone"}


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_whose_role_was_taken_away_hears_no_more_of_talks_and_groups_6(
    watch: DeskWatch, listen: Listen, store: Store, frozen_clock: FrozenClock
) -> None:
    cookies = await doors.sign_in(store, frozen_clock, ADVISOR, [Role.COMPLIANCE])
    talk = await factory.begin_talk(store, frozen_clock, "wmOne", servicer="wangwu")
    async with store.read() as tx:
        group = (await tx.execute(sa.select(tables.group.c.id).limit(1))).scalar_one()
    pages = [await listen(cookies, talk), await listen(cookies, group=group)]
    for page in pages:
        await page.next()
    async with store.read() as tx:
        login = await logins.find_login_of_staff(tx, ADVISOR)
    assert login is not None
    now = frozen_clock.now()
    await store.write(lambda tx: logins.set_roles(tx, login.id, [Role.ADVISOR], by="test", now=now))

    for _ in range(5):
        frozen_clock.advance(timedelta(seconds=16))
        await watch.watch()

    assert [(await page.next()).data for page in pages] == [{"why": "gone"}, {"why": "gone"}]


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_it_is_known_which_pages_are_open(
    watch: DeskWatch, listen: Listen, store: Store, frozen_clock: FrozenClock
) -> None:
    cookies = await doors.sign_in(store, frozen_clock, ADVISOR)
    talk = await factory.begin_talk(store, frozen_clock, "wmOne", servicer=ADVISOR)
    mine = await listen(cookies, talk)
    await mine.next()

    async def watching() -> bool:
        async with store.read() as tx:
            return await presence.is_watching(tx, ADVISOR, talk, frozen_clock.wall())

    assert await watching()
    await watch.watch()
    frozen_clock.advance(timedelta(seconds=40))
    await watch.watch()
    frozen_clock.advance(timedelta(seconds=40))
    assert await watching()
    # A process that died says nothing any more; the next look of another one forgets its pages.
    frozen_clock.advance(timedelta(seconds=10))
    assert not await watching()
    await store.write(lambda tx: presence.sweep(tx, frozen_clock.wall()))
    async with store.read() as tx:
        left = (await tx.execute(sa.select(sa.func.count()).select_from(tables.desk_presence))).scalar_one()
    assert left == 0


async def test_the_oldest_of_too_many_pages_of_one_person_gives_way() -> None:
    streams = Streams()
    opened = [
        streams.open(Wanted(staff=ADVISOR, session="s"), lambda: False) for _ in range(PERSON_LIMIT + 1)
    ]

    others = streams.open(Wanted(staff="wangwu", session="t"), lambda: False)

    assert not isinstance(opened[0], Bye)
    assert opened[0].farewell is Bye.MANY
    assert len(streams) == PERSON_LIMIT + 1
    assert not isinstance(others, Bye)


async def test_a_page_that_does_not_read_is_sent_away() -> None:
    streams = Streams()
    stream = streams.open(Wanted(staff=ADVISOR, session="s", conversations=(1,)), lambda: False)
    assert not isinstance(stream, Bye)

    streams.tell(News(kind=NewsKind.MESSAGE, subject=1, number=number) for number in range(1, 200))

    assert stream.farewell is Bye.SLOW
    assert await stream.next() is None

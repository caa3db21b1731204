"""The big screen of the desk: what it shows to whom, taking a customer over, whispering."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
import sqlalchemy as sa
from aiohttp import ClientResponse

from bot.clock import FrozenClock
from domain.delivery import Act
from domain.login import Role
from domain.platform import SessionState
from domain.suggestion import NewRound, NewSuggestion, Round, RoundHow, SuggestionSource, SuggestionState
from domain.talk import Author
from store import accounts, deliveries, presence, suggestions, tables, whispers
from store.database import Store
from store.whispers import WhisperFate
from tests.console import factory as console_factory
from tests.console.conftest import Pages
from tests.push import factory

CSRF = "csrf-of-the-test"
_numbers = itertools.count(1)
FORBIDDEN = "放心，本金一分都不会少，到期稳稳拿回来。"
FINE = "您好，保单补办带上身份证到任一网点就可以。"


class Desk:
    """The pages as somebody, and what stands behind them."""

    def __init__(self, pages: Pages, store: Store, clock: FrozenClock) -> None:
        self.pages, self.store, self.clock = pages, store, clock

    async def _cookies(self, role: Role) -> dict[str, str]:
        name, token = self.pages.names[role], f"t-{next(_numbers)}"
        return await console_factory.sign_in(self.store, name, self.clock, csrf=CSRF, token=token)

    async def see(self, role: Role, path: str = "/console/desk") -> str:
        answer = await self.pages.client.get(path, cookies=await self._cookies(role))
        assert answer.status == 200
        return await answer.text()

    async def post(self, role: Role, path: str, **fields: str) -> ClientResponse:
        return await self.pages.client.post(
            path, data={"csrf": CSRF, **fields}, cookies=await self._cookies(role), allow_redirects=False
        )

    async def moves(self, conversation: int) -> list[tuple[tuple[str, ...], str]]:
        async with self.store.read() as tx:
            wanted = sa.select(tables.delivery.c.key).where(
                tables.delivery.c.conversation_id == conversation, tables.delivery.c.act == Act.TRANSFER
            )
            found = [await deliveries.find(tx, key) for key in (await tx.execute(wanted)).scalars()]
        return [(one.body.servicers, one.body.taken_from) for one in found if one is not None]

    async def receives(self, who: str) -> None:
        now = self.clock.now()

        async def job(tx: object) -> None:
            await accounts.ensure(tx, factory.ACCOUNT, now)  # type: ignore[arg-type]
            await accounts.set_servicer(tx, factory.ACCOUNT, who, is_receiving=True, now=now)  # type: ignore[arg-type]

        await self.store.write(job)

    async def latest(self, conversation: int, who: str) -> Round | None:
        async with self.store.read() as tx:
            return await suggestions.find_latest(tx, conversation, who)


@pytest.fixture
async def desk(pages: Pages, store: Store, frozen_clock: FrozenClock) -> Desk:
    return Desk(pages, store, frozen_clock)


async def test_it_shows_who_waits_how_long_and_who_was_answered(desk: Desk) -> None:
    store, clock = desk.store, desk.clock
    queues = await factory.begin_talk(store, clock, "wmQueues", state=SessionState.POOL)
    waits = await factory.begin_talk(store, clock, "wmWaits", servicer="zhangsan")
    answered = await factory.begin_talk(store, clock, "wmAnswered", servicer="zhangsan")
    await factory.begin_talk(store, clock, "wmWithBot")
    for talk in (queues, waits, answered):
        await factory.say(store, clock, talk, f"问题{talk}")
    clock.advance(timedelta(minutes=1))
    await factory.say(store, clock, answered, "答好了", Author.SERVICER)
    clock.advance(timedelta(minutes=5))

    page = await desk.see(Role.SUPERVISOR)

    assert page.count("<strong>6 分钟</strong>") == 3  # The longest wait, and the two who wait.
    assert f"问题{queues}" in page
    assert "答好了" in page
    assert "已回话" in page
    assert "wmWithBot"[-6:] not in page
    assert "<textarea" not in page


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_an_advisor_sees_the_own_sessions_and_the_queue_only_while_receiving(desk: Desk) -> None:
    queues = await factory.begin_talk(desk.store, desk.clock, "wmQueues", state=SessionState.POOL)
    colleague = await factory.begin_talk(desk.store, desk.clock, "wmColleague", servicer="lisi")
    for talk in (queues, colleague):
        await factory.say(desk.store, desk.clock, talk, f"问题{talk}")

    before = await desk.see(Role.ADVISOR)
    refused = await desk.post(Role.ADVISOR, f"/console/desk/{queues}/take")
    await desk.receives("zhangsan")
    after = await desk.see(Role.ADVISOR)
    taken = await desk.post(Role.ADVISOR, f"/console/desk/{queues}/take")
    others = await desk.post(Role.ADVISOR, f"/console/desk/{colleague}/take")

    assert f"问题{queues}" not in before
    assert f"问题{queues}" in after
    assert f"问题{colleague}" not in after
    assert (refused.status, taken.status, others.status) == (404, 303, 404)
    assert await desk.moves(queues) == [(("zhangsan",), "")]
    assert await desk.moves(colleague) == []
    assert "正在转接" in await desk.see(Role.ADVISOR)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_a_supervisor_takes_over_from_a_colleague_once_and_only_while_receiving(desk: Desk) -> None:
    talk = await factory.begin_talk(desk.store, desk.clock, "wmOne", servicer="zhangsan")
    path = f"/console/desk/{talk}/take"

    absent = await desk.post(Role.SUPERVISOR, path)
    async with desk.store.read() as tx:
        wanted = sa.select(tables.staff.c.platform_id, tables.login.c.name).join(
            tables.login, tables.login.c.staff_id == tables.staff.c.id
        )
        members = {row.name: row.platform_id for row in await tx.execute(wanted)}
    me = members[desk.pages.names[Role.SUPERVISOR]]
    await desk.receives(me)
    taken = await desk.post(Role.SUPERVISOR, path)
    again = await desk.post(Role.SUPERVISOR, path)

    assert "wrong=desk_not_receiving" in absent.headers["Location"]
    assert "done=taking" in taken.headers["Location"]
    assert "wrong=desk_moving" in again.headers["Location"]
    assert await desk.moves(talk) == [((me,), "zhangsan")]


async def test_a_whisper_is_checked_and_comes_first_to_the_advisor(desk: Desk) -> None:
    talk = await factory.begin_talk(desk.store, desk.clock, "wmOne", servicer="zhangsan")
    await factory.say(desk.store, desk.clock, talk, "保单丢了怎么补办")
    path = f"/console/desk/{talk}/whisper"

    blocked = await desk.post(Role.SUPERVISOR, path, text=FORBIDDEN)
    nothing = await desk.latest(talk, "zhangsan")
    told = await desk.post(Role.SUPERVISOR, path, text=FINE)
    found = await desk.latest(talk, "zhangsan")

    assert blocked.status == 200
    assert "不能对客户说" in await blocked.text()
    assert nothing is None
    assert "done=whispered" in told.headers["Location"]
    assert found is not None
    first = found.suggestions[0]
    assert (first.source, first.text) == (SuggestionSource.WHISPER, FINE)
    async with desk.store.read() as tx:
        cards = (await tx.execute(sa.select(tables.notice.c.recipient))).scalars().all()
    assert cards == ["zhangsan"]  # The page is closed.

    now = desk.clock.now()
    await desk.store.write(lambda tx: suggestions.decide(tx, first.id, SuggestionState.USED, now=now))
    await desk.store.write(lambda tx: whispers.settle(tx, now))
    async with desk.store.read() as tx:
        kept = await whispers.list_latest(tx, [talk])
    assert kept[talk].fate is WhisperFate.USED


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_an_open_page_gets_no_card_for_a_whisper(desk: Desk) -> None:
    talk = await factory.begin_talk(desk.store, desk.clock, "wmOne", servicer="zhangsan")
    wall = desk.clock.wall()
    await desk.store.write(lambda tx: presence.add(tx, "k", "zhangsan", talk, process="p", wall=wall))

    await desk.post(Role.SUPERVISOR, f"/console/desk/{talk}/whisper", text=FINE)

    async with desk.store.read() as tx:
        cards = (await tx.execute(sa.select(sa.func.count()).select_from(tables.notice))).scalar_one()
        made = (await tx.execute(sa.select(sa.func.count()).select_from(tables.whisper))).scalar_one()
    assert (cards, made) == (0, 1)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_a_whisper_brings_no_words_along_that_are_over_6(desk: Desk) -> None:
    talk = await factory.begin_talk(desk.store, desk.clock, "wmOne", servicer="zhangsan")
    asked = await factory.say(desk.store, desk.clock, talk, "我的电话是13800138000，保单丢了")
    path, now = f"/console/desk/{talk}/whisper", desk.clock.now()
    over = NewSuggestion(
        source=SuggestionSource.FAQ,
        source_id="insurance.withdrawn",
        question="",
        text="保单丢了不用管。",
        line=None,
        score=1.0,
        reasons=(),
    )
    round_ = NewRound(
        conversation_id=talk,
        staff_platform_id="zhangsan",
        message_id=asked,
        question_id=None,
        asked="",
        question_key="",
        line=None,
        how=RoundHow.PUSHED,
        needs_qualified=None,
        suggestions=(over,),
    )

    await desk.post(Role.SUPERVISOR, path, text=FINE)
    first = await desk.latest(talk, "zhangsan")
    await desk.store.write(lambda tx: suggestions.record_round(tx, round_, now))
    await desk.post(Role.SUPERVISOR, path, text=FINE)
    second = await desk.latest(talk, "zhangsan")

    assert first is not None
    assert second is not None
    assert "13800138000" not in first.asked
    assert [one.text for one in second.suggestions] == [FINE]

"""Every address of the phone page for everybody around a group, compared with docs/access.md."""

from __future__ import annotations

import functools
import re
from collections.abc import AsyncIterator
from itertools import chain

import pytest
import sqlalchemy as sa
from aiohttp import ClientSession, DummyCookieJar, TCPConnector
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import FrozenClock
from domain.attention import NewNotice, NoticeKind
from domain.groups import MemberKind
from domain.login import Role
from store import handovers, notices, own_wordings, tables
from store.database import Store
from tests.console.factory import HOUSE
from tests.reviews import factory as reviews_factory
from tests.reviews.conftest import make_case
from tests.sidebar import desk_factory, doors, factory
from tests.sidebar.conftest import Phone

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

OPEN = {"/sidebar/enter", "/sidebar/login/return", "/sidebar/static/{digest}/{name}", "/sidebar/lib/{name}"}
PEOPLE = {
    "stranger": "wangwu",
    "told": "zhaoliu",
    "inside": "sunqi",
    "executor": "zhouba",
    "owner": factory.OWNER,
    "leader": factory.LEADER,
}


AROUND_CUSTOMER = {
    "stranger": "wangwu",
    "inside": factory.CO_OWNER,
    "parted": "zhaoliu",
    "advisor": factory.OWNER,
    "serving": "qianduo",
    "leader": factory.LEADER,
    "compliance": "zhoubing",
}


AROUND_SENDING = {"stranger": factory.STRANGER, "self": factory.OWNER}


AROUND_FINDING = {"stranger": "wangwu", "leader": factory.LEADER, "self": factory.OWNER}
AROUND_SESSION = {"stranger": factory.STRANGER, "servicer": factory.OWNER}
AROUND_WORDING = {"other": factory.LEADER, "author": factory.OWNER}
TABLES = (PEOPLE, AROUND_CUSTOMER, AROUND_SENDING, AROUND_FINDING, AROUND_SESSION, AROUND_WORDING)


def documented(people: dict[str, str] = PEOPLE) -> dict[str, dict[str, str]]:
    """The table of docs/access.md about these people: address to person to word."""
    text = (HOUSE / "docs" / "access.md").read_text("utf-8")
    head = re.escape(f"| phone page | {' | '.join(people)} |")
    (table,) = re.findall(rf"^{head}\n((?:\|.*\n)+)", text, re.MULTILINE)
    rows = re.findall(r"^\| `((?:GET|POST) /sidebar/[^`]*)` \|(.*)\|$", table, re.MULTILINE)
    return {
        address: dict(zip(people, [word.strip() for word in words.split("|")], strict=True))
        for address, words in rows
    }


@pytest.fixture
async def client() -> AsyncIterator[ClientSession]:
    connector = TCPConnector(force_close=True)
    async with ClientSession(cookie_jar=DummyCookieJar(), connector=connector) as session:
        yield session


async def gather(store: Store, clock: FrozenClock, phone: Phone) -> None:
    """Put everybody around the group who is not there yet."""

    async def job(tx: AsyncConnection) -> None:
        its = tables.occurrence.c.id == phone.scene.confirm
        await tx.execute(sa.update(tables.occurrence).where(its).values(executor=PEOPLE["executor"]))
        await tx.execute(
            sa.insert(tables.group_member).values(
                group_id=phone.scene.group,
                member_platform_id=PEOPLE["inside"],
                kind=MemberKind.STAFF,
                joined_at=clock.now(),
            )
        )
        notice = NewNotice(
            key="n1",
            recipient=PEOPLE["told"],
            kind=NoticeKind.TELL,
            title="t",
            occurrence_id=phone.scene.confirm,
            due_at=clock.now(),
        )
        await notices.add(tx, [notice], clock.now())

    await store.write(job)


def meaning(status: int) -> str:
    return {403: "see", 404: "no"}.get(status, "yes")


async def test_every_address_answers_everybody_as_documented(
    phone: Phone, client: ClientSession, store: Store, frozen_clock: FrozenClock
) -> None:
    await gather(store, frozen_clock, phone)
    wrong = []

    for address, row in documented().items():
        method, path = address.split(" ")
        number = phone.scene.question if "/questions/" in path else phone.scene.confirm
        wanted = path.replace("{id}", str(number)).replace("{place}", "0")
        for person, word in row.items():
            answer = await client.request(
                method,
                phone.at(wanted),
                params={"chat_id": factory.CHAT} if path.endswith("/group") else None,
                data={
                    "csrf": doors.CSRF,
                    "chat_id": factory.CHAT,
                    "text": "x",
                    "note": "x",
                    "reason": "x",
                    "point": "0",
                }
                if method == "POST"
                else None,
                cookies=await doors.sign_in(store, frozen_clock, PEOPLE[person]),
                allow_redirects=False,
            )
            # A stream of events has no end of its own.
            answer.close()
            if word != "own" and meaning(answer.status) != word:
                wrong.append(f"{address} as {person}: {word}, got {answer.status}")
            if word == "own" and answer.status not in (200, 400):
                wrong.append(f"{address} as {person}: got {answer.status}")

    assert not wrong, "\n".join(wrong)


async def test_a_customers_page_answers_everybody_as_documented(
    phone: Phone, client: ClientSession, store: Store, frozen_clock: FrozenClock
) -> None:
    around = AROUND_CUSTOMER
    await doors.befriend(store, frozen_clock, around["advisor"], factory.CUSTOMER, parted=around["parted"])
    await desk_factory.serve(store, frozen_clock, around["serving"])
    wrong = []

    for address, row in documented(AROUND_CUSTOMER).items():
        method, path = address.split(" ")
        for person, word in row.items():
            roles = [Role.COMPLIANCE] if person == "compliance" else [Role.ADVISOR]
            answer = await client.request(
                method,
                phone.at(path),
                params={"external_userid": factory.CUSTOMER},
                data={"csrf": doors.CSRF, "note": "x"} if method == "POST" else None,
                cookies=await doors.sign_in(store, frozen_clock, around[person], roles),
                allow_redirects=False,
            )
            if meaning(answer.status) != word:
                wrong.append(f"{address} as {person}: {word}, got {answer.status}")

    assert not wrong, "\n".join(wrong)


async def test_a_sending_answers_nobody_but_its_own_person(
    phone: Phone, client: ClientSession, store: Store, frozen_clock: FrozenClock
) -> None:
    await doors.befriend(store, frozen_clock, factory.OWNER, factory.CUSTOMER)
    round_ = await desk_factory.offer(store, frozen_clock, factory.OWNER)
    key = await desk_factory.begin(client, phone, store, frozen_clock, factory.OWNER, "稍等，我帮您查一下。")
    wrong = []

    for address, row in documented(AROUND_SENDING).items():
        method, path = address.split(" ")
        for person, word in row.items():
            answer = await client.request(
                method,
                phone.at(path.replace("{id}", str(round_.suggestions[0].id))),
                params={"external_userid": factory.CUSTOMER},
                data={"csrf": doors.CSRF, "key": key, "is_sent": "yes"} if method == "POST" else None,
                cookies=await doors.sign_in(store, frozen_clock, AROUND_SENDING[person]),
                allow_redirects=False,
            )
            if meaning(answer.status) != word.replace("own", "yes"):
                wrong.append(f"{address} as {person}: {word}, got {answer.status}")

    assert not wrong, "\n".join(wrong)


async def test_own_words_answer_nobody_but_their_author(
    phone: Phone, client: ClientSession, store: Store, frozen_clock: FrozenClock
) -> None:
    now = frozen_clock.now()
    kept = await store.write(
        lambda tx: own_wordings.keep(
            tx, factory.OWNER, "先看看合同里怎么写的。", "x", "", None, "", None, now
        )
    )
    wrong = []

    for address, row in documented(AROUND_WORDING).items():
        method, path = address.split(" ")
        for person, word in row.items():
            answer = await client.request(
                method,
                phone.at(path.replace("{id}", str(kept))),
                data={"csrf": doors.CSRF} if method == "POST" else None,
                cookies=await doors.sign_in(store, frozen_clock, AROUND_WORDING[person], [Role.SUPERVISOR]),
                allow_redirects=False,
            )
            told = "先看看合同" in await answer.text()
            if meaning(answer.status) != word.replace("own", "yes") or (told and person != "author"):
                wrong.append(f"{address} as {person}: {word}, got {answer.status}")

    assert not wrong, "\n".join(wrong)


async def test_a_session_is_given_back_by_nobody_but_who_serves(
    phone: Phone, client: ClientSession, store: Store, frozen_clock: FrozenClock
) -> None:
    await desk_factory.serve(store, frozen_clock, AROUND_SESSION["servicer"])
    given = await store.write(lambda tx: assign_all(tx, AROUND_SESSION["servicer"], frozen_clock))
    wrong = []

    for address, row in documented(AROUND_SESSION).items():
        for person, word in row.items():
            answer = await client.post(
                phone.at(address.split(" ")[1].replace("{id}", str(given))),
                data={"csrf": doors.CSRF},
                cookies=await doors.sign_in(store, frozen_clock, AROUND_SESSION[person]),
                allow_redirects=False,
            )
            if meaning(answer.status) != word:
                wrong.append(f"{address} as {person}: {word}, got {answer.status}")

    assert not wrong, "\n".join(wrong)


async def test_a_session_given_back_twice_is_refused_the_second_time(
    phone: Phone, client: ClientSession, store: Store, frozen_clock: FrozenClock
) -> None:
    await desk_factory.serve(store, frozen_clock, factory.OWNER)
    given = await store.write(lambda tx: assign_all(tx, factory.OWNER, frozen_clock))
    cookies = await doors.sign_in(store, frozen_clock, factory.OWNER)

    answers = [
        await client.post(
            phone.at(f"/sidebar/handovers/{given}/give-back"),
            data={"csrf": doors.CSRF},
            headers={"Accept": "application/json"},
            cookies=cookies,
        )
        for _ in range(2)
    ]

    assert [answer.status for answer in answers] == [200, 409]
    assert await answers[1].json() == {"refused": "handover_moving"}


async def assign_all(tx: AsyncConnection, who: str, clock: FrozenClock) -> int:
    """Begin the hand-over of the one talk of customer service; return its id."""
    wanted = sa.select(tables.kf_state.c.conversation_id).where(tables.kf_state.c.servicer_id == who)
    talk = int((await tx.execute(wanted)).scalars().first() or 0)
    return (await handovers.assign(tx, talk, who, clock.now())).id


async def test_ones_own_audit_answers_everybody_as_documented(
    phone: Phone, client: ClientSession, store: Store, frozen_clock: FrozenClock
) -> None:
    case = await store.write(functools.partial(make_case, subject=AROUND_FINDING["self"]))
    await reviews_factory.confirm(store, frozen_clock, case)
    wrong = []

    for address, row in documented(AROUND_FINDING).items():
        method, path = address.split(" ")
        number = await latest_appeal(store) if "/appeals/" in path else case.red
        for person, word in row.items():
            answer = await client.request(
                method,
                phone.at(path.replace("{id}", str(number))),
                data={"csrf": doors.CSRF, "reason": "x", "act": "withdraw"} if method == "POST" else None,
                cookies=await doors.sign_in(store, frozen_clock, AROUND_FINDING[person]),
                allow_redirects=False,
            )
            if meaning(answer.status) != word.replace("own", "yes"):
                wrong.append(f"{address} as {person}: {word}, got {answer.status}")

    assert not wrong, "\n".join(wrong)


async def latest_appeal(store: Store) -> int:
    async with store.read() as tx:
        return int((await tx.execute(sa.select(sa.func.max(tables.appeal.c.id)))).scalar_one())


async def test_an_administrator_who_leads_nobody_sees_no_customer(
    phone: Phone, client: ClientSession, store: Store, frozen_clock: FrozenClock
) -> None:
    await doors.befriend(store, frozen_clock, factory.OWNER, factory.CUSTOMER)

    answer = await client.get(
        phone.at("/sidebar/customer"),
        params={"external_userid": factory.CUSTOMER},
        cookies=await doors.sign_in(store, frozen_clock, factory.STRANGER, [Role.ADMIN]),
    )

    assert answer.status == 404


async def test_nobody_unknown_gets_past_the_entrance(phone: Phone, client: ClientSession) -> None:
    for address in chain(*map(documented, TABLES)):
        method, path = address.split(" ")
        wanted = path.replace("{id}", "1").replace("{place}", "0")
        answer = await client.request(method, phone.at(wanted), allow_redirects=False)

        location = answer.headers.get("Location", "")
        went_to_platform = answer.status == 303 and location.startswith(f"{phone.box.url}/connect/oauth2/")
        assert went_to_platform or (method == "POST" and answer.status == 200), address


async def test_no_address_is_missing_from_the_documentation(phone: Phone) -> None:
    found = {
        f"{route.method} {route.resource.canonical}"
        for resource in phone.app.router.resources()
        for route in resource
        if route.resource and route.method != "HEAD" and route.resource.canonical != "/sidebar"
    }
    closed = {address for address in found if address.split(" ")[1] not in OPEN}

    assert closed == set().union(*map(documented, TABLES))


async def test_somebody_in_a_team_sees_no_other_groups_of_the_team(
    phone: Phone, client: ClientSession, store: Store, frozen_clock: FrozenClock
) -> None:
    both = tables.staff.c.platform_id.in_([factory.OWNER, factory.STRANGER])
    await store.write(lambda tx: tx.execute(sa.update(tables.staff).where(both).values(team="一组")))

    answer = await client.get(
        phone.at(f"/sidebar/steps/{phone.scene.send}"),
        cookies=await doors.sign_in(store, frozen_clock, factory.STRANGER),
    )

    assert answer.status == 404

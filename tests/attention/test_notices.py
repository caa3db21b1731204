"""Notices in the store, on both engines."""

from __future__ import annotations

import pytest

from domain.attention import NoticeState
from store import notices
from store.database import Store
from tests.attention import factory
from tests.attention.factory import at


async def test_a_notice_is_added_once(store: Store) -> None:
    one = factory.new(at("10:00"), key="step-1", text="Say hello.", url="/sidebar/steps/1", line="wealth")

    await store.write(lambda tx: notices.add(tx, [one, factory.new(at("11:00"), key="step-1")], at("09:00")))
    await store.write(lambda tx: notices.add(tx, [one], at("09:01")))

    async with store.read() as tx:
        (found,) = await notices.list_waiting(tx, ["wang"])
    assert (found.key, found.due_at, found.text, found.url) == ("step-1", at("10:00"), one.text, one.url)
    assert (found.line, found.state, found.told) == ("wealth", NoticeState.WAITING, "")


async def test_a_person_sees_the_own_notices_and_those_told_instead_of_another(store: Store) -> None:
    mine = factory.new(at("10:00"), recipient="wang")
    others = factory.new(at("10:00"), recipient="li")
    await store.write(lambda tx: notices.add(tx, [mine, others], at("09:00")))

    async def tell(tx: object) -> None:
        (held,) = await notices.list_waiting(tx, ["li"])  # type: ignore[arg-type]
        await notices.set_listed(tx, [held.id], "wang")  # type: ignore[arg-type]

    await store.write(tell)

    async with store.read() as tx:
        assert {one.key for one in await notices.list_of(tx, "wang", at("08:00"))} == {mine.key, others.key}
        assert {one.key for one in await notices.list_of(tx, "li", at("08:00"))} == {others.key}
        assert await notices.list_of(tx, "wang", at("09:01")) == []


async def test_people_are_looked_at_when_their_first_notice_is_due(store: Store) -> None:
    new = [
        factory.new(at("10:05"), recipient="wang"),
        factory.new(at("10:00"), recipient="li"),
        factory.new(at("12:00"), recipient="zhao"),
    ]
    await store.write(lambda tx: notices.add(tx, new, at("09:00")))

    async with store.read() as tx:
        assert await notices.list_due_recipients(tx, at("09:59"), 10) == []
        assert await notices.list_due_recipients(tx, at("10:05"), 10) == ["li", "wang"]
        assert await notices.find_next_look(tx) == at("10:00")


@pytest.mark.parametrize(
    "changes",
    [{"key": ""}, {"key": "k" * 65}, {"recipient": ""}, {"title": ""}, {"url": "https://example.com"}],
    ids=str,
)
def test_a_notice_that_could_not_be_told_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="notice"):
        factory.new(at("10:00"), **changes)

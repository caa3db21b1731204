"""store/page_visits.py and store/week_pages.py on both engines."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.clock import FrozenClock
from domain.enrolment import OccurrenceState
from domain.week_pages import WeekPage
from store import page_visits, tables, week_pages
from store.database import Store
from store.page_visits import PageCount
from tests.week_pages import factory


async def visit(store: Store, clock: FrozenClock, enrolment: int, visitor: str, page: WeekPage) -> bool:
    now = clock.now()
    return await store.write(lambda tx: page_visits.record_visit(tx, enrolment, page, visitor, now))


async def answer(
    store: Store,
    clock: FrozenClock,
    enrolment: int,
    visitor: str,
    said: str,
    page: WeekPage = WeekPage.FEEDBACK,
    note: str | None = None,
) -> bool:
    now = clock.now()
    return await store.write(
        lambda tx: page_visits.record_answer(tx, enrolment, page, visitor, said, now, note=note)
    )


async def test_a_visitor_counts_once_for_each_page_and_group(store: Store, frozen_clock: FrozenClock) -> None:
    first = await factory.add_week(store, frozen_clock.now())
    other = await factory.add_week(store, frozen_clock.now(), code="other-group")

    assert await visit(store, frozen_clock, first, "a", WeekPage.GUIDE)
    assert not await visit(store, frozen_clock, first, "a", WeekPage.GUIDE)
    assert await visit(store, frozen_clock, first, "b", WeekPage.GUIDE)
    assert await visit(store, frozen_clock, first, "a", WeekPage.ARTICLE)
    assert await visit(store, frozen_clock, first, "a", WeekPage.REPLAY)
    assert await visit(store, frozen_clock, other, "a", WeekPage.GUIDE)

    async with store.read() as tx:
        counts = await page_visits.counts(tx, first)
        assert counts[WeekPage.GUIDE] == PageCount(visitors=2, answers=0)
        assert counts[WeekPage.FEEDBACK] == PageCount(visitors=0, answers=0)
        assert set(counts) == set(WeekPage)
        assert await page_visits.count_readers(tx, first) == 1


async def test_an_answer_can_be_changed_and_taken_back(store: Store, frozen_clock: FrozenClock) -> None:
    week = await factory.add_week(store, frozen_clock.now())

    await answer(store, frozen_clock, week, "a", "yes", WeekPage.EVENT)
    async with store.read() as tx:
        assert (await page_visits.counts(tx, week))[WeekPage.EVENT].answers == 1
    await answer(store, frozen_clock, week, "a", "", WeekPage.EVENT)

    async with store.read() as tx:
        assert (await page_visits.counts(tx, week))[WeekPage.EVENT] == PageCount(visitors=1, answers=0)
        kept = await page_visits.find_answer(tx, week, WeekPage.EVENT, "a")
        assert kept is not None
        assert kept.answered_at is None


async def test_feedback_is_averaged_over_who_gave_any(store: Store, frozen_clock: FrozenClock) -> None:
    week = await factory.add_week(store, frozen_clock.now())
    async with store.read() as tx:
        assert await page_visits.find_feedback(tx, week) is None

    await visit(store, frozen_clock, week, "silent", WeekPage.FEEDBACK)
    for visitor, score in (("a", "5"), ("b", "2"), ("b", "4")):
        await answer(store, frozen_clock, week, visitor, score)

    async with store.read() as tx:
        assert await page_visits.find_feedback(tx, week) == 4.5


async def test_a_line_of_text_stays_until_it_is_replaced_or_removed(
    store: Store, frozen_clock: FrozenClock
) -> None:
    week = await factory.add_week(store, frozen_clock.now())

    async def notes() -> list[str]:
        async with store.read() as tx:
            return [one.note for one in await page_visits.list_notes(tx, week)]

    await answer(store, frozen_clock, week, "a", "2", note="太长了" * 100)
    assert [len(note) for note in await notes()] == [page_visits.NOTE_LIMIT_CHARACTERS]
    await answer(store, frozen_clock, week, "a", "3")
    assert len(await notes()) == 1
    frozen_clock.advance(timedelta(minutes=1))
    await answer(store, frozen_clock, week, "b", "5", note="好")
    await answer(store, frozen_clock, week, "a", "3", note="")

    assert await notes() == ["好"]


async def test_a_page_takes_so_many_visitors_and_others_still_take_theirs(
    store: Store, frozen_clock: FrozenClock
) -> None:
    week = await factory.add_week(store, frozen_clock.now())
    numbers = range(page_visits.PAGE_ROWS + 40)

    await asyncio.gather(
        *(visit(store, frozen_clock, week, f"flood{number}", WeekPage.GUIDE) for number in numbers)
    )

    async with store.read() as tx:
        rows = await tx.execute(sa.select(sa.func.count()).select_from(tables.page_visit))
        assert rows.scalar_one() == page_visits.PAGE_ROWS
    assert not await answer(store, frozen_clock, week, "late", "yes", WeekPage.GUIDE)
    assert await answer(store, frozen_clock, week, "flood0", "yes", WeekPage.GUIDE)
    assert await answer(store, frozen_clock, week, "late", "5")


@pytest.mark.parametrize("state", OccurrenceState)
async def test_the_publication_is_out_once_it_was_released(
    store: Store, frozen_clock: FrozenClock, state: OccurrenceState
) -> None:
    week = await factory.add_week(store, frozen_clock.now(), publication=state)

    async with store.read() as tx:
        found = await week_pages.find_publication(tx, week, ["publication"])

    out = {"released", "waiting_owner", "reminded", "escalated", "sent", "sent_late", "partly_sent"}
    waits = {"planned", "blocked", "due"}
    due_at = frozen_clock.now() + timedelta(days=2)
    assert found.is_out is (state in out)
    assert found.due_at == (due_at if state in out | waits else None)


async def test_answered_questions_are_counted(store: Store, frozen_clock: FrozenClock) -> None:
    week = await factory.add_week(store, frozen_clock.now())
    await factory.add_questions(store, week, frozen_clock.now(), "answered", "open", "answered", "dropped")

    async with store.read() as tx:
        assert await week_pages.count_answered(tx, week) == 2

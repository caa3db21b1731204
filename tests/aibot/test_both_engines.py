"""What the robot's tables do, on both engines: asked, answered, fetched, lapsed, rated, and two hands at once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from domain.colleague import ColleagueAnswer, Feedback, NewStaffQuestion, StaffQuestion, StaffQuestionState
from domain.replies import AnswerKind
from store import staff_questions
from store.database import Store
from tests.aibot.office import MORNING
from tests.plugins.database import ENGINES

ANSWER = ColleagueAnswer(decision=AnswerKind.ANSWER, text="以合同为准", faq_id="loan.prepay")


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def add(store: Store, number: int = 1) -> StaffQuestion:
    new = NewStaffQuestion(
        msgid=f"aibot:{number}",
        stream_id=f"stream{number}",
        staff_id="lisi",
        chat_id="",
        asked="提前还款",
        asked_at=MORNING + timedelta(minutes=number),
        response_url="https://example.com/1",
    )
    return await store.write(lambda tx: staff_questions.add(tx, new))


async def answer(store: Store, question: StaffQuestion) -> StaffQuestion | None:
    return await store.write(
        lambda tx: staff_questions.record_answer(tx, question.id, ANSWER, delivery_key="k", now=MORNING)
    )


async def test_a_question_is_kept_once_and_answered_once(store: Store) -> None:
    first, again = await add(store), await add(store)
    told, twice = await answer(store, first), await answer(store, first)

    assert first == again
    assert told is not None
    assert (told.state, told.answer) == (StaffQuestionState.WORKING, "以合同为准")
    assert twice is None


async def test_fetched_and_lapsed_exclude_each_other(store: Store) -> None:
    fetched, lapsed = await add(store, 1), await add(store, 2)
    for one in (fetched, lapsed):
        await answer(store, one)

    async def give(one: StaffQuestion) -> bool:
        return await store.write(lambda tx: staff_questions.set_done(tx, one.id, MORNING))

    async def lapse(one: StaffQuestion) -> StaffQuestion | None:
        return await store.write(lambda tx: staff_questions.lapse(tx, one.id))

    assert await give(fetched)
    assert not await give(fetched)
    assert await lapse(fetched) is None
    assert (gone := await lapse(lapsed)) is not None
    assert (gone.state, gone.answer) == (StaffQuestionState.LAPSED, "以合同为准")
    assert not await give(lapsed)


async def test_two_who_lapse_at_once_do_it_once(store: Store) -> None:
    question = await add(store)

    async def lapse() -> StaffQuestion | None:
        return await store.write(lambda tx: staff_questions.lapse(tx, question.id))

    done = await asyncio.gather(lapse(), lapse())

    assert [one is not None for one in done].count(True) == 1


async def test_what_is_overdue_and_what_was_asked_before_are_found(store: Store) -> None:
    questions = [await add(store, number) for number in (1, 2, 3)]
    await answer(store, questions[0])
    await answer(store, questions[1])

    async with store.read() as tx:
        overdue = await staff_questions.list_overdue(tx, MORNING + timedelta(minutes=2))
        earlier = await staff_questions.list_earlier(tx, "lisi", "", since=MORNING, door="aibot:")
        other = await staff_questions.list_earlier(tx, "lisi", "", since=MORNING, door="assistant:")
        none = await staff_questions.find_by_stream(tx, "nobody's")

    assert [one.stream_id for one in overdue] == ["stream1", "stream2"]
    assert [one.stream_id for one in earlier] == ["stream2", "stream1"]
    assert (other, none) == ([], None)


async def test_the_last_feedback_counts(store: Store) -> None:
    question = await add(store)

    kept = []
    for verdict in (Feedback.ACCURATE, Feedback.INACCURATE, Feedback.WITHDRAWN):
        assert await store.write(
            lambda tx, verdict=verdict: staff_questions.rate(tx, question.stream_id, verdict)  # type: ignore[misc]
        )
        async with store.read() as tx:
            found = await staff_questions.find_by_stream(tx, question.stream_id)
        kept.append(found.feedback if found else None)

    assert kept == [Feedback.ACCURATE, Feedback.INACCURATE, None]

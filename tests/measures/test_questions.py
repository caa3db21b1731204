"""Questions on record: marked, heard in a KF talk, answered, given to a case, counted."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from domain.enrolment import Question, QuestionSource, QuestionState
from store import conversations, customers, questions, tables
from store.database import Store
from tests.measures import place as places
from tests.measures.factory import at
from tests.measures.place import ADVISOR, OWNER


async def marked(
    place: places.Place, text: str = "提前还款要手续费吗", *, hours: float = 2, **more: str
) -> Question:
    number = await place.store.write(
        lambda tx: questions.mark(tx, text=text, by=ADVISOR, now=at(hours), group_id=place.group_id, **more)
    )
    return await found(place.store, number)


async def found(store: Store, number: int) -> Question:
    async with store.read() as tx:
        asked = await questions.find(tx, number)
    assert asked is not None
    return asked


async def set_late(store: Store, asked: Question, hours: float) -> None:
    late_at = at(hours)
    changed = sa.update(tables.question).where(tables.question.c.id == asked.id).values(late_at=late_at)
    await store.write(lambda tx: tx.execute(changed))


async def test_a_marked_question_waits_for_the_watch_under_its_enrolment(store: Store) -> None:
    place = await places.founded(store)

    asked = await marked(place, asker="wmA")

    assert (asked.source, asked.state) == (QuestionSource.MARK, QuestionState.OPEN)
    assert (asked.enrolment_id, asked.asker, asked.marked_by) == (place.enrolment.id, "wmA", ADVISOR)
    assert asked.next_at == at(2)
    async with store.read() as tx:
        assert await questions.list_open_of_group(tx, place.group_id) == [asked]
        assert await questions.find_next(tx) == at(2)


async def test_a_question_ends_once(store: Store) -> None:
    place = await places.founded(store)
    asked = await marked(place)

    first = await store.write(
        lambda tx: questions.answer(tx, asked.id, by=OWNER, now=at(3), faq_id="loan.prepay")
    )
    second = await store.write(lambda tx: questions.drop(tx, asked.id, by=ADVISOR, now=at(4)))

    ended = await found(store, asked.id)
    assert (first, second) == (True, False)
    assert (ended.state, ended.answered_by, ended.answered_at) == (QuestionState.ANSWERED, OWNER, at(3))
    assert (ended.faq_id, ended.next_at) == ("loan.prepay", None)


async def test_a_ticket_opens_one_case_for_the_customer(store: Store) -> None:
    place = await places.founded(store)
    await places.joined(place, "wmA")
    asked = await marked(place, asker="wmA")

    case_id = await store.write(
        lambda tx: questions.ticket(tx, asked.id, by=ADVISOR, due_at=at(30), now=at(3))
    )
    again = await store.write(lambda tx: questions.ticket(tx, asked.id, by=ADVISOR, due_at=at(30), now=at(3)))

    cases = await places.rows(store, tables.case)
    assert [(one.id, one.kind, one.reason) for one in cases] == [(case_id, "question", "group_question")]
    assert cases[0].customer_id is not None
    assert again is None
    assert (await found(store, asked.id)).state is QuestionState.TICKETED


async def test_counts_judge_by_the_time_each_question_had(store: Store) -> None:
    place = await places.founded(store)
    other = await places.founded(store)
    late, timely, waiting, overdue, none = [await marked(place, f"问 {n}") for n in range(5)]
    for asked, hours in ((late, 3), (timely, 5), (waiting, 20), (overdue, 4), (none, 3)):
        await set_late(store, asked, hours)
    await store.write(lambda tx: questions.answer(tx, late.id, by=OWNER, now=at(3.5)))
    await store.write(lambda tx: questions.answer(tx, timely.id, by=OWNER, now=at(5)))
    await store.write(lambda tx: questions.drop(tx, none.id, by=OWNER, now=at(9)))

    async with store.read() as tx:
        found = await questions.count(tx, [place.group_id, other.group_id], at(0), at(10))
        before = await questions.count(tx, [place.group_id], at(2.5), at(10))

    assert found == {place.group_id: questions.QuestionCounts(asked=4, answered=2, open=2, late=2, pending=1)}
    assert found[place.group_id].judged == 3
    assert before == {}


async def test_a_kf_question_counts_for_the_group_its_customer_is_in_and_for_none_outside(
    store: Store,
) -> None:
    place = await places.founded(store)
    await places.joined(place, "wmIn")

    async def talk(name: str) -> tuple[int, list[int]]:
        async def add(tx: object) -> tuple[int, list[int]]:
            ids = await customers.ensure(tx, [name], at(0))  # type: ignore[arg-type]
            talks = await conversations.ensure(tx, "kf", "wkA", [ids[name]], at(0))  # type: ignore[arg-type]
            number = talks[ids[name]].id
            said = [
                {
                    "conversation_id": number,
                    "source": f"kf:{name}",
                    "msgid": f"m{place}",
                    "author": "customer",
                    "kind": "text",
                    "sent_at": at(1),
                    "recorded_at": at(1),
                    "digest": "",
                }
                for place in range(2)
            ]
            added = sa.insert(tables.message).values(said).returning(tables.message.c.id)
            return number, list((await tx.execute(added)).scalars().all())  # type: ignore[attr-defined]

        return await store.write(add)

    inside, said = await talk("wmIn")
    outside, elsewhere = await talk("wmOut")

    async def record(conversation_id: int, message_id: int) -> int:
        return await store.write(
            lambda tx: questions.record_kf(tx, conversation_id, message_id, "我的保单呢", at(1))
        )

    first = await record(inside, said[0])
    assert await record(inside, said[0]) == first
    assert await record(inside, said[1]) == first  # It belongs to the one that is open.
    assert (await found(store, await record(outside, elsewhere[0]))).group_id is None
    asked = await found(store, first)
    assert (asked.source, asked.group_id, asked.asker) == (QuestionSource.KF, place.group_id, "wmIn")


async def test_long_words_are_cut_and_a_time_to_come_is_now(store: Store) -> None:
    place = await places.founded(store)

    number = await store.write(
        lambda tx: questions.mark(
            tx,
            text="问" * 5000,
            by=ADVISOR,
            now=at(2),
            group_id=place.group_id,
            asked_at=at(2) + timedelta(days=1),
        )
    )

    asked = await found(store, number)
    assert len(asked.text) == questions.TEXT_LIMIT_CHARACTERS
    assert asked.asked_at == at(2)

"""Taps on cards: from the event to the act on the step and the new word on the card, on both engines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.card_events import CardEvents
from content import card_words
from domain.attention import CardAnswer, NoticeState
from domain.enrolment import OccurrenceState
from domain.errors import ActRefused, ChannelUnreachable
from domain.platform import CardTapped
from domain.sop import DeliveryCode
from scheduler import acts
from store import cards, events, notices, occurrences
from store.events import EventState, StoredEvent
from store.tables import event as event_table
from tests.attention import factory
from tests.attention.factory import at
from tests.attention.office import Office
from tests.measures import place


@dataclass
class Desk:
    """Does what scheduler/acts.py promises, as simply as can be, and remembers it."""

    done_steps: list[tuple[int, str]] = field(default_factory=list)
    later: list[tuple[int, datetime, str]] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)
    ends_as: OccurrenceState = OccurrenceState.SENT

    async def done(self, tx: AsyncConnection, occurrence_id: int, *, by: str, now: datetime) -> None:
        found = await occurrences.find(tx, occurrence_id)
        assert found is not None
        if found.state is not OccurrenceState.WAITING_OWNER:
            raise ActRefused("这一步已经结束了")
        await occurrences.save(tx, [replace(found, state=self.ends_as)])
        self.done_steps.append((occurrence_id, by))

    async def postpone(
        self, tx: AsyncConnection, occurrence_id: int, *, by: str, until: datetime, reason: str, now: datetime
    ) -> None:
        self.later.append((occurrence_id, until, reason))

    async def problem(
        self, tx: AsyncConnection, occurrence_id: int, *, by: str, note: str, now: datetime
    ) -> None:
        self.problems.append((occurrence_id, note))


@dataclass
class Phone:
    """What members see on the buttons; `is_down`: the platform does not answer."""

    said: list[tuple[str, str]] = field(default_factory=list)
    is_down: bool = False

    async def update_card(self, code: str, staff_ids: Sequence[str], said: str) -> None:
        if self.is_down:
            raise ChannelUnreachable(retry_after=timedelta(seconds=1))
        self.said.append((code, said))


@dataclass
class Scene:
    """An advisor with the card of one step in hand."""

    office: Office
    step: int
    desk: Desk
    phone: Phone
    worker: CardEvents
    taps: int = 0

    async def tap(self, key: str = "done", *, task_id: str = "", staff_id: str = "wang") -> EventState:
        """Tap a button as the platform tells it; return how the event ended."""
        (card,) = await self.office.cards()
        self.taps += 1
        now, name = self.office.clock.now(), f"tap-{self.taps}"
        row = events.new_row(key=name, receiver="assistant", kind="template_card_event", body=b"", at=now)
        await self.office.store.add(event_table, row)
        tapped = CardTapped(
            receiver="assistant",
            kind="template_card_event",
            created_at=now,
            staff_id=staff_id,
            task_id=task_id or card.key,
            key=key,
            code=f"code-{self.taps}",
        )
        await self.worker.process(await self._stored(name), tapped)
        return (await self._stored(name)).state

    async def _stored(self, key: str) -> StoredEvent:
        async with self.office.store.read() as tx:
            found = await events.find(tx, key)
        assert found is not None
        return found

    async def answer(self) -> CardAnswer | None:
        """Return the answer the card keeps."""
        (sent,) = await self.office.cards()
        async with self.office.store.read() as tx:
            card = await cards.find(tx, sent.key)
        assert card is not None
        return card.answer


@pytest.fixture
async def scene(office: Office) -> Scene:
    """Monday 09:00: the advisor Wang holds the card of an open step."""
    group = await place.founded(office.store)
    row = occurrences.row_of(
        group.enrolment.id,
        step="greet",
        n=0,
        delivery=DeliveryCode.SIDEBAR,
        wanted_at=at("09:00"),
        due_at=at("09:00"),
        window_end=at("11:00"),
        expires_at=at("12:00"),
        state=OccurrenceState.WAITING_OWNER,
    )
    await office.store.write(lambda tx: occurrences.add(tx, [row]))
    async with office.store.read() as tx:
        (step,) = await occurrences.list_of_enrolment(tx, group.enrolment.id)
    await office.add(factory.new(at("09:00"), key="step", occurrence_id=step.id))
    office.go_to(at("09:00"))
    await office.worker().send_due()
    desk, phone = Desk(), Phone()
    worker = CardEvents(office.store, office.clock, desk, card_words.load(), phone)
    return Scene(office=office, step=step.id, desk=desk, phone=phone, worker=worker)


async def test_done_ticks_the_step_off_and_changes_the_card(scene: Scene) -> None:
    ended = await scene.tap("done")

    assert ended is EventState.DONE
    assert scene.desk.done_steps == [(scene.step, "wang")]
    assert scene.phone.said == [("code-1", "已完成")]
    assert await scene.answer() is CardAnswer.DONE


async def test_later_asks_again_in_an_hour(scene: Scene) -> None:
    await scene.tap("later")

    ((step, until, reason),) = scene.desk.later
    assert (step, until) == (scene.step, at("10:00"))
    assert "稍后" in reason
    assert scene.phone.said == [("code-1", "稍后再说")]


async def test_later_leaves_time_to_do_it(scene: Scene) -> None:
    scene.office.go_to(at("10:30"))

    await scene.tap("later")

    assert [until for _, until, _ in scene.desk.later] == [at("10:45")]


async def test_a_problem_is_passed_on(scene: Scene) -> None:
    await scene.tap("problem")

    assert [step for step, _ in scene.desk.problems] == [scene.step]
    assert scene.phone.said == [("code-1", "已上报")]


@pytest.mark.parametrize(
    ("key", "state"),
    [
        ("done", OccurrenceState.SENT),
        ("later", OccurrenceState.WAITING_OWNER),
        ("problem", OccurrenceState.ESCALATED),
    ],
)
async def test_a_tap_reaches_the_step_itself(scene: Scene, key: str, state: OccurrenceState) -> None:
    office = scene.office
    scene.worker = CardEvents(office.store, office.clock, acts, card_words.load(), scene.phone)

    await scene.tap(key)

    async with office.store.read() as tx:
        found = await occurrences.find(tx, scene.step)
    assert found is not None
    assert found.state is state
    assert scene.phone.said == [("code-1", card_words.load().answered[key])]


async def test_a_second_tap_says_the_same_and_does_nothing(scene: Scene) -> None:
    await scene.tap("later")
    await scene.tap("later")
    await scene.tap("done")
    await scene.tap("problem")

    assert len(scene.desk.later) == len(scene.desk.done_steps) == 1
    assert scene.desk.problems == []
    assert [said for _, said in scene.phone.said] == ["稍后再说", "稍后再说", "已完成", "已完成"]


async def test_a_tap_after_the_end_says_how_the_step_stands(scene: Scene) -> None:
    async def miss(tx: AsyncConnection) -> None:
        found = await occurrences.find(tx, scene.step)
        assert found is not None
        await occurrences.save(tx, [replace(found, state=OccurrenceState.MISSED)])

    await scene.office.store.write(miss)
    ended = await scene.tap("done")

    assert ended is EventState.DONE
    assert scene.phone.said == [("code-1", "已错过")]
    assert await scene.answer() is None


async def test_what_a_refused_act_wrote_is_taken_back(scene: Scene) -> None:
    class Undecided(Desk):
        async def done(self, tx: AsyncConnection, occurrence_id: int, *, by: str, now: datetime) -> None:
            await super().done(tx, occurrence_id, by=by, now=now)
            raise ActRefused("还有 2 项没勾")

    office = scene.office
    scene.worker = CardEvents(office.store, office.clock, Undecided(), card_words.load(), scene.phone)
    await scene.tap("done")

    async with office.store.read() as tx:
        found = await occurrences.find(tx, scene.step)
    assert found is not None
    assert found.state is OccurrenceState.WAITING_OWNER
    assert scene.phone.said == [("code-1", "请点开卡片处理")]


async def test_a_tap_that_is_not_ours_is_kept_and_does_nothing(scene: Scene) -> None:
    assert await scene.tap("done", task_id="elsewhere") is EventState.UNHANDLED
    assert await scene.tap("done", staff_id="li") is EventState.UNHANDLED
    assert await scene.tap("mute") is EventState.UNHANDLED
    assert scene.desk.done_steps == []
    assert scene.phone.said == []


async def test_a_platform_that_does_not_answer_leaves_only_the_button_old(scene: Scene) -> None:
    scene.phone.is_down = True

    assert await scene.tap("done") is EventState.DONE
    assert scene.desk.done_steps == [(scene.step, "wang")]


async def test_a_step_that_was_done_takes_back_what_waits_to_be_told_of_it(scene: Scene) -> None:
    office = scene.office
    await office.add(factory.new(at("09:20"), key="reminder", occurrence_id=scene.step))

    count = await office.store.write(lambda tx: notices.withdraw_of_occurrence(tx, [scene.step]))

    assert count == 1
    assert await office.states() == {"reminder": NoticeState.WITHDRAWN, "step": NoticeState.CARDED}

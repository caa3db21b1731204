"""Figures for reports: what is said, what was not measured, the score of a week, alarms told once."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from content import figure_words
from domain.attention import NewNotice, NoticeKind
from domain.cohorts import GateClass
from domain.enrolment import Enrolment, Evidence, EvidenceKind, Occurrence, OccurrenceState
from domain.first_week import Gap, ScorePart
from domain.groups import GroupDay
from domain.sop import BlockKind, DeliveryCode
from domain.week_pages import WeekPage
from scheduler import figures
from store import groups, notices, occurrences, page_visits, questions, tables
from store.database import Store
from tests.measures import place as places
from tests.measures.factory import START, at
from tests.measures.place import ADVISOR, OWNER
from tests.sop.factory import template

WEEK1 = template()
_ids = itertools.count(1)


async def said(place: places.Place, hours: float, **more: Any) -> Mapping[str, str]:
    async with place.store.read() as tx:
        return await figures.of(tx, place.enrolment, template(place.enrolment.template), at(hours), **more)


def done(step: str, *, sent: float | None = 1, window: float = 2, **changes: Any) -> Occurrence:
    """Return an occurrence that was sent after so many hours; its window ends after `window` hours."""
    values: dict[str, Any] = {
        "state": OccurrenceState.SENT,
        "delivery": DeliveryCode.MASS_SEND,
        "evidence": Evidence(kind=EvidenceKind.PLATFORM, by="", at=START),
        "member": "",
        "reason": "",
        **changes,
    }
    return Occurrence(
        id=next(_ids),
        enrolment_id=1,
        step=step,
        n=0,
        wanted_at=START,
        due_at=START,
        window_end=at(window),
        expires_at=at(window),
        sent_at=None if sent is None else at(sent),
        **values,
    )


ENROLMENT = Enrolment(
    id=1,
    sop_version_id=1,
    template="finance_week1",
    rhythm="calm",
    group_id=1,
    round=1,
    owner_platform_id=OWNER,
    opens_on=START.date(),
    anchor_at=START,
    state="running",  # type: ignore[arg-type]
    enrolled_at=START,
)


async def test_every_figure_of_the_shipped_reports_has_a_value(store: Store) -> None:
    place = await places.founded(store)

    values = await said(place, 30)

    asked = {
        slot
        for name in ("finance_week1", "finance_weekly", "group_repair")
        for block in template(name).blocks.values()
        if block.kind is BlockKind.REPORT
        for slot in block.slots - {"group"}
    }
    assert asked <= set(values) == figures.SLOTS
    for slot in asked:
        assert values[slot], slot


async def test_a_group_of_which_nothing_is_known_says_so(store: Store) -> None:
    values = await said(await places.founded(store), 1)

    unmeasured = ("speakers", "first_response", "opened", "interested", "gates", "score", "mismatched")
    assert {values[name] for name in unmeasured} == {"未测到"}
    assert values["joined"] == "0"
    assert "开口的人" in values["not_measured"]
    assert values["answered"] == ""  # In a text for customers the line is left out.


async def test_members_sources_and_gates_are_told_with_their_counts(store: Store) -> None:
    place = await places.founded(store)
    await places.joined(place, "wmA", "wmB", "wmC", state="fair")
    await places.joined(place, "wmD", state="branch")
    await places.left(place, "wmA", hours=2)
    await places.left(place, "wmB", hours=3, reason="removed")

    values = await said(place, 30)

    assert (values["joined"], values["left"], values["members"]) == ("4", "2", "2")
    assert values["left_by_source"] == "fair 1/3"
    assert values["by_channel"] == "fair 24 小时 1/3；branch 24 小时 0/1"
    assert values["gates"] == "24 小时 1/4，移出 1 人"  # Too few for a percentage.


async def test_enough_quits_show_a_percentage(store: Store) -> None:
    place = await places.founded(store)
    await places.joined(place, *(f"wm{number}" for number in range(20)))
    await places.left(place, *(f"wm{number}" for number in range(5)), hours=3)

    assert (await said(place, 30))["gates"] == "24 小时 5/20（25%）"


async def test_speakers_come_from_the_platform_without_the_colleagues(store: Store) -> None:
    place = await places.founded(store)
    await places.joined(place, "wmA", "wmB")
    await _days(store, (1, 9), (2, 30))

    assert (await said(place, 40))["speakers"] == "至少 7"


async def test_open_questions_name_time_and_duty_but_no_words_of_customers(store: Store) -> None:
    await places.staffed(store)
    place = await places.founded(store)
    for number in range(7):
        await _marked(place, f"保本保息吗 {number}", 1 + number / 60)

    lines = (await said(place, 3))["open_questions"].split("\n")

    assert lines[0] == "7 个"
    assert lines[1] == f"1. 11:00 提的，归{OWNER}答"
    assert lines[-1] == "还有 2 个"
    assert "保本" not in "".join(lines)


async def test_what_was_asked_is_told_in_the_words_of_the_faq(store: Store) -> None:
    place = await places.founded(store)
    for minute, faq_id in enumerate(("loan.prepay", "loan.prepay", "insurance.claim", "unknown")):
        number = await _marked(place, "客户的原话", 1 + minute / 60)
        await store.write(
            lambda tx, n=number, f=faq_id: questions.answer(tx, n, by=OWNER, now=at(2), faq_id=f)
        )

    values = await said(
        place, 3, entries={"loan.prepay": "提前还款怎么算？", "insurance.claim": "理赔要几步？"}
    )

    assert values["answered"] == "1. 提前还款怎么算？\n2. 理赔要几步？"
    assert values["answered_count"] == "4"
    assert values["first_response"].startswith("中位 58 分钟") or values["first_response"].startswith(
        "中位 59"
    )


async def test_pages_and_overlaps_are_counted(store: Store) -> None:
    place, other = await places.founded(store), await places.founded(store)
    await places.joined(place, "wmA", "wmB")
    await places.joined(other, "wmA")
    for visitor, page in (("v1", WeekPage.ARTICLE), ("v2", WeekPage.ARTICLE), ("v1", WeekPage.EVENT)):
        await store.write(
            lambda tx, p=page, v=visitor: page_visits.record_visit(tx, place.enrolment.id, p, v, START)
        )

    values = await said(place, 3)

    assert (values["opened"], values["interested"]) == ("2", "0")
    assert values["duplicates"] == "1 人已在别的群，名单见群页面"
    assert (await said(other, 3))["duplicates"].startswith("1 人")


async def test_other_templates_count_the_last_seven_days(store: Store) -> None:
    place = await places.founded(store, template="finance_weekly")
    await places.joined(place, "wmOld")
    await places.joined(place, "wmNew", hours=200)

    values = await said(place, 210)

    assert (values["joined"], values["members"]) == ("1（近 7 天）", "2")


def test_steps_are_on_time_when_people_did_them_in_their_window() -> None:
    found = [
        done("opening"),
        done("publication", sent=3, state=OccurrenceState.SENT_LATE),
        done("notice", sent=None, state=OccurrenceState.MISSED),
        done("cue_hello", evidence=Evidence(kind=EvidenceKind.TOLD, by=OWNER, at=START)),
        done("cue_give", sent=None, state=OccurrenceState.WAITING_OWNER, window=200),  # Not due yet.
        done("cue_rules", sent=None, state=OccurrenceState.WAITING_OWNER, window=1),  # Due and open.
    ]

    count, told_only = figures.steps_on_time(ENROLMENT, WEEK1, found, at(5))

    assert (count.part, count.whole, told_only) == (2, 5, 1)


def test_what_costs_nothing_to_leave_out_is_not_counted() -> None:
    found = [
        done("misread", sent=None, state=OccurrenceState.MISSED),  # Optional in the calm rhythm.
        done("light", sent=None, state=OccurrenceState.SKIPPED, reason="holiday"),
        done("recap", sent=None, state=OccurrenceState.CANCELLED),
        done("first_day_report"),  # The system's own.
        done("need_poll", member="wmA"),  # Of one member.
        done("unknown"),
        done("collect_questions", sent=None, state=OccurrenceState.SKIPPED, reason="dependency"),
    ]
    by_person = done("notice", sent=None, state=OccurrenceState.SKIPPED, reason="person")

    assert figures.steps_on_time(ENROLMENT, WEEK1, found, at(5))[0].whole == 0
    assert figures.steps_on_time(ENROLMENT, WEEK1, [*found, by_person], at(5))[0].whole == 1


async def test_a_week_is_scored_from_what_was_measured_only(store: Store) -> None:
    place = await places.founded(store)
    await places.joined(place, *(f"wm{number}" for number in range(10)))
    await places.left(place, "wm0", "wm1", hours=50)

    async with store.read() as tx:
        score = await figures.week_score(
            tx, place.enrolment, WEEK1, [done("opening"), done("notice")], at(7 * 24)
        )

    assert dict(score.parts) == {
        "on_time": 30.0,
        "retention": 23.5,
        "answered": None,
        "participation": None,
        "compliance": None,
    }
    assert score.total == 97.3


async def test_questions_pages_and_daily_figures_fill_the_parts(store: Store) -> None:
    place = await places.founded(store)
    await places.joined(place, *(f"wm{number}" for number in range(10)))
    await _days(store, (1, 3))  # Two of the three are colleagues.
    number = await _marked(place, "问", 2, asker="wm1")
    await _set_late(store, number, 3)
    await store.write(lambda tx: questions.answer(tx, number, by=OWNER, now=at(2.5)))

    async with store.read() as tx:
        score = await figures.week_score(tx, place.enrolment, WEEK1, [done("opening")], at(7 * 24))

    assert (score.parts["answered"], score.parts["participation"]) == (20.0, 7.5)
    assert score.parts["compliance"] is None
    assert score.total is not None
    assert score.total < 100


async def test_without_a_step_there_is_no_score_and_the_report_says_so(store: Store) -> None:
    place = await places.founded(store)

    async with store.read() as tx:
        score = await figures.week_score(tx, place.enrolment, WEEK1, [], at(7 * 24))

    assert score.total is None


async def test_the_report_of_the_score_tells_parts_and_gaps(store: Store) -> None:
    place = await places.founded(store)
    await places.joined(place, "wmA")
    for step in ("opening", "score"):
        row = occurrences.row_of(
            place.enrolment.id,
            step=step,
            n=0,
            delivery=DeliveryCode.MASS_SEND,
            wanted_at=at(1),
            due_at=at(1),
            window_end=at(2),
            expires_at=at(2),
            shifts=[],
            state=OccurrenceState.PLANNED,
        )
        await store.write(lambda tx, r=row: occurrences.add(tx, [r]))
    sent = sa.update(tables.occurrence).where(tables.occurrence.c.step == "opening")
    await store.write(lambda tx: tx.execute(sent.values(state="sent", sent_at=at(1.5))))

    values = await said(place, 80)

    assert values["score"] == "100"
    assert values["score_parts"] == "准时 30/30，留存 25/25，及时答复 未测到，参与 未测到，合规 未测到"
    assert "合规（没有存档，看不到手打的内容）" in values["not_measured"]


async def test_the_repair_tells_the_score_that_led_to_it(store: Store) -> None:
    place = await places.founded(store)
    repair = await store.write(lambda tx: _repair(tx, place.group_id))
    led = sa.update(tables.enrolment).where(tables.enrolment.c.id == place.enrolment.id)
    parts = {"on_time": 12.0, "retention": None}
    await store.write(lambda tx: tx.execute(led.values(score=41.0, score_parts=parts, moved_to_id=repair.id)))

    values = await said(replace(place, enrolment=repair), 30)

    assert (values["score"], values["score_parts"]) == ("41", "准时 12/30，留存 未测到")


async def test_an_alarm_is_told_once(store: Store) -> None:
    place = await places.founded(store)
    await places.joined(place, *(f"wm{number}" for number in range(9)))
    for number in range(3):
        await places.left(place, f"wm{number}", hours=2 + number / 30)

    async with store.read() as tx:
        (alarm,) = await figures.alarms(tx, place.enrolment, at(3))
    notice = NewNotice(
        key=figures.alarm_key(place.enrolment, alarm),
        recipient=OWNER,
        kind=NoticeKind.ALARM,
        title="退群",
        due_at=at(3),
    )
    await store.write(lambda tx: notices.add(tx, [notice], at(3)))

    async with store.read() as tx:
        assert await figures.alarms(tx, place.enrolment, at(4)) == []
    assert (alarm.kind, alarm.quits, alarm.pauses) == ("burst", 3, False)


async def test_measures_are_numbers_and_none_where_nothing_measures(store: Store) -> None:
    place = await places.founded(store)
    await places.joined(place, "wmA", "wmB")
    await places.left(place, "wmA", hours=1)

    async with store.read() as tx:
        found = await figures.measures(tx, place.enrolment, WEEK1, at(30))

    assert (found["members"], found["quit_rate_24h"], found["questions"]) == (1.0, 0.5, 0.0)
    assert found["retention_72h"] is found["overdue_rate"] is found["opened_rate"] is None


async def test_members_are_classed_at_their_gate_by_what_was_seen_until_then(store: Store) -> None:
    place = await places.founded(store)
    await places.joined(place, "wmLeft", "wmAsked", "wmLate", "wmQuiet")
    await places.joined(place, "wmYoung", hours=20)
    await places.left(place, "wmLeft", hours=5)
    await _marked(place, "问", 2, asker="wmAsked")
    await _marked(place, "问", 25, asker="wmLate")

    async with store.read() as tx:
        found = await figures.gate_classes(tx, place.enrolment, WEEK1, 24, at(30))

    assert found == {"wmLeft": "left", "wmAsked": "asked", "wmLate": "unknown", "wmQuiet": "unknown"}


def test_every_class_gap_and_part_has_words() -> None:
    words = figure_words.load()

    assert set(GateClass) <= words.keys("gate_class")
    assert set(Gap) <= words.keys("gap")
    assert set(ScorePart) <= words.keys("score")


async def _repair(tx: Any, group_id: int) -> Enrolment:
    return await places.enrol(tx, group_id, OWNER, "group_repair")


async def _marked(place: places.Place, text: str, hours: float, asker: str = "") -> int:
    return await place.store.write(
        lambda tx: questions.mark(
            tx, text=text, by=ADVISOR, now=at(hours), asker=asker, group_id=place.group_id
        )
    )


async def _set_late(store: Store, number: int, hours: float) -> None:
    late_at = at(hours)
    changed = sa.update(tables.question).where(tables.question.c.id == number).values(late_at=late_at)
    await store.write(lambda tx: tx.execute(changed))


async def _days(store: Store, *chats_and_speakers: tuple[int, int]) -> None:
    first: datetime = START
    days = [
        GroupDay(
            owner_platform_id=OWNER,
            day=(first + timedelta(days=number)).date(),
            new_chats=0,
            chats=chats,
            chats_with_messages=1,
            new_members=0,
            members=20,
            members_with_messages=speakers,
            messages=30,
        )
        for number, (chats, speakers) in enumerate(chats_and_speakers)
    ]
    await store.write(lambda tx: groups.record_days(tx, days, START))

"""Every state, kind and act the pages may show has Chinese words; times read as people say them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

import pytest

from audit import drawing, second_looks
from bot.clock import FrozenClock
from console import frame, words
from console.access import RIGHTS, Right
from console.times import Times
from content import draft_checks, endings, trial
from content.sop_shelf import BlockRefusal
from domain import (
    appeal,
    audit,
    case,
    cohorts,
    delivery,
    draft,
    enrolment,
    faq,
    first_week,
    groups,
    login,
    platform,
    replies,
    review,
    sampling,
    sop,
    talk,
)
from scheduler.bundles import Reason
from scheduler.guards import Verdict
from scheduler.timetable import Shift, Skip
from store.events import EventState
from store.knowledge_gaps import GapSource

WORDS = words.load()
MEMBERS: list[tuple[str, Iterable[Enum]]] = [
    ("role", login.Role),
    ("role_about", login.Role),
    ("demo_name", login.Role),
    ("line", faq.Line),
    ("entity_mode", faq.EntityMode),
    ("entity_mode_about", faq.EntityMode),
    ("decision", replies.AnswerKind),
    ("decision_tone", replies.AnswerKind),
    ("delivery_state", delivery.DeliveryState),
    ("delivery_tone", delivery.DeliveryState),
    ("act", delivery.Act),
    ("purpose", delivery.Purpose),
    ("outcome", Verdict),
    ("outcome", platform.FailReason),
    ("message_kind", platform.MessageKind),
    ("author", talk.Author),
    ("case_kind", case.CaseKind),
    ("case_state", case.CaseState),
    ("case_tone", case.CaseState),
    ("reason", faq.HandoverCode),
    ("event_state", EventState),
    ("refusal", faq.Refusal),
    ("signal", replies.SignalKind),
    ("draft_state", draft.DraftState),
    ("draft_tone", draft.DraftState),
    ("draft_about", draft.DraftState),
    ("draft_how", draft.DraftHow),
    ("content_kind", draft.DraftKind),
    ("draft_doubt", draft_checks.Doubt),
    ("trial_effect", trial.Effect),
    ("trial_tone", trial.Effect),
    ("trial_choice", faq.Choice),
    ("gap_source", GapSource),
    ("enrolment_state", enrolment.EnrolmentState),
    ("enrolment_tone", enrolment.EnrolmentState),
    ("occurrence_state", enrolment.OccurrenceState),
    ("occurrence_tone", enrolment.OccurrenceState),
    ("occurrence_reason", Reason),
    ("occurrence_reason", Skip),
    ("evidence", enrolment.EvidenceKind),
    ("evidence_about", enrolment.EvidenceKind),
    ("evidence_tone", enrolment.EvidenceKind),
    ("mass_task_state", enrolment.MassTaskState),
    ("target_result", enrolment.TargetResult),
    ("question_source", enrolment.QuestionSource),
    ("group_status", groups.GroupStatus),
    ("join_scene", groups.JoinScene),
    ("score_part", first_week.ScorePart),
    ("score_gap", first_week.Gap),
    ("source_kind", cohorts.SourceKind),
    ("source_about", cohorts.SourceKind),
    ("review_kind", review.ReviewKind),
    ("review_kind_tone", review.ReviewKind),
    ("review_kind_about", review.ReviewKind),
    ("wrong", review.ReviewRefusal),
    ("appeal_state", appeal.AppealState),
    ("appeal_tone", appeal.AppealState),
    ("appeal_act", appeal.AppealAct),
    ("appeal_outcome", appeal.DECIDED),
    ("wrong", appeal.AppealRefusal),
    ("own_finding_state", audit.FindingState),
    ("own_finding_tone", audit.FindingState),
    ("plan_kind", sampling.PlanKind),
    ("plan_kind_about", drawing.KINDS),
    ("trust", second_looks.Trust),
    ("trust_tone", second_looks.Trust),
    ("sop_role", sop.SopRole),
    ("sop_rung", sop.RungAct),
    ("sop_shift", Shift),
    ("sop_skip", Skip),
    ("sop_limit", sop.LimitMode),
    ("block_refusal", BlockRefusal),
    ("end_kind", endings.EndKind),
    ("end_tone", endings.EndKind),
    ("end_about", endings.EndKind),
]
# A Monday, 10:00 in China.
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize(("section", "members"), MEMBERS)
def test_every_member_has_a_label(section: str, members: Iterable[Enum]) -> None:
    missing = [str(member.value) for member in members if not WORDS.has(section, member.value)]

    assert not missing, f"console/words.toml [{section}] lacks {missing}"


def test_every_gate_and_every_way_of_a_step_has_a_label() -> None:
    ways = [
        code
        for code in sop.DeliveryCode
        if code not in (sop.DeliveryCode.MOMENTS, sop.DeliveryCode.CALL_TASK)
    ]

    assert all(WORDS.has("quit_alarm", f"alarm.{kind}") for kind in cohorts.AlarmKind)
    assert all(WORDS.has("gate", hours) for hours in cohorts.GATES)
    assert all(WORDS.has("sop_way", way) and WORDS.has("sop_delivery", way) for way in ways)


def test_every_session_state_has_a_label() -> None:
    assert all(WORDS.has("session", state.value) for state in platform.SessionState)
    assert all(WORDS.has("session_tone", state.value) for state in platform.SessionState)


def test_every_line_of_the_navigation_has_a_label_and_somebody_who_sees_it() -> None:
    for door in frame.NAVIGATION:
        assert WORDS.has("nav", door.key)
    assert set().union(*RIGHTS.values()) == set(Right)


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (timedelta(seconds=5), "刚刚"),
        (timedelta(minutes=3), "3 分钟前"),
        (timedelta(hours=5), "5 小时前"),
        (timedelta(hours=13), "昨天 21:00"),
        (timedelta(days=3), "11月20日 10:00"),
        (timedelta(days=400), "2025年10月19日 10:00"),
        (timedelta(hours=-2), "2 小时后"),
    ],
)
def test_times_are_said_in_the_companys_zone(before: timedelta, said: str) -> None:
    times = Times(FrozenClock(NOW), ZoneInfo("Asia/Shanghai"), WORDS)

    assert times.ago(NOW - before) == said


def test_a_forms_time_is_in_the_companys_zone() -> None:
    times = Times(FrozenClock(NOW), ZoneInfo("Asia/Shanghai"), WORDS)

    assert times.for_input(NOW) == "2026-11-23T10:00"
    assert times.from_input("2026-11-23T10:00") == NOW
    assert times.from_input("tomorrow") is None
    assert times.until(NOW + timedelta(days=3)) == "还有 3 天"
    assert times.until(NOW - timedelta(minutes=3)) == "已超 3 分钟"


def test_compound_outcomes_and_reasons_are_said_in_chinese() -> None:
    assert WORDS.outcome("settled by linzhuguan") == "由 linzhuguan 认定"
    assert WORDS.outcome("errcode 95018") == "平台错误码 95018"
    assert WORDS.reason("undelivered window") == "回答没能发出：客户 48 小时没有来消息"
    assert WORDS.reason("undelivered errcode 40003") == "回答没能发出：平台错误码 40003"
    assert WORDS.repeated("H2 又来电催促") == "投诉、维权或情绪激烈 又来电催促"
    assert WORDS.repeated("undelivered errcode 40003 key-1") == "回答没能发出：平台错误码 40003 key-1"
    assert WORDS.repeated("随便写的") == "随便写的"

"""What the scorecard makes of small talks, and the laws of scoring."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import bases, closings, judging, scoring, timing
from audit.seen import Background, Basis
from content import compliance
from domain import grading
from domain.audit import (
    BOT,
    Evaluated,
    Evidence,
    Grade,
    Judgement,
    Said,
    SessionEnd,
    Slice,
    TalkKind,
)
from domain.compliance import Severity, Speaker
from tests.audit import written
from tests.content import shipped

TALKS: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("dialogues.toml").read_text("utf-8"))[
    "dialogue"
]
WANG = "wang"


@functools.cache
def basis() -> Basis:
    return bases.basis_of(shipped.words())


def judged(talk: dict[str, Any], by: Basis | None = None) -> Judgement:
    """Return the judgement of a talk of dialogues.toml."""
    end = SessionEnd(talk.get("end", "silence"))
    said = written.said(talk["lines"])
    piece = Slice(conversation_id=1, kind=TalkKind.CHAT, messages=tuple(said), end=end, staff_id=WANG)
    calendar = written.calendar()
    first = frozenset(talk["first"]) if "first" in talk else None
    background = Background(
        hours=calendar.hours,
        first_contact=first,
        customer_level=talk.get("level", ""),
        has_record=talk.get("record"),
    )
    figures = timing.measure(piece, calendar, timing.Limits(), closings.load())
    now = written.moment(*talk.get("now", "24 12:00:00").split(" "))
    return judging.judge(piece, figures, background, by or basis(), session_id=1, now=now)


def evaluated_of(judgement: Judgement, subject: str) -> Evaluated:
    (found,) = (one for one in judgement.evaluated if one.subject == subject)
    return found


@pytest.mark.parametrize("talk", TALKS, ids=lambda talk: talk["id"])
def test_talk_is_judged_as_written(talk: dict[str, Any]) -> None:
    judgement = judged(talk)
    subject = talk.get("subject", WANG)
    items = {item.item: item for item in evaluated_of(judgement, subject).items}
    found = [one for one in judgement.findings if one.subject == subject]

    wanted = {name: value for name, value in talk.get("items", {}).items() if isinstance(value, str)}
    shown = {name: _shown(items[name].earned, items[name].weight) for name in wanted}
    assert shown == wanted
    for name, points in talk.get("pending", {}).items():
        assert items[name].pending == points
    if "red" in talk:
        assert {one.label for one in found if one.is_red} == set(talk["red"])
    if "rules" in talk:
        assert sorted(one.rule_id for one in found) == sorted(talk["rules"])
    if "only" in talk:
        assert sorted(items) == sorted(talk["only"])


def _shown(earned: float | None, weight: float) -> str:
    if earned is None:
        return "na"
    return "full" if earned == weight else f"{earned:g}"


def test_every_item_is_tried_with_full_marks_and_as_not_applicable() -> None:
    tried = {(name, _kind(value)) for talk in TALKS for name, value in talk.get("items", {}).items() if value}
    items = {item.id for item in basis().rubric.items}

    # Words nobody said cannot be judged; nothing said is no session of that subject.
    always = {"A4", "D1", "D2", "D3", "E3", "F2"}
    assert {(item, "full") for item in items if item != "F1"} <= tried
    assert {(item, "na") for item in items - always} <= tried


def _kind(value: object) -> str:
    return str(value) if value in ("full", "na") else "less"


def test_every_finding_has_its_place_its_rule_and_words_for_people() -> None:
    for talk in TALKS:
        said = {one.id: one for one in written.said(talk["lines"])}
        for one in judged(talk).findings:
            assert one.note
            assert "{" not in one.note
            assert one.rule_id
            assert one.spans
            assert all(span.message_id in said for span in one.spans)
            assert all(0 <= span.start <= span.end <= len(said[span.message_id].text) for span in one.spans)


def test_judging_again_gives_the_very_same() -> None:
    for talk in TALKS:
        assert judged(talk) == judged(talk, bases.basis_of(shipped.words()))


def test_score_does_not_depend_on_the_order_of_items() -> None:
    scorecard = basis().rubric
    turned = Basis(
        rubric=replace(scorecard, items=tuple(reversed(scorecard.items))),
        rules=shipped.words().rules,
        signals=shipped.words().signals,
        facts=basis().facts,
    )
    for talk in TALKS:
        assert judged(talk, turned) == judged(talk)


def test_red_line_stands_beside_the_score() -> None:
    found = next(talk for talk in TALKS if talk["id"] == "to a private account")
    plain = {
        **found,
        "lines": found["lines"].replace("公司微信不方便说，加我个人微信聊", "您好，价格都是统一的"),
    }
    red, without = judged(found), judged(plain)

    assert any(one.is_red for one in red.findings)
    assert all(one.points == 0 and one.item == "" for one in red.findings if one.is_red)
    costs = {item.item: item.earned for item in evaluated_of(red, WANG).items}
    plainly = {item.item: item.earned for item in evaluated_of(without, WANG).items}
    # The greeting is all that differs.
    assert {**costs, "E1": 2.0} == plainly


def test_every_label_of_the_wording_rules_is_mapped() -> None:
    labels = basis().rubric.labels

    assert len(compliance.LABELS) == 22
    # Beside the 22: what goes beyond the company's licence.
    assert set(labels) == compliance.LABELS | {"ENTITY_MODE"}
    for label in labels.values():
        assert f"{label.item}.said" in basis().rubric.deductions


@pytest.mark.parametrize("rule", shipped.words().rules.rules, ids=lambda rule: rule.id)
def test_every_wording_rule_becomes_a_finding_of_the_advisor(rule: Any) -> None:
    text = rule.must_match[0]
    problems = {one.rule_id: one.severity for one in shipped.words().rules.check_text(text, Speaker.ADVISOR)}
    talk = {"lines": f"23 10:00:00 C 您好\n23 10:01:00 A:wang {' '.join(text.split())}\n"}

    found = {one.rule_id: one for one in judged(talk).findings}

    assert rule.id in problems
    assert found[rule.id].is_red == (problems[rule.id] is Severity.S0)
    assert found[rule.id].evidence is Evidence.ASSIST


def test_talk_of_colleagues_is_not_judged() -> None:
    said = written.said("23 10:00:00 A:wang 保本保息")
    piece = Slice(conversation_id=1, kind=TalkKind.INTERNAL, messages=tuple(said), end=SessionEnd.SILENCE)

    judgement = judging.judge(
        piece,
        {},
        Background(hours=written.calendar().hours),
        basis(),
        session_id=1,
        now=said[0].sent_at,
    )

    assert judgement == Judgement(evaluated=(), findings=())


def test_of_lines_named_as_often_the_first_one_named_is_the_sessions_5() -> None:
    talk = {
        "lines": "23 10:00:00 C 这个理财稳不稳，我怕亏钱\n23 10:01:00 A:wang 您放心。\n23 10:02:00 A:wang 额度不多了。"
    }

    assert judged(talk).line == "wealth"


def test_without_times_timeliness_is_not_applicable() -> None:
    said: list[Said] = written.said("23 10:00:00 C 提前还款怎么弄？\n23 12:00:00 A:wang 您好，在App里点")
    piece = Slice(conversation_id=1, kind=TalkKind.CHAT, messages=tuple(said), end=SessionEnd.SILENCE)
    background = Background(hours=written.calendar().hours, has_times=False)

    judgement = judging.judge(piece, {}, background, basis(), session_id=1, now=said[1].sent_at)

    items = {item.item: item.earned for item in evaluated_of(judgement, WANG).items}
    assert {items[name] for name in ("D1", "D2", "D3", "F1")} == {None}


def test_promise_of_an_earlier_session_is_kept_in_a_later_one() -> None:
    first = judged(
        {
            "lines": "23 10:00:00 C 帮我查下\n23 10:01:00 A:wang 您好，明天上午给您回复结果",
            "now": "23 11:00:00",
        }
    )
    (given,) = first.promises
    assert (given.kept_message_id, given.object) == (None, "明天上午给您回复结果")
    later = written.said("24 10:00:00 A:wang 查到了，款项已经退回您的卡里")
    moved = [replace(one, id=one.id + 100) for one in later]
    piece = Slice(conversation_id=1, kind=TalkKind.CHAT, messages=tuple(moved), end=SessionEnd.SILENCE)

    second = judging.judge(
        piece,
        {},
        Background(hours=written.calendar().hours, promises=(given,)),
        basis(),
        session_id=2,
        now=moved[0].sent_at,
    )

    assert second.promises == (replace(given, kept_message_id=101),)


ITEM = st.tuples(st.integers(1, 30), st.none() | st.floats(0, 1))


@given(st.lists(ITEM, max_size=20), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_not_applicable_leaves_the_denominator(items: list[tuple[int, float | None]], random: Any) -> None:
    marks = [(float(weight), None if share is None else weight * share) for weight, share in items]
    applied = [(weight, earned) for weight, earned in marks if earned is not None]
    shuffled = list(marks)
    random.shuffle(shuffled)

    score, weight = grading.score_of(marks)

    assert grading.score_of(applied) == grading.score_of(shuffled) == (score, weight)
    assert weight == sum(one for one, _ in applied)
    assert (score is None) == (not applied)
    assert score is None or 0 <= score <= 100


@pytest.mark.parametrize(
    ("score", "grade"),
    [
        (100.0, Grade.EXCELLENT),
        (90.0, Grade.EXCELLENT),
        (89.9999, Grade.GOOD),
        (80.0, Grade.GOOD),
        (79.9, Grade.COACH),
        (60.0, Grade.COACH),
        (59.9, Grade.FAIL),
        (None, Grade.NONE),
    ],
)
def test_grade_of_a_score(score: float | None, grade: Grade) -> None:
    assert grading.grade_of(score) is grade
    assert grading.grade_of(score, has_confirmed_red=True) is Grade.FAIL


def test_key_of_a_finding_is_its_place_whatever_session_it_is_cut_into() -> None:
    talk = TALKS[2]
    keys = {one.key for one in judged(talk).findings}

    assert keys == {one.key for one in judged({**talk, "end": "wall"}).findings}
    assert scoring.key_of(BOT, "A1", "x", ()) != scoring.key_of(WANG, "A1", "x", ())


def test_items_that_lose_points_keep_no_copy_of_the_findings_words_5() -> None:
    items = [
        item
        for talk in TALKS
        for one in judged(talk).evaluated
        for item in one.items
        if item.earned is not None
    ]

    assert any(item.earned is not None and item.earned < item.weight for item in items)
    assert not [item for item in items if item.reason]

"""The wording check: what is caught, what passes, and the figures on the development set."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content import compliance, views
from domain.compliance import Audience, Problem, Severity, Speaker
from domain.faq import Line
from tests import shared
from tests.content import shipped

RULES = shipped.words().rules


def labels(text: str, role: Speaker = Speaker.ADVISOR) -> set[str]:
    return {problem.label for problem in RULES.check_text(text, role)}


def test_every_label_has_a_rule() -> None:
    assert {rule.label for rule in RULES.rules} == compliance.LABELS


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("这款保 本 保 息您放心", "GUARANTEE"),
        ("这款保\u200b本", "GUARANTEE"),
        ("保🌟本🌟保🌟息", "GUARANTEE"),
        ("這款產品保證收益", "GUARANTEE"),
        ("亻呆本的", "GUARANTEE"),
        ("bao本", "GUARANTEE"),
        ("ｂａｏ本", "GUARANTEE"),
        ("征-信-修-复找我", "CREDIT_REPAIR"),
        ("马上亭售了", "FALSE_URGENCY"),
        ("yzm发我", "SENSITIVE_REQUEST"),
    ],
)
def test_disguised_words_are_caught(text: str, label: str) -> None:
    assert label in labels(text)


@pytest.mark.parametrize(
    "text",
    [
        "这个产品不保本",
        "凡是说保本保息的都是骗局",
        "我不能替您签字",
        "承保本计划的是某某人寿",
        "请勿向任何人透露验证码",
        "高收益伴随高风险",
    ],
)
def test_denied_and_educational_words_pass(text: str) -> None:
    assert labels(text) == set()


def test_customer_is_never_in_the_wrong() -> None:
    assert RULES.check_text("你们保本吗？保本保息的给我来一份", Speaker.CUSTOMER) == []


def test_problem_points_at_the_raw_text() -> None:
    text = "您看，这款绝对保 本，放心"

    problem = RULES.check_text(text, Speaker.ADVISOR)[0]

    assert "保 本" in text[slice(*problem.span)]
    assert problem.severity is Severity.S0
    assert "广告法" in problem.message


def test_bot_must_carry_the_risk_line_of_wealth() -> None:
    text = "基金净值每天更新一次。"

    assert compliance.is_blocking(RULES.check_text(text, Speaker.BOT, Line.WEALTH), Speaker.BOT)
    assert RULES.check_text(text + "产品有风险，投资须谨慎。", Speaker.BOT, Line.WEALTH) == []
    assert RULES.check_text(text, Speaker.BOT, Line.WEALTH, audience=Audience.STAFF) == []
    assert RULES.check_text(text, Speaker.ADVISOR, Line.WEALTH) == []


def test_people_are_stopped_from_s1_and_the_bot_from_s2() -> None:
    problem = Problem(rule_id="x", label="DISCLOSURE", severity=Severity.S2, span=(0, 0), message="")

    assert compliance.is_blocking([problem], Speaker.BOT)
    assert not compliance.is_blocking([problem], Speaker.ADVISOR)
    assert not compliance.is_blocking([problem], Speaker.CUSTOMER)


@given(st.text(max_size=120), st.sampled_from(list(Speaker)), st.sampled_from([None, *Line]))
def test_any_text_is_checked_without_an_error(text: str, role: Speaker, line: Line | None) -> None:
    for problem in compliance.check_text(RULES, text, role, line):
        assert 0 <= problem.span[0] <= problem.span[1] <= len(text)


@given(st.text(max_size=60))
def test_view_knows_where_its_characters_came_from(text: str) -> None:
    for view in views.views_of(text):
        assert len(view.origin) == len(view.text)
        assert list(view.origin) == sorted(view.origin)


def test_figures_on_the_development_set() -> None:
    """Floors a little under what was reached on 2026-11-21, so that a later rule may trade one for another."""
    lines = shared.path("compliance/dev.jsonl").read_text("utf-8").splitlines()
    cases = [json.loads(line) for line in lines]
    found = [
        (set(case["labels"]), labels(case["text"], Speaker(case["note"].split(";")[0].removeprefix("role="))))
        for case in cases
    ]
    caught = sum(bool(got) for want, got in found if want)
    false = sum(bool(got) for want, got in found if not want)
    violations = sum(bool(want) for want, _ in found)

    print(f"caught {caught}/{violations}, false alarms {false}/{len(found) - violations}")
    assert caught / violations >= 0.95
    assert false / (len(found) - violations) <= 0.03

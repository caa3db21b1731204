"""What the verdict says beside the words: registrations, bounds of the entity mode, the product line of a text."""

from __future__ import annotations

import dataclasses

import pytest

from domain.compliance import Severity
from domain.faq import EntityMode, Line
from handlers import verdicts
from tests.verdicts import factory


def test_speaking_without_a_registration_is_told_and_blocks_nothing() -> None:
    said = "等待期内确诊一般不赔，以条款为准。"

    rules = {
        held[0].number if held else "": [
            one.rule_id for one in factory.verdict(said, Line.INSURANCE, held=held).warnings
        ]
        for held in ((), (factory.ENDED,), (factory.ENDING,), (factory.REGISTERED,))
    }

    assert rules == {
        "": ["registration.none"],
        "E1": ["registration.ended"],
        "E2": ["registration.ending"],
        factory.NUMBER: [],
    }
    assert not factory.verdict(said, Line.INSURANCE, held=()).is_blocked


def test_a_line_that_needs_no_registration_asks_for_none() -> None:
    assert factory.verdict("可以提前还款。", Line.LOAN, held=()).problems == ()


def test_the_worst_comes_first() -> None:
    verdict = factory.verdict("保本保息，近一年收益6.2%，全网最低。", Line.WEALTH)

    severities = [one.severity for one in verdict.problems]
    assert severities == sorted(severities)
    assert severities[0] is Severity.S0
    assert [one.severity for one in verdict.warnings] == [Severity.S2]


def test_without_a_licence_a_particular_product_is_warned_of() -> None:
    known = dataclasses.replace(
        factory.knowledge(), entity_modes=dict.fromkeys(Line, EntityMode.OFF), needs_registration=frozenset()
    )

    verdict = verdicts.check(
        known,
        "这款重疾险更适合您，我把条款发您。",
        lines=[Line.INSURANCE],
        registrations=(),
        today=factory.TODAY,
        audience=verdicts.Audience.CUSTOMER,
    )

    assert "bound.product" in [one.rule_id for one in verdict.warnings]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("重疾险的等待期是多久", [Line.INSURANCE]),
        ("房贷提前还款要不要违约金", [Line.LOAN]),
        ("基金什么时候能赎回", [Line.WEALTH]),
        ("好的，明天见", []),
        ("买重疾险还是买基金", [Line.INSURANCE, Line.WEALTH]),
        ("这笔剩余本金按合同还", [Line.LOAN]),
        ("您的保险问题，我请有登记的同事李四来回答。", []),
        ("您问的退保，我这就转给同事，她会联系您。", []),
        ("存款有存款保险保护。", []),
        ("投诉可以打12378，银行保险机构都归它管；也可以问保险行业协会。", []),
        ("贷款利率和贷款期限都以合同为准。另外，保险方面犹豫期一般15天。", [Line.LOAN, Line.INSURANCE]),
    ],
)
def test_every_product_line_is_read_off_the_words(text: str, lines: list[Line]) -> None:
    assert list(verdicts.lines_of(factory.knowledge(), text)) == lines

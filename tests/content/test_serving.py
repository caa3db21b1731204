"""Serving: what may not be said now, and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from content import serving
from domain.faq import EntityMode, Faq, Refusal
from tests.content import shipped

GENERAL = shipped.words().faqs["loan.prepay"]
PRODUCT = shipped.words().faqs["loan.approval"]
LAPSED = shipped.words().faqs["loan.one_time_repair"]
LAPSED_WITHOUT_WORDS = replace(LAPSED, lapsed="")
OWN_MISSING = replace(GENERAL, missing_own=("loan_prepay_steps",))


def refusal(
    faq: Faq,
    mode: EntityMode = EntityMode.LICENSED,
    today: date = shipped.TODAY,
    approved: bool = True,
    stopped: bool = False,
) -> Refusal | None:
    return serving.servable(faq, entity_mode=mode, today=today, approved=approved, stopped=stopped)


@pytest.mark.parametrize("mode", [EntityMode.LICENSED, EntityMode.PLATFORM])
def test_general_entry_is_served_in_both_modes(mode: EntityMode) -> None:
    assert refusal(GENERAL, mode) is None


def test_product_entry_is_served_by_a_licensed_company_only() -> None:
    assert refusal(PRODUCT) is None
    assert refusal(PRODUCT, EntityMode.PLATFORM) is Refusal.PLATFORM_SCOPE


def test_line_that_is_off_is_refused() -> None:
    assert refusal(GENERAL, EntityMode.OFF) is Refusal.LINE_OFF


def test_a_warning_of_fraud_is_said_whatever_the_company_offers() -> None:
    warning = shipped.words().faqs["wealth.scam_profit"]

    assert refusal(warning, EntityMode.OFF) is None
    assert refusal(warning, EntityMode.OFF, stopped=True) is Refusal.STOPPED


def test_stop_comes_before_every_other_reason() -> None:
    assert refusal(LAPSED, EntityMode.OFF, approved=False, stopped=True) is Refusal.STOPPED


def test_entry_that_nobody_approved_is_refused() -> None:
    assert refusal(GENERAL, approved=False) is Refusal.UNAPPROVED


def test_entry_is_served_on_its_last_day_and_not_after() -> None:
    last = GENERAL.last_valid_on

    assert refusal(GENERAL, today=last) is None
    assert refusal(GENERAL, today=last + timedelta(days=1)) is Refusal.EXPIRED
    assert refusal(GENERAL, today=GENERAL.valid_from - timedelta(days=1)) is Refusal.NOT_YET_VALID


def test_lapsed_rule_is_never_served_as_a_fact() -> None:
    assert refusal(LAPSED) is None
    assert LAPSED.answer_on(shipped.TODAY) == LAPSED.lapsed
    assert refusal(LAPSED_WITHOUT_WORDS) is Refusal.EXPIRED


def test_entry_that_needs_words_the_company_has_not_written_is_refused() -> None:
    assert refusal(OWN_MISSING) is Refusal.OWN_MISSING
    assert refusal(OWN_MISSING, approved=False) is Refusal.UNAPPROVED

"""Every worked example of the facts file comes out of the calculations, to the cent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from content import reckoning
from content.reckoning import calculations, slots
from content.reckoning.loans import Method
from content.reckoning.slots import RateKind, Slots

TODAY = date(2026, 11, 22)
LOAN = Slots(amount=Decimal(120_000), rate=Decimal("0.072"), rate_kind=RateKind.ANNUAL, term_months=12)
SMALL = Slots(amount=Decimal(12_000), rate=Decimal("0.072"), rate_kind=RateKind.ANNUAL, term_months=12)


def values_of(name: str, given: Slots, today: date = TODAY) -> Mapping[str, str]:
    """Return the values of a calculation that must succeed."""
    computed = reckoning.calculate(name, given, today)
    assert isinstance(computed, reckoning.Computed), computed
    assert computed.values["formula"] == computed.formula != ""
    assert computed.values.keys() <= calculations.value_names(name)
    return computed.values


def also(given: Slots, newer: Slots) -> Slots:
    """Return slots with more said."""
    return Slots.merged(given, newer)


def check(name: str, given: Slots, **wanted: str) -> None:
    values = values_of(name, given)

    assert {key: values.get(key) for key in wanted} == wanted


def daily(rate: str) -> Slots:
    return Slots(rate=Decimal(rate), rate_kind=RateKind.DAILY)


def test_l01_daily_and_monthly_rates_become_yearly_ones() -> None:
    check("rate_convert", daily("0.0005"), daily_rate="0.05%", annual_360="18.00%", annual_365="18.25%")
    check("rate_convert", daily("0.0003"), annual_360="10.80%", annual_365="10.95%")
    check("rate_convert", daily("0.0002"), annual_360="7.20%", annual_365="7.30%")
    check("rate_convert", Slots(rate=Decimal("0.01"), rate_kind=RateKind.MONTHLY), annual_rate="12%")


def test_l01_three_yuan_a_day_for_ten_thousand_are_three_per_ten_thousand() -> None:
    check(
        "daily_cost",
        Slots(amount=Decimal(10_000), daily_amount=Decimal(3)),
        daily_rate="0.03%",
        annual_360="10.80%",
        annual_365="10.95%",
    )


def test_l03_equal_instalment() -> None:
    check(
        "equal_instalment",
        LOAN,
        monthly_rate="0.6%",
        instalment="10,394.28",
        last_instalment="10,394.23",
        first_interest="720.00",
        first_principal="9,674.28",
        second_interest="661.95",
        second_principal="9,732.33",
        total_interest="4,731.31",
        total="124,731.31",
        formula="每期 = 120,000×0.6%×(1+0.6%)^12÷((1+0.6%)^12−1) = 10,394.28元",
    )


def test_l04_equal_principal() -> None:
    check(
        "equal_principal",
        LOAN,
        first_instalment="10,720.00",
        second_instalment="10,660.00",
        last_instalment="10,060.00",
        monthly_decrease="60.00",
        total_interest="4,680.00",
        saved="51.31",
        first_more="325.72",
    )


def test_l05_interest_first() -> None:
    check(
        "interest_first",
        LOAN,
        monthly_interest="720.00",
        last_instalment="120,720.00",
        total_interest="8,640.00",
    )


def test_l06_methods_compared() -> None:
    check(
        "compare_methods",
        LOAN,
        instalment_interest="4,731.31",
        principal_interest="4,680.00",
        first_interest_total="8,640.00",
        saved="51.31",
        saved_most="3,960.00",
    )


@pytest.mark.parametrize(
    "fee", [Slots(fee_rate=Decimal("0.006")), Slots(fee_amount=Decimal(72))], ids=["rate", "yuan"]
)
def test_l07_a_flat_fee_is_nearly_twice_what_it_seems(fee: Slots) -> None:
    check(
        "instalment_fee",
        also(Slots(amount=Decimal(12_000), term_months=12), fee),
        fee="72.00",
        fee_rate="0.6%",
        nominal_annual="7.2%",
        instalment="1,072.00",
        monthly_irr="1.0862%",
        annual_simple="13.03%",
        annual_compound="13.84%",
    )


@pytest.mark.parametrize(
    "held", [Slots(deducted=Decimal(240)), Slots(received=Decimal(11_760))], ids=["held back", "in hand"]
)
def test_l08_a_sum_held_back_raises_the_cost(held: Slots) -> None:
    check(
        "upfront_deduction",
        also(SMALL, held),
        annual_simple="11.01%",
        annual_compound="11.58%",
        received="11,760.00",
    )


def test_l09_paying_off_early_saves_the_later_interest() -> None:
    check(
        "prepay",
        also(LOAN, Slots(paid_periods=6)),
        remaining="61,076.64",
        saved_interest="1,288.99",
        method="等额本息",
    )


def test_l09_days_since_the_last_instalment_are_added_only_when_known() -> None:
    paid = also(LOAN, Slots(paid_periods=6, accrued_days=10))

    assert "payoff" not in values_of("prepay", paid)
    # 61,076.64 × 7.2 % ÷ 360 × 10 = 122.15328
    check("prepay", also(paid, Slots(day_basis=360)), accrued_interest="122.15", payoff="61,198.79")


def test_l09_the_customers_own_method_counts() -> None:
    check("prepay", also(LOAN, Slots(paid_periods=6, method=Method.EQUAL_PRINCIPAL)), remaining="60,000.00")


def test_l10_overdue_interest() -> None:
    overdue = Slots(
        rate=Decimal("0.072"),
        rate_kind=RateKind.ANNUAL,
        overdue_amount=Decimal("9790.72"),
        uplift=Decimal("0.5"),
        overdue_days=15,
        day_basis=360,
    )

    check(
        "overdue_interest",
        overdue,
        penalty="44.06",
        penalty_rate="10.8%",
        formula="罚息 = 9,790.72×7.2%×1.5÷360×15 = 44.06元",
    )


def test_l10_uplift_and_basis_are_asked_for_never_assumed() -> None:
    overdue = also(LOAN, Slots(overdue_amount=Decimal(5000), overdue_days=15))

    missing = reckoning.calculate("overdue_interest", overdue, TODAY)

    assert isinstance(missing, reckoning.Missing)
    assert missing.slots == ("uplift", "day_basis")
    assert missing.chinese == ("合同约定的罚息上浮比例", "合同约定的计息天数基数（360或365）")


def test_l12_a_record_ends_five_years_after_settling() -> None:
    check("credit_record_end", Slots(settled_on=date(2026, 3, 31)), ends_on="2031年3月31日")
    check("credit_record_end", Slots(settled_on=date(2024, 2, 29)), ends_on="2029年2月28日")


def test_l13_an_objection_is_answered_within_twenty_days() -> None:
    check("credit_objection", Slots(objected_on=date(2026, 11, 1)), reply_by="2026年11月21日")


def test_l16_four_times_lpr() -> None:
    check("four_times_lpr", Slots(lpr=Decimal("0.03")), lpr="3%", cap="12.00%")


@pytest.mark.parametrize(
    "fee", [Slots(fee_rate=Decimal("0.006")), Slots(fee_amount=Decimal(72))], ids=["rate", "yuan"]
)
def test_l18_a_guarantee_fee_counts_in(fee: Slots) -> None:
    loan = also(also(SMALL, Slots(rate=Decimal("0.09"), rate_kind=RateKind.ANNUAL)), fee)

    check(
        "guarantee_fee",
        loan,
        instalment="1,049.42",
        fee="72.00",
        monthly_payment="1,121.42",
        annual_simple="21.70%",
        annual_compound="24.00%",
    )


def test_i01_the_fifteenth_day_is_the_last_of_fifteen() -> None:
    bought = Slots(received_on=date(2026, 11, 7), cooling_off_days=15)

    assert values_of("cooling_off", bought)["inside_days_left"] == "0"
    late = values_of("cooling_off", bought, date(2026, 11, 23))
    assert late["outside_days"] == "1"
    assert "inside_days_left" not in late
    assert late["last_day"] == "2026年11月22日"


def test_i01_without_the_contracts_days_nothing_is_said_to_be_over() -> None:
    values = values_of("cooling_off", Slots(received_on=date(2026, 11, 1)))

    assert values["minimum_last_day"] == "2026年11月16日"
    assert values["elapsed_days"] == "21"
    assert not values.keys() & {"last_day", "inside_days_left", "outside_days"}


def test_i02_outside_the_cooling_off_period_the_cash_value_comes_back() -> None:
    paid = Slots(premiums_paid=Decimal(30_000), received_on=date(2026, 11, 1), cooling_off_days=15)

    missing = reckoning.calculate("surrender", paid, TODAY)
    values = values_of("surrender", also(paid, Slots(cash_value=Decimal(12_000))))

    assert isinstance(missing, reckoning.Missing)
    assert missing.chinese == ("保单现金价值",)
    assert (values["refund"], values["loss"], values["loss_rate"]) == ("12,000.00", "18,000.00", "60.00%")


def test_i02_inside_the_cooling_off_period_the_premiums_come_back() -> None:
    paid = Slots(premiums_paid=Decimal(30_000), received_on=date(2026, 11, 10), cooling_off_days=15)

    values = values_of("surrender", paid)

    assert values["inside_refund"] == "30,000.00"
    assert "loss" not in values


def test_i03_to_i07_days_and_years_of_the_law() -> None:
    check("surrender_refund_by", Slots(surrendered_on=date(2026, 11, 1)), refund_by="2026年12月1日")
    check("grace", Slots(premium_due_on=date(2026, 11, 1)), grace_last_day="2026年12月31日")
    check("grace", Slots(demanded_on=date(2026, 11, 1)), demanded_last_day="2026年12月1日")
    check("reinstatement", Slots(lapsed_on=date(2025, 6, 30)), reinstate_by="2027年6月30日")
    check("reinstatement", Slots(reinstate_applied_on=date(2026, 11, 1)), consent_on="2026年12月1日")
    waiting = Slots(effective_on=date(2026, 9, 1), waiting_days=90)
    check("waiting_period", waiting, waiting_last_day="2026年11月30日", inside_days_left="8")
    check("waiting_period", Slots(effective_on=date(2026, 9, 1)), maximum_last_day="2027年2月28日")
    assert reckoning.calculate("waiting_period", also(waiting, Slots(waiting_days=365)), TODAY) is None


def test_i12_claim_limits_leave_out_the_time_for_supplements() -> None:
    submitted = Slots(submitted_on=date(2026, 11, 1))

    check("claim_limits", submitted, decide_by="2026年12月1日", advance_by="2026年12月31日")
    check("claim_limits", also(submitted, Slots(supplement_days=5)), decide_by="2026年12月6日")
    check("claim_limits", Slots(agreed_on=date(2026, 11, 20)), pay_by="2026年11月30日")
    check("claim_limits", Slots(decided_on=date(2026, 11, 20)), refuse_by="2026年11月23日")


def test_i13_limitation_of_action() -> None:
    check(
        "limitation",
        Slots(event_on=date(2026, 11, 1)),
        life_until="2031年11月1日",
        other_until="2028年11月1日",
    )


def test_i16_reimbursement_above_the_deductible() -> None:
    bill = Slots(
        medical_cost=Decimal(58_000),
        social_paid=Decimal(21_000),
        deductible=Decimal(10_000),
        payout_ratio=Decimal(1),
    )

    check("reimbursement", bill, own_cost="37,000.00", reimbursed="27,000.00", self_paid="10,000.00")
    check("reimbursement", also(bill, Slots(deductible=Decimal(50_000))), reimbursed="0.00")


def test_i18_a_share_of_the_sum_insured_needs_the_contracts_ratio() -> None:
    insured = Slots(sum_insured=Decimal(500_000))

    assert isinstance(reckoning.calculate("benefit_share", insured, TODAY), reckoning.Missing)
    check("benefit_share", also(insured, Slots(payout_ratio=Decimal("0.3"))), benefit="150,000.00")


def test_w06_shares_and_what_selling_brings() -> None:
    fund = Slots(
        purchase_amount=Decimal(10_000),
        purchase_fee_rate=Decimal("0.0015"),
        net_value=Decimal("1.0250"),
        redeem_net_value=Decimal("1.0400"),
        redeem_fee_rate=Decimal("0.005"),
    )

    check("fund_purchase", fund, net_amount="9,985.02", purchase_fee="14.98", shares="9,741.48")
    check("fund_round_trip", fund, redeemed="10,080.48", redeem_fee="50.66", gain="80.48")
    check(
        "fund_round_trip",
        also(fund, Slots(redeem_net_value=Decimal("0.9900"))),
        redeemed="9,595.85",
        lost="404.15",
    )
    check("fund_redemption", also(fund, Slots(shares=Decimal("9741.48"))), redeemed="10,080.48", gain="80.48")
    check("price_change", also(fund, Slots(change=Decimal("0.005"))), gain="50.00")


def test_w10_ten_thousand_yield_drawn_out_to_a_year() -> None:
    yielded = Slots(ten_thousand_yield=Decimal("0.4500"), purchase_amount=Decimal(20_000))

    check("ten_thousand_yield", yielded, annual_linear="1.64%", daily_gain="0.90")
    seven = Slots(purchase_amount=Decimal(10_000), annual_yield=Decimal("0.02"), held_days=30)
    check("seven_day_yield", seven, gain="16.44", daily_gain="0.55")


def test_a_daily_rate_needs_the_contracts_day_basis_before_a_schedule_is_drawn() -> None:
    loan = also(LOAN, daily("0.0002"))

    missing = reckoning.calculate("equal_instalment", loan, TODAY)

    assert isinstance(missing, reckoning.Missing)
    assert missing.slots == ("day_basis",)
    check("equal_instalment", also(loan, Slots(day_basis=360)), instalment="10,394.28")


@pytest.mark.parametrize("name", calculations.names())
def test_a_calculation_without_slots_names_what_it_needs_in_chinese(name: str) -> None:
    missing = reckoning.calculate(name, Slots(), TODAY)

    assert isinstance(missing, reckoning.Missing)
    assert missing.slots
    assert len(missing.chinese) == len(missing.slots)
    known = calculations.find(name)
    assert known
    assert {slot for group in known.needs for slot in group} | set(known.may) <= set(slots.NAMES)


@pytest.mark.parametrize(
    "nonsense",
    [
        Slots(amount=Decimal(99)),
        Slots(amount=Decimal(100_000_001)),
        Slots(rate=Decimal("1.01"), rate_kind=RateKind.ANNUAL),
        Slots(rate=Decimal(0), rate_kind=RateKind.ANNUAL),
        Slots(term_months=0),
        Slots(term_months=481),
    ],
    ids=["too little", "too much", "rate too high", "no rate", "no term", "too long"],
)
def test_a_loan_that_cannot_be_meant_is_refused(nonsense: Slots) -> None:
    loan = also(LOAN, nonsense)

    for name in ("equal_instalment", "equal_principal", "interest_first", "compare_methods"):
        assert reckoning.calculate(name, loan, TODAY) is None


def test_figures_that_contradict_each_other_are_refused() -> None:
    assert reckoning.calculate("no such thing", LOAN, TODAY) is None
    assert reckoning.calculate("prepay", also(LOAN, Slots(paid_periods=12)), TODAY) is None
    assert (
        reckoning.calculate("upfront_deduction", also(SMALL, Slots(received=Decimal(12_000))), TODAY) is None
    )
    bill = Slots(
        medical_cost=Decimal(1000), social_paid=Decimal(2000), deductible=Decimal(0), payout_ratio=Decimal(1)
    )
    assert reckoning.calculate("reimbursement", bill, TODAY) is None
    assert reckoning.calculate("cooling_off", Slots(received_on=date(2026, 11, 23)), TODAY) is None


def test_every_slot_has_a_chinese_name() -> None:
    assert set(slots.CHINESE_NAMES) == set(slots.NAMES) - {"rate_kind"}


FULL = Slots(
    amount=Decimal(120_000),
    rate=Decimal("0.072"),
    rate_kind=RateKind.ANNUAL,
    term_months=12,
    paid_periods=6,
    accrued_days=10,
    fee_rate=Decimal("0.006"),
    deducted=Decimal(2_400),
    overdue_amount=Decimal(5_000),
    overdue_days=15,
    uplift=Decimal("0.5"),
    day_basis=360,
    daily_amount=Decimal(30),
    lpr=Decimal("0.03"),
    cooling_off_days=15,
    premiums_paid=Decimal(30_000),
    cash_value=Decimal(12_000),
    waiting_days=90,
    supplement_days=5,
    medical_cost=Decimal(58_000),
    social_paid=Decimal(21_000),
    deductible=Decimal(10_000),
    payout_ratio=Decimal(1),
    sum_insured=Decimal(500_000),
    purchase_amount=Decimal(10_000),
    purchase_fee_rate=Decimal("0.0015"),
    net_value=Decimal("1.025"),
    shares=Decimal(9_741),
    redeem_net_value=Decimal("1.04"),
    redeem_fee_rate=Decimal("0.005"),
    change=Decimal("0.005"),
    ten_thousand_yield=Decimal("0.45"),
    annual_yield=Decimal("0.02"),
    held_days=30,
)
FULL = also(FULL, Slots.from_json(dict.fromkeys(slots.DATES, "2026-11-01")))
ALSO = (
    Slots(),
    Slots(rate=Decimal("0.0005"), rate_kind=RateKind.DAILY),
    Slots(rate=Decimal("0.01"), rate_kind=RateKind.MONTHLY),
    Slots(cooling_off_days=60, waiting_days=10, cash_value=Decimal(40_000)),
    Slots(cash_value=Decimal(40_000)),
    Slots(redeem_net_value=Decimal("0.9"), change=Decimal("-0.1")),
)


@pytest.mark.parametrize("name", calculations.names())
def test_a_calculation_gives_the_values_it_names_and_no_others(name: str) -> None:
    given = {value for more in ALSO for value in values_of(name, also(FULL, more))}

    assert given == calculations.value_names(name)


def test_the_docs_list_every_calculation_with_its_slots_and_values() -> None:
    docs = (Path(__file__).parents[2] / "docs" / "reckoning.md").read_text("utf-8")
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in docs.splitlines()
        if line.startswith("| `")
    ]
    tables = {row[0].strip("`"): row[2:] for row in rows if len(row) == 5}
    asked = {row[0].strip("`"): row[1] for row in rows if len(row) == 3}

    for calculation in filter(None, map(calculations.find, calculations.names())):
        needs, may, values = tables.pop(calculation.name)
        assert needs == ", ".join("/".join(group) for group in calculation.needs)
        assert may == ", ".join(calculation.may)
        assert set(values.split()) == calculation.gives
    assert tables == {}
    assert asked == slots.CHINESE_NAMES


def test_what_may_come_next_includes_either_way_to_say_a_thing() -> None:
    known = Slots(amount=Decimal(12_000))

    assert calculations.expected("instalment_fee", known, TODAY) == ("fee_rate", "fee_amount", "term_months")
    assert calculations.expected("equal_instalment", LOAN, TODAY) == ()
    assert calculations.expected("no such thing", LOAN, TODAY) == ()

"""Ten thousand random loans against a second writing in whole numbers, and the laws a schedule keeps.

The second writing works in cents and ten-thousandths of a year's rate, with Python's unbounded integers: no decimal,
no rounding but the one to the cent. It shares no line with content.reckoning.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content.reckoning import costs, loans, money, policies

LOANS = 10_000
_YEAR = 12 * 10_000  # A rate of k ten-thousandths a year is k / 120,000 a month.

Row = tuple[int, int]  # Interest and principal of a month, in cents.


def half_up(numerator: int, denominator: int) -> int:
    """Return the quotient rounded half up; both positive."""
    return (2 * numerator + denominator) // (2 * denominator)


def by_hand(amount: int, rate: int, term: int) -> list[Row] | None:
    """Return equal instalments: `amount` in cents, `rate` in ten-thousandths a year."""
    grown, base = (_YEAR + rate) ** term, _YEAR**term
    payment = half_up(amount * rate * grown, _YEAR * (grown - base))
    rows: list[Row] = []
    left = amount
    for _ in range(term - 1):
        interest = half_up(left * rate, _YEAR) if left >= 0 else -half_up(-left * rate, _YEAR)
        rows.append((interest, payment - interest))
        left -= payment - interest
    rows.append((half_up(left * rate, _YEAR) if left >= 0 else 0, left))
    return rows if 0 < sum(rows[-1]) <= 2 * payment else None


def falling_by_hand(amount: int, rate: int, term: int) -> list[Row] | None:
    """Return equal principal."""
    part = half_up(amount, term)
    lefts = [amount - part * month for month in range(term)]
    if not 0 < lefts[-1] <= 2 * part:
        return None
    rows = [(half_up(left * rate, _YEAR), part) for left in lefts]
    return [*rows[:-1], (rows[-1][0], lefts[-1])]


def random_loans(count: int) -> Iterator[tuple[int, int, int]]:
    """Yield amounts in cents, rates in ten-thousandths, terms; short terms often, as loans are."""
    dice = random.Random(20261122)
    for number in range(count):
        longest = 480 if number % 50 == 0 else 120 if number % 5 == 0 else 36
        yield int(10 ** dice.uniform(4.0, 9.0)), dice.randint(1, 3600), dice.randint(1, longest)


def rows_of(schedule: loans.Schedule | None) -> list[Row] | None:
    if schedule is None:
        return None
    return [(int(part.interest * 100), int(part.principal * 100)) for part in schedule.instalments]


def test_ten_thousand_loans_agree_with_whole_number_arithmetic_to_the_cent() -> None:
    refused = 0
    for amount, rate, term in random_loans(LOANS):
        yuan, yearly = Decimal(amount) / 100, Decimal(rate) / 10_000
        for method, wanted in ((loans.equal_instalment, by_hand), (loans.equal_principal, falling_by_hand)):
            schedule = method(yuan, yearly, term)
            rows = rows_of(schedule)

            assert rows == wanted(amount, rate, term), (amount, rate, term)
            refused += schedule is None
            if schedule and rows:
                assert sum(principal for _, principal in rows) == amount
                assert sum(map(sum, rows)) == schedule.total * 100
                assert schedule.instalments[-1].remaining == 0
    # Refused are only loans so small that a cent a month distorts them.
    assert refused < LOANS / 100


def test_interest_first_pays_the_same_interest_each_month() -> None:
    for amount, rate, term in random_loans(500):
        schedule = loans.interest_first(Decimal(amount) / 100, Decimal(rate) / 10_000, term)

        assert schedule
        assert schedule.total_interest * 100 == half_up(amount * rate, _YEAR) * term
        assert schedule.instalments[-1].principal == schedule.amount


def test_the_rate_of_return_puts_the_present_value_at_zero() -> None:
    checked = 0
    for number, (amount, rate, term) in enumerate(random_loans(400)):
        schedule = loans.equal_instalment(Decimal(amount) / 100, Decimal(rate) / 10_000, term)
        if schedule is None:
            continue
        fee = money.cents(schedule.amount * (number % 20 + 1) / 1000)
        plan = [part.total + fee for part in schedule.instalments]

        cost = costs.cost_with_fee(schedule, fee)

        assert cost
        with localcontext(prec=60):
            value = sum(pay / (1 + cost.monthly) ** month for month, pay in enumerate(plan, start=1))
            assert abs(value - schedule.amount) < Decimal("1e-30")
            assert cost.simple > Decimal(rate) / 10_000
            assert cost.compound >= cost.simple
        checked += 1
    assert checked > 360


@pytest.mark.parametrize(
    ("received", "payments"),
    [(0, [1]), (-5, [1, 2]), (100, []), (100, [50, 49]), (100, [-1, 200]), (1, [100])],
    ids=["nothing received", "owing", "no payment", "less back", "negative payment", "absurd"],
)
def test_a_rate_that_does_not_exist_is_refused(received: int, payments: list[int]) -> None:
    assert costs.monthly_irr(Decimal(received), [Decimal(part) for part in payments]) is None


def test_paying_back_what_was_received_costs_nothing() -> None:
    assert costs.monthly_irr(Decimal(100), [Decimal(50), Decimal(50)]) == 0


AMOUNTS = st.decimals(min_value=1_000, max_value=10_000_000, places=2)
RATES = st.decimals(min_value="0.01", max_value="0.36", places=4)
TERMS = st.integers(min_value=2, max_value=60)


@given(amount=AMOUNTS, rate=RATES, term=TERMS, data=st.data())
def test_paying_off_early_splits_the_schedule_without_losing_a_cent(
    amount: Decimal, rate: Decimal, term: int, data: st.DataObject
) -> None:
    paid = data.draw(st.integers(min_value=0, max_value=term - 1))
    for method in loans.Method:
        schedule = loans.SCHEDULES[method](amount, rate, term)
        assert schedule

        settled = loans.settle(schedule, paid)

        assert settled
        assert settled.remaining + settled.paid_principal == amount
        assert settled.paid_interest + settled.saved_interest == schedule.total_interest
        assert loans.settle(schedule, term) is None


@given(amount=AMOUNTS, rate=RATES, term=TERMS)
def test_interest_grows_from_equal_principal_to_equal_instalment_to_interest_first(
    amount: Decimal, rate: Decimal, term: int
) -> None:
    level, falling, bullet = (loans.SCHEDULES[method](amount, rate, term) for method in loans.Method)

    assert level
    assert falling
    assert bullet
    # A cent a month of rounding is all that may turn the order about.
    slack = Decimal("0.01") * term
    assert falling.total_interest <= level.total_interest + slack
    assert level.total_interest <= bullet.total_interest + slack


@given(
    overdue=AMOUNTS,
    rate=RATES,
    days=st.integers(min_value=1, max_value=1000),
    basis=st.sampled_from([360, 365]),
)
def test_overdue_interest_grows_with_the_uplift_and_never_without_a_contract_basis(
    overdue: Decimal, rate: Decimal, days: int, basis: int
) -> None:
    plain = loans.overdue_interest(overdue, rate, Decimal(0), days, basis)
    raised = loans.overdue_interest(overdue, rate, Decimal("0.5"), days, basis)

    assert plain is not None
    assert raised is not None
    assert abs(raised - plain * Decimal("1.5")) <= Decimal("0.02")
    assert loans.overdue_interest(overdue, rate, Decimal(0), days, 366) is None


@given(
    amount=st.decimals(min_value=100, max_value=10_000_000, places=2),
    fee=st.decimals(min_value=0, max_value="0.02", places=4),
    net_value=st.decimals(min_value="0.2", max_value=10, places=4),
)
def test_selling_at_the_price_of_purchase_never_gains(
    amount: Decimal, fee: Decimal, net_value: Decimal
) -> None:
    bought = policies.buy(amount, fee, net_value)
    assert bought

    sold = policies.sell(bought.shares, net_value, fee)

    assert sold
    assert bought.net + bought.fee == amount
    # Shares keep two places, so half a hundredth of a share may be rounded up.
    assert sold.received <= amount + net_value / 100

"""What a loan costs in a year: internal rate of return, flat fees, sums held back, rates of other periods.

Pure. 年化 by 中国人民银行公告〔2021〕第3号: all costs over the principal really in hand; simple is the monthly
rate times 12, compound is (1 + monthly)^12 − 1, and whoever shows the simple one says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext

from content.reckoning import loans, money

_CLOSE = Decimal(10) ** -40
_STEPS_LIMIT = 300
MONTHLY_LIMIT = Decimal(1)  # A rate above 100 % a month is refused: the figures were not meant so.


@dataclass(frozen=True, kw_only=True, slots=True)
class YearlyCost:
    """The internal rate of return of a month, and the two rates of a year made of it. All fractions."""

    monthly: Decimal
    simple: Decimal
    compound: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class FeePlan:
    """A purchase or loan in instalments with a fee each period on the first principal (分期手续费)."""

    fee: Decimal
    instalments: tuple[Decimal, ...]
    cost: YearlyCost

    @property
    def total(self) -> Decimal:
        """Return the sum of all payments."""
        return sum(self.instalments, money.ZERO)


def monthly_irr(received: Decimal, payments: Sequence[Decimal]) -> Decimal | None:
    """Return the rate r a month with received = Σ payment_k / (1+r)^k, k = 1…n, exact to 40 places.

    The value falls and is convex in r, so Newton's steps from zero climb to the root and cannot pass it.
    None when there is none to find: nothing received, a negative payment, less paid back than received, or
    more than 100 % a month.
    """
    if received <= 0 or not payments or any(payment < 0 for payment in payments):
        return None
    if sum(payments) < received:
        return None
    with localcontext(money.EXACT):
        rate = money.ZERO
        for _ in range(_STEPS_LIMIT):
            value, slope = _value_and_slope(received, payments, rate)
            step = -value / slope
            rate += step
            if rate > MONTHLY_LIMIT:
                return None
            if abs(step) < _CLOSE:
                return max(rate, money.ZERO)
    return None


def _value_and_slope(
    received: Decimal, payments: Sequence[Decimal], rate: Decimal
) -> tuple[Decimal, Decimal]:
    """Return Σ payment·v^k − received and its derivative by the rate, by Horner's scheme in v = 1/(1+rate)."""
    discount = 1 / (1 + rate)
    total, derived = money.ZERO, money.ZERO
    for payment in reversed(payments):
        derived = (derived + total) * discount
        total = (total + payment) * discount
    # d/dr Σ p·v^k = −v·Σ k·p·v^k, and Σ k·p·v^k is `derived` + `total`.
    return total - received, -(derived + total) * discount


def yearly_cost(received: Decimal, payments: Sequence[Decimal]) -> YearlyCost | None:
    """Return the yearly cost of monthly payments for a sum really received; None as in `monthly_irr`."""
    monthly = monthly_irr(received, payments)
    return None if monthly is None else of_month(monthly)


def of_month(monthly: Decimal) -> YearlyCost:
    """Return the yearly rates of a monthly one: ×12, and (1+r)^12 − 1."""
    with localcontext(money.EXACT):
        return YearlyCost(monthly=monthly, simple=monthly * 12, compound=(1 + monthly) ** 12 - 1)


def flat_fee_plan(amount: Decimal, fee: Decimal, term_months: int) -> FeePlan | None:
    """Return the plan of equal principal plus a fee of `fee` yuan each month (faq_facts L07).

    The last payment balances the principal. None when it cannot be meant (loans.is_sane), or the fee is not
    positive or larger than the amount.
    """
    if not loans.is_sane(amount, loans.RATE_LIMIT, term_months) or not 0 < fee <= amount:
        return None
    principal = money.cents(amount / term_months)
    last = amount - principal * (term_months - 1)
    if last <= 0:
        return None
    payments = (*[principal + fee] * (term_months - 1), last + fee)
    cost = yearly_cost(amount, payments)
    return None if cost is None else FeePlan(fee=fee, instalments=payments, cost=cost)


def cost_after_deduction(schedule: loans.Schedule, deducted: Decimal) -> YearlyCost | None:
    """Return the true cost when `deducted` yuan are held back from the sum paid out (砍头息; faq_facts L08)."""
    if not 0 < deducted < schedule.amount:
        return None
    return yearly_cost(schedule.amount - deducted, [part.total for part in schedule.instalments])


def cost_with_fee(schedule: loans.Schedule, fee: Decimal) -> YearlyCost | None:
    """Return the true cost when each instalment carries a fee of `fee` yuan on top (担保费; faq_facts L18)."""
    if not 0 < fee <= schedule.amount:
        return None
    return yearly_cost(schedule.amount, [part.total + fee for part in schedule.instalments])


def annual_of_daily(daily: Decimal, day_basis: int) -> Decimal:
    """Return daily × basis, the simple yearly rate (faq_facts L01: 0.05 % → 18.00 % on 360, 18.25 % on 365)."""
    return daily * day_basis


def daily_of_annual(annual: Decimal, day_basis: int) -> Decimal:
    """Return annual ÷ basis, the simple daily rate."""
    with localcontext(money.EXACT):
        return annual / day_basis


def compound_of_daily(daily: Decimal, days: int = 365) -> Decimal:
    """Return (1 + daily)^days − 1, what a daily rate comes to when each day's interest bears interest itself."""
    with localcontext(money.EXACT):
        return (1 + daily) ** days - 1

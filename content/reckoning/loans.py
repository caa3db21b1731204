"""Repayment schedules of a loan, to the cent: equal instalment, equal principal, interest first.

Pure. Rates are yearly fractions; the period is a month of 1/12 year, whatever its days (按月计息). A contract that
counts days, or a first month that is not whole, gives other figures; the entries say so.
Every schedule keeps two laws: its principal parts add up to the amount, and its instalments to principal plus
interest; the last instalment balances what rounding left over (末期轧差).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from enum import StrEnum

from content.reckoning import money

AMOUNT_RANGE = (Decimal(100), Decimal(100_000_000))  # Yuan; outside of it a customer mistyped.
RATE_LIMIT = Decimal(1)  # 100 % a year.
TERM_RANGE = (1, 480)  # Months; 40 years.
MONTHS = 12


class Method(StrEnum):
    """How a loan is paid back."""

    EQUAL_INSTALMENT = "equal_instalment"  # 等额本息: the same sum each month.
    EQUAL_PRINCIPAL = "equal_principal"  # 等额本金: the same principal each month, falling interest.
    INTEREST_FIRST = "interest_first"  # 先息后本: interest each month, all principal at the end.


@dataclass(frozen=True, kw_only=True, slots=True)
class Instalment:
    """One month's payment; `remaining` is the principal still owed after it."""

    interest: Decimal
    principal: Decimal
    remaining: Decimal

    @property
    def total(self) -> Decimal:
        """Return what the customer pays this month."""
        return self.interest + self.principal


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """All instalments of a loan, first to last."""

    amount: Decimal
    instalments: tuple[Instalment, ...]

    @property
    def total_interest(self) -> Decimal:
        """Return the interest of all instalments."""
        return sum((part.interest for part in self.instalments), money.ZERO)

    @property
    def total(self) -> Decimal:
        """Return the sum of all instalments."""
        return self.amount + self.total_interest


@dataclass(frozen=True, kw_only=True, slots=True)
class Settlement:
    """What is left when a loan is paid off early, right after an instalment was paid.

    `saved_interest` is the interest of the instalments that fall away; a contract's fee for paying early
    (违约金) is not in it. `accrued` is the interest of the days since, zero when they are not known.
    """

    remaining: Decimal
    paid_principal: Decimal
    paid_interest: Decimal
    saved_interest: Decimal
    accrued: Decimal = money.ZERO

    @property
    def payoff(self) -> Decimal:
        """Return the principal left plus the interest of the days since the last instalment."""
        return self.remaining + self.accrued


def is_sane(amount: Decimal, annual_rate: Decimal, term_months: int) -> bool:
    """Tell whether a loan can be meant: 100 to 100,000,000 yuan in whole cents, 0 < rate <= 100 %, 1 to 480 months."""
    return (
        AMOUNT_RANGE[0] <= amount <= AMOUNT_RANGE[1]
        and amount == money.cents(amount)
        and 0 < annual_rate <= RATE_LIMIT
        and TERM_RANGE[0] <= term_months <= TERM_RANGE[1]
    )


def equal_instalment(amount: Decimal, annual_rate: Decimal, term_months: int) -> Schedule | None:
    """Return the schedule of equal instalments (等额本息).

    M = P·r·(1+r)^n / ((1+r)^n − 1) with r = annual_rate/12, rounded half up to the cent; interest of a month is the
    principal left times r, rounded; the last instalment is the principal left and its interest
    (faq_facts L03; arithmetic, no rule of law). None when the loan is not sane, or when cents are too
    coarse for it: the last instalment would not lie between zero and two ordinary ones.
    """
    if not is_sane(amount, annual_rate, term_months):
        return None
    with localcontext(money.EXACT):
        growth = (1 + annual_rate / MONTHS) ** term_months
        instalment = money.cents(amount * annual_rate / MONTHS * growth / (growth - 1))
    schedule = _schedule(amount, annual_rate, term_months, lambda interest: instalment - interest)
    return schedule if 0 < schedule.instalments[-1].total <= 2 * instalment else None


def equal_principal(amount: Decimal, annual_rate: Decimal, term_months: int) -> Schedule | None:
    """Return the schedule of equal principal (等额本金).

    Principal P/n each month, rounded half up to the cent, the last one the remainder; interest as above
    (faq_facts L04). None when the loan is not sane, or too small for its months.
    """
    if not is_sane(amount, annual_rate, term_months):
        return None
    principal = money.cents(amount / term_months)
    schedule = _schedule(amount, annual_rate, term_months, lambda _: principal)
    return schedule if 0 < schedule.instalments[-1].principal <= 2 * principal else None


def interest_first(amount: Decimal, annual_rate: Decimal, term_months: int) -> Schedule | None:
    """Return the schedule of interest each month, P·r, and all principal at the end (先息后本; faq_facts L05)."""
    if not is_sane(amount, annual_rate, term_months):
        return None
    return _schedule(amount, annual_rate, term_months, lambda _: money.ZERO)


SCHEDULES: Mapping[Method, Callable[[Decimal, Decimal, int], Schedule | None]] = {
    Method.EQUAL_INSTALMENT: equal_instalment,
    Method.EQUAL_PRINCIPAL: equal_principal,
    Method.INTEREST_FIRST: interest_first,
}


def settle(schedule: Schedule, paid_periods: int, accrued: Decimal = money.ZERO) -> Settlement | None:
    """Return what paying off after `paid_periods` instalments means (faq_facts L09).

    Remaining principal = that of the schedule; saved interest = sum of the interest of the later instalments
    (interest runs for the time really borrowed unless agreed otherwise: 民法典 677). None when `paid_periods`
    does not lie between 0 and the last but one.
    """
    if not 0 <= paid_periods < len(schedule.instalments):
        return None
    paid, later = schedule.instalments[:paid_periods], schedule.instalments[paid_periods:]
    return Settlement(
        remaining=paid[-1].remaining if paid else schedule.amount,
        paid_principal=sum((part.principal for part in paid), money.ZERO),
        paid_interest=sum((part.interest for part in paid), money.ZERO),
        saved_interest=sum((part.interest for part in later), money.ZERO),
        accrued=accrued,
    )


def day_interest(principal: Decimal, annual_rate: Decimal, days: int, day_basis: int) -> Decimal | None:
    """Return the simple interest of some days: principal × rate ÷ basis × days, half up to the cent.

    `day_basis`: 360 or 365, as the contract says. None for anything else, or for days not between 0 and 3,660.
    """
    if day_basis not in (360, 365) or not 0 <= days <= 3660 or not 0 < annual_rate <= 2 * RATE_LIMIT:
        return None
    with localcontext(money.EXACT):
        return money.cents(principal * annual_rate * days / day_basis)


def overdue_interest(
    overdue: Decimal, annual_rate: Decimal, uplift: Decimal, days: int, day_basis: int
) -> Decimal | None:
    """Return the penalty interest (罚息) of an overdue principal: P × rate × (1 + uplift) ÷ basis × days.

    `uplift` is the contract's (0.5 for 上浮50%); no default, because the customary one is not verified
    (faq_facts L10). None when a figure cannot be meant: uplift outside 0 to 100 %, principal not positive.
    """
    if not 0 <= uplift <= 1 or not 0 < annual_rate <= RATE_LIMIT or not 0 < overdue <= AMOUNT_RANGE[1]:
        return None
    return day_interest(overdue, annual_rate * (1 + uplift), days, day_basis)


def _schedule(
    amount: Decimal, annual_rate: Decimal, term_months: int, principal_of: Callable[[Decimal], Decimal]
) -> Schedule:
    instalments: list[Instalment] = []
    remaining = amount
    with localcontext(money.EXACT):
        for period in range(1, term_months + 1):
            # Multiplied before divided, so that a half cent is met exactly and rounds up; the context rounds so.
            interest = (remaining * annual_rate / MONTHS).quantize(money.CENT)
            principal = remaining if period == term_months else principal_of(interest)
            remaining -= principal
            instalments.append(Instalment(interest=interest, principal=principal, remaining=remaining))
    return Schedule(amount=amount, instalments=tuple(instalments))

"""Loans as answers: schedules, paying early, overdue, credit records; L03–L06, L09, L10, L12, L13 of faq_facts.

What a loan costs in a year is cost_answers.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext

from content.reckoning import costs, deadlines, loans, money, sheets
from content.reckoning.loans import Method
from content.reckoning.sheets import Calculation, Sheet
from content.reckoning.slots import RateKind, Slots

METHOD_NAMES = {
    Method.EQUAL_INSTALMENT: "等额本息",
    Method.EQUAL_PRINCIPAL: "等额本金",
    Method.INTEREST_FIRST: "先息后本",
}


@dataclass(frozen=True, kw_only=True)
class Loan:
    """The loan of the slots: yuan, yearly fraction, months; `monthly` is the rate of a month."""

    amount: Decimal
    annual: Decimal
    monthly: Decimal
    term: int

    def schedule(self, method: Method) -> loans.Schedule | None:
        """Return its schedule by a method of repayment."""
        return loans.SCHEDULES[method](self.amount, self.annual, self.term)

    def sheet(self) -> Sheet:
        """Return a sheet with the figures the customer gave."""
        return Sheet().put(
            amount=money.plain(self.amount),
            annual_rate=money.given_percent(self.annual),
            monthly_rate=money.given_percent(self.monthly),
            term_months=str(self.term),
        )


def annual_of(slots: Slots) -> Decimal | None:
    """Return the simple yearly rate of the slots: monthly × 12; a daily one × the contract's basis, else × 365.

    Schedules ask for the basis of a daily rate first (`day_basis_of`); 365 only serves to see whether it is sane.
    """
    match slots.rate, slots.rate_kind:
        case Decimal() as rate, RateKind.ANNUAL:
            return rate
        case Decimal() as rate, RateKind.MONTHLY:
            return rate * 12
        case Decimal() as rate, RateKind.DAILY:
            return costs.annual_of_daily(rate, slots.day_basis or 365)
        case _:
            return None


def loan_of(slots: Slots) -> Loan | None:
    """Return the loan of the slots; None when a part is missing or cannot be meant."""
    annual = annual_of(slots)
    if slots.amount is None or annual is None or slots.term_months is None:
        return None
    if not loans.is_sane(slots.amount, annual, slots.term_months):
        return None
    with localcontext(money.EXACT):
        monthly = annual / 12
    return Loan(amount=slots.amount, annual=annual, monthly=monthly, term=slots.term_months)


def _equal_instalment(slots: Slots, _today: date) -> Sheet | None:
    loan = loan_of(slots)
    schedule = loan and loan.schedule(Method.EQUAL_INSTALMENT)
    if not loan or not schedule:
        return None
    first, last = schedule.instalments[0], schedule.instalments[-1]
    sheet = loan.sheet().put(
        instalment=money.written(first.total),
        last_instalment=money.written(last.total),
        first_interest=money.written(first.interest),
        first_principal=money.written(first.principal),
        total_interest=money.written(schedule.total_interest),
        total=money.written(schedule.total),
    )
    if loan.term > 1:
        second = schedule.instalments[1]
        sheet.put(
            second_interest=money.written(second.interest), second_principal=money.written(second.principal)
        )
    return sheet.show(_instalment_formula(loan, first.total))


def _instalment_formula(loan: Loan, instalment: Decimal) -> str:
    amount, rate = money.plain(loan.amount), money.given_percent(loan.monthly)
    growth = f"(1+{rate})^{loan.term}"
    return f"每期 = {amount}×{rate}×{growth}÷({growth}−1) = {money.written(instalment)}元"


def _equal_principal(slots: Slots, _today: date) -> Sheet | None:
    loan = loan_of(slots)
    schedule = loan and loan.schedule(Method.EQUAL_PRINCIPAL)
    if not loan or not schedule:
        return None
    first, last = schedule.instalments[0], schedule.instalments[-1]
    sheet = loan.sheet().put(
        monthly_principal=money.written(first.principal),
        first_instalment=money.written(first.total),
        last_instalment=money.written(last.total),
        total_interest=money.written(schedule.total_interest),
        total=money.written(schedule.total),
    )
    if loan.term > 1:
        second = schedule.instalments[1]
        sheet.put(second_instalment=money.written(second.total))
        sheet.put(monthly_decrease=money.written(first.total - second.total))
    level = loan.schedule(Method.EQUAL_INSTALMENT)
    if level and loan.term > 1:
        sheet.put(saved=money.written(level.total_interest - schedule.total_interest))
        sheet.put(first_more=money.written(first.total - level.instalments[0].total))
    amount, rate = money.plain(loan.amount), money.given_percent(loan.monthly)
    return sheet.show(
        f"每期本金 = {amount}÷{loan.term} = {money.written(first.principal)}元，"
        f"首期 = {money.written(first.principal)}+{amount}×{rate} = {money.written(first.total)}元"
    )


def _interest_first(slots: Slots, _today: date) -> Sheet | None:
    loan = loan_of(slots)
    schedule = loan and loan.schedule(Method.INTEREST_FIRST)
    if not loan or not schedule:
        return None
    monthly = schedule.instalments[0].interest
    amount, rate = money.plain(loan.amount), money.given_percent(loan.monthly)
    return (
        loan.sheet()
        .put(
            monthly_interest=money.written(monthly),
            last_instalment=money.written(schedule.instalments[-1].total),
            total_interest=money.written(schedule.total_interest),
            total=money.written(schedule.total),
        )
        .show(
            f"每期利息 = {amount}×{rate} = {money.written(monthly)}元，"
            f"总利息 = {money.written(monthly)}×{loan.term} = {money.written(schedule.total_interest)}元"
        )
    )


def _compare_methods(slots: Slots, _today: date) -> Sheet | None:
    loan = loan_of(slots)
    if not loan:
        return None
    level, falling, bullet = (loan.schedule(method) for method in Method)
    if not level or not falling or not bullet:
        return None
    names = tuple(METHOD_NAMES.values())
    totals = [money.written(plan.total_interest) for plan in (level, falling, bullet)]
    return (
        loan.sheet()
        .put(
            instalment_interest=totals[0],
            principal_interest=totals[1],
            first_interest_total=totals[2],
            instalment=money.written(level.instalments[0].total),
            first_instalment=money.written(falling.instalments[0].total),
            last_instalment=money.written(falling.instalments[-1].total),
            monthly_interest=money.written(bullet.instalments[0].interest),
            saved=money.written(level.total_interest - falling.total_interest),
            saved_most=money.written(bullet.total_interest - falling.total_interest),
            first_more=money.written(falling.instalments[0].total - level.instalments[0].total),
        )
        .show("，".join(f"{name}总利息 {total}元" for name, total in zip(names, totals, strict=True)))
    )


def _prepay(slots: Slots, _today: date) -> Sheet | None:
    loan = loan_of(slots)
    method = slots.method or Method.EQUAL_INSTALMENT
    schedule = loan and loan.schedule(method)
    if not loan or not schedule or slots.paid_periods is None:
        return None
    accrued = _accrued(slots, loan.annual, schedule, slots.paid_periods)
    settled = loans.settle(schedule, slots.paid_periods, accrued or money.ZERO)
    if settled is None:
        return None
    paid = slots.paid_periods
    sheet = loan.sheet().put(
        method=METHOD_NAMES[method],
        paid_periods=str(paid),
        remaining_periods=str(loan.term - paid),
        remaining=money.written(settled.remaining),
        paid_principal=money.written(settled.paid_principal),
        paid_interest=money.written(settled.paid_interest),
        saved_interest=money.written(settled.saved_interest),
    )
    sheet.show(
        f"剩余本金 = {money.plain(loan.amount)}−前{paid}期本金{money.written(settled.paid_principal)} = "
        f"{money.written(settled.remaining)}元，"
        f"后{loan.term - paid}期利息合计 {money.written(settled.saved_interest)}元"
    )
    if accrued is not None:
        rate, days = money.given_percent(loan.annual), f"{slots.day_basis}×{slots.accrued_days}"
        sheet.put(accrued_interest=money.written(accrued), payoff=money.written(settled.payoff))
        sheet.put(accrued_days=str(slots.accrued_days), day_basis=str(slots.day_basis))
        sheet.show(
            f"应计利息 = {money.written(settled.remaining)}×{rate}÷{days} = {money.written(accrued)}元"
        )
    return sheet


def _accrued(slots: Slots, annual: Decimal, schedule: loans.Schedule, paid: int) -> Decimal | None:
    settled = loans.settle(schedule, paid)
    if settled is None or slots.accrued_days is None or slots.day_basis is None:
        return None
    return loans.day_interest(settled.remaining, annual, slots.accrued_days, slots.day_basis)


def _overdue(slots: Slots, _today: date) -> Sheet | None:
    annual, principal, uplift = annual_of(slots), slots.overdue_amount, slots.uplift
    days, basis = slots.overdue_days, slots.day_basis
    if annual is None or principal is None or uplift is None or days is None or basis is None:
        return None
    penalty = loans.overdue_interest(principal, annual, uplift, days, basis)
    daily = loans.overdue_interest(principal, annual, uplift, 1, basis)
    if penalty is None or daily is None or days < 1:
        return None
    rate = money.given_percent(annual)
    return (
        Sheet()
        .put(
            annual_rate=rate,
            overdue_amount=money.written(principal),
            uplift=money.given_percent(uplift),
            overdue_days=str(days),
            day_basis=str(basis),
            penalty_rate=money.given_percent(annual * (1 + uplift)),
            penalty=money.written(penalty),
            daily_penalty=money.written(daily),
        )
        .show(
            f"罚息 = {money.plain(principal)}×{rate}×{money.plain(1 + uplift)}÷{basis}×{days} = "
            f"{money.written(penalty)}元"
        )
    )


def _credit_record_end(slots: Slots, _today: date) -> Sheet | None:
    if slots.settled_on is None:
        return None
    settled = money.chinese_date(slots.settled_on)
    end = money.chinese_date(deadlines.years_after(slots.settled_on, deadlines.CREDIT_RECORD_YEARS))
    return (
        Sheet()
        .put(settled_on=settled, ends_on=end)
        .show(f"{settled}+{deadlines.CREDIT_RECORD_YEARS}年 = {end}")
    )


def _credit_objection(slots: Slots, _today: date) -> Sheet | None:
    if slots.objected_on is None:
        return None
    begun = money.chinese_date(slots.objected_on)
    end = money.chinese_date(deadlines.days_after(slots.objected_on, deadlines.OBJECTION_DAYS))
    sheet = Sheet().put(objected_on=begun, reply_by=end)
    sheet.put(complaint_reply_days=str(deadlines.CREDIT_COMPLAINT_DAYS))
    return sheet.show(f"{begun}+{deadlines.OBJECTION_DAYS}日 = {end}")


def day_basis_of(slots: Slots, _today: date) -> tuple[str, ...]:
    """Return the slot to ask for when a daily rate came without the contract's day basis."""
    is_open = slots.rate_kind == RateKind.DAILY and slots.day_basis is None
    return ("day_basis",) if is_open else ()


GIVEN = sheets.words("amount annual_rate monthly_rate term_months")
NEEDS = (("amount",), ("rate",), ("term_months",))

CALCULATIONS = (
    Calculation(
        name="equal_instalment",
        act=_equal_instalment,
        needs=NEEDS,
        also=day_basis_of,
        gives=GIVEN
        | sheets.words(
            "instalment last_instalment first_interest first_principal second_interest "
            "second_principal total_interest total"
        ),
    ),
    Calculation(
        name="equal_principal",
        act=_equal_principal,
        needs=NEEDS,
        also=day_basis_of,
        gives=GIVEN
        | sheets.words(
            "monthly_principal first_instalment second_instalment last_instalment "
            "monthly_decrease total_interest total saved first_more"
        ),
    ),
    Calculation(
        name="interest_first",
        act=_interest_first,
        needs=NEEDS,
        also=day_basis_of,
        gives=GIVEN | sheets.words("monthly_interest last_instalment total_interest total"),
    ),
    Calculation(
        name="compare_methods",
        act=_compare_methods,
        needs=NEEDS,
        also=day_basis_of,
        gives=GIVEN
        | sheets.words(
            "instalment_interest principal_interest first_interest_total instalment "
            "first_instalment last_instalment monthly_interest saved saved_most "
            "first_more"
        ),
    ),
    Calculation(
        name="prepay",
        act=_prepay,
        needs=(*NEEDS, ("paid_periods",)),
        may=("method", "accrued_days", "day_basis"),
        also=day_basis_of,
        gives=GIVEN
        | sheets.words(
            "method paid_periods remaining_periods remaining paid_principal "
            "paid_interest saved_interest accrued_interest payoff accrued_days day_basis"
        ),
    ),
    Calculation(
        name="overdue_interest",
        act=_overdue,
        needs=(("overdue_amount",), ("rate",), ("uplift",), ("overdue_days",), ("day_basis",)),
        gives=sheets.words(
            "annual_rate overdue_amount uplift overdue_days day_basis penalty_rate penalty daily_penalty"
        ),
    ),
    Calculation(
        name="credit_record_end",
        act=_credit_record_end,
        needs=(("settled_on",),),
        gives=sheets.words("settled_on ends_on"),
    ),
    Calculation(
        name="credit_objection",
        act=_credit_objection,
        needs=(("objected_on",),),
        gives=sheets.words("objected_on reply_by complaint_reply_days"),
    ),
)

"""Loan calculations as answers: L01, L03–L10, L12, L13, L16, L18 of faq_facts."""

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

    Schedules ask for the basis of a daily rate first (`_day_basis`); 365 only serves to see whether it is sane.
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


def _loan(slots: Slots) -> Loan | None:
    annual = annual_of(slots)
    if slots.amount is None or annual is None or slots.term_months is None:
        return None
    if not loans.is_sane(slots.amount, annual, slots.term_months):
        return None
    with localcontext(money.EXACT):
        monthly = annual / 12
    return Loan(amount=slots.amount, annual=annual, monthly=monthly, term=slots.term_months)


def _equal_instalment(slots: Slots, _today: date) -> Sheet | None:
    loan = _loan(slots)
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
    loan = _loan(slots)
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
    loan = _loan(slots)
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
    loan = _loan(slots)
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


def _fee(slots: Slots) -> Decimal | None:
    if slots.fee_amount is not None:
        return slots.fee_amount
    if slots.amount is None or slots.fee_rate is None or not 0 < slots.fee_rate <= Decimal("0.1"):
        return None
    return money.cents(slots.amount * slots.fee_rate)


def _put_cost(sheet: Sheet, cost: costs.YearlyCost) -> Sheet:
    monthly = money.percent(cost.monthly, 4)
    simple, compound = money.percent(cost.simple), money.percent(cost.compound)
    sheet.put(monthly_irr=monthly, annual_simple=simple, annual_compound=compound)
    return sheet.show(
        f"月IRR = {monthly}，年化(单利) = 月IRR×12 = {simple}，年化(复利) = (1+月IRR)^12−1 = {compound}"
    )


def _instalment_fee(slots: Slots, _today: date) -> Sheet | None:
    fee = _fee(slots)
    if slots.amount is None or slots.term_months is None or fee is None:
        return None
    plan = costs.flat_fee_plan(slots.amount, fee, slots.term_months)
    if plan is None:
        return None
    rate = slots.fee_rate if slots.fee_rate is not None else fee / slots.amount
    amount, payment = money.plain(slots.amount), money.written(plan.instalments[0])
    sheet = Sheet().put(
        amount=amount,
        term_months=str(slots.term_months),
        fee=money.written(fee),
        fee_rate=money.given_percent(rate),
        nominal_annual=money.given_percent(rate * 12),
        principal=money.written(plan.instalments[0] - fee),
        instalment=payment,
        total_fee=money.written(plan.total - slots.amount),
        total=money.written(plan.total),
    )
    sheet.show(f"每期 = {amount}÷{slots.term_months}+{money.written(fee)} = {payment}元")
    return _put_cost(sheet, plan.cost)


def _upfront_deduction(slots: Slots, _today: date) -> Sheet | None:
    loan = _loan(slots)
    schedule = loan and loan.schedule(Method.EQUAL_INSTALMENT)
    if not loan or not schedule:
        return None
    deducted = slots.deducted if slots.deducted is not None else loan.amount - (slots.received or money.ZERO)
    if slots.received is not None and loan.amount - deducted != slots.received:
        return None
    cost = costs.cost_after_deduction(schedule, deducted)
    if cost is None:
        return None
    received = loan.amount - deducted
    fair = loans.equal_instalment(received, loan.annual, loan.term)
    sheet = loan.sheet().put(
        deducted=money.written(deducted),
        received=money.written(received),
        instalment=money.written(schedule.instalments[0].total),
        total=money.written(schedule.total),
    )
    if fair:
        sheet.put(fair_instalment=money.written(fair.instalments[0].total))
    sheet.show(
        f"实际到手 = {money.plain(loan.amount)}−{money.plain(deducted)} = {money.written(received)}元，"
        f"每期仍还 {money.written(schedule.instalments[0].total)}元"
    )
    return _put_cost(sheet, cost)


def _guarantee_fee(slots: Slots, _today: date) -> Sheet | None:
    loan, fee = _loan(slots), _fee(slots)
    schedule = loan and loan.schedule(Method.EQUAL_INSTALMENT)
    if not loan or not schedule or fee is None:
        return None
    cost = costs.cost_with_fee(schedule, fee)
    if cost is None:
        return None
    instalment = schedule.instalments[0].total
    sheet = loan.sheet().put(
        instalment=money.written(instalment),
        fee=money.written(fee),
        monthly_payment=money.written(instalment + fee),
        total_fee=money.written(fee * loan.term),
        total=money.written(schedule.total + fee * loan.term),
    )
    sheet.show(
        f"每期 = {money.written(instalment)}+{money.written(fee)} = {money.written(instalment + fee)}元"
    )
    return _put_cost(sheet, cost)


def _prepay(slots: Slots, _today: date) -> Sheet | None:
    loan = _loan(slots)
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


def _rate_convert(slots: Slots, _today: date) -> Sheet | None:
    annual = annual_of(slots)
    if annual is None or slots.rate is None or not 0 < annual <= loans.RATE_LIMIT:
        return None
    sheet, rate = Sheet(), money.given_percent(slots.rate)
    match slots.rate_kind:
        case RateKind.DAILY:
            on_360 = money.percent(costs.annual_of_daily(slots.rate, 360))
            on_365 = money.percent(costs.annual_of_daily(slots.rate, 365))
            sheet.put(daily_rate=rate, annual_360=on_360, annual_365=on_365)
            sheet.put(compound_365=money.percent(costs.compound_of_daily(slots.rate)))
            sheet.show(f"{rate}×360 = {on_360}，{rate}×365 = {on_365}")
        case RateKind.MONTHLY:
            year = costs.of_month(slots.rate)
            sheet.put(monthly_rate=rate, annual_rate=money.given_percent(annual))
            sheet.put(annual_compound=money.percent(year.compound))
            sheet.show(f"{rate}×12 = {money.given_percent(annual)}")
        case _:
            month = money.given_percent(costs.daily_of_annual(annual, 12))
            day_360, day_365 = (money.percent(costs.daily_of_annual(annual, days), 4) for days in (360, 365))
            sheet.put(annual_rate=rate, monthly_rate=month, daily_360=day_360, daily_365=day_365)
            sheet.show(f"{rate}÷12 = {month}，{rate}÷360 = {day_360}，{rate}÷365 = {day_365}")
    return _put_interest(sheet, slots, annual)


def _put_interest(sheet: Sheet, slots: Slots, annual: Decimal) -> Sheet:
    """Add what a sum costs a day, a month and a year, simple; the day of a daily rate is that rate itself."""
    if slots.amount is None or not loans.is_sane(slots.amount, annual, 1):
        return sheet
    daily = slots.rate if slots.rate_kind == RateKind.DAILY else None
    with localcontext(money.EXACT):
        on_365, on_360 = (slots.amount * (daily or annual / days) for days in (365, 360))
        monthly, yearly = slots.amount * annual / 12, slots.amount * annual
    sheet.put(amount=money.plain(slots.amount), daily_interest=money.written(on_365))
    sheet.put(daily_interest_360=money.written(on_360))
    return sheet.put(monthly_interest=money.written(monthly), yearly_interest=money.written(yearly))


def _daily_cost(slots: Slots, _today: date) -> Sheet | None:
    amount, daily = slots.amount, slots.daily_amount
    if amount is None or daily is None or not loans.is_sane(amount, loans.RATE_LIMIT, 1) or daily <= 0:
        return None
    with localcontext(money.EXACT):
        rate = daily / amount
    on_360, on_365 = costs.annual_of_daily(rate, 360), costs.annual_of_daily(rate, 365)
    if on_365 > loans.RATE_LIMIT:
        return None
    rate_text = money.given_percent(rate)
    return (
        Sheet()
        .put(
            amount=money.plain(amount),
            daily_amount=money.plain(daily),
            daily_rate=rate_text,
            annual_360=money.percent(on_360),
            annual_365=money.percent(on_365),
        )
        .show(
            f"日利率 = {money.plain(daily)}÷{money.plain(amount)} = {rate_text}，"
            f"×360 = {money.percent(on_360)}，×365 = {money.percent(on_365)}"
        )
    )


def _four_times_lpr(slots: Slots, _today: date) -> Sheet | None:
    if slots.lpr is None or not 0 < slots.lpr <= Decimal("0.2"):
        return None
    lpr, cap = money.given_percent(slots.lpr), money.percent(slots.lpr * 4)
    return Sheet().put(lpr=lpr, cap=cap).show(f"{lpr}×4 = {cap}")


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


def _day_basis(slots: Slots, _today: date) -> tuple[str, ...]:
    is_open = slots.rate_kind == RateKind.DAILY and slots.day_basis is None
    return ("day_basis",) if is_open else ()


_GIVEN = sheets.words("amount annual_rate monthly_rate term_months")
_COST = sheets.words("monthly_irr annual_simple annual_compound")
_LOAN = (("amount",), ("rate",), ("term_months",))

CALCULATIONS = (
    Calculation(
        name="equal_instalment",
        act=_equal_instalment,
        needs=_LOAN,
        also=_day_basis,
        gives=_GIVEN
        | sheets.words(
            "instalment last_instalment first_interest first_principal second_interest "
            "second_principal total_interest total"
        ),
    ),
    Calculation(
        name="equal_principal",
        act=_equal_principal,
        needs=_LOAN,
        also=_day_basis,
        gives=_GIVEN
        | sheets.words(
            "monthly_principal first_instalment second_instalment last_instalment "
            "monthly_decrease total_interest total saved first_more"
        ),
    ),
    Calculation(
        name="interest_first",
        act=_interest_first,
        needs=_LOAN,
        also=_day_basis,
        gives=_GIVEN | sheets.words("monthly_interest last_instalment total_interest total"),
    ),
    Calculation(
        name="compare_methods",
        act=_compare_methods,
        needs=_LOAN,
        also=_day_basis,
        gives=_GIVEN
        | sheets.words(
            "instalment_interest principal_interest first_interest_total instalment "
            "first_instalment last_instalment monthly_interest saved saved_most "
            "first_more"
        ),
    ),
    Calculation(
        name="instalment_fee",
        act=_instalment_fee,
        needs=(("amount",), ("fee_rate", "fee_amount"), ("term_months",)),
        gives=_COST
        | sheets.words("amount term_months fee fee_rate nominal_annual principal instalment total_fee total"),
    ),
    Calculation(
        name="upfront_deduction",
        act=_upfront_deduction,
        needs=(("amount",), ("deducted", "received"), ("rate",), ("term_months",)),
        also=_day_basis,
        gives=_GIVEN | _COST | sheets.words("deducted received instalment total fair_instalment"),
    ),
    Calculation(
        name="guarantee_fee",
        act=_guarantee_fee,
        needs=(*_LOAN, ("fee_amount", "fee_rate")),
        also=_day_basis,
        gives=_GIVEN | _COST | sheets.words("instalment fee monthly_payment total_fee total"),
    ),
    Calculation(
        name="prepay",
        act=_prepay,
        needs=(*_LOAN, ("paid_periods",)),
        may=("method", "accrued_days", "day_basis"),
        also=_day_basis,
        gives=_GIVEN
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
        name="rate_convert",
        act=_rate_convert,
        needs=(("rate",),),
        may=("amount", "day_basis"),
        gives=sheets.words(
            "daily_rate annual_360 annual_365 compound_365 monthly_rate annual_rate "
            "annual_compound daily_360 daily_365 amount daily_interest "
            "daily_interest_360 monthly_interest yearly_interest"
        ),
    ),
    Calculation(
        name="daily_cost",
        act=_daily_cost,
        needs=(("amount",), ("daily_amount",)),
        gives=sheets.words("amount daily_amount daily_rate annual_360 annual_365"),
    ),
    Calculation(name="four_times_lpr", act=_four_times_lpr, needs=(("lpr",),), gives=sheets.words("lpr cap")),
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

"""What loans cost as answers: L01, L07, L08, L16 and L18 of faq_facts."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, localcontext

from content.reckoning import costs, loan_answers, loans, money, sheets
from content.reckoning.loans import Method
from content.reckoning.sheets import Calculation, Sheet
from content.reckoning.slots import RateKind, Slots


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
    loan = loan_answers.loan_of(slots)
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
    loan, fee = loan_answers.loan_of(slots), _fee(slots)
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


def _rate_convert(slots: Slots, _today: date) -> Sheet | None:
    annual = loan_answers.annual_of(slots)
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


_COST = sheets.words("monthly_irr annual_simple annual_compound")

CALCULATIONS = (
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
        also=loan_answers.day_basis_of,
        gives=loan_answers.GIVEN | _COST | sheets.words("deducted received instalment total fair_instalment"),
    ),
    Calculation(
        name="guarantee_fee",
        act=_guarantee_fee,
        needs=(*loan_answers.NEEDS, ("fee_amount", "fee_rate")),
        also=loan_answers.day_basis_of,
        gives=loan_answers.GIVEN | _COST | sheets.words("instalment fee monthly_payment total_fee total"),
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
)

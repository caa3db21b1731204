"""Insurance calculations as answers: I01–I03, I05–I07, I12, I13, I16, I18 of faq_facts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from content.reckoning import deadlines, money, policies, sheets
from content.reckoning.sheets import Calculation, Sheet
from content.reckoning.slots import Slots

_DAYS_LIMIT = 3660  # A count of days above ten years was not meant.


def _end_of(start: date, days: int) -> tuple[str, str]:
    """Return the last day of a period, and the line that shows it."""
    end = money.chinese_date(deadlines.days_after(start, days))
    return end, f"{money.chinese_date(start)}+{days}日 = {end}"


def _position(sheet: Sheet, elapsed: int, days: int) -> Sheet:
    """Say whether a period of days is still running: the days left of it, or the days past it."""
    if elapsed <= days:
        return sheet.put(inside_days_left=str(days - elapsed))
    return sheet.put(outside_days=str(elapsed - days))


def _is_count(days: int | None) -> bool:
    return days is None or 0 < days <= _DAYS_LIMIT


def _cooling_off(slots: Slots, today: date) -> Sheet | None:
    start, days = slots.received_on, slots.cooling_off_days
    if start is None or start > today or not _is_count(days):
        return None
    elapsed = (today - start).days
    minimum, formula = _end_of(start, deadlines.COOLING_OFF_MINIMUM_DAYS)
    sheet = Sheet().put(
        received_on=money.chinese_date(start), elapsed_days=str(elapsed), minimum_last_day=minimum
    )
    if days is None:
        return sheet.show(formula)
    last_day, formula = _end_of(start, days)
    return _position(sheet.put(cooling_off_days=str(days), last_day=last_day), elapsed, days).show(formula)


def _is_cooling_off(slots: Slots, today: date) -> bool:
    """Tell that the contract's own days are known and not over."""
    start, days = slots.received_on, slots.cooling_off_days
    return start is not None and days is not None and 0 <= (today - start).days <= days <= _DAYS_LIMIT


def _cash_value(slots: Slots, today: date) -> tuple[str, ...]:
    is_needed = slots.cash_value is None and not _is_cooling_off(slots, today)
    return ("cash_value",) if is_needed else ()


def _surrender(slots: Slots, today: date) -> Sheet | None:
    premiums = slots.premiums_paid
    if premiums is None or not 0 < premiums <= policies.SUM_LIMIT:
        return None
    paid = money.written(premiums)
    sheet = Sheet().put(premiums_paid=paid)
    if slots.received_on and slots.cooling_off_days and _is_cooling_off(slots, today):
        last_day, formula = _end_of(slots.received_on, slots.cooling_off_days)
        received, days = money.chinese_date(slots.received_on), str(slots.cooling_off_days)
        sheet.put(inside_refund=paid, last_day=last_day, received_on=received, cooling_off_days=days)
        return sheet.show(f"犹豫期最后一日 = {formula}")
    if slots.cash_value is None:
        return None
    loss = policies.surrender_loss(premiums, slots.cash_value)
    if loss is None:
        return None
    value = money.written(slots.cash_value)
    sheet.put(cash_value=value, refund=value)
    if loss >= 0:
        sheet.put(loss=money.written(loss), loss_rate=money.percent(loss / premiums))
        return sheet.show(f"损失 = {paid}−{value} = {money.written(loss)}元")
    sheet.put(above=money.written(-loss))
    return sheet.show(f"{value}−{paid} = {money.written(-loss)}元")


def _surrender_refund_by(slots: Slots, _today: date) -> Sheet | None:
    if slots.surrendered_on is None:
        return None
    end, formula = _end_of(slots.surrendered_on, deadlines.SURRENDER_DAYS)
    return Sheet().put(surrendered_on=money.chinese_date(slots.surrendered_on), refund_by=end).show(formula)


def _grace(slots: Slots, _today: date) -> Sheet | None:
    sheet = Sheet()
    if slots.premium_due_on is not None:
        end, formula = _end_of(slots.premium_due_on, deadlines.GRACE_DAYS)
        sheet.put(premium_due_on=money.chinese_date(slots.premium_due_on), grace_last_day=end).show(formula)
    if slots.demanded_on is not None:
        end, formula = _end_of(slots.demanded_on, deadlines.GRACE_DEMANDED_DAYS)
        sheet.put(demanded_on=money.chinese_date(slots.demanded_on), demanded_last_day=end).show(formula)
    return sheet


def _reinstatement(slots: Slots, _today: date) -> Sheet | None:
    sheet = Sheet()
    if slots.lapsed_on is not None:
        years = deadlines.REINSTATEMENT_YEARS
        start, end = (
            money.chinese_date(day)
            for day in (slots.lapsed_on, deadlines.years_after(slots.lapsed_on, years))
        )
        sheet.put(lapsed_on=start, reinstate_by=end).show(f"{start}+{years}年 = {end}")
    if slots.reinstate_applied_on is not None:
        end, formula = _end_of(slots.reinstate_applied_on, deadlines.CONSENT_DAYS)
        sheet.put(reinstate_applied_on=money.chinese_date(slots.reinstate_applied_on), consent_on=end)
        sheet.show(formula)
    return sheet


def _waiting_period(slots: Slots, today: date) -> Sheet | None:
    start, days = slots.effective_on, slots.waiting_days
    if start is None or (days is not None and not 0 < days <= deadlines.WAITING_MAXIMUM_DAYS):
        return None  # More than the law allows was misread, or is a case for a person.
    latest, formula = _end_of(start, deadlines.WAITING_MAXIMUM_DAYS)
    sheet = Sheet().put(effective_on=money.chinese_date(start), maximum_last_day=latest)
    if days is None:
        return sheet.show(formula)
    last_day, formula = _end_of(start, days)
    sheet.put(waiting_days=str(days), waiting_last_day=last_day)
    return _position(sheet, (today - start).days, days).show(formula)


def _claim_limits(slots: Slots, _today: date) -> Sheet | None:
    sheet, supplement = Sheet(), slots.supplement_days
    if slots.submitted_on is not None and (supplement is None or 0 <= supplement <= _DAYS_LIMIT):
        start = money.chinese_date(slots.submitted_on)
        decision = money.chinese_date(deadlines.decision_by(slots.submitted_on, supplement or 0))
        advance, advance_formula = _end_of(slots.submitted_on, deadlines.ADVANCE_DAYS)
        pause = f"+补材料{supplement}日" if supplement else ""
        sheet.put(submitted_on=start, decide_by=decision, advance_by=advance)
        if supplement:
            sheet.put(supplement_days=str(supplement))
        sheet.show(f"核定：{start}+{deadlines.DECISION_DAYS}日{pause} = {decision}")
        sheet.show(f"先予支付：{advance_formula}")
    if slots.agreed_on is not None:
        end, formula = _end_of(slots.agreed_on, deadlines.PAYMENT_DAYS)
        sheet.put(agreed_on=money.chinese_date(slots.agreed_on), pay_by=end).show(f"付款：{formula}")
    if slots.decided_on is not None:
        end, formula = _end_of(slots.decided_on, deadlines.REFUSAL_DAYS)
        sheet.put(decided_on=money.chinese_date(slots.decided_on), refuse_by=end).show(f"拒赔通知：{formula}")
    return sheet if sheet.values else None


def _limitation(slots: Slots, _today: date) -> Sheet | None:
    if slots.event_on is None:
        return None
    start = money.chinese_date(slots.event_on)
    lines: Sequence[tuple[str, str, int]] = (
        ("life_until", "人寿保险", deadlines.LIFE_LIMITATION_YEARS),
        ("other_until", "其他保险", deadlines.OTHER_LIMITATION_YEARS),
    )
    sheet = Sheet().put(event_on=start)
    for name, kind, years in lines:
        end = money.chinese_date(deadlines.years_after(slots.event_on, years))
        sheet.put(**{name: end}).show(f"{kind}：{start}+{years}年 = {end}")
    return sheet


def _reimbursement(slots: Slots, _today: date) -> Sheet | None:
    cost, social, deductible, ratio = (
        slots.medical_cost,
        slots.social_paid,
        slots.deductible,
        slots.payout_ratio,
    )
    if cost is None or social is None or deductible is None or ratio is None:
        return None
    result = policies.reimburse(cost, social, deductible, ratio)
    if result is None:
        return None
    rate = money.given_percent(ratio)
    figures = f"({money.plain(cost)}−{money.plain(social)}−{money.plain(deductible)})×{rate}"
    if result.base == 0:
        figures = f"{money.plain(cost)}−{money.plain(social)} ≤ 免赔额{money.plain(deductible)}，报销"
    return (
        Sheet()
        .put(
            medical_cost=money.written(cost),
            social_paid=money.written(social),
            deductible=money.written(deductible),
            payout_ratio=rate,
            own_cost=money.written(result.own_cost),
            above_deductible=money.written(result.base),
            reimbursed=money.written(result.paid),
            self_paid=money.written(result.left),
        )
        .show(f"{figures} = {money.written(result.paid)}元")
    )


def _benefit_share(slots: Slots, _today: date) -> Sheet | None:
    if slots.sum_insured is None or slots.payout_ratio is None:
        return None
    benefit = policies.share_of(slots.sum_insured, slots.payout_ratio)
    if benefit is None:
        return None
    insured, ratio = money.plain(slots.sum_insured), money.given_percent(slots.payout_ratio)
    sheet = Sheet().put(sum_insured=insured, payout_ratio=ratio, benefit=money.written(benefit))
    return sheet.show(f"{insured}×{ratio} = {money.written(benefit)}元")


CALCULATIONS = (
    Calculation(
        name="cooling_off",
        act=_cooling_off,
        needs=(("received_on",),),
        may=("cooling_off_days",),
        gives=sheets.words(
            "received_on elapsed_days minimum_last_day cooling_off_days last_day "
            "inside_days_left outside_days"
        ),
    ),
    Calculation(
        name="surrender",
        act=_surrender,
        needs=(("premiums_paid",),),
        may=("received_on", "cooling_off_days", "cash_value"),
        also=_cash_value,
        gives=sheets.words(
            "premiums_paid cash_value refund loss loss_rate above inside_refund last_day "
            "received_on cooling_off_days"
        ),
    ),
    Calculation(
        name="surrender_refund_by",
        act=_surrender_refund_by,
        needs=(("surrendered_on",),),
        gives=sheets.words("surrendered_on refund_by"),
    ),
    Calculation(
        name="grace",
        act=_grace,
        needs=(("premium_due_on", "demanded_on"),),
        gives=sheets.words("premium_due_on grace_last_day demanded_on demanded_last_day"),
    ),
    Calculation(
        name="reinstatement",
        act=_reinstatement,
        needs=(("lapsed_on", "reinstate_applied_on"),),
        gives=sheets.words("lapsed_on reinstate_by reinstate_applied_on consent_on"),
    ),
    Calculation(
        name="waiting_period",
        act=_waiting_period,
        needs=(("effective_on",),),
        may=("waiting_days",),
        gives=sheets.words(
            "effective_on maximum_last_day waiting_days waiting_last_day inside_days_left outside_days"
        ),
    ),
    Calculation(
        name="claim_limits",
        act=_claim_limits,
        needs=(("submitted_on", "agreed_on", "decided_on"),),
        may=("supplement_days",),
        gives=sheets.words(
            "submitted_on decide_by advance_by supplement_days agreed_on pay_by decided_on refuse_by"
        ),
    ),
    Calculation(
        name="limitation",
        act=_limitation,
        needs=(("event_on",),),
        gives=sheets.words("event_on life_until other_until"),
    ),
    Calculation(
        name="reimbursement",
        act=_reimbursement,
        needs=(("medical_cost",), ("social_paid",), ("deductible",), ("payout_ratio",)),
        gives=sheets.words(
            "medical_cost social_paid deductible payout_ratio own_cost above_deductible reimbursed self_paid"
        ),
    ),
    Calculation(
        name="benefit_share",
        act=_benefit_share,
        needs=(("sum_insured",), ("payout_ratio",)),
        gives=sheets.words("sum_insured payout_ratio benefit"),
    ),
)

"""Wealth calculations as answers: W06 and W10 of faq_facts."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from content.reckoning import money, policies, sheets
from content.reckoning.sheets import Calculation, Sheet
from content.reckoning.slots import Slots


def _put_gain(sheet: Sheet, gain: Decimal) -> Sheet:
    """Add the gain or the loss, never both."""
    return sheet.put(gain=money.written(gain)) if gain >= 0 else sheet.put(lost=money.written(-gain))


def _put_purchase(sheet: Sheet, slots: Slots) -> policies.Purchase | None:
    amount, fee_rate, net_value = slots.purchase_amount, slots.purchase_fee_rate, slots.net_value
    if amount is None or fee_rate is None or net_value is None:
        return None
    bought = policies.buy(amount, fee_rate, net_value)
    if bought is None:
        return None
    rate, net, shares = money.given_percent(fee_rate), money.written(bought.net), money.written(bought.shares)
    sheet.put(
        purchase_amount=money.plain(amount),
        purchase_fee_rate=rate,
        net_value=str(net_value),
        net_amount=net,
        purchase_fee=money.written(bought.fee),
        shares=shares,
    )
    sheet.show(f"净申购 = {money.plain(amount)}÷(1+{rate}) = {net}元，份额 = {net}÷{net_value} = {shares}份")
    return bought


def _put_redemption(sheet: Sheet, slots: Slots, shares: Decimal) -> policies.Redemption | None:
    net_value, fee_rate = slots.redeem_net_value, slots.redeem_fee_rate
    if net_value is None or fee_rate is None:
        return None
    sold = policies.sell(shares, net_value, fee_rate)
    if sold is None:
        return None
    rate, received = money.given_percent(fee_rate), money.written(sold.received)
    sheet.put(
        shares=money.written(shares),
        redeem_net_value=str(net_value),
        redeem_fee_rate=rate,
        gross=money.written(sold.gross),
        redeem_fee=money.written(sold.fee),
        redeemed=received,
    )
    sheet.show(
        f"到账 = {money.written(shares)}×{net_value}−赎回费{money.written(sold.fee)}({rate}) = {received}元"
    )
    return sold


def _fund_purchase(slots: Slots, _today: date) -> Sheet | None:
    sheet = Sheet()
    return sheet if _put_purchase(sheet, slots) else None


def _fund_redemption(slots: Slots, _today: date) -> Sheet | None:
    sheet = Sheet()
    sold = _put_redemption(sheet, slots, slots.shares) if slots.shares is not None else None
    if sold is None:
        return None
    if slots.purchase_amount is not None:
        sheet.put(purchase_amount=money.plain(slots.purchase_amount))
        _put_gain(sheet, sold.received - slots.purchase_amount)
    return sheet


def _fund_round_trip(slots: Slots, _today: date) -> Sheet | None:
    sheet = Sheet()
    bought = _put_purchase(sheet, slots)
    sold = _put_redemption(sheet, slots, bought.shares) if bought else None
    if sold is None or slots.purchase_amount is None:
        return None
    return _put_gain(sheet, sold.received - slots.purchase_amount)


def _price_change(slots: Slots, _today: date) -> Sheet | None:
    amount, change = slots.purchase_amount, slots.change
    if amount is None or change is None or not 0 < amount <= policies.SUM_LIMIT or not -1 <= change <= 1:
        return None
    gain, rate = money.cents(amount * change), money.given_percent(change)
    sheet = Sheet().put(purchase_amount=money.plain(amount), change=rate)
    return _put_gain(sheet, gain).show(f"{money.plain(amount)}×{rate} = {money.written(gain)}元")


def _ten_thousand_yield(slots: Slots, _today: date) -> Sheet | None:
    figure = slots.ten_thousand_yield
    annual = figure and policies.yearly_of_ten_thousand(figure)
    if figure is None or not annual:
        return None
    sheet = Sheet().put(ten_thousand_yield=str(figure), annual_linear=money.percent(annual))
    sheet.show(f"{figure}×365÷10,000 = {money.percent(annual)}")
    amount = slots.purchase_amount
    if amount is not None and 0 < amount <= policies.SUM_LIMIT:
        gain = money.written(amount * figure / 10_000)
        sheet.put(purchase_amount=money.plain(amount), daily_gain=gain)
        sheet.show(f"{money.plain(amount)}×{figure}÷10,000 = {gain}元")
    return sheet


def _seven_day_yield(slots: Slots, _today: date) -> Sheet | None:
    amount, annual, days = slots.purchase_amount, slots.annual_yield, slots.held_days
    if amount is None or annual is None or days is None:
        return None
    gain, daily = (policies.gain_of_days(amount, annual, count) for count in (days, 1))
    if gain is None or daily is None:
        return None
    rate = money.given_percent(annual)
    sheet = Sheet().put(purchase_amount=money.plain(amount), annual_yield=rate, held_days=str(days))
    sheet.put(daily_gain=money.written(daily), gain=money.written(gain))
    return sheet.show(f"{money.plain(amount)}×{rate}×{days}÷365 = {money.written(gain)}元")


_BOUGHT = sheets.words("purchase_amount purchase_fee_rate net_value net_amount purchase_fee shares")
_SOLD = sheets.words("shares redeem_net_value redeem_fee_rate gross redeem_fee redeemed")
_PURCHASE = (("purchase_amount",), ("purchase_fee_rate",), ("net_value",))
_REDEMPTION = (("redeem_net_value",), ("redeem_fee_rate",))

CALCULATIONS = (
    Calculation(name="fund_purchase", act=_fund_purchase, needs=_PURCHASE, gives=_BOUGHT),
    Calculation(
        name="fund_redemption",
        act=_fund_redemption,
        needs=(("shares",), *_REDEMPTION),
        may=("purchase_amount",),
        gives=_SOLD | sheets.words("purchase_amount gain lost"),
    ),
    Calculation(
        name="fund_round_trip",
        act=_fund_round_trip,
        needs=(*_PURCHASE, *_REDEMPTION),
        gives=_BOUGHT | _SOLD | sheets.words("gain lost"),
    ),
    Calculation(
        name="price_change",
        act=_price_change,
        needs=(("purchase_amount",), ("change",)),
        gives=sheets.words("purchase_amount change gain lost"),
    ),
    Calculation(
        name="ten_thousand_yield",
        act=_ten_thousand_yield,
        needs=(("ten_thousand_yield",),),
        may=("purchase_amount",),
        gives=sheets.words("ten_thousand_yield annual_linear purchase_amount daily_gain"),
    ),
    Calculation(
        name="seven_day_yield",
        act=_seven_day_yield,
        needs=(("purchase_amount",), ("annual_yield",), ("held_days",)),
        gives=sheets.words("purchase_amount annual_yield held_days daily_gain gain"),
    ),
)

"""Arithmetic of policies and funds: reimbursement, surrender, shares by net value, yields.

Pure. Yuan as Decimal, rates as fractions. Nothing here knows a product: every figure is the customer's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext

from content.reckoning import money

SUM_LIMIT = Decimal(100_000_000)  # Yuan.
_SHARE_PLACES = 2  # faq_facts W06: shares keep two places.


@dataclass(frozen=True, kw_only=True, slots=True)
class Reimbursement:
    """What a medical policy pays. `own_cost`: after social insurance; `base`: above the deductible."""

    own_cost: Decimal
    base: Decimal
    paid: Decimal

    @property
    def left(self) -> Decimal:
        """Return what the customer bears himself."""
        return self.own_cost - self.paid


@dataclass(frozen=True, kw_only=True, slots=True)
class Purchase:
    """Shares bought: the sum really invested, the fee, the shares."""

    net: Decimal
    fee: Decimal
    shares: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class Redemption:
    """Shares sold: their value, the fee, what arrives."""

    gross: Decimal
    fee: Decimal
    received: Decimal


def reimburse(cost: Decimal, social: Decimal, deductible: Decimal, ratio: Decimal) -> Reimbursement | None:
    """Return max(0, cost − social − deductible) × ratio, half up to the cent (faq_facts I16).

    Assumes what the customer pays himself counts in full; the contract may say less, and the entry tells so.
    None when the figures contradict: more paid by social insurance than the cost, ratio outside 0–100 %.
    """
    if not 0 < cost <= SUM_LIMIT or not 0 <= social <= cost or not 0 <= deductible <= SUM_LIMIT:
        return None
    if not 0 < ratio <= 1:
        return None
    base = max(money.ZERO, cost - social - deductible)
    return Reimbursement(own_cost=cost - social, base=base, paid=money.cents(base * ratio))


def surrender_loss(premiums: Decimal, cash_value: Decimal) -> Decimal | None:
    """Return premiums paid less cash value; negative when the cash value is higher (保险法 47; faq_facts I02)."""
    if not 0 < premiums <= SUM_LIMIT or not 0 <= cash_value <= SUM_LIMIT:
        return None
    return premiums - cash_value


def buy(amount: Decimal, fee_rate: Decimal, net_value: Decimal) -> Purchase | None:
    """Return the shares for a sum, the fee reckoned from outside (外扣法; faq_facts W06).

    net = amount ÷ (1 + fee rate), fee = amount − net, shares = net ÷ net value; each half up to two places.
    None when a figure cannot be meant: fee of 5 % or more, net value not between 0 and 10,000.
    """
    if not 0 < amount <= SUM_LIMIT or not _is_fee(fee_rate) or not _is_net_value(net_value):
        return None
    with localcontext(money.EXACT):
        net = money.cents(amount / (1 + fee_rate))
        shares = money.rounded(net / net_value, _SHARE_PLACES)
    return Purchase(net=net, fee=amount - net, shares=shares)


def sell(shares: Decimal, net_value: Decimal, fee_rate: Decimal) -> Redemption | None:
    """Return what selling brings: shares × net value, fee = that × rate, each half up to the cent (W06)."""
    if not 0 < shares <= SUM_LIMIT or not _is_fee(fee_rate) or not _is_net_value(net_value):
        return None
    gross = money.cents(shares * net_value)
    fee = money.cents(gross * fee_rate)
    return Redemption(gross=gross, fee=fee, received=gross - fee)


def yearly_of_ten_thousand(yield_per_ten_thousand: Decimal) -> Decimal | None:
    """Return yield × 365 ÷ 10,000, the day's yield drawn out to a year (万份收益; faq_facts W10).

    None above 10 yuan a day (36.5 % a year) or not above zero: no money fund pays that.
    """
    if not 0 < yield_per_ten_thousand <= 10:
        return None
    with localcontext(money.EXACT):
        return yield_per_ten_thousand * 365 / 10_000


def gain_of_days(amount: Decimal, annual: Decimal, days: int) -> Decimal | None:
    """Return amount × annual × days ÷ 365 to the cent, a reckoning only: the yield changes daily (W10)."""
    if not 0 < amount <= SUM_LIMIT or not 0 < annual <= Decimal("0.5") or not 0 < days <= 3660:
        return None
    with localcontext(money.EXACT):
        return money.cents(amount * annual * days / 365)


def share_of(amount: Decimal, ratio: Decimal) -> Decimal | None:
    """Return amount × ratio to the cent; None when the ratio is not within 0–100 % or the amount not sane."""
    if not 0 < amount <= SUM_LIMIT or not 0 < ratio <= 1:
        return None
    return money.cents(amount * ratio)


def _is_fee(rate: Decimal) -> bool:
    return 0 <= rate < Decimal("0.05")


def _is_net_value(value: Decimal) -> bool:
    return 0 < value <= 10_000

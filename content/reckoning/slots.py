"""Slots: the figures a customer has named, kept with the conversation.

A frozen record of what content.reckoning.reading found, merged message by message (the newer word wins) and
written to JSON and back. Absent means not said, or said in a way that could mean two things.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from types import MappingProxyType

from content.reckoning import loans
from content.reckoning.loans import Method


class RateKind(StrEnum):
    """The period an interest rate is for."""

    ANNUAL = "annual"  # 年化、年利率、年息
    MONTHLY = "monthly"  # 月利率、月息
    DAILY = "daily"  # 日利率、日息、一天


Value = Decimal | int | date | str


@dataclass(frozen=True, kw_only=True)
class Slots:
    """What a customer said, by meaning. Money in yuan, rates as fractions, terms in months, `_on` dates."""

    # Loans
    amount: Decimal | None = None
    rate: Decimal | None = None
    rate_kind: RateKind | None = None
    term_months: int | None = None
    method: Method | None = None
    paid_periods: int | None = None
    accrued_days: int | None = None
    fee_rate: Decimal | None = None
    fee_amount: Decimal | None = None
    deducted: Decimal | None = None
    received: Decimal | None = None
    overdue_amount: Decimal | None = None
    overdue_days: int | None = None
    uplift: Decimal | None = None
    day_basis: int | None = None
    daily_amount: Decimal | None = None
    lpr: Decimal | None = None
    settled_on: date | None = None
    objected_on: date | None = None
    # Insurance
    received_on: date | None = None
    cooling_off_days: int | None = None
    premiums_paid: Decimal | None = None
    cash_value: Decimal | None = None
    surrendered_on: date | None = None
    premium_due_on: date | None = None
    demanded_on: date | None = None
    lapsed_on: date | None = None
    reinstate_applied_on: date | None = None
    effective_on: date | None = None
    waiting_days: int | None = None
    submitted_on: date | None = None
    supplement_days: int | None = None
    agreed_on: date | None = None
    decided_on: date | None = None
    event_on: date | None = None
    medical_cost: Decimal | None = None
    social_paid: Decimal | None = None
    deductible: Decimal | None = None
    payout_ratio: Decimal | None = None
    sum_insured: Decimal | None = None
    # Wealth
    purchase_amount: Decimal | None = None
    purchase_fee_rate: Decimal | None = None
    net_value: Decimal | None = None
    shares: Decimal | None = None
    redeem_net_value: Decimal | None = None
    redeem_fee_rate: Decimal | None = None
    change: Decimal | None = None
    ten_thousand_yield: Decimal | None = None
    annual_yield: Decimal | None = None
    held_days: int | None = None

    def given(self) -> Mapping[str, Value]:
        """Return the slots that are filled, by name."""
        values = {name: getattr(self, name) for name in NAMES}
        return {name: value for name, value in values.items() if value is not None}

    def sane(self) -> Slots:
        """Return the slots without an amount, rate or term that no loan has (loans.is_sane)."""
        no: dict[str, None] = {}
        if self.amount is not None and not loans.AMOUNT_RANGE[0] <= self.amount <= loans.AMOUNT_RANGE[1]:
            no["amount"] = None
        if (
            self.term_months is not None
            and not loans.TERM_RANGE[0] <= self.term_months <= loans.TERM_RANGE[1]
        ):
            no["term_months"] = None
        if self.rate is not None and not 0 < self.rate <= loans.RATE_LIMIT:
            no |= {"rate": None, "rate_kind": None}
        return replace(self, **no) if no else self

    @property
    def is_empty(self) -> bool:
        """Tell that nothing was said."""
        return not self.given()

    @staticmethod
    def merged(older: Slots, newer: Slots) -> Slots:
        """Return both together; where both say something the newer one wins.

        What belongs together goes together: a new rate brings its own kind, a fee in yuan replaces a fee rate and
        the other way about, and so do the sum held back and the sum received.
        """
        said = dict(newer.given())
        for one, other in _EITHER_OR:
            if (one in said) != (other in said):
                said.setdefault(one, _FORGET)
                said.setdefault(other, _FORGET)
        changes = {name: None if value == _FORGET else value for name, value in said.items()}
        return replace(older, **changes)  # type: ignore[arg-type]  # Each value comes from the field it goes to.

    def to_json(self) -> dict[str, str]:
        """Return the filled slots as strings, for the conversation's row."""
        return {name: str(value) for name, value in self.given().items()}

    @staticmethod
    def from_json(values: Mapping[str, object]) -> Slots:
        """Return the slots of `to_json`; a name or value no longer understood is left out, not an error."""
        read = {name: _parsed(name, value) for name, value in values.items() if name in NAMES}
        kept = {name: value for name, value in read.items() if value is not None}
        return Slots(**kept)  # type: ignore[arg-type]  # _parsed goes by the field's own type.


_FORGET = "\0"
_EITHER_OR = (("fee_rate", "fee_amount"), ("deducted", "received"))
_TYPES: Mapping[str, str] = MappingProxyType(
    {part.name: str(part.type).removesuffix(" | None") for part in fields(Slots)}
)
NAMES: tuple[str, ...] = tuple(_TYPES)
DATES: frozenset[str] = frozenset(name for name, kind in _TYPES.items() if kind == "date")
WHOLE: frozenset[str] = frozenset(name for name, kind in _TYPES.items() if kind == "int")


def _parsed(name: str, value: object) -> Value | None:
    text = str(value)
    try:
        match _TYPES[name]:
            case "Decimal":
                number = Decimal(text)
                return number if number.is_finite() else None
            case "int":
                return int(text)
            case "date":
                day = date.fromisoformat(text)
                return day if 1900 <= day.year <= 2200 else None
            case "RateKind":
                return RateKind(text)
            case _:
                return Method(text)
    except (ValueError, InvalidOperation):
        return None


# What the bot asks for when a slot is missing.
CHINESE_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "amount": "借款本金",
        "rate": "年利率",
        "term_months": "期数",
        "method": "还款方式",
        "paid_periods": "已还期数",
        "accrued_days": "距上个还款日的天数",
        "fee_rate": "每期手续费或担保费",
        "fee_amount": "每期手续费或担保费",
        "deducted": "先扣金额或到手金额",
        "received": "先扣金额或到手金额",
        "overdue_amount": "逾期本金",
        "overdue_days": "逾期天数",
        "uplift": "合同约定的罚息上浮比例",
        "day_basis": "合同约定的计息天数基数（360或365）",
        "daily_amount": "每天的利息",
        "lpr": "合同成立时的一年期LPR",
        "settled_on": "还清日期",
        "objected_on": "提出异议的日期",
        "received_on": "签收保单的日期",
        "cooling_off_days": "合同写的犹豫期天数",
        "premiums_paid": "已交保费",
        "cash_value": "保单现金价值",
        "surrendered_on": "保险公司收到退保申请的日期",
        "premium_due_on": "应交保费的日期",
        "demanded_on": "收到催告的日期",
        "lapsed_on": "保单中止的日期",
        "reinstate_applied_on": "申请复效的日期",
        "effective_on": "保单生效日",
        "waiting_days": "合同写的等待期天数",
        "submitted_on": "首次交齐理赔材料的日期",
        "supplement_days": "补材料用的天数",
        "agreed_on": "达成赔付协议的日期",
        "decided_on": "保险公司核定的日期",
        "event_on": "知道出险的日期",
        "medical_cost": "医疗总费用",
        "social_paid": "医保已付金额",
        "deductible": "免赔额",
        "payout_ratio": "赔付比例",
        "sum_insured": "保额",
        "purchase_amount": "买入金额",
        "purchase_fee_rate": "申购费率",
        "net_value": "买入时的净值",
        "shares": "持有份额",
        "redeem_net_value": "赎回时的净值",
        "redeem_fee_rate": "赎回费率",
        "change": "涨跌幅",
        "ten_thousand_yield": "万份收益",
        "annual_yield": "七日年化",
        "held_days": "持有天数",
    }
)

"""Slots read from a customer's words.

Pure. A text is folded, what must not be read (phone and card numbers, masked figures, years) is blanked, then dates,
rates, counts and sums are taken out one after another, each named by the words beside it (content.reckoning.labels).
Two readings of one slot, or a figure without a certain name, fill nothing: asking is cheaper than a wrong sum.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal

from content import normalising
from content.reckoning import counts, dates, labels, loans, page, rates, slots, sums
from content.reckoning.loans import Method
from content.reckoning.page import Page
from content.reckoning.slots import RateKind, Slots

_TEXT_LIMIT = 2000  # Characters; a figure further down a long message is not looked for.
_WIDE_COMMA = re.compile("(?<![０-９])，|，(?![０-９])")
_UNREADABLE = re.compile(
    r"https?://\S+"
    r"|[\dx]*\*[\dx*]*"  # 138****1234
    r"|(?<!\d)1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\d)"  # mobile numbers
    r"|(?<![\d.])\d{11,}x?"  # cards, identity numbers
    r"|(?:\d{4}[ -]){3,}\d{1,7}"
    r"|(?:卡号|尾号|末四位|单号|编号|账号|帐号|手机号?|电话|身份证号?|qq|微信号?|工号|验证码|密码|合同号|代码|热线|客服)"
    r"(?:是|为|:|：|\s)*[a-z]*\d[\da-z-]*"
)
_METHODS = {
    Method.EQUAL_INSTALMENT: "等额本息|等额还款",
    Method.EQUAL_PRINCIPAL: "等额本金|等本",
    Method.INTEREST_FIRST: "先息后本|到期一次还本|按月付息",
}
_DAY_BASIS = re.compile(
    r"(?:按|基数(?:是|为)?|一年(?:按|算)?)\s*(360|365)\s*(?:天|日)?|(360|365)\s*天?(?:的)?(?:基数|计息)"
)
_FUND_YIELD = re.compile("[7七][日天]年[化华](?:收益率?)?")
_WHOLE_RATE = re.compile("百分之?百")
_ABUTTING = re.compile(
    "(?<=[万千w])(?=年(?:利率|利息|息|化))"
)  # "借12万年利率7.2%": the 年 belongs to the rate.
_HALF_YEAR = re.compile("(?<![大小一个])半年(?!前|之前|以前)")
_RATE_SLOT = f"rate:{RateKind.ANNUAL}"
_TERMS = frozenset({"periods", "term", "months"})  # 12期; 三年 as the whole message; 三年 among other words.
_PERCENTS = frozenset({"rate", "lpr", "uplift", "payout_ratio", "change", "annual_yield"})
_YEARLY_LEAST = Decimal("0.01")
_RATIOS = frozenset({"net_value", "redeem_net_value", "ten_thousand_yield"})


def read_slots(text: str, today: date, expecting: Sequence[str] = ()) -> Slots:
    """Return what a customer's words name.

    `today`: the business day in the customer's zone, for 昨天 and 11月1号. `expecting`: slots just asked for; a
    figure alone ("120000", "7.2%", "昨天") then fills the one of them that it can be.
    """
    here = Page(text=_readable(text), today=today)
    for read in _READERS:
        read(here)
    _take_expected(here, expecting)
    return _slots(here)


def _readable(text: str) -> str:
    apart = _WIDE_COMMA.sub("。", text[:_TEXT_LIMIT])
    folded = _WHOLE_RATE.sub("100%", normalising.folded(apart))
    folded = _ABUTTING.sub(",", folded)
    folded = _HALF_YEAR.sub("6个月", _FUND_YIELD.sub("基金年化", folded))
    return _UNREADABLE.sub(lambda found: page.FILLED * len(found[0]), folded)


def _take_method(here: Page) -> None:
    for method, pattern in _METHODS.items():
        if re.search(pattern, here.text):
            here.add("method", method)


def _take_days(here: Page) -> None:
    days = sorted(dates.find_days(here.text, here.today), key=lambda day: day.start)
    for day in days:
        here.take(day.start, day.end)
    for day in days:
        slot = page.nearest_label(labels.DATE, here.left(day.start), here.right(day.end), reach=8)
        if slot is None and len(days) == 1:
            slot = _only_label(here.text)
        on = day.on if slot is None or slot in labels.AHEAD else day.past or day.on
        if on:
            here.add(slot or "on", on)


def _only_label(text: str) -> str | None:
    named = {label.slot for label in labels.DATE if label.pattern.search(text)}
    return named.pop() if len(named) == 1 else None


def _take_day_basis(here: Page) -> None:
    for found in _DAY_BASIS.finditer(here.text):
        here.add("day_basis", int(found[1] or found[2]))
        here.take(found.start(), found.end())


def _take_expected(here: Page, expecting: Sequence[str]) -> None:
    """Give figures without a name to the one slot asked for that they can be, else to the one they are by nature."""
    for kind, value in sorted(here.loose, key=lambda one: one[0] == "months"):
        open_slots = [slot for slot in expecting if slot not in here.found and _fits(slot, kind, value)]
        if kind in _TERMS and "term_months" in open_slots:
            open_slots = ["term_months"]
        if len(open_slots) == 1:
            slot = open_slots[0]
            here.add(_RATE_SLOT if slot == "rate" else slot, int(value) if slot in slots.WHOLE else value)
        elif kind == "money":
            here.add("amount", value)
        elif kind in _TERMS and (kind != "months" or _is_of_a_loan(here)):
            here.add("term_months", int(value))
    # A percentage beside a sum or a term is the loan's yearly rate, where it can be no monthly one.
    is_loan = {"amount", "term_months"} & here.found.keys()
    percents = [value for kind, value in here.loose if kind == "percent"]
    if is_loan and len(percents) == 1 and page.YEARLY[0] <= percents[0] <= page.YEARLY[1]:
        here.add(_RATE_SLOT, percents[0])
    wanted_days = [slot for slot in expecting if slot in slots.DATES and slot not in here.found]
    if len(wanted_days) == 1 and "on" in here.found:
        here.found[wanted_days[0]] = here.found["on"]


def _is_of_a_loan(here: Page) -> bool:
    """Tell that a sum or a rate was named, so that years beside it are its term."""
    has_percent = any(kind == "percent" for kind, _ in here.loose)
    return "amount" in here.found or has_percent or any(name.startswith("rate:") for name in here.found)


def _fits(slot: str, kind: str, value: Decimal) -> bool:
    """Tell whether a figure of a kind can be the slot."""
    is_percent = slot in _PERCENTS or slot.endswith("fee_rate")
    if slot in slots.DATES or slot == "method" or is_percent or kind == "percent":
        # Who is asked for the yearly rate and says 0.6% may mean a month's.
        return is_percent and kind == "percent" and (slot != "rate" or value >= _YEARLY_LEAST)
    if slot in slots.WHOLE:
        is_kind = kind == "number" or (kind == "days" if slot.endswith("_days") else kind in _TERMS)
        is_basis = slot != "day_basis" or value in (360, 365)
        return (
            is_kind
            and is_basis
            and value == int(value)
            and 0 < value <= (480 if "days" not in slot else 3660)
        )
    if kind not in ("money", "number") or (slot in _RATIOS and kind == "money"):
        return False
    return slot != "amount" or loans.AMOUNT_RANGE[0] <= value <= loans.AMOUNT_RANGE[1]


def _slots(here: Page) -> Slots:
    """Return the slots that have one reading."""
    one = {name: next(iter(values)) for name, values in here.found.items() if len(values) == 1}
    kinds = [name for name in here.found if name.startswith("rate:")]
    values = {name: value for name, value in one.items() if name in slots.NAMES}
    if len(kinds) == 1 and kinds[0] in one:
        values |= {"rate": one[kinds[0]], "rate_kind": RateKind(kinds[0].removeprefix("rate:"))}
    return Slots(**values).sane()  # type: ignore[arg-type]  # Each reader adds its slot's own type.


_READERS: tuple[Callable[[Page], None], ...] = (
    _take_method,
    _take_day_basis,
    rates.take_fen,
    rates.take_per_wan,
    _take_days,
    rates.take_percents,
    sums.take_net_values,
    counts.take_counts,
    sums.take_sums,
)

"""Rates read from a page: percentages, 月息一分, 日息万三, each with its period or meaning."""

from __future__ import annotations

import re
from decimal import Decimal

from content.reckoning import labels, numerals, page
from content.reckoning.page import Figure, Page
from content.reckoning.slots import RateKind

_FEN = re.compile(
    rf"(?P<period>月|年)(?:利息|利率|利|息)(?:是|为|:)?\s*"
    rf"(?:(?P<fen>\d(?:\.\d+)?|{page.HAN})分(?P<half>半)?(?:(?P<fenli>\d(?!\d)|{page.HAN}(?!十))厘?)?"
    rf"|(?P<li>\d(?:\.\d+)?|{page.HAN}(?:点{page.HAN})?)厘(?P<lihalf>\d(?!\d)|{page.HAN}(?!十)|半)?)(?![期之年个天])"
)
_PER_WAN = re.compile(
    rf"(?<![\d{page.HAN[1:-1]}十百千几])万(?P<of>分之)?(?P<number>\d+(?:\.\d+)?|{page.HAN}(?:点[零〇一二三四五六七八九]+)?)"
)
_PER_WAN_LIMIT = 28  # 0.28 % a day is more than 100 % a year.
_DAILY_NEAR = re.compile(r"(?:日|天)(?:利率|利息|利|息)?(?:是|为|:)?\s*$|(?:利率|利息|息)(?:是|为|:)?\s*$")
_DAILY_AFTER = re.compile(r"^\s*(?:的)?(?:/天|/日|一天|每天|每日|日息|日利|利息|的?利率)")
_NOT_A_LOAN = re.compile("(?:佣金?|手续费|费率?)(?:是|为|:)?$")
_FRACTION = re.compile("(?P<of>百|千)分之$")
_PERCENT_SIGN = re.compile(r"\s*(?P<sign>%|‰|个百分点|个点)")


def take_fen(here: Page) -> None:
    """Read 月息一分 (1 % a month), 月息一分五, 月息8厘, 年息一分 (10 % a year)."""
    for found in _FEN.finditer(here.text):
        points = Decimal(0)
        if found["fen"]:
            points += page.small(found["fen"]) + (Decimal("0.5") if found["half"] else 0)
            points += page.small(found["fenli"]) / 10 if found["fenli"] else 0
        else:
            points += page.small(found["li"]) / 10
            points += page.small(found["lihalf"]) / 100 if found["lihalf"] else 0
        kind = RateKind.MONTHLY if found["period"] == "月" else RateKind.ANNUAL
        here.add(f"rate:{kind}", points / (100 if kind == RateKind.MONTHLY else 10))
        here.take(found.start(), found.end())


def take_per_wan(here: Page) -> None:
    """Read 日息万三 and 万分之五, daily by custom; 万N alone needs a day or interest beside it."""
    for found in _PER_WAN.finditer(here.text):
        left, right = here.left(found.start()), here.right(found.end())
        is_near = _DAILY_NEAR.search(left) or _DAILY_AFTER.match(right)
        value = numerals.parse(found["number"])
        if (
            value is None
            or value > _PER_WAN_LIMIT
            or _NOT_A_LOAN.search(left)
            or not (found["of"] or is_near)
        ):
            continue
        if re.search("年|月", left) and not re.search("日|天", left):
            continue
        here.add(f"rate:{RateKind.DAILY}", value / 10_000)
        here.take(found.start(), found.end())


def take_percents(here: Page) -> None:
    """Take percentages: 7.2%, 百分之七点二, 5‰, 7个点."""
    for figure in list(page.figures(here.text)):
        sign = _PERCENT_SIGN.match(here.text, figure.end)
        before = _FRACTION.search(here.text[: figure.start])
        if not sign and not before and not _is_named_rate(here.text, figure):
            continue
        start, end = before.start() if before else figure.start, sign.end() if sign else figure.end
        scale = 1000 if (before and before["of"] == "千") or (sign and sign["sign"] == "‰") else 100
        left, right = here.left(start), here.right(end)
        is_vague = page.VAGUE_BEFORE.search(here.text[max(0, start - 4) : start]) or page.VAGUE_AFTER.match(
            here.text, end
        )
        here.take(start, end)
        if not is_vague:
            _name_percent(here, figure.value / scale, left, right)


def _is_named_rate(text: str, figure: Figure) -> bool:
    """Tell of a rate without its sign: 年利率7.2, 利率是6.8."""
    is_bare = not re.match(r"\s*[\d万千百元块厘分%]", text[figure.end :]) and 1 <= figure.value <= 36
    return is_bare and bool(re.search(r"(?:年化|年息|利率)(?:是|为|:|\s)*$", text[: figure.start]))


def _name_percent(here: Page, value: Decimal, left: str, right: str) -> None:
    if re.match("的?打.{1,3}折", right):
        return
    slot = (
        "fee_rate" if page.is_fee(left, right) else page.nearest_label(labels.PERCENT, left, right, reach=6)
    )
    if slot is None:
        if re.search(r"(?:^|[\d万千百wk元块期月年■ ])$", left.rstrip(page.FILLER)):
            here.loose.append(("percent", value))
    elif slot == "rate":
        if page.YEARLY[0] <= value <= page.YEARLY[1]:
            here.add(f"rate:{RateKind.ANNUAL}", value)
    elif slot.startswith("change"):
        here.add("change", value if slot == "change:up" else -value)
    elif slot:
        here.add(slot, value)

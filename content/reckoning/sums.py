"""Sums of money read from a page, net values and shares."""

from __future__ import annotations

import re
from decimal import Decimal

from content.reckoning import labels, page
from content.reckoning.page import Figure, Page

_MONEY_UNIT = re.compile(r"\s*(?:元人民币|块钱|块|元|圆|人民币|rmb)(?!/)")
_DIME = re.compile("毛|角")
_CURRENCY = re.compile(r"[¥￥$]\s*$")
_OTHER_UNIT = re.compile(
    r"\s*(?:个|次|岁|号|楼|人|位|条|款|种|家|折|倍|级|层|项|套|台|张|页|名|厘|成|万份|股|k|g|小时|分钟|\)|[-~至到—]\s*\d)"
)
_SHARES_LEAST = 10  # "买两份" counts policies.
_BARE_LEAST = 10  # "定投一定赚吗" holds no sum of one yuan.


def take_net_values(here: Page) -> None:
    """Take net values, 万份收益 and shares."""
    for figure in list(page.figures(here.text)):
        left = here.left(figure.start)
        if re.search(r"净值(?:是|为|:|\s|到|涨到|跌到)*$", left):
            is_sold = re.search("赎回|卖出|卖|现在", left)
            here.add("redeem_net_value" if is_sold else "net_value", figure.value)
        elif re.search(r"万份(?:收益)?(?:是|为|:|\s)*$", left):
            here.add("ten_thousand_yield", figure.value)
        elif (figure.value >= _SHARES_LEAST and re.match(r"\s*份", here.text[figure.end :])) or re.search(
            r"份额(?:是|为|:|\s)*$", left
        ):
            here.add("shares", figure.value)
        else:
            continue
        here.take(figure.start, figure.end)
    if {"shares", "net_value"} <= here.found.keys() and not re.search("买|申购|认购", here.text):
        # Who has shares and has not told of buying asks about selling.
        here.found.setdefault("redeem_net_value", set()).update(here.found.pop("net_value"))


def take_sums(here: Page) -> None:
    """Take sums of money, and bare numbers whose name stands directly before them or which stand all alone."""
    figures = [figure for figure in page.figures(here.text) if not _is_counted(here.text, figure)]
    apart = Page(text=here.text, today=here.today)
    for figure in figures:
        apart.take(figure.start, _sum_end(here.text, figure))
    for figure in figures:
        end = _sum_end(here.text, figure)
        before = here.text[: figure.start]
        is_vague = page.VAGUE_BEFORE.search(before) or page.VAGUE_AFTER.match(here.text, figure.end)
        is_dime = bool(_DIME.match(here.text, figure.end))
        if is_dime and before.endswith("块"):
            continue
        value = figure.value / 10 if is_dime else figure.value + _tenth(here.text, figure)
        is_money = _is_money(here.text, figure)
        is_alone = len(figures) == 1 and here.text[figure.start : figure.end] == here.text.strip(" 。.!")
        if is_alone and not is_money:
            here.loose.append(("number", value))
            continue
        is_bare = here.text[figure.start].isdigit() and value >= _BARE_LEAST
        if not is_vague and (is_money or is_bare) and value > 0 and value == round(value, 2):
            _name_sum(here, value, apart.left(figure.start), apart.right(end), is_money=is_money)


def _name_sum(here: Page, value: Decimal, left: str, right: str, *, is_money: bool) -> None:
    slot = (
        "fee_amount"
        if page.is_fee(left, right)
        else page.nearest_label(labels.MONEY, left, right, reach=8 if is_money else 0)
    )
    if slot:
        here.add(slot, value)
    elif slot is None and is_money:
        here.loose.append(("money", value))


def _is_counted(text: str, figure: Figure) -> bool:
    """Tell of a number that counts something else than money."""
    return bool(page.COUNT_UNIT.match(text, figure.end) or _OTHER_UNIT.match(text, figure.end))


def _sum_end(text: str, figure: Figure) -> int:
    unit = _MONEY_UNIT.match(text, figure.end)
    return unit.end() if unit else figure.end


def _tenth(text: str, figure: Figure) -> Decimal:
    """Return the 0.5 of 三块五."""
    found = re.match(rf"块(?P<tenth>\d|{page.HAN})(?:毛|角)?(?![\d十百千万期年个天%.])", text[figure.end :])
    return page.small(found["tenth"]) / 10 if found else Decimal(0)


def _is_money(text: str, figure: Figure) -> bool:
    """Tell that a number is a sum by its own look: a unit, a sign, 万 or thousands commas."""
    run = text[figure.start : figure.end]
    if (
        _MONEY_UNIT.match(text, figure.end)
        or _DIME.match(text, figure.end)
        or _CURRENCY.search(text[: figure.start])
    ):
        return True
    return bool(re.search("[万千百wk佰仟亿,]", run)) and not _OTHER_UNIT.match(text, figure.end)

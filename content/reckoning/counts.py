"""Counts read from a page: terms, periods paid, days overdue, days of a contract."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

from content.reckoning import labels, page
from content.reckoning.page import Figure, Page

_MORE_MONTHS = re.compile(rf"^零?(?P<months>\d{{1,2}}|{page.HAN})个月")
_COUNT_LIMIT = 3660  # Days or months.
_YEARS_LIMIT = 40  # "借3000年利率5%" names no years.


def take_counts(here: Page) -> None:
    """Take numbers with 期, 个月, 年, 周, 天 behind them."""
    for figure in list(page.figures(here.text)):
        unit = page.COUNT_UNIT.match(here.text, figure.end)
        if unit and figure.value == int(figure.value):
            _take_count(here, figure, unit)


def _take_count(here: Page, figure: Figure, unit: re.Match[str]) -> None:
    count, word = int(figure.value), unit["spaced"] or unit["unit"]
    more = _MORE_MONTHS.match(here.text[unit.end() :]) if word.startswith("年") else None
    end = unit.end() + (more.end() if more else 0)
    before, right = here.text[: figure.start], here.right(end)
    if count > (_YEARS_LIMIT if word.startswith("年") else _COUNT_LIMIT):
        return
    # A sum before is another matter: "12万一年".
    left = re.split("[\\d万千百wk元块钱]", here.left(figure.start))[-1]
    months, days = _months(count, word, int(page.small(more["months"])) if more else 0), _days(count, word)
    if before.endswith("第"):
        is_paid = word == "期" and (re.match("(?:还完)?(?:之|以)?后", right) or "还到" in left)
        if is_paid:
            here.add("paid_periods", count)
            here.take(figure.start, end)
        if days is None:
            return
        left = left.removesuffix("第")
    elif page.VAGUE_BEFORE.search(before) or page.VAGUE_AFTER.match(here.text, end):
        here.take(figure.start, end)
        return
    slot = page.nearest_label(labels.PERIOD, "", right, reach=0)
    slot = slot or page.nearest_label(labels.COUNT, left, right, reach=2)
    # 一天, 一个月, 一年 are as often "a day's", "each month" as a count: they stay, as labels of other figures.
    if (
        count == 1
        and slot in (None, "term")
        and not _is_term_of_one(here.text, figure.start, end, word, slot)
    ):
        return
    here.take(figure.start, end)
    if slot is not None:
        _name_count(here, slot, months, days)
    elif word == "期":
        here.loose.append(("periods", Decimal(count)))
    elif not left.strip(page.FILLER) or re.search("本[金息]$|后本$", left):
        is_alone = not left and not right
        here.loose.append(
            ("days", Decimal(days))
            if days is not None
            else ("term" if is_alone else "months", Decimal(months or 0))
        )


def _months(count: int, unit: str, more: int) -> int | None:
    if unit in ("期", "个月"):
        return count
    if unit.startswith("年"):
        return count * 12 + more + (6 if unit == "年半" else 0) if count < 1900 else None
    return None


def _days(count: int, unit: str) -> int | None:
    if unit in ("天", "日"):
        return count
    return count * 7 if unit in ("周", "星期", "个星期") else None


def _is_term_of_one(text: str, start: int, end: int, word: str, slot: str | None) -> bool:
    """Tell of 一年 that it is a term: it was lent, or stands behind a sum or alone; 一期, 一个月 never surely are."""
    after = text[end:]
    if word not in ("天", "日", "期", "个月", "年"):
        return True
    if word != "年" or after.startswith(page.FILLED):
        return False
    if slot == "term" or re.search(r"(?:[\d万千百wk块元钱]|本[金息]|后本) ?$", text[:start]):
        return True
    return bool(re.search(r"(?:^|[。,、 ])$", text[:start]) and re.match(r"$|[。,、?!;]|[期还]", after))


def _name_count(here: Page, slot: str, months: int | None, days: int | None) -> None:
    if slot == "paid" and months is not None:
        here.add("paid_periods", months)
    elif slot == "received_ago" and days is not None:
        here.add("received_on", here.today - timedelta(days=days))
    elif slot.endswith("_days") and days is not None:
        here.add(slot, days)
    elif slot == "term" and months is not None:
        here.add("term_months", months)

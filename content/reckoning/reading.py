"""Slots read from a customer's words.

Pure. A text is folded, what must not be read (phone and card numbers, masked figures, years) is blanked, then dates,
rates, counts and sums are taken out one after another, each named by the words beside it (content.reckoning.labels).
Two readings of one slot, or a figure without a certain name, fill nothing: asking is cheaper than a wrong sum.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from content import normalising
from content.reckoning import dates, labels, loans, numerals, slots
from content.reckoning.loans import Method
from content.reckoning.slots import RateKind, Slots, Value

_FILLED = "■"
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
_BREAK = re.compile(r"[。;；!?！？\n,、，]")
_FILLER = " 是为了有约:=的共大概将近差不多款一个按要"
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
_HALF_YEAR = re.compile("(?<![大小一个])半年(?!前|之前|以前)")
_H = "[一二两三四五六七八九]"
_FEN = re.compile(
    rf"(?P<period>月|年)(?:利息|利率|利|息)(?:是|为|:)?\s*"
    rf"(?:(?P<fen>\d(?:\.\d+)?|{_H})分(?P<half>半)?(?:(?P<fenli>\d(?!\d)|{_H}(?!十))厘?)?"
    rf"|(?P<li>\d(?:\.\d+)?|{_H}(?:点{_H})?)厘(?P<lihalf>\d(?!\d)|{_H}(?!十)|半)?)(?![期之年个天])"
)
_PER_WAN = re.compile(
    rf"(?<![\d{_H[1:-1]}十百千几])万(?P<of>分之)?(?P<number>\d+(?:\.\d+)?|{_H}(?:点[零〇一二三四五六七八九]+)?)"
)
_PER_WAN_LIMIT = 28  # 0.28 % a day is more than 100 % a year.
_DAILY_NEAR = re.compile(r"(?:日|天)(?:利率|利息|利|息)?(?:是|为|:)?\s*$|(?:利率|利息|息)(?:是|为|:)?\s*$")
_DAILY_AFTER = re.compile(r"^\s*(?:的)?(?:/天|/日|一天|每天|每日|日息|日利|利息|的?利率)")
_NOT_A_LOAN = re.compile("(?:佣金?|手续费|费率?)(?:是|为|:)?$")
_FRACTION = re.compile("(?P<of>百|千)分之$")
_PERCENT_SIGN = re.compile(r"\s*(?P<sign>%|‰|个百分点|个点)")
_MONEY_UNIT = re.compile(r"\s*(?:元人民币|块钱|块|元|圆|人民币|rmb)(?!/)")
_DIME = re.compile("毛|角")
_CURRENCY = re.compile(r"[¥￥$]\s*$")
_COUNT_UNIT = re.compile(
    r"(?: ?(?P<spaced>期|个月|天)|(?P<unit>个半月|年半|年期?(?!化)|周|个?星期|日(?![利息])))"
)
_MORE_MONTHS = re.compile(rf"^零?(?P<months>\d{{1,2}}|{_H})个月")
_OTHER_UNIT = re.compile(
    r"\s*(?:个|次|岁|号|楼|人|位|条|款|种|家|折|倍|级|层|项|套|台|张|页|名|厘|成|万份|股|k|g|小时|分钟|\)|[-~至到—]\s*\d)"
)
_VAGUE_BEFORE = re.compile(r"(?:几|第|不是|\d\s*[-~至到—])\s*$")
_VAGUE_AFTER = re.compile(r"\s*(?:多|来|几|余|[-~至到—]\s*[\d一二三四五六七八九十])")
_FEE = "(?:手续费|服务费|担保费|增信费)"
_COUNT_LIMIT = 3660  # Days or months.
_YEARS_LIMIT = 40  # "借3000年利率5%" names no years.
_SHARES_LEAST = 10  # "买两份" counts policies.
_BARE_LEAST = 10  # "定投一定赚吗" holds no sum of one yuan.
# Without a period a rate is a year's only where it can be nothing else: 3 % a month no lender may charge.
_YEARLY = (Decimal("0.03"), Decimal("0.36"))


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A number with its place and what stands directly behind it."""

    start: int
    end: int
    value: Decimal


@dataclass(kw_only=True)
class Page:
    """The text being read: what was taken is blanked, what was found is gathered."""

    text: str
    today: date
    found: dict[str, set[Value]] = field(default_factory=dict)
    loose: list[tuple[str, Decimal]] = field(
        default_factory=list
    )  # Kind and value of figures without a name.

    def take(self, start: int, end: int) -> None:
        """Blank a stretch; it bounds its neighbours from now on."""
        self.text = self.text[:start] + _FILLED * (end - start) + self.text[end:]

    def add(self, slot: str, value: Value) -> None:
        """Gather a reading of a slot."""
        self.found.setdefault(slot, set()).add(value)

    def left(self, start: int) -> str:
        """Return the words before a place, back to a break or another figure."""
        return re.split(f"[{_FILLED}。;；!?！？\n,、，]", self.text[max(0, start - 24) : start])[-1]

    def right(self, end: int) -> str:
        """Return the words behind a place, up to a break or another figure."""
        return re.split(f"[{_FILLED}。;；!?！？\n,、，]", self.text[end : end + 16])[0]


def read_slots(text: str, today: date, expecting: Sequence[str] = ()) -> Slots:
    """Return what a customer's words name.

    `today`: the business day in the customer's zone, for 昨天 and 11月1号. `expecting`: slots just asked for; a
    figure alone ("120000", "7.2%", "昨天") then fills the first of them that it can be.
    """
    page = Page(text=_readable(text), today=today)
    for read in _READERS:
        read(page)
    _take_expected(page, expecting)
    return _slots(page)


def _readable(text: str) -> str:
    apart = _WIDE_COMMA.sub("。", text[:_TEXT_LIMIT])
    folded = _WHOLE_RATE.sub("100%", normalising.folded(apart))
    folded = _HALF_YEAR.sub("6个月", _FUND_YIELD.sub("基金年化", folded))
    return _UNREADABLE.sub(lambda found: _FILLED * len(found[0]), folded)


def _take_method(page: Page) -> None:
    for method, pattern in _METHODS.items():
        if re.search(pattern, page.text):
            page.add("method", method)


def _take_days(page: Page) -> None:
    days = sorted(dates.find_days(page.text, page.today), key=lambda day: day.start)
    for day in days:
        page.take(day.start, day.end)
    for day in days:
        slot = _label(labels.DATE, page.left(day.start), page.right(day.end), reach=8)
        if slot is None and len(days) == 1:
            slot = _only_label(page.text)
        on = day.on if slot is None or slot in labels.AHEAD else day.past or day.on
        if on:
            page.add(slot or "on", on)


def _only_label(text: str) -> str | None:
    named = {label.slot for label in labels.DATE if label.pattern.search(text)}
    return named.pop() if len(named) == 1 else None


def _take_day_basis(page: Page) -> None:
    for found in _DAY_BASIS.finditer(page.text):
        page.add("day_basis", int(found[1] or found[2]))
        page.take(found.start(), found.end())


def _take_fen(page: Page) -> None:
    """Read 月息一分 (1 % a month), 月息一分五, 月息8厘, 年息一分 (10 % a year)."""
    for found in _FEN.finditer(page.text):
        points = Decimal(0)
        if found["fen"]:
            points += _small(found["fen"]) + (Decimal("0.5") if found["half"] else 0)
            points += _small(found["fenli"]) / 10 if found["fenli"] else 0
        else:
            points += _small(found["li"]) / 10
            points += _small(found["lihalf"]) / 100 if found["lihalf"] else 0
        kind = RateKind.MONTHLY if found["period"] == "月" else RateKind.ANNUAL
        page.add(f"rate:{kind}", points / (100 if kind == RateKind.MONTHLY else 10))
        page.take(found.start(), found.end())


def _small(text: str) -> Decimal:
    return Decimal("0.5") * 10 if text == "半" else numerals.parse(text) or Decimal(0)


def _take_per_wan(page: Page) -> None:
    """Read 日息万三 and 万分之五, daily by custom; 万N alone needs a day or interest beside it."""
    for found in _PER_WAN.finditer(page.text):
        left, right = page.left(found.start()), page.right(found.end())
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
        page.add(f"rate:{RateKind.DAILY}", value / 10_000)
        page.take(found.start(), found.end())


def _take_percents(page: Page) -> None:
    for figure in list(_figures(page.text)):
        sign = _PERCENT_SIGN.match(page.text, figure.end)
        before = _FRACTION.search(page.text[: figure.start])
        if not sign and not before and not _is_named_rate(page.text, figure):
            continue
        start, end = before.start() if before else figure.start, sign.end() if sign else figure.end
        scale = 1000 if (before and before["of"] == "千") or (sign and sign["sign"] == "‰") else 100
        left, right = page.left(start), page.right(end)
        is_vague = _VAGUE_BEFORE.search(page.text[max(0, start - 4) : start]) or _VAGUE_AFTER.match(
            page.text, end
        )
        page.take(start, end)
        if not is_vague:
            _name_percent(page, figure.value / scale, left, right)


def _is_named_rate(text: str, figure: Figure) -> bool:
    """Tell of a rate without its sign: 年利率7.2, 利率是6.8."""
    is_bare = not re.match(r"\s*[\d万千百元块厘分%]", text[figure.end :]) and 1 <= figure.value <= 36
    return is_bare and bool(re.search(r"(?:年化|年息|利率)(?:是|为|:|\s)*$", text[: figure.start]))


def _name_percent(page: Page, value: Decimal, left: str, right: str) -> None:
    if re.match("的?打.{1,3}折", right):
        return
    slot = "fee_rate" if _is_fee(left, right) else _label(labels.PERCENT, left, right, reach=6)
    if slot is None:
        if re.search(r"(?:^|[\d万千百wk元块期月年■ ])$", left.rstrip(_FILLER)):
            page.loose.append(("percent", value))
    elif slot == "rate":
        if _YEARLY[0] <= value <= _YEARLY[1]:
            page.add(f"rate:{RateKind.ANNUAL}", value)
    elif slot.startswith("change"):
        page.add("change", value if slot == "change:up" else -value)
    elif slot:
        page.add(slot, value)


def _is_fee(left: str, right: str) -> bool:
    """Tell of a fee whose name and period stand on both sides: 手续费0.6%每期, 每期72元手续费."""
    named = re.search(f"{_FEE}率?$", left.rstrip(_FILLER)) and re.match(
        "/期|/月|每期|一期|每个?月|一个月", right
    )
    return bool(
        named
        or (re.search("(?:每期|每个?月|一期)(?:要|收|交|付|扣)*$", left) and re.match(f"的?{_FEE}", right))
    )


def _take_counts(page: Page) -> None:
    for figure in list(_figures(page.text)):
        unit = _COUNT_UNIT.match(page.text, figure.end)
        if unit and figure.value == int(figure.value):
            _take_count(page, figure, unit)


def _take_count(page: Page, figure: Figure, unit: re.Match[str]) -> None:
    count, word = int(figure.value), unit["spaced"] or unit["unit"]
    more = _MORE_MONTHS.match(page.text[unit.end() :]) if word.startswith("年") else None
    end = unit.end() + (more.end() if more else 0)
    before, right = page.text[: figure.start], page.right(end)
    if count > (_YEARS_LIMIT if word.startswith("年") else _COUNT_LIMIT):
        return
    # A sum before is another matter: "12万一年".
    left = re.split("[\\d万千百wk元块钱]", page.left(figure.start))[-1]
    months, days = _months(count, word, int(_small(more["months"])) if more else 0), _days(count, word)
    if before.endswith("第"):
        is_paid = word == "期" and (re.match("(?:还完)?(?:之|以)?后", right) or "还到" in left)
        if is_paid:
            page.add("paid_periods", count)
            page.take(figure.start, end)
        if days is None:
            return
        left = left.removesuffix("第")
    elif _VAGUE_BEFORE.search(before) or _VAGUE_AFTER.match(page.text, end):
        page.take(figure.start, end)
        return
    slot = _label(labels.PERIOD, "", right, reach=0) or _label(labels.COUNT, left, right, reach=2)
    # 一天, 一个月, 一年 are as often "a day's", "each month" as a count: they stay, as labels of other figures.
    if (
        count == 1
        and slot in (None, "term")
        and not _is_term_of_one(page.text, figure.start, end, word, slot)
    ):
        return
    page.take(figure.start, end)
    if slot is not None:
        _name_count(page, slot, months, days)
    elif word == "期":
        page.loose.append(("periods", Decimal(count)))
    elif not left.strip(_FILLER) or re.search("本[金息]$|后本$", left):
        is_alone = not left and not right
        page.loose.append(
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
    if word != "年" or after.startswith(_FILLED):
        return False
    if slot == "term" or re.search(r"(?:[\d万千百wk块元钱]|本[金息]|后本) ?$", text[:start]):
        return True
    return bool(re.search(r"(?:^|[。,、 ])$", text[:start]) and re.match(r"$|[。,、?!;]|[期还]", after))


def _name_count(page: Page, slot: str, months: int | None, days: int | None) -> None:
    if slot == "paid" and months is not None:
        page.add("paid_periods", months)
    elif slot == "received_ago" and days is not None:
        page.add("received_on", page.today - timedelta(days=days))
    elif slot.endswith("_days") and days is not None:
        page.add(slot, days)
    elif slot == "term" and months is not None:
        page.add("term_months", months)


def _take_net_values(page: Page) -> None:
    for figure in list(_figures(page.text)):
        left = page.left(figure.start)
        if re.search(r"净值(?:是|为|:|\s|到|涨到|跌到)*$", left):
            is_sold = re.search("赎回|卖出|卖|现在", left)
            page.add("redeem_net_value" if is_sold else "net_value", figure.value)
        elif re.search(r"万份(?:收益)?(?:是|为|:|\s)*$", left):
            page.add("ten_thousand_yield", figure.value)
        elif (figure.value >= _SHARES_LEAST and re.match(r"\s*份", page.text[figure.end :])) or re.search(
            r"份额(?:是|为|:|\s)*$", left
        ):
            page.add("shares", figure.value)
        else:
            continue
        page.take(figure.start, figure.end)
    if {"shares", "net_value"} <= page.found.keys() and not re.search("买|申购|认购", page.text):
        # Who has shares and has not told of buying asks about selling.
        page.found.setdefault("redeem_net_value", set()).update(page.found.pop("net_value"))


def _take_sums(page: Page) -> None:
    figures = [figure for figure in _figures(page.text) if not _is_counted(page.text, figure)]
    apart = Page(text=page.text, today=page.today)
    for figure in figures:
        apart.take(figure.start, _sum_end(page.text, figure))
    for figure in figures:
        end = _sum_end(page.text, figure)
        before = page.text[: figure.start]
        is_vague = _VAGUE_BEFORE.search(before) or _VAGUE_AFTER.match(page.text, figure.end)
        is_dime = bool(_DIME.match(page.text, figure.end))
        if is_dime and before.endswith("块"):
            continue
        value = figure.value / 10 if is_dime else figure.value + _tenth(page.text, figure)
        is_money = _is_money(page.text, figure)
        is_bare = not is_money and page.text[figure.start].isdigit() and value >= _BARE_LEAST
        if not is_vague and (is_money or is_bare) and value > 0 and value == round(value, 2):
            _name_sum(page, value, apart.left(figure.start), apart.right(end), is_money=is_money)


def _name_sum(page: Page, value: Decimal, left: str, right: str, *, is_money: bool) -> None:
    slot = (
        "fee_amount"
        if _is_fee(left, right)
        else _label(labels.MONEY, left, right, reach=8 if is_money else 0)
    )
    if slot:
        page.add(slot, value)
    elif slot is None and is_money:
        page.loose.append(("money", value))
    elif slot is None and not left.strip(_FILLER) and not right.strip(_FILLER):
        page.loose.append(("number", value))


def _is_counted(text: str, figure: Figure) -> bool:
    """Tell of a number that counts something else than money."""
    return bool(_COUNT_UNIT.match(text, figure.end) or _OTHER_UNIT.match(text, figure.end))


def _sum_end(text: str, figure: Figure) -> int:
    unit = _MONEY_UNIT.match(text, figure.end)
    return unit.end() if unit else figure.end


def _tenth(text: str, figure: Figure) -> Decimal:
    """Return the 0.5 of 三块五."""
    found = re.match(rf"块(?P<tenth>\d|{_H})(?:毛|角)?(?![\d十百千万期年个天%.])", text[figure.end :])
    return _small(found["tenth"]) / 10 if found else Decimal(0)


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


def _figures(text: str) -> Iterator[Figure]:
    for number in numerals.find_numbers(text):
        if number.value is not None:
            yield Figure(start=number.start, end=number.end, value=number.value)


def _label(table: Sequence[labels.Label], left: str, right: str, reach: int) -> str | None:
    """Return the slot of the label nearest to a figure, None where there is none within reach."""
    near, after = left.rstrip(_FILLER), right.lstrip(" 的")
    best: tuple[int, bool, int] | None = None
    slot = None
    for label in table:
        if label.is_behind:
            founds = [found] if (found := label.pattern.match(after)) else []
        else:
            founds = list(label.pattern.finditer(left))
        for found in founds:
            gap = 0 if label.is_behind else max(0, len(near) - found.end())
            place = (gap, label.is_behind, found.start() - found.end())
            if found[0] and gap <= reach and (best is None or place < best):
                best, slot = place, label.slot
    return slot


def _take_expected(page: Page, expecting: Sequence[str]) -> None:
    """Give figures without a name to the one slot asked for that they can be, else to the one they are by nature."""
    for kind, value in sorted(page.loose, key=lambda one: one[0] == "months"):
        open_slots = [slot for slot in expecting if slot not in page.found and _fits(slot, kind, value)]
        if kind in _TERMS and "term_months" in open_slots:
            open_slots = ["term_months"]
        if len(open_slots) == 1:
            slot = open_slots[0]
            page.add(_RATE_SLOT if slot == "rate" else slot, int(value) if slot in slots.WHOLE else value)
        elif kind == "money":
            page.add("amount", value)
        elif kind in _TERMS and (kind != "months" or _is_of_a_loan(page)):
            page.add("term_months", int(value))
    # A percentage beside a sum or a term is the loan's yearly rate, where it can be no monthly one.
    is_loan = {"amount", "term_months"} & page.found.keys()
    percents = [value for kind, value in page.loose if kind == "percent"]
    if is_loan and len(percents) == 1 and _YEARLY[0] <= percents[0] <= _YEARLY[1]:
        page.add(_RATE_SLOT, percents[0])
    wanted_days = [slot for slot in expecting if slot in slots.DATES and slot not in page.found]
    if len(wanted_days) == 1 and "on" in page.found:
        page.found[wanted_days[0]] = page.found["on"]


_RATE_SLOT = f"rate:{RateKind.ANNUAL}"
_TERMS = frozenset({"periods", "term", "months"})  # 12期; 三年 as the whole message; 三年 among other words.
_PERCENTS = frozenset({"rate", "lpr", "uplift", "payout_ratio", "change", "annual_yield"})
_RATIOS = frozenset({"net_value", "redeem_net_value", "ten_thousand_yield"})


def _is_of_a_loan(page: Page) -> bool:
    """Tell that a sum or a rate was named, so that years beside it are its term."""
    has_percent = any(kind == "percent" for kind, _ in page.loose)
    return "amount" in page.found or has_percent or any(name.startswith("rate:") for name in page.found)


def _fits(slot: str, kind: str, value: Decimal) -> bool:
    """Tell whether a figure of a kind can be the slot."""
    is_percent = slot in _PERCENTS or slot.endswith("fee_rate")
    if slot in slots.DATES or slot == "method" or is_percent or kind == "percent":
        return is_percent and kind == "percent"
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


def _slots(page: Page) -> Slots:
    """Return the slots that have one reading."""
    one = {name: next(iter(values)) for name, values in page.found.items() if len(values) == 1}
    kinds = [name for name in page.found if name.startswith("rate:")]
    values = {name: value for name, value in one.items() if name in slots.NAMES}
    if len(kinds) == 1 and kinds[0] in one:
        values |= {"rate": one[kinds[0]], "rate_kind": RateKind(kinds[0].removeprefix("rate:"))}
    return Slots(**values).sane()  # type: ignore[arg-type]  # Each reader adds its slot's own type.


_READERS: tuple[Callable[[Page], None], ...] = (
    _take_method,
    _take_day_basis,
    _take_fen,
    _take_per_wan,
    _take_days,
    _take_percents,
    _take_net_values,
    _take_counts,
    _take_sums,
)

"""Words given with a time: "明天上午给您回电话", "10分钟内回您", "周五之前办好".

Pure. Says where a promise stands in a text and what its time is in words; which moment that is, is audit/promises.py.
Vague ones ("尽快", "稍后") have no time and are none; nor are what a process takes ("3个工作日到账") and what the
customer has to do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from content.reckoning import numerals


class Unit(StrEnum):
    """What a span of time is counted in."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    WORKDAY = "workday"
    WEEK = "week"


@dataclass(frozen=True, kw_only=True)
class Within:
    """A span from now on."""

    amount: float
    unit: Unit


@dataclass(frozen=True, kw_only=True)
class By:
    """A day and a time of it.

    `days` from today, or `weekday` (Monday 0) with `weeks` from this one (None: the next such day), or `month_day` with
    `month` 0 for the next such day, or `is_month_end`. `hour` None: the end of the day; `is_closing`: when people stop
    serving.
    """

    days: int | None = None
    weekday: int | None = None
    weeks: int | None = None
    month: int = 0
    month_day: int | None = None
    is_month_end: bool = False
    hour: int | None = None
    minute: int = 0
    is_closing: bool = False


@dataclass(frozen=True, kw_only=True)
class Promised:
    """A word given in a folded text: its place, what is promised, and by when."""

    start: int
    end: int
    object: str
    by: Within | By


_NUMBER = r"(?:\d+(?:\.\d+)?|[一二两三四五六七八九十]+|半)"
_SPAN = re.compile(
    rf"(?P<amount>{_NUMBER})\s*个?(?P<half>半)?(?P<unit>分钟|小时|钟头|工作日|天|日(?!期|利|息|元)|周|星期|礼拜)(?P<after>之?内|以?内|之?后|以后|就|左右|,?(?:我)?(?:给|回|联系))"
)
_WAIT = re.compile(
    rf"(?:等(?:我|一?下我)?|给我)(?P<amount>{_NUMBER})\s*个?(?P<half>半)?(?P<unit>分钟|小时|天)"
)
_WEEKDAYS = {char: place for place, char in enumerate("一二三四五六")} | {"日": 6, "天": 6, "末": 6}
_DAY = re.compile(
    r"(?P<named>今[天日早晚]|明[天日早晚]|大?后天)"
    r"|(?P<week>这个?|本|下个?)?(?:周|星期|礼拜)(?P<weekday>[一二三四五六日天末])"
    r"|(?P<thisweek>(?:这|本)周(?:之?内|以内)?)|(?P<nextweek>下周(?:之?内|以内)?)"
    r"|(?P<monthend>(?:这个?|本)?月底)"
    r"|(?:(?P<month>\d{1,2})月)?(?P<monthday>\d{1,2})[号日](?!码|线|楼|令|卡|元|利|息)"
    r"|(?P<closing>下班(?:之?前|以前))"
)
_PART = re.compile(
    r"[的,]?(?P<part>一早|早上|早|上午|中午|下午|傍晚|晚上|晚|下班)?"
    r"(?:(?P<hour>\d{1,2}|十[一二]?|[一二两三四五六七八九])(?:[点时]|:(?=\d\d))(?:(?P<half>半)|(?P<minute>\d{1,2})分?)?(?:钟|整)?)?"
    r"(?P<before>之?前|以前|左右|之?内)?"
)
_PART_HOURS = {
    "一早": 10,
    "早上": 10,
    "早": 10,
    "上午": 12,
    "中午": 14,
    "下午": 18,
    "傍晚": 19,
    "晚上": 22,
    "晚": 22,
}
_NAMED_DAYS = {"今": 0, "明": 1, "后": 2, "大": 3}
_UNITS = {
    "分钟": Unit.MINUTE,
    "小时": Unit.HOUR,
    "钟头": Unit.HOUR,
    "天": Unit.DAY,
    "日": Unit.DAY,
    "工作日": Unit.WORKDAY,
    "周": Unit.WEEK,
    "星期": Unit.WEEK,
    "礼拜": Unit.WEEK,
}
# Who gives the word: the speaker, for the customer.
_ACTOR = re.compile(
    r"我(?!们?公司规定|的)|咱们?|这边|(?:给|帮|为|替|(?<!退)回|发|跟|向|联系|通知|答复|告诉|打给|寄给|发给|转给|回复)(?:您|你)|一定(?:回|给|办|处理)|保证"
)
_ACT = re.compile(
    r"回复|答复|回电|回话|回您|回你|联系|打给|打电话|致电|通知|告诉|告知|发(?!现|生|放|展|行)|传给|寄|邮|办好|办妥|办完|办理|办|处理|解决|搞定|弄好|"
    r"查|核实|核对|确认|问清|问到|反馈|跟进|安排|申请|提交|开好|开具|更新|整理|(?:出|给)(?:您|你|个)*(?:结果|消息|答案|说法|方案|准信)|催|落实|送|拿给|退给|补"
)
# What makes it none: doubt, conditions, the past, a process, something that is asked of the customer.
_NONE = re.compile(
    r"尽量|争取|如果|要是|假如|的话|不一定|不确定|可能|也许|没法|没办法|无法|不能|不会|不保证|预计|一般|通常|大概|正常|按规定|系统|自动|"
    r"昨天|刚才|刚刚|已经|之前已|您(?:可以|需要|需|要|得|先|再|记得|就|自己|明天|今天|后天|看|有空|方便)|请您|麻烦您|提醒您|"
    r"(?:查|办|处理|发|反馈|提交|登记|问|联系|回复|申请|安排|通知)(?:好|过|完|给您|您)?了"
)
_CONDITION = re.compile(r"如果|要是|假如|若|的话|一旦|万一")
_ASKED = re.compile(r"[?]|(?:吗|么|呢|好不好|行不行|可以不)[,。!~ ]*$")
_SENTENCE = re.compile(r"[^。!?;\n]+[。!?;\n]*")
_CLAUSE = re.compile(r"(?:[^,:、]|(?<=\d):(?=\d))+[,:、]*")
_OBJECT_LENGTH = 60


def find(text: str) -> list[Promised]:
    """Return the promises of a folded text (content.normalising.folded), in order."""
    if not _HINT.search(text):
        return []
    return [one for sentence in _SENTENCE.finditer(text) for one in _of_sentence(sentence)]


_HINT = re.compile(
    r"[今明后]天|今[日晚早]|明[日早晚]|周|星期|礼拜|月底|[号日]|下班|分钟|小时|钟头|\d天|[一二两三四五六七八九十半]天|工作日"
)


def _of_sentence(sentence: re.Match[str]) -> Iterator[Promised]:
    said, offset = sentence[0], sentence.start()
    if _ASKED.search(said):
        return
    clauses = list(_CLAUSE.finditer(said))
    for place, clause in enumerate(clauses):
        found = _time(clause[0])
        if found is None or _NONE.search(clause[0]):
            continue
        if place and _CONDITION.search(clauses[place - 1][0]):
            continue
        start, end = clause.start(), clause.end()
        if not _is_given(clause[0]):
            follows = clauses[place + 1] if place + 1 < len(clauses) else None
            if follows is None or not _is_given(follows[0]) or _NONE.search(follows[0]):
                continue
            end = follows.end()
        words = said[start:end].strip(",:、。!;\n ")
        start += len(said[start:end]) - len(said[start:end].lstrip())
        yield Promised(
            start=offset + start, end=offset + start + len(words), object=words[:_OBJECT_LENGTH], by=found
        )
        return


def _is_given(words: str) -> bool:
    return bool(_ACTOR.search(words) and _ACT.search(words))


def _time(clause: str) -> Within | By | None:
    span = _SPAN.search(clause) or _WAIT.search(clause)
    if span is not None:
        return _within(span)
    day = _DAY.search(clause)
    return None if day is None else _by(day, _PART.match(clause, day.end()))


def _within(span: re.Match[str]) -> Within | None:
    amount = 0.5 if span["amount"] == "半" else numerals.parse(span["amount"])
    if amount is None:
        return None
    total = float(amount) + (0.5 if span["half"] else 0.0)
    return Within(amount=total, unit=_UNITS[span["unit"]])


def _by(day: re.Match[str], part: re.Match[str] | None) -> By | None:
    hour, minute, closing = _hour(part)
    if day["closing"]:
        return By(days=0, is_closing=True)
    if day["named"]:
        named = day["named"]
        if named[-1] in "早晚" and hour is None:
            hour = _PART_HOURS[named[-1]]
        elif named[-1] == "晚" and hour is not None and hour < 12:
            hour += 12
        return By(days=_NAMED_DAYS[named[0]], hour=hour, minute=minute, is_closing=closing)
    if day["weekday"]:
        weeks = {"这": 0, "本": 0, "下": 1}.get((day["week"] or " ")[0])
        return By(
            weekday=_WEEKDAYS[day["weekday"]], weeks=weeks, hour=hour, minute=minute, is_closing=closing
        )
    if day["thisweek"] or day["nextweek"]:
        return By(weekday=4, weeks=1 if day["nextweek"] else 0, hour=hour, minute=minute, is_closing=True)
    if day["monthend"]:
        return By(is_month_end=True)
    month, month_day = int(day["month"] or 0), int(day["monthday"])
    if month > 12 or not 1 <= month_day <= 31:
        return None
    return By(month=month, month_day=month_day, hour=hour, minute=minute, is_closing=closing)


def _hour(part: re.Match[str] | None) -> tuple[int | None, int, bool]:
    """Return hour, minute, and whether the end of the service hours is meant."""
    if part is None:
        return None, 0, False
    named = part["part"] or ""
    if part["hour"] is None:
        return _PART_HOURS.get(named), 0, named == "下班"
    read = numerals.parse(part["hour"])
    hour = int(read) if read is not None else 24
    # "3点给您回电话" is said of the afternoon.
    latest = {"下午": 11, "傍晚": 11, "晚上": 11, "晚": 11, "中午": 5, "": 6}.get(named, 0)
    if 1 <= hour <= latest:
        hour += 12
    minute = 30 if part["half"] else int(part["minute"] or 0)
    return (hour, minute, False) if hour < 24 and minute < 60 else (None, 0, False)

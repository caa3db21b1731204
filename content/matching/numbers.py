"""Numbers in one writing: 一万, 1万, 10000 and 1w are the same; 百分之五 is 5%; 万五 is 0.05%.

Pure. Only numbers with a unit are touched, so that 万一 and 一样 stay words.
"""

from __future__ import annotations

import re
from decimal import Decimal

_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "俩": 2}
_STEPS = {"十": 10, "百": 100, "千": 1000}
_UNITS = r"元|块|期|年|个月|月|天|日|号|岁|折|成|笔|张|倍|周|分钟|小时|点"
_CHINESE = "零〇一二三四五六七八九两十百千"
_SHARE = re.compile(rf"百分之([{_CHINESE}]+(?:点[{_CHINESE}]+)?|\d+(?:\.\d+)?)")
_OF_TEN_THOUSAND = re.compile(
    rf"(?:万分之|(?<=[息率费佣])万|(?<![\d{_CHINESE}])万(?=[二三四五六七八九]))([一二三四五六七八九]|\d(?:\.\d+)?)"
    rf"(?![{_CHINESE}\d万元块期年个月天笔])"
)
_LATIN_SCALE = re.compile(r"(\d+(?:\.\d+)?)([wk万千])(?![a-z])(?:(\d)(?!\d))?")
_CHINESE_SCALE = re.compile(rf"([{_CHINESE}]+)万([{_CHINESE}]*)")
_COUNTED = re.compile(rf"([{_CHINESE}]+)(?=个?(?:{_UNITS}))")
NUMBER = re.compile(r"\d+(?:\.\d+)?%?")


def unified(text: str) -> str:
    """Return the text with its numbers in digits."""
    if not _HINT.search(text):
        return text
    text = _SHARE.sub(lambda found: f"{_plain(_value(found[1]))}%", text)
    text = _OF_TEN_THOUSAND.sub(lambda found: f"{_plain(_value(found[1]) / 100)}%", text)
    text = _CHINESE_SCALE.sub(_scaled_chinese, text)
    text = _LATIN_SCALE.sub(_scaled, text)
    return _COUNTED.sub(lambda found: _plain(_value(found[1])), text)


_HINT = re.compile(rf"\d[wk万千]|百分之|万|[{_CHINESE}](?:个?(?:{_UNITS}))")


def _scaled(found: re.Match[str]) -> str:
    size = 10_000 if found[2] in "w万" else 1_000
    return _plain(Decimal(found[1]) * size + (int(found[3]) * size // 10 if found[3] else 0))


def _scaled_chinese(found: re.Match[str]) -> str:
    rest = found[2]
    if len(rest) == 1 and rest in _DIGITS:
        return _plain(_value(found[1]) * 10_000 + _DIGITS[rest] * 1_000)
    return _plain(_value(found[1]) * 10_000 + (_value(rest) if rest else 0))


def _value(written: str) -> Decimal:
    """Return the value of digits or Chinese numerals: 十二 12, 一百零五 105, 三点五 3.5."""
    if written[0].isdigit():
        return Decimal(written)
    whole, _, part = written.partition("点")
    total, last = 0, 0
    for char in whole:
        if char in _STEPS:
            total += (last or 1) * _STEPS[char]
            last = 0
        else:
            last = last * 10 + _DIGITS[char] if last and "十" not in whole else _DIGITS[char]
    value = Decimal(total + last)
    if part:
        value += Decimal("0." + "".join(str(_DIGITS.get(char, 0)) for char in part))
    return value


def _plain(value: Decimal) -> str:
    written = f"{value:f}"
    return written.rstrip("0").rstrip(".") if "." in written else written

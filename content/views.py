"""Views of a text: the same words as a reader sees them through spaces, symbols and look-alike characters.

Pure. The wording check looks at every view; a hit in any of them counts (compliance.md §3). Each view
remembers where its characters came from, so a problem is shown at its place in the raw text.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from content import normalising

# Halves of a character typed one after the other (compliance.md §3.4).
_SPLIT = {
    "亻呆": "保", "亻言": "信", "彳亍": "行", "亻用": "佣", "亻尔": "你", "亻弋": "代", "亻介": "价",
    "贝兼": "赚", "贝代": "贷", "亻昔": "借", "讠正": "证", "禾息": "稳", "辶艮": "退", "礻刂": "利",
    "禾刂": "利", "氵去": "法", "忄青": "情", "扌丁": "打", "钅戋": "钱", "米分": "粉",
}  # fmt: skip
# Look-alike and same-sounding writing of words that matter here (compliance.md §3.5 and §3.6).
_ALIKE = {
    "夲": "本", "夳": "太", "葆": "保", "蓷": "退", "蕞": "最", "咘": "部", "孒": "子",
    "囯": "国", "亾": "亡",
    "宝本": "保本", "饱本": "保本", "保苯": "保本", "包本": "保本", "零风先": "零风险", "稳転": "稳赚",
    "反佣": "返佣", "反现": "返现", "返拥": "返佣", "返佣金": "返佣金", "反点": "返点",
    "铨网": "全网", "全网最氐": "全网最低", "亭售": "停售", "停受": "停售", "庭售": "停售",
    "包庄": "包装", "内布": "内部", "渠到": "渠道", "强凯": "强开", "下欵": "下款",
    "蜜码": "密码", "秘码": "密码", "验正码": "验证码", "验証码": "验证码", "演证码": "验证码",
    "高雪压": "高血压", "糖鸟病": "糖尿病", "洗百": "洗白", "征心": "征信", "正信": "征信", "征芯": "征信",
    "威信": "微信", "薇信": "微信", "徽信": "微信", "推保": "退保", "蜕保": "退保", "腿保": "退保",
}  # fmt: skip
# Latin for Chinese, only between or beside Chinese characters or as a word of its own (compliance.md §3.7).
_LATIN = {
    "bao": "保", "ben": "本", "xi": "息", "tui": "退", "fan": "返", "yong": "佣", "dai": "贷", "kuan": "款",
    "zx": "征信", "zhengxin": "征信", "yzm": "验证码", "yanzhengma": "验证码", "mm": "密码", "mima": "密码",
    "vx": "微信", "wx": "微信", "v信": "微信", "weixin": "微信", "zfb": "支付宝", "lj": "垃圾",
    "laji": "垃圾",
    "tb": "退保", "tuibao": "退保", "fanyong": "返佣", "baoben": "保本", "0": "零", "txl": "通讯录",
    "sfz": "身份证",
}  # fmt: skip
_CJK = "\u3400-\u9fff"
_STOP = "。,!?;:、\n"
_BETWEEN = re.compile(rf"(?<=[{_CJK}])[^\w{_STOP}%]+(?=[{_CJK}])|(?<=[{_CJK}])_+(?=[{_CJK}])")
_SPACED = re.compile(rf"(?<![{_CJK}])[{_CJK}](?:[,、;:。_][{_CJK}]){{2,}}(?![{_CJK}])")
_SPLIT_FORM = re.compile("|".join(sorted(map(re.escape, _SPLIT), key=len, reverse=True)))
_ALIKE_FORM = re.compile("|".join(sorted(map(re.escape, _ALIKE), key=len, reverse=True)))
_LATIN_WORD = re.compile(r"(?<![a-z0-9.])(?:[a-z]+|0)(?![a-z0-9.%])")


@dataclass(frozen=True, kw_only=True)
class View:
    """A text as some reader sees it. `origin[i]`: where character i stands in the raw text."""

    text: str
    origin: tuple[int, ...]

    def raw_span(self, span: tuple[int, int]) -> tuple[int, int]:
        """Return the range of the raw text a range of this view came from."""
        start, end = span
        return self.origin[start], self.origin[end - 1] + 1


def views_of(text: str) -> list[View]:
    """Return the views of a text, the plain folded one first, without repeats."""
    plain = _folded(text)
    joined = _without_separators(plain)
    views = [plain, joined]
    for base in (plain, joined):
        alike = _replaced(_replaced(base, _SPLIT), _ALIKE)
        views.append(alike)
        views.append(_replaced(_without_separators(_latin_read(alike)), _ALIKE))
    distinct: dict[str, View] = {}
    for view in views:
        distinct.setdefault(view.text, view)
    return list(distinct.values())


def _folded(text: str) -> View:
    letters: list[str] = []
    origin: list[int] = []
    for place, letter in enumerate(text):
        for part in _folded_letter(letter):
            letters.append(part)
            origin.append(place)
    return View(text="".join(letters), origin=tuple(origin))


@functools.lru_cache(maxsize=16_384)
def _folded_letter(letter: str) -> str:
    return "".join(part for part in normalising.folded(letter) if not unicodedata.combining(part))


def _without_separators(view: View) -> View:
    gaps = [hit.span() for hit in _BETWEEN.finditer(view.text)]
    for hit in _SPACED.finditer(view.text):
        gaps += [(place, place + 1) for place in range(hit.start() + 1, hit.end(), 2)]
    dropped = {place for start, end in gaps for place in range(start, end)}
    kept = [place for place in range(len(view.text)) if place not in dropped]
    return View(
        text="".join(view.text[place] for place in kept), origin=tuple(view.origin[place] for place in kept)
    )


def _replaced(view: View, words: dict[str, str]) -> View:
    pattern = _SPLIT_FORM if words is _SPLIT else _ALIKE_FORM
    return _rewritten(view, pattern, lambda found: words[found])


def _latin_read(view: View) -> View:
    return _rewritten(view, _LATIN_WORD, lambda found: _LATIN.get(found, found))


def _rewritten(view: View, pattern: re.Pattern[str], read: Callable[[str], str]) -> View:
    letters: list[str] = []
    origin: list[int] = []
    at = 0
    for hit in pattern.finditer(view.text):
        letters.append(view.text[at : hit.start()])
        origin += view.origin[at : hit.start()]
        word = read(hit[0])
        letters.append(word)
        origin += [view.origin[hit.start()]] * (len(word) - 1) + [view.origin[hit.end() - 1]]
        at = hit.end()
    letters.append(view.text[at:])
    origin += view.origin[at:]
    return View(text="".join(letters), origin=tuple(origin))

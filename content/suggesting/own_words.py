"""Which of an advisor's own words may be kept and offered again, and how near the question they answered is.

Pure. Nobody has approved these words. So they may hold no figure, no date, no product, no name of a person and nothing
private: those were true of one customer on one day. What is private, and which openings call nobody, is written down in
private.toml. Whether the words may be said at all is asked of the wording check each time anew.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from content import normalising, pii
from content.compliance import ComplianceRules
from domain.compliance import Problem, Severity, Speaker
from domain.faq import EntityMode, Line

SHORTEST, LONGEST = (
    6,
    400,
)  # Characters; "好的" needs no suggestion, and an essay was written for one customer.
ALIKE = 0.55  # Share of common pairs of characters from which two questions are one (looked at by hand, 2026-11-22).
_DIGIT = re.compile(r"[0-9０-９%％‰￥¥$]|\d")
_NUMBER = re.compile(
    r"[零〇一二两三四五六七八九十百千万亿半几]+(?:点[零一二三四五六七八九]+)?(?:个?多)?"
    r"(?:元|块钱?|万|亿|分之|成|折|倍|期|年|个?月|天|日|号|点|周|小时|分钟|岁|次|笔|份|股|手|克|厘|毛|百分点|个点)"
    r"|百分之|[一二三四五六七八九十]+成|翻倍|对半"
)
# Words that count nothing: "第一时间", "一个月" as a habit of speech is rare enough to be left out.
_HARMLESS = re.compile(
    r"第一时间|一次性|一下子?|一点|一样|一定|一般|一起|一直|万一|一些|一会儿?|一步步?|十分|百忙|半天|一切|统一|唯一"
)
_PRODUCT = re.compile(
    r"[《「『“\"][^》」』”\"]{2,30}[》」』”\"]"
    r"|(?<=[\u4e00-\u9fff])(?<!宝)宝(?![贝石藏物宝])|(?<=[\u4e00-\u9fff])(?:盈(?![亏利余])|鑫)|e生保|优享|尊享|臻享|惠民保"
    r"|[A-Za-z]{2,}[-]?(?:[A-Za-z0-9]+)?(?:款|版|型|计划)"
    r"|[\u4e00-\u9fff]{2,10}(?:[一二三四五六七八九十甲乙丙ABC]+号|(?:年金|终身寿|两全|重疾|医疗|意外)险[（(])"
)
_SURNAME = (
    "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛奚范彭郎鲁韦昌马苗凤花方俞任袁柳"
    "鲍史唐费廉岑薛雷贺倪汤滕殷罗毕郝安常乐于傅齐康伍余元卜顾孟黄穆萧尹姚邵汪祁毛狄米明戴宋庞熊纪舒屈项祝董梁杜阮蓝闵席季"
    "贾路江童颜郭梅盛林钟徐邱骆高夏蔡田樊胡凌霍虞万柯管卢莫房解应宗丁宣邓单杭洪包左石崔吉龚程邢裴陆荣翁曾沙关向古易廖聂"
)
_PERSON = re.compile(
    rf"[{_SURNAME}][\u4e00-\u9fff]{{0,2}}(?:先生|女士|小姐|阿姨|叔叔|大爷|大妈|老师|经理|哥|姐|总)(?!好是的说请您)?"
    r"|[老小][" + _SURNAME + r"](?![\u4e00-\u9fff]*贷)|@\S+"
)


# Two characters of one script may be a name; one is a part of other words.
_PART = re.compile(r"[\u4e00-\u9fff]{2,}|[A-Za-z]{3,}")
_OPENING = re.compile(
    r"^(?P<called>[^\s,，。.!！?？、;；:：~～]{1,4}?)[\s~～]*(?P<end>您好|你好|(?:早|上午|中午|下午|晚)上?好|[,，])"
)
# Marks that stand for nothing, before or after a greeting.
_MARKS = "，,。.!！~～ \u3000\n"


@dataclass(frozen=True, kw_only=True)
class _Private:
    openings: frozenset[str]
    not_names: str
    greetings: tuple[str, ...]
    not_parts: frozenset[str]
    matters: re.Pattern[str]


def check_kept(text: str, names: Collection[str] = ()) -> list[str]:
    """Return what makes words unfit to be kept: short, long, figure, product, person, private, number; empty for none.

    `names`: what the customer they were said to is called, as nickname or in somebody's remark.
    """
    found = []
    said = normalising.folded(text)
    plain = _HARMLESS.sub("", said)
    if len(text.strip()) < SHORTEST:
        found.append("short")
    if len(text) > LONGEST:
        found.append("long")
    if _DIGIT.search(said) or _NUMBER.search(plain):
        found.append("figure")
    if _PRODUCT.search(text) or "://" in said:
        found.append("product")
    if _PERSON.search(text) or _calls_somebody(text) or _names(text, names):
        found.append("person")
    if _load().matters.search(said):
        found.append("private")
    if pii.find_pii(text):
        found.append("number")
    return found


def _calls_somebody(text: str) -> bool:
    """Say whether words begin by calling somebody, also after a greeting: "小美您好", "您好，王建国，"."""
    known, rest = _load(), text.strip()
    for _ in range(2):
        opening = _OPENING.match(rest)
        if opening is not None and _is_name(opening["called"], opening["end"], known):
            return True
        greeting = next((one for one in known.greetings if rest.startswith(one)), "")
        rest = rest[len(greeting) :].lstrip(_MARKS)
        if not greeting:
            break
    return False


def _is_name(called: str, end: str, known: _Private) -> bool:
    if called in known.openings or called in known.greetings or any(one in called for one in known.not_names):
        return False
    # A single character before a comma is a word of its own ("行，").
    return len(called) > 1 or end not in ",，"


def _names(text: str, names: Collection[str]) -> bool:
    """Say whether words hold a name, a part of it, or a given name without its surname."""
    said, not_parts = text.casefold(), _load().not_parts
    for name in names:
        whole = name.strip().casefold()
        parts = {one for one in _PART.findall(whole) if one not in not_parts}
        # "王建国" is also called "建国".
        parts |= {one[1:] for one in parts if len(one) == 3 and one[0] in _SURNAME}
        if len(whole) > 1 and whole not in not_parts:
            parts.add(whole)
        if any(one in said for one in parts):
            return True
    return False


def check_said(
    text: str, rules: ComplianceRules, line: Line | None, mode: EntityMode, *, is_group: bool
) -> list[Problem]:
    """Return what the wording check says of own words; anything above a note keeps them back (nobody reviewed them)."""
    speaker = Speaker.GROUP if is_group else Speaker.ADVISOR
    # As if the company held no licence: words about one product are an editor's business.
    strict = EntityMode.PLATFORM if line is not None and line is not Line.SERVICE else mode
    problems = rules.check_text(text, speaker, line, strict)
    return [problem for problem in problems if problem.severity <= Severity.S2]


def likeness(one: str, other: str) -> float:
    """Return how much two questions share, 0 to 1: Dice's coefficient of their pairs of characters."""
    left, right = _pairs(one), _pairs(other)
    if not left or not right:
        return 0.0
    return 2 * len(left & right) / (len(left) + len(right))


def _pairs(text: str) -> frozenset[str]:
    words = normalising.normalise(text).replace(" ", "")
    return frozenset(words[at : at + 2] for at in range(max(1, len(words) - 1))) if words else frozenset()


@functools.cache
def _load() -> _Private:
    found = tomllib.loads(Path(__file__).with_name("private.toml").read_text("utf-8"))
    words = (re.escape(one) for one in (*found["illness"], *found["life"]))
    return _Private(
        openings=frozenset(found["openings"]),
        not_names="".join(found["not_names"]),
        greetings=tuple(sorted(found["greetings"], key=len, reverse=True)),
        not_parts=frozenset(found["not_parts"]),
        matters=re.compile("|".join((*words, *found["residence"], *found["family"]))),
    )

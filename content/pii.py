"""Personal data in a text: where it stands, what kind it is, and how it may be shown (compliance.md §6).

Pure. Used wherever words leave the record: exports, logs, pages for roles that may not see a number. An identity number
counts only with a right check digit and a real date, a bank card only with a right Luhn sum, so that order numbers stay
readable. Public landlines are no personal data and stay.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643, ISO 7064 MOD 11-2.
_CHECKS = "10X98765432"
_GAP = r"[-\s\u3000.]?"
_EDGE, _END = r"(?<![0-9A-Za-z])", r"(?![0-9A-Za-z])"
_IDENTITY = re.compile(rf"{_EDGE}[1-9](?:{_GAP}\d){{16}}{_GAP}[\dXx]{_END}|{_EDGE}[1-9]\d{{14}}{_END}")
_CARD = re.compile(rf"{_EDGE}[1-9](?:{_GAP}\d){{12,18}}{_END}")
_MOBILE = re.compile(rf"(?<![0-9])(?:(?:\+|00)?86{_GAP})?(1{_GAP}[3-9](?:{_GAP}\d){{9}})(?![0-9])")
_LANDLINE = re.compile(r"(?<!\d)0\d{2,3}[-\s]?\d{7,8}(?!\d)")
_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领][A-Za-z][·•.\s]?[A-HJ-NP-Za-hj-np-z0-9]{5,6}(?![0-9A-Za-z])"
)
_EMAIL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")
_WECHAT = re.compile(
    r"(?:微信号?|wechat|weixin|vx|wx|薇信)(?:号|id|ID)?\s*(?:是|为|[:：])?\s*(?P<name>[A-Za-z][A-Za-z0-9_-]{5,19})(?![A-Za-z0-9_-])",
    re.IGNORECASE,
)
_PLACE = r"[\u4e00-\u9fff]{2,8}?"
_ADDRESS = re.compile(
    rf"(?P<city>(?:{_PLACE}(?:省|自治区|特别行政区))?(?:{_PLACE}(?:市|自治州|盟))?)"
    rf"(?P<rest>(?:{_PLACE}(?:区|县|旗|镇|乡|街道))?[\u4e00-\u9fffA-Za-z0-9]{{1,12}}?(?:路|街|道|巷|弄|胡同|小区|花园|村|苑|大厦|公寓)"
    r"[\u4e00-\u9fffA-Za-z0-9]{0,10}?\d+(?:[-－]\d+)*\s*(?:号楼?|栋|幢|座|弄|单元|室|房|层|楼)"
    r"(?:[0-9A-Za-z一二三四五六七八九十]+(?:号楼?|栋|幢|座|单元|室|房|层|楼))*(?:\d{2,4}(?!\d))?)"
)
# A name is only known for one by the words before it. After 我是 and 本人 many things stand ("我是高中生"), so only
# surnames count there that begin hardly any other word.
_USUAL = "王李张刘陈杨赵吴徐朱郭林罗梁宋唐邓冯曹彭潘袁蔡蒋杜叶魏吕沈姚卢傅钟崔姜廖邹熊陆郝孔秦邱侯雷谭贾薛"
_SURNAME = (
    f"(?:欧阳|司马|上官|诸葛|司徒|东方|慕容|令狐|皇甫|尉迟|[{_USUAL}孙周黄胡高马何郑谢韩于董萧程许苏丁任卢余汪田范方石金戴夏"
    "邵万段钱汤尹黎易常武乔贺赖龚文庞樊兰殷施陶洪翟安颜倪严牛温芦季俞章鲁葛伍韦申尤毕聂柳邢岳齐梅莫庄辛管祝左祁史毛江童顾孟"
    "穆费岑柏甄连])"
)
_GIVEN = (
    r"(?:(?![的了吗呢吧啊呀么想要能可会在有是不没和也就都来去做买贷问你我他她它这那])[\u4e00-\u9fff]){1,2}"
)
_NAME = re.compile(
    rf"(?:我(?:的名字)?叫做?|名字(?:叫做?|是)|(?<!姓名)姓名(?:叫|是|为)?)[\s:：,，]*(?P<told>{_SURNAME}{_GIVEN})"
    r"|(?:我是|本人(?:是|叫)?)[\s:：,，]*(?!张家|王者|陈述|杨浦|杨凌|吴江|吴中|徐州|徐汇|林业|林区|罗湖|梁山|唐山|邓州|彭州|叶子|沈阳"
    rf"|钟点|孔雀|秦皇岛|雷州|陆续|陆军|李宁|郭台|杜绝)(?P<said>[{_USUAL}]{_GIVEN})"
)


class PiiKind(StrEnum):
    """What a piece of personal data is."""

    IDENTITY = "identity"  # 身份证号
    CARD = "card"  # 银行卡号
    MOBILE = "mobile"  # 手机号
    PLATE = "plate"  # 车牌
    EMAIL = "email"  # 邮箱
    WECHAT = "wechat"  # 微信号
    ADDRESS = "address"  # 住址
    NAME = "name"  # 姓名, where the words before it say so.


@dataclass(frozen=True, kw_only=True)
class Pii:
    """A piece of personal data. `span`: half-open range in the text; `masked`: what may be shown in its place."""

    kind: PiiKind
    span: tuple[int, int]
    masked: str


def find_pii(text: str) -> list[Pii]:
    """Return the personal data of a text, left to right, not overlapping.

    Full-width digits and letters count as their plain forms. What is more certain wins where two overlap: an identity
    number over a card, a card over a mobile.
    """
    plain = _same_length(text)
    found: list[Pii] = []
    for search in (_identities, _emails, _cards, _mobiles, _plates, _wechats, _addresses, _names):
        for pii in search(plain):
            if not any(a < pii.span[1] and pii.span[0] < b for a, b in (held.span for held in found)):
                found.append(pii)
    return sorted(found, key=lambda pii: pii.span)


def mask(text: str) -> str:
    """Return the text with every piece of personal data in the form that may be shown."""
    shown: list[str] = []
    at = 0
    for pii in find_pii(text):
        shown += [text[at : pii.span[0]], pii.masked]
        at = pii.span[1]
    return "".join([*shown, text[at:]])


def is_identity(number: str) -> bool:
    """Say whether a number is a resident identity number: 18 characters with check digit, or the old 15; real date."""
    if len(number) == 15:
        return number.isdigit() and _is_day("19" + number[6:12])
    if len(number) != 18 or not number[:17].isdigit():
        return False
    total = sum(int(digit) * weight for digit, weight in zip(number, _WEIGHTS, strict=False))
    return number[17].upper() == _CHECKS[total % 11] and _is_day(number[6:14])


def is_card(number: str) -> bool:
    """Say whether 13 to 19 digits have a right Luhn sum and are not one digit repeated."""
    if not number.isdigit() or not 13 <= len(number) <= 19 or len(set(number)) == 1:
        return False
    doubled = [int(digit) * (2 if at % 2 else 1) for at, digit in enumerate(reversed(number))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def _is_day(digits: str) -> bool:
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8])).year >= 1900
    except ValueError:
        return False


def _same_length(text: str) -> str:
    """Return the text with full-width characters plain, each character still one."""
    if text.isascii():
        return text
    return "".join(
        letter if len(flat := unicodedata.normalize("NFKC", letter)) != 1 else flat for letter in text
    )


def _bare(number: str) -> str:
    return re.sub(r"[-\s\u3000.]", "", number)


def _identities(text: str) -> Iterator[Pii]:
    for hit in _IDENTITY.finditer(text):
        number = _bare(hit[0])
        if is_identity(number):
            stars = "*" * (len(number) - 10)
            yield Pii(kind=PiiKind.IDENTITY, span=hit.span(), masked=number[:6] + stars + number[-4:].upper())


def _cards(text: str) -> Iterator[Pii]:
    for hit in _CARD.finditer(text):
        number = _bare(hit[0])
        if is_card(number):
            stars = "*" * (len(number) - 8)
            yield Pii(kind=PiiKind.CARD, span=hit.span(), masked=number[:4] + stars + number[-4:])


def _mobiles(text: str) -> Iterator[Pii]:
    landlines = [hit.span() for hit in _LANDLINE.finditer(text)]
    for hit in _MOBILE.finditer(text):
        if any(a <= hit.start() and hit.end() <= b for a, b in landlines):
            continue
        number = _bare(hit[1])
        yield Pii(kind=PiiKind.MOBILE, span=hit.span(1), masked=f"{number[:3]}****{number[-4:]}")


def _plates(text: str) -> Iterator[Pii]:
    for hit in _PLATE.finditer(text):
        tail = hit[0][2:].lstrip("·•. \t")
        if any(letter.isdigit() for letter in tail):
            yield Pii(
                kind=PiiKind.PLATE,
                span=hit.span(),
                masked=hit[0][:2].upper() + "*" * (len(tail) - 2) + tail[-2:].upper(),
            )


def _emails(text: str) -> Iterator[Pii]:
    for hit in _EMAIL.finditer(text):
        name, _, place = hit[0].partition("@")
        yield Pii(kind=PiiKind.EMAIL, span=hit.span(), masked=f"{name[0]}***@{place}")


def _wechats(text: str) -> Iterator[Pii]:
    for hit in _WECHAT.finditer(text):
        name = hit["name"]
        yield Pii(kind=PiiKind.WECHAT, span=hit.span("name"), masked=name[:2] + "***" + name[-1])


def _addresses(text: str) -> Iterator[Pii]:
    for hit in _ADDRESS.finditer(text):
        yield Pii(kind=PiiKind.ADDRESS, span=hit.span("rest"), masked="***")


def _names(text: str) -> Iterator[Pii]:
    for hit in _NAME.finditer(text):
        yield Pii(kind=PiiKind.NAME, span=hit.span("told" if hit["told"] else "said"), masked="***")

"""Personal data: found, told apart from order numbers, masked (compliance.md §6 and §8)."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content import pii
from content.pii import PiiKind


@pytest.mark.parametrize(
    ("text", "shown", "kind"),
    [
        ("11010519491231002X", "110105********002X", PiiKind.IDENTITY),
        ("身份证号11010519491231002x。", "身份证号110105********002X。", PiiKind.IDENTITY),
        ("卡号6222020000000000000", "卡号6222***********0000", PiiKind.CARD),
        ("13800138000", "138****8000", PiiKind.MOBILE),
        ("电话138-0013 8000", "电话138****8000", PiiKind.MOBILE),
        ("打１３８００１３８０００", "打138****8000", PiiKind.MOBILE),
        ("车牌浙A·12345", "车牌浙A***45", PiiKind.PLATE),
        ("新能源粤BD12345", "新能源粤B****45", PiiKind.PLATE),
        ("zhang.san@example.com", "z***@example.com", PiiKind.EMAIL),
        ("加微信：zhang_san88", "加微信：zh***8", PiiKind.WECHAT),
        ("我住杭州市西湖区文三路138号3栋2单元501室", "我住杭州市***", PiiKind.ADDRESS),
    ],
)
def test_personal_data_is_masked(text: str, shown: str, kind: PiiKind) -> None:
    assert pii.mask(text) == shown
    assert [found.kind for found in pii.find_pii(text)] == [kind]


@pytest.mark.parametrize(
    "text",
    [
        "110105194912310029",
        "6222020000000000001",
        "010-12345678",
        "订单号2026112200001234",
        "客服电话0571-87654321",
        "年化7.2%，共36期",
        "明天下午三点在浙江大学见",
    ],
)
def test_what_is_no_personal_data_stays(text: str) -> None:
    assert pii.mask(text) == text


@given(st.text(max_size=80))
def test_finds_stand_in_the_text_and_apart(text: str) -> None:
    found = pii.find_pii(text)

    assert all(0 <= one.span[0] < one.span[1] <= len(text) for one in found)
    assert all(one.span[1] <= two.span[0] for one, two in itertools.pairwise(found))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("我叫王小明火星店能贷吗", "我叫***火星店能贷吗"),
        ("我是李建国火星店能贷吗", "我是***火星店能贷吗"),
        ("姓名：欧阳娜", "姓名：***"),
        ("本人张伟，想贷款", "本人***，想贷款"),
        ("我叫王芳想问利率", "我叫***想问利率"),
        ("我是高中生能贷吗", "我是高中生能贷吗"),
        ("我是沈阳的，本人马上要还款", "我是沈阳的，本人马上要还款"),
        ("我是金融从业人员，程序员可以吗", "我是金融从业人员，程序员可以吗"),
        ("姓名和身份证号填错了", "姓名和身份证号填错了"),
    ],
)
def test_a_name_that_somebody_tells_is_masked_6(text: str, shown: str) -> None:
    assert pii.mask(text) == shown

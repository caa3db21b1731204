"""Numbers that should not be typed: found by their check digits, not by their length."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content import normalising, sensitive
from domain.replies import SignalKind
from tests.content import shipped


@pytest.mark.parametrize("number", ["11010519491231002X", "11010519491231002x"])
def test_identity_number_with_its_check_character_is_one(number: str) -> None:
    assert sensitive.is_identity_number(number)


@pytest.mark.parametrize(
    "number",
    ["110105194912310029", "110105194913310021", "1101051949123100", "01010519491231002X", "", "一" * 18],
)
def test_identity_number_with_another_end_or_no_birthday_is_none(number: str) -> None:
    assert not sensitive.is_identity_number(number)


def test_card_number_is_told_by_luhn() -> None:
    assert sensitive.is_card_number("6222020000000000000")
    assert not sensitive.is_card_number("6222020000000000001")


@pytest.mark.parametrize("number", ["0" * 16, "2026112100000000", "62220200000000", "6" * 20, ""])
def test_order_numbers_and_other_lengths_are_no_cards(number: str) -> None:
    assert not sensitive.is_card_number(number)


@pytest.mark.parametrize(
    "text",
    [
        "我身份证11010519491231002X帮我查下",
        "身份证 １１０１０５１９４９１２３１００２Ｘ",
        "卡号6222 0200 0000 0000 000",
        "6222-0200-0000-0000-000",
        "验证码是123456",
        "收到验证码 884213",
        "验证码：8842",
        "123456是验证码",
        "我的密码123456",
    ],
)
def test_number_in_a_message_is_found(text: str) -> None:
    spans = sensitive.find(text)

    assert spans
    assert SignalKind.SENSITIVE in [hit.kind for hit in shipped.words().signals.find(text)]


@pytest.mark.parametrize(
    "text",
    [
        "110105194912310029",
        "6222020000000000001",
        "我的手机号13800138000",
        "订单号2026112112345678",
        "收不到验证码怎么办",
        "验证码10分钟有效",
        "借50000还36期多少钱",
        "600519",
        "密码2024年改过",
        "12378打了有用吗",
    ],
)
def test_other_numbers_are_left_alone(text: str) -> None:
    assert sensitive.find(text) == []


@given(st.text(alphabet="0123456789xX -验证码", max_size=60))
def test_places_lie_in_the_folded_text(text: str) -> None:
    for start, end in sensitive.find(text):
        assert 0 <= start < end <= len(normalising.folded(text))

"""Figures are read in every form customers write them, and what could mean two things is not read."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content import reckoning
from content.reckoning import calculations, numerals
from content.reckoning.slots import NAMES, RateKind, Slots

TODAY = date(2026, 11, 22)


def read(text: str, *expecting: str) -> dict[str, str]:
    """Return the slots of a text, written as for the database."""
    found = reckoning.read_slots(text, TODAY, expecting)
    return {
        name: f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)
        for name, value in found.given().items()
    }


def loan(**more: str) -> dict[str, str]:
    return {"amount": "120000", "rate": "0.072", "rate_kind": "annual", "term_months": "12"} | more


@pytest.mark.parametrize(
    "text",
    [
        "借12万，年利率7.2%，12期，每月还多少",
        "我想借十二万,年化百分之七点二,分一年",
        "120000元 12期 7.2%",
        "借１２万，年利率７．２％，１２期",
        "借十二萬，年化7.2%，十二期",
        "贷款120,000块，一年期，年化利率7.2%",
        "12w分12个月，年息7.2%",
        "借款金额：120000元，期限：12个月，年利率：7.2%",
        "12万7.2%一年期每月还多少",
        "😀借12万 年化7.2% 12期😀",
        "本金￥120,000.00，年利率7.2%，12期",
    ],
)
def test_a_loan_is_read_however_it_is_written(text: str) -> None:
    assert read(text) == loan()


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("借12万", "120000"),
        ("借十二万", "120000"),
        ("借1.5w", "15000"),
        ("借5千", "5000"),
        ("借3万5", "35000"),
        ("借三万五千", "35000"),
        ("借两千零五十块", "2050"),
        ("￥12,000.50", "12000.5"),
        ("借20k", "20000"),
        ("借壹拾贰万元", "120000"),
        ("借三点五万", "35000"),
        ("借一百二十万", "1200000"),
    ],
)
def test_sums_are_read(text: str, amount: str) -> None:
    assert read(text) == {"amount": amount}


@pytest.mark.parametrize(
    ("text", "rate", "kind"),
    [
        ("年化7.2%", "0.072", "annual"),
        ("年利率百分之七点二", "0.072", "annual"),
        ("7.2%的年利率", "0.072", "annual"),
        ("利率6.8%", "0.068", "annual"),
        ("月息一分", "0.01", "monthly"),
        ("月息一分五", "0.015", "monthly"),
        ("月息8厘", "0.008", "monthly"),
        ("年息一分", "0.1", "annual"),
        ("月利率0.6%", "0.006", "monthly"),
        ("日息万三", "0.0003", "daily"),
        ("万五一天", "0.0005", "daily"),
        ("日利率万分之三点五", "0.00035", "daily"),
        ("万分之五", "0.0005", "daily"),
        ("0.05%一天", "0.0005", "daily"),
        ("日息0.05%贵不贵", "0.0005", "daily"),
        ("千分之五的月息高吗", "0.005", "monthly"),
    ],
)
def test_rates_keep_their_period(text: str, rate: str, kind: str) -> None:
    assert read(text) == {"rate": rate, "rate_kind": kind}


@pytest.mark.parametrize(
    ("text", "months"),
    [
        ("借1万分36期", "36"),
        ("借1万三年", "36"),
        ("借1万一年半", "18"),
        ("借1万两年零6个月", "30"),
        ("借1万半年", "6"),
    ],
)
def test_terms_are_read(text: str, months: str) -> None:
    assert read(text) == {"amount": "10000", "term_months": months}


def test_terms_and_sums_that_stand_together_are_told_apart() -> None:
    for text in ("12万一年每月还多少", "借12万12期", "十二万十二个月", "120000元一年"):
        assert read(text) == {"amount": "120000", "term_months": "12"}, text


@pytest.mark.parametrize(
    ("text", "slots"),
    [
        ("每期手续费0.6%", {"fee_rate": "0.006"}),
        ("月费率0.6%实际年化是几", {"fee_rate": "0.006"}),
        ("手续费率0.5%一期", {"fee_rate": "0.005"}),
        ("每期担保费72元", {"fee_amount": "72"}),
        ("分12期每期收72块手续费贵不贵", {"term_months": "12", "fee_amount": "72"}),
        ("借5万到手4万7正常吗", {"amount": "50000", "received": "47000"}),
        ("借12000先扣240", {"amount": "12000", "deducted": "240"}),
        ("借1万一天3块", {"amount": "10000", "daily_amount": "3"}),
        ("已经还了6期", {"paid_periods": "6"}),
        ("第6期后结清", {"paid_periods": "6"}),
        ("LPR3.0%的4倍", {"lpr": "0.03"}),
        (
            "第3期本金9,790.72逾期15天，合同7.2%上浮50%，按360天",
            {
                "rate": "0.072",
                "rate_kind": "annual",
                "overdue_amount": "9790.72",
                "overdue_days": "15",
                "uplift": "0.5",
                "day_basis": "360",
            },
        ),
        ("交了3万，现金价值1万2，退保亏多少", {"premiums_paid": "30000", "cash_value": "12000"}),
        (
            "总费用58000，医保已支付21000，年免赔额10000，100%赔付",
            {"medical_cost": "58000", "social_paid": "21000", "deductible": "10000", "payout_ratio": "1"},
        ),
        (
            "住院5.8万，社保报了2万1，一万免赔额，赔付比例80%",
            {"medical_cost": "58000", "social_paid": "21000", "deductible": "10000", "payout_ratio": "0.8"},
        ),
        (
            "申购10,000元，申购费0.15%，净值1.0250，赎回净值1.0400，赎回费0.5%",
            {
                "purchase_amount": "10000",
                "purchase_fee_rate": "0.0015",
                "net_value": "1.025",
                "redeem_net_value": "1.04",
                "redeem_fee_rate": "0.005",
            },
        ),
        (
            "7日年化2%到底赚多少，买了2万，持有30天",
            {"purchase_amount": "20000", "annual_yield": "0.02", "held_days": "30"},
        ),
        ("万份收益0.45", {"ten_thousand_yield": "0.45"}),
        (
            "房贷100万30年利率3.1%等额本金首月还多少",
            {
                "amount": "1000000",
                "rate": "0.031",
                "rate_kind": "annual",
                "term_months": "360",
                "method": "equal_principal",
            },
        ),
        ("第8期还完之后提前还", {"paid_periods": "8"}),
        ("借一千一天五毛", {"amount": "1000", "daily_amount": "0.5"}),
        ("年利率7.2，借1万", {"amount": "10000", "rate": "0.072", "rate_kind": "annual"}),
        (
            "我有5200份，净值1.08，赎回费0.5%",
            {"shares": "5200", "redeem_net_value": "1.08", "redeem_fee_rate": "0.005"},
        ),
        ("申购费1.5%打一折", {}),
        ("免赔一万，百分百赔付", {"deductible": "10000", "payout_ratio": "1"}),
        ("那24期呢", {"term_months": "24"}),
        ("不是12期是24期", {"term_months": "24"}),
        ("一万块每天能赚多少", {"amount": "10000"}),
        ("跌了2%", {"change": "-0.02"}),
    ],
)
def test_figures_are_named_by_the_words_beside_them(text: str, slots: dict[str, str]) -> None:
    assert read(text) == slots


@pytest.mark.parametrize(
    ("text", "slots"),
    [
        ("昨天签收的保单，犹豫期15天", {"received_on": "2026-11-21", "cooling_off_days": "15"}),
        ("保单是10月30号收到的，犹豫期写的20天", {"received_on": "2026-10-30", "cooling_off_days": "20"}),
        ("3天前收到保单", {"received_on": "2026-11-19"}),
        ("签收20天了还能全额退吗", {"received_on": "2026-11-02"}),
        ("11月1号交的理赔材料，多久出结果", {"submitted_on": "2026-11-01"}),
        ("上个月15号还清的", {"settled_on": "2026-10-15"}),
        ("事故发生在2026-03-05", {"event_on": "2026-03-05"}),
        ("3月5号还清的", {"settled_on": "2026-03-05"}),
        ("12月1号交的材料", {"submitted_on": "2025-12-01"}),
        ("去年3月5号确诊", {"event_on": "2025-03-05"}),
        ("过了15天犹豫期还能退吗", {"cooling_off_days": "15"}),
        ("90天等待期", {"waiting_days": "90"}),
    ],
)
def test_days_are_counted_from_the_day_given(text: str, slots: dict[str, str]) -> None:
    assert read(text) == slots


@pytest.mark.parametrize(
    "text",
    [
        "12万还是15万",
        "3-5万",
        "3到5万",
        "十几万",
        "10多万",
        "三五万",
        "不是12万",
        "138****1234",
        "我电话13812345678",
        "手机138 1234 5678",
        "身份证110101199001011234",
        "卡号6217001234567890123",
        "保单号P2026110112345",
        "尾号6789",
        "打12378投诉",
        "2026年买的",
        "26年3月",
        "15号",
        "12月1号应交保费",
        "2月30号还清的",
        "36%合法吗",
        "超过24%可以不还吗",
        "利率1%",
        "两分利",
        "千万别再打电话了，万一我还不上呢",
        "每年交1万，交3年",
        "每月工资8000",
        "100万起的私募",
        "定投一定赚吗",
        "先付一期利息才给放款",
        "借一个月利息多少",
        "佣金万三",
        "成立以来年化5%",
        "每天返利5%",
        "提前还款还了一半",
        "还剩6期",
        "一年期的医疗险能一直续下去吗",
        "五年是从还清那天算吗",
    ],
)
def test_what_is_not_certain_is_not_read(text: str) -> None:
    assert read(text) == {}


def test_a_shorthand_that_may_belong_to_the_next_word_is_not_read() -> None:
    assert "amount" not in read("3万5年利率5%")


@pytest.mark.parametrize(
    ("text", "expecting", "slots"),
    [
        ("120000", ("amount", "term_months"), {"amount": "120000"}),
        ("12", ("amount", "term_months"), {"term_months": "12"}),
        ("7.2%", ("rate",), {"rate": "0.072", "rate_kind": "annual"}),
        ("0.6%", ("rate",), {}),
        ("0.6%", ("fee_rate", "fee_amount", "term_months"), {"fee_rate": "0.006"}),
        ("1.0425", ("net_value",), {"net_value": "1.0425"}),
        ("3", ("overdue_days",), {"overdue_days": "3"}),
        ("12万，一年", ("amount", "rate", "term_months"), {"amount": "120000", "term_months": "12"}),
        ("12万", ("premiums_paid",), {"premiums_paid": "120000"}),
        ("昨天", ("received_on",), {"received_on": "2026-11-21"}),
        ("20天", ("cooling_off_days",), {"cooling_off_days": "20"}),
        ("6期", ("paid_periods",), {"paid_periods": "6"}),
        ("50%", ("uplift",), {"uplift": "0.5"}),
        ("360", ("day_basis",), {"day_basis": "360"}),
        ("三年", ("term_months",), {"term_months": "36"}),
        ("15", ("overdue_days", "overdue_amount"), {}),
        ("120000", (), {}),
        ("7.2%", (), {}),
    ],
)
def test_a_figure_alone_fills_the_one_slot_asked_for(
    text: str, expecting: tuple[str, ...], slots: dict[str, str]
) -> None:
    assert read(text, *expecting) == slots


@pytest.mark.parametrize(
    ("texts", "name", "value", "wanted"),
    [
        (["12万一年每月还多少", "年化7.2%"], "equal_instalment", "instalment", "10,394.28"),
        (
            ["借十二万，分12期，年利率百分之七点二", "还了6期，那提前还呢"],
            "prepay",
            "saved_interest",
            "1,288.99",
        ),
        (["1.2w分12期每期手续费0.6%"], "instalment_fee", "annual_simple", "13.03%"),
        (["日息万五是多少年化"], "rate_convert", "annual_365", "18.25%"),
        (["住院5.8万，医保报了2万1", "免赔额一万，100%赔付"], "reimbursement", "reimbursed", "27,000.00"),
        (["15天前签收的，犹豫期15天"], "cooling_off", "inside_days_left", "0"),
        (["16天前签收的，犹豫期15天"], "cooling_off", "outside_days", "1"),
        (["11月1号交齐材料", "补材料用了5天"], "claim_limits", "decide_by", "2026年12月6日"),
    ],
)
def test_words_become_an_answer_to_the_cent(texts: list[str], name: str, value: str, wanted: str) -> None:
    known = Slots()
    for text in texts:
        expecting = calculations.expected(name, known, TODAY)
        known = Slots.merged(known, reckoning.read_slots(text, TODAY, expecting))

    computed = reckoning.calculate(name, known, TODAY)

    assert isinstance(computed, reckoning.Computed)
    assert computed.values[value] == wanted


def test_a_long_message_is_read_in_a_blink() -> None:
    assert read("我想问一下，" * 5000 + "借12万") == {}
    assert read("1" * 5000) == {}
    assert read("万" * 5000) == {}


def test_the_newer_word_wins_and_what_belongs_together_goes_together() -> None:
    older = reckoning.read_slots("借12万，日息万三，12期，每期手续费0.6%", TODAY)
    newer = reckoning.read_slots("那年化7.2%，每期手续费72元呢", TODAY)

    merged = Slots.merged(older, newer)

    wanted = Slots(
        amount=Decimal(120_000),
        rate=Decimal("0.072"),
        rate_kind=RateKind.ANNUAL,
        term_months=12,
        fee_amount=Decimal(72),
    )
    assert merged == wanted
    assert Slots.merged(older, Slots()) == older
    assert Slots.merged(Slots(), newer) == newer


def test_slots_survive_json_and_what_is_no_longer_known_is_left_out() -> None:
    full = reckoning.read_slots("借12万等额本息，日息万三，还了6期，11月1号签收保单", TODAY)

    assert Slots.from_json(full.to_json()) == full
    assert set(full.to_json()) <= set(NAMES)
    assert (
        Slots.from_json({"amount": "NaN", "gone": "1", "term_months": "x", "method": "no", "rate": None})
        == Slots()
    )


HAN = "零一二三四五六七八九"


def spoken(number: int) -> str:
    """Return a whole number below 10^8 in Chinese, the long way: 20050 is 两万零五十 or 二万零五十."""
    if number >= 10_000:
        high, low = divmod(number, 10_000)
        gap = "零" if 0 < low < 1000 else ""
        return spoken(high) + "万" + gap + (spoken(low) if low else "")
    words, pending = "", False
    for size, unit in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // size % 10
        if digit:
            words += ("零" if pending and words else "") + HAN[digit] + unit
        pending = bool(words) and not digit
    return words or "零"


WHOLE = st.integers(min_value=100, max_value=99_999_999)


@given(number=WHOLE)
def test_a_number_written_in_many_forms_reads_the_same(number: int) -> None:
    forms = [
        str(number),
        f"{number:,}",
        f"{number}.00",
        spoken(number),
        spoken(number).replace("二千", "两千"),
    ]
    if number % 100 == 0:
        forms.append(f"{Decimal(number) / 10_000:f}万")
        forms.append(f"{Decimal(number) / 10_000:f}w")

    assert {numerals.parse(form) for form in forms} == {Decimal(number)}
    for form in forms:
        assert read(f"借{form}元，年化7.2%") == {
            "amount": str(number),
            "rate": "0.072",
            "rate_kind": "annual",
        }, form


@given(number=st.integers(min_value=1, max_value=9999), tenth=st.integers(min_value=1, max_value=9))
def test_shorthands_are_a_tenth_of_their_unit(number: int, tenth: int) -> None:
    assert numerals.parse(f"{number}万{tenth}") == number * 10_000 + tenth * 1000
    assert numerals.parse(f"{spoken(number)}万{HAN[tenth]}") == number * 10_000 + tenth * 1000


@given(
    text=st.text(
        alphabet="借还12万千百十零点一二三五年月天期利息率费%元,.。 分厘日化上浮第前wk*-~", max_size=40
    )
)
def test_no_text_breaks_the_reading_or_yields_a_loan_that_cannot_be(text: str) -> None:
    slots = reckoning.read_slots(text, TODAY, ("rate", "term_months"))

    assert slots.amount is None or 100 <= slots.amount <= 100_000_000
    assert slots.rate is None or 0 < slots.rate <= 1
    assert slots.term_months is None or 1 <= slots.term_months <= 480
    assert (slots.rate is None) == (slots.rate_kind is None)
    assert Slots.from_json(slots.to_json()) == slots
    assert Slots.merged(slots, slots) == slots

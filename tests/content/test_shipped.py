"""The shipped content: complete, compliant, short enough, honest about dates."""

from __future__ import annotations

import re
from datetime import date

import pytest

from content import compliance, consistency, faq_files, loading
from domain.compliance import Speaker
from domain.faq import EntityMode, Faq, Line, Scope
from tests.content import shipped

FAQS = list(shipped.words().faqs.values())
REQUIRED_SOURCES = set(
    re.findall(
        r"\S+",
        "L01 L03 L04 L05 L06 L07 L08 L09 L10 L11 L12 L13 L14 L16 L17 L18 L20 L21 L22 L23 L26"
        " I01 I02 I03 I04 I05 I06 I07 I08 I10 I11 I12 I13 I15 I16 I17 I19 I21 I23 I28"
        " W01 W02 W03 W04 W05 W06 W07 W08 W09 W12 W13 W16 W17 W18 W20 G01 G02 G03 G04 G05 G06 G07 G08",
    )
)


def _id(faq: Faq) -> str:
    return faq.id


def test_content_loads_without_an_error_on_its_day() -> None:
    notices = loading.check(shipped.FOLDER, shipped.TODAY)

    assert [notice.text for notice in notices if notice.level is loading.Level.ERROR] == []


def test_content_covers_what_customers_ask_most() -> None:
    assert not REQUIRED_SOURCES - {faq.source_id for faq in FAQS}
    assert {faq.line for faq in FAQS} == set(Line)
    assert {faq.scope for faq in FAQS} == set(Scope)


def test_no_entry_has_expired_on_the_day_of_review() -> None:
    assert [faq.id for faq in FAQS if faq.last_valid_on < shipped.TODAY] == []


def test_an_entry_whose_rule_has_lapsed_says_so() -> None:
    faq = shipped.words().faqs["loan.one_time_repair"]

    assert faq.has_lapsed(shipped.TODAY)
    assert "已经过了" in shipped.words().answer_text(faq, today=shipped.TODAY)
    assert "已经过了" not in shipped.words().answer_text(faq, today=date(2026, 3, 1))


def test_every_entry_is_a_sample_until_a_person_of_the_company_approves_it() -> None:
    assert {faq.reviewer for faq in FAQS} == {faq_files.SAMPLE_REVIEWER}


@pytest.mark.parametrize("faq", FAQS, ids=_id)
def test_answer_fits_a_menu_and_says_nothing_forbidden(faq: Faq) -> None:
    text = shipped.words().answer_text(faq, {"company": "某某信息科技有限公司", "licence": "保险代理 123456"})

    assert len(text.encode()) <= faq_files.LIMIT_BYTES
    assert not shipped.words().rules.check_text(text, Speaker.BOT, faq.line)
    assert "{" not in text


@pytest.mark.parametrize("faq", FAQS, ids=_id)
def test_menu_line_of_an_entry_fits_and_may_be_said(faq: Faq) -> None:
    assert len(faq.question.encode()) <= consistency.MENU_TEXT_LIMIT_BYTES
    assert faq.menu_id.replace("_", "").isalnum()
    assert not shipped.words().rules.check_text(faq.question, Speaker.BOT, faq.line)


@pytest.mark.parametrize("faq", FAQS, ids=_id)
def test_no_rule_that_was_not_confirmed_is_told_as_a_figure(faq: Faq) -> None:
    """Figures that faq_facts §6 marks as unverified."""
    for figure in ("30%–50%", "7个工作日", "1万元上限", "20万", "22:00", "90天", "12个月有效", "10元工本"):
        assert figure not in faq.answer


@pytest.mark.parametrize("reply_id", sorted(shipped.words().replies))
def test_fixed_reply_may_be_said_with_every_menu_line(reply_id: str) -> None:
    reply = shipped.words().replies[reply_id]
    spoken = "\n".join([reply.text, *(entry.text for entry in reply.menu), reply.tail])

    problems = shipped.words().rules.check_text(spoken, Speaker.BOT)

    assert not compliance.is_blocking(problems, Speaker.BOT), problems


# What is said first at a hand-over; whether somebody comes now is said by a second text.
FIRST_TEXTS = [
    *(reply_id for reply_id in shipped.words().replies if reply_id.startswith(("holding", "vulnerable."))),
    "complaint_received",
    "fraud_line",
    "unknown_handover",
]
_COMES_NOW = re.compile("转接|转人工|我这就|马上(?:来|为)|请同事来|稍等")


@pytest.mark.parametrize("reply_id", FIRST_TEXTS)
def test_first_text_of_a_handover_does_not_say_who_comes(reply_id: str) -> None:
    reply = shipped.words().replies[reply_id]

    assert not _COMES_NOW.search(reply.text + reply.tail)
    assert reply.menu == ()


@pytest.mark.parametrize("faq", [faq for faq in FAQS if faq.handover_at_once], ids=_id)
def test_answer_before_a_handover_does_not_say_who_comes(faq: Faq) -> None:
    assert not _COMES_NOW.search(faq.answer)


@pytest.mark.parametrize("faq", FAQS, ids=_id)
def test_answer_speaks_of_a_tap_only_where_there_is_one(faq: Faq) -> None:
    if "点转人工" in faq.answer:
        assert faq.handover
        assert not faq.handover_at_once


def test_fixed_reply_speaks_of_a_tap_only_where_there_is_one() -> None:
    for reply in shipped.words().replies.values():
        if "点转人工" in reply.text:
            assert "act_human" in [entry.id for entry in reply.menu], reply.id


@pytest.mark.parametrize("reply_id", ["crisis.open", "crisis.closed"])
def test_crisis_words_name_help_and_nothing_else(reply_id: str) -> None:
    text = shipped.words().replies[reply_id].text

    assert set(re.findall(r"\d+", text)) == {"110", "120", "12356"}
    assert "安全" in text
    for unwanted in ("密码", "验证码", "继续问我", "转账", "转人工"):
        assert unwanted not in text


def test_crisis_words_stay_true_when_nobody_knows_the_opening() -> None:
    text = shipped.words().reply_text("crisis.closed", {"case_no": "000027", "opens_at": ""})

    assert "登记编号：000027。" in text
    assert "上班后" not in text


def test_complaint_tells_number_and_day() -> None:
    text = shipped.words().reply_text("complaint_received", {"case_no": "000027", "due_on": "12月7日"})

    assert "登记编号：000027。" in text
    assert "我们会在12月7日前给您处理结果。" in text


def test_contact_leaves_out_what_the_company_did_not_fill_in() -> None:
    bare = shipped.words().reply_text("contact", {"hours": "周一至周五 09:00–18:00"})
    full = shipped.words().reply_text(
        "contact", {"hours": "每天", "phone": "400-000-0000", "website": "https://example.com"}
    )

    assert "周一至周五" in bare
    assert "客服电话" not in bare
    assert "官方网站" not in bare
    assert "400-000-0000" in full
    assert "https://example.com" in full


def test_one_to_one_words_do_not_speak_of_this_group() -> None:
    words = shipped.words()
    texts = [*words.risk_lines.values(), *(reply.text + reply.tail for reply in words.replies.values())]

    assert not [text for text in texts if "本群" in text]


def test_welcome_says_what_the_law_asks_for() -> None:
    text = shipped.words().reply_text(
        "welcome", {"company": "某某科技有限公司", "licence": "保险代理业务 123"}
    )

    for wanted in ("某某科技有限公司", "智能助手", "保险代理业务 123", "留存记录", "密码、验证码", "人工"):
        assert wanted in text
    assert shipped.words().replies["welcome"].menu[-1].id == "act_human"


def test_line_with_an_empty_slot_is_left_out() -> None:
    text = shipped.words().reply_text("welcome", {"company": "某某科技有限公司", "licence": ""})

    assert "业务许可" not in text
    assert "某某科技有限公司" in text


def test_expired_entry_is_a_warning() -> None:
    late = loading.check(shipped.FOLDER, date(2027, 12, 1))

    assert {notice.level for notice in late} == {loading.Level.WARNING}
    assert any("loan.prepay 2027-05-20 已过期" in notice.text for notice in late)


def test_entity_mode_of_a_platform_leaves_most_entries_in() -> None:
    general = [faq for faq in FAQS if faq.scope is Scope.GENERAL]

    assert len(general) >= 45
    assert EntityMode("platform") is EntityMode.PLATFORM

"""Entries as a person says them."""

from __future__ import annotations

from content import compliance
from content.suggesting import spoken
from domain.compliance import Speaker
from tests.content import shipped


def test_no_advisor_tells_a_customer_to_press_for_a_person() -> None:
    words = shipped.words()
    told = {faq.id: spoken.by_person(faq.answer) for faq in words.faqs.values()}
    sayable = {faq_id: text for faq_id, text in told.items() if text is not None}

    assert [faq_id for faq_id, text in told.items() if text is None] == ["service.robot"]
    assert not [faq_id for faq_id, text in sayable.items() if "转人工" in text]
    assert sayable["loan.prepay"].endswith("想知道您这笔今天结清要多少，请告诉我，我帮您查询。")
    assert not [
        faq_id
        for faq_id, text in sayable.items()
        if compliance.is_blocking(words.rules.check_text(text, Speaker.ADVISOR), Speaker.ADVISOR)
    ]


def test_words_that_name_no_button_stay_as_they_are() -> None:
    assert spoken.by_person("违约金以合同为准。") == "违约金以合同为准。"

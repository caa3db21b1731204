"""Plain text to pages, and the addresses of pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import console.week
from console.week import writing
from console.week.writing import Choice, Part, PartKind
from content import compliance
from content.sop_blocks import SLOTS
from domain import week_pages
from domain.compliance import Audience, Speaker
from domain.faq import Line
from domain.week_pages import WeekPage
from tests.content import shipped
from tests.sop import factory as sop

WRITTEN = ["", "# 标题", "· 点", "□ 勾", "一、借钱。", "说一句", "5 很有用", "· ", "#", "《书》"]
LINES = st.lists(st.sampled_from(WRITTEN))


@given(LINES)
def test_no_line_is_lost_doubled_or_moved(lines: list[str]) -> None:
    parts = writing.parts_of("\n".join(lines))

    said = [line for part in parts for line in part.lines]
    bare = [re.sub(r"^[#·□] +", "", line.strip()) for line in lines if line.strip()]
    assert [line.rstrip("。") for line in said] == [line.rstrip("。") for line in bare]
    assert all(len(part.lines) == 1 for part in parts if part.kind is PartKind.HEADING)


def test_a_chats_text_reads_as_an_article() -> None:
    parts = writing.parts_of(
        "开头。\n\n一、先看这里。\n正文一\n正文二\n\n清单：\n□ 甲\n□ 乙\n\n一、单独一行不是标题"
    )

    assert parts == (
        Part(kind=PartKind.PARAGRAPH, lines=("开头。",)),
        Part(kind=PartKind.HEADING, lines=("一、先看这里",)),
        Part(kind=PartKind.PARAGRAPH, lines=("正文一", "正文二")),
        Part(kind=PartKind.PARAGRAPH, lines=("清单：",)),
        Part(kind=PartKind.CHECKS, lines=("甲", "乙")),
        Part(kind=PartKind.PARAGRAPH, lines=("一、单独一行不是标题",)),
    )


@pytest.mark.parametrize("template", ["finance_week1", "group_repair"])
def test_shipped_feedback_offers_five_choices(template: str) -> None:
    block = sop.template(template).blocks["page_feedback"]

    parts, choices = writing.without_choices(writing.words_of(block, {}, {}))

    assert [choice.value for choice in choices] == ["5", "4", "3", "2", "1"]
    assert Choice(value="5", text="很有用") in choices
    assert len(parts) == 1


def test_every_link_of_the_templates_leads_to_a_page_that_they_have() -> None:
    for name in ("finance_week1", "finance_weekly", "group_repair"):
        blocks = sop.template(name).blocks
        urls = {one.url.strip("{}") for block in blocks.values() for one in block.attachments if one.url}
        pages = {week_pages.SLOTS[slot] for slot in urls}

        assert {
            page for page in pages if page is not WeekPage.ARTICLE and f"page_{page}" not in blocks
        } == set()


def test_addresses_hold_the_code_and_need_a_public_url() -> None:
    assert (
        week_pages.url_of("abc", WeekPage.GUIDE, "https://bot.example.com")
        == "https://bot.example.com/g/abc/guide"
    )
    assert week_pages.url_of("abc", WeekPage.GUIDE, "") == ""
    assert set(week_pages.slots_of("abc", "https://x.example")) <= SLOTS
    assert set(week_pages.SLOTS.values()) == set(WeekPage)


def test_labels_of_the_pages_keep_the_wording_rules() -> None:
    rules = shipped.words().rules
    folder = Path(console.week.__file__).with_name("templates")

    for path in sorted(folder.glob("*.html")):
        text = re.sub(r"\{[%{].*?[%}]\}|<[^>]*>", " ", path.read_text("utf-8"))
        for line in Line:
            problems = rules.check_text(text, Speaker.BOT, line, audience=Audience.GROUP)
            assert not compliance.is_blocking(problems, Speaker.BOT), path.name

"""The terminal prints what a customer would see."""

from __future__ import annotations

from bot.channels.terminal import Terminal
from domain.platform import MenuClick, MenuLink, MenuNote


async def test_texts_and_menus_are_printed_and_taps_are_numbered() -> None:
    printed: list[str] = []
    terminal = Terminal(printed.append)
    rate, human = (
        MenuClick(menu_id="faq_loan_rate", text="利率"),
        MenuClick(menu_id="act_human", text="转人工"),
    )

    await terminal.send_text("wk", "wm", "m1", "您好")
    items = [rate, MenuNote(text="或"), human, MenuLink(url="https://a.example", text="网页")]
    await terminal.send_menu("wk", "wm", "m2", "请选择", items, "")

    assert printed == ["您好", "请选择\n  1. 利率\n  或\n  2. 转人工\n  网页 https://a.example"]
    assert terminal.menu == [rate, human]

"""Fixed replies as written in content/replies/*.toml, and how their slots are filled."""

from __future__ import annotations

import re
from collections.abc import Mapping

from content import faq_files, tables
from domain.replies import FixedReply, MenuEntry

KEYS = frozenset({"id", "text", "menu", "tail"})
SLOTS = frozenset(
    {
        "company",
        "licence",
        "opens_at",
        "servicer",
        "case_no",
        "due_on",
        "institution",
        "question",
        "missing",
        "source",
        "until",
        "time",
        "month",
        "day",
        "phone",
        "website",
        "hours",
        "advisor",
        "registration",
    }
)
MENU_TEXT_LIMIT_BYTES = 128  # click.content (WeCom doc 94677).
MENU_LIMIT = 10  # Clickable items of one menu (WeCom doc 94677).
TEXT_LIMIT_BYTES = 1024  # head_content and tail_content (WeCom doc 94677).

_SLOT = re.compile(r"\{([^{}]*)\}")


def parse_reply(table: tables.Table) -> FixedReply:
    """Return the reply of a table; what is wrong with it is noted in the table's mistakes."""
    table.check_keys(KEYS)
    text, tail = table.text("text"), table.text("tail", optional=True)
    check_slots(table, "text", text)
    check_slots(table, "tail", tail)
    for key, words in (("text", text), ("tail", tail)):
        size = len(words.encode())
        if size > TEXT_LIMIT_BYTES:
            table.wrong(
                f"has {key} of {size} bytes; shorten it to {TEXT_LIMIT_BYTES}",
                key,
                f"的 {key} 有 {size} 字节，请缩到 {TEXT_LIMIT_BYTES} 字节以内（一个汉字 3 字节）",
            )
    return FixedReply(
        id=table.text("id"),
        text=text,
        menu=_menu(table),
        tail=tail,
        slots=slots_of(text) | slots_of(tail),
        digest=faq_files.digest_of(table.values),
        file=table.file,
        lineno=table.lineno,
    )


def slots_of(text: str) -> frozenset[str]:
    """Return the names in braces."""
    return frozenset(_SLOT.findall(text))


def check_slots(table: tables.Table, key: str, text: str) -> None:
    """Note every slot that nobody fills."""
    for slot in sorted(slots_of(text) - SLOTS):
        hint = tables.nearest(slot, SLOTS)
        table.wrong(f"has an unknown slot {{{slot}}}{hint}", key, f"里的 {{{slot}}} 没有人会填，请看看拼写")


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return `text` with its slots filled.

    A line (up to a line break) with a slot that is missing or empty is left out, so "licence where set" is
    one line of its own in the file. May return "" when nothing is left.
    """
    kept = [line for line in text.split("\n") if all(values.get(slot) for slot in _SLOT.findall(line))]
    return "\n".join(_SLOT.sub(lambda found: values[found[1]], line) for line in kept)


def _menu(table: tables.Table) -> tuple[MenuEntry, ...]:
    value = table.values.get("menu", [])
    if not isinstance(value, list):
        table.wrong(
            'must have menu = [{id = "…", text = "…"}]', "menu", '的 menu 要写成 [{id = "…", text = "…"}]'
        )
        return ()
    if len(value) > MENU_LIMIT:
        table.wrong(
            f"has {len(value)} menu entries; a menu holds {MENU_LIMIT}", "menu", f"的菜单最多 {MENU_LIMIT} 行"
        )
    entries = (_menu_entry(table, part) for part in value)
    return tuple(entry for entry in entries if entry is not None)


def _menu_entry(table: tables.Table, part: object) -> MenuEntry | None:
    if not isinstance(part, dict) or not set(part) <= {"id", "text"} or not isinstance(part.get("id"), str):
        table.wrong(
            'has a bad menu entry; write {id = "…", text = "…"}',
            "menu",
            '的菜单行要写成 {id = "…", text = "…"}',
        )
        return None
    text = part.get("text", "")
    if not isinstance(text, str) or len(text.encode()) > MENU_TEXT_LIMIT_BYTES:
        limit = MENU_TEXT_LIMIT_BYTES
        table.wrong(
            f"has a menu entry {part['id']!r} over {limit} bytes; shorten its text",
            "menu",
            f"的菜单行 {part['id']} 超过 {limit} 字节，请缩短",
        )
        return None
    return MenuEntry(id=part["id"], text=text)

"""What the pages for customers need from the running program. Filled by bot/pages.py."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from domain.faq import Line
from domain.ports import Clock
from domain.sop import Template
from store.database import Store


@dataclass(frozen=True, kw_only=True)
class WeekContext:
    """Everything the pages use.

    `facts`: the company's own words by slot (company, licence, phone, website). `secure_cookies`: the pages are
    reached over https. `template_of(id)` returns the frozen template of a sop_version, `find_template(name)` today's.
    `may_say(template, block id)`: the block is approved and valid today. `may_read(template, text)`: no wording rule
    forbids the filled-in words. `risk_lines()`: by code. `stopped()`: the product lines that are stopped now.
    """

    store: Store
    clock: Clock
    facts: Mapping[str, str]
    secure_cookies: bool
    template_of: Callable[[int], Awaitable[Template]]
    find_template: Callable[[str], Template | None]
    may_say: Callable[[Template, str], bool]
    may_read: Callable[[Template, str], bool]
    risk_lines: Callable[[], Mapping[str, str]]
    stopped: Callable[[], frozenset[Line]]

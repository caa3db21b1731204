"""What the pages for customers may use of the house (console/week)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot import assembling
from console.week.context import WeekContext
from domain.compliance import Audience
from domain.sop import Template
from scheduler.rendering import Checker

if TYPE_CHECKING:
    from bot.app import House


def week_context(house: House) -> WeekContext:
    """Return what the pages for customers may use of the house."""
    settings, library = house.settings, house.library
    hours = assembling.service_hours(settings)
    checker = Checker(rules=library.content.rules)

    def may_say(template: Template, block_id: str) -> bool:
        today = hours.today(house.clock.now())
        return library.shelf().version_of(template, block_id, today) is not None

    def may_read(template: Template, text: str) -> bool:
        nonlocal checker
        if checker.rules is not library.content.rules:
            checker = Checker(rules=library.content.rules)
        return not checker.problem(text, frozenset(template.lines), Audience.GROUP)

    return WeekContext(
        store=house.store,
        clock=house.clock,
        facts=assembling.handler_rules(settings).facts,
        secure_cookies=settings.server.public_url.startswith("https://"),
        template_of=library.sop_template,
        find_template=lambda name: library.shelf().sops.templates.get(name),
        may_say=may_say,
        may_read=may_read,
        risk_lines=lambda: library.content.risk_lines,
        stopped=lambda: library.knowledge().stopped,
    )

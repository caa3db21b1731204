"""Knowledge in which insurance needs a registration, verdicts on words, and members with registrations."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from content.knowledge import Knowledge
from domain.compliance import Audience, Registration
from domain.faq import EntityMode, Line
from domain.people import StaffSight, StaffStatus
from domain.verdict import Verdict
from handlers import verdicts
from store import registrations, staff
from tests.console import factory as console_factory

TODAY = date(2026, 11, 23)
NUMBER = "00000000000000000000000101"
FACTS = {"company": "示例金融服务有限公司", "licence": ""}
REGISTERED = Registration(line=Line.INSURANCE, number=NUMBER, valid_until=date(2028, 6, 30))
ENDED = replace(REGISTERED, number="E1", valid_until=date(2026, 6, 30))
ENDING = replace(REGISTERED, number="E2", valid_until=date(2026, 12, 1))


@functools.cache
def knowledge() -> Knowledge:
    """The shipped content of a company with every licence; insurance needs a registration."""
    return replace(
        console_factory.knowledge(),
        entity_modes=dict.fromkeys(Line, EntityMode.LICENSED),
        needs_registration=frozenset({Line.INSURANCE}),
        today=TODAY,
    )


def verdict(
    text: str,
    line: Line | None = None,
    *,
    held: Sequence[Registration] = (REGISTERED,),
    audience: Audience = Audience.CUSTOMER,
) -> Verdict:
    """What is said of words that a registered advisor would send."""
    lines = () if line is None else (line,)
    return verdicts.check(knowledge(), text, lines=lines, registrations=held, today=TODAY, audience=audience)


async def add_staff(
    tx: AsyncConnection, name: str, held: Sequence[Registration], now: datetime, *, known_as: str = ""
) -> None:
    """Add a member of the company; registrations of others are left as they are."""
    sight = StaffSight(
        platform_id=name,
        name=known_as or name,
        departments=(),
        leader_platform_id="",
        status=StaffStatus.ACTIVE,
    )
    await staff.record_sights(tx, [sight], now)
    known = await staff.list_all(tx)
    everybody = {other: await registrations.list_of(tx, other) for other in known}
    await registrations.set_all(tx, everybody | {name: list(held)})

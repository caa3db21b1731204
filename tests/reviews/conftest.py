"""A company of a few people, a talk with a suspicion in it, and the hours the time limits count by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from audit import appealing
from audit.appealing import Company
from bot.clock import FrozenClock
from domain.audit import FindingState, TalkKind
from domain.hours import Period, ServiceHours
from store.database import Store
from tests.audit import factory
from tests.console.conftest import pages, serve  # noqa: F401 - fixtures of the pages
from tests.sidebar.conftest import box, phone, serve_phone  # noqa: F401 - fixtures of the phone page

WORDS = "放心，本金一分都不会少，到期稳稳拿回来。"


def hours() -> ServiceHours:
    """Monday to Friday, nine to six."""
    periods = tuple(Period(weekday=day, opens=time(9), closes=time(18)) for day in range(5))
    return ServiceHours(zone=ZoneInfo("Asia/Shanghai"), periods=periods)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A session of `wang` with one suspicion of a red line, `red`, and one of an item, `item` (5 points of A4)."""

    talk: factory.Talk
    session: int
    evaluation: int
    red: int
    item: int


@pytest.fixture
def at() -> Company:
    """The company of the time limits."""
    return appealing.company(hours())


async def make_case(tx: AsyncConnection, *, customer: str = "wm_li", subject: str = "wang") -> Case:
    """Add a talk with its session, score and two suspicions."""
    lines = [(0.0, "C", "这个会亏吗？"), (1.0, "A", WORDS), (2.0, "A", "今天不买就没有了。")]
    talk = await factory.talk(tx, TalkKind.CHAT, lines, advisor=subject, customer=customer)
    session = await factory.session(tx, talk)
    items = [
        {"item": "A4", "weight": 7.0, "earned": 7.0, "evidence": "assist", "pending": 5.0, "reason": ""},
        {"item": "D1", "weight": 4.0, "earned": 4.0, "evidence": "auto", "pending": 0.0, "reason": ""},
    ]
    evaluation = await factory.evaluation(tx, session, subject=subject, score=100.0, items=items)
    red = await factory.finding(tx, session, talk, place=1, span=(3, 10), subject=subject)
    item = await factory.finding(
        tx,
        session,
        talk,
        place=2,
        subject=subject,
        label="FALSE_URGENCY",
        item="A4",
        is_red=False,
        points=5.0,
        note="虚假催促",
        state=FindingState.SUSPECTED,
    )
    return Case(talk=talk, session=session, evaluation=evaluation, red=red, item=item)


@pytest.fixture
async def case(store: Store, frozen_clock: FrozenClock) -> Case:
    """One such case in the store."""
    return await store.write(make_case)

"""From what an advisor says to the report, through the audit's own worker and the pages."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot import audits
from bot.clock import FrozenClock
from content import loading
from domain.audit import TalkKind
from domain.login import Role
from store import findings, tables
from store.database import Store
from tests.audit import factory as audit_factory
from tests.audit import test_running
from tests.console.conftest import Pages
from tests.reviews.test_pages import Person

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

EVASION = "亏了我赔给你，本 金 一分都不会少，稳赚不赔"


async def grades(store: Store) -> list[str]:
    async with store.read() as tx:
        wanted = sa.select(tables.evaluation.c.final_grade).where(tables.evaluation.c.is_current)
        return list((await tx.execute(wanted)).scalars().all())


async def test_an_evasion_is_found_confirmed_appealed_overturned_and_reported(
    pages: Pages, store: Store, frozen_clock: FrozenClock
) -> None:
    lead, advisor, compliance = (
        Person(pages, store, frozen_clock, role) for role in (Role.SUPERVISOR, Role.ADVISOR, Role.COMPLIANCE)
    )
    lines = [(0.0, "C", "这个会亏吗？"), (1.0, "A", EVASION), (2.0, "C", "好的")]
    await store.write(
        lambda tx: audit_factory.talk(tx, TalkKind.CHAT, lines, advisor=pages.names[Role.ADVISOR])
    )
    basis = audits.basis_of(loading.load(Path(loading.__file__).parent))
    frozen_clock.advance(timedelta(minutes=5))
    await test_running.run(store, frozen_clock, basis)

    # While the session is still open: the queue, the law and the words in place.
    queue = await lead.get("/reviews")
    for path in sorted(set(re.findall(r'href="/console/audit(/reviews/\d+)"', queue))):
        page = await lead.get(path)
        assert "广告法" in page
        assert '<mark class="found"' in page
        key = re.findall(r'name="(finding:\d+)"', page)[0]
        assert "done=review_done" in await lead.post(f"{path}/decide", note="承诺保本", **{key: "yes"})
    assert await grades(store) == []
    frozen_clock.advance(timedelta(hours=2))
    await test_running.run(store, frozen_clock, basis)
    assert await grades(store) == ["fail"]

    async with store.read() as tx:
        confirmed = [one.id for one in await findings.list_of_session(tx, 1) if one.is_red and one.decided_by]
    assert confirmed
    for number in confirmed:
        await advisor.post(f"/mine/findings/{number}/appeal", reason="我在提醒风险")
    assert await grades(store) != ["fail"]  # Held until somebody has decided.
    for path in sorted(set(re.findall(r'href="/console/audit(/appeals/\d+)"', await lead.get("/appeals")))):
        await lead.post(f"{path}/act", act="take")
        await lead.post(f"{path}/act", act="forward", note="请看")
        done = await compliance.post(f"{path}/act", act="uphold", note="是承诺")
        assert "done=appeal_uphold" in done
    assert await grades(store) == ["fail"]

    frozen_clock.advance(timedelta(minutes=1))
    await test_running.run(store, frozen_clock, basis)
    assert await grades(store) == ["fail"]
    assert "维持原结论" in await advisor.get("/mine")
    assert "承诺保本保收益" in await lead.get("/compliance")
    assert "张三" in await lead.get("/team")

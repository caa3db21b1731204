"""False alarms in the console: compliance decides, the advisor hears of it, the rule's keeper gets a list."""

from __future__ import annotations

import tomllib

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import FrozenClock
from domain.login import Role
from domain.verdict import AlarmRule, AlarmState, FalseAlarm
from store import false_alarms, logins, tables
from store.database import Store
from tests.console import factory as console_factory
from tests.console.conftest import Pages

CSRF = "csrf-of-the-test"
TEXT = '没有哪只基金是稳赚的，<b>"记住"</b>\n\t反斜杠\\\u200b'
RULE = AlarmRule(rule_id="promise.profit", label="GUARANTEE", severity="S0", said="稳赚", message="承诺赚钱")


async def told(store: Store, clock: FrozenClock, *, who: str = "lisi", version: str = "v1") -> FalseAlarm:
    return await store.write(
        lambda tx: false_alarms.tell(
            tx, who, TEXT, [RULE], rules_version=version, conversation_id=None, now=clock.now()
        )
    )


async def test_the_same_words_are_told_once_until_the_rules_change(
    store: Store, frozen_clock: FrozenClock
) -> None:
    first = await told(store, frozen_clock)
    again = await told(store, frozen_clock)
    now = frozen_clock.now()

    async def decline(tx: AsyncConnection) -> tuple[bool, bool]:
        once = await false_alarms.decide(
            tx, first.id, AlarmState.DECLINED, by="zhao", note="确实承诺了", now=now
        )
        twice = await false_alarms.decide(tx, first.id, AlarmState.AGREED, by="qian", note="", now=now)
        return once, twice

    decided = await store.write(decline)
    same = await told(store, frozen_clock)
    anew = await told(store, frozen_clock, version="v2")

    assert (first.id, first.text, first.rules) == (again.id, TEXT, (RULE,))
    assert decided == (True, False)
    assert (same.state, same.note, same.decided_by) == (AlarmState.DECLINED, "确实承诺了", "zhao")
    assert (anew.id, anew.state, anew.note, anew.decided_at) == (first.id, AlarmState.OPEN, "", None)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
class TestQueue:
    """The page of compliance."""

    async def ask(
        self, pages: Pages, store: Store, clock: FrozenClock, method: str, path: str, **form: str
    ) -> str:
        cookies = await console_factory.sign_in(
            store, pages.names[Role.COMPLIANCE], clock, csrf=CSRF, token=f"{path}{form}"
        )
        data = {"csrf": CSRF, **form} if method == "POST" else None
        answer = await pages.client.request(method, path, data=data, cookies=cookies)
        text = await answer.text()
        assert answer.status == 200, text
        return text

    async def test_compliance_sees_what_was_said_as_text_and_where_the_rule_pointed(
        self, pages: Pages, store: Store, frozen_clock: FrozenClock
    ) -> None:
        await told(store, frozen_clock)

        page = await self.ask(pages, store, frozen_clock, "GET", "/console/false-alarms")

        assert '<mark class="pointed">稳赚</mark>' in page
        assert "&lt;b&gt;" in page
        assert "promise.profit" in page

    async def test_a_decision_is_written_down_told_and_listed(
        self, pages: Pages, store: Store, frozen_clock: FrozenClock
    ) -> None:
        alarm = await told(store, frozen_clock)
        path = f"/console/false-alarms/{alarm.id}/decide"

        page = await self.ask(
            pages, store, frozen_clock, "POST", path, **{"as": "agreed"}, note="规则补一条例外"
        )
        late = await self.ask(pages, store, frozen_clock, "POST", path, **{"as": "declined"}, note="再想想")

        listed = await self.ask(pages, store, frozen_clock, "GET", "/console/false-alarms/export")
        (one,) = tomllib.loads(listed)["false_alarm"]
        async with store.read() as tx:
            (notice,) = (
                await tx.execute(sa.select(tables.notice).where(tables.notice.c.recipient == "lisi"))
            ).all()
            acts = [entry.act for entry in await logins.list_access(tx, limit=9, before_id=None)]
        assert "已同意，并告诉了顾问" in page
        assert "已经有人看过了" in late
        assert (one["text"], one["rules"], one["said"]) == (TEXT, ["promise.profit"], ["稳赚"])
        assert one["note"] == "规则补一条例外"
        assert one["is_still_blocked"] is False
        assert "规则补一条例外" in notice.text
        assert {"agreed false alarm", "exported 1"} <= set(acts)

    async def test_declining_needs_a_word_and_nobody_decides_about_own_words(
        self, pages: Pages, store: Store, frozen_clock: FrozenClock
    ) -> None:
        alarm = await told(store, frozen_clock)
        own = await told(store, frozen_clock, who=pages.names[Role.COMPLIANCE])

        bare = await self.ask(
            pages,
            store,
            frozen_clock,
            "POST",
            f"/console/false-alarms/{alarm.id}/decide",
            **{"as": "declined"},
        )
        mine = await self.ask(
            pages, store, frozen_clock, "POST", f"/console/false-alarms/{own.id}/decide", **{"as": "agreed"}
        )

        assert "请写一句理由" in bare
        assert "这是你自己报的误报" in mine
        async with store.read() as tx:
            assert len(await false_alarms.list_page(tx, AlarmState.OPEN)) == 2
            assert (await tx.execute(sa.select(tables.notice.c.id))).all() == []

"""The law of the house: danger first, stopped lines, entity modes, budgets, and what nobody approved."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from domain.faq import Line
from store import contents, lines, tables
from tests.scenarios.town import ACCOUNT, CUSTOMER, town

# What is said is decided in Python; that it is stored and sent on PostgreSQL too, the other stories tell.
pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


async def test_a_complaint_opens_a_case_due_in_fifteen_days(tmp_path: Path, database_url: str) -> None:
    async with town(tmp_path, database_url, service={"duty": ["zhangsan"]}) as here:
        here.world.customer_says(CUSTOMER, "我要投诉你们，误导我买保险", open_kfid=ACCOUNT)
        said = await here.heard()
        await here.quiet()

        case = (await here.rows(tables.case))[0]
        assert case.kind == "complaint"
        # Counted from when the customer wrote, which the platform tells to the second.
        assert timedelta(days=15) - timedelta(seconds=5) <= case.due_at - case.opened_at <= timedelta(days=15)
        assert f"{case.id:06d}" in said[0]
        assert here.world.chat(CUSTOMER, ACCOUNT).state == 3


async def test_signs_of_fraud_get_the_fraud_line_and_a_person_at_once(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url, service={"duty": ["zhangsan"]}) as here:
        here.world.customer_says(CUSTOMER, "有人自称你们客服让我先转账到他个人账户再放款", open_kfid=ACCOUNT)
        said = await here.heard()
        await here.quiet()

        assert "不会向您索要密码" in said[0]
        assert here.world.chat(CUSTOMER, ACCOUNT).state == 3


async def test_a_stopped_line_says_the_holding_line_and_gives_a_person(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url, service={"duty": ["zhangsan"]}) as here:
        now = here.house.clock.now()
        await here.house.store.write(
            lambda tx: lines.stop(tx, Line.LOAN, by="compliance", reason="drill", now=now)
        )
        await here.house.library.refresh()
        here.world.customer_says(CUSTOMER, "提前还款要违约金吗", open_kfid=ACCOUNT)
        said = await here.heard()
        await here.quiet()

        assert "人工" in said[0]
        assert "违约金" not in said[0]
        assert [row.decision for row in await here.rows(tables.turn)] == ["holding"]
        assert here.world.chat(CUSTOMER, ACCOUNT).state == 3


async def test_a_platform_refers_product_questions_to_the_institution(
    tmp_path: Path, database_url: str
) -> None:
    institutions = {"loan": {"name": "示例银行股份有限公司", "url": "https://bank.example.com"}}
    async with town(
        tmp_path,
        database_url,
        entity_mode={"loan": "platform"},
        company={"institutions": institutions},
    ) as here:
        here.world.customer_says(CUSTOMER, "我的贷款申请为什么被拒了", open_kfid=ACCOUNT)
        said = await here.heard()

        assert "示例银行股份有限公司" in said[0]
        assert "综合评分" not in said[0]


async def test_the_second_unsure_question_in_a_row_is_a_persons(tmp_path: Path, database_url: str) -> None:
    async with town(tmp_path, database_url, service={"duty": ["zhangsan"]}) as here:
        here.world.customer_says(CUSTOMER, "火星上的土豆什么时候发芽呢", open_kfid=ACCOUNT)
        await here.heard()
        here.world.customer_says(CUSTOMER, "那木星上的西瓜什么时候开花呢", open_kfid=ACCOUNT)
        await here.heard(2)
        await here.quiet()

        assert [row.decision for row in await here.rows(tables.turn)] == ["clarify", "handover"]
        assert here.world.chat(CUSTOMER, ACCOUNT).state == 3


async def test_the_sixth_message_waits_for_the_customers_next_one(tmp_path: Path, database_url: str) -> None:
    async with town(tmp_path, database_url) as here:
        here.world.customer_says(CUSTOMER, "提前还款要违约金吗", open_kfid=ACCOUNT)
        await here.heard()
        await here.quiet()
        await here.push(7)
        await here.heard(5)
        await here.quiet()

        assert len(here.said()) == 5
        held = await here.rows(tables.delivery, tables.delivery.c.state == "held")
        assert {row.outcome for row in held} == {"budget"}
        here.world.customer_says(CUSTOMER, "谢谢", open_kfid=ACCOUNT)
        await here.heard(9)


async def test_what_nobody_approved_is_not_said_and_a_person_gets_the_matter(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url, content={"serve_samples": False}) as here:
        here.world.customer_says(CUSTOMER, "提前还款要违约金吗", open_kfid=ACCOUNT)
        await here.until(lambda: here.world.chat(CUSTOMER, ACCOUNT).state == 2, "the pool")
        await here.quiet()
        assert here.said() == []

        await here.approve_all()
        here.world.add_customer("二号", external_userid="wmSecond")
        here.world.customer_says("wmSecond", "提前还款要违约金吗", open_kfid=ACCOUNT)
        said = await here.heard(1, "wmSecond")

        assert "提前" in said[0]
        async with here.house.store.read() as tx:
            assert all(version.approved_by for version in await contents.list_versions(tx))


async def test_a_message_the_platform_could_not_deliver_is_recorded(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url) as here:
        here.world.fail_next(CUSTOMER, 10)
        here.world.customer_says(CUSTOMER, "提前还款要违约金吗", open_kfid=ACCOUNT)
        await here.delivery_in("failed")

        failed = (await here.rows(tables.delivery))[0]
        assert failed.outcome == "send_failed rejected"

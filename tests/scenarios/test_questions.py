"""A customer asks; what comes back, and what is on record afterwards."""

from __future__ import annotations

from pathlib import Path

from store import tables
from tests.scenarios.town import ACCOUNT, CUSTOMER, town


async def test_a_question_is_answered_and_everything_is_on_record(tmp_path: Path, database_url: str) -> None:
    async with town(tmp_path, database_url) as here:
        here.world.customer_says(CUSTOMER, "提前还款要违约金吗", open_kfid=ACCOUNT)

        answer = (await here.heard())[0]
        await here.quiet()

        assert "提前" in answer
        assert len(here.said()) == 1
        texts = await here.rows(tables.message)
        assert [row.author for row in texts] == ["customer", "bot"]
        delivery = (await here.rows(tables.delivery))[0]
        assert (delivery.state, delivery.purpose, delivery.faq_id) == ("accepted", "service", "loan.prepay")
        used = [row for row in await here.rows(tables.match) if row.was_used]
        assert [row.faq_id for row in used] == ["loan.prepay"]
        assert used[0].content_version_id is not None


async def test_a_duplicate_callback_is_answered_once(tmp_path: Path, database_url: str) -> None:
    async with town(tmp_path, database_url) as here:
        here.world.customer_says(CUSTOMER, "退保能拿回多少", open_kfid=ACCOUNT)
        await here.heard()
        here.world.on_notice(ACCOUNT, "")
        here.world.on_notice(ACCOUNT, "")
        await here.quiet()

        assert len(here.said()) == 1


async def test_asking_for_a_person_moves_the_session_to_the_one_on_duty(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url, service={"duty": ["zhangsan"]}) as here:
        here.world.customer_says(CUSTOMER, "转人工", open_kfid=ACCOUNT)

        await here.heard()
        await here.quiet()

        chat = here.world.chat(CUSTOMER, ACCOUNT)
        assert chat.state == 3
        assert chat.servicer_userid == "zhangsan"
        assert [row.kind for row in await here.rows(tables.case)] == ["question"]
        here.world.customer_says(CUSTOMER, "提前还款要违约金吗", open_kfid=ACCOUNT)
        await here.quiet()
        assert len(here.said()) == 1

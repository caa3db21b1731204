"""What an answer leans on: the talk before it, the customer's own numbers, two questions at once, its source."""

from __future__ import annotations

from pathlib import Path

import pytest

from store import tables
from tests.scenarios.town import ACCOUNT, CUSTOMER, Town, town

# What is said is decided in Python; that it is stored and sent on PostgreSQL too, the other stories tell.
pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


async def ask(here: Town, said: str, msgs: int = 1, menu_id: str = "") -> str:
    """Let the customer say something and return the newest message that came back."""
    before = len(here.said())
    here.world.customer_says(CUSTOMER, said, open_kfid=ACCOUNT, menu_id=menu_id)
    return (await here.heard(before + msgs))[-1]


async def used(here: Town) -> list[str]:
    return [row.faq_id for row in await here.rows(tables.match) if row.was_used]


async def test_a_follow_up_is_read_with_what_was_answered_before(tmp_path: Path, database_url: str) -> None:
    async with town(tmp_path, database_url) as here:
        await ask(here, "怎么申请理赔，要准备什么材料")

        answer = await ask(here, "那多久能到账呢？")

        assert (await used(here))[-1] == "insurance.claim_time"
        assert "30" in answer


async def test_a_topic_is_forgotten_after_half_an_hour(tmp_path: Path, database_url: str) -> None:
    async with town(tmp_path, database_url) as here:
        await ask(here, "怎么申请理赔，要准备什么材料")
        await here.advance(minutes=31)

        await ask(here, "那多久能到账呢？")

        assert "insurance.claim_time" not in await used(here)


async def test_the_customers_own_numbers_are_worked_out_and_asked_for(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url) as here:
        first = await ask(here, "借12万等额本息怎么算")
        assert "年利率" in first
        assert "期数" in first

        second = await ask(here, "年利率7.2%，分12期")
        third = await ask(here, "24期呢")

        assert "10,394.28" in second
        assert "120,000" in third
        assert "10,394.28" not in third
        assert (await used(here)) == ["loan.equal_instalment"] * 3


async def test_all_figures_with_the_way_of_repaying_are_worked_out_at_once(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url) as here:
        answer = await ask(here, "借12万，等额本金，年化7.2%，12期怎么还")

        assert "10,720.00" in answer
        assert await used(here) == ["loan.equal_principal"]


async def test_two_questions_in_one_message_are_both_answered(tmp_path: Path, database_url: str) -> None:
    async with town(tmp_path, database_url) as here:
        answer = await ask(here, "提前还款要违约金吗？另外逾期会上征信吗")

        assert set(await used(here)) == {"loan.prepay", "loan.overdue_credit"}
        assert "违约金" in answer
        assert "征信" in answer
        assert len(here.said()) == 1


async def test_every_answer_tells_its_source_when_asked(tmp_path: Path, database_url: str) -> None:
    async with town(tmp_path, database_url) as here:
        await ask(here, "提前还款要违约金吗")
        tapped = await ask(here, "这条回答的依据", menu_id="src_faq_loan_prepay")
        typed = await ask(here, "这是哪条法律规定的")

        assert "民法典" in tapped
        assert typed == tapped


async def test_an_answer_that_missed_is_apologised_for_and_then_a_person_comes(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url, service={"duty": ["zhangsan"]}) as here:
        await ask(here, "提前还款要违约金吗")
        sorry = await ask(here, "我不是问这个")
        await ask(here, "答非所问")
        await here.quiet()

        assert "没有答到点上" in sorry
        assert here.world.chat(CUSTOMER, ACCOUNT).state == 3


async def test_swearing_gets_a_calm_word_and_no_answer(tmp_path: Path, database_url: str) -> None:
    async with town(tmp_path, database_url) as here:
        answer = await ask(here, "傻逼机器人")

        assert "抱歉" in answer
        assert (await used(here)) == []


async def test_steps_nobody_has_written_bring_a_person(tmp_path: Path, database_url: str) -> None:
    async with town(tmp_path, database_url, service={"duty": ["zhangsan"]}) as here:
        await ask(here, "在你们这里怎么申请借款，一步一步怎么操作")
        await here.quiet()

        assert here.world.chat(CUSTOMER, ACCOUNT).state == 3
        assert [row.kind for row in await here.rows(tables.case)] == ["question"]


async def test_a_bare_word_of_several_meanings_is_offered_and_never_guessed(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url) as here:
        menu = await ask(here, "手续费多少")

        assert "分期手续费率和年化利率为什么不一样" in menu
        assert "理财和基金要收哪些费用" in menu
        assert await used(here) == []

"""Sessions: the welcome, handing over to a person, silence meanwhile, the end and how it was."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sandbox import sessions
from store import tables
from tests.scenarios.town import ACCOUNT, CUSTOMER, MORNING, town

NIGHT = MORNING + timedelta(hours=12)


async def test_entering_by_a_link_is_welcomed_with_who_we_are_and_remembers_the_scene(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url) as here:
        here.world.customer_enters(CUSTOMER, open_kfid=ACCOUNT, scene="grp_d1", scene_param="a%3D1")

        welcome = (await here.heard())[0]

        for needed in ("示例信息服务有限公司", "自动", "记录", "验证码", "转人工"):
            assert needed in welcome
        customer = (await here.rows(tables.customer))[0]
        assert (customer.first_scene, customer.first_scene_param) == ("grp_d1", "a%3D1")


async def test_a_welcome_that_is_too_late_is_not_sent(tmp_path: Path, database_url: str) -> None:
    async with town(tmp_path, database_url, kf={"poll_seconds": 1}) as here:
        here.box.postman.point("kf", "")
        here.world.customer_enters(CUSTOMER, open_kfid=ACCOUNT)
        await here.advance(seconds=25)
        await here.until(lambda: here.house.store is not None, "the house")
        await here.poll()
        await here.quiet()

        assert here.said() == []
        assert [(row.state, row.outcome) for row in await here.rows(tables.delivery)] == [
            ("refused", "expired")
        ]


async def test_without_a_duty_list_the_customer_waits_in_the_pool_with_one_text(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url) as here:
        here.world.customer_says(CUSTOMER, "转人工", open_kfid=ACCOUNT)
        said = await here.heard()
        await here.quiet()

        assert here.world.chat(CUSTOMER, ACCOUNT).state == 2
        assert "排队" in said[0]
        here.world.customer_says(CUSTOMER, "有人吗，怎么还没来", open_kfid=ACCOUNT)
        await here.quiet()
        assert len(here.said()) == 1


async def test_out_of_hours_no_session_is_moved_and_the_bot_goes_on_answering(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url, at=NIGHT, service={"duty": ["zhangsan"]}) as here:
        here.world.customer_says(CUSTOMER, "转人工", open_kfid=ACCOUNT)
        said = await here.heard()
        assert "明天 09:00" in said[0]
        here.world.customer_says(CUSTOMER, "提前还款要违约金吗", open_kfid=ACCOUNT)
        said = await here.heard(2)
        await here.quiet()

        assert "提前" in said[1]
        assert here.world.chat(CUSTOMER, ACCOUNT).state == 1
        assert [row.kind for row in await here.rows(tables.case)] == ["question"]


async def test_with_nobody_receiving_the_customer_is_told_so_and_a_case_is_open(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url, servicers=()) as here:
        here.world.customer_says(CUSTOMER, "转人工", open_kfid=ACCOUNT)
        said = await here.heard()
        await here.quiet()

        case = (await here.rows(tables.case))[0]
        assert f"{case.id:06d}" in said[0]
        assert here.world.chat(CUSTOMER, ACCOUNT).state in (0, 1)


async def test_a_servicer_who_has_just_stopped_is_not_given_the_session(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url, service={"duty": ["zhangsan"]}) as here:
        await here.until(lambda: True, "start")
        await here.receiving("zhangsan")
        here.box.postman.point("kf", "")
        sessions.set_receiving(here.world, "zhangsan", False)
        here.box.postman.point("kf", f"{here.address}/callback/kf")
        here.world.customer_says(CUSTOMER, "转人工", open_kfid=ACCOUNT)
        said = await here.heard()
        await here.quiet()

        assert here.world.chat(CUSTOMER, ACCOUNT).state in (0, 1)
        assert "登记" in said[0]


async def test_the_end_of_a_session_asks_how_it_was_and_records_the_answer(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url, service={"duty": ["zhangsan"]}) as here:
        here.world.customer_says(CUSTOMER, "转人工", open_kfid=ACCOUNT)
        await here.heard()
        await here.quiet()
        sessions.says(here.world, "zhangsan", CUSTOMER, "您好，我是张三", ACCOUNT)
        sessions.end(here.world, "zhangsan", CUSTOMER, ACCOUNT)
        await here.until(lambda: here.menu_ids() != [], "the question how it was")
        here.world.customer_taps(CUSTOMER, here.last_msgid(), "sat_3", open_kfid=ACCOUNT)
        await here.quiet()

        asked = (await here.rows(tables.satisfaction))[0]
        assert (asked.servicer_id, asked.score) == ("zhangsan", 3)
        authors = [row.author for row in await here.rows(tables.message)]
        assert "servicer" in authors

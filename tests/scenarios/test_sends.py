"""Sending: what faults, crashes and repeats leave behind. Nothing is said twice, nothing is lost silently."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sandbox.faults import Fault, FaultKind, When
from store import tables
from tests.scenarios.town import ACCOUNT, CUSTOMER, town

QUESTION = "提前还款要违约金吗"


async def test_a_busy_platform_is_asked_again_and_the_answer_arrives_once(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url) as here:
        here.box.faults.add(Fault(kind=FaultKind.ERRCODE, match="kf/send_msg", count=2, code=-1))
        here.world.customer_says(CUSTOMER, QUESTION, open_kfid=ACCOUNT)
        await here.delivery_in("accepted")

        assert len(here.said()) == 1


async def test_a_cut_connection_after_the_act_is_repeated_under_its_key_and_said_once(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url) as here:
        here.box.faults.add(Fault(kind=FaultKind.RESET, match="kf/send_msg", count=1, when=When.AFTER))
        here.world.customer_says(CUSTOMER, QUESTION, open_kfid=ACCOUNT)
        await here.delivery_in("accepted")

        assert len(here.said()) == 1
        assert [row.outcome for row in await here.rows(tables.delivery)] == ["repeat"]


async def test_where_repeats_are_accepted_an_uncertain_send_is_unknown_and_never_repeated(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url, repeat="accept", wecom={"kf_msgid_repeat": "accepted"}) as here:
        here.box.faults.add(Fault(kind=FaultKind.RESET, match="kf/send_msg", count=1, when=When.AFTER))
        here.world.customer_says(CUSTOMER, QUESTION, open_kfid=ACCOUNT)
        await here.delivery_in("unknown")

        assert len(here.said()) == 1


async def test_an_expired_token_is_renewed_once_and_the_answer_arrives(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url) as here:
        here.box.faults.add(Fault(kind=FaultKind.EXPIRE_TOKENS, match="kf/send_msg", count=1))
        here.world.customer_says(CUSTOMER, QUESTION, open_kfid=ACCOUNT)
        await here.delivery_in("accepted")

        assert len(here.said()) == 1


async def test_what_a_dead_worker_held_is_taken_back_by_its_class(tmp_path: Path, database_url: str) -> None:
    async with town(tmp_path, database_url, repeat="accept", wecom={"kf_msgid_repeat": "accepted"}) as here:
        here.world.customer_says(CUSTOMER, QUESTION, open_kfid=ACCOUNT)
        await here.delivery_in("accepted")
        store, wall = here.house.store, here.house.clock.wall()
        await store.write(
            lambda tx: tx.execute(
                tables.delivery.update().values(state="attempting", lease_until=wall - timedelta(days=1))
            )
        )

        await here.delivery_in("unknown")

        assert len(here.said()) == 1


async def test_a_session_a_person_took_meanwhile_silences_the_bot(tmp_path: Path, database_url: str) -> None:
    async with town(tmp_path, database_url) as here:
        chat = here.world.chat(CUSTOMER, ACCOUNT)
        here.box.postman.point("kf", "")
        here.world.customer_says(CUSTOMER, QUESTION, open_kfid=ACCOUNT)
        here.world.set_state(chat, type(chat.state)(3), "zhangsan")
        await here.poll()
        await here.quiet()

        assert here.said() == []
        assert [row.outcome for row in await here.rows(tables.delivery)] == ["session"]
        assert [row.state for row in await here.rows(tables.kf_state)] == [3]
        assert [row.decision for row in await here.rows(tables.turn)] == ["silent"]


async def test_pages_that_come_empty_and_a_token_that_expired_lose_nothing(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url, kf={"sync_limit": 2}) as here:
        object.__setattr__(here.world.settings, "empty_page_every", 2)
        here.box.postman.point("kf", "")
        for number in range(7):
            here.world.customer_sends(CUSTOMER, "location", {"name": f"地点{number}"}, open_kfid=ACCOUNT)
        await here.poll()
        await here.quiet()

        stored = await here.rows(tables.message, tables.message.c.author == "customer")
        assert len(stored) == 7
        assert [row.id for row in stored] == sorted(row.id for row in stored)


async def test_a_rate_limit_makes_the_answer_wait_and_not_vanish(tmp_path: Path, database_url: str) -> None:
    async with town(tmp_path, database_url) as here:
        limit = Fault(kind=FaultKind.ERRCODE, match="kf/send_msg", count=1, code=45009)
        here.box.faults.add(limit)
        here.world.customer_says(CUSTOMER, QUESTION, open_kfid=ACCOUNT)
        await here.until(lambda: limit.struck == 1, "the limit to strike")
        await here.advance(seconds=90)
        await here.delivery_in("accepted")

        assert len(here.said()) == 1

"""Turns: bubbles that belong together, what is too old, what was taken back, what nobody can read."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

from sandbox import server
from store import tables
from tests.scenarios.town import ACCOUNT, CUSTOMER, MORNING, town


async def test_a_greeting_waits_for_the_question_and_both_get_one_answer(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url, kf={"turn_wait_seconds": 30}) as here:
        here.world.customer_says(CUSTOMER, "你好", open_kfid=ACCOUNT)
        here.world.customer_says(CUSTOMER, "想问一下", open_kfid=ACCOUNT)
        here.world.customer_says(CUSTOMER, "提前还款要违约金吗", open_kfid=ACCOUNT)
        said = await here.heard()
        await here.quiet()

        assert len(said) == 1
        assert "提前" in said[0]
        assert len(await here.rows(tables.turn)) == 1


async def test_a_greeting_alone_is_greeted_after_the_wait(tmp_path: Path, database_url: str) -> None:
    async with town(tmp_path, database_url) as here:
        here.world.customer_says(CUSTOMER, "你好", open_kfid=ACCOUNT)
        await here.heard()
        await here.quiet()

        assert [row.decision for row in await here.rows(tables.turn)] == ["smalltalk"]


async def test_what_was_said_before_go_live_is_stored_and_never_answered(
    tmp_path: Path, database_url: str
) -> None:
    def history(box: server.Box) -> None:
        for day in range(3):
            box.world.customer_says(CUSTOMER, f"第{day}天：提前还款要违约金吗", open_kfid=ACCOUNT)

    go_live = (MORNING + timedelta(minutes=1)).isoformat()
    async with town(tmp_path, database_url, before_start=history, kf={"go_live_at": go_live}) as here:
        await here.poll()
        await here.advance(minutes=2)
        here.world.customer_says(CUSTOMER, "退保能拿回多少", open_kfid=ACCOUNT)
        said = await here.heard()
        await here.quiet()

        assert len(said) == 1
        assert "退" in said[0]
        assert len(await here.rows(tables.message, tables.message.c.author == "customer")) == 4


async def test_after_an_outage_one_apology_answers_the_latest_question(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url) as here:
        here.box.postman.point("kf", "")
        here.world.customer_says(CUSTOMER, "提前还款要违约金吗", open_kfid=ACCOUNT)
        here.world.customer_says(CUSTOMER, "退保能拿回多少", open_kfid=ACCOUNT)
        await here.advance(hours=6)
        await here.poll()
        said = await here.heard()
        await here.quiet()

        assert len(said) == 1
        assert "抱歉" in said[0]
        assert "现金价值" in said[0]
        assert [row.decision for row in await here.rows(tables.turn)] == ["late", "late"]


async def test_a_late_turn_out_of_hours_waits_for_opening(tmp_path: Path, database_url: str) -> None:
    async with town(tmp_path, database_url) as here:
        here.box.postman.point("kf", "")
        here.world.customer_says(CUSTOMER, "提前还款要违约金吗", open_kfid=ACCOUNT)
        await here.advance(hours=14)
        await here.poll()
        await here.until(lambda: True, "the turn")
        assert here.said() == []
        await here.advance(hours=10)
        said = await here.heard()
        await here.quiet()

        assert len(said) == 1
        assert "抱歉" in said[0]


async def test_a_message_taken_back_before_it_was_read_gets_no_answer(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url) as here:
        here.box.postman.point("kf", "")
        msgid = here.world.customer_says(CUSTOMER, "提前还款要违约金吗", open_kfid=ACCOUNT)
        here.world.customer_recalls(CUSTOMER, msgid, open_kfid=ACCOUNT)
        await here.poll()
        await here.quiet()

        assert here.said() == []
        assert [row.msgid for row in await here.rows(tables.recall)] == [msgid]
        assert len(await here.rows(tables.message, tables.message.c.msgid == msgid)) == 1


async def test_a_picture_gets_one_reply_per_session_with_the_fraud_line_and_is_kept(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url) as here:
        here.world.customer_sends_media(CUSTOMER, "image", open_kfid=ACCOUNT)
        said = await here.heard()
        here.world.customer_sends_media(CUSTOMER, "image", open_kfid=ACCOUNT)
        await here.quiet()
        await here.fetched(2)

        assert len(here.said()) == 1
        assert "不会向您索要密码" in said[0]
        kept = (await here.rows(tables.media))[0]
        path = tmp_path / "data" / "media" / kept.digest
        assert hashlib.sha256(path.read_bytes()).hexdigest() == kept.digest


async def test_a_kind_nobody_knows_is_stored_raw(tmp_path: Path, database_url: str) -> None:
    async with town(tmp_path, database_url) as here:
        here.world.customer_sends(CUSTOMER, "hologram", {"x": 1}, open_kfid=ACCOUNT)
        await here.heard()
        await here.quiet()

        body = (await here.rows(tables.message_body))[0]
        assert '"hologram"' in body.raw

"""What a second reading of the whole found: each was wrong once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot import app, operations
from domain.errors import StoreUnavailable
from sandbox import server, sessions
from sandbox.faults import Fault, FaultKind
from store import instance, tables
from store.database import Store
from tests.scenarios.town import ACCOUNT, CUSTOMER, MORNING, house_settings, town

NIGHT = MORNING + timedelta(hours=12)


@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        ("location", {"name": "人民广场", "address": "黄浦区"}, "位置"),
        ("link", {"title": "我要投诉银行的一百种办法", "desc": "", "url": "https://x.example"}, "链接"),
        ("miniprogram", {"title": "我要转人工", "appid": "wx1", "pagepath": "a.html"}, "小程序"),
    ],
)
async def test_what_nobody_typed_is_no_question_and_no_complaint(
    tmp_path: Path, database_url: str, kind: str, body: dict[str, str], words: str
) -> None:
    async with town(tmp_path, database_url) as here:
        here.world.customer_sends(CUSTOMER, kind, body, open_kfid=ACCOUNT)
        here.world.customer_sends(CUSTOMER, kind, body, open_kfid=ACCOUNT)
        said = await here.heard()
        await here.quiet()

        assert words in said[0]
        assert len(here.said()) == 1
        assert await here.rows(tables.case) == []


async def test_a_picture_after_a_fragment_still_gets_the_fraud_line(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url, kf={"turn_wait_seconds": 20}) as here:
        here.world.customer_says(CUSTOMER, "看看", open_kfid=ACCOUNT)
        here.world.customer_sends_media(CUSTOMER, "image", open_kfid=ACCOUNT)
        said = await here.heard()

        assert "不会向您索要密码" in said[0]


async def test_an_error_of_the_database_quotes_no_words_of_customers(database_url: str) -> None:
    opened = await Store.open(database_url)

    with pytest.raises((sa.exc.DBAPIError, StoreUnavailable)) as caught:
        await opened.write(
            lambda tx: tx.execute(
                sa.text("INSERT INTO no_such_table VALUES (:said)"), {"said": "我的秘密病史"}
            )
        )

    await opened.close()
    assert "我的秘密病史" not in str(caught.value)


async def test_a_command_before_the_first_start_does_not_go_live(tmp_path: Path, database_url: str) -> None:
    settings = house_settings(tmp_path, database_url, "http://127.0.0.1:9", tmp_path / "no-clock.json")
    await operations.list_entries(settings)

    async with app.opened(settings) as house, house.store.read() as tx:
        assert await instance.find_went_live(tx) is None


async def test_a_transfer_that_comes_too_late_puts_nobody_into_a_queue_at_night(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url) as here:
        limit = Fault(kind=FaultKind.ERRCODE, match="kf/service_state/trans", count=1, code=45009)
        here.box.faults.add(limit)
        here.world.customer_says(CUSTOMER, "转人工", open_kfid=ACCOUNT)
        await here.until(lambda: limit.struck == 1, "the limit to strike")
        await here.advance(hours=12)
        said = await here.heard()
        await here.quiet()

        assert "明天 09:00" in said[0]
        assert here.world.chat(CUSTOMER, ACCOUNT).state in (0, 1)


@pytest.mark.parametrize("errcode", [95016, 95017, 95014])
async def test_a_transfer_the_platform_refuses_says_the_words_before_it_once(
    tmp_path: Path, database_url: str, errcode: int
) -> None:
    async with town(tmp_path, database_url, service={"duty": ["zhangsan"]}) as here:
        here.box.faults.add(Fault(kind=FaultKind.ERRCODE, match="kf/service_state/trans", code=errcode))
        here.world.customer_says(CUSTOMER, "我要投诉你们", open_kfid=ACCOUNT)
        said = await here.heard(2)
        await here.quiet()

        assert len(here.said()) == 2
        assert "12月8日" in said[0]
        assert "没有同事" in said[1]
        assert [row.kind for row in await here.rows(tables.case)] == ["complaint"]


async def test_an_answer_the_platform_refuses_for_its_state_becomes_a_case(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url) as here:
        here.box.faults.add(Fault(kind=FaultKind.ERRCODE, match="kf/send_msg", code=95018))
        here.world.customer_says(CUSTOMER, "提前还款要违约金吗", open_kfid=ACCOUNT)
        await here.delivery_in("refused")
        await here.quiet()

        assert [row.reason for row in await here.rows(tables.case)] == ["undelivered session"]


async def test_danger_is_heard_at_any_hour_and_promises_only_what_happens(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url, at=NIGHT) as here:
        here.box.postman.point("kf", "")
        here.world.customer_says(CUSTOMER, "我不想活了", open_kfid=ACCOUNT)
        await here.advance(minutes=40)
        await here.poll()
        said = await here.heard()
        await here.quiet()

        assert len(here.said()) == 1
        assert "110" in said[0]
        assert "继续问我" not in said[0]
        case = (await here.rows(tables.case))[0]
        assert case.reason == "crisis"
        assert case.due_at <= here.house.clock.now()


async def test_an_urgent_matter_raises_the_case_that_is_open(tmp_path: Path, database_url: str) -> None:
    async with town(tmp_path, database_url, servicers=()) as here:
        here.world.customer_says(CUSTOMER, "转人工", open_kfid=ACCOUNT)
        await here.heard()
        here.world.customer_says(CUSTOMER, "我不想活了", open_kfid=ACCOUNT)
        await here.heard(2)
        await here.quiet()

        case = (await here.rows(tables.case))[0]
        assert (case.reason, len(await here.rows(tables.case))) == ("crisis", 1)
        assert case.due_at <= here.house.clock.now()


async def test_signs_of_fraud_are_answered_even_when_they_were_read_late(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url, service={"duty": ["zhangsan"]}) as here:
        here.box.postman.point("kf", "")
        here.world.customer_says(CUSTOMER, "有人让我先转账5000解冻才能放款", open_kfid=ACCOUNT)
        await here.advance(minutes=15)
        await here.poll()
        said = await here.heard()
        await here.quiet()

        assert "96110" in said[0]
        assert here.world.chat(CUSTOMER, ACCOUNT).state == 3


async def test_a_tap_on_a_question_about_fraud_is_a_question(tmp_path: Path, database_url: str) -> None:
    async with town(tmp_path, database_url, service={"duty": ["zhangsan"]}) as here:
        faq = here.house.library.knowledge().faqs["wealth.scam_profit"]
        here.world.customer_says(CUSTOMER, faq.question, open_kfid=ACCOUNT, menu_id=faq.menu_id)
        await here.heard()
        await here.quiet()

        used = [row.faq_id for row in await here.rows(tables.match) if row.was_used]
        assert used == ["wealth.scam_profit"]


async def test_a_rating_counts_however_late_it_is_read(tmp_path: Path, database_url: str) -> None:
    async with town(tmp_path, database_url, service={"duty": ["zhangsan"]}) as here:
        here.world.customer_says(CUSTOMER, "转人工", open_kfid=ACCOUNT)
        await here.heard()
        await here.quiet()
        sessions.says(here.world, "zhangsan", CUSTOMER, "您好，已经帮您处理好了", ACCOUNT)
        sessions.end(here.world, "zhangsan", CUSTOMER, ACCOUNT)
        await here.until(lambda: "sat_4" in here.menu_ids(), "the question how it was")
        await here.quiet()
        here.box.postman.point("kf", "")
        here.world.customer_taps(CUSTOMER, here.last_msgid(), "sat_4", open_kfid=ACCOUNT)
        await here.advance(minutes=15)
        await here.poll()
        await here.quiet()

        assert [row.score for row in await here.rows(tables.satisfaction)] == [4]


async def test_an_unsure_question_of_another_session_does_not_count(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url) as here:
        here.world.customer_says(CUSTOMER, "火星上的土豆什么时候发芽呢", open_kfid=ACCOUNT)
        await here.heard()
        await here.quiet()
        await here.advance(days=14)
        here.world.customer_says(CUSTOMER, "那木星上的西瓜什么时候开花呢", open_kfid=ACCOUNT)
        await here.heard(2)
        await here.quiet()

        assert [row.decision for row in await here.rows(tables.turn)] == ["clarify", "clarify"]


async def test_words_that_could_not_leave_for_hours_are_not_said_as_if_fresh(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url) as here:
        limit = Fault(kind=FaultKind.ERRCODE, match="kf/send_msg", count=1, code=45009)
        here.box.faults.add(limit)
        here.world.customer_says(CUSTOMER, "火星上的土豆什么时候发芽呢", open_kfid=ACCOUNT)
        await here.until(lambda: limit.struck == 1, "the limit to strike")
        await here.advance(hours=6)
        said = await here.heard()
        await here.quiet()

        assert len(here.said()) == 1
        assert "抱歉让您久等" in said[0]


async def test_the_case_belongs_to_the_person_who_took_the_customer(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url, service={"duty": ["zhangsan"]}) as here:
        here.world.customer_says(CUSTOMER, "转人工", open_kfid=ACCOUNT)
        await here.heard()
        await here.quiet()

        assert [row.owner for row in await here.rows(tables.case)] == ["zhangsan"]


async def test_a_broken_file_does_not_silence_the_bot(tmp_path: Path, database_url: str) -> None:
    content = tmp_path / "content"
    await asyncio.to_thread(_copy_content, content)
    async with town(tmp_path, database_url, content={"folder": str(content)}):
        pass
    (content / "faq" / "loan.toml").write_text("this is no TOML", "utf-8")

    async with town(tmp_path, database_url, content={"folder": str(content)}) as here:
        here.world.customer_says(CUSTOMER, "提前还款要违约金吗", open_kfid=ACCOUNT)
        said = await here.heard()

        assert "提前" in said[0]
        assert here.house.library.mistakes


async def test_history_of_an_account_that_is_live_is_not_apologised_for(
    tmp_path: Path, database_url: str
) -> None:
    def history(box: server.Box) -> None:
        box.world.customer_says(CUSTOMER, "提前还款要违约金吗", open_kfid=ACCOUNT)
        box.world.clock.jump(3600)

    async with town(tmp_path, database_url, before_start=history) as here:
        await here.poll()
        await here.quiet()

        assert here.said() == []


async def test_a_notice_older_than_the_first_start_does_not_move_go_live_back(
    tmp_path: Path, database_url: str
) -> None:
    def history(box: server.Box) -> None:
        box.world.customer_says(CUSTOMER, "提前还款要违约金吗", open_kfid=ACCOUNT)
        box.world.clock.jump(3600)
        box.faults.add(Fault(kind=FaultKind.ERRCODE, match="kf/account/list", code=48002))

    async with town(tmp_path, database_url, before_start=history) as here:
        old = {"CreateTime": int(MORNING.timestamp()), "MsgType": "event", "Event": "kf_msg_or_event"}
        here.box.postman.post_fields("kf", {**old, "Token": "", "OpenKfId": ACCOUNT})
        await here.quiet()

        assert len(await here.rows(tables.message)) == 1
        assert here.said() == []


def _copy_content(target: Path) -> None:
    shipped = Path(__file__).resolve().parents[2] / "content"
    for path in [*shipped.rglob("*.toml"), *shipped.glob("*.txt")]:
        copy = target / path.relative_to(shipped)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())

"""微信客服 against the sandbox: read, send, hand over, and the refusals in between."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.channels.wecom.client import WeComClient
from bot.channels.wecom.kf import Kf
from bot.clock import FrozenClock
from domain import errors, platform
from domain.platform import MenuClick, MenuLink, MenuNote, MessageKind, SessionState
from sandbox import server, sessions
from sandbox import settings as sandbox
from sandbox.faults import Fault, FaultKind, When
from store.database import Store
from tests.wecom import edge as wire

SETTINGS = sandbox.Settings(
    corp_id="ww1",
    page_cap=3,
    apps=(sandbox.AppSettings(agent_id=7, name="客服", secret="s"),),
    accounts=(
        sandbox.AccountSettings(open_kfid="wkA", name="顾问台"),
        sandbox.AccountSettings(open_kfid="wkB", name="乙"),
    ),
    servicers=(
        sandbox.ServicerSettings(userid="zhangsan", name="张三"),
        sandbox.ServicerSettings(userid="lisi", name="李四", receiving=False),
    ),
    customers=(sandbox.CustomerSettings(external_userid="wmC", nickname="王先生"),),
)


@pytest.fixture
def engine() -> str:
    return "sqlite"


@pytest.fixture
async def box() -> AsyncIterator[server.Box]:
    async with server.running(SETTINGS) as running:
        yield running


@pytest.fixture
async def client(box: server.Box, store: Store, frozen_clock: FrozenClock) -> AsyncIterator[WeComClient]:
    async with wire.caller(box.url, store, frozen_clock) as made:
        yield made


@pytest.fixture
def kf(client: WeComClient, frozen_clock: FrozenClock) -> Kf:
    return Kf(client, frozen_clock)


async def read_all(kf: Kf, cursor: str = "") -> tuple[list[platform.KfMessage], str]:
    found: list[platform.KfMessage] = []
    while True:
        page = await kf.sync("wkA", cursor)
        found += page.messages
        cursor = page.next_cursor or cursor
        if not page.has_more:
            return found, cursor


async def test_the_log_is_read_page_by_page_and_on_from_a_cursor(box: server.Box, kf: Kf) -> None:
    sent = [box.world.customer_says("wmC", f"第{number}句", open_kfid="wkA") for number in range(7)]

    messages, cursor = await read_all(kf)
    later = box.world.customer_says("wmC", "还有", open_kfid="wkA")
    new, _ = await read_all(kf, cursor)

    assert [message.msgid for message in messages] == sent
    assert [(message.msgid, message.text) for message in new] == [(later, "还有")]


async def test_an_expired_sync_token_is_left_out(box: server.Box, kf: Kf) -> None:
    box.world.customer_says("wmC", "您好", open_kfid="wkA")

    page = await kf.sync("wkA", sync_token="ENCold")

    assert [message.text for message in page.messages] == ["您好"]


async def test_a_tap_on_a_menu_comes_back_with_its_id(box: server.Box, kf: Kf) -> None:
    box.world.customer_says("wmC", "利率", open_kfid="wkA")
    items = [MenuClick(menu_id="faq_loan_rate", text="利率怎么算"), MenuLink(url="https://a.example", text="网页"),
             MenuNote(text="以上")]  # fmt: skip

    await kf.send_menu("wkA", "wmC", "m1", "您想了解", items, "或直接输入")
    box.world.customer_taps("wmC", "m1", "faq_loan_rate", open_kfid="wkA")

    messages, _ = await read_all(kf)
    assert (messages[-1].text, messages[-1].menu_id) == ("利率怎么算", "faq_loan_rate")
    shown = box.world.received("wmC", "wkA")[-1].body
    assert (shown["head_content"], shown["tail_content"], len(shown["list"])) == ("您想了解", "或直接输入", 3)


async def test_a_repeated_msgid_is_refused_so_that_a_lost_answer_may_be_asked_again(
    box: server.Box, kf: Kf
) -> None:
    box.world.customer_says("wmC", "您好", open_kfid="wkA")
    await kf.send_text("wkA", "wmC", "m0", "头一条")
    box.faults.add(Fault(kind=FaultKind.RESET, match="kf/send_msg", count=1, when=When.AFTER))

    with pytest.raises(errors.ChannelUncertain):
        await kf.send_text("wkA", "wmC", "m1", "您好")
    with pytest.raises(errors.RepeatRefused):
        await kf.send_text("wkA", "wmC", "m1", "您好")

    assert [bubble.msgid for bubble in box.world.received("wmC", "wkA")] == ["m0", "m1"]


async def test_five_answers_are_the_budget(box: server.Box, kf: Kf) -> None:
    box.world.customer_says("wmC", "您好", open_kfid="wkA")
    for number in range(5):
        await kf.send_text("wkA", "wmC", f"m{number}", "您好")

    with pytest.raises(errors.BudgetSpent):
        await kf.send_text("wkA", "wmC", "m5", "您好")


async def test_a_welcome_code_works_once_with_a_menu(box: server.Box, kf: Kf) -> None:
    box.world.customer_enters("wmC", open_kfid="wkA", scene="grp", scene_param="a%3D1")
    (message,), _ = await read_all(kf)
    assert isinstance(message.event, platform.EnterSession)
    assert (message.kind, message.event.scene) == (MessageKind.EVENT, "grp")
    code = message.event.welcome_code
    assert code is not None

    await kf.send_menu_on_event(code, "w1", "欢迎", [MenuClick(menu_id="act_human", text="转人工")])

    with pytest.raises(errors.CodeUsed):
        await kf.send_text_on_event(code, "w2", "欢迎")
    with pytest.raises(errors.CodeUsed):
        await kf.send_text_on_event("made-up", "w3", "欢迎")


async def test_a_session_is_handed_over_and_the_code_lets_one_text_out(box: server.Box, kf: Kf) -> None:
    box.world.customer_says("wmC", "转人工", open_kfid="wkA")
    assert await kf.receiving_servicers("wkA") == ["zhangsan"]
    with pytest.raises(errors.ServicerRefused):
        await kf.transfer("wkA", "wmC", SessionState.SERVICER, "lisi")
    with pytest.raises(errors.ServicerRefused):
        await kf.transfer("wkA", "wmC", SessionState.SERVICER, "nobody")

    code = await kf.transfer("wkA", "wmC", SessionState.SERVICER, "zhangsan")

    assert code is not None
    await kf.send_text_on_event(code, "t1", "张三为您服务")
    assert await kf.session_state("wkA", "wmC") == platform.SessionStatus(
        state=SessionState.SERVICER, servicer_id="zhangsan"
    )
    with pytest.raises(errors.SessionRefused):
        await kf.send_text("wkA", "wmC", "m1", "我也在")


async def test_the_servicers_side_is_read_as_events(box: server.Box, kf: Kf) -> None:
    box.world.customer_says("wmC", "转人工", open_kfid="wkA")
    await kf.transfer("wkA", "wmC", SessionState.POOL)
    sessions.take(box.world, "zhangsan", "wmC", "wkA")
    said = sessions.says(box.world, "zhangsan", "wmC", "我来看看", "wkA")
    sessions.recalls(box.world, "zhangsan", "wmC", said, "wkA")
    sessions.end(box.world, "zhangsan", "wmC", "wkA")
    sessions.set_receiving(box.world, "zhangsan", False)

    messages, _ = await read_all(kf)

    events = [message.event for message in messages if message.event]
    assert [event.event_type for event in events] == [
        "session_status_change", "servicer_recall_msg", "session_status_change", "servicer_status_change",
    ]  # fmt: skip
    assert [event.change for event in events if isinstance(event, platform.SessionChanged)] == [
        "taken",
        "ended",
    ]
    assert [message.servicer_id for message in messages if message.msgid == said] == ["zhangsan"]


async def test_a_picture_is_fetched_by_its_digest(box: server.Box, kf: Kf, tmp_path: Path) -> None:
    box.world.customer_sends_media("wmC", "image", open_kfid="wkA")
    (message,), _ = await read_all(kf)
    assert message.media_id is not None

    kept = await kf.download_media(message.media_id, tmp_path / "media")

    assert kept.digest == hashlib.sha256(kept.path.read_bytes()).hexdigest()
    assert kept.content_type.startswith("image/")
    with pytest.raises(errors.ChannelRefused):
        await kf.download_media("gone", tmp_path / "media")


async def test_a_rejected_message_is_accepted_and_fails_later(box: server.Box, kf: Kf) -> None:
    box.world.customer_says("wmC", "您好", open_kfid="wkA")
    box.world.fail_next("wmC", 10)

    await kf.send_text("wkA", "wmC", "m1", "您好")

    messages, _ = await read_all(kf)
    failed = messages[-1].event
    assert isinstance(failed, platform.SendFailed)
    assert (failed.fail_msgid, failed.reason) == ("m1", platform.FailReason.REJECTED)


async def test_accounts_links_and_customers_are_known(box: server.Box, kf: Kf) -> None:
    box.world.customer_enters("wmC", open_kfid="wkA", scene="grp", scene_param="p")

    assert [account.account_id for account in await kf.accounts()] == ["wkA", "wkB"]
    assert all(account.is_managed for account in await kf.accounts())
    box.world.customer_enters_by_url("wmC", await kf.contact_way("wkA", "grp_d1"))
    (profile,) = await kf.customers(["wmC", "wmNobody"])
    assert (profile.customer_id, profile.nickname, profile.scene) == ("wmC", "王先生", "grp_d1")


async def test_expired_tokens_are_renewed_in_the_middle_of_the_work(box: server.Box, kf: Kf) -> None:
    box.world.customer_says("wmC", "您好", open_kfid="wkA")
    await kf.accounts()
    box.faults.add(Fault(kind=FaultKind.EXPIRE_TOKENS, match="kf/send_msg", count=1))

    await kf.send_text("wkA", "wmC", "m1", "您好")

    assert [bubble.msgid for bubble in box.world.received("wmC", "wkA")] == ["m1"]


TOO_LONG = "长" * 683  # 2,049 bytes


@pytest.mark.parametrize("text", ["", TOO_LONG])
async def test_a_text_that_would_be_cut_is_refused_before_it_leaves(
    box: server.Box, kf: Kf, text: str
) -> None:
    box.world.customer_says("wmC", "您好", open_kfid="wkA")

    with pytest.raises(errors.ChannelRefused, match="bytes"):
        await kf.send_text("wkA", "wmC", "m1", text)
    await kf.send_text("wkA", "wmC", "m1", TOO_LONG[1:])

    assert len(box.world.received("wmC", "wkA")) == 1


@pytest.mark.parametrize(
    ("head", "items", "tail"),
    [
        ("长" * 342, [MenuClick(menu_id="a", text="a")], ""),
        ("", [MenuClick(menu_id="a", text="a")], "长" * 342),
        ("h", [MenuClick(menu_id="a", text="长" * 43)], ""),
        ("h", [MenuClick(menu_id="a.b", text="a")], ""),
        ("h", [MenuClick(menu_id="a", text="a")] * 11, ""),
        ("h", [MenuNote(text="a")] * 51, ""),
        ("h", [MenuNote(text="长" * 86)], ""),
        ("h", [MenuLink(url="u" * 2049, text="a")], ""),
    ],
)
async def test_a_menu_over_the_limits_is_refused_before_it_leaves(
    kf: Kf, head: str, items: list[platform.MenuItem], tail: str
) -> None:
    with pytest.raises(errors.ChannelRefused, match="kf/send_msg:"):
        await kf.send_menu("wkA", "wmC", "m1", head, items, tail)


@pytest.mark.parametrize("msgid", ["", "x" * 33, "a b", "编号"])
async def test_a_msgid_the_platform_does_not_take_is_refused(kf: Kf, msgid: str) -> None:
    with pytest.raises(errors.ChannelRefused, match="msgid"):
        await kf.send_text("wkA", "wmC", msgid, "您好")

"""Sending to one customer by hand: what the server looks at again, what it writes down, what is safe to repeat."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any, cast

import pytest
import sqlalchemy as sa
from aiohttp import ClientSession, DummyCookieJar

from bot import told_sends
from bot.clock import FrozenClock
from domain.compliance import Registration
from domain.delivery import Delivery, DeliveryState
from domain.faq import Line
from domain.suggestion import SuggestionSource, SuggestionState
from store import conversations, deliveries, own_wordings, registrations, suggestions, tables
from store.database import Store
from tests.sidebar import desk_factory, doors, factory
from tests.sidebar.conftest import Phone

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

BLOCKED = "这款产品保本保息，绝对没有任何风险。"


class Desk:
    """One member at the desk of the customer."""

    def __init__(self, session: ClientSession, phone: Phone, store: Store, clock: FrozenClock) -> None:
        self._session, self._phone, self._store, self._clock = session, phone, store, clock

    async def post(self, act: str, **fields: str) -> tuple[int, dict[str, object]]:
        answer = await self._session.post(
            self._phone.at(f"/sidebar/customer/{act}?external_userid={factory.CUSTOMER}"),
            data={"csrf": doors.CSRF, **fields},
            headers={"Accept": "application/json"},
        )
        is_json = answer.content_type == "application/json"
        return answer.status, await answer.json() if is_json else {}

    async def begin(
        self, text: str = "", nonce: str = "nonce-0001", **fields: str
    ) -> tuple[int, dict[str, object]]:
        return await self.post("begin", text=text, nonce=nonce, **fields)

    async def look(self, path: str = "/sidebar/customer", **query: str) -> tuple[int, str, str]:
        """Return status, page and mark."""
        answer = await self._session.get(
            self._phone.at(path), params={"external_userid": factory.CUSTOMER, **query}
        )
        return answer.status, await answer.text(), answer.headers.get("X-Mark", "")

    async def rows(self) -> list[Delivery]:
        async with self._store.read() as tx:
            found = await tx.execute(sa.select(tables.delivery).order_by(tables.delivery.c.id))
            return [deliveries.delivery_of(row) for row in found.all()]


@pytest.fixture
async def desk(phone: Phone, store: Store, frozen_clock: FrozenClock) -> AsyncIterator[Desk]:
    """The customer's advisor."""
    await doors.befriend(store, frozen_clock, factory.OWNER, factory.CUSTOMER)
    cookies = await doors.sign_in(store, frozen_clock, factory.OWNER)
    header = "; ".join(f"{name}={value}" for name, value in cookies.items())
    async with ClientSession(cookie_jar=DummyCookieJar(), headers={"Cookie": header}) as session:
        yield Desk(session, phone, store, frozen_clock)


@pytest.mark.parametrize(
    ("text", "state"),
    [
        (desk_factory.SAFE, SuggestionState.USED),
        (f"您好，{desk_factory.SAFE}", SuggestionState.EDITED),
    ],
)
async def test_a_suggestion_is_recorded_with_both_texts(
    desk: Desk, store: Store, frozen_clock: FrozenClock, text: str, state: SuggestionState
) -> None:
    talk = await desk_factory.chat(store, frozen_clock, factory.OWNER)
    round_ = await desk_factory.offer(store, frozen_clock, factory.OWNER, conversation_id=talk)
    number = round_.suggestions[0].id

    status, said = await desk.begin(text, suggestion=str(number))
    (before,) = await desk.rows()
    await desk.post("sent", key=str(said["key"]), is_sent="yes")

    assert status == 200
    assert said["messages"] == [{"msgtype": "text", "text": {"content": text}}]
    assert (before.state, before.reply_id) == (DeliveryState.ATTEMPTING, f"suggestion.{number}")
    (after,) = await desk.rows()
    assert (after.state, after.body.text, after.body.targets) == (
        DeliveryState.ACCEPTED,
        text,
        (factory.CUSTOMER,),
    )
    assert (after.conversation_id, after.receipt) == (talk, factory.OWNER)
    async with store.read() as tx:
        found = await suggestions.find(tx, number)
        own = await own_wordings.list_of(tx, factory.OWNER)
    assert found is not None
    assert (found[1].state, found[1].text, found[1].delivery_key) == (state, desk_factory.SAFE, after.key)
    assert [one.text for one in own] == ([text] if state is SuggestionState.EDITED else [])


async def test_words_that_must_not_be_said_never_leave_whatever_the_page_thought(desk: Desk) -> None:
    status, said = await desk.begin(BLOCKED)
    good, _ = await desk.begin("好的，我帮您查一下。", nonce="nonce-0002")

    assert (status, said["why"], good) == (409, "blocked", 200)
    assert said["problems"]
    assert [one.body.text for one in await desk.rows()] == ["好的，我帮您查一下。"]


async def test_the_same_tap_twice_is_one_sending_and_another_tab_is_refused(
    desk: Desk, store: Store, frozen_clock: FrozenClock
) -> None:
    round_ = await desk_factory.offer(store, frozen_clock, factory.OWNER)
    mine = {"text": desk_factory.SAFE, "suggestion": str(round_.suggestions[0].id)}

    _, first = await desk.begin(**mine)
    _, repeated = await desk.begin(**mine)
    early, told = await desk.begin(**mine, nonce="nonce-other-tab", again="yes")
    _, prompt, _ = await desk.look()
    frozen_clock.advance(timedelta(minutes=3))
    late, may = await desk.begin(**mine, nonce="nonce-other-tab")
    _, uncertain, _ = await desk.look()
    await desk.post("sent", key=str(first["key"]), is_sent="yes")
    _, settled, _ = await desk.look()
    done, over = await desk.begin(**mine, nonce="nonce-other-tab", again="yes")

    assert repeated == first
    assert (early, told["why"], told["again"]) == (409, "pending", False)
    assert (late, may["again"]) == (409, True)
    assert (done, over["why"]) == (409, "sent")
    assert len(await desk.rows()) == 1
    question = "上一条没有等到结果"
    assert [question in page for page in (prompt, uncertain, settled)] == [False, True, False]


async def test_what_the_client_refused_may_be_sent_again(
    desk: Desk, store: Store, frozen_clock: FrozenClock
) -> None:
    round_ = await desk_factory.offer(store, frozen_clock, factory.OWNER)
    mine = {"text": desk_factory.SAFE, "suggestion": str(round_.suggestions[0].id)}
    _, first = await desk.begin(**mine)
    await desk.post("sent", key=str(first["key"]), is_sent="no", error="sendChatMessage:fail no permission")

    status, _ = await desk.begin(**mine, nonce="nonce-0002")

    failed, again = await desk.rows()
    assert (status, failed.state, failed.error) == (
        200,
        DeliveryState.FAILED,
        "sendChatMessage:fail no permission",
    )
    assert again.state is DeliveryState.ATTEMPTING


async def test_the_first_words_about_insurance_say_who_speaks(
    desk: Desk, store: Store, frozen_clock: FrozenClock
) -> None:
    held = Registration(
        line=Line.INSURANCE, number="02000011000080002026001234", valid_until=date(2027, 6, 30)
    )
    words = "犹豫期内退保，一般退还已交保费。"

    refused, said = await desk.begin(words, line="insurance")
    await store.write(lambda tx: registrations.set_all(tx, {factory.OWNER: [held]}))
    _, first = await desk.begin(words, line="insurance", nonce="nonce-0002")
    await desk.post("sent", key=str(first["key"]), is_sent="yes")
    _, second = await desk.begin(words, line="insurance", nonce="nonce-0003")

    assert (refused, said["why"]) == (409, "unqualified")
    for part in ("张三", "示例金融服务有限公司", held.number):
        assert part in str(first["text"])
    assert str(first["text"]).endswith(words)
    assert second["text"] == words


async def test_who_no_longer_serves_sends_nothing_more_but_what_was_begun_ends(
    phone: Phone, store: Store, frozen_clock: FrozenClock
) -> None:
    talk = await desk_factory.serve(store, frozen_clock, factory.STRANGER)
    cookies = await doors.sign_in(store, frozen_clock, factory.STRANGER)
    header = "; ".join(f"{name}={value}" for name, value in cookies.items())
    async with ClientSession(cookie_jar=DummyCookieJar(), headers={"Cookie": header}) as session:
        desk = Desk(session, phone, store, frozen_clock)
        other = await desk_factory.serve(store, frozen_clock, factory.STRANGER, "wmLiuXian")
        await desk_factory.say(store, frozen_clock, other, "有人吗，我着急")
        seen, page, _ = await desk.look(entry="single_kf_tools")
        _, begun = await desk.begin("我看一下。")
        await desk_factory.serve(store, frozen_clock, factory.CO_OWNER)

        later, _, _ = await desk.look(entry="single_kf_tools")
        refused, _ = await desk.begin("还在吗", nonce="nonce-0002")
        ended, _ = await desk.post("sent", key=str(begun["key"]), is_sent="yes")

    assert (seen, later, refused, ended) == (200, 404, 404, 200)
    assert "微信客服，你在接待" in page
    assert "还在等你的客户" in page
    assert "有人吗，我着急" in page
    (row,) = await desk.rows()
    assert (row.state, row.conversation_id) == (DeliveryState.ACCEPTED, talk)
    # Customer service tells of the message itself.
    await told_sends.ToldSends(store, frozen_clock).record_due()
    async with store.read() as tx:
        told = await tx.execute(sa.select(tables.message).where(tables.message.c.source == "sidebar"))
        assert told.all() == []


async def test_a_menu_goes_out_in_customer_service_only(
    desk: Desk, store: Store, frozen_clock: FrozenClock
) -> None:
    async def menu(talk: int | None) -> str:
        texts = (desk_factory.SAFE, "看合同。")
        round_ = await desk_factory.offer(store, frozen_clock, factory.OWNER, texts, talk)
        return ",".join(str(one.id) for one in round_.suggestions)

    refused, said = await desk.begin(menu=await menu(None))
    talk = await desk_factory.serve(store, frozen_clock, factory.OWNER)
    status, sent = await desk.begin(menu=await menu(talk), nonce="nonce-0002")

    assert (refused, said["why"], status) == (409, "no_menu", 200)
    (message,) = cast("list[dict[str, Any]]", sent["messages"])
    assert message["msgtype"] == "msgmenu"
    assert [one["click"]["id"] for one in message["msgmenu"]["list"]] == ["faq_loan_prepay"] * 2
    (row,) = await desk.rows()
    # The sentence above the questions is one of the approved fixed replies.
    assert (row.reply_id, row.body.text) == ("desk_menu_head", message["msgmenu"]["head_content"])


async def test_the_part_is_new_only_when_something_is(
    desk: Desk, store: Store, frozen_clock: FrozenClock
) -> None:
    talk = await desk_factory.chat(store, frozen_clock, factory.OWNER)
    await desk_factory.say(store, frozen_clock, talk, "您好", desk_factory.QUESTION)

    _, first, mark = await desk.look("/sidebar/customer/talk")
    same, _, _ = await desk.look("/sidebar/customer/talk", mark=mark)
    await desk_factory.say(store, frozen_clock, talk, "<script>alert(1)</script>😀")
    changed, second, _ = await desk.look("/sidebar/customer/talk", mark=mark, wait="1")
    _, third, _ = await desk.look("/sidebar/customer/talk")

    assert (same, changed) == (204, 200)
    assert desk_factory.QUESTION in first
    assert "没有开通会话存档" in first
    assert "提前还款怎么算" in first
    assert "&lt;script&gt;alert(1)&lt;/script&gt;😀" in second
    assert "正在找建议" in second
    assert "正在找建议" not in third


async def test_the_line_of_typed_words_is_told_by_the_words(desk: Desk) -> None:
    status, said = await desk.begin("贷款利率看合同。", line="nonsense")

    assert (status, said["introduced"]) == (200, False)
    (row,) = await desk.rows()
    assert row.line == "loan"


async def test_conversation_of_a_first_message_is_made_when_it_leaves(desk: Desk, store: Store) -> None:
    await desk.look()
    async with store.read() as tx:
        before = (await tx.execute(sa.select(sa.func.count()).select_from(tables.conversation))).scalar_one()

    await desk.begin("您好，我是张三。")

    (row,) = await desk.rows()
    async with store.read() as tx:
        talk = await conversations.get(tx, row.conversation_id or 0)
    assert before == 0
    assert (talk.channel, talk.account_id) == ("chat", factory.OWNER)


async def test_an_approved_text_of_a_group_goes_back_to_review_when_somebody_changes_it(
    phone: Phone, store: Store, frozen_clock: FrozenClock
) -> None:
    cookies = await doors.sign_in(store, frozen_clock, factory.OWNER)
    header = "; ".join(f"{name}={value}" for name, value in cookies.items())
    question, step = phone.scene.question, phone.scene.send
    new = "可以提前还，违约金看您合同里“提前还款”那一条。"
    async with ClientSession(cookie_jar=DummyCookieJar(), headers={"Cookie": header}) as session:

        async def propose(thing: str, **fields: str) -> str:
            answer = await session.post(
                phone.at(f"/sidebar/{thing}/propose"),
                data={"csrf": doors.CSRF, **fields},
                allow_redirects=False,
            )
            return answer.headers["Location"]

        same = await propose(f"questions/{question}", faq_id="loan.prepay", text="")
        told = await propose(f"questions/{question}", faq_id="loan.prepay", text=new)
        post = await propose(f"steps/{step}", text="大家好，我是张三，有问题随时说。")
        begun = await session.post(
            phone.at(f"/sidebar/questions/{question}/begin"),
            data={"csrf": doors.CSRF, "faq_id": "loan.prepay"},
        )
        said = await begun.json()
        await session.post(
            phone.at(f"/sidebar/questions/{question}/sent"),
            data={"csrf": doors.CSRF, "key": said["key"], "is_sent": "yes"},
        )

    assert "wrong=unchanged" in same
    assert "done=proposed" in told
    assert "done=proposed" in post
    assert new not in said["messages"][0]["text"]["content"]
    async with store.read() as tx:
        drafts = (await tx.execute(sa.select(tables.content_draft).order_by(tables.content_draft.c.id))).all()
        used = (await tx.execute(sa.select(tables.suggestion.c.state))).scalars().all()
    assert [(one.kind, one.content_key) for one in drafts] == [
        ("faq", "loan.prepay"),
        ("sop", "finance_week1/cue_hello"),
    ]
    assert drafts[0].body["answer"] == new
    assert used.count(SuggestionState.USED) == 1


async def test_words_that_are_over_are_not_shown_and_never_leave_6(
    desk: Desk, store: Store, frozen_clock: FrozenClock
) -> None:
    async def tried(number: int, text: str) -> tuple[bool, int, object]:
        _, page, _ = await desk.look()
        status, said = await desk.begin(text, nonce=f"nonce-{number:06}", suggestion=str(number))
        return f'data-suggestion="{number}"' in page, status, said["why"]

    yesterday = frozen_clock.now().date() - timedelta(days=1)
    for changes in (
        {"source_id": "loan.withdrawn"},
        {"valid_until": yesterday},
        {"source": SuggestionSource.QUICK, "source_id": "loan.withdrawn"},
        {"source": SuggestionSource.FIXED, "source_id": "withdrawn"},
        {"source": SuggestionSource.OWN, "source_id": "777"},
    ):
        round_ = await desk_factory.offer(store, frozen_clock, factory.OWNER, **changes)
        number = round_.suggestions[0].id
        assert await tried(number, desk_factory.SAFE) == (False, 409, "changed"), changes
        assert await tried(number, f"您好，{desk_factory.SAFE}") == (False, 409, "changed"), changes
    assert await desk.rows() == []


async def test_what_was_typed_is_not_offered_for_ever_6(
    desk: Desk, store: Store, frozen_clock: FrozenClock
) -> None:
    round_ = await desk_factory.offer(store, frozen_clock, factory.OWNER)

    _, soon, _ = await desk.look()
    frozen_clock.advance(timedelta(minutes=31))
    _, late, _ = await desk.look()

    mark = f'data-suggestion="{round_.suggestions[0].id}"'
    assert [mark in page for page in (soon, late)] == [True, False]


async def test_words_changed_after_a_lost_answer_are_looked_at_and_sent_as_changed_6(desk: Desk) -> None:
    _, lost = await desk.begin("我明天上午给您回话。")
    refused, said = await desk.begin(BLOCKED)
    _, changed = await desk.begin("我今天下午给您回话。")
    _, back = await desk.begin("我明天上午给您回话。")
    _, repeated = await desk.begin("我明天上午给您回话。")

    assert (refused, said["why"], changed["text"]) == (409, "blocked", "我今天下午给您回话。")
    assert back["text"] == lost["text"]
    assert repeated["key"] == back["key"] != lost["key"]
    states = [one.state for one in await desk.rows()]
    assert states == [DeliveryState.FAILED, DeliveryState.FAILED, DeliveryState.ATTEMPTING]


async def test_the_same_words_of_the_next_round_are_refused_for_a_while_6(
    desk: Desk, store: Store, frozen_clock: FrozenClock
) -> None:
    rounds = [await desk_factory.offer(store, frozen_clock, factory.OWNER) for _ in range(2)]
    first, second = (str(one.suggestions[0].id) for one in rounds)

    async def begin_second(nonce: str, **more: str) -> tuple[int, dict[str, object]]:
        return await desk.begin(desk_factory.SAFE, nonce, suggestion=second, **more)

    _, begun = await desk.begin(desk_factory.SAFE, suggestion=first)
    pending, why = await begin_second("nonce-0002")
    await desk.post("sent", key=str(begun["key"]), is_sent="yes")
    done, may = await begin_second("nonce-0002")
    meant, _ = await begin_second("nonce-0002", again="yes")

    assert (pending, why["why"]) == (409, "pending")
    assert (done, may["why"], may["again"]) == (409, "sent", True)
    assert meant == 200


async def test_what_was_suggested_for_one_customer_is_not_for_another_6(
    desk: Desk, store: Store, frozen_clock: FrozenClock
) -> None:
    talk = await desk_factory.chat(store, frozen_clock, factory.OWNER, "wmLiuXian")
    round_ = await desk_factory.offer(store, frozen_clock, factory.OWNER, conversation_id=talk)
    number = str(round_.suggestions[0].id)
    await desk_factory.serve(store, frozen_clock, factory.OWNER)

    alone, _ = await desk.begin(desk_factory.SAFE, suggestion=number)
    menu, _ = await desk.begin(menu=f"{number},{number}")

    assert (alone, menu, await desk.rows()) == (404, 404, [])


async def test_a_quick_phrase_is_on_record_as_the_approved_words_it_is_6(
    desk: Desk, store: Store, frozen_clock: FrozenClock, phone: Phone
) -> None:
    await desk_factory.offer(store, frozen_clock, factory.OWNER)
    phrase = "service.hello_again"
    text = phone.ctx.console.knowledge().quick[phrase].text

    _, begun = await desk.begin(text, phrase=phrase)
    await desk.post("sent", key=str(begun["key"]), is_sent="yes")
    _, touched = await desk.begin(f"{text}不急。", "nonce-0002", phrase=phrase)
    gone, said = await desk.begin(text, "nonce-0003", phrase="service.withdrawn")

    assert touched["text"] == f"{text}不急。"
    assert (gone, said["why"]) == (409, "changed")
    kept, typed = await desk.rows()
    assert (kept.reply_id, kept.line) == (f"quick.{phrase}", "service")
    assert typed.reply_id == "typed.nonce-0002"
    async with store.read() as tx:
        assert await own_wordings.list_of(tx, factory.OWNER) == []


async def test_what_left_in_part_is_recorded_as_that_part_6(
    desk: Desk, store: Store, frozen_clock: FrozenClock
) -> None:
    long = "我把要带的材料都写在下面，您慢慢看。" * 100
    round_ = await desk_factory.offer(store, frozen_clock, factory.OWNER, (long,))
    number = round_.suggestions[0].id
    _, begun = await desk.begin(long, suggestion=str(number))
    messages = cast("list[dict[str, Any]]", begun["messages"])

    await desk.post("sent", key=str(begun["key"]), is_sent="yes", parts_sent="1", parts=str(len(messages)))

    (row,) = await desk.rows()
    assert len(messages) == 2
    assert (row.state, row.outcome) == (DeliveryState.ACCEPTED, "partly 1/2")
    assert row.body.text == messages[0]["text"]["content"]
    async with store.read() as tx:
        found = await suggestions.find(tx, number)
    assert found is not None
    assert found[1].state is SuggestionState.OFFERED

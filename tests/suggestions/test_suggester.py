"""Suggestions from a real conversation: what is read, kept, learnt and filled in."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import FrozenClock
from domain.compliance import Registration
from domain.faq import Line
from domain.hours import ServiceHours
from domain.people import StaffSight, StaffStatus
from domain.suggestion import NewRound, OwnState, RoundHow, SuggestionSource, SuggestionState
from domain.talk import Author
from handlers.context import Rules
from handlers.suggesting import Suggester, SuggestionWanted, may_submit
from store import desk_erasures, messages, own_wordings, registrations, staff, suggestions, tables
from store.database import Store
from tests.push.factory import begin_talk, say
from tests.suggestions.factory import COLLEAGUE, COMPANY, ME, knowledge

ONE_ENGINE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
CUSTOMER = "wmChenAyi"
PREPAY = "提前还款要违约金吗"


def suggester(clock: FrozenClock, **changes: object) -> Suggester:
    known = dataclasses.replace(knowledge(), today=clock.now().date(), **changes)  # type: ignore[arg-type]
    facts = {name: text for name, text in COMPANY.items() if name != "advisor"}
    hours = ServiceHours(zone=ZoneInfo("Asia/Shanghai"), periods=())
    return Suggester(lambda: known, Rules(hours=hours, facts=facts), clock)


async def suggest(
    store: Store, one: Suggester, conversation: int | None, by: str = ME, **more: object
) -> NewRound:
    wanted = SuggestionWanted(conversation_id=conversation, staff_platform_id=by, **more)  # type: ignore[arg-type]
    async with store.read() as tx:
        return await one.suggest(tx, wanted)


async def people(store: Store, clock: FrozenClock) -> None:
    sights = [
        StaffSight(
            platform_id=who, name=name, departments=(1,), leader_platform_id="", status=StaffStatus.ACTIVE
        )
        for who, name in ((ME, "张三"), (COLLEAGUE, "李四"))
    ]
    await store.write(lambda tx: staff.record_sights(tx, sights, clock.now()))


async def test_round_is_made_of_the_talk_and_kept_with_all_the_page_shows(
    store: Store, frozen_clock: FrozenClock
) -> None:
    talk = await begin_talk(store, frozen_clock, CUSTOMER, servicer=ME)
    await say(store, frozen_clock, talk, "在吗")
    await say(store, frozen_clock, talk, "您好，我在的", Author.SERVICER)
    asked = await say(store, frozen_clock, talk, PREPAY + "，我电话13812345678")

    new = await suggest(store, suggester(frozen_clock), talk)
    kept = await store.write(lambda tx: suggestions.record_round(tx, new, frozen_clock.now()))
    async with store.read() as tx:
        latest = await suggestions.find_latest(tx, talk, ME)
        others = await suggestions.find_latest(tx, talk, COLLEAGUE)
        found = await suggestions.find(tx, kept.suggestions[0].id)

    assert (new.message_id, new.question_key, new.line) == (asked, "faq:loan.prepay", Line.LOAN)
    assert "13812345678" not in new.asked
    assert latest == kept
    assert others is None
    assert found == (kept, kept.suggestions[0])
    shown = [dataclasses.asdict(one) for one in new.suggestions]
    assert [{key: getattr(one, key) for key in shown[0]} for one in kept.suggestions] == [
        {key: getattr(one, key) for key in shown[0]} for one in new.suggestions
    ]


async def test_suggestion_is_used_once_and_the_vote_is_counted_by_person(
    store: Store, frozen_clock: FrozenClock
) -> None:
    talk = await begin_talk(store, frozen_clock, CUSTOMER, servicer=ME)
    await say(store, frozen_clock, talk, PREPAY)
    one, now = suggester(frozen_clock), frozen_clock.now()
    done = []
    for who in (ME, COLLEAGUE):
        new = await suggest(store, one, talk, by=who)
        kept = await store.write(lambda tx, new=new: suggestions.record_round(tx, new, now))
        first, second = kept.suggestions[:2]

        async def job(tx: AsyncConnection, first: int = first.id, second: int = second.id) -> list[bool]:
            return [
                await suggestions.decide(tx, first, SuggestionState.REFUSED, now=now),
                await suggestions.decide(tx, first, SuggestionState.USED, now=now, delivery_key="k"),
                await suggestions.decide(tx, first, SuggestionState.USED, now=now),
                await suggestions.decide(tx, first, SuggestionState.REFUSED, now=now),
                await suggestions.decide(tx, second, SuggestionState.REFUSED, now=now),
            ]

        assert await store.write(job) == [True, True, False, False, True]
        done += [
            (who, first.source_id, SuggestionState.USED, 1),
            (who, second.source_id, SuggestionState.REFUSED, 1),
        ]

    async with store.read() as tx:
        votes = await suggestions.votes(tx, ["faq:loan.prepay"], now - timedelta(days=1))
        later = await suggestions.votes(tx, ["faq:loan.prepay"], now + timedelta(days=1))

    counted = [(vote.staff_platform_id, vote.source_id, vote.state, vote.count) for vote in votes]
    assert sorted(counted) == sorted(done)
    assert later == []


async def test_own_words_are_kept_once_counted_and_given_to_the_editors_by_their_advisor_only(
    store: Store, frozen_clock: FrozenClock
) -> None:
    one = suggester(frozen_clock)
    said = "提前还的话，先看看合同里怎么写的哈。"

    async def keep(tx: AsyncConnection, text: str) -> int | None:
        return await one.keep_own(
            tx,
            staff_platform_id=ME,
            text=text,
            asked=PREPAY + " 13812345678",
            question_key="faq:loan.prepay",
            line=Line.LOAN,
            faq_id="",
            conversation_id=None,
        )

    first = await store.write(lambda tx: keep(tx, said))
    again = await store.write(lambda tx: keep(tx, said))
    unfit = [
        await store.write(lambda tx, text=text: keep(tx, text))
        for text in ("提前还能省500块", "保证给您批下来", knowledge().quick["loan.prepay_three"].text)
    ]
    async with store.read() as tx:
        (mine,) = await own_wordings.list_of(tx, ME)
        theirs = await own_wordings.list_of(tx, COLLEAGUE)
    assert (first, unfit, theirs) == (again, [None, None, None], [])
    assert (mine.text, mine.used_count, mine.asked) == (said, 2, PREPAY + " 138****5678")
    assert may_submit(mine)

    now = frozen_clock.now()
    assert not await store.write(lambda tx: own_wordings.submit(tx, mine.id, COLLEAGUE, now))
    assert await store.write(lambda tx: own_wordings.submit(tx, mine.id, ME, now))
    assert not await store.write(lambda tx: own_wordings.submit(tx, mine.id, ME, now))
    async with store.read() as tx:
        assert [wording.id for wording in await own_wordings.list_submitted(tx)] == [mine.id]
    assert await store.write(lambda tx: own_wordings.set_state(tx, mine.id, OwnState.APPROVED))
    async with store.read() as tx:
        assert await own_wordings.list_of(tx, ME) == []


@ONE_ENGINE
async def test_only_the_advisor_who_said_them_is_offered_own_words(
    store: Store, frozen_clock: FrozenClock
) -> None:
    talk = await begin_talk(store, frozen_clock, CUSTOMER, servicer=ME)
    await say(store, frozen_clock, talk, PREPAY)
    said = "提前还的话，先看看合同里怎么写的哈。"
    now = frozen_clock.now()
    await store.write(
        lambda tx: own_wordings.keep(tx, ME, said, PREPAY, "faq:loan.prepay", Line.LOAN, "", talk, now)
    )
    one = suggester(frozen_clock)

    mine, theirs = await suggest(store, one, talk), await suggest(store, one, talk, by=COLLEAGUE)

    assert said in [suggestion.text for suggestion in mine.suggestions]
    assert said not in [suggestion.text for suggestion in theirs.suggestions]


@ONE_ENGINE
async def test_dates_are_filled_in_while_the_fact_holds_and_only_for_its_customer(
    store: Store, frozen_clock: FrozenClock
) -> None:
    talk = await begin_talk(store, frozen_clock, CUSTOMER, servicer=ME)
    other = await begin_talk(store, frozen_clock, "wmOther", servicer=ME)
    for one in (talk, other):
        await say(store, frozen_clock, one, "我的保单什么时候到期")

    async def record(tx: AsyncConnection) -> int:
        customer = (
            await tx.execute(sa.select(tables.conversation.c.customer_id).filter_by(id=talk))
        ).scalar_one()
        for value, until in (("2026-12-05", date(2026, 12, 5)), ("2020-01-01", date(2020, 1, 1))):
            await tx.execute(
                sa.insert(tables.customer_fact).values(
                    customer_id=customer,
                    kind="policy_due",
                    value=value,
                    source="staff",
                    purpose="service",
                    recorded_at=frozen_clock.now(),
                    valid_until=until,
                )
            )
        return int(customer)

    customer = await store.write(record)
    one = suggester(frozen_clock)
    known, unknown = await suggest(store, one, talk), await suggest(store, one, other)
    async with store.read() as tx:
        told = await one.phrase_text(tx, "insurance.renewal", ME, customer)
        silent = await one.phrase_text(tx, "insurance.renewal", ME, None)

    filled = [item for item in known.suggestions if item.source_id == "insurance.renewal"]
    assert "2026年12月5日" in filled[0].text
    assert not [item for item in unknown.suggestions if item.source_id == "insurance.renewal"]
    assert told == filled[0].text
    assert silent is None


@ONE_ENGINE
async def test_the_name_of_the_advisor_comes_from_the_address_book(
    store: Store, frozen_clock: FrozenClock
) -> None:
    talk = await begin_talk(store, frozen_clock, CUSTOMER, servicer=ME)
    await say(store, frozen_clock, talk, "你好")
    unknown = await suggest(store, suggester(frozen_clock), talk)
    await people(store, frozen_clock)
    named = await suggest(store, suggester(frozen_clock), talk)

    assert not [one for one in unknown.suggestions if one.source_id == "service.hello"]
    hello = next(one for one in named.suggestions if one.source_id == "service.hello")
    assert "我是示例金融服务有限公司的张三" in hello.text


@ONE_ENGINE
async def test_only_registered_members_are_offered_words_of_a_line_that_needs_it(
    store: Store, frozen_clock: FrozenClock
) -> None:
    await people(store, frozen_clock)
    talk = await begin_talk(store, frozen_clock, CUSTOMER, servicer=ME)
    await say(store, frozen_clock, talk, "退保能拿回多少钱")
    ends = Registration(line=Line.INSURANCE, number="B1", valid_until=frozen_clock.now().date())
    await store.write(lambda tx: registrations.set_all(tx, {ME: [ends]}))
    one = suggester(frozen_clock, needs_registration=frozenset({Line.INSURANCE}))

    mine, theirs = await suggest(store, one, talk), await suggest(store, one, talk, by=COLLEAGUE)

    assert (mine.needs_qualified, mine.suggestions[0].line) == (None, Line.INSURANCE)
    assert theirs.needs_qualified is Line.INSURANCE
    assert theirs.suggestions[0].source is SuggestionSource.FIXED
    assert not [item for item in theirs.suggestions if item.line is Line.INSURANCE]


@ONE_ENGINE
async def test_a_question_leans_on_the_suggestion_that_was_sent_last(
    store: Store, frozen_clock: FrozenClock
) -> None:
    talk = await begin_talk(store, frozen_clock, CUSTOMER, servicer=ME)
    await say(store, frozen_clock, talk, "理赔要什么材料")
    one, now = suggester(frozen_clock), frozen_clock.now()
    new = await suggest(store, one, talk)
    kept = await store.write(lambda tx: suggestions.record_round(tx, new, now))
    await store.write(
        lambda tx: suggestions.decide(tx, kept.suggestions[0].id, SuggestionState.USED, now=now)
    )
    frozen_clock.advance(timedelta(minutes=5))
    await say(store, frozen_clock, talk, "要多久呢")
    followed = await suggest(store, one, talk)
    frozen_clock.advance(timedelta(minutes=40))
    await say(store, frozen_clock, talk, "要多久呢")
    forgotten = await suggest(store, one, talk)

    assert followed.line is Line.INSURANCE
    assert "上文" in "".join(followed.suggestions[0].reasons)
    assert not [item for item in forgotten.suggestions if "上文" in "".join(item.reasons)]


@ONE_ENGINE
async def test_what_was_taken_back_or_typed_is_read_as_such(store: Store, frozen_clock: FrozenClock) -> None:
    talk = await begin_talk(store, frozen_clock, CUSTOMER, servicer=ME)
    await say(store, frozen_clock, talk, "退保能拿回多少钱")
    gone = await say(store, frozen_clock, talk, PREPAY)

    async def recall(tx: AsyncConnection) -> None:
        msgid = (await tx.execute(sa.select(tables.message.c.msgid).filter_by(id=gone))).scalar_one()
        await messages.record_recall(
            tx,
            conversation_id=talk,
            source="kf",
            msgid=msgid,
            recalled_by=Author.CUSTOMER,
            at=frozen_clock.now(),
        )

    await store.write(recall)
    one = suggester(frozen_clock)
    read = await suggest(store, one, talk)
    typed = await suggest(store, one, talk, asked=PREPAY, how=RoundHow.TYPED)
    nowhere = await suggest(store, one, None, asked=PREPAY, how=RoundHow.TYPED)

    assert read.question_key == "faq:insurance.surrender_value"
    assert (typed.question_key, typed.message_id) == ("faq:loan.prepay", None)
    assert nowhere.suggestions[0].source_id == "loan.prepay"


@ONE_ENGINE
async def test_answers_of_a_group_are_entries_without_anything_personal(
    store: Store, frozen_clock: FrozenClock
) -> None:
    found, _ = await suggester(frozen_clock).find_answers("借20万，等额本息，年化7.2%，12期，每月还多少")

    assert {one.source for one in found} == {SuggestionSource.FAQ}
    assert found[0].source_id == "loan.equal_instalment"
    assert "17,323" not in found[0].text


@ONE_ENGINE
async def test_own_words_are_kept_without_the_customers_name_and_with_the_question_of_their_talk_6(
    store: Store, frozen_clock: FrozenClock
) -> None:
    first = await begin_talk(store, frozen_clock, CUSTOMER, servicer=ME)
    second = await begin_talk(store, frozen_clock, "wmWangAyi", servicer=ME)
    await store.write(
        lambda tx: tx.execute(
            sa.update(tables.customer)
            .where(tables.customer.c.platform_id == CUSTOMER)
            .values(nickname="云朵朵儿")
        )
    )
    one = suggester(frozen_clock)

    async def keep(text: str, talk: int, asked: str) -> int | None:
        return await store.write(
            lambda tx: one.keep_own(
                tx,
                staff_platform_id=ME,
                text=text,
                asked=asked,
                question_key="faq:loan.prepay",
                line=Line.LOAN,
                faq_id="",
                conversation_id=talk,
            )
        )

    called = "提前还的话，云朵朵儿先看看合同里怎么写的哈。"
    said = "提前还的话，先看看合同里怎么写的哈。"
    assert await keep(called, first, "甲的问题") is None
    assert await keep(called, second, "乙的问题") is not None
    kept = [await keep(said, first, "甲的问题"), await keep(said, second, "乙的问题")]

    await store.write(lambda tx: desk_erasures.blank_talk(tx, first, frozen_clock.now()))
    async with store.read() as tx:
        before = await own_wordings.find(tx, kept[0] or 0)
    await store.write(lambda tx: desk_erasures.blank_talk(tx, second, frozen_clock.now()))
    async with store.read() as tx:
        after = await own_wordings.find(tx, kept[1] or 0)
    assert before is not None
    assert after is not None
    assert (before.asked, before.conversation_id) == ("乙的问题", second)
    assert (after.asked, after.text) == ("", "")

"""What customers said about the archive: the newest word counts, and every message knows which one it fell under."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot import audits
from bot.archive_consents import ArchiveConsents
from bot.clock import FrozenClock
from domain.archive import Consent, ConsentSource, ConsentStatus, ConsentWord
from scheduler.ticker import Wakeup
from store import audit_reading, consents
from store.database import Store
from store.tables import consent, erasure, instance, media
from tests.archive import office
from tests.archive.library import NOW, message, milliseconds
from tests.archive.office import MemoryReader

CUSTOMER, GROUP = "wmCustomer1", "wrGroup1"
BEGIN = NOW - timedelta(hours=1)


def minute(number: int) -> datetime:
    return BEGIN + timedelta(minutes=number)


def said(number: int, at: int, content: str = "话", **more: Any) -> dict[str, Any]:
    return message(number, content, msgtime=milliseconds(minute(at)), **more)


def word(number: int, at: int, kind: str, **more: Any) -> dict[str, Any]:
    body = {"userid": CUSTOMER, f"{kind}_time": milliseconds(minute(at))}
    fields = {"from": CUSTOMER, "tolist": ["zhangsan"], "msgtype": kind, kind: body}
    return message(number, msgtime=milliseconds(minute(at)), **fields | more)


async def statuses(store: Store) -> dict[str, tuple[str, str, str | None]]:
    """Return kind, text and word of each message."""
    words = {one.id: one.status for one in await office.rows(store, sa.select(consent))}
    return {
        one.msgid.removesuffix("_external"): (one.kind, one.text, words.get(one.consent_id))
        for one in await office.said(store)
    }


async def test_after_a_customer_disagreed_the_words_are_not_kept(records: Store) -> None:
    picture = {"md5sum": "", "filesize": 1, "sdkfileid": "SDK"}
    bag = [
        said(1, 1),
        word(2, 5, "agree"),
        said(3, 6),
        word(4, 10, "disagree"),
        said(5, 11),
        said(6, 12, msgtype="image", image=picture),
        word(7, 20, "agree"),
        said(8, 21),
    ]

    await office.pull_all(records, MemoryReader(bag))

    found = await statuses(records)
    assert found["m1"] == ("text", "话", None)
    assert found["m3"] == ("text", "话", "agree")
    assert found["m5"] == ("withheld", "", "disagree")
    assert found["m6"] == ("withheld", "", "disagree")
    assert found["m8"] == ("text", "话", "agree")
    assert [one.raw for one in await office.said(records) if one.kind == "withheld"] == ["", ""]
    assert await office.rows(records, sa.select(media)) == []


async def test_in_a_group_each_customers_word_counts_for_what_they_say(records: Store) -> None:
    bag = [
        word(1, 1, "disagree", roomid=GROUP, tolist=["zhangsan", "wmCustomer2"]),
        said(2, 2, roomid=GROUP, tolist=["zhangsan"], **{"from": CUSTOMER}),
        said(3, 3, roomid=GROUP, tolist=["zhangsan"], **{"from": "wmCustomer2"}),
        said(4, 4, roomid=GROUP, tolist=[CUSTOMER]),
        said(5, 5, tolist=["zhangsan"], **{"from": CUSTOMER}),
    ]

    await office.pull_all(records, MemoryReader(bag))

    found = await statuses(records)
    assert found["m2"] == ("withheld", "", "disagree")
    assert found["m3"] == ("text", "话", None)
    assert found["m4"] == ("text", "话", None)
    assert found["m5"] == ("text", "话", None)


async def test_a_platforms_default_is_kept_apart_from_a_consent(records: Store) -> None:
    default = ConsentWord(
        customer_id=CUSTOMER, staff_id="zhangsan", status=ConsentStatus.DEFAULT_AGREE, changed_at=minute(0)
    )
    await records.write(
        lambda tx: consents.add(
            tx, [default, default], source=ConsentSource.CHECK, policy_version="2026-11", now=NOW
        )
    )

    await office.pull_all(records, MemoryReader([said(1, 1)]))

    assert (await statuses(records))["m1"] == ("text", "话", "default_agree")
    [row] = await office.rows(records, sa.select(consent))
    assert (row.source, row.policy_version) == ("check", "2026-11")


@pytest.mark.parametrize(("at", "expected"), [(0, None), (1, "agree"), (4, "agree"), (5, "disagree")])
def test_the_newest_word_at_a_moment_counts(at: int, expected: str | None) -> None:
    words = [
        Consent(id=n, customer_id="wm", staff_id="a", status=ConsentStatus(status), changed_at=minute(when))
        for n, (status, when) in enumerate([("agree", 1), ("disagree", 5)])
    ]

    found = consents.word_at(words, minute(at))

    assert (found.status if found else None) == expected


@pytest.mark.parametrize("analyses_default", [False, True])
async def test_a_default_is_analysed_only_where_the_company_says_so(
    records: Store, analyses_default: bool
) -> None:
    default = ConsentWord(
        customer_id=CUSTOMER, staff_id="zhangsan", status=ConsentStatus.DEFAULT_AGREE, changed_at=minute(0)
    )
    await records.write(
        lambda tx: consents.add(tx, [default], source=ConsentSource.CHECK, policy_version="", now=NOW)
    )
    await office.pull_all(records, MemoryReader([said(1, 1), word(2, 5, "agree"), said(3, 6)]))
    [talk] = {one.conversation_id for one in await office.said(records)}

    async with records.read() as tx:
        read = await audit_reading.read_said(tx, talk, BEGIN, unseen=audits.unseen_of(analyses_default))

    seen = [(one.text, one.is_seen) for one in read if one.kind == "text"]
    assert seen == [("话", True) if analyses_default else ("", False), ("话", True)]


@pytest.mark.parametrize("chat_id", ["", GROUP])
async def test_a_refusal_heard_late_erases_what_was_said_since_up_to_the_next_word(
    records: Store, chat_id: str
) -> None:
    more = {"roomid": chat_id, "from": CUSTOMER, "tolist": ["zhangsan"]}
    bag = [said(n, n, f"第{n}句", **more) for n in range(1, 7)]
    await office.pull_all(records, MemoryReader(bag))
    words = [
        ConsentWord(
            customer_id=CUSTOMER,
            staff_id="" if chat_id else "zhangsan",
            chat_id=chat_id,
            status=status,
            changed_at=minute(at),
        )
        for status, at in ((ConsentStatus.DISAGREE, 3), (ConsentStatus.AGREE, 5))
    ]
    await records.write(
        lambda tx: consents.add(tx, words, source=ConsentSource.CHECK, policy_version="", now=NOW)
    )
    worker = ArchiveConsents(records, None, FrozenClock(NOW), policy_version="", bell=Wakeup())

    await worker.withdraw()
    await worker.withdraw()

    assert [one.text for one in await office.said(records)] == ["第1句", "第2句", "", "", "第5句", "第6句"]
    reasons = await office.rows(records, sa.select(erasure.c.reason))
    assert [one[0] for one in reasons] == ["consent", "consent"]


async def test_a_refusal_with_a_lower_id_that_is_committed_later_is_not_skipped_5(records: Store) -> None:
    bag = [said(1, 1, "对张三"), said(2, 1, "对李四", **{"from": "lisi"})]
    await office.pull_all(records, MemoryReader(bag))
    clock = FrozenClock(NOW)
    worker = ArchiveConsents(records, None, clock, policy_version="", bell=Wakeup())

    await records.write(lambda tx: tx.execute(sa.insert(consent).values(**refusal(8, "zhangsan", clock))))
    await worker.withdraw()
    clock.advance(timedelta(seconds=30))
    await records.write(lambda tx: tx.execute(sa.insert(consent).values(**refusal(7, "lisi", clock))))
    await worker.withdraw()

    assert [one.text for one in await office.said(records)] == ["", ""]


async def test_a_page_committed_just_after_a_refusal_was_gone_through_is_erased_too_5(records: Store) -> None:
    clock = FrozenClock(NOW)
    worker = ArchiveConsents(records, None, clock, policy_version="", bell=Wakeup())
    await records.write(lambda tx: tx.execute(sa.insert(consent).values(**refusal(8, "zhangsan", clock))))
    await worker.withdraw()
    await records.write(lambda tx: tx.execute(sa.update(consent).values(staff_platform_id="elsewhere")))
    await office.pull_all(records, MemoryReader([said(1, 1, "同时提交的")]))
    await records.write(lambda tx: tx.execute(sa.update(consent).values(staff_platform_id="zhangsan")))

    await worker.withdraw()

    assert [one.text for one in await office.said(records)] == [""]


async def test_refusals_are_let_go_of_after_some_minutes_however_many_they_are_5(records: Store) -> None:
    clock = FrozenClock(NOW)
    worker = ArchiveConsents(records, None, clock, policy_version="", bell=Wakeup())
    rows = [refusal(number, f"a{number}", clock) for number in range(1, 121)]
    await records.write(lambda tx: tx.execute(sa.insert(consent), rows))
    await office.pull_all(records, MemoryReader([said(1, 1, "最后一位的", **{"from": "a120"})]))
    wanted = sa.select(instance.c.value).where(instance.c.key == "archive_withdrawn_up_to")

    await worker.withdraw()
    before = await office.rows(records, wanted)
    clock.advance(timedelta(minutes=6))
    await records.write(lambda tx: tx.execute(sa.insert(consent).values(**refusal(200, "b", clock))))
    await worker.withdraw()

    assert before == []
    assert [one[0] for one in await office.rows(records, wanted)] == ["120"]


def refusal(number: int, staff_id: str, clock: FrozenClock) -> dict[str, Any]:
    """Return a row of a refusal with this id, known at once."""
    return {
        "id": number,
        "customer_platform_id": CUSTOMER,
        "staff_platform_id": staff_id,
        "status": ConsentStatus.DISAGREE,
        "source": ConsentSource.EVENT,
        "changed_at": BEGIN,
        "recorded_at": clock.now(),
    }

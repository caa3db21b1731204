"""Odd ids and odd entries: who is a member is one whatever the UserID, and no entry stops the archive."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot import archive_intake
from bot.channels.archive import parsing, reader
from domain.archive import Entry, HoldReason, Opened
from domain.errors import ChannelError
from store import archives, staff
from store.database import Store
from store.tables import archive_hold, consent, customer
from tests.archive import office
from tests.archive.library import NOW, message, milliseconds
from tests.archive.office import MemoryReader

CUSTOMER = "wmCustomer1"


@pytest.mark.parametrize("name", ["wongxm", "wmli", "wbclark"])
@pytest.mark.parametrize("is_in_address_book", [True, False])
async def test_a_known_member_is_one_whatever_the_id_looks_like_5(
    records: Store, name: str, is_in_address_book: bool
) -> None:
    if is_in_address_book:
        await records.write(lambda tx: staff.ensure(tx, [name], NOW))
    else:
        await records.write(lambda tx: archives.record_permitted(tx, [name], NOW))
    bag = [
        message(1, "我是顾问", **{"from": name}),
        message(2, "我是客户", **{"from": CUSTOMER, "tolist": [name]}),
        message(3, "群里说", roomid="wrG1", **{"from": name, "tolist": [CUSTOMER]}),
        message(4, "同事说", **{"from": name, "tolist": ["zhangsan"]}),
    ]

    await office.pull_all(records, MemoryReader(bag))

    found = [
        (one.author, one.servicer_id, one.channel, one.account_id, one.customer)
        for one in await office.said(records)
    ]
    assert found == [
        ("servicer", name, "chat", name, CUSTOMER),
        ("customer", "", "chat", name, CUSTOMER),
        ("servicer", name, "group", "wrG1", None),
        ("servicer", name, "internal", f"{name}|zhangsan", None),
    ]
    names = await office.rows(records, sa.select(customer.c.platform_id))
    assert [one[0] for one in names] == [CUSTOMER]


async def test_nobody_known_is_told_by_the_id_5(records: Store) -> None:
    await office.pull_all(records, MemoryReader([message(1, tolist=["zhangsan"], **{"from": "wmC1"})]))

    [one] = await office.said(records)
    assert (one.author, one.customer, one.account_id) == ("customer", "wmC1", "zhangsan")


async def test_a_refusal_told_to_a_member_with_such_an_id_counts_5(records: Store) -> None:
    await records.write(lambda tx: staff.ensure(tx, ["wongxm"], NOW))
    at = milliseconds(NOW - timedelta(minutes=40))
    body = {"userid": CUSTOMER, "disagree_time": at}
    bag = [
        message(1, msgtype="disagree", disagree=body, msgtime=at, tolist=["wongxm"], **{"from": CUSTOMER}),
        message(2, "话", msgtime=at + 1000, **{"from": "wongxm", "tolist": [CUSTOMER]}),
    ]

    await office.pull_all(records, MemoryReader(bag))

    [word] = await office.rows(records, sa.select(consent))
    assert (word.customer_platform_id, word.staff_platform_id) == (CUSTOMER, "wongxm")
    assert [one.kind for one in await office.said(records)] == ["disagree", "withheld"]


@pytest.mark.parametrize(
    "told", ["²", "٣", "9" * 5000, "9" * 19, 10**20, -5, 1e300, None, [], {"a": 1}, True], ids=repr
)
async def test_a_time_that_is_none_stops_nothing_5(records: Store, told: Any) -> None:
    await office.pull_all(records, MemoryReader([message(1, msgtime=told), message(2, "之后")]))

    assert [one.text for one in await office.said(records)] == ["您好", "之后"]


async def test_an_entry_whose_reading_fails_is_put_aside_with_the_errors_name_5(
    records: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = parsing.parse

    def parse(entry: Entry, plain: str) -> Any:
        if entry.seq == 2:
            raise ZeroDivisionError("secret words")
        return really(entry, plain)

    monkeypatch.setattr(parsing, "parse", parse)

    await office.pull_all(records, MemoryReader([message(n, f"第{n}句") for n in (1, 2, 3)]))

    assert [one.text for one in await office.said(records)] == ["第1句", "第3句"]
    [held] = await office.rows(records, sa.select(archive_hold))
    assert (held.seq, held.reason) == (2, HoldReason.UNREADABLE)
    assert "ZeroDivisionError" in held.error
    assert "secret" not in held.error


def test_numbers_no_database_keeps_cost_one_entry_and_not_the_page_5() -> None:
    rows = [
        '{"seq": 1, "msgid": "a", "publickey_ver": 2147483648}',
        '{"seq": 2, "msgid": "b\\ud800\\u0000", "publickey_ver": 2147483647, "encrypt_chat_msg": "\\udc00"}',
        '{"seq": 9223372036854775807, "msgid": "c", "publickey_ver": -1}',
        '{"seq": 9223372036854775808, "msgid": "d"}',
        '{"seq": true, "msgid": "e"}',
        f'{{"seq": {"9" * 5000}, "msgid": "f"}}',
        f'{{"seq": 3, "msgid": "g", "publickey_ver": {"9" * 5000}}}',
    ]

    found = reader._entries(f'{{"errcode": 0, "chatdata": [{",".join(rows)}]}}'.encode(), after=0)

    assert [(one.seq, one.msgid, one.key_version) for one in found] == [
        (1, "a", 0),
        (2, "b\ufffd", 2147483647),
        (3, "g", 0),
        (2**63 - 1, "c", 0),
    ]
    assert found[1].encrypted == "\ufffd"


@pytest.mark.parametrize(
    "told",
    ['"errcode": "²"', '"errcode": "--"', '"errcode": [1]', f'"errcode": {"9" * 5000}', '"chatdata": 5'],
    ids=["superscript", "signs", "list", "digits", "no rows"],
)
def test_an_answer_that_is_none_is_an_error_of_the_channel_5(told: str) -> None:
    with pytest.raises(ChannelError):
        reader._entries(f"{{{told}}}".encode(), after=0)


async def test_both_databases_hold_an_entry_with_the_largest_numbers_5(store: Store) -> None:
    [one] = reader._entries(
        b'{"chatdata": [{"seq": 9223372036854775807, "msgid": "a\\ud800\\u0000", "publickey_ver": 2147483647}]}',
        after=0,
    )
    told = archive_intake.read(one, Opened(text="[]"))
    held = await store.write(
        lambda tx: archives.claim(tx, "ww", wall=NOW, owner="me", lease=timedelta(seconds=9))
    )
    assert held is not None

    done = await store.write(
        lambda tx: archive_intake.record_page(tx, held, [told], policy_version="", now=NOW, until=NOW)
    )

    assert done == archive_intake.Recorded(new=0, held=1)

"""What the archive becomes on record: once, whatever happens on the way."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from domain.archive import HoldReason
from domain.errors import ChannelBusy
from store import archives
from store.database import Store
from store.tables import archive_hold, audit_mark, media, recall, staff
from tests.archive import office
from tests.archive.library import CORP, NOW, Archive, key_pair, message, milliseconds
from tests.archive.office import Killed, MemoryReader, MortalStore

CUSTOMER, GROUP = "wmCustomer1", "wrGroup1"


def from_customer(number: int, content: str = "在吗", **more: Any) -> dict[str, Any]:
    return message(number, content, **{"from": CUSTOMER, "tolist": ["zhangsan"]} | more)


def mixed_bag() -> list[dict[str, Any] | str]:
    """Return a little of everything: talk, groups, colleagues, a recall, consents, files, what cannot be read."""
    picture = {"md5sum": "a" * 32, "filesize": 9, "sdkfileid": "SDK-1"}
    agreed = {"userid": CUSTOMER, "agree_time": milliseconds(NOW) - 3_590_000}
    return [
        message(1),
        from_customer(2),
        message(3, "群里好", roomid=GROUP, tolist=["wmCustomer1", "wmCustomer2"]),
        from_customer(4, "收到", roomid=GROUP),
        message(5, "内部", msgid="m5", tolist=["lisi"]),
        message(6, msgtype="revoke", action="recall", revoke={"pre_msgid": "m1_external"}),
        from_customer(7, msgtype="agree", agree=agreed),
        from_customer(8, msgtype="image", image=picture),
        "this is no message",
        {"msgid": "m10", "action": "switch", "time": milliseconds(NOW), "user": "zhangsan"},
        message(11, "机器人", **{"from": "wbRobot", "roomid": GROUP}),
    ]


async def test_every_message_is_where_it_was_said(records: Store) -> None:
    await office.pull_all(records, MemoryReader(mixed_bag()))

    places = {
        one.msgid: (one.channel, one.account_id, one.customer, one.author, one.servicer_id, one.sender_id)
        for one in await office.said(records)
    }

    assert places["m1_external"] == ("chat", "zhangsan", CUSTOMER, "servicer", "zhangsan", "")
    assert places["m2_external"] == ("chat", "zhangsan", CUSTOMER, "customer", "", "")
    assert places["m3_external"] == ("group", GROUP, None, "servicer", "zhangsan", "")
    assert places["m4_external"] == ("group", GROUP, None, "customer", "", CUSTOMER)
    assert places["m5"] == ("internal", "lisi|zhangsan", None, "servicer", "zhangsan", "")
    assert places["m6_external"] == ("chat", "zhangsan", CUSTOMER, "system", "", "zhangsan")
    assert places["m10"] == ("internal", "zhangsan", None, "system", "", "zhangsan")
    assert places["m11_external"] == ("group", GROUP, None, "system", "", "wbRobot")


async def test_a_recall_is_kept_beside_what_was_taken_back_even_when_it_comes_first(records: Store) -> None:
    taken_back = message(6, msgtype="revoke", action="recall", revoke={"pre_msgid": "m1_external"})

    await office.pull_all(records, MemoryReader([taken_back, message(1, "写错了")]))

    [one] = await office.rows(records, sa.select(recall))
    assert (one.source, one.msgid, one.recalled_by) == ("archive", "m1_external", "servicer")
    assert [each.text for each in await office.said(records) if each.msgid == "m1_external"] == ["写错了"]


async def test_pulling_again_changes_nothing(records: Store) -> None:
    reader = MemoryReader(mixed_bag())
    await office.pull_all(records, reader)
    before = await office.everything(records)

    await records.write(lambda tx: tx.execute(sa.text("UPDATE archive_cursor SET seq = 0")))
    await office.pull_all(records, reader)

    assert await office.everything(records) == before
    assert before["seq"] == len(reader.plain)


@pytest.mark.parametrize("is_after", [False, True], ids=["before the commit", "after it"])
async def test_a_process_killed_at_any_write_loses_and_doubles_nothing(
    records: Store, is_after: bool
) -> None:
    bag = [*mixed_bag(), *(from_customer(number) for number in range(20, 40))]
    reader = MemoryReader(bag)
    for at in range(1, 30):
        dying = office.puller(MortalStore(records, at, is_after=is_after), reader, limit=3)
        await records.write(archives.release_all)
        try:
            while await dying.pull_due() == 0:
                pass
        except Killed:
            continue
        break

    await office.pull_all(records, reader, limit=3)

    found = await office.everything(records)
    assert [one[0] for one in found["messages"]] == sorted(
        {one["msgid"] for one in bag if isinstance(one, dict)}
    )
    assert found["holds"] == [(9, "unreadable")]
    assert found["seq"] == len(bag)
    assert found["recalls"] == [("m1_external",)]
    assert found["files"] == [("SDK-1", 0)]


async def test_only_one_process_reads_and_who_lost_the_archive_stores_nothing(records: Store) -> None:
    reader = MemoryReader(mixed_bag())
    wall = NOW + timedelta(days=3650)
    mine = await records.write(
        lambda tx: archives.claim(tx, CORP, wall=wall, owner="me", lease=timedelta(minutes=1))
    )
    assert mine is not None

    waits = await office.puller(records, reader, owner="other").pull_due()
    stolen = await records.write(
        lambda tx: archives.claim(
            tx, CORP, wall=wall + timedelta(hours=1), owner="other", lease=timedelta(minutes=1)
        )
    )
    moved = await records.write(lambda tx: archives.set_seq(tx, mine, 5, NOW, until=wall))

    assert waits is not None
    assert waits > 0
    assert stolen is not None
    assert not moved
    assert await office.said(records) == []


async def test_what_lacks_its_key_is_kept_and_read_when_the_key_is_added(
    records: Store, archived: Archive
) -> None:
    archived.held.use_key(2, key_pair(2))
    archived.held.add(message(1, "第一把"), version=1)
    archived.held.add(message(2, "第二把"), version=2)
    without = archived.reader()
    await office.pull_all(records, without, tools="1")
    await without.close()
    texts = [one.text for one in await office.said(records)]
    [held] = await office.rows(records, sa.select(archive_hold))

    archived.keys[2] = key_pair(2)
    added = archived.reader()
    await office.pull_all(records, added, tools="1+2")
    await added.close()

    assert texts == ["第一把"]
    assert (held.reason, held.key_version, held.read_at) == (HoldReason.NO_KEY, 2, None)
    assert [one.text for one in await office.said(records)] == ["第一把", "第二把"]
    [held] = await office.rows(records, sa.select(archive_hold))
    assert held.read_at is not None
    assert (held.random_key, held.encrypted) == ("", ""), "what is read must be erasable"


async def test_a_wrong_key_and_damage_are_told_apart(records: Store, archived: Archive) -> None:
    archived.keys[2] = key_pair(1)
    archived.held.use_key(2, key_pair(2))
    good = archived.held.entry(message(1), version=1)
    archived.held.add(message(2), version=2)
    archived.held.add_entries(
        [
            {**good, "msgid": "cut", "encrypt_chat_msg": good["encrypt_chat_msg"][:40]},
            {**good, "msgid": "short", "encrypt_chat_msg": "x"},
            {**good, "msgid": "poison", "encrypt_chat_msg": "POISON" * 3},
            good,
        ]
    )
    reader = archived.reader()

    await office.pull_all(records, reader)
    await reader.close()

    held = await office.rows(records, sa.select(archive_hold).order_by(archive_hold.c.seq))
    assert [one.reason for one in held] == ["bad_key", "damaged", "damaged", "poison"]
    assert all(one.error or one.reason == "bad_key" for one in held)
    assert [one.msgid for one in await office.said(records)] == ["m1_external"]


async def test_a_library_that_dies_fifty_times_loses_and_doubles_nothing(
    records: Store, archived: Archive
) -> None:
    deaths: list[int] = []
    archived.held.add_many([message(number) for number in range(420)])
    archived.held.set_faults(abort_at_decrypt=12)
    reader = archived.reader(on_death=lambda: deaths.append(1))

    await office.pull_all(records, reader, limit=40)
    await reader.close()

    assert len(deaths) >= 50
    assert [one.msgid for one in await office.said(records)] == [f"m{n}_external" for n in range(420)]
    assert await office.rows(records, sa.select(archive_hold)) == []


@pytest.mark.parametrize(
    "told",
    [milliseconds(NOW + timedelta(days=4000)), milliseconds(NOW) * 1000, 1, None],
    ids=["far ahead", "microseconds", "1970", "none"],
)
async def test_a_message_from_a_clock_that_jumped_is_kept_beside_its_neighbours_and_marked(
    records: Store, told: int | None
) -> None:
    await office.pull_all(records, MemoryReader([message(1), message(2, msgtime=told), message(3)]))

    first, jumped, last = await office.said(records)
    [note] = await office.rows(records, sa.select(archive_hold))
    assert first.sent_at == jumped.sent_at < last.sent_at
    assert (note.msgid, note.reason, note.read_at) == ("m2_external", "clock", NOW)
    assert "time" in note.error


async def test_an_advisor_who_left_is_still_on_record(records: Store) -> None:
    await office.pull_all(records, MemoryReader([message(1)]))
    await records.write(lambda tx: tx.execute(sa.update(staff).values(status="left")))

    await office.pull_all(records, MemoryReader([message(1), message(2, "走之前说的")]))

    assert [one.text for one in await office.said(records)] == ["您好", "走之前说的"]
    [known] = await office.rows(records, sa.select(staff))
    assert known.status == "left"


async def test_files_wait_to_be_fetched_with_what_was_told_of_them(records: Store) -> None:
    await office.pull_all(records, MemoryReader(mixed_bag()))

    [one] = await office.rows(records, sa.select(media))

    assert (one.source, one.platform_id, one.told_md5, one.told_bytes) == ("archive", "SDK-1", "a" * 32, 9)
    assert (one.state, one.kind) == ("due", "image")


async def test_what_is_recorded_is_marked_for_the_audit(records: Store) -> None:
    await office.pull_all(records, MemoryReader([message(1), from_customer(2)]))

    [mark] = await office.rows(records, sa.select(audit_mark))
    first, *_ = await office.said(records)
    assert mark.conversation_id == first.conversation_id
    assert mark.from_at == first.sent_at


async def test_an_archive_that_does_not_answer_is_asked_again_later_and_later(records: Store) -> None:
    class Down(MemoryReader):
        async def pull(self, seq: int, limit: int) -> Any:
            raise ChannelBusy("10001", retry_after=timedelta(seconds=2))

    one = office.puller(records, Down([]))

    waits = [await one.pull_due() for _ in range(5)]

    assert waits == [2, 2, 4, 8, 16]


async def test_both_databases_take_a_page_of_everything(store: Store) -> None:
    await office.pull_all(store, MemoryReader(mixed_bag()), limit=4)

    found = await office.everything(store)
    assert len(found["messages"]) == 10
    assert found["talks"] == [
        ("chat", "zhangsan"),
        ("group", GROUP),
        ("internal", "lisi|zhangsan"),
        ("internal", "zhangsan"),
    ]


async def test_a_big_page_is_no_big_transaction_and_may_be_stored_in_part_5(records: Store) -> None:
    reader = MemoryReader([message(number) for number in range(1, 501)])
    # It takes the right to read, notes its keys, stores 200 entries, and dies before the next 200.
    dying = office.puller(MortalStore(records, 4, is_after=False), reader, limit=1000)

    with pytest.raises(Killed):
        await dying.pull_due()
    in_part = await office.everything(records)
    await office.pull_all(records, reader, limit=1000)

    whole = await office.everything(records)
    assert (len(in_part["messages"]), in_part["seq"]) == (200, 200)
    assert (len(whole["messages"]), whole["seq"]) == (500, 500)

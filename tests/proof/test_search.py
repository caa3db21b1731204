"""The full-text search finds exactly what a plain look through every text finds, newest first, on both databases."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import FrozenClock
from bot.indexing import Indexer
from domain import word_pairs
from domain.audit import TalkKind
from domain.talk import Author
from store import erasures, search, tables
from store.database import Store
from store.search import SearchFilter
from store.search_index import Sizes
from tests.audit import factory as talks
from tests.audit.factory import Line
from tests.proof import factory

SIZES = Sizes(small=4, large=16)
TEXT = st.text(alphabet="保本息ａAb１ ，", max_size=12)


@given(TEXT, st.lists(TEXT, max_size=2))
def test_a_text_that_holds_the_words_holds_their_pairs(text: str, questions: list[str]) -> None:
    words = word_pairs.words_of(" ".join(questions))
    same = word_pairs.folded(text)

    if word_pairs.holds(same, words):
        assert set(word_pairs.pairs_wanted(words)) <= word_pairs.pairs_of(same)


@given(st.sets(st.integers(0, 5000)))
def test_a_list_is_read_as_it_was_written(places: set[int]) -> None:
    assert word_pairs.unpack(word_pairs.pack(sorted(places))) == sorted(places)


@given(TEXT.filter(lambda text: "１" not in text), st.lists(TEXT, max_size=2))
def test_a_piece_of_text_keeps_its_characters_and_marks_only_hits(text: str, questions: list[str]) -> None:
    words = word_pairs.words_of(" ".join(questions))

    parts = word_pairs.marked(text, words)

    assert "".join(part for part, _ in parts) == text
    assert all(word_pairs.folded(part) in words for part, is_hit in parts if is_hit)


async def fill(store: Store, now: datetime, count: int) -> list[str]:
    """Say `count` texts over a small alphabet, in an order of time that is not that of the ids."""
    draw = random.Random(7)
    texts = ["".join(draw.choices("保本息稳赚ａA1 ", k=draw.randint(0, 9))) for _ in range(count)]

    async def job(tx: AsyncConnection) -> None:
        made = await factory.talk(tx, now, texts)
        moments = [now + timedelta(minutes=minute) for minute in range(count)]
        draw.shuffle(moments)
        for id_, moment in zip(made.messages, moments, strict=True):
            its = sa.update(tables.message).where(tables.message.c.id == id_)
            await tx.execute(its.values(sent_at=moment))

    await store.write(job)
    return texts


async def naive(store: Store, words: tuple[str, ...]) -> list[int]:
    async with store.read() as tx:
        wanted = sa.select(tables.message.c.id, tables.message.c.sent_at, tables.message_body.c.text)
        joined = wanted.join(tables.message_body)
        rows = (await tx.execute(joined)).all()
    rows = [row for row in rows if all(word in word_pairs.folded(row.text) for word in words)]
    return [row.id for row in sorted(rows, key=lambda row: row.sent_at, reverse=True)]


async def found(store: Store, wanted: SearchFilter, *, limit: int = 50) -> list[int]:
    """Page through everything that is found."""
    ids: list[int] = []
    place = None
    async with store.read() as tx:
        while True:
            page = await search.search(tx, wanted, before=place, limit=limit)
            ids += [hit.id for hit in page.hits]
            place = page.more
            if place is None:
                return ids


async def test_search_equals_a_look_through_every_text(store: Store, frozen_clock: FrozenClock) -> None:
    await fill(store, frozen_clock.now(), 75)
    indexer = Indexer(store, frozen_clock, sizes=SIZES)
    await indexer.index()
    await indexer.index()

    async with store.read() as tx:
        batches = (await tx.execute(sa.select(tables.search_batch).order_by("batch"))).all()
    assert [row.last_id - row.first_id + 1 for row in batches] == [16, 16, 16, 16, 4, 4, 4]
    for question in ("保本", "本息 稳赚", "a1", "ＡＡ", "稳 保本", "赚保本息", "饕餮"):
        words = word_pairs.words_of(question)
        assert await found(store, SearchFilter(words=words, scope=None), limit=4) == await naive(store, words)


async def test_small_batches_become_a_large_one_as_messages_come(
    store: Store, frozen_clock: FrozenClock
) -> None:
    indexer = Indexer(store, frozen_clock, sizes=SIZES)
    for first in range(0, 36, 3):
        await store.write(
            lambda tx, first=first: factory.talk(tx, frozen_clock.now(), ["保本", "保", "本息"], first=first)
        )
        await indexer.index()
    await indexer.index()

    async with store.read() as tx:
        batches = (await tx.execute(sa.select(tables.search_batch).order_by("batch"))).all()
    assert [(row.first_id, row.last_id) for row in batches] == [(0, 15), (16, 31), (32, 35)]
    assert len(await found(store, SearchFilter(words=("保本",), scope=None))) == 12


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_erased_words_are_found_no_more_and_a_budget_that_ends_says_where(
    store: Store, frozen_clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(store, frozen_clock.now(), 75)
    await Indexer(store, frozen_clock, sizes=SIZES).index()
    wanted = SearchFilter(words=("保本",), scope=None)
    before = await found(store, wanted)

    await store.write(
        lambda tx: erasures.erase(
            tx, before[:2], reason="request", law="PIPL 47", by="qian", now=frozen_clock.now()
        )
    )
    monkeypatch.setattr(search, "BUDGET", 1)
    monkeypatch.setattr(search, "_HANDFUL", 1)

    assert await found(store, wanted) == before[2:]
    assert len(before) >= 4


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_only_what_the_person_may_see_is_found_and_recalled_words_say_so(
    store: Store, frozen_clock: FrozenClock
) -> None:
    async def job(tx: AsyncConnection) -> None:
        now = frozen_clock.now()
        said = (Author.CUSTOMER, Author.SERVICER)
        own = await factory.talk(tx, now, ["保本吗", "不保本"], authors=said, servicer="ZhangSan")
        await factory.talk(tx, now, ["这个保本"], customer="wmBert")
        await tx.execute(
            sa.insert(tables.kf_state).values(
                conversation_id=own.conversation, state=3, servicer_id="ZhangSan", changed_at=now
            )
        )
        recalled = {"conversation_id": own.conversation, "source": factory.SOURCE, "recalled_by": "customer"}
        await tx.execute(sa.insert(tables.recall).values(**recalled, msgid="wmAnna-0", recalled_at=now))

    await store.write(job)
    words = ("保本",)

    async def texts(**wanted: object) -> list[str]:
        async with store.read() as tx:
            page = await search.search(tx, SearchFilter(**({"words": words, "scope": None} | wanted)))  # type: ignore[arg-type]
        return [hit.text + ("(recalled)" if hit.is_recalled else "") for hit in page.hits]

    assert sorted(await texts()) == ["不保本", "保本吗(recalled)", "这个保本"]
    assert sorted(await texts(scope=frozenset({"ZhangSan"}))) == ["不保本", "保本吗(recalled)"]
    assert await texts(staff_id="ZhangSan") == ["不保本"]
    assert await texts(author=Author.SERVICER) == ["不保本"]
    assert await texts(until=frozen_clock.now()) == []
    with pytest.raises(ValueError, match="two characters"):
        await texts(words=("保",))


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_what_lies_outside_the_scope_counts_as_looked_at_5(
    store: Store, frozen_clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def job(tx: AsyncConnection) -> None:
        own = await factory.talk(tx, frozen_clock.now(), ["保本吗"])
        for first in range(0, 96, 3):
            at = frozen_clock.now() + timedelta(hours=1 + first)
            await factory.talk(tx, at, ["这个保本"] * 3, customer="wmBert", first=first)
        await tx.execute(
            sa.insert(tables.kf_state).values(
                conversation_id=own.conversation,
                state=3,
                servicer_id="ZhangSan",
                changed_at=frozen_clock.now(),
            )
        )

    await store.write(job)
    indexer = Indexer(store, frozen_clock, sizes=SIZES)
    await indexer.index()
    await indexer.index()
    for name in ("BUDGET", "_HANDFUL"):
        monkeypatch.setattr(search, name, 20)
    wanted = SearchFilter(words=("保本",), scope=frozenset({"ZhangSan"}))

    async with store.read() as tx:
        first_page = await search.search(tx, wanted)

    assert (first_page.hits, first_page.is_cut) == ([], True)
    assert len(await found(store, wanted)) == 1


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_what_colleagues_say_among_themselves_is_found_only_when_asked_for_5(
    store: Store, frozen_clock: FrozenClock
) -> None:
    lines: list[Line] = [(0, "A", "我老婆生病了，想请假")]
    await store.write(lambda tx: talks.talk(tx, TalkKind.INTERNAL, lines, account="li|wang"))

    async with store.read() as tx:
        usual = await search.search(tx, SearchFilter(words=("老婆",), scope=None))
        asked = await search.search(tx, SearchFilter(words=("老婆",), scope=None, with_internal=True))

    assert (len(usual.hits), len(asked.hits)) == (0, 1)

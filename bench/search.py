"""The full-text search over a million Chinese messages, beside what a company would do without it: LIKE.

    .venv/bin/python -m bench.search [--messages 1000000] [--database sqlite|postgresql]

Fills a database in a temporary folder (a fixed seed; words drawn as unevenly as in talk), indexes it as the program
does, and asks for common, rare and absent words 40 times each. Prints p50 and p95 in milliseconds and the ratio to the
same question as `text LIKE '%…%' ORDER BY sent_at DESC LIMIT 50`. Everything is removed at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from bench import databases
from bot.clock import SystemClock
from bot.indexing import Indexer
from store import schema, search
from store.database import Store
from store.search import SearchFilter

START = datetime(2025, 1, 1, tzinfo=UTC)
CHARACTERS = (
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行"
    "学法所民得经十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开它合还因由其些然"
    "前外天政四日那社义事平形相全表间样与关各重新线内数正心反你明看原又么利比或但质气第向道命此变条只没结解问意建月公无"
    "系军很情者最立代想已通并提直题党程展五果料象员革位入常文总次品式活设及管特件长求老头基资边流路级少图山统接知较将组"
    "见计别她手角期根论运农指几九区强放决西被干做必战先回则任取据处队南给色光门即保治北造百规热领七海口东导器压志世金增"
    "争济阶油思术极交受联什认六共权收证改清己美再采转更单风切打白教速花带安场身车例真务具万每目至达走积示议声报斗完类八"
    "离华名确才科张信马节话米整空元况今集温传土许步群广石记需段研界拉林律叫且究观越织装影算低持音众书布复容儿须际商非验"
    "连断深难近矿千周委素技备半办青省列习响约支般史感劳便团往酸历市克何除消构府称太准精值号率族维划选标写存候毛亲快效斯"
)
# Planted: every 100th message, every 50,000th one, never.
COMMON, RARE, ABSENT = "保本", "麒麟阁", "饕餮"
TIMES = 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    chosen = parser.parse_args()
    with _database(chosen.database) as url:
        schema.upgrade(url)
        begun = time.perf_counter()
        _fill(url, chosen.messages)
        print(f"{chosen.database}: {chosen.messages:,} messages in {time.perf_counter() - begun:.0f} s")
        asyncio.run(_measure(url, chosen.messages))


@contextlib.contextmanager
def _database(kind: str) -> Iterator[str]:
    if kind == "sqlite":
        with tempfile.TemporaryDirectory(prefix="guanjia-search-") as folder:
            yield f"sqlite:///{Path(folder) / 'search.db'}"
    else:
        with databases.postgresql() as url:
            yield url


def texts(count: int) -> Iterator[str]:
    """Give messages of 6 to 40 characters, the same ones each time."""
    draw = random.Random(20261122)
    lexicon = ["".join(draw.choices(CHARACTERS, k=draw.choice((2, 2, 2, 3, 4)))) for _ in range(6000)]
    weights = list(itertools.accumulate(1 / (rank + 8) for rank in range(len(lexicon))))
    signs = "，。！？ "
    for number in range(count):
        words = draw.choices(lexicon, cum_weights=weights, k=draw.randint(3, 12))
        if number % 100 == 7:
            words.insert(draw.randrange(len(words)), COMMON)
        if number % 50_000 == 77:
            words.insert(0, RARE)
        yield draw.choice(signs).join(words)


def _rows(count: int) -> Iterator[tuple[int, str, str]]:
    for number, text in enumerate(texts(count), 1):
        moment = START + timedelta(seconds=40 * number)
        yield number, moment.strftime("%Y-%m-%d %H:%M:%S.000000"), text


_LONG_AGO = "'2025-01-01 00:00:00.000000'"
_CUSTOMER = f"INSERT INTO customer (id, platform_id, first_seen_at) VALUES (1, 'wmBench', {_LONG_AGO})"
_CONVERSATION = (
    "INSERT INTO conversation (id, channel, account_id, customer_id, opened_at, session_started_at)"
    f" VALUES (1, 'kf', 'wk', 1, {_LONG_AGO}, {_LONG_AGO})"
)
_MESSAGE = "id, conversation_id, source, msgid, author, kind, sent_at, recorded_at, digest"
_BODY = "message_id, salt, text"


def _fill(url: str, count: int) -> None:
    if url.startswith("sqlite"):
        _fill_sqlite(url.removeprefix("sqlite:///"), count)
    else:
        _fill_postgresql(url, count)


def _fill_sqlite(path: str, count: int) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA synchronous=OFF")
        for statement in (_CUSTOMER, _CONVERSATION):
            connection.execute(statement)
        rows = _rows(count)
        while part := list(itertools.islice(rows, 50_000)):
            connection.executemany(
                f"INSERT INTO message ({_MESSAGE}) VALUES (?, 1, 'kf:wk', ?, 'customer', 'text', ?, ?, '')",
                [(number, str(number), moment, moment) for number, moment, _ in part],
            )
            connection.executemany(
                f"INSERT INTO message_body ({_BODY}) VALUES (?, '', ?)", [(one[0], one[2]) for one in part]
            )


def _fill_postgresql(url: str, count: int) -> None:
    import psycopg

    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        for statement in (_CUSTOMER, _CONVERSATION):
            cursor.execute(statement)
        with cursor.copy(f"COPY message ({_MESSAGE}) FROM STDIN") as copy:
            for number, moment, _ in _rows(count):
                row = (number, 1, "kf:wk", str(number), "customer", "text", moment, moment, "")
                copy.write_row(row)
        with cursor.copy(f"COPY message_body ({_BODY}) FROM STDIN") as copy:
            for number, _, text in _rows(count):
                copy.write_row((number, "", text))
        connection.commit()
        connection.autocommit = True
        cursor.execute("ANALYZE message, message_body")


async def _measure(url: str, count: int) -> None:
    store = await Store.open(url)
    try:
        begun = time.perf_counter()
        indexer, batches = Indexer(store, SystemClock()), 0
        await indexer.index(limit=0)
        while done := await indexer.index():
            batches += done
        seconds = time.perf_counter() - begun
        print(f"indexed {batches} batches in {seconds:.0f} s, {count / seconds:,.0f} messages/s")
        questions = {"common": COMMON, "rare": RARE, "absent": ABSENT, "common+rare": f"{COMMON} {RARE[:2]}"}
        for name, words in questions.items():
            await _ask(store, name, tuple(words.split()))
    finally:
        await store.close()


async def _ask(store: Store, name: str, words: tuple[str, ...]) -> None:
    wanted = SearchFilter(words=words, scope=None)
    ours, theirs, hits = [], [], 0
    for _ in range(TIMES):
        begun = time.perf_counter()
        async with store.read() as tx:
            hits = len((await search.search(tx, wanted)).hits)
        ours.append(time.perf_counter() - begun)
    like = " AND ".join(f"text LIKE '%{word}%'" for word in words)
    statement = sa.text(
        "SELECT message.id, text FROM message JOIN message_body ON message_id = message.id"
        f" WHERE {like} ORDER BY sent_at DESC, id DESC LIMIT 50"
    )
    for _ in range(3):
        begun = time.perf_counter()
        async with store.read() as tx:
            found = len((await tx.execute(statement)).all())
        theirs.append(time.perf_counter() - begun)
    assert hits == found, (name, hits, found)
    p50, p95 = statistics.median(ours), statistics.quantiles(ours, n=20)[-1]
    ratio = statistics.median(theirs) / p50
    print(
        f"{name:12} {hits:3} hits  p50 {p50 * 1000:6.1f} ms  p95 {p95 * 1000:6.1f} ms  LIKE {ratio:5.1f} times as long"
    )


if __name__ == "__main__":
    main()

"""Turns of one conversation are decided one at a time and in order, however many workers there are."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.replies import AnswerKind
from domain.talk import Author, Turn
from store import conversations, customers, messages, turns
from store.database import Store

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
RULES = turns.TurnRules()


async def speak(store: Store, texts: list[str]) -> None:
    """Let one customer say several whole questions."""

    async def record(tx: Any) -> None:
        who = (await customers.ensure(tx, ["wmAnna"], NOON))["wmAnna"]
        talk = (await conversations.ensure(tx, "kf", "wkOne", [who], NOON))[who]
        new = [
            messages.NewMessage(
                conversation_id=talk.id,
                source="kf:wkOne",
                msgid=f"m{place}",
                author=Author.CUSTOMER,
                kind="text",
                sent_at=NOON,
                text=text,
            )
            for place, text in enumerate(texts)
        ]
        for message_id in await messages.add(tx, new, NOON):
            await turns.add_bubble(
                tx,
                conversation_id=talk.id,
                message_id=message_id,
                is_whole=True,
                sent_at=NOON,
                now=NOON,
                rules=RULES,
            )

    await store.write(record)


async def claim(store: Store, owner: str) -> list[Turn]:
    lease = timedelta(seconds=60)
    return await store.write(
        lambda tx: turns.claim_due(tx, now=NOON, wall=NOON, owner=owner, lease=lease, rules=RULES)
    )


async def test_two_workers_never_hold_two_turns_of_one_conversation(database_url: str, engine: str) -> None:
    stores = [await Store.open(database_url) for _ in range(2 if engine == "postgresql" else 1)]
    await speak(stores[0], ["第一问吗？", "第二问吗？", "第三问吗？"])

    decided = []
    while len(decided) < 3:
        claimed = await asyncio.gather(*(claim(store, f"worker{n}") for n, store in enumerate(stores)))
        held = [turn for turns_of_one in claimed for turn in turns_of_one]
        assert len(held) <= 1
        for turn in held:
            decided.append(turn.text)
            await stores[0].write(lambda tx, turn=turn: turns.finish(tx, turn, AnswerKind.ANSWER, NOON))

    for store in stores:
        await store.close()
    assert decided == ["第一问吗？", "第二问吗？", "第三问吗？"]


async def test_a_worker_that_lost_its_lease_cannot_end_the_turn(store: Store) -> None:
    await speak(store, ["提前还款要违约金吗？"])
    (lost,) = await claim(store, "dead")
    await store.write(lambda tx: turns.release(tx, wall=NOON + timedelta(minutes=5)))
    (held,) = await claim(store, "alive")

    assert not await store.write(lambda tx: turns.finish(tx, lost, AnswerKind.ANSWER, NOON))
    assert await store.write(lambda tx: turns.finish(tx, held, AnswerKind.ANSWER, NOON))

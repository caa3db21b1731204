"""A member asks a question in a group: who is told when, and words that cannot wait (docs/sop.md)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from store import groups, questions
from tests.weeks.valley import CO_OWNER, OWNER, SUPERVISOR, Valley, local, on_one_engine, valley


async def marked(v: Valley, chat: str, text: str, asker: str) -> int:
    """An advisor marks what a customer asked in the group."""

    async def mark(tx: Any) -> int:
        known = await groups.find(tx, chat)
        assert known is not None
        return await questions.mark(tx, text=text, by=OWNER, now=v.now, asker=asker, group_id=known.id)

    return int(await v.act(mark))


def asked_of(told: list[str]) -> int:
    return sum(1 for line in told if line.startswith("question"))


async def test_member_asks_a_question_advisor_co_owner_and_supervisor_are_told_in_turn(
    tmp_path: Path, database_url: str
) -> None:
    async with valley(tmp_path, database_url) as v:
        chat, _ = await v.open_group("有人提问的群")
        asker = next(one for one in v.world.corp.groups[chat].members if one not in v.world.members)
        await v.at(local("11-26 10:00"))
        number = await marked(v, chat, "提前还款要收违约金吗", asker)
        before = {who: asked_of(await v.told(who)) for who in (OWNER, CO_OWNER, SUPERVISOR)}

        told = {}
        for minute in (4, 6, 16, 31):
            await v.until(local(f"11-26 10:{minute:02}"))
            told[minute] = [
                asked_of(await v.told(who)) - before[who] for who in (OWNER, CO_OWNER, SUPERVISOR)
            ]
        assert told == {4: [0, 0, 0], 6: [1, 0, 0], 16: [1, 1, 0], 31: [1, 1, 1]}

        await v.act(lambda tx: questions.answer(tx, number, by=OWNER, now=v.now))
        await v.until(local("11-26 12:00"))
        assert asked_of(await v.told(SUPERVISOR)) - before[SUPERVISOR] == 1


@on_one_engine
async def test_complaint_words_reach_the_supervisor_at_once_and_open_a_case(
    tmp_path: Path, database_url: str
) -> None:
    async with valley(tmp_path, database_url) as v:
        chat, _ = await v.open_group("有人投诉的群")
        asker = next(one for one in v.world.corp.groups[chat].members if one not in v.world.members)
        await v.at(local("11-26 10:00"))
        before = await v.told(SUPERVISOR)

        number = await marked(v, chat, "我要投诉你们乱收费", asker)
        await v.until(local("11-26 10:01"))

        async with v.house.store.read() as tx:
            found = await questions.find(tx, number)
        assert found is not None
        assert found.case_id is not None
        assert len(await v.told(SUPERVISOR)) == len(before) + 1

"""Drafts in the store: proposed, written by one at a time, handed in, decided by somebody else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import FrozenClock
from domain.draft import DraftHow, DraftKind, DraftOrigin, DraftState
from store import content_drafts
from store.database import Store

KEY = "loan.new_one"


async def propose(store: Store, clock: FrozenClock, author: str, **body: Any) -> int:
    origin = DraftOrigin(how=DraftHow.GAP, asked=("能不能晚几天还",))
    return await store.write(
        lambda tx: content_drafts.propose(
            tx, DraftKind.FAQ, KEY, "能晚几天还吗", body, origin, author, clock.now()
        )
    )


async def test_what_others_propose_for_an_open_draft_is_kept_beside_it(
    store: Store, frozen_clock: FrozenClock
) -> None:
    first = await propose(store, frozen_clock, "wang", answer="可以申请。")
    again = await propose(store, frozen_clock, "wang", answer="可以在 App 里申请。")
    other = await propose(store, frozen_clock, "li", answer="请联系客服。")

    async with store.read() as tx:
        draft = await content_drafts.find(tx, first)
    assert draft is not None
    assert {first, again, other} == {draft.id}
    assert (draft.body, draft.revision) == ({"answer": "可以在 App 里申请。"}, 2)
    assert [(one.author, one.body) for one in draft.origin.proposals] == [("li", {"answer": "请联系客服。"})]
    assert (draft.origin.how, draft.origin.asked) == (DraftHow.GAP, ("能不能晚几天还",))


async def test_an_editor_who_saw_an_older_revision_overwrites_nothing(
    store: Store, frozen_clock: FrozenClock
) -> None:
    draft_id = await propose(store, frozen_clock, "wang", answer="一")

    async def save(tx: AsyncConnection, author: str, answer: str) -> bool:
        return await content_drafts.save(
            tx, draft_id, 1, title="t", body={"answer": answer}, author=author, now=frozen_clock.now()
        )

    first = await store.write(lambda tx: save(tx, "li", "二"))
    second = await store.write(lambda tx: save(tx, "zhao", "三"))

    async with store.read() as tx:
        draft = await content_drafts.find(tx, draft_id)
    assert draft is not None
    assert (first, second, draft.body["answer"]) == (True, False, "二")
    assert draft.writers == {"wang", "li"}


async def test_a_draft_goes_round_until_it_is_approved_and_then_makes_room(
    store: Store, frozen_clock: FrozenClock
) -> None:
    draft_id = await propose(store, frozen_clock, "wang", answer="一")
    now = frozen_clock.now() + timedelta(minutes=1)

    async def round_trip(tx: AsyncConnection) -> list[bool]:
        return [
            await content_drafts.give_back(tx, draft_id, 1, by="zhao", note="还没交", now=now),
            await content_drafts.submit(tx, draft_id, 1, now=now),
            await content_drafts.save(tx, draft_id, 2, title="", body={}, author="wang", now=now),
            await content_drafts.give_back(tx, draft_id, 2, by="zhao", note="缺依据", now=now),
            await content_drafts.submit(tx, draft_id, 3, now=now),
            await content_drafts.take_back(tx, draft_id, 4, now=now),
            await content_drafts.withdraw(tx, draft_id, 5, now=now),
            await content_drafts.submit(tx, draft_id, 6, now=now),
        ]

    done = await store.write(round_trip)
    new_id = await propose(store, frozen_clock, "li", answer="新的")

    assert done == [False, True, False, True, True, True, True, False]
    assert new_id != draft_id
    async with store.read() as tx:
        kinds = await content_drafts.count_by_state(tx)
        history = await content_drafts.list_of(tx, DraftKind.FAQ, KEY)
    assert (kinds[DraftState.WITHDRAWN], kinds[DraftState.DRAFT]) == (1, 1)
    assert [one.id for one in history] == [new_id, draft_id]
    assert history[1].note == "缺依据"

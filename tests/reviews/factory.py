"""Pages with people who may judge, and a case of the advisor `zhangsan`, whose finding nobody has decided yet."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from audit import reviewing
from bot.clock import FrozenClock
from domain.review import Review, ReviewKind, Verdict, finding_key
from store import findings, reviews
from store.database import Store
from store.reviews import NewReview
from tests.reviews.conftest import Case


async def open_review(store: Store, clock: FrozenClock, case: Case) -> Review:
    """Ask people about the red line of the case."""

    async def job(tx: AsyncConnection) -> Review:
        await reviewing.open_for_finding(tx, await findings.get(tx, case.red), clock.now())
        found = await reviews.find_by_key(tx, f"red:{case.red}")
        assert found is not None
        return found

    return await store.write(job)


async def open_whole(store: Store, clock: FrozenClock, case: Case) -> Review:
    """Ask people about the session as a whole, as a random sample does."""

    async def job(tx: AsyncConnection) -> Review:
        new = NewReview(
            key=f"plan:{case.session}",
            kind=ReviewKind.RANDOM,
            session_id=case.session,
            subject=case.talk.advisor,
            due_at=clock.now(),
        )
        await reviews.add(tx, [new], clock.now())
        found = await reviews.find_by_key(tx, new.key)
        assert found is not None
        return found

    return await store.write(job)


async def confirm(store: Store, clock: FrozenClock, case: Case, *, by: str = "lead") -> None:
    """Let somebody confirm the red line of the case."""
    one = await open_review(store, clock, case)
    said = {finding_key(case.red): Verdict.YES}
    refusal = await store.write(
        lambda tx: reviewing.decide(tx, one.id, said, by, "原话就是承诺", clock.now())
    )
    assert refusal is None

"""Sessions, findings, reviews and appeals of everybody around, for walking through the pages of the audit."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from audit import appealing
from bot.clock import FrozenClock
from domain.appeal import Actor, AppealPart
from domain.login import Role
from store import appeals, calibrations
from store.database import Store
from tests.reviews import factory
from tests.reviews.conftest import Case, hours, make_case

# Who has an audit of their own, and whose name no login bears.
JUDGED = (Role.SUPERVISOR, Role.OWNER, Role.ADVISOR)
OTHER = "wangwu"


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One person's session with a confirmed red line and an appeal about it."""

    case: Case
    appeal: int


@dataclass(frozen=True, kw_only=True)
class AuditScene:
    """`own`: by role; `review`: waits, about the session of `other`."""

    own: dict[str, Judged]
    other: Judged
    review: int
    calibration: int

    def filled(self, path: str, column: str, whose: str) -> str:
        """Return an address of the audit with ids in it: one's own where somebody has one and wants it."""
        mine = self.own.get(column, self.other) if whose == "own" else self.other
        ids = {
            "reviews": self.review,
            "appeals": mine.appeal if "/mine/" in path else self.other.appeal,
            "findings": mine.case.red,
            "sessions": mine.case.session,
            "calibration": self.calibration,
        }
        for name, number in ids.items():
            path = path.replace(f"/{name}/{{id}}", f"/{name}/{number}")
        return path.replace("{subject}", OTHER).replace("{id}", "0")


async def make_audit_scene(store: Store, clock: FrozenClock, names: dict[Role, str]) -> AuditScene:
    """Judge a session of everybody who has one, an hour ago."""
    cases = {
        role: await store.write(functools.partial(make_case, subject=names[role], customer=f"wm_of_{role}"))
        for role in JUDGED
    }
    other = await store.write(functools.partial(make_case, subject=OTHER, customer="wm_of_other"))
    clock.advance(timedelta(hours=1))
    own = {role.value: await _judged(store, clock, case, names[role]) for role, case in cases.items()}
    waiting = await store.write(functools.partial(make_case, subject=OTHER, customer="wm_waiting"))
    calibration = await store.write(
        lambda tx: calibrations.add(
            tx, name="x", guideline_version="r1", plan_id=0, by="boss", now=clock.now()
        )
    )
    return AuditScene(
        own=own,
        other=await _judged(store, clock, other, OTHER),
        review=(await factory.open_review(store, clock, waiting)).id,
        calibration=calibration,
    )


async def _judged(store: Store, clock: FrozenClock, case: Case, subject: str) -> Judged:
    await factory.confirm(store, clock, case, by="boss")
    at = appealing.company(hours())

    async def appeal(tx: AsyncConnection) -> int:
        actor = Actor(name=subject, part=AppealPart.ADVISOR)
        assert await appealing.submit(tx, case.red, actor, "不同意", at, clock.now()) is None
        (one,) = await appeals.list_of_finding(tx, case.red)
        return one.id

    return Judged(case=case, appeal=await store.write(appeal))

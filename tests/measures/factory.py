"""Stays for tests of figures; what a test does not care about is filled in."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from domain.groups import GroupMember, MemberKind
from domain.stays import EndKnown

START = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
_ids = itertools.count(1)


def at(hours: float) -> datetime:
    """Return the moment so many hours after the beginning."""
    return START + timedelta(hours=hours)


def stay(
    who: str,
    joined: float | None = 0,
    left: float | None = None,
    *,
    after: float | None = None,
    scene: str = "",
    kind: MemberKind = MemberKind.CUSTOMER,
    known: EndKnown | None = None,
    state: str = "",
    inviter: str = "",
) -> GroupMember:
    """Return a stay; times in hours. `after`: it ended after that and not later than `left`."""
    end = known or (EndKnown.BETWEEN if after is not None else EndKnown.EVENT)
    return GroupMember(
        id=next(_ids),
        group_id=1,
        member_platform_id=who,
        kind=kind,
        customer_id=None,
        joined_at=None if joined is None else at(joined),
        is_join_exact=True,
        join_scene="scanned",
        inviter_platform_id=inviter,
        state=state,
        quit_at=None if left is None else at(left),
        quit_after=None if after is None else at(after),
        quit_known=None if left is None else end,
        quit_scene=scene,
    )

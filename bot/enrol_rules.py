"""Enrols groups by the rules of content/sop/enrol.toml: a tick looks at groups that are in no template.

Groups are read page by page, in the order of their ids, then from the start again: however many meet no rule, each has
its turn. Only the enrolment itself is a write. The rules and the pilot's limits decide which groups enter; on which day
one opens is scheduler/enrolling.py's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection

from content import sop_enrol
from content.sop_enrol import EnrolmentRule, GroupFacts
from content.sop_shelf import Shelf
from domain.groups import Group
from domain.ports import Clock
from scheduler import enrolling
from scheduler.enrolling import EnrolmentWanted
from scheduler.walking import Walker
from store import dialect, enrolment_candidates
from store.database import Store

log = logging.getLogger(__name__)

# Groups read at once, and in one look at most: 100,000 groups are walked in ten looks of 40 ms.
_PAGE, _PAGES = 1_000, 10
# Groups whose people are read at once, and in one look at most.
_ASKED, _ASKED_MOST = 200, 1_000
# Groups enrolled in one transaction: on SQLite the doors wait as long as it lasts.
_ENROLLED = 50


class EnrolRules:
    """Run one per process; a group enters once, whoever comes first."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        shelf: Callable[[], Shelf],
        walker: Walker,
        *,
        pilot: frozenset[str],
        page: int = _PAGE,
        pages: int = _PAGES,
    ) -> None:
        self._store = store
        self._clock = clock
        self._shelf = shelf
        self._walker = walker
        self._pilot = pilot
        self._page = page
        self._pages = pages
        # The id of the group looked at last.
        self._after = 0

    async def look(self) -> None:
        """Enrol the groups of the next pages that a rule means; a tick."""
        rules = self._shelf().rules
        if not rules:
            return
        asked = made = 0
        for _ in range(self._pages):
            begun_at = self._after
            found = await self._next_page(rules)
            asked += len(found)
            made += await self._enrol_page(found)
            if self._after <= begun_at or asked >= _ASKED_MOST:
                break
        if made:
            self._walker.bell.ring()
            log.info("groups enrolled", extra={"action": "groups_enrolled", "count": made})

    async def _next_page(self, rules: Sequence[EnrolmentRule]) -> list[tuple[Group, list[EnrolmentRule]]]:
        """Return the groups of the next page with the rules that they may meet; move on behind it."""
        async with self._store.read() as tx:
            page = await enrolment_candidates.list_free(
                tx,
                after=self._after,
                most=self._page,
                owners=sop_enrol.owners_of(rules),
                chats=self._pilot or None,
            )
        self._after = page.last or 0
        named = (
            (group, sop_enrol.may_meet(rules, group.owner_platform_id, group.name)) for group in page.free
        )
        return [(group, possible) for group, possible in named if possible]

    async def _enrol_page(self, found: Sequence[tuple[Group, list[EnrolmentRule]]]) -> int:
        meant: list[tuple[Group, EnrolmentRule]] = []
        for begin in range(0, len(found), _ASKED):
            meant += await self._meant(found[begin : begin + _ASKED])
        made = 0
        for begin in range(0, len(meant), _ENROLLED):
            some = meant[begin : begin + _ENROLLED]
            made += await self._store.write(partial(self._enrol, meant=some))
        return made

    async def _meant(
        self, found: Sequence[tuple[Group, list[EnrolmentRule]]]
    ) -> list[tuple[Group, EnrolmentRule]]:
        """Return the groups that meet a rule, each with the first that it meets."""
        asked = [group.id for group, rules in found if any(map(sop_enrol.asks_people, rules))]
        people = {}
        if asked:
            async with self._store.read() as tx:
                people = await enrolment_candidates.list_people(tx, asked)
        meant = []
        for group, rules in found:
            there = people.get(group.id, [])
            facts = GroupFacts(
                owner=group.owner_platform_id,
                name=group.name,
                tags=sop_enrol.common_tags([one.tags for one in there]),
                join_states=frozenset(one.state for one in there if one.state),
                size=len(there),
            )
            rule = sop_enrol.find(rules, facts)
            if rule is not None and rule.template in self._shelf().sops.templates:
                meant.append((group, rule))
        return meant

    async def _enrol(self, tx: AsyncConnection, meant: Sequence[tuple[Group, EnrolmentRule]]) -> int:
        # A person, or another process, may have enrolled one of them meanwhile.
        ids = [group.id for group, _ in meant]
        await dialect.lock_subjects(tx, "group", ids)
        taken = await enrolment_candidates.list_enrolled(tx, ids)
        by_rule: dict[str, tuple[EnrolmentRule, list[Group]]] = {}
        for group, rule in meant:
            if group.id not in taken:
                by_rule.setdefault(rule.id, (rule, []))[1].append(group)
        made = 0
        for rule, some in by_rule.values():
            made += await self._enrol_by(tx, rule, some)
        return made

    async def _enrol_by(self, tx: AsyncConnection, rule: EnrolmentRule, some: Sequence[Group]) -> int:
        now = self._clock.now()
        version = await self._walker.version(tx, self._shelf().frozen[rule.template])
        today = now.astimezone(version.template.zone).date()
        opens_on = today.fromordinal(today.toordinal() + max(rule.opens_after_days, 1))
        wanted = [
            EnrolmentWanted(group_id=group.id, owner=group.owner_platform_id, opens_on=opens_on)
            for group in some
        ]
        rhythm = rule.rhythm or version.template.default_rhythm
        made = await enrolling.enrol_many(
            tx, version, rhythm, wanted, self._walker.calendar(), by=f"rule:{rule.id}", now=now
        )
        return len(made)

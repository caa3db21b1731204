"""Enrols groups by the rules of content/sop/enrol.toml: a tick looks at groups that are in no template.

The rules and the pilot's limits decide which; on which day one opens is scheduler/enrolling.py's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from sqlalchemy.ext.asyncio import AsyncConnection

from content import sop_enrol
from content.sop_enrol import EnrolmentRule, GroupFacts
from content.sop_shelf import Shelf
from domain.groups import Group
from domain.ports import Clock
from scheduler import enrolling
from scheduler.enrolling import EnrolmentWanted
from scheduler.walking import Walker
from store import enrolment_candidates
from store.database import Store

log = logging.getLogger(__name__)

_BATCH = 200


class EnrolRules:
    """Run one per process; a group enters once, whoever comes first."""

    def __init__(
        self, store: Store, clock: Clock, shelf: Callable[[], Shelf], walker: Walker, *, pilot: frozenset[str]
    ) -> None:
        self._store = store
        self._clock = clock
        self._shelf = shelf
        self._walker = walker
        self._pilot = pilot

    async def look(self) -> None:
        """Enrol the groups that a rule means; a tick."""
        rules = self._shelf().rules
        if not rules:
            return
        made = await self._store.write(lambda tx: self._enrol(tx, rules))
        if made:
            self._walker.bell.ring()
            log.info("groups enrolled", extra={"action": "groups_enrolled", "count": made})

    async def _enrol(self, tx: AsyncConnection, rules: tuple[EnrolmentRule, ...]) -> int:
        now = self._clock.now()
        found: dict[str, tuple[EnrolmentRule, list[EnrolmentWanted]]] = {}
        for group, facts in await self._candidates(tx):
            rule = sop_enrol.find(rules, facts)
            if rule is None:
                continue
            template = self._shelf().sops.templates.get(rule.template)
            if template is None:
                continue
            today = now.astimezone(template.zone).date()
            opens_on = today.fromordinal(today.toordinal() + max(rule.opens_after_days, 1))
            wanted = EnrolmentWanted(group_id=group.id, owner=group.owner_platform_id, opens_on=opens_on)
            found.setdefault(rule.id, (rule, []))[1].append(wanted)
        made = 0
        for rule, wanted_of_rule in found.values():
            version = await self._walker.version(tx, self._shelf().frozen[rule.template])
            rhythm = rule.rhythm or version.template.default_rhythm
            made += len(
                await enrolling.enrol_many(
                    tx,
                    version,
                    rhythm,
                    wanted_of_rule,
                    self._walker.calendar(),
                    by=f"rule:{rule.id}",
                    now=now,
                )
            )
        return made

    async def _candidates(self, tx: AsyncConnection) -> list[tuple[Group, GroupFacts]]:
        free = await enrolment_candidates.list_free(tx, _BATCH)
        facts = []
        for group in free:
            if self._pilot and group.chat_id not in self._pilot:
                continue
            people = await enrolment_candidates.list_people(tx, group.id)
            facts.append(
                (
                    group,
                    GroupFacts(
                        owner=group.owner_platform_id,
                        name=group.name,
                        tags=sop_enrol.common_tags([one.tags for one in people]),
                        join_states=frozenset(one.state for one in people if one.state),
                        size=len(people),
                    ),
                )
            )
        return facts

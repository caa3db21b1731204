"""Reconciliation: reads from the platform what events did not tell, told late, or told and lost.

Two kinds of work. **Lookups** are single subjects that somebody asked for (an event, a round): a group, a customer, an
advisor's customers; read a few at a time, by whichever process takes them. **Walks** are daily rounds over all there
is, one process at a time, resumed at their cursor; they read lists and leave the details to lookups. So after a walk
membership, owners and relations are right to the last member; what ended unseen carries the time between two sights.
Limits are kept by the client (pacing.py); a refused subject is left until the next walk.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.channels.wecom.contacts import Contacts
from bot.channels.wecom.external import External
from domain import errors
from domain.groups import GroupStatus
from domain.people import RelationSight, StaffSight
from domain.ports import Clock
from scheduler.ticker import Wakeup
from store import departments, groups, lookups, relations, staff, tags, walks
from store.database import Store
from store.lookups import Lookup, LookupKind
from store.walks import Walk

log = logging.getLogger(__name__)

# Subjects read at the same time per process.
_IN_HAND = 8
# Longer than the slowest subject takes: an advisor with ten thousand customers is a hundred calls.
_LEASE = timedelta(minutes=10)
_LONGEST_BACKOFF_SECONDS = 600.0
# The platform takes so many owners in one filter (WeCom doc 92120), and asks for a filter beyond 1,000 members.
_OWNERS = 100
_TOO_MANY_OWNERS = 81017
# The platform's own figures of groups: so many days in one call (WeCom doc 92133).
_DAYS = 30

WALKS = ("address_book", "customers", "groups", "group_days")


@dataclass(frozen=True, kw_only=True)
class DirectoryRules:
    """When the daily walks begin, by local time."""

    daily_at: time
    zone: ZoneInfo

    def due_since(self, now: datetime) -> datetime:
        """Return the latest time at which the daily walks should have begun."""
        local = now.astimezone(self.zone)
        begin = local.replace(hour=self.daily_at.hour, minute=self.daily_at.minute, second=0, microsecond=0)
        return begin if begin <= local else begin - timedelta(days=1)


class Directory:
    """Keeps people, customers and groups as the platform has them."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        contacts: Contacts,
        external: External,
        rules: DirectoryRules,
        *,
        owner: str,
    ) -> None:
        self._store = store
        self._clock = clock
        self._contacts = contacts
        self._external = external
        self._rules = rules
        self._owner = owner
        self._reading: set[asyncio.Task[None]] = set()
        self.bell = Wakeup()

    # --- lookups --------------------------------------------------------------------------------------------

    async def look_up_due(self) -> float | None:
        """Begin to read the subjects whose time has come; a step for ticker.run_loop."""
        room = _IN_HAND - len(self._reading)
        if room <= 0:
            return None
        now, wall = self._clock.now(), self._clock.wall()
        claimed = await self._store.write(
            lambda tx: lookups.claim_due(tx, now=now, wall=wall, owner=self._owner, lease=_LEASE, limit=room)
        )
        for held in claimed:
            task = asyncio.create_task(self._look_up(held), name=f"lookup-{held.kind}")
            self._reading.add(task)
            task.add_done_callback(self._looked_up)
        if claimed:
            return None
        async with self._store.read() as tx:
            due_at = await lookups.find_next_due(tx)
        return None if due_at is None else max((due_at - self._clock.now()).total_seconds(), 0.05)

    async def finish(self) -> None:
        """Wait for the subjects in hand."""
        if self._reading:
            await asyncio.wait(self._reading)

    def _looked_up(self, task: asyncio.Task[None]) -> None:
        self._reading.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("lookup broke", exc_info=task.exception(), extra={"action": "lookup_broke"})
        self.bell.ring()

    async def _look_up(self, held: Lookup) -> None:
        readers: dict[LookupKind, Callable[[Lookup], Awaitable[None]]] = {
            LookupKind.GROUP: self._read_group,
            LookupKind.CUSTOMER: self._read_customer,
            LookupKind.ADVISOR: self._read_advisor,
            LookupKind.STAFF: self._read_staff,
            LookupKind.DEPARTMENTS: self._read_departments,
            LookupKind.TAGS: self._read_tags,
            LookupKind.GROUP_DAYS: self._read_group_days,
        }
        try:
            await readers[held.kind](held)
        except errors.ChannelUnauthorised as error:
            await self._wait(held, timedelta(minutes=5), error)
        except errors.ChannelRefused as error:
            log.warning("lookup refused", extra=_words("lookup_refused", held, error))
            await self._store.write(lambda tx: lookups.drop(tx, held))
        except errors.ChannelBusy as error:
            await self._wait(held, error.retry_after, error)
        except errors.StoreUnavailable:
            raise
        except Exception as error:  # The subject must not stay claimed, whatever broke.
            if not isinstance(error, errors.ChannelError):
                log.exception("lookup failed", extra=_words("lookup_failed", held, error))
            await self._wait(held, timedelta(0), error)

    async def _wait(self, held: Lookup, least: timedelta, error: Exception) -> None:
        backoff = timedelta(seconds=min(2.0 ** min(held.attempt, 10), _LONGEST_BACKOFF_SECONDS))
        due_at = self._clock.now() + max(least, backoff)
        text = f"{type(error).__name__}: {error}"
        await self._store.write(lambda tx: lookups.postpone(tx, held, due_at, text))
        log.warning("lookup waits", extra=_words("lookup_waits", held, error))

    async def _settle(self, held: Lookup, record: Callable[[AsyncConnection], Awaitable[object]]) -> None:
        """Write what was read and settle the subject, unless somebody else has taken it meanwhile."""

        async def apply(tx: AsyncConnection) -> None:
            if await lookups.is_held(tx, held):
                await record(tx)
                await lookups.finish(tx, held)

        await self._store.write(apply)

    async def _read_group(self, held: Lookup) -> None:
        now = self._clock.now()
        sight = await self._external.group(held.subject)
        if sight is None:
            await self._settle(held, lambda tx: groups.set_dismissed(tx, held.subject, now, now))
        else:
            found = sight
            await self._settle(held, lambda tx: groups.record_sight(tx, found, now))

    async def _read_customer(self, held: Lookup) -> None:
        at = self._clock.now()
        sights = await self._external.followers_of(held.subject)
        await self._settle(held, lambda tx: relations.record_followers(tx, held.subject, sights, at, at))

    async def _read_advisor(self, held: Lookup) -> None:
        at, cursor = self._clock.now(), ""
        listed: set[str] = set()
        while True:
            page, cursor = await self._external.customers_of(held.subject, cursor)
            listed |= {one.customer_platform_id for one in page}
            record = partial(self._record_page, held=held, page=page, at=at)
            if not await self._store.write(record):
                return
            if not cursor:
                break
        await self._settle(held, lambda tx: relations.record_listed(tx, held.subject, listed, at, at))

    async def _record_page(
        self, tx: AsyncConnection, held: Lookup, page: Sequence[RelationSight], at: datetime
    ) -> bool:
        if not await lookups.is_held(tx, held):
            return False
        await relations.record_sights(tx, page, at, at)
        return True

    async def _read_staff(self, held: Lookup) -> None:
        at = self._clock.now()
        sight = await self._contacts.member(held.subject)

        async def record(tx: AsyncConnection) -> None:
            if sight is None:
                await staff.set_left(tx, [held.subject], at)
            else:
                await staff.record_sights(tx, [sight], at)

        await self._settle(held, record)

    async def _read_departments(self, held: Lookup) -> None:
        at = self._clock.now()
        found = await self._contacts.departments()
        await self._settle(held, lambda tx: departments.record_all(tx, found, at))

    async def _read_tags(self, held: Lookup) -> None:
        at = self._clock.now()
        found = await self._external.tags()
        await self._settle(held, lambda tx: tags.record_all(tx, found, at))

    async def _read_group_days(self, held: Lookup) -> None:
        at = self._clock.now()
        yesterday = at.astimezone(self._rules.zone).date() - timedelta(days=1)
        async with self._store.read() as tx:
            known = await groups.list_days(tx, held.subject)
        first = yesterday - timedelta(days=_DAYS - 1)
        if known:
            # The last known day once more: it may have been read before the platform had counted it.
            first = max(first, min(known[-1].day, yesterday))
        days = await self._external.group_days(held.subject, first, yesterday)
        await self._settle(held, lambda tx: groups.record_days(tx, days, at))

    # --- walks ----------------------------------------------------------------------------------------------

    async def walk_due(self) -> None:
        """Walk what is due; called by the ticker."""
        for name in WALKS:
            await self.walk(name)

    async def want_all(self) -> None:
        """Ask for every walk, whenever the last one was."""
        now = self._clock.now()
        for name in WALKS:
            await self._store.write(partial(walks.want, name=name, now=now))

    async def walk(self, name: str) -> bool:
        """Walk `name` to its end when it is due and nobody else does; say whether it got there."""
        now, wall = self._clock.now(), self._clock.wall()
        due_since = self._rules.due_since(now)
        held = await self._store.write(
            lambda tx: walks.begin(
                tx, name, due_since=due_since, now=now, wall=wall, owner=self._owner, lease=_LEASE
            )
        )
        if held is None:
            return False
        walkers: dict[str, Callable[[Walk], Awaitable[bool]]] = {
            "address_book": self._walk_address_book,
            "customers": self._walk_customers,
            "groups": self._walk_groups,
            "group_days": self._walk_group_days,
        }
        try:
            is_done = await walkers[name](held)
        except errors.ChannelError as error:
            text = f"{type(error).__name__}: {error}"
            await self._store.write(lambda tx: walks.pause(tx, held, text))
            log.warning("walk waits", extra={"action": "walk_waits", "walk": name, "error": text})
            return False
        if is_done:
            end = self._clock.now()
            await self._store.write(lambda tx: walks.finish(tx, held, end))
            log.info("walk done", extra={"action": "walk_done", "walk": name})
        self.bell.ring()
        return is_done

    async def _walk_address_book(self, held: Walk) -> bool:
        """Read departments, members, who may have customers, and tags; ask for those who were not shown."""
        at = self._clock.now()
        found = await self._contacts.departments()
        await self._store.write(lambda tx: departments.record_all(tx, found, at))
        done = int(held.cursor) if held.cursor.isdigit() else 0
        for department_id in sorted(one.platform_id for one in found if one.platform_id > done):
            asked_at = self._clock.now()
            members = await self._contacts.members(department_id)
            if not await self._go_on(held, str(department_id), _recording(members, asked_at)):
                return False
        advisors = await self._external.advisors()
        known_tags = await self._external.tags()

        async def record(tx: AsyncConnection) -> None:
            now = self._clock.now()
            await staff.set_advisors(tx, advisors, now)
            await tags.record_all(tx, known_tags, at)
            # Whoever was not shown may stand outside the departments the app sees, or may have left: ask.
            unseen = await staff.list_unseen(tx, held.started_at)
            await lookups.want(tx, LookupKind.STAFF, unseen, now=now, wait=timedelta(0))

        return await self._go_on(held, held.cursor, record)

    async def _walk_customers(self, held: Walk) -> bool:
        """Ask for the customers of every advisor."""
        advisors = await self._external.advisors()

        async def record(tx: AsyncConnection) -> None:
            now = self._clock.now()
            await staff.set_advisors(tx, advisors, now)
            await lookups.want(tx, LookupKind.ADVISOR, advisors, now=now, wait=timedelta(0))

        return await self._go_on(held, "", record)

    async def _walk_groups(self, held: Walk) -> bool:
        """List all groups and ask for each; those that are no longer listed too."""
        batch, _, cursor = held.cursor.partition(":")
        number = int(batch) if batch.isdigit() else 0
        if batch == "all" or not batch:
            try:
                return await self._list_groups(held, "all", [], cursor) and await self._ask_unlisted(held)
            except errors.ChannelRefused as error:
                if error.errcode != _TOO_MANY_OWNERS:
                    raise
                cursor = ""
        advisors = sorted(await self._external.advisors())
        filters = [advisors[start : start + _OWNERS] for start in range(0, len(advisors), _OWNERS)]
        for place, owners in enumerate(filters[number:], start=number):
            if not await self._list_groups(held, str(place), owners, cursor):
                return False
            cursor = ""
        return await self._ask_unlisted(held)

    async def _list_groups(self, held: Walk, batch: str, owners: Sequence[str], cursor: str) -> bool:
        while True:
            at = self._clock.now()
            page = await self._external.groups(cursor, owners)
            cursor = page.next_cursor

            if not await self._go_on(held, f"{batch}:{cursor}", _listing(page.statuses, at)):
                return False
            if not cursor:
                return True

    async def _ask_unlisted(self, held: Walk) -> bool:
        async def record(tx: AsyncConnection) -> None:
            unlisted = await groups.list_unlisted(tx, held.started_at)
            await lookups.want(tx, LookupKind.GROUP, unlisted, now=self._clock.now(), wait=timedelta(0))

        return await self._go_on(held, "all:", record)

    async def _walk_group_days(self, held: Walk) -> bool:
        """Ask for the platform's figures of every owner."""

        async def record(tx: AsyncConnection) -> None:
            owners = await groups.list_owners(tx)
            await lookups.want(tx, LookupKind.GROUP_DAYS, owners, now=self._clock.now(), wait=timedelta(0))

        return await self._go_on(held, "", record)

    async def _go_on(
        self, held: Walk, cursor: str, record: Callable[[AsyncConnection], Awaitable[None]]
    ) -> bool:
        """Write what was read together with how far the walk is; False when another process has taken it."""
        wall = self._clock.wall()

        async def apply(tx: AsyncConnection) -> bool:
            if not await walks.go_on(tx, held, cursor, wall=wall, lease=_LEASE):
                return False
            await record(tx)
            return True

        return await self._store.write(apply)


def _recording(members: Sequence[StaffSight], at: datetime) -> Callable[[AsyncConnection], Awaitable[None]]:
    async def record(tx: AsyncConnection) -> None:
        await staff.record_sights(tx, members, at)

    return record


def _listing(
    statuses: Mapping[str, GroupStatus], at: datetime
) -> Callable[[AsyncConnection], Awaitable[None]]:
    async def record(tx: AsyncConnection) -> None:
        await groups.record_listed(tx, statuses, at)
        await lookups.want(tx, LookupKind.GROUP, statuses, now=at, wait=timedelta(0))

    return record


def _words(action: str, held: Lookup, error: Exception) -> dict[str, str]:
    return {"action": action, "kind": held.kind, "subject": held.subject, "error": type(error).__name__}

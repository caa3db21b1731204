"""What an operator asks about people from the command line, whether the server runs or not."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial

from bot import app, config
from bot.directory import WALKS
from content import staff_files
from domain.people import acting_for
from store import staff, walks


@dataclass(frozen=True, kw_only=True)
class Member:
    """A line of `people list`. `acting`: the UserID of who does this member's work today."""

    id: str
    name: str
    team: str
    leader: str
    co_owner: str
    acting: str
    status: str


async def list_members(settings: config.Settings) -> tuple[list[Member], tuple[str, ...]]:
    """Return everybody as the records have them, and the mistakes of the company's own file."""
    mistakes: tuple[str, ...] = ()
    if settings.people.overrides is not None:
        read = await asyncio.to_thread(staff_files.load, settings.people.overrides)
        mistakes = read.mistakes
    async with app.opened(settings) as house:
        async with house.store.read() as tx:
            people = await staff.list_all(tx)
        day = house.clock.now().astimezone(settings.service.zone).date()
    members = [
        Member(
            id=one.platform_id,
            name=one.name,
            team=one.team,
            leader=one.leader_platform_id,
            co_owner=one.co_owner_platform_id,
            acting=acting_for(people, one.platform_id, day),
            status=one.status,
        )
        for one in people.values()
    ]
    return members, mistakes


async def want_refresh(settings: config.Settings) -> None:
    """Ask for every walk; a running server begins them within half a minute."""
    async with app.opened(settings) as house:
        now = house.clock.now()
        for name in WALKS:
            await house.store.write(partial(walks.want, name=name, now=now))

"""Puts the demo's groups into their first week, with the preparation before it done in the demo's name.

What owners and co-owners have to do is left to whoever tries the demo. Once: a group that is or was in the template
is left as it is.
"""

from __future__ import annotations

import tomllib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from content import readiness, sop_freezing
from domain.errors import ActRefused
from scheduler import acts, calendars, enrolling
from scheduler.enrolling import Version
from store import groups, sop_versions
from store.database import Store

FACTS = ("event_title", "teacher", "teacher_title")


async def ensure(store: Store, path: Path, now: datetime) -> bool:
    """Do what `path` (weeks.toml) says; False while groups or the template are not on record yet: ask again."""
    plan = tomllib.loads(path.read_text("utf-8"))
    return await store.write(lambda tx: _ensure(tx, plan, now))


async def _ensure(tx: AsyncConnection, plan: dict[str, Any], now: datetime) -> bool:
    stored = await sop_versions.list_of(tx, plan["template"], limit=1)
    found = {one["chat_id"]: await groups.find(tx, one["chat_id"]) for one in plan["week"]}
    if not stored or any(group is None or not group.owner_platform_id for group in found.values()):
        return False
    version = Version(id=stored[0].id, template=sop_freezing.load(stored[0].body))
    for one in plan["week"]:
        group = found[one["chat_id"]]
        assert group is not None
        await _enrol(tx, version, group.id, one, plan, now)
    return True


async def _enrol(
    tx: AsyncConnection,
    version: Version,
    group_id: int,
    week: dict[str, Any],
    plan: dict[str, Any],
    now: datetime,
) -> None:
    template, by = version.template, plan["by"]
    opens_on = now.astimezone(template.zone).date() + timedelta(days=week["opens_after_days"])
    facts = {name: week[name] for name in FACTS}
    try:
        made = await enrolling.enrol(
            tx,
            version,
            template.default_rhythm,
            group_id,
            opens_on,
            calendars.known(()),
            facts=facts,
            by=by,
            now=now,
        )
    except ActRefused:
        return  # It was enrolled at an earlier start.
    checklist = readiness.checklist_of(template)
    for point in readiness.points_of(checklist) if checklist else ():
        await acts.tick(tx, made.id, point=point.number, is_on=True, by=by, now=now)
    await acts.bind_welcome(tx, made.id, by=by, now=now)

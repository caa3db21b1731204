"""Red-line suspicions reach people at once: a review to be decided, and one notice a supervisor, advisor and hour.

A notice never quotes anybody: it goes to phones. More suspicions within the hour stand in the queue the notice opens.
"""

from __future__ import annotations

import functools
import hashlib
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from importlib import resources

from sqlalchemy.ext.asyncio import AsyncConnection

from audit import reviewing
from domain.attention import NewNotice, NoticeKind
from domain.audit import BOT, Finding, FindingState
from store import departments, notices, staff

QUEUE = "/console/audit/reviews"
_ROLE = "supervisor"
_KEY_LENGTH = 32


async def raise_alarms(tx: AsyncConnection, found: Iterable[Finding], now: datetime) -> int:
    """Open a review for every new red-line suspicion and tell the supervisors; return how many there are."""
    red = [one for one in found if one.is_red and one.state is FindingState.SUSPECTED]
    if not red:
        return 0
    for one in red:
        await reviewing.open_for_finding(tx, one, now)
    told = []
    subjects = sorted({one.subject for one in red})
    names = await staff.list_names(tx, subjects)
    for subject, supervisors in (await supervisors_of(tx, subjects)).items():
        told += [_notice(who, subject, names.get(subject, subject), now) for who in supervisors]
    await notices.add(tx, told, now)
    return len(red)


async def supervisors_of(tx: AsyncConnection, subjects: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """Return whom to tell of each person: the leader, else who leads the department, else whoever supervises.

    Never the person themselves. For the bot it is whoever supervises.
    """
    found: dict[str, tuple[str, ...]] = {}
    everybody: list[str] | None = None
    heads: Mapping[int, tuple[str, ...]] | None = None
    known = await staff.list_near(tx, [one for one in subjects if one != BOT])
    for subject in subjects:
        person = known.get(subject)
        leaders = [person.leader_platform_id] if person and person.leader_platform_id else []
        if person and not leaders and person.departments:
            if heads is None:
                heads = {one.platform_id: one.leaders for one in await departments.list_all(tx)}
            leaders = [name for number in person.departments for name in heads.get(number, ())]
        leaders = [name for name in leaders if name != subject]
        if not leaders:
            everybody = await staff.list_with_role(tx, _ROLE) if everybody is None else everybody
            leaders = [name for name in everybody if name != subject]
        found[subject] = tuple(dict.fromkeys(leaders))
    return found


def _notice(recipient: str, subject: str, name: str, now: datetime) -> NewNotice:
    hour = now.strftime("%Y%m%d%H")
    key = hashlib.sha256(f"{recipient}\x1f{subject}\x1f{hour}".encode()).hexdigest()[:_KEY_LENGTH]
    words = _words()
    about = words["bot"] if subject == BOT else name
    return NewNotice(
        key=f"audit-red-{key}",
        recipient=recipient,
        kind=NoticeKind.ALARM,
        title=words["red_title"].format(name=about),
        text=words["red_text"],
        url=QUEUE,
        is_exempt=True,
        due_at=now,
    )


@functools.cache
def _words() -> Mapping[str, str]:
    text = resources.files("content").joinpath("audit/notices.toml").read_text("utf-8")
    return {key: str(value) for key, value in tomllib.loads(text).items()}

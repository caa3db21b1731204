"""What advisors say the check was wrong about: compliance agrees or declines, and hands the agreed ones to the keeper.

Deciding lets nothing through: an agreed false alarm is mended in the rule (docs/compliance.md). Nobody decides about
words of their own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from console import alarm_access, people
from console.visit import Visit
from content.compliance import ComplianceRules, is_blocking
from domain.compliance import Speaker
from domain.verdict import AlarmState, FalseAlarm
from handlers import false_alarms as alarming
from store import false_alarms, logins
from store.paging import Place

PATH = "/console/false-alarms"
STATES = tuple(str(state) for state in AlarmState)
_PAGE, _EXPORTED = 30, 2000


@dataclass(frozen=True, kw_only=True)
class Row:
    """A false alarm as the page shows it. `pieces`: its text, True where a rule pointed at it."""

    alarm: FalseAlarm
    pieces: Sequence[tuple[str, bool]]
    is_mine: bool
    is_still_blocked: bool


async def show(visit: Visit) -> web.Response:
    """Show the false alarms of one state, newest first."""
    state = AlarmState(visit.choice("state", STATES))
    async with visit.ctx.store.read() as tx:
        found = await alarm_access.access_false_alarms(visit.viewer, tx, state, visit.place, _PAGE + 1)
        counts = await false_alarms.count(tx)
        names = await people.list_names(tx)
    shown = found[:_PAGE]
    still = await _still_blocked(visit, shown)
    own = visit.viewer.own_names
    last = shown[-1] if len(found) > _PAGE else None
    return visit.page(
        "false_alarms.html",
        rows=[
            Row(
                alarm=one,
                pieces=_pieces(one),
                is_mine=one.staff_platform_id in own,
                is_still_blocked=is_blocked,
            )
            for one, is_blocked in zip(shown, still, strict=True)
        ],
        state=state,
        counts_of=counts,
        people=names,
        next_place=Place(at=last.told_at, id=last.id) if last else None,
    )


async def decide(visit: Visit) -> web.Response:
    """Agree or decline; declining needs a word of why."""
    note, wanted = visit.said("note", 500), visit.said("as", 16)
    now = visit.ctx.clock.now()

    async def job(tx: AsyncConnection) -> str:
        alarm = await alarm_access.access_false_alarm(visit.viewer, tx, visit.number())
        if wanted not in (AlarmState.AGREED, AlarmState.DECLINED):
            return "alarm_decided"
        if alarm.staff_platform_id in visit.viewer.own_names:
            return "alarm_own"
        if wanted == AlarmState.DECLINED and not note:
            return "alarm_no_note"
        by = visit.viewer.name
        if not await alarming.decide(tx, alarm, AlarmState(wanted), by=by, note=note, now=now):
            return "alarm_decided"
        await logins.record_access(
            tx, actor=by, act=f"{wanted} false alarm", subject=f"false_alarm:{alarm.id}", now=now
        )
        return ""

    wrong = await visit.write(job)
    return visit.back(PATH, wrong=wrong) if wrong else visit.back(PATH, done=f"alarm_{wanted}")


async def export(visit: Visit) -> web.Response:
    """Hand the agreed false alarms to whoever keeps the rules, as TOML; written down."""
    now = visit.ctx.clock.now()
    async with visit.ctx.store.read() as tx:
        found = await alarm_access.access_false_alarms(visit.viewer, tx, AlarmState.AGREED, None, _EXPORTED)
    text = alarming.keepers_list(found, await _still_blocked(visit, found))
    await visit.write(
        lambda tx: logins.record_access(
            tx, actor=visit.viewer.name, act=f"exported {len(found)}", subject="false_alarms", now=now
        )
    )
    return web.Response(
        text=text,
        content_type="application/toml",
        headers={"Content-Disposition": 'attachment; filename="false_alarms.toml"'},
    )


async def _still_blocked(visit: Visit, alarms: Sequence[FalseAlarm]) -> list[bool]:
    """Return for each whether the rules in use still stop it."""
    rules = visit.ctx.knowledge().content.rules
    return await asyncio.to_thread(lambda: [_is_blocked(rules, one.text) for one in alarms])


def _is_blocked(rules: ComplianceRules, text: str) -> bool:
    return is_blocking(rules.check_text(text, Speaker.ADVISOR), Speaker.ADVISOR)


def _pieces(alarm: FalseAlarm) -> list[tuple[str, bool]]:
    """Return the text in pieces, with what the rules pointed at apart."""
    text, marked = alarm.text, [False] * len(alarm.text)
    for rule in alarm.rules:
        at = text.find(rule.said) if rule.said else -1
        for place in range(at, at + len(rule.said)) if at >= 0 else ():
            marked[place] = True
    pieces: list[tuple[str, bool]] = []
    for letter, is_marked in zip(text, marked, strict=True):
        if pieces and pieces[-1][1] is is_marked:
            pieces[-1] = (pieces[-1][0] + letter, is_marked)
        else:
            pieces.append((letter, is_marked))
    return pieces

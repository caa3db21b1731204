"""False alarms: an advisor says that the check was wrong, compliance agrees or declines, the rule's keeper gets a list.

Nothing is let through by it. An agreed false alarm is mended in the rule, with the text as one more `must_not_match`;
until then the same words stay blocked for everybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from content import card_words, pii
from domain.attention import NewNotice, NoticeKind
from domain.compliance import Problem
from domain.verdict import AlarmRule, AlarmState, FalseAlarm
from store import false_alarms, notices

PAGE = "/sidebar/"


def masked(text: str) -> str:
    """Return words as a false alarm keeps them, and as it is known by: without what a person is recognised by."""
    return pii.mask(text)


def rules_that_spoke(text: str, problems: Sequence[Problem]) -> tuple[AlarmRule, ...]:
    """Return the rules behind problems, with the words each pointed at, masked like the text."""
    return tuple(
        AlarmRule(
            rule_id=one.rule_id,
            label=one.label,
            severity=str(one.severity),
            said=masked(text[one.span[0] : one.span[1]]),
            message=one.message,
        )
        for one in problems
    )


async def decide(
    tx: AsyncConnection, alarm: FalseAlarm, state: AlarmState, *, by: str, note: str, now: datetime
) -> bool:
    """Record what compliance decided and let the advisor know; False when somebody had decided before."""
    if not await false_alarms.decide(tx, alarm.id, state, by=by, note=note, now=now):
        return False
    words = card_words.load().alarm
    notice = NewNotice(
        key=f"false_alarm:{alarm.id}:{now:%Y%m%d%H%M%S}",
        recipient=alarm.staff_platform_id,
        kind=NoticeKind.REPORT,
        title=words["title"],
        text=words[str(state)].format(note=note) if note else words[f"{state}_plain"],
        url=PAGE,
        due_at=now,
    )
    await notices.add(tx, [notice], now)
    return True


def keepers_list(alarms: Sequence[FalseAlarm], still_blocked: Sequence[bool]) -> str:
    """Return agreed false alarms as TOML, one [[false_alarm]] for each, for whoever keeps the rules.

    `still_blocked`: for each, whether the rules of today still stop the text.
    """
    parts = []
    for one, is_blocked in zip(alarms, still_blocked, strict=True):
        decided = one.decided_at.date().isoformat() if one.decided_at else one.told_at.date().isoformat()
        lines = [
            "[[false_alarm]]",
            f"id = {one.id}",
            f"rules = [{', '.join(_quoted(rule.rule_id) for rule in one.rules)}]",
            f"said = [{', '.join(_quoted(masked(rule.said)) for rule in one.rules)}]",
            f"text = {_quoted(masked(one.text))}",
            f"note = {_quoted(masked(one.note))}",
            f"decided_by = {_quoted(one.decided_by)}",
            f"decided_on = {decided}",
            f"rules_version = {_quoted(one.rules_version)}",
            f"is_still_blocked = {str(is_blocked).lower()}",
        ]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _quoted(text: str) -> str:
    """Return a TOML basic string."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return '"' + "".join(one if one.isprintable() else f"\\U{ord(one):08X}" for one in plain) + '"'

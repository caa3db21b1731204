"""How steps of a group SOP are said: the ladder, spans of time. For the pages, and for guanjia sop preview."""

from __future__ import annotations

from datetime import date, timedelta

from console.words import Words
from domain.sop import DeliveryCode, DeliveryPolicy, Rung, RungAct


def ladder(policy: DeliveryPolicy | None, delivery: DeliveryCode, words: Words) -> str:
    """Return the rungs of a step: "10分 卡片群主 → 20分 官方提醒"; "" for a step without a ladder."""
    if policy is None:
        return ""
    return " → ".join(rung(one, words) for one in rungs_of(policy, delivery))


def rungs_of(policy: DeliveryPolicy, delivery: DeliveryCode) -> list[Rung]:
    """Return the rungs that can be taken: the official reminder is there for mass sends only."""
    is_mass_send = delivery is DeliveryCode.MASS_SEND
    return [one for one in policy.rungs if is_mass_send or one.act is not RungAct.REMIND]


def rung(one: Rung, words: Words) -> str:
    """Return one rung: "30分 转交副手"."""
    role = words.label("sop_role", one.role) if one.role else ""
    return f"{short(one.after, words)} {words.label('sop_rung', one.act)}{role}"


def short(length: timedelta, words: Words) -> str:
    """Return a span in its unit: 10分, 4时, 2天."""
    minutes = int(length.total_seconds() // 60)
    if minutes < 60:
        return words.label("sop_span", "minutes").format(minutes)
    if minutes < 24 * 60:
        return words.label("sop_span", "hours").format(f"{minutes / 60:g}")
    return words.label("sop_span", "days").format(f"{minutes / 1440:g}")


def day_name(day: int) -> str:
    """Return a day counted from the opening day: D-3, D0, D+4."""
    return f"D{day:+d}" if day else "D0"


def weekday(day: date, words: Words) -> str:
    """Return the name of a day: 周一."""
    return words.label("weekday", day.weekday())

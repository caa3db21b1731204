"""Writes the talks of the two days before the demo began as tables of the sandbox's settings.

So the audit has something to judge at once: sessions of three advisors, one of whom promised what nobody may promise.
"""

from __future__ import annotations

import json
import tomllib
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

_ZONE = ZoneInfo("Asia/Shanghai")
_DAYS_AGO = (2, 1)
# What a script that may be told only once is on the other days.
_INSTEAD = "risk_good"


def tables(path: Path, begun: datetime) -> str:
    """Return [[talk]] tables for the plan in `path` (talks.toml). `begun`: when the demo's clock began."""
    plan = tomllib.loads(path.read_text("utf-8"))
    today = begun.astimezone(_ZONE).date()
    told: list[str] = []
    for days_ago in _DAYS_AGO:
        for one in plan["day"]:
            start = datetime.combine(today - timedelta(days=days_ago), time.fromisoformat(one["from"]), _ZONE)
            for place, name in enumerate(one["scripts"]):
                chosen = _INSTEAD if name in one.get("once", ()) and days_ago != _DAYS_AGO[0] else name
                at = start + timedelta(minutes=place * one["every_minutes"])
                number = len(told)
                hours_ago = (begun - at) / timedelta(hours=1)
                told.append(_table(plan["script"][chosen], one, _nickname(plan, number), number, hours_ago))
    return "\n".join(told)


def _nickname(plan: dict[str, Any], number: int) -> str:
    names, titles = plan["surnames"], plan["titles"]
    return f"{names[number % len(names)]}{titles[number % len(titles)]}"


def _table(script: dict[str, Any], day: dict[str, Any], nickname: str, number: int, hours_ago: float) -> str:
    lines = [line.replace("{name}", day["name"]) for line in script["lines"]]
    values: dict[str, object] = {
        "open_kfid": day["open_kfid"],
        "external_userid": f"wmPast{number:04d}",
        "nickname": nickname,
        "userid": day["userid"],
        "hours_ago": round(hours_ago, 4),
        "lines": lines,
    }
    rows = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
    return "\n".join(["[[talk]]", *rows, ""])

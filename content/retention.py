"""Loads content/retention.toml: how long which words have to be kept, and by which law."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domain.errors import ContentError
from domain.faq import Line
from domain.retention import Period, PeriodStart

_FILE = "retention.toml"
_KEYS = {"id", "line", "case_kinds", "months", "start", "is_duty", "what", "law", "note"}
_LINES = ("", *(line.value for line in Line))


@dataclass(frozen=True, kw_only=True)
class Retention:
    """The periods and the version of the file, which erasures name."""

    version: str
    periods: tuple[Period, ...]


def load(folder: Path | None = None) -> Retention:
    """Return the periods of the company's content folder, or those we ship. Raises ContentError with every mistake."""
    path = (
        folder / _FILE
        if folder is not None and (folder / _FILE).exists()
        else Path(__file__).with_name(_FILE)
    )
    try:
        said = tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ContentError([f"{path}: {error}"]) from error
    rows = said.get("period", [])
    problems = [problem for row in rows for problem in _check(path, row)]
    if not rows or not said.get("version"):
        problems.append(f"{path}: write a version and at least one [[period]]")
    if problems:
        raise ContentError(problems)
    return Retention(version=str(said["version"]), periods=tuple(_period(row) for row in rows))


def _check(path: Path, row: dict[str, Any]) -> list[str]:
    name = f"{path}: {row.get('id', '?')}"
    found = [f"{name}: unknown key {key}" for key in sorted(row.keys() - _KEYS)]
    found += [f"{name}: {key} is missing" for key in sorted(_KEYS - {"case_kinds", "note"} - row.keys())]
    if row.get("line", "") not in _LINES:
        found.append(f"{name}: line {row['line']!r} is none of {', '.join(_LINES)}")
    if row.get("start") not in set(PeriodStart):
        found.append(f"{name}: start {row.get('start')!r} is none of {', '.join(PeriodStart)}")
    if not isinstance(row.get("months"), int) or not 1 <= row["months"] <= 1200:
        found.append(f"{name}: months is a number from 1 to 1200")
    if row.get("is_duty") and not row.get("law"):
        found.append(f"{name}: a duty names its law")
    return found


def _period(row: dict[str, Any]) -> Period:
    return Period(
        id=str(row["id"]),
        line=str(row["line"]),
        case_kinds=tuple(row.get("case_kinds", ())),
        months=int(row["months"]),
        start=PeriodStart(row["start"]),
        is_duty=bool(row["is_duty"]),
        what=str(row["what"]),
        law=str(row["law"]),
        note=str(row.get("note", "")),
    )

"""What `guanjia check` finds: mistakes in the settings' surroundings, the content and the clock file.

Reads files only; whether the platform and the database answer is doctor.py's question.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from bot import config
from bot.config.table import SHIPPED_FOLDER
from content import compliance, loading, retention, sop_files, staff_files
from domain import errors
from scheduler import calendars


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One line of the report: an error stops the start, a warning does not."""

    is_error: bool
    text: str


def check(settings: config.Settings | None, today: date) -> list[Problem]:
    """Return everything that is wrong; without `settings` (they have mistakes themselves) the shipped content."""
    folder = settings.content.folder if settings else SHIPPED_FOLDER / "content"
    found = check_content(folder, today) + check_sops(folder, today) + check_retention(folder)
    if settings is not None:
        found += [Problem(is_error=False, text=text) for text in config.warnings(settings)]
        if settings.clock.file:
            found += check_clock_file(settings.clock.file)
        if settings.people.overrides:
            found += check_staff_file(settings.people.overrides)
    return found


def check_content(folder: Path, today: date) -> list[Problem]:
    """Return mistakes in the texts, and warnings about those that have expired or soon will."""
    if not folder.is_dir():
        text = f"content.folder: {folder} 不存在，请改正路径或恢复随附的内容。 (No such folder.)"
        return [Problem(is_error=True, text=text)]
    return [
        Problem(is_error=notice.level is loading.Level.ERROR, text=notice.text)
        for notice in loading.check(folder, today)
    ]


def check_staff_file(path: Path) -> list[Problem]:
    """Return mistakes in the company's own file about its staff: what can be read of it holds."""
    return [Problem(is_error=True, text=text) for text in staff_files.load(path).mistakes]


def check_sops(folder: Path, today: date) -> list[Problem]:
    """Return mistakes in the SOP templates, and warnings about words that soon expire or that no step uses."""
    try:
        rules = sop_files.load_rules(folder)
    except errors.ContentError:  # The wording rules have mistakes themselves, which check_content tells.
        rules = compliance.ComplianceRules([], {}, [])
    found = sop_files.load(folder, rules, today)
    years = calendars.missing_years(calendars.known(found.years), today) if found.templates else []
    unknown = [
        f"content/sop/calendar.toml: {year} 年的节假日还不知道，只按周末排。请升级 chinesecalendar，"
        f"或在这里写上这一年。 (The holidays of {year} are unknown.)"
        for year in years
    ]
    return [Problem(is_error=True, text=text) for text in found.mistakes] + [
        Problem(is_error=False, text=text) for text in (*found.warnings, *unknown)
    ]


def check_retention(folder: Path) -> list[Problem]:
    """Return mistakes in the periods of keeping, which stop the start."""
    try:
        retention.load(folder)
    except errors.ContentError as error:
        return [Problem(is_error=True, text=text) for text in error.problems]
    return []


def check_clock_file(path: Path) -> list[Problem]:
    """Return what is wrong with the shared clock file; a missing one means real time."""
    try:
        anchor = json.loads(path.read_text("utf-8"))
        numbers = [anchor[key] for key in ("real_at", "virtual_at", "rate")]
        if all(isinstance(number, (int, float)) for number in numbers) and numbers[2] >= 0:
            return []
    except FileNotFoundError:
        return [
            Problem(is_error=False, text=f"clock.file: {path} 不存在，按真实时间运行。 (Missing: real time.)")
        ]
    except (OSError, ValueError, KeyError, TypeError):
        pass  # Said below: whatever is wrong with it, the fix is the same.
    text = (
        f'clock.file: {path} 应为 {{"real_at": 秒, "virtual_at": 秒, "rate": 1.0}}，请删除或改正。 (Damaged.)'
    )
    return [Problem(is_error=True, text=text)]

"""The company's own file about its staff: team, co-owner, deputy, leave and registrations (setting people.overrides).

TOML with `[[staff]]` tables, or CSV as a spreadsheet saves it, with English or Chinese headings:

    [[staff]]
    id = "zhangsan"
    team = "一组"
    co_owner = "lisi"
    deputy = "wangwu"
    leave_from = 2026-12-01
    leave_until = 2026-12-05
    [[staff.registrations]]
    line = "insurance"
    number = "00000000000000000000000001"
    valid_until = 2028-06-30

A CSV has two columns for each line instead, the number (保险登记号) and the last day it holds (保险登记有效期).
A line that cannot be read is named with its fix and left out; the rest holds. A file that cannot be read is None,
so that what was known before stays.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from content import tables
from domain.compliance import Registration
from domain.faq import Line
from domain.people import StaffOverride

# The lines that have registrations; the service line needs none.
REGISTERED = (Line.INSURANCE, Line.WEALTH, Line.LOAN)

KEYS = ("id", "team", "co_owner", "deputy", "leave_from", "leave_until", "registrations")
REGISTRATION_KEYS = ("line", "number", "valid_until")
# Of a CSV: the number of a line and the last day of it.
_NUMBERS = {f"{line}_number": line for line in REGISTERED}
_ENDS = {f"{line}_until": line for line in REGISTERED}
_COLUMNS = (*(name for name in KEYS if name != "registrations"), *_NUMBERS, *_ENDS)
_HEADINGS = {
    "账号": "id",
    "小组": "team",
    "副群主": "co_owner",
    "代理人": "deputy",
    "请假开始": "leave_from",
    "请假结束": "leave_until",
    "保险登记号": "insurance_number",
    "保险登记有效期": "insurance_until",
    "理财登记号": "wealth_number",
    "理财登记有效期": "wealth_until",
    "贷款登记号": "loan_number",
    "贷款登记有效期": "loan_until",
}
_ID_LIMIT = 64


@dataclass(frozen=True, kw_only=True)
class StaffFile:
    """What a file says. `overrides` None: it could not be read at all."""

    overrides: tuple[StaffOverride, ...] | None
    mistakes: tuple[str, ...]


def load(path: Path) -> StaffFile:
    """Read a file; its name's ending decides whether it is CSV or TOML."""
    mistakes = tables.Mistakes()
    found = _load_csv(path, mistakes) if path.suffix.lower() == ".csv" else _load_toml(path, mistakes)
    if found is None:
        return StaffFile(overrides=None, mistakes=tuple(mistakes.texts))
    kept: dict[str, StaffOverride] = {}
    for table in found:
        before = len(mistakes.texts)
        override = _override(table)
        if override.platform_id in kept:
            table.wrong("is there twice; keep one of them", "id", "写了两次，请只留一处")
        if len(mistakes.texts) == before:
            kept[override.platform_id] = override
    return StaffFile(overrides=tuple(kept.values()), mistakes=tuple(mistakes.texts))


def _load_toml(path: Path, mistakes: tables.Mistakes) -> list[tables.Table] | None:
    return tables.load_tables(path, path.parent, ("staff",), mistakes)


def _load_csv(path: Path, mistakes: tables.Mistakes) -> list[tables.Table] | None:
    try:
        rows = list(csv.reader(io.StringIO(_decoded(path.read_bytes()), newline="")))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        mistakes.add(
            path.name,
            1,
            f"cannot be read ({error}); save it as CSV in UTF-8",
            "读不出来，请另存为 UTF-8 的 CSV",
        )
        return None
    if not rows:
        return []
    names = [_HEADINGS.get(cell.strip(), cell.strip().lower()) for cell in rows[0]]
    for name in names:
        if name not in _COLUMNS:
            mistakes.add(
                path.name,
                1,
                f"has an unknown column {name!r}{tables.nearest(name, _COLUMNS)}",
                f"表头 {name} 不认识，可用的是 {', '.join(_COLUMNS)}",
            )
    if "id" not in names:
        mistakes.add(path.name, 1, "has no column id; add the UserID", "缺少 id（账号）一列")
        return None
    return [
        _row(path, lineno, names, row, mistakes)
        for lineno, row in enumerate(rows[1:], start=2)
        if any(cell.strip() for cell in row)
    ]


def _decoded(content: bytes) -> str:
    """Spreadsheets in China save CSV in GB18030 unless told otherwise."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("gb18030")


def _row(
    path: Path, lineno: int, names: Sequence[str], row: Sequence[str], mistakes: tables.Mistakes
) -> tables.Table:
    values: dict[str, object] = {
        name: cell.strip()
        for name, cell in zip(names, row, strict=False)
        if cell.strip() and name in _COLUMNS
    }
    for name in ("leave_from", "leave_until", *_ENDS):
        if name in values:
            values[name] = _day(str(values[name])) or values[name]
    _gather_registrations(values)
    return tables.Table(
        name="staff",
        values=values,
        file=path.name,
        lineno=lineno,
        key_lines=_same_line(values, lineno),
        mistakes=mistakes,
    )


def _gather_registrations(values: dict[str, object]) -> None:
    """Put the columns of registrations together as TOML has them; what is missing in one is noted later."""
    held = []
    for number_key, line in _NUMBERS.items():
        number, until = values.pop(number_key, None), values.pop(f"{line}_until", None)
        if number is not None or until is not None:
            one: dict[str, object] = {"line": line, "number": number, "valid_until": until}
            held.append({key: value for key, value in one.items() if value is not None})
    if held:
        values["registrations"] = held


def _same_line(values: Mapping[str, object], lineno: int) -> dict[str, int]:
    return dict.fromkeys(values, lineno)


def _day(text: str) -> date | None:
    """Read a day as spreadsheets write it: 2026-12-01, 2026/12/1."""
    parts = text.replace("/", "-").replace(".", "-").split("-")
    try:
        year, month, day = (int(part) for part in parts)
        return date(year, month, day)
    except ValueError:
        return None


def _override(table: tables.Table) -> StaffOverride:
    table.check_keys(KEYS)
    platform_id = table.text("id")
    made = StaffOverride(
        platform_id=platform_id,
        team=table.text("team", optional=True),
        co_owner_platform_id=table.text("co_owner", optional=True),
        deputy_platform_id=table.text("deputy", optional=True),
        leave_from=table.day("leave_from", optional=True),
        leave_until=table.day("leave_until", optional=True),
        registrations=_registrations(table),
    )
    for key in ("id", "team", "co_owner", "deputy"):
        if len(str(table.values.get(key, ""))) > _ID_LIMIT:
            table.wrong(
                f"has {key} longer than {_ID_LIMIT}; shorten it", key, f"的 {key} 超过 {_ID_LIMIT} 个字"
            )
    for key, named in (("deputy", made.deputy_platform_id), ("co_owner", made.co_owner_platform_id)):
        if named and named == platform_id:
            table.wrong(f"is its own {key}; name somebody else", key, f"的 {key} 是自己，请写别人的账号")
    if made.leave_until is not None and made.leave_from is None and "leave_from" not in table.values:
        table.wrong(
            "has leave_until without leave_from; add the first day",
            "leave_until",
            "只有请假结束，请补上请假开始",
        )
    if made.leave_from and made.leave_until and made.leave_until < made.leave_from:
        table.wrong(
            "has a leave that ends before it begins; swap the days", "leave_until", "的请假结束早于开始"
        )
    return made


def _registrations(table: tables.Table) -> tuple[Registration, ...]:
    given = table.values.get("registrations", [])
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        table.wrong(
            "must have registrations as [[staff.registrations]] tables",
            "registrations",
            "的执业登记要写成 [[staff.registrations]]，里面有 line、number、valid_until",
        )
        return ()
    held: dict[tuple[Line, str], Registration] = {}
    for values in given:
        found = _registration(replace(table, values=values))
        if found is not None and (found.line, found.number) in held:
            table.wrong(
                f"has the registration {found.number} twice; keep one",
                "registrations",
                f"的登记号 {found.number} 写了两次，请只留一处",
            )
        elif found is not None:
            held[found.line, found.number] = found
    return tuple(held.values())


def _registration(table: tables.Table) -> Registration | None:
    """Return one registration; `table` holds its keys, at the place of the member it belongs to."""
    table.check_keys(REGISTRATION_KEYS)
    line, number, until = table.text("line"), table.text("number"), table.day("valid_until")
    if line and line not in REGISTERED:
        wanted = ", ".join(REGISTERED)
        table.wrong(
            f"has a registration for line {line!r}; write one of {wanted}",
            "line",
            f"的执业登记 line 只能是 {wanted}",
        )
        return None
    if len(number) > _ID_LIMIT:
        table.wrong(
            f"has a registration number longer than {_ID_LIMIT}; shorten it",
            "number",
            f"的登记号超过 {_ID_LIMIT} 个字",
        )
        return None
    if not line or not number or until is None:
        return None
    return Registration(line=Line(line), number=number, valid_until=until)

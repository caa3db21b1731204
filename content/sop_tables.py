"""Reading one key of an SOP table; whatever is wrong with it is noted with file, line and the way to write it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import timedelta
from enum import StrEnum
from typing import TypeVar

from content import sop_values, tables

_Choice = TypeVar("_Choice", bound=StrEnum)
_Value = TypeVar("_Value")


def choice(
    table: tables.Table,
    key: str,
    choices: type[_Choice],
    default: _Choice,
    *,
    required: bool = False,
    later: Collection[_Choice] = (),
) -> _Choice:
    """Return the member that a key names, `default` where it is missing or wrong.

    `later`: words of the data model that no code serves yet; they are refused by name.
    """
    said = table.text(key, optional=not required)
    return _member(table, key, said, choices, default, later) if said else default


def choices(
    table: tables.Table, key: str, members: type[_Choice], *, later: Collection[_Choice] = ()
) -> tuple[_Choice, ...]:
    """Return the members that a list names, those left out that are wrong."""
    found = [_member(table, key, said, members, None, later) for said in table.texts(key)]
    return tuple(member for member in found if member is not None)


def value(
    table: tables.Table, key: str, parse: Callable[[str], _Value], default: _Value, *, required: bool = False
) -> _Value:
    """Return what `parse` makes of a text, `default` where it is missing or wrong."""
    said = table.text(key, optional=not required)
    return _parsed(table, key, said, parse, default) if said else default


def values(table: tables.Table, key: str, parse: Callable[[str], _Value]) -> tuple[_Value, ...]:
    """Return what `parse` makes of each text of a list, those left out that are wrong."""
    found = [_parsed(table, key, said, parse, None) for said in table.texts(key)]
    return tuple(one for one in found if one is not None)


def duration(
    table: tables.Table, key: str, default: timedelta = timedelta(0), *, required: bool = False
) -> timedelta:
    """Return a duration such as "24h"."""
    return value(table, key, sop_values.parse_duration, default, required=required)


def number(table: tables.Table, key: str, default: int, *, least: int = 0) -> int:
    """Return a whole number from `least` on."""
    said = table.values.get(key, default)
    if isinstance(said, bool) or not isinstance(said, int) or said < least:
        table.wrong(
            f"has {key} = {said!r}; write a whole number from {least} on, without quotes",
            key,
            f"的 {key} 请写不小于 {least} 的整数，不加引号",
        )
        return default
    return said


def flag(table: tables.Table, key: str, default: bool) -> bool:
    """Return a truth value, `default` where it is missing."""
    return table.flag(key) if key in table.values else default


_Default = TypeVar("_Default")


def _member(
    table: tables.Table,
    key: str,
    said: str,
    members: type[_Choice],
    default: _Default,
    later: Collection[_Choice],
) -> _Choice | _Default:
    ready = [str(member.value) for member in members if member not in later]
    wanted = ", ".join(ready)
    if said in ready:
        return members(said)
    if said in {str(member.value) for member in later}:
        table.wrong(
            f"has {key} = {said!r}, which is not supported yet; write one of {wanted}",
            key,
            f"的 {key} = {said} 暂不支持，现在可以写 {wanted}",
        )
    else:
        hint = tables.nearest(said, ready)
        table.wrong(f"has {key} = {said!r}; write one of {wanted}{hint}", key, f"的 {key} 只能是 {wanted}")
    return default


def _parsed(
    table: tables.Table, key: str, said: str, parse: Callable[[str], _Value], default: _Default
) -> _Value | _Default:
    try:
        return parse(said)
    except ValueError as error:
        table.wrong(
            f"has {key} = {said!r}; write {error}", key, f"的 {key} = {said} 写法不对，请写成 {error}"
        )
    return default

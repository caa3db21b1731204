"""The settings table as text: config.example.toml, docs/configuration.md and the masked view."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from bot.config import reading
from bot.config.table import Settings

MASK = "********"

_EXAMPLE_HEAD = """\
# Guanjia settings. Copy to config.toml, fill in what is not commented out; all else shows its default.
# Generated from bot/config/table.py; the same list with environment variables: docs/configuration.md
# Each key also as environment variable: GUANJIA_ + upper-case path joined by __, e.g.
# GUANJIA_WECOM__RECEIVERS__KF__TOKEN. Instead of secret, token, aes_key and store.url a file may be named:
# with secret_file = "/run/secrets/kf_secret" and so on. Relative paths are relative to this file.
# Check with: guanjia check
"""

_DOCS_HEAD = """\
# Configuration

Generated from `bot/config/table.py` by `guanjia settings --write-docs`; do not edit by hand, a test compares.

The settings are read from the TOML file given with `--config` (or named by `GUANJIA_CONFIG`, or
`./config.toml`), then from environment variables: `GUANJIA_` and the upper-case path joined by two
underscores. Lists in variables are separated by commas, or by semicolons where an entry holds a comma. Keys
marked *secret* may be read from a file: add `_file` to the key or `_FILE` to the variable.
Relative paths are relative to the configuration file. Every mistake is reported at once and stops the start
with exit code 2; `guanjia check` reports without starting, `guanjia settings` prints what counts.
"""


def _sections(
    model: type[BaseModel] = Settings, at: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], type[BaseModel], str]]:
    """Yield path, section and help of each section; named ones once, under their first name."""
    for key, info in reading.fields_of(model).items():
        named = reading.named_section_of(info)
        section = reading.section_of(info)
        if section:
            yield (*at, key), section, _first_line(section)
            yield from _sections(section, (*at, key))
        elif named:
            name = named[1][0]
            others = ", ".join(named[1][1:])
            yield (*at, key, name), named[0], f"{_first_line(named[0])} Also: {others}."


def _first_line(section: type[BaseModel]) -> str:
    return (section.__doc__ or "").strip().splitlines()[0]


def _rows(section: type[BaseModel]) -> list[tuple[str, FieldInfo]]:
    return [
        (key, info)
        for key, info in reading.fields_of(section).items()
        if not reading.section_of(info) and not reading.named_section_of(info)
    ]


def _extra(info: FieldInfo, key: str) -> str:
    extra = info.json_schema_extra
    return str(extra.get(key, "")) if isinstance(extra, dict) else ""


def _toml(value: Any) -> str:
    """Return `value` as TOML; "" for None and for what has no default."""
    if value is None or value is PydanticUndefined:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"{value:g}" if isinstance(value, float) else str(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml(part) for part in value) + "]"
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return json.dumps(str(value), ensure_ascii=False)


def example() -> str:
    """Return the text of config.example.toml."""
    parts = [_EXAMPLE_HEAD]
    for path, section, help in _sections():
        rows = _rows(section)
        if not rows:
            continue
        needed = any(info.is_required() for _, info in rows) and path[:2] != ("company", "institutions")
        head = f"[{'.'.join(path)}]"
        lines = [*_comment(help), head if needed or path[0] != "company" or len(path) == 1 else f"# {head}"]
        for key, info in rows:
            lines += _example_row(key, info, commented=not (info.is_required() and needed))
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _example_row(key: str, info: FieldInfo, *, commented: bool) -> list[str]:
    unit, sample, default = _extra(info, "unit"), _extra(info, "sample"), _toml(info.default)
    help = (info.description or "") + (f" Unit: {unit}." if unit else "")
    if sample and default and info.default not in ("", ()):
        help += f" Default: {default}."
    value = '""' if not commented else (sample or default)
    return [*_comment(help), f"{'# ' if commented else ''}{key} = {value}"]


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, 100, initial_indent="# ", subsequent_indent="#   ", break_long_words=False)


def documentation() -> str:
    """Return the text of docs/configuration.md."""
    parts = [_DOCS_HEAD]
    for path, section, help in _sections():
        rows = _rows(section)
        if not rows:
            continue
        lines = [
            f"## [{'.'.join(path)}]",
            "",
            help,
            "",
            "| key | default | unit | variable | meaning |",
            "|---|---|---|---|---|",
        ]
        for key, info in rows:
            default = (
                "**required**"
                if info.is_required()
                else f"`{_toml(info.default)}`"
                if _toml(info.default)
                else "–"
            )
            secret = " *secret*" if reading.is_secret(info) else ""
            unit = _extra(info, "unit") or "–"
            name = reading.variable((*path, key))
            meaning = (info.description or "").replace("|", "\\|")
            lines.append(f"| `{key}`{secret} | {default} | {unit} | `{name}` | {meaning} |")
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def masked(settings: Settings) -> dict[str, Any]:
    """Return the effective settings as nested dicts of plain values, secrets and passwords replaced."""
    plain: dict[str, Any] = _plain(settings)
    return plain


def masked_text(settings: Settings) -> str:
    """Return the effective settings as TOML, secrets and passwords replaced; what is not set is left out."""
    return "\n".join(_toml_sections(masked(settings), ())).lstrip("\n") + "\n"


def _toml_sections(values: dict[str, Any], at: tuple[str, ...]) -> list[str]:
    own = [
        f"{key} = {_toml(value)}"
        for key, value in values.items()
        if not isinstance(value, dict) and value is not None
    ]
    lines = [f"\n[{'.'.join(at)}]", *own] if own else []
    for key, value in values.items():
        if isinstance(value, dict):
            lines += _toml_sections(value, (*at, key))
    return lines


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        keys = reading.fields_of(type(value))
        return {
            key: _plain(getattr(value, name))
            for key, name in zip(keys, type(value).model_fields, strict=True)
        }
    if isinstance(value, dict):
        return {key: _plain(below) for key, below in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, SecretStr):
        return MASK
    if isinstance(value, str):
        return re.sub(r"(://[^/@\s:]*):[^/@\s]*@", rf"\1:{MASK}@", value)
    if isinstance(value, (Path, datetime, date)):
        return str(value)
    return value

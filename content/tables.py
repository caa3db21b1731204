"""TOML tables that know the file and line they came from, and a list that gathers every mistake.

Used by the loaders of this package so that an author sees all mistakes at once, each with file, line and fix.
tomllib keeps no positions, so the n-th `[[name]]` header of the raw text is taken for the n-th table of that
name; nested tables are not used in our files.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

_HEADER = re.compile(r"^\s*\[\[\s*([A-Za-z_][\w-]*)\s*\]\]\s*(?:#.*)?$")
_KEY = re.compile(r"^\s*([A-Za-z_][\w-]*)\s*=")
_PLACE = re.compile(r"\(at line (\d+)")


@dataclass
class Mistakes:
    """Every mistake found so far, in the form "content/faq/loan.toml:123: what, and the fix".

    Each is told in Chinese with the English in brackets. `unread`: the parts of the content ("faq", "risk_lines")
    of which a file could not be read; what refers to them cannot be checked.
    """

    texts: list[str] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)

    def add(self, file: str, lineno: int, text: str, zh: str) -> None:
        """Note one mistake: `text` in English, `zh` in Chinese."""
        self.texts.append(f"{file}:{lineno}: {zh} ({text})")


@dataclass(frozen=True, kw_only=True)
class Table:
    """One `[[name]]` table of a file. `key_lines`: the line each key begins on."""

    name: str
    values: Mapping[str, object]
    file: str
    lineno: int
    key_lines: Mapping[str, int]
    mistakes: Mistakes

    @property
    def label(self) -> str:
        """The table's id as messages show it."""
        found = self.values.get("id")
        return found if isinstance(found, str) else f"[[{self.name}]]"

    def wrong(self, text: str, key: str, zh: str) -> None:
        """Note a mistake of this table, at the line of `key` when it has one; `text` and `zh` as in Mistakes.add."""
        self.mistakes.add(self.file, self.key_lines.get(key, self.lineno), text, f"{self.label} {zh}")

    def text(self, key: str, *, optional: bool = False) -> str:
        """Return a non-empty text, "" (and a noted mistake) when it is missing."""
        value = self.values.get(key)
        if isinstance(value, str) and value.strip():
            return value.strip()
        if value is None and optional:
            return ""
        if value is None or value == "":
            self.wrong(f'has no {key}; add {key} = "…"', key, f'缺少 {key}，请加上 {key} = "…"')
        else:
            self.wrong(
                f'has {key} = {value!r}, which is not a text; write {key} = "…"',
                key,
                f'的 {key} 不是文字，请写成 {key} = "…"',
            )
        return ""

    def texts(self, key: str, *, at_least: int = 0) -> tuple[str, ...]:
        """Return a list of texts, empty when it is missing."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(part, str) and part.strip() for part in value):
            self.wrong(
                f'must have {key} = ["…", "…"], a list of texts',
                key,
                f'的 {key} 要写成一组文字：{key} = ["…", "…"]',
            )
            return ()
        if len(value) < at_least:
            self.wrong(
                f"has {len(value)} {key}; write at least {at_least}",
                key,
                f"的 {key} 只有 {len(value)} 个，至少写 {at_least} 个",
            )
        return tuple(part.strip() for part in value)

    def day(self, key: str, *, optional: bool = False) -> date | None:
        """Return a TOML date, None (and a noted mistake unless optional) when it is missing."""
        value = self.values.get(key)
        if type(value) is date:
            return value
        if value is not None or not optional:
            said = "has no" if value is None else f"has {value!r} as"
            self.wrong(
                f"{said} {key}; write a date without quotes: {key} = 2026-11-21",
                key,
                f"的日期 {key} 没有写对，请不加引号地写成 {key} = 2026-11-21",
            )
        return None

    def flag(self, key: str) -> bool:
        """Return a truth value, False when it is missing."""
        value = self.values.get(key, False)
        if not isinstance(value, bool):
            self.wrong(f"has {key} = {value!r}; write true or false", key, f"的 {key} 请写 true 或 false")
            return False
        return value

    def check_keys(self, known: Iterable[str]) -> None:
        """Note every key that is not `known`, with the nearest known one."""
        allowed = sorted(known)
        for key in self.values:
            if key not in allowed:
                self.wrong(
                    f"has an unknown key {key!r}{nearest(key, allowed)}", key, f"里的 {key} 不认识，写错了吗"
                )


def nearest(word: str, known: Iterable[str]) -> str:
    """Return "; did you mean 'x'?" for the known word most like `word`, or ""."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


def load_tables(path: Path, root: Path, names: tuple[str, ...], mistakes: Mistakes) -> list[Table] | None:
    """Return every `[[name]]` table of a file, in file order, None when the file could not be read.

    `root`: the folder messages are relative to. An unreadable or malformed file, or a table that is not among
    `names`, becomes a mistake.
    """
    file = path.relative_to(root).as_posix()
    try:
        raw = path.read_text(encoding="utf-8")
        parsed = tomllib.loads(raw)
    except (OSError, UnicodeDecodeError) as error:
        mistakes.add(
            file, 1, f"cannot be read ({error}); save it as UTF-8 text", "读不出来，请另存为 UTF-8 文本"
        )
        return None
    except tomllib.TOMLDecodeError as error:
        place = _PLACE.search(str(error))
        lineno = int(place[1]) if place else 1
        mistakes.add(
            file, lineno, f"is not TOML: {error}", "这一行附近的格式不对，常见的是漏了引号、逗号或括号"
        )
        return None
    for key in parsed:
        if key not in names:
            mistakes.add(file, 1, f"has an unknown part {key!r}{nearest(key, names)}", f"里的 {key} 不认识")
    return _placed(raw, parsed, file, names, mistakes)


def _placed(
    raw: str, parsed: Mapping[str, object], file: str, names: tuple[str, ...], mistakes: Mistakes
) -> list[Table]:
    seen: dict[str, int] = {}
    tables: list[Table] = []
    for name, lineno, key_lines in _blocks(raw):
        index = seen.get(name, 0)
        seen[name] = index + 1
        group = parsed.get(name)
        if name in names and isinstance(group, list) and index < len(group):
            tables.append(
                Table(
                    name=name,
                    values=group[index],
                    file=file,
                    lineno=lineno,
                    key_lines=key_lines,
                    mistakes=mistakes,
                )
            )
    return tables


def _blocks(raw: str) -> list[tuple[str, int, dict[str, int]]]:
    blocks: list[tuple[str, int, dict[str, int]]] = []
    for lineno, line in enumerate(raw.splitlines(), start=1):
        header = _HEADER.match(line)
        if header:
            blocks.append((header[1], lineno, {}))
            continue
        key = _KEY.match(line)
        if key and blocks:
            blocks[-1][2].setdefault(key[1], lineno)
    return blocks

"""Texts of the console's editor as they would stand in a file: record ↔ body ↔ TOML.

Pure. A body is one `[[faq]]`, `[[reply]]` or `[[quick]]` table as JSON: the keys of the file, dates as ISO texts, what
is empty left out. One text has one body, so that a text which was written here, exported and put into a file is known
for the same version. Comments are no part of it. What is wrong with a body: content/draft_checks.py.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, TypeAlias

from pydantic import TypeAdapter

from content import faq_files, own_files, quick_files, reply_files
from domain.draft import DraftKind
from domain.faq import Faq
from domain.quick import QuickPhrase
from domain.replies import FixedReply

Body: TypeAlias = Mapping[str, Any]
Record: TypeAlias = Faq | FixedReply | QuickPhrase

# In the order a person reads them.
_FAQ_ORDER = (
    "id", "line", "source_id", "scope", "question", "asks", "keywords", "short", "answer", "calculation", "computed",
    "risk_lines", "handover", "handover_at_once", "follow_ups", "source", "reviewer", "reviewed_on", "valid_from",
    "valid_until", "fact_valid_until", "lapsed",
)  # fmt: skip
_QUICK_ORDER = (
    "id", "line", "scope", "title", "text", "asks", "signals", "keywords", "risk_lines", "source", "reviewer",
    "reviewed_on", "valid_from", "valid_until",
)  # fmt: skip
ORDER: Mapping[DraftKind, Sequence[str]] = {
    DraftKind.FAQ: _FAQ_ORDER,
    DraftKind.REPLY: ("id", "text", "menu", "tail"),
    DraftKind.QUICK: _QUICK_ORDER,
}
KEYS: Mapping[DraftKind, frozenset[str]] = {
    DraftKind.FAQ: faq_files.KEYS,
    DraftKind.REPLY: reply_files.KEYS,
    DraftKind.QUICK: quick_files.KEYS,
}
DAYS = frozenset({"reviewed_on", "valid_from", "valid_until", "fact_valid_until"})
LISTS = frozenset({"asks", "keywords", "risk_lines", "handover", "follow_ups", "signals", "menu"})
# Who approved a text and when is decided by the approval, not by who writes it.
BY_APPROVAL = frozenset({"reviewer", "reviewed_on"})
_MOST_TABLES = 200
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def body_of(record: Record) -> dict[str, Any]:
    """Return the body of a text that is served; an answer as it was written, before the company's texts were put in."""
    kind = kind_of(record)
    if isinstance(record, FixedReply):
        menu = [{"id": one.id, "text": one.text} for one in record.menu]
        return canonical(kind, {"id": record.id, "text": record.text, "menu": menu, "tail": record.tail})
    body = {key: getattr(record, key) for key in ORDER[kind]}
    if isinstance(record, Faq):
        body["answer"] = own_files.source_of(record)
    return canonical(kind, body)


def kind_of(record: Record) -> DraftKind:
    """Return what a text is."""
    if isinstance(record, FixedReply):
        return DraftKind.REPLY
    return DraftKind.FAQ if isinstance(record, Faq) else DraftKind.QUICK


_RECORDS: Mapping[DraftKind, TypeAdapter[Any]] = {
    DraftKind.FAQ: TypeAdapter(Faq),
    DraftKind.REPLY: TypeAdapter(FixedReply),
    DraftKind.QUICK: TypeAdapter(QuickPhrase),
}


def record_of_version(kind: DraftKind, body: Body) -> Record:
    """Return the text that a stored version holds."""
    record: Record = _RECORDS[kind].validate_python(body)
    return record


def version_body(record: Record) -> dict[str, Any]:
    """Return a text as a content version keeps it (bot/library.py reads it back)."""
    body: dict[str, Any] = _RECORDS[kind_of(record)].dump_python(record, mode="json")
    if "slots" in body:
        body["slots"] = sorted(body["slots"])
    return body


def canonical(kind: DraftKind, body: Body) -> dict[str, Any]:
    """Return the one form of a body: known keys in their order, texts trimmed, what is empty left out."""
    order = ORDER.get(kind)
    if order is None:
        return dict(body)
    plain = {key: _plain(body.get(key)) for key in (*order, *sorted(set(body) - set(order)))}
    return {key: value for key, value in plain.items() if value not in ("", [], None, False)}


def _plain(value: object) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, str):
        return _CONTROL.sub("", value.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [part for part in map(_plain, value) if part not in ("", {})]
    return str(value)


def words_of(kind: DraftKind, body: Body) -> dict[str, Any]:
    """Return what of a body a reader or the matcher sees: without the name and day of its approval."""
    return {key: value for key, value in canonical(kind, body).items() if key not in BY_APPROVAL}


def typed(body: Body) -> dict[str, object]:
    """Return a body as a file's table holds it: dates as dates; one that cannot be read stays a text."""
    return {key: _day(value) if key in DAYS else value for key, value in body.items()}


def _day(value: object) -> object:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return value


def title_of(kind: DraftKind, body: Body) -> str:
    """Return what a list shows of a body."""
    keys = {DraftKind.FAQ: ("question", "id"), DraftKind.QUICK: ("title", "id")}.get(
        kind, ("title", "text", "id")
    )
    return next((str(body[key]) for key in keys if body.get(key)), "").split("\n")[0]


# --- TOML ---------------------------------------------------------------------------------------------------


def dump(texts: Iterable[tuple[DraftKind, Body]]) -> str:
    """Return texts as a file of tables; `load` reads back the same bodies."""
    return "\n".join(_table(kind, canonical(kind, body)) for kind, body in texts)


def _table(kind: DraftKind, body: Body) -> str:
    lines = [f"[[{kind}]]"]
    for key, value in body.items():
        lines.append(f"{key} = {_written(key, value)}")
    return "\n".join(lines) + "\n"


def _written(key: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if key in DAYS and isinstance(_day(value), date):
        return str(value)
    if isinstance(value, Mapping):
        inner = ", ".join(f"{name} = {_quoted(str(part))}" for name, part in value.items())
        return f"{{{inner}}}"
    if isinstance(value, list):
        parts = [_written("", part) if isinstance(part, Mapping) else _quoted(str(part)) for part in value]
        short = f"[{', '.join(parts)}]"
        return short if len(short) <= 100 else "[\n" + "".join(f"  {part},\n" for part in parts) + "]"
    text = str(value)
    return _block(text) if "\n" in text else _quoted(text)


def _quoted(text: str) -> str:
    plain = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{plain}"'


def _block(text: str) -> str:
    plain = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    if plain.endswith('"'):
        plain = plain[:-1] + '\\"'
    return f'"""\n{plain}"""'


def load(text: str) -> tuple[list[tuple[DraftKind, dict[str, Any]]], list[str]]:
    """Return the texts of a TOML file and what could not be read of it, in Chinese; at most 200 tables.

    An id that is too long is refused here: a draft is kept under it.
    """
    try:
        parsed = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return [], [f"读不懂这个文件：{error}"]
    found: list[tuple[DraftKind, dict[str, Any]]] = []
    wrong = []
    for name, group in parsed.items():
        kind = next((kind for kind in ORDER if kind == name), None)
        if kind is None or not isinstance(group, list):
            wrong.append(f"里面的 {name} 不认识；可以导入 [[faq]]、[[reply]]、[[quick]]")
            continue
        found += [(kind, canonical(kind, one)) for one in group if isinstance(one, dict)]
    for _, body in found:
        if len(text_id := str(body.get("id", ""))) > faq_files.LIMIT_ID:
            wrong.append(f"id 太长，最多 {faq_files.LIMIT_ID} 个字符：{text_id[: faq_files.LIMIT_ID]}…")
    if len(found) > _MOST_TABLES:
        return [], [f"一次最多导入 {_MOST_TABLES} 条，这里有 {len(found)} 条"]
    return found, wrong

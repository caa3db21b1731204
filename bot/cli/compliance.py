"""Commands of the wording check: compliance scan, the door for measuring it from outside."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from bot.cli import json_lines, options
from domain.compliance import Speaker
from domain.errors import ContentError

if TYPE_CHECKING:
    from content.compliance import ComplianceRules

_TELL_EVERY = 50_000  # Lines after which a big file tells how far it is.
_ROLE = re.compile(r"(?:^|[;,\s])role\s*=\s*([^;,\s]+)")


def register(app: typer.Typer) -> None:
    group = typer.Typer(
        help="合规用语检查。 (The wording check.)", no_args_is_help=True, rich_markup_mode=None
    )
    # A callback keeps the name `scan` although it is the only command so far.
    group.callback()(lambda: None)
    group.command("scan")(scan)
    app.add_typer(group, name="compliance")


def scan(
    lines: Annotated[Path, typer.Option("--in", help="每行一条消息的 JSONL 文件")],
    out: Annotated[Path, typer.Option("--out", help="结果写到哪个文件，每行一条，次序不变")],
    config: options.Config = None,
) -> None:
    """检查文件里每条消息有没有 22 类违规话。 (Scan the messages of a file.)

    每行 {"text", "role"}，role 是 advisor、bot、group 或 customer，也可以写在 note 里（role=advisor; …）。
    结果每行 {"flagged", "labels", "spans", "rules"}。
    """
    options.quieten()
    rules = _rules(config)
    began = perf_counter()
    # What is no UTF-8 comes as halves of surrogate pairs, so that json_lines can name its line.
    with (
        lines.open(encoding="utf-8-sig", errors="surrogateescape") as read,
        out.open("w", encoding="utf-8") as written,
    ):
        count = _scan(rules, read, written, lines.name)
    seconds = max(perf_counter() - began, 1e-9)
    print(
        f"查完 {count} 条，{seconds:.2f} 秒，每秒 {count / seconds:,.0f} 条；规则版本 {rules.version}，写在 {out}。"
    )


def _rules(config: Path | None) -> ComplianceRules:
    from bot.config.table import SHIPPED_FOLDER
    from content import sop_files

    if options.is_configured(config):
        settings = options.load_settings(config)
        options.quieten()
        return sop_files.load_rules(settings.content.folder)
    return sop_files.load_rules(SHIPPED_FOLDER / "content")


def _scan(rules: ComplianceRules, read: TextIO, written: TextIO, file: str) -> int:
    count = 0
    for text, role in _messages(read, file):
        json.dump(result_of(rules, text, role), written, ensure_ascii=False)
        written.write("\n")
        count += 1
        if count % _TELL_EVERY == 0:
            print(f"已查 {count} 条…", file=sys.stderr)
    return count


def result_of(rules: ComplianceRules, text: str, role: Speaker) -> dict[str, object]:
    """Return one line of the result: the 22 labels only, red lines only; missing disclosures are no part of it."""
    from content import compliance

    problems = [problem for problem in rules.check_text(text, role) if compliance.is_red_line(problem)]
    return {
        "flagged": bool(problems),
        "labels": sorted({problem.label for problem in problems}),
        "spans": [list(problem.span) for problem in problems],
        "rules": [problem.rule_id for problem in problems],
    }


def _messages(read: Iterable[str], file: str) -> Iterator[tuple[str, Speaker]]:
    for number, line in enumerate(read, start=1):
        if line.strip():
            yield _message(line, f"{file}:{number}")


def _message(line: str, place: str) -> tuple[str, Speaker]:
    found = json_lines.load(line, place)
    if not isinstance(found.get("text"), str):
        raise ContentError([f'{place}: 缺少文字 "text"。 (Has no text.)'])
    role = found.get("role")
    if role is None:
        noted = _ROLE.search(str(found.get("note", "")))
        role = noted[1] if noted else None
    if role not in list(Speaker):
        known = "、".join(member.value for member in Speaker)
        said = "没有写 role" if role is None else f"role 是 {role!r}"
        raise ContentError([f"{place}: {said}，请写 {known} 之一。 (Unknown role.)"])
    return json_lines.clean(found["text"]), Speaker(role)

"""Commands for the texts: content approve, content list."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.cli import options

Ids = Annotated[
    list[str] | None,
    typer.Argument(
        help="条目编号，如 loan.prepay；流程里的话写 sop:finance_week1/opening，整个流程写 sop:finance_week1",
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="内容的审批与清单。 (Texts.)", no_args_is_help=True, rich_markup_mode=None)
    group.command("approve")(approve)
    group.command("list")(list_entries)
    app.add_typer(group, name="content")


def approve(
    by: options.By,
    ids: Ids = None,
    everything: Annotated[bool, typer.Option("--all", help="审批全部条目、话术和流程")] = False,
    note: Annotated[str, typer.Option(help="审批意见")] = "",
    config: options.Config = None,
) -> None:
    """由公司指定人员审批内容，之后才会对客户使用。 (Approve texts by name.)"""
    approve_texts(ids, everything, by=by, note=note, config=config)


def approve_texts(
    ids: list[str] | None,
    everything: bool,
    *,
    by: str,
    note: str,
    config: Path | None,
    kind: str = "",
) -> None:
    """Approve these texts, or all (of `kind`: "faq", "reply" or "sop"), and tell what changed."""
    if bool(ids) == everything:
        raise typer.BadParameter("请写出条目编号，或用 --all，二者选一。 (Give ids or --all.)")
    settings = options.load_settings(config)
    options.quieten()
    from bot import operations

    result = options.run(operations.approve(settings, ids or None, by=by, note=note, kind=kind))
    for entry in result.approved:
        print(f"已审批 {entry}（{by}）")
    for entry in result.unchanged:
        print(f"早已审批 {entry}")
    for entry in result.unknown:
        print(f"没有这个条目 {entry}，用 guanjia content list 查看")
    raise typer.Exit(1 if result.unknown else 0)


def list_entries(config: options.Config = None) -> None:
    """列出条目、有效期和审批情况。 (List the entries.)"""
    from rich.table import Table

    from bot import operations

    settings = options.load_settings(config)
    options.quieten()
    table = Table()
    for head in ("条目", "问题", "范围", "有效至", "审批"):
        table.add_column(head, overflow="fold")
    for row in options.run(operations.list_entries(settings)):
        table.add_row(row.id, row.question, row.scope, row.valid_until, row.approved_by or "未审批")
    options.console().print(table)

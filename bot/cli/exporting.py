"""The command that hands conversations out: export."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from bot.cli import options


def register(app: typer.Typer) -> None:
    export = typer.Typer(
        help="导出会话，可交给律师。 (Exports.)", no_args_is_help=True, rich_markup_mode=None
    )
    export.callback()(lambda: None)
    export.command("conversations")(conversations)
    app.add_typer(export, name="export")


def conversations(
    out: Annotated[Path, typer.Option("--out", help="写入哪个文件")],
    by: options.By,
    customer: Annotated[str, typer.Option("--customer", help="客户的 external_userid")] = "",
    advisor: Annotated[str, typer.Option("--advisor", help="顾问的 UserID")] = "",
    decisions: Annotated[
        bool, typer.Option("--decisions", help="只导出关于该顾问的质检发现，供本人查阅")
    ] = False,
    since: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="从哪天起", show_default=False)
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option("--until", formats=["%Y-%m-%d"], help="到哪天为止，不含", show_default=False),
    ] = None,
    format_: Annotated[str, typer.Option("--format", help="html、xlsx 或 csv")] = "html",
    full: Annotated[bool, typer.Option("--full", help="不遮盖证件号、银行卡号、手机号")] = False,
    force: Annotated[bool, typer.Option("--force", help="文件已存在时覆盖")] = False,
    config: options.Config = None,
) -> None:
    """导出一位客户或一名顾问的会话，含撤回、质检、申诉、审批、送达和存证。 (Export conversations.)"""
    from bot import handing_out
    from bot.cli.proof import Bar
    from console import exporting
    from domain.errors import ConfigError

    settings = options.load_settings(config)
    options.quieten()
    if bool(customer) == bool(advisor) or (decisions and not advisor):
        raise ConfigError(
            ["--customer 和 --advisor 写一个；--decisions 只用于 --advisor。 (Name one of the two.)"]
        )
    if format_ not in exporting.FORMATS:
        raise ConfigError([f"--format {format_}: 只能是 {'、'.join(exporting.FORMATS)}。"])
    if out.exists() and not force:
        raise ConfigError([f"{out} 已存在，请换个名字或加 --force。 (Exists already.)"])
    with Bar("导出消息") as progress:
        cover = options.run(
            handing_out.export(
                settings,
                out,
                format_,
                customer=customer,
                advisor=advisor,
                only_findings=decisions,
                since=since.replace(tzinfo=settings.service.zone) if since else None,
                until=until.replace(tzinfo=settings.service.zone) if until else None,
                by=by,
                is_masked=not full,
                progress=progress,
            )
        )
    print(f"已导出到 {out}：{cover.messages} 条消息。请像原件一样保管，导出已记入查看记录。")

"""Commands that look at the set-up: check, doctor, settings, routes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli import options

if TYPE_CHECKING:
    from bot.config import Settings
    from bot.doctor import Finding


def register(app: typer.Typer) -> None:
    app.command()(check)
    app.command()(doctor)
    app.command()(settings)
    app.command()(routes)


def check(config: options.Config = None) -> None:
    """检查配置、内容和时钟文件，列出全部问题；不连接任何服务。 (Validate configuration and content.)"""
    from bot import checking
    from domain.errors import ConfigError

    loaded: Settings | None = None
    problems: list[checking.Problem] = []
    try:
        if options.is_configured(config):
            loaded = options.load_settings(config)
        else:
            text = "没有配置文件，只检查随附的内容。 (No configuration: only the shipped content is checked.)"
            problems = [checking.Problem(is_error=False, text=text)]
    except ConfigError as error:
        problems = [checking.Problem(is_error=True, text=text) for text in error.problems]
    problems += checking.check(loaded, options.today(loaded))
    for problem in problems:
        print(f"{'错误 error' if problem.is_error else '注意 warning'}: {problem.text}")
    count = sum(problem.is_error for problem in problems)
    print(f"检查完毕：{count} 个错误，{len(problems) - count} 个提醒。 ({count} errors.)")
    raise typer.Exit(2 if count else 0)


def doctor(
    config: options.Config = None,
    offline: Annotated[bool, typer.Option("--offline", help="只查本机，不访问企业微信")] = False,
) -> None:
    """逐项检查真实企业的接入情况，每个问题附解决办法。 (Find what is wrong with a real corp's set-up.)"""
    from bot import checking
    from bot import config as configuration
    from bot import doctor as surgery
    from bot.config import reading
    from domain.errors import ConfigError

    options.quieten()
    try:
        so_far = configuration.load_so_far(config, reading.working_environment())
    except ConfigError as error:
        show_report([surgery.configuration_failed(problem) for problem in error.problems])
        raise typer.Exit(2) from None

    async def examine() -> list[Finding]:
        found: list[Finding] = []
        with options.console(to_stderr=True).status("检查中…") as status:
            problems = checking.check(so_far.settings, options.today(so_far.settings))
            async for finding in surgery.examine(so_far, problems, offline=offline):
                found.append(finding)
                status.update(f"{finding.check} …")
        return found

    findings = options.run(examine())
    show_report(findings)
    if so_far.problems:
        raise typer.Exit(2)
    raise typer.Exit(1 if any(finding.state is surgery.State.FAIL for finding in findings) else 0)


_MARKS = {"ok": "[green]通过[/]", "warn": "[yellow]注意[/]", "fail": "[red]失败[/]", "skip": "[dim]略过[/]"}


def show_report(findings: list[Finding]) -> None:
    """Print the findings as a table, what to do under each that is not well, and the count."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", max_width=24)
    table.add_column(overflow="fold")
    for finding in findings:
        fix = f"\n[bold]→ {escape(finding.fix)}[/]" if finding.fix else ""
        table.add_row(_MARKS[finding.state], escape(finding.check), escape(finding.sentence) + fix)
    console = options.console()
    console.print(table)
    counts = {state: sum(finding.state == state for finding in findings) for state in _MARKS}
    console.print(
        f"通过 {counts['ok']}，注意 {counts['warn']}，失败 {counts['fail']}，略过 {counts['skip']}。"
        f" ({counts['fail']} failed.)"
    )


def settings(
    config: options.Config = None,
    write_docs: Annotated[
        Path | None,
        typer.Option(
            help="改为在此目录生成 config.example.toml 和 docs/configuration.md", show_default=False
        ),
    ] = None,
) -> None:
    """显示生效的配置，密钥已遮盖。 (Print the effective settings, secrets masked.)"""
    from bot import config as configuration

    if write_docs is not None:
        (write_docs / "config.example.toml").write_text(configuration.example(), "utf-8")
        (write_docs / "docs" / "configuration.md").write_text(configuration.documentation(), "utf-8")
        return
    print(configuration.masked_text(options.load_settings(config)), end="")


def routes(config: options.Config = None) -> None:
    """列出服务的全部网址。 (List the HTTP routes.)"""
    from bot import operations

    settings = options.load_settings(config)
    options.quieten()
    for method, path in options.run(operations.list_routes(settings)):
        print(f"{method:<7} {path}")

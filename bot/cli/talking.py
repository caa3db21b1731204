"""Commands that talk: ask, chat."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli import options

if TYPE_CHECKING:
    from bot.asking import Said
    from bot.config import Settings


def register(app: typer.Typer) -> None:
    app.command()(ask)
    app.command()(chat)


def ask(
    text: Annotated[list[str], typer.Argument(help="客户的问题", show_default=False)],
    config: options.Config = None,
) -> None:
    """问一句，看机器人怎样回答、为什么；不需要数据库和企业微信。 (Ask one question.)"""
    from bot import asking

    options.quieten()
    settings, folder, samples = _words(config)
    if settings is None:
        print(
            f"没有配置，使用 {folder} 的示例内容，各业务线按持牌处理。 (No configuration: sample content.)\n"
        )
    desk = asking.Desk.open(folder, today=options.today(settings), serves_samples=samples, settings=settings)
    show(desk.ask(" ".join(text)))


def chat(config: options.Config = None) -> None:
    """在终端里与机器人对话，输入 exit 结束。 (Talk in the terminal.)"""
    from bot import asking

    options.quieten()
    settings, folder, samples = _words(config)
    desk = asking.Desk.open(folder, today=options.today(settings), serves_samples=samples, settings=settings)
    print(desk.welcome() + "\n")
    while True:
        try:
            line = input("您 › ").strip()
        except (EOFError, KeyboardInterrupt):
            print()
            return
        if line in ("exit", "quit", "退出"):
            return
        if line:
            said = desk.ask(line)
            print(f"助手 › {said.text}\n")


def show(said: Said) -> None:
    """Print an answer with everything that led to it."""
    from rich.panel import Panel
    from rich.table import Table

    console = options.console()
    console.print(Panel(said.text or "（不回复）", title=said.decision, title_align="left"))
    facts = Table.grid(padding=(0, 2))
    for name, value in said.facts:
        facts.add_row(name, value)
    console.print(facts)
    if said.matches:
        table = Table(title="候选条目", title_justify="left")
        for head in ("条目", "得分", "标准问法", "理由"):
            table.add_column(head, overflow="fold")
        for match in said.matches:
            table.add_row(match.faq_id, f"{match.score:.2f}", match.question, "；".join(match.reasons))
        console.print(table)


def _words(config: Path | None) -> tuple[Settings | None, Path, bool]:
    """Return the settings when there are any, the content folder, and whether unapproved texts count."""
    from bot.config.table import SHIPPED_FOLDER

    if not options.is_configured(config):
        return None, SHIPPED_FOLDER / "content", True
    settings = options.load_settings(config)
    options.quieten()
    return settings, settings.content.folder, settings.content.serve_samples

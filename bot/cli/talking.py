"""Commands that talk: ask, chat."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli import options

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from bot.asking import Answer, Desk
    from bot.config import Settings


REFUSALS = {
    "stopped": "该业务线已停用",
    "line_off": "该业务线未开展（entity_mode = off）",
    "platform_scope": "涉及具体产品，而本公司在该业务线没有牌照（entity_mode = platform），只能转介",
    "unapproved": "尚未审批",
    "not_yet_valid": "还没到生效日",
    "expired": "已过有效期，不再作为事实回答",
    "own_missing": "等公司补充自己的内容（content/own）",
}
Lexical = Annotated[bool, typer.Option("--lexical", help="只比词句，不比意思：第一次更快")]


def register(app: typer.Typer) -> None:
    app.command()(ask)
    app.command()(chat)


def ask(
    text: Annotated[list[str], typer.Argument(help="客户的问题", show_default=False)],
    lexical: Lexical = False,
    config: options.Config = None,
) -> None:
    """问一句，看机器人怎样回答、为什么；不需要数据库和企业微信。 (Ask one question.)"""
    settings = settings_for_asking(config)

    async def answer() -> Answer:
        async with desk(settings, lexical=lexical) as one:
            return await one.ask(" ".join(text))

    show(options.run(answer()))


def chat(lexical: Lexical = False, config: options.Config = None) -> None:
    """在终端里与机器人对话；菜单用编号选择，输入 exit 结束。 (Talk in the terminal.)"""
    import asyncio

    settings = settings_for_asking(config)

    async def talk() -> None:
        async with desk(settings, lexical=lexical) as one:
            _say(await one.welcome())
            while (line := await asyncio.to_thread(_read_line)) is not None:
                if line:
                    _say(await one.ask(line))

    options.run(talk())


def _read_line() -> str | None:
    try:
        line = input("您 › ").strip()
    except (EOFError, KeyboardInterrupt):
        print()
        return None
    return None if line in ("exit", "quit", "退出") else line


def _say(answer: Answer) -> None:
    for text in answer.texts:
        print(f"\n助手 › {text}")
    print(f"      [{_decision(answer)}]\n")


def _decision(answer: Answer) -> str:
    return str(answer.reply.decision) if answer.reply else "silent"


def show(answer: Answer) -> None:
    """Print an answer with everything that led to it."""
    from rich.markup import escape
    from rich.panel import Panel
    from rich.table import Table

    console = options.console()
    for text in answer.texts or ("（不回复）",):
        console.print(Panel(escape(text), title=_decision(answer), title_align="left"))
    facts = Table.grid(padding=(0, 2))
    for name, value in _facts(answer):
        facts.add_row(f"[bold]{name}[/]", escape(value))
    console.print(facts)
    if answer.candidates:
        table = Table(title="候选条目 candidates", title_justify="left")
        for head in ("条目", "把握", "标准问法", "理由"):
            table.add_column(head, overflow="fold")
        for match in answer.candidates:
            table.add_row(
                match.faq_id,
                f"{match.confidence:.0%}",
                escape(match.question),
                escape("；".join(match.reasons)),
            )
        console.print(table)


def _cache_folder(settings: Settings) -> Path:
    """Return where the segmentation keeps its cache: the data folder where there is one, else the user's own."""
    import os
    from pathlib import Path

    if settings.store.data_folder.is_dir():
        return settings.store.data_folder
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "guanjia"


def _facts(answer: Answer) -> list[tuple[str, str]]:
    facts: list[tuple[str, str]] = []
    faq, reply = answer.faq, answer.reply
    if faq is not None:
        facts += [
            ("条目", f"{faq.id}  {faq.question}"),
            ("依据", faq.source),
            ("有效期", f"{faq.valid_from} 至 {faq.last_valid_on}，{faq.reviewer} 于 {faq.reviewed_on} 审阅"),
            ("文件", f"{faq.file}:{faq.lineno}"),
        ]
    if answer.refusal is not None:
        facts.append(("不直接回答", REFUSALS[answer.refusal]))
    if reply is not None and reply.transfer is not None:
        facts.append(("转人工", "按值班名单" if reply.transfer.servicers else "进入待接入池"))
    if reply is not None and reply.case is not None:
        facts.append(("登记", f"{reply.case.kind}，原因 {reply.case.reason}"))
    return facts


@contextlib.asynccontextmanager
async def desk(settings: Settings, *, lexical: bool) -> AsyncIterator[Desk]:
    """Open a desk, and say that it may take a while: the phrases of all entries are read once."""
    from bot import asking

    by_meaning = settings.answering.by_meaning and not lexical
    async with contextlib.AsyncExitStack() as stack:
        with options.console(to_stderr=True).status(
            "准备中…第一次要读完所有问法，请稍等（--lexical 可跳过）"
        ):
            opened = asking.open_desk(
                settings, options.clock_of(settings), _cache_folder(settings), by_meaning=by_meaning
            )
            ready = await stack.enter_async_context(opened)
        yield ready


def settings_for_asking(config: Path | None) -> Settings:
    """Return the settings, or without any the shipped content and every line licensed, and say so."""
    from bot import asking
    from bot.config.table import SHIPPED_FOLDER

    options.quieten()
    if options.is_configured(config):
        settings = options.load_settings(config)
        options.quieten()
    else:
        settings = asking.sample_settings(SHIPPED_FOLDER / "content", "示例信息服务有限公司")
        print("没有配置：使用随附的示例内容，各业务线按持牌处理。 (No configuration: sample content.)")
    print("按文件当前文字回答，未查审批。 (The files as they are, approved or not.)\n")
    return settings

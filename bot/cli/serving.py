"""Commands that run something: serve, demo, sandbox, migrate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.cli import options


def register(app: typer.Typer) -> None:
    app.command()(serve)
    app.command()(demo)
    app.command(
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
    )(sandbox)
    app.command()(migrate)


def serve(config: options.Config = None) -> None:
    """运行服务，直到收到停止信号。 (Run the server.)"""
    import gc
    import logging

    # What is made until the house is ready lives as long as the process; looking for garbage in it meanwhile costs an
    # eighth of the start. app.serve goes on collecting.
    gc.disable()
    from bot import app as house
    from bot import config as configuration

    settings = options.load_settings(config)
    for warning in configuration.warnings(settings):
        logging.getLogger(__name__).warning(warning, extra={"action": "settings_warning"})
    options.run(house.serve(settings))


def demo(
    folder: Annotated[Path, typer.Option(help="演示数据放在哪里")] = Path("var/demo"),
    port: Annotated[int, typer.Option(help="服务端口，被占用时换下一个")] = 8080,
    sandbox_port: Annotated[int, typer.Option(help="沙箱端口，被占用时换下一个")] = 8081,
    fresh: Annotated[bool, typer.Option("--fresh", help="清空上次的演示数据")] = False,
    browser: Annotated[bool, typer.Option(help="启动后打开浏览器")] = True,
) -> None:
    """在本机演示：沙箱扮演企业微信，无需企业账号。 (Try it out with the sandbox.)"""
    from bot import demo as show

    plan = show.prepare(folder, port=port, sandbox_port=sandbox_port, fresh=fresh)
    raise typer.Exit(show.run(plan, opens_browser=browser))


def sandbox(context: typer.Context) -> None:
    """运行沙箱；参数原样转交给 python -m sandbox。 (Run the pretend WeCom.)"""
    import os
    import sys

    os.execv(sys.executable, [sys.executable, "-m", "sandbox", *context.args])  # noqa: S606  # our own module


def migrate(config: options.Config = None) -> None:
    """把数据库升级到本程序的版本。 (Bring the database up to date.)"""
    from store import schema

    settings = options.load_settings(config)
    before = schema.version_of(settings.store.url)
    schema.upgrade(settings.store.url)
    after = schema.version_of(settings.store.url)
    print(f"数据库已是最新：{after}" if before == after else f"数据库已从 {before or '空库'} 升级到 {after}")

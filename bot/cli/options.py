"""Options that many commands share, and the settings behind them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from bot.config import Settings
    from domain.ports import Clock

T = TypeVar("T")

Config = Annotated[
    Path | None, typer.Option("--config", "-c", help="配置文件，默认 ./config.toml", show_default=False)
]
By = Annotated[str, typer.Option("--by", help="做这件事的人，会记录在案")]


def load_settings(path: Path | None) -> Settings:
    """Read the settings and set up the log; raises ConfigError with every mistake."""
    from bot import config, logs
    from bot.config import reading

    settings = config.load(path, reading.working_environment())
    logs.configure(level=settings.log.level, as_json=settings.log.as_json)
    return settings


def is_configured(path: Path | None) -> bool:
    """Say whether there is any configuration to load."""
    from bot.config import reading

    return reading.is_given(path, reading.working_environment())


def quieten() -> None:
    """Show only warnings, as text: for commands whose output a person reads."""
    from bot import logs

    logs.configure(level="warning", as_json=False)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run asynchronous work to its end."""
    return asyncio.run(work)


def console(*, to_stderr: bool = False) -> Console:
    """Return a Rich console that does not colour numbers by itself; wide enough for tables in a pipe."""
    from rich.console import Console

    console = Console(stderr=to_stderr, highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, 120)
    return console


def local_time(moment: datetime | None, settings: Settings) -> str:
    """Return a time as the company's clock shows it."""
    return "" if moment is None else moment.astimezone(settings.service.zone).strftime("%Y-%m-%d %H:%M")


def clock_of(settings: Settings) -> Clock:
    """Return the clock the server would use."""
    from bot import clock

    return clock.FileClock(settings.clock.file) if settings.clock.file else clock.SystemClock()


def today(settings: Settings | None) -> date:
    """Return the company's date, by the same clock the server uses."""
    from zoneinfo import ZoneInfo

    from bot import clock

    if settings is None:
        return clock.SystemClock().now().astimezone(ZoneInfo("Asia/Shanghai")).date()
    return clock_of(settings).now().astimezone(settings.service.zone).date()

"""Commands for safe keeping: backup, restore."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli import options

if TYPE_CHECKING:
    from bot.backup import Progress


def register(app: typer.Typer) -> None:
    app.command()(backup)
    app.command()(restore)


def backup(
    file: Annotated[Path, typer.Argument(help="备份文件，如 guanjia-2026-11-21.tar")],
    force: Annotated[bool, typer.Option("--force", help="文件已存在时覆盖")] = False,
    config: options.Config = None,
) -> None:
    """备份数据库和媒体文件，运行中也可以。 (Back up the database and the media.)"""
    from bot import backup as keeping
    from bot import clock
    from domain.errors import ConfigError

    settings = options.load_settings(config)
    options.quieten()
    if file.exists() and not force:
        raise ConfigError([f"{file} 已存在，请换个名字或加 --force。 (Exists already.)"])
    with _progress() as progress:
        manifest = keeping.write_backup(
            settings.store.url, settings.media_folder, file, now=clock.SystemClock().now(), progress=progress
        )
    print(
        f"已备份到 {file}：{len(manifest.rows)} 张表、{manifest.row_count} 行、{manifest.media_count} 个媒体文件。"
    )


def restore(
    file: Annotated[Path, typer.Argument(help="备份文件")],
    into: Annotated[str, typer.Option(help="恢复到哪个数据库，默认 store.url", show_default=False)] = "",
    media: Annotated[
        Path | None, typer.Option(help="媒体文件恢复到哪里，默认按配置", show_default=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="目标不空时清空再恢复")] = False,
    config: options.Config = None,
) -> None:
    """从备份恢复到空的数据库；先停止服务。 (Restore; stop the server first.)"""
    from bot import backup as keeping
    from bot import serving_lock

    settings = options.load_settings(config)
    options.quieten()
    target = into or settings.store.url
    with serving_lock.held(target), _progress() as progress:
        manifest = keeping.restore(
            file, target, media or settings.media_folder, force=force, progress=progress
        )
    print(
        f"已恢复 {manifest.made_at} 的备份：{manifest.row_count} 行、{manifest.media_count} 个媒体文件。"
        "请运行 guanjia migrate 和 guanjia doctor。"
    )


_WORDS = {"tables": "数据表", "media": "媒体文件", "verify": "校验"}


@contextmanager
def _progress() -> Iterator[Progress]:
    """Show what is being done while it is done; nothing when standard error is no terminal."""
    with options.console(to_stderr=True).status("准备中…") as status:

        def report(what: str, done: int, of: int) -> None:
            status.update(f"{_WORDS.get(what, what)} {done}" + (f"/{of}" if of else "") + " …")

        yield report

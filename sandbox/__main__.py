"""`python -m sandbox --config FILE.toml`: serve the sandbox until interrupted. Exit code 2 for a bad configuration."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from pathlib import Path

from aiohttp import web

from sandbox import server
from sandbox.settings import Settings, SettingsError, load_settings


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="企业微信沙盒 / a pretend WeCom")
    parser.add_argument("--config", required=True, type=Path, help="TOML 配置文件 / configuration file")
    chosen = parser.parse_args(arguments)
    try:
        settings = load_settings(chosen.config)
    except SettingsError as error:
        for problem in error.problems:
            print(f"配置有误 / configuration: {problem}", file=sys.stderr)
        return 2
    try:
        asyncio.run(_serve(settings))
    except OSError as error:
        print(
            f"无法监听 {settings.host}:{settings.port}，端口可能已被占用 / cannot listen: {error.strerror}",
            file=sys.stderr,
        )
        return 2
    return 0


async def _serve(settings: Settings) -> None:
    runner = web.AppRunner(server.create_app(settings), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.port).start()
        print(f"沙盒已就绪 / sandbox ready: http://{settings.host}:{settings.port}/", flush=True)
        stopped = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError):
                asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        await stopped.wait()
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    sys.exit(main())

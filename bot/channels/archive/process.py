"""The child with the platform's library, seen from the bot: started when needed, killed when it hangs, started again.

One call at a time. Whatever the library does to its process (WxJava #3670 tells of aborts), here it is a ChildDied.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from bot.channels.archive import errors, frames

log = logging.getLogger(__name__)

T = TypeVar("T")
Process = subprocess.Popen[bytes]

_START_SECONDS = 30.0
# Deaths in a row before a start waits; then 1, 2, 4 … seconds.
_FREE_DEATHS = 3
_LONGEST_WAIT_SECONDS = 60.0
# No more of a stop than this is spent on asking the child to end.
_END_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class LibrarySettings:
    """What the library is told. `keys`: private keys in PEM by version. `proxy` and `password` may be ""."""

    library: str
    corp_id: str
    secret: str = field(repr=False)
    keys: Mapping[int, str] = field(repr=False)
    proxy: str = ""
    password: str = field(default="", repr=False)
    call_seconds: int = 10


class LibraryProcess:
    """Asks the child. Raises ChildDied, LibraryUnusable, and ChannelError for the library's own numbers."""

    def __init__(
        self,
        settings: LibrarySettings,
        *,
        on_death: Callable[[], None] = lambda: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._on_death = on_death
        self._monotonic = monotonic
        self._process: Process | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="archive-child")
        self._one_call = asyncio.Lock()
        self._numbers = itertools.count(1)
        self._deaths = 0
        self._not_before = 0.0

    async def call(self, name: str, *, seconds: float, **told: Any) -> tuple[dict[str, Any], bytes]:
        """Return the child's answer. `seconds`: after that it counts as hung and is killed."""
        async with self._one_call:
            await self._ensure_started()
            answer = await self._ask(name, seconds, told)
            self._deaths = 0
            return answer

    def forgive(self) -> None:
        """Let the next start come at once: the last death has been explained."""
        self._deaths, self._not_before = 0, 0.0

    async def close(self) -> None:
        """End the child."""
        process, self._process = self._process, None
        if process is not None:
            await self._run(partial(_end, process, _END_SECONDS))
        self._thread.shutdown(wait=False)

    async def _ensure_started(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        wait = self._not_before - self._monotonic()
        if wait > 0:
            raise errors.ChildDied("the archive's library died again and again", retry_after=_delta(wait))
        await self._drop()
        self._process = await self._run(_start)
        settings = self._settings
        told = {
            "library": settings.library,
            "corp_id": settings.corp_id,
            "secret": settings.secret,
            "keys": {str(version): pem for version, pem in settings.keys.items()},
            "proxy": settings.proxy,
            "password": settings.password,
            "seconds": settings.call_seconds,
        }
        try:
            await self._ask("init", _START_SECONDS, told)
        except BaseException:
            # A child that is not ready is no child.
            await self._drop()
            raise

    async def _ask(self, name: str, seconds: float, told: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
        process, number = self._process, next(self._numbers)
        assert process is not None
        question = frames.pack({"call": name, "number": number, **told})
        answer: dict[str, Any] = {}
        content = b""
        try:
            exchange = asyncio.ensure_future(self._run(partial(_exchange, process, question)))
            answer, content = await asyncio.wait_for(asyncio.shield(exchange), seconds)
        except (OSError, EOFError, ValueError):
            pass  # It is gone, or talks nonsense.
        except TimeoutError:
            log.warning("archive library hangs", extra={"action": "archive_child_hangs", "call": name})
        finally:
            # Cut off in the middle, by us or by it: the next answer would be to another question.
            if answer.get("number") != number:
                process.kill()
                with contextlib.suppress(OSError, EOFError, ValueError):
                    await exchange
                await self._drop()
        if answer.get("number") != number:
            raise self._died(name)
        _raise_for(answer)
        return answer, content

    async def _drop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            await self._run(partial(_end, process, None))

    async def _run(self, act: Callable[[], T]) -> T:
        """Do what waits for the child in the one thread that made it: on Linux it dies with that thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, act)

    def _died(self, name: str) -> errors.ChildDied:
        self._deaths += 1
        late = self._deaths - _FREE_DEATHS
        wait = min(2.0**late, _LONGEST_WAIT_SECONDS) if late >= 0 else 0.0
        self._not_before = self._monotonic() + wait
        self._on_death()
        log.warning("archive library died", extra={"action": "archive_child_died", "call": name})
        return errors.ChildDied(
            f"the archive's library died in {name}", retry_after=_delta(wait), endpoint=name
        )


def _raise_for(answer: Mapping[str, Any]) -> None:
    if "code" in answer:
        raise errors.of_code(str(answer.get("of", "")), int(answer["code"]))
    if "failed" in answer:
        raise errors.LibraryUnusable(f"wecom.archive.library: {answer['failed']}")


def _start() -> Process:
    return subprocess.Popen(  # noqa: S603 - this program's own interpreter and module
        # Without the site module (-S): where packages are is told by PYTHONPATH.
        [sys.executable, "-S", "-m", "bot.channels.archive.child", str(os.getpid())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # The library's own words may hold anything; they go nowhere.
        stderr=subprocess.DEVNULL,
        env=_environment(),
    )


def _exchange(process: Process, question: bytes) -> tuple[dict[str, Any], bytes]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(question)
    process.stdin.flush()
    answer = frames.read(process.stdout)
    if answer is None:
        raise EOFError
    return answer


def _end(process: Process, seconds: float | None) -> None:
    """Close the pipes and wait; after `seconds` it is killed."""
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(OSError):
        process.stdin.close()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()


def _environment() -> dict[str, str]:
    """Return what the child may know: where our code is, no settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GUANJIA_")}
    return {**kept, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def _delta(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)

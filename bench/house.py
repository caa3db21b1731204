"""The program under measurement: a configuration in a folder and `python -m bot serve` as a process of its own.

Used by every bench that needs the real program; what plays WeCom is bench/wecom.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from bench import wecom

CHECKOUT = Path(__file__).resolve().parents[1]
# How long a start or an end may take; a busy machine needs ten times what a quiet one does.
READY_SECONDS = 120.0
END_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a house is told. `segmenter`: "jieba" hides rjieba from it. `core`: the CPU it is pinned to, None for any.

    `sections`: more TOML, appended as it is.
    """

    folder: Path
    database_url: str
    api_base: str = "http://127.0.0.1:9"
    clock_file: Path | None = None
    poll_seconds: float = 2.0
    repeat: str = "refuse"
    in_flight: int = 4
    segmenter: str = "rjieba"
    core: int | None = None
    sections: str = ""

    def write(self, port: int) -> Path:
        """Write the configuration for one process and return its path."""
        path = self.folder / f"house-{port}.toml"
        clock = f'[clock]\nfile = "{self.clock_file}"' if self.clock_file else ""
        path.write_text(
            f"""
[server]
port = {port}
[store]
url = "{self.database_url}"
data_folder = "{self.folder / "data"}"
[wecom]
corp_id = "{wecom.CORP}"
api_base = "{self.api_base}"
kf_msgid_repeat = "{"refused" if self.repeat == "refuse" else "accepted"}"
[wecom.receivers.kf]
agent_id = {wecom.AGENT}
secret = "{wecom.SECRET}"
token = "{wecom.TOKEN}"
aes_key = "{wecom.AES_KEY}"
[kf]
poll_seconds = {self.poll_seconds}
[service]
hours = ["mon-sun 00:00-24:00"]
[company]
name = "示例信息服务有限公司"
short_name = "示例管家"
[content]
serve_samples = true
# What comparing meanings costs is bench/meaning's business; here it would read thousands of phrases at each start.
[answering]
by_meaning = false
[entity_mode]
loan = "licensed"
insurance = "licensed"
wealth = "licensed"
[outbox]
in_flight = {self.in_flight}
[console]
secure_cookies = false
{clock}
{self.sections}
""",
            "utf-8",
        )
        return path

    def environment(self) -> dict[str, str]:
        """Return the environment of the process."""
        found = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
        if self.segmenter == "jieba":
            hidden = self.folder / "hidden"
            hidden.mkdir(exist_ok=True)
            (hidden / "rjieba.py").write_text('raise ImportError("hidden by the bench")\n')
            found["PYTHONPATH"] = f"{hidden}{os.pathsep}{CHECKOUT}"
        return found


@dataclass
class House:
    """One running process. `log`: what it wrote, all lives after each other."""

    plan: Plan
    port: int = field(default_factory=lambda: free_port())
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def log(self) -> Path:
        return self.plan.folder / f"house-{self.port}.log"

    async def start(self) -> float:
        """Start it and return the seconds until /readyz answered 200. Raises RuntimeError with its last words."""
        begun = time.perf_counter()
        self.spawn([sys.executable, "-m", "bot", "serve", "--config", str(self.plan.write(self.port))])
        try:
            await self.ready()
        except BaseException:
            self.kill()
            raise
        return time.perf_counter() - begun

    def spawn(self, command: Sequence[str]) -> None:
        """Start `command` as the process, writing to the log."""
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                command,
                cwd=self.plan.folder,
                env=self.plan.environment(),
                stdout=out,
                stderr=out,
                preexec_fn=_die_with_parent,
            )
        if self.plan.core is not None:
            os.sched_setaffinity(self.process.pid, {self.plan.core})

    async def ready(self, path: str = "/readyz", seconds: float = READY_SECONDS) -> None:
        """Return when it answers 200; it has `seconds` for that."""
        async with aiohttp.ClientSession() as session:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                if self.process is None or self.process.poll() is not None:
                    break
                with contextlib.suppress(aiohttp.ClientError):
                    async with session.get(f"{self.url}{path}") as answer:
                        if answer.status == 200:
                            return
                await asyncio.sleep(0.01)
        raise RuntimeError(f"the house did not come up:\n{self.log.read_text()[-3000:]}")

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it politely."""
        self._end(signal.SIGTERM)

    def rss_mb(self) -> float:
        """Return its resident memory."""
        assert self.process is not None
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def cpu_seconds(self) -> float:
        """Return the CPU time it and its children have used so far."""
        assert self.process is not None
        ticks = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = stat.read_text().rpartition(")")[2].split()
                if self.process.pid in (int(stat.parent.name), int(fields[1])):
                    ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def _end(self, number: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(END_SECONDS)
            self.process = None


def _die_with_parent() -> None:
    """Let the kernel end the process when the bench is gone, however that ended (prctl PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def free_port() -> int:
    """Return a port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def has_fast_segmenter() -> bool:
    """Say whether rjieba is installed."""
    import importlib.util

    return importlib.util.find_spec("rjieba") is not None

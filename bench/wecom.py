"""The pretend WeCom of the benches: one corp, one app, one account, many customers; and a balancer before replicas."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from sandbox import settings as sandbox_settings
from sandbox.faults import Fault, FaultKind, When

CORP = "ww1234567890abcdef"
SECRET = "bench-secret"
TOKEN = "benchToken01"
AES_KEY = "rcIEDEJ4qOIvKuMjaGhZVNHicwfKnhKf9ztJVj+h83k"
ACCOUNT = "wkBench0001"
AGENT = 1000002


def settings(
    clock_file: Path | None, *, customers: int, repeat: str = "refuse", seed: int = 1, page_cap: int = 1000
) -> sandbox_settings.Settings:
    """Return the settings of a corp with `customers` customers named wmBench1 and so on."""
    return sandbox_settings.Settings(
        clock_file=str(clock_file) if clock_file else "",
        corp_id=CORP,
        seed=seed,
        repeat=sandbox_settings.RepeatMode(repeat),
        page_cap=page_cap,
        empty_page_every=13,
        # The bench polls every few seconds what a real house polls every minute.
        sync_without_token_per_minute=100_000,
        calls_per_minute=1_000_000,
        apps=(sandbox_settings.AppSettings(agent_id=AGENT, name="kf", secret=SECRET),),
        accounts=(sandbox_settings.AccountSettings(open_kfid=ACCOUNT, name="贷款顾问台"),),
        servicers=(sandbox_settings.ServicerSettings(userid="zhangsan", name="张三"),),
        customers=tuple(
            sandbox_settings.CustomerSettings(external_userid=f"wmBench{number}", nickname=f"客户{number}")
            for number in range(1, customers + 1)
        ),
        receivers=(
            sandbox_settings.ReceiverSettings(
                name="kf", url="", token=TOKEN, aes_key=AES_KEY, agent_id=AGENT
            ),
        ),
    )


def callback_faults() -> list[Fault]:
    """Return what befalls callbacks: a tenth doubled, a tenth out of order, a tenth lost, some late or forged."""
    return [
        Fault(kind=FaultKind.DUPLICATE, probability=0.10),
        Fault(kind=FaultKind.REORDER, probability=0.10),
        Fault(kind=FaultKind.DROP, probability=0.10),
        Fault(kind=FaultKind.LATE, probability=0.05, seconds=2.0),
        Fault(kind=FaultKind.BAD_SIGNATURE, probability=0.02),
    ]


def api_faults() -> list[Fault]:
    """Return what befalls API calls, 5 % together; each is drawn by itself."""
    return [
        Fault(kind=FaultKind.ERRCODE, code=-1, probability=0.015),
        Fault(kind=FaultKind.HTTP, code=502, probability=0.010),
        Fault(kind=FaultKind.HTTP, code=500, probability=0.008, when=When.AFTER),
        Fault(kind=FaultKind.RESET, probability=0.004),
        Fault(kind=FaultKind.RESET, probability=0.006, when=When.AFTER),
        Fault(kind=FaultKind.ERRCODE, code=45033, probability=0.004),
        Fault(kind=FaultKind.EXPIRE_TOKENS, probability=0.003),
    ]


@contextlib.asynccontextmanager
async def balancer(ports: Callable[[], Sequence[int]], seed: int) -> AsyncIterator[str]:
    """Give the address of a balancer that hands each connection to one of `ports()`, dead ones included."""
    dice = random.Random(seed)
    tasks: set[asyncio.Task[None]] = set()
    writers: set[asyncio.StreamWriter] = set()

    async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(OSError):
                while chunk := await source.read(65536):
                    target.write(chunk)
                    await target.drain()
        finally:
            target.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        choices = list(ports())
        dice.shuffle(choices)
        for port in choices:
            with contextlib.suppress(OSError):
                behind = await asyncio.open_connection("127.0.0.1", port)
                writers.add(behind[1])
                both = [
                    asyncio.create_task(pump(reader, behind[1])),
                    asyncio.create_task(pump(behind[0], writer)),
                ]
                tasks.update(both)
                for task in both:
                    task.add_done_callback(tasks.discard)
                return
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in writers:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

"""kill -9 between the commit and the answer; and the whole house, as `guanjia serve` runs it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import sqlalchemy as sa

from bot.clock import write_clock_file
from sandbox import server
from store import tables
from tests.aibot import office as offices
from tests.aibot.office import PREPAY

ROOT = Path(__file__).parents[2]


async def test_a_question_survives_a_kill_before_its_first_words_and_is_answered_once(
    tmp_path: Path, database_url: str
) -> None:
    clock_file = tmp_path / "clock.json"
    write_clock_file(clock_file, virtual_at=offices.MORNING, rate=0.0)
    async with server.running(offices.company(str(clock_file))) as box:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.aibot.serve_and_die",
            str(tmp_path),
            database_url,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        offices.point(box, (await process.stdout.readline()).decode().strip())
        number = box.wire.says("", "lisi", PREPAY)["answer"]
        assert await process.wait() == -signal.SIGKILL

        async with offices.house(tmp_path, database_url, box) as (house, _):
            line = box.robots.line(box.robots.chat("", "lisi"), number)
            await asyncio.wait_for(box.wire.drained(), 60)
            async with house.store.read() as tx:
                asked = (await tx.execute(sa.select(tables.staff_question))).all()
                told = (await tx.execute(sa.select(tables.delivery))).all()

    assert (line.problem, line.running) == ("", False)
    assert "条目 loan.prepay" in line.content
    assert [(one.state, one.asked) for one in asked] == [("done", PREPAY)]
    assert [(one.act, one.send_class) for one in told] == [("passive", 4)]

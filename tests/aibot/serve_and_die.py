"""A house that is killed (SIGKILL) as soon as a question is on record, before a single word of an answer has left.

Called by test_killed.py: folder, database and the sandbox's address. Prints where it listens.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from bot import app
from bot.staff_questions import StaffQuestions
from domain.colleague import ColleagueAsked, StaffQuestion
from tests.aibot import office

accept = StaffQuestions.accept


async def accept_and_die(self: StaffQuestions, asked: ColleagueAsked, body: bytes) -> StaffQuestion:
    """Commit as ever, and end the process."""
    await accept(self, asked, body)
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("still alive")


async def serve(folder: Path, database_url: str, api_base: str) -> None:
    StaffQuestions.accept = accept_and_die  # type: ignore[method-assign]
    settings = office.house_settings(folder, database_url, api_base, folder / "clock.json")
    async with app.running(settings) as (_, address):
        print(address, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))

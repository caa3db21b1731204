"""A door that is killed (SIGKILL) as soon as a question is on record, before a single word of an answer has left.

Called by test_killed.py: folder and database. Prints where it listens. It never comes to looking anything up, so it has
no more than the door and what stores.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from aiohttp import web

from bot import app, assembling
from bot.aibot_door import AibotDoor
from bot.clock import FileClock
from bot.metrics import Metrics
from bot.staff_questions import StaffQuestions
from bot.webhook import Webhook
from content import colleague_words
from content.knowledge import Knowledge
from domain.colleague import ColleagueAsked, StaffQuestion
from scheduler.ticker import Wakeup
from store.database import Store
from tests.aibot import office


class Dying(StaffQuestions):
    """Commits as ever, and ends the process."""

    async def accept(self, asked: ColleagueAsked, body: bytes) -> StaffQuestion:
        await super().accept(asked, body)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("still alive")


class NoInbox:
    """Nothing but questions is told to this door."""

    async def accept(self, *, key: str, receiver: str, kind: str, body: bytes) -> None:
        raise AssertionError(kind)


def no_words() -> Knowledge:
    raise AssertionError("nothing is looked up here")


async def never() -> None:
    raise AssertionError("nothing is looked up here")


async def serve(folder: Path, database_url: str) -> None:
    settings = office.house_settings(folder, database_url, "http://127.0.0.1:9", folder / "clock.json")
    clock, store = FileClock(folder / "clock.json"), await Store.open(database_url)
    questions = Dying(
        store,
        clock,
        no_words,
        assembling.handler_rules(settings),
        colleague_words.load(),
        bell=Wakeup(),
        outbox_bell=Wakeup(),
        ready=never,
    )
    door = AibotDoor(questions, NoInbox(), clock)
    application = web.Application()
    inbox: object = NoInbox()
    Webhook(app.receivers(settings), inbox, Metrics(), answering={"aibot": door}).add_routes(application)  # type: ignore[arg-type]
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), sys.argv[2]))

"""`guanjia doctor`: what is wrong with the set-up of a real corp, and how to mend it.

Each check is a small function that returns findings; they run in the order of docs/go-live.md, so the first failure
is the first thing to do. Credentials that are not filled in yet keep only their own checks from running. `local.py`
looks at this machine, `platform.py` asks the platform, `contacts.py` asks for what people and groups need,
`archive.py` for what the message archive needs, `callbacks.py` calls our own public address as the platform would.
Nothing is changed and no message is sent.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from bot import config
from bot.checking import Problem
from bot.doctor import archive, callbacks, contacts, local, platform
from bot.doctor.finding import Finding, State, configuration_failed

__all__ = ["Finding", "State", "configuration_failed", "examine"]


async def examine(
    so_far: config.SoFar, problems: Sequence[Problem], *, offline: bool = False
) -> AsyncIterator[Finding]:
    """Yield every finding as soon as it is known. `offline`: only what this machine can tell."""
    settings = so_far.settings
    for problem in so_far.problems:
        yield configuration_failed(problem)
    for finding in local.check_settings(settings, problems):
        yield finding
    for finding in local.check_machine(settings):
        yield finding
    async for finding in local.check_content(settings):
        yield finding
    async for finding in archive.check_library(settings):
        yield finding
    async for finding in archive.check_record(settings):
        yield finding
    if offline:
        return
    async for finding in platform.check(so_far):
        yield finding
    async for finding in contacts.check(so_far):
        yield finding
    async for finding in archive.check(so_far):
        yield finding
    async for finding in callbacks.check(so_far):
        yield finding

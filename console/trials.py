"""Trials of drafts on last month's questions, run one at a time beside the pages (试跑).

What a trial finds is kept for the newest few in this process; it is found anew where another replica is asked. The
questions are worked off in small bites in a thread, so that customers are answered meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from content import trial
from content.knowledge import Knowledge
from content.trial import Change, Outcome, Trial, TriedQuestion
from domain.faq import Faq

log = logging.getLogger(__name__)

# Wordings that are tried; a month's most frequent ones.
MOST = 1500
_KEPT = 12
_BITE = 20
Rehearse: TypeAlias = Callable[[Faq], Awaitable[Knowledge]]


@dataclass
class Run:
    """One trial, perhaps still under way. `done` of `total` wordings; `trial` once it is over, `has_failed` if not."""

    total: int = 0
    done: int = 0
    trial: Trial | None = None
    has_failed: bool = False
    task: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def is_over(self) -> bool:
        return self.trial is not None or self.has_failed


class Trials:
    """The trials of this process."""

    def __init__(self) -> None:
        self._runs: OrderedDict[object, Run] = OrderedDict()
        self._one_at_a_time = asyncio.Semaphore(1)
        # What today's words make of a question; the same for every trial until they change.
        self._known: dict[str, Outcome] = {}
        self._known_of: object = None

    def begin(
        self,
        key: object,
        faq: Faq,
        before: Knowledge,
        rehearse: Rehearse | None,
        questions: Callable[[], Awaitable[Sequence[TriedQuestion]]],
    ) -> Run:
        """Return the trial `key`, begun when there is none; one that failed is begun anew."""
        found = self._runs.get(key)
        if found is None or found.has_failed:
            found = Run()
            self._runs[key] = found
            found.task = asyncio.create_task(
                self._run(found, faq, before, rehearse, questions), name="draft-trial"
            )
            self._drop_old()
        return found

    async def end(self, _: object = None) -> None:
        """End what is under way; for the application's cleanup."""
        tasks = [run.task for run in self._runs.values() if run.task is not None and not run.task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _drop_old(self) -> None:
        over = [key for key, run in self._runs.items() if run.is_over]
        for key in over[: max(0, len(self._runs) - _KEPT)]:
            del self._runs[key]

    async def _run(
        self,
        run: Run,
        faq: Faq,
        before: Knowledge,
        rehearse: Rehearse | None,
        questions: Callable[[], Awaitable[Sequence[TriedQuestion]]],
    ) -> None:
        try:
            async with self._one_at_a_time:
                asked = await questions()
                run.total = len(asked)
                after = await (
                    rehearse(faq) if rehearse else asyncio.to_thread(trial.with_entry, before, faq)
                )
                changes = await self._tried(run, faq, before, after, asked)
                run.trial = trial.summed_up(asked, changes)
        except asyncio.CancelledError:
            run.has_failed = True
            raise
        except Exception:
            run.has_failed = True
            log.exception("trial failed", extra={"action": "trial_failed", "entry": faq.id})

    async def _tried(
        self, run: Run, faq: Faq, before: Knowledge, after: Knowledge, asked: Sequence[TriedQuestion]
    ) -> list[Change]:
        if self._known_of is not before.matcher:
            self._known, self._known_of = {}, before.matcher
        reworded = trial.is_reworded(before.faqs.get(faq.id), faq, before)
        found: list[Change] = []
        for start in range(0, len(asked), _BITE):
            bite = asked[start : start + _BITE]
            found += await asyncio.to_thread(self._bite, bite, faq.id, before, after, reworded)
            run.done = start + len(bite)
        return found

    def _bite(
        self,
        bite: Sequence[TriedQuestion],
        changed_id: str,
        before: Knowledge,
        after: Knowledge,
        reworded: bool,
    ) -> list[Change]:
        found = []
        for one in bite:
            was = self._known.get(one.text)
            if was is None:
                was = self._known[one.text] = trial.outcome(before, one.text)
            now = trial.outcome(after, one.text)
            change = trial.compare(one, was, now, changed_id, is_reworded=reworded)
            if change is not None:
                found.append(change)
        return found

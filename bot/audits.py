"""The audit's worker as part of the program: what it judges by, how it is run, what it counts.

Talks are cut and judged in a thread that gives way to the event loop, so that customers are answered meanwhile.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from audit import bases, closings
from audit.loading import AuditRules
from audit.remaking import Means
from audit.running import AuditWorker, Done
from audit.seen import Basis
from bot import assembling, threads
from content.loading import Content
from domain.archive import ConsentStatus
from domain.faq import EntityMode, Line
from domain.working_time import WorkingCalendar
from scheduler.ticker import Ticker, Wakeup
from store import audit_marks, audit_reading, contents

if TYPE_CHECKING:
    from bot.app import House

# How often it is asked whether something is due: a red line shall reach the supervisor at once.
LOOK_SECONDS = 2.0
_MEASURE_SECONDS = 15
_EVER = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class AuditLoop:
    """A loop to run."""

    name: str
    step: Callable[[], Awaitable[float | None]]
    bell: Wakeup


class Audits:
    """What `bot.loops` runs for the audit. Switched off, it marks but does not judge."""

    def __init__(self, house: House, *, cards_bell: Wakeup | None = None) -> None:
        settings = house.settings
        self._house = house
        self._enabled = settings.audit.enabled
        self._calendar = WorkingCalendar(assembling.service_hours(settings))
        self._modes = {
            Line(line): EntityMode(mode) for line, mode in settings.entity_mode.model_dump().items()
        }
        self._basis: tuple[Content, Basis] | None = None
        # What the basis was made from: the words, and the newest version and approval on record.
        self._made_from: tuple[Content, tuple[int, int]] | None = None
        self._cards_bell = cards_bell
        self.bell = Wakeup()
        self.worker = AuditWorker(
            house.store,
            house.clock,
            replace(
                rules_of(settings.audit.from_at, settings.audit.batch, settings.audit.most_messages),
                unseen=unseen_of(settings.wecom.archive.analyse_default_agree),
            ),
            self._means,
            owner=house.owner,
            run=threads.run,
            on_done=self._count,
            on_alarm=self._ring,
        )

    def loops(self) -> list[AuditLoop]:
        """Return what runs for ever."""
        if not self._enabled:
            return []
        return [AuditLoop(name="audit", step=self.run_due, bell=self.bell)]

    async def run_due(self) -> float | None:
        """Work on what is due, by the words and approvals of now."""
        await self.take_up()
        return await self.worker.run_due()

    async def take_up(self) -> None:
        """Make the basis anew where the words or an approval changed: which FAQ version held when comes from there."""
        content = self._house.library.content
        async with self._house.store.read() as tx:
            mark = await contents.mark(tx)
            if self._made_from is not None and self._made_from == (content, mark):
                return
            versions = await contents.list_versions(tx, ("faq",))
        serves_samples = self._house.settings.content.serve_samples
        facts = bases.facts_of(content, versions, serves_samples=serves_samples)
        self._basis, self._made_from = (content, bases.basis_of(content, facts)), (content, mark)

    def add_ticks(self, ticker: Ticker) -> None:
        """Have the figures brought up to date."""
        ticker.every(_MEASURE_SECONDS, "audit_figures", self.measure)

    async def take_over(self) -> None:
        """Take back what an earlier process held; only when no other one can run."""
        await self.worker.take_over()

    async def measure(self) -> None:
        """Bring the figures of what waits up to date."""
        now, metrics = self._house.clock.now(), self._house.metrics
        async with self._house.store.read() as tx:
            waiting = await audit_marks.measure(tx, now)
        metrics.audit_waiting.set(waiting.due)
        since = waiting.oldest_due_at
        metrics.audit_lag_seconds.set(max((now - since).total_seconds(), 0) if since else 0)

    def _means(self) -> Means:
        content = self._house.library.content
        if self._basis is None or self._basis[0] is not content:
            self._basis = (content, basis_of(content))
        return Means(
            calendar=self._calendar,
            closings=closings.load(),
            basis=self._basis[1],
            entity_modes=self._modes,
        )

    def _count(self, done: Done) -> None:
        metrics = self._house.metrics
        metrics.audit_messages.inc(done.messages)
        metrics.audit_sessions.inc(done.sessions)
        metrics.audit_red_lines.inc(done.red)

    def _ring(self) -> None:
        if self._cards_bell is not None:
            self._cards_bell.ring()


def basis_of(content: Content) -> Basis:
    """Return what sessions are judged by, out of the words as they are read; for what has no store."""
    return bases.basis_of(content)


def unseen_of(analyses_default: bool) -> frozenset[str]:
    """Return the words about the archive under which nothing is analysed (docs/archive.md)."""
    return audit_reading.UNSEEN - ({ConsentStatus.DEFAULT_AGREE} if analyses_default else frozenset())


def rules_of(from_at: datetime | None, batch: int, most_messages: int) -> AuditRules:
    """Return how the worker works. `from_at`: nothing said before is judged; None: everything is."""
    return AuditRules(from_at=from_at or _EVER, batch=batch, most_messages=most_messages)

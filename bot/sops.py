"""The workers of the group SOPs, built and joined: engine, mass sends, cards, questions, gates, enrolment by rule."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot import assembling
from bot.card_events import CardEvents
from bot.enrol_rules import EnrolRules
from console import words as console_words
from content import card_words
from domain.ports import Clock
from scheduler import acts, card_faces, gate_watch
from scheduler.attention import Cards
from scheduler.day_work import GroupWork
from scheduler.gate_watch import GateWatch
from scheduler.mass_watch import MassWatch
from scheduler.question_watch import QuestionWatch
from scheduler.ticker import Ticker, Wakeup
from scheduler.walking import Walker, WalkRules
from store import mass_tasks

if TYPE_CHECKING:
    from bot.app import House
    from scheduler.outbox import Outbox

Step = Callable[[], Awaitable[float | None]]

# Enrolments of one transaction: few on SQLite, whose one writer callbacks wait for.
_BATCH_SQLITE, _BATCH_POSTGRESQL = 40, 200
_RULES_SECONDS = 30
_LOST_SECONDS = 60
# A loop looks at least this often, in business time and in real seconds: with a clock that runs fast (a week in two
# minutes) a ladder of ten minutes must not fall between two looks.
_LOOK_EVERY = timedelta(seconds=30)
_SHORTEST_SECONDS = 0.03


@dataclass(frozen=True, kw_only=True)
class Loop:
    """A loop to run: its name, a step and the bell that wakes it."""

    name: str
    step: Step
    bell: Wakeup


class Pace:
    """How long a loop may wait, from how fast the business clock runs beside the machine's."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: tuple[datetime, datetime] | None = None

    def seconds(self) -> float | None:
        """Return the longest wait in real seconds; None while time runs as usual."""
        now, wall = self._clock.now(), self._clock.wall()
        before, self._seen = self._seen, (now, wall)
        if before is None or wall <= before[1]:
            return None
        rate = (now - before[0]) / (wall - before[1])
        return max(_LOOK_EVERY.total_seconds() / rate, _SHORTEST_SECONDS) if rate > 2 else None


def paced(step: Step, clock: Clock) -> Step:
    """Return a step that waits no longer than `Pace` allows."""
    pace = Pace(clock)

    async def run() -> float | None:
        wait, longest = await step(), pace.seconds()
        if longest is None or wait == 0:
            return wait
        return longest if wait is None else min(wait, longest)

    return run


class Sops:
    """What `bot.loops` runs for group SOPs. `mass_watch` is None without a receiver named contacts."""

    def __init__(self, house: House, outbox: Outbox, *, lookups_bell: Wakeup | None) -> None:
        settings = house.settings
        words = console_words.load()
        is_sqlite = house.store.dialect.is_sqlite
        faces = card_words.load()
        zone = settings.service.zone
        self._house = house
        self.walker = Walker(
            house.store,
            house.clock,
            house.library.shelf,
            house.library.knowledge,
            WalkRules(
                batch=_BATCH_SQLITE if is_sqlite else _BATCH_POSTGRESQL,
                company=assembling.handler_rules(settings).facts,
                public_url=settings.server.public_url,
                internal_chat=settings.sop.internal_chat,
                groups=frozenset(settings.pilot.groups),
                suggest_only=settings.pilot.suggest_only,
                hours=assembling.service_hours(settings),
                words={
                    **words.section("occurrence_reason"),
                    **words.section("quit_alarm"),
                    **words.section("look"),
                },
            ),
        )
        self.mass_watch = (
            MassWatch(
                house.store,
                house.clock,
                house.mass,
                owner=house.owner,
                poll=timedelta(seconds=settings.sop.poll_seconds),
                engine_bell=self.walker.bell,
            )
            if house.mass is not None
            else None
        )
        self.cards = Cards(
            house.store,
            house.clock,
            assembling.budget_rules(settings),
            card_faces.FaceRules(words=faces, public_url=settings.server.public_url, zone=zone),
            owner=house.owner,
            outbox_bell=outbox.bell,
            day_work=GroupWork(self.walker.version),
            suggest_only=settings.pilot.suggest_only,
        )
        self.questions = QuestionWatch(
            house.store,
            house.clock,
            house.library.knowledge,
            assembling.question_rules(settings),
            cards_bell=self.cards.bell,
        )
        self.gates = GateWatch(house.store, house.clock, lookups_bell=lookups_bell)
        self.rules = EnrolRules(
            house.store,
            house.clock,
            house.library.shelf,
            self.walker,
            pilot=frozenset(settings.pilot.groups),
        )
        self.card_events = CardEvents(house.store, house.clock, acts, faces, house.app_messages)
        self.card_events.bell = self.walker.bell
        self.walker.outbox_bell = outbox.bell
        self.walker.cards_bell = self.cards.bell
        if self.mass_watch is not None:
            self.walker.mass_bell = self.mass_watch.bell

    def loops(self) -> list[Loop]:
        """Return what runs for ever."""
        clock = self._house.clock
        found = [
            Loop(name="sops", step=paced(self.walker.walk_due, clock), bell=self.walker.bell),
            Loop(name="cards", step=paced(self.cards.send_due, clock), bell=self.cards.bell),
            Loop(name="questions", step=paced(self.questions.watch_due, clock), bell=self.questions.bell),
        ]
        if self.mass_watch is not None:
            watch = paced(self.mass_watch.watch_due, clock)
            found.append(Loop(name="mass", step=watch, bell=self.mass_watch.bell))
        return found

    def add_ticks(self, ticker: Ticker) -> None:
        """Add what is looked at now and then."""
        ticker.every(_RULES_SECONDS, "enrol_rules", self.rules.look)
        ticker.every(_LOST_SECONDS, "lost_cards", self.cards.take_back)
        ticker.every(gate_watch.EVERY_SECONDS, "gates", self._gates)

    async def take_over(self) -> None:
        """Take back what an earlier process held; on SQLite there is no other one."""
        await self._house.store.write(mass_tasks.release_all)

    async def _gates(self) -> None:
        await self.gates.watch_due()

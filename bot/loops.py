"""The loops and ticks of a serving process: read, decide, send, fetch, look after."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from bot import assembling, machine, proof
from bot.appeal_times import AppealTimes
from bot.archives import Archives
from bot.audits import LOOK_SECONDS, Audits
from bot.channels.wecom import app_chats, app_messages, external, group_welcomes, mass
from bot.channels.wecom import errors as wecom_errors
from bot.channels.wecom.app_chats import ChatChannel
from bot.channels.wecom.app_messages import AppChannel
from bot.channels.wecom.channel import KfChannel
from bot.channels.wecom.external import ExternalChannel
from bot.channels.wecom.group_welcomes import WelcomeLibraryChannel
from bot.channels.wecom.late_answers import CHANNEL as LATE_ANSWERS
from bot.channels.wecom.late_answers import LateAnswers
from bot.channels.wecom.mass import MassChannel
from bot.contact_events import ContactEvents
from bot.deciding import Deciding
from bot.desk_rounds import DeskRounds
from bot.desk_watch import DeskWatch
from bot.directory import Directory
from bot.files import FileKeeper
from bot.inbox import Inbox
from bot.official_days import OfficialDays
from bot.overrides import Overrides
from bot.puller import Puller
from bot.rounds import Rounds
from bot.sops import Sops, paced
from bot.staff_questions import StaffQuestions
from content import colleague_words
from content import turns as wholeness
from domain.colleague import StaffQuestion
from domain.ports import Channel
from handlers import routes
from scheduler.handover_watch import HandoverWatch
from scheduler.outbox import Outbox
from scheduler.ticker import Ticker, Wakeup, end_tasks, run_loop
from store import accounts, leases, lookups, staff_questions, walks

if TYPE_CHECKING:
    from bot.app import House

log = logging.getLogger(__name__)

_REAP_SECONDS = 5
_LIBRARY_SECONDS = 2.0
_MEDIA_WAIT_SECONDS = 5.0
# How often it is asked whether a walk over people and groups is due.
_WALK_SECONDS = 30
# How often it is asked whether an answer to a colleague was not fetched in time.
_LAPSE_SECONDS = 5
# How often it is asked whether the time of an appeal is over.
_APPEAL_SECONDS = 60
# How often it is looked whether the platform has new daily figures.
_OFFICIAL_SECONDS = 600
# How often the company's own file about its staff is looked at.
_OVERRIDES_SECONDS = 10
# How long open hand-overs rest at most between two looks.
_HANDOVER_SECONDS = 5.0
# How long the first decision waits to know who is receiving; longer only when the platform does not answer.
_PEOPLE_SECONDS = 3.0


class Loops:
    """Builds the workers of one process and keeps them going."""

    def __init__(self, house: House) -> None:
        settings = house.settings
        self._house = house
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()
        self._knows_people = asyncio.Event()
        self._ticker = Ticker(lambda name, seconds: house.metrics.tick_seconds.labels(name).observe(seconds))
        channel: Channel | None = KfChannel(house.kf) if house.kf else None
        turn_rules = assembling.turn_rules(settings)
        self.late_answers = self._late_answers() if LATE_ANSWERS in settings.wecom.receivers else None
        self.outbox = Outbox(
            house.store,
            self._channels(channel),
            house.clock,
            house.library.knowledge,
            assembling.outbox_rules(settings),
            owner=house.owner,
        )
        self.deciding = Deciding(
            house.store,
            house.clock,
            routes.all_handlers(),
            assembling.handler_rules(settings),
            house.library.knowledge,
            turn_rules,
            house.metrics,
            owner=house.owner,
            channel=channel,
            outbox_bell=self.outbox.bell,
            suggest_only=settings.pilot.suggest_only,
        )
        self.outbox.turn_bell = self.deciding.bell
        self.desk = DeskWatch(house.store, house.clock, process=house.owner)
        self.desk_rounds = DeskRounds(house.store, house.clock, self.desk.streams)
        self.desk.on_customer = self.desk_rounds.want
        self.puller = self._puller() if house.kf else None
        self.contact_events = ContactEvents(
            house.store,
            house.clock,
            routes.all_handlers(),
            assembling.handler_rules(settings),
            house.library.knowledge,
            outbox_bell=self.outbox.bell,
            may_welcome=house.external is not None,
            suggest_only=settings.pilot.suggest_only,
        )
        self.overrides = Overrides(house.store, house.clock, settings.people.overrides)
        self.directory = self._directory()
        self.sops = Sops(house, self.outbox, lookups_bell=self.directory.bell if self.directory else None)
        self.handovers = HandoverWatch(
            house.store,
            house.clock,
            house.library.knowledge,
            assembling.watch_rules(settings),
            outbox_bell=self.outbox.bell,
        )
        self.archives = Archives(house)
        self.audits = Audits(house, cards_bell=self.sops.cards.bell)
        self.appeal_times = AppealTimes(house.store, house.clock, assembling.service_hours(settings))
        inbox_bell = Wakeup()
        self.staff_questions = StaffQuestions(
            house.store,
            house.clock,
            house.library.knowledge,
            assembling.handler_rules(settings),
            colleague_words.load(),
            bell=inbox_bell,
            outbox_bell=self.outbox.bell,
            ready=house.library.ready.wait,
        )
        self.inbox = Inbox(
            house.store,
            house.clock,
            self.puller,
            self.deciding,
            house.metrics,
            owner=house.owner,
            went_live_at=house.went_live_at,
            contact_events=self.contact_events,
            card_events=self.sops.card_events,
            archive_events=self.archives.events,
            colleague_events=self.staff_questions,
            bell=inbox_bell,
        )
        self.files = (
            FileKeeper(house.store, house.kf, house.clock, settings.store.data_folder, owner=house.owner)
            if house.kf
            else None
        )
        self._proof = proof.Workers(settings, house.store, house.clock)
        self._file_bell = Wakeup()
        self._words_bell = Wakeup()
        self._sop_bells: list[Wakeup] = []
        self._archive_bells: list[Wakeup] = []
        self.rounds = Rounds(house, self.puller)
        self.official_days = OfficialDays(
            house.store, house.clock, house.contact_statistics, house.kf_statistics, owner=house.owner
        )

    async def take_over(self) -> None:
        """Before anything runs: take back what an earlier process held. On SQLite there can be no other one."""
        is_alone = self._house.store.dialect.is_sqlite
        await self._reap(everything=is_alone)
        if is_alone:
            for release_all in (accounts.release_all, lookups.release_all, walks.release_all):
                await self._house.store.write(release_all)
            await self.sops.take_over()
            await self.archives.take_over()
            await self.audits.take_over()
        if self.files is not None:
            await asyncio.to_thread(self.files.sweep)

    async def start(self) -> None:
        """Begin."""
        self._run("inbox", self.inbox.process_due, self.inbox.bell)
        self._run("turns", self._decide_due, self.deciding.bell)
        self._run("outbox", self.outbox.send_due, self.outbox.bell)
        if self.files is not None:
            self._run("files", self.files.fetch_due, self._file_bell, longest=_MEDIA_WAIT_SECONDS)
        self._run("words", self._look_at_words, self._words_bell, longest=_LIBRARY_SECONDS)
        self._once("overrides", self.overrides.look)
        self._ticker.every(_OVERRIDES_SECONDS, "overrides", self.overrides.look)
        if self.directory is not None:
            self._run("lookups", self.directory.look_up_due, self.directory.bell)
            self._once("directory", self.directory.walk_due)
            self._ticker.every(_WALK_SECONDS, "directory", self.directory.walk_due)
        for loop in self.sops.loops():
            self._run(loop.name, loop.step, loop.bell)
            self._sop_bells.append(loop.bell)
        self.sops.add_ticks(self._ticker)
        if not self._house.settings.pilot.suggest_only:
            watch = paced(self.handovers.watch_due, self._house.clock)
            self._run("handovers", watch, self.handovers.bell, longest=_HANDOVER_SECONDS)
        self._ticker.every(_OFFICIAL_SECONDS, "official_days", self.official_days.read_due)
        for reading in self.archives.loops():
            self._run(reading.name, reading.step, reading.bell, longest=reading.longest)
            self._archive_bells.append(reading.bell)
        self.archives.add_ticks(self._ticker)
        for audit in self.audits.loops():
            self._run(audit.name, audit.step, audit.bell, longest=LOOK_SECONDS)
        self.audits.add_ticks(self._ticker)
        self._ticker.every(_APPEAL_SECONDS, "appeals", self.appeal_times.look)
        self._ticker.every(_LAPSE_SECONDS, "staff_questions", self.staff_questions.lapse_due)
        self._run("desk", self.desk.watch, self.desk.bell)
        self._run("desk-rounds", self.desk_rounds.make_due, self.desk_rounds.bell)
        self._once("matching", self._house.library.warm_up)
        self._once("accounts", self._first_round)
        poll = self._house.settings.kf.poll_seconds
        self._ticker.every(_REAP_SECONDS, "reap", self._reap)
        self._ticker.every(_LIBRARY_SECONDS, "stops", self._house.library.take_up_stops)
        self._ticker.every(poll, "poll", self.rounds.poll)
        self._ticker.every(60, "accounts", self.rounds.refresh_accounts)
        self._ticker.every(5, "names", self.rounds.fetch_names)
        self._ticker.every(15, "figures", self.rounds.measure)
        self._proof.add_ticks(self._ticker)
        self._ticker.start()

    async def stop(self, seconds: float) -> None:
        """End the loops; what is on its way gets `seconds` to finish, the rest is found again at the next start."""
        self._stopping.set()
        bells = [self.inbox.bell, self.deciding.bell, self.outbox.bell, self._file_bell, self._words_bell]
        bells += [self.desk.bell, self.desk_rounds.bell]
        if self.directory is not None:
            bells.append(self.directory.bell)
        bells.append(self.handovers.bell)
        for bell in (*bells, *self._sop_bells, *self._archive_bells, self.audits.bell):
            bell.ring()
        await self._house.library.stop()
        await self._ticker.stop(seconds)
        await end_tasks(self._tasks, seconds)
        await self.archives.close()
        await self._finish_work(seconds)
        if self.late_answers is not None:
            await self.late_answers.close()

    async def _finish_work(self, seconds: float) -> None:
        for worker in (self.inbox, self.deciding, self.outbox, self.directory):
            if worker is None:
                continue
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(worker.finish(), seconds)

    def _channels(self, kf: Channel | None) -> dict[str, Channel]:
        """Return the ways out by the name a delivery carries."""
        channels: dict[str, Channel] = {} if kf is None else {"kf": kf}
        if self._house.external is not None:
            channels[external.CHANNEL] = ExternalChannel(self._house.external)
        house = self._house
        if house.mass is not None and house.uploads is not None:
            channels[mass.CHANNEL] = MassChannel(house.mass, house.uploads)
        if house.group_welcomes is not None and house.uploads is not None:
            channels[group_welcomes.CHANNEL] = WelcomeLibraryChannel(house.group_welcomes, house.uploads)
        if house.app_messages is not None:
            channels[app_messages.CHANNEL] = AppChannel(house.app_messages)
        if self.late_answers is not None:
            channels[LATE_ANSWERS] = self.late_answers
        if house.app_chats is not None:
            channels[app_chats.CHANNEL] = ChatChannel(house.app_chats)
        return channels

    def _late_answers(self) -> LateAnswers:
        store, wecom = self._house.store, self._house.settings.wecom

        async def question(delivery_key: str) -> StaffQuestion | None:
            async with store.read() as tx:
                return await staff_questions.find_by_delivery(tx, delivery_key)

        async def forget(question_id: int) -> None:
            await store.write(lambda tx: staff_questions.forget_address(tx, question_id))

        return LateAnswers(
            question,
            forget,
            api_base=wecom.api_base,
            proxy=wecom.proxy_url or None,
            timeout_seconds=wecom.timeout_seconds,
            rules=wecom_errors.Rules(),
        )

    def _directory(self) -> Directory | None:
        house = self._house
        if house.contacts is None or house.external is None:
            return None
        directory = Directory(
            house.store,
            house.clock,
            house.contacts,
            house.external,
            assembling.directory_rules(house.settings),
            owner=house.owner,
        )
        self.contact_events.bell = directory.bell
        return directory

    def _puller(self) -> Puller:
        house = self._house
        assert house.kf is not None

        def on_new() -> None:
            self.deciding.bell.ring()
            self.inbox.bell.ring()
            self.outbox.bell.ring()
            self.desk.bell.ring()

        return Puller(
            house.store,
            house.kf,
            house.clock,
            assembling.turn_rules(house.settings),
            owner=house.owner,
            limit=house.settings.kf.sync_limit,
            is_whole=lambda text: wholeness.is_whole_question(
                text, house.library.knowledge().content.signals
            ),
            on_new=on_new,
        )

    async def _reap(self, *, everything: bool = False) -> None:
        """Take back the work of processes that are gone, or of all when no other one can run."""
        if not everything:
            await self._expire_the_dead()
        for worker in (self.inbox, self.deciding, self.outbox, self.files):
            if worker is not None:
                await worker.reap(everything=everything)

    async def _look_at_words(self) -> float | None:
        """Take up changed words, approvals and stops, and count what became of a change."""
        library, metrics = self._house.library, self._house.metrics
        done = await library.look()
        if done is not None:
            metrics.content_reloads.labels(done).inc()
        metrics.content_mistakes.set(len(library.mistakes))
        return None

    async def _expire_the_dead(self) -> None:
        store = self._house.store
        async with store.read() as tx:
            owners = await leases.list_owners(tx)
        gone = [name for name in owners if machine.is_gone(name)]
        if gone:
            await store.write(lambda tx: leases.expire(tx, gone))
            log.warning("work of dead processes", extra={"action": "leases_expired", "count": len(gone)})

    async def _first_round(self) -> None:
        try:
            await self.rounds.refresh_accounts()
        finally:
            self._knows_people.set()
            self.deciding.bell.ring()
        await self.rounds.poll()

    async def _decide_due(self) -> float | None:
        """Decide turns once questions can be matched and it is known who is receiving.

        So the first customer is neither asked to say it otherwise nor told that nobody is there.
        """
        await self._house.library.ready.wait()
        if not self._knows_people.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._knows_people.wait(), _PEOPLE_SECONDS)
            self._knows_people.set()
        return await self.deciding.decide_due()

    def _run(
        self,
        name: str,
        step: Callable[[], Awaitable[float | None]],
        bell: Wakeup,
        *,
        longest: float = 1.0,
    ) -> None:
        self._tasks.append(
            asyncio.create_task(
                run_loop(name, step, bell, self._stopping, longest_wait_seconds=longest), name=f"loop-{name}"
            )
        )

    def _once(self, name: str, act: Callable[[], Awaitable[None]]) -> None:
        async def guarded() -> None:
            try:
                await act()
            except Exception:
                log.exception("start task failed", extra={"action": "start_task_failed", "task": name})

        self._tasks.append(asyncio.create_task(guarded(), name=f"start-{name}"))

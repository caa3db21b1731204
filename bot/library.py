"""The words in use: files read, versions stored, approvals and stops looked up, the matcher built.

What is served is the newest approved version of each text; a changed file is a draft until a person of the company
approves it, and the last approved version serves meanwhile (design.md, "content"). The demo serves files as they are.
A new Knowledge replaces the old one as a whole, so nobody ever sees half of a change. What takes long (reading,
checking, building the matcher) is done in a thread while the old Knowledge answers (docs/content.md). At the start the
doors open before the matcher is built; who decides waits for `ready`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from bot import choosing, threads
from bot.content_files import ContentFiles, Mark
from bot.sop_library import SopLibrary, SopRules
from content import loading, matching, meaning, own_files, segmentation, trial
from content.knowledge import Knowledge, Served
from content.sop_shelf import Shelf
from domain.errors import ContentError, StoreUnavailable
from domain.faq import EntityMode, Faq, Line, Thresholds
from domain.hours import ServiceHours
from domain.ports import Clock
from domain.quick import QuickPhrase
from domain.replies import FixedReply
from domain.sop import Template
from store import contents, lines
from store.contents import Version
from store.database import Store

log = logging.getLogger(__name__)

_FAQ: TypeAdapter[Faq] = TypeAdapter(Faq)
_REPLY: TypeAdapter[FixedReply] = TypeAdapter(FixedReply)
_QUICK: TypeAdapter[QuickPhrase] = TypeAdapter(QuickPhrase)
_KINDS = ("faq", "reply", "quick")  # The SOPs' words are bot/sop_library.py's.
_TRIES = 3  # To read files that somebody is writing.


class Reload(StrEnum):
    """What became of changed files."""

    LOADED = "loaded"  # Read, checked and in use; what needs an approval waits for it.
    SAME = "same"  # The files were touched, the words are those in use.
    REFUSED = "refused"  # They have mistakes; the words of before stay in use.


@dataclass(frozen=True, kw_only=True)
class LibraryRules:
    """How the words are chosen. `serves_samples`: the demo, which says what nobody has approved.

    `by_meaning`: whether meanings are compared where words leave doubt. `needs_registration`: lines that only
    registered members of staff may speak for.
    """

    folder: Path
    data_folder: Path
    serves_samples: bool
    by_meaning: bool
    entity_modes: Mapping[Line, EntityMode]
    thresholds: Thresholds
    hours: ServiceHours
    needs_registration: frozenset[Line] = frozenset()


class Library:
    """Keeps the Knowledge of today."""

    def __init__(self, store: Store, clock: Clock, rules: LibraryRules) -> None:
        self._store = store
        self._clock = clock
        self._rules = rules
        self._files = ContentFiles(rules.folder, rules.data_folder)
        self._content: loading.Content | None = None
        self._knowledge: Knowledge | None = None
        self._matcher: tuple[object, matching.Matcher] | None = None
        self._is_warm = False
        # The semantic channel, the matcher that has it, and the task that gives it to a newer one.
        self._meaning: meaning.Meaning | None = None
        self._attached: matching.Matcher | None = None
        self._attaching: asyncio.Task[None] | None = None
        self._is_ended = False
        self._built: object = None
        self._stopped: frozenset[Line] = frozenset()
        # Files as they were when they were read, and as the last look found them.
        self._read_mark: Mark | None = None
        self._seen_mark: Mark | None = None
        # Whoever reads or builds holds it; answering never waits for it.
        self._at_work = asyncio.Lock()
        self._mistakes: tuple[str, ...] = ()
        self._sops = SopLibrary(
            store,
            clock,
            SopRules(folder=rules.folder, serves_samples=rules.serves_samples, hours=rules.hours),
        )
        self._takes_sops = False
        self.read_at: datetime | None = None
        # Set once questions can be matched, and once the SOPs are read.
        self.ready = asyncio.Event()
        self.shelf_ready = asyncio.Event()

    @property
    def content(self) -> loading.Content:
        """The files as they were read."""
        assert self._content is not None, "Library.load comes first"
        return self._content

    @property
    def is_ready(self) -> bool:
        """Whether questions can be matched yet."""
        return self.ready.is_set()

    @property
    def mistakes(self) -> tuple[str, ...]:
        """What is wrong with the files while the last good ones are used; empty when they are fine."""
        return self._mistakes + self._sops.mistakes

    @property
    def compares_meaning(self) -> bool:
        """Whether the matcher in use compares meanings where words leave doubt."""
        return self._attached is not None and self._matcher is not None and self._attached is self._matcher[1]

    def knowledge(self) -> Knowledge:
        """Return the words of now."""
        assert self._knowledge is not None, "Library.load comes first"
        return self._knowledge

    async def rehearse(self, faq: Faq) -> Knowledge:
        """Return the words of now with one entry as it would be, compared as they are: nothing of it is served."""
        knowledge = self.knowledge()
        channel = self._meaning if self.compares_meaning else None
        return await threads.run(lambda: trial.with_entry(knowledge, faq, channel))

    def shelf(self) -> Shelf:
        """Return the SOPs of now; an empty shelf until `shelf_ready` is set."""
        return self._sops.shelf

    async def sop_template(self, version_id: int) -> Template:
        """Return a frozen template by its sop_version id; raises KeyError for one that is not there."""
        return await self._sops.template(version_id)

    async def load_sops(self) -> None:
        """Read the SOPs as well, and from now on whenever they change; `load` comes first.

        About 0.3 s in a thread. Never raises for a mistake: `mistakes` tells it.
        """
        self._takes_sops = True
        for _ in range(_TRIES):
            async with self._at_work:
                mark = await asyncio.to_thread(self._files.mark)
                sops = await self._sops.read(self.content)
                if await asyncio.to_thread(self._files.mark) == mark:
                    await self._sops.take_up(sops)
                    self.shelf_ready.set()
                    return

    async def load(self, *, takes_last_good: bool = False) -> None:
        """Read the files and store new versions of what they say.

        Raises ContentError with every mistake; with `takes_last_good` the files of the last good start are used
        instead, so that a broken file never silences the bot, and `mistakes` says so.
        """
        async with self._at_work:
            mark, content = await asyncio.to_thread(self._read, takes_last_good)
            await self._store_versions(content)
            self._content, self._read_mark, self._seen_mark = content, mark, mark
            self.read_at = self._clock.now()
            await self._build_anew()

    async def look(self) -> Reload | None:
        """Take up files that changed, then approvals, stops and the date; a tick. None when no file changed.

        Files count as changed once two looks in a row found them alike, so that one that is being written is left
        alone; and they must be the same after they were read as before.
        """
        done = None
        async with self._at_work:
            mark = await asyncio.to_thread(self._files.mark)
            is_settled, self._seen_mark = mark == self._seen_mark, mark
            if is_settled and mark != self._read_mark:
                done = await self._reload(mark)
        if self._takes_sops and not self.shelf_ready.is_set():
            await self.load_sops()  # Something was in the way the first time.
        await self.refresh()
        return done

    async def refresh(self) -> None:
        """Take up approvals, stops and the date; build the Knowledge anew when an approval or a version is new."""
        await self.take_up_stops()
        async with self._at_work:
            await self._sops.settle(await self._build_anew())

    async def take_up_stops(self) -> None:
        """Take up stopped lines and the date at once, also while something is being built."""
        async with self._store.read() as tx:
            self._stopped = await lines.list_stopped(tx)
        if self._knowledge is not None:
            self._knowledge = self._of_now(self._knowledge)

    async def warm_up(self) -> None:
        """Load the dictionary and build the matcher, then set `ready`; then read the SOPs, then compare meanings too.

        The phrases' vectors are kept in the data folder; computing those of all shipped entries takes 15 s of one core
        at the very first start, and a matcher goes by words alone until they are there. `stop` ends it.
        """
        try:
            async with self._at_work:
                self._is_warm = True
                if segmentation.current().name == "pairs":
                    await threads.run(
                        lambda: segmentation.prepare(self._rules.data_folder, self.content.lexicon)
                    )
                await self._build_anew()
        finally:
            # Without a dictionary or a matcher every question goes to a person, and none waits for ever.
            self.ready.set()
        log.info(
            "matching ready",
            extra={"action": "matching_ready", "segmenter": segmentation.current().name},
        )
        await self._try_sops()
        if self._rules.by_meaning:
            self._meaning = await threads.run(lambda: meaning.load(self._rules.data_folder))
            self._attach_meaning()

    async def stop(self) -> None:
        """End what is being computed in threads; nothing is taken up any more."""
        self._is_ended = True
        if self._meaning is not None:
            self._meaning.stop()
        if self._attaching is not None:
            await asyncio.wait([self._attaching])

    async def _try_sops(self) -> None:
        if self._is_ended:
            return
        try:
            await self.load_sops()
        except (OSError, StoreUnavailable):
            log.exception("sops not read", extra={"action": "sops_unread"})  # The next look tries again.

    def _attach_meaning(self) -> None:
        """Let the matcher in use compare meanings, as soon as the vectors of its phrases are there."""
        # A house that closes while the model is being loaded begins nothing any more.
        if (
            self._meaning is not None
            and not self._is_ended
            and (self._attaching is None or self._attaching.done())
        ):
            self._attaching = asyncio.create_task(self._attach(self._meaning), name="library-meaning")

    async def _attach(self, channel: meaning.Meaning) -> None:
        try:
            while self._matcher is not None and self._attached is not self._matcher[1]:
                matcher = self._matcher[1]
                await threads.run(lambda: matcher.attach(channel))  # noqa: B023 - awaited before the next turn
                self._attached = matcher
            log.info("meanings ready", extra={"action": "meaning_ready", "model": channel.version})
        except meaning.Stopped:
            log.info("meanings left", extra={"action": "meaning_stopped"})
        except Exception:
            # Words alone are enough to answer; the next change tries again.
            log.exception("meanings failed", extra={"action": "meaning_failed"})

    # --- files ----------------------------------------------------------------------------------------------

    def _read(self, takes_last_good: bool) -> tuple[Mark, loading.Content]:
        mark = self._files.mark()
        try:
            content = self._files.load()
        except ContentError as error:
            kept = self._files.load_last_good() if takes_last_good else None
            if kept is None:
                raise
            self._complain(error)
            return mark, kept
        if takes_last_good and self._files.mark() == mark:
            self._files.keep(content)
        return mark, content

    async def _reload(self, mark: Mark) -> Reload | None:
        """Read the files that look like `mark`; None when they changed again meanwhile, so that the next look does."""
        try:
            content = await threads.run(self._files.load)
            wrong = None
        except ContentError as error:
            content, wrong = None, error
        except OSError as error:
            log.warning(
                "content unreadable", extra={"action": "content_unreadable", "error": type(error).__name__}
            )
            return None
        sops = await self._sops.read(content or self.content) if self.shelf_ready.is_set() else None
        if await asyncio.to_thread(self._files.mark) != mark:
            return None
        is_new = content is not None and content.digest != self.content.digest
        if content is not None and is_new:
            await self._take_up(content)
        has_new_sops = sops is not None and await self._sops.take_up(sops)
        # Only now: when the database is busy, the next look tries again.
        self._read_mark, self._mistakes = mark, ()
        if wrong is not None:
            self._complain(wrong)
        if wrong is not None or (has_new_sops and self._sops.mistakes):
            return Reload.REFUSED
        return Reload.LOADED if is_new or has_new_sops else Reload.SAME

    async def _take_up(self, content: loading.Content) -> None:
        await asyncio.to_thread(self._files.keep, content)
        await self._store_versions(content)
        if content.lexicon != self.content.lexicon and self.is_ready:
            await threads.run(lambda: segmentation.prepare(self._rules.data_folder, content.lexicon))
        self._content, self.read_at = content, self._clock.now()
        await self._build_anew()
        log.info(
            "content reloaded",
            extra={"action": "content_reloaded", "entries": len(content.faqs), "digest": content.digest[:12]},
        )

    def _complain(self, error: ContentError) -> None:
        self._mistakes = tuple(error.problems)
        log.error("content has mistakes", extra={"action": "content_broken", "mistakes": len(error.problems)})

    async def _store_versions(self, content: loading.Content) -> None:
        texts = [
            ("faq", one.id, one.digest, _FAQ.dump_python(one, mode="json")) for one in content.faqs.values()
        ]
        texts += [("reply", one.id, one.digest, _reply_body(one)) for one in content.replies.values()]
        texts += [("quick", one.id, one.digest, quick_body(one)) for one in content.quick.values()]
        now = self._clock.now()
        await self._store.write(lambda tx: contents.add(tx, texts, now))

    # --- knowledge ------------------------------------------------------------------------------------------

    async def _build_anew(self) -> tuple[int, int]:
        """Build the Knowledge when versions, approvals, files or the segmenter changed. The lock is held.

        Returns the mark of the stored versions.
        """
        content = self.content
        async with self._store.read() as tx:
            mark = await contents.mark(tx)
            wanted = (mark, content.digest, self._is_warm and segmentation.current())
            if wanted == self._built:
                return mark
            stopped = await lines.list_stopped(tx)
            versions = await contents.list_versions(tx, _KINDS)
        built = await threads.run(lambda: self._build(content, versions))
        self._stopped = stopped if self._knowledge is None else self._stopped
        self._knowledge, self._built = self._of_now(built), wanted
        self._attach_meaning()
        return mark

    def _of_now(self, knowledge: Knowledge) -> Knowledge:
        today = self._rules.hours.today(self._clock.now())
        if (knowledge.stopped, knowledge.today) == (self._stopped, today):
            return knowledge
        return replace(knowledge, stopped=self._stopped, today=today)

    def _build(self, content: loading.Content, versions: list[Version]) -> Knowledge:
        chosen = {f"{one.kind}:{one.key}": one for one in self._chosen(content, versions)}
        faqs: dict[str, Faq] = {}
        replies: dict[str, FixedReply] = {}
        quick: dict[str, QuickPhrase] = {}
        for one in chosen.values():
            if one.kind == "faq":
                faq = _FAQ.validate_python(one.body)
                faqs[one.key] = own_files.as_written(faq, content.faqs.get(one.key))
            elif one.kind == "quick":
                quick[one.key] = _QUICK.validate_python(one.body)
            else:
                replies[one.key] = _REPLY.validate_python(one.body)
        return Knowledge(
            content=content,
            faqs=faqs,
            replies=replies,
            quick=quick,
            versions={
                name: Served(version_id=one.id, is_sample=not one.approved_by) for name, one in chosen.items()
            },
            matcher=self._matcher_for(content, faqs),
            thresholds=self._rules.thresholds,
            entity_modes=self._rules.entity_modes,
            stopped=self._stopped,
            today=self._rules.hours.today(self._clock.now()),
            needs_registration=self._rules.needs_registration,
        )

    def _matcher_for(self, content: loading.Content, faqs: Mapping[str, Faq]) -> matching.Matcher:
        """Return a matcher over these entries, the one in use when nothing it is made from changed.

        Before `warm_up`, and for commands that answer nobody, it is an empty one.
        """
        if not self._is_warm:
            return matching.Matcher(())
        made_from = (
            tuple((one.id, one.digest) for one in faqs.values()),
            dict(content.synonyms),
            content.lexicon,
            segmentation.current(),
        )
        if self._matcher is None or self._matcher[0] != made_from:
            self._matcher = made_from, new_matcher(content, faqs)
        return self._matcher[1]

    def _chosen(self, content: loading.Content, versions: list[Version]) -> list[Version]:
        """Return the version of each text that is served; words that today's content cannot carry are left out."""
        current = {("faq", one.id): one.digest for one in content.faqs.values()}
        current |= {("reply", one.id): one.digest for one in content.replies.values()}
        current |= {("quick", one.id): one.digest for one in content.quick.values()}
        found = choosing.chosen(versions, current, serves_samples=self._rules.serves_samples)
        kept = [one for one in found if set(one.body.get("risk_lines", ())) <= content.risk_lines.keys()]
        if len(kept) < len(found):
            log.error(
                "risk lines gone", extra={"action": "content_unserved", "entries": len(found) - len(kept)}
            )
        return kept


def new_matcher(
    content: loading.Content, faqs: Mapping[str, Faq], channel: meaning.Meaning | None = None
) -> matching.Matcher:
    """Return a matcher over `faqs` with the words of `content`; `channel`: to compare meanings as well."""
    subjects = map(matching.Subject.of, faqs.values())
    return matching.Matcher(subjects, content.synonyms, content.lexicon, meaning=channel)


def quick_body(phrase: QuickPhrase) -> dict[str, Any]:
    """Return a quick phrase as a version keeps it."""
    body: dict[str, Any] = _QUICK.dump_python(phrase, mode="json")
    body["slots"] = sorted(body["slots"])
    return body


def _reply_body(reply: FixedReply) -> dict[str, Any]:
    body: dict[str, Any] = _REPLY.dump_python(reply, mode="json")
    body["slots"] = sorted(body["slots"])
    return body

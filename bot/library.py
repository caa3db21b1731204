"""The words in use: files read, versions stored, approvals and stops looked up, the matcher built.

What is served is the newest approved version of each text; a changed file is a draft until a person of the company
approves it, and the last approved version serves meanwhile (design.md, "content"). The demo serves files as they are.
A new Knowledge replaces the old one as a whole, so nobody ever sees half of a change.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from content import loading, matching, segmentation
from content.knowledge import Knowledge, Served
from domain.errors import ContentError
from domain.faq import EntityMode, Faq, Line, Thresholds
from domain.hours import ServiceHours
from domain.ports import Clock
from domain.replies import FixedReply
from store import contents, lines
from store.contents import Version
from store.database import Store

log = logging.getLogger(__name__)

# How long the loading thread may hold the interpreter before the event loop gets it.
_BRIEF_SECONDS = 0.0002

_FAQ: TypeAdapter[Faq] = TypeAdapter(Faq)
_REPLY: TypeAdapter[FixedReply] = TypeAdapter(FixedReply)


@dataclass(frozen=True, kw_only=True)
class LibraryRules:
    """How the words are chosen. `serves_samples`: the demo, which says what nobody has approved."""

    folder: Path
    data_folder: Path
    serves_samples: bool
    entity_modes: Mapping[Line, EntityMode]
    thresholds: Thresholds
    hours: ServiceHours


class Library:
    """Keeps the Knowledge of today."""

    def __init__(self, store: Store, clock: Clock, rules: LibraryRules) -> None:
        self._store = store
        self._clock = clock
        self._rules = rules
        self._content: loading.Content | None = None
        self._knowledge: Knowledge | None = None
        self._mark: object = None
        # What is wrong with the files while the last good ones are used; empty when they are fine.
        self.mistakes: tuple[str, ...] = ()

    @property
    def content(self) -> loading.Content:
        """The files as they were read."""
        assert self._content is not None, "Library.load comes first"
        return self._content

    def _read(self, takes_last_good: bool) -> loading.Content:
        kept = self._rules.data_folder / "content-last-good"
        try:
            content = loading.load(self._rules.folder)
        except ContentError as error:
            if not takes_last_good or not kept.is_dir():
                raise
            self.mistakes = tuple(error.problems)
            log.error(
                "content has mistakes", extra={"action": "content_broken", "mistakes": len(error.problems)}
            )
            return loading.load(kept)
        if takes_last_good:
            _keep(self._rules.folder, kept, content.digest)
        return content

    @property
    def is_ready(self) -> bool:
        """Whether the words are cut by a real segmenter yet."""
        return segmentation.current().name != "pairs"

    def knowledge(self) -> Knowledge:
        """Return the words of now."""
        assert self._knowledge is not None, "Library.load comes first"
        return self._knowledge

    async def load(self, *, takes_last_good: bool = False) -> None:
        """Read the files and store new versions of what they say.

        Raises ContentError with every mistake; with `takes_last_good` the files of the last good start are used
        instead, so that a broken file never silences the bot, and `mistakes` says so.
        """
        content = await asyncio.to_thread(self._read, takes_last_good)
        texts = [
            ("faq", one.id, one.digest, _FAQ.dump_python(one, mode="json")) for one in content.faqs.values()
        ]
        texts += [("reply", one.id, one.digest, _reply_body(one)) for one in content.replies.values()]
        now = self._clock.now()
        await self._store.write(lambda tx: contents.add(tx, texts, now))
        self._content = content
        self._mark = None
        await self.refresh()

    async def prepare_segmentation(self) -> None:
        """Load the dictionary in a thread; until then lighter layers answer, then the matcher rebuilds itself."""
        if not self.is_ready:
            # The loading thread would keep each step of the event loop waiting for 5 ms, and the doors open just now.
            usual = sys.getswitchinterval()
            sys.setswitchinterval(_BRIEF_SECONDS)
            try:
                await asyncio.to_thread(segmentation.prepare, self._rules.data_folder, self.content.lexicon)
            finally:
                sys.setswitchinterval(usual)
        log.info(
            "segmentation ready",
            extra={"action": "segmentation_ready", "segmenter": segmentation.current().name},
        )

    async def refresh(self) -> None:
        """Look whether approvals, stops or the date changed, and build the Knowledge anew when they did."""
        today = self._rules.hours.today(self._clock.now())
        async with self._store.read() as tx:
            stopped = await lines.list_stopped(tx)
            mark = (await contents.mark(tx), stopped, today)
            if mark == self._mark:
                return
            versions = await contents.list_versions(tx)
        self._knowledge = await asyncio.to_thread(self._build, versions, stopped, today)
        self._mark = mark

    def _build(self, versions: list[Version], stopped: frozenset[Line], today: date) -> Knowledge:
        content = self.content
        chosen = {f"{one.kind}:{one.key}": one for one in self._chosen(versions)}
        faqs: dict[str, Faq] = {}
        replies: dict[str, FixedReply] = {}
        for one in chosen.values():
            if one.kind == "faq":
                faqs[one.key] = _FAQ.validate_python(one.body)
            else:
                replies[one.key] = _REPLY.validate_python(one.body)
        return Knowledge(
            content=content,
            faqs=faqs,
            replies=replies,
            versions={
                name: Served(version_id=one.id, is_sample=not one.approved_by) for name, one in chosen.items()
            },
            matcher=matching.Matcher(faqs.values(), content.synonyms, content.lexicon),
            thresholds=self._rules.thresholds,
            entity_modes=self._rules.entity_modes,
            stopped=stopped,
            today=today,
        )

    def _chosen(self, versions: list[Version]) -> list[Version]:
        """Return the version of each text that is served: the approved one, or in the demo the file's."""
        current = {("faq", one.id): one.digest for one in self.content.faqs.values()}
        current |= {("reply", one.id): one.digest for one in self.content.replies.values()}
        chosen: dict[tuple[str, str], Version] = {}
        for one in versions:
            name = (one.kind, one.key)
            if one.approved_by or (self._rules.serves_samples and current.get(name) == one.digest):
                before = chosen.get(name)
                if before is None or _outranks(one, before, current.get(name)):
                    chosen[name] = one
        # A text that was taken out of the files is withdrawn, approved or not.
        return [one for name, one in chosen.items() if name in current]


def _keep(folder: Path, kept: Path, digest: str) -> None:
    """Keep a copy of the words that were good; readers never see half of it.

    Replicas may share the data folder and start together: each copies into a folder of its own, and the last one stays.
    """
    mark = kept / "digest"
    if mark.is_file() and mark.read_text("utf-8") == digest:
        return
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{kept.name}.", dir=kept.parent) as name:
        beside = Path(name) / "new"
        for path in sorted([*folder.rglob("*.toml"), *folder.glob("*.txt")]):
            target = beside / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        (beside / mark.name).write_text(digest, "utf-8")
        try:
            if kept.exists():
                kept.rename(Path(name) / "old")
            beside.rename(kept)
        except OSError:  # Another replica was quicker; its copy is as good.
            log.info("content kept by another process", extra={"action": "content_kept_elsewhere"})


def _outranks(one: Version, other: Version, current: str | None) -> bool:
    """Say whether `one` is served rather than `other`: the file's own version first, then the newest."""
    return (one.digest == current, one.id) > (other.digest == current, other.id)


def _reply_body(reply: FixedReply) -> dict[str, Any]:
    body: dict[str, Any] = _REPLY.dump_python(reply, mode="json")
    body["slots"] = sorted(body["slots"])
    return body

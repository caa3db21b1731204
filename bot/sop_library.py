"""The group SOPs in use: templates read, frozen and stored with their words and files, the shelf of today built.

Belongs to bot/library.py, which says when; its lock is held by whoever calls. A template is frozen as soon as its files
are right, so that a group can begin it and its words can be approved. One that breaks stays as it was last, taken from
the database, while the others go on: a broken file stops no group. Words whose last day has passed are never brought
back that way.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot import threads
from content import sop_enrol, sop_files, sop_freezing, sop_shelf
from content.loading import Content
from content.sop_files import Reading
from content.sop_shelf import Shelf, Stored
from domain.hours import ServiceHours
from domain.ports import Clock
from domain.sop import Template
from store import contents, machine_reports, sop_versions
from store.database import Store

log = logging.getLogger(__name__)

KIND = "sop"
# How many older versions of a broken template are looked at for one that may be used.
_OLDER = 5
_THAWED = 64
# What was read in this process, by what it was read from; a file that was only touched costs no 0.3 s.
_read_before: OrderedDict[str, Reading] = OrderedDict()
_READ_KEPT = 8


@dataclass(frozen=True, kw_only=True)
class SopRules:
    """Where the SOPs stand and how they are chosen; `serves_samples` as in LibraryRules."""

    folder: Path
    serves_samples: bool
    hours: ServiceHours


@dataclass(frozen=True, kw_only=True)
class _Frozen:
    """A template ready to be stored."""

    template: Template
    body: dict[str, Any]
    texts: list[tuple[str, str, str, dict[str, Any]]]


class SopLibrary:
    """Keeps the shelf of today."""

    def __init__(self, store: Store, clock: Clock, rules: SopRules) -> None:
        self._store = store
        self._clock = clock
        self._rules = rules
        self._reading: Reading | None = None
        self._shelf = sop_shelf.empty(serves_samples=rules.serves_samples, today=self._today())
        # Mark of the stored versions and the day the shelf was built for.
        self._built: tuple[tuple[int, int], date] | None = None
        self._thawed: OrderedDict[int, Template] = OrderedDict()

    @property
    def shelf(self) -> Shelf:
        """What may be used today; an empty one before the first `take_up`."""
        return self._shelf

    @property
    def mistakes(self) -> tuple[str, ...]:
        """What is wrong with the files while the last good ones are used."""
        return self._shelf.sops.mistakes

    async def read(self, content: Content) -> Reading:
        """Return the files of now, their words held against the rules of `content`. About 0.3 s, in a thread."""
        return await threads.run(lambda: _read(self._rules.folder, content))

    async def take_up(self, reading: Reading) -> bool:
        """Store what is new in the files and put it on the shelf; False when it is what was read before."""
        is_new = reading is not self._reading
        if is_new:
            await self._store_versions(reading)
            self._reading, self._built = reading, None
            await self._build_anew(await self._mark())
            self._tell(reading)
        return is_new

    async def settle(self, mark: tuple[int, int]) -> None:
        """Take up approvals and the date; `mark`: of the stored versions (store/contents.py)."""
        if self._reading is not None:
            await self._build_anew(mark)

    async def template(self, version_id: int) -> Template:
        """Return a frozen version, kept once it was thawed. Raises KeyError for one that is not there."""
        found = self._thawed.get(version_id)
        if found is None:
            async with self._store.read() as tx:
                version = await sop_versions.get(tx, version_id)
            found = self._thawed[version_id] = sop_freezing.load(version.body)
        self._thawed.move_to_end(version_id)
        while len(self._thawed) > _THAWED:
            self._thawed.popitem(last=False)
        return found

    def _tell(self, reading: Reading) -> None:
        if self.mistakes:
            log.error(
                "content has mistakes",
                extra={"action": "content_broken", "mistakes": len(self.mistakes), "part": sop_files.FOLDER},
            )
        log.info("sops read", extra={"action": "sops_read", "templates": sorted(reading.templates)})

    def _today(self) -> date:
        return self._rules.hours.today(self._clock.now())

    async def _mark(self) -> tuple[int, int]:
        async with self._store.read() as tx:
            return await contents.mark(tx)

    async def _store_versions(self, reading: Reading) -> None:
        """Store versions of all words, and freeze the templates that have no mistake but perhaps their dates."""
        frozen = await threads.run(lambda: [_frozen(one) for one in reading.templates.values()])
        paths = {name: self._paths(template) for name, template in reading.templates.items()}
        async with self._store.read() as tx:
            known = await sop_versions.list_known_files(tx, [key for own in paths.values() for key in own])
        files = await asyncio.to_thread(self._files, reading, paths, known)
        now = self._clock.now()

        async def job(tx: AsyncConnection) -> None:
            await contents.add(tx, [text for one in frozen for text in one.texts], now)
            for one in frozen:
                version = one.template
                own = files[version.id]
                await sop_versions.ensure(tx, version.id, version.version, version.digest, one.body, own, now)

        await self._store.write(job)

    def _files(
        self, reading: Reading, paths: Mapping[str, Mapping[str, Path]], known: Collection[str]
    ) -> dict[str, list[tuple[str, str, bytes]]]:
        """Return digest, name and content of each template's files that are not `known`.

        Raises OSError when a folder is not what it was when it was read: the next look reads it again.
        """
        found = {}
        for name, own in paths.items():
            found[name] = [
                (key, path.name, path.read_bytes()) for key, path in own.items() if key not in known
            ]
            folder = self._rules.folder / sop_files.FOLDER / name
            if found[name] and sop_files.digest_of(folder) != reading.templates[name].digest:
                raise OSError(f"{folder} changed while it was read")
        return found

    def _paths(self, template: Template) -> dict[str, Path]:
        """Return the files of a template by the digest of their attachment."""
        folder = self._rules.folder / sop_files.FOLDER / template.id
        shown = [one for block in template.blocks.values() for one in block.attachments if one.path]
        return {one.digest: folder / one.path for one in shown}

    async def _build_anew(self, mark: tuple[int, int]) -> None:
        """Put a new shelf up when files, approvals or the date changed."""
        assert self._reading is not None
        today = self._today()
        if self._built == (mark, today):
            return
        sops = sop_files.usable(self._reading, today)
        broken = [name for name in self._reading.signed if name in sops.broken]
        async with self._store.read() as tx:
            rows = await machine_reports.list_version_rows(tx)
            ids = await sop_versions.list_ids(tx)
            kept = {name: await self._find_last_good(tx, name, today) for name in broken}
        templates = {**sops.templates, **{name: one for name, one in kept.items() if one is not None}}
        self._shelf = Shelf(
            sops=replace(
                sops,
                templates=MappingProxyType(dict(sorted(templates.items()))),
                rules=self._shelf.rules if sop_enrol.FILE in sops.broken else sops.rules,
                years=self._shelf.calendar_years if sop_files.CALENDAR in sops.broken else sops.years,
            ),
            frozen={name: ids[name, one.digest] for name, one in templates.items()},
            stored={
                (row.key, row.digest): Stored(version_id=row.id, approved_by=row.approved_by)
                for row in rows
                if row.kind == KIND
            },
            serves_samples=self._rules.serves_samples,
            today=today,
        )
        self._built = mark, today

    async def _find_last_good(self, tx: AsyncConnection, name: str, today: date) -> Template | None:
        """Return the last version of a broken template that may be used; None once its words have expired."""
        for version in await sop_versions.list_of(tx, name, limit=_OLDER):
            try:
                template = sop_freezing.load(version.body)
            except ValueError:  # Frozen by a program of another form.
                continue
            blocks = template.blocks.values()
            if any(today > block.valid_until for block in blocks):
                return None
            if all(today >= block.valid_from for block in blocks):
                return template
        return None


def _read(folder: Path, content: Content) -> Reading:
    key = _key(folder, content)
    found = _read_before.get(key)
    if found is None:
        found = sop_files.read(folder, content.rules, content.risk_lines)
        if key == _key(folder, content):  # Else the files changed meanwhile.
            _read_before[key] = found
            while len(_read_before) > _READ_KEPT:
                _read_before.popitem(last=False)
    return found


def _key(folder: Path, content: Content) -> str:
    return f"{folder.name}/{content.digest}/{sop_files.digest_of(folder / sop_files.FOLDER)}"


def _frozen(template: Template) -> _Frozen:
    return _Frozen(
        template=template,
        body=sop_freezing.dump(template),
        texts=[
            (KIND, sop_shelf.key_of(template.id, block), block.digest, sop_freezing.dump_block(block))
            for block in template.blocks.values()
        ],
    )

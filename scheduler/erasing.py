"""Erasing by wish and by time: what of a customer may go, what the law keeps, and doing it in small steps.

Called by the console's page of a customer, the command line, and the nightly worker (bot/retaining.py). A step is one
transaction; a crash between two steps loses nothing, the next run goes on. Files go after the words, also later.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from content.retention import Retention
from domain import retention as periods
from domain.ports import Clock
from domain.retention import Keeping
from store import desk_erasures, erasures, holds, logins, retention
from store.database import Store
from store.erasures import Erased
from store.holds import Hold
from store.retention import Talk

# Conversations looked at together.
_BATCH = 100


@dataclass(frozen=True, kw_only=True)
class Part:
    """One conversation of a customer: how much is held, why it is kept, or that it may go."""

    talk: Talk
    words: int
    erased: int
    last_at: datetime
    lines: tuple[str, ...]
    keepings: tuple[Keeping, ...]
    hold: Hold | None
    may_erase: bool

    @property
    def duties(self) -> tuple[Keeping, ...]:
        """What the law demands, the longest first."""
        return tuple(one for one in self.keepings if one.period.is_duty)


@dataclass(frozen=True, kw_only=True)
class Due:
    """A conversation that is over its time. `why`: the period that lasted longest; `hold` beats it."""

    conversation_id: int
    words: int
    why: Keeping | None
    hold: Hold | None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a request: messages erased, kept by law, kept by a hold; files deleted."""

    erased: int = 0
    kept: int = 0
    held: int = 0
    files: int = 0


class Eraser:
    """Erases. `media_folder`: where files lie by their digest."""

    def __init__(self, store: Store, clock: Clock, media_folder: Path, rules: Retention) -> None:
        self._store = store
        self._clock = clock
        self._folder = media_folder
        self.rules = rules

    async def survey(self, customer_id: int, *, by_wish: bool = True) -> list[Part]:
        """Return what is held of the customer, and what of it may be erased now."""
        now = self._clock.now()
        async with self._store.read() as tx:
            talks = await retention.list_talks(tx, customer_id)
            ids = [one.conversation_id for one in talks]
            standings = await retention.list_standings(tx, ids)
            held = await holds.list_held(tx, ids)
            found = []
            for talk in talks:
                standing = standings[talk.conversation_id]
                kept = periods.keepings(standing, self.rules.periods)
                words, erased = await erasures.count_of(tx, talk.conversation_id, talk.sender_id)
                hold = held.get(talk.conversation_id)
                found.append(
                    Part(
                        talk=talk,
                        words=words,
                        erased=erased,
                        last_at=standing.last_at,
                        lines=tuple(sorted(standing.lines)),
                        keepings=tuple(kept),
                        hold=hold,
                        may_erase=hold is None and periods.may_erase(kept, now, by_wish=by_wish),
                    )
                )
        return found

    async def erase_customer(
        self, customer_id: int, *, reason: str, by: str, note: str = "", case_id: int | None = None
    ) -> Outcome:
        """Erase of a customer what the law does not keep; written to the access log."""
        parts = await self.survey(customer_id)
        law = "PIPL 47" if reason == "request" else "PIPL 15, 47"
        erased = held = kept = 0
        for part in parts:
            if not part.may_erase:
                held, kept = (held + part.words, kept) if part.hold else (held, kept + part.words)
                continue
            done = await self._erase_talk(
                part.talk, reason=reason, law=law, by=by, note=note, case_id=case_id
            )
            erased, held = erased + len(done.message_ids), held + len(done.held_ids)
        files = await self.delete_files()
        told = f"{reason}: erased {erased}, kept by law {kept}, on hold {held}, files {files}. {note}".strip()
        await self._log(by, f"customer:{customer_id}", told)
        return Outcome(erased=erased, kept=kept, held=held, files=files)

    async def due(self) -> AsyncIterator[Due]:
        """Give every conversation all of whose periods are over, those on hold too."""
        now, after = self._clock.now(), 0
        shortest = min(one.months for one in self.rules.periods)
        before = periods.months_after(now, -shortest)
        while True:
            async with self._store.read() as tx:
                ids = await retention.list_old(tx, before, after, _BATCH)
                standings = await retention.list_standings(tx, ids)
                held = await holds.list_held(tx, ids)
                words = {id_: (await erasures.count_of(tx, id_))[0] for id_ in ids}
            if not ids:
                return
            for id_ in ids:
                kept = periods.keepings(standings[id_], self.rules.periods)
                if periods.may_erase(kept, now, by_wish=False):
                    why = kept[0] if kept else None
                    yield Due(conversation_id=id_, words=words[id_], why=why, hold=held.get(id_))
            after = ids[-1]

    async def erase_due(self, approved_by: str) -> Outcome:
        """Erase what is over its time, under the name of who approved the periods."""
        erased = held = 0
        async for one in self.due():
            if one.hold is not None:
                held += one.words
                continue
            law = one.why.period.law if one.why else ""
            talk = Talk(conversation_id=one.conversation_id, channel="", account_id="", sender_id="")
            note = f"{self.rules.version} {one.why.period.id if one.why else ''}"
            done = await self._erase_talk(talk, reason="retention", law=law, by=approved_by, note=note)
            erased += len(done.message_ids)
            await self._log(approved_by, f"conversation:{one.conversation_id}", f"retention: {note}")
        return Outcome(erased=erased, held=held, files=await self.delete_files())

    async def delete_files(self) -> int:
        """Delete files whose messages were all erased; returns how many."""
        async with self._store.read() as tx:
            digests = await erasures.list_doomed_files(tx)
        done = 0
        for digest in digests:
            done += await self._delete_file(digest)
        return done

    async def _delete_file(self, digest: str) -> bool:
        """Put the file aside, look again whether a newer message brought it anew, then delete it."""
        path, aside = self._folder / digest, self._folder / f".erased-{digest}"
        # Set aside by a run that was killed: then it is there under that name.
        is_there = await asyncio.to_thread(_move, path, aside) or aside.exists()
        async with self._store.read() as tx:
            is_wanted = await erasures.is_file_wanted(tx, digest)
        if is_there and is_wanted:
            await asyncio.to_thread(_move, aside, path)
        elif is_there:
            await asyncio.to_thread(aside.unlink, missing_ok=True)
        await self._store.write(lambda tx: erasures.forget_file(tx, digest))
        return is_there and not is_wanted

    async def _erase_talk(
        self, talk: Talk, *, reason: str, law: str, by: str, note: str, case_id: int | None = None
    ) -> Erased:
        gone: list[int] = []
        held: list[int] = []
        after = 0
        while True:
            async with self._store.read() as tx:
                ids = await erasures.list_messages(
                    tx, talk.conversation_id, sender_id=talk.sender_id, after=after
                )
            if not ids:
                await self._blank_desk(talk)
                return Erased(message_ids=tuple(gone), held_ids=tuple(held))
            done = await self._step(ids, reason=reason, law=law, by=by, note=note, case_id=case_id)
            gone, held, after = [*gone, *done.message_ids], [*held, *done.held_ids], ids[-1]

    async def _blank_desk(self, talk: Talk) -> None:
        """Empty what the desk keeps of the talk, also where no message of ours holds the words."""
        if talk.sender_id:
            return  # A group: what answered this customer's messages went with them.
        now = self._clock.now()
        await self._store.write(lambda tx: desk_erasures.blank_talk(tx, talk.conversation_id, now))

    async def _step(
        self, ids: Sequence[int], *, reason: str, law: str, by: str, note: str, case_id: int | None
    ) -> Erased:
        now = self._clock.now()

        async def job(tx: AsyncConnection) -> Erased:
            return await erasures.erase(
                tx, ids, reason=reason, law=law, by=by, now=now, case_id=case_id, note=note
            )

        return await self._store.write(job)

    async def _log(self, by: str, subject: str, note: str) -> None:
        now = self._clock.now()
        await self._store.write(
            lambda tx: logins.record_access(tx, actor=by, act="erased", subject=subject, now=now, note=note)
        )


def _move(source: Path, target: Path) -> bool:
    try:
        source.replace(target)
    except FileNotFoundError:
        return False
    return True

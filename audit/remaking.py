"""Everything the audit makes of one conversation from some session on: cut, measured, judged, kept apart from before.

Pure; audit/running.py reads what it needs and writes what comes out. Of a session that is still open only the red lines
and the promises are told, of one in which nobody spoke no score: a mass send without an answer is no talk.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from audit import cutting, judging, keeping, timing, turns, waiting
from audit.closings import Closings
from audit.keeping import Kept
from audit.seen import Background, Basis
from audit.timing import WHOLE, Limits
from domain.audit import BOT, Figures, Judgement, NewPromise, Said, SessionEnd, Slice, Standing
from domain.faq import EntityMode, Line
from domain.replies import SignalKind
from domain.talk import Author
from domain.working_time import WorkingCalendar
from store.audit_reading import ARCHIVE, Talk
from store.audit_sessions import CutSession, KeptSession

NOTHING = Judgement(evaluated=(), findings=())
# Promises by message and place.
_Promises = dict[tuple[int, int, int], NewPromise]
# A promise kept in a later session lets an earlier one be judged once more; that it goes on and on is no promise.
_MOST_PASSES = 3


@dataclass(frozen=True, kw_only=True)
class Means:
    """What every conversation is made with. `basis`: None judges nothing, sessions and times only."""

    calendar: WorkingCalendar
    closings: Closings
    basis: Basis | None
    entity_modes: Mapping[Line, EntityMode]

    @functools.cached_property
    def digest(self) -> str:
        """What a session's digest says of these means."""
        hours, basis = self.calendar.hours, self.basis
        versions = [basis.rubric.version, basis.rules_version] if basis else []
        closed, modes = sorted(map(str, hours.closed_on)), sorted(map(str, self.entity_modes.items()))
        said = repr((versions, str(hours.zone), hours.periods, closed, modes))
        return hashlib.sha256(said.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """One conversation as it was read: messages and rows from `since` on; who served before, None where unknown.

    `is_partial`: there are more messages, so the last session is not looked at.
    """

    talk: Talk
    since: datetime
    said: tuple[Said, ...]
    kept: tuple[KeptSession, ...]
    promises: tuple[NewPromise, ...]
    known_subjects: frozenset[str] | None
    is_partial: bool = False


@dataclass(frozen=True, kw_only=True)
class RemadeSession:
    """A session to be written, with its judgement; findings carry the session's id once it has one."""

    cut: CutSession
    judgement: Judgement


@dataclass(frozen=True, kw_only=True)
class Remade:
    """What came out. `changed`: sessions that are not as they were. `merged`: rows that became part of others, with the
    first message of those. `rows`: the row of a session by its first message. `places`: that message, by message.
    `again`: from when and when to look once more; None when nothing is expected.
    `standing`: what waits for an answer at the end of the talk; None where its end was not read."""

    conversation_id: int
    changed: tuple[RemadeSession, ...]
    merged: Mapping[int, int]
    rows: Mapping[int, int]
    places: Mapping[int, int]
    again: tuple[datetime, datetime] | None
    sessions: int
    messages: int
    is_partial: bool = False
    standing: Standing | None = None


def remake(loaded: Loaded, means: Means, now: datetime) -> Remade:
    """Cut, measure and judge; what comes out as it was before is left out."""
    talk = loaded.talk
    slices = cutting.cut(talk.kind, loaded.said, means.calendar, now, means.closings, staff_id=talk.staff_id)
    rest = slices[-1] if loaded.is_partial and slices else None
    done = slices[:-1] if rest else slices
    until = rest.started_at if rest else None
    rows = keeping.keep([one for one in loaded.kept if until is None or one.started_at < until], done)
    promises: _Promises = {_place(one): one for one in loaded.promises}
    changed = _remake_all(done, rows, _first_contacts(done, loaded.known_subjects), promises, means, now)
    return Remade(
        conversation_id=talk.id,
        changed=tuple(changed),
        merged={number: done[place].messages[0].id for number, place in rows.merged.items()},
        rows={
            piece.messages[0].id: row.id
            for piece, row in zip(done, rows.rows, strict=True)
            if row is not None
        },
        places={said.id: piece.messages[0].id for piece in done for said in piece.messages},
        again=(until, now) if until else _again(done, promises.values(), means, now),
        sessions=len(done),
        messages=sum(len(piece.messages) for piece in done),
        is_partial=loaded.is_partial,
        standing=None if loaded.is_partial else waiting.standing(done, means.closings, now),
    )


def _remake_all(
    slices: Sequence[Slice],
    rows: Kept,
    first_contacts: Sequence[frozenset[str] | None],
    promises: _Promises,
    means: Means,
    now: datetime,
) -> list[RemadeSession]:
    """Return the sessions that are not as they were; `promises` takes up those that were found.

    A session may keep what an earlier one promised, which then is judged once more.
    """
    digests = [row.digest if row and row.merged_into is None else "" for row in rows.rows]
    made: dict[int, RemadeSession] = {}
    for _ in range(_MOST_PASSES):
        is_settled = True
        for place, piece in enumerate(slices):
            contact, row = first_contacts[place], rows.rows[place]
            if _digest(piece, promises.values(), means, contact, now) == digests[place]:
                continue
            is_settled = False
            one = _remake_one(piece, row, promises, means, contact, now)
            promises |= {_place(each): each for each in one.judgement.promises}
            digests[place] = _digest(piece, promises.values(), means, contact, now)
            made[place] = replace(one, cut=replace(one.cut, digest=digests[place]))
        if is_settled or not promises:
            break
    return [made[place] for place in sorted(made)]


def _remake_one(
    piece: Slice,
    row: KeptSession | None,
    promises: _Promises,
    means: Means,
    first_contact: frozenset[str] | None,
    now: datetime,
) -> RemadeSession:
    basis = means.basis
    figures = timing.measure(
        piece,
        means.calendar,
        limits_for(basis, piece),
        means.closings,
        complains=lambda text: _complains(basis, text),
    )
    judgement = NOTHING
    if basis is not None:
        background = Background(
            hours=means.calendar.hours,
            first_contact=first_contact,
            entity_modes=means.entity_modes,
            promises=tuple(promises.values()),
        )
        people = {name: one for name, one in figures.items() if name != WHOLE}
        judged = judging.judge(piece, people, background, basis, session_id=row.id if row else 0, now=now)
        judgement = _told(piece, judged)
    return RemadeSession(
        cut=CutSession(
            id=row.id if row else None,
            conversation_id=piece.conversation_id,
            started_at=piece.started_at,
            ended_at=piece.ended_at,
            first_message_id=piece.messages[0].id,
            last_message_id=piece.messages[-1].id,
            message_count=len(piece.messages),
            state=piece.end,
            line=judgement.line,
            subjects=_main_first(figures),
            figures=figures[WHOLE],
            source=source_of(piece.messages),
            digest="",
        ),
        judgement=judgement,
    )


def limits_for(basis: Basis | None, piece: Slice) -> Limits:
    """Return the limits of the scorecard for the kind of talk."""
    if basis is None:
        return Limits()
    known = basis.rubric.limits
    return timing.limits_of(lambda name: known.get(f"{name}.{piece.kind}", known.get(name)))


def source_of(messages: Iterable[Said]) -> str:
    """Return who told of a session: the archive if it told of any of it, else customer service, sidebar, mass send."""
    sources = {one.source.partition(":")[0] for one in messages}
    return next((name for name in (ARCHIVE, "kf", "sidebar", "mass") if name in sources), min(sources))


def _told(piece: Slice, judgement: Judgement) -> Judgement:
    if piece.end is SessionEnd.OPEN:
        red = tuple(one for one in judgement.findings if one.is_red)
        return replace(judgement, evaluated=(), findings=red)
    return judgement if _has_talk(piece) else replace(judgement, evaluated=())


def _has_talk(piece: Slice) -> bool:
    """Say whether anybody spoke: a customer, or a member or the bot at that moment."""
    return any(turns.is_spoken(one) for one in piece.messages)


def _main_first(figures: Mapping[str, Figures]) -> tuple[str, ...]:
    """Return who served, people before the bot, who said most first."""
    names = [name for name in figures if name != WHOLE]
    return tuple(sorted(names, key=lambda name: (name == BOT, -figures[name].staff_messages, name)))


def _complains(basis: Basis | None, text: str) -> bool:
    return basis is not None and SignalKind.COMPLAINT in basis.signs(text)


def _first_contacts(slices: Sequence[Slice], known: frozenset[str] | None) -> list[frozenset[str] | None]:
    """Return who of each session spoke in this talk for the first time; None where it is not known."""
    found: list[frozenset[str] | None] = []
    for piece in slices:
        here = frozenset(one.subject for one in piece.messages if one.subject)
        found.append(None if known is None else here - known)
        known = None if known is None else known | here
    return found


def _again(
    done: Sequence[Slice], promises: Iterable[NewPromise], means: Means, now: datetime
) -> tuple[datetime, datetime] | None:
    """Return from when and when to look once more: when silence ends an open session, when a promise falls due."""
    if not done:
        return None
    last = done[-1]
    moments = [one.due_at for one in promises if one.kept_message_id is None and one.due_at > now]
    if last.end is SessionEnd.OPEN:
        moments.append(cutting.ending_of(last.messages, means.calendar, means.closings).at)
    return (last.started_at, min(moments)) if moments else None


def _place(one: NewPromise) -> tuple[int, int, int]:
    return one.message_id, one.start, one.end


def _digest(
    piece: Slice,
    promises: Collection[NewPromise],
    means: Means,
    first_contact: frozenset[str] | None,
    now: datetime,
) -> str:
    """Return the SHA-256 (hex) of everything the session is made from; erasing words does not change it."""
    parts = [
        means.digest,
        piece.kind,
        piece.end,
        piece.staff_id,
        "?" if first_contact is None else ",".join(sorted(first_contact)),
    ]
    parts += [
        f"{one.id} {one.digest or one.text} {one.is_recalled:d}{one.is_scheduled:d} {one.decision} {one.staff_id}"
        for one in piece.messages
    ]
    parts += _promise_parts(piece, promises, now)
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def _promise_parts(piece: Slice, promises: Collection[NewPromise], now: datetime) -> list[str]:
    """Return what promises change here: those given earlier that were open before, and own ones once they were due."""
    if not promises:
        return []
    own = {one.id for one in piece.messages if one.author is not Author.CUSTOMER}
    parts = []
    for one in promises:
        if one.message_id in own:
            if one.due_at <= now:
                parts.append(f"due {one.message_id} {one.start} {one.kept_message_id}")
        elif one.made_at < piece.started_at and (one.kept_message_id is None or one.kept_message_id in own):
            parts.append(f"owed {one.message_id} {one.start}")
    return sorted(parts)

"""Stays: from what was heard and seen of somebody to when they were there.

A stay is a time in a group, or as an advisor's customer. What we learn of it comes as evidence: somebody joined,
somebody left, was seen, or was missing from a whole list. Evidence may be lost, doubled, late and out of order, so
nothing here depends on the order in which it arrives: `settle` sorts all there is and reads it from the beginning.
`unfold` gives the evidence back that a stay stands for, so that stays alone have to be stored.

Pure. Used by store/group_members.py and store/relations.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

# An event's time and the platform's own time of one join differ by seconds; a real second join is later than that.
SAME_JOIN = timedelta(seconds=60)
# Who has just joined may not be on the list yet: the platform's details follow its events (WeCom doc 92130).
PROPAGATION = timedelta(seconds=10)
# Our clock may run before the platform's by this much; a leaving told shortly after somebody was missing is that one.
CLOCK_SKEW = timedelta(minutes=5)


class EndKnown(StrEnum):
    """How the end of a stay is known."""

    EVENT = "event"  # Told at its time.
    BETWEEN = "between"  # Seen once, missing later: it ended between the two sights.
    RETURN = "return"  # Came back, so the earlier stay had ended before.


@dataclass(frozen=True, kw_only=True)
class Joined:
    """Somebody came. `is_exact`: `at` is the platform's own time of the join, not an event's."""

    at: datetime
    is_exact: bool = False
    scene: str = ""
    inviter: str = ""
    state: str = ""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """Somebody left, at the time of the event."""

    at: datetime
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Somebody was on the list at `at`, there since `joined.at`."""

    at: datetime
    joined: Joined


@dataclass(frozen=True, kw_only=True)
class Missing:
    """Somebody was not on the whole list at `at`."""

    at: datetime


Evidence = Joined | Ended | Seen | Missing


@dataclass(frozen=True, kw_only=True)
class Stay:
    """A time of being there. `joined_at` None: nobody told. `ended_at` None: still there.

    `is_exact`: the platform's own list has shown it.
    With `end_known` other than EVENT it ended after `ended_after` and not later than `ended_at`.
    """

    joined_at: datetime | None = None
    is_exact: bool = False
    scene: str = ""
    inviter: str = ""
    state: str = ""
    seen_at: datetime | None = None
    ended_at: datetime | None = None
    ended_after: datetime | None = None
    end_known: EndKnown | None = None
    reason: str = ""

    @property
    def is_open(self) -> bool:
        return self.ended_at is None

    def unfold(self) -> list[Evidence]:
        """Return the evidence this stay stands for."""
        evidence: list[Evidence] = []
        if self.joined_at is not None:
            joined = Joined(
                at=self.joined_at,
                is_exact=self.is_exact,
                scene=self.scene,
                inviter=self.inviter,
                state=self.state,
            )
            evidence.append(joined)
            if self.seen_at is not None:
                evidence.append(Seen(at=self.seen_at, joined=joined))
        if self.ended_at is not None and self.end_known is EndKnown.EVENT:
            evidence.append(Ended(at=self.ended_at, reason=self.reason))
        if self.ended_at is not None and self.end_known is EndKnown.BETWEEN:
            evidence.append(Missing(at=self.ended_at))
        return evidence


def settle(evidence: Iterable[Evidence]) -> tuple[Stay, ...]:
    """Return the stays that all the evidence about one person in one place amounts to, oldest first."""
    found = set(evidence)
    found |= {one.joined for one in found if isinstance(one, Seen)}
    # Only the last one can be open.
    stays: list[Stay] = []
    for one in sorted(found, key=_order):
        match one:
            case Joined():
                _join(stays, one)
            case Ended():
                _end(stays, one)
            case Seen():
                _see(stays, one)
            case Missing():
                _miss(stays, one)
    return tuple(stays)


def _join(stays: list[Stay], joined: Joined) -> None:
    last = stays[-1] if stays else None
    if last is not None and last.joined_at is not None and _is_same(last, joined):
        stays[-1] = _merged(last, joined)
        return
    if last is not None and last.is_open:
        stays[-1] = replace(
            last,
            ended_at=joined.at,
            ended_after=last.seen_at or last.joined_at,
            end_known=EndKnown.RETURN,
        )
    stays.append(_stay(joined))


def _end(stays: list[Stay], ended: Ended) -> None:
    last = stays[-1] if stays else None
    if last is not None and (last.is_open or _is_that_leaving(last, ended)):
        stays[-1] = replace(
            last, ended_at=ended.at, ended_after=None, end_known=EndKnown.EVENT, reason=ended.reason
        )
    elif last is None or last.ended_at != ended.at:
        # Somebody left whose coming nobody told.
        stays.append(Stay(ended_at=ended.at, end_known=EndKnown.EVENT, reason=ended.reason))


def _see(stays: list[Stay], seen: Seen) -> None:
    last = stays[-1] if stays else None
    if last is None or last.joined_at is None:
        return
    # A customer who comes back to an advisor may be listed with the time of the first coming.
    is_back = last.is_open and seen.joined.at < last.joined_at
    if not is_back and not _is_same(last, seen.joined):
        return
    if last.end_known is EndKnown.BETWEEN:  # It had not ended: the list was behind.
        last = replace(last, ended_at=None, ended_after=None, end_known=None)
    if last.is_open:
        stays[-1] = replace(last, seen_at=seen.at, is_exact=True)


def _miss(stays: list[Stay], missing: Missing) -> None:
    last = stays[-1] if stays else None
    if last is None or not last.is_open or last.joined_at is None:
        return
    if missing.at - last.joined_at > PROPAGATION:
        stays[-1] = replace(
            last,
            ended_at=missing.at,
            ended_after=last.seen_at or last.joined_at,
            end_known=EndKnown.BETWEEN,
        )


def _order(one: Evidence) -> tuple[datetime, int, bool, str]:
    """Oldest first. In one second: left, came (the platform's word first), seen, missing."""
    match one:
        case Ended():
            return (one.at, 0, False, one.reason)
        case Joined():
            return (one.at, 1, not one.is_exact, one.scene)
        case Seen():
            return (max(one.at, one.joined.at), 2, False, "")
        case Missing():
            return (one.at, 3, False, "")


def _is_same(stay: Stay, joined: Joined) -> bool:
    """Say whether `joined` tells of the coming that began `stay`."""
    assert stay.joined_at is not None
    if stay.is_exact and joined.is_exact:
        return stay.joined_at == joined.at
    if stay.end_known is EndKnown.EVENT and stay.ended_at is not None and joined.at >= stay.ended_at:
        return False
    return abs(joined.at - stay.joined_at) <= SAME_JOIN


def _is_that_leaving(stay: Stay, ended: Ended) -> bool:
    """Say whether `ended` tells of a leaving that was first noticed by a missing name."""
    return (
        stay.end_known is EndKnown.BETWEEN
        and stay.ended_at is not None
        and ended.at - stay.ended_at <= CLOCK_SKEW
    )


def _stay(joined: Joined) -> Stay:
    return Stay(
        joined_at=joined.at,
        is_exact=joined.is_exact,
        scene=joined.scene,
        inviter=joined.inviter,
        state=joined.state,
    )


def _merged(stay: Stay, joined: Joined) -> Stay:
    """Return the stay with what a second word on its beginning adds; the platform's own time is the better one."""
    better = _stay(joined) if joined.is_exact and not stay.is_exact else stay
    other = stay if better is not stay else _stay(joined)
    return replace(
        stay,
        joined_at=better.joined_at,
        is_exact=better.is_exact,
        scene=better.scene or other.scene,
        inviter=better.inviter or other.inviter,
        state=better.state or other.state,
    )


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What to do to stored stays, by row id: in this order no row meets another that is open."""

    deleted: tuple[int, ...]
    updated: tuple[tuple[int, Stay], ...]
    added: tuple[Stay, ...]


def compare(stored: Sequence[tuple[int, Stay]], settled: Sequence[Stay]) -> Changes:
    """Return what turns the stored stays into the settled ones; a row keeps standing for the same stay.

    Only a stay that turns out to be another one's double loses its row.
    """
    rows = list(stored)
    pairs: list[tuple[int, Stay, Stay]] = []
    rest: list[Stay] = []
    for stay in settled:
        place = next((n for n, (_, old) in enumerate(rows) if _is_one(old, stay)), None)
        if place is None:
            rest.append(stay)
        else:
            row_id, old = rows.pop(place)
            pairs.append((row_id, old, stay))
    while rows and rest:
        row_id, old = rows.pop(0)
        pairs.append((row_id, old, rest.pop(0)))
    changed = [(row_id, stay) for row_id, old, stay in pairs if _stored(old) != _stored(stay)]
    return Changes(
        deleted=tuple(row_id for row_id, _ in rows),
        updated=tuple(sorted(changed, key=lambda pair: pair[1].is_open)),
        added=tuple(rest),
    )


def _is_one(old: Stay, new: Stay) -> bool:
    if old.joined_at is not None and new.joined_at is not None:
        return old.joined_at == new.joined_at
    return old.ended_at is not None and old.ended_at == new.ended_at


def _stored(stay: Stay) -> Stay:
    """Return the stay as it is stored: when it was last seen while open is known of the whole list."""
    return replace(stay, seen_at=None)

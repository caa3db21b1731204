"""How long words have to be kept, and whether they may go: periods of the law against what is known of a talk.

Pure. The periods are content (content/retention.toml), the facts come from store/retention.py. Of several periods the
longest wins (compliance.md §5); a legal hold stands above all of them and is not looked at here.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import StrEnum


class PeriodStart(StrEnum):
    """From when a period counts."""

    CONTRACT_END = "contract_end"  # The end of the contract; the last message where that is not known.
    LAST_MESSAGE = "last_message"
    CASE_CLOSED = "case_closed"


@dataclass(frozen=True, kw_only=True)
class Period:
    """A period of content/retention.toml. `is_duty`: the law demands it, also against a customer's wish."""

    id: str
    line: str
    case_kinds: tuple[str, ...]
    months: int
    start: PeriodStart
    is_duty: bool
    what: str
    law: str
    note: str


@dataclass(frozen=True, kw_only=True)
class Matter:
    """A case as far as periods ask. `closed_at` None: it is open."""

    kind: str
    closed_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What is known of a talk. `lines`: product lines it was about; `is_served`: an advisor has the customer now.

    `contract_ends_on`: the latest end that is known of.
    """

    lines: frozenset[str]
    last_at: datetime
    is_served: bool
    contract_ends_on: date | None
    matters: tuple[Matter, ...]


@dataclass(frozen=True, kw_only=True)
class Keeping:
    """A period that holds for a talk. `until` None: its start has not come yet, so no end is known."""

    period: Period
    until: datetime | None


def keepings(standing: Standing, periods: Sequence[Period]) -> list[Keeping]:
    """Return every period that holds, the longest first.

    A talk of no known line counts as service, unless an advisor has the customer or a contract is known: then nobody
    can say which business it was, and the periods of every line hold.
    """
    found = [Keeping(period=one, until=_until(standing, one)) for one in periods if _applies(standing, one)]
    return sorted(found, key=lambda one: one.until or _NEVER, reverse=True)


def may_erase(found: Iterable[Keeping], now: datetime, *, by_wish: bool) -> bool:
    """Say whether the words may go: every period is over; `by_wish` (the customer's): every duty is."""
    asked = [one for one in found if one.period.is_duty or not by_wish]
    if not asked:
        return by_wish
    return all(one.until is not None and one.until <= now for one in asked)


_NEVER = datetime.max.replace(tzinfo=UTC)


def _applies(standing: Standing, period: Period) -> bool:
    if period.case_kinds:
        return any(one.kind in period.case_kinds for one in standing.matters)
    if standing.lines:
        return period.line in standing.lines
    is_business = standing.is_served or standing.contract_ends_on is not None
    return is_business or period.line == "service"


def _until(standing: Standing, period: Period) -> datetime | None:
    start: datetime | None = standing.last_at
    if period.start is PeriodStart.CASE_CLOSED:
        closed = [one.closed_at for one in standing.matters if one.kind in period.case_kinds]
        start = None if None in closed else max((one for one in closed if one), default=None)
    elif period.start is PeriodStart.CONTRACT_END:
        ends = standing.contract_ends_on
        if ends is not None:
            start = max(standing.last_at, datetime.combine(ends, time(), UTC))
        elif standing.is_served:
            start = None
    return None if start is None else months_after(start, period.months)


def months_after(moment: datetime, months: int) -> datetime:
    """Return the same day so many months later, the last of the month where there is none."""
    years, month = divmod(moment.month - 1 + months, 12)
    year, month = moment.year + years, month + 1
    return moment.replace(year=year, month=month, day=min(moment.day, calendar.monthrange(year, month)[1]))

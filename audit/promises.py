"""Promises: a word given with object and time, when it is due, and which message kept it. Pure.

Who wrote it is content/promise_words.py; rows are store/promises.py. A promise is kept by what the same side says or
sends by its time, in the same session or a later one of the conversation.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from audit import seen
from audit.seen import Background, Told
from content import promise_words, rubric
from content.promise_words import By, Unit, Within
from domain import working_time
from domain.audit import NewPromise
from domain.hours import ServiceHours
from domain.talk import Author

_LAST = time(23, 59, 59)
# What is said in the same breath as the promise does not keep it.
_BREATH = timedelta(minutes=2)
_LEAST_WORDS = 6
_LONGEST_WORKDAYS = 60
_ROUND_THE_CLOCK = timedelta(hours=12)  # "24小时内" is said of the clock, "2小时内" of the working day.


def find(told: Sequence[Told], background: Background) -> tuple[NewPromise, ...]:
    """Return the promises made in a session, those known to be kept elsewhere as kept."""
    if not background.has_times:
        return ()
    known = {(one.message_id, one.start, one.end): one.kept_message_id for one in background.promises}
    found = []
    for one in told:
        if not one.folded or not one.said.subject or one.said.is_recalled or one.said.is_scheduled:
            continue
        for promised in promise_words.find(one.folded):
            due_at = due(promised.by, one.said.sent_at, background.hours)
            if due_at is None:
                continue
            span = seen.span_of(one, (promised.start, promised.end))
            found.append(
                NewPromise(
                    message_id=one.said.id,
                    subject=one.said.subject,
                    start=span.start,
                    end=span.end,
                    object=promised.object,
                    made_at=one.said.sent_at,
                    due_at=due_at,
                    kept_message_id=known.get((one.said.id, span.start, span.end)),
                )
            )
    return tuple(found)


def settle(
    promises: Iterable[NewPromise], told: Sequence[Told], scorecard: rubric.Rubric
) -> tuple[NewPromise, ...]:
    """Return promises with the message of this session that kept them, where one did."""
    return tuple(
        one
        if one.kept_message_id is not None
        else replace(one, kept_message_id=_keeper(one, told, scorecard))
        for one in promises
    )


def elsewhere(background: Background, made: Sequence[NewPromise], started_at: datetime) -> list[NewPromise]:
    """Return the promises of earlier sessions that still stand open."""
    here = {(one.message_id, one.start, one.end) for one in made}
    return [
        one
        for one in background.promises
        if one.kept_message_id is None
        and one.made_at < started_at
        and (one.message_id, one.start, one.end) not in here
    ]


def _keeper(one: NewPromise, told: Sequence[Told], scorecard: rubric.Rubric) -> int | None:
    """Return the first message of our side that keeps a promise by its time.

    A file or picture; words that say it is done; or a new word of some length, once the breath is over, that promises
    nothing again: somebody came back to the customer.
    """
    for each in told:
        said = each.said
        if said.author not in (Author.SERVICER, Author.BOT) or said.is_recalled or said.is_scheduled:
            continue
        if not one.made_at < said.sent_at <= one.due_at or said.id == one.message_id:
            continue
        if not said.is_seen or not each.folded:
            return said.id
        if scorecard.words["done"].spans(each.folded):
            return said.id
        is_new = said.sent_at - one.made_at > _BREATH and len(each.folded) >= _LEAST_WORDS
        is_word = not scorecard.words["filler"].spans(each.folded)
        puts_off = scorecard.words["follow_up"].spans(each.folded) or promise_words.find(each.folded)
        if is_new and is_word and not puts_off and not scorecard.words["closing"].spans(each.folded):
            return said.id
    return None


def due(by: Within | By, made_at: datetime, hours: ServiceHours) -> datetime | None:
    """Return the moment a promise is due (UTC); None for a day that has passed.

    Minutes and hours count in service hours, when people can keep their word, from 12 hours on by the clock; days end
    with the day.
    """
    local = made_at.astimezone(hours.zone)
    if isinstance(by, Within):
        return _within(by, made_at, local, hours)
    day = _day(by, local)
    if day is None:
        return None
    if by.is_closing:
        return _closing(day, made_at, hours)
    at = _LAST if by.hour is None else time(by.hour, by.minute)
    due_at = datetime.combine(day, at, hours.zone).astimezone(UTC)
    return due_at if due_at > made_at else None


def _within(by: Within, made_at: datetime, local: datetime, hours: ServiceHours) -> datetime:
    if by.unit in (Unit.MINUTE, Unit.HOUR):
        span = timedelta(seconds=by.amount * (60 if by.unit is Unit.MINUTE else 3600))
        return made_at + span if span >= _ROUND_THE_CLOCK else working_time.after(hours, made_at, span)
    if by.unit is Unit.WORKDAY:
        day = _after_workdays(local.date(), by.amount, hours)
    else:
        day = local.date() + timedelta(days=by.amount * (7 if by.unit is Unit.WEEK else 1))
    return datetime.combine(day, _LAST, hours.zone).astimezone(UTC)


def _after_workdays(day: date, count: float, hours: ServiceHours) -> date:
    weekdays = {period.weekday for period in hours.periods} or set(range(7))
    left = count
    for _ in range(_LONGEST_WORKDAYS):
        if left <= 0:
            break
        day += timedelta(days=1)
        left -= day.weekday() in weekdays and day not in hours.closed_on
    return day


def _day(by: By, local: datetime) -> date | None:
    today = local.date()
    if by.days is not None:
        return today + timedelta(days=by.days)
    if by.weekday is not None:
        monday = today - timedelta(days=today.weekday())
        day = monday + timedelta(weeks=by.weeks or 0, days=by.weekday)
        return day + timedelta(weeks=1) if by.weeks is None and day < today else day
    if by.is_month_end:
        return today.replace(day=calendar.monthrange(today.year, today.month)[1])
    return _month_day(by, today)


def _month_day(by: By, today: date) -> date | None:
    """Return the next such day of a month; None for the 31st of a month without one."""
    month, year = by.month or today.month, today.year
    if not by.month and by.month_day is not None and by.month_day < today.day:
        month += 1
    if month > 12 or (by.month and (month, by.month_day or 0) < (today.month, today.day)):
        month, year = (1, year + 1) if month > 12 else (month, year + 1)
    try:
        return date(year, month, by.month_day or 1)
    except ValueError:
        return None


def _closing(day: date, made_at: datetime, hours: ServiceHours) -> datetime | None:
    """Return when people stop serving on a day; the end of the day where they do not serve on it."""
    closes = [period.closes for period in hours.periods if period.weekday == day.weekday()]
    at = max(closes, default=_LAST) if day not in hours.closed_on else _LAST
    due_at = datetime.combine(day, min(at, _LAST), hours.zone).astimezone(UTC)
    if due_at <= made_at:  # Said after closing time: by the end of the day.
        due_at = datetime.combine(day, _LAST, hours.zone).astimezone(UTC)
    return due_at if due_at > made_at else None

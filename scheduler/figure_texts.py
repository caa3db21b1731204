"""How figures are said to staff: from counts to short Chinese words (content/figures.toml). Pure.

Used by scheduler/figures.py. None stands for "not measured" and becomes words there. A percentage never stands without
its counts, and not at all below the counts from which a rate means something (domain/cohorts.py).
"""

from __future__ import annotations

import statistics
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from content import figure_words
from domain import first_week, working_time
from domain.cohorts import QuitRate, Source, SourceKind, SourceQuits
from domain.enrolment import Question, QuestionState
from domain.first_week import Score
from domain.groups import GroupMember
from domain.hours import ServiceHours

_SOURCES_SHOWN = 4
_QUESTIONS_SHOWN = 5
_TITLES_SHOWN = 3
# By whom a source is told best: the first of these that names anybody.
_BY_SOURCE = (SourceKind.WAY, SourceKind.INVITER, SourceKind.SCENE)


def say(section: str, key: str, **values: object) -> str:
    """Return the words of a figure."""
    return figure_words.load().say(section, key, **values)


def unmeasured() -> str:
    """Return what stands where nothing was measured."""
    return say("figure", "unmeasured")


def joined(lines: Sequence[str]) -> str:
    """Return lines as one, "none" without any."""
    return say("figure", "separator").join(lines) or say("figure", "none")


def members(stays: Sequence[GroupMember], since: datetime | None) -> dict[str, str | None]:
    """Return who joined, left and is in; `since`: joined and left are those of the last seven days, and said so."""
    came = [one for one in stays if one.joined_at and (since is None or one.joined_at >= since)]
    went = [one for one in stays if one.quit_at and (since is None or one.quit_at >= since)]
    shown = {"joined": str(len(came)), "left": str(len(went))}
    if since is not None:
        shown = {name: say("figure", "week", figure=figure) for name, figure in shown.items()}
    return {**shown, "members": str(sum(1 for one in stays if one.quit_at is None))}


def told_best(rows: Sequence[SourceQuits]) -> SourceKind | None:
    """Return by which kind of source these members are told apart best; None when nothing names any."""
    named = {one.source.kind for one in rows if one.source.name}
    return next((kind for kind in _BY_SOURCE if kind in named), None)


def source_name(source: Source, people: Mapping[str, str]) -> str:
    """Return a source for people. `people`: names of staff; a customer who invited somebody is not named."""
    if not source.name:
        return say("source", str(source.kind))
    match source.kind:
        case SourceKind.SCENE:
            return say("scene", source.name)
        case SourceKind.INVITER:
            return people.get(source.name) or say("source", "customer")
        case _:
            return source.name


def left_by_source(rows: Sequence[SourceQuits], people: Mapping[str, str]) -> str:
    """Return of which source how many left, of those who came by it."""
    lost = [one for one in rows if one.left]
    lines = [f"{source_name(one.source, people)} {share(one.left, one.joined)}" for one in lost]
    return _some(lines, say("figure", "separator"))


def by_channel(gates: Mapping[int, Sequence[SourceQuits]], people: Mapping[str, str]) -> str:
    """Return the gates of each source. `gates`: rows by hours."""
    said: dict[Source, list[str]] = {}
    for hours, rows in gates.items():
        for one in rows:
            if one.members:
                gate = say("channel", "gate", hours=hours, share=share(one.left, one.members))
                said.setdefault(one.source, []).append(gate)
    lines = [
        say("channel", "one", source=source_name(source, people), gates=say("figure", "separator").join(its))
        for source, its in said.items()
    ]
    return _some(lines, say("gate", "separator"))


def gates(rates: Sequence[QuitRate]) -> str | None:
    """Return the quit rates of the gates; None without anybody old enough for one."""
    lines = []
    for rate in rates:
        if not rate.members:
            continue
        said = say("gate", "one", hours=rate.hours, share=_rate(rate))
        if rate.uncertain:
            said += say("gate", "uncertain", count=len(rate.uncertain))
        if rate.removed:
            said += say("gate", "removed", count=len(rate.removed))
        lines.append(said)
    return say("gate", "separator").join(lines) or None


def share(part: int, whole: int) -> str:
    """Return "3/20"."""
    return say("figure", "share", part=part, whole=whole)


def at_least(count: int | None) -> str | None:
    """Return a count that may be more."""
    return None if count is None else say("figure", "at_least", count=count)


def waits(asked: Sequence[Question], hours: ServiceHours | None) -> list[float]:
    """Return how many seconds each answered question waited; `hours`: only while people served."""
    spans = [
        (one.asked_at, one.answered_at)
        for one in asked
        if one.state is QuestionState.ANSWERED and one.answered_at is not None
    ]
    if hours is None:
        return [(end - start).total_seconds() for start, end in spans]
    return [working_time.between(hours, start, end).total_seconds() for start, end in spans]


def first_response(asked: Sequence[Question], hours: ServiceHours | None) -> str | None:
    """Return the median wait of the answered questions; None when none was answered."""
    found = waits(asked, hours)
    if not found:
        return None
    minutes = round(statistics.median(found) / timedelta(minutes=1).total_seconds())
    return say("first_response", "median", minutes=minutes, count=len(found))


def open_questions(waiting: Sequence[tuple[str, str]]) -> str:
    """Return how many questions are open, and of each since when and whose it is: (local time, name)."""
    if not waiting:
        return say("figure", "none")
    lines = [say("question", "count", count=len(waiting))]
    for number, (asked_at, duty) in enumerate(waiting[:_QUESTIONS_SHOWN], start=1):
        lines.append(say("question", "one", number=number, asked_at=asked_at, duty=duty))
    if len(waiting) > _QUESTIONS_SHOWN:
        lines.append(say("question", "rest", count=len(waiting) - _QUESTIONS_SHOWN))
    return "\n".join(lines)


def asked_titles(asked: Sequence[Question], entries: Mapping[str, str]) -> dict[str, str]:
    """Return what was asked and answered in the words of the FAQ (`entries`, by id); empty where nothing is known.

    These stand in texts for customers, whose line is left out then.
    """
    answered = [one for one in asked if one.state is QuestionState.ANSWERED]
    return {
        "questions": _titles(asked, entries, _QUESTIONS_SHOWN),
        "answered": _titles(answered, entries, _QUESTIONS_SHOWN),
        "reader_questions": _titles(asked, entries, _TITLES_SHOWN),
        "answered_count": str(len(answered)) if answered else "",
    }


def score(found: Score) -> dict[str, str]:
    """Return the total and the parts; what was not measured says so and has no points."""
    lines = []
    for part, points in found.parts.items():
        name, weight = say("score", part), first_week.WEIGHTS[first_week.ScorePart(part)]
        lines.append(
            say("score", "unmeasured", name=name)
            if points is None
            else say("score", "points", name=name, points=f"{points:g}", weight=weight)
        )
    total = unmeasured() if found.total is None else f"{found.total:.0f}"
    return {"score": total, "score_parts": say("figure", "separator").join(lines)}


def gap(found: Score, part: str) -> str:
    """Return a part that was not measured, and why."""
    return say("gap", "one", name=say("score", part), gap=say("gap", str(found.gaps[part])))


def _rate(rate: QuitRate) -> str:
    if not rate.is_enough:
        return share(len(rate.left), rate.members)
    percent = round(100 * len(rate.left) / rate.members)
    return say("figure", "share_rate", part=len(rate.left), whole=rate.members, percent=percent)


def _some(lines: Sequence[str], separator: str) -> str:
    if not lines:
        return say("figure", "none")
    rest = say("figure", "rest", count=len(lines)) if len(lines) > _SOURCES_SHOWN else ""
    return separator.join(lines[:_SOURCES_SHOWN]) + rest


def _titles(asked: Collection[Question], entries: Mapping[str, str], limit: int) -> str:
    counts: dict[str, int] = {}
    for one in asked:
        title = entries.get(one.faq_id, "")
        if title:
            counts[title] = counts.get(title, 0) + 1
    often = sorted(counts, key=lambda title: (-counts[title], title))[:limit]
    return "\n".join(f"{number}. {title}" for number, title in enumerate(often, start=1))

"""Dimension D of the scorecard: first response, average response, nothing left unanswered. Pure.

The times are measured by audit/timing.py; here they are only held against the limits.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from datetime import timedelta

from audit import scoring, seen
from audit.scoring import Hit, Verdict
from audit.seen import Seen
from domain.audit import SessionEnd
from domain.replies import SignalKind


def first_response(view: Seen) -> Verdict:
    """D1: the time to the first human answer, counted in service hours."""
    figures = view.figures
    if figures is None or not view.background.has_times or figures.first_working is None:
        return _no_measure(view)
    name = "complaint_minutes" if _complains(view) else "first_minutes"
    return _against("D1", view, figures.first_working, _limit(view, name), 1)


def average_response(view: Seen) -> Verdict:
    """D2: the mean over all answers, counted in service hours."""
    figures = view.figures
    if figures is None or not view.background.has_times or not figures.waits_working:
        return _no_measure(view)
    waits = figures.waits_working
    mean = timedelta(seconds=statistics.fmean(wait.total_seconds() for wait in waits))
    return _against("D2", view, mean, _limit(view, "average_minutes"), len(waits))


def nothing_left(view: Seen) -> Verdict:
    """D3: whether the customer's last question was answered by the end."""
    figures = view.figures
    if figures is None or not view.background.has_times or not figures.asked:
        return _no_measure(view)
    if not figures.is_unanswered:
        return scoring.FULL
    if view.piece.end is SessionEnd.OPEN:
        return Verdict(applies=False, reason="open")
    last = view.theirs[-1:] or view.told[-1:]
    hits = [Hit(deduction="D3.unanswered", spans=(seen.whole(one),), at=one.said.sent_at) for one in last]
    return Verdict(hits=tuple(hits))


def _no_measure(view: Seen) -> Verdict:
    return scoring.NOT_APPLICABLE if view.background.has_times else scoring.NO_TIMES


def _limit(view: Seen, name: str) -> timedelta:
    return timedelta(minutes=view.rubric.limit(name, view.piece.kind))


def _complains(view: Seen) -> bool:
    """Say whether the customer complained before the subject first answered."""
    answered = min((one.said.sent_at for one in view.own), default=None)
    early = [one for one in view.theirs if answered is None or one.said.sent_at <= answered]
    return any(SignalKind.COMPLAINT in view.basis.signs(one.said.text) for one in early if one.folded)


def _against(item: str, view: Seen, took: timedelta, limit: timedelta, count: int) -> Verdict:
    if took <= limit:
        return scoring.FULL
    times = view.rubric.limit("far_over", view.piece.kind)
    step = "far_over" if took > times * limit else "late"
    first: Sequence[seen.Told] = view.theirs[:1] or view.told[:1]
    values = {
        "took": shown(took),
        "limit": shown(limit),
        "times": f"{times:g}",
        "count": str(count),
    }
    hits = [
        Hit(deduction=f"{item}.{step}", spans=(seen.whole(one),), at=one.said.sent_at, values=values)
        for one in first
    ]
    return Verdict(hits=tuple(hits))


def shown(span: timedelta) -> str:
    """Return a span as hours, minutes and seconds: 1:02:03, 4:05."""
    hours, rest = divmod(round(span.total_seconds()), 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"

"""Dimension F of the scorecard: no disturbing, no personal numbers in chat, a complete record. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from audit import items_compliance, scoring, seen
from audit.scoring import Hit, Verdict
from audit.seen import Seen, Told
from content import pii
from content.pii import PiiKind
from domain.audit import Span, TalkKind

_PERSONAL = frozenset({PiiKind.IDENTITY, PiiKind.CARD})
_DIGITS = 10  # A number that tells somebody apart has more digits than most prices.


def undisturbed(view: Seen) -> Verdict:
    """F1: nothing unasked in quiet hours, and not again and again while the customer says nothing."""
    if not view.background.has_times:
        return scoring.NO_TIMES
    pushes = _pushes(view)
    if view.is_bot or view.piece.kind is TalkKind.GROUP or not pushes:
        return scoring.NOT_APPLICABLE
    since, until = view.rubric.limit("quiet_from"), view.rubric.limit("quiet_until")
    hits = []
    for told in pushes:
        hour = _local(view, told).hour
        if hour >= since or hour < until:
            values = {"from": f"{since:g}", "until": f"{until:g}"}
            hits.append(
                Hit(deduction="F1.quiet", spans=(seen.whole(told),), at=told.said.sent_at, values=values)
            )
    return Verdict(hits=(*hits, *_too_many(view, pushes)))


def _pushes(view: Seen) -> list[Told]:
    """Return what the subject said by themselves: nobody asked for it within the time in which a reply is a reply."""
    reach = timedelta(minutes=view.rubric.limit("quiet_answer_minutes"))
    theirs = [one.said.sent_at for one in view.theirs]
    return [
        one
        for one in view.own
        if not one.said.is_scheduled
        and not any(timedelta(0) <= one.said.sent_at - at <= reach for at in theirs)
    ]


def _too_many(view: Seen, pushes: list[Told]) -> list[Hit]:
    days: dict[object, list[Told]] = {}
    for told in pushes:
        days.setdefault(_local(view, told).date(), []).append(told)
    spoke = {view.background.hours.today(one.said.sent_at) for one in view.theirs}
    hits = []
    for day, found in days.items():
        if len(found) >= view.rubric.limit("pushes") and day not in spoke:
            spans = tuple(seen.whole(one) for one in found)
            values = {"count": str(len(found))}
            hits.append(Hit(deduction="F1.pushes", spans=spans, at=found[0].said.sent_at, values=values))
    return hits


def _local(view: Seen, told: Told) -> datetime:
    return told.said.sent_at.astimezone(view.background.hours.zone)


def privacy(view: Seen) -> Verdict:
    """F2: no identity or card numbers in the chat."""
    said = items_compliance.said_hits(view, "F2")
    if not any(one.folded for one in view.own):
        return scoring.UNSEEN if view.has_gaps else scoring.NOT_APPLICABLE
    hits = list(said)
    for told in view.own:
        at = told.said.sent_at
        hits += [Hit(deduction="F2.typed", spans=(span,), at=at) for span in _numbers(told)]
    return Verdict(hits=tuple(hits))


def _numbers(told: Told) -> list[Span]:
    """Return where identity and card numbers stand in a message; a mobile may be the speaker's own."""
    if sum(letter.isdigit() for letter in told.folded) < _DIGITS:
        return []
    return [
        Span(message_id=told.said.id, start=one.span[0], end=one.span[1])
        for one in pii.find_pii(told.said.text)
        if one.kind in _PERSONAL
    ]


def recorded(view: Seen) -> Verdict:
    """F3: a complaint, or a matter that is passed on, has a case or a tag."""
    has_record = view.background.has_record
    asked = [one for one in view.theirs if one.folded and _needs_record(view, one)]
    if has_record is None or not asked or not view.own:
        return scoring.NOT_APPLICABLE
    if has_record:
        return scoring.FULL
    first = asked[0]
    return Verdict(hits=(Hit(deduction="F3.no_record", spans=(seen.whole(first),), at=first.said.sent_at),))


def _needs_record(view: Seen, told: Told) -> bool:
    # A complaint, a fraud or a danger to life: all that signs are looked for.
    return bool(view.basis.signs(told.said.text))

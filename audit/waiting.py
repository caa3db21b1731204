"""What a talk still owes an answer, so that somebody is told in time (issue 5, alarms).

Pure. Only a session that is not over owes something; what is older than a day is a matter of the audit, not of alarms:
whoever connects the archive today is not told of last week's questions. One question a customer is enough to tell of.
Rows are kept by store/heard_questions.py, the timers are scheduler/question_watch.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from audit import pairing, turns
from audit.closings import Closings
from audit.turns import Turn
from domain.audit import Asked, SessionEnd, Slice, Standing

# Older questions raise no alarm any more.
LATEST = timedelta(days=1)


def standing(pieces: Sequence[Slice], closings: Closings, now: datetime) -> Standing | None:
    """Return what waits after the last of a conversation's sessions; None without a session."""
    if not pieces:
        return None
    last = max(pieces, key=lambda piece: piece.started_at)
    asked: dict[str, Asked] = {}
    if last.end is SessionEnd.OPEN:
        for turn in pairing.hear(turns.turns(turns.in_order(last.messages), closings), closings).left:
            if turn.asked_at >= now - LATEST:
                asked.setdefault(turn.speaker, _asked(turn))
    return Standing(conversation_id=last.conversation_id, kind=last.kind, asked=tuple(asked.values()))


def _asked(turn: Turn) -> Asked:
    first = next((one for one in turn.messages if not one.is_recalled), turn.messages[0])
    return Asked(message_id=first.id, text=turn.text, asked_at=first.sent_at, asker=first.sender_id)

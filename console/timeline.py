"""A conversation's transcript as a line of things to read, oldest first. Pure.

What was said, what was meant to be said and what the platform reported come from different tables; here each answer is
joined with the message it became, and each decision with the words it was about.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from domain.delivery import Act, Delivery, DeliveryState
from domain.platform import SessionChange
from domain.talk import Author
from store.transcripts import Decided, Said, Source, Transcript

# The platform's numbers of a session change (WeCom doc 94670), as in bot/channels/wecom/parsing.py.
_CHANGES = {
    1: SessionChange.TAKEN,
    2: SessionChange.TRANSFERRED,
    3: SessionChange.ENDED,
    4: SessionChange.REOPENED,
}


@dataclass(frozen=True, kw_only=True)
class Bubble:
    """Something said, or meant to be said: then `said` is None. `source`: the content it was made from."""

    at: datetime
    author: Author
    said: Said | None
    delivery: Delivery | None
    source: Source | None


@dataclass(frozen=True, kw_only=True)
class Happening:
    """Something that is no speech. `word`: key of the label section "happening" or "transfer"."""

    at: datetime
    word: str
    detail: str
    delivery: Delivery | None = None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What was decided about the words above it."""

    at: datetime
    decided: Decided


Entry = Bubble | Happening | Verdict


def entries_of(transcript: Transcript) -> list[Entry]:
    """Return the transcript as one line, ordered by when each thing was recorded here."""
    sent = {one.key: one for one in transcript.deliveries}
    verdicts = {one.last_message_id: one for one in transcript.turns if one.decision or one.error}
    line: list[tuple[datetime, int, Entry]] = []
    spoken: set[str] = set()
    for said in transcript.said:
        entry = _entry(said, sent.get(said.msgid), transcript.sources)
        spoken.add(said.msgid)
        line.append((said.recorded_at, 0, entry))
        decided = verdicts.get(said.id)
        if decided is not None:
            line.append(
                (said.recorded_at, 1, Verdict(at=decided.finished_at or said.recorded_at, decided=decided))
            )
    line += [
        (one.created_at, 2, _unsaid(one, transcript.sources))
        for one in transcript.deliveries
        if one.key not in spoken
    ]
    # Sorting is stable: messages of one page of the platform's log share a time and keep their order.
    return [entry for _, _, entry in sorted(line, key=lambda one: (one[0], one[1] == 2))]


def _entry(said: Said, delivery: Delivery | None, sources: dict[int, Source]) -> Entry:
    if said.author is Author.SYSTEM:
        word, detail = _happened(said)
        return Happening(at=said.sent_at, word=word, detail=detail)
    return Bubble(
        at=said.sent_at, author=said.author, said=said, delivery=delivery, source=_source(delivery, sources)
    )


def _unsaid(delivery: Delivery, sources: dict[int, Source]) -> Entry:
    if delivery.act is Act.TRANSFER:
        # The receipt of a transfer that was taken names the servicer who got the customer; empty: the pool.
        taker = (
            delivery.receipt if delivery.state in (DeliveryState.ACCEPTED, DeliveryState.DELIVERED) else ""
        )
        return Happening(at=delivery.created_at, word="transfer", detail=taker, delivery=delivery)
    return Bubble(
        at=delivery.created_at,
        author=Author.BOT,
        said=None,
        delivery=delivery,
        source=_source(delivery, sources),
    )


def _source(delivery: Delivery | None, sources: dict[int, Source]) -> Source | None:
    if delivery is None or delivery.content_version_id is None:
        return None
    return sources.get(delivery.content_version_id)


def _happened(said: Said) -> tuple[str, str]:
    """Return the label's key and a detail of a platform event; its fields exist only in the raw entry."""
    try:
        event = json.loads(said.raw)["event"]
        kind = str(event["event_type"])
    except (ValueError, KeyError, TypeError):
        return "other", said.text
    if kind == "session_status_change":
        change = _CHANGES.get(event.get("change_type"))
        servicer = str(event.get("new_servicer_userid") or event.get("old_servicer_userid") or "")
        return (f"session_{change.value}" if change else kind), servicer
    if kind == "enter_session":
        return kind, str(event.get("scene") or "")
    return kind, ""

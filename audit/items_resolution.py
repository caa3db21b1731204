"""Dimension C of the scorecard: what was asked is answered, next steps have a time, promises are kept. Pure."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from audit import scoring, seen
from audit.scoring import Hit, Verdict
from audit.seen import Seen, Told
from audit.turns import Turn
from content import normalising
from content import turns as asking
from domain.audit import Said, Span
from domain.talk import Author

_SAME_QUESTION = 0.5  # Share of common pairs of characters from which a question is the same again.
_ON_TOPIC = 0.12  # Below this an answer shares nothing with the question.
_REPEATS_WITHIN = 2  # Turns of the customer in which a repeat counts (quality_audit.md §3).
_LEAST_PAIRS = 3


def answered(view: Seen) -> Verdict:
    """C1: whether the answers fit the questions. A suspicion only: a person has to read it."""
    rounds = [(turn, replies) for turn, replies in _rounds(view) if replies]
    if not rounds:
        return scoring.NOT_APPLICABLE
    asked = [turn for turn in view.turns if turn.author is Author.CUSTOMER]
    hits = [
        hit
        for turn, replies in rounds
        if (hit := _asked_again(view, turn, replies, asked[asked.index(turn) + 1 :])) is not None
    ]
    if not hits and not view.is_open:
        hits = _only_filler(view, rounds)
    return Verdict(hits=tuple(hits))


def _rounds(view: Seen) -> list[tuple[Turn, list[Told]]]:
    """Return each turn of a customer that asks, with what the subject said until the customer's next turn."""
    told = {one.said.id: one for one in view.typed}
    rounds: list[tuple[Turn, list[Told]]] = []
    for turn in view.turns:
        if turn.author is Author.CUSTOMER:
            rounds.append((turn, []))
        elif rounds:
            rounds[-1][1].extend(told[one.id] for one in turn.messages if one.id in told)
    filler = view.rubric.words["filler"]
    return [
        (turn, replies)
        for turn, replies in rounds
        if turn.asks and asking.asks(turn.text) and not filler.is_in(normalising.folded(turn.text))
    ]


def _asked_again(view: Seen, turn: Turn, replies: Sequence[Told], later: Sequence[Turn]) -> Hit | None:
    question = _pairs(turn.text)
    if len(question) < _LEAST_PAIRS or any(view.has("asks_back", one) for one in replies):
        return None
    answer = _pairs("".join(one.said.text for one in replies))
    if _share(question, answer) >= _ON_TOPIC:
        return None
    again = next((one for one in later[:_REPEATS_WITHIN] if _is_again(question, one.text)), None)
    if again is None:
        return None
    spans = (*_whole(turn.messages), *(seen.whole(one) for one in replies), *_whole(again.messages))
    values = {"asked": _short(turn.text), "said": _short(replies[0].said.text)}
    return Hit(deduction="C1.asked_again", spans=spans, at=replies[0].said.sent_at, values=values)


def is_same_question(asked: str, again: str) -> bool:
    """Say whether a customer asks the same once more, in these words or others."""
    question = _pairs(asked)
    return len(question) >= _LEAST_PAIRS and _is_again(question, again)


def _is_again(question: frozenset[str], text: str) -> bool:
    other = _pairs(text)
    least = min(len(question), len(other))
    return least >= _LEAST_PAIRS and len(question & other) / least >= _SAME_QUESTION


def _only_filler(view: Seen, rounds: Sequence[tuple[Turn, list[Told]]]) -> list[Hit]:
    """Return the hit where to the end nothing but "在的" was said, by anybody."""
    turn, replies = rounds[-1]
    after = [
        one
        for one in view.told
        if one.said.author in (Author.SERVICER, Author.BOT) and one.said.sent_at >= turn.started_at
    ]
    if not all(one.folded and view.has("filler", one) for one in after):
        return []
    spans = (*_whole(turn.messages), *(seen.whole(one) for one in replies))
    values = {"asked": _short(turn.text), "said": _short(replies[0].said.text)}
    return [Hit(deduction="C1.filler", spans=spans, at=replies[0].said.sent_at, values=values)]


def next_step(view: Seen) -> Verdict:
    """C2: whether what could not be done at once has a next step and a time."""
    open_matters = [one for one in view.typed if view.has("follow_up", one)]
    if not open_matters:
        return scoring.NOT_APPLICABLE
    first = open_matters[0]
    later = [one for one in view.typed if one.said.sent_at >= first.said.sent_at]
    if view.any_has("time_said", later) or view.any_has("done", later):
        return scoring.FULL
    if view.is_open:
        return Verdict(applies=False, reason="open")
    spans = view.spans("follow_up", first)
    values = {"said": seen.quoted(first, spans[0])}
    return scoring.absent(
        view, Hit(deduction="C2.no_time", spans=tuple(spans), at=first.said.sent_at, values=values)
    )


def promises_kept(view: Seen) -> Verdict:
    """C3: whether words given with a time were kept by it."""
    settled = [one for one in view.promises if one.kept_message_id is not None or one.due_at <= view.now]
    if not settled:
        return scoring.NOT_APPLICABLE
    zone = view.background.hours.zone
    hits = [
        Hit(
            deduction="C3.broken",
            spans=(Span(message_id=one.message_id, start=one.start, end=one.end),),
            at=one.made_at,
            values={"said": one.object, "due": f"{one.due_at.astimezone(zone):%m-%d %H:%M}"},
        )
        for one in settled
        if one.kept_message_id is None
    ]
    return Verdict(hits=tuple(hits))


@functools.lru_cache(maxsize=8192)
def _pairs(text: str) -> frozenset[str]:
    words = normalising.normalise(text).replace(" ", "")
    return frozenset(words[at : at + 2] for at in range(len(words) - 1))


def _share(question: frozenset[str], answer: frozenset[str]) -> float:
    return len(question & answer) / len(question) if question else 0.0


def _whole(messages: Sequence[Said]) -> list[Span]:
    return [Span(message_id=one.id) for one in messages]


def _short(text: str, limit: int = 30) -> str:
    words = " ".join(text.split())
    return words if len(words) <= limit else f"{words[:limit]}…"

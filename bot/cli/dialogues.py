"""Dialogues in files: a line of JSON to a session, and a judgement back to a line. For `guanjia audit import`.

A line: {"id", "turns": [{"speaker": "customer|advisor|bot", "text", "at"}]}. `at` is ISO 8601 with an offset and may be
missing; where any of a dialogue is, its times are unknown and everything about time is not applicable.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.cli import json_lines
from domain.audit import (
    BOT,
    Evaluated,
    FindingState,
    Judgement,
    NewFinding,
    Said,
    SessionEnd,
    Slice,
    TalkKind,
)
from domain.errors import ContentError
from domain.talk import Author
from store.findings import first_state

ADVISOR = "advisor"
_AUTHORS = {"customer": Author.CUSTOMER, "advisor": Author.SERVICER, "bot": Author.BOT}
# Without times the turns are put so far apart that none are taken for one.
_APART = timedelta(minutes=2)
# Beyond these a time is a slip, and its working hours cannot be counted.
_FIRST_YEAR, _LAST_YEAR = 1970, 2199


@dataclass(frozen=True, kw_only=True)
class Dialogue:
    """A line that was read. The ids of its messages are the places of its turns, from 1 on."""

    id: str
    piece: Slice
    has_times: bool


def parse(line: str, number: int, file: str, today: datetime) -> Dialogue:
    """Return the dialogue of a line. Raises ContentError naming file, line and field.

    `today`: when a dialogue without times is taken to have been.
    """
    place = f"{file}:{number}"
    body = json_lines.load(line, place)
    turns = body.get("turns")
    if not isinstance(turns, list) or not turns:
        raise ContentError([f"{place}: turns 要是不空的列表 (turns must be a list that is not empty)"])
    name = body.get("id", "")
    if not isinstance(name, str | int) or name == "":
        raise ContentError([f"{place}: 缺少 id (has no id)"])
    read = [_turn(turn, f"{place}: turns[{at}]") for at, turn in enumerate(turns)]
    return _dialogue(json_lines.clean(str(name)), read, today)


def _turn(turn: object, place: str) -> tuple[Author, str, datetime | None]:
    if not isinstance(turn, dict):
        raise ContentError([f"{place} 要是一个对象 {{…}} (must be an object)"])
    speaker, text, at = turn.get("speaker"), turn.get("text"), turn.get("at")
    if not isinstance(speaker, str) or speaker not in _AUTHORS:
        known = ", ".join(_AUTHORS)
        raise ContentError([f"{place}.speaker 是 {speaker!r}，只能是 {known} (speaker must be one of these)"])
    if not isinstance(text, str):
        raise ContentError([f"{place}.text 要是文字 (text must be a string)"])
    return _AUTHORS[speaker], json_lines.clean(text), None if at in (None, "") else _moment(at, f"{place}.at")


def _moment(at: object, place: str) -> datetime:
    try:
        moment = datetime.fromisoformat(str(at))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ContentError(
            [f"{place} 是 {at!r}，请写带时区的时间，如 2026-11-23T10:00:00+08:00 (ISO 8601 with an offset)"]
        )
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        years = f"{_FIRST_YEAR}–{_LAST_YEAR}"
        raise ContentError([f"{place} 是 {at!r}，年份要在 {years} 之间 (the year must be within {years})"])
    return moment.astimezone(UTC)


def _dialogue(name: str, turns: list[tuple[Author, str, datetime | None]], today: datetime) -> Dialogue:
    has_times = all(at is not None for _, _, at in turns)
    said = []
    latest = datetime.min.replace(tzinfo=UTC)
    for number, (author, text, at) in enumerate(turns, start=1):
        # The order of the file is the order of the talk, also where two turns have the same second.
        moment = at if has_times and at is not None else today + number * _APART
        latest = max(latest, moment)
        said.append(
            Said(
                id=number,
                conversation_id=0,
                msgid=str(number),
                author=author,
                kind="text",
                sent_at=latest,
                text=text,
                staff_id=ADVISOR if author is Author.SERVICER else "",
            )
        )
    piece = Slice(conversation_id=0, kind=TalkKind.CHAT, messages=tuple(said), end=SessionEnd.SILENCE)
    return Dialogue(id=name, piece=piece, has_times=has_times)


def result(dialogue: Dialogue, judgement: Judgement, names: Mapping[str, str]) -> dict[str, Any]:
    """Return the line that is written: the score is the advisor's, the bot's where no advisor spoke.

    `red_lines`: labels of the suspicions, each once. Items and findings of both; `names`: of the items, in Chinese.
    """
    main = _main(judgement.evaluated)
    found = [_finding(one) for one in judgement.findings]
    return {
        "id": dialogue.id,
        "score": None if main is None else main.score,
        "grade": "none" if main is None else main.grade.value,
        "subject": "" if main is None else main.subject,
        "red_lines": list(dict.fromkeys(one.label for one in judgement.findings if one.is_red)),
        "items": [] if main is None else _items(main, names),
        "findings": found,
        "bot": next(
            (_bot(one, names) for one in judgement.evaluated if one.subject == BOT and one is not main), None
        ),
    }


def _main(evaluated: Iterable[Evaluated]) -> Evaluated | None:
    ordered = sorted(evaluated, key=lambda one: one.subject == BOT)
    return ordered[0] if ordered else None


def _bot(one: Evaluated, names: Mapping[str, str]) -> dict[str, Any]:
    return {"score": one.score, "grade": one.grade.value, "items": _items(one, names)}


def _items(one: Evaluated, names: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "item": item.item,
            "name": names.get(item.item, item.item),
            "weight": item.weight,
            "earned": item.earned,
            "pending": item.pending,
            "evidence": item.evidence.value,
            "reason": item.reason,
        }
        for item in one.items
    ]


def _finding(one: NewFinding) -> dict[str, Any]:
    state: FindingState = first_state(one)
    return {
        "subject": one.subject,
        "item": one.item,
        "label": one.label,
        "severity": one.severity.value,
        "is_red": one.is_red,
        "state": state.value,
        "rule": one.rule_id,
        "rule_version": one.rule_version,
        "points": one.points,
        "note": one.note,
        # Places of turns from 0 on; (0, 0) is the turn as a whole.
        "turn": one.spans[0].message_id - 1 if one.spans else None,
        "span": [one.spans[0].start, one.spans[0].end] if one.spans else [0, 0],
        "spans": [[span.message_id - 1, span.start, span.end] for span in one.spans],
    }

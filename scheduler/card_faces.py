"""How a card looks: one matter with its own words and buttons, or a list of several with a way to the page. Pure.

Sizes are the platform's (WeCom doc 90236, template cards).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from content.card_words import CardWords
from domain.attention import ANSWERABLE_KINDS, CardAnswer, Notice, NoticeKind
from domain.delivery import CardButton, CardFace

TITLE_LENGTH = 36
DESC_LENGTH = 44
TEXT_LENGTH = 160
ROWS = 6
NAME_LENGTH = 5
VALUE_LENGTH = 30
# Where a card of several matters leads: the person's page of today.
TODAY_PATH = "/sidebar/"
_BLUE, _WHITE, _RED = 1, 2, 3
_STYLES = {CardAnswer.DONE: _BLUE, CardAnswer.LATER: _WHITE, CardAnswer.PROBLEM: _RED}


@dataclass(frozen=True, kw_only=True)
class FaceRules:
    """What a face needs to know. `public_url`: the server's own address, "" when it has none."""

    words: CardWords
    public_url: str
    zone: ZoneInfo


def face(
    told: Sequence[Notice],
    task_id: str,
    rules: FaceRules,
    answers: Collection[CardAnswer] = frozenset(CardAnswer),
) -> CardFace:
    """Return the face of a card that tells these notices, at least one.

    `answers`: what may be said of the step, where the card is about one alone.
    """
    if len(told) == 1 and told[0].kind is not NoticeKind.DAY:
        return _single(told[0], task_id, rules, answers)
    rows = _rows(told, rules)
    words = rules.words.face
    is_day = any(one.kind is NoticeKind.DAY for one in told)
    urgent = sum(one.is_exempt for one in told)
    return CardFace(
        task_id=task_id,
        title=words["day" if is_day else "several"].format(count=sum(count for _, _, count in rows)),
        desc=words["urgent"].format(count=urgent) if urgent else "",
        rows=_fitted(rows, rules),
        url=_url(TODAY_PATH, rules),
    )


def cut(text: str, length: int) -> str:
    """Return a text in one line of at most `length` characters, its end marked when something is left out."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def _single(one: Notice, task_id: str, rules: FaceRules, answers: Collection[CardAnswer]) -> CardFace:
    buttons: tuple[CardButton, ...] = ()
    if one.occurrence_id is not None and one.kind in ANSWERABLE_KINDS:
        buttons = tuple(
            CardButton(key=answer, text=rules.words.button[answer], style=_STYLES[answer])
            for answer in CardAnswer
            if answer in answers
        )
    return CardFace(
        task_id=task_id,
        title=cut(one.title, TITLE_LENGTH),
        text=cut(one.text, TEXT_LENGTH),
        url=_url(one.url or TODAY_PATH, rules),
        buttons=buttons,
    )


def _rows(told: Sequence[Notice], rules: FaceRules) -> list[tuple[str, str, int]]:
    """Return local time, words and how many matters they stand for; equal ones are one row."""
    found: Counter[tuple[str, str]] = Counter()
    for one in told:
        if one.kind is not NoticeKind.DAY:
            found[_clock(one.due_at, rules), " ".join(one.title.split())] += 1
    titles = {title for _, title in found}
    for one in told:
        lines = one.text.splitlines() if one.kind is NoticeKind.DAY else []
        for name, _, value in (line.partition(" ") for line in lines):
            # What has a row of its own is not named a second time.
            if value and value not in titles:
                found[name, value] += 1
    return [(name, value, count) for (name, value), count in found.items()]


def _fitted(rows: Sequence[tuple[str, str, int]], rules: FaceRules) -> tuple[tuple[str, str], ...]:
    """Return the rows a card has room for; the last one says how much more there is."""
    words = rules.words.face
    shown = rows if len(rows) <= ROWS else rows[: ROWS - 1]
    fitted = [(cut(name, NAME_LENGTH), _value(value, count, words["same"])) for name, value, count in shown]
    if len(shown) < len(rows):
        left = sum(count for _, _, count in rows[len(shown) :])
        fitted.append((cut(words["rest"], NAME_LENGTH), words["rest_count"].format(count=left)))
    return tuple(fitted)


def _value(value: str, count: int, same: str) -> str:
    if count == 1:
        return cut(value, VALUE_LENGTH)
    mark = len(same.format(title="", count=count))
    return same.format(title=cut(value, VALUE_LENGTH - mark), count=count)


def _clock(moment: datetime, rules: FaceRules) -> str:
    return moment.astimezone(rules.zone).strftime("%H:%M")


def _url(path: str, rules: FaceRules) -> str:
    return rules.public_url.rstrip("/") + path if rules.public_url else ""

"""Sessions and times of talks whose right values were worked out by hand (tests/audit/sessions.toml)."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from audit import closings, cutting, timing
from audit.timing import Limits
from domain.audit import Figures, TalkKind
from store import evaluations
from tests.audit import written

TALKS: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("sessions.toml").read_text("utf-8"))[
    "talk"
]
_NOTHING = evaluations.figures_body(Figures())


@pytest.mark.parametrize("talk", TALKS, ids=[talk["name"] for talk in TALKS])
def test_sessions_and_times_are_the_ones_worked_out_by_hand(talk: dict[str, Any]) -> None:
    messages = written.said(talk["lines"])
    calendar = written.calendar(talk.get("hours", ["mon-sun 09:00-21:00"]), talk.get("closed_on", []))
    kind, words = TalkKind(talk["kind"]), closings.load()
    staff_id = talk.get("staff_id", "wang" if kind is TalkKind.CHAT else "")

    slices = cutting.cut(
        kind, reversed(messages), calendar, written.later(messages), words, staff_id=staff_id
    )

    found = []
    for piece in slices:
        figures = timing.measure(piece, calendar, Limits(), words, complains=lambda text: "投诉" in text)
        measured = {name or "whole": _told(one) for name, one in figures.items()}
        found.append({"messages": len(piece.messages), "end": str(piece.end), **measured})
    assert found == talk["session"]


def test_limits_are_the_scorecards_and_else_the_usual_ones() -> None:
    assert timing.limits_of(lambda name: None) == Limits()
    written_limits = timing.limits_of(lambda name: {"first_minutes": 1.0, "bot_seconds": 2.0}.get(name))
    assert (written_limits.first.seconds, written_limits.bot.seconds) == (60, 2)
    assert written_limits.other == Limits().other


def _told(figures: Figures) -> dict[str, Any]:
    """Return what is neither zero, false nor N/A."""
    body = evaluations.figures_body(figures)
    return {name: value for name, value in body.items() if value != _NOTHING[name]}

"""What the program itself says on cards to staff, from cards.toml; the words of steps are in content/sop/."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class CardWords:
    """The words by place; keys are those of domain.attention.CardAnswer and domain.enrolment.OccurrenceState."""

    button: Mapping[str, str]
    answered: Mapping[str, str]
    state: Mapping[str, str]
    note: Mapping[str, str]
    face: Mapping[str, str]
    alarm: Mapping[str, str]


@functools.cache
def load() -> CardWords:
    """Return the shipped words."""
    return CardWords(**tomllib.loads(Path(__file__).with_name("cards.toml").read_text("utf-8")))

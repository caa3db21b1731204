"""An entry's words as a person says them: nobody tells a customer to press for a person while being one.

Pure. The changes are few, literal and written down in spoken.toml; the check runs on the result like on any other.
"""

from __future__ import annotations

import functools
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class _Turns:
    turns: tuple[tuple[re.Pattern[str], str], ...]
    never: tuple[str, ...]


def by_person(text: str) -> str | None:
    """Return the words as the advisor would say them, None for words only the robot can say."""
    known = _load()
    for pattern, put in known.turns:
        text = pattern.sub(put, text)
    return None if any(word in text for word in known.never) else text


@functools.cache
def _load() -> _Turns:
    found = tomllib.loads(Path(__file__).with_name("spoken.toml").read_text("utf-8"))
    turns = tuple((re.compile(one["from"]), one["to"]) for one in found["turn"])
    return _Turns(turns=turns, never=tuple(found["never"]))

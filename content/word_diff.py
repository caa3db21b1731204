"""What differs between two texts, word by word; for a reader who approves a change.

Pure. Words are those of the segmentation in use, so that a changed 2% is seen as such and not as a whole new line.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from content import segmentation

_SPACES = re.compile(r"(\s+)")
# Of a text longer than that only whole lines are compared.
_LONGEST = 6000


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A run of words: `sign` is "+" for new ones, "-" for those that are gone, "" for those that stay."""

    sign: str
    text: str


@dataclass(frozen=True, kw_only=True)
class FieldChange:
    """A field that reads otherwise; `pieces` in reading order. `kept`: members of a list that stay as they are."""

    field: str
    pieces: tuple[Piece, ...]
    kept: int = 0


def pieces(before: str, now: str) -> tuple[Piece, ...]:
    """Return both texts as one run of pieces; what stays and what is new joined give `now`."""
    old, new = _tokens(before), _tokens(now)
    matcher = difflib.SequenceMatcher(a=old, b=new, autojunk=False)
    found: list[Piece] = []
    for tag, a1, a2, b1, b2 in matcher.get_opcodes():
        if tag == "equal":
            found.append(Piece(sign="", text="".join(new[b1:b2])))
            continue
        if a1 < a2:
            found.append(Piece(sign="-", text="".join(old[a1:a2])))
        if b1 < b2:
            found.append(Piece(sign="+", text="".join(new[b1:b2])))
    return tuple(found)


def changes(
    before: Mapping[str, Any], now: Mapping[str, Any], order: Sequence[str]
) -> tuple[FieldChange, ...]:
    """Return the fields that differ between two bodies, in `order`; of a list, the members that came and went."""
    return tuple(
        _change(key, before.get(key), now.get(key)) for key in order if before.get(key) != now.get(key)
    )


def _change(key: str, before: object, now: object) -> FieldChange:
    if not isinstance(before, list) or not isinstance(now, list):
        return FieldChange(field=key, pieces=pieces(_text(before), _text(now)))
    old, new = [_text(one) for one in before], [_text(one) for one in now]
    gone, come = [one for one in old if one not in new], [one for one in new if one not in old]
    if not gone and not come:  # Only the order changed.
        return FieldChange(field=key, pieces=pieces("\n".join(old), "\n".join(new)))
    found = [Piece(sign="-", text=f"{one}\n") for one in gone] + [
        Piece(sign="+", text=f"{one}\n") for one in come
    ]
    return FieldChange(field=key, pieces=tuple(found), kept=len(new) - len(come))


def _text(value: object) -> str:
    if isinstance(value, list):
        return "\n".join(_text(one) for one in value)
    if isinstance(value, Mapping):
        return "  ".join(str(one) for one in value.values() if one)
    return "" if value is None else str(value)


def _tokens(text: str) -> list[str]:
    if len(text) > _LONGEST:
        return text.splitlines(keepends=True)
    return [token for part in _SPACES.split(text) for token in _cut(part) if token]


def _cut(part: str) -> list[str]:
    return [part] if not part.strip() else list(segmentation.current().cut(part))

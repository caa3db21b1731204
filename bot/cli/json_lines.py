"""Lines of JSON files that come from outside: one object a line, and text that can be written again."""

from __future__ import annotations

import json
import re
from typing import Any

from domain.errors import ContentError

# Half of a surrogate pair: JSON can spell one ("\ud800"), no file can hold one.
_HALVES = re.compile("[\ud800-\udfff]")
_REPLACED = "\ufffd"


def load(line: str, place: str) -> dict[str, Any]:
    """Return the object of a line. Raises ContentError naming the place (file and line).

    A line that was no UTF-8 is a mistake: read as it comes, a file in GBK would have nothing to find in it.
    """
    if _HALVES.search(line):
        raise ContentError([f"{place}: 不是 UTF-8 编码。 (Not UTF-8.)"])
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ContentError([f"{place}: 不是一行 JSON（{error}）。 (Not JSON.)"]) from None
    if not isinstance(found, dict):
        raise ContentError([f"{place}: 每行要是一个对象 {{…}} (each line must be an object)"])
    return found


def clean(text: str) -> str:
    """Return a text with every half of a surrogate pair replaced by U+FFFD; as long as it was, so spans hold."""
    return _HALVES.sub(_REPLACED, text)

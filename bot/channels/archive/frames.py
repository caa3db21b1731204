"""Frames between the bot and the child that holds the platform's library.

A frame is two lengths of four bytes, big end first, then a JSON object and bytes beside it. A question carries
`number` and `call`, its answer the same `number`. Imports nothing of ours: both ends use it.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import IO, Any

_HEAD = struct.Struct(">II")
# More than the largest page (1,000 entries) or part of a file can be; what says more is no frame.
LIMIT_BYTES = 256 * 1024 * 1024


def pack(told: Mapping[str, Any], content: bytes = b"") -> bytes:
    """Return the bytes of a frame."""
    text = json.dumps(told, ensure_ascii=True, separators=(",", ":")).encode()
    return _HEAD.pack(len(text), len(content)) + text + content


def read(source: IO[bytes]) -> tuple[dict[str, Any], bytes] | None:
    """Return the next frame of a file, None at its end. Raises EOFError in the middle of one, ValueError for none."""
    head = source.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    size, beside = _HEAD.unpack(head)
    if size + beside > LIMIT_BYTES:
        raise ValueError("no frame")
    text, content = source.read(size), source.read(beside)
    if len(text) < size or len(content) < beside:
        raise EOFError
    return json.loads(text), content

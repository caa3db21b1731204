"""Long words in messages that the client takes. Pure."""

from __future__ import annotations

# sendChatMessage names no limit; customer service and messages of applications take 2,048 bytes to 4,000 (docs 94677,
# 90236), and one bubble of a phone holds no more that anybody would read.
LIMIT_BYTES = 3900
_BORDERS = ("\n\n", "\n", "。", "！", "？", "；", "，", " ")


def split(text: str, limit_bytes: int = LIMIT_BYTES) -> list[str]:
    """Return the words in as few parts as fit, cut where a paragraph, a line or a sentence ends; nothing is lost.

    White space at a cut is left out. Empty for no words.
    """
    rest, parts = text.strip(), []
    while len(rest.encode()) > limit_bytes:
        head = rest.encode()[:limit_bytes].decode(errors="ignore")
        at = _border(head)
        parts.append(rest[:at].rstrip())
        rest = rest[at:].lstrip()
    return [*parts, rest] if rest else parts


def _border(head: str) -> int:
    """Return where to cut: after the last border in the second half, or at the very end."""
    for border in _BORDERS:
        at = head.rfind(border)
        if at >= len(head) // 2:
            return at + len(border)
    return len(head)

"""Idempotency keys.

A key is made from what caused the text (the customer's own message id), not from our row numbers: when the database is
lost or restored and the log is read again, the same answer gets the same key, and the platform refuses to say it twice.
"""

from __future__ import annotations

import hashlib


def key_of(*parts: object) -> str:
    """Return 32 characters of [0-9a-f], the length the platform takes for a msgid (WeCom doc 94677)."""
    joined = "\x1f".join(str(part) for part in parts)
    return hashlib.sha256(joined.encode()).hexdigest()[:32]

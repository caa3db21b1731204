"""The signature that lets a page call the WeCom client (JS-SDK). Source: WeCom doc 90506."""

from __future__ import annotations

import hashlib


def signature(ticket: str, nonce: str, timestamp: str, url: str) -> str:
    """Return the lower-case hex signature. `url`: the page's whole address; what follows # is left out."""
    page = url.partition("#")[0]
    text = f"jsapi_ticket={ticket}&noncestr={nonce}&timestamp={timestamp}&url={page}"
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

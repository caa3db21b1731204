"""Access tokens (one per secret) and the short-lived tokens of sync_msg, on the virtual clock.

Source: WeCom docs 91039 and 94670.
"""

from __future__ import annotations

import hashlib
import itertools
import os
from collections import deque
from dataclasses import dataclass

from sandbox.codes import ApiError
from sandbox.settings import AppSettings

SYNC_TOKEN_SECONDS = 600
KEPT_AFTER_EXPIRY_SECONDS = 24 * 3600


@dataclass(kw_only=True, slots=True)
class AccessToken:
    value: str
    app: AppSettings
    expires_at: float


class TokenDesk:
    """Gives out access tokens and judges them."""

    def __init__(self, corp_id: str, apps: tuple[AppSettings, ...], lifetime_seconds: int) -> None:
        self._corp_id = corp_id
        self._by_secret = {app.secret: app for app in apps}
        self._lifetime = lifetime_seconds
        self._current: dict[str, AccessToken] = {}
        self._issued: dict[str, AccessToken] = {}

    def issue(self, corp_id: str, secret: str, now: float) -> tuple[str, int]:
        """The token of `secret` and its remaining seconds; the same token while it is good.

        Raises ApiError 41002, 41004, 40013 or 40001.
        """
        if not corp_id:
            raise ApiError(41002)
        if not secret:
            raise ApiError(41004)
        if corp_id != self._corp_id:
            raise ApiError(40013)
        app = self._by_secret.get(secret)
        if app is None:
            raise ApiError(40001)
        token = self._current.get(secret)
        if token is None or token.expires_at <= now:
            token = AccessToken(value=_opaque(320), app=app, expires_at=now + self._lifetime)
            self._current[secret] = token
            self._issued[token.value] = token
            self._forget(now)
        return token.value, int(token.expires_at - now)

    def check(self, value: str, now: float) -> AppSettings:
        """The app that holds this token. Raises ApiError 41001, 40014 or 42001."""
        if not value:
            raise ApiError(41001)
        token = self._issued.get(value)
        if token is None:
            raise ApiError(40014)
        if token.expires_at <= now:
            raise ApiError(42001)
        return token.app

    def expire_all(self, now: float) -> None:
        """Make every token invalid, as the platform may do at any time."""
        for token in self._issued.values():
            token.expires_at = min(token.expires_at, now)

    def _forget(self, now: float) -> None:
        old = [
            value
            for value, token in self._issued.items()
            if token.expires_at < now - KEPT_AFTER_EXPIRY_SECONDS
        ]
        for value in old:
            del self._issued[value]


class SyncTokens:
    """Tokens that a kf callback carries: good for one account and ten minutes."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._salt = os.urandom(8).hex()
        self._known: dict[str, tuple[str, float]] = {}
        self._order: deque[tuple[float, str]] = deque()

    def issue(self, open_kfid: str, now: float) -> str:
        while self._order and self._order[0][0] <= now:
            self._known.pop(self._order.popleft()[1], None)
        value = f"ENC{self._salt}{next(self._numbers):x}"
        self._known[value] = (open_kfid, now + SYNC_TOKEN_SECONDS)
        self._order.append((now + SYNC_TOKEN_SECONDS, value))
        return value

    def is_good(self, value: str, open_kfid: str, now: float) -> bool:
        owner, expires_at = self._known.get(value, ("", 0.0))
        return owner == open_kfid and now < expires_at


def _opaque(length: int) -> str:
    text = ""
    while len(text) < length:
        text += hashlib.sha256(os.urandom(32)).hexdigest()
    return text[:length]

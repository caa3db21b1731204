"""Passwords: argon2id with the parameters OWASP names for 19 MiB (Password Storage Cheat Sheet).

Hashing takes about 30 ms of CPU, so it runs in a thread, and never more than two at once: a burst of log-ins must not
take memory or time from the callbacks.
"""

from __future__ import annotations

import asyncio
import functools

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH = 10

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_AT_ONCE = 2


class Passwords:
    """Hashes and checks passwords away from the loop."""

    def __init__(self) -> None:
        self._turnstile = asyncio.Semaphore(_AT_ONCE)
        # Checked when the name is unknown, so that an unknown name takes as long as a wrong password.
        self._nobody = _hash_of_nobody()

    async def hash(self, password: str) -> str:
        """Return what is stored for `password`."""
        async with self._turnstile:
            return await asyncio.to_thread(hash_password, password)

    async def is_right(self, password_hash: str, password: str) -> bool:
        """Say whether `password` belongs to the hash; an empty hash belongs to no password."""
        async with self._turnstile:
            right = await asyncio.to_thread(_verify, password_hash or self._nobody, password)
        return right and bool(password_hash)


def hash_password(password: str) -> str:
    """Return what is stored for `password`; takes about 30 ms, for the command line."""
    return _hasher.hash(password)


@functools.cache
def _hash_of_nobody() -> str:
    return hash_password("nobody has this password")


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False

"""Which member of the company stands behind a code the platform sent (WeCom docs 91023, 98152)."""

from __future__ import annotations

import logging

from console.context import StaffLogin
from console.visit import cleaned
from domain.errors import ChannelError, ChannelRefused, CodeUsed

log = logging.getLogger(__name__)

# What the platform says of a code (WeCom doc 90313).
_CODE_SPENT = frozenset({40029, 42003, 42022})
_OUT_OF_RANGE = frozenset({50001, 50002, 60011, 60021, 60111})


class Refused(Exception):
    """Nobody could be let in; the word names a page of [entry] or [phone_entry] in words.toml."""

    def __init__(self, word: str) -> None:
        self.word = word
        super().__init__(word)


async def member_of(login: StaffLogin | None, code: str) -> str:
    """Return the UserID behind a code. Raises Refused: code, range, member or platform."""
    if not code or login is None:
        raise Refused("code")
    try:
        member = await login.member_of(cleaned(code, 512))
    except ChannelError as error:
        log.warning("login refused", extra={"action": "login_refused", "errcode": error.errcode})
        if isinstance(error, CodeUsed) or error.errcode in _CODE_SPENT:
            raise Refused("code") from error
        if error.errcode in _OUT_OF_RANGE:
            raise Refused("range") from error
        # Without a number of the platform the answer was genuine, but named no member of ours.
        is_stranger = isinstance(error, ChannelRefused) and error.errcode is None
        raise Refused("member" if is_stranger else "platform") from error
    if not member:
        raise Refused("member")
    return member

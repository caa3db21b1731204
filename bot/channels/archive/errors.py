"""What the library's numbers mean; the one place where they become our exceptions.

Sources: WeCom docs 91552 (numbers of the library), 90313 (errcode of its answers).
"""

from __future__ import annotations

from datetime import timedelta

from domain import errors


class ChildDied(errors.ChannelBusy):
    """The process with the archive's library ended in the middle of a call; it is started again."""


class TooBig(errors.ChannelRefused):
    """The answer would be too big (301058); ask for fewer entries."""


class FileExpired(errors.ChannelRefused):
    """The file is older than the five days the archive keeps it (10010)."""


class LibraryUnusable(errors.ChannelRefused):
    """The archive's library cannot be loaded; check wecom.archive.library and run `guanjia doctor`."""


TOO_BIG = 301058
_EXPIRED = frozenset({10010, 301048})
_CREDENTIALS = frozenset({10009, 301042, 301052, 301053})
# Nothing was done, come back: network, parsing of an answer, the system.
_RETRY = frozenset({10001, 10002, 10003, -1, 45009})
_RETRY_AFTER = timedelta(seconds=2)

# What to do about each; for logs, `doctor` and the console.
ADVICE = {
    10000: "wrong parameters: wecom.corp_id or wecom.archive.secret is empty or malformed",
    10001: "the network does not reach the platform; check proxy and firewall",
    10002: "the platform's answer cannot be read",
    10003: "the platform is not well",
    10005: "the file id is wrong",
    10006: "the library cannot decrypt it",
    10008: "the library cannot decrypt it: the key does not belong to the message",
    10009: "this machine's address is not among the archive's trusted addresses (可信IP)",
    10010: "older than the five days the archive keeps",
    10011: "the platform's certificate is not trusted; a proxy may replace it",
    40001: "wecom.archive.secret is wrong",
    40013: "wecom.corp_id is wrong",
    301042: "this machine's address is not among the archive's trusted addresses (可信IP)",
    301048: "older than the five days the archive keeps",
    301052: "the archive's licence has expired",
    301053: "the archive is not enabled for this company",
}


def of_code(call: str, code: int) -> errors.ChannelError:
    """Return the error of a number other than 0. `call`: the library's function."""
    what = f"{call}: {code}" + (f", {ADVICE[code]}" if code in ADVICE else "")
    if code in _RETRY:
        return errors.ChannelBusy(what, retry_after=_RETRY_AFTER, errcode=code, endpoint=call)
    if code == TOO_BIG:
        return TooBig(what, errcode=code, endpoint=call)
    if code in _EXPIRED:
        return FileExpired(what, errcode=code, endpoint=call)
    if code in _CREDENTIALS:
        return errors.ChannelUnauthorised(what, errcode=code, endpoint=call)
    return errors.ChannelRefused(what, errcode=code, endpoint=call)

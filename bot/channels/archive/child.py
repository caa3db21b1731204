"""The process that loads the platform's library: `python -m bot.channels.archive.child PARENT`.

Reads questions from standard input and answers them on standard output (frames.py), one after the other, until the
input ends. The library may abort it, hang or write on standard output; none of that reaches the bot. Imports nothing of
the bot but its own folder. The parent is process.py.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
from collections.abc import Sequence
from threading import Thread
from typing import Any

from bot.channels.archive import frames
from bot.channels.archive.keys import BadKey, Keys, NoKey
from bot.channels.archive.sdk import Sdk, SdkError

_PR_SET_PDEATHSIG = 1
# RSA is what takes the time (0.4 ms a message, 2026-11-22); cryptography lets go of Python's lock meanwhile.
_THREADS = min(4, os.cpu_count() or 1)


class Child:
    """Answers questions."""

    def __init__(self) -> None:
        self._sdk: Sdk | None = None
        self._keys = Keys({})

    def answer(self, asked: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """Return what to answer; `code` is the library's number, `failed` what else went wrong."""
        try:
            match asked["call"]:
                case "init":
                    self._init(asked)
                case "pull":
                    return {}, self._ready.get_chat_data(int(asked["seq"]), int(asked["limit"]))
                case "open":
                    return {"opened": self._open(asked["entries"])}, b""
                case "media":
                    content, index, is_last = self._ready.get_media(asked["file"], asked["index"])
                    return {"index": index, "is_last": is_last}, content
                case call:
                    return {"failed": f"no such call: {call}"}, b""
        except SdkError as error:
            return {"code": error.code, "of": error.call}, b""
        except (OSError, AttributeError, ValueError) as error:
            return {"failed": f"{type(error).__name__}: {error}"}, b""
        return {}, b""

    @property
    def _ready(self) -> Sdk:
        if self._sdk is None:
            raise ValueError("not initialised")
        return self._sdk

    def _init(self, asked: dict[str, Any]) -> None:
        self._keys = Keys({int(version): pem for version, pem in asked["keys"].items()})
        sdk = Sdk(asked["library"])
        sdk.init(asked["corp_id"], asked["secret"], asked["proxy"], asked["password"], int(asked["seconds"]))
        self._sdk = sdk

    def _open(self, entries: Sequence[Sequence[Any]]) -> list[list[str]]:
        """Return [word, text or error] of each (version, random key, encrypted); the word is "" when it is open."""
        keys = self._open_keys(entries)
        return [self._decrypt(key, str(entry[2])) for key, entry in zip(keys, entries, strict=True)]

    def _open_keys(self, entries: Sequence[Sequence[Any]]) -> list[bytes | str]:
        """Open message keys, each thread its share. Plain threads: a pool would make each start of ours longer."""
        keys: list[bytes | str] = ["bad_key"] * len(entries)

        def work(first: int) -> None:
            for place in range(first, len(entries), _THREADS):
                keys[place] = self._open_key(entries[place])

        others = [Thread(target=work, args=(first,)) for first in range(1, min(_THREADS, len(entries)))]
        for one in others:
            one.start()
        work(0)
        for one in others:
            one.join()
        return keys

    def _open_key(self, entry: Sequence[Any]) -> bytes | str:
        try:
            return self._keys.open(int(entry[0]), str(entry[1]))
        except NoKey:
            return "no_key"
        except BadKey:
            return "bad_key"

    def _decrypt(self, key: bytes | str, encrypted: str) -> list[str]:
        if isinstance(key, str):
            return [key, ""]
        try:
            plain = self._ready.decrypt(key, encrypted.encode())
        except SdkError as error:
            return ["damaged", str(error)]
        except ValueError as error:
            return ["damaged", str(error)]
        return ["", plain.decode("utf-8", "replace")]


def main() -> None:
    """Serve until the input ends."""
    _die_with_parent()
    # The library may print: standard output is for frames, so everything else goes elsewhere.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    # No core file: memory holds secrets and messages.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    child = Child()
    while (frame := frames.read(sys.stdin.buffer)) is not None:
        asked, _ = frame
        told, content = child.answer(asked)
        out.write(frames.pack({**told, "number": asked["number"]}, content))
        out.flush()


def _die_with_parent() -> None:
    """On Linux: be killed when the bot is, even while the library hangs."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if len(sys.argv) > 1 and os.getppid() != int(sys.argv[1]):
        sys.exit(0)  # It died before we asked to die with it.


if __name__ == "__main__":
    main()

"""Five customers who wait for an advisor when the demo begins, as people of the pretend WeCom.

They come in the way customers do: ask the bot, ask for a person, and say what they want once somebody has them. Who
that is, the program decides. Nothing here touches the bot or its database; it only speaks for the customers.
"""

from __future__ import annotations

import json
import logging
import threading
import tomllib
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

# The platform's numbers for a session with the bot and with a person (WeCom doc 94669).
_ANSWERED, _SERVED = 1, 3
_LOOK_SECONDS, _LOOKS = 0.5, 120
_TYPING_SECONDS = 2.0
_CALL_SECONDS = 5.0


def tables(path: Path) -> str:
    """Return the [[customer]] tables of `path` (desk.toml) for the sandbox's settings."""
    rows = []
    for one in _plan(path)["customer"]:
        name = json.dumps(one["nickname"], ensure_ascii=False)
        rows.append(
            f"[[customer]]\nexternal_userid = {json.dumps(one['external_userid'])}\nnickname = {name}\n"
        )
    return "\n".join(rows)


class Visitors:
    """Plays the customers in threads of their own until they have said their words, or `leave` is called."""

    def __init__(self, path: Path, sandbox_url: str) -> None:
        self._plan = _plan(path)
        self._url = sandbox_url
        self._leaving = threading.Event()
        self._threads = [
            threading.Thread(target=self._play, args=(one,), name=f"visitor-{one['nickname']}", daemon=True)
            for one in self._plan["customer"]
        ]

    def come(self) -> None:
        """Let them come in."""
        for thread in self._threads:
            thread.start()

    def leave(self) -> None:
        """End what is not over yet."""
        self._leaving.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(_CALL_SECONDS)

    def _play(self, one: dict[str, Any]) -> None:
        try:
            self._say(one, one["before"])
            if not self._wait(one, _ANSWERED):
                return
            self._say(one, self._plan["person"])
            if not self._wait(one, _SERVED):
                return
            for words in one["asks"]:
                # As fast as people type: what the program says meanwhile comes before it.
                if self._leaving.wait(_TYPING_SECONDS):
                    return
                self._say(one, words)
        except (urllib.error.URLError, OSError):
            log.debug("the sandbox is gone", extra={"action": "demo_visitor_left"})

    def _wait(self, one: dict[str, Any], state: int) -> bool:
        """Look at the chat until it is in `state`; False when it never is, or the demo ends."""
        where = f"external_userid={one['external_userid']}&open_kfid={one['open_kfid']}&limit=5"
        for _ in range(_LOOKS):
            if self._leaving.wait(_LOOK_SECONDS):
                return False
            if self._call(f"/sandbox/transcript?{where}")["chat"]["state"] == state:
                return True
        return False

    def _say(self, one: dict[str, Any], words: str) -> None:
        names = ("external_userid", "open_kfid")
        self._call("/sandbox/customer/says", {name: one[name] for name in names} | {"content": words})

    def _call(self, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self._url + path, data=data, headers=headers)  # noqa: S310  # loopback
        with urllib.request.urlopen(request, timeout=_CALL_SECONDS) as answer:  # noqa: S310  # loopback
            return json.load(answer)


def _plan(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8"))

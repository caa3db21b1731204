"""Tells the demo's sandbox when the bot has something to do next, so that fast-forward is fast only in between.

The two know nothing of each other; the demo has started both. It reads the bot's records and asks nothing of it.
"""

from __future__ import annotations

import http.client
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

_TIMEOUT_SECONDS = 2.0
_FORM = "%Y-%m-%d %H:%M:%S.%f"  # As SQLite holds times.
_NEXT_DUE = """\
select min(at) from (
    select min(next_at) as at from enrolment where state in ('waiting', 'running') and next_at > :lately
    union all select min(due_at) from delivery where state in ('due', 'claimed', 'attempting') and due_at > :lately
    union all select min(due_at) from notice where state = 'waiting' and due_at > :now
)"""
# What was due longer ago, in business time, waits for something else, and nobody slows down for it.
_LATELY = timedelta(minutes=12)


def next_due(database: Path, now: float) -> float | None:
    """Return when the bot has something to do (Unix seconds, business time); None when nothing, or nothing to read."""
    at = datetime.fromtimestamp(now, UTC)
    moments = {"now": at.strftime(_FORM), "lately": (at - _LATELY).strftime(_FORM)}
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=0.2)) as records:
            found = records.execute(_NEXT_DUE, moments).fetchone()[0]
    except sqlite3.Error:
        return None
    return datetime.fromisoformat(found).replace(tzinfo=UTC).timestamp() if found else None


class Hints:
    """Asks the sandbox how its clock goes, and tells it what comes while it hurries."""

    def __init__(self, database: Path, sandbox_port: int) -> None:
        self._database = database
        self._sandbox = http.client.HTTPConnection("127.0.0.1", sandbox_port, timeout=_TIMEOUT_SECONDS)

    def give(self) -> bool:
        """Tell the sandbox what comes next; say whether it hurries, so that it wants to know again soon."""
        try:
            clock = self._ask("GET", "/sandbox/clock")
            if clock["pace"] == "hand":
                return False
            self._ask(
                "POST", "/sandbox/clock/hint", {"at": next_due(self._database, float(clock["now"])) or 0.0}
            )
        except (OSError, http.client.HTTPException, ValueError, KeyError):
            self._sandbox.close()  # It connects anew by itself the next time.
            return False
        return True

    def close(self) -> None:
        """Let the connection go."""
        self._sandbox.close()

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        self._sandbox.request(
            method,
            path,
            body=None if body is None else json.dumps(body),
            headers={"Content-Type": "application/json"},
        )
        answer = self._sandbox.getresponse()
        content = json.loads(answer.read())
        if answer.status != 200:
            raise ValueError(content)
        return content

"""What the pages need from the running program. Filled by bot/app.py, which is the only one that builds it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from content.knowledge import Knowledge
from domain.faq import Line
from domain.ports import Clock
from domain.reply import Reply
from domain.talk import Topic
from store.database import Store


@dataclass(frozen=True, kw_only=True)
class ProcessHealth:
    """What only the running process knows; the rest of the health page is read from the store.

    `writer_queue`: callers that wait for the store's writer. `is_matching_ready`: questions can be matched.
    `problems`: mistakes of changed content files that are not in use because of them, each with file, line and fix.
    `content_read_at`: when the words in use were read from the files. `compares_meaning`: and not words alone.
    """

    version: str
    started_at: datetime
    writer_queue: int
    is_matching_ready: bool
    problems: tuple[str, ...] = ()
    content_read_at: datetime | None = None
    compares_meaning: bool = False


@dataclass(frozen=True, kw_only=True)
class ConsoleContext:
    """Everything the pages use.

    `zone`: of every time shown. `data_folder`: holds media/. `library_folder`: node_modules; pages work without it.
    `company`: the name in the head of each page. `stop_line(line, by, reason)` and `resume_line(line, by)` return False
    when nothing changed, `requeue_event(key)` when there is no such event. `try_question(text, topic)` returns what the
    bot would do with a question now, after an answer about `topic`; nothing is written or sent.
    """

    store: Store
    clock: Clock
    zone: ZoneInfo
    data_folder: Path
    library_folder: Path
    company: str
    session_hours: float
    secure_cookies: bool
    picker: bool
    knowledge: Callable[[], Knowledge]
    stop_line: Callable[[Line, str, str], Awaitable[bool]]
    resume_line: Callable[[Line, str], Awaitable[bool]]
    requeue_event: Callable[[str], Awaitable[bool]]
    health: Callable[[], Awaitable[ProcessHealth]]
    try_question: Callable[[str, Topic | None], Awaitable[Reply | None]]

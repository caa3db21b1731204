"""What the pages need from the running program. Filled by bot/app.py, which is the only one that builds it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from console.rates import Rates
from console.streams import Streams
from content import retention as retention_files
from content import sop_shelf
from content.knowledge import Knowledge
from content.retention import Retention
from content.sop_shelf import Shelf
from domain.delivery import Attached
from domain.faq import Faq, Line
from domain.hours import ServiceHours
from domain.ports import Clock
from domain.reply import Reply
from domain.sop import Template
from domain.talk import Topic
from handlers.suggesting import Suggester
from scheduler.rostering import RosterRules
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


def _no_shelf() -> Shelf:
    return sop_shelf.empty(serves_samples=False, today=date.min)


async def _no_template(version_id: int) -> Template:
    raise KeyError(version_id)


async def _nothing_to_refresh() -> None:
    return


def _no_hours() -> ServiceHours:
    return ServiceHours(zone=ZoneInfo("Asia/Shanghai"), periods=())


@dataclass(frozen=True, kw_only=True)
class ConsoleContext:
    """Everything the pages use.

    `zone`: of every time shown. `data_folder`: holds media/. `library_folder`: node_modules; pages work without it.
    `company`: the name in the head of each page. `stop_line(line, by, reason)` and `resume_line(line, by)` return False
    when nothing changed, `requeue_event(key)` when there is no such event. `try_question(text, topic)` returns what the
    bot would do with a question now, after an answer about `topic`; nothing is written or sent. `shelf` holds the
    SOP templates in use; `sop_template(version_id)` is a frozen one, kept by whoever fills this, and raises KeyError.
    `retention` returns how long words are kept, and by which law.
    `hours`: whose days count as working days for appeals. `login`: WeCom as a way in, None where no app's secret is
    configured; `public_url`: our own address, empty where only this machine can reach the server; `entry_secret`: the
    same in all replicas. `rates`: how often the pages may be asked.
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
    shelf: Callable[[], Shelf] = _no_shelf
    sop_template: Callable[[int], Awaitable[Template]] = _no_template
    retention: Callable[[], Retention] = retention_files.load
    hours: ServiceHours = field(default_factory=_no_hours)
    # Who may be given a customer.
    roster: RosterRules = field(default_factory=lambda: RosterRules(hours=_no_hours()))
    # Take up what was just approved; today's words with one entry as it would be, None: by words alone.
    refresh_content: Callable[[], Awaitable[None]] = _nothing_to_refresh
    rehearse: Callable[[Faq], Awaitable[Knowledge]] | None = None
    login: StaffLogin | None = None
    public_url: str = ""
    entry_secret: str = field(default="", repr=False)
    rates: Rates = field(default_factory=Rates)


# --- the staff's phone page ---------------------------------------------------------------------------------


class StaffLogin(Protocol):
    """The platform's login of members on a page (bot/channels/wecom/web_login.py)."""

    def authorize_url(self, redirect_uri: str, state: str) -> str:
        """Return where a browser inside WeCom goes; it comes back to `redirect_uri` with a code and `state`."""
        ...

    def scan_url(self, redirect_uri: str, state: str) -> str:
        """Return where any other browser goes to have its QR code scanned; it comes back in the same way."""
        ...

    async def member_of(self, code: str) -> str:
        """Return the UserID behind a code, which is good once. Raises ChannelError."""
        ...


class PageSignature(Protocol):
    """What a page registers with at the JS-SDK."""

    @property
    def timestamp(self) -> int | str: ...
    @property
    def nonce(self) -> str: ...
    @property
    def signature(self) -> str: ...


class PageSigner(Protocol):
    """Signs the addresses of our own pages for the JS-SDK. Raises ChannelError."""

    async def corp_signature(self, url: str) -> PageSignature: ...
    async def agent_signature(self, url: str) -> PageSignature: ...


@dataclass(frozen=True, kw_only=True)
class SidebarContext:
    """What the phone page uses beside `console`.

    `login` and `signer` are None where no app's secret is configured. `public_url`: empty where only this machine
    can reach the server. `media_id(attached)` returns what the platform calls a file, and raises ChannelError.
    `frame_ancestors`: origins that may frame the pages; `jssdk_url`: a script that stands in for the SDK, "" for our
    own. `entry_secret`: the same in all replicas. `suggester`: finds suggested replies, None where there are none to
    find; `facts`: the company's own words, by slot.
    """

    console: ConsoleContext
    login: StaffLogin | None
    signer: PageSigner | None
    corp_id: str
    agent_id: int
    public_url: str
    frame_ancestors: tuple[str, ...]
    jssdk_url: str
    entry_secret: str = field(repr=False)
    media_id: Callable[[Attached], Awaitable[str]]
    suggester: Suggester | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    # Told by bot/desk_watch.py; without it nobody is told anything.
    streams: Streams = field(default_factory=Streams)

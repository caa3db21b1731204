"""Who works with the pages: roles, logins and their sessions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """What a person does here; what each may see is console/access.py and docs/access.md."""

    ADMIN = "admin"  # Runs the system: events, health, logins.
    SUPERVISOR = "supervisor"  # Leads the service team: every talk, every case.
    COMPLIANCE = "compliance"  # Watches wording and complaints; may stop a line.
    CONTENT = "content"  # Keeps the entries.
    OWNER = "owner"  # Owns groups and customers (群主); sees what is theirs.
    ADVISOR = "advisor"  # Serves customers; sees what is theirs.


class LoginDoor(StrEnum):
    """Which pages a session was opened for; it opens no others."""

    CONSOLE = "console"
    SIDEBAR = "sidebar"  # The phone page.


@dataclass(frozen=True, kw_only=True)
class Login:
    """A person who may sign in. `staff_platform_id`: who they are in WeCom, empty when not linked.

    `granted_roles`: those a person granted; the others came with the phone page and open nothing but it.
    """

    id: int
    name: str
    display_name: str
    password_hash: str
    roles: frozenset[Role]
    staff_platform_id: str
    created_at: datetime
    disabled_at: datetime | None
    failures: int
    locked_until: datetime | None
    granted_roles: frozenset[Role] = frozenset()


@dataclass(frozen=True, kw_only=True)
class LoginSession:
    """A login that lasts. `token_digest`: SHA-256 hex of the cookie's token, which is stored nowhere.

    `how`: password, picker, wecom (inside the client) or qr (scanned); `browser` and `address`: as it began.
    """

    token_digest: str
    login: Login
    csrf: str
    created_at: datetime
    expires_at: datetime
    seen_at: datetime
    how: str = ""
    browser: str = ""
    address: str = ""

    @property
    def key(self) -> str:
        """Name the session to people and in addresses of pages: the digest's first 16 digits."""
        return self.token_digest[:16]


@dataclass(frozen=True, kw_only=True)
class AccessEntry:
    """One line of the access log: who did what to which object; append-only."""

    id: int
    at: datetime
    actor: str
    act: str
    subject: str
    note: str

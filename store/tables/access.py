"""Who may sign in, and who looked at what."""

from __future__ import annotations

import sqlalchemy as sa

from store.columns import at, key, refers
from store.tables.naming import metadata

login = sa.Table(
    "login",
    metadata,
    key(),
    sa.Column("name", sa.String(64), nullable=False, unique=True),
    sa.Column("display_name", sa.String(64), nullable=False, server_default=""),
    sa.Column("password_hash", sa.Text, nullable=False, server_default=""),
    refers("staff_id", "staff", nullable=True),
    at("created_at"),
    at("disabled_at", nullable=True),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
    at("locked_until", nullable=True),
)

role = sa.Table(
    "role",
    metadata,
    key(),
    refers("login_id", "login"),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("granted_by", sa.String(64), nullable=False),
    at("granted_at"),
    sa.UniqueConstraint("login_id", "role"),
)

login_session = sa.Table(
    "login_session",
    metadata,
    sa.Column("token_digest", sa.String(64), primary_key=True),
    refers("login_id", "login"),
    at("created_at"),
    at("expires_at"),
    at("seen_at"),
    at("revoked_at", nullable=True),
    sa.Column("csrf", sa.String(64), nullable=False),
    # How the person came in (password, picker, wecom, qr), with which browser, from where: for the list of sessions.
    sa.Column("how", sa.String(16), nullable=False, server_default=""),
    sa.Column("browser", sa.String(128), nullable=False, server_default=""),
    sa.Column("address", sa.String(64), nullable=False, server_default=""),
    # Which pages it opens (domain.login.LoginDoor). Those from before there was this column open none.
    sa.Column("door", sa.String(16), nullable=False, server_default=""),
    sa.Index("ix_login_session_login", "login_id"),
)

access_log = sa.Table(
    "access_log",
    metadata,
    key(),
    at("at"),
    sa.Column("actor", sa.String(64), nullable=False),
    sa.Column("act", sa.String(32), nullable=False),
    sa.Column("subject", sa.String(128), nullable=False),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.Index("ix_access_log_at", "at"),
    sa.Index("ix_access_log_subject", "subject", "id"),
)

"""What came in, tokens, and the accounts of customer service."""

from __future__ import annotations

import sqlalchemy as sa

from store.columns import at, key, lease, partial
from store.tables.naming import metadata

# What this installation is: one row a fact, e.g. when it first served.
instance = sa.Table(
    "instance",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

event = sa.Table(
    "event",
    metadata,
    key(),
    sa.Column("key", sa.String(64), nullable=False, unique=True),
    sa.Column("receiver", sa.String(32), nullable=False),
    sa.Column("kind", sa.String(64), nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    at("received_at"),
    at("due_at"),
    at("processed_at", nullable=True),
    sa.Column("error", sa.Text),
    *lease(),
    partial("ix_event_waiting", "due_at", where="state = 'new'"),
    sa.Index("ix_event_state", "state", "received_at"),
)

token = sa.Table(
    "token",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    at("obtained_at", nullable=True),
    at("expires_at", nullable=True),
    sa.Column("lease_owner", sa.String(64)),
    at("lease_until", nullable=True),
)

kf_account = sa.Table(
    "kf_account",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(64), nullable=False, server_default=""),
    at("went_live_at"),
    sa.Column("is_managed", sa.Boolean, nullable=False, server_default=sa.true()),
)

kf_cursor = sa.Table(
    "kf_cursor",
    metadata,
    sa.Column("account_id", sa.String(64), sa.ForeignKey("kf_account.id"), primary_key=True),
    sa.Column("cursor", sa.String(128), nullable=False, server_default=""),
    at("synced_at", nullable=True),
    *lease(),
)

kf_servicer = sa.Table(
    "kf_servicer",
    metadata,
    sa.Column("account_id", sa.String(64), sa.ForeignKey("kf_account.id"), primary_key=True),
    sa.Column("servicer_id", sa.String(64), primary_key=True),
    sa.Column("is_receiving", sa.Boolean, nullable=False),
    at("seen_at"),
)

"""Cases, and lines that a person stopped."""

from __future__ import annotations

import sqlalchemy as sa

from store.columns import at, key, partial, refers
from store.tables.naming import metadata

case = sa.Table(
    "case",
    metadata,
    key(),
    sa.Column("kind", sa.String(16), nullable=False),
    refers("customer_id", "customer", nullable=True),
    refers("conversation_id", "conversation", nullable=True),
    sa.Column("reason", sa.String(64), nullable=False),
    sa.Column("owner", sa.String(64), nullable=False, server_default=""),
    sa.Column("state", sa.String(16), nullable=False),
    at("opened_at"),
    at("due_at"),
    at("closed_at", nullable=True),
    sa.Index("ix_case_state", "state", "due_at"),
    sa.Index("ix_case_conversation", "conversation_id"),
)

case_entry = sa.Table(
    "case_entry",
    metadata,
    key(),
    refers("case_id", "case"),
    at("at"),
    sa.Column("actor", sa.String(64), nullable=False),
    sa.Column("act", sa.String(32), nullable=False),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    refers("message_id", "message", nullable=True),
    sa.Index("ix_case_entry_case", "case_id", "id"),
)

line_stop = sa.Table(
    "line_stop",
    metadata,
    key(),
    sa.Column("line", sa.String(16), nullable=False),
    at("stopped_at"),
    sa.Column("stopped_by", sa.String(64), nullable=False),
    sa.Column("reason", sa.Text, nullable=False, server_default=""),
    at("resumed_at", nullable=True),
    sa.Column("resumed_by", sa.String(64), nullable=False, server_default=""),
    partial("uq_line_stop_current", "line", where="resumed_at IS NULL", unique=True),
)

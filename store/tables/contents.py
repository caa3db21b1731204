"""Versions of texts and who approved them."""

from __future__ import annotations

import sqlalchemy as sa

from store.columns import at, key, refers
from store.tables.naming import metadata

content_version = sa.Table(
    "content_version",
    metadata,
    key(),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("key", sa.String(64), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("body", sa.JSON, nullable=False),
    at("loaded_at"),
    # file, or editor where it was written in the console.
    sa.Column("origin", sa.String(16), nullable=False, server_default="file"),
    sa.UniqueConstraint("kind", "key", "digest"),
)

approval = sa.Table(
    "approval",
    metadata,
    key(),
    refers("content_version_id", "content_version"),
    sa.Column("approved_by", sa.String(64), nullable=False),
    at("approved_at"),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.Index("ix_approval_version", "content_version_id"),
)

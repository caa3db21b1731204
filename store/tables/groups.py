"""Customer groups and their members."""

from __future__ import annotations

import sqlalchemy as sa

from store.columns import at, key, lease, partial, refers
from store.tables.naming import metadata

group = sa.Table(
    "group",
    metadata,
    key(),
    sa.Column("chat_id", sa.String(64), nullable=False, unique=True),
    sa.Column("name", sa.String(256), nullable=False, server_default=""),
    sa.Column("notice", sa.Text, nullable=False, server_default=""),
    sa.Column("owner_platform_id", sa.String(64), nullable=False, server_default=""),
    sa.Column("status", sa.String(16), nullable=False, server_default="normal"),
    at("created_at", nullable=True),
    at("dismissed_at", nullable=True),
    sa.Column("member_version", sa.String(64), nullable=False, server_default=""),
    # When the whole list of members was last read, and when the platform last listed the group.
    at("seen_at", nullable=True),
    at("listed_at", nullable=True),
    at("first_seen_at"),
    sa.Index("ix_group_owner", "owner_platform_id"),
)

group_member = sa.Table(
    "group_member",
    metadata,
    key(),
    refers("group_id", "group"),
    sa.Column("member_platform_id", sa.String(64), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    refers("customer_id", "customer", nullable=True),
    # Null: somebody left whose coming nobody told.
    at("joined_at", nullable=True),
    sa.Column("is_join_exact", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("join_scene", sa.String(16), nullable=False, server_default=""),
    sa.Column("inviter_platform_id", sa.String(64), nullable=False, server_default=""),
    sa.Column("state", sa.String(64), nullable=False, server_default=""),
    at("quit_at", nullable=True),
    # Found out afterwards: went after quit_after and not later than quit_at.
    at("quit_after", nullable=True),
    sa.Column("quit_known", sa.String(16), nullable=False, server_default=""),
    sa.Column("quit_scene", sa.String(16), nullable=False, server_default=""),
    partial(
        "uq_group_member_current", "group_id", "member_platform_id", where="quit_at IS NULL", unique=True
    ),
    sa.Index("ix_group_member_group", "group_id", "member_platform_id"),
    sa.Index("ix_group_member_member", "member_platform_id"),
    sa.Index("ix_group_member_joined", "group_id", "joined_at"),
    sa.Index("ix_group_member_coming", "joined_at"),
)

group_day = sa.Table(
    "group_day",
    metadata,
    sa.Column("owner_platform_id", sa.String(64), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("new_chats", sa.Integer, nullable=False),
    sa.Column("chats", sa.Integer, nullable=False),
    sa.Column("chats_with_messages", sa.Integer, nullable=False),
    sa.Column("new_members", sa.Integer, nullable=False),
    sa.Column("members", sa.Integer, nullable=False),
    sa.Column("members_with_messages", sa.Integer, nullable=False),
    sa.Column("messages", sa.Integer, nullable=False),
    at("known_at"),
)


# What has to be read from the platform again, each subject once: a group, an advisor's customers.
lookup = sa.Table(
    "lookup",
    metadata,
    key(),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("subject", sa.String(160), nullable=False),
    at("due_at"),
    # The newest word that asked for it; a reading that began before does not settle it.
    at("wanted_at"),
    sa.Column("error", sa.Text),
    *lease(),
    sa.UniqueConstraint("kind", "subject"),
    sa.Index("ix_lookup_due", "due_at"),
)

# How far a round over everything has come, and which process walks it.
walk = sa.Table(
    "walk",
    metadata,
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("cursor", sa.String(256), nullable=False, server_default=""),
    at("started_at", nullable=True),
    at("finished_at", nullable=True),
    at("wanted_at", nullable=True),
    sa.Column("error", sa.Text),
    *lease(),
)

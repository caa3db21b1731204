"""The message archive (会话存档): how far it is read, what could not be read, and who agreed to it."""

from __future__ import annotations

import sqlalchemy as sa

from store.columns import BigId, at, key, lease, refers
from store.tables.naming import metadata

# How far the archive is read, one row a corp, and who reads it now. `seq`: the last one that is on record.
archive_cursor = sa.Table(
    "archive_cursor",
    metadata,
    sa.Column("corp_id", sa.String(64), primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False, server_default="0"),
    at("pulled_at", nullable=True),
    # When the archive was last found to hold nothing newer.
    at("caught_up_at", nullable=True),
    *lease(),
)

# An entry of the archive that could not be read: kept as it came, tried again when a key is added.
archive_hold = sa.Table(
    "archive_hold",
    metadata,
    key(),
    sa.Column("seq", sa.BigInteger, nullable=False, unique=True),
    sa.Column("msgid", sa.String(128), nullable=False),
    sa.Column("key_version", sa.Integer, nullable=False),
    sa.Column("random_key", sa.Text, nullable=False),
    sa.Column("encrypted", sa.Text, nullable=False),
    sa.Column("reason", sa.String(32), nullable=False),
    sa.Column("error", sa.Text, nullable=False, server_default=""),
    at("received_at"),
    at("read_at", nullable=True),
    sa.Index("ix_archive_hold_open", "read_at", "reason"),
)

# What a customer said about being archived. Append-only: the newest word counts, every message knows which one it fell
# under. `status`: agree, disagree or default_agree (the platform's own default, which is no consent, PIPL 14).
consent = sa.Table(
    "consent",
    metadata,
    key(),
    sa.Column("customer_platform_id", sa.String(64), nullable=False),
    # The member of staff of a single chat, or the group; one of the two is "".
    sa.Column("staff_platform_id", sa.String(64), nullable=False, server_default=""),
    sa.Column("chat_id", sa.String(64), nullable=False, server_default=""),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("source", sa.String(16), nullable=False),
    sa.Column("policy_version", sa.String(32), nullable=False, server_default=""),
    at("changed_at"),
    at("recorded_at"),
    sa.UniqueConstraint(
        "customer_platform_id",
        "staff_platform_id",
        "chat_id",
        "changed_at",
        "status",
        name="uq_consent_word",
    ),
)

# Who is archived at all (get_permit_user_list), so that a page can say what was not seen.
archived_staff = sa.Table(
    "archived_staff",
    metadata,
    sa.Column("staff_platform_id", sa.String(64), primary_key=True),
    at("from_at"),
    at("seen_at"),
    at("until_at", nullable=True),
)

# Two sources told of one message; `twin_id` counts no more (e.g. the sidebar's, once the archive has it).
message_twin = sa.Table(
    "message_twin",
    metadata,
    sa.Column("twin_id", BigId, sa.ForeignKey("message.id"), primary_key=True, autoincrement=False),
    refers("message_id", "message"),
    at("found_at"),
    sa.Index("ix_message_twin_message", "message_id"),
)

# Official daily figures of one member of staff: contact statistics (get_user_behavior_data), customer service (kf).
# `body`: the platform's own numbers by its own names.
official_day = sa.Table(
    "official_day",
    metadata,
    key(),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("subject", sa.String(64), nullable=False),
    sa.Column("account_id", sa.String(64), nullable=False, server_default=""),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("body", sa.JSON, nullable=False),
    at("fetched_at"),
    sa.UniqueConstraint("kind", "subject", "account_id", "day"),
)

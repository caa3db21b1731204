"""Conversations, messages, turns, and what leaves."""

from __future__ import annotations

import sqlalchemy as sa

from store.columns import BigId, at, key, lease, partial, refers
from store.tables.naming import metadata

conversation = sa.Table(
    "conversation",
    metadata,
    key(),
    sa.Column("channel", sa.String(16), nullable=False),
    sa.Column("account_id", sa.String(64), nullable=False),
    # Null in a group and between colleagues; there the account is the group or the chat.
    refers("customer_id", "customer", nullable=True),
    at("opened_at"),
    at("session_started_at"),
    at("last_message_at", nullable=True),
    at("last_customer_message_at", nullable=True),
    # When we learnt of it. The platform's times have whole seconds; what was sent since is counted from here.
    at("heard_at", nullable=True),
    sa.Column("misses", sa.Integer, nullable=False, server_default="0"),
    # What was answered last and the numbers the customer gave (JSON), for "那提前还呢".
    sa.Column("topic_faq_id", sa.String(64), nullable=False, server_default=""),
    sa.Column("topic_slots", sa.Text, nullable=False, server_default=""),
    at("topic_at", nullable=True),
    sa.UniqueConstraint("channel", "account_id", "customer_id"),
    partial("uq_conversation_group", "channel", "account_id", where="customer_id IS NULL", unique=True),
    sa.Index("ix_conversation_latest", "last_message_at"),
    sa.Index("ix_conversation_customer", "customer_id"),
)

kf_state = sa.Table(
    "kf_state",
    metadata,
    sa.Column("conversation_id", BigId, sa.ForeignKey("conversation.id"), primary_key=True),
    sa.Column("state", sa.Integer, nullable=False),
    sa.Column("servicer_id", sa.String(64), nullable=False, server_default=""),
    at("changed_at"),
    sa.Index("ix_kf_state_servicer", "state", "servicer_id"),
)

message = sa.Table(
    "message",
    metadata,
    key(),
    refers("conversation_id", "conversation"),
    sa.Column("source", sa.String(80), nullable=False),
    sa.Column("msgid", sa.String(128), nullable=False),
    sa.Column("author", sa.String(16), nullable=False),
    sa.Column("servicer_id", sa.String(64), nullable=False, server_default=""),
    # Which customer or robot said it, where the conversation alone does not tell (groups).
    sa.Column("sender_id", sa.String(64), nullable=False, server_default=""),
    sa.Column("kind", sa.String(32), nullable=False),
    at("sent_at"),
    at("recorded_at"),
    # What the customer had said about archiving when it was said; null where nothing needs it.
    refers("consent_id", "consent", nullable=True),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.UniqueConstraint("source", "msgid"),
    sa.Index("ix_message_conversation", "conversation_id", "id"),
    sa.Index("ix_message_told", "conversation_id", "sent_at"),
)

message_body = sa.Table(
    "message_body",
    metadata,
    sa.Column("message_id", BigId, sa.ForeignKey("message.id"), primary_key=True),
    sa.Column("salt", sa.String(32), nullable=False),
    sa.Column("text", sa.Text, nullable=False, server_default=""),
    sa.Column("menu_id", sa.String(128), nullable=False, server_default=""),
    sa.Column("raw", sa.Text, nullable=False, server_default=""),
    at("erased_at", nullable=True),
)

recall = sa.Table(
    "recall",
    metadata,
    key(),
    refers("conversation_id", "conversation"),
    sa.Column("source", sa.String(80), nullable=False),
    sa.Column("msgid", sa.String(128), nullable=False),
    sa.Column("recalled_by", sa.String(16), nullable=False),
    at("recalled_at"),
    sa.UniqueConstraint("source", "msgid"),
)

media = sa.Table(
    "media",
    metadata,
    key(),
    refers("message_id", "message"),
    # A media_id of customer service, or the archive's sdkfileid, which is long.
    sa.Column("platform_id", sa.Text, nullable=False),
    sa.Column("source", sa.String(16), nullable=False, server_default="kf"),
    # Its place in a message of several parts, and what the platform says of it: MD5 (hex) and size.
    sa.Column("place", sa.Integer, nullable=False, server_default="0"),
    sa.Column("told_md5", sa.String(32), nullable=False, server_default=""),
    sa.Column("told_bytes", BigId, nullable=False, server_default="0"),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    at("due_at"),
    sa.Column("digest", sa.String(64), nullable=False, server_default=""),
    sa.Column("size_bytes", BigId, nullable=False, server_default="0"),
    sa.Column("content_type", sa.String(128), nullable=False, server_default=""),
    sa.Column("error", sa.Text),
    *lease(),
    sa.UniqueConstraint("message_id", "place"),
    partial("ix_media_waiting", "source", "due_at", where="state = 'due'"),
    partial("ix_media_leased", "lease_until", where="state = 'claimed'"),
)

turn = sa.Table(
    "turn",
    metadata,
    key(),
    refers("conversation_id", "conversation"),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("is_complete", sa.Boolean, nullable=False),
    sa.Column("first_message_id", BigId, nullable=False),
    sa.Column("last_message_id", BigId, nullable=False),
    at("opened_at"),
    at("due_at"),
    at("finished_at", nullable=True),
    sa.Column("decision", sa.String(16), nullable=False, server_default=""),
    sa.Column("blocked", sa.String(64), nullable=False, server_default=""),
    sa.Column("round", sa.Integer, nullable=False, server_default="0"),
    sa.Column("error", sa.Text),
    *lease(),
    partial("ix_turn_waiting", "due_at", where="state = 'open'"),
    partial("ix_turn_leased", "lease_until", where="state = 'claimed'"),
    sa.Index("ix_turn_conversation", "conversation_id", "id"),
    partial("ix_turn_unfinished", "conversation_id", where="state IN ('open', 'claimed')"),
)

match = sa.Table(
    "match",
    metadata,
    key(),
    refers("turn_id", "turn"),
    sa.Column("rank", sa.Integer, nullable=False),
    sa.Column("faq_id", sa.String(64), nullable=False),
    sa.Column("score", sa.Float, nullable=False),
    sa.Column("confidence", sa.Float, nullable=False, server_default="0"),
    sa.Column("reasons", sa.JSON, nullable=False),
    refers("content_version_id", "content_version", nullable=True),
    sa.Column("was_used", sa.Boolean, nullable=False),
    at("matched_at"),
    sa.Index("ix_match_turn", "turn_id"),
)

# Written out, and asked in these words: SQLite takes a partial index only when the query's condition is written alike.
# Without statistics it would rather take ix_delivery_state and sort; "NOT state <> 'due'" leaves it no choice.
# What goes to staff and groups comes in great numbers and may take long: files are uploaded on the way.
DUE_IN_BULK = "NOT state <> 'due' AND act IN ('mass_send', 'card', 'chat', 'group_welcome')"
DUE_TO_CUSTOMERS = "NOT state <> 'due' AND act NOT IN ('mass_send', 'card', 'chat', 'group_welcome')"
SENT_IN_MASS = "channel = 'mass'"

delivery = sa.Table(
    "delivery",
    metadata,
    key(),
    sa.Column("key", sa.String(64), nullable=False, unique=True),
    sa.Column("act", sa.String(16), nullable=False),
    sa.Column("send_class", sa.Integer, nullable=False),
    sa.Column("purpose", sa.String(16), nullable=False),
    sa.Column("channel", sa.String(16), nullable=False),
    refers("conversation_id", "conversation", nullable=True),
    refers("turn_id", "turn", nullable=True),
    sa.Column("recipient", sa.String(64), nullable=False, server_default=""),
    sa.Column("reply_id", sa.String(64), nullable=False, server_default=""),
    sa.Column("faq_id", sa.String(64), nullable=False, server_default=""),
    sa.Column("line", sa.String(16), nullable=False, server_default=""),
    refers("content_version_id", "content_version", nullable=True),
    sa.Column("body", sa.JSON, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    at("created_at"),
    at("due_at"),
    at("expires_at", nullable=True),
    at("attempted_at", nullable=True),
    at("finished_at", nullable=True),
    sa.Column("receipt", sa.Text, nullable=False, server_default=""),
    sa.Column("outcome", sa.String(64), nullable=False, server_default=""),
    sa.Column("error", sa.Text),
    *lease(),
    partial("ix_delivery_due_bulk", "due_at", "id", where=DUE_IN_BULK),
    partial("ix_delivery_due_customer", "due_at", "id", where=DUE_TO_CUSTOMERS),
    partial("ix_delivery_leased", "lease_until", where="state IN ('claimed', 'attempting')"),
    partial(
        "ix_delivery_unfinished",
        "conversation_id",
        "id",
        where="state IN ('due', 'claimed', 'attempting', 'held')",
    ),
    sa.Index("ix_delivery_conversation", "conversation_id", "id"),
    sa.Index("ix_delivery_state", "state", "created_at"),
    sa.Index("ix_delivery_turn", "turn_id"),
    partial("ix_delivery_by_hand", "reply_id", where="channel = 'sidebar'"),
    partial("ix_delivery_to", "recipient", "id", where="channel = 'sidebar'"),
    partial("ix_delivery_mass", "recipient", "attempted_at", where=SENT_IN_MASS),
)

satisfaction = sa.Table(
    "satisfaction",
    metadata,
    key(),
    refers("conversation_id", "conversation"),
    refers("delivery_id", "delivery"),
    sa.Column("servicer_id", sa.String(64), nullable=False, server_default=""),
    at("asked_at"),
    at("answered_at", nullable=True),
    sa.Column("score", sa.Integer),
    sa.Index("ix_satisfaction_conversation", "conversation_id", "id"),
    sa.UniqueConstraint("delivery_id"),
)

"""What staff should know, and the cards that told it."""

from __future__ import annotations

import sqlalchemy as sa

from store.columns import at, key, partial, refers
from store.tables.naming import metadata

# Something a person should know or do; the budget decides when and in which card it is told.
notice = sa.Table(
    "notice",
    metadata,
    key(),
    sa.Column("key", sa.String(64), nullable=False, unique=True),
    sa.Column("recipient", sa.String(64), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("is_exempt", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False, server_default=""),
    sa.Column("url", sa.Text, nullable=False, server_default=""),
    refers("occurrence_id", "occurrence", nullable=True),
    refers("question_id", "question", nullable=True),
    sa.Column("line", sa.String(16), nullable=False, server_default=""),
    at("created_at"),
    at("due_at"),
    at("latest_at", nullable=True),
    sa.Column("state", sa.String(16), nullable=False),
    # When the budget is asked about it again; what has to wait for room costs nothing until then.
    at("look_at"),
    # Who was told in the end: the recipient, or who acted for that person.
    sa.Column("told", sa.String(64), nullable=False, server_default=""),
    refers("card_id", "card", nullable=True),
    partial("ix_notice_waiting", "recipient", "due_at", where="state = 'waiting'"),
    partial("ix_notice_look", "look_at", where="state = 'waiting'"),
    partial("ix_notice_listed", "told", "created_at", where="state = 'listed'"),
    partial("ix_notice_told", "told", "id", where="told <> ''"),
    partial("ix_notice_card", "card_id", where="card_id IS NOT NULL"),
    sa.Index("ix_notice_recipient", "recipient", "id"),
    partial("ix_notice_occurrence", "occurrence_id", where="occurrence_id IS NOT NULL"),
)

# What really went to a person's phone, counted by local day.
card = sa.Table(
    "card",
    metadata,
    key(),
    sa.Column("task_id", sa.String(64), nullable=False, unique=True),
    sa.Column("recipient", sa.String(64), nullable=False),
    sa.Column("day", sa.Date, nullable=False),
    at("sent_at"),
    sa.Column("is_exempt", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("delivery_key", sa.String(64), nullable=False, unique=True),
    sa.Column("answer", sa.String(16), nullable=False, server_default=""),
    at("answered_at", nullable=True),
    sa.Column("answered_by", sa.String(64), nullable=False, server_default=""),
    sa.Index("ix_card_recipient", "recipient", "day"),
)

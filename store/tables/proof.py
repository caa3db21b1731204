"""Proof: the chain over what is on record, what was erased and why, holds, and the search index."""

from __future__ import annotations

import sqlalchemy as sa

from store.columns import BigId, at, key, refers
from store.tables.naming import metadata

# One sealed batch of append-only rows of one table (docs/proof.md). `digest` covers everything else of the row.
chain_block = sa.Table(
    "chain_block",
    metadata,
    key(),
    sa.Column("number", BigId, nullable=False, unique=True),
    sa.Column("table_name", sa.String(32), nullable=False),
    # The rows in it, as ranges of ids: "1-1000,1002-1100".
    sa.Column("ids", sa.Text, nullable=False),
    sa.Column("first_id", BigId, nullable=False),
    sa.Column("last_id", BigId, nullable=False),
    sa.Column("row_count", sa.Integer, nullable=False),
    sa.Column("rows_digest", sa.String(64), nullable=False),
    # Two bytes a column of every row, in their order: they tell which row and column a change is in.
    sa.Column("marks", sa.LargeBinary, nullable=False),
    sa.Column("previous_digest", sa.String(64), nullable=False),
    at("sealed_at"),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("key_id", sa.String(64), nullable=False, server_default=""),
    sa.Column("signature", sa.Text, nullable=False, server_default=""),
    sa.Index("ix_chain_block_table", "table_name", "last_id"),
)

# That the words of a message were erased: who, when, why. The message and its digest stay. Append-only.
erasure = sa.Table(
    "erasure",
    metadata,
    key(),
    refers("message_id", "message"),
    # request (PIPL 47), retention (its time was over), consent (withdrawn).
    sa.Column("reason", sa.String(16), nullable=False),
    sa.Column("law", sa.String(128), nullable=False, server_default=""),
    sa.Column("erased_by", sa.String(64), nullable=False),
    at("erased_at"),
    refers("case_id", "case", nullable=True),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.UniqueConstraint("message_id"),
)

# Nothing of this customer, member of staff or conversation may be erased while it stands; it beats every period.
legal_hold = sa.Table(
    "legal_hold",
    metadata,
    key(),
    refers("customer_id", "customer", nullable=True),
    refers("conversation_id", "conversation", nullable=True),
    sa.Column("staff_platform_id", sa.String(64), nullable=False, server_default=""),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("placed_by", sa.String(64), nullable=False),
    at("placed_at"),
    at("lifted_at", nullable=True),
    sa.Column("lifted_by", sa.String(64), nullable=False, server_default=""),
)

# Which messages of one batch hold a pair of characters: the index of the full-text search (docs/proof.md).
# `ids`: distances between ascending message ids, from the batch's first one on; variable-length integers. The batch
# leads the key, so that a new batch is written in one place instead of all over the index.
search_posting = sa.Table(
    "search_posting",
    metadata,
    sa.Column("batch", BigId, primary_key=True, autoincrement=False),
    sa.Column("pair", sa.String(2), primary_key=True),
    sa.Column("ids", sa.LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# A batch of messages that is indexed: from first_id to last_id, how many there were, and when they were said.
search_batch = sa.Table(
    "search_batch",
    metadata,
    sa.Column("batch", BigId, primary_key=True, autoincrement=False),
    sa.Column("first_id", BigId, nullable=False),
    sa.Column("last_id", BigId, nullable=False),
    sa.Column("row_count", sa.Integer, nullable=False),
    at("earliest_at"),
    at("latest_at"),
    at("indexed_at"),
)

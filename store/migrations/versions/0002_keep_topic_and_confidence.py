"""Keep what a conversation is about, and how sure each match was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.columns import UtcTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("conversation") as batch_op:
        batch_op.add_column(sa.Column("topic_faq_id", sa.String(64), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("topic_slots", sa.Text, nullable=False, server_default=""))
        batch_op.add_column(sa.Column("topic_at", UtcTime(), nullable=True))
    with op.batch_alter_table("match") as batch_op:
        batch_op.add_column(sa.Column("confidence", sa.Float, nullable=False, server_default="0"))


def downgrade() -> None:
    with op.batch_alter_table("match") as batch_op:
        batch_op.drop_column("confidence")
    with op.batch_alter_table("conversation") as batch_op:
        batch_op.drop_column("topic_at")
        batch_op.drop_column("topic_slots")
        batch_op.drop_column("topic_faq_id")

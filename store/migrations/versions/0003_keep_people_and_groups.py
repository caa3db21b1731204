"""Keep people and groups: address book, relations, opt-outs, customer groups with every stay in them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.columns import UtcTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "department",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("name", sa.String(length=128), server_default="", nullable=False),
        sa.Column(
            "parent_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            server_default="0",
            nullable=False,
        ),
        sa.Column("leaders", sa.JSON(), nullable=False),
        sa.Column(
            "place", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False
        ),
        sa.Column("known_at", UtcTime(), nullable=False),
        sa.Column("deleted_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_department")),
    )
    op.create_table(
        "group",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("chat_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=256), server_default="", nullable=False),
        sa.Column("notice", sa.Text(), server_default="", nullable=False),
        sa.Column("owner_platform_id", sa.String(length=64), server_default="", nullable=False),
        sa.Column("status", sa.String(length=16), server_default="normal", nullable=False),
        sa.Column("created_at", UtcTime(), nullable=True),
        sa.Column("dismissed_at", UtcTime(), nullable=True),
        sa.Column("member_version", sa.String(length=64), server_default="", nullable=False),
        sa.Column("seen_at", UtcTime(), nullable=True),
        sa.Column("listed_at", UtcTime(), nullable=True),
        sa.Column("first_seen_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_group")),
        sa.UniqueConstraint("chat_id", name=op.f("uq_group_chat_id")),
    )
    with op.batch_alter_table("group", schema=None) as batch_op:
        batch_op.create_index("ix_group_owner", ["owner_platform_id"], unique=False)

    op.create_table(
        "group_day",
        sa.Column("owner_platform_id", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("new_chats", sa.Integer(), nullable=False),
        sa.Column("chats", sa.Integer(), nullable=False),
        sa.Column("chats_with_messages", sa.Integer(), nullable=False),
        sa.Column("new_members", sa.Integer(), nullable=False),
        sa.Column("members", sa.Integer(), nullable=False),
        sa.Column("members_with_messages", sa.Integer(), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.Column("known_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("owner_platform_id", "day", name=op.f("pk_group_day")),
    )
    op.create_table(
        "lookup",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=160), nullable=False),
        sa.Column("due_at", UtcTime(), nullable=False),
        sa.Column("wanted_at", UtcTime(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("lease_owner", sa.String(length=64), nullable=True),
        sa.Column("lease_until", UtcTime(), nullable=True),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lookup")),
        sa.UniqueConstraint("kind", "subject", name=op.f("uq_lookup_kind_subject")),
    )
    with op.batch_alter_table("lookup", schema=None) as batch_op:
        batch_op.create_index("ix_lookup_due", ["due_at"], unique=False)

    op.create_table(
        "tag",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("platform_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("group_platform_id", sa.String(length=64), server_default="", nullable=False),
        sa.Column("group_name", sa.String(length=64), server_default="", nullable=False),
        sa.Column(
            "place", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False
        ),
        sa.Column("known_at", UtcTime(), nullable=False),
        sa.Column("deleted_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag")),
        sa.UniqueConstraint("platform_id", name=op.f("uq_tag_platform_id")),
    )
    op.create_table(
        "walk",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("cursor", sa.String(length=256), server_default="", nullable=False),
        sa.Column("started_at", UtcTime(), nullable=True),
        sa.Column("finished_at", UtcTime(), nullable=True),
        sa.Column("wanted_at", UtcTime(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("lease_owner", sa.String(length=64), nullable=True),
        sa.Column("lease_until", UtcTime(), nullable=True),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_walk")),
    )
    op.create_table(
        "group_member",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("group_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("member_platform_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("joined_at", UtcTime(), nullable=True),
        sa.Column("is_join_exact", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("join_scene", sa.String(length=16), server_default="", nullable=False),
        sa.Column("inviter_platform_id", sa.String(length=64), server_default="", nullable=False),
        sa.Column("state", sa.String(length=64), server_default="", nullable=False),
        sa.Column("quit_at", UtcTime(), nullable=True),
        sa.Column("quit_after", UtcTime(), nullable=True),
        sa.Column("quit_known", sa.String(length=16), server_default="", nullable=False),
        sa.Column("quit_scene", sa.String(length=16), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_group_member_customer_id")),
        sa.ForeignKeyConstraint(["group_id"], ["group.id"], name=op.f("fk_group_member_group_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_group_member")),
    )
    with op.batch_alter_table("group_member", schema=None) as batch_op:
        batch_op.create_index("ix_group_member_group", ["group_id", "member_platform_id"], unique=False)
        batch_op.create_index("ix_group_member_joined", ["group_id", "joined_at"], unique=False)
        batch_op.create_index("ix_group_member_member", ["member_platform_id"], unique=False)
        batch_op.create_index(
            "uq_group_member_current",
            ["group_id", "member_platform_id"],
            unique=True,
            sqlite_where=sa.text("quit_at IS NULL"),
            postgresql_where=sa.text("quit_at IS NULL"),
        )

    op.create_table(
        "opt_out",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("evidence", sa.Text(), server_default="", nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("withdrawn_at", UtcTime(), nullable=True),
        sa.Column("withdrawn_by", sa.String(length=64), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_opt_out_customer_id")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_opt_out_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opt_out")),
    )
    with op.batch_alter_table("opt_out", schema=None) as batch_op:
        batch_op.create_index("ix_opt_out_customer", ["customer_id", "id"], unique=False)

    with op.batch_alter_table("relation", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("is_from_exact", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch_op.add_column(sa.Column("to_after", UtcTime(), nullable=True))
        batch_op.add_column(sa.Column("end_known", sa.String(length=16), server_default="", nullable=False))
        batch_op.add_column(sa.Column("state", sa.String(length=64), server_default="", nullable=False))
        batch_op.add_column(sa.Column("description", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("known_at", UtcTime(), nullable=True))
        batch_op.alter_column("from_at", existing_type=UtcTime(), nullable=True)
        batch_op.create_index("ix_relation_staff", ["staff_id", "customer_id"], unique=False)

    with op.batch_alter_table("staff", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("status", sa.String(length=16), server_default="unknown", nullable=False)
        )
        batch_op.add_column(sa.Column("known_at", UtcTime(), nullable=True))
        batch_op.add_column(sa.Column("is_advisor", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("customers_seen_at", UtcTime(), nullable=True))
        batch_op.add_column(sa.Column("team", sa.String(length=64), server_default="", nullable=False))
        batch_op.add_column(
            sa.Column("co_owner_platform_id", sa.String(length=64), server_default="", nullable=False)
        )
        batch_op.create_index("ix_staff_leader", ["leader_platform_id"], unique=False)


def downgrade() -> None:
    # The earlier schema cannot hold a relation whose beginning nobody told.
    op.execute("DELETE FROM relation WHERE from_at IS NULL")
    with op.batch_alter_table("staff", schema=None) as batch_op:
        batch_op.drop_index("ix_staff_leader")
        batch_op.drop_column("co_owner_platform_id")
        batch_op.drop_column("team")
        batch_op.drop_column("customers_seen_at")
        batch_op.drop_column("is_advisor")
        batch_op.drop_column("known_at")
        batch_op.drop_column("status")

    with op.batch_alter_table("relation", schema=None) as batch_op:
        batch_op.drop_index("ix_relation_staff")
        batch_op.alter_column("from_at", existing_type=UtcTime(), nullable=False)
        batch_op.drop_column("known_at")
        batch_op.drop_column("description")
        batch_op.drop_column("state")
        batch_op.drop_column("end_known")
        batch_op.drop_column("to_after")
        batch_op.drop_column("is_from_exact")

    with op.batch_alter_table("opt_out", schema=None) as batch_op:
        batch_op.drop_index("ix_opt_out_customer")

    op.drop_table("opt_out")
    with op.batch_alter_table("group_member", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_group_member_current",
            sqlite_where=sa.text("quit_at IS NULL"),
            postgresql_where=sa.text("quit_at IS NULL"),
        )
        batch_op.drop_index("ix_group_member_member")
        batch_op.drop_index("ix_group_member_joined")
        batch_op.drop_index("ix_group_member_group")

    op.drop_table("group_member")
    op.drop_table("walk")
    op.drop_table("tag")
    with op.batch_alter_table("lookup", schema=None) as batch_op:
        batch_op.drop_index("ix_lookup_due")

    op.drop_table("lookup")
    op.drop_table("group_day")
    with op.batch_alter_table("group", schema=None) as batch_op:
        batch_op.drop_index("ix_group_owner")

    op.drop_table("group")
    op.drop_table("department")

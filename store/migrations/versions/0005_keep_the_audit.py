"""Keep the audit: the archive's place, sessions, scores, findings, reviews, appeals, and the chain of proof."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.columns import UtcTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "archive_cursor",
        sa.Column("corp_id", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("pulled_at", UtcTime(), nullable=True),
        sa.Column("caught_up_at", UtcTime(), nullable=True),
        sa.Column("lease_owner", sa.String(length=64), nullable=True),
        sa.Column("lease_until", UtcTime(), nullable=True),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("corp_id", name=op.f("pk_archive_cursor")),
    )
    op.create_table(
        "archive_hold",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("msgid", sa.String(length=128), nullable=False),
        sa.Column("key_version", sa.Integer(), nullable=False),
        sa.Column("random_key", sa.Text(), nullable=False),
        sa.Column("encrypted", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("received_at", UtcTime(), nullable=False),
        sa.Column("read_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_archive_hold")),
        sa.UniqueConstraint("seq", name=op.f("uq_archive_hold_seq")),
    )
    with op.batch_alter_table("archive_hold", schema=None) as batch_op:
        batch_op.create_index("ix_archive_hold_open", ["read_at", "reason"], unique=False)

    op.create_table(
        "archived_staff",
        sa.Column("staff_platform_id", sa.String(length=64), nullable=False),
        sa.Column("from_at", UtcTime(), nullable=False),
        sa.Column("seen_at", UtcTime(), nullable=False),
        sa.Column("until_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("staff_platform_id", name=op.f("pk_archived_staff")),
    )
    op.create_table(
        "calibration_set",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("guideline_version", sa.String(length=32), server_default="", nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("agreed", sa.JSON(), nullable=False),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("made_at", UtcTime(), nullable=False),
        sa.Column("closed_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calibration_set")),
    )
    op.create_table(
        "chain_block",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("table_name", sa.String(length=32), nullable=False),
        sa.Column("ids", sa.Text(), nullable=False),
        sa.Column("first_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("last_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("rows_digest", sa.String(length=64), nullable=False),
        sa.Column("marks", sa.LargeBinary(), nullable=False),
        sa.Column("previous_digest", sa.String(length=64), nullable=False),
        sa.Column("sealed_at", UtcTime(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("key_id", sa.String(length=64), server_default="", nullable=False),
        sa.Column("signature", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chain_block")),
        sa.UniqueConstraint("number", name=op.f("uq_chain_block_number")),
    )
    with op.batch_alter_table("chain_block", schema=None) as batch_op:
        batch_op.create_index("ix_chain_block_table", ["table_name", "last_id"], unique=False)

    op.create_table(
        "consent",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("customer_platform_id", sa.String(length=64), nullable=False),
        sa.Column("staff_platform_id", sa.String(length=64), server_default="", nullable=False),
        sa.Column("chat_id", sa.String(length=64), server_default="", nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("policy_version", sa.String(length=32), server_default="", nullable=False),
        sa.Column("changed_at", UtcTime(), nullable=False),
        sa.Column("recorded_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
        sa.UniqueConstraint(
            "customer_platform_id",
            "staff_platform_id",
            "chat_id",
            "changed_at",
            "status",
            name=op.f("uq_consent_word"),
        ),
    )
    op.create_table(
        "official_day",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=64), server_default="", nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("fetched_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_official_day")),
        sa.UniqueConstraint(
            "kind", "subject", "account_id", "day", name=op.f("uq_official_day_kind_subject_account_id_day")
        ),
    )
    op.create_table(
        "sampling_plan",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("from_at", UtcTime(), nullable=False),
        sa.Column("until_at", UtcTime(), nullable=False),
        sa.Column("population", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("made_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sampling_plan")),
    )
    op.create_table(
        "search_batch",
        sa.Column(
            "batch", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("first_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("last_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("earliest_at", UtcTime(), nullable=False),
        sa.Column("latest_at", UtcTime(), nullable=False),
        sa.Column("indexed_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("batch", name=op.f("pk_search_batch")),
    )
    op.create_table(
        "search_posting",
        sa.Column(
            "batch", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("pair", sa.String(length=2), nullable=False),
        sa.Column("ids", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("batch", "pair", name=op.f("pk_search_posting")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("access_log", schema=None) as batch_op:
        batch_op.create_index("ix_access_log_subject", ["subject", "id"], unique=False)

    op.create_table(
        "audit_mark",
        sa.Column("conversation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("from_at", UtcTime(), nullable=False),
        sa.Column("marked_at", UtcTime(), nullable=False),
        sa.Column("due_at", UtcTime(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("lease_owner", sa.String(length=64), nullable=True),
        sa.Column("lease_until", UtcTime(), nullable=True),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_audit_mark_conversation_id")
        ),
        sa.PrimaryKeyConstraint("conversation_id", name=op.f("pk_audit_mark")),
    )
    with op.batch_alter_table("audit_mark", schema=None) as batch_op:
        batch_op.create_index("ix_audit_mark_due", ["due_at"], unique=False)

    op.create_table(
        "legal_hold",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("conversation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("staff_platform_id", sa.String(length=64), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("placed_by", sa.String(length=64), nullable=False),
        sa.Column("placed_at", UtcTime(), nullable=False),
        sa.Column("lifted_at", UtcTime(), nullable=True),
        sa.Column("lifted_by", sa.String(length=64), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_legal_hold_conversation_id")
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_legal_hold_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_hold")),
    )
    op.create_table(
        "session",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("conversation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("started_at", UtcTime(), nullable=False),
        sa.Column("ended_at", UtcTime(), nullable=False),
        sa.Column("first_message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("last_message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("message_count", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("line", sa.String(length=16), server_default="", nullable=False),
        sa.Column("subjects", sa.JSON(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.String(length=64), server_default="", nullable=False),
        sa.Column("cut_at", UtcTime(), nullable=False),
        sa.Column("merged_into", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_session_conversation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session")),
        sa.UniqueConstraint(
            "conversation_id", "first_message_id", name=op.f("uq_session_conversation_id_first_message_id")
        ),
    )
    with op.batch_alter_table("session", schema=None) as batch_op:
        batch_op.create_index("ix_session_conversation", ["conversation_id", "started_at"], unique=False)
        batch_op.create_index("ix_session_started", ["started_at"], unique=False)

    op.create_table(
        "erasure",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("law", sa.String(length=128), server_default="", nullable=False),
        sa.Column("erased_by", sa.String(length=64), nullable=False),
        sa.Column("erased_at", UtcTime(), nullable=False),
        sa.Column("case_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_erasure_case_id")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_erasure_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure")),
        sa.UniqueConstraint("message_id", name=op.f("uq_erasure_message_id")),
    )
    op.create_table(
        "evaluation",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("session_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("rubric_version", sa.String(length=32), nullable=False),
        sa.Column("rules_version", sa.String(length=32), nullable=False),
        sa.Column("input_digest", sa.String(length=64), nullable=False),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("grade", sa.String(length=16), nullable=False),
        sa.Column("final_score", sa.Float(), nullable=True),
        sa.Column("final_grade", sa.String(length=16), nullable=False),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.Column("items", sa.JSON(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.Column("started_at", UtcTime(), nullable=False),
        sa.Column("evaluated_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["session.id"], name=op.f("fk_evaluation_session_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluation")),
        sa.UniqueConstraint(
            "session_id",
            "subject",
            "rubric_version",
            "rules_version",
            "input_digest",
            name=op.f("uq_evaluation_session_id_subject_rubric_version_rules_version_input_digest"),
        ),
    )
    with op.batch_alter_table("evaluation", schema=None) as batch_op:
        batch_op.create_index("ix_evaluation_session", ["session_id"], unique=False)
        batch_op.create_index(
            "ix_evaluation_started",
            ["started_at"],
            unique=False,
            sqlite_where=sa.text("is_current"),
            postgresql_where=sa.text("is_current"),
        )
        batch_op.create_index(
            "ix_evaluation_subject",
            ["subject", "started_at"],
            unique=False,
            sqlite_where=sa.text("is_current"),
            postgresql_where=sa.text("is_current"),
        )

    op.create_table(
        "finding",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("conversation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("item", sa.String(length=16), server_default="", nullable=False),
        sa.Column("label", sa.String(length=32), nullable=False),
        sa.Column("severity", sa.String(length=4), nullable=False),
        sa.Column("is_red", sa.Boolean(), nullable=False),
        sa.Column("evidence", sa.String(length=8), nullable=False),
        sa.Column("rule_id", sa.String(length=64), nullable=False),
        sa.Column("rule_version", sa.String(length=32), nullable=False),
        sa.Column("points", sa.Float(), server_default="0", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("occurred_at", UtcTime(), nullable=False),
        sa.Column("found_at", UtcTime(), nullable=False),
        sa.Column("decided_at", UtcTime(), nullable=True),
        sa.Column("decided_by", sa.String(length=64), server_default="", nullable=False),
        sa.Column("shown_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_finding_conversation_id")
        ),
        sa.ForeignKeyConstraint(["session_id"], ["session.id"], name=op.f("fk_finding_session_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding")),
        sa.UniqueConstraint("key", name=op.f("uq_finding_key")),
    )
    with op.batch_alter_table("finding", schema=None) as batch_op:
        batch_op.create_index("ix_finding_occurred", ["occurred_at"], unique=False)
        batch_op.create_index("ix_finding_session", ["session_id"], unique=False)
        batch_op.create_index("ix_finding_subject", ["subject", "occurred_at"], unique=False)
        batch_op.create_index(
            "ix_finding_suspected",
            ["is_red", "found_at"],
            unique=False,
            sqlite_where=sa.text("state = 'suspected'"),
            postgresql_where=sa.text("state = 'suspected'"),
        )

    op.create_table(
        "message_twin",
        sa.Column(
            "twin_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("found_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_message_twin_message_id")),
        sa.ForeignKeyConstraint(["twin_id"], ["message.id"], name=op.f("fk_message_twin_twin_id")),
        sa.PrimaryKeyConstraint("twin_id", name=op.f("pk_message_twin")),
    )
    with op.batch_alter_table("message_twin", schema=None) as batch_op:
        batch_op.create_index("ix_message_twin_message", ["message_id"], unique=False)

    op.create_table(
        "promise",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("session_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("conversation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("end", sa.Integer(), nullable=False),
        sa.Column("object", sa.String(length=256), nullable=False),
        sa.Column("made_at", UtcTime(), nullable=False),
        sa.Column("due_at", UtcTime(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("kept_message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("decided_at", UtcTime(), nullable=True),
        sa.Column("decided_by", sa.String(length=64), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_promise_conversation_id")
        ),
        sa.ForeignKeyConstraint(["kept_message_id"], ["message.id"], name=op.f("fk_promise_kept_message_id")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_promise_message_id")),
        sa.ForeignKeyConstraint(["session_id"], ["session.id"], name=op.f("fk_promise_session_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promise")),
        sa.UniqueConstraint("message_id", "start", "end", name=op.f("uq_promise_message_id_start_end")),
    )
    with op.batch_alter_table("promise", schema=None) as batch_op:
        batch_op.create_index(
            "ix_promise_open",
            ["subject", "due_at"],
            unique=False,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )
        batch_op.create_index("ix_promise_session", ["session_id"], unique=False)

    op.create_table(
        "appeal",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("session_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("finding_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("level", sa.Integer(), server_default="1", nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("outcome", sa.String(length=16), server_default="", nullable=False),
        sa.Column("handler", sa.String(length=64), server_default="", nullable=False),
        sa.Column("opened_at", UtcTime(), nullable=False),
        sa.Column("due_at", UtcTime(), nullable=False),
        sa.Column("closed_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(["finding_id"], ["finding.id"], name=op.f("fk_appeal_finding_id")),
        sa.ForeignKeyConstraint(["session_id"], ["session.id"], name=op.f("fk_appeal_session_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appeal")),
        sa.UniqueConstraint("finding_id", "level", name=op.f("uq_appeal_finding_id_level")),
    )
    with op.batch_alter_table("appeal", schema=None) as batch_op:
        batch_op.create_index(
            "ix_appeal_open",
            ["state", "due_at"],
            unique=False,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )
        batch_op.create_index("ix_appeal_subject", ["subject", "opened_at"], unique=False)

    op.create_table(
        "coaching_note",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("finding_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("written_by", sa.String(length=64), nullable=False),
        sa.Column("written_at", UtcTime(), nullable=False),
        sa.Column("read_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(["finding_id"], ["finding.id"], name=op.f("fk_coaching_note_finding_id")),
        sa.ForeignKeyConstraint(["session_id"], ["session.id"], name=op.f("fk_coaching_note_session_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coaching_note")),
    )
    with op.batch_alter_table("coaching_note", schema=None) as batch_op:
        batch_op.create_index("ix_coaching_note_subject", ["subject", "id"], unique=False)

    op.create_table(
        "finding_span",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("finding_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("end", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["finding_id"], ["finding.id"], name=op.f("fk_finding_span_finding_id")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_finding_span_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding_span")),
        sa.UniqueConstraint(
            "finding_id",
            "message_id",
            "start",
            "end",
            name=op.f("uq_finding_span_finding_id_message_id_start_end"),
        ),
    )
    with op.batch_alter_table("finding_span", schema=None) as batch_op:
        batch_op.create_index("ix_finding_span_message", ["message_id"], unique=False)

    op.create_table(
        "review",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("session_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("finding_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("plan_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("blind_of", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("weight", sa.Float(), server_default="1", nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reviewer", sa.String(length=64), server_default="", nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("due_at", UtcTime(), nullable=False),
        sa.Column("taken_at", UtcTime(), nullable=True),
        sa.Column("done_at", UtcTime(), nullable=True),
        sa.Column("verdicts", sa.JSON(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("rubric_version", sa.String(length=32), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["blind_of"], ["review.id"], name=op.f("fk_review_blind_of")),
        sa.ForeignKeyConstraint(["finding_id"], ["finding.id"], name=op.f("fk_review_finding_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["sampling_plan.id"], name=op.f("fk_review_plan_id")),
        sa.ForeignKeyConstraint(["session_id"], ["session.id"], name=op.f("fk_review_session_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review")),
        sa.UniqueConstraint("key", name=op.f("uq_review_key")),
    )
    with op.batch_alter_table("review", schema=None) as batch_op:
        batch_op.create_index("ix_review_reviewer", ["reviewer", "state"], unique=False)
        batch_op.create_index("ix_review_session", ["session_id"], unique=False)
        batch_op.create_index(
            "ix_review_waiting",
            ["kind", "due_at"],
            unique=False,
            sqlite_where=sa.text("state <> 'done'"),
            postgresql_where=sa.text("state <> 'done'"),
        )

    op.create_table(
        "appeal_entry",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("appeal_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("act", sa.String(length=32), nullable=False),
        sa.Column("from_state", sa.String(length=16), server_default="", nullable=False),
        sa.Column("to_state", sa.String(length=16), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeal.id"], name=op.f("fk_appeal_entry_appeal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appeal_entry")),
    )
    with op.batch_alter_table("appeal_entry", schema=None) as batch_op:
        batch_op.create_index("ix_appeal_entry_appeal", ["appeal_id", "id"], unique=False)

    op.create_table(
        "finding_entry",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("finding_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("from_state", sa.String(length=16), nullable=False),
        sa.Column("to_state", sa.String(length=16), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("review_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("appeal_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeal.id"], name=op.f("fk_finding_entry_appeal_id")),
        sa.ForeignKeyConstraint(["finding_id"], ["finding.id"], name=op.f("fk_finding_entry_finding_id")),
        sa.ForeignKeyConstraint(["review_id"], ["review.id"], name=op.f("fk_finding_entry_review_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding_entry")),
    )
    with op.batch_alter_table("finding_entry", schema=None) as batch_op:
        batch_op.create_index("ix_finding_entry_finding", ["finding_id", "id"], unique=False)

    with op.batch_alter_table("conversation", schema=None) as batch_op:
        batch_op.alter_column("customer_id", existing_type=sa.BigInteger(), nullable=True)
        batch_op.create_index(
            "uq_conversation_group",
            ["channel", "account_id"],
            unique=True,
            sqlite_where=sa.text("customer_id IS NULL"),
            postgresql_where=sa.text("customer_id IS NULL"),
        )

    with op.batch_alter_table("media", schema=None) as batch_op:
        batch_op.add_column(sa.Column("source", sa.String(length=16), server_default="kf", nullable=False))
        batch_op.add_column(sa.Column("place", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("told_md5", sa.String(length=32), server_default="", nullable=False))
        batch_op.add_column(
            sa.Column(
                "told_bytes",
                sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
                server_default="0",
                nullable=False,
            )
        )
        batch_op.alter_column(
            "platform_id", existing_type=sa.String(length=256), type_=sa.Text(), existing_nullable=False
        )
        batch_op.drop_constraint(batch_op.f("uq_media_message_id"), type_="unique")
        batch_op.drop_index(batch_op.f("ix_media_waiting"), sqlite_where=sa.text("state = 'due'"))
        batch_op.create_index(
            "ix_media_waiting",
            ["source", "due_at"],
            unique=False,
            sqlite_where=sa.text("state = 'due'"),
            postgresql_where=sa.text("state = 'due'"),
        )
        batch_op.create_unique_constraint(batch_op.f("uq_media_message_id_place"), ["message_id", "place"])

    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.add_column(sa.Column("sender_id", sa.String(length=64), server_default="", nullable=False))
        batch_op.add_column(
            sa.Column("consent_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        batch_op.create_index("ix_message_told", ["conversation_id", "sent_at"], unique=False)
        batch_op.create_foreign_key(batch_op.f("fk_message_consent_id"), "consent", ["consent_id"], ["id"])


def downgrade() -> None:
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_message_consent_id"), type_="foreignkey")
        batch_op.drop_index("ix_message_told")
        batch_op.drop_column("consent_id")
        batch_op.drop_column("sender_id")

    with op.batch_alter_table("media", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_media_message_id_place"), type_="unique")
        batch_op.drop_index(
            "ix_media_waiting",
            sqlite_where=sa.text("state = 'due'"),
            postgresql_where=sa.text("state = 'due'"),
        )
        batch_op.create_index(
            "ix_media_waiting",
            ["due_at"],
            unique=False,
            sqlite_where=sa.text("state = 'due'"),
            postgresql_where=sa.text("state = 'due'"),
        )
        batch_op.create_unique_constraint(batch_op.f("uq_media_message_id"), ["message_id"])
        batch_op.alter_column(
            "platform_id", existing_type=sa.Text(), type_=sa.String(length=256), existing_nullable=False
        )
        batch_op.drop_column("told_bytes")
        batch_op.drop_column("told_md5")
        batch_op.drop_column("place")
        batch_op.drop_column("source")

    with op.batch_alter_table("conversation", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_conversation_group",
            sqlite_where=sa.text("customer_id IS NULL"),
            postgresql_where=sa.text("customer_id IS NULL"),
        )
        batch_op.alter_column("customer_id", existing_type=sa.BigInteger(), nullable=False)

    with op.batch_alter_table("finding_entry", schema=None) as batch_op:
        batch_op.drop_index("ix_finding_entry_finding")

    op.drop_table("finding_entry")
    with op.batch_alter_table("appeal_entry", schema=None) as batch_op:
        batch_op.drop_index("ix_appeal_entry_appeal")

    op.drop_table("appeal_entry")
    with op.batch_alter_table("review", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_review_waiting",
            sqlite_where=sa.text("state <> 'done'"),
            postgresql_where=sa.text("state <> 'done'"),
        )
        batch_op.drop_index("ix_review_session")
        batch_op.drop_index("ix_review_reviewer")

    op.drop_table("review")
    with op.batch_alter_table("finding_span", schema=None) as batch_op:
        batch_op.drop_index("ix_finding_span_message")

    op.drop_table("finding_span")
    with op.batch_alter_table("coaching_note", schema=None) as batch_op:
        batch_op.drop_index("ix_coaching_note_subject")

    op.drop_table("coaching_note")
    with op.batch_alter_table("appeal", schema=None) as batch_op:
        batch_op.drop_index("ix_appeal_subject")
        batch_op.drop_index(
            "ix_appeal_open",
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )

    op.drop_table("appeal")
    with op.batch_alter_table("promise", schema=None) as batch_op:
        batch_op.drop_index("ix_promise_session")
        batch_op.drop_index(
            "ix_promise_open",
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )

    op.drop_table("promise")
    with op.batch_alter_table("message_twin", schema=None) as batch_op:
        batch_op.drop_index("ix_message_twin_message")

    op.drop_table("message_twin")
    with op.batch_alter_table("finding", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_finding_suspected",
            sqlite_where=sa.text("state = 'suspected'"),
            postgresql_where=sa.text("state = 'suspected'"),
        )
        batch_op.drop_index("ix_finding_subject")
        batch_op.drop_index("ix_finding_session")
        batch_op.drop_index("ix_finding_occurred")

    op.drop_table("finding")
    with op.batch_alter_table("evaluation", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_evaluation_subject",
            sqlite_where=sa.text("is_current"),
            postgresql_where=sa.text("is_current"),
        )
        batch_op.drop_index(
            "ix_evaluation_started",
            sqlite_where=sa.text("is_current"),
            postgresql_where=sa.text("is_current"),
        )
        batch_op.drop_index("ix_evaluation_session")

    op.drop_table("evaluation")
    op.drop_table("erasure")
    with op.batch_alter_table("session", schema=None) as batch_op:
        batch_op.drop_index("ix_session_started")
        batch_op.drop_index("ix_session_conversation")

    op.drop_table("session")
    op.drop_table("legal_hold")
    with op.batch_alter_table("audit_mark", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_mark_due")

    op.drop_table("audit_mark")
    with op.batch_alter_table("access_log", schema=None) as batch_op:
        batch_op.drop_index("ix_access_log_subject")
    op.drop_table("search_posting")
    op.drop_table("search_batch")
    op.drop_table("sampling_plan")
    op.drop_table("official_day")
    op.drop_table("consent")
    with op.batch_alter_table("chain_block", schema=None) as batch_op:
        batch_op.drop_index("ix_chain_block_table")

    op.drop_table("chain_block")
    op.drop_table("calibration_set")
    op.drop_table("archived_staff")
    with op.batch_alter_table("archive_hold", schema=None) as batch_op:
        batch_op.drop_index("ix_archive_hold_open")

    op.drop_table("archive_hold")
    op.drop_table("archive_cursor")

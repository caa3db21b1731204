"""Keep the desk: suggestions, own wordings, roster, hand-overs, drafts, whispers, questions of colleagues."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.columns import UtcTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "duty_shift",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("account_id", sa.String(length=64), server_default="", nullable=False),
        sa.Column("staff_platform_id", sa.String(length=64), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=True),
        sa.Column("on_date", sa.Date(), nullable=True),
        sa.Column("from_minute", sa.Integer(), nullable=False),
        sa.Column("until_minute", sa.Integer(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("made_at", UtcTime(), nullable=False),
        sa.Column("ended_by", sa.String(length=64), server_default="", nullable=False),
        sa.Column("ended_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_shift")),
    )
    with op.batch_alter_table("duty_shift", schema=None) as batch_op:
        batch_op.create_index(
            "ix_duty_shift_current",
            ["staff_platform_id"],
            unique=False,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.create_table(
        "staff_question",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("msgid", sa.String(length=160), nullable=False),
        sa.Column("stream_id", sa.String(length=64), nullable=False),
        sa.Column("staff_platform_id", sa.String(length=64), nullable=False),
        sa.Column("chat_id", sa.String(length=64), server_default="", nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("answer", sa.Text(), server_default="", nullable=False),
        sa.Column("faq_id", sa.String(length=64), server_default="", nullable=False),
        sa.Column("decision", sa.String(length=16), server_default="", nullable=False),
        sa.Column("delivery_key", sa.String(length=64), server_default="", nullable=False),
        sa.Column("response_url", sa.Text(), server_default="", nullable=False),
        sa.Column("asked_at", UtcTime(), nullable=False),
        sa.Column("answered_at", UtcTime(), nullable=True),
        sa.Column("shown_at", UtcTime(), nullable=True),
        sa.Column("feedback", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_question")),
        sa.UniqueConstraint("msgid", name=op.f("uq_staff_question_msgid")),
        sa.UniqueConstraint("stream_id", name=op.f("uq_staff_question_stream_id")),
    )
    with op.batch_alter_table("staff_question", schema=None) as batch_op:
        batch_op.create_index("ix_staff_question_staff", ["staff_platform_id", "id"], unique=False)
        batch_op.create_index(
            "ix_staff_question_working",
            ["asked_at"],
            unique=False,
            sqlite_where=sa.text("state = 'working'"),
            postgresql_where=sa.text("state = 'working'"),
        )

    op.create_table(
        "content_draft",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("content_key", sa.String(length=64), nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("based_on_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.Column("origin", sa.JSON(), nullable=False),
        sa.Column("author", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("changed_at", UtcTime(), nullable=False),
        sa.Column("submitted_at", UtcTime(), nullable=True),
        sa.Column("reviewer", sa.String(length=64), server_default="", nullable=False),
        sa.Column("reviewed_at", UtcTime(), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["based_on_id"], ["content_version.id"], name=op.f("fk_content_draft_based_on_id")
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["content_version.id"], name=op.f("fk_content_draft_version_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_content_draft")),
    )
    with op.batch_alter_table("content_draft", schema=None) as batch_op:
        batch_op.create_index("ix_content_draft_state", ["state", "changed_at"], unique=False)
        batch_op.create_index(
            "uq_content_draft_open",
            ["kind", "content_key"],
            unique=True,
            sqlite_where=sa.text("state IN ('draft', 'review', 'returned')"),
            postgresql_where=sa.text("state IN ('draft', 'review', 'returned')"),
        )

    op.create_table(
        "desk_presence",
        sa.Column("page_key", sa.String(length=64), nullable=False),
        sa.Column("staff_platform_id", sa.String(length=64), nullable=False),
        sa.Column("conversation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("process", sa.String(length=64), nullable=False),
        sa.Column("seen_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_desk_presence_conversation_id")
        ),
        sa.PrimaryKeyConstraint("page_key", name=op.f("pk_desk_presence")),
    )
    with op.batch_alter_table("desk_presence", schema=None) as batch_op:
        batch_op.create_index("ix_desk_presence_staff", ["staff_platform_id", "seen_at"], unique=False)

    op.create_table(
        "false_alarm",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("staff_platform_id", sa.String(length=64), nullable=False),
        sa.Column("conversation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("problems", sa.JSON(), nullable=False),
        sa.Column("rules_version", sa.String(length=64), server_default="", nullable=False),
        sa.Column("told_at", UtcTime(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("decided_by", sa.String(length=64), server_default="", nullable=False),
        sa.Column("decided_at", UtcTime(), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_false_alarm_conversation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_false_alarm")),
        sa.UniqueConstraint(
            "staff_platform_id", "digest", name=op.f("uq_false_alarm_staff_platform_id_digest")
        ),
    )
    with op.batch_alter_table("false_alarm", schema=None) as batch_op:
        batch_op.create_index("ix_false_alarm_state", ["state", "told_at"], unique=False)

    op.create_table(
        "own_wording",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("staff_platform_id", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("asked", sa.Text(), server_default="", nullable=False),
        sa.Column("question_key", sa.String(length=64), server_default="", nullable=False),
        sa.Column("line", sa.String(length=16), server_default="", nullable=False),
        sa.Column("faq_id", sa.String(length=64), server_default="", nullable=False),
        sa.Column("used_count", sa.Integer(), server_default="1", nullable=False),
        sa.Column("first_used_at", UtcTime(), nullable=False),
        sa.Column("last_used_at", UtcTime(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("conversation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_own_wording_conversation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_own_wording")),
        sa.UniqueConstraint(
            "staff_platform_id", "digest", name=op.f("uq_own_wording_staff_platform_id_digest")
        ),
    )
    with op.batch_alter_table("own_wording", schema=None) as batch_op:
        batch_op.create_index("ix_own_wording_state", ["state", "last_used_at"], unique=False)

    op.create_table(
        "whisper",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("conversation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("staff_platform_id", sa.String(length=64), nullable=False),
        sa.Column("whispered_by", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("whispered_at", UtcTime(), nullable=False),
        sa.Column("seen_at", UtcTime(), nullable=True),
        sa.Column("outcome", sa.String(length=16), server_default="", nullable=False),
        sa.Column("decided_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_whisper_conversation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_whisper")),
    )
    with op.batch_alter_table("whisper", schema=None) as batch_op:
        batch_op.create_index("ix_whisper_conversation", ["conversation_id", "id"], unique=False)
        batch_op.create_index(
            "ix_whisper_open",
            ["staff_platform_id", "conversation_id"],
            unique=False,
            sqlite_where=sa.text("outcome = ''"),
            postgresql_where=sa.text("outcome = ''"),
        )

    op.create_table(
        "handover",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("conversation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("turn_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("case_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("line", sa.String(length=16), server_default="", nullable=False),
        sa.Column("asked_at", UtcTime(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("staff_platform_id", sa.String(length=64), server_default="", nullable=False),
        sa.Column("assigned_at", UtcTime(), nullable=True),
        sa.Column("first_reply_at", UtcTime(), nullable=True),
        sa.Column("last_reply_at", UtcTime(), nullable=True),
        sa.Column("ended_at", UtcTime(), nullable=True),
        sa.Column("end_kind", sa.String(length=16), server_default="", nullable=False),
        sa.Column("note", sa.JSON(), nullable=False),
        sa.Column("choice", sa.String(length=16), server_default="", nullable=False),
        sa.Column("apologised_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_handover_case_id")),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_handover_conversation_id")
        ),
        sa.ForeignKeyConstraint(["turn_id"], ["turn.id"], name=op.f("fk_handover_turn_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handover")),
    )
    with op.batch_alter_table("handover", schema=None) as batch_op:
        batch_op.create_index("ix_handover_conversation", ["conversation_id", "id"], unique=False)
        batch_op.create_index(
            "ix_handover_open",
            ["asked_at"],
            unique=False,
            sqlite_where=sa.text("state <> 'ended'"),
            postgresql_where=sa.text("state <> 'ended'"),
        )
        batch_op.create_index("ix_handover_staff", ["staff_platform_id", "asked_at"], unique=False)
        batch_op.create_index(
            "uq_handover_open",
            ["conversation_id"],
            unique=True,
            sqlite_where=sa.text("state <> 'ended'"),
            postgresql_where=sa.text("state <> 'ended'"),
        )

    op.create_table(
        "suggestion_round",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("conversation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("staff_platform_id", sa.String(length=64), nullable=False),
        sa.Column("message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("question_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("asked", sa.Text(), server_default="", nullable=False),
        sa.Column("question_key", sa.String(length=64), server_default="", nullable=False),
        sa.Column("line", sa.String(length=16), server_default="", nullable=False),
        sa.Column("needs_qualified", sa.String(length=16), server_default="", nullable=False),
        sa.Column("how", sa.String(length=16), nullable=False),
        sa.Column("made_at", UtcTime(), nullable=False),
        sa.Column("erased_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_suggestion_round_conversation_id")
        ),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_suggestion_round_message_id")),
        sa.ForeignKeyConstraint(
            ["question_id"], ["question.id"], name=op.f("fk_suggestion_round_question_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suggestion_round")),
    )
    with op.batch_alter_table("suggestion_round", schema=None) as batch_op:
        batch_op.create_index("ix_suggestion_round_conversation", ["conversation_id", "id"], unique=False)
        batch_op.create_index("ix_suggestion_round_key", ["question_key", "made_at"], unique=False)
        batch_op.create_index("ix_suggestion_round_made", ["made_at"], unique=False)
        batch_op.create_index("ix_suggestion_round_staff", ["staff_platform_id", "made_at"], unique=False)

    op.create_table(
        "suggestion",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("round_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("source_id", sa.String(length=64), nullable=False),
        sa.Column("content_version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("shown", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("decided_at", UtcTime(), nullable=True),
        sa.Column("delivery_key", sa.String(length=64), server_default="", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["content_version_id"], ["content_version.id"], name=op.f("fk_suggestion_content_version_id")
        ),
        sa.ForeignKeyConstraint(["round_id"], ["suggestion_round.id"], name=op.f("fk_suggestion_round_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suggestion")),
        sa.UniqueConstraint("round_id", "place", name=op.f("uq_suggestion_round_id_place")),
    )
    with op.batch_alter_table("suggestion", schema=None) as batch_op:
        batch_op.create_index(
            "ix_suggestion_delivery",
            ["delivery_key"],
            unique=False,
            sqlite_where=sa.text("delivery_key <> ''"),
            postgresql_where=sa.text("delivery_key <> ''"),
        )
        batch_op.create_index("ix_suggestion_source", ["source", "source_id", "id"], unique=False)

    with op.batch_alter_table("content_version", schema=None) as batch_op:
        batch_op.add_column(sa.Column("origin", sa.String(length=16), server_default="file", nullable=False))

    with op.batch_alter_table("login_session", schema=None) as batch_op:
        batch_op.add_column(sa.Column("how", sa.String(length=16), server_default="", nullable=False))
        batch_op.add_column(sa.Column("browser", sa.String(length=128), server_default="", nullable=False))
        batch_op.add_column(sa.Column("address", sa.String(length=64), server_default="", nullable=False))
        batch_op.add_column(sa.Column("door", sa.String(length=16), server_default="", nullable=False))

    op.create_index(
        "ix_delivery_to",
        "delivery",
        ["recipient", "id"],
        unique=False,
        sqlite_where=sa.text("channel = 'sidebar'"),
        postgresql_where=sa.text("channel = 'sidebar'"),
    )


def downgrade() -> None:
    op.drop_index(
        "ix_delivery_to",
        table_name="delivery",
        sqlite_where=sa.text("channel = 'sidebar'"),
        postgresql_where=sa.text("channel = 'sidebar'"),
    )
    with op.batch_alter_table("login_session", schema=None) as batch_op:
        batch_op.drop_column("door")
        batch_op.drop_column("address")
        batch_op.drop_column("browser")
        batch_op.drop_column("how")

    with op.batch_alter_table("content_version", schema=None) as batch_op:
        batch_op.drop_column("origin")

    with op.batch_alter_table("suggestion", schema=None) as batch_op:
        batch_op.drop_index("ix_suggestion_source")
        batch_op.drop_index(
            "ix_suggestion_delivery",
            sqlite_where=sa.text("delivery_key <> ''"),
            postgresql_where=sa.text("delivery_key <> ''"),
        )

    op.drop_table("suggestion")
    with op.batch_alter_table("suggestion_round", schema=None) as batch_op:
        batch_op.drop_index("ix_suggestion_round_staff")
        batch_op.drop_index("ix_suggestion_round_made")
        batch_op.drop_index("ix_suggestion_round_key")
        batch_op.drop_index("ix_suggestion_round_conversation")

    op.drop_table("suggestion_round")
    with op.batch_alter_table("handover", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_handover_open",
            sqlite_where=sa.text("state <> 'ended'"),
            postgresql_where=sa.text("state <> 'ended'"),
        )
        batch_op.drop_index("ix_handover_staff")
        batch_op.drop_index(
            "ix_handover_open",
            sqlite_where=sa.text("state <> 'ended'"),
            postgresql_where=sa.text("state <> 'ended'"),
        )
        batch_op.drop_index("ix_handover_conversation")

    op.drop_table("handover")
    with op.batch_alter_table("whisper", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_whisper_open", sqlite_where=sa.text("outcome = ''"), postgresql_where=sa.text("outcome = ''")
        )
        batch_op.drop_index("ix_whisper_conversation")

    op.drop_table("whisper")
    with op.batch_alter_table("own_wording", schema=None) as batch_op:
        batch_op.drop_index("ix_own_wording_state")

    op.drop_table("own_wording")
    with op.batch_alter_table("false_alarm", schema=None) as batch_op:
        batch_op.drop_index("ix_false_alarm_state")

    op.drop_table("false_alarm")
    with op.batch_alter_table("desk_presence", schema=None) as batch_op:
        batch_op.drop_index("ix_desk_presence_staff")

    op.drop_table("desk_presence")
    with op.batch_alter_table("content_draft", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_content_draft_open",
            sqlite_where=sa.text("state IN ('draft', 'review', 'returned')"),
            postgresql_where=sa.text("state IN ('draft', 'review', 'returned')"),
        )
        batch_op.drop_index("ix_content_draft_state")

    op.drop_table("content_draft")
    with op.batch_alter_table("staff_question", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_staff_question_working",
            sqlite_where=sa.text("state = 'working'"),
            postgresql_where=sa.text("state = 'working'"),
        )
        batch_op.drop_index("ix_staff_question_staff")

    op.drop_table("staff_question")
    with op.batch_alter_table("duty_shift", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_duty_shift_current",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.drop_table("duty_shift")

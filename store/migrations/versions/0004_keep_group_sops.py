"""Keep group SOPs: versions, enrolments, occurrences, mass-send tasks, questions, and the cards of staff."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.columns import UtcTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_WISHED = "poll_at IS NOT NULL AND (remind_wanted_at IS NOT NULL OR cancel_wanted_at IS NOT NULL)"
_DUE_IN_BULK = "NOT state <> 'due' AND act IN ('mass_send', 'card', 'chat', 'group_welcome')"
_DUE_TO_CUSTOMERS = "NOT state <> 'due' AND act NOT IN ('mass_send', 'card', 'chat', 'group_welcome')"


def upgrade() -> None:
    op.create_table(
        "sop_file",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sop_file")),
    )
    op.create_table(
        "card",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("task_id", sa.String(length=64), nullable=False),
        sa.Column("recipient", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("sent_at", UtcTime(), nullable=False),
        sa.Column("is_exempt", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("delivery_key", sa.String(length=64), nullable=False),
        sa.Column("answer", sa.String(length=16), server_default="", nullable=False),
        sa.Column("answered_at", UtcTime(), nullable=True),
        sa.Column("answered_by", sa.String(length=64), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_card")),
        sa.UniqueConstraint("delivery_key", name=op.f("uq_card_delivery_key")),
        sa.UniqueConstraint("task_id", name=op.f("uq_card_task_id")),
    )
    with op.batch_alter_table("card", schema=None) as batch_op:
        batch_op.create_index("ix_card_recipient", ["recipient", "day"], unique=False)

    op.create_table(
        "mass_task",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("delivery_key", sa.String(length=64), nullable=False),
        sa.Column("chat_type", sa.String(length=16), nullable=False),
        sa.Column("sender", sa.String(length=64), nullable=False),
        sa.Column("targets", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("msgid", sa.String(length=128), server_default="", nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("until", UtcTime(), nullable=False),
        sa.Column("confirmed_at", UtcTime(), nullable=True),
        sa.Column("results", sa.JSON(), nullable=False),
        sa.Column("reminds", sa.JSON(), nullable=False),
        sa.Column("remind_wanted_at", UtcTime(), nullable=True),
        sa.Column("cancel_wanted_at", UtcTime(), nullable=True),
        sa.Column("cancelled_at", UtcTime(), nullable=True),
        sa.Column("poll_at", UtcTime(), nullable=True),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("lease_owner", sa.String(length=64), nullable=True),
        sa.Column("lease_until", UtcTime(), nullable=True),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mass_task")),
        sa.UniqueConstraint("delivery_key", name=op.f("uq_mass_task_delivery_key")),
    )
    with op.batch_alter_table("mass_task", schema=None) as batch_op:
        batch_op.create_index(
            "ix_mass_task_poll",
            ["poll_at", "id"],
            unique=False,
            sqlite_where=sa.text("poll_at IS NOT NULL"),
            postgresql_where=sa.text("poll_at IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_mass_task_wished",
            ["poll_at", "id"],
            unique=False,
            sqlite_where=sa.text(_WISHED),
            postgresql_where=sa.text(_WISHED),
        )

    op.create_table(
        "sop_version",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("template", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("frozen_at", UtcTime(), nullable=False),
        sa.Column("loaded_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sop_version")),
        sa.UniqueConstraint("template", "digest", name=op.f("uq_sop_version_template_digest")),
    )
    op.create_table(
        "uploaded_media",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("media_id", sa.String(length=256), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_uploaded_media")),
    )
    op.create_table(
        "welcome_template",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("delivery_key", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("platform_id", sa.String(length=128), server_default="", nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_welcome_template")),
        sa.UniqueConstraint("delivery_key", name=op.f("uq_welcome_template_delivery_key")),
        sa.UniqueConstraint("digest", name=op.f("uq_welcome_template_digest")),
    )
    op.create_table(
        "enrolment",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("sop_version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("template", sa.String(length=64), nullable=False),
        sa.Column("rhythm", sa.String(length=32), nullable=False),
        sa.Column("group_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("owner_platform_id", sa.String(length=64), nullable=False),
        sa.Column("opens_on", sa.Date(), nullable=False),
        sa.Column("anchor_at", UtcTime(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=64), server_default="", nullable=False),
        sa.Column("opened_at", UtcTime(), nullable=True),
        sa.Column("welcome_bound_at", UtcTime(), nullable=True),
        sa.Column("paused_until", UtcTime(), nullable=True),
        sa.Column("ticks", sa.JSON(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("page_code", sa.String(length=32), nullable=False),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("score_parts", sa.JSON(), nullable=False),
        sa.Column("moved_to_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("enrolled_by", sa.String(length=64), server_default="", nullable=False),
        sa.Column("enrolled_at", UtcTime(), nullable=False),
        sa.Column("ended_at", UtcTime(), nullable=True),
        sa.Column("next_at", UtcTime(), nullable=True),
        sa.Column("members_changed_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(["group_id"], ["group.id"], name=op.f("fk_enrolment_group_id")),
        sa.ForeignKeyConstraint(["moved_to_id"], ["enrolment.id"], name=op.f("fk_enrolment_moved_to_id")),
        sa.ForeignKeyConstraint(
            ["sop_version_id"], ["sop_version.id"], name=op.f("fk_enrolment_sop_version_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrolment")),
        sa.UniqueConstraint("page_code", name=op.f("uq_enrolment_page_code")),
        sa.UniqueConstraint(
            "template", "group_id", "round", name=op.f("uq_enrolment_template_group_id_round")
        ),
    )
    with op.batch_alter_table("enrolment", schema=None) as batch_op:
        batch_op.create_index("ix_enrolment_group", ["group_id"], unique=False)
        batch_op.create_index(
            "ix_enrolment_next",
            ["next_at", "owner_platform_id"],
            unique=False,
            sqlite_where=sa.text("next_at IS NOT NULL"),
            postgresql_where=sa.text("next_at IS NOT NULL"),
        )
        batch_op.create_index("ix_enrolment_owner", ["owner_platform_id", "opens_on"], unique=False)
        batch_op.create_index(
            "ix_enrolment_live",
            ["anchor_at", "id"],
            unique=False,
            sqlite_where=sa.text("state IN ('waiting', 'running', 'paused')"),
            postgresql_where=sa.text("state IN ('waiting', 'running', 'paused')"),
        )

    op.create_table(
        "enrolment_entry",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("enrolment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("act", sa.String(length=32), nullable=False),
        sa.Column("step", sa.String(length=64), server_default="", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["enrolment_id"], ["enrolment.id"], name=op.f("fk_enrolment_entry_enrolment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrolment_entry")),
    )
    with op.batch_alter_table("enrolment_entry", schema=None) as batch_op:
        batch_op.create_index("ix_enrolment_entry_enrolment", ["enrolment_id", "id"], unique=False)

    op.create_table(
        "occurrence",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("enrolment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("step", sa.String(length=64), nullable=False),
        sa.Column("member", sa.String(length=64), server_default="", nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("delivery", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("wanted_at", UtcTime(), nullable=False),
        sa.Column("due_at", UtcTime(), nullable=False),
        sa.Column("window_end", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.Column("shifts", sa.String(length=255), server_default="", nullable=False),
        sa.Column("executor", sa.String(length=64), server_default="", nullable=False),
        sa.Column("released_at", UtcTime(), nullable=True),
        sa.Column("rung", sa.Integer(), server_default="0", nullable=False),
        sa.Column("later_at", UtcTime(), nullable=True),
        sa.Column("mass_task_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("block", sa.String(length=64), server_default="", nullable=False),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("content_version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("sent_at", UtcTime(), nullable=True),
        sa.Column("is_late", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("reason", sa.String(length=64), server_default="", nullable=False),
        sa.Column("evidence_kind", sa.String(length=16), server_default="", nullable=False),
        sa.Column("evidence_by", sa.String(length=64), server_default="", nullable=False),
        sa.Column("evidence_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["content_version_id"], ["content_version.id"], name=op.f("fk_occurrence_content_version_id")
        ),
        sa.ForeignKeyConstraint(["enrolment_id"], ["enrolment.id"], name=op.f("fk_occurrence_enrolment_id")),
        sa.ForeignKeyConstraint(["mass_task_id"], ["mass_task.id"], name=op.f("fk_occurrence_mass_task_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_occurrence")),
        sa.UniqueConstraint(
            "enrolment_id", "step", "member", "n", name=op.f("uq_occurrence_enrolment_id_step_member_n")
        ),
    )
    with op.batch_alter_table("occurrence", schema=None) as batch_op:
        batch_op.create_index(
            "ix_occurrence_open",
            ["executor"],
            unique=False,
            sqlite_where=sa.text("state IN ('released', 'waiting_owner', 'reminded', 'escalated')"),
            postgresql_where=sa.text("state IN ('released', 'waiting_owner', 'reminded', 'escalated')"),
        )
        batch_op.create_index(
            "ix_occurrence_day",
            ["due_at", "id"],
            unique=False,
            sqlite_where=sa.text("member = '' AND state IN ('planned', 'blocked', 'due')"),
            postgresql_where=sa.text("member = '' AND state IN ('planned', 'blocked', 'due')"),
        )
        batch_op.create_index(
            "ix_occurrence_task",
            ["mass_task_id"],
            unique=False,
            sqlite_where=sa.text("mass_task_id IS NOT NULL"),
            postgresql_where=sa.text("mass_task_id IS NOT NULL"),
        )

    op.create_table(
        "page_visit",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("enrolment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("page", sa.String(length=16), nullable=False),
        sa.Column("visitor", sa.String(length=64), nullable=False),
        sa.Column("first_at", UtcTime(), nullable=False),
        sa.Column("answer", sa.String(length=16), server_default="", nullable=False),
        sa.Column("answered_at", UtcTime(), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["enrolment_id"], ["enrolment.id"], name=op.f("fk_page_visit_enrolment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_page_visit")),
        sa.UniqueConstraint(
            "enrolment_id", "page", "visitor", name=op.f("uq_page_visit_enrolment_id_page_visitor")
        ),
    )
    op.create_table(
        "question",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("asked_at", UtcTime(), nullable=False),
        sa.Column("asker", sa.String(length=64), server_default="", nullable=False),
        sa.Column("group_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("enrolment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("conversation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("duty", sa.String(length=64), server_default="", nullable=False),
        sa.Column("faq_id", sa.String(length=64), server_default="", nullable=False),
        sa.Column("rung", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_at", UtcTime(), nullable=True),
        sa.Column("late_at", UtcTime(), nullable=True),
        sa.Column("case_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("answered_at", UtcTime(), nullable=True),
        sa.Column("answered_by", sa.String(length=64), server_default="", nullable=False),
        sa.Column("marked_by", sa.String(length=64), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_question_conversation_id")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_question_case_id")),
        sa.ForeignKeyConstraint(["enrolment_id"], ["enrolment.id"], name=op.f("fk_question_enrolment_id")),
        sa.ForeignKeyConstraint(["group_id"], ["group.id"], name=op.f("fk_question_group_id")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_question_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_question")),
    )
    with op.batch_alter_table("question", schema=None) as batch_op:
        batch_op.create_index("ix_question_group", ["group_id", "asked_at"], unique=False)
        batch_op.create_index(
            "ix_question_message",
            ["message_id"],
            unique=True,
            sqlite_where=sa.text("message_id IS NOT NULL"),
            postgresql_where=sa.text("message_id IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_question_waiting",
            ["next_at"],
            unique=False,
            sqlite_where=sa.text("next_at IS NOT NULL"),
            postgresql_where=sa.text("next_at IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_question_open",
            ["duty"],
            unique=False,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )
    with op.batch_alter_table("group_member", schema=None) as batch_op:
        batch_op.create_index("ix_group_member_coming", ["joined_at"], unique=False)

    op.create_table(
        "touch",
        sa.Column("member", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("occurrence_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["occurrence_id"], ["occurrence.id"], name=op.f("fk_touch_occurrence_id")),
        sa.PrimaryKeyConstraint("member", "day", name=op.f("pk_touch")),
    )
    op.create_table(
        "notice",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("recipient", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("is_exempt", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("url", sa.Text(), server_default="", nullable=False),
        sa.Column("occurrence_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("question_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("line", sa.String(length=16), server_default="", nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("due_at", UtcTime(), nullable=False),
        sa.Column("latest_at", UtcTime(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("look_at", UtcTime(), nullable=False),
        sa.Column("told", sa.String(length=64), server_default="", nullable=False),
        sa.Column("card_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["card_id"], ["card.id"], name=op.f("fk_notice_card_id")),
        sa.ForeignKeyConstraint(["occurrence_id"], ["occurrence.id"], name=op.f("fk_notice_occurrence_id")),
        sa.ForeignKeyConstraint(["question_id"], ["question.id"], name=op.f("fk_notice_question_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint("key", name=op.f("uq_notice_key")),
    )
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.create_index(
            "ix_notice_card",
            ["card_id"],
            unique=False,
            sqlite_where=sa.text("card_id IS NOT NULL"),
            postgresql_where=sa.text("card_id IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_notice_listed",
            ["told", "created_at"],
            unique=False,
            sqlite_where=sa.text("state = 'listed'"),
            postgresql_where=sa.text("state = 'listed'"),
        )
        batch_op.create_index(
            "ix_notice_look",
            ["look_at"],
            unique=False,
            sqlite_where=sa.text("state = 'waiting'"),
            postgresql_where=sa.text("state = 'waiting'"),
        )
        batch_op.create_index(
            "ix_notice_occurrence",
            ["occurrence_id"],
            unique=False,
            sqlite_where=sa.text("occurrence_id IS NOT NULL"),
            postgresql_where=sa.text("occurrence_id IS NOT NULL"),
        )
        batch_op.create_index("ix_notice_recipient", ["recipient", "id"], unique=False)
        batch_op.create_index(
            "ix_notice_told",
            ["told", "id"],
            unique=False,
            sqlite_where=sa.text("told <> ''"),
            postgresql_where=sa.text("told <> ''"),
        )
        batch_op.create_index(
            "ix_notice_waiting",
            ["recipient", "due_at"],
            unique=False,
            sqlite_where=sa.text("state = 'waiting'"),
            postgresql_where=sa.text("state = 'waiting'"),
        )
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.create_index(
            "ix_delivery_by_hand",
            ["reply_id"],
            unique=False,
            sqlite_where=sa.text("channel = 'sidebar'"),
            postgresql_where=sa.text("channel = 'sidebar'"),
        )
        batch_op.drop_index("ix_delivery_waiting")
        batch_op.create_index(
            "ix_delivery_due_bulk",
            ["due_at", "id"],
            unique=False,
            sqlite_where=sa.text(_DUE_IN_BULK),
            postgresql_where=sa.text(_DUE_IN_BULK),
        )
        batch_op.create_index(
            "ix_delivery_due_customer",
            ["due_at", "id"],
            unique=False,
            sqlite_where=sa.text(_DUE_TO_CUSTOMERS),
            postgresql_where=sa.text(_DUE_TO_CUSTOMERS),
        )
        batch_op.create_index(
            "ix_delivery_mass",
            ["recipient", "attempted_at"],
            unique=False,
            sqlite_where=sa.text("channel = 'mass'"),
            postgresql_where=sa.text("channel = 'mass'"),
        )
    with op.batch_alter_table("opt_out", schema=None) as batch_op:
        batch_op.add_column(sa.Column("withdrawn_evidence", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("opt_out", schema=None) as batch_op:
        batch_op.drop_column("withdrawn_evidence")
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.drop_index("ix_delivery_mass")
        batch_op.drop_index("ix_delivery_due_customer")
        batch_op.drop_index("ix_delivery_due_bulk")
        batch_op.create_index(
            "ix_delivery_waiting",
            ["due_at"],
            unique=False,
            sqlite_where=sa.text("state = 'due'"),
            postgresql_where=sa.text("state = 'due'"),
        )
        batch_op.drop_index("ix_delivery_by_hand")
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.drop_index("ix_notice_waiting")
        batch_op.drop_index("ix_notice_told")
        batch_op.drop_index("ix_notice_recipient")
        batch_op.drop_index("ix_notice_occurrence")
        batch_op.drop_index("ix_notice_look")
        batch_op.drop_index("ix_notice_listed")
        batch_op.drop_index("ix_notice_card")

    op.drop_table("notice")
    op.drop_table("touch")
    with op.batch_alter_table("question", schema=None) as batch_op:
        batch_op.drop_index("ix_question_open")
        batch_op.drop_index("ix_question_waiting")
        batch_op.drop_index("ix_question_message")
        batch_op.drop_index("ix_question_group")

    op.drop_table("question")
    with op.batch_alter_table("group_member", schema=None) as batch_op:
        batch_op.drop_index("ix_group_member_coming")

    with op.batch_alter_table("occurrence", schema=None) as batch_op:
        batch_op.drop_index("ix_occurrence_task")
        batch_op.drop_index("ix_occurrence_day")
        batch_op.drop_index("ix_occurrence_open")

    op.drop_table("occurrence")
    with op.batch_alter_table("enrolment_entry", schema=None) as batch_op:
        batch_op.drop_index("ix_enrolment_entry_enrolment")

    op.drop_table("page_visit")
    op.drop_table("enrolment_entry")
    with op.batch_alter_table("enrolment", schema=None) as batch_op:
        batch_op.drop_index("ix_enrolment_live")
        batch_op.drop_index("ix_enrolment_owner")
        batch_op.drop_index("ix_enrolment_next")
        batch_op.drop_index("ix_enrolment_group")

    op.drop_table("enrolment")
    op.drop_table("welcome_template")
    op.drop_table("uploaded_media")
    op.drop_table("sop_version")
    op.drop_table("sop_file")
    with op.batch_alter_table("mass_task", schema=None) as batch_op:
        batch_op.drop_index("ix_mass_task_wished")
        batch_op.drop_index("ix_mass_task_poll")

    op.drop_table("mass_task")
    with op.batch_alter_table("card", schema=None) as batch_op:
        batch_op.drop_index("ix_card_recipient")

    op.drop_table("card")

"""Group SOPs: templates, enrolments, their steps, and pages of the week."""

from __future__ import annotations

import sqlalchemy as sa

from store.columns import at, key, lease, partial, refers
from store.tables.naming import metadata

# One version of a template as it was frozen; running groups stay on theirs.
sop_version = sa.Table(
    "sop_version",
    metadata,
    key(),
    sa.Column("template", sa.String(64), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("body", sa.JSON, nullable=False),
    at("frozen_at"),
    # When the files last said exactly this.
    at("loaded_at"),
    sa.UniqueConstraint("template", "digest"),
)

# A file of a frozen version, under the digest of its attachment: a changed or deleted file breaks no running group.
sop_file = sa.Table(
    "sop_file",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
)

enrolment = sa.Table(
    "enrolment",
    metadata,
    key(),
    refers("sop_version_id", "sop_version"),
    sa.Column("template", sa.String(64), nullable=False),
    sa.Column("rhythm", sa.String(32), nullable=False),
    refers("group_id", "group"),
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("owner_platform_id", sa.String(64), nullable=False),
    sa.Column("opens_on", sa.Date, nullable=False),
    at("anchor_at"),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("reason", sa.String(64), nullable=False, server_default=""),
    at("opened_at", nullable=True),
    at("welcome_bound_at", nullable=True),
    at("paused_until", nullable=True),
    sa.Column("ticks", sa.JSON, nullable=False),
    # What people say of this group's week (title of the event, teacher …), and the code of its pages for customers.
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Column("page_code", sa.String(32), nullable=False, unique=True),
    sa.Column("score", sa.Float),
    sa.Column("score_parts", sa.JSON, nullable=False),
    refers("moved_to_id", "enrolment", nullable=True),
    sa.Column("enrolled_by", sa.String(64), nullable=False, server_default=""),
    at("enrolled_at"),
    at("ended_at", nullable=True),
    # When somebody has to look at it again; null: never.
    at("next_at", nullable=True),
    # A member left since it was looked at.
    at("members_changed_at", nullable=True),
    sa.UniqueConstraint("template", "group_id", "round"),
    partial("ix_enrolment_next", "next_at", "owner_platform_id", where="next_at IS NOT NULL"),
    sa.Index("ix_enrolment_group", "group_id"),
    sa.Index("ix_enrolment_owner", "owner_platform_id", "opens_on"),
    partial("ix_enrolment_live", "anchor_at", "id", where="state IN ('waiting', 'running', 'paused')"),
)

# What happened to an enrolment: enrolled, paused, moved, edited, by whom. Append-only.
enrolment_entry = sa.Table(
    "enrolment_entry",
    metadata,
    key(),
    refers("enrolment_id", "enrolment"),
    at("at"),
    sa.Column("actor", sa.String(64), nullable=False),
    sa.Column("act", sa.String(32), nullable=False),
    sa.Column("step", sa.String(64), nullable=False, server_default=""),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.Index("ix_enrolment_entry_enrolment", "enrolment_id", "id"),
)

# Written out as those of the deliveries: what somebody wants done at the platform comes before what is only asked.
POLLED = "poll_at IS NOT NULL"
WISHED = "poll_at IS NOT NULL AND (remind_wanted_at IS NOT NULL OR cancel_wanted_at IS NOT NULL)"

# A mass send (企业群发) that its sender has to confirm in the client.
mass_task = sa.Table(
    "mass_task",
    metadata,
    key(),
    sa.Column("delivery_key", sa.String(64), nullable=False, unique=True),
    sa.Column("chat_type", sa.String(16), nullable=False),
    sa.Column("sender", sa.String(64), nullable=False),
    sa.Column("targets", sa.JSON, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("msgid", sa.String(128), nullable=False, server_default=""),
    at("created_at"),
    at("until"),
    at("confirmed_at", nullable=True),
    sa.Column("results", sa.JSON, nullable=False),
    sa.Column("reminds", sa.JSON, nullable=False),
    at("remind_wanted_at", nullable=True),
    at("cancel_wanted_at", nullable=True),
    at("cancelled_at", nullable=True),
    # When the platform is asked again; null: never.
    at("poll_at", nullable=True),
    sa.Column("error", sa.Text, nullable=False, server_default=""),
    *lease(),
    partial("ix_mass_task_poll", "poll_at", "id", where=POLLED),
    partial("ix_mass_task_wished", "poll_at", "id", where=WISHED),
)

occurrence = sa.Table(
    "occurrence",
    metadata,
    key(),
    refers("enrolment_id", "enrolment"),
    sa.Column("step", sa.String(64), nullable=False),
    sa.Column("member", sa.String(64), nullable=False, server_default=""),
    sa.Column("n", sa.Integer, nullable=False),
    sa.Column("delivery", sa.String(16), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    at("wanted_at"),
    at("due_at"),
    at("window_end"),
    at("expires_at"),
    # Words of scheduler/timetable.py and the engine, separated by blanks.
    sa.Column("shifts", sa.String(255), nullable=False, server_default=""),
    sa.Column("executor", sa.String(64), nullable=False, server_default=""),
    at("released_at", nullable=True),
    sa.Column("rung", sa.Integer, nullable=False, server_default="0"),
    # Put off by a person: no rung before it.
    at("later_at", nullable=True),
    refers("mass_task_id", "mass_task", nullable=True),
    sa.Column("block", sa.String(64), nullable=False, server_default=""),
    sa.Column("text", sa.Text, nullable=False, server_default=""),
    refers("content_version_id", "content_version", nullable=True),
    at("sent_at", nullable=True),
    sa.Column("is_late", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("reason", sa.String(64), nullable=False, server_default=""),
    sa.Column("evidence_kind", sa.String(16), nullable=False, server_default=""),
    sa.Column("evidence_by", sa.String(64), nullable=False, server_default=""),
    at("evidence_at", nullable=True),
    sa.UniqueConstraint("enrolment_id", "step", "member", "n"),
    partial(
        "ix_occurrence_open",
        "executor",
        where="state IN ('released', 'waiting_owner', 'reminded', 'escalated')",
    ),
    # The work of a day, of a whole group's steps.
    partial(
        "ix_occurrence_day", "due_at", "id", where="member = '' AND state IN ('planned', 'blocked', 'due')"
    ),
    partial("ix_occurrence_task", "mass_task_id", where="mass_task_id IS NOT NULL"),
)

# One-to-one words of SOPs: one person, one day, once, over all templates.
touch = sa.Table(
    "touch",
    metadata,
    sa.Column("member", sa.String(64), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    refers("occurrence_id", "occurrence"),
)

# A group welcome template (入群欢迎语素材), one for each wording; the owner binds it in the client.
welcome_template = sa.Table(
    "welcome_template",
    metadata,
    key(),
    sa.Column("digest", sa.String(64), nullable=False, unique=True),
    sa.Column("delivery_key", sa.String(64), nullable=False, unique=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("platform_id", sa.String(128), nullable=False, server_default=""),
    at("created_at"),
)

# A file given to the platform, good for three days (media/upload).
uploaded_media = sa.Table(
    "uploaded_media",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("media_id", sa.String(256), nullable=False),
    at("expires_at"),
)

# That somebody opened a page of a group's week, and what was tapped there; nothing tells who.
page_visit = sa.Table(
    "page_visit",
    metadata,
    key(),
    refers("enrolment_id", "enrolment"),
    sa.Column("page", sa.String(16), nullable=False),
    sa.Column("visitor", sa.String(64), nullable=False),
    at("first_at"),
    sa.Column("answer", sa.String(16), nullable=False, server_default=""),
    at("answered_at", nullable=True),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.UniqueConstraint("enrolment_id", "page", "visitor"),
)

question = sa.Table(
    "question",
    metadata,
    key(),
    sa.Column("source", sa.String(16), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    at("asked_at"),
    sa.Column("asker", sa.String(64), nullable=False, server_default=""),
    refers("group_id", "group", nullable=True),
    refers("enrolment_id", "enrolment", nullable=True),
    refers("conversation_id", "conversation", nullable=True),
    refers("message_id", "message", nullable=True),
    sa.Column("duty", sa.String(64), nullable=False, server_default=""),
    sa.Column("faq_id", sa.String(64), nullable=False, server_default=""),
    sa.Column("rung", sa.Integer, nullable=False, server_default="0"),
    at("next_at", nullable=True),
    # From then on it counts as answered too late, or not at all.
    at("late_at", nullable=True),
    refers("case_id", "case", nullable=True),
    at("answered_at", nullable=True),
    sa.Column("answered_by", sa.String(64), nullable=False, server_default=""),
    sa.Column("marked_by", sa.String(64), nullable=False, server_default=""),
    sa.Index("ix_question_group", "group_id", "asked_at"),
    partial("ix_question_message", "message_id", where="message_id IS NOT NULL", unique=True),
    partial("ix_question_waiting", "next_at", where="next_at IS NOT NULL"),
    partial("ix_question_open", "duty", where="state = 'open'"),
)

"""The quality audit (质检): sessions, their scores, findings, reviews and appeals."""

from __future__ import annotations

import sqlalchemy as sa

from store.columns import BigId, at, key, lease, partial, refers
from store.tables.naming import metadata

# A conversation in which something was recorded that the audit has not looked at: `from_at` is the earliest of it.
audit_mark = sa.Table(
    "audit_mark",
    metadata,
    sa.Column("conversation_id", BigId, sa.ForeignKey("conversation.id"), primary_key=True),
    at("from_at"),
    at("marked_at"),
    # When to look: at once, or when silence would end the session.
    at("due_at"),
    # Grows with every mark, so that what came while somebody looked is looked at again.
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    *lease(),
    sa.Index("ix_audit_mark_due", "due_at"),
)

# A slice of a conversation that the audit judges as one (quality_audit.md §3). Cut again, it keeps its id; what a later
# cut joins to another one is `merged_into` that.
session = sa.Table(
    "session",
    metadata,
    key(),
    refers("conversation_id", "conversation"),
    at("started_at"),
    at("ended_at"),
    sa.Column("first_message_id", BigId, nullable=False),
    sa.Column("last_message_id", BigId, nullable=False),
    sa.Column("message_count", sa.Integer, nullable=False),
    # open, or what ended it: silence, wall, question (docs/audit.md).
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("line", sa.String(16), nullable=False, server_default=""),
    # Who answered, main person first: UserIDs, "bot".
    sa.Column("subjects", sa.JSON, nullable=False),
    # The measures of the session as a whole (audit/timing.py), and what it came from.
    sa.Column("figures", sa.JSON, nullable=False),
    sa.Column("source", sa.String(16), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False, server_default=""),
    at("cut_at"),
    sa.Column("merged_into", BigId),
    sa.UniqueConstraint("conversation_id", "first_message_id"),
    sa.Index("ix_session_conversation", "conversation_id", "started_at"),
    sa.Index("ix_session_started", "started_at"),
)

# How one subject (a UserID or "bot") did in one session under one rubric. Append-only: another rubric or other messages
# give another row, `is_current` moves.
evaluation = sa.Table(
    "evaluation",
    metadata,
    key(),
    refers("session_id", "session"),
    sa.Column("subject", sa.String(64), nullable=False),
    sa.Column("rubric_version", sa.String(32), nullable=False),
    sa.Column("rules_version", sa.String(32), nullable=False),
    sa.Column("input_digest", sa.String(64), nullable=False),
    # 0 to 100, null when no item applied; never changed by a red line.
    sa.Column("score", sa.Float),
    sa.Column("grade", sa.String(16), nullable=False),
    # What the decided findings and appeals made of it; equal to score and grade at first.
    sa.Column("final_score", sa.Float),
    sa.Column("final_grade", sa.String(16), nullable=False),
    sa.Column("weight", sa.Float, nullable=False),
    sa.Column("items", sa.JSON, nullable=False),
    sa.Column("figures", sa.JSON, nullable=False),
    sa.Column("is_current", sa.Boolean, nullable=False),
    at("started_at"),
    at("evaluated_at"),
    sa.UniqueConstraint("session_id", "subject", "rubric_version", "rules_version", "input_digest"),
    partial("ix_evaluation_subject", "subject", "started_at", where="is_current"),
    partial("ix_evaluation_started", "started_at", where="is_current"),
    sa.Index("ix_evaluation_session", "session_id"),
)

# One thing that was found, with its evidence. A suspicion counts against nobody before a person confirms it.
finding = sa.Table(
    "finding",
    metadata,
    key(),
    # The same thing found again is the same row, also in a session cut anew: subject, rule, message and span.
    sa.Column("key", sa.String(64), nullable=False, unique=True),
    refers("session_id", "session"),
    refers("conversation_id", "conversation"),
    sa.Column("subject", sa.String(64), nullable=False),
    # The item of the rubric it costs points in, "" for a red line beside the score.
    sa.Column("item", sa.String(16), nullable=False, server_default=""),
    sa.Column("label", sa.String(32), nullable=False),
    sa.Column("severity", sa.String(4), nullable=False),
    sa.Column("is_red", sa.Boolean, nullable=False),
    # auto counts by itself, assist and red lines only once a person confirmed, human was written by a person.
    sa.Column("evidence", sa.String(8), nullable=False),
    sa.Column("rule_id", sa.String(64), nullable=False),
    sa.Column("rule_version", sa.String(32), nullable=False),
    sa.Column("points", sa.Float, nullable=False, server_default="0"),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    # suspected, counted, confirmed, rejected, overturned, gone (a later cut or rule does not find it any more).
    sa.Column("state", sa.String(16), nullable=False),
    at("occurred_at"),
    at("found_at"),
    at("decided_at", nullable=True),
    sa.Column("decided_by", sa.String(64), nullable=False, server_default=""),
    # When the advisor could see it; no board may show it earlier.
    at("shown_at"),
    sa.Index("ix_finding_session", "session_id"),
    sa.Index("ix_finding_subject", "subject", "occurred_at"),
    sa.Index("ix_finding_occurred", "occurred_at"),
    partial("ix_finding_suspected", "is_red", "found_at", where="state = 'suspected'"),
)

# Where in the talk it is: half-open character ranges of a message's text; (0, 0) for the message as a whole.
finding_span = sa.Table(
    "finding_span",
    metadata,
    key(),
    refers("finding_id", "finding"),
    refers("message_id", "message"),
    sa.Column("start", sa.Integer, nullable=False),
    sa.Column("end", sa.Integer, nullable=False),
    sa.UniqueConstraint("finding_id", "message_id", "start", "end"),
    sa.Index("ix_finding_span_message", "message_id"),
)

# A word given to a customer: object and time (quality_audit.md §3, promises).
promise = sa.Table(
    "promise",
    metadata,
    key(),
    refers("session_id", "session"),
    refers("conversation_id", "conversation"),
    refers("message_id", "message"),
    sa.Column("subject", sa.String(64), nullable=False),
    sa.Column("start", sa.Integer, nullable=False),
    sa.Column("end", sa.Integer, nullable=False),
    sa.Column("object", sa.String(256), nullable=False),
    at("made_at"),
    at("due_at"),
    # open, kept, broken, withdrawn (the message was recalled, or a person said it is none).
    sa.Column("state", sa.String(16), nullable=False),
    refers("kept_message_id", "message", nullable=True),
    at("decided_at", nullable=True),
    sa.Column("decided_by", sa.String(64), nullable=False, server_default=""),
    sa.UniqueConstraint("message_id", "start", "end"),
    partial("ix_promise_open", "subject", "due_at", where="state = 'open'"),
    sa.Index("ix_promise_session", "session_id"),
)

# A drawn sample of sessions: population, size and seed stay, so that the draw can be repeated.
sampling_plan = sa.Table(
    "sampling_plan",
    metadata,
    key(),
    # random, risk, unflagged, must (red lines, complaints, disputes) or calibration.
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("name", sa.String(128), nullable=False),
    at("from_at"),
    at("until_at"),
    sa.Column("population", sa.Integer, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("seed", sa.BigInteger, nullable=False),
    sa.Column("rules", sa.JSON, nullable=False),
    sa.Column("made_by", sa.String(64), nullable=False),
    at("made_at"),
)

# A session, or one suspicion of it, that a person has to look at.
review = sa.Table(
    "review",
    metadata,
    key(),
    sa.Column("key", sa.String(64), nullable=False, unique=True),
    # red, must, risk, random, unflagged, blind, calibration or appeal.
    sa.Column("kind", sa.String(16), nullable=False),
    refers("session_id", "session"),
    refers("finding_id", "finding", nullable=True),
    refers("plan_id", "sampling_plan", nullable=True),
    # The first review that this one repeats without seeing it.
    refers("blind_of", "review", nullable=True),
    sa.Column("subject", sa.String(64), nullable=False),
    # How much one drawn session stands for (1 / chance of being drawn).
    sa.Column("weight", sa.Float, nullable=False, server_default="1"),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("reviewer", sa.String(64), nullable=False, server_default=""),
    at("created_at"),
    at("due_at"),
    at("taken_at", nullable=True),
    at("done_at", nullable=True),
    # Item or finding key -> yes, no, na; "" while nobody said.
    sa.Column("verdicts", sa.JSON, nullable=False),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.Column("rubric_version", sa.String(32), nullable=False, server_default=""),
    partial("ix_review_waiting", "kind", "due_at", where="state <> 'done'"),
    sa.Index("ix_review_session", "session_id"),
    sa.Index("ix_review_reviewer", "reviewer", "state"),
)

# An advisor's objection. States: domain/appeals.py; every move is an appeal_entry.
appeal = sa.Table(
    "appeal",
    metadata,
    key(),
    refers("session_id", "session"),
    refers("finding_id", "finding"),
    sa.Column("subject", sa.String(64), nullable=False),
    # 1 the ordinary way, 2 once more to compliance.
    sa.Column("level", sa.Integer, nullable=False, server_default="1"),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("outcome", sa.String(16), nullable=False, server_default=""),
    sa.Column("handler", sa.String(64), nullable=False, server_default=""),
    at("opened_at"),
    at("due_at"),
    at("closed_at", nullable=True),
    sa.UniqueConstraint("finding_id", "level"),
    partial("ix_appeal_open", "state", "due_at", where="closed_at IS NULL"),
    sa.Index("ix_appeal_subject", "subject", "opened_at"),
)

appeal_entry = sa.Table(
    "appeal_entry",
    metadata,
    key(),
    refers("appeal_id", "appeal"),
    at("at"),
    sa.Column("actor", sa.String(64), nullable=False),
    sa.Column("act", sa.String(32), nullable=False),
    sa.Column("from_state", sa.String(16), nullable=False, server_default=""),
    sa.Column("to_state", sa.String(16), nullable=False),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.Index("ix_appeal_entry_appeal", "appeal_id", "id"),
)

# What every decision about a finding was: who, when, from which state to which, why. Append-only.
finding_entry = sa.Table(
    "finding_entry",
    metadata,
    key(),
    refers("finding_id", "finding"),
    at("at"),
    sa.Column("actor", sa.String(64), nullable=False),
    sa.Column("from_state", sa.String(16), nullable=False),
    sa.Column("to_state", sa.String(16), nullable=False),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    refers("review_id", "review", nullable=True),
    refers("appeal_id", "appeal", nullable=True),
    sa.Index("ix_finding_entry_finding", "finding_id", "id"),
)

coaching_note = sa.Table(
    "coaching_note",
    metadata,
    key(),
    sa.Column("subject", sa.String(64), nullable=False),
    refers("session_id", "session", nullable=True),
    refers("finding_id", "finding", nullable=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("written_by", sa.String(64), nullable=False),
    at("written_at"),
    at("read_at", nullable=True),
    sa.Index("ix_coaching_note_subject", "subject", "id"),
)

# A month's set of sessions that every reviewer judges alone, and the answers agreed on afterwards.
calibration_set = sa.Table(
    "calibration_set",
    metadata,
    key(),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("guideline_version", sa.String(32), nullable=False, server_default=""),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("agreed", sa.JSON, nullable=False),
    sa.Column("made_by", sa.String(64), nullable=False),
    at("made_at"),
    at("closed_at", nullable=True),
)

"""The advisor's desk: suggested replies, the duty roster, hand-overs, drafts of texts, and questions of colleagues."""

from __future__ import annotations

import sqlalchemy as sa

from store.columns import at, key, partial, refers
from store.tables.naming import metadata

# One look for suggested replies (推荐话术): for whom, after which message or question.
suggestion_round = sa.Table(
    "suggestion_round",
    metadata,
    key(),
    refers("conversation_id", "conversation", nullable=True),
    sa.Column("staff_platform_id", sa.String(64), nullable=False),
    # The last message of the customer that is answered, or the question somebody marked in a group.
    refers("message_id", "message", nullable=True),
    refers("question_id", "question", nullable=True),
    # What was read as the question where no message of ours holds it: typed or pasted by the advisor. Erasable.
    sa.Column("asked", sa.Text, nullable=False, server_default=""),
    # What it counts as when later rounds learn from what was taken and refused (content/suggesting).
    sa.Column("question_key", sa.String(64), nullable=False, server_default=""),
    sa.Column("line", sa.String(16), nullable=False, server_default=""),
    # The line the member may not speak for today, "" where nothing stands in the way.
    sa.Column("needs_qualified", sa.String(16), nullable=False, server_default=""),
    # pushed, opened or typed.
    sa.Column("how", sa.String(16), nullable=False),
    at("made_at"),
    at("erased_at", nullable=True),
    sa.Index("ix_suggestion_round_staff", "staff_platform_id", "made_at"),
    sa.Index("ix_suggestion_round_conversation", "conversation_id", "id"),
    sa.Index("ix_suggestion_round_key", "question_key", "made_at"),
    sa.Index("ix_suggestion_round_made", "made_at"),
)

# One suggested reply of a round, and what the advisor did with it. The text as sent is the delivery's.
suggestion = sa.Table(
    "suggestion",
    metadata,
    key(),
    refers("round_id", "suggestion_round"),
    sa.Column("place", sa.Integer, nullable=False),
    # faq, quick, own, whisper or fixed; and the entry, phrase or row it came from.
    sa.Column("source", sa.String(16), nullable=False),
    sa.Column("source_id", sa.String(64), nullable=False),
    refers("content_version_id", "content_version", nullable=True),
    # As it was offered, the customer's own facts filled in. Erasable.
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("score", sa.Float, nullable=False),
    sa.Column("reasons", sa.JSON, nullable=False),
    # What the page shows beside the text: title, line, source and last day, risk line, problems (store/suggestions.py).
    sa.Column("shown", sa.JSON, nullable=False),
    # offered, used, edited or refused.
    sa.Column("state", sa.String(16), nullable=False),
    at("decided_at", nullable=True),
    sa.Column("delivery_key", sa.String(64), nullable=False, server_default=""),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.UniqueConstraint("round_id", "place"),
    sa.Index("ix_suggestion_source", "source", "source_id", "id"),
    partial("ix_suggestion_delivery", "delivery_key", where="delivery_key <> ''"),
)

# An advisor's own words that were sent and kept (自用话术): for that advisor alone until an editor takes them up.
own_wording = sa.Table(
    "own_wording",
    metadata,
    key(),
    sa.Column("staff_platform_id", sa.String(64), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    # The question it answered, numbers of persons hidden.
    sa.Column("asked", sa.Text, nullable=False, server_default=""),
    sa.Column("question_key", sa.String(64), nullable=False, server_default=""),
    sa.Column("line", sa.String(16), nullable=False, server_default=""),
    sa.Column("faq_id", sa.String(64), nullable=False, server_default=""),
    sa.Column("used_count", sa.Integer, nullable=False, server_default="1"),
    at("first_used_at"),
    at("last_used_at"),
    # own, submitted, approved or withdrawn.
    sa.Column("state", sa.String(16), nullable=False),
    refers("conversation_id", "conversation", nullable=True),
    sa.UniqueConstraint("staff_platform_id", "digest"),
    sa.Index("ix_own_wording_state", "state", "last_used_at"),
)

# An advisor says that the check was wrong about some words (误报).
false_alarm = sa.Table(
    "false_alarm",
    metadata,
    key(),
    sa.Column("staff_platform_id", sa.String(64), nullable=False),
    refers("conversation_id", "conversation", nullable=True),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    # The rules that spoke: id, label, severity.
    sa.Column("problems", sa.JSON, nullable=False),
    sa.Column("rules_version", sa.String(64), nullable=False, server_default=""),
    at("told_at"),
    # open, agreed or declined.
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("decided_by", sa.String(64), nullable=False, server_default=""),
    at("decided_at", nullable=True),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.UniqueConstraint("staff_platform_id", "digest"),
    sa.Index("ix_false_alarm_state", "state", "told_at"),
)

# Which pages of the desk are open, for whom. Times are of the machine.
desk_presence = sa.Table(
    "desk_presence",
    metadata,
    sa.Column("page_key", sa.String(64), primary_key=True),
    sa.Column("staff_platform_id", sa.String(64), nullable=False),
    refers("conversation_id", "conversation", nullable=True),
    sa.Column("process", sa.String(64), nullable=False),
    at("seen_at"),
    sa.Index("ix_desk_presence_staff", "staff_platform_id", "seen_at"),
)

# A supervisor suggests words to the advisor who serves (耳语); the customer never sees it.
whisper = sa.Table(
    "whisper",
    metadata,
    key(),
    refers("conversation_id", "conversation"),
    sa.Column("staff_platform_id", sa.String(64), nullable=False),
    sa.Column("whispered_by", sa.String(64), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    at("whispered_at"),
    at("seen_at", nullable=True),
    # "" until the advisor used or put it away.
    sa.Column("outcome", sa.String(16), nullable=False, server_default=""),
    at("decided_at", nullable=True),
    partial("ix_whisper_open", "staff_platform_id", "conversation_id", where="outcome = ''"),
    sa.Index("ix_whisper_conversation", "conversation_id", "id"),
)

# One time on duty (排班): every week on a weekday, or on one day. Minutes of the local day.
duty_shift = sa.Table(
    "duty_shift",
    metadata,
    key(),
    # "": for every account.
    sa.Column("account_id", sa.String(64), nullable=False, server_default=""),
    sa.Column("staff_platform_id", sa.String(64), nullable=False),
    # 1 Monday to 7 Sunday; null where `on_date` says the day.
    sa.Column("weekday", sa.Integer),
    sa.Column("on_date", sa.Date),
    sa.Column("from_minute", sa.Integer, nullable=False),
    sa.Column("until_minute", sa.Integer, nullable=False),
    # How many customers at the same time.
    sa.Column("capacity", sa.Integer, nullable=False),
    sa.Column("made_by", sa.String(64), nullable=False),
    at("made_at"),
    sa.Column("ended_by", sa.String(64), nullable=False, server_default=""),
    at("ended_at", nullable=True),
    partial("ix_duty_shift_current", "staff_platform_id", where="ended_at IS NULL"),
)

# A customer given to a person (转人工): from the wish to the end of the session.
handover = sa.Table(
    "handover",
    metadata,
    key(),
    refers("conversation_id", "conversation"),
    refers("turn_id", "turn", nullable=True),
    refers("case_id", "case", nullable=True),
    sa.Column("reason", sa.String(64), nullable=False),
    sa.Column("line", sa.String(16), nullable=False, server_default=""),
    at("asked_at"),
    # waiting, serving or ended.
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("staff_platform_id", sa.String(64), nullable=False, server_default=""),
    at("assigned_at", nullable=True),
    at("first_reply_at", nullable=True),
    at("last_reply_at", nullable=True),
    at("ended_at", nullable=True),
    # "" while it goes on; done, idle, taken_back, lapsed or nobody.
    sa.Column("end_kind", sa.String(16), nullable=False, server_default=""),
    # What was asked, answered and promised until then (JSON). Erasable.
    sa.Column("note", sa.JSON, nullable=False),
    # What the customer chose after a session that was left idle: bot, person or call_back.
    sa.Column("choice", sa.String(16), nullable=False, server_default=""),
    at("apologised_at", nullable=True),
    partial("uq_handover_open", "conversation_id", where="state <> 'ended'", unique=True),
    partial("ix_handover_open", "asked_at", where="state <> 'ended'"),
    sa.Index("ix_handover_conversation", "conversation_id", "id"),
    sa.Index("ix_handover_staff", "staff_platform_id", "asked_at"),
)

# A text that an editor writes in the console, on its way to be approved by somebody else.
content_draft = sa.Table(
    "content_draft",
    metadata,
    key(),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("content_key", sa.String(64), nullable=False),
    sa.Column("title", sa.Text, nullable=False, server_default=""),
    sa.Column("body", sa.JSON, nullable=False),
    # The version it changes, and the one it became.
    refers("based_on_id", "content_version", nullable=True),
    refers("version_id", "content_version", nullable=True),
    # draft, review, approved, returned or withdrawn.
    sa.Column("state", sa.String(16), nullable=False),
    # Grows with every change, so that two editors do not overwrite each other.
    sa.Column("revision", sa.Integer, nullable=False, server_default="1"),
    # The questions or own words it was made from (JSON).
    sa.Column("origin", sa.JSON, nullable=False),
    sa.Column("author", sa.String(64), nullable=False),
    at("created_at"),
    at("changed_at"),
    at("submitted_at", nullable=True),
    sa.Column("reviewer", sa.String(64), nullable=False, server_default=""),
    at("reviewed_at", nullable=True),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    partial(
        "uq_content_draft_open",
        "kind",
        "content_key",
        where="state IN ('draft', 'review', 'returned')",
        unique=True,
    ),
    sa.Index("ix_content_draft_state", "state", "changed_at"),
)

# A question that a colleague asked the company's robot (智能机器人) or the staff app, and its answer.
staff_question = sa.Table(
    "staff_question",
    metadata,
    key(),
    # The platform's message id, behind the door it came through: "aibot:…" or "assistant:…".
    sa.Column("msgid", sa.String(160), nullable=False, unique=True),
    # Of the answer that grows (stream); ours.
    sa.Column("stream_id", sa.String(64), nullable=False, unique=True),
    sa.Column("staff_platform_id", sa.String(64), nullable=False),
    sa.Column("chat_id", sa.String(64), nullable=False, server_default=""),
    sa.Column("asked", sa.Text, nullable=False),
    # working, done or lapsed.
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("answer", sa.Text, nullable=False, server_default=""),
    sa.Column("faq_id", sa.String(64), nullable=False, server_default=""),
    sa.Column("decision", sa.String(16), nullable=False, server_default=""),
    sa.Column("delivery_key", sa.String(64), nullable=False, server_default=""),
    # The platform's one-time address for an answer that comes late.
    sa.Column("response_url", sa.Text, nullable=False, server_default=""),
    at("asked_at"),
    at("answered_at", nullable=True),
    at("shown_at", nullable=True),
    # The platform's feedback: 1 accurate, 2 inaccurate, 3 withdrawn.
    sa.Column("feedback", sa.Integer),
    partial("ix_staff_question_working", "asked_at", where="state = 'working'"),
    sa.Index("ix_staff_question_staff", "staff_platform_id", "id"),
)

"""The tables (docs/architecture.md, "Records"; the words are docs/glossary.md's).

Only descriptions stand here. A change needs a migration beside it (store/migrations); a test holds both together.
`message`, `case_entry`, `approval`, `access_log` and `erasure` are append-only. `message` carries no text: that is in
`message_body`, which may be erased without touching the record that a message existed (design.md, "erasure").
"""

from __future__ import annotations

import sqlalchemy as sa

from store.columns import BigId, at, key, lease, partial, refers

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# What this installation is: one row a fact, e.g. when it first served.
instance = sa.Table(
    "instance",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

# --- doors -------------------------------------------------------------------------------------------------

event = sa.Table(
    "event",
    metadata,
    key(),
    sa.Column("key", sa.String(64), nullable=False, unique=True),
    sa.Column("receiver", sa.String(32), nullable=False),
    sa.Column("kind", sa.String(64), nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    at("received_at"),
    at("due_at"),
    at("processed_at", nullable=True),
    sa.Column("error", sa.Text),
    *lease(),
    partial("ix_event_waiting", "due_at", where="state = 'new'"),
    sa.Index("ix_event_state", "state", "received_at"),
)

token = sa.Table(
    "token",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    at("obtained_at", nullable=True),
    at("expires_at", nullable=True),
    sa.Column("lease_owner", sa.String(64)),
    at("lease_until", nullable=True),
)

kf_account = sa.Table(
    "kf_account",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(64), nullable=False, server_default=""),
    at("went_live_at"),
    sa.Column("is_managed", sa.Boolean, nullable=False, server_default=sa.true()),
)

kf_cursor = sa.Table(
    "kf_cursor",
    metadata,
    sa.Column("account_id", sa.String(64), sa.ForeignKey("kf_account.id"), primary_key=True),
    sa.Column("cursor", sa.String(128), nullable=False, server_default=""),
    at("synced_at", nullable=True),
    *lease(),
)

kf_servicer = sa.Table(
    "kf_servicer",
    metadata,
    sa.Column("account_id", sa.String(64), sa.ForeignKey("kf_account.id"), primary_key=True),
    sa.Column("servicer_id", sa.String(64), primary_key=True),
    sa.Column("is_receiving", sa.Boolean, nullable=False),
    at("seen_at"),
)

# --- people ------------------------------------------------------------------------------------------------

customer = sa.Table(
    "customer",
    metadata,
    key(),
    sa.Column("platform_id", sa.String(64), nullable=False, unique=True),
    sa.Column("nickname", sa.String(128), nullable=False, server_default=""),
    sa.Column("avatar_url", sa.Text, nullable=False, server_default=""),
    sa.Column("first_scene", sa.String(64), nullable=False, server_default=""),
    sa.Column("first_scene_param", sa.String(256), nullable=False, server_default=""),
    sa.Column("first_state", sa.String(64), nullable=False, server_default=""),
    sa.Column("first_join_scene", sa.String(64), nullable=False, server_default=""),
    at("first_seen_at"),
    at("last_message_at", nullable=True),
    at("last_touch_at", nullable=True),
    at("opted_out_at", nullable=True),
    sa.Column("opt_out_evidence", sa.Text, nullable=False, server_default=""),
    partial("ix_customer_nameless", "last_message_at", where="nickname = ''"),
)

customer_fact = sa.Table(
    "customer_fact",
    metadata,
    key(),
    refers("customer_id", "customer"),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("source", sa.String(64), nullable=False),
    sa.Column("purpose", sa.String(64), nullable=False),
    at("recorded_at"),
    sa.Column("valid_until", sa.Date),
    sa.Index("ix_customer_fact_customer", "customer_id", "kind"),
)

department = sa.Table(
    "department",
    metadata,
    # The platform's own number.
    sa.Column("id", BigId, primary_key=True, autoincrement=False),
    sa.Column("name", sa.String(128), nullable=False, server_default=""),
    sa.Column("parent_id", BigId, nullable=False, server_default="0"),
    sa.Column("leaders", sa.JSON, nullable=False),
    sa.Column("place", BigId, nullable=False, server_default="0"),
    at("known_at"),
    at("deleted_at", nullable=True),
)

staff = sa.Table(
    "staff",
    metadata,
    key(),
    sa.Column("platform_id", sa.String(64), nullable=False, unique=True),
    sa.Column("name", sa.String(64), nullable=False, server_default=""),
    sa.Column("departments", sa.JSON, nullable=False),
    sa.Column("leader_platform_id", sa.String(64), nullable=False, server_default=""),
    sa.Column("status", sa.String(16), nullable=False, server_default="unknown"),
    # Up to known_at the address book is known; nothing older is taken up.
    at("known_at", nullable=True),
    # Whether the member may have customers, and when all of them were last listed.
    sa.Column("is_advisor", sa.Boolean, nullable=False, server_default=sa.false()),
    at("customers_seen_at", nullable=True),
    # These come from the company's own file (people.overrides).
    sa.Column("team", sa.String(64), nullable=False, server_default=""),
    sa.Column("co_owner_platform_id", sa.String(64), nullable=False, server_default=""),
    sa.Column("deputy_platform_id", sa.String(64), nullable=False, server_default=""),
    sa.Column("leave_from", sa.Date),
    sa.Column("leave_until", sa.Date),
    at("first_seen_at"),
    sa.Index("ix_staff_leader", "leader_platform_id"),
)

staff_registration = sa.Table(
    "staff_registration",
    metadata,
    key(),
    refers("staff_id", "staff"),
    sa.Column("line", sa.String(16), nullable=False),
    sa.Column("number", sa.String(64), nullable=False),
    sa.Column("valid_until", sa.Date, nullable=False),
    sa.UniqueConstraint("staff_id", "line", "number"),
)

relation = sa.Table(
    "relation",
    metadata,
    key(),
    refers("staff_id", "staff"),
    refers("customer_id", "customer"),
    # Null: it ended before anybody told that it began.
    at("from_at", nullable=True),
    sa.Column("is_from_exact", sa.Boolean, nullable=False, server_default=sa.false()),
    at("to_at", nullable=True),
    # Found out afterwards: it ended after to_after and not later than to_at.
    at("to_after", nullable=True),
    sa.Column("end_known", sa.String(16), nullable=False, server_default=""),
    sa.Column("end_reason", sa.String(64), nullable=False, server_default=""),
    sa.Column("add_way", sa.String(32), nullable=False, server_default=""),
    sa.Column("state", sa.String(64), nullable=False, server_default=""),
    sa.Column("remark", sa.String(128), nullable=False, server_default=""),
    sa.Column("description", sa.Text, nullable=False, server_default=""),
    sa.Column("tags", sa.JSON, nullable=False),
    # Up to then remark, description and tags are known; nothing older is taken up.
    at("known_at", nullable=True),
    partial("uq_relation_current", "staff_id", "customer_id", where="to_at IS NULL", unique=True),
    sa.Index("ix_relation_customer", "customer_id"),
    sa.Index("ix_relation_staff", "staff_id", "customer_id"),
)

tag = sa.Table(
    "tag",
    metadata,
    key(),
    sa.Column("platform_id", sa.String(64), nullable=False, unique=True),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("group_platform_id", sa.String(64), nullable=False, server_default=""),
    sa.Column("group_name", sa.String(64), nullable=False, server_default=""),
    sa.Column("place", BigId, nullable=False, server_default="0"),
    at("known_at"),
    at("deleted_at", nullable=True),
)

opt_out = sa.Table(
    "opt_out",
    metadata,
    key(),
    refers("customer_id", "customer"),
    sa.Column("source", sa.String(16), nullable=False),
    sa.Column("evidence", sa.Text, nullable=False, server_default=""),
    sa.Column("actor", sa.String(64), nullable=False),
    refers("message_id", "message", nullable=True),
    at("at"),
    at("withdrawn_at", nullable=True),
    sa.Column("withdrawn_by", sa.String(64), nullable=False, server_default=""),
    sa.Column("withdrawn_evidence", sa.Text, nullable=False, server_default=""),
    sa.Index("ix_opt_out_customer", "customer_id", "id"),
)

# --- groups ------------------------------------------------------------------------------------------------

group = sa.Table(
    "group",
    metadata,
    key(),
    sa.Column("chat_id", sa.String(64), nullable=False, unique=True),
    sa.Column("name", sa.String(256), nullable=False, server_default=""),
    sa.Column("notice", sa.Text, nullable=False, server_default=""),
    sa.Column("owner_platform_id", sa.String(64), nullable=False, server_default=""),
    sa.Column("status", sa.String(16), nullable=False, server_default="normal"),
    at("created_at", nullable=True),
    at("dismissed_at", nullable=True),
    sa.Column("member_version", sa.String(64), nullable=False, server_default=""),
    # When the whole list of members was last read, and when the platform last listed the group.
    at("seen_at", nullable=True),
    at("listed_at", nullable=True),
    at("first_seen_at"),
    sa.Index("ix_group_owner", "owner_platform_id"),
)

group_member = sa.Table(
    "group_member",
    metadata,
    key(),
    refers("group_id", "group"),
    sa.Column("member_platform_id", sa.String(64), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    refers("customer_id", "customer", nullable=True),
    # Null: somebody left whose coming nobody told.
    at("joined_at", nullable=True),
    sa.Column("is_join_exact", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("join_scene", sa.String(16), nullable=False, server_default=""),
    sa.Column("inviter_platform_id", sa.String(64), nullable=False, server_default=""),
    sa.Column("state", sa.String(64), nullable=False, server_default=""),
    at("quit_at", nullable=True),
    # Found out afterwards: went after quit_after and not later than quit_at.
    at("quit_after", nullable=True),
    sa.Column("quit_known", sa.String(16), nullable=False, server_default=""),
    sa.Column("quit_scene", sa.String(16), nullable=False, server_default=""),
    partial(
        "uq_group_member_current", "group_id", "member_platform_id", where="quit_at IS NULL", unique=True
    ),
    sa.Index("ix_group_member_group", "group_id", "member_platform_id"),
    sa.Index("ix_group_member_member", "member_platform_id"),
    sa.Index("ix_group_member_joined", "group_id", "joined_at"),
    sa.Index("ix_group_member_coming", "joined_at"),
)

group_day = sa.Table(
    "group_day",
    metadata,
    sa.Column("owner_platform_id", sa.String(64), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("new_chats", sa.Integer, nullable=False),
    sa.Column("chats", sa.Integer, nullable=False),
    sa.Column("chats_with_messages", sa.Integer, nullable=False),
    sa.Column("new_members", sa.Integer, nullable=False),
    sa.Column("members", sa.Integer, nullable=False),
    sa.Column("members_with_messages", sa.Integer, nullable=False),
    sa.Column("messages", sa.Integer, nullable=False),
    at("known_at"),
)

# --- looking again -----------------------------------------------------------------------------------------

# What has to be read from the platform again, each subject once: a group, an advisor's customers.
lookup = sa.Table(
    "lookup",
    metadata,
    key(),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("subject", sa.String(160), nullable=False),
    at("due_at"),
    # The newest word that asked for it; a reading that began before does not settle it.
    at("wanted_at"),
    sa.Column("error", sa.Text),
    *lease(),
    sa.UniqueConstraint("kind", "subject"),
    sa.Index("ix_lookup_due", "due_at"),
)

# How far a round over everything has come, and which process walks it.
walk = sa.Table(
    "walk",
    metadata,
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("cursor", sa.String(256), nullable=False, server_default=""),
    at("started_at", nullable=True),
    at("finished_at", nullable=True),
    at("wanted_at", nullable=True),
    sa.Column("error", sa.Text),
    *lease(),
)

# --- talk --------------------------------------------------------------------------------------------------

conversation = sa.Table(
    "conversation",
    metadata,
    key(),
    sa.Column("channel", sa.String(16), nullable=False),
    sa.Column("account_id", sa.String(64), nullable=False),
    refers("customer_id", "customer"),
    at("opened_at"),
    at("session_started_at"),
    at("last_message_at", nullable=True),
    at("last_customer_message_at", nullable=True),
    # When we learnt of it. The platform's times have whole seconds; what was sent since is counted from here.
    at("heard_at", nullable=True),
    sa.Column("misses", sa.Integer, nullable=False, server_default="0"),
    # What was answered last and the numbers the customer gave (JSON), for "那提前还呢".
    sa.Column("topic_faq_id", sa.String(64), nullable=False, server_default=""),
    sa.Column("topic_slots", sa.Text, nullable=False, server_default=""),
    at("topic_at", nullable=True),
    sa.UniqueConstraint("channel", "account_id", "customer_id"),
    sa.Index("ix_conversation_latest", "last_message_at"),
    sa.Index("ix_conversation_customer", "customer_id"),
)

kf_state = sa.Table(
    "kf_state",
    metadata,
    sa.Column("conversation_id", BigId, sa.ForeignKey("conversation.id"), primary_key=True),
    sa.Column("state", sa.Integer, nullable=False),
    sa.Column("servicer_id", sa.String(64), nullable=False, server_default=""),
    at("changed_at"),
    sa.Index("ix_kf_state_servicer", "state", "servicer_id"),
)

message = sa.Table(
    "message",
    metadata,
    key(),
    refers("conversation_id", "conversation"),
    sa.Column("source", sa.String(80), nullable=False),
    sa.Column("msgid", sa.String(128), nullable=False),
    sa.Column("author", sa.String(16), nullable=False),
    sa.Column("servicer_id", sa.String(64), nullable=False, server_default=""),
    sa.Column("kind", sa.String(32), nullable=False),
    at("sent_at"),
    at("recorded_at"),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.UniqueConstraint("source", "msgid"),
    sa.Index("ix_message_conversation", "conversation_id", "id"),
)

message_body = sa.Table(
    "message_body",
    metadata,
    sa.Column("message_id", BigId, sa.ForeignKey("message.id"), primary_key=True),
    sa.Column("salt", sa.String(32), nullable=False),
    sa.Column("text", sa.Text, nullable=False, server_default=""),
    sa.Column("menu_id", sa.String(128), nullable=False, server_default=""),
    sa.Column("raw", sa.Text, nullable=False, server_default=""),
    at("erased_at", nullable=True),
)

recall = sa.Table(
    "recall",
    metadata,
    key(),
    refers("conversation_id", "conversation"),
    sa.Column("source", sa.String(80), nullable=False),
    sa.Column("msgid", sa.String(128), nullable=False),
    sa.Column("recalled_by", sa.String(16), nullable=False),
    at("recalled_at"),
    sa.UniqueConstraint("source", "msgid"),
)

media = sa.Table(
    "media",
    metadata,
    key(),
    refers("message_id", "message"),
    sa.Column("platform_id", sa.String(256), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    at("due_at"),
    sa.Column("digest", sa.String(64), nullable=False, server_default=""),
    sa.Column("size_bytes", BigId, nullable=False, server_default="0"),
    sa.Column("content_type", sa.String(128), nullable=False, server_default=""),
    sa.Column("error", sa.Text),
    *lease(),
    sa.UniqueConstraint("message_id"),
    partial("ix_media_waiting", "due_at", where="state = 'due'"),
    partial("ix_media_leased", "lease_until", where="state = 'claimed'"),
)

turn = sa.Table(
    "turn",
    metadata,
    key(),
    refers("conversation_id", "conversation"),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("is_complete", sa.Boolean, nullable=False),
    sa.Column("first_message_id", BigId, nullable=False),
    sa.Column("last_message_id", BigId, nullable=False),
    at("opened_at"),
    at("due_at"),
    at("finished_at", nullable=True),
    sa.Column("decision", sa.String(16), nullable=False, server_default=""),
    sa.Column("blocked", sa.String(64), nullable=False, server_default=""),
    sa.Column("round", sa.Integer, nullable=False, server_default="0"),
    sa.Column("error", sa.Text),
    *lease(),
    partial("ix_turn_waiting", "due_at", where="state = 'open'"),
    partial("ix_turn_leased", "lease_until", where="state = 'claimed'"),
    sa.Index("ix_turn_conversation", "conversation_id", "id"),
    partial("ix_turn_unfinished", "conversation_id", where="state IN ('open', 'claimed')"),
)

match = sa.Table(
    "match",
    metadata,
    key(),
    refers("turn_id", "turn"),
    sa.Column("rank", sa.Integer, nullable=False),
    sa.Column("faq_id", sa.String(64), nullable=False),
    sa.Column("score", sa.Float, nullable=False),
    sa.Column("confidence", sa.Float, nullable=False, server_default="0"),
    sa.Column("reasons", sa.JSON, nullable=False),
    refers("content_version_id", "content_version", nullable=True),
    sa.Column("was_used", sa.Boolean, nullable=False),
    at("matched_at"),
    sa.Index("ix_match_turn", "turn_id"),
)

# Written out, and asked in these words: SQLite takes a partial index only when the query's condition is written alike.
# Without statistics it would rather take ix_delivery_state and sort; "NOT state <> 'due'" leaves it no choice.
# What goes to staff and groups comes in great numbers and may take long: files are uploaded on the way.
DUE_IN_BULK = "NOT state <> 'due' AND act IN ('mass_send', 'card', 'chat', 'group_welcome')"
DUE_TO_CUSTOMERS = "NOT state <> 'due' AND act NOT IN ('mass_send', 'card', 'chat', 'group_welcome')"
SENT_IN_MASS = "channel = 'mass'"

delivery = sa.Table(
    "delivery",
    metadata,
    key(),
    sa.Column("key", sa.String(64), nullable=False, unique=True),
    sa.Column("act", sa.String(16), nullable=False),
    sa.Column("send_class", sa.Integer, nullable=False),
    sa.Column("purpose", sa.String(16), nullable=False),
    sa.Column("channel", sa.String(16), nullable=False),
    refers("conversation_id", "conversation", nullable=True),
    refers("turn_id", "turn", nullable=True),
    sa.Column("recipient", sa.String(64), nullable=False, server_default=""),
    sa.Column("reply_id", sa.String(64), nullable=False, server_default=""),
    sa.Column("faq_id", sa.String(64), nullable=False, server_default=""),
    sa.Column("line", sa.String(16), nullable=False, server_default=""),
    refers("content_version_id", "content_version", nullable=True),
    sa.Column("body", sa.JSON, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    at("created_at"),
    at("due_at"),
    at("expires_at", nullable=True),
    at("attempted_at", nullable=True),
    at("finished_at", nullable=True),
    sa.Column("receipt", sa.Text, nullable=False, server_default=""),
    sa.Column("outcome", sa.String(64), nullable=False, server_default=""),
    sa.Column("error", sa.Text),
    *lease(),
    partial("ix_delivery_due_bulk", "due_at", "id", where=DUE_IN_BULK),
    partial("ix_delivery_due_customer", "due_at", "id", where=DUE_TO_CUSTOMERS),
    partial("ix_delivery_leased", "lease_until", where="state IN ('claimed', 'attempting')"),
    partial(
        "ix_delivery_unfinished",
        "conversation_id",
        "id",
        where="state IN ('due', 'claimed', 'attempting', 'held')",
    ),
    sa.Index("ix_delivery_conversation", "conversation_id", "id"),
    sa.Index("ix_delivery_state", "state", "created_at"),
    sa.Index("ix_delivery_turn", "turn_id"),
    partial("ix_delivery_by_hand", "reply_id", where="channel = 'sidebar'"),
    partial("ix_delivery_mass", "recipient", "attempted_at", where=SENT_IN_MASS),
)

satisfaction = sa.Table(
    "satisfaction",
    metadata,
    key(),
    refers("conversation_id", "conversation"),
    refers("delivery_id", "delivery"),
    sa.Column("servicer_id", sa.String(64), nullable=False, server_default=""),
    at("asked_at"),
    at("answered_at", nullable=True),
    sa.Column("score", sa.Integer),
    sa.Index("ix_satisfaction_conversation", "conversation_id", "id"),
    sa.UniqueConstraint("delivery_id"),
)

# --- group SOPs --------------------------------------------------------------------------------------------

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

# --- attention of staff ------------------------------------------------------------------------------------

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

# --- work --------------------------------------------------------------------------------------------------

case = sa.Table(
    "case",
    metadata,
    key(),
    sa.Column("kind", sa.String(16), nullable=False),
    refers("customer_id", "customer", nullable=True),
    refers("conversation_id", "conversation", nullable=True),
    sa.Column("reason", sa.String(64), nullable=False),
    sa.Column("owner", sa.String(64), nullable=False, server_default=""),
    sa.Column("state", sa.String(16), nullable=False),
    at("opened_at"),
    at("due_at"),
    at("closed_at", nullable=True),
    sa.Index("ix_case_state", "state", "due_at"),
    sa.Index("ix_case_conversation", "conversation_id"),
)

case_entry = sa.Table(
    "case_entry",
    metadata,
    key(),
    refers("case_id", "case"),
    at("at"),
    sa.Column("actor", sa.String(64), nullable=False),
    sa.Column("act", sa.String(32), nullable=False),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    refers("message_id", "message", nullable=True),
    sa.Index("ix_case_entry_case", "case_id", "id"),
)

line_stop = sa.Table(
    "line_stop",
    metadata,
    key(),
    sa.Column("line", sa.String(16), nullable=False),
    at("stopped_at"),
    sa.Column("stopped_by", sa.String(64), nullable=False),
    sa.Column("reason", sa.Text, nullable=False, server_default=""),
    at("resumed_at", nullable=True),
    sa.Column("resumed_by", sa.String(64), nullable=False, server_default=""),
    partial("uq_line_stop_current", "line", where="resumed_at IS NULL", unique=True),
)

# --- content -----------------------------------------------------------------------------------------------

content_version = sa.Table(
    "content_version",
    metadata,
    key(),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("key", sa.String(64), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("body", sa.JSON, nullable=False),
    at("loaded_at"),
    sa.UniqueConstraint("kind", "key", "digest"),
)

approval = sa.Table(
    "approval",
    metadata,
    key(),
    refers("content_version_id", "content_version"),
    sa.Column("approved_by", sa.String(64), nullable=False),
    at("approved_at"),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.Index("ix_approval_version", "content_version_id"),
)

# --- who may ------------------------------------------------------------------------------------------------

login = sa.Table(
    "login",
    metadata,
    key(),
    sa.Column("name", sa.String(64), nullable=False, unique=True),
    sa.Column("display_name", sa.String(64), nullable=False, server_default=""),
    sa.Column("password_hash", sa.Text, nullable=False, server_default=""),
    refers("staff_id", "staff", nullable=True),
    at("created_at"),
    at("disabled_at", nullable=True),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
    at("locked_until", nullable=True),
)

role = sa.Table(
    "role",
    metadata,
    key(),
    refers("login_id", "login"),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("granted_by", sa.String(64), nullable=False),
    at("granted_at"),
    sa.UniqueConstraint("login_id", "role"),
)

login_session = sa.Table(
    "login_session",
    metadata,
    sa.Column("token_digest", sa.String(64), primary_key=True),
    refers("login_id", "login"),
    at("created_at"),
    at("expires_at"),
    at("seen_at"),
    at("revoked_at", nullable=True),
    sa.Column("csrf", sa.String(64), nullable=False),
    sa.Index("ix_login_session_login", "login_id"),
)

access_log = sa.Table(
    "access_log",
    metadata,
    key(),
    at("at"),
    sa.Column("actor", sa.String(64), nullable=False),
    sa.Column("act", sa.String(32), nullable=False),
    sa.Column("subject", sa.String(128), nullable=False),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.Index("ix_access_log_at", "at"),
)

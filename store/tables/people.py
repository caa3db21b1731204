"""Customers, members of staff, and who has whom."""

from __future__ import annotations

import sqlalchemy as sa

from store.columns import BigId, at, key, partial, refers
from store.tables.naming import metadata

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

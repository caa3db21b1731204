"""Alembic's entry: runs revisions on the connection that store/schema.py hands over."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context

from store.columns import UtcTime
from store.tables import metadata


def _render(type_: str, item: Any, autogen_context: Any) -> str | Literal[False]:
    """Write our own time type by name when a revision is generated."""
    if type_ == "type" and isinstance(item, UtcTime):
        autogen_context.imports.add("from store.columns import UtcTime")
        return "UtcTime()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    render_item=_render,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()

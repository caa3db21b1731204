"""Alembic's entry: runs revisions on the connection that store/schema.py hands over."""

from __future__ import annotations

from alembic import context

from store.columns import UtcTime
from store.tables import metadata


def _render(type_: str, item: object, autogen_context: object) -> str | bool:
    """Write our own time type by name when a revision is generated."""
    if type_ == "type" and isinstance(item, UtcTime):
        autogen_context.imports.add("from store.columns import UtcTime")  # type: ignore[attr-defined]  # untyped
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

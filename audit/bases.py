"""What sessions are judged by, made from the company's words and the versions of them that were approved.

Made once for each state of the words (bot/library.py notices changes) and used for many sessions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from pydantic import TypeAdapter

from audit.accuracy import Facts
from audit.seen import Basis
from content.loading import Content
from domain.faq import Faq
from store.contents import Version

_FAQ = TypeAdapter(Faq)


def basis_of(content: Content, facts: Facts | None = None) -> Basis:
    """Return what is judged by; without `facts` the entries as the files have them now, at any time."""
    known = Facts.of(content.rubric.facts, content.faqs) if facts is None else facts
    return Basis(rubric=content.rubric, rules=content.rules, signals=content.signals, facts=known)


def facts_of(content: Content, versions: Iterable[Version], *, serves_samples: bool = False) -> Facts:
    """Return the facts through time. `versions`: of the entries, with their approvals (store/contents.list_versions).

    A version holds from its approval until the next one's; in the demo, which `serves_samples`, from when it was read.
    """
    history: dict[str, list[tuple[datetime, Faq]]] = {}
    wanted = {slot.faq_id for slot in content.rubric.facts}
    for one in versions:
        since = one.approved_at or (one.loaded_at if serves_samples else None)
        if one.kind == "faq" and one.key in wanted and since is not None:
            history.setdefault(one.key, []).append((since, _FAQ.validate_python(one.body)))
    if serves_samples:
        history = _from_the_start(history)
    return Facts(content.rubric.facts, history)


def _from_the_start(
    history: Mapping[str, list[tuple[datetime, Faq]]],
) -> dict[str, list[tuple[datetime, Faq]]]:
    """Return the history with each first version holding from ever on: the demo's talks are older than its database."""
    held: dict[str, list[tuple[datetime, Faq]]] = {}
    for key, versions in history.items():
        (since, first), *later = sorted(versions, key=lambda one: one[0])
        held[key] = [(datetime.min.replace(tzinfo=since.tzinfo), first), *later]
    return held

"""The editor's form: what stands in its fields, and the body of the draft they make. Lists have one member a line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from console.visit import Form, cleaned
from content import draft_files
from content.draft_checks import Checked, Mistake
from content.draft_files import Body
from content.knowledge import Knowledge
from content.word_diff import FieldChange
from domain.draft import DraftKind
from domain.faq import Faq
from domain.quick import QuickPhrase
from domain.replies import FixedReply

_LIMIT = 6000
_RULE_ID = re.compile(r"\b[a-z_]+\.[a-z0-9_]+: ")
_LINES = frozenset({"asks", "keywords", "follow_ups"})
_TICKS = frozenset({"risk_lines", "handover", "signals"})


@dataclass(frozen=True, kw_only=True)
class Live:
    """Everything about what stands in the form now. `mistakes`: by field, in the order of the form."""

    kind: DraftKind
    key: str
    body: Body
    checked: Checked
    changes: tuple[FieldChange, ...]
    is_new: bool

    @property
    def mistakes(self) -> list[Mistake]:
        order = draft_files.ORDER.get(self.kind, ())
        places = {key: place for place, key in enumerate(order)}
        return sorted(self.checked.mistakes, key=lambda one: places.get(one.field, len(places)))

    def told(self, mistake: Mistake) -> str:
        """Return what is wrong without what the page shows beside it: the field's name, and the ids of rules."""
        return _RULE_ID.sub("", re.sub(rf"^(?:\w )?{mistake.field} ?", "", mistake.text))


def read(form: Form, kind: DraftKind) -> dict[str, Any]:
    """Return the body that the form says."""
    found: dict[str, Any] = {}
    for key in draft_files.ORDER[kind]:
        if key in draft_files.BY_APPROVAL:
            continue
        if key in _TICKS:
            found[key] = [cleaned(one, 64) for one in form.getall(key, [])]
        elif key in _LINES:
            found[key] = _lines(form, key)
        elif key == "menu":
            found[key] = [_menu_line(line) for line in _lines(form, key)]
        elif key == "handover_at_once":
            found[key] = key in form
        else:
            found[key] = cleaned(form.get(key, ""), _LIMIT)
    name = cleaned(form.get("name", ""), 48)
    if name and found.get("line"):
        found["id"] = f"{found['line']}.{name}"
    return draft_files.canonical(kind, found)


def _lines(form: Form, key: str) -> list[str]:
    return [line.strip() for line in cleaned(form.get(key, ""), _LIMIT).splitlines() if line.strip()]


def _menu_line(line: str) -> dict[str, str]:
    """Return a line of a menu: the id, and after a bar the words shown."""
    name, _, text = line.partition("|")
    return {"id": name.strip(), "text": text.strip()}


def menu_lines(body: Body) -> str:
    """Return the menu of a reply as the form shows it."""
    return "\n".join(
        f"{one['id']} | {one['text']}" if one.get("text") else one["id"] for one in body.get("menu", [])
    )


def kind_of(text: str) -> DraftKind | None:
    """Return the kind a form or address names, None for one the editor does not write."""
    return next((kind for kind in draft_files.ORDER if kind == text), None)


def find_served(kind: str, key: str, knowledge: Knowledge) -> Faq | FixedReply | QuickPhrase | None:
    """Return the text that is served, or else the one of the files."""
    content = knowledge.content
    found: Mapping[str, Mapping[str, Faq | FixedReply | QuickPhrase]] = {
        "faq": {**content.faqs, **knowledge.faqs},
        "reply": {**content.replies, **knowledge.replies},
        "quick": {**content.quick, **knowledge.quick},
    }
    return found.get(kind, {}).get(key)


def is_over(body: Body, today: date) -> bool:
    """Say whether the last day of a body has passed."""
    return bool(body.get("valid_until")) and str(body["valid_until"]) < today.isoformat()


def is_in_files(kind: str, key: str, knowledge: Knowledge) -> bool:
    """Say whether a file has the text, so that it is changed and taken out there."""
    content = knowledge.content
    known = {"faq": content.faqs, "reply": content.replies, "quick": content.quick}
    return key in known.get(kind, {})

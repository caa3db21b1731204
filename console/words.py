"""The Chinese words of the pages: labels of states, kinds and acts, from words.toml.

Code says `words.label("delivery_state", "due")`; a member without a label shows its own name, and
tests/console/test_words.py finds it first.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Words:
    """The labels by section and key."""

    def __init__(self, sections: Mapping[str, Mapping[str, str]]) -> None:
        self._sections = sections

    def label(self, section: str, key: object) -> str:
        """Return the label of `key`, the key itself when there is none."""
        return self._sections.get(section, {}).get(str(key), str(key))

    def outcome(self, text: str, people: Mapping[str, str] | None = None) -> str:
        """Return what became of a delivery: a label, a person's word ("settled by NAME") or a platform's number.

        `people`: what to call somebody, by name.
        """
        by = text.removeprefix("settled by ")
        if by != text:
            return self.label("phrase", "settled").format((people or {}).get(by, by))
        number = text.removeprefix("errcode ")
        if number != text:
            return self.label("phrase", "errcode").format(number)
        share = text.removeprefix("partly ")
        if share != text:
            return self.label("phrase", "partly").format(share)
        return self.label("outcome", text)

    def reason(self, text: str) -> str:
        """Return why a case was opened: a label, or what kept an answer from leaving ("undelivered OUTCOME")."""
        outcome = text.removeprefix("undelivered ")
        if outcome != text:
            return self.label("phrase", "undelivered").format(self.outcome(outcome))
        return self.label("reason", text)

    def repeated(self, note: str) -> str:
        """Return the note of a case that was asked for again: it begins with the reason."""
        words = note.split(" ")
        for count in (3, 2, 1):
            reason = " ".join(words[:count])
            label = self.reason(reason)
            if label != reason:
                return f"{label} {' '.join(words[count:])}".strip()
        return note

    def section(self, name: str) -> Mapping[str, str]:
        """Return all labels of a section in the order of the file."""
        return self._sections[name]

    def has(self, section: str, key: object) -> bool:
        """Say whether there is a label."""
        return str(key) in self._sections.get(section, {})


@functools.cache
def load(*more: Path) -> Words:
    """Return the words that stand beside this file, and those of `more` files; their sections have other names."""
    paths = (Path(__file__).with_name("words.toml"), *more)
    found: dict[str, Any] = {}
    for path in paths:
        found |= tomllib.loads(path.read_text("utf-8"))
    return Words(found)

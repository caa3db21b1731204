"""The history of an enrolment in words: what each line of enrolment_entry says to people. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from console.words import Words
from store.enrolments import Entry

# Acts whose note is a key of these words; a note without a label is shown as it is.
_NOTES = {
    "done": "evidence",
    "missed": "occurrence_reason",
    "skipped": "occurrence_reason",
    "by_hand": "occurrence_reason",
    "blocked": "block_refusal",
    "ended_early": "occurrence_reason",
    "failed": "occurrence_reason",
    "cancelled": "occurrence_reason",
}


def said(entry: Entry, words: Words) -> str:
    """Return what was done: "暂停", of a step "改排"."""
    if entry.act == "moved" and entry.step:
        return words.label("sop_entry", "step_moved")
    return words.label("sop_entry", entry.act)


def noted(entry: Entry, words: Words, people: Mapping[str, str], titles: Mapping[str, str]) -> str:
    """Return the note beside it. `people`: by id, who was followed by whom; `titles`: of templates, by id."""
    match entry.act:
        case "alarm":
            return words.label("quit_alarm", f"alarm.{entry.note.partition(' ')[0]}")
        case "stopped":
            return "、".join(words.label("line", line) for line in entry.note.split(",") if line)
        case "owner_changed" | "owner_left":
            return " → ".join(people.get(name, name) for name in entry.note.split(" → "))
        case "completed":
            return titles.get(entry.note, entry.note)
        case "moved" if entry.step:
            return words.label("occurrence_reason", entry.note)
    section = _NOTES.get(entry.act, "")
    return words.label(section, entry.note) if section else entry.note

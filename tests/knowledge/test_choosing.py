"""Which version of a text is served when files and the editor both bring some."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bot import choosing
from store import contents
from store.contents import Version

START = datetime(2026, 11, 1, tzinfo=UTC)


def version(number: int, digest: str, *, approval: int = 0, **more: Any) -> Version:
    values: dict[str, Any] = {
        "id": number,
        "kind": "faq",
        "key": "loan.prepay",
        "digest": digest,
        "body": {},
        "loaded_at": START + timedelta(days=number),
        "approved_by": "王合规" if approval else "",
        "approved_at": START + timedelta(days=approval) if approval else None,
        "approval_id": approval,
    }
    return Version(**(values | more))


def served(*versions: Version, file: str | None, samples: bool = False) -> str:
    current = {("faq", "loan.prepay"): file} if file else {}
    found = choosing.chosen(versions, current, serves_samples=samples)
    return found[0].digest if found else ""


def test_what_was_decided_in_the_editor_holds_until_the_files_text_is_approved_later() -> None:
    old, edited = version(1, "old", approval=1), version(2, "edited", approval=2, origin=contents.EDITOR)
    changed = version(3, "changed")

    assert served(old, edited, file="old") == "edited"
    assert served(old, edited, changed, file="changed") == "edited"
    assert served(old, edited, version(3, "changed", approval=3), file="changed") == "changed"


def test_a_rollback_is_said_whatever_the_files_have() -> None:
    old, new = version(1, "old", approval=1), version(2, "new", approval=2)
    again = version(1, "old", approval=3, note=contents.ROLLBACK)

    assert served(old, new, file="new") == "new"
    assert served(again, new, file="new") == "old"


def test_an_entry_of_the_editor_alone_is_served_and_one_taken_out_of_the_files_is_not() -> None:
    edited = version(2, "edited", approval=2, origin=contents.EDITOR)

    assert served(edited, file=None) == "edited"
    assert served(version(2, "edited", origin=contents.EDITOR), file=None) == ""
    assert served(version(1, "old", approval=1), edited, file=None) == ""


def test_the_demo_says_a_file_that_changed_after_the_editors_approval() -> None:
    sample, edited = version(1, "sample"), version(2, "edited", approval=3, origin=contents.EDITOR)

    assert served(sample, file="sample", samples=True) == "sample"
    assert served(sample, edited, file="sample", samples=True) == "edited"
    assert served(sample, edited, version(5, "later"), file="later", samples=True) == "later"


def test_without_a_decision_the_files_own_text_comes_first_then_what_was_approved_last() -> None:
    one, two = version(1, "one", approval=4), version(2, "two", approval=3)

    assert served(one, two, file="two") == "two"
    assert served(one, two, version(3, "three"), file="three") == "one"

"""Whose name may stand under an approval: a person's. The shipped texts call their reviewer "sample", who is nobody."""

from __future__ import annotations

from console import words
from content.faq_files import SAMPLE_REVIEWER


def is_usable(name: str) -> bool:
    """Say whether `name` can be a person's: it has a letter and is not the word for samples."""
    bare = name.strip()
    nobody = (SAMPLE_REVIEWER, words.load().label("version_state", "sample"))
    return any(letter.isalpha() for letter in bare) and bare.casefold() not in nobody

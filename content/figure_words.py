"""What the program itself says to staff about figures and questions, from figures.toml.

The words of reports and cards are blocks in content/sop/; these are what fills their slots, and the notices that belong
to no template. None of them goes to customers.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path


class FigureWords:
    """The words by section and key."""

    def __init__(self, sections: Mapping[str, Mapping[str, str]]) -> None:
        self._sections = sections

    def say(self, section: str, key: str, **values: object) -> str:
        """Return the words with their slots filled; a key without words is said as it is."""
        words = self._sections[section].get(key)
        return key if words is None else words.format(**values)

    def keys(self, section: str) -> frozenset[str]:
        """Return what a section has words for."""
        return frozenset(self._sections[section])


@functools.cache
def load() -> FigureWords:
    """Return the shipped words."""
    return FigureWords(tomllib.loads(Path(__file__).with_name("figures.toml").read_text("utf-8")))

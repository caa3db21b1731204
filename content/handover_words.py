"""What the program says to a colleague who gets a customer, from handover.toml. None of it goes to customers."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path

from content.figure_words import FigureWords


@functools.cache
def load() -> FigureWords:
    """Return the shipped words: sections told, line, reason."""
    return FigureWords(tomllib.loads(Path(__file__).with_name("handover.toml").read_text("utf-8")))

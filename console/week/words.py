"""The short words of the pages (words.toml): dates, marks, and why there is nothing to show."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def load() -> Mapping[str, Any]:
    """Return words.toml."""
    return tomllib.loads(Path(__file__).with_name("words.toml").read_text("utf-8"))

"""What staff read when something they tap cannot be done: one sentence a reason, from refusals.toml."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path

from domain.errors import ActRefused


def refused(reason: str, **values: str) -> ActRefused:
    """Return the refusal to raise, `values` in its slots. Raises KeyError for a reason without words; a test looks."""
    return ActRefused(words()[reason].format(**values))


@functools.cache
def words() -> Mapping[str, str]:
    """Return the sentences by reason."""
    text = Path(__file__).with_suffix(".toml").read_text("utf-8")
    found: dict[str, str] = tomllib.loads(text)["refusal"]
    return found

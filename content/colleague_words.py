"""What the program itself says to colleagues in the company's robot and the staff app, from colleagues.toml."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class ColleagueWords:
    """The words by place; the keys of `refused` are those of domain.faq.Refusal, and "head".

    `read`: how a number of a list is answered, e.g. "第二个".
    """

    say: Mapping[str, str]
    mark: Mapping[str, str]
    refused: Mapping[str, str]
    read: Mapping[str, int]


@functools.cache
def load() -> ColleagueWords:
    """Return the shipped words."""
    return ColleagueWords(**tomllib.loads(Path(__file__).with_name("colleagues.toml").read_text("utf-8")))

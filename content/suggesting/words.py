"""What is said to an advisor about a suggestion: why it is offered. From words.toml; none of it goes to customers."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path


def reason(key: str, **values: object) -> str:
    """Return a reason with its slots filled."""
    return _load()["reasons"][key].format(**values)


def signal(kind: str) -> str:
    """Return what a sign in the customer's words means for the advisor."""
    return _load()["signals"].get(kind, kind)


def fact(kind: str) -> str:
    """Return what a fact about a customer is called."""
    return _load()["facts"].get(kind, kind)


@functools.cache
def _load() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads(Path(__file__).with_name("words.toml").read_text("utf-8"))

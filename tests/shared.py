"""Paths in ../shared, a folder beside the checkout with vectors and question sets that are not part of it.

A test that needs it says `shared.path("wecom/vectors.json")` and is skipped, with the reason that
tests/plugins/required.py knows, where the folder is absent.
"""

from __future__ import annotations

from pathlib import Path

import pytest

ABSENT = "../shared is absent"
_FOLDER = Path(__file__).resolve().parents[2] / "shared"


def path(name: str) -> Path:
    """Return the path of a file or folder of ../shared; without it skip the test, or the whole module."""
    found = _FOLDER / name
    if not found.exists():
        pytest.skip(f"{ABSENT}: {name}", allow_module_level=True)
    return found

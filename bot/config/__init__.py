"""The configuration: one table of settings, read from TOML and the environment.

`table.py` is the table; `reading.py` fills it and reports every mistake at once; `rules.py` holds what no
single key can know; `rendering.py` turns the table into config.example.toml, docs/configuration.md and the
masked view.
Read settings in bot/app.py and the command line only; pass values on.
"""

from __future__ import annotations

from bot.config.reading import SoFar, build, load, load_so_far
from bot.config.rendering import documentation, example, masked, masked_text
from bot.config.rules import OFFICIAL_API, warnings
from bot.config.table import Receiver, Settings, parse_hours

__all__ = [
    "OFFICIAL_API",
    "Receiver",
    "Settings",
    "SoFar",
    "build",
    "documentation",
    "example",
    "load",
    "load_so_far",
    "masked",
    "masked_text",
    "parse_hours",
    "warnings",
]

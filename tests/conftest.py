"""Loads the fixtures of tests/plugins, so that every test can use them without an import."""

from __future__ import annotations

pytest_plugins = [
    "tests.plugins.memory",
    "tests.plugins.workers",
    "tests.plugins.required",
    "tests.plugins.loopback",
    "tests.plugins.laws",
    "tests.plugins.clock",
    "tests.plugins.postgres",
    "tests.plugins.database",
    "tests.plugins.words",
    "tests.plugins.browser",
    "tests.plugins.rubbish",
    "tests.plugins.tidy",
]

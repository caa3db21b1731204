"""The console's pages with a desk behind them."""

from __future__ import annotations

from tests.console.conftest import pages, serve  # noqa: F401 - fixtures of the pages

"""The pages of staff and of the console, for tests of verdicts and false alarms."""

from __future__ import annotations

from tests.console.conftest import pages, serve  # noqa: F401 - fixtures of the pages
from tests.sidebar.conftest import box, phone, serve_phone  # noqa: F401 - fixtures of the phone page

"""The phone page with a watcher beside it that a test moves by hand, and conversations to look at."""

from __future__ import annotations

from tests.sidebar.conftest import box, phone, serve_phone  # noqa: F401 - fixtures of the phone page

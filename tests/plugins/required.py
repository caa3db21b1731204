"""REQUIRE_ALL=1: a test that does not run is a failure.

Used by .ci/run. Only an absent ../shared may skip (tests/shared.py). An expected failure must name its
issue, as in `xfail(reason="#12: …")`, else it fails too.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator
from typing import Any, TypeVar

import pytest

from tests import shared

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

_REQUIRED = os.environ.get("REQUIRE_ALL") == "1"
_NAMES_AN_ISSUE = re.compile(r"#\d+")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    return _judge(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    return _judge(report)


def _judge(report: Report) -> Report:
    if not _REQUIRED or report.outcome != "skipped":
        return report
    expected = getattr(report, "wasxfail", None)
    if expected is not None and _NAMES_AN_ISSUE.search(expected):
        return report
    reason = _reason(report) if expected is None else f"an expected failure without its issue: {expected}"
    if not reason.startswith(shared.ABSENT):
        report.outcome = "failed"
        report.longrepr = f"REQUIRE_ALL=1 allows no skip. {reason}"
        if expected is not None:
            del report.wasxfail
    return report


def _reason(report: Any) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return str(text).removeprefix("Skipped: ")

"""What a check of the doctor says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a check ended."""

    OK = "ok"  # As it must be.
    WARN = "warn"  # Works, and somebody should look.
    FAIL = "fail"  # Does not work; mend it before going live.
    SKIP = "skip"  # Could not be checked, or does not apply here.


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of the report, in Chinese. `check`: short name; `fix`: what to do, empty when all is well."""

    check: str
    state: State
    sentence: str
    fix: str = ""


def ok(check: str, sentence: str) -> Finding:
    return Finding(check=check, state=State.OK, sentence=sentence)


def warn(check: str, sentence: str, fix: str) -> Finding:
    return Finding(check=check, state=State.WARN, sentence=sentence, fix=fix)


def fail(check: str, sentence: str, fix: str) -> Finding:
    return Finding(check=check, state=State.FAIL, sentence=sentence, fix=fix)


def skip(check: str, sentence: str, fix: str = "") -> Finding:
    return Finding(check=check, state=State.SKIP, sentence=sentence, fix=fix)


def configuration_failed(problem: str) -> Finding:
    """Return the finding for a mistake in the settings; without settings nothing else can be checked."""
    return fail("配置", problem, "改正后重新运行 guanjia doctor")

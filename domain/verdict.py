"""What the check says of words a person is about to send, who may speak for a line, and words the check got wrong.

`handlers/verdicts.py` and `handlers/qualification.py` make them, the sidebar shows them; false alarms are kept by
store/false_alarms.py and decided in the console.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from domain.compliance import Problem, Severity
from domain.faq import Line


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What is wrong with words before they are sent, and how the same may lawfully be said.

    `problems`: the worst first. `rewrite`: the whole text as it may be sent, "" where nothing has to change or nobody
    has written what to say instead. `missing`: lines that must stand in the text and do not; the rewrite has them.
    """

    problems: tuple[Problem, ...]
    rewrite: str = ""
    missing: tuple[str, ...] = ()

    @property
    def is_blocked(self) -> bool:
        """Whether the words may not be sent by a person: S0 or S1 (compliance.md §2)."""
        return any(problem.severity <= Severity.S1 for problem in self.problems)

    @property
    def blocking(self) -> tuple[Problem, ...]:
        """The problems of S0 and S1."""
        return tuple(problem for problem in self.problems if problem.severity <= Severity.S1)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """The problems of S2 and S3: shown, and the words may be sent."""
        return tuple(problem for problem in self.problems if problem.severity > Severity.S1)


@dataclass(frozen=True, kw_only=True)
class Qualification:
    """Whether a member of staff may speak for a line today.

    `number`, `valid_until`: of the registration that is good the longest, "" and None without one. `problems`: why
    not, or that it ends within 30 days. A line that needs no registration is open to everybody.
    """

    line: Line
    is_qualified: bool
    number: str = ""
    valid_until: date | None = None
    problems: tuple[Problem, ...] = ()


class AlarmState(StrEnum):
    """What became of a false alarm."""

    OPEN = "open"  # Waits for compliance.
    AGREED = "agreed"  # The check was wrong; the rule's keeper has to mend it.
    DECLINED = "declined"  # The check was right.


@dataclass(frozen=True, kw_only=True)
class AlarmRule:
    """A rule that spoke, as it stood when the false alarm was told. `said`: the words it pointed at."""

    rule_id: str
    label: str
    severity: str
    said: str
    message: str


@dataclass(frozen=True, kw_only=True)
class FalseAlarm:
    """An advisor's word that the check was wrong about a text (误报)."""

    id: int
    staff_platform_id: str
    conversation_id: int | None
    text: str
    rules: tuple[AlarmRule, ...]
    rules_version: str
    told_at: datetime
    state: AlarmState
    decided_by: str = ""
    decided_at: datetime | None = None
    note: str = ""

"""Records of the wording check. The rules and the check itself are content/compliance.py."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from domain.faq import Line

# The 22 kinds of violation (compliance.md §2); docs/rules.md explains each.
LABELS = frozenset(
    [
        "GUARANTEE",
        "EXAGGERATE",
        "DEPOSIT_CONFUSION",
        "DISPARAGE",
        "LOAN_INSIDER",
        "CREDIT_REPAIR",
        "PROXY_SURRENDER",
        "REBATE",
        "NONDISCLOSURE",
        "SUITABILITY",
        "COLLECTION",
        "SENSITIVE_REQUEST",
        "OFFBOOK",
        "FALSE_URGENCY",
        "PRIVACY_LEAK",
        "TYING",
        "HIDDEN_COST",
        "FORGED_MATERIAL",
        "FALSE_AUTHORITY",
        "ILLEGAL_FINANCE",
        "CLAIMS_MISLEAD",
        "ABUSE",
    ]
)
# Further labels of problems, beside the 22: they say what is missing or who may not speak, and are no red lines.
DISCLOSURE = "DISCLOSURE"
ENTITY_MODE = "ENTITY_MODE"
REGISTRATION = "REGISTRATION"


class Severity(StrEnum):
    """How bad a problem is (compliance.md §2). `<` follows the name: S0 sorts first and is the worst."""

    S0 = "S0"  # Block and alert at once, a red line in the audit.
    S1 = "S1"  # Block, needs a supervisor.
    S2 = "S2"  # Block or rewrite: a mandatory disclosure is missing.
    S3 = "S3"  # Warn and log.


class Speaker(StrEnum):
    """Who says the words."""

    BOT = "bot"  # An automatic reply.
    ADVISOR = "advisor"  # A member of staff to one customer.
    GROUP = "group"  # Staff to a group of customers.
    CUSTOMER = "customer"  # A customer; logged, never blocked.


class Audience(StrEnum):
    """Who reads the words."""

    CUSTOMER = "customer"  # One customer.
    GROUP = "group"  # A customer group.
    STAFF = "staff"  # Colleagues only, e.g. a training note; no disclosure is asked for.


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing in a text that must not be said.

    `span`: half-open character range in the raw text; (0, 0) when something is missing rather than present.
    `label`: one of LABELS, or DISCLOSURE, ENTITY_MODE, REGISTRATION. `message`: Chinese, for the person who reads it.
    `rule_version`: 12 hex digits over the rule's content, "" where no rule of the files decided.
    """

    rule_id: str
    label: str
    severity: Severity
    span: tuple[int, int]
    message: str
    rule_version: str = ""


@dataclass(frozen=True, kw_only=True)
class Registration:
    """A licence of a member of staff to speak for a line (执业登记). Good through `valid_until`, that day included."""

    line: Line
    number: str
    valid_until: date


@dataclass(frozen=True, kw_only=True)
class SpreadProblem:
    """A problem that only shows when consecutive messages of one sender are read together (compliance.md §3.9).

    `spans`: (index of the message, half-open range in its text), at least two messages.
    """

    problem: Problem
    spans: tuple[tuple[int, tuple[int, int]], ...]

"""Records of the wording check. The rules and the check itself are content/compliance.py."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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
    `label`: one of the 22 labels of the rule table, or DISCLOSURE. `message`: Chinese, for the person who
    reads it.
    """

    rule_id: str
    label: str
    severity: Severity
    span: tuple[int, int]
    message: str

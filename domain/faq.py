"""Records of the FAQ: an entry, a match of a customer's words with it, and what was decided.

Pure data. Files are read by content/loading.py, matching is content/matching.py, the rule of what may be
served is content/serving.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class Line(StrEnum):
    """A product line; licences, stops and responsibilities are held per line."""

    LOAN = "loan"  # 贷款
    INSURANCE = "insurance"  # 保险
    WEALTH = "wealth"  # 理财与基金
    SERVICE = "service"  # 通用服务：身份、隐私、投诉、群规


class EntityMode(StrEnum):
    """What the company may say about a line (faq_facts §0: 金融产品网络营销管理办法, 2026-09-30)."""

    LICENSED = "licensed"  # The company holds the licence: general and product questions.
    PLATFORM = "platform"  # No licence: general knowledge and service only; product questions are referred.
    OFF = "off"  # The line is not offered at all.


class Scope(StrEnum):
    """Whether an entry is general knowledge or about a product."""

    GENERAL = "G"  # Safe in both modes.
    PRODUCT = "P"  # Only where the line is licensed.


class HandoverCode(StrEnum):
    """Why a person takes over (faq_facts, hand-off codes)."""

    H1 = "H1"  # Asks for a person, or unsatisfied twice.
    H2 = "H2"  # Complaint, threat, press, regulator, lawyer, self-harm.
    H3 = "H3"  # Facts of the customer's own account: limit, instalment, policy, claim.
    H4 = "H4"  # Asks which product, or whether it suits.
    H5 = "H5"  # A legal dispute.
    H6 = "H6"  # Asks for a figure that only the contract knows.
    H7 = "H7"  # Suspected fraud; the fraud line goes along.
    H8 = "H8"  # Elderly, minor or otherwise vulnerable.
    H9 = "H9"  # The entry has expired, or the bot is not sure.


class Refusal(StrEnum):
    """Why an entry may not be served now; the first that holds, in this order."""

    STOPPED = "stopped"  # A person stopped the line (`guanjia stop LINE`).
    LINE_OFF = "line_off"  # The line's entity mode is off.
    PLATFORM_SCOPE = "platform_scope"  # A product entry where the company is only a platform.
    UNAPPROVED = "unapproved"  # Nobody of the company has approved this version.
    NOT_YET_VALID = "not_yet_valid"  # valid_from lies ahead.
    EXPIRED = "expired"  # valid_until, or the rule's own end, has passed.


class Choice(StrEnum):
    """What the matches of one question allow."""

    ANSWER = "answer"  # One entry is clearly meant.
    MENU = "menu"  # Up to three entries may be meant; the customer picks.
    UNKNOWN = "unknown"  # Nothing fits well enough; ask again or hand over.


@dataclass(frozen=True, kw_only=True)
class Faq:
    """One question the company answers, with the answer's legal source and dates.

    `answer` carries no risk lines; content.loading.Content.answer_text joins both. `handover_at_once`: give
    the answer and a person in the same turn (fraud, self-harm), instead of a one-tap offer. `valid_until` and
    `fact_valid_until` are the last day the entry may be served; the second is the end of the rule itself.
    `digest`: SHA-256 hex over what a reviewer approves, so a changed text is a new version.
    """

    id: str  # "loan.prepay"
    line: Line
    source_id: str  # The fact entry it was written from, e.g. "L09".
    question: str
    asks: tuple[str, ...]
    keywords: tuple[str, ...]
    answer: str
    risk_lines: tuple[str, ...]
    handover: tuple[HandoverCode, ...]
    handover_at_once: bool
    scope: Scope
    source: str  # Law and article, for the compliance officer.
    reviewer: str
    reviewed_on: date
    valid_from: date
    valid_until: date
    fact_valid_until: date | None
    follow_ups: tuple[str, ...]  # Ids of entries customers ask next.
    digest: str
    file: str  # Relative path for messages, "content/faq/loan.toml".
    lineno: int

    @property
    def menu_id(self) -> str:
        """The entry's id in a clickable menu."""
        return menu_id(self.id)

    @property
    def last_valid_on(self) -> date:
        """The last day the entry may be served."""
        return min(self.valid_until, self.fact_valid_until or self.valid_until)


@dataclass(frozen=True, kw_only=True)
class Match:
    """How well one entry fits one question.

    `score` is 0..1 and comparable between questions; `reasons` are Chinese sentences for the console.
    """

    faq_id: str
    score: float
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Where the matcher answers by itself; set on real questions, see docs/content.md."""

    answer_score: float = 0.36  # At or above: one entry is clearly meant.
    answer_margin: float = 0.06  # The runner-up must be at least this much worse.
    menu_score: float = 0.27  # At or above: worth showing in a menu.
    menu_size: int = 3


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What the matches allow: one match for an answer, one to three for a menu, none for unknown."""

    choice: Choice
    matches: tuple[Match, ...] = field(default=())


def menu_id(entry_id: str) -> str:
    """Return the id of an entry in a clickable menu ([a-zA-Z0-9_] only, WeCom doc 94677)."""
    return "faq_" + entry_id.replace(".", "_")

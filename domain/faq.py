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
    EXPIRED = "expired"  # valid_until has passed, or the rule's own end without words for the time after it.
    OWN_MISSING = "own_missing"  # The company has not yet written its own steps (content/own/*.toml).


class Choice(StrEnum):
    """What the matches of one question allow."""

    ANSWER = "answer"  # One entry is clearly meant.
    MENU = "menu"  # Up to three entries may be meant; the customer picks.
    UNKNOWN = "unknown"  # Nothing fits well enough; ask again or hand over.


@dataclass(frozen=True, kw_only=True)
class Faq:
    """One question the company answers, with the answer's legal source and dates.

    `answer` carries no risk lines; content.loading.Content.answer_text joins both. `short` says the same in a sentence
    or two, for two answers in one message. `handover_at_once`: give the answer and a person in the same turn (fraud,
    self-harm), instead of a one-tap offer. `valid_until` is the last day the entry may be served, `fact_valid_until`
    the last day of the rule itself; from then on `lapsed` is said. `calculation` names what content/reckoning works
    out from the customer's own numbers, `computed` says the result. `missing_own`: the company's own texts that the
    answer needs and nobody has written yet. `answer_source`: the answer as its author wrote it, with `{own.…}` where
    those texts stand; empty when it holds none. `digest`: SHA-256 hex over what a reviewer approves, so a changed text
    is a new version.
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
    short: str = ""
    lapsed: str = ""
    calculation: str = ""
    computed: str = ""
    missing_own: tuple[str, ...] = ()
    answer_source: str = ""

    @property
    def menu_id(self) -> str:
        """The entry's id in a clickable menu."""
        return menu_id(self.id)

    @property
    def last_valid_on(self) -> date:
        """The last day the entry may be served."""
        if self.lapsed:
            return self.valid_until
        return min(self.valid_until, self.fact_valid_until or self.valid_until)

    def next_end(self, today: date) -> date:
        """Return the next day on which the entry changes by itself: the rule ends, or else the entry."""
        ends = self.fact_valid_until
        return ends if ends is not None and today <= ends < self.valid_until else self.last_valid_on

    def has_lapsed(self, today: date) -> bool:
        """Say whether the rule behind the answer has ended, so that only `lapsed` is true now."""
        return self.fact_valid_until is not None and today > self.fact_valid_until

    def answer_on(self, today: date) -> str:
        """Return what is true on a day: the answer, or what is said once the rule has ended."""
        return self.lapsed if self.lapsed and self.has_lapsed(today) else self.answer

    def short_on(self, today: date) -> str:
        """Return the short form of `answer_on`; the whole where no short one was written."""
        if self.has_lapsed(today):
            return self.answer_on(today)
        return self.short or self.answer


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What one layer of the matcher says for or against an entry. `score`: 0..1; `detail`: Chinese, for people."""

    layer: str  # "words", "letters", "pinyin", "meaning" …; console/words.toml has the Chinese names.
    score: float
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Match:
    """How well one entry fits one question.

    `score` 0..1 orders the entries; `confidence` 0..1 is the calibrated probability that this entry is what the
    customer means, comparable between questions and knowledge bases. `reasons` are Chinese sentences for the console.
    """

    faq_id: str
    score: float
    confidence: float = 0.0
    reasons: tuple[str, ...] = ()
    layers: tuple[Evidence, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Where the matcher answers by itself; set on real questions, see docs/content.md."""

    answer_at: float = 0.8  # Confidence from which an entry is answered,
    answer_at_by_words: float = 0.87  # and where the meaning was not compared, only words.
    menu_at: float = 0.08  # Worth showing in a menu.
    menu_size: int = 3

    def answer_at_for(self, match: Match) -> float:
        """Return from which confidence this match is answered: more is asked where only words were compared."""
        by_meaning = any(evidence.layer == "meaning" for evidence in match.layers)
        return self.answer_at if by_meaning else self.answer_at_by_words


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What the matches allow: one match for an answer (two when both questions of a message are sure), one to three
    for a menu, none for unknown.

    `askings`: for an answer, the part of the message that each match answers. `considered`: the best few of all that
    were compared, for the record, whatever was decided. `has_unclear`: the message asks something else besides, which
    was not understood. `names_others`: it names somebody else's business (支付宝, 医保) that the entries do not know.
    """

    choice: Choice
    matches: tuple[Match, ...] = field(default=())
    askings: tuple[str, ...] = ()
    considered: tuple[Match, ...] = ()
    has_unclear: bool = False
    names_others: bool = False


# What the ids of entries in menus begin with, so that a tap on a withdrawn one is known for what it was.
MENU_PREFIX = "faq_"


def menu_id(entry_id: str) -> str:
    """Return the id of an entry in a clickable menu ([a-zA-Z0-9_] only, WeCom doc 94677)."""
    return MENU_PREFIX + entry_id.replace(".", "_")

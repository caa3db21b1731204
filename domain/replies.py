"""Records of the fixed words and of the signals that call for them.

Pure data. The words themselves are in content/replies/*.toml and content/signals.toml.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.faq import HandoverCode

HANDOVER_MENU_ID = "act_human"
OPT_OUT_MENU_ID = "act_opt_out"


class AnswerKind(StrEnum):
    """What the bot did with a turn; the label of the metric and the column of the conversation page."""

    ANSWER = "answer"  # An entry was sent.
    MENU = "menu"  # Up to three entries were offered.
    CLARIFY = "clarify"  # The customer was asked to say more.
    HANDOVER = "handover"  # A person takes over.
    SMALLTALK = "smalltalk"  # Greeting, thanks, goodbye.
    KIND_REPLY = "kind_reply"  # A picture, voice or the like that the bot cannot read.
    LATE = "late"  # The turn was too old; an apology or a case.
    HOLDING = "holding"  # The line is stopped; the holding line went out.
    SILENT = "silent"  # Nothing is said, e.g. while a person serves.


class SignalKind(StrEnum):
    """What a customer's words show beside their question. In order of urgency."""

    SELF_HARM = "self_harm"  # Danger to life: hand over at once, nothing else.
    FRAUD = "fraud"  # Suspected fraud: the fraud line and a person.
    COMPLAINT = "complaint"  # Complaint, threat, press, regulator, lawyer.
    VULNERABLE = "vulnerable"  # Elderly, minor or otherwise vulnerable.
    HUMAN = "human"  # Asks for a person.
    OPT_OUT = "opt_out"  # Wants no more than service: no advertising, no pushing.
    SENSITIVE = "sensitive"  # An identity or card number, a code: it should not be here.
    CONTACT = "contact"  # Asks for our telephone or our hours.
    SOURCE = "source"  # Asks where the last answer comes from: "有什么依据".
    UNSATISFIED = "unsatisfied"  # Says that the last answer was not it: "答非所问".
    ABUSE = "abuse"  # Swears at us.
    THANKS = "thanks"
    GOODBYE = "goodbye"
    GREETING = "greeting"
    FRAGMENT = "fragment"  # Words that announce a question to come: "想问一下".


@dataclass(frozen=True, kw_only=True)
class SignalHit:
    """A signal found in a text.

    `span`: character range in the normalised text. `code`: the hand-over reason, None for small talk.
    `whole`: the text says nothing else, so a greeting needs no further search for a question. `id`: which signal of
    the content it was, e.g. "minor".
    """

    id: str
    kind: SignalKind
    code: HandoverCode | None
    span: tuple[int, int]
    whole: bool


@dataclass(frozen=True, kw_only=True)
class MenuEntry:
    """One line of a clickable menu.

    `id`: the id of an Faq ("loan.prepay"), or an action ("act_human", "sat_4"). `text`: at most 128 bytes
    UTF-8 (WeCom doc 94677); for an Faq it may be empty, then its question is shown.
    """

    id: str
    text: str


@dataclass(frozen=True, kw_only=True)
class FixedReply:
    """A sentence the bot says word for word, with named slots like {company}.

    `text` goes before the menu, `tail` after it.
    """

    id: str
    text: str
    menu: tuple[MenuEntry, ...]
    tail: str
    slots: frozenset[str]
    digest: str
    file: str
    lineno: int

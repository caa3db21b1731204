"""One session as it looks from one subject: what they said, what the customer said, what is known besides. Pure.

Made by audit/judging.py, read by audit/items_*.py and audit/red_lines.py.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from audit.accuracy import Claim, Facts
from audit.turns import Turn
from content import normalising, rubric, signals
from content.compliance import ComplianceRules
from domain.audit import BOT, Figures, NewPromise, Said, SessionEnd, Slice, Span, TalkKind
from domain.compliance import Problem, Severity, Speaker
from domain.faq import EntityMode, Line
from domain.hours import ServiceHours
from domain.replies import SignalKind
from domain.talk import Author

_REMEMBERED = 16_384  # Texts whose check is remembered; staff repeat themselves.
# The signs a customer gives that the scorecard asks about; the others are the handlers' business.
_SIGNS = frozenset({SignalKind.COMPLAINT, SignalKind.FRAUD, SignalKind.SELF_HARM})
# Signs that the bot's answer was none.
_NO_ANSWER = frozenset({SignalKind.UNSATISFIED, SignalKind.HUMAN})
_SPOKEN_KINDS = frozenset(
    {"text", "link", "msgmenu", "markdown", "mixed"}
)  # Kinds whose words are their text.


@dataclass(frozen=True, kw_only=True)
class Background:
    """What a talk itself does not tell. What is not known stays None or empty, and its items become N/A.

    `first_contact`: the subjects who never spoke with this customer before. `customer_level`: of the risk test, "C2".
    `has_record`: whether a case or a tag was made. `promises`: all words given in this conversation so far, those of
    other sessions too, so that a later session can keep them. `has_times`: False where `sent_at` is made up.
    """

    hours: ServiceHours
    first_contact: frozenset[str] | None = None
    entity_modes: Mapping[Line, EntityMode] = field(default_factory=dict)
    customer_level: str = ""
    has_record: bool | None = None
    promises: tuple[NewPromise, ...] = ()
    has_times: bool = True


class Basis:
    """What is judged by: the scorecard, the wording rules, the signals and the facts. One for many sessions.

    It remembers what it found in a text, so use one as long as the content stays the same.
    """

    def __init__(
        self,
        *,
        rubric: rubric.Rubric,
        rules: ComplianceRules,
        signals: signals.Signals,
        facts: Facts | None = None,
    ) -> None:
        self.rubric = rubric
        self.rules = rules
        self.facts = facts
        self.rules_version = rules.version
        self.check: Callable[..., tuple[Problem, ...]] = functools.lru_cache(_REMEMBERED)(self._check)
        self._signals = tuple(signal for signal in signals.signals if signal.kind in _SIGNS)
        self._no_answer = tuple(signal for signal in signals.signals if signal.kind in _NO_ANSWER)
        self.signs: Callable[[str], frozenset[SignalKind]] = functools.lru_cache(_REMEMBERED)(self._signs)

    def _check(
        self, text: str, speaker: Speaker, line: Line | None = None, mode: EntityMode = EntityMode.LICENSED
    ) -> tuple[Problem, ...]:
        return tuple(self.rules.check_text(text, speaker, line, mode))

    def missing(self, text: str, speaker: Speaker, line: Line) -> set[str]:
        """Return the disclosures that a text about `line` should carry and does not."""
        return {one.rule_id for one in self.rules.check_disclosures(text, speaker, line)}

    def says_no_answer(self, text: str) -> bool:
        """Say whether a customer says that an answer was none, or asks for a person."""
        folded = normalising.folded(text)
        return any(signal.patterns.is_in(folded) for signal in self._no_answer)

    def _signs(self, text: str) -> frozenset[SignalKind]:
        """Return which of complaint, fraud and danger to life a customer's words show."""
        folded = normalising.folded(text)
        return frozenset(signal.kind for signal in self._signals if signal.patterns.is_in(folded))


@dataclass(frozen=True, kw_only=True)
class Told:
    """A message with its words folded once (content/normalising.py)."""

    said: Said
    folded: str

    @property
    def is_bubble(self) -> bool:
        return bool(self.folded)


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What the wording rules found in a subject's words.

    `problems`: in one message, with its place. `spread`: only in several read together, each with the places in them.
    `missing`: a disclosure that a message about a line asks for and does not carry itself.
    """

    speaker: Speaker
    problems: tuple[tuple[Told, Problem], ...] = ()
    spread: tuple[tuple[Told, Problem, tuple[Span, ...]], ...] = ()
    missing: tuple[tuple[Told, Line, Problem], ...] = ()

    def all(self) -> list[tuple[Told, Problem, tuple[Span, ...]]]:
        """Return every problem with its spans."""
        alone = [(told, one, (problem_span(told, one),)) for told, one in self.problems]
        return [*alone, *self.spread]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A session from one subject's side: `told` is all of it, `own` the subject's part, `theirs` the customers'."""

    piece: Slice
    subject: str
    told: tuple[Told, ...]
    own: tuple[Told, ...]
    theirs: tuple[Told, ...]
    figures: Figures | None
    background: Background
    basis: Basis
    session_id: int
    now: datetime
    line: Line | None = None
    turns: tuple[Turn, ...] = ()
    promises: tuple[NewPromise, ...] = ()
    heard: Heard
    claims: tuple[tuple[Told, Claim], ...] = ()

    @property
    def is_bot(self) -> bool:
        return self.subject == BOT

    @property
    def rubric(self) -> rubric.Rubric:
        return self.basis.rubric

    @property
    def typed(self) -> list[Told]:
        """What the subject typed: words that still stand and that nobody scheduled."""
        return [
            one for one in self.own if one.folded and not one.said.is_scheduled and not one.said.is_recalled
        ]

    @property
    def has_gaps(self) -> bool:
        """Whether the subject said something whose words are not known: then nobody can tell what was not said."""
        return any(is_hidden(one.said) for one in self.own)

    @property
    def is_open(self) -> bool:
        """Whether the talk may go on, so that what is missing may still come."""
        return self.piece.end is SessionEnd.OPEN

    def spans(self, name: str, told: Told) -> list[Span]:
        """Return where a wording of the scorecard stands in a message."""
        found = self.rubric.words[name].spans(told.folded)
        return [span_of(told, place) for place in found]

    def has(self, name: str, told: Told) -> bool:
        """Say whether a message has a wording of the scorecard."""
        return self.rubric.words[name].is_in(told.folded)

    def any_has(self, name: str, told: list[Told] | tuple[Told, ...]) -> bool:
        return any(self.has(name, one) for one in told)


def is_hidden(said: Said) -> bool:
    """Say whether the words of a message are not known: withheld, erased, a voice, a call."""
    return not said.is_seen or said.kind in _HEARD


_HEARD = frozenset({"voice", "meeting_voice_call", "voip_doc_share", "video", "call"})


def told_of(said: Said) -> Told:
    """Return a message with its words folded; a message nobody can read has none."""
    return Told(said=said, folded=normalising.folded(said.text) if said.text and said.is_seen else "")


def span_of(told: Told, place: tuple[int, int]) -> Span:
    """Return a place of the folded words in the raw text."""
    raw = told.said.text
    if len(raw) == len(told.folded):
        return Span(message_id=told.said.id, start=place[0], end=place[1])
    origin = [at for at, letter in enumerate(raw) for _ in normalising.folded(letter)]
    if len(origin) != len(told.folded) or not origin:
        return Span(message_id=told.said.id, start=0, end=len(raw))
    return Span(message_id=told.said.id, start=origin[place[0]], end=origin[place[1] - 1] + 1)


def whole(told: Told) -> Span:
    """Return the span of a message as a whole."""
    return Span(message_id=told.said.id)


def quoted(told: Told, span: Span, limit: int = 30) -> str:
    """Return the words at a span, cut short, for a note."""
    words = told.said.text[span.start : span.end] if span.end else told.said.text
    words = " ".join(words.split())
    return words if len(words) <= limit else f"{words[:limit]}…"


def speaker_of(piece: Slice, subject: str) -> Speaker:
    """Return as whom the wording rules hear a subject."""
    if subject == BOT:
        return Speaker.BOT
    return Speaker.GROUP if piece.kind is TalkKind.GROUP else Speaker.ADVISOR


def is_customer(said: Said) -> bool:
    return said.author is Author.CUSTOMER


def is_red(problem: Problem) -> bool:
    """Say whether a problem is a red line: severity S0 (quality_audit.md §2)."""
    return problem.severity is Severity.S0


def problem_span(told: Told, problem: Problem) -> Span:
    """Return where a problem of the wording rules stands; their ranges are of the raw text already."""
    return Span(message_id=told.said.id, start=problem.span[0], end=problem.span[1])

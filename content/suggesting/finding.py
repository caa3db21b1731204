"""Where words may come from: entries, quick phrases, the advisor's own, each with how well it fits what is asked.

Pure. Nothing is left out for what it says here; whether it may be said is asked in choosing.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from content import followups
from content.knowledge import Knowledge
from content.suggesting import learning, own_words, shelf, words
from content.suggesting.learning import Name
from content.suggesting.reading import Asked
from domain.faq import Choice, Decision, Line, Match
from domain.replies import SignalHit, SignalKind
from domain.suggestion import OwnWording, SuggestionSource

# Confidence below which an entry is not worth a glance. Measured with `guanjia suggest bench` (docs/suggestions.md).
LEAST = 0.015
# What customers ask next after an entry that is clearly meant comes last, unless votes say more.
_CLEAR, _NEXT = 0.6, 0.001
_FIGURES = 0.9  # Confidence that figures alone belong to what was asked before.
# Phrases are few and matched by words alone, so the matcher's confidence says little: what is asked must be alike too.
_LEAST_PHRASE, _LEAST_ALIKE = 0.3, 0.5
_PHRASE_WEIGHT = 0.9
_OWN_SAME, _OWN_LIKE = 0.8, 0.7
_MOST_OWN = 3
# Where a phrase for a sign begins: danger and complaints go before everything else.
_SIGNALS = {
    SignalKind.SELF_HARM: 1.0,
    SignalKind.FRAUD: 0.98,
    SignalKind.COMPLAINT: 0.96,
    SignalKind.VULNERABLE: 0.6,
    SignalKind.HUMAN: 0.6,
    SignalKind.OPT_OUT: 0.9,
    SignalKind.SENSITIVE: 0.9,
    SignalKind.ABUSE: 0.7,
    SignalKind.UNSATISFIED: 0.6,
}
_PLAIN_SIGNAL = 0.5


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """Words that may fit. `score`: 0 to 1, falling in the order the matcher gave; `own`: for words of the advisor."""

    source: SuggestionSource
    source_id: str
    line: Line | None
    score: float
    reasons: tuple[str, ...]
    own: OwnWording | None = None

    @property
    def name(self) -> Name:
        return self.source, self.source_id


@dataclass(frozen=True, kw_only=True)
class Found:
    """Everything that may fit, the likeliest first. `nearest`: the line the question is about, None where unclear."""

    asked: Asked
    question_key: str
    decision: Decision
    candidates: tuple[Candidate, ...]
    nearest: Line | None


def find(knowledge: Knowledge, asked: Asked, *, topic_id: str = "", own: Sequence[OwnWording] = ()) -> Found:
    """Return what may fit. Takes 10 to 30 ms where meanings are compared; call it in a thread."""
    topic_id = topic_id or _topic_of(knowledge, asked)
    decision = (
        Decision(choice=Choice.UNKNOWN)
        if asked.is_chatter or not asked.text
        else _continued(knowledge, asked, topic_id) or knowledge.decide(asked.text, topic_id)
    )
    key = learning.key_of(decision, asked.text)
    entries = _entries(knowledge, decision)
    found = [
        *_by_signals(knowledge, asked),
        *entries,
        *_next_asked(knowledge, entries),
        *_phrases(knowledge, asked),
        *_own(asked, key, own),
    ]
    best = decision.matches[0] if decision.matches else None
    return Found(
        asked=asked,
        question_key=key,
        decision=decision,
        candidates=tuple(_once(sorted(found, key=lambda one: -one.score))),
        nearest=knowledge.faqs[best.faq_id].line if best is not None else None,
    )


def _topic_of(knowledge: Knowledge, asked: Asked) -> str:
    """Return the entry that the customer's question before was about, where this one leaves its subject unsaid."""
    if not followups.is_follow_up(asked.text) and not followups.is_only_figures(asked.text):
        return ""
    for before in asked.before:
        decision = knowledge.decide(before)
        if decision.choice is Choice.ANSWER:
            return decision.matches[-1].faq_id
    return ""


def _continued(knowledge: Knowledge, asked: Asked, topic_id: str) -> Decision | None:
    """Return the entry of before where the turn only brings figures for its calculation: "24期", "年化6%"."""
    topic = knowledge.faqs.get(topic_id)
    if topic is None or not topic.calculation or not followups.is_only_figures(asked.text):
        return None
    match = Match(faq_id=topic.id, score=_FIGURES, confidence=_FIGURES, reasons=(words.reason("continued"),))
    return Decision(choice=Choice.ANSWER, matches=(match,), considered=(match,))


def _next_asked(knowledge: Knowledge, entries: Sequence[Candidate]) -> list[Candidate]:
    """Return what customers ask next after an entry that is clearly meant; it fills places that would stay empty."""
    if not entries or entries[0].score < _CLEAR:
        return []
    topic = knowledge.faqs[entries[0].source_id]
    known = {one.source_id for one in entries}
    return [
        Candidate(
            source=SuggestionSource.FAQ,
            source_id=faq_id,
            line=knowledge.faqs[faq_id].line,
            score=_NEXT,
            reasons=(words.reason("next"),),
        )
        for faq_id in topic.follow_ups
        if faq_id in knowledge.faqs and faq_id not in known
    ]


def _entries(knowledge: Knowledge, decision: Decision) -> list[Candidate]:
    """Return the entries in the matcher's order; of two questions in one message the best entry of each comes first."""
    ordered: dict[str, Match] = {}
    for match in (*decision.matches, *decision.considered):
        ordered.setdefault(match.faq_id, match)
    askings = dict(zip((match.faq_id for match in decision.matches), decision.askings, strict=False))
    found = []
    limit = 1.0
    for match in ordered.values():
        # The order is the matcher's, also where a later entry is surer of another part of the message.
        limit = min(limit, match.confidence)
        if limit < LEAST:
            break
        reasons = match.reasons
        if len(decision.askings) > 1 and match.faq_id in askings:
            reasons = (words.reason("also_asked", asking=askings[match.faq_id]), *reasons)
        found.append(
            Candidate(
                source=SuggestionSource.FAQ,
                source_id=match.faq_id,
                line=knowledge.faqs[match.faq_id].line,
                score=limit,
                reasons=reasons,
            )
        )
    return found


def _phrases(knowledge: Knowledge, asked: Asked) -> list[Candidate]:
    found = []
    for match in shelf.of(knowledge).match(asked.text):
        phrase = knowledge.quick[match.faq_id]
        alike = max(own_words.likeness(asked.text, said) for said in phrase.asks)
        if match.confidence >= _LEAST_PHRASE and alike >= _LEAST_ALIKE:
            found.append(
                Candidate(
                    source=SuggestionSource.QUICK,
                    source_id=phrase.id,
                    line=phrase.line,
                    score=_PHRASE_WEIGHT * min(match.confidence, alike),
                    reasons=match.reasons,
                )
            )
    return found


def _by_signals(knowledge: Knowledge, asked: Asked) -> list[Candidate]:
    phrases = shelf.of(knowledge)
    found = []
    for hit in asked.hits:
        if not _counts(hit, asked):
            continue
        start = _SIGNALS.get(hit.kind, _PLAIN_SIGNAL)
        for place, phrase in enumerate(phrases.for_signal(hit)):
            found.append(
                Candidate(
                    source=SuggestionSource.QUICK,
                    source_id=phrase.id,
                    line=phrase.line,
                    score=start - 0.01 * place,
                    reasons=(words.signal(hit.kind.value),),
                )
            )
    return found


def _counts(hit: SignalHit, asked: Asked) -> bool:
    """Say whether a sign calls for words: danger always, a greeting only where nothing else is said."""
    return hit.kind in _SIGNALS or asked.is_chatter


def _own(asked: Asked, key: str, own: Sequence[OwnWording]) -> list[Candidate]:
    """Return the advisor's own words for the same question, or one that is much alike."""
    if asked.is_chatter or not asked.text:
        return []
    found = []
    for one in own:
        alike = own_words.likeness(asked.text, one.asked)
        is_same = alike >= 0.95
        if (
            not is_same
            and alike < own_words.ALIKE
            and not (key.startswith("faq:") and one.question_key == key)
        ):
            continue
        said = words.reason("own_same") if is_same else words.reason("own_like", count=one.used_count)
        found.append(
            Candidate(
                source=SuggestionSource.OWN,
                source_id=str(one.id),
                line=one.line,
                score=_OWN_SAME if is_same else _OWN_LIKE * max(alike, own_words.ALIKE),
                reasons=(said,),
                own=one,
            )
        )
    return sorted(found, key=lambda one: -one.score)[:_MOST_OWN]


def _once(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates, each source once: the first, with the reasons of both."""
    known: dict[Name, Candidate] = {}
    for one in candidates:
        known.setdefault(one.name, one)
    return list(known.values())

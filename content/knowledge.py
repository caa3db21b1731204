"""What may be said today: the approved versions, the matcher over them, stopped lines and entity modes.

Immutable; a new one is built when a file, an approval, a stop or the date changes (bot/library.py). Handlers choose
words from it and the outbox asks it again before a text leaves.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from content import ambiguous, followups, matching, quick_files, serving
from content.loading import Content
from domain.faq import Choice, Decision, EntityMode, Faq, Line, Match, Refusal, Thresholds
from domain.quick import QuickPhrase
from domain.replies import FixedReply

log = logging.getLogger(__name__)

_OFFERED = 0.33  # Confidence in each offer of an ambiguous word: one of three.


@dataclass(frozen=True, kw_only=True)
class Served:
    """A text that may be served with the version it came from. `is_sample`: nobody of the company approved it."""

    version_id: int | None
    is_sample: bool


@dataclass(frozen=True, kw_only=True)
class Knowledge:
    """Today's words.

    `faqs`, `replies`, `quick`: the approved (or sample) version of each, by id. `matcher` knows every entry in `faqs`
    that is approved, also of stopped lines: the customer of a stopped line shall get the holding line, not "unknown".
    `needs_registration`: lines that only registered members of staff may speak for (handlers/qualification.py).
    """

    content: Content
    faqs: Mapping[str, Faq]
    replies: Mapping[str, FixedReply]
    versions: Mapping[str, Served]
    matcher: matching.Matcher
    thresholds: Thresholds
    entity_modes: Mapping[Line, EntityMode]
    stopped: frozenset[Line]
    today: date
    quick: Mapping[str, QuickPhrase] = field(default_factory=dict)
    needs_registration: frozenset[Line] = frozenset()

    def decide(self, text: str, topic_id: str = "") -> Decision:
        """Return what the matches of `text` allow.

        `topic_id`: the entry answered last. A text that leaves its subject unsaid is read with that subject as well,
        unless it is clear by itself.
        """
        topic = self.faqs.get(topic_id)
        unclear = ambiguous.find(text, self.content.ambiguous)
        alone = self._decide(text) if unclear is None else self._offered(unclear)
        if topic is None or not (followups.is_follow_up(text) or unclear):
            return alone
        if alone.choice is Choice.ANSWER:
            return alone
        lines = {faq.id: faq.line for faq in self.faqs.values()}
        readings = [self.matcher.match(text)]
        found = followups.decide(followups.pooled(readings, topic, lines), self.thresholds)
        if found.choice is not Choice.ANSWER or not followups.names(text, self.faqs[found.matches[0].faq_id]):
            readings += [self.matcher.match(said) for said in followups.written_out(text, topic)]
            found = followups.decide(followups.pooled(readings, topic, lines), self.thresholds)
        found = self.content.elsewhere.doubted(text, found, self.faqs, self.thresholds)
        return alone if found.choice is Choice.UNKNOWN else found

    def _offered(self, unclear: ambiguous.Ambiguous) -> Decision:
        """Return the menu for a word that may mean several things."""
        reason = "只说了一个多义的词，请客户选是哪一种"
        shown = tuple(
            Match(faq_id=offer, score=_OFFERED, confidence=_OFFERED, reasons=(reason,))
            for offer in unclear.offers
            if offer in self.faqs
        )
        return Decision(choice=Choice.MENU if shown else Choice.UNKNOWN, matches=shown, considered=shown)

    def _decide(self, text: str) -> Decision:
        decision = matching.decide(self.matcher.read(text), self.thresholds)
        return self.content.elsewhere.doubted(text, decision, self.faqs, self.thresholds)

    def refusal(self, faq_id: str) -> Refusal | None:
        """Return why the entry may not be served now, None when it may; an unknown entry is unapproved."""
        faq = self.faqs.get(faq_id)
        if faq is None:
            return Refusal.UNAPPROVED
        return serving.servable(
            faq,
            entity_mode=self.entity_modes[faq.line],
            today=self.today,
            approved=True,
            stopped=faq.line in self.stopped,
        )

    def quick_refusal(self, phrase_id: str) -> Refusal | None:
        """Return why the quick phrase may not be said now, None when it may; an unknown one is unapproved."""
        phrase = self.quick.get(phrase_id)
        if phrase is None:
            return Refusal.UNAPPROVED
        return quick_files.servable(
            phrase,
            entity_mode=self.entity_modes[phrase.line],
            today=self.today,
            approved=True,
            stopped=phrase.line in self.stopped,
        )

    def titles(self) -> dict[str, str]:
        """Return the question of every entry, served or in the files, by its id."""
        return {key: faq.question for key, faq in {**self.content.faqs, **self.faqs}.items()}

    def find_by_menu_id(self, clicked: str) -> Faq | None:
        """Return the entry that a click on `clicked` means, or None."""
        return next((faq for faq in self.faqs.values() if faq.menu_id == clicked), None)

    def version_id(self, kind: str, key: str) -> int | None:
        """Return the content version of a text; None for samples that were never stored."""
        served = self.versions.get(f"{kind}:{key}")
        return served.version_id if served else None

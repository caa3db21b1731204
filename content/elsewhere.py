"""Names of others: platforms, offices and trades whose business is not ours (支付宝, 医保, 图书馆).

Pure. "支付宝账号怎么注销" is our own question word for word but for one name. An entry that mentions the name itself
is meant all the same. The names stand in content/elsewhere.toml.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from content import normalising, tables
from domain.faq import Choice, Decision, Faq, Match, Thresholds

KEYS = frozenset({"id", "words"})
_REASON = "提到“{name}”：别家的业务，条目不认识"
_LESS = 0.4  # What is left of the confidence in an entry that does not know the name.


def parse_elsewhere(table: tables.Table) -> tuple[str, ...]:
    """Return the names of a table; what is wrong with it is noted in the table's mistakes."""
    table.check_keys(KEYS)
    table.text("id")
    words = table.texts("words", at_least=1)
    for word in words:
        if len(word) < 2 and not word.isascii() and word != "赌":
            table.wrong(
                f"has {word!r}, too short a name; write two characters or more",
                "words",
                f"的“{word}”太短，至少两个字",
            )
    return tuple(normalising.normalise(word).replace(" ", "") for word in words)


class Elsewhere:
    """The names, ready to search."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(dict.fromkeys(names))
        ordered = sorted(map(re.escape, self.names), key=len, reverse=True)
        self._pattern = re.compile("|".join(ordered)) if ordered else None

    def find(self, text: str) -> tuple[str, ...]:
        """Return the names in a text, in order."""
        if self._pattern is None:
            return ()
        return tuple(dict.fromkeys(self._pattern.findall(normalising.normalise(text).replace(" ", ""))))

    def doubted(
        self, text: str, decision: Decision, faqs: Mapping[str, Faq], thresholds: Thresholds
    ) -> Decision:
        """Return the decision with doubt where the text names others and the entry does not.

        An answer becomes an offer; an offer that was weak becomes nothing, and `names_others` tells the handler why.
        """
        names = self.find(text)
        if not names or not decision.matches:
            return decision
        knowing = tuple(match for match in decision.matches if _knows(faqs[match.faq_id], names))
        if len(knowing) == len(decision.matches):
            return decision
        if knowing:
            return replace(decision, matches=knowing, choice=_for(decision.choice, knowing, decision.matches))
        offered = tuple(_less_sure(match, names[0]) for match in decision.matches)
        if offered[0].confidence < thresholds.menu_at:
            return replace(decision, choice=Choice.UNKNOWN, matches=(), names_others=True)
        return replace(decision, choice=Choice.MENU, matches=offered, names_others=True)


def _for(choice: Choice, knowing: tuple[Match, ...], all_matches: tuple[Match, ...]) -> Choice:
    """Return what is left to do: an answer stays one only where its own entry knows the name."""
    return choice if choice is Choice.ANSWER and knowing[0] is all_matches[0] else Choice.MENU


def _knows(faq: Faq, names: tuple[str, ...]) -> bool:
    said = normalising.normalise(" ".join((faq.question, *faq.asks, *faq.keywords))).replace(" ", "")
    return any(name in said for name in names)


def _less_sure(match: Match, name: str) -> Match:
    reasons = (_REASON.format(name=name), *match.reasons)
    return replace(match, confidence=match.confidence * _LESS, score=match.score * _LESS, reasons=reasons)

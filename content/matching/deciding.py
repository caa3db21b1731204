"""What a reading allows: an answer, two, a menu of up to three, or none."""

from __future__ import annotations

from collections.abc import Sequence

from content.matching.splitting import Asking, Reading
from domain.faq import Choice, Decision, Match, Thresholds

# A further line of a menu has at least this share of the first confidence. Small: of 990 messages 2.4 % more found
# their entry among the three than at 0.3 (2026-11-22), and a line too many costs a glance.
_NEAR = 0.02
_CONSIDERED = 5


def decide(found: Reading | Sequence[Match], thresholds: Thresholds | None = None) -> Decision:
    """Return what the matches allow.

    One asking: an answer where the confidence reaches `answer_at`, a menu from `menu_at`, else unknown. Several: both
    answers where both are sure; where only one is, that one, and `has_unclear` says that something else was asked.
    """
    limits = thresholds or Thresholds()
    reading = (
        found if isinstance(found, Reading) else Reading(askings=(Asking(text="", matches=tuple(found)),))
    )
    considered = reading.matches[:_CONSIDERED]
    sure = [one for one in reading.askings if _is_sure(one, limits)]
    if sure:
        answers = {one.matches[0].faq_id: one for one in sorted(sure, key=lambda one: one.confidence)}
        kept = [one for one in reading.askings if any(one is other for other in answers.values())][:2]
        return Decision(
            choice=Choice.ANSWER,
            matches=tuple(one.matches[0] for one in kept),
            askings=tuple(one.text for one in kept),
            considered=considered,
            has_unclear=len(sure) < len(reading.askings),
        )
    possible = [match for match in reading.matches if match.confidence >= limits.menu_at]
    if not possible:
        return Decision(choice=Choice.UNKNOWN, considered=considered)
    best = possible[0].confidence
    near = [match for match in reading.matches if match.confidence >= _NEAR * best]
    return Decision(choice=Choice.MENU, matches=tuple(near[: limits.menu_size]), considered=considered)


def _is_sure(one: Asking, limits: Thresholds) -> bool:
    """Say whether the best match may be answered; more is asked of it where only the words were compared."""
    if not one.matches:
        return False
    return one.confidence >= limits.answer_at_for(one.matches[0])

"""Whether an entry may be served now.

Pure, one rule for everybody: content/matching.py is built from what passes, and the outbox asks again before
the text leaves, because a line may have been stopped or a day have passed in between.
"""

from __future__ import annotations

from datetime import date

from domain.faq import EntityMode, Faq, HandoverCode, Refusal, Scope


def is_for_safety(faq: Faq) -> bool:
    """Say whether the entry warns of fraud or takes up a wrong at once: that is said whatever the company offers."""
    return faq.handover_at_once and not {HandoverCode.H7, HandoverCode.H2}.isdisjoint(faq.handover)


def servable(
    faq: Faq, *, entity_mode: EntityMode, today: date, approved: bool, stopped: bool
) -> Refusal | None:
    """Return why `faq` may not be served, or None when it may.

    `entity_mode` and `stopped` are those of the entry's line; `today` is the company's local date.
    `approved`: this very version (faq.digest) was approved by a person of the company, or the demo serves
    samples.
    """
    if stopped:
        return Refusal.STOPPED
    if entity_mode is EntityMode.OFF and not is_for_safety(faq):
        return Refusal.LINE_OFF
    if entity_mode is EntityMode.PLATFORM and faq.scope is Scope.PRODUCT:
        return Refusal.PLATFORM_SCOPE
    if not approved:
        return Refusal.UNAPPROVED
    if today < faq.valid_from:
        return Refusal.NOT_YET_VALID
    if today > faq.last_valid_on:
        return Refusal.EXPIRED
    if faq.missing_own and not faq.has_lapsed(today):
        return Refusal.OWN_MISSING
    return None

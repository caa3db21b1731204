"""How far two people agree, item by item, and how often appeals take a rule or a reviewer back. Reads only.

Called by the page of agreement. One average over all items would hide the item that is badly defined, so there is none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncConnection

from audit import agreement
from audit.agreement import Interval, Pairs
from content.review_rules import ReviewRules
from domain.review import Verdict
from store import appeals, reviews
from store.appeals import Overturns
from store.reviews import BlindPair

_FINDING = "finding:"
# Fewer pairs than this say nothing of an item.
LEAST_PAIRS = 20


class Trust(StrEnum):
    """What may be done with an item's verdicts."""

    FEW = "few"  # Too few pairs to say.
    GOOD = "good"  # As good as is asked for.
    WEAK = "weak"  # Below the target: talk about the wording.
    BAD = "bad"  # Not defined well enough; it may not be used for pay.


@dataclass(frozen=True, kw_only=True)
class ItemAgreement:
    """One item, or one label of findings (`is_label`), over all pairs. `kappa` None: nothing to tell."""

    key: str
    is_label: bool
    pairs: Pairs
    kappa: float | None
    trust: Trust


@dataclass(frozen=True, kw_only=True)
class Taken:
    """Decided appeals of a rule or a reviewer. `is_doubtful`: too many of them did not stand."""

    counts: Overturns
    rate: Interval | None
    is_doubtful: bool


async def read_agreement(tx: AsyncConnection, since: datetime) -> list[ItemAgreement]:
    """Return the agreement of first and second looks since then, the worst first."""
    pairs = await reviews.list_blind_pairs(tx, since)
    ids = {
        int(key.removeprefix(_FINDING)) for pair in pairs for key in pair.second.verdicts if _is_finding(key)
    }
    return items_of(pairs, await reviews.list_labels(tx, ids))


def items_of(pairs: Sequence[BlindPair], labels: dict[int, str]) -> list[ItemAgreement]:
    """Return the agreement by item and label. What one of them left open pairs with nothing."""
    said: dict[tuple[str, bool], list[tuple[bool, bool]]] = defaultdict(list)
    for pair in pairs:
        for key in pair.first.verdicts.keys() & pair.second.verdicts.keys():
            both = pair.first.verdicts[key], pair.second.verdicts[key]
            if Verdict.NA in both:
                continue
            is_label = _is_finding(key)
            name = labels.get(int(key.removeprefix(_FINDING)), "") if is_label else key
            said[name, is_label].append((both[0] is Verdict.YES, both[1] is Verdict.YES))
    found = []
    for (name, is_label), answers in said.items():
        counted = agreement.pairs_of(answers)
        kappa = agreement.kappa(counted)
        target = agreement.TARGET_RED if is_label else agreement.TARGET
        found.append(
            ItemAgreement(
                key=name,
                is_label=is_label,
                pairs=counted,
                kappa=kappa,
                trust=trust_of(counted, kappa, target),
            )
        )
    return sorted(found, key=lambda one: (one.kappa is None, one.kappa or 0.0, one.key))


def trust_of(pairs: Pairs, kappa: float | None, target: float) -> Trust:
    """Return what an agreement allows; where all said the same throughout, plain agreement is all there is."""
    if pairs.count < LEAST_PAIRS:
        return Trust.FEW
    if kappa is None:
        return Trust.GOOD
    if kappa >= target:
        return Trust.GOOD
    return Trust.BAD if kappa < agreement.FLOOR else Trust.WEAK


async def read_overturned(
    tx: AsyncConnection, since: datetime, rules: ReviewRules
) -> tuple[list[Taken], list[Taken]]:
    """Return decided appeals by rule and by who confirmed, those with most first."""
    by_rule = await appeals.count_overturns_by_rule(tx, since)
    by_reviewer = await appeals.count_overturns_by_reviewer(tx, since)
    return [_taken(one, rules) for one in by_rule], [_taken(one, rules) for one in by_reviewer]


def _taken(one: Overturns, rules: ReviewRules) -> Taken:
    rate = agreement.wilson(one.overturned, one.decided)
    is_enough = one.decided >= rules.least_decided
    return Taken(
        counts=one,
        rate=rate,
        is_doubtful=is_enough and rate is not None and rate.share > rules.back_to_test,
    )


def _is_finding(key: str) -> bool:
    return key.startswith(_FINDING)

"""How people look at sessions: risks, sizes, time limits and the words of notices, from review_rules.toml.

The numbers are proposals of quality_audit.md §4 and §5; the compliance owner fixes them in the file.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from domain.errors import ContentError
from domain.sampling import Risk

_FILE = Path(__file__).with_name("review_rules.toml")


@dataclass(frozen=True, kw_only=True)
class AppealLimits:
    """Time limits of appeals in working days. `eased_share`: of the points that a partly upheld finding costs."""

    appeal_days: int
    step_days: int
    raise_days: int
    eased_share: float


@dataclass(frozen=True, kw_only=True)
class ReviewRules:
    """All of the file. Shares run from 0 to 1, emotions from -2 to 2."""

    risks: Mapping[Risk, float]
    new_advisor: timedelta
    strong_emotion_at: float
    weighty_lines: frozenset[str]
    weighty_case_kinds: frozenset[str]
    must_case_kinds: frozenset[str]
    must_case_reasons: frozenset[str]
    margin: float
    unflagged_a_month: int
    minimum_a_month: int
    blind_share: float
    red_due: timedelta
    due: timedelta
    back_to_test: float
    least_decided: int
    appeal: AppealLimits
    notices: Mapping[str, str]
    outcomes: Mapping[str, str]


@functools.cache
def load(path: Path = _FILE) -> ReviewRules:
    """Return the rules. Raises ContentError for a file that cannot be read or lacks something."""
    try:
        found = tomllib.loads(path.read_text("utf-8"))
        rules = ReviewRules(
            risks={risk: float(found["risk"][risk]) for risk in Risk},
            new_advisor=timedelta(days=found["risk_when"]["new_advisor_days"]),
            strong_emotion_at=float(found["risk_when"]["strong_emotion_at"]),
            weighty_lines=frozenset(found["risk_when"]["weighty_lines"]),
            weighty_case_kinds=frozenset(found["risk_when"]["weighty_case_kinds"]),
            must_case_kinds=frozenset(found["must"]["case_kinds"]),
            must_case_reasons=frozenset(found["must"]["case_reasons"]),
            **found["sizes"],
            blind_share=found["review"]["blind_share"],
            red_due=timedelta(hours=found["review"]["red_due_hours"]),
            due=timedelta(hours=found["review"]["due_hours"]),
            back_to_test=found["review"]["back_to_test"],
            least_decided=found["review"]["least_decided"],
            appeal=AppealLimits(**found["appeal"]),
            notices=found["notices"],
            outcomes=found["outcomes"],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ContentError([f"{path.name}: {error!r}; compare with the shipped file"]) from error
    if not 0 <= rules.blind_share <= 1 or min(rules.risks.values()) <= 0:
        raise ContentError([f"{path.name}: blind_share lies between 0 and 1, every risk above 0"])
    return rules

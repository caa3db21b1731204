"""Appeals (申诉): the states, who may move them, and by when. Pure.

draft → submitted → lead_review → reinspection → upheld, overturned or partly → closed; once more to compliance on the
second level, where no lead stands between (quality_audit.md §5). Whoever judged the finding before, sent the appeal on,
or is judged by it, never decides it. Rows are kept by store/appeals.py, moved by audit/appealing.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class AppealState(StrEnum):
    """Where an appeal stands."""

    DRAFT = "draft"  # Begun, not sent.
    SUBMITTED = "submitted"  # Waits for the lead; on the second level, for compliance.
    LEAD_REVIEW = "lead_review"  # The lead hears both sides and sends it on.
    REINSPECTION = "reinspection"  # Another reviewer looks at the evidence anew.
    UPHELD = "upheld"  # The finding stands.
    OVERTURNED = "overturned"  # It does not.
    PARTLY = "partly"  # It stands for fewer points.
    CLOSED = "closed"  # Accepted, taken back, or its time went by.


DECIDED = frozenset({AppealState.UPHELD, AppealState.OVERTURNED, AppealState.PARTLY})


class AppealAct(StrEnum):
    """What somebody does with an appeal; every act is an entry of its history."""

    OPEN = "open"  # The advisor begins to write.
    SUBMIT = "submit"  # And sends it.
    WITHDRAW = "withdraw"  # Or takes it back.
    TAKE = "take"  # The lead takes it up; on the second level, somebody of compliance.
    FORWARD = "forward"  # The lead hands it to another reviewer, with an opinion.
    UPHOLD = "uphold"  # The other reviewer decides.
    OVERTURN = "overturn"
    EASE = "ease"
    ACCEPT = "accept"  # The advisor agrees with the decision.
    RAISE = "raise"  # The advisor goes on to compliance; this level ends, the next one opens.
    ESCALATE = "escalate"  # Time: the lead did not act, so it goes to compliance.
    REMIND = "remind"  # Time: nobody decided; compliance is told.
    LAPSE = "lapse"  # Time: the advisor said nothing more.


class AppealPart(StrEnum):
    """In which part somebody acts."""

    ADVISOR = "advisor"  # Whom the finding is about.
    REVIEWER = "reviewer"  # Lead or second reviewer; DECISIONS take one who had no hand in it before.
    TIMER = "timer"  # Nobody: time went by.


class AppealRefusal(StrEnum):
    """Why it cannot be done now; the words are the console's."""

    TOO_LATE = "appeal_too_late"  # The days to appeal are over.
    TWICE = "appeal_twice"  # There is one already.
    NO_REASON = "appeal_no_reason"  # A reason is missing.
    NOT_NOW = "appeal_not_now"  # Not in this state.
    NOT_YOURS = "appeal_not_yours"  # Not in this person's part.
    NOT_SECOND = "appeal_not_second"  # This person had a hand in it before.
    COMPLIANCE_ONLY = "appeal_compliance_only"  # The second level, or what was escalated, is for compliance.
    NO_PARTS = "appeal_no_parts"  # There are no points that could be eased; a red line stands or falls.


DECISIONS: Mapping[AppealAct, AppealState] = {
    AppealAct.UPHOLD: AppealState.UPHELD,
    AppealAct.OVERTURN: AppealState.OVERTURNED,
    AppealAct.EASE: AppealState.PARTLY,
}
_S, _A, _P = AppealState, AppealAct, AppealPart
# From where, by which act, in whose part, to where.
_MOVES: Mapping[tuple[AppealState, AppealAct], tuple[AppealPart, AppealState]] = {
    (_S.DRAFT, _A.SUBMIT): (_P.ADVISOR, _S.SUBMITTED),
    (_S.DRAFT, _A.WITHDRAW): (_P.ADVISOR, _S.CLOSED),
    (_S.DRAFT, _A.LAPSE): (_P.TIMER, _S.CLOSED),
    (_S.SUBMITTED, _A.WITHDRAW): (_P.ADVISOR, _S.CLOSED),
    (_S.SUBMITTED, _A.TAKE): (_P.REVIEWER, _S.LEAD_REVIEW),
    (_S.SUBMITTED, _A.ESCALATE): (_P.TIMER, _S.REINSPECTION),
    (_S.LEAD_REVIEW, _A.WITHDRAW): (_P.ADVISOR, _S.CLOSED),
    (_S.LEAD_REVIEW, _A.FORWARD): (_P.REVIEWER, _S.REINSPECTION),
    (_S.LEAD_REVIEW, _A.ESCALATE): (_P.TIMER, _S.REINSPECTION),
    (_S.REINSPECTION, _A.REMIND): (_P.TIMER, _S.REINSPECTION),
    **{(_S.REINSPECTION, act): (_P.REVIEWER, to) for act, to in DECISIONS.items()},
    **{(state, _A.ACCEPT): (_P.ADVISOR, _S.CLOSED) for state in DECIDED},
    **{(state, _A.RAISE): (_P.ADVISOR, _S.CLOSED) for state in (_S.UPHELD, _S.PARTLY)},
    **{(state, _A.LAPSE): (_P.TIMER, _S.CLOSED) for state in DECIDED},
}
_ONLY_FIRST_LEVEL = frozenset({_A.RAISE, _A.FORWARD})


@dataclass(frozen=True, kw_only=True)
class Appeal:
    """An objection as it stands. `level`: 1, or 2 with compliance; `handler`: who has it now, "" for nobody.

    `outcome`: the decided state once there is one, "withdrawn" or "lapsed"; "" before.
    """

    id: int
    session_id: int
    finding_id: int
    subject: str
    level: int
    state: AppealState
    outcome: str
    handler: str
    opened_at: datetime
    due_at: datetime
    closed_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class AppealEntry:
    """One line of an appeal's history."""

    at: datetime
    actor: str
    act: AppealAct
    from_state: str
    to_state: AppealState
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Hands:
    """Who had a hand in the matter. `judged`: decided about the finding; `handled`: took, sent on or decided an appeal
    of it, on any level; `is_escalated`: only compliance may decide now; `has_points`: there is something to ease."""

    judged: frozenset[str] = frozenset()
    handled: frozenset[str] = frozenset()
    is_escalated: bool = False
    has_points: bool = True


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who wants to act. `names`: every name of the person; `part`: advisor on the own page, reviewer elsewhere."""

    name: str
    part: AppealPart
    names: frozenset[str] = frozenset()
    is_compliance: bool = False

    @property
    def all_names(self) -> frozenset[str]:
        return self.names | {self.name}


def next_state(appeal: Appeal, act: AppealAct) -> AppealState | None:
    """Return where the act leads; None where it cannot be done from here."""
    found = _MOVES.get((appeal.state, act))
    if found is None or (appeal.level > 1 and act in _ONLY_FIRST_LEVEL):
        return None
    if appeal.level > 1 and act is AppealAct.TAKE:
        # Compliance looks at it at once; no lead stands between.
        return AppealState.REINSPECTION
    return found[1]


def check_act(appeal: Appeal, act: AppealAct, actor: Actor, hands: Hands) -> AppealRefusal | None:
    """Return why this person may not do this now; None when it may be done."""
    if next_state(appeal, act) is None:
        return AppealRefusal.NOT_NOW
    part, _ = _MOVES[appeal.state, act]
    if actor.part is not part:
        return AppealRefusal.NOT_YOURS
    is_subject = appeal.subject in actor.all_names
    if part is AppealPart.ADVISOR:
        return None if is_subject else AppealRefusal.NOT_YOURS
    if part is AppealPart.REVIEWER:
        return _check_reviewer(appeal, act, actor, hands, is_subject=is_subject)
    return None


def _check_reviewer(
    appeal: Appeal, act: AppealAct, actor: Actor, hands: Hands, *, is_subject: bool
) -> AppealRefusal | None:
    if is_subject:
        return AppealRefusal.NOT_YOURS
    has_had_a_hand = bool(actor.all_names & (hands.judged | hands.handled))
    if appeal.level > 1 and act is AppealAct.TAKE:
        if not actor.is_compliance:
            return AppealRefusal.COMPLIANCE_ONLY
        return AppealRefusal.NOT_SECOND if has_had_a_hand else None
    if act is AppealAct.FORWARD:
        return None if appeal.handler in actor.all_names else AppealRefusal.NOT_YOURS
    if act not in DECISIONS:
        return None
    if (appeal.level > 1 or hands.is_escalated) and not actor.is_compliance:
        return AppealRefusal.COMPLIANCE_ONLY
    if actor.all_names & hands.judged:
        return AppealRefusal.NOT_SECOND
    # Who took it up on the second level decides it; everybody else with a hand in it does not.
    if has_had_a_hand and not (appeal.level > 1 and appeal.handler in actor.all_names):
        return AppealRefusal.NOT_SECOND
    if act is AppealAct.EASE and not hands.has_points:
        return AppealRefusal.NO_PARTS
    return None

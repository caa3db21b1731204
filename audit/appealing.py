"""Appeals on their way: who acts, what follows for the finding, what happens when nobody acts in time.

Called by the pages, and by a loop for `run_due`. domain/appeal.py says which moves there are. While an appeal about a
confirmed red line is open, the line is a suspicion again: it counts against nobody before the decision.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from audit import alarming
from content import review_rules
from content.review_rules import ReviewRules
from domain import appeal as appeal_rules
from domain import working_time
from domain.appeal import (
    DECIDED,
    DECISIONS,
    Actor,
    Appeal,
    AppealAct,
    AppealPart,
    AppealRefusal,
    AppealState,
    Hands,
)
from domain.attention import NewNotice, NoticeKind
from domain.audit import BOT, COUNTING, Finding, FindingState
from domain.hours import ServiceHours
from domain.login import Role
from store import appeals, doubts, findings, logins, notices

TIMER = Actor(name="timer", part=AppealPart.TIMER)
# Acts that say nothing without a reason.
_REASONED = frozenset({AppealAct.SUBMIT, AppealAct.FORWARD, AppealAct.RAISE, *DECISIONS})
# Acts after which somebody has had a hand in it.
_HANDLES = frozenset({AppealAct.TAKE, AppealAct.FORWARD, *DECISIONS})
_BY_TIME = {
    AppealState.DRAFT: AppealAct.LAPSE,
    AppealState.SUBMITTED: AppealAct.ESCALATE,
    AppealState.LEAD_REVIEW: AppealAct.ESCALATE,
    AppealState.REINSPECTION: AppealAct.REMIND,
    **dict.fromkeys(DECIDED, AppealAct.LAPSE),
}


@dataclass(frozen=True, kw_only=True)
class Company:
    """What every act needs of the company: its working days, and the limits in review_rules.toml."""

    hours: ServiceHours
    rules: ReviewRules

    def in_days(self, start: datetime, days: int) -> datetime:
        return working_time.days_after(self.hours, start, days)


def company(hours: ServiceHours) -> Company:
    """Return the company with the shipped limits."""
    return Company(hours=hours, rules=review_rules.load())


def appeal_until(finding: Finding, at: Company) -> datetime:
    """Return until when the advisor may appeal: working days from when it counted and could be seen."""
    since = max(finding.shown_at, finding.decided_at or finding.shown_at)
    return at.in_days(since, at.rules.appeal.appeal_days)


def may_appeal(finding: Finding, at: Company, now: datetime, *, has_appeal: bool) -> bool:
    """Say whether the advisor may appeal now; silence until the limit ends the right."""
    return finding.state in COUNTING and not has_appeal and now < appeal_until(finding, at)


async def submit(
    tx: AsyncConnection, finding_id: int, actor: Actor, reason: str, at: Company, now: datetime
) -> AppealRefusal | None:
    """Open an appeal about a finding and send it. Raises LookupError for an unknown finding."""
    finding = await findings.get(tx, finding_id)
    if finding.subject not in actor.all_names:
        return AppealRefusal.NOT_YOURS
    if not reason.strip():
        return AppealRefusal.NO_REASON
    if await appeals.list_of_finding(tx, finding_id):
        return AppealRefusal.TWICE
    if finding.state not in COUNTING:
        return AppealRefusal.NOT_NOW
    if now >= appeal_until(finding, at):
        return AppealRefusal.TOO_LATE
    return await _open(tx, finding, actor, reason, level=1, at=at, now=now)


async def act(
    tx: AsyncConnection,
    appeal_id: int,
    what: AppealAct,
    actor: Actor,
    note: str,
    at: Company,
    now: datetime,
) -> AppealRefusal | None:
    """Move an appeal and let follow what follows. Raises LookupError for an unknown one."""
    one = await _get(tx, appeal_id)
    finding = await findings.get(tx, one.finding_id)
    refusal = appeal_rules.check_act(one, what, actor, await hands_of(tx, one, finding))
    if refusal is not None:
        return refusal
    if what in _REASONED and not note.strip():
        return AppealRefusal.NO_REASON
    if not await _move(tx, one, what, actor, note, at=at, now=now):
        return AppealRefusal.NOT_NOW
    await _follow(tx, one, finding, what, actor, note, at=at, now=now)
    return None


async def hands_of(tx: AsyncConnection, one: Appeal, finding: Finding) -> Hands:
    """Return who had a hand in the matter so far."""
    known = await appeals.list_of_finding(tx, one.finding_id)
    entries = await appeals.list_entries(tx, [each.id for each in known])
    own = await appeals.list_entries(tx, [one.id])
    return Hands(
        judged=await appeals.list_judges(tx, one.finding_id),
        handled=frozenset(each.actor for each in entries if each.act in _HANDLES),
        is_escalated=any(each.act is AppealAct.ESCALATE for each in own),
        has_points=finding.points > 0 and not finding.is_red,
    )


async def run_due(tx: AsyncConnection, at: Company, now: datetime, limit: int = 100) -> int:
    """Do what time does: hand on what nobody took up, remind, close what is over. Return how many were moved."""
    moved = 0
    for one in await appeals.list_due(tx, now, limit):
        what = _BY_TIME[one.state]
        if not await _move(tx, one, what, TIMER, "", at=at, now=now):
            continue
        moved += 1
        if what in (AppealAct.ESCALATE, AppealAct.REMIND):
            await _tell_compliance(tx, one, at.rules, now)
    return moved


async def _open(
    tx: AsyncConnection,
    finding: Finding,
    actor: Actor,
    reason: str,
    *,
    level: int,
    at: Company,
    now: datetime,
) -> AppealRefusal | None:
    added = await appeals.add(
        tx,
        session_id=finding.session_id,
        finding_id=finding.id,
        subject=finding.subject,
        level=level,
        state=AppealState.DRAFT,
        due_at=at.in_days(now, at.rules.appeal.appeal_days),
        now=now,
    )
    if added is None:
        return AppealRefusal.TWICE
    await appeals.record(
        tx,
        added,
        actor=actor.name,
        act=AppealAct.OPEN,
        from_state="",
        to_state=AppealState.DRAFT,
        note="",
        now=now,
    )
    return await act(tx, added, AppealAct.SUBMIT, actor, reason, at, now)


async def _move(
    tx: AsyncConnection, one: Appeal, what: AppealAct, actor: Actor, note: str, *, at: Company, now: datetime
) -> bool:
    to = appeal_rules.next_state(one, what)
    assert to is not None
    moved = await appeals.set_state(
        tx,
        one,
        state=to,
        outcome=_outcome(one, what, to),
        handler=_handler(one, what, actor),
        due_at=_due(one, to, at, now),
        closed_at=now if to is AppealState.CLOSED else None,
    )
    if moved:
        await appeals.record(
            tx, one.id, actor=actor.name, act=what, from_state=one.state, to_state=to, note=note, now=now
        )
    return moved


def _outcome(one: Appeal, what: AppealAct, to: AppealState) -> str:
    if to in DECIDED:
        return to
    if what is AppealAct.WITHDRAW:
        return "withdrawn"
    return "lapsed" if what is AppealAct.LAPSE and not one.outcome else one.outcome


def _handler(one: Appeal, what: AppealAct, actor: Actor) -> str:
    if what in (AppealAct.TAKE, *DECISIONS):
        return actor.name
    return "" if what in (AppealAct.FORWARD, AppealAct.ESCALATE) else one.handler


def _due(one: Appeal, to: AppealState, at: Company, now: datetime) -> datetime:
    if to is AppealState.CLOSED:
        return one.due_at
    return at.in_days(now, at.rules.appeal.raise_days if to in DECIDED else at.rules.appeal.step_days)


async def _follow(
    tx: AsyncConnection,
    one: Appeal,
    finding: Finding,
    what: AppealAct,
    actor: Actor,
    note: str,
    *,
    at: Company,
    now: datetime,
) -> None:
    """Let an act count: hold, restore or end the finding, tell the advisor, open the next level or close this one."""
    if what is AppealAct.SUBMIT:
        await _tell_opened(tx, one, at.rules, now)
    if what is AppealAct.SUBMIT and finding.is_red:
        await doubts.put_back(tx, finding.id, by=actor.name, note=note, now=now, appeal_id=one.id)
    elif what is AppealAct.WITHDRAW and finding.is_red and one.state is not AppealState.DRAFT:
        await _restore(tx, one, finding, actor, note, now)
    elif what is AppealAct.RAISE:
        await _open(tx, finding, actor, note, level=one.level + 1, at=at, now=now)
    elif what in DECISIONS:
        points = await _eased(tx, one, finding, at) if what is AppealAct.EASE else None
        to = FindingState.OVERTURNED if what is AppealAct.OVERTURN else FindingState.CONFIRMED
        await _decide(tx, one, finding, to, actor.name, note, now, points)
        await _tell_advisor(tx, one, finding, DECISIONS[what], at.rules, now)
        if what is AppealAct.OVERTURN or one.level > 1:
            # Nothing can follow any more.
            await _move(tx, await _get(tx, one.id), AppealAct.LAPSE, TIMER, "", at=at, now=now)


async def _eased(tx: AsyncConnection, one: Appeal, finding: Finding, at: Company) -> float:
    """Return what a finding costs that stands in part: a share of the first points, on the second level too."""
    known = await appeals.list_of_finding(tx, finding.id)
    if any(each.id != one.id and each.outcome == AppealState.PARTLY for each in known):
        return finding.points
    return finding.points * at.rules.appeal.eased_share


async def _restore(
    tx: AsyncConnection, one: Appeal, finding: Finding, actor: Actor, note: str, now: datetime
) -> None:
    """Let the finding be again what it was before the appeal; what is no suspicion any more stays as it is."""
    before = await appeals.find_state_before(tx, one.id)
    if before is None or finding.state is not FindingState.SUSPECTED:
        return
    confirmer = await appeals.find_confirmer(tx, finding.id) or actor.name
    await _decide(tx, one, finding, before, confirmer, note, now)


async def _decide(
    tx: AsyncConnection,
    one: Appeal,
    finding: Finding,
    to: FindingState,
    by: str,
    note: str,
    now: datetime,
    points: float | None = None,
) -> None:
    """Let a decision count. What was not found any more meanwhile has nothing to decide."""
    if finding.state is FindingState.GONE:
        return
    if finding.state is FindingState.SUSPECTED and to is FindingState.OVERTURNED:
        await doubts.overturn(tx, finding.id, by=by, note=note, now=now, appeal_id=one.id)
        return
    await findings.decide(tx, finding.id, to=to, by=by, note=note, now=now, appeal_id=one.id, points=points)


async def _tell_advisor(
    tx: AsyncConnection,
    one: Appeal,
    finding: Finding,
    outcome: AppealState,
    rules: ReviewRules,
    now: datetime,
) -> None:
    if one.subject == BOT:
        return
    text = rules.notices["appeal_decided_text"].format(outcome=rules.outcomes[outcome])
    await _tell(
        tx,
        [one.subject],
        f"audit:appeal:{one.id}",
        rules.notices["appeal_decided"],
        text,
        f"/sidebar/audit/findings/{finding.id}",
        now,
    )


async def _tell_opened(tx: AsyncConnection, one: Appeal, rules: ReviewRules, now: datetime) -> None:
    """Tell who leads the advisor of a new appeal, on the second level compliance."""
    if one.level > 1:
        await _tell_compliance(tx, one, rules, now, "appeal_raised")
        return
    leads = (await alarming.supervisors_of(tx, [one.subject]))[one.subject]
    text = rules.notices["appeal_new_text"].format(days=rules.appeal.step_days)
    await _tell(tx, leads, f"audit:new:{one.id}", rules.notices["appeal_new"], text, _page(one), now)


async def _tell_compliance(
    tx: AsyncConnection, one: Appeal, rules: ReviewRules, now: datetime, title: str = "appeal_overdue"
) -> None:
    people = [
        login.staff_platform_id
        for login in await logins.list_logins(tx)
        if Role.COMPLIANCE in login.roles and login.disabled_at is None and login.staff_platform_id
    ]
    key = f"audit:late:{one.id}:{now:%m%d%H%M}"
    text = rules.notices["appeal_overdue_text"]
    await _tell(tx, people, key, rules.notices[title], text, _page(one), now)


def _page(one: Appeal) -> str:
    return f"/console/audit/appeals/{one.id}"


async def _tell(
    tx: AsyncConnection, people: Iterable[str], key: str, title: str, text: str, url: str, now: datetime
) -> None:
    told = [
        NewNotice(
            key=f"{key}:{place}",
            recipient=name,
            kind=NoticeKind.REPORT,
            title=title,
            text=text,
            url=url,
            due_at=now,
        )
        for place, name in enumerate(people)
    ]
    await notices.add(tx, told, now)


async def _get(tx: AsyncConnection, appeal_id: int) -> Appeal:
    found = await appeals.find(tx, appeal_id)
    if found is None:
        raise LookupError(f"no appeal {appeal_id}")
    return found

"""What people decide about suspicions and sessions: the first look, the blind second one, the third.

Called by the console's pages and, for `open_for_finding`, by the audit's worker. A suspicion counts against nobody
before somebody confirmed it here. Nobody judges a session they took part in, nor the same finding twice; when two
people disagree the finding is a suspicion again until a third decides.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from audit import sampling
from content import review_rules
from domain.attention import NewNotice, NoticeKind
from domain.audit import BOT, Evidence, Finding, FindingState, NewFinding, Span
from domain.compliance import Severity
from domain.review import (
    MISSED,
    Missed,
    Review,
    ReviewKind,
    ReviewRefusal,
    ReviewState,
    Verdict,
    finding_key,
)
from store import appeals, coaching, doubts, findings, notices, reviews
from store.reviews import NewReview

FIRST_LOOKS = frozenset(
    {ReviewKind.RED, ReviewKind.MUST, ReviewKind.RISK, ReviewKind.RANDOM, ReviewKind.UNFLAGGED}
)
OWN_PAGE = "/sidebar/audit"


async def open_for_finding(tx: AsyncConnection, finding: Finding, now: datetime) -> bool:
    """Ask people to look at a red line that is suspected; False when they were asked before."""
    rules = review_rules.load()
    new = NewReview(
        key=_red_key(finding),
        kind=ReviewKind.RED,
        session_id=finding.session_id,
        finding_id=finding.id,
        subject=finding.subject,
        due_at=now + rules.red_due,
    )
    return await reviews.add(tx, [new], now) > 0


def _red_key(finding: Finding) -> str:
    return f"red:{finding.id}"


async def check(
    tx: AsyncConnection, one: Review, by: str, names: frozenset[str] = frozenset()
) -> ReviewRefusal | None:
    """Return why this person may not judge it; `names`: every name of the person."""
    mine = names | {by}
    if one.state is ReviewState.DONE:
        return ReviewRefusal.DONE
    if one.subject in mine or mine & await reviews.list_subjects(tx, one.session_id):
        return ReviewRefusal.OWN
    if mine & await _judges(tx, one):
        return ReviewRefusal.NOT_SECOND
    if one.state is ReviewState.TAKEN and one.reviewer not in mine:
        return ReviewRefusal.TAKEN
    if one.kind is not ReviewKind.CALIBRATION:
        wanted = await wanted_findings(tx, one)
        if wanted and mine & await appeals.list_deciders(tx, [each.id for each in wanted]):
            return ReviewRefusal.NOT_SECOND
    return None


async def take(
    tx: AsyncConnection, review_id: int, by: str, now: datetime, *, names: frozenset[str] = frozenset()
) -> ReviewRefusal | None:
    """Give the review to this person. Raises LookupError for an unknown one."""
    one = await _get(tx, review_id)
    refusal = await check(tx, one, by, names)
    if refusal is None and not await reviews.set_taken(tx, review_id, by, now):
        return ReviewRefusal.TAKEN
    return refusal


async def wanted_findings(tx: AsyncConnection, one: Review) -> list[Finding]:
    """Return the findings that the review has to say something about, in the order in which they were said.

    What an appeal decided, or is about to, is no review's any more; only the blind look still tells its opinion.
    """
    wanted = await _about(tx, one)
    if one.is_blind or one.state is ReviewState.DONE:
        return wanted
    others = await appeals.list_settled(tx, [each.id for each in wanted])
    if one.kind in FIRST_LOOKS:
        others |= await _awaiting_third(tx, one.session_id)
    return [each for each in wanted if each.id not in others]


async def _about(tx: AsyncConnection, one: Review) -> list[Finding]:
    if one.finding_id is not None:
        return [await findings.get(tx, one.finding_id)]
    known = await findings.list_of_session(tx, one.session_id)
    if one.blind_of is not None:
        first = await _get(tx, one.blind_of)
        return [each for each in known if finding_key(each.id) in first.verdicts]
    own = [each for each in known if each.subject == one.subject]
    if one.kind is ReviewKind.CALIBRATION:
        # The same for every reviewer, whatever was decided meanwhile.
        return [each for each in own if each.evidence is not Evidence.AUTO]
    return [each for each in own if each.state is FindingState.SUSPECTED]


async def _awaiting_third(tx: AsyncConnection, session_id: int) -> frozenset[int]:
    """Return the findings of a session that two people disagree about and a third has not decided yet."""
    thirds = [
        one
        for one in await reviews.list_of_session(tx, session_id)
        if one.kind is ReviewKind.THIRD and one.state is not ReviewState.DONE
    ]
    waiting: set[int] = set()
    for one in thirds:
        waiting |= {each.id for each in await _about(tx, one)}
    return frozenset(waiting)


async def decide(
    tx: AsyncConnection,
    review_id: int,
    verdicts: Mapping[str, Verdict],
    by: str,
    note: str,
    now: datetime,
    *,
    names: frozenset[str] = frozenset(),
    rubric_version: str = "",
    missed: Missed | None = None,
) -> ReviewRefusal | None:
    """Record what a person says, and let it count. Raises LookupError for an unknown review.

    `verdicts`: by `finding_key`, item id or MISSED. Every wanted finding needs one; to reject a red line takes a note.
    `missed`: what was missed, where MISSED is yes; a first look makes a confirmed finding of it, with the note.
    """
    one = await _get(tx, review_id)
    refusal = await check(tx, one, by, names)
    if refusal is not None:
        return refusal
    wanted = await wanted_findings(tx, one)
    refusal = _check_words(wanted, verdicts, note, missed)
    if refusal is not None:
        return refusal
    done = await reviews.set_done(
        tx, one.id, by=by, verdicts=verdicts, note=note, rubric_version=rubric_version, now=now
    )
    if not done:
        return ReviewRefusal.TAKEN
    if one.kind in FIRST_LOOKS:
        suspected = [each for each in wanted if each.state is FindingState.SUSPECTED]
        await _let_count(tx, one, suspected, verdicts, by=by, note=note, now=now)
        if verdicts.get(MISSED) is Verdict.YES and missed is not None:
            await _add_missed(tx, one, missed, by=by, note=note, version=rubric_version, now=now)
        await _draw_second(tx, one, now)
    elif one.kind is ReviewKind.THIRD:
        open_ones = [each for each in wanted if each.state in _DECIDABLE]
        await _let_count(tx, one, open_ones, verdicts, by=by, note=note, now=now)
    elif one.kind is ReviewKind.BLIND:
        await _compare(tx, one, wanted, verdicts, by=by, note=note, now=now)
    return None


# What an appeal ended, or a later cut does not find, is no review's any more.
_DECIDABLE = frozenset({FindingState.SUSPECTED, FindingState.CONFIRMED, FindingState.REJECTED})


def _check_words(
    wanted: Sequence[Finding], verdicts: Mapping[str, Verdict], note: str, missed: Missed | None
) -> ReviewRefusal | None:
    if verdicts.get(MISSED) is Verdict.YES:
        if missed is None:
            return ReviewRefusal.NO_PLACE
        if not note.strip():
            return ReviewRefusal.NO_NOTE
    for each in wanted:
        said = verdicts.get(finding_key(each.id))
        if said is None or (each.is_red and said is Verdict.NA):
            return ReviewRefusal.NO_VERDICT
        if each.is_red and said is Verdict.NO and not note.strip():
            return ReviewRefusal.NO_NOTE
    return None


async def _let_count(
    tx: AsyncConnection,
    one: Review,
    wanted: Sequence[Finding],
    verdicts: Mapping[str, Verdict],
    *,
    by: str,
    note: str,
    now: datetime,
) -> None:
    for each in wanted:
        said = verdicts[finding_key(each.id)]
        if said is Verdict.NA:
            continue
        to = FindingState.CONFIRMED if said is Verdict.YES else FindingState.REJECTED
        if each.state is to:
            continue
        await findings.decide(tx, each.id, to=to, by=by, note=note, now=now, review_id=one.id)
        await _settle_own(tx, one, each, said, by=by, note=note, now=now)
        if each.is_red and to is FindingState.CONFIRMED:
            await _tell(tx, each, now)


async def _settle_own(
    tx: AsyncConnection, one: Review, finding: Finding, said: Verdict, *, by: str, note: str, now: datetime
) -> None:
    """A suspicion that was decided with its whole session needs no look of its own; who has it already keeps it."""
    own = await reviews.find_by_key(tx, _red_key(finding))
    if own is not None and own.id != one.id:
        verdicts = {finding_key(finding.id): said}
        await reviews.set_done(
            tx, own.id, by=by, verdicts=verdicts, note=note, rubric_version=one.rubric_version, now=now
        )


async def _add_missed(
    tx: AsyncConnection, one: Review, missed: Missed, *, by: str, note: str, version: str, now: datetime
) -> None:
    """Keep the red line a person found, confirmed by who found it. What the rules find stays as it is."""
    place = f"human {one.session_id} {one.subject} {missed.label} {missed.message_id}"
    new = NewFinding(
        key=hashlib.sha256(place.encode()).hexdigest(),
        session_id=one.session_id,
        conversation_id=await reviews.find_conversation(tx, one.session_id),
        subject=one.subject,
        item="",
        label=missed.label,
        severity=Severity.S0,
        is_red=True,
        evidence=Evidence.HUMAN,
        rule_id="human",
        rule_version=version,
        points=0.0,
        note=note,
        occurred_at=missed.said_at,
        spans=(Span(message_id=missed.message_id),),
    )
    for added in await findings.record(tx, [new], now, session_ids=()):
        to = FindingState.CONFIRMED
        await findings.decide(tx, added.id, to=to, by=by, note=note, now=now, review_id=one.id)
        await _tell(tx, added, now)


async def _draw_second(tx: AsyncConnection, one: Review, now: datetime) -> None:
    rules = review_rules.load()
    if not sampling.is_drawn_blind(one.key, rules.blind_share):
        return
    due_at = now + (rules.red_due if one.kind is ReviewKind.RED else rules.due)
    await reviews.add(tx, [_again(one, ReviewKind.BLIND, one.id, due_at)], now)


async def _compare(
    tx: AsyncConnection,
    one: Review,
    wanted: Sequence[Finding],
    verdicts: Mapping[str, Verdict],
    *,
    by: str,
    note: str,
    now: datetime,
) -> None:
    """Ask a third person where two disagree about a finding; until then it is a suspicion again."""
    assert one.blind_of is not None
    first = await _get(tx, one.blind_of)
    settled = await appeals.list_settled(tx, [each.id for each in wanted])
    doubted = [
        each
        for each in wanted
        if each.state in _DECIDABLE
        and each.id not in settled
        and first.verdicts.get(finding_key(each.id)) != verdicts[finding_key(each.id)]
    ]
    for each in doubted:
        if each.state is not FindingState.SUSPECTED:
            await doubts.put_back(tx, each.id, by=by, note=note, now=now, review_id=one.id)
    if doubted:
        due_at = now + review_rules.load().red_due
        await reviews.add(tx, [_again(one, ReviewKind.THIRD, first.id, due_at)], now)


def _again(one: Review, kind: ReviewKind, first_id: int, due_at: datetime) -> NewReview:
    return NewReview(
        key=f"{kind}:{first_id}",
        kind=kind,
        session_id=one.session_id,
        finding_id=one.finding_id,
        subject=one.subject,
        blind_of=first_id,
        due_at=due_at,
    )


async def _judges(tx: AsyncConnection, one: Review) -> set[str]:
    """Return who has judged the same before and therefore may not again."""
    if one.blind_of is None:
        return set()
    first = await _get(tx, one.blind_of)
    second = await reviews.find_by_key(tx, f"{ReviewKind.BLIND}:{first.id}")
    before = {first.reviewer}
    if one.kind is ReviewKind.THIRD and second is not None:
        before.add(second.reviewer)
    return before - {""}


async def coach(tx: AsyncConnection, one: Review, text: str, by: str, now: datetime) -> None:
    """Write a word of advice to whom the review is about, and let them know."""
    note_id = await coaching.add(
        tx,
        subject=one.subject,
        text=text,
        by=by,
        now=now,
        session_id=one.session_id,
        finding_id=one.finding_id,
    )
    words = review_rules.load().notices
    notice = NewNotice(
        key=f"audit:coach:{note_id}",
        recipient=one.subject,
        kind=NoticeKind.REPORT,
        title=words["coaching"],
        text=words["coaching_text"],
        url=f"{OWN_PAGE}#notes",
        due_at=now,
    )
    await notices.add(tx, [notice], now)


async def _tell(tx: AsyncConnection, finding: Finding, now: datetime) -> None:
    """Let the advisor know, within the budget of attention and without a quote; the bot has no phone."""
    if finding.subject == BOT:
        return
    rules = review_rules.load()
    notice = NewNotice(
        key=f"audit:red:{finding.id}",
        recipient=finding.subject,
        kind=NoticeKind.REPORT,
        title=rules.notices["red_confirmed"],
        text=rules.notices["red_confirmed_text"].format(days=rules.appeal.appeal_days),
        url=f"{OWN_PAGE}/findings/{finding.id}",
        due_at=now,
    )
    await notices.add(tx, [notice], now)


async def _get(tx: AsyncConnection, review_id: int) -> Review:
    found = await reviews.find(tx, review_id)
    if found is None:
        raise LookupError(f"no review {review_id}")
    return found

"""Gives a step whose time has come to whoever does it: a mass send, a person's sidebar, a card, a report. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from domain.attention import NoticeKind
from domain.enrolment import DONE_STATES, EnrolmentState, EvidenceKind, Occurrence, OccurrenceState
from domain.sop import AnchorKind, BranchAct, BranchCase, DeliveryCode, SopRole, Step, StepPart
from scheduler import collecting, preview, quota
from scheduler.bundles import MassWanted, PersonalWanted, Reason, Said
from scheduler.working import CLIMBED, Work

_PREPARATION = frozenset([StepPart.PREPARATION])
_SAID = frozenset([DeliveryCode.MASS_SEND, DeliveryCode.SIDEBAR, DeliveryCode.PERSONAL])
# Why a mass send is done by hand; kept with the step, whose ladder is for mass sends and is left out.
_BY_HAND = frozenset(
    [
        Reason.FALLBACK,
        Reason.OWNER_LEFT,
        Reason.LIMIT,
        Reason.SECOND_MASS_SEND,
        Reason.NOT_DELIVERED,
        Reason.REFUSED,
    ]
)


def release(work: Work, one: Occurrence, *, role: SopRole | None = None) -> None:
    """Release an occurrence. Words that may not be said block it; it is looked at again while its window lasts."""
    step = work.step(one)
    code = one.delivery
    if code is DeliveryCode.MASS_SEND and not work.bundle.people.can_owner_send:
        code, role = DeliveryCode.SIDEBAR, SopRole.CO_OWNER
        one = work.put(one, delivery=code, reason=Reason.OWNER_LEFT)
    if code is DeliveryCode.SIDEBAR and step.audience.text != "everyone":
        code = DeliveryCode.APP  # Prepared answers for whoever asks: nothing is said to the group unasked.
    if code in _SAID and work.is_line_stopped():
        _block(work, one, Reason.STOPPED)
        return
    match code:
        case DeliveryCode.MASS_SEND:
            _mass_send(work, one, step)
        case DeliveryCode.SIDEBAR:
            _by_hand(work, one, step, role or step.executor)
        case DeliveryCode.PERSONAL:
            _personal(work, one, step)
        case DeliveryCode.INTERNAL:
            _report(work, one, step)
        case DeliveryCode.APP | DeliveryCode.KF:
            _card(work, one, step, role or step.executor)
        case _:
            work.sent(one, work.now, EvidenceKind.SYSTEM)


def _said(work: Work, one: Occurrence, step: Step, extra: Mapping[str, str] | None = None) -> Said | None:
    """Return the words of an occurrence; None, and the occurrence blocked, when they may not be said."""
    block = preview.content_of(step, one.n)
    said = (
        work.bundle.say(block, work.slots_of(one, **(extra or {})))
        if block
        else Said(title=step.title, text="")
    )
    if isinstance(said, Said):
        return said
    _block(work, work.put(one, block=block), said.reason)
    return None


def _block(work: Work, one: Occurrence, reason: str) -> None:
    """Keep a step back, tell once why; it is looked at again."""
    if one.state is OccurrenceState.BLOCKED and one.reason == reason[:64]:
        return
    work.record("blocked", step=one.step, note=reason)
    blocked = work.put(one, state=OccurrenceState.BLOCKED, reason=reason[:64])
    recipient = work.bundle.people.of(SopRole.COMPLIANCE if reason == "unapproved" else SopRole.SUPERVISOR)
    work.notify(recipient, NoticeKind.ALARM, "", blocked, key=reason, latest_at=one.window_end)


def _mass_send(work: Work, one: Occurrence, step: Step) -> None:
    guard, today = work.rules.guard, work.rules.local(work.now).date()
    if work.rules.used.get(today, 0) > 0:
        _limited(work, one, step, BranchCase.SECOND_MASS_SEND, Reason.SECOND_MASS_SEND)
        return
    if quota.left(guard.limit_mode, today, work.rules.used) <= 0:
        _limited(work, one, step, BranchCase.LIMIT_REACHED, Reason.LIMIT)
        return
    said = _said(work, one, step)
    if said is None:
        return
    sender = work.bundle.people.owner
    given = _given(work, one, step, said, sender, OccurrenceState.RELEASED)
    work.out.mass.append(
        MassWanted(
            occurrence_id=one.id,
            sender=sender,
            target=work.bundle.chat_id,
            text=said.text,
            attachments=said.attachments,
            until=work.until(given),
            purpose=said.purpose,
            lines=tuple(str(line) for line in work.bundle.template.lines),
            content_version_id=said.version_id,
        )
    )
    _prompt(work, given, step, sender)


def _limited(work: Work, one: Occurrence, step: Step, case: BranchCase, why: Reason) -> None:
    """Answer a limit that is known before the release; what goes by hand gets its words now."""
    if step.branch(case) is BranchAct.SIDEBAR:
        given = work.put(one, delivery=DeliveryCode.SIDEBAR, reason=why)
        _by_hand(work, given, step, step.executor)
    else:
        collecting.branch_of_limit(work, one, case, why)


def _by_hand(work: Work, one: Occurrence, step: Step, role: SopRole) -> None:
    said = _said(work, one, step)
    if said is None:
        return
    executor = work.bundle.people.of(role)
    given = _given(work, one, step, said, executor, OccurrenceState.WAITING_OWNER)
    if one.reason in _BY_HAND:
        policy = work.policy(step)
        block = (policy.words.get("hand_over") or policy.words.get("card", "")) if policy else ""
        work.notify(executor, NoticeKind.HAND_OVER, block, given, key=one.reason)
        return
    _prompt(work, given, step, executor)


def _personal(work: Work, one: Occurrence, step: Step) -> None:
    opens = any(other.part is StepPart.OPENING for other in work.steps.values())
    if opens and work.enrolment.opened_at is None:
        work.close(one, OccurrenceState.SKIPPED, reason=Reason.NOT_NEEDED)  # Nobody was welcomed yet.
        return
    said = _said(work, one, step)
    if said is None:
        return
    executor = work.bundle.people.of(step.executor)
    given = _given(work, one, step, said, executor, OccurrenceState.WAITING_OWNER)
    block = preview.content_of(step, one.n)
    work.out.personal.append(
        PersonalWanted(occurrence_id=one.id, step=step.key, text_block=block, until=work.until(given))
    )


def _card(work: Work, one: Occurrence, step: Step, role: SopRole) -> None:
    extra: dict[str, str] = {}
    if step.anchor.kind is AnchorKind.MEMBER_JOINED:
        newcomers = work.bundle.measures.get(f"newcomers.{one.n}")
        if not newcomers:
            work.close(one, OccurrenceState.SKIPPED, reason=Reason.NOT_NEEDED)
            return
        extra = {"members": f"{newcomers:.0f}", "text": _had(work)}
    said = _said(work, one, step, extra)
    if said is None:
        return
    executor = work.bundle.people.of(role)
    given = _given(work, one, step, said, executor, OccurrenceState.WAITING_OWNER)
    kind = NoticeKind.PREPARATION if step.part in _PREPARATION else NoticeKind.STEP
    work.notify(executor, kind, preview.content_of(step, one.n), given, extra=extra)


def _had(work: Work) -> str:
    """Return the titles of what the group has had so far, a line each."""
    had = [work.step(one).title for one in work.all(DONE_STATES) if work.step(one).speaks_in_group]
    return "\n".join(dict.fromkeys(had))


def _report(work: Work, one: Occurrence, step: Step) -> None:
    said = _said(work, one, step)
    if said is None:
        return
    given = work.put(
        one,
        text=said.text,
        block=preview.content_of(step, one.n),
        content_version_id=said.version_id,
        released_at=work.now,
    )
    work.out.reports.append((one.id, said.title or step.title, said.text))
    if step.part is StepPart.SCORE and work.bundle.score is not None:
        total, parts = work.bundle.score
        work.change(score=total, score_parts=dict(parts))
        work.record("scored", step=step.key, note="—" if total is None else f"{total:.0f}")
    work.sent(given, work.now, EvidenceKind.SYSTEM)


def _given(
    work: Work, one: Occurrence, step: Step, said: Said, executor: str, state: OccurrenceState
) -> Occurrence:
    if work.enrolment.state is EnrolmentState.WAITING and step.part is StepPart.OPENING:
        work.change(state=EnrolmentState.RUNNING)
    return work.put(
        one,
        state=state,
        executor=executor,
        released_at=work.now,
        rung=CLIMBED if one.reason in _BY_HAND else 0,
        block=preview.content_of(step, one.n),
        text=said.text,
        content_version_id=said.version_id,
        reason=one.reason if one.reason in _BY_HAND else "",
    )


def _prompt(work: Work, one: Occurrence, step: Step, executor: str) -> None:
    policy = work.policy(step)
    block = policy.words.get("prompt", "") if policy else ""
    work.notify(executor, NoticeKind.STEP, block, one)

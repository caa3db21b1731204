"""Words of steps with their slots filled, and whether they may be said.

What customers read passes the wording rules in the outbox once more; here it decides whether a step is blocked, before
anybody is asked to send it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from content import compliance, days, reply_files
from content.compliance import ComplianceRules
from domain import week_pages
from domain.compliance import Audience, Speaker
from domain.delivery import Attached, Purpose
from domain.enrolment import DONE_STATES, OPEN_STATES, UNRELEASED_STATES, Enrolment, Occurrence
from domain.faq import Line
from domain.sop import Attachment, AttachmentKind, BlockKind, ContentBlock, DeliveryCode, StepPart, Template
from scheduler.bundles import People, Said, Unsaid
from scheduler.timetable import Rules

# Without these a text would promise something unknown; any other slot without a value leaves its line out.
_NEEDED = frozenset(["event_title", "event_date", "event_time", "teacher", "teacher_title"])
_STAFF_KINDS = frozenset([BlockKind.CARD, BlockKind.CHECKLIST, BlockKind.REPORT])
_IN_A_PLAN = UNRELEASED_STATES | OPEN_STATES | DONE_STATES
_SEEN_LIMIT = 10_000


@dataclass(kw_only=True)
class Checker:
    """Checks words, and remembers which it found good: the same words go to many groups."""

    rules: ComplianceRules
    _good: set[tuple[str, frozenset[Line], Audience]] = field(default_factory=set)

    def problem(self, text: str, lines: frozenset[Line], audience: Audience = Audience.GROUP) -> str:
        """Return the rule that forbids the words, "" when none does."""
        key = (text, lines, audience)
        if key in self._good:
            return ""
        wanted: list[Line | None] = [*sorted(lines)] or [None]
        for line in wanted:
            problems = self.rules.check_text(text, Speaker.BOT, line, audience=audience)
            if compliance.is_blocking(problems, Speaker.BOT):
                return problems[0].rule_id
        if len(self._good) >= _SEEN_LIMIT:
            self._good.clear()
        self._good.add(key)
        return ""


@dataclass(frozen=True, kw_only=True)
class Words:
    """The words of one enrolment. `version_of`: block to its content version, or why it may not be said today."""

    template: Template
    slots: Mapping[str, str]
    risk_lines: Mapping[str, str]
    version_of: Callable[[ContentBlock], int | str | None]
    checker: Checker

    def say(self, block_id: str, extra: Mapping[str, str]) -> Said | Unsaid:
        """Return the words of a block with all slots filled, or why they may not be said."""
        block = self.template.blocks[block_id]
        version = self.version_of(block)
        if isinstance(version, str):
            return Unsaid(reason=version)
        values = {**self.slots, **{name: value for name, value in extra.items() if value}}
        missing = sorted(slot for slot in block.slots & _NEEDED if not values.get(slot))
        if missing:
            return Unsaid(reason=f"slot:{missing[0]}")
        is_for_staff = block.kind in _STAFF_KINDS
        if is_for_staff and values.get("group"):
            # People choose the names of groups; in quotes no word of one is taken for ours.
            values["group"] = f"「{values['group']}」"
        risks = "\n".join(self.risk_lines.get(code, "") for code in block.risk_lines)
        body = reply_files.fill(block.body, values)
        text = "\n\n".join(part for part in (body, risks) if part).strip()
        title = reply_files.fill(block.title, values)
        attachments = tuple(filter(None, (_attached(one, values) for one in block.attachments)))
        whole = "\n".join([title, text, *(f"{one.title}\n{one.desc}" for one in attachments)])
        # A card is another one for each group, and is checked at the door; what customers get is the same for many.
        problem = "" if is_for_staff else self.checker.problem(whole, frozenset(self.template.lines))
        if problem:
            return Unsaid(reason=f"compliance:{problem}")
        return Said(
            title=title,
            text=text,
            attachments=attachments,
            version_id=version,
            purpose=Purpose.EDUCATION if block.kind is BlockKind.EDUCATION else Purpose.CARE,
        )


def _attached(one: Attachment, values: Mapping[str, str]) -> Attached | None:
    """Return an attachment with its slots filled; None for a link that leads nowhere."""
    url = reply_files.fill(one.url, values) if one.url else ""
    if one.kind is AttachmentKind.LINK and not url:
        return None
    return Attached(
        kind=one.kind.value,
        name=one.path.rpartition("/")[2],
        title=reply_files.fill(one.title, values),
        desc=reply_files.fill(one.desc, values),
        url=url,
        digest=one.digest if one.path else "",
    )


def slots_of(
    enrolment: Enrolment,
    template: Template,
    occurrences: list[Occurrence],
    *,
    group_name: str,
    people: People,
    rules: Rules,
    company: Mapping[str, str],
    public_url: str,
    figures: Mapping[str, str],
) -> dict[str, str]:
    """Return the values of the slots that a group's own records give; what people wrote of its week wins."""
    owner = people.name(people.owner)
    said = {
        **company,
        **figures,
        "group": group_name,
        "owner": owner,
        "advisor": owner,
        "co_owner": people.name(people.co_owner) if people.co_owner else owner,
        "teacher": "",
        "opens_on": _day_text(rules, enrolment.anchor_at),
        "opens_at": "",
        **_event(enrolment, template, occurrences, rules),
        "week_plan": week_plan(template, enrolment.rhythm, occurrences, rules),
        **week_pages.slots_of(enrolment.page_code, public_url),
    }
    opening = _first_of(template, enrolment.rhythm, StepPart.OPENING, occurrences)
    if opening is not None:
        said["opens_at"] = f"{rules.local(opening.due_at):%H:%M}"
    return said | {name: value for name, value in enrolment.facts.items() if value}


def week_plan(template: Template, rhythm: str, occurrences: list[Occurrence], rules: Rules) -> str:
    """Return what the group will get, a line a day: "11-25 10:00 预告"."""
    steps = {step.key: step for step in template.steps[rhythm]}
    lines = [
        f"{rules.local(one.due_at):%m-%d %H:%M} {steps[one.step].title}"
        for one in sorted(occurrences, key=lambda one: one.due_at)
        if one.step in steps
        and one.state in _IN_A_PLAN
        and steps[one.step].speaks_in_group
        and steps[one.step].part not in (StepPart.CUE, StepPart.OPENING)
        and steps[one.step].deliveries[0] is DeliveryCode.MASS_SEND
    ]
    return "\n".join(lines)


def _event(
    enrolment: Enrolment, template: Template, occurrences: list[Occurrence], rules: Rules
) -> dict[str, str]:
    one = _first_of(template, enrolment.rhythm, StepPart.PUBLICATION, occurrences)
    if one is None:
        return {}
    return {
        "event_date": _day_text(rules, one.due_at),
        "event_time": f"{rules.local(one.due_at):%H:%M}",
    }


def _first_of(
    template: Template, rhythm: str, part: StepPart, occurrences: list[Occurrence]
) -> Occurrence | None:
    keys = {step.key for step in template.steps[rhythm] if step.part is part}
    return next((one for one in occurrences if one.step in keys and not one.member), None)


def _day_text(rules: Rules, moment: datetime) -> str:
    return days.spoken(rules.local(moment).date())

"""Whose groups and steps a member of staff may see on the phone page, and which of them may be acted on.

The `access_*` functions are the only way from these pages to an object, as those of console/access.py are for the
console. A person is here who the platform says, so only the UserID counts, not the login's name. Somebody sees a group
who owns or co-owns it, is in it, does one of its steps or was told of one, answers its questions, or leads its owner;
what he may not know of is NotFound. A customer is seen by the advisors who have the customer as a contact, by whoever
leads one of them, by who serves the customer's kf session now, and by compliance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from console import access
from console.access import Forbidden, NotFound, Viewer
from domain.delivery import Delivery, DeliveryState
from domain.enrolment import Question
from domain.handover import Handover, HandoverState
from domain.login import Role
from domain.people import OptOut, Relation, Tag, team_of
from domain.talk import Conversation
from store import (
    conversations,
    customer_reports,
    deliveries,
    departments,
    desk_talks,
    enrolments,
    handovers,
    logins,
    opt_outs,
    questions,
    relations,
    sop_files,
    staff,
    staff_work,
    tags,
)
from store.customer_reports import KnownCustomer, OpenCase, Source
from store.sop_files import SopFile
from store.staff_work import ListedNotice, OpenQuestion, StaffStep, WorkGroup


@dataclass(frozen=True, kw_only=True)
class Reach:
    """How far a person sees. `me`: the UserID; `team`: whose groups too, None is everybody's."""

    me: str
    team: frozenset[str] | None


@dataclass(frozen=True, kw_only=True)
class SeenStep:
    """A step with whether this person may act on it."""

    step: StaffStep
    may_act: bool


@dataclass(frozen=True, kw_only=True)
class DayOfWork:
    """A person's day: what to do now, what comes, what is done, what was only listed."""

    now: Sequence[StaffStep]
    coming: Sequence[StaffStep]
    done: Sequence[StaffStep]
    notices: Sequence[ListedNotice]
    groups: Sequence[WorkGroup]


@dataclass(frozen=True, kw_only=True)
class SeenCustomer:
    """A customer with the advisors of now. `relations`: the open ones, the oldest first."""

    customer: KnownCustomer
    relations: Sequence[Relation]


async def access_served(
    viewer: Viewer, tx: AsyncConnection, handover_id: int
) -> tuple[Handover, Conversation]:
    """Return a hand-over with its talk to the person who serves the customer now, or served last."""
    found = await handovers.find(tx, handover_id)
    me = viewer.login.staff_platform_id
    if found is None or not me or found.staff_platform_id != me or found.state is HandoverState.WAITING:
        raise NotFound()
    return found, await conversations.get(tx, found.conversation_id)


async def reach_of(viewer: Viewer, tx: AsyncConnection) -> Reach:
    """Return how far this person sees; who leads people sees their groups, with or without a role for it."""
    me = viewer.login.staff_platform_id
    if await access.access_team(viewer, tx) is None:
        return Reach(me=me, team=None)
    return Reach(me=me, team=await _led_by(viewer, tx))


async def _led_by(viewer: Viewer, tx: AsyncConnection) -> frozenset[str]:
    """Return this person and whom they lead."""
    me = viewer.login.staff_platform_id
    members, led = await staff.list_all(tx), await departments.list_leaders(tx)
    if Role.SUPERVISOR not in viewer.login.roles and me in members:
        # A team's name is shared by its members; for somebody who is no supervisor only those below count.
        members[me] = replace(members[me], team="")
    return team_of(members, led, me)


async def access_step(viewer: Viewer, tx: AsyncConnection, occurrence_id: int) -> SeenStep:
    """Return the step; the one who has it, owner, co-owner and whoever leads them may act on it."""
    found = await staff_work.find_step(tx, occurrence_id)
    if found is None:
        raise NotFound()
    await _require_group(viewer, tx, found.group.id)
    hands = {found.occurrence.executor, found.owner, found.co_owner, found.task_sender} - {""}
    if viewer.login.staff_platform_id in hands:
        return SeenStep(step=found, may_act=True)
    team = (await reach_of(viewer, tx)).team
    return SeenStep(step=found, may_act=team is not None and bool(hands & team))


async def access_told(viewer: Viewer, tx: AsyncConnection, seen: SeenStep) -> list[str]:
    """Return who was told of a step that `access_step` gave."""
    return await staff_work.list_told(tx, seen.step.occurrence.id)


async def access_notice(viewer: Viewer, tx: AsyncConnection, seen: SeenStep) -> str:
    """Return what this person was told last of a step that `access_step` gave."""
    me = viewer.login.staff_platform_id
    return await staff_work.find_notice_text(tx, seen.step.occurrence.id, me)


async def access_file(viewer: Viewer, tx: AsyncConnection, digest: str) -> SopFile:
    """Return a file that hangs on a step that `access_step` gave."""
    found = await sop_files.find(tx, digest)
    if found is None:
        raise NotFound()
    return found


async def access_enrolled(viewer: Viewer, tx: AsyncConnection, enrolment_id: int) -> WorkGroup:
    """Return the group of an enrolment."""
    found = await enrolments.find(tx, enrolment_id)
    return await access_group_by_id(viewer, tx, found.group_id if found else None)


async def access_act(viewer: Viewer, tx: AsyncConnection, occurrence_id: int) -> StaffStep:
    """Return the step to somebody who may act on it. Raises Forbidden for somebody who only sees it."""
    seen = await access_step(viewer, tx, occurrence_id)
    if not seen.may_act:
        raise Forbidden()
    return seen.step


async def access_sendings(viewer: Viewer, tx: AsyncConnection, occurrence_id: int) -> list[Delivery]:
    """Return what people were given to send by hand of a step they may act on."""
    await access_act(viewer, tx, occurrence_id)
    return await deliveries.list_by_hand(tx, step_ref(occurrence_id))


def step_ref(occurrence_id: int) -> str:
    """Return how a delivery by hand names its step, as scheduler/acts.py does."""
    return f"occurrence.{occurrence_id}"


async def access_group(viewer: Viewer, tx: AsyncConnection, chat_id: str) -> WorkGroup:
    """Return the group by the platform's id."""
    found = await staff_work.find_group(tx, chat_id)
    if found is None:
        raise NotFound()
    await _require_group(viewer, tx, found.id)
    return found


async def access_group_by_id(viewer: Viewer, tx: AsyncConnection, group_id: int | None) -> WorkGroup:
    """Return the group by our own id."""
    found = None if group_id is None else await staff_work.find_group_by_id(tx, group_id)
    if found is None:
        raise NotFound()
    await _require_group(viewer, tx, found.id)
    return found


async def access_day(viewer: Viewer, tx: AsyncConnection, *, since: datetime, until: datetime) -> DayOfWork:
    """Return this person's own day from `since` to `until`; nobody else's."""
    me = [viewer.login.staff_platform_id]
    return DayOfWork(
        now=await staff_work.list_open(tx, me),
        coming=await staff_work.list_coming(tx, me, until),
        done=await staff_work.list_done(tx, me, since),
        notices=await staff_work.list_notices(tx, me, since),
        groups=await staff_work.list_groups(tx, me),
    )


async def access_own_steps(viewer: Viewer, tx: AsyncConnection) -> list[StaffStep]:
    """Return what this person has to do now."""
    return await staff_work.list_open(tx, [viewer.login.staff_platform_id])


async def access_own_groups(viewer: Viewer, tx: AsyncConnection) -> list[WorkGroup]:
    """Return the groups this person owns, co-owns or is in."""
    return await staff_work.list_groups(tx, [viewer.login.staff_platform_id])


async def access_week(viewer: Viewer, tx: AsyncConnection, group: WorkGroup) -> list[StaffStep]:
    """Return the steps of a group that `access_group` gave."""
    return await staff_work.list_of_group(tx, group.id)


async def access_questions(
    viewer: Viewer, tx: AsyncConnection, groups: Sequence[WorkGroup]
) -> list[OpenQuestion]:
    """Return the open questions of groups that `access_day` or `access_group` gave, and this person's own."""
    me = viewer.login.staff_platform_id
    return await staff_work.list_questions(tx, [one.id for one in groups], [me])


async def access_question(viewer: Viewer, tx: AsyncConnection, question_id: int) -> Question:
    """Return a question of a group this person sees; who sees it may answer it."""
    found = await questions.find(tx, question_id)
    if found is None:
        raise NotFound()
    await access_group_by_id(viewer, tx, found.group_id)
    return found


async def access_answering(
    viewer: Viewer, tx: AsyncConnection, question_ids: Sequence[int]
) -> dict[int, list[Delivery]]:
    """Return what people were given to send in answer to questions of `access_questions`, and nobody told how it ended.

    By question; one without is left out.
    """
    refs = {answer_ref(one): one for one in question_ids}
    unreported = await deliveries.list_unreported(tx, sorted(refs))
    pending = frozenset({DeliveryState.ATTEMPTING, DeliveryState.UNKNOWN})
    return {
        refs[ref]: [one for one in await deliveries.list_by_hand(tx, ref) if one.state in pending]
        for ref in sorted(unreported)
    }


def answer_ref(question_id: int) -> str:
    """Return how a delivery by hand names the question that it answers."""
    return f"question.{question_id}"


async def access_customers(viewer: Viewer, tx: AsyncConnection, group: WorkGroup) -> list[tuple[str, str]]:
    """Return the customers in a group that `access_group` gave: platform id and name."""
    return await staff_work.list_present(tx, group.id)


async def access_customer(viewer: Viewer, tx: AsyncConnection, platform_id: str) -> SeenCustomer:
    """Return the customer; whoever sees a customer may note what the customer says of being written to."""
    found = await customer_reports.find(tx, platform_id)
    if found is None:
        raise NotFound()
    known = await relations.list_of_customer(tx, platform_id)
    present = [one for one in known if one.to_at is None]
    advisors = {one.staff_platform_id for one in present}
    me = viewer.login.staff_platform_id
    is_mine = me in advisors
    # An administrator runs the system; that is no reason to look into customers.
    may_see_all = Role.COMPLIANCE in viewer.login.roles
    is_serving = await desk_talks.is_served_by(tx, found.id, me)
    if not (is_mine or may_see_all or is_serving) and not advisors & await _led_by(viewer, tx):
        raise NotFound()
    return SeenCustomer(customer=found, relations=present)


async def access_customer_groups(viewer: Viewer, tx: AsyncConnection, seen: SeenCustomer) -> list[WorkGroup]:
    """Return the groups of a customer that `access_customer` gave, as far as this person sees them."""
    reach = await reach_of(viewer, tx)
    return await staff_work.list_groups_with(tx, seen.customer.platform_id, [reach.me], reach.team)


async def access_customer_cases(viewer: Viewer, tx: AsyncConnection, seen: SeenCustomer) -> list[OpenCase]:
    """Return kind and date of the open cases of a customer that `access_customer` gave, nothing more of them."""
    return await customer_reports.list_open_cases(tx, seen.customer.id)


async def access_customer_source(viewer: Viewer, tx: AsyncConnection, seen: SeenCustomer) -> Source | None:
    """Return where a customer that `access_customer` gave came from first."""
    return await customer_reports.find_first_source(tx, seen.customer.id)


async def access_customer_tags(viewer: Viewer, tx: AsyncConnection, seen: SeenCustomer) -> list[Tag]:
    """Return the company's tags of a customer that `access_customer` gave, whoever put them on."""
    worn = {number for one in seen.relations for number in one.tags}
    return [one for one in await tags.list_all(tx) if one.platform_id in worn]


async def access_opt_outs(viewer: Viewer, tx: AsyncConnection, seen: SeenCustomer) -> list[OptOut]:
    """Return the opt-outs of a customer that `access_customer` gave, newest first."""
    return await opt_outs.list_of(tx, seen.customer.id)


async def record_customer(
    viewer: Viewer, tx: AsyncConnection, seen: SeenCustomer, now: datetime, *, act: str
) -> None:
    """Write down that this person opened a customer's page, or noted something there."""
    subject = f"customer:{seen.customer.id}"
    await logins.record_access(tx, actor=viewer.name, act=act, subject=subject, now=now)


async def _require_group(viewer: Viewer, tx: AsyncConnection, group_id: int) -> None:
    """Raise NotFound unless this person may know of the group."""
    me = viewer.login.staff_platform_id
    # Whom somebody leads takes the whole address book to find out; most people do not need it.
    if await staff_work.is_concerned(tx, group_id, [me], ()):
        return
    team = (await reach_of(viewer, tx)).team
    if team is not None and not await staff_work.is_concerned(tx, group_id, [me], team):
        raise NotFound()

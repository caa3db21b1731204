"""Who may see and do what. The `access_*` functions are the only way from a page to an object.

The table RIGHTS is written out for people in docs/access.md; tests/console/test_access.py walks every route with every
role and compares. What a person may not know of is NotFound, what they may know of but not do is Forbidden.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.case import Case
from domain.enrolment import Enrolment
from domain.errors import BotError
from domain.faq import Line
from domain.groups import Group
from domain.login import AccessEntry, Login, LoginSession, Role
from domain.people import team_of
from domain.talk import Conversation
from store import (
    case_reports,
    cases,
    contents,
    conversations,
    departments,
    enrolments,
    gaps,
    group_reports,
    health_reports,
    lines,
    login_sessions,
    logins,
    machine_reports,
    search,
    sop_files,
    staff,
    talk_reports,
    transcripts,
)
from store.paging import Place
from store.sop_files import SopFile
from store.sop_reports import GroupScope


class Right(StrEnum):
    """One thing a person may see or do."""

    SEE_ALL_TALK = "see_all_talk"  # Every conversation and case; without it only one's own.
    DIRECT_CASES = "direct_cases"  # Give a case to somebody and move its date.
    SEE_EVENTS = "see_events"  # Unhandled and failed events, and let them be tried again.
    SEE_RAW = "see_raw"  # The raw body of an event.
    SEE_DELIVERIES = "see_deliveries"  # What did not leave or may not have left.
    SETTLE_DELIVERIES = "settle_deliveries"  # Say whether an uncertain one arrived.
    SEE_LINES = "see_lines"
    STOP_LINES = "stop_lines"  # Stop and resume a product line.
    SEE_HEALTH = "see_health"
    SEE_CONTENT = "see_content"
    APPROVE_CONTENT = "approve_content"  # Let a text be said to customers, under one's own name.
    SEE_UNANSWERED = "see_unanswered"  # Questions the bot could not answer, without the customer's name.
    WRITE_DRAFTS = "write_drafts"  # Write texts that somebody else approves, and try what they would change.
    SEE_GROUPS = "see_groups"  # Customer groups with their SOPs: one's own, the team's, or all (group_scope).
    RUN_SOPS = "run_sops"  # Enrol a group one leads, pause it, move it, end it, tick its points.
    SEE_AUDIT = "see_audit"  # The boards of the audit, everybody's scores and findings.
    REVIEW = "review"  # Judge suspicions and sessions of others, draw samples, advise colleagues.
    DECIDE_APPEALS = "decide_appeals"  # Take up appeals and decide them; never those of findings one judged.
    SEE_OWN_AUDIT = "see_own_audit"  # One's own sessions, findings and promises; appeal.
    TAKE_OVER = (
        "take_over"  # Take a customer who queues where one is receiving; with WHISPER a colleague's too.
    )
    SEE_DUTY = "see_duty"  # The roster, and the queue of customers given to people.
    RUN_DUTY = "run_duty"  # Change the roster, move customers between people, give them back to the bot.
    WHISPER = "whisper"  # Suggest words to who serves a customer (耳语), and take the customer over.
    SEARCH = "search"  # Find words in the talk one may see.
    EXPORT = "export"  # Hand conversations out, personal numbers hidden.
    EXPORT_FULL = "export_full"  # With personal numbers.
    SEE_INTERNAL_TALK = "see_internal_talk"  # Find and export what colleagues said among themselves.
    ERASE = "erase"  # Requests of customers under PIPL, legal holds.
    DECIDE_FALSE_ALARMS = "decide_false_alarms"  # Say whether the wording check was wrong about a text.
    MANAGE_LOGINS = "manage_logins"
    SEE_ACCESS_LOG = "see_access_log"


RIGHTS: Mapping[Role, frozenset[Right]] = {
    # An administrator runs the system; that makes nobody a judge of colleagues.
    Role.ADMIN: frozenset(Right)
    - {
        Right.APPROVE_CONTENT,
        Right.REVIEW,
        Right.DECIDE_APPEALS,
        Right.SEE_OWN_AUDIT,
        Right.EXPORT_FULL,
        Right.SEE_INTERNAL_TALK,
        Right.ERASE,
        Right.DECIDE_FALSE_ALARMS,
    },
    Role.SUPERVISOR: frozenset(
        {
            Right.SEE_ALL_TALK,
            Right.DIRECT_CASES,
            Right.SEE_DUTY,
            Right.RUN_DUTY,
            Right.SEE_EVENTS,
            Right.SEE_DELIVERIES,
            Right.SETTLE_DELIVERIES,
            Right.SEE_LINES,
            Right.STOP_LINES,
            Right.SEE_HEALTH,
            Right.SEE_CONTENT,
            Right.WRITE_DRAFTS,
            Right.SEE_UNANSWERED,
            Right.SEE_GROUPS,
            Right.RUN_SOPS,
            Right.SEE_AUDIT,
            Right.REVIEW,
            Right.DECIDE_APPEALS,
            Right.SEE_OWN_AUDIT,
            Right.TAKE_OVER,
            Right.WHISPER,
            Right.SEARCH,
            Right.EXPORT,
        }
    ),
    Role.COMPLIANCE: frozenset(
        {
            Right.SEE_ALL_TALK,
            Right.DIRECT_CASES,
            Right.SEE_DUTY,
            Right.SEE_DELIVERIES,
            Right.SEE_LINES,
            Right.STOP_LINES,
            Right.SEE_HEALTH,
            Right.SEE_CONTENT,
            Right.APPROVE_CONTENT,
            Right.WRITE_DRAFTS,
            Right.SEE_UNANSWERED,
            Right.SEE_ACCESS_LOG,
            Right.SEE_GROUPS,
            Right.SEE_AUDIT,
            Right.REVIEW,
            Right.DECIDE_APPEALS,
            Right.SEARCH,
            Right.EXPORT,
            Right.EXPORT_FULL,
            Right.SEE_INTERNAL_TALK,
            Right.ERASE,
            Right.DECIDE_FALSE_ALARMS,
        }
    ),
    Role.CONTENT: frozenset(
        {Right.SEE_LINES, Right.SEE_CONTENT, Right.APPROVE_CONTENT, Right.WRITE_DRAFTS, Right.SEE_UNANSWERED}
    ),
    Role.OWNER: frozenset(
        {
            Right.SEE_CONTENT,
            Right.SEE_GROUPS,
            Right.RUN_SOPS,
            Right.SEE_OWN_AUDIT,
            Right.TAKE_OVER,
            Right.SEARCH,
        }
    ),
    Role.ADVISOR: frozenset(
        {Right.SEE_CONTENT, Right.SEE_GROUPS, Right.SEE_OWN_AUDIT, Right.TAKE_OVER, Right.SEARCH}
    ),
}
# These roles see conversations and cases: all with SEE_ALL_TALK, otherwise those they serve or own.
TALK_ROLES = frozenset({Role.ADMIN, Role.SUPERVISOR, Role.COMPLIANCE, Role.OWNER, Role.ADVISOR})


class Forbidden(BotError):
    """The page or act is there, and this person has no right to it."""


class NotFound(BotError):
    """There is no such object, or this person may not know of it."""


@dataclass(frozen=True, kw_only=True)
class Viewer:
    """The signed-in person. `csrf`: must come back with every POST."""

    login: Login
    token_digest: str
    csrf: str

    @property
    def name(self) -> str:
        """What is written into logs and histories."""
        return self.login.name

    @property
    def rights(self) -> frozenset[Right]:
        return frozenset().union(*(RIGHTS[role] for role in self.login.roles))

    @property
    def sees_talk(self) -> bool:
        return bool(self.login.roles & TALK_ROLES)

    @property
    def own_names(self) -> frozenset[str]:
        """The names under which this person serves sessions and owns cases."""
        return frozenset(filter(None, {self.login.name, self.login.staff_platform_id}))

    @property
    def scope(self) -> frozenset[str] | None:
        """Whose conversations and cases this person sees: None is everybody's."""
        return None if Right.SEE_ALL_TALK in self.rights else self.own_names

    def may(self, right: str) -> bool:
        """Say whether this person has the right; templates ask by its name."""
        return Right(right) in self.rights


def require(viewer: Viewer, right: Right) -> None:
    """Raise Forbidden unless the person has the right."""
    if right not in viewer.rights:
        raise Forbidden()


def require_talk(viewer: Viewer) -> None:
    """Raise Forbidden unless the person's role sees conversations at all."""
    if not viewer.sees_talk:
        raise Forbidden()


# --- people -------------------------------------------------------------------------------------------------


async def access_team(viewer: Viewer, tx: AsyncConnection) -> frozenset[str] | None:
    """Return whose work this person may see, by UserID: None is everybody's.

    Administrators and compliance see all; a supervisor the own team (domain.people.team_of); everybody else the own.
    """
    roles = viewer.login.roles
    if roles & {Role.ADMIN, Role.COMPLIANCE}:
        return None
    if Role.SUPERVISOR not in roles:
        return viewer.own_names
    members, led = await staff.list_all(tx), await departments.list_leaders(tx)
    return viewer.own_names.union(*(team_of(members, led, name) for name in viewer.own_names))


# --- conversations ------------------------------------------------------------------------------------------


async def access_conversations(
    viewer: Viewer, tx: AsyncConnection, wanted: talk_reports.TalkFilter, place: Place | None, limit: int
) -> list[talk_reports.TalkRow]:
    """Return the conversations this person may see, newest first."""
    require_talk(viewer)
    return await talk_reports.list_talks(tx, wanted, scope=viewer.scope, before=place, limit=limit)


async def access_conversation(viewer: Viewer, tx: AsyncConnection, conversation_id: int) -> Conversation:
    """Return the conversation. The caller records a full opening with `record_opening`."""
    require_talk(viewer)
    try:
        found = await conversations.get(tx, conversation_id)
    except LookupError as error:
        raise NotFound() from error
    if viewer.scope is not None and not await transcripts.is_served_by(tx, conversation_id, viewer.scope):
        raise NotFound()
    return found


async def access_media(viewer: Viewer, tx: AsyncConnection, media_id: int) -> transcripts.Media:
    """Return a file that was sent in a conversation this person may see."""
    require_talk(viewer)
    found = await transcripts.find_media(tx, media_id)
    if found is None:
        raise NotFound()
    await access_conversation(viewer, tx, found.conversation_id)
    return found


async def record_opening(viewer: Viewer, tx: AsyncConnection, subject: str, now: datetime) -> None:
    """Write down that this person opened a customer's talk; for every role alike."""
    await logins.record_access(tx, actor=viewer.name, act="opened", subject=subject, now=now)


# --- cases --------------------------------------------------------------------------------------------------


async def access_cases(
    viewer: Viewer, tx: AsyncConnection, wanted: case_reports.CaseFilter, place: Place | None, limit: int
) -> list[case_reports.CaseRow]:
    """Return the cases this person may see, the most urgent first."""
    require_talk(viewer)
    return await case_reports.list_cases(tx, wanted, scope=viewer.scope, after=place, limit=limit)


async def access_case(viewer: Viewer, tx: AsyncConnection, case_id: int) -> Case:
    """Return the case; whoever sees it may write notes, close it and take it up again."""
    require_talk(viewer)
    found = await cases.find(tx, case_id)
    if found is None:
        raise NotFound()
    if viewer.scope is not None and found.owner not in viewer.scope:
        raise NotFound()
    return found


async def access_case_direction(viewer: Viewer, tx: AsyncConnection, case_id: int) -> Case:
    """Return the case to somebody who may give it away or move its date."""
    require(viewer, Right.DIRECT_CASES)
    return await access_case(viewer, tx, case_id)


# --- groups -------------------------------------------------------------------------------------------------


async def access_group_scope(viewer: Viewer, tx: AsyncConnection) -> GroupScope | None:
    """Return which groups this person may see: None is every group.

    Beside those of `access_team`: groups whose owner has this person as co-owner, and groups this person is in.
    """
    require(viewer, Right.SEE_GROUPS)
    led = await _led_owners(viewer, tx)
    return None if led is None else GroupScope(owners=led, members=viewer.own_names)


async def access_group(viewer: Viewer, tx: AsyncConnection, group_id: int) -> Group:
    """Return the group."""
    found = await group_reports.find_group(tx, group_id, await access_group_scope(viewer, tx))
    if found is None:
        raise NotFound()
    return found


async def access_group_direction(viewer: Viewer, tx: AsyncConnection, group_id: int) -> Group:
    """Return the group to somebody who may lead it through a SOP; being in the group is not enough."""
    require(viewer, Right.RUN_SOPS)
    found = await access_group(viewer, tx, group_id)
    if not await leads_group(viewer, tx, found):
        raise Forbidden()
    return found


async def access_enrolment_direction(
    viewer: Viewer, tx: AsyncConnection, group_id: int, enrolment_id: int
) -> Enrolment:
    """Return an enrolment of the group to somebody who may lead it."""
    await access_group_direction(viewer, tx, group_id)
    found = await enrolments.find(tx, enrolment_id)
    if found is None or found.group_id != group_id:
        raise NotFound()
    return found


async def leads_group(viewer: Viewer, tx: AsyncConnection, one: Group) -> bool:
    """Say whether this person may lead a group they see: an own one, a co-owned one, one of the own team."""
    if Right.RUN_SOPS not in viewer.rights:
        return False
    led = await _led_owners(viewer, tx)
    return led is None or one.owner_platform_id in led


async def _led_owners(viewer: Viewer, tx: AsyncConnection) -> frozenset[str] | None:
    """Return whose groups this person leads or watches over, None for everybody's."""
    team = await access_team(viewer, tx)
    if team is None:
        return None
    members = await staff.list_all(tx)
    return team.union(
        one.platform_id for one in members.values() if one.co_owner_platform_id in viewer.own_names
    )


# --- the machine --------------------------------------------------------------------------------------------


async def access_events(
    viewer: Viewer, tx: AsyncConnection, state: str, place: Place | None, limit: int
) -> list[machine_reports.EventRow]:
    """Return events that need a person, newest first, without their bodies."""
    require(viewer, Right.SEE_EVENTS)
    return await machine_reports.list_events(tx, state, before=place, limit=limit)


async def access_event(viewer: Viewer, tx: AsyncConnection, event_id: int) -> machine_reports.EventRow:
    """Return one event that needs a person, without its body."""
    require(viewer, Right.SEE_EVENTS)
    found = await machine_reports.find_event(tx, event_id)
    if found is None:
        raise NotFound()
    return found


async def access_event_body(viewer: Viewer, tx: AsyncConnection, event_id: int) -> bytes:
    """Return the raw body of an event that needs a person."""
    require(viewer, Right.SEE_RAW)
    found = await machine_reports.find_event_body(tx, event_id)
    if found is None:
        raise NotFound()
    return found


async def access_deliveries(
    viewer: Viewer, tx: AsyncConnection, state: str, place: Place | None, limit: int
) -> list[machine_reports.DeliveryRow]:
    """Return deliveries in `state`, newest first."""
    require(viewer, Right.SEE_DELIVERIES)
    return await machine_reports.list_deliveries(tx, state, before=place, limit=limit)


async def access_lines(viewer: Viewer, tx: AsyncConnection) -> list[lines.LineStop]:
    """Return the stops of the lines, newest first."""
    require(viewer, Right.SEE_LINES)
    return await lines.list_stops(tx)


async def access_health(viewer: Viewer, tx: AsyncConnection) -> health_reports.StoreHealth:
    """Return what the store tells about its queues and accounts."""
    require(viewer, Right.SEE_HEALTH)
    return await health_reports.read_health(tx)


async def access_content(viewer: Viewer, tx: AsyncConnection) -> list[machine_reports.VersionRow]:
    """Return every version of every text with its approval, without the texts."""
    require(viewer, Right.SEE_CONTENT)
    return await machine_reports.list_version_rows(tx)


async def access_text(viewer: Viewer, tx: AsyncConnection, version_id: int) -> dict[str, Any]:
    """Return what a stored version of a text says, as JSON; empty for one that is not there."""
    require(viewer, Right.SEE_CONTENT)
    return await contents.find_body(tx, version_id) or {}


async def access_sop_file(viewer: Viewer, tx: AsyncConnection, digest: str) -> SopFile | None:
    """Return a picture or file of an SOP by the digest of its attachment."""
    require(viewer, Right.SEE_CONTENT)
    return await sop_files.find(tx, digest)


async def access_unanswered(
    viewer: Viewer, tx: AsyncConnection, place: Place | None, limit: int
) -> list[gaps.QuestionRow]:
    """Return questions without a sure answer, newest first, without the customers' names."""
    require(viewer, Right.SEE_UNANSWERED)
    return await gaps.list_unanswered(tx, before=place, limit=limit)


async def access_gaps(viewer: Viewer, tx: AsyncConnection, since: datetime) -> list[gaps.QuestionRow]:
    """Return the questions without a sure answer since then, to be put together."""
    require(viewer, Right.SEE_UNANSWERED)
    return await gaps.list_since(tx, since)


# --- people -------------------------------------------------------------------------------------------------


async def access_logins(viewer: Viewer, tx: AsyncConnection) -> list[Login]:
    """Return every login."""
    require(viewer, Right.MANAGE_LOGINS)
    return await logins.list_logins(tx)


async def access_login(viewer: Viewer, tx: AsyncConnection, login_id: int) -> Login:
    """Return one login."""
    require(viewer, Right.MANAGE_LOGINS)
    found = await logins.find_login_by_id(tx, login_id)
    if found is None:
        raise NotFound()
    return found


async def access_sessions(
    viewer: Viewer, tx: AsyncConnection, now: datetime, login_id: int | None
) -> list[LoginSession]:
    """Return the open sessions of everybody, or of one login. `now`: wall time."""
    require(viewer, Right.MANAGE_LOGINS)
    return await login_sessions.list_open(tx, now, login_id=login_id)


async def access_search(
    viewer: Viewer, tx: AsyncConnection, wanted: search.SearchFilter, place: Place | None, limit: int
) -> search.Found:
    """Return messages with these words that this person may see; the caller writes the search down."""
    require(viewer, Right.SEARCH)
    require_talk(viewer)
    with_internal = wanted.with_internal and viewer.may(Right.SEE_INTERNAL_TALK)
    allowed = dataclasses.replace(wanted, scope=viewer.scope, with_internal=with_internal)
    return await search.search(tx, allowed, before=place, limit=limit)


async def access_log(
    viewer: Viewer,
    tx: AsyncConnection,
    before_id: int | None,
    limit: int,
    *,
    subject: str = "",
    actor: str = "",
    customer_id: int | None = None,
) -> list[AccessEntry]:
    """Return who looked at what, newest first; of one thing, one person or one customer's talk where asked."""
    require(viewer, Right.SEE_ACCESS_LOG)
    if customer_id is not None:
        return await logins.list_access_of_customer(tx, customer_id, limit=limit, before_id=before_id)
    return await logins.list_access(tx, limit=limit, before_id=before_id, subject=subject, actor=actor)


def access_line_stop(viewer: Viewer, name: str) -> Line:
    """Return the line `name` to somebody who may stop it."""
    require(viewer, Right.STOP_LINES)
    try:
        return Line(name)
    except ValueError as error:
        raise NotFound() from error

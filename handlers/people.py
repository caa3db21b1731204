"""Advisors, customers and the address book: what an event means for our records, and the welcome of a new contact.

`record` writes in the transaction of whoever works on the event (bot/contact_events.py); what the event does not tell
is asked for by a lookup. Events come late, twice, out of order or never, so nothing here relies on the one before
(domain/stays.py, store/lookups.py).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from domain import platform
from domain.replies import AnswerKind
from domain.reply import Reply
from domain.stays import Ended, Joined
from handlers import wording
from handlers.context import Context
from handlers.router import Router
from store import lookups, relations, staff
from store.lookups import LookupKind

router = Router()

# The life of a WelcomeCode, counted from the event (WeCom doc 92130).
WELCOME_CODE_LIFE = timedelta(seconds=20)


@router.on(platform.FriendAdded)
async def welcome_friend(event: platform.FriendAdded, ctx: Context) -> Reply | None:
    """Greet a new contact in the advisor's name, when the platform allows it and the pilot has the advisor."""
    pilot = ctx.rules.pilot_advisors
    if not event.welcome_code or event.created_at is None or (pilot and event.staff_id not in pilot):
        return None
    people = await staff.list_names(ctx.tx, [event.staff_id])
    say = wording.fixed(ctx, "friend_welcome", advisor=people.get(event.staff_id, ""))
    if say is None:
        return None
    say = replace(say, code=event.welcome_code, expires_at=event.created_at + WELCOME_CODE_LIFE)
    return Reply(decision=AnswerKind.SMALLTALK, says=(say,))


async def record(tx: AsyncConnection, event: platform.ContactEvent, now: datetime) -> bool:
    """Write what the event says of people; False when it is not about them."""
    match event:
        case platform.FriendAdded():
            await _record_added(tx, event, now)
        case platform.FriendEdited():
            await lookups.want(tx, LookupKind.CUSTOMER, [event.customer_id], now=now)
        case platform.FriendRemoved():
            await _record_removed(tx, event, now)
        case platform.StaffChanged():
            await _record_staff(tx, event, now)
        case platform.DepartmentsChanged():
            await lookups.want(tx, LookupKind.DEPARTMENTS, ["all"], now=now)
        case platform.TagsChanged():
            await lookups.want(tx, LookupKind.TAGS, ["all"], now=now)
        case _:
            return False
    return True


async def _record_added(tx: AsyncConnection, event: platform.FriendAdded, now: datetime) -> None:
    """Note the new relation. While the advisor has not agreed there is none; a later event tells of it."""
    if event.created_at is None or event.is_half:
        return
    joined = Joined(at=event.created_at, state=event.state)
    await relations.add_evidence(tx, {(event.staff_id, event.customer_id): [joined]}, now)
    await lookups.want(tx, LookupKind.CUSTOMER, [event.customer_id], now=now)


async def _record_removed(tx: AsyncConnection, event: platform.FriendRemoved, now: datetime) -> None:
    if event.created_at is None:
        return
    ended = Ended(at=event.created_at, reason=event.reason)
    await relations.add_evidence(tx, {(event.staff_id, event.customer_id): [ended]}, now)


async def _record_staff(tx: AsyncConnection, event: platform.StaffChanged, now: datetime) -> None:
    if event.new_staff_id:
        await staff.rename(tx, event.staff_id, event.new_staff_id)
    # Also whoever was removed is asked for: the event may be older than a return.
    await lookups.want(tx, LookupKind.STAFF, [event.new_staff_id or event.staff_id], now=now)
    if event.is_removed and event.created_at is not None:
        await staff.set_left(tx, [event.staff_id], event.created_at)

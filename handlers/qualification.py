"""Who may speak for a product line today, who else may, and how an advisor introduces themselves to a customer.

Registrations come from the company's own file (content/staff_files.py). Which lines need one is the setting
desk.require_registration; it is carried by Knowledge.needs_registration, so that whoever chooses words has it at hand.
The introduction follows 保险销售行为管理办法 art. 24: name, full name of the institution, registration number, before
the first words about insurance that are not said face to face.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date

from sqlalchemy.ext.asyncio import AsyncConnection

from content import reply_files
from content.knowledge import Knowledge
from domain.compliance import Registration
from domain.faq import Line
from domain.verdict import Qualification
from store import introductions, registrations, staff

INTRODUCTION = "introduction"  # The fixed reply that introduces an advisor.


async def standing(
    tx: AsyncConnection, knowledge: Knowledge, staff_platform_id: str, line: Line, today: date
) -> Qualification:
    """Return whether this member may speak for the line today; everybody may where no registration is asked for."""
    return judged(knowledge, await registrations.list_of(tx, staff_platform_id), line, today)


def judged(knowledge: Knowledge, held: Collection[Registration], line: Line, today: date) -> Qualification:
    """Return the same from registrations that were read already. Pure."""
    good = [one for one in held if one.line is line and one.valid_until >= today]
    best = max(good, key=lambda one: one.valid_until, default=None)
    is_needed = line in knowledge.needs_registration
    problems = knowledge.content.rules.check_speaker(line, held, today) if is_needed else []
    return Qualification(
        line=line,
        is_qualified=best is not None or not is_needed,
        number=best.number if best else "",
        valid_until=best.valid_until if best else None,
        problems=tuple(problems),
    )


async def find_colleagues(tx: AsyncConnection, knowledge: Knowledge, line: Line, today: date) -> list[str]:
    """Return the UserIDs of members at work today who may speak for the line, by UserID.

    Where the line needs no registration: everybody at work who may have customers or serves an account.
    """
    if line in knowledge.needs_registration:
        found = await registrations.list_holders(tx, line, today)
    else:
        found = await staff.list_serving(tx)
    return [one.platform_id for one in found if one.is_at_work(today)]


async def introduction(
    tx: AsyncConnection,
    knowledge: Knowledge,
    facts: Mapping[str, str],
    staff_platform_id: str,
    *,
    conversation_id: int | None,
    recipient: str,
    line: Line | None,
    today: date,
) -> str:
    """Return the words that this advisor's first message about insurance here has to begin with, "" when none.

    `recipient`: the customer's external user id, or a group's chat id. "" also where the advisor said the number here
    before, and where something is missing that the sentence needs: the registration, the company's name, the person's.
    """
    if line is not Line.INSURANCE:
        return ""
    own = await standing(tx, knowledge, staff_platform_id, line, today)
    reply, member = knowledge.replies.get(INTRODUCTION), await staff.find(tx, staff_platform_id)
    if not own.number or reply is None or member is None:
        return ""
    values = {**facts, "advisor": member.name, "registration": own.number}
    if not all(values.get(slot) for slot in ("advisor", "company", "registration")):
        return ""
    if await introductions.was_said(
        tx, staff_platform_id, own.number, conversation_id=conversation_id, recipient=recipient
    ):
        return ""
    return reply_files.fill(reply.text, values)


def introduced(introduction: str, text: str) -> str:
    """Return the text with its introduction in front, once."""
    if not introduction or introduction in text:
        return text
    return f"{introduction}\n{text}"

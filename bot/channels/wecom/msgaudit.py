"""The HTTP calls beside the message archive: who is archived, who agreed, names of internal groups and robots.

The token comes from the archive's own secret. Sources: WeCom docs 91614 (permit list), 91782 (agreements), 92951
(internal groups), 91774 (robots: 600 calls a minute).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.channels.wecom import fields
from bot.channels.wecom.client import WeComClient
from domain.archive import ConsentStatus, ConsentWord

# Of one check_single_agree; more are refused (301060).
PAIRS_AT_ONCE = 100
_STATUSES = {
    "agree": ConsentStatus.AGREE,
    "disagree": ConsentStatus.DISAGREE,
    "default_agree": ConsentStatus.DEFAULT_AGREE,
}


@dataclass(frozen=True, kw_only=True)
class InternalGroup:
    """A group of colleagues."""

    room_id: str
    name: str
    creator: str
    members: tuple[str, ...]


class MsgAudit:
    """The calls of one corp."""

    def __init__(self, client: WeComClient) -> None:
        self._client = client

    async def permitted(self) -> tuple[str, ...]:
        """Return the members whose talks are archived."""
        answer = await self._client.post("msgaudit/get_permit_user_list", data={})
        return fields.texts(answer, "ids")

    async def single_words(self, pairs: Sequence[tuple[str, str]]) -> list[ConsentWord]:
        """Return what the customers of up to 100 (member, customer) said; who was never asked is missing."""
        if len(pairs) > PAIRS_AT_ONCE:
            raise ValueError(f"{len(pairs)} pairs at once; at most {PAIRS_AT_ONCE}")
        # The platform spells it so.
        asked = [{"userid": member, "exteranalopenid": customer} for member, customer in pairs]
        answer = await self._client.post("msgaudit/check_single_agree", data={"info": asked})
        return [
            word
            for one in fields.objects(answer, "agreeinfo")
            if (word := _word(one, staff_id=fields.text(one, "userid"))) is not None and word.staff_id
        ]

    async def room_words(self, chat_id: str) -> list[ConsentWord]:
        """Return what the people from outside in a group said."""
        answer = await self._client.post("msgaudit/check_room_agree", data={"roomid": chat_id})
        return [
            word
            for one in fields.objects(answer, "agreeinfo")
            if (word := _word(one, chat_id=chat_id)) is not None
        ]

    async def internal_group(self, room_id: str) -> InternalGroup:
        """Return a group of colleagues; a customer group is refused (301059)."""
        answer = await self._client.post("msgaudit/groupchat/get", data={"roomid": room_id})
        return InternalGroup(
            room_id=room_id,
            name=fields.text(answer, "roomname"),
            creator=fields.text(answer, "creator"),
            members=tuple(fields.text(one, "memberid") for one in fields.objects(answer, "members")),
        )

    async def robot_name(self, robot_id: str) -> str:
        """Return what a group robot is called."""
        answer = await self._client.get("msgaudit/get_robot_info", params={"robot_id": robot_id})
        return fields.text(fields.inner(answer, "data"), "name")


def _word(entry: dict[str, Any], *, staff_id: str = "", chat_id: str = "") -> ConsentWord | None:
    """Return a word; None when the entry lacks the customer, the status or the time."""
    status = _STATUSES.get(fields.text(entry, "agree_status").lower())
    customer = fields.text(entry, "exteranalopenid")
    changed_at = fields.moment(entry, "status_change_time")
    if status is None or not customer or changed_at is None:
        return None
    return ConsentWord(
        customer_id=customer, staff_id=staff_id, chat_id=chat_id, status=status, changed_at=changed_at
    )

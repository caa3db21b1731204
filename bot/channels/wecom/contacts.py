"""The address book (通讯录) within the app's visible range: departments and members.

Sources: WeCom docs 90196 (user/get), 90201 (user/list), 90208 (department/list). Reading only.
"""

from __future__ import annotations

from typing import Any

from bot.channels.wecom import fields
from bot.channels.wecom.client import WeComClient
from domain.errors import ChannelRefused
from domain.people import Department, StaffSight, StaffStatus

_STATUSES = {
    1: StaffStatus.ACTIVE,
    2: StaffStatus.DISABLED,
    4: StaffStatus.INACTIVE,
    5: StaffStatus.LEFT,
}
# No such member; outside the app's range, which comes to the same for us.
_GONE = frozenset({40003, 46004, 60011, 60111})


class Contacts:
    """The address book of one corp."""

    def __init__(self, client: WeComClient) -> None:
        self._client = client

    async def departments(self) -> list[Department]:
        """Return every department the app may see."""
        answer = await self._client.get("department/list")
        return [
            Department(
                platform_id=fields.number(entry, "id"),
                name=fields.text(entry, "name"),
                parent_id=fields.number(entry, "parentid"),
                leaders=fields.texts(entry, "department_leader"),
                place=fields.number(entry, "order"),
            )
            for entry in fields.objects(answer, "department")
            if fields.number(entry, "id")
        ]

    async def members(self, department_id: int) -> list[StaffSight]:
        """Return the members of one department, without those below it."""
        answer = await self._client.get(
            "user/list", params={"department_id": department_id, "fetch_child": 0}
        )
        return [_sight(entry) for entry in fields.objects(answer, "userlist") if fields.text(entry, "userid")]

    async def member(self, staff_id: str) -> StaffSight | None:
        """Return one member, None when the company or the app's range does not have them."""
        try:
            answer = await self._client.get("user/get", params={"userid": staff_id})
        except ChannelRefused as error:
            if error.errcode in _GONE:
                return None
            raise
        return _sight(answer)


def _sight(entry: dict[str, Any]) -> StaffSight:
    leaders = fields.texts(entry, "direct_leader")
    departments = entry.get("department")
    numbers = departments if isinstance(departments, list) else []
    return StaffSight(
        platform_id=fields.text(entry, "userid"),
        name=fields.text(entry, "name"),
        departments=tuple(one for one in numbers if isinstance(one, int)),
        leader_platform_id=leaders[0] if leaders else "",
        status=_STATUSES.get(fields.number(entry, "status", 1), StaffStatus.UNKNOWN),
    )

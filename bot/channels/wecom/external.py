"""客户联系 for the inside: relations, tags, customer groups, their figures, and the welcome of a new contact.

What is changed through the API fires no callback (WeCom doc 92130), so who calls `mark_tags`, `set_remark` or
`hand_over_groups` writes the answer into our own records. Sources: WeCom docs 92113-92118, 92120, 92122, 92133, 92137,
92571, 92994, 95703.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

from bot.channels.wecom import fields
from bot.channels.wecom.client import WeComClient
from domain.delivery import Act, Delivery, Receipt
from domain.errors import ChannelRefused
from domain.groups import GroupDay, GroupSight, GroupStatus, JoinScene, MemberKind
from domain.people import RelationSight, Tag
from domain.platform import SessionStatus
from domain.ports import Clock
from domain.stays import Joined

CHANNEL = "external"
WELCOME_LIMIT_BYTES = 4000
_WELCOME = "externalcontact/send_welcome_msg"
_PAGE = 100
_GROUP_PAGE = 1000
# No such group, or dismissed. 49008 is told by clients, not by the documents.
_NO_GROUP = frozenset({40050, 49008, 90501, 90509})
# Nobody of the company has this customer; the id is none of ours.
_NO_RELATION = frozenset({84061, 40096})
# The member may not have customers any more: left, out of range, without 客户联系.
_NO_ADVISOR = frozenset({40003, 60011, 60111, 84074, 84084})
_STATUSES = {
    0: GroupStatus.NORMAL,
    1: GroupStatus.OWNER_LEFT,
    2: GroupStatus.TRANSFERRING,
    3: GroupStatus.TRANSFERRED,
}
# groupchat/get counts otherwise than the events do (parsing.py).
_JOIN_SCENES = {1: JoinScene.DIRECT, 2: JoinScene.LINK, 3: JoinScene.SCANNED}
_CHINA = timezone(timedelta(hours=8))
# Where the platform leaves out a time: the same at every reading, so that nobody seems to have come anew.
_NEVER_TOLD = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class GroupPage:
    """A page of the list of groups: chat id and its owner's state. `next_cursor` empty: the last one."""

    statuses: dict[str, GroupStatus]
    next_cursor: str


class External:
    """The customers and customer groups of one corp."""

    def __init__(self, client: WeComClient, clock: Clock) -> None:
        self._client, self._clock = client, clock

    # --- customers ------------------------------------------------------------------------------------------

    async def advisors(self) -> list[str]:
        """Return the members who may have customers."""
        answer = await self._client.get("externalcontact/get_follow_user_list")
        return list(fields.texts(answer, "follow_user"))

    async def customers_of(self, advisor: str, cursor: str = "") -> tuple[list[RelationSight], str]:
        """Return a page of an advisor's customers and the next cursor, empty after the last page.

        Raises ChannelRefused when the platform would leave this advisor out of the answer.
        """
        body = {"userid_list": [advisor], "cursor": cursor, "limit": _PAGE}
        try:
            answer = await self._client.post("externalcontact/batch/get_by_user", data=body)
        except ChannelRefused as error:
            if error.errcode in _NO_RELATION | _NO_ADVISOR:
                return [], ""
            raise
        unlicensed = fields.texts(fields.inner(answer, "fail_info"), "unlicensed_userid_list")
        if advisor in unlicensed:
            raise ChannelRefused("externalcontact/batch/get_by_user: the member has no licence (接口许可)")
        entries = fields.objects(answer, "external_contact_list")
        sights = [
            _relation(fields.inner(entry, "external_contact"), fields.inner(entry, "follow_info"))
            for entry in entries
        ]
        return [one for one in sights if one is not None], fields.text(answer, "next_cursor")

    async def followers_of(self, customer: str) -> list[RelationSight]:
        """Return a customer's relations to all advisors; empty when nobody has the customer any more."""
        found: list[RelationSight] = []
        cursor = ""
        while True:
            params = {"external_userid": customer} | ({"cursor": cursor} if cursor else {})
            try:
                answer = await self._client.get("externalcontact/get", params=params)
            except ChannelRefused as error:
                if error.errcode in _NO_RELATION:
                    return []
                raise
            contact = fields.inner(answer, "external_contact") | {"external_userid": customer}
            for entry in fields.objects(answer, "follow_user"):
                sight = _relation(contact, entry)
                if sight is not None:
                    found.append(sight)
            cursor = fields.text(answer, "next_cursor")
            if not cursor:
                return found

    async def tags(self) -> list[Tag]:
        """Return every tag of the company."""
        answer = await self._client.post("externalcontact/get_corp_tag_list", data={})
        return [
            Tag(
                platform_id=fields.text(entry, "id"),
                name=fields.text(entry, "name"),
                group_platform_id=fields.text(family, "group_id"),
                group_name=fields.text(family, "group_name"),
                place=fields.number(entry, "order"),
            )
            for family in fields.objects(answer, "tag_group")
            for entry in fields.objects(family, "tag")
            if fields.text(entry, "id") and entry.get("deleted") is not True
        ]

    async def mark_tags(
        self, advisor: str, customer: str, *, added: Sequence[str] = (), removed: Sequence[str] = ()
    ) -> None:
        """Tag a customer for an advisor; write it down with store.relations.set_tags."""
        body: dict[str, Any] = {"userid": advisor, "external_userid": customer}
        body |= {"add_tag": list(added)} if added else {}
        body |= {"remove_tag": list(removed)} if removed else {}
        await self._client.post("externalcontact/mark_tag", data=body)

    async def set_remark(self, advisor: str, customer: str, remark: str) -> None:
        """Change an advisor's remark on a customer, at most 20 characters; write it down afterwards."""
        body = {"userid": advisor, "external_userid": customer, "remark": remark}
        await self._client.post("externalcontact/remark", data=body)

    async def send_welcome(self, code: str, words: str) -> None:
        """Greet a new contact: within 20 s of the event, once. Raises CodeUsed, ChannelBusy, ChannelUncertain."""
        size = len(words.encode())
        if not 1 <= size <= WELCOME_LIMIT_BYTES:
            what = f"{_WELCOME}: {size} bytes; allowed are 1 to {WELCOME_LIMIT_BYTES}"
            raise ChannelRefused(what, endpoint=_WELCOME)
        await self._client.post(_WELCOME, data={"welcome_code": code, "text": {"content": words}})

    # --- groups ---------------------------------------------------------------------------------------------

    async def groups(self, cursor: str = "", owners: Sequence[str] = ()) -> GroupPage:
        """Return a page of the groups whose owners the app may see; `owners`: only theirs, at most 100."""
        body: dict[str, Any] = {"status_filter": 0, "limit": _GROUP_PAGE}
        body |= {"cursor": cursor} if cursor else {}
        body |= {"owner_filter": {"userid_list": list(owners)}} if owners else {}
        answer = await self._client.post("externalcontact/groupchat/list", data=body)
        statuses = {
            fields.text(entry, "chat_id"): _STATUSES.get(fields.number(entry, "status"), GroupStatus.NORMAL)
            for entry in fields.objects(answer, "group_chat_list")
            if fields.text(entry, "chat_id")
        }
        return GroupPage(statuses=statuses, next_cursor=fields.text(answer, "next_cursor"))

    async def group(self, chat_id: str) -> GroupSight | None:
        """Return a whole group, None when there is none (any more). `at` is before the platform was asked."""
        asked_at = self._now()
        body = {"chat_id": chat_id, "need_name": 0}
        try:
            answer = await self._client.post("externalcontact/groupchat/get", data=body)
        except ChannelRefused as error:
            if error.errcode in _NO_GROUP:
                return None
            raise
        told = fields.inner(answer, "group_chat")
        created_at = fields.moment(told, "create_time")
        return GroupSight(
            chat_id=chat_id,
            name=fields.text(told, "name"),
            notice=fields.text(told, "notice"),
            owner_platform_id=fields.text(told, "owner"),
            created_at=created_at,
            member_version=fields.text(told, "member_version"),
            members={
                fields.text(entry, "userid"): _member(entry, created_at or _NEVER_TOLD)
                for entry in fields.objects(told, "member_list")
                if fields.text(entry, "userid")
            },
            at=asked_at,
        )

    async def hand_over_groups(self, chat_ids: Sequence[str], owner: str) -> list[str]:
        """Give groups of a present owner to another; return those that were refused. Write the others down."""
        body = {"chat_id_list": list(chat_ids), "new_owner": owner}
        answer = await self._client.post("externalcontact/groupchat/onjob_transfer", data=body)
        return [fields.text(entry, "chat_id") for entry in fields.objects(answer, "failed_chat_list")]

    async def group_days(self, owner: str, first: date, last: date) -> list[GroupDay]:
        """Return the platform's figures of an owner's groups, day by day (at most 30 days, the last 180)."""
        body = {
            "day_begin_time": _midnight(first),
            "day_end_time": _midnight(last),
            "owner_filter": {"userid_list": [owner]},
        }
        answer = await self._client.post("externalcontact/groupchat/statistic_group_by_day", data=body)
        return [_day(owner, entry) for entry in fields.objects(answer, "items") if entry.get("stat_time")]

    def _now(self) -> datetime:
        return self._clock.now()


class ExternalChannel:
    """The Channel port for words to new contacts. Called by scheduler/outbox.py only."""

    def __init__(self, external: External) -> None:
        self._external = external

    async def send(self, delivery: Delivery, *, account_id: str, customer: str) -> Receipt:
        """Send a welcome by its code; see domain.ports.Channel."""
        if delivery.act is not Act.TEXT or not delivery.body.code:
            raise ChannelRefused("only a welcome with its code leaves by this channel", endpoint=_WELCOME)
        await self._external.send_welcome(delivery.body.code, delivery.body.text)
        return Receipt(msgid=delivery.key)

    async def session_status(self, account_id: str, customer: str) -> SessionStatus:
        """There are no sessions here."""
        return SessionStatus(state=None, servicer_id=None)


def kind_of(member_id: str, *, is_staff: bool | None = None) -> MemberKind:
    """Return whose side a member of a group is on: external ids begin with wm (WeChat) or wo (another company)."""
    if is_staff is None:
        is_staff = not member_id.startswith(("wm", "wo"))
    if is_staff:
        return MemberKind.STAFF
    return MemberKind.OTHER if member_id.startswith("wo") else MemberKind.CUSTOMER


def _member(entry: dict[str, Any], otherwise: datetime) -> tuple[MemberKind, Joined]:
    kind = kind_of(fields.text(entry, "userid"), is_staff=fields.number(entry, "type", 2) == 1)
    joined = Joined(
        at=fields.moment(entry, "join_time") or otherwise,
        is_exact=True,
        scene=_JOIN_SCENES.get(fields.number(entry, "join_scene"), ""),
        inviter=fields.text(fields.inner(entry, "invitor"), "userid"),
        state=fields.text(entry, "state"),
    )
    return kind, joined


def _relation(contact: dict[str, Any], follow: dict[str, Any]) -> RelationSight | None:
    customer, advisor = fields.text(contact, "external_userid"), fields.text(follow, "userid")
    if not customer or not advisor:
        return None
    tagged = [fields.text(one, "tag_id") for one in fields.objects(follow, "tags")]
    add_way, state = fields.text(follow, "add_way"), fields.text(follow, "state")
    since = fields.moment(follow, "createtime") or _NEVER_TOLD
    return RelationSight(
        staff_platform_id=advisor,
        customer_platform_id=customer,
        nickname=fields.text(contact, "name"),
        avatar_url=fields.text(contact, "avatar"),
        joined=Joined(at=since, is_exact=True, scene=add_way, state=state),
        add_way=add_way,
        state=state,
        remark=fields.text(follow, "remark"),
        description=fields.text(follow, "description"),
        # Personal tags have no id; they are the advisor's own.
        tags=fields.texts(follow, "tag_id") or tuple(dict.fromkeys(filter(None, tagged))),
    )


def _day(owner: str, entry: dict[str, Any]) -> GroupDay:
    data = fields.inner(entry, "data")
    moment = fields.moment(entry, "stat_time") or _NEVER_TOLD
    return GroupDay(
        owner_platform_id=owner,
        day=moment.astimezone(_CHINA).date(),
        new_chats=fields.number(data, "new_chat_cnt"),
        chats=fields.number(data, "chat_total"),
        chats_with_messages=fields.number(data, "chat_has_msg"),
        new_members=fields.number(data, "new_member_cnt"),
        members=fields.number(data, "member_total"),
        members_with_messages=fields.number(data, "member_has_msg"),
        messages=fields.number(data, "msg_total"),
    )


def _midnight(day: date) -> int:
    """Return the first second of a day in China, in which the platform counts (WeCom doc 92133)."""
    return int(datetime.combine(day, time(), _CHINA).timestamp())

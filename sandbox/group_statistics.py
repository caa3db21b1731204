"""Statistics of customer groups by owner and by day (WeCom doc 92133), counted from what happened.

Days are those of Beijing. A group counts for its present owner.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from sandbox import address_book
from sandbox.codes import ApiError
from sandbox.corp import Group, LineVia
from sandbox.messages import inner, integer
from sandbox.protocol import Call, strings
from sandbox.records import Json

BEIJING = timezone(timedelta(hours=8))
DAY = 24 * 3600
MOST_DAYS, OLDEST_DAYS = 30, 180
ORDER = {1: "new_chat_cnt", 2: "chat_total", 3: "new_member_cnt", 4: "member_total"}


async def by_owner(call: Call) -> Json:
    begin, end = _span(call)
    offset = integer(call.body, "offset", least=0, most=10**6, default=0)
    limit = integer(call.body, "limit", least=1, most=1000, default=500)
    order_by = integer(call.body, "order_by", least=1, most=4, default=1)
    ascending = integer(call.body, "order_asc", least=0, most=1, default=0)
    owned: dict[str, list[Group]] = {}
    for group in _groups(call):
        owned.setdefault(group.owner, []).append(group)
    rows: list[Json] = [{"owner": owner, "data": _count(kept, begin, end)} for owner, kept in owned.items()]
    rows.sort(key=lambda row: row["data"][ORDER[order_by]], reverse=not ascending)
    following = min(offset + limit, len(rows))
    return {"total": len(rows), "next_offset": following, "items": rows[offset:following]}


async def by_day(call: Call) -> Json:
    begin, end = _span(call)
    groups = _groups(call)
    rows: list[Json] = []
    while begin < end:
        rows.append({"stat_time": int(begin), "data": _count(groups, begin, begin + DAY)})
        begin += DAY
    return {"items": rows}


def _span(call: Call) -> tuple[float, float]:
    """From the first second asked for to the one after the last. Raises ApiError 40063 or 40058."""
    begin = integer(call.body, "day_begin_time", least=0, most=2**34)
    last = integer(call.body, "day_end_time", least=0, most=2**34, default=begin)
    begin, last = (_midnight(one) for one in (begin, last))
    if last < begin or last - begin >= MOST_DAYS * DAY:
        raise ApiError(40058, f"the span should be at most {MOST_DAYS} days")
    if begin < _midnight(call.world.clock.now()) - OLDEST_DAYS * DAY:
        raise ApiError(40058, f"only the last {OLDEST_DAYS} days")
    return begin, last + DAY


def _midnight(moment: float) -> int:
    day = datetime.fromtimestamp(moment, BEIJING).replace(hour=0, minute=0, second=0, microsecond=0)
    return int(day.timestamp())


def _groups(call: Call) -> list[Group]:
    """The groups of the owners asked for, who must be visible. Raises ApiError 40063, 40003 or 60011."""
    userids = strings(inner(call.body, "owner_filter"), "userid_list", 100)
    if not userids:
        raise ApiError(40063, "owner_filter.userid_list")
    for userid in userids:
        if userid not in call.world.members:
            raise ApiError(40003)
        if not address_book.sees(call.world, call.app, userid):
            raise ApiError(60011)
    return [one for userid in dict.fromkeys(userids) for one in call.world.corp.owned(userid)]


def _count(groups: list[Group], begin: float, end: float) -> Json:
    """The eight figures of a span; totals are those at its end."""
    there = [one for one in groups if one.created_at < end]
    spoken = [_speakers(one, begin, end) for one in there]
    passages = [passage for group in there for passage in group.passages if not passage.is_staff]
    return {
        "new_chat_cnt": sum(one.created_at >= begin for one in there),
        "chat_total": len(there),
        "chat_has_msg": sum(bool(one) for one in spoken),
        "new_member_cnt": sum(one.joined and begin <= one.at < end for one in passages),
        "member_total": sum((1 if one.joined else -1) for one in passages if one.at < end),
        "member_has_msg": sum(len(set(one)) for one in spoken),
        "msg_total": sum(len(one) for one in spoken),
        "migrate_trainee_chat_cnt": 0,
    }


def _speakers(group: Group, begin: float, end: float) -> list[str]:
    """Who wrote within the span, once for each message."""
    return [
        one.by for one in group.lines if one.by and one.via is not LineVia.NOTICE and begin <= one.at < end
    ]

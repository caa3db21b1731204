"""The platform's daily figures of members and of 客服 (WeCom docs 92132, 95489, 95490), counted from what happened.

Days are those of Beijing; 客服 tells a day from six the next morning on. What has nothing to divide by is left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone

from sandbox import address_book
from sandbox.codes import ApiError
from sandbox.corp import Line, Relation
from sandbox.messages import integer, text
from sandbox.protocol import Call, Endpoint, open_kfid, strings
from sandbox.records import Bubble, Chat, Json, Via

BEIJING = timezone(timedelta(hours=8))
DAY, READY_SECONDS = 24 * 3600, 6 * 3600
MOST_CONTACT_DAYS, MOST_KF_DAYS, OLDEST_DAYS = 30, 31, 180
MOST_MEMBERS = 100


async def of_contacts(call: Call) -> Json:
    userids = strings(call.body, "userid", MOST_MEMBERS)
    if not userids:
        raise ApiError(40063, "userid")
    for userid in userids:
        if userid not in call.world.members:
            raise ApiError(40003)
        if not address_book.sees(call.world, call.app, userid):
            raise ApiError(60011)
    begin, end = _span(call, MOST_CONTACT_DAYS)
    wanted = set(userids)
    known = [one for one in call.world.corp.relations.values() if one.userid in wanted]
    return {
        "behavior_data": [
            {"stat_time": day, **_behaviour(known, day, day + DAY)} for day in range(begin, end, DAY)
        ]
    }


async def of_account(call: Call) -> Json:
    account = open_kfid(call)
    begin, end = _kf_span(call)
    chats = [chat for chat in call.world.chats.values() if chat.open_kfid == account]
    return {
        "statistic_list": [
            {"stat_time": day, "statistic": _kf(chats, day, day + DAY, "")} for day in range(begin, end, DAY)
        ]
    }


async def of_servicer(call: Call) -> Json:
    account = open_kfid(call)
    who = text(call.body, "servicer_userid", most=64)
    begin, end = _kf_span(call)
    chats = [chat for chat in call.world.chats.values() if chat.open_kfid == account]
    return {
        "statistic_list": [
            {"stat_time": day, "statistic": _kf(chats, day, day + DAY, who or "*")}
            for day in range(begin, end, DAY)
        ]
    }


def _span(call: Call, most_days: int) -> tuple[int, int]:
    """From the first second asked for to the one after the last. Raises ApiError 40058."""
    begin = _midnight(integer(call.body, "start_time", least=0, most=2**34))
    last = _midnight(integer(call.body, "end_time", least=0, most=2**34))
    if last < begin or last - begin >= most_days * DAY:
        raise ApiError(40058, f"the span should be at most {most_days} days")
    if begin < _midnight(call.world.clock.now()) - OLDEST_DAYS * DAY:
        raise ApiError(40058, f"only the last {OLDEST_DAYS} days")
    return begin, last + DAY


def _kf_span(call: Call) -> tuple[int, int]:
    """The same, and no day that is not counted yet."""
    begin, end = _span(call, MOST_KF_DAYS)
    now = call.world.clock.now()
    ready = _midnight(now) if now - _midnight(now) >= READY_SECONDS else _midnight(now) - DAY
    return begin, min(end, ready)


def _midnight(moment: float) -> int:
    day = datetime.fromtimestamp(moment, BEIJING).replace(hour=0, minute=0, second=0, microsecond=0)
    return int(day.timestamp())


def _behaviour(known: list[Relation], begin: float, end: float) -> Json:
    """One day of members, summed; the first answer of a chat counts, in minutes."""
    talked = [kept for one in known if (kept := [line for line in one.lines if begin <= line.at < end])]
    own = {one.userid for one in known}
    asked = [lines for lines in talked if lines[0].by not in own]
    waits = [wait for lines in asked if (wait := _first_answer(lines, own)) is not None]
    told: Json = {
        "chat_cnt": len(talked),
        "message_cnt": sum(line.by in own for lines in talked for line in lines),
        "negative_feedback_cnt": 0,
        "new_apply_cnt": sum(begin <= one.created_at < end for one in known),
        "new_contact_cnt": sum(begin <= one.created_at < end and not one.half for one in known),
    }
    if asked:
        told["reply_percentage"] = round(100 * len(waits) / len(asked), 2)
    if waits:
        told["avg_reply_time"] = int(sum(waits) / len(waits) / 60)
    return told


def _first_answer(lines: Iterable[Line], own: set[str]) -> float | None:
    asked_at = None
    for line in lines:
        if asked_at is None:
            asked_at = line.at
        elif line.by in own:
            return line.at - asked_at
    return None


def _kf(chats: list[Chat], begin: float, end: float, who: str) -> Json:
    """One day of 客服. `who`: "" for the account, "*" for all its servicers, else one of them."""
    talked = [kept for chat in chats if (kept := [one for one in chat.bubbles if begin <= one.at < end])]
    if who:
        talked = [kept for kept in talked if any(_is_by(one, who) for one in kept)]
    told: Json = {
        "session_cnt": len(talked),
        "customer_cnt": len(talked),
        "customer_msg_cnt": sum(one.via is Via.CUSTOMER for kept in talked for one in kept),
        "upgrade_service_customer_cnt": 0,
        "msg_rejected_customer_cnt": sum(chat.customer.rejects for chat in chats),
    }
    if not who:
        told["ai_session_reply_cnt"] = sum(
            any(one.via in (Via.API, Via.EVENT) for one in kept) for kept in talked
        )
        return told
    waits = [wait for kept in talked if (wait := _first_word(kept, who)) is not None]
    if talked:
        told["reply_rate"] = round(100 * len(waits) / len(talked), 2)
    if waits:
        told["first_reply_average_sec"] = int(sum(waits) / len(waits))
    return told


def _first_word(kept: list[Bubble], who: str) -> float | None:
    asked_at = next((one.at for one in kept if one.via is Via.CUSTOMER), None)
    said_at = next((one.at for one in kept if _is_by(one, who)), None)
    return None if asked_at is None or said_at is None or said_at < asked_at else said_at - asked_at


def _is_by(one: Bubble, who: str) -> bool:
    return one.via is Via.SERVICER and who in ("*", one.servicer_userid)


ENDPOINTS = [
    Endpoint(
        path="externalcontact/get_user_behavior_data", method="POST", handler=of_contacts, contacts=True
    ),
    Endpoint(path="kf/get_corp_statistic", method="POST", handler=of_account, kf=True),
    Endpoint(path="kf/get_servicer_statistic", method="POST", handler=of_servicer, kf=True),
]

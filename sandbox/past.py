"""Talks between customers and servicers that took place before the sandbox began, put into the accounts' logs.

Message ids come from the settings alone, so that a client which has read them before a restart knows them again.
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.logbook import Entry
from sandbox.records import Bubble, Json, Via
from sandbox.sessions import FINISHED, TAKEN
from sandbox.settings import TalkSettings, talk_lines
from sandbox.world import World


@dataclass(frozen=True, kw_only=True)
class _Told:
    """One entry of a log. `bubble`: what the phone shows of it, None for an event."""

    at: float
    open_kfid: str
    external_userid: str
    message: Json
    bubble: Bubble | None = None


def play(world: World, talks: tuple[TalkSettings, ...]) -> None:
    """Write every talk into the log of its account, in order of time. No callback tells of what is past."""
    told: list[_Told] = []
    for number, talk in enumerate(talks, 1):
        if talk.external_userid not in world.customers:
            world.add_customer(talk.nickname, external_userid=talk.external_userid, simulated=True)
        told += _entries(world, talk, f"past{number}")
    for one in sorted(told, key=lambda entry: entry.at):
        entry = Entry(
            number=world.next_number(), at=one.at, message={"send_time": int(one.at), **one.message}
        )
        world.accounts[one.open_kfid].log.append(entry)
        if one.bubble is not None:
            _show(world, one, one.bubble)


def _show(world: World, told: _Told, bubble: Bubble) -> None:
    chat = world.chat(told.external_userid, told.open_kfid)
    chat.bubbles.append(bubble)
    chat.by_msgid[bubble.msgid] = bubble
    if bubble.via is Via.CUSTOMER:
        chat.last_customer_at = chat.customer.seen_at = bubble.at
        chat.last_customer_msgid = bubble.msgid


def _entries(world: World, talk: TalkSettings, name: str) -> list[_Told]:
    at = world.clock.now() - talk.hours_ago * 3600
    ids = {"open_kfid": talk.open_kfid, "external_userid": talk.external_userid}
    found: list[_Told] = []

    def tell(message: Json, bubble: Bubble | None = None) -> None:
        who = talk.external_userid
        found.append(
            _Told(at=at, open_kfid=talk.open_kfid, external_userid=who, message=message, bubble=bubble)
        )

    def event(key: str, change_type: int, **fields: str) -> None:
        body = {"event_type": "session_status_change", **ids, "change_type": change_type, **fields}
        tell({"msgid": f"{name}-{key}", "origin": 4, "msgtype": "event", "event": body})

    for place, (is_customer, seconds, text) in enumerate(talk_lines(talk), 1):
        at += seconds
        body, msgid = {"content": text}, f"{name}-{place}"
        said_by = {} if is_customer else {"servicer_userid": talk.userid}
        message = {"msgid": msgid, **ids, **said_by, "origin": 3 if is_customer else 5}
        bubble = Bubble(
            number=world.next_number(),
            at=at,
            via=Via.CUSTOMER if is_customer else Via.SERVICER,
            msgid=msgid,
            msgtype="text",
            body=body,
            servicer_userid="" if is_customer else talk.userid,
        )
        tell({**message, "msgtype": "text", "text": body}, bubble)
        if place == 1:
            at += 1
            event("begun", TAKEN, new_servicer_userid=talk.userid)
    at += 60
    event("ended", FINISHED, old_servicer_userid=talk.userid)
    return found

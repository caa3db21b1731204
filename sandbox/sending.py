"""What the API sends to customers: kf/send_msg and kf/send_msg_on_event with their budgets, codes and msgids.

Source: WeCom docs 94677 and 95122. The order of checks is ours: form first, then the repeat of a msgid, then time,
state and budget, so that a repeat is told as a repeat even when the session has moved on.
"""

from __future__ import annotations

from sandbox import messages
from sandbox.codes import REPEATED_MSGID, ApiError
from sandbox.records import Account, Chat, Json, Scenario, SessionState, Via
from sandbox.settings import RepeatMode
from sandbox.world import WINDOW_SECONDS, World

BUDGET = 5
REJECTED_BY_CUSTOMER = 10
TEXT_ONLY = (Scenario.WAITING, Scenario.ASSIGNED)


def send(world: World, account: Account, chat: Chat, body: Json) -> str:
    """kf/send_msg; returns the msgid. Raises ApiError for a broken rule."""
    kind, content = messages.check_kf_message(
        body, lambda media_id: world.media.get(media_id, world.clock.now())
    )
    msgid = _own_msgid(world, account, body)
    if world.clock.now() - chat.last_customer_at > WINDOW_SECONDS and chat.last_customer_at > 0:
        raise ApiError(95002)
    if chat.state not in (SessionState.NEW, SessionState.ASSISTANT):
        raise ApiError(95018, f"session state {int(chat.state)}")
    if chat.sent_since_last >= BUDGET:
        raise ApiError(95001)
    chat.sent_since_last += 1
    account.used_msgids.add(msgid)
    _deliver(world, chat, Via.API, msgid, kind, content)
    if chat.state is SessionState.NEW:
        world.set_state(chat, SessionState.ASSISTANT)
    else:
        world.tell_chat(chat)
    return msgid


def send_on_event(world: World, body: Json) -> str:
    """kf/send_msg_on_event; returns the msgid. Raises ApiError for a broken rule or a dead code."""
    value = messages.text(body, "code", least=1, most=128)
    code = world.codes.get(value)
    if code is None:
        raise ApiError(world.settings.event_code_error, "unknown code")
    chat = code.chat
    account = world.accounts.get(chat.open_kfid)
    if account is None:
        raise ApiError(95004)
    kind = messages.text(body, "msgtype", least=1, most=32)
    allowed = ("text",) if code.scenario in TEXT_ONLY else messages.ON_EVENT_TYPES
    if kind not in allowed:
        raise ApiError(40008, f"{kind} is not allowed here")
    kind, content = messages.check_kf_message(body, lambda _: None)
    if kind == "msgmenu" and len(content["list"]) > messages.MENU_CLICKABLE:
        raise ApiError(95008)
    msgid = _own_msgid(world, account, body)
    world.settle(chat)
    if code.used or world.clock.now() >= code.expires_at:
        raise ApiError(world.settings.event_code_error, "code used" if code.used else "code expired")
    if code.state is not None and chat.state is not code.state:
        raise ApiError(95018, f"session state {int(chat.state)}")
    code.used = True
    account.used_msgids.add(msgid)
    if code.scenario is Scenario.WELCOME:
        chat.welcomed_at = world.clock.now()
    _deliver(world, chat, Via.EVENT, msgid, kind, content)
    world.tell_chat(chat)
    return msgid


def _own_msgid(world: World, account: Account, body: Json) -> str:
    msgid = messages.text(body, "msgid", most=32, pattern=r"[0-9a-zA-Z_-]*")
    if msgid in account.used_msgids and world.settings.repeat is RepeatMode.REFUSE:
        raise ApiError(REPEATED_MSGID)
    return msgid or world.new_id("a")


def _deliver(world: World, chat: Chat, via: Via, msgid: str, kind: str, content: Json) -> None:
    customer = chat.customer
    failure = None
    if customer.next_failures:
        failure = customer.next_failures.pop(0)
    elif customer.rejects:
        failure = REJECTED_BY_CUSTOMER
    last = chat.last_customer_msgid
    world.show(chat, via, msgid, kind, content, answers=last, undelivered=failure)
    if failure is not None:
        ids = {"external_userid": customer.external_userid, "fail_msgid": msgid}
        world.log_event(chat.open_kfid, "msg_send_fail", **ids, fail_type=failure)

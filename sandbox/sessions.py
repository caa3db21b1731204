"""The session state machine, as the API moves it and as servicers move it in their client.

Source: WeCom docs 94669 and 94670 (session_status_change). Only the moves the page marks as allowed succeed.
"""

from __future__ import annotations

from sandbox.codes import ApiError, WorldError
from sandbox.records import Chat, Json, Scenario, Servicer, SessionState, Via
from sandbox.world import RECALL_SECONDS, World

NEW, ASSISTANT, WAITING, SERVICER, ENDED = SessionState

MOVES = {
    NEW: {WAITING, SERVICER},
    ASSISTANT: {WAITING, SERVICER},
    WAITING: {SERVICER},
    SERVICER: {SERVICER, ENDED},
    ENDED: set[SessionState](),
}
TAKEN, TRANSFERRED, FINISHED, REOPENED = 1, 2, 3, 4  # change_type of session_status_change
NOWHERE = "-"  # in open_kfids of a servicer without an account, where an empty set would mean every account
RECEIVING, STOPPED = 1, 2  # status of servicer_status_change; servicer/list says 0 and 1 for the same


def trans(world: World, chat: Chat, state: int, servicer_userid: str) -> str:
    """Move a session by the API; returns the msg_code, "" when this move gives none.

    Raises ApiError 95013, 95014, 95016, 95019, 40058 or 40063.
    """
    if state not in (ASSISTANT, WAITING, SERVICER, ENDED):
        raise ApiError(40058, "service_state should be 1 to 4")
    target = SessionState(state)
    if chat.state is ENDED and target is ENDED:
        raise ApiError(95013)
    if target not in MOVES[chat.state]:
        raise ApiError(95016, f"from {int(chat.state)} to {state}")
    if target is SERVICER:
        _check_servicer(world, chat, servicer_userid)
    world.set_state(chat, target, servicer_userid if target is SERVICER else "")
    _note_state(world, chat)
    first = target not in chat.coded_states
    chat.coded_states.add(target)
    if target is ENDED:
        return world.new_code(chat, Scenario.ENDED)
    scenario = Scenario.WAITING if target is WAITING else Scenario.ASSIGNED
    return world.new_code(chat, scenario) if first else ""


def _check_servicer(world: World, chat: Chat, userid: str) -> None:
    if not userid:
        raise ApiError(40063, "servicer_userid is missing")
    servicer = world.servicers.get(userid)
    if servicer is None or not servicer.serves(chat.open_kfid):
        raise ApiError(95014)
    if not servicer.receiving:
        raise ApiError(95019)
    if chat.state is SERVICER and chat.servicer_userid == userid:
        raise ApiError(95016, "already served by this servicer")


def _note_state(world: World, chat: Chat) -> None:
    if chat.state is WAITING:
        world.note(chat, "已进入人工排队")
    elif chat.state is SERVICER:
        world.note(chat, f"人工客服 {_name(world, chat.servicer_userid)} 为您服务")
    elif chat.state is ENDED:
        world.note(chat, "会话已结束")


def _name(world: World, userid: str) -> str:
    servicer = world.servicers.get(userid)
    return servicer.name if servicer else userid


def _tell(
    world: World, chat: Chat, change_type: int, *, old: str = "", new: str = "", code: str = ""
) -> None:
    fields = {"old_servicer_userid": old, "new_servicer_userid": new, "msg_code": code}
    present = {name: value for name, value in fields.items() if value}
    world.log_event(
        chat.open_kfid,
        "session_status_change",
        external_userid=chat.customer.external_userid,
        change_type=change_type,
        **present,
    )


# -- what servicers do in their client ---------------------------------------------------------------------------


def set_receiving(world: World, userid: str, receiving: bool, *, stop_type: int = 0) -> None:
    """The servicer starts or stops receiving; `stop_type` 0 stopped, 1 暂时挂起."""
    servicer = world.servicer(userid)
    if servicer.receiving is receiving:
        return
    servicer.receiving = receiving
    servicer.stop_type = 0 if receiving else stop_type
    for open_kfid in world.accounts:
        if servicer.serves(open_kfid):
            status = {"status": RECEIVING if receiving else STOPPED}
            stopped = {} if receiving else {"stop_type": stop_type}
            world.log_event(open_kfid, "servicer_status_change", servicer_userid=userid, **status, **stopped)
    if world.on_change:
        world.on_change("servicer", servicer_json(servicer))


def set_serving(world: World, userid: str, open_kfid: str, serves: bool) -> None:
    """Put a member on the list of an account's servicers, or take the servicer off it."""
    servicer = world.servicers.get(userid)
    if servicer is None:
        member = world.members[userid]
        servicer = Servicer(userid=userid, name=member.name, open_kfids={NOWHERE})
        world.servicers[userid] = servicer
    explicit = servicer.open_kfids or set(world.accounts)
    servicer.open_kfids = (
        (explicit | {open_kfid}) - {NOWHERE} if serves else (explicit - {open_kfid}) or {NOWHERE}
    )
    if world.on_change:
        world.on_change("servicer", servicer_json(servicer))


def take(world: World, userid: str, external_userid: str, open_kfid: str = "") -> None:
    """The servicer takes a waiting customer from the pool."""
    servicer, chat = _pair(world, userid, external_userid, open_kfid)
    if chat.state is not WAITING:
        raise WorldError("这位客户不在排队中")
    if not servicer.receiving:
        raise WorldError(f"{servicer.name} 已停止接待")
    world.set_state(chat, SERVICER, userid)
    chat.coded_states.add(SERVICER)
    _note_state(world, chat)
    _tell(world, chat, TAKEN, new=userid, code=world.new_code(chat, Scenario.ASSIGNED))


def transfer(world: World, userid: str, to_userid: str, external_userid: str, open_kfid: str = "") -> None:
    """The servicer hands the customer to another servicer."""
    _, chat = _pair(world, userid, external_userid, open_kfid)
    other, _ = _pair(world, to_userid, external_userid, open_kfid)
    _check_own(chat, userid)
    if to_userid == userid:
        raise WorldError("不能转接给自己")
    if not other.receiving:
        raise WorldError(f"{other.name} 已停止接待")
    world.set_state(chat, SERVICER, to_userid)
    _note_state(world, chat)
    _tell(world, chat, TRANSFERRED, old=userid, new=to_userid)


def end(world: World, userid: str, external_userid: str, open_kfid: str = "") -> None:
    """The servicer ends the session."""
    _, chat = _pair(world, userid, external_userid, open_kfid)
    _check_own(chat, userid)
    world.set_state(chat, ENDED)
    _note_state(world, chat)
    _tell(world, chat, FINISHED, old=userid, code=world.new_code(chat, Scenario.ENDED))


def says(world: World, userid: str, external_userid: str, content: str, open_kfid: str = "") -> str:
    """The servicer writes to the customer; in an ended session this opens it again. Returns the msgid."""
    if not content.strip():
        raise WorldError("不能发送空白消息")
    return sends(world, userid, external_userid, "text", {"content": content}, open_kfid)


def sends(world: World, userid: str, external_userid: str, kind: str, body: Json, open_kfid: str = "") -> str:
    """The servicer sends a message of any kind, as `says`."""
    _, chat = _pair(world, userid, external_userid, open_kfid)
    if chat.state is ENDED:
        if not chat.bubbles:
            raise WorldError("客户还没有来过，不能先开口")
        world.set_state(chat, SERVICER, userid)
        _tell(world, chat, REOPENED, old=userid, new=userid)
    else:
        _check_own(chat, userid)
    msgid = world.new_id("s")
    last = chat.last_customer_msgid
    world.show(chat, Via.SERVICER, msgid, kind, body, servicer_userid=userid, answers=last)
    world.tell_chat(chat)
    ids = {"open_kfid": chat.open_kfid, "external_userid": external_userid, "servicer_userid": userid}
    world.log(chat.open_kfid, {"msgid": msgid, **ids, "origin": 5, "msgtype": kind, kind: body})
    return msgid


def recalls(world: World, userid: str, external_userid: str, msgid: str, open_kfid: str = "") -> None:
    """The servicer takes an own message back, within two minutes."""
    _, chat = _pair(world, userid, external_userid, open_kfid)
    bubble = chat.by_msgid.get(msgid)
    if bubble is None or bubble.servicer_userid != userid or bubble.recalled:
        raise WorldError("没有可以撤回的这条消息")
    if world.clock.now() - bubble.at > RECALL_SECONDS:
        raise WorldError("发送超过 2 分钟的消息不能撤回")
    world.mark_recalled(chat, bubble)
    fields = {"external_userid": external_userid, "servicer_userid": userid, "recall_msgid": msgid}
    world.log_event(chat.open_kfid, "servicer_recall_msg", **fields)


def reject_customer(
    world: World, userid: str, external_userid: str, rejects: bool, open_kfid: str = ""
) -> None:
    """The servicer switches 拒收客户消息 on or off (event reject_customer_msg_switch_change)."""
    _, chat = _pair(world, userid, external_userid, open_kfid)
    fields = {"external_userid": external_userid, "servicer_userid": userid, "reject_switch": int(rejects)}
    world.log_event(chat.open_kfid, "reject_customer_msg_switch_change", **fields)


def servicer_json(servicer: Servicer) -> dict[str, object]:
    return {
        "userid": servicer.userid,
        "name": servicer.name,
        "open_kfids": sorted(servicer.open_kfids),
        "receiving": servicer.receiving,
        "stop_type": servicer.stop_type,
    }


def _pair(world: World, userid: str, external_userid: str, open_kfid: str) -> tuple[Servicer, Chat]:
    servicer = world.servicer(userid)
    chat = world.chat(external_userid, open_kfid)
    if not servicer.serves(chat.open_kfid):
        raise WorldError(f"{servicer.name} 不接待这个客服账号")
    return servicer, chat


def _check_own(chat: Chat, userid: str) -> None:
    if chat.state is not SERVICER or chat.servicer_userid != userid:
        raise WorldError("这位客户不由您接待")

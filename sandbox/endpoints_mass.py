"""The endpoints of mass sends (企业群发): create, read, remind, cancel (WeCom docs 92135, 93338, 97610, 97611)."""

from __future__ import annotations

from sandbox import mass_sending
from sandbox.codes import ApiError
from sandbox.corp import MassTask, TargetStatus
from sandbox.messages import integer, text
from sandbox.protocol import Call, Endpoint, Handler, page
from sandbox.records import Json

MONTH_SECONDS = 31 * 24 * 3600
BOTH = 2  # filter_type: 0 corp, 1 personal, 2 both


async def add(call: Call) -> Json:
    task, failed = mass_sending.create(call.world, call.app, call.body)
    return {"fail_list": failed, "msgid": task.msgid}


async def list_tasks(call: Call) -> Json:
    body = call.body
    chat_type = text(body, "chat_type", least=1, most=16)
    if chat_type not in ("single", "group"):
        raise ApiError(40058, "chat_type should be single or group")
    begin = integer(body, "start_time", least=0, most=2**34)
    end = integer(body, "end_time", least=0, most=2**34)
    if end < begin or end - begin > MONTH_SECONDS:
        raise ApiError(40058, "the span should be at most a month")
    wanted = integer(body, "filter_type", least=0, most=2, default=BOTH)
    creator = text(body, "creator", most=64)
    rows = [
        one
        for one in call.world.corp.mass_tasks.values()
        if one.chat_type == chat_type
        and begin <= one.created_at <= end
        and (wanted == BOTH or int(one.personal) == wanted)
        and (not creator or one.creator == creator)
        and not mass_sending.is_dispatching(call.world, one)
    ]
    shown, cursor = page(rows, body, default=50, most=100)
    return {"next_cursor": cursor, "group_msg_list": [_task_json(one) for one in shown]}


async def list_parts(call: Call) -> Json:
    task = mass_sending.task_of(call.world, call.body)
    shown, cursor = page(list(task.parts.values()), call.body, default=500, most=1000)
    rows = [
        {"userid": one.userid, "status": 0}
        if one.confirmed_at is None
        else {"userid": one.userid, "status": 2, "send_time": int(one.confirmed_at)}
        for one in shown
    ]
    return {"next_cursor": cursor, "task_list": rows}


async def list_results(call: Call) -> Json:
    task = mass_sending.task_of(call.world, call.body)
    part = task.parts.get(text(call.body, "userid", least=1, most=64))
    if part is None:
        raise ApiError(40003)
    named = "chat_id" if task.chat_type == "group" else "external_userid"
    # For groups only what was sent is listed (doc 93338), and what was sent and did not arrive.
    kept = [
        one
        for one in part.targets.values()
        if task.chat_type == "single" or one.status is not TargetStatus.WAITING
    ]
    shown, cursor = page(kept, call.body, default=500, most=1000)
    rows = [
        {
            named: one.target_id,
            "userid": part.userid,
            "status": int(one.status),
            **({"send_time": int(one.sent_at)} if one.status is TargetStatus.SENT else {}),
        }
        for one in shown
    ]
    return {"next_cursor": cursor, "send_list": rows}


async def remind(call: Call) -> Json:
    mass_sending.remind(call.world, mass_sending.task_of(call.world, call.body))
    return {}


async def cancel(call: Call) -> Json:
    mass_sending.cancel(call.world, mass_sending.task_of(call.world, call.body))
    return {}


def _task_json(one: MassTask) -> Json:
    row: Json = {
        "msgid": one.msgid,
        "create_time": int(one.created_at),
        "create_type": int(one.personal),
        "attachments": one.attachments,
    }
    if one.text:
        row["text"] = {"content": one.text}
    if one.creator:
        row["creator"] = one.creator
    return row


PATHS: tuple[tuple[str, Handler], ...] = (
    ("add_msg_template", add),
    ("get_groupmsg_list_v2", list_tasks),
    ("get_groupmsg_task", list_parts),
    ("get_groupmsg_send_result", list_results),
    ("remind_groupmsg_send", remind),
    ("cancel_groupmsg_send", cancel),
)
ENDPOINTS = [
    Endpoint(path=f"externalcontact/{path}", method="POST", handler=handler, contacts=True)
    for path, handler in PATHS
]

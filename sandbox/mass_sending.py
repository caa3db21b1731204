"""Mass sends (企业群发): a task the member must confirm, with limits per customer and per group.

Source: WeCom docs 92135 (create), 93338 (results), 97610 (remind), 97611 (cancel). Nothing is sent by creating.
Calendar months, weeks and days are those of Beijing.
"""

from __future__ import annotations

import calendar
import time
from datetime import datetime, timedelta, timezone

from sandbox import address_book, attachments, groups, relations
from sandbox.codes import ApiError, WorldError
from sandbox.corp import LineVia, MassPart, MassTarget, MassTask, TargetStatus
from sandbox.messages import text
from sandbox.protocol import strings
from sandbox.records import Json
from sandbox.settings import AppSettings, MassLimit
from sandbox.world import World

CUSTOMERS, GROUPS, TAGS_PER_LIST = 10_000, 2_000, 100
REMINDERS, REMINDER_SECONDS = 3, 24 * 3600
BEIJING = timezone(timedelta(hours=8))


def create(world: World, app: AppSettings, body: Json) -> tuple[MassTask, list[str]]:
    """add_msg_template; returns the task and the ids that cannot be sent to.

    Raises ApiError 41048 when nobody is left, and the code of a broken rule.
    """
    chat_type = text(body, "chat_type", most=16) or "single"
    if chat_type not in ("single", "group"):
        raise ApiError(40058, "chat_type should be single or group")
    sender = text(body, "sender", least=int(chat_type == "group"), most=64)
    if sender and not address_book.sees(world, app, sender):
        raise ApiError(40003 if sender not in world.members else 60011)
    if sender and not world.members[sender].follows:
        raise ApiError(84074)
    content, attached = attachments.check_message(world, body)
    make = _group_parts if chat_type == "group" else _single_parts
    parts, failed = make(world, app, body, sender)
    if not any(part.targets or part.open_choice for part in parts.values()):
        raise ApiError(41048)
    task = MassTask(
        msgid=world.new_id("msg"),
        chat_type=chat_type,
        created_at=world.now(),
        real_at=time.monotonic(),
        text=content,
        attachments=attached,
        agent_id=app.agent_id,
        parts=parts,
    )
    world.corp.mass_tasks[task.msgid] = task
    world.tell("mass", msgid=task.msgid)
    if world.on_mass:
        world.on_mass(task)
    return task, failed


def _group_parts(
    world: World, app: AppSettings, body: Json, sender: str
) -> tuple[dict[str, MassPart], list[str]]:
    chat_ids = list(dict.fromkeys(strings(body, "chat_id_list", GROUPS)))
    owned = world.corp.groups
    good = [
        one for one in chat_ids if one in owned and owned[one].owner == sender and not owned[one].dismissed
    ]
    part = MassPart(
        userid=sender,
        targets={one: MassTarget(target_id=one) for one in good},
        open_choice=not chat_ids,
    )
    kept = set(good)
    return {sender: part}, [one for one in chat_ids if one not in kept]


def _single_parts(
    world: World, app: AppSettings, body: Json, sender: str
) -> tuple[dict[str, MassPart], list[str]]:
    named = list(dict.fromkeys(strings(body, "external_userid", CUSTOMERS)))
    wanted = _tag_lists(body)
    if not (sender or named or wanted):
        raise ApiError(40063, "sender, external_userid or tag_filter")
    corp = world.corp
    if named:
        chosen = named
    elif sender:
        chosen = [
            one.external_userid
            for one in corp.by_member.get(sender, {}).values()
            if _fits(one.tag_ids, wanted)
        ]
    else:
        chosen = [
            customer
            for customer, kept in corp.by_customer.items()
            if any(_fits(one.tag_ids, wanted) for one in kept.values())
        ]
    parts: dict[str, MassPart] = {}
    failed: list[str] = []
    for customer in chosen:
        userid = sender if (sender, customer) in corp.relations else _latest(world, app, customer, sender)
        if not userid:
            failed.append(customer)
            continue
        part = parts.setdefault(userid, MassPart(userid=userid))
        part.targets[customer] = MassTarget(target_id=customer)
    return parts, failed


def _latest(world: World, app: AppSettings, customer: str, sender: str) -> str:
    """The member who dealt with the customer last, "" when a sender was named or nobody follows."""
    kept = [
        one
        for one in world.corp.by_customer.get(customer, {}).values()
        if address_book.sees(world, app, one.userid)
    ]
    if sender or not kept:
        return ""
    return max(kept, key=lambda one: one.lines[-1].at if one.lines else one.created_at).userid


def _tag_lists(body: Json) -> list[set[str]]:
    """The tag lists of tag_filter: one tag of each list is asked for."""
    chosen = body.get("tag_filter") or {}
    rows = chosen.get("group_list", []) if isinstance(chosen, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ApiError(40058, "tag_filter")
    return [set(strings(row, "tag_list", TAGS_PER_LIST)) for row in rows]


def _fits(tag_ids: list[str], wanted: list[set[str]]) -> bool:
    return all(one.intersection(tag_ids) for one in wanted)


# -- what the owner does -----------------------------------------------------------------------------------------


def confirm(world: World, msgid: str, userid: str, chat_ids: list[str] | None = None) -> MassPart:
    """The member confirms in the client and the messages go out; `chat_ids` where the sender chooses.

    Raises WorldError.
    """
    task = get(world, msgid)
    part = task.parts.get(userid)
    if part is None:
        raise WorldError("这条群发不由这位成员发送")
    address_book.member(world, userid)
    if task.cancelled_at is not None:
        raise WorldError("企业已停止这条群发")
    if part.confirmed_at is not None:
        raise WorldError("这条群发已经发送过")
    if part.open_choice:
        owned = [one.chat_id for one in world.corp.owned(userid)]
        chosen = owned if chat_ids is None else [one for one in chat_ids if one in owned]
        part.targets = {one: MassTarget(target_id=one) for one in chosen[:GROUPS]}
    part.confirmed_at = world.now()
    for target in part.targets.values():
        _send(world, task, part, target)
    world.tell("mass", msgid=msgid)
    return part


def member_sends(world: World, userid: str, chat_type: str, targets: list[str], content: str) -> MassTask:
    """The member makes and confirms a mass send of his own (个人群发), which counts for the limits too."""
    address_book.member(world, userid)
    if chat_type not in ("single", "group") or not targets:
        raise WorldError("请选择客户或客户群")
    part = MassPart(userid=userid, targets={one: MassTarget(target_id=one) for one in targets})
    task = MassTask(
        msgid=world.new_id("msg"),
        chat_type=chat_type,
        created_at=world.now(),
        real_at=float("-inf"),
        text=relations.spoken(content),
        attachments=[],
        creator=userid,
        parts={userid: part},
    )
    world.corp.mass_tasks[task.msgid] = task
    confirm(world, task.msgid, userid)
    return task


def get(world: World, msgid: str) -> MassTask:
    """Raises WorldError."""
    task = world.corp.mass_tasks.get(msgid)
    if task is None:
        raise WorldError(f"没有群发 {msgid}")
    return task


def used(world: World, target_id: str) -> int:
    """How many mass messages the target has had in the present month, week or day, by the corp's mode."""
    begins = _period(world)[0]
    return sum(1 for one in world.corp.mass_sends.get(target_id, ()) if one >= begins)


def _period(world: World) -> tuple[float, int]:
    """When the present month, week or day began, and how many messages it allows."""
    today = datetime.fromtimestamp(world.now(), BEIJING).replace(hour=0, minute=0, second=0, microsecond=0)
    if world.settings.mass_limit is MassLimit.DAY:
        return today.timestamp(), 1
    if world.settings.mass_limit is MassLimit.WEEK:
        return (today - timedelta(days=today.weekday())).timestamp(), 7
    return today.replace(day=1).timestamp(), calendar.monthrange(today.year, today.month)[1]


def _send(world: World, task: MassTask, part: MassPart, target: MassTarget) -> None:
    target.sent_at = world.now()
    corp = world.corp
    relation = corp.relations.get((part.userid, target.target_id))
    group = corp.groups.get(target.target_id)
    if task.chat_type == "single":
        arrives = relation is not None and relation.reaches
    else:
        arrives = group is not None and not group.dismissed and part.userid in group.members
    if not arrives:
        target.status = TargetStatus.NO_FRIEND
        return
    if used(world, target.target_id) >= _period(world)[1]:
        target.status = TargetStatus.LIMITED
        return
    target.status = TargetStatus.SENT
    corp.mass_sends.setdefault(target.target_id, []).append(world.now())
    content = (task.text, task.attachments, task.msgid)
    if relation is not None and task.chat_type == "single":
        relations.deliver(world, relation, LineVia.MASS, *content)
    elif group is not None:
        groups.deliver(world, group, part.userid, LineVia.MASS, *content)


# -- what the app does with a task -------------------------------------------------------------------------------


def task_of(world: World, body: Json) -> MassTask:
    """The task of `msgid`. Raises ApiError 41046, 41047 or 41063 (still being dispatched)."""
    msgid = text(body, "msgid", most=256)
    if not msgid:
        raise ApiError(41046)
    task = world.corp.mass_tasks.get(msgid)
    if task is None:
        raise ApiError(41047)
    if is_dispatching(world, task):
        raise ApiError(41063)
    return task


def is_dispatching(world: World, task: MassTask) -> bool:
    wait = world.settings.mass_dispatch_seconds
    return world.now() - task.created_at < wait and time.monotonic() - task.real_at < wait


def remind(world: World, task: MassTask) -> None:
    """remind_groupmsg_send. Raises ApiError 41093 or 41094."""
    if task.cancelled_at is not None:
        raise ApiError(41093)
    now = world.clock.now()
    task.reminded = [one for one in task.reminded if now - one < REMINDER_SECONDS]
    if len(task.reminded) >= REMINDERS:
        raise ApiError(41094)
    task.reminded.append(now)
    world.tell("mass", msgid=task.msgid)
    if world.on_remind:
        world.on_remind(task)


def cancel(world: World, task: MassTask) -> None:
    """cancel_groupmsg_send: what is sent stays sent. Raises ApiError 41093."""
    if task.cancelled_at is not None:
        raise ApiError(41093)
    task.cancelled_at = world.clock.now()
    world.tell("mass", msgid=task.msgid)

"""The address book (通讯录): departments and members, what an app sees of them, and the events of their changes.

Changes here are made by an administrator in the console of WeCom, so they fire change_contact (WeCom docs 90970,
90971). Whoever leaves the corp leaves customers and groups behind.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sandbox.codes import WorldError
from sandbox.corp import ROOT_DEPARTMENT, Department, OwnerStatus
from sandbox.records import Json, Member
from sandbox.settings import AppSettings
from sandbox.world import World

EVENT = "change_contact"
CHANGEABLE = ("name", "departments", "leaders", "position", "status", "follows")


def add_department(
    world: World, name: str, parent_id: int = ROOT_DEPARTMENT, *, department_id: int = 0
) -> Department:
    """A new department under `parent_id`. Raises WorldError."""
    known = world.corp.departments
    department_id = department_id or max(known) + 1
    if department_id in known:
        raise WorldError(f"部门 {department_id} 已存在")
    if parent_id not in known:
        raise WorldError(f"没有部门 {parent_id}")
    if not name.strip():
        raise WorldError("部门要有名称")
    made = Department(department_id=department_id, name=name, parent_id=parent_id, order=department_id)
    known[department_id] = made
    fields = {"Id": department_id, "Name": name, "ParentId": parent_id, "Order": made.order}
    _tell(world, "create_party", fields)
    return made


def update_department(
    world: World,
    department_id: int,
    *,
    name: str = "",
    parent_id: int = 0,
    leaders: tuple[str, ...] | None = None,
) -> None:
    """Rename a department, put it under another one, or name its leaders. Raises WorldError."""
    department = _department(world, department_id)
    changed: Json = {"Id": department_id}
    if parent_id:
        if department_id == ROOT_DEPARTMENT or department_id in lineage(world, parent_id):
            raise WorldError("部门不能放在自己下面")
        _department(world, parent_id)
        department.parent_id = changed["ParentId"] = parent_id
    if name:
        department.name = changed["Name"] = name
    if leaders is not None:
        department.leaders = tuple(member(world, one).userid for one in leaders)
    _tell(world, "update_party", changed)


def remove_department(world: World, department_id: int) -> None:
    """Remove an empty department. Raises WorldError."""
    _department(world, department_id)
    if department_id == ROOT_DEPARTMENT:
        raise WorldError("根部门不能删除")
    if any(one.parent_id == department_id for one in world.corp.departments.values()):
        raise WorldError("部门下还有子部门")
    if any(department_id in one.departments for one in world.members.values()):
        raise WorldError("部门下还有成员")
    del world.corp.departments[department_id]
    _tell(world, "delete_party", {"Id": department_id})


def add_member(world: World, userid: str, name: str, *, mood: str = "manual", **details: Any) -> Member:
    """A new member; `details`: departments, leaders, position, status, follows. Raises WorldError."""
    if userid in world.members:
        raise WorldError(f"成员 {userid} 已存在")
    if not userid or len(userid.encode()) > 64 or not name.strip():
        raise WorldError("成员要有账号（不超过 64 字节）和姓名")
    made = _checked(world, replace(Member(userid=userid, name=name), **_details(details)))
    world.members[userid] = made
    world.corp.moods[userid] = mood
    world.corp.left.pop(userid, None)
    _tell(world, "create_user", {"UserID": userid, **_member_fields(world, made)})
    return made


def update_member(world: World, userid: str, **details: Any) -> Member:
    """Change a member's name, departments, leaders, position, status or follows. Raises WorldError."""
    former = member(world, userid)
    changed = _checked(world, replace(former, **_details(details)))
    world.members[userid] = changed
    before, after = _member_fields(world, former), _member_fields(world, changed)
    different = {name: value for name, value in after.items() if before[name] != value}
    _tell(world, "update_user", {"UserID": userid, **different})
    return changed


def remove_member(world: World, userid: str) -> None:
    """The member leaves the corp: customers and groups stay without anybody (WeCom doc 92124)."""
    member(world, userid)
    del world.members[userid]
    world.corp.left[userid] = world.now()
    for group in world.corp.owned(userid):
        group.status = OwnerStatus.LEFT
    _tell(world, "delete_user", {"UserID": userid})


def member(world: World, userid: str) -> Member:
    """The member of this userid. Raises WorldError."""
    found = world.members.get(userid)
    if found is None:
        raise WorldError(f"没有成员 {userid}")
    return found


def lineage(world: World, department_id: int) -> list[int]:
    """The department and everything above it, upwards."""
    found: list[int] = []
    while department_id in world.corp.departments and department_id not in found:
        found.append(department_id)
        department_id = world.corp.departments[department_id].parent_id
    return found


def visible_departments(world: World, app: AppSettings) -> set[int]:
    """The departments within the app's visible range, with everything below them."""
    wanted = set(app.departments)
    return {one for one in world.corp.departments if wanted.intersection(lineage(world, one))}


def sees(world: World, app: AppSettings, userid: str) -> bool:
    """Whether the member is there and within the app's visible range."""
    found = world.members.get(userid)
    if found is None:
        return False
    if ROOT_DEPARTMENT in app.departments or userid in app.userids:
        return True
    wanted = set(app.departments)
    return any(wanted.intersection(lineage(world, one)) for one in found.departments)


def _details(details: Json) -> Json:
    if unknown := set(details) - set(CHANGEABLE):
        raise WorldError(f"成员没有这一项：{', '.join(sorted(unknown))}")
    lists = {name: tuple(details[name]) for name in ("departments", "leaders") if name in details}
    return details | lists


def _checked(world: World, made: Member) -> Member:
    if not made.departments:
        raise WorldError("成员至少属于一个部门")
    for department_id in made.departments:
        _department(world, department_id)
    for userid in made.leaders:
        member(world, userid)
    return made


def _member_fields(world: World, made: Member) -> Json:
    leads = [int(made.userid in world.corp.departments[one].leaders) for one in made.departments]
    return {
        "Name": made.name,
        "Department": ",".join(map(str, made.departments)),
        "MainDepartment": made.departments[0],
        "IsLeaderInDept": ",".join(map(str, leads)),
        "DirectLeader": ",".join(made.leaders),
        "Position": made.position,
        "Status": made.status,
    }


def _department(world: World, department_id: int) -> Department:
    found = world.corp.departments.get(department_id)
    if found is None:
        raise WorldError(f"没有部门 {department_id}")
    return found


def _tell(world: World, change: str, fields: Json) -> None:
    world.emit(EVENT, ChangeType=change, **fields)
    world.tell("people")

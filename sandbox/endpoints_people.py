"""The endpoints of the address book: user/*, department/*, agent/get (WeCom docs 90196, 90200, 90201, 90208)."""

from __future__ import annotations

from sandbox import address_book
from sandbox.codes import ApiError
from sandbox.corp import Department
from sandbox.protocol import Call, Endpoint
from sandbox.records import Json, Member


async def get_user(call: Call) -> Json:
    userid = call.query("userid")
    if not userid:
        raise ApiError(41009)
    if userid not in call.world.members:
        raise ApiError(60111)
    if not address_book.sees(call.world, call.app, userid):
        raise ApiError(60011)
    return _member_json(call, call.world.members[userid])


async def list_users(call: Call) -> Json:
    return {"userlist": [_member_json(call, one) for one in _members(call)]}


async def list_users_simply(call: Call) -> Json:
    rows = [
        {"userid": one.userid, "name": one.name, "department": list(one.departments)}
        for one in _members(call)
    ]
    return {"userlist": rows}


async def list_departments(call: Call) -> Json:
    return {"department": [_department_json(one) for one in _departments(call)]}


async def list_departments_simply(call: Call) -> Json:
    rows = [
        {"id": one.department_id, "parentid": one.parent_id, "order": one.order} for one in _departments(call)
    ]
    return {"department_id": rows}


async def get_agent(call: Call) -> Json:
    value = call.query("agentid")
    if not value:
        raise ApiError(41011)
    if not (value.isascii() and value.isdigit()):
        raise ApiError(40056)
    app = call.app
    if int(value) != app.agent_id:
        raise ApiError(301002)
    return {
        "agentid": app.agent_id,
        "name": app.name,
        "square_logo_url": "",
        "description": "",
        "allow_userinfos": {"user": [{"userid": userid} for userid in app.userids]},
        "allow_partys": {"partyid": list(app.departments)},
        "allow_tags": {"tagid": []},
        "close": 0,
        "redirect_domain": app.trusted_domain,
        "report_location_flag": 0,
        "isreportenter": 0,
        "home_url": "",
    }


def _members(call: Call) -> list[Member]:
    """The visible members of the department asked for, with `fetch_child=1` of those below it too."""
    department_id = _department_id(call, "department_id")
    if department_id == 0:
        raise ApiError(40063, "department_id is missing")
    if department_id not in address_book.visible_departments(call.world, call.app):
        raise ApiError(60011)
    below = call.query("fetch_child") == "1"
    return [
        one
        for one in call.world.members.values()
        if any(_is_in(call, own, department_id, below=below) for own in one.departments)
    ]


def _is_in(call: Call, own: int, department_id: int, *, below: bool) -> bool:
    return department_id in address_book.lineage(call.world, own) if below else own == department_id


def _departments(call: Call) -> list[Department]:
    """The visible departments at and below `id`, all of them without one."""
    wanted = _department_id(call, "id")
    visible = address_book.visible_departments(call.world, call.app)
    if wanted and wanted not in visible:
        raise ApiError(60011)
    return [
        one
        for one in call.world.corp.departments.values()
        if one.department_id in visible
        and (not wanted or wanted in address_book.lineage(call.world, one.department_id))
    ]


def _department_id(call: Call, name: str) -> int:
    value = call.query(name)
    if not value:
        return 0
    if not (value.isascii() and value.isdigit() and len(value) < 12):
        raise ApiError(60123)
    if int(value) not in call.world.corp.departments:
        raise ApiError(60123)
    return int(value)


def _member_json(call: Call, one: Member) -> Json:
    departments = call.world.corp.departments
    return {
        "userid": one.userid,
        "name": one.name,
        "department": list(one.departments),
        "order": [0] * len(one.departments),
        "is_leader_in_dept": [int(one.userid in departments[number].leaders) for number in one.departments],
        "direct_leader": list(one.leaders),
        "main_department": one.departments[0],
        "position": one.position,
        "status": one.status,
        "isleader": 0,
        "enable": 1,
    }


def _department_json(one: Department) -> Json:
    return {
        "id": one.department_id,
        "name": one.name,
        "name_en": "",
        "department_leader": list(one.leaders),
        "parentid": one.parent_id,
        "order": one.order,
    }


ENDPOINTS = [
    Endpoint(path="user/get", method="GET", handler=get_user),
    Endpoint(path="user/list", method="GET", handler=list_users),
    Endpoint(path="user/simplelist", method="GET", handler=list_users_simply),
    Endpoint(path="department/list", method="GET", handler=list_departments),
    Endpoint(path="department/simplelist", method="GET", handler=list_departments_simply),
    Endpoint(path="agent/get", method="GET", handler=get_agent),
]

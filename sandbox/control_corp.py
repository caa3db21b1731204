"""The control API for members, customers' relations, groups and mass sends, beside control.py (POST, JSON).

The list of routes with their fields is in docs/sandbox.md.
"""

from __future__ import annotations

from aiohttp import web

from sandbox import (
    address_book,
    cards,
    contact_ways,
    groups,
    mass_sending,
    relations,
    sidebar,
    tags,
    web_login,
)
from sandbox.archive_desk import ArchiveDesk
from sandbox.behaviour import Behaviour, Life, Mood
from sandbox.codes import WorldError
from sandbox.control import Act, door, field
from sandbox.records import Json
from sandbox.world import World


class CorpControl:
    """Handlers of what people of the corp and their customers do."""

    def __init__(self, world: World, behaviour: Behaviour) -> None:
        self._world = world
        self._behaviour = behaviour

    def routes(self) -> list[web.RouteDef]:
        acts: dict[str, Act] = {
            "department/add": self._add_department,
            "department/update": self._update_department,
            "department/remove": self._remove_department,
            "member/add": self._add_member,
            "member/update": self._update_member,
            "member/remove": self._remove_member,
            "member/mood": self._mood,
            "member/taps": self._member_taps,
            "friend/add": self._add_friend,
            "friend/scan": self._scan_friend,
            "friend/edit": self._edit_friend,
            "friend/says": self._friend_says,
            "friend/removed_by_member": self._member_deletes,
            "friend/removed_by_customer": self._customer_deletes,
            "friend/blocks": self._customer_blocks,
            "group/create": self._create_group,
            "group/join": self._join,
            "group/scan": self._scan_group,
            "group/quit": self._quit,
            "group/says": self._group_says,
            "group/owner": self._change_owner,
            "group/rename": self._rename,
            "group/notice": self._notice,
            "group/admin": self._admin,
            "group/template": self._template,
            "group/dismiss": self._dismiss,
            "group/live": self._live,
            "mass/confirm": self._confirm,
            "mass/personal": self._personal,
            "tag/add": self._add_tags,
            "tag/remove": self._remove_tag,
            "archive/permit": self._permit,
            "archive/consent": self._consent,
            "archive/add": self._archive,
            "sidebar/verify": self._verify,
            "sidebar/send": self._sidebar_send,
        }
        return [web.post(f"/sandbox/{path}", door(self._world, act)) for path, act in acts.items()]

    # -- address book --------------------------------------------------------------------------------------------

    def _add_department(self, body: Json) -> Json:
        made = address_book.add_department(
            self._world,
            field(body, "name", str),
            field(body, "parent_id", int, 1),
            department_id=field(body, "department_id", int, 0),
        )
        return {"department_id": made.department_id}

    def _update_department(self, body: Json) -> None:
        address_book.update_department(
            self._world,
            field(body, "department_id", int),
            name=field(body, "name", str, ""),
            parent_id=field(body, "parent_id", int, 0),
            leaders=tuple(_texts(body, "leaders")) if "leaders" in body else None,
        )

    def _remove_department(self, body: Json) -> None:
        address_book.remove_department(self._world, field(body, "department_id", int))

    def _add_member(self, body: Json) -> None:
        """One member, or `members`: a list of them in one call."""
        for row in field(body, "members", list, [body]):
            self._add_one_member(row)

    def _add_one_member(self, body: Json) -> None:
        mood = Mood(field(body, "mood", str, "manual"))
        address_book.add_member(self._world, _userid(body), field(body, "name", str), **_details(body))
        self._behaviour.set_mood(_userid(body), mood)

    def _update_member(self, body: Json) -> None:
        details = _details(body)
        if name := field(body, "name", str, ""):
            details["name"] = name
        address_book.update_member(self._world, _userid(body), **details)

    def _remove_member(self, body: Json) -> None:
        address_book.remove_member(self._world, _userid(body))

    def _mood(self, body: Json) -> None:
        self._behaviour.set_mood(_userid(body), field(body, "mood", str))

    def _member_taps(self, body: Json) -> Json:
        selected = {
            str(key): [str(one) for one in ids] for key, ids in field(body, "selected", dict, {}).items()
        }
        code = cards.tap(
            self._world, _userid(body), field(body, "msgid", str), field(body, "key", str), selected
        )
        return {"response_code": code}

    # -- relations -----------------------------------------------------------------------------------------------

    def _add_friend(self, body: Json) -> Json:
        code = relations.add_friend(
            self._world,
            *_pair(body),
            add_way=field(body, "add_way", int, 1),
            state=field(body, "state", str, ""),
            half=field(body, "half", bool, False),
        )
        return {"welcome_code": code}

    def _scan_friend(self, body: Json) -> Json:
        config_id, customer = field(body, "config_id", str), field(body, "external_userid", str)
        userid, code = contact_ways.scan(self._world, config_id, customer)
        return {"userid": userid, "welcome_code": code}

    def _edit_friend(self, body: Json) -> None:
        relations.edit(
            self._world,
            *_pair(body),
            remark=body.get("remark") if body.get("remark") is None else field(body, "remark", str),
            tag_ids=_texts(body, "tag_ids") if "tag_ids" in body else None,
        )

    def _friend_says(self, body: Json) -> None:
        """`by`: customer or member."""
        says = relations.member_says if field(body, "by", str) == "member" else relations.customer_says
        says(self._world, *_pair(body), field(body, "content", str))

    def _member_deletes(self, body: Json) -> None:
        relations.member_deletes(self._world, *_pair(body))

    def _customer_deletes(self, body: Json) -> None:
        relations.customer_deletes(self._world, *_pair(body))

    def _customer_blocks(self, body: Json) -> None:
        relations.customer_blocks(self._world, *_pair(body), field(body, "blocks", bool, True))

    # -- groups --------------------------------------------------------------------------------------------------

    def _create_group(self, body: Json) -> Json:
        """One group, or `groups`: a list of them in one call."""
        if "groups" in body:
            return {"chat_ids": [self._create_one(row) for row in field(body, "groups", list)]}
        return {"chat_id": self._create_one(body)}

    def _create_one(self, body: Json) -> str:
        group = groups.create(
            self._world,
            field(body, "owner", str),
            field(body, "name", str),
            _texts(body, "customers"),
            members=_texts(body, "members"),
            chat_id=field(body, "chat_id", str, ""),
        )
        return group.chat_id

    def _join(self, body: Json) -> None:
        groups.join(
            self._world,
            _chat(body),
            _texts(body, "who"),
            scene=field(body, "scene", int, groups.BY_CODE),
            invitor=field(body, "invitor", str, ""),
            state=field(body, "state", str, ""),
        )

    def _scan_group(self, body: Json) -> Json:
        chat_id = groups.join_by_way(self._world, field(body, "config_id", str), _texts(body, "who"))
        return {"chat_id": chat_id}

    def _quit(self, body: Json) -> None:
        groups.quit_group(
            self._world, _chat(body), _texts(body, "who"), scene=field(body, "scene", int, groups.LEFT)
        )

    def _group_says(self, body: Json) -> None:
        groups.says(self._world, _chat(body), field(body, "who", str), field(body, "content", str))

    def _change_owner(self, body: Json) -> None:
        groups.change_owner(self._world, _chat(body), _userid(body))

    def _rename(self, body: Json) -> None:
        groups.rename(self._world, _chat(body), field(body, "name", str))

    def _notice(self, body: Json) -> None:
        groups.set_notice(self._world, _chat(body), field(body, "notice", str))

    def _admin(self, body: Json) -> None:
        groups.set_admin(self._world, _chat(body), _userid(body), field(body, "is_admin", bool, True))

    def _template(self, body: Json) -> None:
        groups.choose_template(self._world, _chat(body), field(body, "template_id", str))

    def _dismiss(self, body: Json) -> None:
        groups.dismiss(self._world, _chat(body))

    def _live(self, body: Json) -> Json:
        """The fields of behaviour.Life, all of them optional."""
        usual = Life()
        life = Life(
            joins=min(500, max(0, field(body, "joins", int, usual.joins))),
            join_hours=min(10_000.0, max(0.0, field(body, "join_hours", float, usual.join_hours))),
            quits_day1=field(body, "quits_day1", float, usual.quits_day1),
            quits_day3=field(body, "quits_day3", float, usual.quits_day3),
            quits_week=field(body, "quits_week", float, usual.quits_week),
            speaks=field(body, "speaks", float, usual.speaks),
            friends=field(body, "friends", float, usual.friends),
            days=min(60, max(0, field(body, "days", int, usual.days))),
        )
        return {"customers": self._behaviour.live(_chat(body), life)}

    # -- mass sends, tags, sidebar -------------------------------------------------------------------------------

    def _confirm(self, body: Json) -> None:
        chosen = _texts(body, "chat_ids") if "chat_ids" in body else None
        mass_sending.confirm(self._world, field(body, "msgid", str), _userid(body), chosen)

    def _personal(self, body: Json) -> Json:
        task = mass_sending.member_sends(
            self._world,
            _userid(body),
            field(body, "chat_type", str),
            _texts(body, "targets"),
            field(body, "content", str),
        )
        return {"msgid": task.msgid}

    def _add_tags(self, body: Json) -> Json:
        group = tags.add(self._world, field(body, "group_name", str), _texts(body, "names"))
        return {"group_id": group.group_id, "tag_ids": {one.name: one.tag_id for one in group.tags.values()}}

    def _remove_tag(self, body: Json) -> None:
        tags.remove(self._world, field(body, "tag_id", str))

    def _verify(self, body: Json) -> Json:
        problem = web_login.signature_problem(self._world, body)
        return {"good": not problem, "problem": problem}

    def _permit(self, body: Json) -> None:
        self._desk.permit(_userid(body), field(body, "is_in", bool, True))

    def _consent(self, body: Json) -> None:
        """`subject`: the member's userid, or the group's chat_id; `status`: Agree, Disagree or Default_Agree."""
        self._desk.say(
            field(body, "subject", str), field(body, "external_userid", str), field(body, "status", str)
        )

    def _archive(self, body: Json) -> Json:
        """Any message as the archive has it; msgid, action and msgtime may be left out."""
        is_external = field(body, "is_external", bool, True)
        return {"msgid": self._desk.put(field(body, "message", dict), is_external=is_external)}

    @property
    def _desk(self) -> ArchiveDesk:
        if self._world.archive is None:
            raise WorldError("沙箱没有会话存档（archive_folder 未设置）")
        return self._world.archive

    def _sidebar_send(self, body: Json) -> None:
        sidebar.send(
            self._world,
            _userid(body),
            chat_id=field(body, "chat_id", str, ""),
            external_userid=field(body, "external_userid", str, ""),
            open_kfid=field(body, "open_kfid", str, ""),
            message=field(body, "message", dict),
        )


def _details(body: Json) -> Json:
    """What a request says of a member, but the name."""
    details: Json = {}
    if "departments" in body:
        numbers = field(body, "departments", list)
        if not all(isinstance(one, int) for one in numbers):
            raise WorldError("部门应为编号")
        details["departments"] = tuple(numbers)
    if "leaders" in body:
        details["leaders"] = tuple(_texts(body, "leaders"))
    if "position" in body:
        details["position"] = field(body, "position", str)
    if "follows" in body:
        details["follows"] = field(body, "follows", bool)
    return details


def _userid(body: Json) -> str:
    return field(body, "userid", str)


def _chat(body: Json) -> str:
    return field(body, "chat_id", str)


def _pair(body: Json) -> tuple[str, str]:
    return _userid(body), field(body, "external_userid", str)


def _texts(body: Json, name: str) -> list[str]:
    rows = field(body, name, list, [])
    if not all(isinstance(one, str) and one for one in rows):
        raise ValueError(f"{name} 应为字符串列表")
    "".join(rows).encode()  # as in control.field
    return rows

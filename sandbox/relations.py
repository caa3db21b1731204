"""Members and their customers: who added, deleted or blocked whom, what they write, and the welcome message.

What people do here fires change_external_contact (WeCom doc 92130); what the API changes does not. The welcome code
lives 20 seconds and is good once (doc 92137).
"""

from __future__ import annotations

from sandbox import address_book, attachments
from sandbox.codes import ApiError, WorldError
from sandbox.corp import Line, LineVia, Relation, WelcomeCode
from sandbox.messages import text
from sandbox.records import Json
from sandbox.world import CODES_KEPT, WELCOME_SECONDS, World

EVENT = "change_external_contact"
REMARK_CHARACTERS, DESCRIPTION_CHARACTERS, COMPANY_CHARACTERS = 20, 150, 20


def add_friend(
    world: World, userid: str, external_userid: str, *, add_way: int = 1, state: str = "", half: bool = False
) -> str:
    """The customer becomes the member's contact; returns the welcome code, "" when none is due.

    `half`: free verification (免验证), the member has not agreed yet. Raises WorldError.
    """
    relation = _put(world, userid, external_userid)
    if not relation.half and not relation.customer_left and relation.created_at:
        raise WorldError("他们已经是好友")
    was_half = relation.half
    relation.half, relation.customer_left, relation.blocked = half, False, False
    relation.add_way, relation.state = add_way, state
    relation.created_at = relation.created_at or world.now()
    code = "" if was_half and relation.welcomed else _welcome_code(world, relation)
    fields = {"State": state} if state else {}
    change = "add_half_external_contact" if half else "add_external_contact"
    _tell(world, change, relation, **fields, **({"WelcomeCode": code} if code else {}))
    return code


def befriend(world: World, userid: str, external_userid: str) -> Relation:
    """A relation that is simply there, as from before the sandbox began: no event."""
    relation = _put(world, userid, external_userid)
    relation.created_at = relation.created_at or world.now()
    return relation


def edit(
    world: World,
    userid: str,
    external_userid: str,
    *,
    remark: str | None = None,
    description: str | None = None,
    tag_ids: list[str] | None = None,
) -> None:
    """The member changes remark, description or tags in the client."""
    relation = get(world, userid, external_userid)
    if remark is not None:
        relation.remark = remark[:REMARK_CHARACTERS]
    if description is not None:
        relation.description = description[:DESCRIPTION_CHARACTERS]
    if tag_ids is not None:
        relation.tag_ids = list(tag_ids)
    _tell(world, "edit_external_contact", relation)


def member_deletes(world: World, userid: str, external_userid: str, *, by_transfer: bool = False) -> None:
    """The member deletes the customer: the relation is gone."""
    relation = get(world, userid, external_userid)
    del world.corp.relations[userid, external_userid]
    del world.corp.by_member[userid][external_userid]
    del world.corp.by_customer[external_userid][userid]
    _tell(
        world, "del_external_contact", relation, **({"Source": "DELETE_BY_TRANSFER"} if by_transfer else {})
    )


def customer_deletes(world: World, userid: str, external_userid: str) -> None:
    """The customer deletes the member, who keeps a contact that nothing reaches."""
    relation = get(world, userid, external_userid)
    if relation.customer_left:
        raise WorldError("客户已经删除了这位成员")
    relation.customer_left = True
    _tell(world, "del_follow_user", relation)


def customer_blocks(world: World, userid: str, external_userid: str, blocks: bool = True) -> None:
    """The customer blocks the member, or no longer does: no event, messages do not arrive."""
    get(world, userid, external_userid).blocked = blocks
    world.tell("relations")


def member_says(world: World, userid: str, external_userid: str, content: str) -> Line:
    """The member writes to the customer one to one."""
    address_book.member(world, userid)
    relation = get(world, userid, external_userid)
    if not relation.reaches:
        raise WorldError("消息没有送达：对方不是好友，或已拒收")
    return show(world, relation, userid, LineVia.TYPED, "text", {"content": spoken(content)})


def customer_says(world: World, userid: str, external_userid: str, content: str) -> Line:
    """The customer writes to the member one to one; no callback tells of it."""
    relation = get(world, userid, external_userid)
    if relation.customer_left:
        raise WorldError("客户已经删除了这位成员")
    return show(world, relation, external_userid, LineVia.TYPED, "text", {"content": spoken(content)})


def get(world: World, userid: str, external_userid: str) -> Relation:
    """The relation of the two. Raises WorldError."""
    found = world.corp.relations.get((userid, external_userid))
    if found is None:
        raise WorldError(f"{userid} 没有添加客户 {external_userid}")
    return found


def show(
    world: World, relation: Relation, by: str, via: LineVia, msgtype: str, body: Json, msgid: str = ""
) -> Line:
    """Add a line to the chat of the two."""
    made = line(world, by, via, msgtype, body, msgid)
    relation.lines.append(made)
    if world.archive is not None:
        world.archive.heard_chat(relation, made)
    world.tell("relations", userid=relation.userid, external_userid=relation.external_userid)
    return made


def line(world: World, by: str, via: LineVia, msgtype: str, body: Json, msgid: str = "") -> Line:
    return Line(
        number=world.next_number(), at=world.now(), by=by, via=via, msgtype=msgtype, body=body, msgid=msgid
    )


def spoken(content: str) -> str:
    """What somebody typed. Raises WorldError when it is blank."""
    if not content.strip():
        raise WorldError("不能发送空白消息")
    return content


def send_welcome(world: World, body: Json) -> None:
    """send_welcome_msg. Raises ApiError 41049, 41050, 41051 or that of a broken rule."""
    value = text(body, "welcome_code", most=512)
    if not value:
        raise ApiError(41049)
    content, attached = attachments.check_message(world, body)
    code = world.corp.welcome_codes.get(value)
    if code is None:
        raise ApiError(41050)
    relation = world.corp.relations.get((code.userid, code.external_userid))
    if code.used or (relation is not None and any(one.by for one in relation.lines)):
        raise ApiError(41051)
    if world.clock.now() >= code.expires_at or relation is None or code.userid not in world.members:
        raise ApiError(41050)
    code.used = relation.welcomed = True
    if not relation.blocked and not relation.customer_left:
        deliver(world, relation, LineVia.WELCOME, content, attached)


def deliver(
    world: World, relation: Relation, via: LineVia, content: str, attached: list[Json], msgid: str = ""
) -> None:
    """Show a text and its attachments, each a message of its own, the text first."""
    if content:
        show(world, relation, relation.userid, via, "text", {"content": content}, msgid)
    for one in attached:
        show(world, relation, relation.userid, via, one["msgtype"], one[one["msgtype"]], msgid)


def _put(world: World, userid: str, external_userid: str) -> Relation:
    if not address_book.member(world, userid).follows:
        raise WorldError(f"{userid} 没有开通客户联系")
    world.customer(external_userid)
    corp, key = world.corp, (userid, external_userid)
    if key not in corp.relations:
        made = Relation(userid=userid, external_userid=external_userid, created_at=0.0)
        corp.relations[key] = made
        corp.by_member.setdefault(userid, {})[external_userid] = made
        corp.by_customer.setdefault(external_userid, {})[userid] = made
    return corp.relations[key]


def _welcome_code(world: World, relation: Relation) -> str:
    """A code, unless they talk already, the console holds a welcome text, or the contact is a user of WeCom."""
    corp = world.corp
    if relation.lines or relation.userid in corp.admin_welcomed or relation.external_userid.startswith("wo"):
        return ""
    code = world.new_id("WEL")
    corp.welcome_codes[code] = WelcomeCode(
        userid=relation.userid,
        external_userid=relation.external_userid,
        expires_at=world.now() + WELCOME_SECONDS,
    )
    if len(corp.welcome_codes) > CODES_KEPT:
        del corp.welcome_codes[next(iter(corp.welcome_codes))]
    return code


def _tell(world: World, change: str, relation: Relation, **fields: str) -> None:
    ids = {"UserID": relation.userid, "ExternalUserID": relation.external_userid}
    world.emit(EVENT, ChangeType=change, **ids, **fields)
    world.tell("relations", userid=relation.userid, external_userid=relation.external_userid)

"""The endpoints of 微信客服 (WeCom docs 94638 to 95490)."""

from __future__ import annotations

from sandbox import sending, sessions
from sandbox.codes import ApiError
from sandbox.logbook import CursorError
from sandbox.messages import integer, text
from sandbox.protocol import Call, Endpoint, open_kfid, strings
from sandbox.records import Account, Chat, Json
from sandbox.world import WINDOW_SECONDS, check_scene

NAME_CHARACTERS = 16
BATCH = 100
AVATAR_URL = "https://wwcdn.weixin.qq.com/node/wework/images/kf_head_image_url_1.png"


async def add_account(call: Call) -> Json:
    name = _account_name(call)
    media_id = text(call.body, "media_id", least=1, most=128)
    call.world.media.get(media_id, call.world.clock.now())
    return {"open_kfid": call.world.add_account(name, avatar=media_id).open_kfid}


async def delete_account(call: Call) -> Json:
    del call.world.accounts[open_kfid(call)]
    return {}


async def update_account(call: Call) -> Json:
    account = call.world.accounts[open_kfid(call)]
    if call.body.get("name"):
        account.name = _account_name(call)
    if media_id := text(call.body, "media_id", most=128):
        call.world.media.get(media_id, call.world.clock.now())
        account.avatar = media_id
    return {}


async def list_accounts(call: Call) -> Json:
    offset = integer(call.body, "offset", least=0, most=10**6, default=0)
    limit = integer(call.body, "limit", least=1, most=BATCH, default=BATCH)
    accounts = list(call.world.accounts.values())[offset : offset + limit]
    return {"account_list": [_account_json(account) for account in accounts]}


async def add_contact_way(call: Call) -> Json:
    account = open_kfid(call)
    enc_scene = call.world.new_id("ENC")
    call.world.links[enc_scene] = (account, check_scene(call.body))
    return {"url": f"https://work.weixin.qq.com/kf/kfc{account}?enc_scene={enc_scene}"}


def _account_name(call: Call) -> str:
    name = text(call.body, "name", least=1, most=256)
    if len(name) > NAME_CHARACTERS:
        raise ApiError(95006)
    return name


def _account_json(account: Account) -> Json:
    return {
        "open_kfid": account.open_kfid,
        "name": account.name,
        "avatar": AVATAR_URL,
        "manage_privilege": account.managed,
    }


# -- servicers ---------------------------------------------------------------------------------------------------


async def add_servicer(call: Call) -> Json:
    return _change_servicers(call, add=True)


async def delete_servicer(call: Call) -> Json:
    return _change_servicers(call, add=False)


def _change_servicers(call: Call, *, add: bool) -> Json:
    account = open_kfid(call)
    userids = strings(call.body, "userid_list", 100)
    departments = call.body.get("department_id_list", [])
    if not isinstance(departments, list) or len(departments) > 20:
        raise ApiError(40058, "department_id_list")
    if not userids and not departments:
        raise ApiError(40063, "userid_list or department_id_list")
    results: list[Json] = [_change_servicer(call, account, userid, add=add) for userid in userids]
    results += [{"department_id": one, "errcode": 0, "errmsg": "ignored"} for one in departments]
    return {"result_list": results}


def _change_servicer(call: Call, account: str, userid: str, *, add: bool) -> Json:
    world = call.world
    if userid not in world.members:
        return {"userid": userid, "errcode": 60030, "errmsg": "no privilege to access this user"}
    servicer = world.servicers.get(userid)
    if (servicer is not None and servicer.serves(account)) is add:
        return {"userid": userid, "errcode": 0, "errmsg": "ignored"}
    sessions.set_serving(world, userid, account, add)
    return {"userid": userid, "errcode": 0, "errmsg": "success"}


async def list_servicers(call: Call) -> Json:
    value = call.query("open_kfid")
    if value not in call.world.accounts:
        raise ApiError(95004 if value.startswith("wk") else 95000)
    rows: list[Json] = []
    for servicer in call.world.servicers.values():
        if servicer.serves(value):
            stopped = {} if servicer.receiving else {"stop_type": servicer.stop_type}
            rows.append({"userid": servicer.userid, "status": 0 if servicer.receiving else 1, **stopped})
    return {"servicer_list": rows}


# -- messages ----------------------------------------------------------------------------------------------------


async def sync_msg(call: Call) -> Json:
    world, body = call.world, call.body
    account = world.accounts[open_kfid(call)]
    now = world.clock.now()
    token = text(body, "token", most=128)
    if token and not world.sync_tokens.is_good(token, account.open_kfid, now):
        raise ApiError(95007)
    limit = integer(body, "limit", least=1, most=1000, default=1000)
    integer(body, "voice_format", least=0, most=1, default=0)
    cursor = text(body, "cursor", most=64)
    try:
        if _comes_empty(call) and account.log.has_after(cursor, now):
            return {"next_cursor": account.log.same_place(cursor), "has_more": 1, "msg_list": []}
        found, following, more = account.log.page(cursor, min(limit, world.settings.page_cap), now)
    except CursorError as error:
        raise ApiError(40058, "cursor") from error
    return {"next_cursor": following, "has_more": int(more), "msg_list": found}


def _comes_empty(call: Call) -> bool:
    """Every n-th page comes empty although there is more; the next call goes on from the same place."""
    every = call.world.settings.empty_page_every
    return bool(every) and call.world.next_page_number() % every == 0


async def send_msg(call: Call) -> Json:
    account = call.world.accounts[open_kfid(call)]
    chat = _chat(call, text(call.body, "touser", least=1, most=64), account.open_kfid)
    return {"msgid": sending.send(call.world, account, chat, call.body)}


async def send_msg_on_event(call: Call) -> Json:
    return {"msgid": sending.send_on_event(call.world, call.body)}


# -- sessions and customers --------------------------------------------------------------------------------------


async def get_state(call: Call) -> Json:
    account = open_kfid(call)
    chat = _chat(call, text(call.body, "external_userid", least=1, most=64), account)
    served = {"servicer_userid": chat.servicer_userid} if chat.servicer_userid else {}
    return {"service_state": int(chat.state), **served}


async def trans_state(call: Call) -> Json:
    account = open_kfid(call)
    chat = _chat(call, text(call.body, "external_userid", least=1, most=64), account)
    state = integer(call.body, "service_state", least=0, most=4)
    code = sessions.trans(call.world, chat, state, text(call.body, "servicer_userid", most=64))
    return {"msg_code": code} if code else {}


async def batch_get(call: Call) -> Json:
    wanted = strings(call.body, "external_userid_list", BATCH)
    if not wanted:
        raise ApiError(40063, "external_userid_list is missing")
    with_context = integer(call.body, "need_enter_session_context", least=0, most=1, default=0)
    oldest = call.world.clock.now() - WINDOW_SECONDS
    found: list[Json] = []
    unknown: list[str] = []
    for external_userid in wanted:
        customer = call.world.customers.get(external_userid)
        if customer is None or customer.seen_at < oldest:
            unknown.append(external_userid)
            continue
        context = {"enter_session_context": customer.context} if with_context and customer.context else {}
        person = {
            "nickname": customer.nickname,
            "avatar": AVATAR_URL,
            "gender": 0,
            "unionid": customer.unionid,
        }
        found.append({"external_userid": external_userid, **person, **context})
    return {"customer_list": found, "invalid_external_userid": unknown}


def _chat(call: Call, external_userid: str, account: str) -> Chat:
    if external_userid not in call.world.customers:
        raise ApiError(40096)
    return call.world.chat(external_userid, account)


ENDPOINTS = [
    Endpoint(path="kf/account/add", method="POST", handler=add_account, kf=True),
    Endpoint(path="kf/account/del", method="POST", handler=delete_account, kf=True),
    Endpoint(path="kf/account/update", method="POST", handler=update_account, kf=True),
    Endpoint(path="kf/account/list", method="POST", handler=list_accounts, kf=True),
    Endpoint(path="kf/add_contact_way", method="POST", handler=add_contact_way, kf=True),
    Endpoint(path="kf/servicer/add", method="POST", handler=add_servicer, kf=True),
    Endpoint(path="kf/servicer/del", method="POST", handler=delete_servicer, kf=True),
    Endpoint(path="kf/servicer/list", method="GET", handler=list_servicers, kf=True),
    Endpoint(path="kf/sync_msg", method="POST", handler=sync_msg, kf=True),
    Endpoint(path="kf/send_msg", method="POST", handler=send_msg, kf=True),
    Endpoint(path="kf/send_msg_on_event", method="POST", handler=send_msg_on_event, kf=True),
    Endpoint(path="kf/service_state/get", method="POST", handler=get_state, kf=True),
    Endpoint(path="kf/service_state/trans", method="POST", handler=trans_state, kf=True),
    Endpoint(path="kf/customer/batchget", method="POST", handler=batch_get, kf=True),
]

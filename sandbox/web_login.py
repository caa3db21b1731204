"""Login of members on a page, silent (网页授权) or by QR code (扫码登录), and the tickets of the JS-SDK.

WeCom docs 91022, 91023 (silent), 98152 (QR code), 90506 (tickets).

Codes are good once and five minutes; tickets for 7200 seconds, one of the corp and one of each app.
"""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import urlencode, urlsplit

from sandbox import address_book
from sandbox.codes import ApiError, WorldError
from sandbox.protocol import Call
from sandbox.records import Json, LoginCode, Ticket
from sandbox.settings import AppSettings
from sandbox.world import World

CODE_SECONDS, TICKET_SECONDS, HOUR = 300, 7200, 3600.0
CORP_TICKETS_PER_HOUR, APP_TICKETS_PER_HOUR = 400, 100
KEPT = 20_000
SCOPES = ("snsapi_base", "snsapi_privateinfo")


# -- login ---------------------------------------------------------------------------------------------------


def app_of_address(world: World, corp_id: str, agent_id: str) -> AppSettings:
    """The app of an authorize address, the first one when no agentid is given. Raises ApiError 40013, 40056."""
    if corp_id != world.settings.corp_id:
        raise ApiError(40013)
    apps = world.settings.apps
    found = [one for one in apps if not agent_id or str(one.agent_id) == agent_id]
    if not found:
        raise ApiError(40056)
    return found[0]


def check_authorize(world: World, query: dict[str, str]) -> AppSettings:
    """The app of an authorize address that is as it should be. Raises ApiError."""
    app = app_of_address(world, query.get("appid", ""), query.get("agentid", ""))
    if query.get("response_type") != "code" or query.get("scope") not in SCOPES:
        raise ApiError(40058, "response_type should be code, scope snsapi_base")
    return _check_way_back(app, query)


def check_scan(world: World, query: dict[str, str]) -> AppSettings:
    """The app of an address for a QR code that is as it should be; agentid is a must here. Raises ApiError."""
    if query.get("login_type") != "CorpApp":
        raise ApiError(40058, "login_type should be CorpApp")
    if not query.get("agentid"):
        raise ApiError(40056)
    return _check_way_back(app_of_address(world, query.get("appid", ""), query["agentid"]), query)


def _check_way_back(app: AppSettings, query: dict[str, str]) -> AppSettings:
    state = query.get("state", "")
    if len(state) > 128 or not (state == "" or (state.isascii() and state.isalnum())):
        raise ApiError(84025)
    try:
        target = urlsplit(query.get("redirect_uri", ""))
    except ValueError as error:
        raise ApiError(50001, "redirect_uri") from error
    if target.scheme not in ("http", "https") or not target.netloc:
        raise ApiError(50001, "redirect_uri")
    if app.trusted_domain and target.netloc != app.trusted_domain:
        raise ApiError(50001)
    return app


def authorize(world: World, userid: str, query: dict[str, str]) -> str:
    """The address the member's browser goes to, with a fresh code. Raises ApiError or WorldError."""
    return _admit(world, check_authorize(world, query), userid, query)


def scanned(world: World, userid: str, query: dict[str, str]) -> str:
    """The same for a browser whose QR code this member has scanned and agreed to."""
    return _admit(world, check_scan(world, query), userid, query)


def _admit(world: World, app: AppSettings, userid: str, query: dict[str, str]) -> str:
    address_book.member(world, userid)
    if not address_book.sees(world, app, userid):
        raise WorldError("这位成员不在应用的可见范围内")
    code = world.new_id("CODE")
    expires_at = world.clock.now() + CODE_SECONDS
    world.web.codes[code] = LoginCode(userid=userid, agent_id=app.agent_id, expires_at=expires_at)
    if len(world.web.codes) > KEPT:
        del world.web.codes[next(iter(world.web.codes))]
    target = query["redirect_uri"]
    added = urlencode({"code": code, "state": query.get("state", "")})
    address, _, fragment = target.partition("#")
    whole = f"{address}{'&' if '?' in address else '?'}{added}"
    return f"{whole}#{fragment}" if fragment else whole


def who(world: World, app: AppSettings, value: str) -> str:
    """The userid behind a code, which is used up. Raises ApiError 40029, 42003, 42022 or 50002."""
    code = world.web.codes.get(value)
    if code is None or code.agent_id != app.agent_id:
        raise ApiError(40029)
    if code.used:
        raise ApiError(42022)
    if world.clock.now() >= code.expires_at:
        raise ApiError(42003)
    code.used = True
    if code.userid not in world.members:
        raise ApiError(50002)
    return code.userid


# -- tickets -------------------------------------------------------------------------------------------------


def ticket(world: World, agent_id: int) -> tuple[str, int]:
    """The ticket of the corp (0) or of an app, and its seconds. Raises ApiError 45009."""
    now = world.clock.now()
    _count(world, "corp" if agent_id == 0 else str(agent_id), now, agent_id == 0)
    kept = world.web.tickets.setdefault(agent_id, [])
    kept[:] = [one for one in kept if one.expires_at > now]
    if not kept:
        value = hashlib.sha256(world.new_id(f"ticket {agent_id} ").encode()).hexdigest()
        kept.append(Ticket(value=value, agent_id=agent_id, expires_at=now + TICKET_SECONDS))
    return kept[0].value, int(kept[0].expires_at - now)


def _count(world: World, key: str, now: float, is_corp: bool) -> None:
    asked = world.web.asked.setdefault(key, [])
    asked[:] = [one for one in asked if now - one < HOUR]
    if len(asked) >= (CORP_TICKETS_PER_HOUR if is_corp else APP_TICKETS_PER_HOUR):
        raise ApiError(45009)
    asked.append(now)


def signature_problem(world: World, body: Json) -> str:
    """Judge a signature a page registers with: "" or the reason, in the words of the SDK.

    `kind` corp or agent, `corpId`, `agentId`, `url`, `timestamp`, `nonceStr`, `signature`.
    """
    given = {name: str(body.get(name, "")) for name in ("url", "timestamp", "nonceStr", "signature")}
    if body.get("corpId") != world.settings.corp_id:
        return "92002 corpid not match"
    is_agent = body.get("kind") == "agent"
    agent_id = _number(body.get("agentId")) if is_agent else 0
    now = world.clock.now()
    if _matches(world, agent_id, given, now):
        return ""
    wrong = [one for one in world.web.tickets if one != agent_id and _matches(world, one, given, now)]
    return "42012 jsapi_ticket is of the wrong kind" if wrong else "40093 invalid signature"


def _matches(world: World, agent_id: int, given: dict[str, str], now: float) -> bool:
    for kept in world.web.tickets.get(agent_id, []):
        wanted = signature_of(kept.value, given["nonceStr"], given["timestamp"], given["url"])
        same = hmac.compare_digest(wanted.encode(), given["signature"].encode(errors="replace"))
        if kept.expires_at > now and same:
            return True
    return False


def signature_of(ticket: str, nonce: str, timestamp: str, url: str) -> str:
    """The signature of a page (WeCom doc 90506); what follows # in the address does not count."""
    page = url.partition("#")[0]
    whole = f"jsapi_ticket={ticket}&noncestr={nonce}&timestamp={timestamp}&url={page}"
    return hashlib.sha1(whole.encode(errors="replace")).hexdigest()


def _number(value: object) -> int:
    return int(value) if isinstance(value, int | str) and str(value).isdecimal() else -1


async def get_user_info(call: Call) -> Json:
    code = call.query("code")
    if not code:
        raise ApiError(40029)
    return {"userid": who(call.world, call.app, code)}


async def get_user_info_of_old(call: Call) -> Json:
    """user/getuserinfo, the call before auth/getuserinfo: the same with another spelling."""
    return {"UserId": (await get_user_info(call))["userid"], "DeviceId": ""}


async def get_corp_ticket(call: Call) -> Json:
    value, seconds = ticket(call.world, 0)
    return {"ticket": value, "expires_in": seconds}


async def get_agent_ticket(call: Call) -> Json:
    if call.query("type") != "agent_config":
        raise ApiError(91040)
    value, seconds = ticket(call.world, call.app.agent_id)
    return {"ticket": value, "expires_in": seconds}

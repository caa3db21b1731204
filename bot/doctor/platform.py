"""What the platform says: token, trusted IP, permissions, kf accounts, servicers, clock skew.

Speaks plain HTTP on purpose, beside the client the server uses: a diagnosis wants the raw error number, no retry, and
no stored token. It reads only. Sources: WeCom docs 91039 (gettoken), 90313 (error numbers), 94661 and 94645 (kf).
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Any

import aiohttp

from bot import clock, config
from bot.config.rules import LICENSED_WORDS, allows_word
from bot.config.table import AIBOT
from bot.doctor.finding import Finding, fail, ok, skip, warn

# Signatures carry a timestamp; certificates and tokens are dated. More than this shows that NTP is off.
_SKEW_WARN_SECONDS, _SKEW_FAIL_SECONDS = 30, 300
# WeCom's name for a department's servicers has no userid; only people count.
_RECEIVING = 0

# errcode → what it means here, what to do. The admin pages' own names stand in Chinese quotes.
_MEANINGS: dict[int, tuple[str, str]] = {
    -1: ("企业微信系统繁忙", "稍后重试"),
    40001: ("Secret 不对", "到“应用管理 → 自建应用”重新复制 Secret；重置过的 Secret 要同步修改"),
    40013: ("企业 ID 不对", "到“我的企业 → 企业信息”最下方复制企业 ID 到 wecom.corp_id"),
    40014: ("access_token 无效", "确认 Secret 属于这个企业的这个应用"),
    40056: ("agent_id 不对", "到应用详情页复制 AgentId"),
    41002: ("缺少企业 ID", "填写 wecom.corp_id"),
    41004: ("缺少 Secret", "填写 secret"),
    42001: ("access_token 已过期", "重试；反复出现请检查本机时间"),
    45009: ("接口调用超过频率", "等待一小时，检查是否有别的程序在用同一个 Secret"),
    48001: ("没有接口权限", "在“微信客服 → API”把这个应用加入“可调用接口的应用”"),
    48002: ("没有接口权限", "在“微信客服 → API”把这个应用加入“可调用接口的应用”"),
    48006: ("接口权限因长期不用被收回", "在管理后台重新授权"),
    48007: ("客服账号没有授权给这个应用", "在“微信客服 → API → 通过API管理微信客服账号”勾选该账号"),
    50003: ("应用已停用", "在“应用管理”启用应用"),
    60011: ("没有权限，对象不在应用的可见范围", "在应用详情页把接待人员加入“可见范围”"),
    60020: ("本机出口 IP 不在“企业可信IP”", "在应用详情页“企业可信IP”加入下面的 IP，约一分钟后生效"),
    60021: ("对象不在应用的可见范围", "在应用详情页把接待人员加入“可见范围”"),
    60030: ("接待人员不在应用的可见范围", "在应用详情页把接待人员加入“可见范围”"),
    60031: ("应用不允许调用接口", "在“应用管理”检查应用状态"),
    95011: ("微信客服处于其他接入模式", "在“微信客服 → API”切换为企业内部接入，并使用自建应用的 Secret"),
    95012: ("微信客服处于其他接入模式", "在“微信客服 → API”切换为企业内部接入，并使用自建应用的 Secret"),
    95017: ("微信客服的 API 开关没有打开", "在“微信客服 → API”授权给这个应用"),
    301002: ("agent_id 与 Secret 不是同一个应用", "两项都从同一个应用的详情页复制"),
}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the platform answered. `errcode` None: no answer that could be read; then `errmsg` says why."""

    errcode: int | None
    errmsg: str = ""
    body: dict[str, Any] = field(default_factory=dict)
    dated: datetime | None = None
    # This machine's time, in the middle of the call.
    at: datetime

    @property
    def is_ok(self) -> bool:
        return self.errcode == 0


class Caller:
    """Calls the platform once per question, with the settings' proxy and time limit."""

    def __init__(self, settings: config.Settings, session: aiohttp.ClientSession) -> None:
        self._base, self._session = settings.wecom.api_base, session
        self._proxy = settings.wecom.proxy_url or None
        self._clock = clock.SystemClock()

    async def call(self, endpoint: str, params: dict[str, str], body: object = None) -> Answer:
        """GET, or POST when there is a `body`. Never raises for what a network or server can do."""
        method = "GET" if body is None else "POST"
        began = self._clock.now()
        try:
            async with self._session.request(
                method, f"{self._base}/cgi-bin/{endpoint}", params=params, json=body, proxy=self._proxy
            ) as response:
                at = began + (self._clock.now() - began) / 2
                dated = _parse_date(response.headers.get("Date", ""))
                if response.status != 200:
                    return Answer(errcode=None, errmsg=f"HTTP {response.status}", dated=dated, at=at)
                answer = await response.json(content_type=None)
        except aiohttp.ClientConnectorCertificateError:
            return Answer(errcode=None, errmsg="证书不受信任，中间可能有代理替换了证书", at=began)
        except aiohttp.ClientConnectorError as error:
            return Answer(errcode=None, errmsg=f"连接不上（{error.os_error.strerror}）", at=began)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            # The class only: texts of aiohttp may hold the address, and with it the secret.
            return Answer(errcode=None, errmsg=type(error).__name__, at=began)
        if not isinstance(answer, dict):
            return Answer(errcode=None, errmsg="回应不是 JSON 对象", dated=dated, at=at)
        errcode = answer.get("errcode", 0)
        return Answer(
            errcode=errcode if isinstance(errcode, int) else None,
            errmsg=str(answer.get("errmsg", "")),
            body=answer,
            dated=dated,
            at=at,
        )


async def check(so_far: config.SoFar) -> AsyncIterator[Finding]:
    """Ask the platform everything that can be asked without changing anything."""
    settings = so_far.settings
    timeout = aiohttp.ClientTimeout(total=settings.wecom.timeout_seconds)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        caller = Caller(settings, session)
        skew_told = False
        for name, receiver in settings.wecom.receivers.items():
            if name == AIBOT:  # It has no Secret and calls nothing.
                continue
            if not (so_far.has("wecom", "corp_id") and so_far.has("wecom", "receivers", name, "secret")):
                yield skip(f"凭证 {name}", "企业 ID 或 Secret 还没有填好，填好后才能检查")
                continue
            params = {"corpid": settings.wecom.corp_id, "corpsecret": receiver.secret.get_secret_value()}
            answer = await caller.call("gettoken", params)
            if not skew_told and answer.dated is not None:
                yield check_skew(answer)
                skew_told = True
            yield explain(f"凭证 {name}", answer, "Secret 有效")
            token = answer.body.get("access_token")
            if not answer.is_ok or not isinstance(token, str):
                continue
            trusted = await caller.call("getcallbackip", {"access_token": token})
            yield explain(f"可信IP {name}", trusted, "本机可以调用接口")
            if not trusted.is_ok:
                continue
            if receiver.agent_id is not None:
                yield await check_agent(caller, name, receiver.agent_id, token)
            if name == "kf":
                async for finding in check_accounts(caller, settings, token):
                    yield finding


def check_skew(answer: Answer) -> Finding:
    """Compare this machine's clock with the Date header, which is exact to a second."""
    assert answer.dated is not None
    seconds = (answer.at - answer.dated).total_seconds()
    fix = "开启系统对时（如 timedatectl set-ntp true）"
    if abs(seconds) >= _SKEW_FAIL_SECONDS:
        return fail("本机时间", f"与企业微信相差 {seconds:+.0f} 秒", fix)
    if abs(seconds) >= _SKEW_WARN_SECONDS:
        return warn("本机时间", f"与企业微信相差 {seconds:+.0f} 秒", fix)
    return ok("本机时间", "与企业微信一致")


async def check_agent(caller: Caller, name: str, agent_id: int, token: str) -> Finding:
    """Tell whether agent_id and secret belong to one app."""
    answer = await caller.call("agent/get", {"access_token": token, "agentid": str(agent_id)})
    if answer.errcode is None:
        return skip(f"应用 {name}", f"接口没有回应：{answer.errmsg}")
    title = answer.body.get("name", "")
    return explain(f"应用 {name}", answer, f"{title}（{agent_id}）" if title else f"AgentId {agent_id}")


async def check_accounts(caller: Caller, settings: config.Settings, token: str) -> AsyncIterator[Finding]:
    """Tell which kf accounts we may drive, whether the pilot names real ones, and who receives customers."""
    answer = await caller.call("kf/account/list", {"access_token": token}, {"offset": 0, "limit": 100})
    if not answer.is_ok:
        yield explain("微信客服权限", answer, "")
        return
    yield ok("微信客服权限", "可以调用微信客服接口")
    accounts = [entry for entry in answer.body.get("account_list", []) if isinstance(entry, dict)]
    managed = [entry for entry in accounts if entry.get("manage_privilege") is True]
    if not managed:
        fix = "在“微信客服 → API → 通过API管理微信客服账号”勾选要接入的账号"
        yield fail("客服账号", f"共 {len(accounts)} 个账号，没有一个授权给本应用管理", fix)
    known = {str(entry.get("open_kfid")) for entry in managed}
    for wanted in settings.pilot.accounts:
        if wanted not in known:
            yield fail(
                "试点账号", f"[pilot] 中的 {wanted} 不存在或没有授权", "用 guanjia kf accounts 查看可用账号"
            )
    for entry in managed:
        yield check_name(settings, str(entry.get("name", "")))
        yield await check_servicers(caller, settings, token, entry)


def check_name(settings: config.Settings, name: str) -> Finding:
    """Tell whether the account's name says more than the licences cover (金融产品网络营销管理办法 18-19)."""
    bad = [word for word in LICENSED_WORDS if word in name and not allows_word(settings, word)]
    if bad:
        fix = "改账号名称，或确认牌照后把该业务线设为 licensed"
        return warn("客服账号", f"“{name}”含“{'、'.join(bad)}”，但没有相应业务线设为 licensed", fix)
    return ok("客服账号", f"“{name}”已授权，由本程序管理（企业微信自带的分配和满意度评价不再生效）")


async def check_servicers(
    caller: Caller, settings: config.Settings, token: str, entry: dict[str, Any]
) -> Finding:
    """Compare who receives customers for the account with service.duty."""
    params = {"access_token": token, "open_kfid": str(entry.get("open_kfid"))}
    answer = await caller.call("kf/servicer/list", params)
    name = f"接待人员 {entry.get('name', '')}"
    if not answer.is_ok:
        return explain(name, answer, "")
    people = [
        one for one in answer.body.get("servicer_list", []) if isinstance(one, dict) and one.get("userid")
    ]
    receiving = {str(one["userid"]) for one in people if one.get("status") == _RECEIVING}
    if not people:
        return fail(name, "没有接待人员，转人工时没有人接", "在“微信客服 → 客服账号”添加接待人员")
    absent = [
        person for person in settings.service.duty if person not in {str(one["userid"]) for one in people}
    ]
    if absent:
        return warn(
            name, f"值班名单中的 {'、'.join(absent)} 不是接待人员", "添加为接待人员，或从 service.duty 删除"
        )
    if not receiving:
        return warn(
            name, f"{len(people)} 人，此刻都不在接待状态", "服务时间内请接待人员在企业微信里打开“接待中”"
        )
    return ok(name, f"{len(people)} 人，{len(receiving)} 人接待中")


def explain(
    check: str, answer: Answer, good: str, meanings: Mapping[int, tuple[str, str]] = MappingProxyType({})
) -> Finding:
    """Return a finding for an answer: what its number means and what to do.

    `meanings`: those that are others for this call than for the kf calls.
    """
    if answer.is_ok:
        return ok(check, good)
    if answer.errcode is None:
        return fail(
            check,
            f"没有得到回应：{answer.errmsg}",
            "检查网络、DNS、防火墙、wecom.proxy_url 和 wecom.api_base",
        )
    meaning, fix = {**_MEANINGS, **meanings}.get(
        answer.errcode, ("企业微信拒绝了请求", "在企业微信开发者中心的错误码查询工具中查这个编号")
    )
    found = re.search(r"from ip: ?([0-9a-fA-F.:]+)", answer.errmsg)
    source = f"，出口 IP {found[1].rstrip('.:')}" if found else ""
    return fail(check, f"{meaning}（{answer.errcode}{source}）", fix)


def _parse_date(text: str) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(text)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)

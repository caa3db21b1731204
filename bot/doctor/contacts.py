"""What people, groups and their SOPs need of the platform: customer contacts, customer groups, an app for the staff.

Asks after platform.py, which tells wrong credentials and a wrong agent_id; without a token nothing is said twice.
Reads only. Sources: WeCom docs 92571 (get_follow_user_list), 92120 (groupchat/list), 90313 (error numbers).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import aiohttp

from bot import config
from bot.doctor import platform
from bot.doctor.finding import Finding, fail, ok, warn
from bot.doctor.platform import Caller

_CONTACTS, _ASSISTANT = "contacts", "assistant"
_CALLABLE = "在“客户与上下游 → 客户联系 → 客户 → API → 可调用接口的应用”勾选这个应用"
_RANGE = "在应用详情页把顾问和群主加入“可见范围”"
_USAGE = "在“客户与上下游 → 客户联系 → 权限配置 → 使用范围”加入顾问和群主"
# errcode → what it means for customer contacts, what to do; the rest is as everywhere.
_MEANINGS: Mapping[int, tuple[str, str]] = {
    48001: ("没有客户联系的接口权限", _CALLABLE),
    48002: ("没有客户联系的接口权限", _CALLABLE),
    48006: ("客户联系的接口权限因长期不用被收回", _CALLABLE),
    60011: ("顾问或群主不在应用的可见范围", _RANGE),
    60021: ("顾问或群主不在应用的可见范围", _RANGE),
    60030: ("顾问或群主不在应用的可见范围", _RANGE),
    84074: ("成员没有开通客户联系", _USAGE),
    95003: ("企业没有认证", "在“我的企业 → 企业信息”完成企业认证"),
    701008: ("企业没有接口许可", "在“应用管理 → 接口许可”购买并激活顾问和群主的许可"),
}


async def check(so_far: config.SoFar) -> AsyncIterator[Finding]:
    """Ask what can be asked without changing anything; says nothing of receivers that are not set up."""
    settings = so_far.settings
    receivers = settings.wecom.receivers
    assistant = receivers.get(_ASSISTANT)
    if assistant is not None and assistant.agent_id is None:
        yield fail(
            f"应用 {_ASSISTANT}",
            "没有填写 agent_id，员工的卡片和手机页都用不了",
            "到应用详情页复制 AgentId 到 wecom.receivers.assistant.agent_id",
        )
    if _CONTACTS not in receivers or not so_far.has("wecom", "corp_id"):
        return
    if not so_far.has("wecom", "receivers", _CONTACTS, "secret"):
        return
    secret = receivers[_CONTACTS].secret.get_secret_value()
    timeout = aiohttp.ClientTimeout(total=settings.wecom.timeout_seconds)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        caller = Caller(settings, session)
        answer = await caller.call("gettoken", {"corpid": settings.wecom.corp_id, "corpsecret": secret})
        token = answer.body.get("access_token")
        if answer.is_ok and isinstance(token, str):
            async for finding in check_customers(caller, token):
                yield finding


async def check_customers(caller: Caller, token: str) -> AsyncIterator[Finding]:
    """Tell whether advisors and their groups can be read: without them no group enters an SOP."""
    answer = await caller.call("externalcontact/get_follow_user_list", {"access_token": token})
    if not answer.is_ok:
        yield platform.explain("客户联系权限", answer, "", _MEANINGS)
        return
    advisors = [str(one) for one in answer.body.get("follow_user") or ()]
    if not advisors:
        yield warn(
            "客户联系权限", "可以调用，但没有一位成员开通了客户联系，或都不在可见范围", f"{_USAGE}；{_RANGE}"
        )
        return
    yield ok("客户联系权限", f"可以调用，{len(advisors)} 位成员开通了客户联系")
    # One owner is enough to see the right; a corp with more than 1,000 owners is refused without them (81017).
    wanted = {"status_filter": 0, "owner_filter": {"userid_list": advisors[:1]}, "limit": 1}
    listed = await caller.call("externalcontact/groupchat/list", {"access_token": token}, wanted)
    yield platform.explain("客户群权限", listed, "可以读取客户群", _MEANINGS)

"""What the message archive (会话存档) needs: the library in its own process, the secret, trusted address, private keys.

Says nothing where no archive is set up. The library is asked for one entry, which takes nothing out of the archive.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import aiohttp

from bot import archives, config
from bot.doctor import platform
from bot.doctor.finding import Finding, fail, ok, warn
from bot.doctor.platform import Caller
from domain.archive import HoldReason
from domain.errors import ChannelBusy, ChannelError, StoreUnavailable
from store import archives as archive_store
from store import database, schema

_IP = "在“管理工具 → 会话内容存档 → 可信IP地址”加入本机出口 IP"
_RANGE = "在“管理工具 → 会话内容存档 → 开启范围”加入顾问"
_KEY = "在 wecom.archive.private_keys 加上这个版本的私钥；旧私钥丢失后，用它加密的消息再也读不出来"
# errcode → what it means for the archive, what to do; the rest is as everywhere.
_MEANINGS: Mapping[int, tuple[str, str]] = {
    40001: (
        "会话存档的 Secret 不对",
        "在“管理工具 → 会话内容存档”重新查看 Secret，填到 wecom.archive.secret",
    ),
    48002: (
        "这个 Secret 不是会话存档的",
        "在“管理工具 → 会话内容存档”查看 Secret，填到 wecom.archive.secret",
    ),
    301042: ("本机出口 IP 不在会话存档的可信 IP 里", _IP),
    301052: ("会话存档的许可已经到期", "在“管理工具 → 会话内容存档”续费"),
    301053: ("企业没有开启会话存档", "在“管理工具 → 会话内容存档”开启并设置公钥"),
}
_LIBRARY: Mapping[int, tuple[str, str]] = {
    10000: ("参数不对", "检查 wecom.corp_id 和 wecom.archive.secret"),
    10001: ("组件连不上企业微信", "检查网络和 wecom.archive.proxy"),
    10009: ("本机出口 IP 不在会话存档的可信 IP 里", _IP),
    10011: ("证书不受信任", "中间可能有代理替换了证书，检查 wecom.archive.proxy"),
    **_MEANINGS,
}


_HELD: Mapping[HoldReason, tuple[str, str]] = {
    HoldReason.NO_KEY: ("缺少对应版本的私钥", _KEY),
    HoldReason.BAD_KEY: ("私钥与公钥不是一对", "换成对的私钥并重启，会自动补读"),
    HoldReason.DAMAGED: ("组件解不开", "更换组件版本并重启，会自动再试；仍解不开就是内容损坏"),
    HoldReason.POISON: ("会让组件崩溃", "更换组件版本并重启，会自动再试"),
    HoldReason.UNREADABLE: ("解开后不是消息", "把日志交给开发人员"),
    HoldReason.CLOCK: ("时间不对", "查看发送人的设备时间"),
}


async def check_library(settings: config.Settings) -> AsyncIterator[Finding]:
    """Tell whether the library's process starts; nothing is asked of the platform."""
    archive = settings.wecom.archive
    if archive.library is None:
        return
    if not archive.library.is_file():
        yield fail(
            "会话存档组件",
            f"没有文件 {archive.library}",
            "下载企业微信会话存档 SDK（Linux），把 libWeWorkFinanceSdk_C.so 放到这里（docs/archive.md）",
        )
        return
    versions = "、".join(str(version) for version in sorted(archive.key_files))
    yield (
        ok("会话存档私钥", f"版本 {versions} 的私钥可用")
        if versions
        else fail("会话存档私钥", "没有私钥，消息一条也读不了", _KEY)
    )
    if not archive.policy_version:
        yield warn(
            "会话存档同意",
            "没有填写 policy_version，无法证明客户看到的是哪一版告知",
            "填写告知文本的版本，例如 2026-11",
        )


async def check_record(settings: config.Settings) -> AsyncIterator[Finding]:
    """Tell how far the archive is read and what was put aside, from our own database."""
    url = settings.store.url
    is_there = not url.startswith("sqlite:///") or Path(url.removeprefix("sqlite:///")).exists()
    if not settings.wecom.archive.is_on or not is_there:
        return
    try:
        if schema.version_of(url) != schema.HEAD:
            return  # Empty or of another version; told by local.py.
        opened = await database.Store.open(url)
    except StoreUnavailable:
        return
    try:
        async with opened.read() as tx:
            held = await archive_store.count_holds(tx)
            standing = await archive_store.find_standing(tx, settings.wecom.corp_id)
    finally:
        await opened.close()
    if standing is not None:
        yield ok("会话存档进度", f"已读到第 {standing.seq} 条")
    for reason, number in held.items():
        if number:
            what, fix = _HELD[reason]
            yield warn("会话存档搁置", f"{number} 条{what}，已原样保留", fix)


async def check(so_far: config.SoFar) -> AsyncIterator[Finding]:
    """Ask the platform by HTTP and by the library what can be asked without changing anything."""
    settings = so_far.settings
    archive = settings.wecom.archive
    if archive.library is None or not archive.library.is_file() or not so_far.has("wecom", "corp_id"):
        return
    secret = settings.wecom.archive_secret
    timeout = aiohttp.ClientTimeout(total=settings.wecom.timeout_seconds)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        caller = Caller(settings, session)
        answer = await caller.call("gettoken", {"corpid": settings.wecom.corp_id, "corpsecret": secret})
        yield platform.explain("会话存档凭证", answer, "Secret 有效", _MEANINGS)
        token = answer.body.get("access_token")
        if answer.is_ok and isinstance(token, str):
            yield await check_range(caller, token)
    yield await check_reading(settings)


async def check_range(caller: Caller, token: str) -> Finding:
    """Tell how many members are archived."""
    answer = await caller.call("msgaudit/get_permit_user_list", {"access_token": token}, {})
    members = answer.body.get("ids")
    count = len(members) if isinstance(members, list) else 0
    if answer.is_ok and not count:
        return warn("会话存档范围", "可以调用，但没有一位成员开启了会话存档", _RANGE)
    return platform.explain("会话存档范围", answer, f"{count} 位成员的会话会存档", _MEANINGS)


async def check_reading(settings: config.Settings) -> Finding:
    """Start the library, read one entry and open it."""
    try:
        reader = archives.open_reader(settings)
    except OSError as error:
        return fail("会话存档拉取", f"读不了私钥文件（{error.strerror}）", "检查 private_keys 的路径和权限")
    try:
        entries = await reader.pull(0, 1)
        opened = await reader.open(entries)
    except ChannelError as error:
        return _explain(error)
    finally:
        await reader.close()
    if not entries:
        return ok("会话存档拉取", "组件可以拉取，五天内没有消息")
    reason = opened[0].reason
    if reason in (HoldReason.NO_KEY, HoldReason.BAD_KEY):
        version = entries[0].key_version
        what = "没有配置" if reason is HoldReason.NO_KEY else "与公钥不是一对"
        return fail("会话存档拉取", f"可以拉取，但公钥版本 {version} 的私钥{what}", _KEY)
    if reason is not None:
        return warn(
            "会话存档拉取", f"可以拉取，但第一条解不开（{reason.value}）", "查看日志和 docs/archive.md"
        )
    return ok("会话存档拉取", "组件可以拉取和解密")


def _explain(error: ChannelError) -> Finding:
    if error.errcode is None:
        fix = "确认文件是 x86_64 Linux 的 C 组件，且本机有它依赖的库（ldd 查看）"
        what = "组件的进程反复退出" if isinstance(error, ChannelBusy) else str(error)
        return fail("会话存档拉取", what, fix)
    meaning, fix = _LIBRARY.get(error.errcode, ("组件返回错误", "在 docs/archive.md 查这个编号"))
    return fail("会话存档拉取", f"{meaning}（{error.errcode}）", fix)

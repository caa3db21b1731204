"""What several settings must agree on, and what is allowed but deserves a word.

`check_together` runs on the raw values, so that its mistakes are told together with those of single keys.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from bot.config.table import Settings

OFFICIAL_API = "https://qyapi.weixin.qq.com"
_OFFICIAL_HOST = "qyapi.weixin.qq.com"

Found = tuple[tuple[str, ...], str]

# Words a name may hold only when a licence covers them (金融产品网络营销管理办法, articles 18-19);
# 金融 needs any of the three.
LICENSED_WORDS = {
    "贷款": ("loan",),
    "保险": ("insurance",),
    "理财": ("wealth",),
    "基金": ("wealth",),
    "金融": ("loan", "insurance", "wealth"),
}


def is_loopback(host: str) -> bool:
    """Say whether `host` can only be reached from this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_official(api_base: str) -> bool:
    """Say whether `api_base` is the platform itself."""
    return (urlsplit(api_base).hostname or "").lower().rstrip(".") == _OFFICIAL_HOST


_CLOCK_FILE = "接真实企业微信时不能用时钟文件，请删除。 (Not allowed with the official api_base; remove it.)"
_SAMPLES = (
    "接真实企业微信时不能用未审批的示例内容，请设为 false 并运行 guanjia content approve。"
    " (Not allowed with the official api_base; set false and approve the content.)"
)
_PICKER = (
    "免密选人只能用于本机演示，请设为 false。"
    " (Only for demos on loopback and never with the official api_base; set false.)"
)
_COOKIES = "监听非本机地址时必须为 true。 (Must be true unless server.host is loopback.)"
_RETENTION = (
    "须先由负责人核准保存期限：请填写 proof.retention_approved_by。"
    " (Name who approved the periods in proof.retention_approved_by.)"
)
_ARCHIVE_LIBRARY = (
    "填写了会话存档的 Secret 或私钥，但没有填写组件文件，请填写 library。"
    " (Missing: a secret or keys of the archive are set; name the library's file.)"
)
_ARCHIVE_UNSIGNED = (
    "缺少会话内容存档的 Secret，请填写，或用 secret_file 提供。"
    " (Missing; fill in the archive's secret, or give secret_file.)"
)
_ARCHIVE_KEYS = (
    "没有私钥，会话存档的消息一条也读不了，请填写 版本=文件。"
    " (Missing; without private keys no archived message can be read.)"
)
_MENU_AT = "不能大于 answering.answer_at。 (Must not be above answering.answer_at.)"


def allows_word(settings: Settings, word: str) -> bool:
    """Say whether a licensed line covers `word`, one of LICENSED_WORDS, in a name."""
    return any(getattr(settings.entity_mode, line) == "licensed" for line in LICENSED_WORDS[word])


def check_together(find: Callable[[tuple[str, ...]], Any]) -> list[Found]:
    """Return the mistakes that only show when several keys are seen together."""
    official = is_official(str(find(("wecom", "api_base")) or OFFICIAL_API))
    loopback = is_loopback(str(find(("server", "host")) or "127.0.0.1"))
    cookies = find(("console", "secure_cookies"))
    answer_at, menu_at = _number(find(("answering", "answer_at"))), _number(find(("answering", "menu_at")))
    checks: list[tuple[bool, tuple[str, ...], str]] = [
        (official and bool(find(("clock", "file"))), ("clock", "file"), _CLOCK_FILE),
        (official and _is_true(find(("content", "serve_samples"))), ("content", "serve_samples"), _SAMPLES),
        (
            _is_true(find(("console", "picker"))) and (official or not loopback),
            ("console", "picker"),
            _PICKER,
        ),
        (
            cookies is not None and not _is_true(cookies) and not loopback,
            ("console", "secure_cookies"),
            _COOKIES,
        ),
        (
            answer_at is not None and menu_at is not None and menu_at > answer_at,
            ("answering", "menu_at"),
            _MENU_AT,
        ),
        (
            _is_true(find(("proof", "retention_enabled")))
            and not str(find(("proof", "retention_approved_by")) or "").strip(),
            ("proof", "retention_enabled"),
            _RETENTION,
        ),
    ]
    checks += _check_archive(find)
    return [(path, sentence) for wrong, path, sentence in checks if wrong]


def _check_archive(find: Callable[[tuple[str, ...]], Any]) -> list[tuple[bool, tuple[str, ...], str]]:
    """Say what the archive lacks once some of it is set."""
    at = ("wecom", "archive")
    library, keys = find((*at, "library")), find((*at, "private_keys"))
    secret = find((*at, "secret")) or find(("wecom", "receivers", "archive", "secret"))
    return [
        (not library and bool(find((*at, "secret")) or keys), (*at, "library"), _ARCHIVE_LIBRARY),
        (bool(library) and not secret, (*at, "secret"), _ARCHIVE_UNSIGNED),
        (bool(library) and not keys, (*at, "private_keys"), _ARCHIVE_KEYS),
    ]


def _number(value: object) -> float | None:
    try:
        return float(str(value))
    except ValueError:
        return None


def _is_true(value: object) -> bool:
    return str(value).lower() in ("true", "1", "yes", "on", "t", "y")


def warnings(settings: Settings) -> list[str]:
    """Return what is allowed but should be looked at before real customers come, one sentence each."""
    found: list[str] = []
    official = is_official(settings.wecom.api_base)
    if not settings.company.name:
        found.append(
            "company.name 未填写：欢迎语需要公司全称。 (Empty; the welcome needs the full company name.)"
        )
    found += [
        f"company.short_name 含“{word}”，但没有相应业务线设为 licensed：无牌照的名称不得含此字样，请改名。"
        f" (Holds {word} without a licensed line; choose another name.)"
        for word in LICENSED_WORDS
        if word in settings.company.short_name and not allows_word(settings, word)
    ]
    if official and not settings.server.public_url:
        found.append(
            "server.public_url 未填写：doctor 无法检查回调地址。"
            " (Empty; doctor cannot check the callback address.)"
        )
    if official and settings.server.public_url.startswith("http://"):
        found.append(
            "server.public_url 不是 https。 (Is not https; log-ins and callbacks would travel in the clear.)"
        )
    if official and (settings.server.jssdk_url or settings.server.frame_ancestors):
        found.append(
            "server.jssdk_url 或 server.frame_ancestors 已填写：那里的脚本和页面能以员工的身份操作，正式使用请留空。"
            " (Set; what stands there acts as your staff. Leave them empty unless you mean it.)"
        )
    if (
        not official
        and settings.wecom.api_base.startswith("http://")
        and not is_loopback(urlsplit(settings.wecom.api_base).hostname or "")
    ):
        found.append(
            "wecom.api_base 不是 https：Secret 会明文传输。 (Is not https; the secret travels in the clear.)"
        )
    if settings.server.verify_file and not settings.server.verify_file.is_file():
        found.append(
            f"server.verify_file 指向的 {settings.server.verify_file} 不存在。 (The file does not exist.)"
        )
    assistant = settings.wecom.receivers.get("assistant")
    if assistant is not None and assistant.agent_id is None:
        found.append(
            "wecom.receivers.assistant.agent_id 未填写：不能给员工发消息和卡片，也不能在企业微信里登录。"
            " (Empty; no messages to staff and no log-in inside WeCom.)"
        )
    if "kf" in settings.wecom.receivers and not settings.service.duty:
        found.append(
            "service.duty 为空：转人工只能进入待接入池。"
            " (Empty; customers go to the waiting pool, not to a named person.)"
        )
    return found

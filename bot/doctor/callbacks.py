"""Whether the platform can reach us: calls our own public address as the platform would (WeCom doc 90930).

The URL check must be answered with the decrypted text within 1 second; a wrong signature must get 403. The answer is
the running server's, so start `serve` first.
"""

from __future__ import annotations

import asyncio
import secrets
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

import aiohttp

from bot import clock, config
from bot.channels.wecom import envelope
from bot.config.rules import is_loopback
from bot.config.table import Receiver
from bot.doctor.finding import Finding, fail, ok, skip, warn

_DEADLINE_SECONDS = 1.0
_PATIENCE_SECONDS = 8.0
_CERTIFICATE_DAYS = 14


async def check(so_far: config.SoFar) -> AsyncIterator[Finding]:
    """Check certificate, every receiver's URL and the verify file at server.public_url."""
    settings = so_far.settings
    base = settings.server.public_url
    if not base:
        host = settings.server.host if settings.server.host not in ("0.0.0.0", "::") else "127.0.0.1"  # noqa: S104
        base = f"http://{f'[{host}]' if ':' in host else host}:{settings.server.port}"
        yield skip("回调地址", "server.public_url 未填写，只检查本机地址", "填写对外的 https 地址")
    parts = urlsplit(base)
    if parts.scheme == "https":
        yield await check_certificate(parts.hostname or "", parts.port or 443)
    elif not is_loopback(parts.hostname or ""):
        yield warn("证书", f"{base} 不是 https，回调内容虽已加密，后台登录会明文传输", "在反向代理上配置证书")
    timeout = aiohttp.ClientTimeout(total=_PATIENCE_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        for name, receiver in settings.wecom.receivers.items():
            needed = [
                ("wecom", "corp_id"),
                *(("wecom", "receivers", name, key) for key in ("token", "aes_key")),
            ]
            if not all(so_far.has(*path) for path in needed):
                yield skip(f"回调 {name}", "企业 ID、Token 或 EncodingAESKey 还没有填好，填好后才能检查")
                continue
            yield await check_receiver(session, base, settings.wecom.corp_id, name, receiver)
        if settings.server.verify_file:
            yield await check_verify_file(session, base, settings)


async def check_certificate(host: str, port: int) -> Finding:
    """Tell whether the certificate is trusted and how long it lasts."""
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            _, writer = await asyncio.open_connection(host, port, ssl=ssl.create_default_context())
    except ssl.SSLCertVerificationError as error:
        return fail("证书", f"{host} 的证书不受信任：{error.verify_message}", "安装完整的证书链，域名要一致")
    except (OSError, TimeoutError) as error:
        fix = "检查域名解析、防火墙和反向代理；若本机不能访问自己的公网地址，请在别处检查"
        return fail("证书", f"连接不上 {host}:{port}（{type(error).__name__}）", fix)
    certificate = writer.get_extra_info("peercert") or {}
    writer.close()
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC)
    days = (ends - clock.SystemClock().now()).days
    if days < _CERTIFICATE_DAYS:
        return warn("证书", f"{host} 的证书 {days} 天后到期", "续期并重新加载反向代理")
    return ok("证书", f"{host} 的证书有效，{days} 天后到期")


async def check_receiver(
    session: aiohttp.ClientSession, base: str, corp_id: str, name: str, receiver: Receiver
) -> Finding:
    """Answer the platform's URL check ourselves, once right and once with a wrong signature."""
    check = f"回调 {name}"
    url = f"{base}/callback/{name}"
    sealed = envelope.Receiver(
        name=name,
        token=receiver.token.get_secret_value(),
        aes_key=receiver.aes_key.get_secret_value(),
        receive_id=corp_id if receiver.receive_id is None else receiver.receive_id,
    )
    expected = str(secrets.randbelow(9 * 10**18) + 10**18).encode()
    timestamp, nonce = str(int(clock.SystemClock().now().timestamp())), secrets.token_hex(8)
    echo, signature = envelope.seal(sealed, expected, timestamp, nonce)
    params = {"msg_signature": signature, "timestamp": timestamp, "nonce": nonce, "echostr": echo}
    try:
        began = asyncio.get_running_loop().time()
        async with session.get(url, params=params, allow_redirects=False) as response:
            status, body = response.status, await response.read()
        seconds = asyncio.get_running_loop().time() - began
        async with session.get(
            url, params=params | {"msg_signature": "0" * 40}, allow_redirects=False
        ) as refused:
            refusal = refused.status
    except (aiohttp.ClientError, TimeoutError) as error:
        return fail(
            check, f"访问不到 {url}（{type(error).__name__}）", "先启动服务；检查反向代理、域名和防火墙"
        )
    if status in (301, 302, 307, 308):
        return fail(check, f"{url} 被重定向，企业微信不会跟随", "public_url 写成最终的 https 地址")
    if status == 404:
        return fail(
            check, f"{url} 不存在（404）", "反向代理要把 /callback/ 原样转给本程序；服务用的是同一份配置吗？"
        )
    if status == 403:
        return fail(check, "运行中的服务不认这组 Token / EncodingAESKey（403）", "改过配置后要重启服务")
    if status != 200 or body != expected:
        return fail(check, f"回应不是预期的明文（HTTP {status}）", "反向代理不能改动回应，也不能加登录页")
    if refusal != 403:
        return fail(check, f"签名错误时应拒绝（403），却得到 {refusal}", "检查反向代理是否缓存了回应")
    if seconds > _DEADLINE_SECONDS:
        return fail(check, f"回应用了 {seconds:.1f} 秒，企业微信只等 1 秒", "检查网络和反向代理")
    return ok(check, f"{url} 验证通过，用时 {seconds * 1000:.0f} 毫秒")


async def check_verify_file(session: aiohttp.ClientSession, base: str, settings: config.Settings) -> Finding:
    """Tell whether the trusted-domain file is served at the root, byte for byte."""
    path = settings.server.verify_file
    assert path is not None
    if not path.is_file():
        return fail("可信域名文件", f"{path} 不存在", "从应用详情页“网页授权及JS-SDK → 申请校验域名”重新下载")
    parts = urlsplit(base)
    url = f"{parts.scheme}://{parts.netloc}/{path.name}"
    try:
        async with session.get(url, allow_redirects=False) as response:
            if response.status == 200 and (await response.read()).strip() == path.read_bytes().strip():
                return ok("可信域名文件", f"{url} 可以访问")
            return fail(
                "可信域名文件", f"{url} 内容不对（HTTP {response.status}）", "反向代理要转发 /WW_verify_*.txt"
            )
    except (aiohttp.ClientError, TimeoutError) as error:
        return fail("可信域名文件", f"访问不到 {url}（{type(error).__name__}）", "先启动服务，检查反向代理")

"""The WeCom API client: wechatpy's API classes over asynchronous HTTP of our own.

Every call of wechatpy ends in `_request`; here that returns an awaitable instead of blocking, so that
`await client.user.get(…)` works for all of its methods (the exceptions are in api.py). One request renews the
token at most once. What the platform or the network answers becomes domain.errors through errors.py. One
client per secret; made by bot/app.py. Sources: WeCom docs 91039 (token), 90313 (errors).
"""

from __future__ import annotations

import functools
import json
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import aiohttp
from wechatpy.work import WeChatClient
from yarl import URL

from bot.channels.wecom import api, errors
from bot.channels.wecom import tokens as access
from bot.channels.wecom.pacing import Pacing
from domain.errors import ChannelError, ChannelUnauthorised, ChannelUncertain
from domain.ports import Clock
from store.database import Store

OFFICIAL_BASE = "https://qyapi.weixin.qq.com"

# Shorter than the lease on the token (tokens.py), so that two replicas never renew at the same time.
_TOKEN_SECONDS = 6.0

T = TypeVar("T")
Read = Callable[[aiohttp.ClientResponse], Awaitable[T]]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where and how to call. `observe` is told (endpoint, errcode or error class name) after every call."""

    corp_id: str
    secret: str = field(repr=False)
    api_base: str = OFFICIAL_BASE
    proxy: str | None = None
    timeout_seconds: float = 10.0
    connect_seconds: float = 5.0
    media_seconds: float = 60.0
    rules: errors.Rules = field(default_factory=errors.Rules)
    observe: Callable[[str, str], None] = lambda endpoint, result: None


@dataclass(frozen=True, kw_only=True)
class Request:
    """One call. `body`: JSON bytes. `form`: field name to (file name, content, content type)."""

    method: str
    endpoint: str
    params: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    form: dict[str, tuple[str, bytes, str]] = field(default_factory=dict)
    timeout_seconds: float | None = None


class Call:
    """What wechatpy's methods return here: runs when awaited; `call["key"]` picks from the later answer.

    Iterating or testing it is refused: without that Python's old sequence protocol would loop for ever.
    """

    __iter__ = None
    __bool__ = None

    def __init__(self, perform: Callable[[], Awaitable[Any]]) -> None:
        self._perform = perform

    def __await__(self) -> Generator[Any, None, Any]:
        return self._perform().__await__()

    def __getitem__(self, key: Any) -> Call:
        async def pick() -> Any:
            return (await self)[key]

        return Call(pick)


@dataclass
class _Journey:
    """Whether any byte of the request can have left; decides between unreachable and uncertain."""

    has_left: bool = False


class WeComClient(WeChatClient):  # type: ignore[misc]
    """All of wechatpy's API groups, awaited; plus `request` and `close`."""

    department = api.Department()
    external_contact = api.ExternalContact()
    external_contact_group_chat = api.GroupChat()
    jsapi = api.JsApi()
    kf = api.Kf()
    kf_message = api.KfMessage()
    media = api.Media()
    menu = api.Menu()

    def __init__(self, settings: Settings, store: Store, clock: Clock, pacing: Pacing) -> None:
        # Not wechatpy's own: it makes a blocking session and keeps tokens in memory.
        self.settings = settings
        self.corp_id, self.secret = settings.corp_id, settings.secret
        self.pacing = pacing
        token_key = access.key(settings.corp_id, settings.secret)
        self.tokens = access.Tokens(store, clock, token_key, self._get_token)
        self._http: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """End a token renewal and close the connections."""
        await self.tokens.close()
        if self._http is not None:
            await self._http.close()
            self._http = None

    @property
    def access_token(self) -> str:
        raise AttributeError("await client.tokens.current() instead")

    async def request(self, request: Request, read: Read[T]) -> T:
        """Make one call with a token and return what `read` makes of the answer.

        Raises ChannelBusy or ChannelUnreachable when nothing was done, ChannelRefused (and below) when it is
        refused for good, ChannelUncertain when it may have been done.
        """
        token = await self.tokens.current()
        try:
            return await self._attempt(request, token.value, read)
        except ChannelUnauthorised as error:
            if error.errcode not in errors.STALE_TOKEN:
                raise
        token = await self.tokens.renewed(token)
        return await self._attempt(request, token.value, read)

    def _request(self, method: str, url_or_endpoint: str, **given: Any) -> Call:
        endpoint = url_or_endpoint.removeprefix(self.API_BASE_URL)
        processor = given.pop("result_processor", None)
        request = Request(
            method=method,
            endpoint=endpoint,
            params=_params(given.get("params")),
            body=_body(given),
            form={name: _file(part) for name, part in (given.get("files") or {}).items()},
        )

        async def perform() -> Any:
            answer = await self.request(request, functools.partial(self.read_json, endpoint))
            return processor(answer) if processor else answer

        return Call(perform)

    async def _attempt(self, request: Request, token: str | None, read: Read[T]) -> T:
        endpoint, result = request.endpoint, "0"
        try:
            async with self.pacing.turn(endpoint):
                answer = await self._exchange(request, token, read)
            self.pacing.passed(endpoint)
            return answer
        except ChannelError as error:
            result = str(error.errcode) if error.errcode is not None else type(error).__name__
            raise
        finally:
            self.settings.observe(endpoint, result)

    async def _exchange(self, request: Request, token: str | None, read: Read[T]) -> T:
        journey = _Journey()
        params = request.params | ({"access_token": token} if token else {})
        seconds = request.timeout_seconds or self.settings.timeout_seconds
        try:
            async with self._session().request(
                request.method,
                URL(f"{self.settings.api_base}/cgi-bin/{request.endpoint}"),
                params=params,
                data=_form(request) if request.form else request.body,
                headers={"Content-Type": "application/json; charset=utf-8"} if request.body else None,
                timeout=aiohttp.ClientTimeout(total=seconds, connect=self.settings.connect_seconds),
                proxy=self.settings.proxy,
                allow_redirects=False,
                trace_request_ctx=journey,
            ) as response:
                return await read(response)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            # The class only: texts of aiohttp may hold the address, and with it the token.
            what = type(error).__name__
            if journey.has_left:
                raise errors.uncertain(request.endpoint, f"{what} after the request had left") from None
            raise errors.unreachable(request.endpoint, f"{what}; check network, proxy, api_base") from None

    async def read_json(self, endpoint: str, response: aiohttp.ClientResponse) -> dict[str, Any]:
        """Return the JSON object answered; a `read` for `request`. Raises what its errcode means."""
        answer = decode_answer(await response.read())
        if answer is None or (response.status != 200 and "errcode" not in answer):
            raise errors.of_status(endpoint, response.status)
        self.raise_for(endpoint, answer)
        return answer

    def raise_for(self, endpoint: str, answer: dict[str, Any]) -> None:
        """Raise what a JSON answer means; a missing errcode is success."""
        try:
            errcode = int(answer.get("errcode") or 0)
        except (TypeError, ValueError):
            raise errors.uncertain(endpoint, "errcode is not a number") from None
        if errcode == 0:
            return
        error = errors.of_errcode(endpoint, errcode, str(answer.get("errmsg", "")), self.settings.rules)
        if errcode == errors.RATE_LIMITED:
            error.retry_after = self.pacing.close(endpoint)  # type: ignore[attr-defined]
        raise error

    async def _get_token(self) -> tuple[str, timedelta]:
        params = {"corpid": self.corp_id, "corpsecret": self.secret}
        request = Request(method="get", endpoint="gettoken", params=params, timeout_seconds=_TOKEN_SECONDS)
        try:
            answer = await self._attempt(request, None, functools.partial(self.read_json, "gettoken"))
        except ChannelUncertain as error:
            # The call that wanted the token was surely not made.
            raise errors.unreachable("gettoken", str(error)) from None
        try:
            return str(answer["access_token"]), timedelta(seconds=int(answer.get("expires_in", 7200)))
        except (KeyError, TypeError, ValueError):
            raise errors.unreachable("gettoken", "an answer without access_token") from None

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            trace = aiohttp.TraceConfig()
            trace.on_request_headers_sent.append(_mark_left)
            # Idle connections are dropped early: writing into one the other side has just closed looks
            # like a lost answer, and would leave a delivery in doubt.
            connector = aiohttp.TCPConnector(limit=100, keepalive_timeout=10)
            self._http = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trace_configs=[trace]
            )
        return self._http


def decode_answer(content: bytes) -> dict[str, Any] | None:
    """Return a JSON object, None for anything else. Control characters and broken UTF-8 are put up with."""
    try:
        answer = json.loads(content.decode("utf-8", "replace"), strict=False)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


async def _mark_left(session: aiohttp.ClientSession, context: Any, params: Any) -> None:
    context.trace_request_ctx.has_left = True


def _params(params: dict[str, Any] | None) -> dict[str, str]:
    plain = {name: int(value) if isinstance(value, bool) else value for name, value in (params or {}).items()}
    return {name: str(value) for name, value in plain.items() if value is not None}


def _body(given: dict[str, Any]) -> bytes | None:
    data = given.get("json", given.get("data"))
    if data is None or isinstance(data, bytes):
        return data
    # Raw UTF-8: some calls refuse \uXXXX (40033).
    return data.encode() if isinstance(data, str) else json.dumps(data, ensure_ascii=False).encode()


def _file(part: Any) -> tuple[str, bytes, str]:
    """Return (file name, content, content type); read now, because a renewed token sends it again."""
    name, content, content_type = (
        part if isinstance(part, tuple) else (None, part, "application/octet-stream")
    )
    if not isinstance(content, bytes):
        name, content = name or getattr(content, "name", None), content.read()
    return name or "file", content, content_type


def _form(request: Request) -> aiohttp.FormData:
    form = aiohttp.FormData(quote_fields=False)  # quoted names would reach the receiver as %E4%BD%A0
    for field_name, (file_name, content, content_type) in request.form.items():
        form.add_field(field_name, content, filename=file_name, content_type=content_type)
    return form

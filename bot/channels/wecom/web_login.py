"""Who is looking at our page inside WeCom, and the signatures that let the page call the client (JS-SDK).

Silent log-in (网页授权, snsapi_base): the browser is sent to `authorize_url`, comes back with a code, and the code
tells the member. A browser outside WeCom is sent to `scan_url` instead, where its user scans a QR code (扫码登录), and
comes back in the same way.

Tickets for signatures are kept like access tokens: one in the database, one renewal at a time, since
the platform gives only 400 an hour for the corp and 100 for an app. Sources: WeCom docs 91022, 91023 (log-in), 98152
(QR code), 90506 (tickets).
"""

from __future__ import annotations

import functools
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote, urlencode

from bot.channels.wecom import errors, fields, jsapi
from bot.channels.wecom import tokens as access
from bot.channels.wecom.client import Request, WeComClient
from domain.errors import ChannelRefused, ChannelUncertain
from domain.ports import Clock
from store.database import Store

OFFICIAL_BASE = "https://open.weixin.qq.com"
OFFICIAL_SSO_BASE = "https://login.work.weixin.qq.com"
_STATE = re.compile(r"[a-zA-Z0-9]{0,128}")
_WHO = "auth/getuserinfo"
# Shorter than the lease on a ticket (tokens.py), as for access tokens.
_TICKET_SECONDS = 6.0
_CORP_TICKET, _AGENT_TICKET = "get_jsapi_ticket", "ticket/get"


@dataclass(frozen=True, kw_only=True)
class Signature:
    """What `ww.register` wants of a page. `timestamp`: Unix seconds."""

    timestamp: int
    nonce: str
    signature: str


class WebLogin:
    """Log-in and signatures of one app. `client`: with that app's secret."""

    def __init__(
        self,
        client: WeComClient,
        store: Store,
        clock: Clock,
        *,
        agent_id: int,
        base: str = OFFICIAL_BASE,
        sso_base: str = OFFICIAL_SSO_BASE,
    ) -> None:
        self._client, self._clock = client, clock
        self._agent_id, self._base, self._sso_base = agent_id, base, sso_base
        self._corp_tickets = self._tickets(store, _CORP_TICKET, {})
        self._agent_tickets = self._tickets(store, _AGENT_TICKET, {"type": "agent_config"})

    @property
    def corp_id(self) -> str:
        """The page's `corpId`."""
        return str(self._client.corp_id)

    @property
    def agent_id(self) -> int:
        """The page's `agentId`."""
        return self._agent_id

    def authorize_url(self, redirect_uri: str, state: str) -> str:
        """Return where to send the browser. `state`: 0 to 128 letters and digits (84025), comes back with the code.

        The host and port of `redirect_uri` must be the app's 可信域名 (50001).
        """
        query = {
            "appid": self.corp_id,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "scope": "snsapi_base",
            "state": _checked(state),
            "agentid": str(self._agent_id),
        }
        address = f"{self._base}/connect/oauth2/authorize"
        return f"{address}?{urlencode(query, quote_via=quote)}#wechat_redirect"

    def scan_url(self, redirect_uri: str, state: str) -> str:
        """Return where a browser outside WeCom shows its QR code; arguments and way back as for `authorize_url`."""
        query = {
            "login_type": "CorpApp",
            "appid": self.corp_id,
            "agentid": str(self._agent_id),
            "redirect_uri": redirect_uri,
            "state": _checked(state),
            "lang": "zh",
        }
        return f"{self._sso_base}/wwlogin/sso/login?{urlencode(query, quote_via=quote)}"

    async def member_of(self, code: str) -> str:
        """Return the UserID behind a code, which works once within five minutes.

        Raises CodeUsed for a code that is none (any more), ChannelRefused for a person who is no member, and as
        WeComClient.request.
        """
        answer = await self._client.get(_WHO, params={"code": code})
        staff_id = fields.text(answer, "userid")
        if not staff_id:
            raise ChannelRefused(f"{_WHO}: the person is no member of the company", endpoint=_WHO)
        return staff_id

    async def corp_signature(self, url: str) -> Signature:
        """Sign a page for getConfigSignature. `url`: the whole address of the page that runs the script."""
        return await self._signature(self._corp_tickets, url)

    async def agent_signature(self, url: str) -> Signature:
        """Sign a page for getAgentConfigSignature, with the app's own ticket."""
        return await self._signature(self._agent_tickets, url)

    async def close(self) -> None:
        """End renewals that are under way."""
        await self._corp_tickets.close()
        await self._agent_tickets.close()

    async def _signature(self, tickets: access.Tokens, url: str) -> Signature:
        ticket = await tickets.current()
        nonce, timestamp = secrets.token_hex(8), int(self._clock.now().timestamp())
        signed = jsapi.signature(ticket.value, nonce, str(timestamp), url)
        return Signature(timestamp=timestamp, nonce=nonce, signature=signed)

    def _tickets(self, store: Store, endpoint: str, params: dict[str, str]) -> access.Tokens:
        key = access.key(self.corp_id, f"{self._client.secret}\0{endpoint}")
        return access.Tokens(store, self._clock, key, functools.partial(self._fetch, endpoint, params))

    async def _fetch(self, endpoint: str, params: dict[str, str]) -> tuple[str, timedelta]:
        request = Request(method="get", endpoint=endpoint, params=params, timeout_seconds=_TICKET_SECONDS)
        try:
            answer = await self._client.request(request, functools.partial(self._client.read_json, endpoint))
        except ChannelUncertain as error:
            raise errors.unreachable(
                endpoint, str(error)
            ) from None  # Asking again costs one of the hour's tickets.
        ticket = fields.text(answer, "ticket")
        if not ticket:
            raise errors.unreachable(endpoint, "an answer without a ticket")
        return ticket, timedelta(seconds=fields.number(answer, "expires_in", 7200))


def _checked(state: str) -> str:
    if not _STATE.fullmatch(state):
        raise ValueError("state may hold 0 to 128 letters and digits")
    return state

"""The one late answer of the robot (主动回复): plain JSON to the address that came with the question.

An address takes one answer, within an hour (WeCom doc 101138), so a send whose fate is unknown is never repeated
(class ONCE). It is a secret of its own: whoever has it may speak in the chat, so no log and no error holds it, and it
is forgotten once it was used.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from yarl import URL

from bot.channels.wecom import aibot, client, errors
from domain.colleague import StaffQuestion
from domain.delivery import Act, Delivery, Receipt
from domain.errors import ChannelBusy, ChannelError, ChannelRefused, StoreUnavailable
from domain.platform import SessionStatus

CHANNEL = aibot.RECEIVER
OFFICIAL_API = "https://qyapi.weixin.qq.com"
_ENDPOINT = "aibot/response"

FindQuestion = Callable[[str], Awaitable[StaffQuestion | None]]
ForgetAddress = Callable[[int], Awaitable[None]]


class LateAnswers:
    """The Channel port for answers that nobody fetched. Called by scheduler/outbox.py only.

    `find_question`: the question that a delivery answers; `forget_address`: blanks the address of the question of an
    id. `api_base`: the only host beside the platform's own that an address may name.
    """

    def __init__(
        self,
        find_question: FindQuestion,
        forget_address: ForgetAddress,
        *,
        api_base: str,
        proxy: str | None,
        timeout_seconds: float,
        rules: errors.Rules,
    ) -> None:
        self._find_question, self._forget_address, self._rules = find_question, forget_address, rules
        self._hosts = {URL(api_base).origin(), URL(OFFICIAL_API)}
        self._proxy, self._timeout_seconds = proxy, timeout_seconds
        self._http: aiohttp.ClientSession | None = None

    async def send(self, delivery: Delivery, *, account_id: str, customer: str) -> Receipt:
        """Give the answer to the question's own address; see domain.ports.Channel."""
        if delivery.act is not Act.TEXT:
            raise ChannelRefused(f"{_ENDPOINT}: a {delivery.act} does not leave by this channel")
        question = await self._find_question(delivery.key)
        address = self._checked(question.response_url if question is not None else "")
        assert question is not None
        try:
            await self._post(address, aibot.late(delivery.body.text, question.stream_id))
        except ChannelBusy:
            # It was not taken and comes again.
            raise
        except ChannelError:
            await self._forget(question)
            raise
        await self._forget(question)
        return Receipt(msgid=question.stream_id)

    async def session_status(self, account_id: str, customer: str) -> SessionStatus:
        """There are no sessions here."""
        return SessionStatus(state=None, servicer_id=None)

    async def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def _forget(self, question: StaffQuestion) -> None:
        # What became of the answer is known; an address that stays takes nothing more.
        with contextlib.suppress(StoreUnavailable):
            await self._forget_address(question.id)

    def _checked(self, address: str) -> URL:
        try:
            url = URL(address, encoded=True)
            is_known = url.absolute and url.origin() in self._hosts
        except ValueError:
            is_known = False
        if not is_known:
            raise ChannelRefused(
                f"{_ENDPOINT}: the question has no address of the platform", endpoint=_ENDPOINT
            )
        return url

    async def _post(self, address: URL, body: bytes) -> None:
        answer: dict[str, Any] | None = None
        try:
            async with self._session().post(
                address,
                data=body,
                headers={"Content-Type": "application/json; charset=utf-8"},
                timeout=aiohttp.ClientTimeout(total=self._timeout_seconds),
                proxy=self._proxy,
                allow_redirects=False,
            ) as response:
                status, answer = response.status, client.decode_answer(await response.read())
        except aiohttp.ClientConnectorError as error:
            raise errors.unreachable(_ENDPOINT, type(error).__name__) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise errors.uncertain(_ENDPOINT, f"{type(error).__name__} on the way") from None
        if answer is None or "errcode" not in answer:
            raise errors.of_status(_ENDPOINT, status)
        errcode = answer["errcode"]
        if errcode:
            number = errcode if isinstance(errcode, int) else -1
            raise errors.of_errcode(_ENDPOINT, number, str(answer.get("errmsg", "")), self._rules)

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            self._http = aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(), connector=aiohttp.TCPConnector(limit=10)
            )
        return self._http

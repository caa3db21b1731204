"""Internal group chats of an app (应用群聊): reports to the operations group. Customer groups cannot be reached so.

Only an app whose visible range is the root department may (48002). A text has no key of its own and is not checked for
repeats, so it is sent once. Sources: WeCom docs 90245 (create), 90248 (send).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.channels.wecom import fields
from bot.channels.wecom.client import WeComClient
from domain.delivery import Act, Delivery, Receipt
from domain.errors import ChannelRefused
from domain.platform import SessionStatus

CHANNEL = "chat"
TEXT_LIMIT_BYTES = 2048
_NAME, _LEAST_MEMBERS, _MOST_MEMBERS = 50, 2, 2000
_CHAT_ID = re.compile(r"[0-9A-Za-z]{1,32}")
_CREATE, _SEND = "appchat/create", "appchat/send"
_EXISTS = 86215


class AppChats:
    """The internal chats that one app made."""

    def __init__(self, client: WeComClient) -> None:
        self._client = client

    async def ensure(self, chat_id: str, name: str, owner: str, members: Sequence[str]) -> str:
        """Make the chat unless it is there, and return its id. Members see it with its first message.

        `members`: 2 to 2,000 UserIDs; the owner is one of them. One that is there keeps its name and members.
        """
        everybody = list(dict.fromkeys([owner, *members]))
        if not _CHAT_ID.fullmatch(chat_id):
            raise _refused(_CREATE, f"chat id {chat_id!r}; allowed are 1 to 32 letters and digits")
        if not _LEAST_MEMBERS <= len(everybody) <= _MOST_MEMBERS:
            raise _refused(
                _CREATE, f"{len(everybody)} members; allowed are {_LEAST_MEMBERS} to {_MOST_MEMBERS}"
            )
        body = {"name": name[:_NAME], "owner": owner, "userlist": everybody, "chatid": chat_id}
        try:
            answer = await self._client.post(_CREATE, data=body)
        except ChannelRefused as error:
            if error.errcode == _EXISTS:
                return chat_id
            raise
        return fields.text(answer, "chatid") or chat_id

    async def send_text(self, chat_id: str, text: str) -> None:
        """Say `text` in the chat. Raises ChannelRefused when there is none (40050, 86003), or when too long."""
        size = len(text.encode())
        if not chat_id or not 1 <= size <= TEXT_LIMIT_BYTES:
            raise _refused(
                _SEND, f"{size} bytes to chat {chat_id!r}; allowed are 1 to {TEXT_LIMIT_BYTES} to one chat"
            )
        await self._client.post(
            _SEND, data={"chatid": chat_id, "msgtype": "text", "text": {"content": text}, "safe": 0}
        )


class ChatChannel:
    """The Channel port for internal chats. Called by scheduler/outbox.py only."""

    def __init__(self, chats: AppChats) -> None:
        self._chats = chats

    async def send(self, delivery: Delivery, *, account_id: str, customer: str) -> Receipt:
        """Say the text in the one chat `delivery` is for; see domain.ports.Channel. The platform gives no msgid."""
        if delivery.act is not Act.CHAT or len(delivery.body.targets) != 1:
            raise _refused(
                _SEND,
                f"a {delivery.act} to {len(delivery.body.targets)} chats does not leave by this channel",
            )
        await self._chats.send_text(delivery.body.targets[0], delivery.body.text)
        return Receipt(msgid=delivery.key)

    async def session_status(self, account_id: str, customer: str) -> SessionStatus:
        """There are no sessions here."""
        return SessionStatus(state=None, servicer_id=None)


def _refused(endpoint: str, what: str) -> ChannelRefused:
    return ChannelRefused(f"{endpoint}: {what}", endpoint=endpoint)

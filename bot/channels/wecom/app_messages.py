"""Messages and cards of the app 合规助手 to our own staff (message/send), and what becomes of a card after a tap.

Sent with the platform's duplicate check: the same message twice within the interval reaches nobody twice, so a send
whose answer was lost may be repeated (class CHECKED); a card is known by its task_id for ever. Sources: WeCom docs
90236 (send), 94888 (update).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.channels.wecom.client import WeComClient
from domain.delivery import Act, CardFace, Delivery, Receipt
from domain.errors import ChannelRefused
from domain.platform import SessionStatus

CHANNEL = "app"
TEXT_LIMIT_BYTES = 2048
MOST_RECIPIENTS = 1000
# The longest the platform allows; the outbox repeats for an hour only (OutboxRules.checked).
DUPLICATE_INTERVAL = timedelta(hours=4)
_SEND, _UPDATE = "message/send", "message/update_template_card"
_TASK_ID = re.compile(r"[0-9A-Za-z_\-@]{1,128}")
_TASK_USED = 42014
_TITLE, _DESC, _TEXT, _ROWS, _ROW_NAME, _ROW_VALUE, _BUTTONS = 36, 44, 160, 6, 5, 30, 6
_BUTTON_TEXT = 10  # The page names no size; what fits on a phone.
_KEY_BYTES, _URL_BYTES = 1024, 2048


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """`message_id` can be recalled for 24 hours. `unreached_ids`: outside the app's range, in lower case."""

    message_id: str
    unreached_ids: tuple[str, ...]


class AppMessages:
    """What one app says to members. More than 30 a minute to one member are dropped by the platform without a word."""

    def __init__(self, client: WeComClient, agent_id: int) -> None:
        self._client, self._agent_id = client, agent_id

    async def send_text(self, staff_ids: Sequence[str], text: str) -> Accepted:
        """Send `text` to up to 1,000 members. Raises ChannelRefused when nobody can get it, or when too long."""
        size = len(text.encode())
        if not 1 <= size <= TEXT_LIMIT_BYTES:
            raise _refused(f"{size} bytes of text; allowed are 1 to {TEXT_LIMIT_BYTES}")
        return await self._send(staff_ids, {"msgtype": "text", "text": {"content": text}})

    async def send_card(self, staff_ids: Sequence[str], face: CardFace) -> Accepted:
        """Send a card: with buttons, else as a notice that leads to its address; as plain text when it has neither.

        Words over the card's sizes are cut with "…". Raises ChannelRefused for a form the platform would not take
        (42014: the task_id was used before).
        """
        _check(face)
        if not face.buttons and not face.url:
            return await self.send_text(staff_ids, _plain(face))
        return await self._send(staff_ids, {"msgtype": "template_card", "template_card": _shape(face)})

    async def update_card(self, code: str, staff_ids: Sequence[str], said: str) -> None:
        """Put `said` in place of the buttons for these members. Raises CodeUsed: once, within 72 hours of the tap."""
        body = {
            "userids": list(staff_ids),
            "agentid": self._agent_id,
            "response_code": code,
            "button": {"replace_name": _cut(said, _BUTTON_TEXT)},
        }
        await self._client.post(_UPDATE, data=body)

    async def _send(self, staff_ids: Sequence[str], message: dict[str, Any]) -> Accepted:
        if not 1 <= len(staff_ids) <= MOST_RECIPIENTS:
            raise _refused(f"{len(staff_ids)} members; allowed are 1 to {MOST_RECIPIENTS}")
        message |= {
            "enable_duplicate_check": 1,
            "duplicate_check_interval": int(DUPLICATE_INTERVAL.total_seconds()),
        }
        answer = await self._client.message.send(self._agent_id, list(staff_ids), msg=message)
        unreached = str(answer.get("invaliduser") or "").split("|")
        return Accepted(
            message_id=str(answer.get("msgid") or ""), unreached_ids=tuple(filter(None, unreached))
        )


class AppChannel:
    """The Channel port for words to staff. Called by scheduler/outbox.py only."""

    def __init__(self, app: AppMessages) -> None:
        self._app = app

    async def send(self, delivery: Delivery, *, account_id: str, customer: str) -> Receipt:
        """Send a text or a card to `delivery.recipient`, one UserID or several joined by |; see domain.ports.Channel.

        Many are told in `delivery.body.targets` instead, since the row has room for 64 characters only. A task_id that
        is taken when a card is repeated means that the first one arrived.
        """
        staff_ids = delivery.body.targets or [one for one in delivery.recipient.split("|") if one]
        try:
            if delivery.act is Act.CARD and delivery.body.card is not None:
                accepted = await self._app.send_card(staff_ids, delivery.body.card)
            elif delivery.act is Act.TEXT:
                accepted = await self._app.send_text(staff_ids, delivery.body.text)
            else:
                raise _refused(f"a {delivery.act} does not leave by this channel")
        except ChannelRefused as error:
            if error.errcode == _TASK_USED and delivery.attempted_at is not None:
                return Receipt(msgid=delivery.key, was_repeat=True)
            raise
        return Receipt(msgid=accepted.message_id, unreached=accepted.unreached_ids)

    async def session_status(self, account_id: str, customer: str) -> SessionStatus:
        """There are no sessions here."""
        return SessionStatus(state=None, servicer_id=None)


def _check(face: CardFace) -> None:
    wrong = ""
    if not _TASK_ID.fullmatch(face.task_id):
        wrong = f"task_id {face.task_id!r}; allowed are 1 to 128 of 0-9 a-z A-Z _ - @"
    elif not (face.title or face.text):
        wrong = "neither title nor text"
    elif len(face.rows) > _ROWS or len(face.buttons) > _BUTTONS:
        wrong = f"{len(face.rows)} rows, {len(face.buttons)} buttons; allowed are {_ROWS} and {_BUTTONS}"
    elif len(face.url.encode()) > _URL_BYTES:
        wrong = f"an address of more than {_URL_BYTES} bytes"
    elif any(not one.text or not 1 <= len(one.key.encode()) <= _KEY_BYTES for one in face.buttons):
        wrong = f"a button without a word, or with a key that is empty or over {_KEY_BYTES} bytes"
    if wrong:
        raise _refused(f"a card with {wrong}")


def _shape(face: CardFace) -> dict[str, Any]:
    card: dict[str, Any] = {
        "card_type": "button_interaction" if face.buttons else "text_notice",
        "task_id": face.task_id,
        "main_title": {"title": _cut(face.title, _TITLE), "desc": _cut(face.desc, _DESC)},
        "sub_title_text": _cut(face.text, _TEXT),
        "horizontal_content_list": [
            {"keyname": _cut(name, _ROW_NAME), "value": _cut(value, _ROW_VALUE)} for name, value in face.rows
        ],
    }
    if face.url:
        card["card_action"] = {"type": 1, "url": face.url}
    if face.buttons:
        card["button_list"] = [
            {"text": _cut(one.text, _BUTTON_TEXT), "style": one.style, "key": one.key} for one in face.buttons
        ]
    return {name: value for name, value in card.items() if value}


def _plain(face: CardFace) -> str:
    rows = [f"{name}：{value}" for name, value in face.rows]
    whole = "\n".join(part for part in (face.title, face.desc, face.text, *rows) if part)
    return whole.encode()[:TEXT_LIMIT_BYTES].decode(errors="ignore")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _refused(what: str) -> ChannelRefused:
    return ChannelRefused(f"{_SEND}: {what}", endpoint=_SEND)

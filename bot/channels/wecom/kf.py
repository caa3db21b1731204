"""微信客服 for the inside: read an account's log, send, hand sessions over, know accounts and customers.

The puller, the outbox and the command line call this; they see domain.platform records and domain.errors only.
A text that is too long is refused here: the platform would cut it silently. Sources: WeCom docs 94670 (sync_msg),
94677 (send_msg), 95122 (send_msg_on_event), 94669 (states), 94645 (servicers), 95159 (customers), 94661 (accounts).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot.channels.wecom import kf_log, media
from bot.channels.wecom.client import WeComClient
from domain import platform
from domain.errors import ChannelRefused, SyncTokenExpired
from domain.platform import MenuClick, MenuItem, MenuLink, SessionState
from domain.ports import Clock

TEXT_LIMIT_BYTES = 2048
_SEND = "kf/send_msg"
_SEND_ON_EVENT = "kf/send_msg_on_event"
_MENU_SIDE_BYTES = 1024
_MENU_ITEMS, _MENU_TAPPABLE, _MENU_ITEMS_ON_EVENT = 50, 10, 10
_BATCH = 100
_MSGID = re.compile(r"[0-9A-Za-z_-]{1,32}")
_MENU_ID = re.compile(r"[0-9A-Za-z_]{1,128}")
_SCENE = re.compile(r"[0-9A-Za-z_-]{0,32}")


class Kf:
    """The kf accounts of one corp."""

    def __init__(self, client: WeComClient, clock: Clock) -> None:
        self._client, self._clock = client, clock

    async def sync(
        self, account_id: str, cursor: str = "", sync_token: str = "", limit: int = 1000
    ) -> platform.KfPage:
        """Return the next page of an account's log. `cursor` empty: from the start of the kept three days.

        A token that has expired is left out and the same page read without it (under a stricter limit).
        """
        sync = self._client.kf.sync_msg
        try:
            answer = await sync(account_id, cursor, sync_token, limit)
        except SyncTokenExpired:
            if not sync_token:
                raise
            answer = await sync(account_id, cursor, "", limit)
        return kf_log.page(answer, account_id, self._clock.now())

    async def session_state(self, account_id: str, customer_id: str) -> platform.SessionStatus:
        """Return who may speak to the customer now."""
        answer = await self._client.kf.get_service_state(account_id, customer_id)
        return platform.SessionStatus(
            state=_state(answer.get("service_state")), servicer_id=_text(answer, "servicer_userid") or None
        )

    async def receiving_servicers(self, account_id: str) -> list[str]:
        """Return the members who are receiving customers (接待中) now, in the platform's order."""
        answer = await self._client.kf.get_servicer_list(account_id)
        # 0 means receiving here, while the event of a change says 1.
        return [
            _text(servicer, "userid")
            for servicer in _objects(answer, "servicer_list")
            if servicer.get("status") == 0 and _text(servicer, "userid")
        ]

    async def accounts(self) -> list[platform.KfAccount]:
        """Return every account, all pages."""
        found: list[platform.KfAccount] = []
        while True:
            listed = _objects(await self._client.kf.get_account_list(len(found), _BATCH), "account_list")
            found += [_account(entry) for entry in listed]
            if len(listed) < _BATCH:
                return found

    async def customers(self, customer_ids: Sequence[str]) -> list[platform.CustomerProfile]:
        """Return what the platform tells about these customers; those not seen for 48 hours are left out."""
        found: list[platform.CustomerProfile] = []
        for start in range(0, len(customer_ids), _BATCH):
            batch = list(customer_ids[start : start + _BATCH])
            answer = await self._client.kf.batchget_customer(batch, need_enter_session_context=1)
            found += [_profile(entry) for entry in _objects(answer, "customer_list")]
        return found

    async def download_media(self, media_id: str, folder: Path) -> platform.MediaFile:
        """Fetch a customer's file into `folder`. Raises ChannelRefused when it has expired or is too large."""
        return await media.download(self._client, media_id, folder)

    async def send_text(self, account_id: str, customer_id: str, msgid: str, text: str) -> None:
        """Send a text. `msgid`: ours, at most 32 of 0-9 a-z A-Z _ -; the platform's idempotency key.

        Returns when the platform has accepted it, which is not delivery: see SendFailed. Raises
        RepeatRefused, SessionRefused, BudgetSpent, WindowClosed, ChannelBusy, ChannelUncertain.
        """
        message = _text_message(_SEND, text)
        await self._client.kf_message.send(customer_id, account_id, _checked_msgid(_SEND, msgid), message)

    async def send_menu(
        self,
        account_id: str,
        customer_id: str,
        msgid: str,
        head: str,
        items: Sequence[MenuItem],
        tail: str = "",
    ) -> None:
        """Send a menu: up to 50 lines, 10 of them tappable. Raises as `send_text`."""
        message = _menu_message(_SEND, head, items, tail, _MENU_ITEMS)
        await self._client.kf_message.send(customer_id, account_id, _checked_msgid(_SEND, msgid), message)

    async def send_text_on_event(self, code: str, msgid: str, text: str) -> None:
        """Answer an event with its code, which works once. Raises CodeUsed, else as `send_text`."""
        await self._on_event(code, msgid, _text_message(_SEND_ON_EVENT, text))

    async def send_menu_on_event(
        self, code: str, msgid: str, head: str, items: Sequence[MenuItem], tail: str = ""
    ) -> None:
        """Answer an enter or end event with a menu of up to 10 lines. Raises as `send_text_on_event`."""
        message = _menu_message(_SEND_ON_EVENT, head, items, tail, _MENU_ITEMS_ON_EVENT)
        await self._on_event(code, msgid, message)

    async def _on_event(self, code: str, msgid: str, message: dict[str, Any]) -> None:
        kind = message.pop("msgtype")
        msgid = _checked_msgid(_SEND_ON_EVENT, msgid)
        await self._client.kf.send_msg_on_event(code, kind, message, msgid)

    async def transfer(
        self, account_id: str, customer_id: str, state: SessionState, servicer_id: str | None = None
    ) -> str | None:
        """Move a session and return the code that lets one text out, None when there is none.

        `servicer_id` is needed for SERVICER. Raises SessionRefused (the move is not allowed) and
        ServicerRefused (this person cannot take it; try the next).
        """
        answer = await self._client.kf.trans_service_state(
            account_id, customer_id, int(state), servicer_id or ""
        )
        return _text(answer, "msg_code") or None

    async def contact_way(self, account_id: str, scene: str) -> str:
        """Return an entry link. `scene`: at most 32 of 0-9 a-z A-Z _ -; comes back in EnterSession."""
        if not _SCENE.fullmatch(scene):
            raise _refused("kf/add_contact_way", f"scene {scene!r} must be at most 32 of 0-9 a-z A-Z _ -")
        return _text(await self._client.kf.add_contact_way(account_id, scene), "url")


def _text_message(endpoint: str, text: str) -> dict[str, Any]:
    return {"msgtype": "text", "text": {"content": _fitting(endpoint, "text", text, 1, TEXT_LIMIT_BYTES)}}


def _menu_message(
    endpoint: str, head: str, items: Sequence[MenuItem], tail: str, most: int
) -> dict[str, Any]:
    tappable = sum(isinstance(item, MenuClick | MenuLink) for item in items)
    if len(items) > most or tappable > _MENU_TAPPABLE:
        what = f"a menu of {len(items)} lines, {tappable} tappable, is over {most} and {_MENU_TAPPABLE}"
        raise _refused(endpoint, what)
    menu: dict[str, Any] = {
        "head_content": _fitting(endpoint, "head", head, 0, _MENU_SIDE_BYTES),
        "list": [_menu_item(endpoint, item) for item in items],
        "tail_content": _fitting(endpoint, "tail", tail, 0, _MENU_SIDE_BYTES),
    }
    return {"msgtype": "msgmenu", "msgmenu": {name: value for name, value in menu.items() if value}}


def _menu_item(endpoint: str, item: MenuItem) -> dict[str, Any]:
    if isinstance(item, MenuClick):
        if not _MENU_ID.fullmatch(item.menu_id):
            raise _refused(endpoint, f"menu id {item.menu_id!r} must be 1 to 128 of 0-9 a-z A-Z _")
        content = _fitting(endpoint, "menu line", item.text, 1, 128)
        return {"type": "click", "click": {"id": item.menu_id, "content": content}}
    if isinstance(item, MenuLink):
        url = _fitting(endpoint, "menu link", item.url, 1, 2048)
        return {
            "type": "view",
            "view": {"url": url, "content": _fitting(endpoint, "menu line", item.text, 1, 1024)},
        }
    return {
        "type": "text",
        "text": {"content": _fitting(endpoint, "menu line", item.text, 1, 256), "no_newline": 0},
    }


def _fitting(endpoint: str, name: str, text: str, least: int, most: int) -> str:
    size = len(text.encode())
    if not least <= size <= most:
        raise _refused(
            endpoint, f"the {name} has {size} bytes of UTF-8, allowed are {least} to {most}; shorten it"
        )
    return text


def _checked_msgid(endpoint: str, msgid: str) -> str:
    if not _MSGID.fullmatch(msgid):
        raise _refused(endpoint, f"msgid {msgid!r} must be 1 to 32 of 0-9 a-z A-Z _ -")
    return msgid


def _refused(endpoint: str, what: str) -> ChannelRefused:
    return ChannelRefused(f"{endpoint}: {what}", endpoint=endpoint)


def _state(value: object) -> SessionState | None:
    return SessionState(value) if isinstance(value, int) and value in range(5) else None


def _account(entry: dict[str, Any]) -> platform.KfAccount:
    return platform.KfAccount(
        account_id=_text(entry, "open_kfid"),
        name=_text(entry, "name"),
        avatar_url=_text(entry, "avatar"),
        is_managed=bool(entry.get("manage_privilege")),
    )


def _profile(entry: dict[str, Any]) -> platform.CustomerProfile:
    context = entry.get("enter_session_context")
    context = context if isinstance(context, dict) else {}
    return platform.CustomerProfile(
        customer_id=_text(entry, "external_userid"),
        nickname=_text(entry, "nickname"),
        avatar_url=_text(entry, "avatar"),
        union_id=_text(entry, "unionid"),
        scene=_text(context, "scene"),
        scene_param=_text(context, "scene_param"),
    )


def _objects(answer: dict[str, Any], name: str) -> list[dict[str, Any]]:
    listed = answer.get(name)
    return [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []


def _text(answer: dict[str, Any], name: str) -> str:
    value = answer.get(name)
    return value if isinstance(value, str) else ""

"""The SDK's API groups where they lack a field, use a wrong name or cannot work asynchronously.

client.py binds these instead of wechatpy's own. tests/wecom/test_sdk.py walks all of wechatpy's API classes
and fails on a method that would break under an awaitable answer and is not overridden here.
Sources: WeCom docs 94670, 94677, 94661-94665, 95159 (kf), 90253, 90254 (media).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, NoReturn

from wechatpy.work.client import api


class Kf(api.WeChatKF):  # type: ignore[misc]
    """微信客服: the SDK's sync_msg knows no account, and its account list is neither paged nor a POST."""

    def sync_msg(
        self, open_kfid: str, cursor: str = "", token: str = "", limit: int = 1000, voice_format: int = 0
    ) -> Any:
        data: dict[str, Any] = {"open_kfid": open_kfid, "limit": limit, "voice_format": voice_format}
        if cursor:
            data["cursor"] = cursor
        if token:
            data["token"] = token
        return self._post("kf/sync_msg", data=data)

    def get_account_list(self, offset: int = 0, limit: int = 100) -> Any:
        return self._post("kf/account/list", data={"offset": offset, "limit": limit})

    def add_account(self, name: str, media_id: str) -> Any:
        return self._post("kf/account/add", data={"name": name, "media_id": media_id})

    def update_account(self, open_kfid: str, name: str = "", media_id: str = "") -> Any:
        changes = {"name": name, "media_id": media_id}
        given = {field: value for field, value in changes.items() if value}
        return self._post("kf/account/update", data={"open_kfid": open_kfid} | given)

    def del_account(self, open_kfid: str) -> Any:
        return self._post("kf/account/del", data={"open_kfid": open_kfid})

    def batchget_customer(self, external_userid_list: list[str], need_enter_session_context: int = 0) -> Any:
        data = {
            "external_userid_list": external_userid_list,
            "need_enter_session_context": need_enter_session_context,
        }
        return self._post("kf/customer/batchget", data=data)


class KfMessage(api.WeChatKFMessage):  # type: ignore[misc]
    """Sending in 微信客服: three of the SDK's calls put the body under a wrong name."""

    def send_articles_link(
        self, user_id: str, open_kfid: str, article: dict[str, str], msgid: str = ""
    ) -> Any:
        return self.send(user_id, open_kfid, msgid, msg={"msgtype": "link", "link": article})

    def send_location(
        self,
        user_id: str,
        open_kfid: str,
        name: str,
        address: str,
        latitude: float,
        longitude: float,
        msgid: str = "",
    ) -> Any:
        place = {"name": name, "address": address, "latitude": latitude, "longitude": longitude}
        return self.send(user_id, open_kfid, msgid, msg={"msgtype": "location", "location": place})

    def send_miniprogram(
        self,
        user_id: str,
        open_kfid: str,
        appid: str,
        title: str,
        thumb_media_id: str,
        pagepath: str,
        msgid: str = "",
    ) -> Any:
        program = {"appid": appid, "title": title, "thumb_media_id": thumb_media_id, "pagepath": pagepath}
        return self.send(user_id, open_kfid, msgid, msg={"msgtype": "miniprogram", "miniprogram": program})


class Media(api.WeChatMedia):  # type: ignore[misc]
    """Files. `upload` takes (file name, bytes, content type); downloads go through media.py."""

    def get_url(self, media_id: str) -> NoReturn:
        raise NotImplementedError("an address with the token in it ends up in logs; use media.download")

    def get_jssdk_url(self, media_id: str) -> NoReturn:
        raise NotImplementedError("an address with the token in it ends up in logs; use media.download")

    def download(self, media_id: str) -> NoReturn:
        raise NotImplementedError("use media.download, which streams to a file and limits the size")


class JsApi(api.WeChatJSAPI):  # type: ignore[misc]
    """Tickets, straight from the platform: keep them 7,200 s (400 an hour per corp, 100 per app)."""

    async def get_jsapi_ticket(self) -> str:
        return str(await self.get_ticket()["ticket"])

    async def get_agent_jsapi_ticket(self) -> str:
        return str(await self.get_agent_ticket()["ticket"])


class Menu(api.WeChatMenu):  # type: ignore[misc]
    async def update(self, agent_id: int, menu_data: dict[str, Any]) -> Any:
        await self.delete(agent_id)
        return await self.create(agent_id, menu_data)


class Department(api.WeChatDepartment):  # type: ignore[misc]
    async def get_map_users(self, id: int | None = None, key: str = "name", fetch_child: int = 0) -> Any:
        departments = [id] if id is not None else [found["id"] for found in await self.list()]
        users: dict[str, str] = {}
        for department in departments:
            for user in await self.get_users(department, fetch_child=fetch_child, simple=False):
                users[user[key]] = user["userid"]
        return users


class ExternalContact(api.WeChatExternalContact):  # type: ignore[misc]
    async def gen_all_by_user(self, userid: str, limit: int = 50) -> AsyncIterator[Any]:
        cursor = ""
        while True:
            page = await self.batch_get_by_user(userid, cursor, limit)
            for contact in page.get("external_contact_list", []):
                yield contact
            cursor = page.get("next_cursor", "")
            if not cursor:
                return


class GroupChat(api.WeChatExternalContactGroupChat):  # type: ignore[misc]
    async def list_all(self, status_filter: int = 0, owner_userid_list: Any = None, limit: int = 100) -> Any:
        chats: list[Any] = []
        cursor = None
        while True:
            page = await self.list(status_filter, owner_userid_list, cursor, limit)
            chats.extend(page.get("group_chat_list", []))
            cursor = page.get("next_cursor")
            if not cursor:
                return chats

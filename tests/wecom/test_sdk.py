"""Every method of wechatpy's API classes works under an awaitable answer, or is overridden by ours."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import AsyncIterator
from types import FunctionType
from typing import Any

import pytest
from wechatpy.client.api.base import BaseWeChatAPI
from wechatpy.work import WeChatClient

from bot.channels.wecom.client import Call, WeComClient
from bot.clock import FrozenClock
from store.database import Store
from tests.wecom import edge as wire

_CALLS = {"_get", "_post"}


@pytest.fixture
def engine() -> str:
    return "sqlite"


def groups(client: type) -> dict[str, type]:
    return {
        name: type(group) for name, group in inspect.getmembers(client) if isinstance(group, BaseWeChatAPI)
    }


def methods(group: type) -> dict[str, FunctionType]:
    return {
        name: found
        for name, found in inspect.getmembers(group, inspect.isfunction)
        if not name.startswith("_") and name not in vars(BaseWeChatAPI)
    }


def breaks(group: type, method: FunctionType) -> str | None:
    """Why a method of the SDK cannot work when its calls answer with an awaitable; None when it can.

    Fine: `return self._post(…)`, `return self.other(…)["key"]`, `res = self._get(…)` followed by `return res` or
    `return res["key"]` and nothing else with `res`.
    """
    tree = ast.parse(textwrap.dedent(inspect.getsource(method)))
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    if any(isinstance(node, ast.Yield | ast.YieldFrom) for node in ast.walk(tree)):
        return "is a generator"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in ("access_token", "session"):
            return f"uses self.{node.attr}"
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "requests"
        ):
            return "uses requests"
        if (
            isinstance(node, ast.Call)
            and _reaches_the_wire(group, node)
            and (why := _misused(tree, parents, node))
        ):
            return why
    return None


def _reaches_the_wire(group: type, call: ast.Call) -> bool:
    function = call.func
    if not isinstance(function, ast.Attribute) or not isinstance(function.value, ast.Name | ast.Attribute):
        return False
    owner = function.value
    if isinstance(owner, ast.Attribute):  # self._client.group.method(…)
        return isinstance(owner.value, ast.Name | ast.Attribute) and "_client" in ast.dump(owner)
    return owner.id == "self" and (function.attr in _CALLS or function.attr in methods(group))


def _misused(tree: ast.AST, parents: dict[ast.AST, ast.AST], call: ast.AST) -> str | None:
    place = parents[call]
    while isinstance(place, ast.Subscript):
        place = parents[place]
    if isinstance(place, ast.Return):
        return None
    if not isinstance(place, ast.Assign) or not isinstance(place.targets[0], ast.Name):
        return f"uses an answer in {type(place).__name__} at once"
    name = place.targets[0].id
    for use in ast.walk(tree):
        if isinstance(use, ast.Name) and use.id == name and isinstance(use.ctx, ast.Load):
            holder = parents[use]
            while isinstance(holder, ast.Subscript):
                holder = parents[holder]
            if not isinstance(holder, ast.Return):
                return f"uses {name} in {type(holder).__name__}"
    return None


def test_no_method_would_break_that_is_not_overridden() -> None:
    ours, broken, seen = groups(WeComClient), {}, 0
    for group_name, group in groups(WeChatClient).items():
        for name, method in methods(group).items():
            seen += 1
            if (why := breaks(group, method)) and getattr(ours[group_name], name) is method:
                broken[f"{group_name}.{name}"] = why

    assert seen > 180
    assert broken == {}


def test_the_walk_finds_the_methods_known_to_break() -> None:
    found = {
        f"{group_name}.{name}"
        for group_name, group in groups(WeChatClient).items()
        for name, method in methods(group).items()
        if breaks(group, method)
    }

    assert found >= {
        "external_contact.gen_all_by_user", "external_contact_group_chat.list_all", "department.get_map_users",
        "jsapi.get_jsapi_ticket", "jsapi.get_agent_jsapi_ticket", "menu.update", "media.download", "media.get_url",
    }  # fmt: skip


def test_our_groups_replace_the_sdk_ones() -> None:
    assert set(groups(WeComClient)) == set(groups(WeChatClient))
    assert all(issubclass(ours, groups(WeChatClient)[name]) for name, ours in groups(WeComClient).items())


def test_a_call_cannot_be_iterated_or_tested_by_mistake() -> None:
    async def answer() -> Any:
        return [1]

    call = Call(answer)

    with pytest.raises(TypeError):
        iter(call)
    with pytest.raises(TypeError):
        bool(call)


@pytest.fixture
async def edge() -> AsyncIterator[wire.Edge]:
    async with wire.running() as running:
        yield running


async def test_each_shape_of_the_sdk_answers_when_awaited(
    edge: wire.Edge, store: Store, frozen_clock: FrozenClock
) -> None:
    edge.says("department/list", department=[{"id": 1}, {"id": 2}])
    edge.says("user/list", userlist=[{"userid": "zhangsan", "name": "张三"}])
    edge.says("get_jsapi_ticket", ticket="T1", expires_in=7200)
    edge.says("ticket/get", ticket="T2", expires_in=7200)
    pages = iter([{"group_chat_list": [1], "next_cursor": "c"}, {"group_chat_list": [2]}])
    contacts = iter([{"external_contact_list": [1, 2], "next_cursor": "c"}, {"external_contact_list": [3]}])

    async def next_page(request: Any, body: bytes) -> dict[str, Any]:
        return next(pages if "groupchat" in request.path else contacts)

    edge.answers["externalcontact/groupchat/list"] = next_page
    edge.answers["externalcontact/batch/get_by_user"] = next_page
    async with wire.caller(edge.url, store, frozen_clock) as client:
        assert await client.department.list() == [{"id": 1}, {"id": 2}]
        assert await client.department.get_map_users() == {"张三": "zhangsan"}
        assert await client.jsapi.get_jsapi_ticket() == "T1"
        assert await client.jsapi.get_agent_jsapi_ticket() == "T2"
        assert await client.external_contact_group_chat.list_all() == [1, 2]
        assert [contact async for contact in client.external_contact.gen_all_by_user("a")] == [1, 2, 3]
        await client.menu.update(7, {"button": []})
        for refused in (client.media.get_url, client.media.download, client.media.get_jssdk_url):
            with pytest.raises(NotImplementedError):
                refused("M1")

    assert (edge.calls["menu/delete"], edge.calls["menu/create"], edge.calls["gettoken"]) == (1, 1, 1)

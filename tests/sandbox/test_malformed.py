"""No body makes the sandbox fail: whatever a client sends, it gets an errcode."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox import app_sending, messages, server
from tests.sandbox.caller import CUSTOMER, KFID, Caller

POSTS = [one.path for one in server.ENDPOINTS if one.method == "POST" and one.json]
WORDS = st.sampled_from(
    [CUSTOMER, KFID, "text", "msgmenu", "image", "news", "template_card", "click", "view", "zhangsan"]
)
STRANGE = st.sampled_from(
    ["group", "single", "wrG1", "link", "button_interaction", "vote_interaction", "text_notice"]
)
NAMES = st.sampled_from(
    [
        "open_kfid",
        "touser",
        "external_userid",
        "external_userid_list",
        "msgtype",
        "text",
        "msgmenu",
        "image",
        "news",
        "template_card",
        "content",
        "list",
        "type",
        "click",
        "view",
        "url",
        "id",
        "cursor",
        "token",
        "limit",
        "agentid",
        "articles",
        "scene",
        "service_state",
        "servicer_userid",
        "code",
        "userid_list",
        "department_id_list",
        "msgid",
        "location",
        "latitude",
        "toparty",
        "chat_type",
        "sender",
        "chat_id",
        "chat_id_list",
        "userid",
        "tag_filter",
        "group_list",
        "attachments",
        "owner_filter",
        "status_filter",
        "day_begin_time",
        "day_end_time",
        "welcome_code",
        "response_code",
        "card_type",
        "task_id",
        "main_title",
        "button_list",
        "horizontal_content_list",
        "action_menu",
        "card_action",
        "checkbox",
        "tag_id",
        "tag",
        "name",
        "new_owner",
        "config_id",
        "template_id",
        "remark",
        "remark_mobiles",
        "add_tag",
        "start_time",
        "end_time",
        "userids",
        "button",
    ]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | WORDS
    | STRANGE
    | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
BODIES = st.fixed_dictionaries(
    {"agentid": st.just(1000002)},
    optional={"open_kfid": st.just(KFID), "touser": st.just(CUSTOMER), "external_userid": st.just(CUSTOMER)},
)


KINDS = st.sampled_from(sorted({*messages.CHECKS, *app_sending.REQUIRED}))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    path=st.sampled_from(POSTS),
    usual=BODIES,
    kind=KINDS,
    content=st.dictionaries(NAMES, VALUES, max_size=4),
    strange=st.dictionaries(NAMES, VALUES, max_size=3),
)
async def test_any_json_is_answered_with_an_errcode(
    app: Caller,
    path: str,
    usual: dict[str, Any],
    kind: str,
    content: dict[str, Any],
    strange: dict[str, Any],
) -> None:
    body = json.dumps(usual | {"msgtype": kind, kind: content} | strange).encode()
    url = f"{app.box.url}/cgi-bin/{path}?access_token={app.token}"
    if KFID not in app.box.world.accounts:
        app.box.world.add_account("客服一", open_kfid=KFID)
    app.box.world.customer_says(CUSTOMER, "在吗")

    async with app.session.post(url, data=body) as answer:
        assert answer.status == 200
        assert isinstance((await answer.json())["errcode"], int)

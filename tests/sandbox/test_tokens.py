"""Access tokens: who gets one, how long it lives, what a call without a good one is told."""

from __future__ import annotations

import pytest

from sandbox.faults import Fault, FaultKind
from tests.sandbox import caller
from tests.sandbox.caller import Caller


async def test_token_is_the_same_until_it_expires_and_then_another(app: Caller) -> None:
    first = app.token
    again = await app.login()
    app.box.world.clock.jump(7199)
    early = await app.get("getcallbackip")
    app.box.world.clock.jump(2)
    late = await app.get("getcallbackip")
    fresh = await app.login()

    assert again["access_token"] == first
    assert early["errcode"] == 0
    assert late["errcode"] == 42001
    assert fresh["access_token"] != first
    assert fresh["expires_in"] == 7200


@pytest.mark.parametrize(
    ("query", "errcode"),
    [
        ({"corpid": "", "corpsecret": "x"}, 41002),
        ({"corpid": "ww1234567890abcdef", "corpsecret": ""}, 41004),
        ({"corpid": "wwSomebodyElse", "corpsecret": caller.SECRET}, 40013),
        ({"corpid": "ww1234567890abcdef", "corpsecret": "guessed"}, 40001),
    ],
)
async def test_gettoken_refuses_wrong_credentials(app: Caller, query: dict[str, str], errcode: int) -> None:
    assert (await app.get("gettoken", **query))["errcode"] == errcode


@pytest.mark.parametrize(("token", "errcode"), [("", 41001), ("made-up", 40014)])
async def test_call_without_a_good_token_is_refused(app: Caller, token: str, errcode: int) -> None:
    app.token = token

    assert (await app.get("getcallbackip"))["errcode"] == errcode


async def test_errors_come_with_http_200_and_with_headers(app: Caller) -> None:
    async with app.session.get(f"{app.box.url}/cgi-bin/getcallbackip") as answer:
        assert answer.status == 200
        assert answer.headers["Error-Code"] == "41001"
        assert answer.headers["Error-Msg"]


async def test_app_without_the_kf_right_may_not_call_kf(app: Caller) -> None:
    allowed = await app.post("kf/account/list")
    await app.login("other-secret")
    refused = await app.post("kf/account/list")

    assert allowed["errcode"] == 0
    assert refused["errcode"] == 48002


async def test_agent_is_shown_to_its_own_token_only(app: Caller) -> None:
    own = await app.get("agent/get", agentid="1000002")
    other = await app.get("agent/get", agentid="1000003")

    assert own["name"] == "客服助手"
    assert own["allow_partys"] == {"partyid": [1]}
    assert other["errcode"] == 301002


async def test_early_invalidation_needs_one_new_token(app: Caller) -> None:
    app.box.faults.add(Fault(kind=FaultKind.EXPIRE_TOKENS, count=1))
    refused = await app.get("getcallbackip")
    await app.login()
    accepted = await app.get("getcallbackip")

    assert refused["errcode"] == 42001
    assert accepted["errcode"] == 0


async def test_always_invalid_token_does_not_touch_gettoken(app: Caller) -> None:
    app.box.faults.add(Fault(kind=FaultKind.ERRCODE, code=40014))
    given = await app.login()
    refused = await app.get("getcallbackip")

    assert given["errcode"] == 0
    assert refused["errcode"] == 40014


@pytest.mark.parametrize(
    ("path", "body", "errcode"),
    [("kf/nothing", {}, 40066), ("kf/account/list", {"limit": 0}, 40058), ("kf/sync_msg", {}, 40063)],
)
async def test_malformed_call_is_refused(app: Caller, path: str, body: dict[str, int], errcode: int) -> None:
    assert (await app.post(path, **body))["errcode"] == errcode


async def test_wrong_verb_and_broken_json_are_refused(app: Caller) -> None:
    url = f"{app.box.url}/cgi-bin/kf/account/list?access_token={app.token}"
    async with app.session.post(url, data=b"{broken") as answer:
        broken = await answer.json()
    wrong = await app.get("kf/account/list")

    assert broken["errcode"] == 47001
    assert wrong["errcode"] == 40063


async def test_too_many_calls_in_a_minute_are_refused_until_it_is_over() -> None:
    async with caller.calling(calls_per_minute=3) as app:
        app.box.world.clock.set_rate(0)
        answers = [(await app.get("getcallbackip"))["errcode"] for _ in range(5)]
        other = (await app.get("get_api_domain_ip"))["errcode"]
        app.box.world.clock.jump(60)
        later = (await app.get("getcallbackip"))["errcode"]

    assert answers == [0, 0, 0, 45009, 45009]
    assert other == 0
    assert later == 0

"""Silent login, tickets of the JS-SDK and their signatures, and the uploads that are not media/upload."""

from __future__ import annotations

import hashlib
import io
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from sandbox import media, web_login
from sandbox.settings import AppSettings
from tests import shared
from tests.sandbox.caller import SECRET, Caller, calling

PAGE = "http://sidebar.example.com:8080/s?x=1#top"


def query(app: Caller, **more: str) -> dict[str, str]:
    usual = {
        "appid": app.box.world.settings.corp_id,
        "redirect_uri": PAGE,
        "response_type": "code",
        "scope": "snsapi_base",
        "state": "s1",
        "agentid": "1000002",
    }
    return usual | more


async def authorize(app: Caller, member: str = "zhangsan", **more: str) -> tuple[int, str]:
    """Status and Location for a browser that is `member`'s."""
    async with app.session.get(
        f"{app.box.url}/connect/oauth2/authorize",
        params=query(app, **more),
        headers={"Cookie": f"sandbox_member={member}"} if member else {},
        allow_redirects=False,
    ) as answer:
        return answer.status, answer.headers.get("Location", await answer.text())


async def code_of(app: Caller, **more: str) -> str:
    _, location = await authorize(app, **more)
    return parse_qs(urlsplit(location).query)["code"][0]


async def test_a_member_is_known_by_a_code_that_is_good_once(app: Caller) -> None:
    status, location = await authorize(app)
    code = parse_qs(urlsplit(location).query)["code"][0]
    first = await app.get("auth/getuserinfo", code=code)
    again = await app.get("auth/getuserinfo", code=code)

    assert (status, location) == (302, f"http://sidebar.example.com:8080/s?x=1&code={code}&state=s1#top")
    assert (first["errcode"], first["userid"]) == (0, "zhangsan")
    assert again["errcode"] == 42022


async def test_codes_end_and_belong_to_one_app(app: Caller) -> None:
    old, foreign = await code_of(app), await code_of(app)
    await app.jump(300)
    codes = [
        (await app.get("auth/getuserinfo", code=old))["errcode"],
        (await app.get("auth/getuserinfo", code="none"))["errcode"],
        (await app.get("auth/getuserinfo"))["errcode"],
    ]
    await app.login("other-secret")
    codes.append((await app.get("user/getuserinfo", code=foreign))["errcode"])

    assert codes == [42003, 40029, 40029, 40029]


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"appid": "ww0"}, "40013"),
        ({"agentid": "7"}, "40056"),
        ({"state": "a b"}, "84025"),
        ({"state": "a" * 129}, "84025"),
        ({"redirect_uri": "http://[bad"}, "50001"),
        ({"redirect_uri": "javascript:alert(1)"}, "50001"),
        ({"scope": "snsapi_login"}, "40058"),
    ],
)
async def test_a_bad_authorize_address_says_what_is_wrong(
    app: Caller, change: dict[str, str], shown: str
) -> None:
    status, page = await authorize(app, **change)

    assert status == 400
    assert shown in page


async def test_pages_of_other_domains_are_turned_away() -> None:
    trusted = AppSettings(
        agent_id=1000002, name="a", secret=SECRET, trusted_domain="sidebar.example.com:8080"
    )
    async with calling(apps=(trusted,)) as app:
        good, _ = await authorize(app)
        bad, page = await authorize(app, redirect_uri="http://sidebar.example.com/s")

    assert (good, bad) == (302, 400)
    assert "50001" in page


async def test_a_browser_without_a_member_may_choose_one(app: Caller) -> None:
    status, page = await authorize(app, member="")

    assert status == 200
    assert "张三" in page
    assert "sandbox_member=zhangsan" in page


async def test_a_code_is_scanned_by_whoever_is_chosen_and_comes_back_with_a_code(app: Caller) -> None:
    address = f"{app.box.url}/wwlogin/sso/login"
    asked = {key: value for key, value in query(app).items() if key not in ("response_type", "scope")}
    asked |= {"login_type": "CorpApp", "lang": "zh"}

    # Whose browser it is does not matter: a phone scans.
    async with app.session.get(
        address, params=asked, headers={"Cookie": "sandbox_member=lisi"}, allow_redirects=False
    ) as answer:
        status, page = answer.status, await answer.text()
    chosen = asked | {"sandbox_member": "zhangsan"}
    async with app.session.get(address, params=chosen, allow_redirects=False) as answer:
        location = answer.headers["Location"]
    found = await app.get("auth/getuserinfo", code=parse_qs(urlsplit(location).query)["code"][0])

    assert (status, "张三" in page, "scan-code" in page) == (200, True, True)
    assert location.startswith("http://sidebar.example.com:8080/s?x=1&code=")
    assert found["userid"] == "zhangsan"


@pytest.mark.parametrize(
    ("change", "number"),
    [
        ({"login_type": "ServiceApp"}, "40058"),
        ({"agentid": ""}, "40056"),
        ({"appid": "wwother"}, "40013"),
        ({"state": "a-b"}, "84025"),
        ({"redirect_uri": "nowhere"}, "50001"),
    ],
)
async def test_a_bad_address_for_a_code_says_what_is_wrong(
    app: Caller, change: dict[str, str], number: str
) -> None:
    asked = query(app) | {"login_type": "CorpApp"} | change

    async with app.session.get(f"{app.box.url}/wwlogin/sso/login", params=asked) as answer:
        status, page = answer.status, await answer.text()

    assert (status, number in page) == (400, True)


async def test_tickets_are_two_and_signatures_are_judged_by_their_kind(app: Caller) -> None:
    corp = await app.get("get_jsapi_ticket")
    again = await app.get("get_jsapi_ticket")
    agent = await app.get("ticket/get", type="agent_config")
    wrong = await app.get("ticket/get", type="wx_card")
    sign = {"corpId": app.box.world.settings.corp_id, "agentId": 1000002, "url": PAGE}
    sign |= {"timestamp": "1763700000", "nonceStr": "n"}

    async def judge(ticket: str, kind: str) -> str:
        signature = web_login.signature_of(ticket, "n", "1763700000", PAGE)
        answer = await app.control("sidebar/verify", **sign, kind=kind, signature=signature)
        return str(answer["problem"])[:5]

    assert corp["ticket"] == again["ticket"] != agent["ticket"]
    assert (corp["expires_in"], wrong["errcode"]) == (7200, 91040)
    assert [await judge(corp["ticket"], "corp"), await judge(agent["ticket"], "agent")] == ["", ""]
    assert [await judge(corp["ticket"], "agent"), await judge("none", "agent")] == ["42012", "40093"]
    await app.jump(7201)
    assert await judge(corp["ticket"], "corp") == "40093"


async def test_tickets_are_not_asked_for_at_will(app: Caller) -> None:
    codes = [(await app.get("ticket/get", type="agent_config"))["errcode"] for _ in range(101)]

    assert set(codes[:100]) == {0}
    assert codes[100] == 45009


def test_signature_agrees_with_the_published_vectors() -> None:
    content = json.loads(shared.path("wecom/vectors.json").read_text("utf-8"))
    rows: list[dict[str, Any]] = content if isinstance(content, list) else content["vectors"]
    found = [one for one in rows if one["id"].endswith("jsapi-signature")]

    assert len(found) == 2
    for one in found:
        flat = {name.lower(): value for name, value in walk(one)}
        nonce = flat.get("noncestr") or flat["nonce"]
        ticket = flat.get("jsapi_ticket") or flat["ticket"]
        assert web_login.signature_of(ticket, nonce, str(flat["timestamp"]), flat["url"]) == flat["signature"]


def walk(value: dict[str, Any]) -> list[tuple[str, Any]]:
    pairs = [(name, one) for name, one in value.items() if not isinstance(one, dict)]
    return pairs + [pair for one in value.values() if isinstance(one, dict) for pair in walk(one)]


async def upload(
    app: Caller, path: str, kind: str = "image", content: bytes = b"", **more: str
) -> dict[str, Any]:
    name, sample = media.sample(kind)
    form = aiohttp.FormData()
    form.add_field("media", io.BytesIO(content or sample), filename=name)
    async with app.session.post(
        f"{app.box.url}/cgi-bin/{path}", params={"access_token": app.token, **more}, data=form
    ) as answer:
        return dict(await answer.json())


async def test_attachments_of_moments_do_for_nothing_else(app: Caller) -> None:
    path = "media/upload_attachment"
    made = await upload(app, path, media_type="image", attachment_type="1")
    attachments = [{"msgtype": "image", "image": {"media_id": made["media_id"]}}]
    used = await app.post("externalcontact/send_welcome_msg", welcome_code="x", attachments=attachments)
    codes = [
        (await upload(app, path, media_type="voice", attachment_type="1"))["errcode"],
        (await upload(app, path, media_type="image", attachment_type="3"))["errcode"],
        (
            await upload(
                app, path, "file", bytes(10 * 1024 * 1024 + 1), media_type="file", attachment_type="1"
            )
        )["errcode"],
    ]

    assert isinstance(made["created_at"], int)
    assert used["errcode"] == 41072
    assert codes == [40004, 40004, 41080]


async def test_uploaded_picture_has_a_lasting_address(app: Caller) -> None:
    made = await upload(app, "media/uploadimg")
    async with app.session.get(made["url"]) as answer:
        content = await answer.read()
    big = await upload(app, "media/uploadimg", content=b"\x89PNG\r\n\x1a\n" + bytes(2 * 1024 * 1024))

    assert hashlib.md5(content).digest() == hashlib.md5(media.sample("image")[1]).digest()
    assert big["errcode"] == 40009

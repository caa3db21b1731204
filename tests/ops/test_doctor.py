"""The doctor: what it says about a healthy set-up, and about each thing that goes wrong at a real corp."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import app, checking, config, doctor
from bot.doctor import contacts, local, platform
from bot.doctor.finding import Finding, State
from domain.errors import ConfigError
from sandbox import server
from sandbox import settings as sandbox_settings
from sandbox.faults import Fault, FaultKind
from store import schema

CORP, TOKEN, KEY = "ww1234567890abcdef", "sandboxToken01", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


def world(**changes: Any) -> sandbox_settings.Settings:
    wanted = sandbox_settings.Settings(
        corp_id=CORP,
        apps=(sandbox_settings.AppSettings(agent_id=1000002, name="客服助手", secret="right"),),
        accounts=(sandbox_settings.AccountSettings(open_kfid="wkA", name="示例管家"),),
        servicers=(sandbox_settings.ServicerSettings(userid="zhangsan", name="张三"),),
    )
    return dataclasses.replace(wanted, **changes)


def settings_of(folder: Path, api_base: str, **sections: dict[str, Any]) -> config.Settings:
    receiver = {"secret": "right", "token": TOKEN, "aes_key": KEY, "agent_id": 1000002}
    values: dict[str, dict[str, Any]] = {
        "server": {"port": 0},
        "wecom": {"corp_id": CORP, "api_base": api_base, "receivers": {"kf": receiver}},
        "service": {"duty": ["zhangsan"]},
        "content": {"serve_samples": True},
        "console": {"secure_cookies": False},
    }
    for name, section in sections.items():
        values[name] = values.get(name, {}) | section
    return config.build(values, folder)


@asynccontextmanager
async def corp(
    folder: Path, wanted: sandbox_settings.Settings | None = None, **sections: dict[str, Any]
) -> AsyncIterator[tuple[server.Box, config.Settings]]:
    async with server.running(wanted or world()) as box:
        yield box, settings_of(folder, box.url, **sections)


async def asked(settings: config.Settings) -> dict[str, Finding]:
    """Return what the platform checks say, the worst finding of each name."""
    found: dict[str, Finding] = {}
    async for finding in platform.check(config.SoFar(settings=settings)):
        before = found.get(finding.check)
        if before is None or before.state is State.OK:
            found[finding.check] = finding
    return found


async def test_a_healthy_set_up_passes_every_check_up_to_the_callback(tmp_path: Path) -> None:
    async with corp(tmp_path) as (_, settings), app.running(settings) as (_, address):
        reachable = settings.model_copy(
            update={"server": settings.server.model_copy(update={"public_url": address})}
        )
        problems = checking.check(reachable, AT.date())
        findings = [finding async for finding in doctor.examine(config.SoFar(settings=reachable), problems)]

    failed = [finding for finding in findings if finding.state is State.FAIL]
    assert failed == []
    told = {finding.check: finding for finding in findings if finding.state is State.OK}
    assert {
        "本机时间",
        "凭证 kf",
        "可信IP kf",
        "微信客服权限",
        "客服账号",
        "接待人员 示例管家",
        "回调 kf",
    } <= set(told)
    assert "毫秒" in told["回调 kf"].sentence
    assert all(finding.fix for finding in findings if finding.state is State.WARN)


@pytest.mark.parametrize(
    ("spoil", "check", "told", "fix"),
    [
        ("secret", "凭证 kf", "40001", "Secret"),
        ("corp_id", "凭证 kf", "40013", "企业信息"),
        ("agent_id", "应用 kf", "301002", "同一个应用"),
    ],
)
async def test_wrong_credentials_are_told_apart(
    tmp_path: Path, spoil: str, check: str, told: str, fix: str
) -> None:
    async with corp(tmp_path) as (box, good):
        receiver = {"secret": "right", "token": TOKEN, "aes_key": KEY, "agent_id": 1000002}
        wecom = {"corp_id": CORP, "api_base": box.url, "receivers": {"kf": receiver}}
        (wecom if spoil == "corp_id" else receiver)[spoil] = 9 if spoil == "agent_id" else "wrong"

        assert (await asked(good))[check].state is State.OK
        finding = (await asked(settings_of(tmp_path, box.url, wecom=wecom)))[check]

    assert finding.state is State.FAIL
    assert told in finding.sentence
    assert fix in finding.fix
    assert "wrong" not in finding.sentence


@pytest.mark.parametrize(
    ("code", "endpoint", "check", "fix"),
    [
        (60020, "getcallbackip", "可信IP kf", "企业可信IP"),
        (48002, "kf/account/list", "微信客服权限", "可调用接口的应用"),
        (60011, "kf/account/list", "微信客服权限", "可见范围"),
        (95017, "kf/account/list", "微信客服权限", "API"),
        (48007, "kf/servicer/list", "接待人员 示例管家", "通过API管理"),
        (60030, "kf/servicer/list", "接待人员 示例管家", "可见范围"),
        (45009, "gettoken", "凭证 kf", "一小时"),
        (99999, "gettoken", "凭证 kf", "错误码"),
    ],
)
async def test_a_refusal_of_the_platform_names_its_number_and_the_page_to_open(
    tmp_path: Path, code: int, endpoint: str, check: str, fix: str
) -> None:
    async with corp(tmp_path) as (box, settings):
        box.faults.add(Fault(kind=FaultKind.ERRCODE, match=endpoint, code=code))
        finding = (await asked(settings))[check]

    assert finding.state is State.FAIL
    assert str(code) in finding.sentence
    assert fix in finding.fix


def people(**changes: Any) -> dict[str, Any]:
    """A corp with an app for contacts and one for the staff."""
    apps = (
        sandbox_settings.AppSettings(agent_id=1000003, name="客户联系", secret="contacts", **changes),
        sandbox_settings.AppSettings(agent_id=1000004, name="群助手", secret="assistant"),
    )
    return {"apps": apps, "members": (sandbox_settings.MemberSettings(userid="zhangsan", name="张三"),)}


def receivers(**changes: Any) -> dict[str, Any]:
    """Both receivers; `changes` of the assistant's."""
    common = {"token": TOKEN, "aes_key": KEY}
    return {
        "contacts": common | {"secret": "contacts", "agent_id": 1000003},
        "assistant": common | {"secret": "assistant", "agent_id": 1000004} | changes,
    }


async def told_of_contacts(settings: config.Settings) -> dict[str, Finding]:
    return {finding.check: finding async for finding in contacts.check(config.SoFar(settings=settings))}


async def test_contacts_groups_and_the_staffs_app_are_asked(tmp_path: Path) -> None:
    async with server.running(world(**people())) as box:
        wecom = {"corp_id": CORP, "api_base": box.url, "receivers": receivers()}
        settings = settings_of(tmp_path, box.url, wecom=wecom)

        told = await told_of_contacts(settings) | await asked(settings)

    assert "1 位成员" in told["客户联系权限"].sentence
    assert {
        told[name].state for name in ("客户联系权限", "客户群权限", "应用 contacts", "应用 assistant")
    } == {State.OK}
    assert "群助手" in told["应用 assistant"].sentence


async def test_an_app_that_may_not_read_contacts_is_told_which_page_to_open(tmp_path: Path) -> None:
    async with server.running(world(**people(contacts=False))) as box:
        wecom = {"corp_id": CORP, "api_base": box.url, "receivers": receivers()}
        finding = (await told_of_contacts(settings_of(tmp_path, box.url, wecom=wecom)))["客户联系权限"]

    assert finding.state is State.FAIL
    assert "48002" in finding.sentence
    assert "客户联系" in finding.fix
    assert "可调用接口的应用" in finding.fix
    assert "微信客服" not in finding.fix


async def test_contacts_that_nobody_may_have_are_a_warning(tmp_path: Path) -> None:
    async with server.running(world(**people(departments=()))) as box:
        wecom = {"corp_id": CORP, "api_base": box.url, "receivers": receivers()}
        finding = (await told_of_contacts(settings_of(tmp_path, box.url, wecom=wecom)))["客户联系权限"]

    assert finding.state is State.WARN
    assert "使用范围" in finding.fix
    assert "可见范围" in finding.fix


@pytest.mark.parametrize(
    ("code", "endpoint", "check", "fix"),
    [
        (48002, "groupchat/list", "客户群权限", "可调用接口的应用"),
        (60020, "get_follow_user_list", "客户联系权限", "企业可信IP"),
        (60011, "groupchat/list", "客户群权限", "群主加入“可见范围”"),
        (84074, "groupchat/list", "客户群权限", "使用范围"),
        (701008, "get_follow_user_list", "客户联系权限", "接口许可"),
    ],
)
async def test_a_refusal_about_contacts_names_its_number_and_the_page_to_open(
    tmp_path: Path, code: int, endpoint: str, check: str, fix: str
) -> None:
    async with server.running(world(**people())) as box:
        wecom = {"corp_id": CORP, "api_base": box.url, "receivers": receivers()}
        box.faults.add(Fault(kind=FaultKind.ERRCODE, match=f"externalcontact/{endpoint}", code=code))
        finding = (await told_of_contacts(settings_of(tmp_path, box.url, wecom=wecom)))[check]

    assert finding.state is State.FAIL
    assert str(code) in finding.sentence
    assert fix in finding.fix


async def test_an_assistant_without_agent_id_or_with_another_apps_is_told(tmp_path: Path) -> None:
    async with server.running(world(**people())) as box:
        missing = {"corp_id": CORP, "api_base": box.url, "receivers": receivers(agent_id=None)}
        wrong = {"corp_id": CORP, "api_base": box.url, "receivers": receivers(agent_id=1000003)}
        absent = await told_of_contacts(settings_of(tmp_path, box.url, wecom=missing))
        other = await asked(settings_of(tmp_path, box.url, wecom=wrong))

    assert absent["应用 assistant"].state is State.FAIL
    assert "agent_id" in absent["应用 assistant"].fix
    assert "301002" in other["应用 assistant"].sentence


async def test_without_these_receivers_nothing_is_said_of_them(tmp_path: Path) -> None:
    async with corp(tmp_path) as (_, settings):
        assert await told_of_contacts(settings) == {}


async def test_the_address_the_platform_saw_is_shown_for_the_trusted_list() -> None:
    answer = platform.Answer(
        errcode=60020, errmsg="not allow, hint: [1], from ip: 203.0.113.7, more info", at=AT
    )

    assert "203.0.113.7" in platform.explain("可信IP kf", answer, "").sentence


async def test_a_platform_that_cannot_be_reached_is_one_finding_without_the_secret(tmp_path: Path) -> None:
    findings = await asked(settings_of(tmp_path, "http://127.0.0.1:1"))

    assert findings["凭证 kf"].state is State.FAIL
    assert "proxy_url" in findings["凭证 kf"].fix
    assert "right" not in findings["凭证 kf"].sentence


async def test_accounts_servicers_and_duty_are_compared(tmp_path: Path) -> None:
    Account, Servicer = sandbox_settings.AccountSettings, sandbox_settings.ServicerSettings  # noqa: N806
    wanted = world(
        accounts=(
            Account(open_kfid="wkA", name="示例贷款管家"),
            Account(open_kfid="wkB", name="另一个", managed=False),
        ),
        servicers=(Servicer(userid="wangwu", name="王五", receiving=False),),
    )
    async with corp(tmp_path, wanted, pilot={"accounts": ["wkA", "wkB"]}) as (_, settings):
        findings = await asked(settings)

    assert "贷款" in findings["客服账号"].sentence
    assert findings["客服账号"].state is State.WARN
    assert "wkB" in findings["试点账号"].sentence
    assert "zhangsan" in findings["接待人员 示例贷款管家"].sentence


async def test_no_managed_account_is_a_failure(tmp_path: Path) -> None:
    account = sandbox_settings.AccountSettings(open_kfid="wkA", name="a", managed=False)
    async with corp(tmp_path, world(accounts=(account,))) as (_, settings):
        finding = (await asked(settings))["客服账号"]

    assert finding.state is State.FAIL
    assert "通过API管理" in finding.fix


@pytest.mark.parametrize(
    ("seconds", "state"),
    [(0, State.OK), (29, State.OK), (-31, State.WARN), (60, State.WARN), (-301, State.FAIL)],
)
def test_a_clock_that_is_off_is_told_with_its_difference(seconds: int, state: State) -> None:
    answer = platform.Answer(errcode=0, dated=AT, at=AT + timedelta(seconds=seconds))

    finding = platform.check_skew(answer)

    assert finding.state is state
    if state is not State.OK:
        assert f"{seconds:+d}" in finding.sentence


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"token": "otherToken"}, "403"),
        ({"aes_key": "A" * 43}, "HTTP 4"),
        ({"receive_id": "ww9"}, "403"),
    ],
)
async def test_a_server_with_another_key_is_found_out(
    tmp_path: Path, change: dict[str, str], told: str
) -> None:
    async with corp(tmp_path) as (box, settings), app.running(settings) as (_, address):
        receiver = {"secret": "right", "token": TOKEN, "aes_key": KEY} | change
        wecom = {"corp_id": CORP, "api_base": box.url, "receivers": {"kf": receiver}}
        other = settings_of(tmp_path, box.url, wecom=wecom, server={"public_url": address})
        findings = {
            finding.check: finding async for finding in doctor.callbacks.check(config.SoFar(settings=other))
        }

    assert findings["回调 kf"].state is State.FAIL
    assert told in findings["回调 kf"].sentence


async def test_a_server_that_does_not_run_is_told_with_its_address(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, "http://127.0.0.1:1", server={"port": 1})

    findings = {
        finding.check: finding async for finding in doctor.callbacks.check(config.SoFar(settings=settings))
    }

    assert findings["回调地址"].state is State.SKIP
    assert findings["回调 kf"].state is State.FAIL
    assert "http://127.0.0.1:1/callback/kf" in findings["回调 kf"].sentence


async def test_the_verify_file_must_be_served_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "WW_verify_abc.txt").write_text("abc")
    async with (
        corp(tmp_path, server={"verify_file": "WW_verify_abc.txt"}) as (_, settings),
        app.running(settings) as (_, address),
    ):
        server_section = settings.server.model_copy(update={"public_url": address})
        reachable = settings.model_copy(update={"server": server_section})

        served = {
            finding.check: finding
            async for finding in doctor.callbacks.check(config.SoFar(settings=reachable))
        }
        (tmp_path / "WW_verify_abc.txt").write_text("changed")
        changed = {
            finding.check: finding
            async for finding in doctor.callbacks.check(config.SoFar(settings=reachable))
        }

    assert served["可信域名文件"].state is State.OK
    assert changed["可信域名文件"].state is State.FAIL


def test_the_database_is_looked_at_without_making_one(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new/guanjia.db"

    absent = local.check_database(url)

    assert absent.state is State.OK
    assert not (tmp_path / "new").exists()


def test_each_state_of_the_database_has_its_sentence(empty_database_url: str) -> None:
    if empty_database_url.startswith("postgresql"):
        assert "空库" in local.check_database(empty_database_url).sentence
    schema.upgrade(empty_database_url)

    assert schema.HEAD in local.check_database(empty_database_url).sentence
    gone = local.check_database("postgresql://guanjia:hunter2@127.0.0.1:1/none")
    assert gone.state is State.FAIL
    assert "hunter2" not in gone.sentence


async def test_content_nobody_approved_fails_where_samples_are_not_served(tmp_path: Path) -> None:
    def of(**content: Any) -> Callable[[], AsyncIterator[Finding]]:
        return lambda: local.check_content(settings_of(tmp_path, "http://127.0.0.1:1", content=content))

    demo = [finding async for finding in of(serve_samples=True)()]
    real = [finding async for finding in of(serve_samples=False)()]

    assert [finding.state for finding in demo] == [State.WARN]
    assert [finding.state for finding in real] == [State.FAIL]
    assert "content approve" in real[0].fix
    assert re.fullmatch(r"\d+ 条问答、\d+ 条话术待审批，.*", real[0].sentence)


async def test_what_is_filled_in_is_checked_while_the_rest_is_missing(tmp_path: Path) -> None:
    async with corp(tmp_path) as (box, _):
        (tmp_path / "config.toml").write_text(
            f'[wecom]\ncorp_id = "{CORP}"\napi_base = "{box.url}"\n'
            '[wecom.receivers.kf]\nsecret = "right"\ntoken = ""\naes_key = "tooshort"\n',
            "utf-8",
        )
        so_far = config.load_so_far(tmp_path / "config.toml", {})
        findings = [finding async for finding in doctor.examine(so_far, [])]

    told = {finding.check: finding for finding in findings}
    assert sum(finding.check == "配置" for finding in findings) == 2
    assert told["数据库"].state is State.OK
    assert told["凭证 kf"].state is State.OK
    assert told["回调 kf"].state is State.SKIP


async def test_without_a_secret_the_platform_is_not_asked(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[wecom]\n", "utf-8")
    so_far = config.load_so_far(tmp_path / "config.toml", {})

    findings = {finding.check: finding async for finding in doctor.examine(so_far, [])}

    assert len(so_far.problems) == 2
    assert findings["凭证 kf"].state is State.SKIP
    assert findings["回调 kf"].state is State.SKIP


async def test_a_mistake_that_leaves_no_settings_is_told_as_before(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[server]\nport = "many"\n', "utf-8")

    with pytest.raises(ConfigError) as caught:
        config.load_so_far(tmp_path / "config.toml", {})

    assert any("server.port" in problem for problem in caught.value.problems)

"""Settings of the sandbox: one TOML file, every mistake reported at once."""

from __future__ import annotations

import dataclasses
import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

SUGGESTIONS = ("提前还款要违约金吗", "退保能拿回多少", "理赔要多久", "贷款利率怎么算", "转人工")


class RepeatMode(StrEnum):
    """What kf/send_msg does with a msgid it has seen."""

    REFUSE = "refuse"  # errcode 95100: the msgid is an idempotency key
    ACCEPT = "accept"  # the customer gets the message again


class MassLimit(StrEnum):
    """How many mass messages a customer or a group may get."""

    MONTH = "month"  # as many in a month as the month has days
    WEEK = "week"  # 7 from Monday to Sunday
    DAY = "day"  # 1 a day


@dataclass(frozen=True, kw_only=True)
class AppSettings:
    """A self-built app: one secret, one access token.

    `kf`, `contacts`: listed under 可调用接口的应用 of 微信客服, of 客户联系.
    `archive`: the secret is that of 会话内容存档.
    `departments`, `userids`: the visible range (可见范围).
    `trusted_domain`: host and port of its pages (可信域名); "" takes any.
    """

    agent_id: int
    name: str
    secret: str
    kf: bool = True
    contacts: bool = True
    archive: bool = False
    departments: tuple[int, ...] = (1,)
    userids: tuple[str, ...] = ()
    trusted_domain: str = ""


@dataclass(frozen=True, kw_only=True)
class ReceiverSettings:
    """Where callbacks of one kind go. `receive_id` empty: the corp id; `agent_id` 0: not an app's receiver.

    `robot`: the name of the company's robot whose receiver it is; its callbacks are JSON and end with no id.
    """

    name: str
    url: str
    token: str
    aes_key: str
    receive_id: str = ""
    agent_id: int = 0
    robot: str = ""

    def ends_with(self, corp_id: str) -> str:
        """The id at the end of what is sealed for it."""
        return "" if self.robot else self.receive_id or corp_id


@dataclass(frozen=True, kw_only=True)
class AccountSettings:
    """A kf account (客服账号)."""

    open_kfid: str
    name: str
    managed: bool = True


@dataclass(frozen=True, kw_only=True)
class ServicerSettings:
    """A person who serves (接待人员), for the accounts in `open_kfids` (empty: all)."""

    userid: str
    name: str
    open_kfids: tuple[str, ...] = ()
    receiving: bool = True


@dataclass(frozen=True, kw_only=True)
class CustomerSettings:
    """A WeChat user. `avatar`: a colour such as #5b8ff9, or one or two characters."""

    external_userid: str
    nickname: str
    avatar: str = ""
    friends: tuple[str, ...] = ()  # userids who have this customer already


@dataclass(frozen=True, kw_only=True)
class DepartmentSettings:
    """A department; number 1 is the corp itself and always there."""

    department_id: int
    name: str
    parent_id: int = 1
    leaders: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class MemberSettings:
    """A corp member. Servicers are members already; a row with a servicer's userid says more about that person.

    `mood`: what the member does when asked to confirm or to tap (behaviour.Mood).
    """

    userid: str
    name: str
    departments: tuple[int, ...] = (1,)
    leaders: tuple[str, ...] = ()
    position: str = ""
    follows: bool = True
    mood: str = "manual"


@dataclass(frozen=True, kw_only=True)
class GroupSettings:
    """A customer group that is there from the start.

    `joins` more customers come within `join_hours`, talk, and some leave (behaviour.Life), for `days` each; `friends`:
    the share of them who add the owner as a friend.
    """

    chat_id: str
    name: str
    owner: str
    members: tuple[str, ...] = ()
    customers: tuple[str, ...] = ()
    joins: int = 0
    join_hours: float = 24.0
    days: int = 8
    friends: float = 0.0


@dataclass(frozen=True, kw_only=True)
class TalkSettings:
    """A talk of a customer with a servicer that began `hours_ago` and is over.

    `lines`: who, how many seconds after the line before, and the words: "客户 0 你好", "同事 45 您好，请讲".
    """

    open_kfid: str
    external_userid: str
    userid: str
    hours_ago: float
    lines: tuple[str, ...]
    nickname: str = ""


@dataclass(frozen=True, kw_only=True)
class InternalGroupSettings:
    """A group chat of members only, in which the robot is."""

    chat_id: str
    name: str
    members: tuple[str, ...] = ()


TALKERS = {"客户": True, "同事": False}


def talk_lines(talk: TalkSettings) -> list[tuple[bool, float, str]]:
    """Return for each line whether the customer says it, its seconds and its words. Raises ValueError."""
    found = []
    for line in talk.lines:
        who, seconds, text = line.split(" ", 2)
        found.append((TALKERS[who], float(seconds), text))
    return found


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything the sandbox is told. Times are seconds; limits are those of the published pages."""

    host: str = "127.0.0.1"
    port: int = 8090
    clock_file: str = ""  # empty: the clock lives in this process only
    corp_id: str = "ww1234567890abcdef"
    corp_name: str = "示例公司"
    repeat: RepeatMode = RepeatMode.REFUSE
    seed: int = 1
    token_seconds: int = 7200
    retry_seconds: tuple[float, ...] = (1.0, 5.0, 10.0)  # real time; the pages name no interval
    callback_deadline_seconds: float = 5.0
    callback_in_flight: int = 32
    verify_at_start: bool = False
    calls_per_minute: int = 10_000
    sync_without_token_per_minute: int = 60  # per account; "strict" on the page, no number given
    max_concurrent: int = 0  # calls of one API at once before 45033; 0: no limit
    page_cap: int = 1000  # sync_msg never returns more than this, whatever limit asks
    empty_page_every: int = 0  # every n-th page that has messages comes empty with has_more = 1; 0: never
    event_code_error: int = 41050  # for a used or expired code; the real number is not published
    media_range_bytes: int = 20 * 1024 * 1024
    mass_limit: MassLimit = MassLimit.MONTH
    mass_dispatch_seconds: float = 1.0  # a new mass send answers 41063 for so long, virtual or real time
    group_detail_lag_seconds: int = 0  # groupchat/get shows the members of before for so long, virtual time
    account_limit: int = 1000  # message/send: 200 person-times a day for each account of the corp
    archive_folder: str = (
        ""  # where the message archive and its stand-in library are; "": nothing is archived
    )
    robot_poll_seconds: float = (
        1.0  # how often the rest of a robot's answer is asked for; the page names none
    )
    sidebar_url: str = ""  # the application's page in the chat toolbar of the pretend client
    # The same for one kind of chat where it has a page of its own (客户联系 → 聊天工具栏管理); "": the one above.
    sidebar_single_url: str = ""
    sidebar_group_url: str = ""
    sidebar_kf_url: str = ""
    suggestions: tuple[str, ...] = SUGGESTIONS
    apps: tuple[AppSettings, ...] = ()
    receivers: tuple[ReceiverSettings, ...] = ()
    accounts: tuple[AccountSettings, ...] = ()
    servicers: tuple[ServicerSettings, ...] = ()
    customers: tuple[CustomerSettings, ...] = ()
    members: tuple[MemberSettings, ...] = ()
    departments: tuple[DepartmentSettings, ...] = ()
    groups: tuple[GroupSettings, ...] = ()
    talks: tuple[TalkSettings, ...] = ()
    internal_groups: tuple[InternalGroupSettings, ...] = ()


class SettingsError(Exception):
    """The configuration has mistakes; `problems` holds one sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


Record = TypeVar("Record")
MOODS = ("manual", "prompt", "late", "never", "vanish", "mixed")  # behaviour.Mood

TABLES: dict[str, tuple[str, type[Any]]] = {
    "app": ("apps", AppSettings),
    "receiver": ("receivers", ReceiverSettings),
    "account": ("accounts", AccountSettings),
    "servicer": ("servicers", ServicerSettings),
    "customer": ("customers", CustomerSettings),
    "member": ("members", MemberSettings),
    "department": ("departments", DepartmentSettings),
    "group": ("groups", GroupSettings),
    "talk": ("talks", TalkSettings),
    "internal_group": ("internal_groups", InternalGroupSettings),
}


def load_settings(path: Path) -> Settings:
    """Read a TOML file. Raises SettingsError with every mistake at once."""
    try:
        with path.open("rb") as file:
            return parse_settings(tomllib.load(file))
    except FileNotFoundError:
        raise SettingsError([f"找不到配置文件 {path} / no such configuration file"]) from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError([f"{path}: 不是合法的 TOML / not valid TOML: {error}"]) from None


def parse_settings(raw: Mapping[str, Any]) -> Settings:
    """Turn parsed TOML into Settings. Raises SettingsError with every mistake at once."""
    problems: list[str] = []
    plain = {key: value for key, value in raw.items() if key not in TABLES}
    values = _values(Settings, plain, "", problems, extra=set(TABLES))
    for key, (field, record) in TABLES.items():
        rows = raw.get(key, [])
        if not isinstance(rows, list):
            problems.append(f"{key}: write it as [[{key}]] / must be a list of tables")
            continue
        made = [_record(record, row, f"{key}[{number}].", problems) for number, row in enumerate(rows, 1)]
        values[field] = tuple(one for one in made if one is not None)
    settings = Settings(**values)
    problems += _cross_checks(settings)
    if problems:
        raise SettingsError(problems)
    return settings


def _record(record: type[Record], row: Mapping[str, Any], where: str, problems: list[str]) -> Record | None:
    values = _values(record, row, where, problems)
    missing = [
        field.name
        for field in dataclasses.fields(record)  # type: ignore[arg-type]  # only dataclasses are in TABLES
        if field.default is dataclasses.MISSING and field.name not in values
    ]
    problems.extend(f"{where}{name} 缺失 / is missing" for name in missing if name not in row)
    return None if missing else record(**values)


def _values(
    record: type[Any], row: Mapping[str, Any], where: str, problems: list[str], extra: set[str] | None = None
) -> dict[str, Any]:
    kinds = {field.name: str(field.type) for field in dataclasses.fields(record)}
    lists = {field for field, _ in TABLES.values()} if record is Settings else set()
    values: dict[str, Any] = {}
    for key, value in row.items():
        if key not in kinds or key in lists:
            near = difflib.get_close_matches(key, [*kinds, *(extra or ())], n=1)
            hint = f"，是否想写 {near[0]} / did you mean {near[0]}" if near else ""
            problems.append(f"{where}{key} 不认识 / unknown key{hint}")
            continue
        problem, parsed = _parse_value(kinds[key], value)
        if problem:
            problems.append(f"{where}{key} {problem}")
        else:
            values[key] = parsed
    return values


def _parse_value(kind: str, value: Any) -> tuple[str, Any]:
    if kind == "RepeatMode":
        if value in list(RepeatMode):
            return "", RepeatMode(value)
        return "只能是 refuse 或 accept / must be refuse or accept", None
    if kind == "MassLimit":
        if value in list(MassLimit):
            return "", MassLimit(value)
        return "只能是 month、week 或 day / must be month, week or day", None
    if kind == "bool":
        return (
            ("", value) if isinstance(value, bool) else ("应为 true 或 false / must be true or false", None)
        )
    if kind == "int":
        good = isinstance(value, int) and not isinstance(value, bool) and value >= 0
        return ("", value) if good else ("应为非负整数 / must be a whole number", None)
    if kind == "float":
        good = isinstance(value, int | float) and not isinstance(value, bool) and value > 0
        return ("", float(value)) if good else ("应为正数 / must be a number above 0", None)
    if kind == "tuple[str, ...]":
        good = isinstance(value, list) and all(isinstance(one, str) for one in value)
        return ("", tuple(value)) if good else ("应为字符串列表 / must be a list of strings", None)
    if kind == "tuple[int, ...]":
        good = isinstance(value, list) and all(type(one) is int and one > 0 for one in value)
        return ("", tuple(value)) if good else ("应为正整数列表 / must be a list of whole numbers", None)
    if kind == "tuple[float, ...]":
        good = isinstance(value, list) and all(isinstance(one, int | float) for one in value)
        return ("", tuple(map(float, value))) if good else ("应为数字列表 / must be a list of numbers", None)
    return ("", value) if isinstance(value, str) else ("应为字符串 / must be a string", None)


def _cross_checks(settings: Settings) -> list[str]:
    problems: list[str] = []
    for receiver in settings.receivers:
        where = f"receiver {receiver.name}:"
        if not re.fullmatch(r"[A-Za-z0-9]{43}", receiver.aes_key):
            problems.append(
                f"{where} aes_key 须为 43 位字母数字，现为 {len(receiver.aes_key)} 位 / must be 43 letters and digits"
            )
        if not re.fullmatch(r"[A-Za-z0-9]{1,32}", receiver.token):
            problems.append(f"{where} token 须为 1 至 32 位字母数字 / must be 1 to 32 letters and digits")
        if receiver.url and not receiver.url.startswith(("http://", "https://")):
            problems.append(
                f"{where} url 须以 http:// 或 https:// 开头 / must begin with http:// or https://"
            )
    known = {account.open_kfid for account in settings.accounts}
    for servicer in settings.servicers:
        problems.extend(
            f"servicer {servicer.userid}: open_kfid {one} 没有对应的 [[account]] / has no [[account]]"
            for one in servicer.open_kfids
            if one not in known
        )
    problems += _repeats("app.agent_id", [str(app.agent_id) for app in settings.apps])
    problems += _repeats("app.secret", [app.secret for app in settings.apps])
    problems += _repeats("receiver.name", [receiver.name for receiver in settings.receivers])
    problems += _repeats("account.open_kfid", [account.open_kfid for account in settings.accounts])
    problems += _repeats("servicer.userid", [servicer.userid for servicer in settings.servicers])
    problems += _repeats("customer.external_userid", [one.external_userid for one in settings.customers])
    problems += _people_checks(settings)
    if not 1 <= settings.page_cap <= 1000:
        problems.append("page_cap 须在 1 至 1000 / must be between 1 and 1000")
    return problems


def _people_checks(settings: Settings) -> list[str]:
    """What departments, members, friends and groups say of each other must be there."""
    userids = {one.userid for one in settings.members} | {one.userid for one in settings.servicers}
    departments = {1, *(one.department_id for one in settings.departments)}
    customers = {one.external_userid for one in settings.customers}
    wanted: list[tuple[str, object, set[Any]]] = [
        (f"department {one.department_id}: parent_id", one.parent_id, departments)
        for one in settings.departments
    ]
    for member in settings.members:
        wanted += [(f"member {member.userid}: departments", one, departments) for one in member.departments]
        wanted += [(f"member {member.userid}: leaders", one, userids) for one in member.leaders]
        wanted.append((f"member {member.userid}: mood", member.mood, set(MOODS)))
    for customer in settings.customers:
        where = f"customer {customer.external_userid}: friends"
        wanted += [(where, one, userids) for one in customer.friends]
    for group in settings.groups:
        wanted += [(f"group {group.chat_id}: members", one, userids) for one in (group.owner, *group.members)]
        wanted += [(f"group {group.chat_id}: customers", one, customers) for one in group.customers]
    for office in settings.internal_groups:
        wanted += [(f"internal_group {office.chat_id}: members", one, userids) for one in office.members]
    for number, talk in enumerate(settings.talks, 1):
        where, accounts = f"talk {number}:", {one.open_kfid for one in settings.accounts}
        wanted += [
            (f"{where} open_kfid", talk.open_kfid, accounts),
            (f"{where} userid", talk.userid, userids),
        ]
    problems = [f"{where} {one} 不存在 / does not exist" for where, one, known in wanted if one not in known]
    problems += _repeats("member.userid", [one.userid for one in settings.members])
    problems += _talk_checks(settings)
    problems += _repeats("department", [str(one.department_id) for one in settings.departments])
    return problems + _repeats("group.chat_id", [one.chat_id for one in settings.groups])


def _talk_checks(settings: Settings) -> list[str]:
    problems = []
    for number, talk in enumerate(settings.talks, 1):
        try:
            talk_lines(talk)
        except (KeyError, ValueError):
            problems.append(
                f"talk {number}: 每行写成“客户 0 你好”“同事 45 您好” / write each line as who, seconds, words"
            )
    return problems


def _repeats(name: str, values: list[str]) -> list[str]:
    seen: set[str] = set()
    again = {value for value in values if value in seen or seen.add(value)}  # type: ignore[func-returns-value]
    shown = "" if name.endswith("secret") else f" {', '.join(sorted(again))}"
    return [f"{name}{shown} 重复 / is used twice"] if again else []

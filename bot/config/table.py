"""The one settings table: every key with its default, unit and help.

Each field is a row; config.example.toml and docs/configuration.md are generated from here (rendering.py), so
a new setting is one line in this file and `guanjia settings --write-docs`. Values are checked one by one
here; what several keys must agree on stands in rules.py.
"""

from __future__ import annotations

import itertools
import re
from datetime import date, time
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
)

from bot.channels.archive import keys as archive_keys
from domain.hours import Period

# The checkout (or the installed tree) this program runs from; the shipped content stands in it.
SHIPPED_FOLDER = Path(__file__).resolve().parents[2]

# The company's robot: it has no Secret, and its messages end with no id (WeCom doc 101033).
AIBOT = "aibot"
RECEIVERS = ("kf", "contacts", "assistant", "archive", AIBOT)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

EntityMode = Literal["licensed", "platform", "off"]


def setting(
    default: Any, help: str, *, unit: str = "", sample: str = "", secret_file: bool = False, **rules: Any
) -> Any:
    """Return one row of the table.

    `sample`: the TOML shown in the example where the default says little. `secret_file`: a file may hold it.
    """
    extra: dict[str, Any] = {"unit": unit, "sample": sample, "secret_file": secret_file}
    return Field(default, description=help, json_schema_extra=extra, **rules)


def required(help: str, *, sample: str, **rules: Any) -> Any:
    """Return a row without a default: the start stops when it is missing."""
    return Field(description=help, json_schema_extra={"unit": "", "sample": sample}, **rules)


def resolve_path(path: Path, info: ValidationInfo) -> Path:
    base = Path((info.context or {}).get("base", "."))
    return (base / path.expanduser()).resolve()


RelativePath = Annotated[Path, AfterValidator(resolve_path)]


def parse_hours(lines: list[str]) -> tuple[Period, ...]:
    """Turn `["mon-fri 09:00-18:00", "sat 09:00-12:00"]` into periods ordered by weekday and time.

    Days are mon…sun, one, a range or a comma list. Raises ValueError naming the line that cannot be read.
    """
    periods = sorted(
        (period for line in lines for period in _parse_line(line)),
        key=lambda period: (period.weekday, period.opens),
    )
    for before, after in itertools.pairwise(periods):
        if before.weekday == after.weekday and after.opens < before.closes:
            raise ValueError(
                f"{WEEKDAYS[after.weekday]} 的两个时段重叠，请合并 / "
                f"two periods of {WEEKDAYS[after.weekday]} overlap; merge them"
            )
    return tuple(periods)


def _parse_line(line: str) -> list[Period]:
    found = re.fullmatch(r"\s*([a-z,\-]+)\s+(\d{1,2}:\d{2})\s*-\s*(\d{1,2}:\d{2})\s*", line.lower())
    days = _parse_days(found[1]) if found else []
    opens, closes = (_parse_time(found[2]), _parse_time(found[3])) if found else (None, None)
    if not days or opens is None or closes is None or closes <= opens:
        raise ValueError(
            f"看不懂“{line}”，请写成 “mon-fri 09:00-18:00”，结束晚于开始 / cannot read {line!r}; write "
            '"mon-fri 09:00-18:00", the end after the start'
        )
    return [Period(weekday=day, opens=opens, closes=closes) for day in days]


def _parse_days(text: str) -> list[int]:
    days: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        if first not in WEEKDAYS or (last or first) not in WEEKDAYS:
            return []
        start, end = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
        if end < start:
            return []
        days.extend(range(start, end + 1))
    return days


def _parse_time(text: str) -> time | None:
    hour, minute = (int(part) for part in text.split(":"))
    if (hour, minute) == (24, 0):
        return time.max
    return time(hour, minute) if hour < 24 and minute < 60 else None


def _check_web_address(value: str) -> str:
    if value and not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", value):
        raise ValueError(
            f"“{value}”不是网址，请以 https:// 或 http:// 开头且不带 ? 和 # / "
            f"{value!r} is not an address; start it with https:// or http://, without ? or #"
        )
    return value.rstrip("/")


WebAddress = Annotated[str, AfterValidator(_check_web_address)]


def _check_origin(value: str) -> str:
    if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?|https?://\[[0-9A-Fa-f:.]+\](:\d{1,5})?", value):
        raise ValueError(
            f"“{value}”应写成 https://主机 或 https://主机:端口，不带路径 / "
            f"{value!r} must be https://HOST or https://HOST:PORT, without a path"
        )
    return value.lower()


Origin = Annotated[str, AfterValidator(_check_origin)]


class Section(BaseModel):
    """What all sections share: frozen, unknown keys refused, defaults checked like given values."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, populate_by_name=True)


class Server(Section):
    """Where the program listens."""

    host: str = setting(
        "127.0.0.1", "Address to listen on; keep loopback behind a reverse proxy.", min_length=1
    )
    port: int = setting(8080, "TCP port; 0 takes any free one.", ge=0, le=65535)
    public_url: WebAddress = setting(
        "",
        "Address under which WeCom and browsers reach this server, without a trailing slash.",
        sample='"https://bot.example.com"',
    )
    verify_file: RelativePath | None = setting(
        None,
        "The WW_verify_….txt file WeCom gives for a trusted domain; served at the root under its own name.",
        sample='"WW_verify_abc123.txt"',
    )
    frame_ancestors: tuple[Origin, ...] = setting(
        (),
        "Pages under /sidebar/ may be framed by pages of these origins; WeCom itself needs none.",
        sample='["https://intranet.example.com"]',
    )
    jssdk_url: WebAddress = setting(
        "",
        "Script that gives window.ww to the pages under /sidebar/; empty: the JS-SDK that was set up.",
        sample='"https://cdn.example.com/wecom.js"',
    )
    shutdown_seconds: float = setting(
        10.0, "How long a stop waits for work in flight.", unit="seconds", ge=0, le=300
    )


class StoreSettings(Section):
    """The database and the data folder."""

    url: str = setting(
        "sqlite:///data/guanjia.db",
        "sqlite:///FILE (relative to this file; four slashes for an absolute path) or "
        "postgresql://user:password@host/database.",
        secret_file=True,
        repr=False,
    )
    data_folder: RelativePath = setting(Path("data"), "Folder for media and caches.")

    @field_validator("url")
    @classmethod
    def _check_url(cls, value: str, info: ValidationInfo) -> str:
        if value.startswith(("postgresql://", "postgres://")):
            return "postgresql://" + value.split("://", 1)[1]
        if not value.startswith("sqlite:///") or value == "sqlite:///":
            raise ValueError(
                "只支持 sqlite:///文件 或 postgresql://用户@主机/库 / must be sqlite:///FILE or postgresql://user@host/database"
            )
        return "sqlite:///" + str(resolve_path(Path(value.removeprefix("sqlite:///")), info))


class Receiver(Section):
    """One callback receiver of the admin pages, with the credentials of the app behind it."""

    agent_id: int | None = setting(None, "AgentId, where the receiver is an app.", sample="1000002", ge=1)
    secret: SecretStr = required(
        "The app's Secret; the access token comes from it. The receiver aibot has none.",
        sample='"…"',
        min_length=1,
    )
    token: SecretStr = required(
        "Token of 接收消息服务器配置: 1 to 32 letters and digits.", sample='"…"', min_length=1
    )
    aes_key: SecretStr = required(
        "EncodingAESKey of the same page: exactly 43 letters and digits.", sample='"…"', min_length=1
    )
    receive_id: str | None = setting(
        None,
        "The id at the end of each decrypted message; default is corp_id, empty for an in-house aibot.",
        sample='""',
    )

    @field_validator("token")
    @classmethod
    def _check_token(cls, value: SecretStr) -> SecretStr:
        if not re.fullmatch(r"[A-Za-z0-9]{1,32}", value.get_secret_value()):
            raise ValueError(
                "必须是 1 到 32 个字母或数字，请从后台“接收消息服务器配置”重新复制 / "
                "must be 1 to 32 letters or digits; copy it again from the admin page"
            )
        return value

    @field_validator("aes_key")
    @classmethod
    def _check_key(cls, value: SecretStr) -> SecretStr:
        key = value.get_secret_value()
        if len(key) != 43:
            raise ValueError(
                f"有 {len(key)} 个字符，必须正好 43 个，请从后台重新复制 EncodingAESKey / "
                f"has {len(key)} characters and must have exactly 43; copy EncodingAESKey again"
            )
        if not re.fullmatch(r"[A-Za-z0-9+/]{43}", key):
            raise ValueError(
                "只能含字母和数字，请从后台重新复制 EncodingAESKey / "
                "may hold only letters and digits; copy EncodingAESKey again"
            )
        return value


class Archive(Section):
    """The message archive (会话存档), read through the platform's own library; without `library` it is off."""

    library: RelativePath | None = setting(
        None,
        "The Finance SDK's library for Linux, downloaded from WeCom (docs/archive.md).",
        sample='"libWeWorkFinanceSdk_C.so"',
    )
    secret: SecretStr = setting(
        SecretStr(""),
        "Secret of 会话内容存档; empty: that of the receiver archive.",
        sample='"…"',
    )
    private_keys: tuple[str, ...] = setting(
        (),
        "Private keys by version, each VERSION=FILE (PEM, PKCS#1 or PKCS#8). Keep every old one.",
        sample='["1=keys/archive-1.pem", "2=keys/archive-2.pem"]',
    )
    proxy: str = setting(
        "",
        "Proxy of the library.",
        sample='"http://10.0.0.1:8081"',
        pattern=r"^$|^(http|socks5)://[^\s/@]+:\d+$",
    )
    proxy_password: SecretStr = setting(SecretStr(""), "user:password of that proxy.", sample='"…"')
    timeout_seconds: int = setting(10, "Limit for one call of the library.", unit="seconds", ge=1, le=120)
    poll_seconds: float = setting(
        30.0, "How often the archive is read when no callback comes.", unit="seconds", ge=1, le=3600
    )
    page_size: int = setting(1000, "Entries of one call.", ge=1, le=1000)
    media_max_bytes: int = setting(
        200 * 1024 * 1024, "Larger files are noted but not kept.", unit="bytes", ge=0
    )
    policy_version: str = setting(
        "",
        "Version of the text by which customers are asked for their consent; kept with each consent.",
        sample='"2026-11"',
        max_length=32,
    )
    analyse_default_agree: bool = setting(
        False,
        "Also analyse what customers said who only agreed by the platform's default (Default_Agree).",
    )

    @field_validator("private_keys")
    @classmethod
    def _check_keys(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        return tuple(_check_private_key(one, info) for one in value)

    @property
    def is_on(self) -> bool:
        return self.library is not None

    @property
    def key_files(self) -> dict[int, Path]:
        """The files of the private keys by version."""
        split = (one.partition("=") for one in self.private_keys)
        return {int(version): Path(file) for version, _, file in split}


def _check_private_key(line: str, info: ValidationInfo) -> str:
    """Return VERSION=FILE with the whole path; raises ValueError that says what is wrong with the file."""
    version, _, name = (part.strip() for part in line.partition("="))
    if not version.isdigit() or not name:
        raise ValueError(f"看不懂“{line}”，请写成 版本=文件 / cannot read {line!r}; write VERSION=FILE")
    path = resolve_path(Path(name), info)
    try:
        archive_keys.read_key(path.read_bytes())
    except OSError as error:
        raise ValueError(
            f"读不了私钥文件 {path}（{error.strerror}）/ the key file {path} cannot be read ({error.strerror})"
        ) from None
    except ValueError as error:
        raise ValueError(f"{path} 不是可用的 RSA 私钥 / {path} {error}") from None
    return f"{int(version)}={path}"


class WeCom(Section):
    """The corp on the platform."""

    corp_id: str = required("企业ID of the admin pages (我的企业 → 企业信息).", sample='"ww…"', min_length=1)
    api_base: WebAddress = setting(
        "https://qyapi.weixin.qq.com",
        "Where the platform's API is reached; the sandbox, a proxy or a test server may stand here.",
        min_length=1,
    )
    login_base: WebAddress = setting(
        "https://open.weixin.qq.com",
        "Where browsers of staff log in silently (网页授权); a proxy or a test server may stand here.",
        min_length=1,
    )
    sso_base: WebAddress = setting(
        "https://login.work.weixin.qq.com",
        "Where browsers outside WeCom log in to the console by QR code (扫码登录); a test server may stand here.",
        min_length=1,
    )
    proxy_url: WebAddress = setting(
        "", "HTTP proxy for calls to the platform.", sample='"http://proxy.example.com:3128"'
    )
    timeout_seconds: float = setting(10.0, "Limit for one API call.", unit="seconds", gt=0, le=120)
    kf_msgid_repeat: Literal["refused", "accepted"] = setting(
        "refused",
        "What the platform does with a repeated own msgid in kf/send_msg. refused: a send cut short is "
        "repeated and the refusal counts as sent. accepted: it is never repeated and shown as unknown.",
    )
    kf_repeat_errcodes: tuple[int, ...] = setting(
        (95100,), "Error codes that mean: this msgid was taken before."
    )
    code_used_errcodes: tuple[int, ...] = setting(
        (41050,), "Error codes that mean: this welcome or event code was used or has expired."
    )
    receivers: dict[str, Receiver] = Field(
        description="The callback receivers: kf, contacts, assistant, archive, aibot. At least one.",
        json_schema_extra={"names": list(RECEIVERS)},
        min_length=1,
    )
    archive: Archive = Field(default_factory=Archive)

    @property
    def archive_secret(self) -> str:
        """The secret of the archive, "" when there is none."""
        receiver = self.receivers.get("archive")
        return self.archive.secret.get_secret_value() or (
            receiver.secret.get_secret_value() if receiver else ""
        )


class Kf(Section):
    """微信客服: reading and answering."""

    poll_seconds: float = setting(
        60.0, "How often each account is read when no callback comes.", unit="seconds", ge=1, le=3600
    )
    go_live_at: AwareDatetime | None = setting(
        None,
        "Customer messages sent before this are stored but never answered; without it, the moment of the "
        "first start counts.",
        sample="2026-12-01T09:00:00+08:00",
    )
    fresh_minutes: float = setting(
        10.0, "A turn older than this is not answered as if fresh.", unit="minutes", gt=0
    )
    turn_wait_seconds: float = setting(
        2.5, "How long a greeting or fragment waits for the next bubble.", unit="seconds", ge=0, le=30
    )
    sync_limit: int = setting(1000, "Messages per page of sync_msg.", ge=1, le=1000)
    media_max_bytes: int = setting(
        20 * 1024 * 1024, "Larger pictures, voices and files are noted but not kept.", unit="bytes", ge=0
    )


class Service(Section):
    """Opening hours and the people on duty."""

    timezone: str = setting("Asia/Shanghai", "Zone of the opening hours and of every time shown to people.")
    hours: tuple[str, ...] = setting(
        ("mon-sun 09:00-21:00",),
        "When people serve: days (mon…sun, a range or comma list) and a period; a day may have several.",
        sample='["mon-fri 09:00-18:00", "sat 09:00-12:00"]',
    )
    closed_on: tuple[date, ...] = setting(
        (), "Days without service, such as holidays.", sample="[2027-02-17]"
    )
    duty: tuple[str, ...] = setting(
        (),
        "UserIDs to hand a customer to, in this order; empty: the waiting pool of the account.",
        sample='["zhangsan", "lisi"]',
    )
    capacity: int = setting(
        10,
        "How many customers one person of service.duty serves at the same time; a roster has its own.",
        ge=1,
        le=100,
    )
    idle_minutes: int = setting(
        30,
        "A customer whom a person leaves without an answer so long is apologised to and taken back.",
        unit="minutes",
        ge=5,
        le=1440,
    )
    stopped_minutes: int = setting(
        5,
        "A customer who waits so long for a person who has stopped receiving is given to another one.",
        unit="minutes",
        ge=1,
        le=1440,
    )
    answer_minutes: tuple[int, int, int] = setting(
        (3, 5, 15),
        "A question that the bot gave to a person waits so long for that person, the colleague, the supervisor.",
        unit="minutes",
    )
    chat_answer_minutes: tuple[int, int, int] = setting(
        (30, 60, 120),
        "The same in a chat of an advisor with one customer, where the message archive hears it.",
        unit="minutes",
    )
    complaint_days: int = setting(15, "Due time of a complaint.", unit="days", ge=1, le=365)
    case_days: int = setting(1, "Due time of any other case.", unit="days", ge=1, le=365)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def periods(self) -> tuple[Period, ...]:
        return parse_hours(list(self.hours))

    @field_validator("timezone")
    @classmethod
    def _check_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError(
                f"没有“{value}”这个时区，请写 Asia/Shanghai 这样的名称 / "
                f"no time zone {value!r}; write a name like Asia/Shanghai"
            ) from None
        return value

    @field_validator("hours")
    @classmethod
    def _check_hours(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        parse_hours(list(value))
        return value


class Institution(Section):
    """The licensed institution behind a product line in platform mode."""

    name: str = required("Full name of the institution.", sample='"示例银行股份有限公司"', min_length=1)
    url: WebAddress = setting(
        "", "The institution's own platform; customers get this link.", sample='"https://bank.example.com"'
    )


class Company(Section):
    """Who speaks; the welcome and the notices name it."""

    name: str = setting("", "Full registered name; the welcome says it.", sample='"示例信息服务有限公司"')
    short_name: str = setting(
        "",
        "Short name of the assistant. No 理财/保险/贷款/基金/金融 in it unless licensed.",
        sample='"示例管家"',
    )
    licence: str = setting("", "Licence number, when there is one.", sample='"000000"')
    licence_name: str = setting("", "What the licence is called.", sample='"经营保险代理业务许可证"')
    phone: str = setting("", "Service phone for customers.", sample='"400-000-0000"')
    website: WebAddress = setting("", "The company's own site.", sample='"https://www.example.com"')
    institutions: dict[str, Institution] = Field(
        default_factory=dict,
        description="Per product line (loan, insurance, wealth): the licensed institution to refer to.",
        json_schema_extra={"names": ["loan", "insurance", "wealth"]},
    )


class ContentSettings(Section):
    """The texts."""

    folder: RelativePath = setting(
        "content",
        'Folder with the TOML texts; "content" means the shipped one where none stands beside this file.',
    )
    serve_samples: bool = setting(
        False, "Serve shipped texts nobody approved yet; for demos, refused against the official host."
    )

    @field_validator("folder", mode="before")
    @classmethod
    def _prefer_own_folder(cls, value: object, info: ValidationInfo) -> object:
        if str(value) == "content" and not resolve_path(Path("content"), info).is_dir():
            return SHIPPED_FOLDER / "content"
        return value


class EntityModes(Section):
    """What the company may say per line: licensed, platform (general knowledge and referral) or off."""

    loan: EntityMode = setting("platform", "Loans.", sample='"licensed"')
    insurance: EntityMode = setting("platform", "Insurance.", sample='"licensed"')
    wealth: EntityMode = setting("platform", "Wealth products and funds.", sample='"licensed"')
    service: EntityMode = setting(
        "licensed", "Account, app and process questions; no products, so no licence."
    )


class Answering(Section):
    """How sure an answer must be; confidence runs from 0 to 1 (docs/content.md)."""

    answer_at: float = setting(0.8, "From this confidence on the entry is answered.", ge=0, le=1)
    answer_at_by_words: float = setting(
        0.87, "The same where the meaning was not compared, only words.", ge=0, le=1
    )
    menu_at: float = setting(0.08, "From this confidence on it is offered in a menu.", ge=0, le=1)
    menu_size: int = setting(3, "Entries in a clarifying menu.", ge=2, le=9)
    by_meaning: bool = setting(
        True, "Compare meanings where words leave doubt; 70 MB, where it is installed."
    )


class Outbox(Section):
    """Sending."""

    in_flight: int = setting(4, "Sends at the same time per process.", ge=1, le=64)
    lease_seconds: float = setting(
        60.0, "A claimed delivery is taken over by another process after this.", unit="seconds", ge=5
    )
    max_attempts: int = setting(5, "Tries of a send that is safe to repeat.", ge=1, le=50)


class Pilot(Section):
    """Limits what acts while trying out; everything empty and false means no limit."""

    accounts: tuple[str, ...] = setting(
        (), "Only these kf accounts (open_kfid) are answered.", sample='["wk…"]'
    )
    advisors: tuple[str, ...] = setting((), "Only these advisors (UserID) take part.", sample='["zhangsan"]')
    groups: tuple[str, ...] = setting(
        (), "Only these customer groups (chat id) are served; SOPs of others stand still.", sample='["wr…"]'
    )
    suggest_only: bool = setting(
        False, "Nothing is sent by itself; answers, mass sends and cards are kept for a person."
    )


class People(Section):
    """Staff, customers and groups, read from the platform with the secret of the contacts receiver."""

    daily_at: time = setting(
        time(3, 30), "When everything is read anew every day, by service.timezone.", sample="03:30:00"
    )
    overrides: RelativePath | None = setting(
        None,
        "TOML or CSV file with what the address book does not know: team, co-owner, deputy, leave.",
        sample='"people.toml"',
    )


class Desk(Section):
    """The advisor's desk beside the chat."""

    require_registration: tuple[Literal["loan", "insurance", "wealth"], ...] = setting(
        ("insurance", "wealth"),
        "Lines for which the desk suggests answers only to members with a valid registration in people.overrides; "
        "the others are told which colleague may speak. Empty: for none.",
    )


class Sop(Section):
    """Group SOPs, and how much attention of staff the program may take."""

    internal_chat: str = setting(
        "",
        "Chat id of the internal group for reports, made by this app; empty: reports go out as cards.",
        sample='"ops1"',
    )
    poll_seconds: float = setting(
        60.0, "How often a mass send that waits for its owner is asked about.", unit="seconds", ge=5, le=3600
    )
    answer_minutes: tuple[int, int, int] = setting(
        (5, 15, 30),
        "A question in a group waits so long for the advisor, the co-owner, the supervisor.",
        unit="minutes",
    )
    cards_per_day: int = setting(
        12, "Cards to one person a day; urgent ones are not held back.", ge=1, le=200
    )
    card_gap_minutes: int = setting(10, "Least time between two cards.", unit="minutes", ge=0, le=240)
    day_card_at: time = setting(time(9, 0), "When the card with the day's work comes.", sample="09:00:00")
    slot_minutes: int = setting(
        30, "Cards of one such stretch of time become one.", unit="minutes", ge=1, le=240
    )

    @field_validator("day_card_at")
    @classmethod
    def _check_day_card(cls, value: time) -> time:
        if not time(6) <= value < time(21):
            raise ValueError(
                f"{value:%H:%M} 在安静时段里，请写 06:00 到 20:59 之间 / "
                f"{value:%H:%M} is in quiet hours; write a time from 06:00 to 20:59"
            )
        return value


class Audit(Section):
    """The quality audit of talks."""

    enabled: bool = setting(
        True, "Cut and judge what is on record; false: it is kept, and judged once this is true again."
    )
    from_at: AwareDatetime | None = setting(
        None, "Nothing said before is judged; without it everything is.", sample="2026-12-01T00:00:00+08:00"
    )
    batch: int = setting(50, "Talks looked at in one go.", ge=1, le=1000)
    most_messages: int = setting(
        2_000, "Messages held in memory at once; longer talks are judged in parts.", ge=100, le=100_000
    )


class Proof(Section):
    """The chain over what is on record, erasing what is over its time, and the search."""

    seal_seconds: float = setting(
        60.0, "How often what is new on record is sealed into the chain.", unit="seconds", ge=1, le=86400
    )
    signing_key_file: RelativePath | None = setting(
        None,
        "Ed25519 private key that signs the chain, made by `guanjia chain key`; empty: blocks are not signed.",
        sample='"secrets/chain.key"',
    )
    retention_enabled: bool = setting(
        False, "Erase at night what is over its time; see the report (guanjia retention report) first."
    )
    retention_approved_by: str = setting(
        "", "Who of the company approved the periods of content/retention.toml; needed to erase by them."
    )
    retention_at: time = setting(
        time(3, 30), "When what is over its time is erased, by the company's clock.", sample="03:30:00"
    )
    search_index: bool = setting(True, "Keep the index of the full-text search.")


class Console(Section):
    """The pages for staff."""

    picker: bool = setting(False, "Choose who you are without a password; only on loopback, for demos.")
    session_hours: float = setting(12.0, "A login lasts this long.", unit="hours", gt=0, le=720)
    secure_cookies: bool = setting(
        True, "Send the login cookie over https only; may be false only when host is loopback."
    )
    session_requests_per_minute: int = setting(
        600,
        "What one session may ask of the pages for staff; more is answered 429. 0: no limit.",
        unit="requests",
        ge=0,
    )
    address_requests_per_minute: int = setting(
        6000,
        "The same for one address, counted by each process; an office often shares one. 0: no limit.",
        unit="requests",
        ge=0,
    )
    sign_ins_per_minute: int = setting(
        300, "How often one address may try to come in; an office often shares one. 0: no limit.", ge=0
    )


class ClockSettings(Section):
    """Where the time comes from."""

    file: RelativePath | None = setting(
        None,
        "Shared clock file for demos and tests; refused against the official host.",
        sample='"clock.json"',
    )


class Log(Section):
    """The log on standard error."""

    level: Literal["debug", "info", "warning", "error"] = setting("info", "Least level written.")
    as_json: bool = setting(True, "One JSON object per line; false: plain text.", alias="json")


class Settings(Section):
    """All settings."""

    server: Server = Field(default_factory=Server)
    store: StoreSettings = Field(default_factory=StoreSettings)
    wecom: WeCom
    kf: Kf = Field(default_factory=Kf)
    service: Service = Field(default_factory=Service)
    company: Company = Field(default_factory=Company)
    content: ContentSettings = Field(default_factory=ContentSettings)
    entity_mode: EntityModes = Field(default_factory=EntityModes)
    answering: Answering = Field(default_factory=Answering)
    outbox: Outbox = Field(default_factory=Outbox)
    pilot: Pilot = Field(default_factory=Pilot)
    people: People = Field(default_factory=People)
    desk: Desk = Field(default_factory=Desk)
    sop: Sop = Field(default_factory=Sop)
    audit: Audit = Field(default_factory=Audit)
    proof: Proof = Field(default_factory=Proof)
    console: Console = Field(default_factory=Console)
    clock: ClockSettings = Field(default_factory=ClockSettings)
    log: Log = Field(default_factory=Log)

    @property
    def media_folder(self) -> Path:
        """Where fetched pictures, voices and files are kept."""
        return self.store.data_folder / "media"

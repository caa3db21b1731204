"""`guanjia demo`: the bot and the sandbox as two child processes, ready to be tried, with nothing to set up.

Writes a folder of its own (secrets made up once, settings, sandbox settings, clock file, database) and runs until
Ctrl-C. A bot that dies is started again a few times, so that somebody can kill it and see that nothing is lost.
The addresses and what to try first are printed in Chinese and English.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import signal
import socket
import string
import subprocess
import sys
import time
import urllib.error
import urllib.request
import webbrowser
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from bot import demo_archive, demo_desk, demo_pace, demo_talks
from bot.demo_archive import DemoArchive
from domain.errors import BotError, ConfigError

_CORP_ID = "ww1234567890abcdef"
_AGENT_ID = 1000002
_COMPANY = "示例信息服务有限公司"
_DUTY = ("zhangsan", "lisi")
_ROBOT = "知识助手"
_APPS = ("kf", "contacts", "assistant")
# Which of our pages stands in which chat toolbar.
_TOOLBARS = (("single", "customer"), ("group", "group"), ("kf", "customer"))
# Who and what is there: the sandbox's tables, what the address book does not know, the weeks that have begun.
_TOWN = Path(__file__).parent / "demo_town"
# The default service hours, with an hour left to try things in.
_ZONE = ZoneInfo("Asia/Shanghai")
_OPENS, _CLOSES = 9, 20
_MARKER = ".guanjia-demo"
_READY_SECONDS = 60.0
_STOP_SECONDS = 15.0
# How long the welcome waits until the groups are on record, so that they can begin their first week.
_GROUPS_SECONDS = 15.0
_RESTARTS = 5
# How often the children are looked after, and what comes next is told while the sandbox's clock hurries.
_LOOK_SECONDS, _HURRIED_SECONDS = 0.3, 0.03
# The action of a callback with a wrong signature: doctor sends one on purpose, and it is no reason for anything.
_REFUSED = "callback_refused"
_SANDBOX, _BOT = "沙箱 sandbox", "机器人 bot"


class DemoFailed(BotError):
    """A part of the demo ended by itself; its last lines say why."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Where the demo lives and listens."""

    folder: Path
    port: int
    sandbox_port: int

    @property
    def bot_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}"

    @property
    def config(self) -> Path:
        return self.folder / "config.toml"


def prepare(folder: Path, *, port: int, sandbox_port: int, fresh: bool = False) -> Plan:
    """Write what both processes need and return the plan; a port that is taken is replaced by the next free one.

    `fresh` removes a former demo. Raises ConfigError when the folder holds something else.
    """
    folder = folder.resolve()
    if folder.exists() and any(folder.iterdir()) and not (folder / _MARKER).is_file():
        raise ConfigError(
            [f"{folder} 里有别的东西，请用 --folder 换一个空目录。 (Holds something else; choose another.)"]
        )
    if fresh and folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MARKER).touch()
    keys = _keys(folder / "keys.json")
    bot_port = free_port(port)
    plan = Plan(folder=folder, port=bot_port, sandbox_port=free_port(sandbox_port, besides=bot_port))
    begun = _begun(folder)
    archive = demo_archive.prepare(folder.resolve() / "archive")
    _write(plan.config, _bot_settings(plan, keys, begun, archive))
    _write(folder / "sandbox.toml", _sandbox_settings(plan, keys, begun, archive))
    return plan


def _begun(folder: Path) -> datetime:
    """Return when the demo's clock began, starting it the first time."""
    # Real time until somebody moves it in the sandbox; a former fast-forward must not be undone: time never goes back.
    kept = folder / "begun.json"
    if not (folder / "clock.json").exists() or not kept.exists():
        now = time.time()
        begun = _in_hours(now)
        begin_at(folder, begun)
        if begun != now:
            print(
                "现在不在服务时间，演示时钟从上午 10:00 开始。 (Out of hours: the demo's clock starts at 10:00.)"
            )
    return datetime.fromtimestamp(json.loads(kept.read_text("utf-8")), _ZONE)


def begin_at(folder: Path, moment: float) -> None:
    """Let the demo's clock begin at `moment` (Unix seconds) now; the talks before it are told back from there."""
    now = time.time()
    _write(folder / "clock.json", json.dumps({"real_at": now, "virtual_at": moment, "rate": 1.0}))
    _write(folder / "begun.json", json.dumps(moment))


def _in_hours(now: float) -> float:
    """Return `now`, or the next 10:00 in China when nobody would be there to take over (Unix seconds)."""
    local = datetime.fromtimestamp(now, _ZONE)
    if _OPENS <= local.hour < _CLOSES:
        return now
    morning = local.replace(hour=10, minute=0, second=0, microsecond=0)
    return (morning if local.hour < _OPENS else morning + timedelta(days=1)).timestamp()


def free_port(wanted: int, *, besides: int = 0) -> int:
    """Return `wanted`, or the next port nobody listens on. Raises ConfigError after 50."""
    for port in range(wanted, min(wanted + 50, 65536)):
        if port == besides:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port != wanted:
            print(f"端口 {wanted} 被占用，改用 {port}。 (Port {wanted} is taken, using {port}.)")
        return port
    raise ConfigError([f"端口 {wanted} 及其后 50 个都被占用，请用 --port 指定。 (No free port.)"])


def _keys(path: Path) -> dict[str, str]:
    """Return this demo's secrets, made up the first time."""
    kept: dict[str, str] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    letters = string.ascii_letters + string.digits
    made = {"secret": secrets.token_urlsafe(32)}
    for receiver in (*_APPS, "aibot"):
        made[f"{receiver}_token"] = "".join(secrets.choice(letters) for _ in range(24))
        # The last of 43 characters carries four bits only; "A" is one every decoder accepts.
        made[f"{receiver}_key"] = "".join(secrets.choice(letters) for _ in range(42)) + "A"
    # A former demo may know fewer receivers.
    made |= kept
    if made != kept:
        _write(path, json.dumps(made))
    return made


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _bot_settings(plan: Plan, keys: dict[str, str], begun: datetime, archive: DemoArchive | None) -> str:
    receivers = "\n".join(
        f"[wecom.receivers.{name}]\nagent_id = {_AGENT_ID}\nsecret = {json.dumps(keys['secret'])}\n"
        f"token = {json.dumps(keys[f'{name}_token'])}\naes_key = {json.dumps(keys[f'{name}_key'])}\n"
        for name in _APPS
    )
    receivers += f"[wecom.receivers.aibot]\ntoken = {json.dumps(keys['aibot_token'])}\n"
    receivers += f"aes_key = {json.dumps(keys['aibot_key'])}\n"
    if archive is not None:
        receivers += archive.bot_section(keys["secret"])
    return f"""\
# 演示配置，由 guanjia demo 每次启动时重写。 (Rewritten at each start.)
[server]
port = {plan.port}
public_url = "{plan.bot_url}"
frame_ancestors = ["{plan.sandbox_url}"]
jssdk_url = "{plan.sandbox_url}/assets/ww.js"
[wecom]
corp_id = "{_CORP_ID}"
api_base = "{plan.sandbox_url}"
login_base = "{plan.sandbox_url}"
sso_base = "{plan.sandbox_url}"
{receivers}
[kf]
go_live_at = {begun.isoformat(timespec="seconds")}
[service]
duty = {json.dumps(_DUTY)}
[company]
name = "{_COMPANY}"
short_name = "示例管家"
phone = "400-000-0000"
[content]
serve_samples = true
[entity_mode]
loan = "licensed"
insurance = "licensed"
wealth = "licensed"
[people]
overrides = {json.dumps(str(_TOWN / "people.toml"))}
[console]
picker = true
secure_cookies = false
[clock]
file = "clock.json"
[log]
json = false
level = "warning"
"""


def _sandbox_settings(plan: Plan, keys: dict[str, str], begun: datetime, archive: DemoArchive | None) -> str:
    head = (
        f'host = "127.0.0.1"\nport = {plan.sandbox_port}\ncorp_id = "{_CORP_ID}"\n'
        f"clock_file = {json.dumps(str(plan.folder / 'clock.json'))}\n"
        f'corp_name = "{_COMPANY}"\nsidebar_url = "{plan.bot_url}/sidebar/"\n'
        + "".join(f'sidebar_{kind}_url = "{plan.bot_url}/sidebar/{page}"\n' for kind, page in _TOOLBARS)
        + (archive.sandbox_head if archive else "")
    )
    app = (
        f'[[app]]\nagent_id = {_AGENT_ID}\nname = "客服助手"\nsecret = {json.dumps(keys["secret"])}\n'
        f'trusted_domain = "127.0.0.1:{plan.port}"\n' + ("archive = true\n" if archive else "")
    )
    tables = [head, app]
    tables += [
        f'[[receiver]]\nname = "{name}"\nurl = "{plan.bot_url}/callback/{name}"\n'
        f"token = {json.dumps(keys[f'{name}_token'])}\naes_key = {json.dumps(keys[f'{name}_key'])}\n"
        # Taps on cards go to the receiver that carries the app's number.
        + (f"agent_id = {_AGENT_ID}\n" if name == "assistant" else "")
        for name in _APPS
    ]
    tables.append(
        f'[[receiver]]\nname = "aibot"\nurl = "{plan.bot_url}/callback/aibot"\nrobot = "{_ROBOT}"\n'
        f"token = {json.dumps(keys['aibot_token'])}\naes_key = {json.dumps(keys['aibot_key'])}\n"
    )
    tables.append((_TOWN / "sandbox.toml").read_text("utf-8"))
    tables.append(demo_desk.tables(_TOWN / "desk.toml"))
    tables.append(demo_talks.tables(_TOWN / "talks.toml", begun))
    return "# 演示沙箱，由 guanjia demo 每次启动时重写。 (Rewritten at each start.)\n" + "\n".join(tables)


# Running


def run(plan: Plan, *, opens_browser: bool = True) -> int:
    """Start both, tell where to go, and wait. Returns 0 after Ctrl-C.

    Raises DemoFailed when the sandbox ends by itself, or the bot more often than it is started again.
    """
    children: dict[str, subprocess.Popen[bytes]] = {}
    # SIGTERM ends the demo like Ctrl-C, so that its children end with it.
    former = signal.signal(signal.SIGTERM, signal.default_int_handler)
    visitors = demo_desk.Visitors(_TOWN / "desk.toml", plan.sandbox_url)
    try:
        sandbox = [sys.executable, "-m", "sandbox", "--config", str(plan.folder / "sandbox.toml")]
        children[_SANDBOX] = _start(plan, sandbox, "sandbox.log")
        _wait_until_ready(children, f"{plan.sandbox_url}/sandbox/state", plan)
        serve = [sys.executable, "-m", "bot", "serve", "--config", str(plan.config)]
        children[_BOT] = _start(plan, serve, "bot.log")
        _wait_until_ready(children, f"{plan.bot_url}/readyz", plan)
        asyncio.run(_add_people(plan))
        print(welcome(plan), flush=True)
        visitors.come()
        if opens_browser and os.environ.get("DISPLAY"):
            webbrowser.open(plan.sandbox_url)
        restarts, hints = 0, demo_pace.Hints(_database(plan), plan.sandbox_port)
        while True:
            if children[_BOT].poll() is not None and restarts < _RESTARTS:
                restarts += 1
                code = children[_BOT].returncode
                print(
                    f"机器人意外退出（{code}），第 {restarts}/{_RESTARTS} 次重启。"
                    f" (The bot ended; starting it again.)",
                    flush=True,
                )
                children[_BOT] = _start(plan, serve, "bot.log", mode="ab")
            _raise_if_ended(children, plan)
            time.sleep(_HURRIED_SECONDS if hints.give() else _LOOK_SECONDS)
    except KeyboardInterrupt:
        print("\n正在停止… (Stopping.)", flush=True)
        return 0
    finally:
        visitors.leave()
        _stop(children)
        signal.signal(signal.SIGTERM, former)


def _database(plan: Plan) -> Path:
    return plan.folder / "data" / "guanjia.db"


async def _add_people(plan: Plan) -> None:
    """Add the people of the picker and begin the weeks of the groups.

    The bot has laid the schema by now, and shares the right to write.
    """
    # Imported while the children start, not before: a newcomer waits for this moment.
    from bot import clock, demo_weeks
    from console import demo as people
    from store import database

    store = await database.Store.open(f"sqlite:///{_database(plan)}")
    try:
        now = clock.SystemClock().now()
        await store.write(lambda tx: people.ensure_logins(tx, now))
        business, deadline = clock.FileClock(plan.folder / "clock.json"), time.monotonic() + _GROUPS_SECONDS
        while not await demo_weeks.ensure(store, _TOWN / "weeks.toml", business.now()):
            if time.monotonic() > deadline:
                print(
                    "客户群还没有读到，请在管理后台自己加入流程。 (Groups not read yet; enrol them by hand.)"
                )
                return
            await asyncio.sleep(0.1)
    finally:
        await store.close()


def _start(plan: Plan, command: list[str], log: str, *, mode: str = "wb") -> subprocess.Popen[bytes]:
    root = Path(__file__).resolve().parents[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GUANJIA_")}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(root), environment.get("PYTHONPATH", "")]))
    with (plan.folder / log).open(mode) as file:
        # A group of its own: Ctrl-C reaches only us, and we stop the two in order.
        return subprocess.Popen(  # noqa: S603  # our own modules
            command, cwd=root, env=environment, stdout=file, stderr=file, start_new_session=True
        )


def _wait_until_ready(children: dict[str, subprocess.Popen[bytes]], url: str, plan: Plan) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        _raise_if_ended(children, plan)
        try:
            with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310  # loopback
                if response.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            pass  # Not yet listening, or not yet ready.
        time.sleep(0.05)
    raise DemoFailed(
        f"{url} 在 {_READY_SECONDS:.0f} 秒内没有就绪，日志在 {plan.folder}。 (Not ready in time.)"
    )


def _raise_if_ended(children: dict[str, subprocess.Popen[bytes]], plan: Plan) -> None:
    for name, child in children.items():
        if child.poll() is not None:
            log = plan.folder / ("sandbox.log" if name == _SANDBOX else "bot.log")
            lines = log.read_text("utf-8", "replace").splitlines()
            last = "\n".join([line for line in lines if _REFUSED not in line][-15:])
            raise DemoFailed(f"{name} 自行退出（{child.returncode}）。 (Ended by itself.) {log}:\n{last}")


def _stop(children: dict[str, subprocess.Popen[bytes]]) -> None:
    for child in reversed(children.values()):
        if child.poll() is None:
            child.terminate()
        try:
            child.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def welcome(plan: Plan) -> str:
    """Return what a newcomer reads first."""
    return f"""
  演示已就绪。  The demo is ready.

    客户聊天  customers' phones   {plan.sandbox_url}/
    员工手机  members' phones     {plan.sandbox_url}/client?userid=lisi
    问机器人  ask the robot       {plan.sandbox_url}/bot?userid=lisi   （只给同事 for colleagues）
    管理后台  console             {plan.bot_url}/console/   （免密，选一个身份 pick who you are）

  先试试  Try first
    1. 点客户名旁的二维码图标进入会话，看欢迎语。            Click the QR icon beside a name: the welcome.
    2. 发“退保能拿回多少”“提前还款要违约金吗”。              Ask one of these.
    3. 发“转人工”，切到接待人员一侧回复，再结束会话。         Ask for a person, answer as the servicer, end it.
    4. 在“管理后台”看每条回答用了哪个条目、为什么。           See in the console which entry answered and why.
    5. 快进时间，看下班后和超过 48 小时会怎样。               Fast-forward the clock.

  顾问工作台  The advisor's desk
       五位客户已经转给李四：打开“员工手机”→“客服”，点一位客户，右边侧边栏里点一下就回复。
       Five customers wait for 李四: open one under 客服 and answer with one tap in the sidebar.

  一个群的第一周  A group's first week
    6. 打开“员工手机”，您是群主李四；点上面的“到下一件事”，时间走到下一张卡片或群发就停。
       You are the owner; "到下一件事" runs to the next card or mass send.
    7. 后天 10:00 开群：在“群发”里确认；仪式的五句话打开“客户与群”→“侧边栏”，一点就发。
       Confirm the opening; send the ceremony's lines from the sidebar of the chat.
    8. 王五总是拖几小时才确认：在后台“客户群”（选林主管）看系统怎么提醒、怎么转给张三。
       Wangwu is always late: see reminders and the hand-over in the console, 客户群.
    9. 想一口气看完：“通讯录”里把李四改成“很快确认”，点“自动快进”，一周两三分钟，最后看首周得分。
       Let Lisi be prompt and press "自动快进": a week in two to three minutes, with its score.
    第三个群还没有开始，由您在后台选日子、勾准备项。 The third group waits for you.

  质检  The audit
   10. 后台选林主管，“质检”→“复核”：三位顾问前两天的对话里，有一位变着写法承诺了保本；按 1 确认。
       As 林主管 find the suspicion under 质检 → 复核 and confirm it.
   11. 王五的“员工手机”→“侧边栏”→“质检”：看依据，一点申诉；由赵合规决定。
       On 王五's phone see why and appeal; 赵合规 decides.

  数据和日志在 {plan.folder}；重新开始用 --fresh。按 Ctrl-C 停止。
  Data and logs are there; --fresh starts over. Ctrl-C stops.
"""

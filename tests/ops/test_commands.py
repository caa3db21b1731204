"""The command line, through its door: arguments in; exit code, output and database out."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import cli
from bot.clock import SystemClock
from bot.config.table import SHIPPED_FOLDER
from store import schema, tables
from store.database import Store
from tests.console import factory

ROOT = SHIPPED_FOLDER
GOOD = """
[server]
port = 0
[wecom]
corp_id = "ww0000000000000001"
api_base = "http://127.0.0.1:1"
[wecom.receivers.kf]
secret = "s3cret"
token = "token01"
aes_key = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
[company]
name = "示例信息服务有限公司"
[entity_mode]
insurance = "licensed"
loan = "licensed"
[answering]
by_meaning = false
"""


# The contract (docs/glossary.md has the words): people's scripts call these.
COMMANDS = (
    *(
        "serve",
        "demo",
        "sandbox",
        "migrate",
        "check",
        "doctor",
        "settings",
        "routes",
        "ask",
        "chat",
        "replay",
    ),
    *("admin", "content", "faq", "stop", "resume", "backup", "restore", "kf"),
)


@dataclass(frozen=True, kw_only=True)
class Done:
    code: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Run one command in this process; the log's handlers are put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def command(*arguments: str) -> Done:
        code = cli.main(list(arguments))
        out, err = capsys.readouterr()
        return Done(code=code, out=out, err=err)

    yield command
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def config(tmp_path: Path) -> str:
    """A configuration whose database does not exist yet."""
    return str(configured(tmp_path))


def configured(folder: Path, text: str = GOOD) -> Path:
    path = folder / "config.toml"
    path.write_text(text, "utf-8")
    return path


def rows(folder: Path, table: sa.Table) -> list[sa.Row[tuple[object, ...]]]:
    engine = sa.create_engine(f"sqlite:///{folder}/data/guanjia.db")
    with engine.connect() as connection:
        found = list(connection.execute(sa.select(table)))
    engine.dispose()
    return found


# --- help, settings, check ----------------------------------------------------------------------------------


def test_help_is_quick_because_commands_import_late() -> None:
    code = "import sys; from bot import cli; cli.main(['--help']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)

    # With any of these, help takes longer than the 0.16 s measured on 2026-11-21.
    heavy = {"pydantic", "sqlalchemy", "aiohttp", "rich.console", "jieba", "lxml", "wechatpy", "cryptography"}
    assert heavy.isdisjoint(done.stderr.split())


def test_every_command_of_the_contract_is_there(run: Run) -> None:
    listed = run("--help").out

    for name in COMMANDS:
        assert re.search(rf"^  {name} ", listed, re.MULTILINE), name
    assert "approve" in run("content", "--help").out
    assert "add" in run("admin", "--help").out
    assert "link" in run("kf", "--help").out


@pytest.mark.parametrize(
    "arguments",
    [
        ("servee",),
        ("stop",),
        ("stop", "cards", "--by", "x"),
        ("content", "approve", "--by", "x"),
        ("check", "--nope"),
    ],
)
def test_wrong_usage_is_exit_code_2(run: Run, config: str, arguments: tuple[str, ...]) -> None:
    assert run(*arguments).code == 2


def test_mistakes_in_the_settings_are_exit_code_2_one_line_each(run: Run, tmp_path: Path) -> None:
    path = configured(tmp_path, GOOD.replace("ABCDEFG", "ABCDEF").replace("corp_id", "corpid"))

    done = run("serve", "--config", str(path))

    assert done.code == 2
    lines = done.err.splitlines()
    assert len(lines) == 3
    assert all(line.startswith("错误 error: ") and str(path) in line for line in lines)
    assert "did you mean wecom.corp_id" in done.err
    assert "42" in done.err
    assert "Traceback" not in done.err


def test_a_taken_port_is_exit_code_2_and_named(run: Run, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        path = configured(tmp_path, GOOD.replace("port = 0", f"port = {port}"))
        done = run("serve", "--config", str(path))

    assert done.code == 2
    told = [line for line in done.err.splitlines() if line.startswith("错误")]
    assert len(told) == 1
    assert str(port) in told[0]
    assert "Traceback" not in done.err


def test_an_unreachable_database_is_exit_code_2_without_its_password(run: Run, tmp_path: Path) -> None:
    url = '[store]\nurl = "postgresql://guanjia:hunter2@127.0.0.1:1/none"\n'
    path = configured(tmp_path, GOOD + url)

    for command in ("serve", "migrate", "routes"):
        done = run(command, "--config", str(path))
        assert done.code == 2, command
        assert "store.url" in done.err
        assert "hunter2" not in done.err
        assert "Traceback" not in done.err


@pytest.mark.parametrize("command", ["serve", "migrate", "routes"])
def test_a_database_folder_that_cannot_be_made_is_one_sentence(
    run: Run, tmp_path: Path, command: str
) -> None:
    (tmp_path / "config.toml").write_text(GOOD + '[store]\nurl = "sqlite:////proc/nope/x.db"\n', "utf-8")

    done = run(command, "--config", str(tmp_path / "config.toml"))

    assert done.code == 2
    assert "/proc/nope" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("command", ["serve", "migrate", "doctor"])
def test_a_missing_driver_names_the_command_that_installs_it(
    run: Run, tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    (tmp_path / "config.toml").write_text(GOOD + '[store]\nurl = "postgresql://g@127.0.0.1:1/g"\n', "utf-8")

    done = run(
        command, "--config", str(tmp_path / "config.toml"), *(["--offline"] if command == "doctor" else [])
    )

    assert done.code == (1 if command == "doctor" else 2)
    assert "GUANJIA_WITH=postgres ./guanjia --help" in (done.out + done.err).replace("\n", "")
    assert "Traceback" not in done.err


def test_settings_are_printed_without_secrets(run: Run, config: str) -> None:
    done = run("settings", "--config", config)

    assert done.code == 0
    assert 'corp_id = "ww0000000000000001"' in done.out
    assert "s3cret" not in done.out


def test_check_tells_settings_content_and_clock_file_in_one_go(run: Run, tmp_path: Path) -> None:
    faq = tmp_path / "content" / "faq"
    faq.mkdir(parents=True)
    (faq / "loan.toml").write_text("[[faq]]\nid = 'loan.x'\n")
    (tmp_path / "clock.json").write_text("{}")
    path = configured(tmp_path, GOOD + '[clock]\nfile = "clock.json"\n')

    done = run("check", "--config", str(path))

    assert done.code == 2
    assert "content/faq/loan.toml:1" in done.out
    assert "clock.json" in done.out


def test_check_of_good_settings_is_exit_code_0_and_creates_nothing(
    run: Run, config: str, tmp_path: Path
) -> None:
    done = run("check", "--config", config)

    assert done.code == 0, done.out
    assert "0 errors" in done.out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.toml"]


def test_check_without_any_settings_looks_at_the_shipped_content(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    done = run("check")

    assert done.code == 0, done.out
    assert "No configuration" in done.out


def test_routes_are_listed_with_the_callback(run: Run, config: str) -> None:
    listed = run("routes", "--config", config).out

    assert re.search(r"^GET +/callback/\{receiver\}$", listed, re.MULTILINE)
    assert re.search(r"^POST +/callback/\{receiver\}$", listed, re.MULTILINE)
    assert "/metrics" in listed


# --- ask ----------------------------------------------------------------------------------------------------


def test_ask_prints_answer_reasons_source_and_validity_without_settings(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    done = run("ask", "退保能拿回多少", "--lexical")

    assert done.code == 0
    for words in (
        "No configuration",
        "answer",
        "现金价值",
        "insurance.",
        "《保险法》",
        "有效期",
        "content/faq/insurance",
    ):
        assert words in done.out, words


def test_ask_obeys_the_licence_of_the_settings(run: Run, tmp_path: Path) -> None:
    licensed = run("ask", "退保能拿回多少", "--config", str(configured(tmp_path)))
    off = run("ask", "退保能拿回多少", "--config", str(configured(tmp_path, GOOD.replace("licensed", "off"))))

    assert "现金价值" in licensed.out.split("条目")[0]
    assert "现金价值" not in off.out.split("条目")[0]
    assert "entity_mode = off" in off.out


def test_ask_hands_a_wish_for_a_person_over(run: Run, config: str) -> None:
    done = run("ask", "转人工", "--config", config)

    assert "handover" in done.out


def test_chat_welcomes_answers_and_takes_menu_numbers(
    run: Run, config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("退保能拿回多少\n1\nexit\n"))

    done = run("chat", "--config", config)

    assert done.code == 0
    assert "示例信息服务有限公司" in done.out
    assert done.out.count("[answer]") == 2


# --- acts ---------------------------------------------------------------------------------------------------


def test_migrate_makes_the_schema_and_says_so_once(run: Run, config: str, tmp_path: Path) -> None:
    first = run("migrate", "--config", config)
    second = run("migrate", "--config", config)

    assert (first.code, second.code) == (0, 0)
    assert schema.HEAD in first.out
    assert "已是最新" in second.out
    assert schema.version_of(f"sqlite:///{tmp_path}/data/guanjia.db") == schema.HEAD


def test_an_older_database_is_left_alone_and_the_command_named(run: Run, config: str, tmp_path: Path) -> None:
    run("migrate", "--config", config)
    engine = sa.create_engine(f"sqlite:///{tmp_path}/data/guanjia.db")
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0000'"))
    engine.dispose()

    done = run("serve", "--config", config)

    assert done.code == 2
    assert "guanjia migrate" in done.err


def test_a_login_is_added_once_with_its_password_hashed(
    run: Run, config: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))
    added = run("admin", "add", "chen", "--password-stdin", "--config", config)
    lin = ("--random-password", "--member", "linzhuguan", "--config", config)
    made_up = run("admin", "add", "lin", "--role", "supervisor", *lin)
    again = run("admin", "add", "lin", "--random-password", "--config", config)
    taken = run("admin", "add", "lin2", *lin)

    assert (added.code, made_up.code, again.code, taken.code) == (0, 0, 2, 2)
    assert "linzhuguan" in taken.err
    assert re.search(r"密码.*: [\w-]{20}$", made_up.out, re.MULTILINE)
    assert "taken" in again.err
    assert "correct horse" not in added.out
    logins = rows(tmp_path, tables.login)
    assert [(login.name, login.staff_id is not None) for login in logins] == [("chen", False), ("lin", True)]
    assert all(login.password_hash.startswith("$argon2id$") for login in logins)
    assert [role.role for role in rows(tmp_path, tables.role)] == ["admin", "supervisor"]


def test_a_bad_login_is_told_with_all_that_is_wrong(
    run: Run, config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))

    done = run("admin", "add", "a b", "--role", "king", "--password-stdin", "--config", config)

    assert done.code == 2
    assert len(done.err.splitlines()) == 3


def test_without_a_terminal_admin_add_says_how_to_give_the_password(
    run: Run, config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))

    done = run("admin", "add", "chen", "--config", config)

    assert done.code == 2
    assert "--random-password" in done.err


def test_content_is_approved_by_name_entry_by_entry_and_as_a_whole(
    run: Run, config: str, tmp_path: Path
) -> None:
    one = run("faq", "approve", "loan.prepay", "--by", "王芳", "--config", config)
    unknown = run("content", "approve", "loan.prepay", "loan.nonsense", "--by", "王芳", "--config", config)
    listed = run("content", "list", "--config", config)
    everything = run("content", "approve", "--all", "--by", "李雷", "--note", "看过", "--config", config)

    assert (one.code, unknown.code, listed.code, everything.code) == (0, 1, 0, 0)
    assert "早已审批 loan.prepay" in unknown.out
    assert "loan.nonsense" in unknown.out
    assert re.search(r"loan\.prepay .*王芳", listed.out)
    assert "未审批" in listed.out
    assert "已审批 welcome（李雷）" in everything.out
    approvals = rows(tmp_path, tables.approval)
    assert approvals[0].approved_by == "王芳"
    assert len(approvals) == len(rows(tmp_path, tables.content_version))
    assert {row.note for row in approvals[1:]} == {"看过"}


def test_words_of_sops_are_approved_one_by_one_by_template_and_listed(
    run: Run, config: str, tmp_path: Path
) -> None:
    name = ["--by", "王芳", "--config", config]
    one = run("content", "approve", "sop:finance_week1/opening", "sop:finance_week1/no_such", *name)
    template = run("content", "approve", "sop:finance_week1", *name)
    listed = run("content", "list", "--config", config)
    expiring = run("faq", "expiring", "--config", config)

    assert (one.code, template.code, listed.code, expiring.code) == (1, 0, 0, 0)
    assert "已审批 sop:finance_week1/opening（王芳）" in one.out
    assert "没有这个条目 sop:finance_week1/no_such" in one.out
    assert "早已审批 sop:finance_week1/opening" in template.out
    assert "已审批 sop:finance_week1/light（王芳）" in template.out
    versions = {row.id: row for row in rows(tmp_path, tables.content_version)}
    approved = [versions[row.content_version_id] for row in rows(tmp_path, tables.approval)]
    assert {row.kind for row in approved} == {"sop"}
    assert {row.key.partition("/")[0] for row in approved} == {"finance_week1"}
    assert re.search(r"sop:group_repair/ask .*未审批", listed.out)


def test_faq_approve_takes_several_entries_or_all_of_them_and_no_fixed_reply(
    run: Run, config: str, tmp_path: Path
) -> None:
    two = run("faq", "approve", "loan.prepay", "loan.lpr", "--by", "王芳", "--config", config)
    neither = run("faq", "approve", "--by", "王芳", "--config", config)
    reply = run("faq", "approve", "welcome", "--by", "王芳", "--config", config)
    everything = run("faq", "approve", "--all", "--by", "王芳", "--config", config)

    assert (two.code, neither.code, reply.code, everything.code) == (0, 2, 1, 0)
    assert "已审批 loan.lpr（王芳）" in two.out
    assert "没有这个条目 welcome" in reply.out
    versions = {row.id: row.kind for row in rows(tmp_path, tables.content_version)}
    approved = [versions[row.content_version_id] for row in rows(tmp_path, tables.approval)]
    assert set(approved) == {"faq"}
    assert len(approved) == list(versions.values()).count("faq")


def test_faq_try_tells_what_the_customer_would_read_also_after_another_answer(run: Run, config: str) -> None:
    done = run("faq", "try", "提前还款要违约金吗", "--config", config)
    after = run("faq", "try", "依据是什么", "--after", "loan.prepay", "--config", config)

    assert (done.code, after.code) == (0, 0)
    assert "贷款有风险" in done.out
    assert "《民法典》第677条" in after.out.split("条目")[0]


def test_faq_explain_shows_every_layer_beside_the_thresholds(run: Run, config: str) -> None:
    done = run("faq", "explain", "我借了10万年化7.2%，提前還款要違約金嗎", "--config", config)

    assert done.code == 0
    for words in (
        "loan.prepay",
        "把握",
        "起回答",
        "起给选项",
        "读音",
        "最接近的问法",
        "依据",
        "100,000",
        "提前还款",
    ):
        assert words in done.out.replace("100000", "100,000"), words


def test_faq_gaps_groups_what_was_not_answered(run: Run, config: str, tmp_path: Path) -> None:
    empty = run("faq", "gaps", "--config", config)

    async def fill() -> None:
        store = await Store.open(f"sqlite:///{tmp_path}/data/guanjia.db")

        async def job(tx: AsyncConnection) -> None:
            make = factory.Maker(tx, SystemClock().now() - timedelta(days=3))
            for number, words in enumerate(
                ("换绑手机号怎么弄", "换绑手机号怎么弄？", "你们招人吗 13812345678")
            ):
                talk = await make.talk(f"wm{number}")
                await make.decides(talk, await make.says(talk, words), "clarify", ("loan.prepay", 0.2, []))

        await store.write(job)
        await store.close()

    asyncio.run(fill())
    found = run("faq", "gaps", "--config", config)
    yesterday = run("faq", "gaps", "--since", "1", "--config", config)

    assert (empty.code, found.code) == (0, 0)
    assert "0 次没答好" in empty.out
    assert "3 次没答好，归成 2 类" in found.out
    assert "换绑手机号怎么弄" in found.out
    assert "13812345678" not in found.out
    assert "0 次没答好" in yesterday.out


def test_faq_expiring_lists_what_ends_and_what_is_to_be_written(run: Run, config: str) -> None:
    done = run("faq", "expiring", "--config", config)
    nobodys = run("faq", "expiring", "--reviewer", "没有这个人", "--config", config)

    assert (done.code, nobodys.code) == (0, 0)
    assert "loan.one_time_repair" in done.out
    assert "规则已到期" in done.out
    assert "等公司补充：" in done.out
    assert "loan.one_time_repair" not in nobodys.out


@pytest.mark.parametrize("name", ["sample", "Sample ", "", "   ", "--", "示例"])
def test_nobodys_name_approves_nothing(run: Run, config: str, tmp_path: Path, name: str) -> None:
    done = run("content", "approve", "loan.prepay", f"--by={name}", "--config", config)

    assert done.code == 2
    assert "--by" in done.err
    assert not (tmp_path / "data").exists()


def test_a_line_is_stopped_and_resumed_with_name_and_reason(run: Run, config: str, tmp_path: Path) -> None:
    codes = [
        run("stop", "loan", "--by", "赵合规", "--reason", "监管问询", "--config", config).code,
        run("stop", "loan", "--by", "赵合规", "--config", config).code,
        run("resume", "loan", "--by", "赵合规", "--config", config).code,
        run("resume", "loan", "--by", "赵合规", "--config", config).code,
    ]

    assert codes == [0, 0, 0, 0]
    (stop,) = rows(tmp_path, tables.line_stop)
    assert (stop.line, stop.stopped_by, stop.reason, stop.resumed_by) == (
        "loan",
        "赵合规",
        "监管问询",
        "赵合规",
    )


def test_replay_queues_a_known_event_and_fails_for_an_unknown_one(
    run: Run, config: str, tmp_path: Path
) -> None:
    run("migrate", "--config", config)
    engine = sa.create_engine(f"sqlite:///{tmp_path}/data/guanjia.db")
    with engine.begin() as connection:
        at = sa.func.current_timestamp()
        row = {"key": "k1", "receiver": "kf", "kind": "x", "body": b"", "state": "failed", "attempt": 9}
        connection.execute(
            tables.event.insert().values({**row, "received_at": at, "due_at": at, "error": "boom"})
        )
    engine.dispose()

    known = run("replay", "k1", "--config", config)
    unknown = run("replay", "k2", "--config", config)

    assert (known.code, unknown.code) == (0, 1)
    (event,) = rows(tmp_path, tables.event)
    assert (event.state, event.attempt, event.error) == ("new", 0, None)


def test_backup_and_restore_go_round(run: Run, config: str, tmp_path: Path) -> None:
    run("content", "approve", "--all", "--by", "王芳", "--config", config)
    approvals = len(rows(tmp_path, tables.approval))

    saved = run("backup", str(tmp_path / "b.tar"), "--config", config)
    twice = run("backup", str(tmp_path / "b.tar"), "--config", config)
    refused = run("restore", str(tmp_path / "b.tar"), "--config", config)
    (tmp_path / "new").mkdir()
    fresh = str(configured(tmp_path / "new"))
    restored = run("restore", str(tmp_path / "b.tar"), "--config", fresh)

    assert (saved.code, twice.code, refused.code, restored.code) == (0, 2, 1, 0)
    assert "--force" in refused.err
    assert len(rows(tmp_path / "new", tables.approval)) == approvals > 0


def test_laying_the_first_tables_is_not_told_line_by_line(tmp_path: Path) -> None:
    from bot import logs

    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        logs.configure(level="info", as_json=True, stream=stream)
        schema.upgrade(f"sqlite:///{tmp_path}/new.db")
    finally:
        root.handlers[:], root.level = handlers, level

    assert stream.getvalue() == ""


def test_the_log_holds_actions_and_masks_people(capsys: pytest.CaptureFixture[str], run: Run) -> None:
    from bot import logs

    stream = io.StringIO()
    logs.configure(level="info", as_json=True, stream=stream)
    log = logging.getLogger("test")

    log.info(
        "sent to %s", "13812345678", extra={"action": "sent", "delivery": "d1", "note": "110101199003078888"}
    )
    log.info("called", extra={"action": "called", "url": "/cgi-bin/x?access_token=AT&corpsecret=S3"})
    try:
        raise ValueError("6222 0212 3456 7890 123")
    except ValueError:
        log.exception("broke", extra={"action": "broke"})

    first, second, third = (json.loads(line) for line in stream.getvalue().splitlines())
    assert first["action"] == "sent"
    assert first["delivery"] == "d1"
    assert first["message"] == "sent to *******5678"
    assert first["note"].endswith("****8888")
    assert "AT&" not in second["url"]
    assert "S3" not in second["url"]
    assert "6222" not in third["exc_info"]
    assert re.match(r"\d{4}-\d\d-\d\dT.*\+00:00$", third["at"])

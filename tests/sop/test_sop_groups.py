"""guanjia sop status, enrol, pause, resume, end: through the command line into the database and back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import cli
from bot.cli import sop_groups
from bot.clock import write_clock_file
from console import group_page
from domain.groups import GroupSight, MemberKind
from domain.people import StaffSight, StaffStatus
from domain.stays import Joined
from store import groups, schema, staff, tables
from store.database import Store

# A Monday, 10:00 in Shanghai.
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
SETTINGS = """
[wecom]
corp_id = "ww0000000000000001"
api_base = "http://127.0.0.1:1"
[wecom.receivers.kf]
secret = "s3cret"
token = "token01"
aes_key = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
[content]
serve_samples = true
[answering]
by_meaning = false
[clock]
file = "clock.json"
"""

Run = Callable[..., tuple[int, str]]


async def found_groups(url: str) -> None:
    """Put one owner with three groups into a new database; two groups share a name."""
    store = await Store.open(url)

    async def job(tx: AsyncConnection) -> None:
        owner = StaffSight(
            platform_id="zhangsan",
            name="张三",
            departments=(1,),
            leader_platform_id="",
            status=StaffStatus.ACTIVE,
        )
        await staff.record_sights(tx, [owner], NOW)
        for chat_id, name in (("wr1", "安心一群"), ("wr2", "同名群"), ("wr3", "同名群")):
            sight = GroupSight(
                chat_id=chat_id,
                name=name,
                notice="",
                owner_platform_id="zhangsan",
                created_at=NOW,
                member_version="1",
                members={"zhangsan": (MemberKind.STAFF, Joined(at=NOW))},
                at=NOW,
            )
            await groups.record_sight(tx, sight, NOW)

    await store.write(job)
    await store.close()


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Run a command with a configuration, a clock that stands and three groups; the log is put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    (tmp_path / "config.toml").write_text(SETTINGS, "utf-8")
    write_clock_file(tmp_path / "clock.json", virtual_at=NOW, rate=0.0)
    url = f"sqlite:///{tmp_path}/data/guanjia.db"
    (tmp_path / "data").mkdir()
    schema.upgrade(url)
    asyncio.run(found_groups(url))

    def command(*arguments: str) -> tuple[int, str]:
        code = cli.main(["sop", *arguments, "--config", str(tmp_path / "config.toml")])
        out, err = capsys.readouterr()
        return code, out + err

    yield command
    root.handlers[:] = handlers
    root.setLevel(level)


def history(folder: Path) -> list[tuple[str, str, str]]:
    """Return who did what with which note."""
    engine = sa.create_engine(f"sqlite:///{folder}/data/guanjia.db")
    its = tables.enrolment_entry.c
    with engine.connect() as connection:
        rows = connection.execute(sa.select(its.actor, its.act, its.note).order_by(its.id)).all()
    engine.dispose()
    return [(row.actor, row.act, row.note) for row in rows]


def test_the_facts_of_the_help_are_those_of_the_console() -> None:
    assert set(sop_groups.FACTS) == set(group_page.FACTS)


def test_a_group_is_enrolled_paused_resumed_and_ended(run: Run, tmp_path: Path) -> None:
    assert "没有群在流程里" in run("status")[1]

    fact = ("--fact", "teacher=陈老师", "--fact", "event_title=看懂三张纸")
    code, said = run(
        "enrol",
        "安心一群",
        "finance_week1",
        "--by",
        "王芳",
        "--rhythm",
        "full",
        "--opens",
        "2026-11-30",
        *fact,
    )
    assert (code, "2026-11-30 开群" in said) == (0, True), said
    listed = run("status")[1]
    for part in ("安心一群", "wr1", "完整", "等待开群", "2026-11-30，还有 7 天", "张三"):
        assert part in listed, listed

    why = ("--by", "王芳", "--reason", "群主请假")
    assert run("pause", "wr1", *why) == (0, "安心一群 已暂停。\n")
    assert "已暂停" in run("status")[1]
    assert run("resume", "wr1", *why) == (0, "安心一群 已恢复。\n")
    assert run("end", "安心一群", *why) == (0, "安心一群 已提前结束。\n")

    assert "没有群在流程里" in run("status")[1]
    assert history(tmp_path) == [
        ("王芳", "enrolled", "2026-11-30"),
        ("王芳", "paused", "群主请假"),
        ("王芳", "resumed", "群主请假"),
        ("王芳", "ended", "群主请假"),
    ]
    engine = sa.create_engine(f"sqlite:///{tmp_path}/data/guanjia.db")
    with engine.connect() as connection:
        (facts,) = connection.execute(sa.select(tables.enrolment.c.facts)).scalars().all()
    engine.dispose()
    assert facts == {"teacher": "陈老师", "event_title": "看懂三张纸"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("enrol", "没有这个群", "finance_week1"), "不存在或已经解散"),
        (("enrol", "同名群", "finance_week1"), "不止一个群叫“同名群”，请写群的编号：wr2、wr3"),
        (("enrol", "wr1", "finance_week9"), "没有流程 finance_week9"),
        (("enrol", "wr1", "finance_week1", "--rhythm", "wild"), "没有这种节奏"),
        (("enrol", "wr1", "finance_week1", "--opens", "2026-11-23"), "开群日最早是明天"),
        (("pause", "wr1", "--reason", "x"), "没有这个群的流程"),
    ],
)
def test_a_refused_act_is_its_sentence_and_exit_code_1(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    code, said = run(*arguments, "--by", "王芳")

    assert (code, sentence in said) == (1, True), said
    assert "Traceback" not in said
    assert history(tmp_path) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("enrol", "wr1", "finance_week1", "--by", "王芳", "--fact", "teacher"),
        ("enrol", "wr1", "finance_week1", "--by", "王芳", "--fact", "nobody=x"),
        ("enrol", "wr1", "finance_week1", "--by", "王芳", "--opens", "下周一"),
        ("enrol", "wr1", "finance_week1"),
        ("pause", "wr1", "--by", "王芳"),
    ],
)
def test_wrong_usage_is_exit_code_2(run: Run, arguments: tuple[str, ...]) -> None:
    assert run(*arguments)[0] == 2


def test_a_group_whose_owner_is_late_is_shown_with_who_and_how_many(run: Run, tmp_path: Path) -> None:
    run("enrol", "wr1", "finance_week1", "--by", "王芳", "--opens", "2026-11-30")
    run("enrol", "wr2", "finance_week1", "--by", "王芳", "--opens", "2026-11-30")
    engine = sa.create_engine(f"sqlite:///{tmp_path}/data/guanjia.db")
    its = tables.occurrence.c
    with engine.begin() as connection:
        first = sa.select(sa.func.min(its.id)).where(its.delivery == "A", its.enrolment_id == 1)
        late = {
            "state": "waiting_owner",
            "executor": "zhangsan",
            "due_at": NOW - timedelta(hours=3),
            "window_end": NOW - timedelta(hours=1),
        }
        connection.execute(sa.update(tables.occurrence).where(its.id == first.scalar_subquery()).values(late))
    engine.dispose()

    listed = run("status", "--late")[1]

    assert "安心一群" in listed
    assert "同名群" not in listed
    assert "最晚 2026-11-23 09:00" in listed
    assert "张三" in listed

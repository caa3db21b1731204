"""Exports: every form says the same, hides personal numbers, holds no formula, and is written down."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import signing
from bot.clock import FrozenClock
from bot.sealing import Sealer
from console import exporting, words
from console.exporting import Exporter
from content import pii
from store import erasures, logins, tables
from store.database import Store
from store.exports import ExportScope
from tests.proof import factory
from tests.proof.typing_in import type_in

sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
CELLS = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


async def made(store: Store, clock: FrozenClock) -> factory.Record:
    record = await factory.fill(store, clock.now())
    more = await store.write(
        lambda tx: factory.talk(
            tx, clock.now() + timedelta(hours=1), ["=HYPERLINK(1)", "证件110105194912310021"], first=9
        )
    )
    await store.write(
        lambda tx: erasures.erase(
            tx, more.messages[1:], reason="request", law="PIPL 47", by="qian", now=clock.now()
        )
    )
    await Sealer(store, clock).seal(everything=True)
    return record


def exporter(store: Store) -> Exporter:
    return Exporter(store=store, words=words.load(), zone=ZoneInfo("Asia/Shanghai"), company="示例公司")


@sqlite
async def test_every_message_is_there_with_what_proves_it(
    store: Store, frozen_clock: FrozenClock, tmp_path: Path
) -> None:
    record = await made(store, frozen_clock)
    scope = ExportScope(customer_id=record.customer)
    file = tmp_path / "out.csv"

    await exporter(store).write(file, scope, "csv", by="王芳", now=frozen_clock.now())
    text = file.read_bytes().decode("utf-8")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))

    assert text.startswith("\ufeff")
    assert [row["内容"] for row in rows] == [
        "您好，想问房贷",
        "可以提前还款",
        "谢谢，我的号码是138****8000",
        "'=HYPERLINK(1)",
        "",
    ]
    assert "疑似，未认定" in rows[0]["质检发现"]
    assert "guarantee.principal" in rows[0]["质检发现"]
    assert "复核确认：属实" in rows[0]["复核决定"]
    assert "申诉" in rows[0]["申诉"]
    assert "撤回" in rows[0]["撤回"]
    assert "PIPL 47" in rows[4]["删除"]
    assert all(re.fullmatch(r"[0-9a-f]{64}", row["摘要"]) and int(row["存证区块"]) > 0 for row in rows)
    assert rows[0]["发送时间"] == "2026-11-23 10:00:00 +0800"


@sqlite
async def test_a_spreadsheet_holds_cover_and_rows_and_no_formula(
    store: Store, frozen_clock: FrozenClock, tmp_path: Path
) -> None:
    record = await made(store, frozen_clock)
    file = tmp_path / "out.xlsx"

    cover = await exporter(store).write(
        file, ExportScope(customer_id=record.customer), "xlsx", by="王芳", now=frozen_clock.now()
    )
    with zipfile.ZipFile(file) as archive:
        first, second = (archive.read(f"xl/worksheets/sheet{number}.xml") for number in (1, 2))
    sheets = [ElementTree.fromstring(sheet) for sheet in (first, second)]
    told = ["".join(cell.itertext()) for cell in sheets[0].iter(f"{CELLS}is")]
    rows = list(sheets[1].iter(f"{CELLS}row"))

    assert not [cell for sheet in sheets for cell in sheet.iter(f"{CELLS}f")]
    assert len(rows) == 1 + cover.messages == 6
    assert told[0] == "示例公司 会话记录"
    assert "王芳" in told
    assert any("第 9 块" in text for text in told)
    assert "=HYPERLINK(1)" in "".join(sheets[1].itertext())


@sqlite
async def test_the_page_runs_no_script_and_escapes_what_people_wrote(
    store: Store, frozen_clock: FrozenClock, tmp_path: Path
) -> None:
    record = await made(store, frozen_clock)
    await store.write(
        lambda tx: factory.talk(tx, frozen_clock.now(), ["<script>alert(1)</script>"], first=20)
    )
    file = tmp_path / "out.html"

    await exporter(store).write(
        file, ExportScope(customer_id=record.customer), "html", by="王芳", now=frozen_clock.now()
    )
    page = file.read_text("utf-8")

    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert page.count("<article") == 6
    assert "@page" in page
    assert file.stat().st_mode & 0o077 == 0


@sqlite
async def test_an_advisor_gets_the_talks_they_spoke_in_and_the_decisions_about_them(
    store: Store, frozen_clock: FrozenClock, tmp_path: Path
) -> None:
    record = await made(store, frozen_clock)
    await store.write(lambda tx: factory.talk(tx, frozen_clock.now(), ["别人的"], customer="wmBert"))
    spoke = sa.update(tables.message).where(tables.message.c.id == record.messages[1])
    await store.write(lambda tx: tx.execute(spoke.values(servicer_id="ZhangSan")))
    frozen_clock.advance(timedelta(seconds=5))

    talks = await exporter(store).write(
        tmp_path / "a.csv", ExportScope(staff_id="ZhangSan"), "csv", by="x", now=frozen_clock.now()
    )
    about = await exporter(store).write(
        tmp_path / "b.csv", ExportScope(findings_of="ZhangSan"), "csv", by="x", now=frozen_clock.now()
    )
    late = ExportScope(staff_id="ZhangSan", since=frozen_clock.now() + timedelta(minutes=30))
    later = await exporter(store).write(tmp_path / "c.csv", late, "csv", by="x", now=frozen_clock.now())

    assert (talks.messages, about.messages, later.messages) == (5, 3, 2)


@sqlite
async def test_an_own_export_holds_nothing_about_a_colleague_in_the_same_message_5(
    store: Store, frozen_clock: FrozenClock, tmp_path: Path
) -> None:
    record = await made(store, frozen_clock)
    spans = tables.finding_span
    second = sa.select(spans.c.finding_id).where(spans.c.message_id == record.messages[1])
    its = tables.finding.c.id

    async def change(tx: AsyncConnection) -> None:
        finding_id = (await tx.execute(second)).scalar_one()
        await tx.execute(
            sa.insert(spans).values(finding_id=finding_id, message_id=record.messages[0], start=0, end=1)
        )
        about = {"subject": "LiSi", "note": "LiSi-secret"}
        await tx.execute(sa.update(tables.finding).where(its == finding_id).values(about))
        late = {"shown_at": frozen_clock.now() + timedelta(days=1), "note": "not-yet"}
        third = sa.select(spans.c.finding_id).where(spans.c.message_id == record.messages[2])
        await tx.execute(sa.update(tables.finding).where(its.in_(third)).values(late))
        entry = tables.finding_entry
        await tx.execute(
            sa.update(entry).where(entry.c.finding_id == finding_id).values(note="LiSi-decision")
        )

    await store.write(change)
    file = tmp_path / "mine.csv"
    frozen_clock.advance(timedelta(seconds=5))

    cover = await exporter(store).write(
        file, ExportScope(findings_of="ZhangSan"), "csv", by="x", now=frozen_clock.now()
    )
    text = file.read_text("utf-8")

    assert cover.messages == 1
    assert "guarantee.principal" in text
    assert not [word for word in ("LiSi", "not-yet") if word in text]


@sqlite
async def test_the_command_writes_the_file_and_the_access_log(
    store: Store,
    frozen_clock: FrozenClock,
    config: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    record = await made(store, frozen_clock)
    signing.make(tmp_path / "chain.key")
    given = ("--by", "王芳", "--config", str(config))
    out = tmp_path / "talk.html"

    done = await type_in(
        "export", "conversations", "--customer", "wmAnna", "--out", str(out), "--from", "2026-11-01", *given
    )
    again = await type_in("export", "conversations", "--customer", "wmAnna", "--out", str(out), *given)
    nobody = await type_in("export", "conversations", "--out", str(tmp_path / "x"), *given)

    assert (done, again, nobody) == (0, 2, 2)
    assert "5 条消息" in capsys.readouterr().out
    assert out.exists()
    async with store.read() as tx:
        log = await logins.list_access(tx, limit=1, subject=f"customer:{record.customer}")
    assert [(one.act, one.actor, one.note) for one in log] == [
        ("exported", "王芳", "html, 5 messages, masked")
    ]


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("我的手机138 0013 8000", "我的手机138****8000"),
        ("身份证11010519491231002X。", "身份证110105********002X。"),
        ("身份证110105194912310029", "身份证110105194912310029"),
        ("卡号6222020000000000000", "卡号6222***********0000"),
        ("单号6222020000000000001", "单号6222020000000000001"),
        ("座机010-12345678", "座机010-12345678"),
    ],
)
def test_numbers_of_persons_are_hidden_and_others_are_not(text: str, masked: str) -> None:
    assert pii.mask(text) == masked


@given(st.text(max_size=20))
def test_no_guarded_cell_begins_a_formula(cell: str) -> None:
    assert not exporting.guarded(cell).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert exporting.guarded(cell).removeprefix("'") == cell.removeprefix("'")
